"""An exchange ends, also with a server that never lets it end, on this machine's own network."""

import contextlib
import datetime
import gzip
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from attendee_sync import http_client
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import token_endpoint
from attendee_sync.rainfocus.access_token import TokenFault, TokenNotGrantedError
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from tests.support.processor import seconds
from tests.support.stack import CREDENTIALS, changed, token

pytestmark = pytest.mark.enable_socket

LIMITS = {"connect_timeout": 0.15, "read_timeout": 0.15}  # seconds, for an exchange both together
MUCH_LATER = 5  # seconds; the servers here go on for ever

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

# By name: how an answer begins, and what is sent again and again after that.
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue with headers": (b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"),
    "header line": (OK + b"X: ", b"y"),
    "headers": (OK, b"X: y\r\n"),
    "body": (OK + b"Content-Length: 60000\r\n\r\n", b"x"),
    "body without a length": (OK + b"\r\n", b" "),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"1;", b"x"),
    "chunk": (CHUNKED + b"EA60\r\n", b"x"),
    "chunks": (CHUNKED, b"1\r\nx\r\n"),
    "trailer line": (CHUNKED + b"0\r\nX: ", b"y"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n"),
    "gzip of nothing": (OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
}


@dataclass
class Server:
    """Takes connections and does with each as its script says, until it is stopped."""

    listener: socket.socket
    script: Callable[[socket.socket], object] = lambda _: None
    tls: ssl.SSLContext | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self.listener.accept()
                with taken, contextlib.suppress(OSError):
                    self._serve(taken)

    def _serve(self, taken: socket.socket) -> None:
        wrapped = self.tls.wrap_socket(taken, server_side=True) if self.tls else taken
        with wrapped:
            self.script(wrapped)

    def goes_on_sending(self, begin: bytes, piece: bytes, gap: float = 0.01) -> None:
        def script(taken: socket.socket) -> None:
            taken.recv(65_536)
            taken.sendall(begin)
            while not self.stopped.wait(gap):
                taken.sendall(piece)

        self.script = script


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Server(listener)
        thread = threading.Thread(target=made.serve)
        thread.start()
        yield made
        made.stopped.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def store(url: str, verify: Path | None = None, **fields: str) -> Answer:
    """Store an attendee, and see that it takes no longer than it may."""
    connection = changed(base_url=url, limits=LIMITS)
    person = Attendee("summit2027", {"email": "ada@example.com", **fields})
    with http_client.session(1) as session:
        session.verify = str(verify) if verify else True
        started = time.monotonic()
        answer = RainFocusClient(session).store(connection, token(), person, "")
        assert time.monotonic() - started < sum(LIMITS.values()) + MUCH_LATER
        return answer


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_that_drips_ends(server: Server, name: str) -> None:
    server.goes_on_sending(*ENDLESS[name])
    assert store(server.url).kind is AnswerKind.TRANSIENT


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_that_floods_ends(server: Server, name: str) -> None:
    begin, piece = ENDLESS[name]
    server.goes_on_sending(begin, piece * 100, gap=0)
    assert store(server.url).kind is not AnswerKind.STORED


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_that_drips_over_tls_ends(server: Server, certificate: Path, name: str) -> None:
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate)
    server.goes_on_sending(*ENDLESS[name])
    assert store(server.url, certificate).kind is AnswerKind.TRANSIENT


@pytest.mark.parametrize("name", ENDLESS)
def test_a_token_endpoint_that_drips_is_the_network(server: Server, name: str) -> None:
    server.goes_on_sending(*ENDLESS[name])
    connection = changed(auth={"token_url": server.url}, limits=LIMITS)
    started = time.monotonic()
    with http_client.session(1) as session, pytest.raises(TokenNotGrantedError) as caught:
        token_endpoint.obtain(session, connection, CREDENTIALS)
    assert time.monotonic() - started < sum(LIMITS.values()) + MUCH_LATER
    assert caught.value.cause is TokenFault.NETWORK


def test_a_tls_handshake_that_drips_ends(server: Server) -> None:
    a_long_record = b"\x16\x03\x03\x40\x00"
    server.goes_on_sending(a_long_record, b"\x02")
    url = server.url.replace("http", "https")
    assert store(url) == Answer(AnswerKind.TRANSIENT, message="ReadTimeout")


def test_tls_bytes_that_make_no_whole_record_end(server: Server, certificate: Path) -> None:
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate)

    def script(taken: Any) -> None:
        taken.recv(65_536)
        with socket.socket(fileno=taken.detach()) as bare:
            bare.sendall(b"\x17\x03\x03\x40\x00")
            while not server.stopped.wait(0.01):
                bare.sendall(b"x")

    server.script = script
    assert store(server.url, certificate).kind is AnswerKind.TRANSIENT


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("gap", [0.01, 60])
def test_a_request_that_is_not_read_ends(
    server: Server, certificate: Path, tls: bool, gap: float
) -> None:
    if tls:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate)

    def script(taken: socket.socket) -> None:
        while not server.stopped.wait(gap):
            taken.recv(1_024)

    server.script = script
    started = time.monotonic()
    with http_client.session(1) as session:
        session.verify = str(certificate)
        with pytest.raises(requests.ConnectionError):
            session.post(server.url, data=b"x" * 20_000_000, timeout=(0.15, 0.15))
    assert time.monotonic() - started < sum(LIMITS.values()) + MUCH_LATER


