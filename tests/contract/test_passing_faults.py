"""Faults of 40 seconds, of each kind that a server or what stands before it can have.

With default settings all who were pushed meanwhile are delivered once it is over, and soon.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from attendee_sync.outcome import OutcomeKind
from attendee_sync.rainfocus.connection_state import ConnectionStates
from attendee_sync.rainfocus.guards import CROWD, Guards
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, delivery_harness, message
from tests.support.stack import Aws, Clock

pytestmark = pytest.mark.usefixtures("output")  # the log's name and the metrics' namespace

PEOPLE, PER_SECOND = 40, 2.0
FAULT_SECONDS, SOON = 40.0, 90.0
BATCH = 10
JSON, PAGE = {"Content-Type": "application/json"}, {"Content-Type": "text/html"}
HTML = b"<html><body>Back soon</body></html>"

FAULTS = {
    **{
        f"HTTP {status}": fakes.Reply(status)
        for status in (
            *(400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 420, 421, 422, 423, 425, 429, 430),
            *(451, 500, 501, 502, 503, 504, 507, 520, 522, 530, 200, 204, 302, 307),
        )
    },
    **{f"HTTP {each}, a page": fakes.Reply(each, HTML, PAGE) for each in (200, 400, 403, 404, 503)},
    **{
        f"HTTP {status}, Retry-After {wait}": fakes.Reply(status, b"", {"Retry-After": wait})
        for status, wait in ((429, "5"), (429, "30"), (503, "20"))
    },
    **{
        f"HTTP {status} {code} {words}": fakes.envelope(code, words, status=status)
        for status, code, words in (
            (200, "99", "The system is under maintenance"),
            (200, "1", "Please try again later"),
            (200, "503", "error"),
            (200, "124", "Access to API endpoint denied."),
            (400, "31", "Quota exceeded for this API profile"),
            (422, "12", "Could not open connection to database"),
            (401, "9", "Invalid access token"),
            (404, "44", "Not found"),
            (500, "77", "NullPointerException"),
        )
    },
    **{
        f"HTTP {status}, {text!r}": fakes.Reply(status, text, JSON)
        for status, text in (
            (200, b'{"responseCode": "0"'),
            (200, b'{"status": "maintenance"}'),
            (200, b"null"),
            (200, b"[]"),
            (400, b'{"message": "upstream"}'),
        )
    },
    **{
        type(error).__name__: fakes.Reply(error=error)
        for error in (
            requests.ConnectionError("refused"),
            requests.exceptions.SSLError("certificate"),
            requests.exceptions.ChunkedEncodingError("reset"),
            requests.exceptions.InvalidHeader("not readable"),
            requests.ConnectTimeout("no way"),
            requests.ReadTimeout("no answer"),
        )
    },
}


class RainFocus:
    """Stores whom it is told of, but for a time has a fault."""

    def __init__(self, clock: Clock, fault: fakes.Reply, every: int) -> None:
        self._clock, self._fault, self._every = clock, fault, every
        self._until = clock.now + FAULT_SECONDS
        self._numbers = itertools.count()
        self.stored: set[str] = set()

    def __call__(self, call: fakes.Call) -> fakes.Reply:
        if self._clock.now >= self._until or next(self._numbers) % self._every:
            self.stored.add(call.json["email"])
            return fakes.stored()
        if isinstance(self._fault.error, requests.Timeout):
            assert isinstance(call.timeout, tuple)
            self._clock.wait(call.timeout[isinstance(self._fault.error, requests.ReadTimeout)])
        return self._fault


@pytest.fixture
def harness(aws: Aws, wall: Clock) -> Iterator[DeliveryHarness]:
    with delivery_harness(aws) as made:
        guards = Guards(ConnectionStates(aws.dynamodb, fakes.TABLE), environments=1, clock=wall)
        client = replace(made.delivery.client, guards=guards)
        made.delivery = replace(made.delivery, client=client)
        yield made


def deliver(harness: DeliveryHarness, clock: Clock, until: float) -> list[OutcomeKind]:
    """Deliver people who are pushed one after the other, each when it is due, until all ended."""
    due = [(clock.now + n / PER_SECOND, n, message(n, attempt=0)) for n in range(PEOPLE)]
    ended: list[OutcomeKind] = []
    while due:
        clock.now = max(clock.now, due[0][0])
        assert clock.now < until, f"{len(due)} still wait"
        batch = [
            replace(each, attempt=each.attempt + 1, receipt=f"{each.receipt}+")
            for _, _, each in (
                heapq.heappop(due)
                for _ in range(sum(at <= clock.now for at, *_ in heapq.nsmallest(BATCH, due)))
            )
        ]
        for each, outcome in zip(batch, harness.deliver(*batch), strict=True):
            if outcome.kind.is_final:
                ended.append(outcome.kind)
            else:
                n = int(each.index)
                heapq.heappush(due, (clock.now + harness.waits[each.receipt], n, each))
        clock.now += 0.1
    return ended


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("every", [1, 2], ids=["all calls", "every other call"])
def test_all_are_delivered_when_a_fault_has_passed(
    harness: DeliveryHarness, wall: Clock, fault: fakes.Reply, every: int
) -> None:
    rainfocus = harness.rainfocus.reply = RainFocus(wall, fault, every)
    until = wall.now + FAULT_SECONDS + SOON
    assert deliver(harness, wall, until) == [OutcomeKind.DELIVERED] * PEOPLE
    assert len(rainfocus.stored) == PEOPLE
    assert harness.aws.sqs.dead_letters == []


@pytest.mark.parametrize("code", ["E9", "12"], ids=["a code", "one that a record has as well"])
def test_of_a_fault_that_refuses_as_if_each_profile_were_bad_a_crowd_is_dead_letters_at_most(
    harness: DeliveryHarness, wall: Clock, code: str
) -> None:
    fault = fakes.envelope(code, "Not accepted", status=400)
    rainfocus = harness.rainfocus.reply = RainFocus(wall, fault, every=1)
    ended = deliver(harness, wall, wall.now + FAULT_SECONDS + SOON)
    assert ended == [OutcomeKind.REJECTED] * CROWD + [OutcomeKind.DELIVERED] * (PEOPLE - CROWD)
    assert len(rainfocus.stored) == PEOPLE - CROWD
    assert len(harness.aws.sqs.dead_letters) == CROWD


def test_there_are_many_kinds_of_faults() -> None:
    assert len(FAULTS) >= 50
