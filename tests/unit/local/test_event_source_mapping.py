"""The event source mapping that is played: what it hands out, deletes and lets be."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from attendee_sync.messaging import messages
from local.machine.event_source_mapping import (
    Invocation,
    delivered,
    event_source_mapping,
    most_at_once,
)
from local.machine.stack import LocalStack, StackError
from tests.support.fakes.base import unreachable
from tests.support.fakes.sqs import PROFILES_URL, Sqs

PATIENCE = 30.0
AT_ONCE = 5
BATCH = [{"MessageId": "a"}, {"MessageId": "b"}]


class Mappings:
    """Lambda with one mapping, whose switching is noted."""

    def __init__(self) -> None:
        self.switched: list[bool] = []

    def list_event_source_mappings(self, **request: str) -> dict[str, Any]:
        assert request == {"FunctionName": "delivery"}
        mapping = {
            "UUID": "1",
            "State": "Enabled",
            "BatchSize": 10,
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:profiles.fifo",
            "ScalingConfig": {"MaximumConcurrency": AT_ONCE},
        }
        return {"EventSourceMappings": [mapping]}

    def update_event_source_mapping(self, **request: Any) -> None:
        assert request["UUID"] == "1"
        self.switched.append(request["Enabled"])


@dataclass(frozen=True)
class Stack(LocalStack):
    """A stack with a queue, whose delivery is a function of the test."""

    deliver: Callable[[list[dict[str, Any]]], object] = lambda _: None
    sqs: Sqs = field(default_factory=Sqs)
    mappings: Mappings = field(default_factory=Mappings)

    def client(self, service: str) -> Any:
        return {"sqs": self.sqs, "lambda": self.mappings}[service]

    def invoke(self, function: str, event: Any) -> Any:
        assert function == "DeliveryFunction"
        return self.deliver(event["Records"])

    def send(self, *groups: str) -> None:
        attribute = {"DataType": "String", "StringValue": "summit"}
        for n, group in enumerate(groups):
            entry = {
                "Id": "1",
                "MessageBody": f'{{"n": {n}}}',
                "MessageGroupId": group,
                "MessageDeduplicationId": str(n),
                "MessageAttributes": {"destination": attribute},
            }
            self.sqs.send_message_batch(QueueUrl=PROFILES_URL, Entries=[entry])


def _stack(deliver: Callable[[list[dict[str, Any]]], object]) -> Stack:
    resources = {"DeliveryFunction": "delivery", "ProfileQueue": PROFILES_URL}
    return Stack("try", "http://localhost", {}, resources, deliver)


@contextmanager
def _played(stack: Stack, invocations: int) -> Iterator[list[Invocation]]:
    """Play until so many invocations have ended."""
    with event_source_mapping(stack) as ended:
        deadline = time.monotonic() + PATIENCE
        while len(ended) < invocations and time.monotonic() < deadline:
            time.sleep(0.01)
    yield ended


def test_what_is_done_with_is_deleted_and_what_failed_stays_hidden() -> None:
    def deliver(records: list[dict[str, Any]]) -> object:
        return {"batchItemFailures": [{"itemIdentifier": records[1]["messageId"]}]}

    stack = _stack(deliver)
    stack.send("ada", "bob", "cleo")

    with _played(stack, 1) as invocations:
        assert [each.failed for each in invocations] == [False]

    assert [each.group for each in stack.sqs.profiles] == ["bob"]
    assert [each.group for each in stack.sqs.given_out] == ["bob"]
    assert stack.sqs.hidden == {}


@pytest.mark.parametrize("error", [StackError("it timed out"), unreachable()])
def test_a_batch_that_fails_as_a_whole_is_let_be(error: Exception) -> None:
    def fail(_: object) -> None:
        raise error

    stack = _stack(fail)
    stack.send("ada", "bob")

    with _played(stack, 1) as invocations:
        assert [each.failed for each in invocations] == [True]

    assert [each.group for each in stack.sqs.given_out] == ["ada", "bob"]
    assert stack.sqs.hidden == {}


def test_as_many_are_delivered_at_once_as_the_mapping_allows() -> None:
    together = threading.Barrier(AT_ONCE, timeout=PATIENCE)

    def deliver(_: object) -> None:
        together.wait()

    stack = _stack(deliver)
    stack.send(*(f"person-{n}" for n in range(10 * AT_ONCE)))

    with _played(stack, AT_ONCE) as invocations:
        assert most_at_once(invocations) == AT_ONCE

    assert stack.sqs.profiles == []


def test_delivery_can_be_run_elsewhere_than_in_the_local_cloud() -> None:
    got: list[object] = []

    def never(_: object) -> None:
        raise AssertionError

    stack = _stack(never)
    stack.send("ada")
    with event_source_mapping(stack, invoke=got.append) as invocations:
        deadline = time.monotonic() + PATIENCE
        while not invocations and time.monotonic() < deadline:
            time.sleep(0.01)

    assert [each.failed for each in invocations] == [False]
    assert len(got) == 1
    assert stack.sqs.profiles == []


def test_a_queue_gives_out_no_more_than_its_bound_until_some_are_done_with() -> None:
    again = {"batchItemFailures": [{"itemIdentifier": ""}]}  # none is done with
    stack = _stack(lambda _: again)
    stack.send(*(f"person-{n}" for n in range(20)))

    with event_source_mapping(stack, max_in_flight=12) as invocations:
        deadline = time.monotonic() + PATIENCE
        while len(stack.sqs.given_out) < 12 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)  # in which no more comes
    assert len(stack.sqs.given_out) == 12
    assert len(stack.sqs.profiles) == 20
    assert len(invocations) == 2


def test_a_group_is_delivered_by_one_at_a_time_and_in_order() -> None:
    seen: list[str] = []
    busy = threading.Lock()

    def deliver(records: list[dict[str, Any]]) -> None:
        assert busy.acquire(blocking=False)
        seen.extend(record["body"] for record in records)
        busy.release()

    stack = _stack(deliver)
    stack.send(*["ada"] * 25)

    with _played(stack, 3) as invocations:
        assert not any(each.failed for each in invocations)

    assert seen == [f'{{"n": {n}}}' for n in range(25)]


def test_delivery_gets_records_as_lambda_makes_them() -> None:
    got: list[dict[str, Any]] = []
    stack = _stack(got.extend)
    stack.send("ada")

    with _played(stack, 1):
        pass

    message = messages.from_record(got[0])
    assert (message.group, message.destination, message.attempt) == ("ada", "summit", 1)
    assert message.body == '{"n": 0}'
    assert got[0]["eventSource"] == "aws:sqs"
    assert got[0]["eventSourceARN"].endswith(":profiles.fifo")


def test_the_local_clouds_own_mapping_rests_meanwhile_whatever_happens() -> None:
    stack = _stack(lambda _: None)
    with suppress(KeyError), event_source_mapping(stack):
        assert stack.mappings.switched == [False]
        raise KeyError
    assert stack.mappings.switched == [False, True]


def test_a_queue_that_can_not_be_asked_is_told() -> None:
    stack = _stack(lambda _: None)
    asked = threading.Event()
    stack.sqs.always, stack.sqs.on_call = unreachable(), asked.set
    with pytest.raises(EndpointConnectionError), event_source_mapping(stack):
        asked.wait(PATIENCE)


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_an_answer_that_names_nothing_is_a_success(answer: object) -> None:
    assert delivered(BATCH, answer) == BATCH


@pytest.mark.parametrize(
    "answer",
    [
        "done",
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"messageId": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]},
    ],
)
def test_an_answer_that_lambda_does_not_know_fails_the_whole_batch(answer: object) -> None:
    assert delivered(BATCH, answer) == []


def test_seconds_of_an_invocation_within_a_time() -> None:
    invocation = Invocation(started=10.0, ended=20.0, failed=False)
    assert invocation.seconds_within(0.0, 30.0) == 10.0
    assert invocation.seconds_within(12.0, 15.0) == 3.0
    assert invocation.seconds_within(20.0, 30.0) == 0.0
    assert invocation.seconds_within(0.0, 5.0) == 0.0


def test_what_touches_is_not_at_once() -> None:
    assert most_at_once([]) == 0
    one, two = Invocation(1.0, 2.0, failed=False), Invocation(2.0, 3.0, failed=False)
    assert most_at_once([one, two]) == 1
    assert most_at_once([one, two, Invocation(1.5, 2.5, failed=True)]) == 2
