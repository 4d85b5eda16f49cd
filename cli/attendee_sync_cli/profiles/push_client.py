"""Pushing as a sender does: over the stack's HTTP interface, at a pace, again where that helps."""

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from requests.auth import AuthBase

from attendee_sync import http_client
from attendee_sync.http_client import UNUSABLE, HttpAnswer
from attendee_sync.rainfocus.answers import retry_after
from attendee_sync.rainfocus.rate_limit import RateLimiter
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 35.0  # API Gateway gives up after 29
_MAX_WAIT = 30.0  # seconds


@dataclass(frozen=True)
class Endpoint:
    """Where a destination's profiles are pushed to, and the headers that this needs."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PushAnswer:
    """What became of one push."""

    status: int | None  # None: there was no answer
    detail: str = ""  # why it was not accepted; empty if it was
    request_id: str = ""  # empty if it is not ingest that answers
    rejected: Mapping[int, "Rejection"] = field(default_factory=dict)  # by index
    retry_after: int | None = None  # seconds
    attempts: int = 1

    @property
    def is_transient(self) -> bool:
        """Whether the same push may well be accepted later."""
        return self.status is None or http_client.is_transient(self.status)


class Rejection(BaseModel):
    """A profile that ingest rejected, and why."""

    model_config = ConfigDict(frozen=True)
    index: int
    reason: str
    detail: str


class _Accepted(BaseModel):
    request_id: str = Field(alias="requestId")
    accepted: int
    rejected: list[Rejection]


class _Token(AuthBase):
    """The ingest token. Beside it, requests does not look into .netrc for another one."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._value}"
        return request


class PushClient:
    """Makes one push at a time, so that none overtakes another."""

    def __init__(
        self, session: requests.Session, endpoint: Endpoint, *, rate: float, attempts: int
    ) -> None:
        """`rate` is in profiles per second, repeats included; 0 is no limit.

        A second's worth of profiles may come at once, which makes up for slow answers.
        """
        self._session = session
        self._endpoint = endpoint
        self._rate = rate
        self._attempts = attempts
        self._rate_limiter = RateLimiter(environments=1, clock=time.monotonic)

    def push(self, profiles: Sequence[str]) -> PushAnswer:
        """Push JSON texts of one line each, again and again if that can help.

        Raises FailureError if no request can be made at all.
        """
        body = "\n".join(profiles).encode()
        attempt = 1
        answer = self._push(body, len(profiles))
        while answer.is_transient and attempt < self._attempts:
            time.sleep(_wait(attempt, answer.retry_after))
            attempt += 1
            answer = self._push(body, len(profiles))
        return replace(answer, attempts=attempt)

    def _push(self, body: bytes, count: int) -> PushAnswer:
        while wait := self._rate_limiter.wait("", self._rate / count):
            time.sleep(wait)
        try:
            with self._session.post(
                self._endpoint.url,
                data=body,
                headers={**self._endpoint.headers, "Content-Type": "application/x-ndjson"},
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                return _answer(http_client.receive(response), count)
        except UNUSABLE:
            raise _no_url() from None
        except requests.RequestException as error:
            return PushAnswer(None, f"no answer ({type(error).__name__})")


def endpoint(stack: Stack, destination: str) -> Endpoint:
    """Return the endpoint of a destination.

    A local cloud is known by its URL. There the host name of an API does not resolve.
    Raises FailureError if the stack's push URL, which is that of `default`, is none.
    """
    before, default, after = stack.output("PushUrl").partition("/destinations/default/")
    if not default:
        raise _no_url()
    url = f"{before}/destinations/{destination}/{after}"
    local_cloud = os.environ.get("AWS_ENDPOINT_URL", "")
    if not local_cloud:
        return Endpoint(url)
    parts = urlsplit(url)
    api_id = parts.netloc.partition(".")[0]
    host = f"{api_id}.execute-api.localhost"
    return Endpoint(f"{local_cloud.rstrip('/')}{parts.path}", {"Host": host})


def _no_url() -> FailureError:
    return FailureError("The stack's output PushUrl is no URL to push to.")


def session(endpoint: Endpoint, token: str) -> requests.Session:
    """Return a session that shows the ingest token, and goes through the proxy if there is one."""
    made = http_client.session(pool_size=1)
    made.trust_env = urlsplit(endpoint.url).hostname not in _THIS_MACHINE
    made.auth = _Token(token)
    return made


def _wait(attempt: int, asked: int | None) -> float:
    """Return the seconds until the next attempt: a doubling time or what was asked for, jittered.

    The same for everyone would bring everyone back at once.
    """
    grown = max(2.0 ** (attempt - 1), asked or 0)
    return min(grown * random.uniform(1, 1.5), _MAX_WAIT)  # noqa: S311 - spreads load, hides nothing


def _answer(received: HttpAnswer, count: int) -> PushAnswer:
    members = received.members()
    if received.status != HTTPStatus.ACCEPTED:
        wait = retry_after(received.headers.get("Retry-After"))
        request_id, message = members.get("requestId"), members.get("message")
        if isinstance(request_id, str) and isinstance(message, str):
            detail = console.plain(message)
            return PushAnswer(received.status, detail, request_id, retry_after=wait)
        return PushAnswer(received.status, _phrase(received.status), retry_after=wait)
    try:
        accepted = _Accepted.model_validate(members)
    except ValidationError:
        return PushAnswer(received.status, "the answer is not one of ingest")
    rejected = {each.index: each for each in accepted.rejected}
    if accepted.accepted + len(rejected) != count or not rejected.keys() <= set(range(count)):
        return PushAnswer(received.status, "the answer does not tell of every profile")
    return PushAnswer(received.status, request_id=accepted.request_id, rejected=rejected)


def _phrase(status: int) -> str:
    """Return what a status means: the text of an answer that is not ingest's may be anything."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "not an answer of ingest"