def test_a_host_that_is_looked_up_for_ever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(60))
    assert store("https://rf.example.com") == Answer(AnswerKind.TRANSIENT, message="ConnectTimeout")
    released.set()


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> str:
    """Give rf.example.com some addresses; return its URL."""
    look_up = socket.getaddrinfo

    def found(host: str, *more: Any, **options: Any) -> list[Any]:
        hosts = addresses if host == "rf.example.com" else (host,)
        return [answer for each in hosts for answer in look_up(each, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return "https://rf.example.com"


def test_a_host_of_a_hundred_silent_addresses_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(sock: socket.socket, _: object) -> None:
        time.sleep(sock.gettimeout() or 60)
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", connect)
    url = resolve(monkeypatch, *(f"192.0.2.{n}" for n in range(1, 101)))
    assert store(url) == Answer(AnswerKind.TRANSIENT, message="ConnectTimeout")


def test_each_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def connect(_: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    url = resolve(monkeypatch, "192.0.2.1", "192.0.2.2")
    assert store(url) == Answer(AnswerKind.TRANSIENT, message="ConnectionError")
    assert tried == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("status", [101, 102, 103, 199])
def test_an_announcement_is_no_answer(server: Server, status: int) -> None:
    def script(taken: socket.socket) -> None:
        taken.recv(65_536)
        taken.sendall(f"HTTP/1.1 {status} Announced\r\n\r\n".encode())
        taken.recv(65_536)  # the connection is given up

    server.script = script
    assert store(server.url) == Answer(AnswerKind.TRANSIENT, message="ConnectionError")


def test_a_flood_of_headers_costs_little(server: Server) -> None:
    header = b"X-A: " + b"y" * 60_000 + b"\r\n"
    server.goes_on_sending(OK + header * 90 + b"Content-Length: 2\r\n\r\n{}", b"")
    assert seconds(lambda: store(server.url)) < 1


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate"])
def test_a_body_that_swells_is_cut(server: Server, encoding: str) -> None:
    body = b" " * 50_000_000
    for _ in encoding.split(", "):
        body = gzip.compress(body) if "gzip" in encoding else zlib.compress(body)
    head = f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def script(taken: socket.socket) -> None:
        taken.recv(65_536)
        taken.sendall(OK + head + body)

    server.script = script
    with http_client.session(1) as session:
        answer = session.get(server.url, timeout=(10, 10), stream=True)
        received = http_client.receive(answer)
        answer.close()
    assert (received.complete, len(received.body)) == (False, http_client.MAX_ANSWER_BYTES)


def test_no_cookie_is_kept(server: Server) -> None:
    seen: list[bytes] = []

    def script(taken: socket.socket) -> None:
        for _ in range(2):
            seen.append(taken.recv(65_536))
            taken.sendall(OK + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\n{}")

    server.script = script
    with http_client.session(1) as session:
        for _ in range(2):
            with session.get(server.url, timeout=(10, 10), stream=True) as response:
                http_client.receive(response)
        assert not session.cookies
    assert len(seen) == 2
    assert b"cookie" not in b"".join(seen).lower()


def test_a_connection_has_as_much_time_for_its_next_exchange(server: Server) -> None:
    connections: list[socket.socket] = []

    def script(taken: socket.socket) -> None:
        connections.append(taken)
        while taken.recv(65_536):
            server.stopped.wait(0.1)
            taken.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    server.script = script
    with http_client.session(1) as session:
        for _ in range(8):
            with session.get(server.url, timeout=(0.2, 0.4), stream=True) as response:
                assert http_client.receive(response).body == b"{}"
    assert len(connections) == 1


def test_an_answer_that_is_not_streamed_is_read(server: Server) -> None:
    connections: list[socket.socket] = []

    def script(taken: socket.socket) -> None:
        connections.append(taken)
        while taken.recv(65_536):
            taken.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    server.script = script
    with http_client.session(1) as session:
        assert [session.get(server.url, timeout=10).content for _ in range(2)] == [b"{}"] * 2
    assert len(connections) == 1


def test_a_request_is_sent_in_one_piece(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[bytes] = []
    send = http.client.HTTPConnection.send

    def noted(made: http.client.HTTPConnection, data: bytes) -> None:
        pieces.append(data)
        send(made, data)

    monkeypatch.setattr(http.client.HTTPConnection, "send", noted)
    server.script = lambda taken: taken.sendall(taken.recv(65_536) and OK + b"\r\n{}")
    store(server.url)
    [piece] = pieces
    assert piece.startswith(b"POST ")
    assert b"ada@example.com" in piece


def test_a_query_may_hold_what_is_no_text() -> None:
    """As a token call's template gives it, asked for with GET."""
    with http_client.session(1) as session:
        urls = [
            session.prepare_request(requests.Request("GET", "http://host/path", params=params)).url
            for params in ({"a": ["1", "2"], "b": None}, {"a": {"b": "c"}}, {"a": 1}, {"a": True})
        ]
    assert urls == [f"http://host/path?a={rest}" for rest in ("1&a=2", "b", "1", "True")]


def test_a_request_needs_a_timeout() -> None:
    with http_client.session(1) as session, pytest.raises(TypeError):
        session.get("http://127.0.0.1:9")


def test_a_proxy_that_drips_ends(server: Server) -> None:
    server.goes_on_sending(*ENDLESS["headers"])
    with http_client.session(1) as session:
        session.proxies = {"http": server.url}
        with pytest.raises(requests.RequestException):
            session.get("http://rf.example.com", timeout=(0.15, 0.15))
