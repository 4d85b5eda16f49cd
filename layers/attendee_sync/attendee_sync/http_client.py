"""HTTP calls: sessions that keep connections, and exchanges that end, whatever arrives.

An exchange is one request and its answer: to look up the host, to connect, TLS, to send, the
answer's head and its body. requests bounds each wait for a byte, and no sum of such waits.
"""

import functools
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from attendee_sync import library_logs
from attendee_sync.version import VERSION

MAX_ANSWER_BYTES = 65_536
_BUSY_STATUSES = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        420,  # not registered; Twitter's API and others have it for 429
        430,  # likewise, Shopify's
    }
)
_TRANSIENT_STATUSES = _BUSY_STATUSES | {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
}
_CHUNK_BYTES = 8_192
_PIECE_BYTES = 16_384  # of what is sent: one TLS record, which one wait covers
_HOSTS = 8
# What a request raises whose address is none; the last two come through requests as they are.
UNUSABLE = (
    requests.exceptions.InvalidURL,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)
# When the exchange ends that this thread is in, by the monotonic clock.
_ends_at: ContextVar[float] = ContextVar("ends_at")


def is_success(status: int) -> bool:
    """Tell whether a server did what it was asked for, as far as it says so by its status."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def is_transient(status: int) -> bool:
    """Tell whether the same request may well succeed later: the server is busy or out of order."""
    return status in _TRANSIENT_STATUSES or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    )


def is_busy(status: int) -> bool:
    """Tell whether a server asks for fewer requests."""
    return status in _BUSY_STATUSES


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP answer. A body of more than 64 KiB is cut there and marked as not complete."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    complete: bool = True

    def members(self) -> dict[str, Any]:
        """Return the members of the JSON object that the body is, or none if it is none.

        An object with a name twice says two things: it is none.
        """
        try:
            value = json.loads(self.body, object_pairs_hook=without_repeats)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object's members. Raises ValueError if a name is there twice."""
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("a name is repeated")
    return value


def session(pool_size: int) -> requests.Session:
    """Return a session that keeps a connection open for each of as many threads.

    It says who it is, and which version. Its requests need a timeout. What one takes from its
    beginning to the last byte of its answer ends within the time to connect and the time to read,
    taken together.
    """
    library_logs.silence()
    made = _Session()
    made.headers["User-Agent"] = f"attendee-sync/{VERSION}"
    made.trust_env = False  # no .netrc: it would replace the Authorization header
    adapter = _Adapter(pool_connections=_HOSTS, pool_maxsize=pool_size, max_retries=0)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def prepare(http: requests.Session, request: requests.Request) -> requests.PreparedRequest:
    """Return a request as it is sent. Raises one of UNUSABLE if it can't be made.

    requests has InvalidHeader for one header that can't be sent, and for one of an answer that
    can't be read. Here it is the request's own.
    """
    try:
        return http.prepare_request(request)
    except requests.exceptions.InvalidHeader as error:
        raise requests.exceptions.InvalidURL("a header can't be sent") from error


def receive(response: requests.Response) -> HttpAnswer:
    """Read an answer that was requested with `stream=True`. Raises requests.RequestException."""
    body = b""
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                cut = body[:MAX_ANSWER_BYTES]
                return HttpAnswer(response.status_code, cut, response.headers, complete=False)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout("the answer takes too long") from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(type(error).__name__) from error
    return HttpAnswer(response.status_code, body, response.headers)


def _seconds_left() -> float:
    """Return what is left of this thread's exchange. Raises TimeoutError if nothing is."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the exchange takes too long")
    return left


class _SocketReader(io.RawIOBase):
    """Reads a socket; each wait ends with the exchange, or with the socket's own timeout."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._longest_silence = sock.gettimeout() or 0.0
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(min(self._longest_silence, _seconds_left()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_SocketReader(sock))


class _Connection(HTTPConnection):
    """A connection on which no exchange outlasts its time."""

    response_class = _Response
    _unsent: bytes | None = None  # of the request that is being made

    def _new_conn(self) -> socket.socket:
        """Connect to one of the host's addresses, with one timeout for all of them."""
        host, until = self._dns_host, time.monotonic() + min(self.timeout or 0.0, _seconds_left())
        addresses = self._addresses(host, until)
        try:
            while True:
                self._dns_host = addresses.pop(0)
                self.timeout = max(until - time.monotonic(), 0.001)
                try:
                    made = super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError):
                    if not addresses or time.monotonic() > until:
                        raise
                else:
                    return _in_time(made)
        finally:
            self._dns_host = host

    def _addresses(self, host: str, until: float) -> list[str]:
        host.encode("idna")  # raises UnicodeError if it is no name of a host
        try:
            return _look_up(host, self.port, until - time.monotonic())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "the host is looked up for too long") from error

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request in one piece; http.client sends head and body by themselves."""
        self._unsent = b""
        try:
            super().request(*arguments, **options)
        finally:
            data, self._unsent = self._unsent, None
        self.send(data)

    def send(self, data: Any) -> None:
        """Send bytes; a server that reads slowly gets no more time for it than there is."""
        if self._unsent is not None:
            self._unsent += data
            return
        if self.sock is None:
            self.connect()
        for start in range(0, len(data), _PIECE_BYTES):
            self.sock.settimeout(_seconds_left())
            super().send(data[start : start + _PIECE_BYTES])

    def getresponse(self) -> Any:
        """Return the answer; one that only announces another (1xx) is none.

        http.client would take it for the answer, and the one after it for the next request's.
        """
        response = super().getresponse()
        if response.status < http.client.OK:
            self.close()
            raise http.client.BadStatusLine(str(response.status))
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    """Such a connection with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> requests.Response:
        timeout = options["timeout"]
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        _ends_at.set(time.monotonic() + connect + read)
        return super().send(request, *arguments, **options)


class _Session(requests.Session):
    """A session without cookies, hooks and redirects.

    What requests merges and looks for at every call takes a tenth of its processor time.
    """

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.prepare_method(request.method)
        query = tuple(request.params.items())
        # What is no text, as a template may give, may be a list, or equal another (1 and true).
        is_plain = all(isinstance(value, str) for _, value in query)
        prepared.url = (_address if is_plain else _address.__wrapped__)(request.url, query)
        prepared.prepare_headers({**self.headers, **request.headers})
        prepared.prepare_body(request.data, request.files, request.json)
        prepared.prepare_auth(request.auth or self.auth)
        return prepared

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; a redirect is an answer like any other."""
        options.pop("allow_redirects", None)
        options = {"verify": self.verify, "proxies": self.proxies, **options}
        response = self.get_adapter(request.url or "").send(request, **options)
        if not options.get("stream"):
            _ = response.content  # reads it, so that the connection is free again
        return response


@functools.lru_cache(maxsize=16)
def _address(url: str, query: tuple[tuple[str, str], ...]) -> str | None:
    """Return a URL as it is called; to read one takes as long as the rest of a request."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, query)
    return prepared.url


def _in_time(made: socket.socket) -> socket.socket:
    """Return a socket with what is left of the exchange as its timeout, for the TLS handshake.

    Raises TimeoutError if nothing is, and then it is closed: it is nobody else's yet.
    """
    try:
        made.settimeout(_seconds_left())
    except TimeoutError:
        made.close()
        raise
    return made


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """Return a host's addresses, the preferred one first.

    Nothing can interrupt getaddrinfo, so that a thread of its own waits for it. Raises what that
    raises, and TimeoutError.
    """
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result([str(address[0]) for *_, address in answers])
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            found.set_exception(error)

    threading.Thread(target=look_up, daemon=True).start()
    return found.result(seconds)
