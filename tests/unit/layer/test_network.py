"""What comes of a network that fails, on this machine's own network or where it would begin."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from urllib3.connection import HTTPConnection

from attendee_sync import http_client
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import token_endpoint
from attendee_sync.rainfocus.access_token import TokenFault, TokenNotGrantedError
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from tests.support.stack import CREDENTIALS, changed, token

pytestmark = pytest.mark.enable_socket

SOON = 0.05  # seconds
_PATIENCE = 30.0  # in which a client that is lost must not keep the tests
STORED = json.dumps({"responseCode": "0", "access_token": "granted"}).encode()

type Script = Callable[[socket.socket], object]


@dataclass
class Server:
    """Takes one connection, reads one request and goes on as its script says."""

    port: int
    script: Script = lambda _: None

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"


def _serve(listener: socket.socket, server: Server) -> None:
    with contextlib.suppress(OSError):
        taken, _ = listener.accept()
        with taken:
            taken.settimeout(_PATIENCE)
            taken.recv(65_536)
            server.script(taken)


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Server(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, made))
        thread.start()
        yield made
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _limits(seconds: float, to_connect: float = 0) -> dict[str, float]:
    return {"connect_timeout": to_connect or seconds, "read_timeout": seconds}


def store(url: str, seconds: float = 10, shown: str = "token", to_connect: float = 0) -> Answer:
    connection = changed(base_url=url, limits=_limits(seconds, to_connect))
    person = Attendee("summit2027", {"email": "ada@example.com"})
    with http_client.session(1) as session:
        return RainFocusClient(session).store(connection, token(shown), person, "")


def refusal(url: str, seconds: float = 10) -> TokenNotGrantedError:
    connection = changed(auth={"token_url": url}, limits=_limits(seconds))
    with http_client.session(1) as session, pytest.raises(TokenNotGrantedError) as caught:
        token_endpoint.obtain(session, connection, CREDENTIALS)
    return caught.value


def _answer(body: bytes, length: int | None = None, status: str = "200 OK") -> bytes:
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode() + body


def hang_up(_: socket.socket) -> None:
    """Close without an answer."""


def reset(taken: socket.socket) -> None:
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up_too_early(taken: socket.socket) -> None:
    taken.sendall(_answer(STORED, length=1_000))


def reset_too_early(taken: socket.socket) -> None:
    taken.sendall(_answer(STORED, length=1_000))
    reset(taken)


def speak_something_else(taken: socket.socket) -> None:
    taken.sendall(b"220 mail.example.com ESMTP\r\n")


def never_answer(taken: socket.socket) -> None:
    while taken.recv(65_536):
        pass


def never_end(taken: socket.socket) -> None:
    taken.sendall(_answer(STORED, length=1_000))
    never_answer(taken)


def send_broken_gzip(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


@pytest.mark.parametrize(
    "script",
    [
        hang_up,
        reset,
        hang_up_too_early,
        reset_too_early,
        speak_something_else,
        never_answer,
        never_end,
        send_broken_gzip,
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_fails_is_passing(server: Server, script: Script, scheme: str) -> None:
    server.script = script
    answer = store(server.url.replace("http", scheme), SOON)
    assert answer.kind is AnswerKind.TRANSIENT
    assert answer.status is None
    assert answer.message.isidentifier()


@pytest.mark.parametrize(
    "script", [hang_up, reset, hang_up_too_early, speak_something_else, never_answer, never_end]
)
def test_a_token_endpoint_that_fails_is_the_network(server: Server, script: Script) -> None:
    server.script = script
    error = refusal(server.url, SOON)
    assert error.cause is TokenFault.NETWORK
    assert str(error).startswith("the token endpoint can't be reached: ")


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def refuse(_: pytest.MonkeyPatch) -> str:
    return f"http://127.0.0.1:{_closed_port()}"


def fail_to_resolve(monkeypatch: pytest.MonkeyPatch) -> str:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    return "https://rf.invalid"


def fail_to_connect(monkeypatch: pytest.MonkeyPatch) -> str:
    def slow(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", slow)
    return "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("trouble", "name"),
    [
        (refuse, "ConnectionError"),
        (fail_to_resolve, "ConnectionError"),
        (fail_to_connect, "ConnectTimeout"),
    ],
)
def test_a_server_that_cannot_be_reached_is_passing(
    monkeypatch: pytest.MonkeyPatch, trouble: Callable[[pytest.MonkeyPatch], str], name: str
) -> None:
    url = trouble(monkeypatch)
    assert store(url) == Answer(AnswerKind.TRANSIENT, message=name)
    error = refusal(url)
    assert error.cause is TokenFault.NETWORK
    assert str(error) == f"the token endpoint can't be reached: {name}"


@pytest.mark.parametrize(
    ("script", "name"),
    [(never_answer, "ReadTimeout"), (never_end, "ReadTimeout")],
)
def test_an_answer_that_does_not_come_has_a_name(server: Server, script: Script, name: str) -> None:
    server.script = script
    answer = store(server.url, SOON, to_connect=10)
    assert answer == Answer(AnswerKind.TRANSIENT, message=name)


def test_a_connection_for_which_there_is_no_time_left_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, made = HTTPConnection._new_conn, list[socket.socket]()

    def late(connection: HTTPConnection) -> socket.socket:
        made.append(connect(connection))
        time.sleep(3 * SOON)
        return made[0]

    monkeypatch.setattr(HTTPConnection, "_new_conn", late)
    assert store(server.url, SOON).kind is AnswerKind.TRANSIENT
    assert made[0].fileno() == -1


def test_tls_that_is_none_has_a_name(server: Server) -> None:
    server.script = speak_something_else
    assert store(server.url.replace("http", "https")) == Answer(
        AnswerKind.TRANSIENT, message="SSLError"
    )


LARGE = json.dumps({"responseCode": "0", "padding": "x" * 10_000_000}).encode()


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("200 OK", AnswerKind.PROFILE),
        ("500 Internal Server Error", AnswerKind.TRANSIENT),
        ("302 Found\r\nLocation: /elsewhere", AnswerKind.CONFIGURATION),
    ],
)
def test_ten_megabytes_are_not_read(server: Server, status: str, meaning: AnswerKind) -> None:
    sent: list[str] = []

    def script(taken: socket.socket) -> None:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        taken.sendall(_answer(LARGE, status=status))
        sent.append("all of it")

    server.script = script
    answer = store(server.url)
    assert answer.kind is meaning
    assert answer.status == int(status[:3])
    assert sent == []


def test_an_answer_in_one_piece_is_read(server: Server) -> None:
    server.script = lambda taken: taken.sendall(_answer(STORED))
    assert store(server.url).kind is AnswerKind.STORED


@pytest.mark.parametrize(
    "url",
    ["https://a..b", f"https://{'a' * 64}.example.com"],
)
def test_an_address_that_is_none_is_the_settings_fault(url: str) -> None:
    assert store(url).kind is AnswerKind.CONFIGURATION
    error = refusal(url)
    assert error.cause is TokenFault.TOKEN_URL
    assert str(error).startswith("auth.token_url is no usable address: ")


@pytest.mark.parametrize("value", ["two\nlines", "tok€n", "a zero-width\u200bspace"])
def test_a_token_that_no_header_can_hold_is_told(server: Server, value: str) -> None:
    server.script = lambda taken: taken.sendall(_answer(STORED))
    assert store(server.url, shown=value).kind is AnswerKind.CONFIGURATION
