"""A proxy before the local cloud that lets one service or another fail for a moment."""

import contextlib
import http.client
import itertools
import os
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_UPSTREAM_SECONDS = 70.0  # as long as a function may run that is invoked
_SILENT_SECONDS = 5.0  # longer than a function waits for an answer
_ERROR = b'{"__type": "ServiceUnavailable", "message": "injected fault"}'
_ERROR_TYPE = "application/x-amz-json-1.0"
# What belongs to one connection: RFC 9110, section 7.6.1.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_RESET = struct.pack("ii", 1, 0)


@dataclass
class AwsFaults:
    """A running proxy: which services fail, and how many calls have failed by service."""

    url: str
    failing: frozenset[str] = frozenset()
    failed: Counter[str] = field(default_factory=Counter)
    struck: threading.Event = field(default_factory=threading.Event)  # since fail()
    _ended: threading.Event = field(default_factory=threading.Event)
    _ways: Iterator[str] = field(
        default_factory=lambda: itertools.cycle(("unavailable", "reset", "silent"))
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, *services: str) -> None:
        """Have every call of these services fail: by turns HTTP 503, a reset, and no answer.

        They are named as in AWS's endpoints: sqs, dynamodb, ssm, secretsmanager.
        """
        self.struck.clear()
        self.failing = frozenset(services)

    def mend(self) -> None:
        """Have all services work again."""
        self.failing = frozenset()

    def take(self, service: str) -> str:
        """Return how a call fails and count it, or nothing if it does not."""
        if service not in self.failing:
            return ""
        with self._lock:
            self.failed[service] += 1
            self.struck.set()
            return next(self._ways)

    def end(self) -> None:
        """Let go of all calls that are kept waiting."""
        self._ended.set()

    def wait(self) -> None:
        """Keep a call waiting for longer than its caller does."""
        self._ended.wait(_SILENT_SECONDS)


@contextlib.contextmanager
def aws_faults(endpoint_url: str) -> Iterator[AwsFaults]:
    """Run a proxy before a local cloud, on a free port of this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = urlsplit(endpoint_url).netloc
    server.faults = AwsFaults(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, name="aws-faults")
    thread.start()
    try:
        yield server.faults
    finally:
        server.faults.end()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a connection that a function keeps open must not hold up the end
    upstream: str
    faults: AwsFaults

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: functions end their connections as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = _SERVICE.search(self.headers.get("Authorization", ""))
        match self.server.faults.take(found[1] if found else ""):
            case "unavailable":
                self._answer(503, {"Content-Type": _ERROR_TYPE}, _ERROR)
            case "reset":
                self._reset()
            case "silent":
                self.server.faults.wait()
                self.close_connection = True
            case _:
                self._forward(body)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: what is called may tell who somebody is."""

    def _forward(self, body: bytes) -> None:
        """Pass the call on as it is; its signature covers the name under which we were called."""
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=_UPSTREAM_SECONDS)
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        os.close(self.connection.detach())
        self.close_connection = True
