"""An HTTP server on this machine that gives prepared answers."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """What was received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Server(http.server.ThreadingHTTPServer):
    """Gives its answers (status and body) one after another, then 200 and `{}`."""

    daemon_threads = True
    received: list[Call]
    answers: list[tuple[int, bytes]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append(Call(self.command, self.path, dict(self.headers), body))
        status, answer = self.server.answers.pop(0) if self.server.answers else (200, b"{}")
        self.send_response(status)
        self.send_header("X-Kind", "answer")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - http.server calls it so

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(*answers: tuple[int, bytes]) -> Iterator[Server]:
    """Run such a server in a thread of its own."""
    with Server(("127.0.0.1", 0), _Handler) as server:
        server.received, server.answers = [], list(answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
