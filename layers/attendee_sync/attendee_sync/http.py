"""HTTP calls: sessions that keep connections, and answers that can't fill the memory."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

MAX_ANSWER_BYTES = 65_536
_CHUNK_BYTES = 8_192
_HOSTS = 8
# What a request raises that can't even be made: its address or a header is none. The last two
# come through requests as they are.
UNUSABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


@dataclass(frozen=True)
class Received:
    """An HTTP answer. A body of more than 64 KiB is cut there and marked as not complete."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    complete: bool = True

    def members(self) -> dict[str, Any]:
        """Return the members of the JSON object that the body is, or none if it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target: requests would read a redirect's whole body, however it is asked."""


def session(pool_size: int) -> requests.Session:
    """Return a session that keeps a connection open for each of as many threads."""
    made = _Session()
    made.trust_env = False  # no .netrc: it would replace the Authorization header
    adapter = HTTPAdapter(pool_connections=_HOSTS, pool_maxsize=pool_size, max_retries=0)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def receive(response: requests.Response, seconds: float) -> Received:
    """Read an answer that was requested with `stream=True`, for at most the given seconds.

    Raises requests.RequestException; requests.ReadTimeout also where a server sends byte by byte
    and so never runs into the socket's timeout.
    """
    deadline = time.monotonic() + seconds
    body = b""
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                cut = body[:MAX_ANSWER_BYTES]
                return Received(response.status_code, cut, response.headers, complete=False)
            if time.monotonic() > deadline:
                raise requests.ReadTimeout("the answer takes too long")
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(type(error).__name__) from error
    return Received(response.status_code, body, response.headers)
