"""Profiles through a deployed stack: pushed as a sender does, waited for, and looked up."""

import contextlib
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from attendee_sync.observability import LogEvent
from local.machine.stack import LocalStack
from local.traffic.people import Push

_SENDERS = 4
_PUSH_SECONDS = 30.0
_POLL_SECONDS = 0.2
# The answers after which Adobe Experience Platform pushes again, twice:
# https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/rate-limiting-retry-policy
_AGAIN = frozenset({403, 408, 409, 429, 500, 502, 503, 504})
_AGAIN_SECONDS = (1.0, 1.0)  # in place of 15 and 30


@dataclass(frozen=True)
class Pushed:
    """A push, when it was first sent in epoch seconds, and the last answer, if there was one."""

    push: Push
    sent_at: float
    answer: requests.Response | None
    attempts: int

    @property
    def status(self) -> int:
        """HTTP status of the last answer, or 0."""
        return 0 if self.answer is None else self.answer.status_code

    @property
    def is_accepted(self) -> bool:
        """Tell whether the push was taken, be it without some of its profiles."""
        return self.status == HTTPStatus.ACCEPTED

    @property
    def document(self) -> dict[str, Any]:
        """What the answer says; nothing unless the push was taken."""
        document: dict[str, Any] = self.answer.json() if self.answer and self.is_accepted else {}
        return document


def push_all(
    stack: LocalStack,
    pushes: Sequence[Push],
    *,
    per_second: float = float("inf"),
    waits: Sequence[float] = _AGAIN_SECONDS,
) -> Iterator[Pushed]:
    """Push side by side, at most so many profiles a second, and yield each push once answered.

    `waits` are the seconds before each further attempt, made where a sender makes it.
    """
    headers = {
        "Authorization": f"Bearer {stack.ingest_token()}",
        "Content-Type": "application/json",
    }
    with requests.Session() as session, ThreadPoolExecutor(_SENDERS) as senders:
        session.trust_env = False  # no proxy stands before the local cloud

        def send(push: Push, due: float) -> Pushed:
            time.sleep(max(0.0, due - time.time()))
            sent_at = time.time()
            url, host = stack.push_url(push.destination)
            answer, attempts = _post(session, url, headers | host, push.body, waits)
            return Pushed(push, sent_at, answer, attempts)

        sizes = itertools.accumulate((len(push.people) for push in pushes), initial=0)
        started = time.time()
        sent = [
            senders.submit(send, push, started + before / per_second)
            for push, before in zip(pushes, sizes, strict=False)
        ]
        try:
            for done in as_completed(sent):
                yield done.result()
        finally:
            senders.shutdown(cancel_futures=True)


def _post(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    body: str,
    waits: Sequence[float],
) -> tuple[requests.Response | None, int]:
    """Return the last answer, if there was one, and the number of attempts."""
    answer, attempts = None, 0
    for wait in (0.0, *waits):
        time.sleep(wait)
        answer, attempts = None, attempts + 1
        with contextlib.suppress(requests.RequestException):
            answer = session.post(url, data=body.encode(), headers=headers, timeout=_PUSH_SECONDS)
        if answer is not None and answer.status_code not in _AGAIN:
            break
    return answer, attempts


def remaining(stack: LocalStack, patience: float) -> Iterator[int]:
    """Yield how many messages are queued, until none is or none left for so many seconds."""
    fewest = stack.waiting()
    last_moved = time.monotonic()
    yield fewest
    while fewest and time.monotonic() - last_moved < patience:
        time.sleep(_POLL_SECONDS)
        left = stack.waiting()
        if left < fewest:
            fewest, last_moved = left, time.monotonic()
            yield left


def settled(stack: LocalStack, since: float = 0.0) -> list[dict[str, Any]]:
    """Return the ends that delivery logged since an epoch time, a line for each profile."""
    lines = stack.function_logs("DeliveryFunction", since)
    return [json.loads(line) for line in lines if f'"{LogEvent.PROFILE_SETTLED}"' in line]
