import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from attendee_sync import http_client as client
from attendee_sync.version import VERSION
from tests.support import fakes


def get(reply: fakes.Reply) -> client.HttpAnswer:
    session = fakes.Http(reply).session()
    with session.get("https://rf.example.com", stream=True) as response:
        return client.receive(response)


@pytest.mark.parametrize(
    ("size", "kept", "complete"),
    [(0, 0, True), (65_536, 65_536, True), (65_537, 65_536, False), (1_000_000, 65_536, False)],
)
def test_a_large_answer_is_cut(size: int, kept: int, complete: bool) -> None:
    received = get(fakes.Reply(200, b"x" * size))
    assert (len(received.body), received.complete) == (kept, complete)


def test_status_and_headers_are_kept() -> None:
    received = get(fakes.Reply(503, b"busy", {"Retry-After": "7"}))
    assert (received.status, received.body) == (503, b"busy")
    assert received.headers["retry-after"] == "7"


def test_a_session_reads_no_settings_of_the_machine() -> None:
    with client.session(1) as session:
        assert session.trust_env is False


def test_a_session_says_who_calls_and_which_version() -> None:
    with client.session(1) as session:
        assert session.headers["User-Agent"] == f"attendee-sync/{VERSION}"


class _Server(http.server.ThreadingHTTPServer):
    connections: set[object]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.connections.add(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as made:
        made.connections = set()
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def _fetch(server: _Server, session: requests.Session) -> Callable[[int], bytes]:
    url = f"http://127.0.0.1:{server.server_port}/"

    def fetch(_: int) -> bytes:
        with session.get(url, stream=True, timeout=10) as response:
            return client.receive(response).body

    return fetch


@pytest.mark.enable_socket
def test_a_connection_is_used_again(server: _Server) -> None:
    with client.session(1) as session:
        fetch = _fetch(server, session)
        assert [fetch(n) for n in range(5)] == [b"{}"] * 5
    assert len(server.connections) == 1


def test_what_may_pass_is_told_by_the_status() -> None:
    passing = {408, 420, 423, 425, 429, 430} | set(range(500, 600)) - {501}
    assert {status for status in range(100, 600) if client.is_transient(status)} == passing
