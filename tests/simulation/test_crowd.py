"""A crowd that waits, as many as a queue gives out and more, and how another destination fares."""

import math
from random import Random
from typing import Any

import pytest

from tests.simulation.crowd import Crowd, play, play_outage
from tests.simulation.faults import Faults
from tests.simulation.queues import PROFILES_URL, Queues, Stored
from tests.simulation.scheduler import Scheduler

SIZE = 1_500
GIVEN_OUT = 1_200  # at most, as SQS gives out 120,000
HOURS = 6 * 3600.0


@pytest.mark.simulation
def test_a_crowd_with_a_lane_of_its_own_keeps_nobody_waiting() -> None:
    idle = play(Crowd(0, has_own_lane=False))
    beside = play(Crowd(SIZE, has_own_lane=True, waited=HOURS, most_in_flight=GIVEN_OUT))
    assert beside.in_flight == GIVEN_OUT
    assert beside.p95 <= 2 * idle.p95


@pytest.mark.simulation
def test_beside_a_crowd_that_shares_its_lane_nobody_is_delivered() -> None:
    beside = play(Crowd(SIZE, has_own_lane=False, waited=HOURS, most_in_flight=GIVEN_OUT))
    assert (beside.seconds, beside.p95) == ([], math.inf)


@pytest.mark.simulation
def test_an_hour_without_rainfocus_costs_probes_alone_and_loses_nobody() -> None:
    outage = play_outage(40)
    assert outage.stored == 40
    # A probe every 20 s, the sooner ones at first, and what was under way then.
    assert 170 <= outage.failed_calls <= 220
    assert outage.receives <= 120
    # The longest wait, the next probe, and the work.
    assert outage.last <= 30 + 3600 / 25 + 20 + 10


def test_a_queue_looks_past_no_more_messages_than_it_gives_out() -> None:
    queues = Queues(Scheduler(Random(0)), Faults(0, ()))
    queues.most_in_flight = 3
    for n, group in enumerate(("ada", "ada", "ada", "bob")):
        queues.send_message_batch(QueueUrl=PROFILES_URL, Entries=[_entry(n, group)])
    first = queues.give_out(PROFILES_URL)[0]
    assert queues.give_out(PROFILES_URL) == []
    queues.delete_message_batch(QueueUrl=PROFILES_URL, Entries=[_receipt(first)])
    assert [each.group for each in queues.give_out(PROFILES_URL)] == ["bob"]


def _entry(n: int, group: str) -> dict[str, Any]:
    return {
        "Id": "0",
        "MessageBody": "{}",
        "MessageGroupId": group,
        "MessageDeduplicationId": str(n),
        "MessageAttributes": {},
    }


def _receipt(message: Stored) -> dict[str, str]:
    return {"Id": "0", "ReceiptHandle": message.receipt}
