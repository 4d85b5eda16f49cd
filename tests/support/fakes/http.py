"""RainFocus, or whatever else is called by HTTP."""

import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse


@dataclass(frozen=True)
class Call:
    """An HTTP request that arrived."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    timeout: object
    proxies: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, or the error with which a call ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Exception | None = None


def envelope(
    code: object = "0", message: str = "Success", status: int = 200, **more: object
) -> Reply:
    body = {"responseCode": code, "responseMessage": message, **more}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def stored() -> Reply:
    return envelope(attendeeId="1700000000000001abcd")


class Http(BaseAdapter):
    """What is at the other end of a session: a function from calls to replies."""

    def __init__(self, reply: Callable[[Call], Reply] | Reply | None = None) -> None:
        super().__init__()
        self.reply: Callable[[Call], Reply] | Reply = reply or stored()
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.mount("https://", self)
        made.mount("http://", self)
        return made

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else body
        headers = dict(request.headers)
        call = Call(
            request.method or "",
            request.url or "",
            headers,
            text,
            options["timeout"],
            options["proxies"] or {},
        )
        with self._lock:
            self.calls.append(call)
        reply = self.reply(call) if callable(self.reply) else self.reply
        if reply.error:
            raise reply.error
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.request = request
        response.url = call.url
        response.raw = HTTPResponse(
            io.BytesIO(reply.body), dict(reply.headers), reply.status, preload_content=False
        )
        return response

    def close(self) -> None:
        """Nothing is open."""
