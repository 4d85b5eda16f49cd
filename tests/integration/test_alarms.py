"""What is broken on the deployed stack raises its alarm, and a subscriber hears of it and its end.

Metrics are those that the functions logged; the alarms are the template's own, by a clock that goes
on by an hour where one must pass.
"""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.machine import alarms
from local.machine.alarms import Change, Point
from local.simulator.faults import Effect, Fault
from tests.support.local import Local, until

HOUR = 3600.0 + 300.0


@dataclass
class Watch:
    """The alarms of a stack, and what a subscriber of its topic got."""

    local: Local
    subscriber: str  # the URL of a queue
    since: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.cloudwatch = alarms.alarms_of_stack(self.local.stack)

    def points(self) -> list[Point]:
        """Return what was measured since the watch began."""
        return [each for each in alarms.measured(self.local.stack) if each.at >= self.since]

    def look(self, later: float = 0.0) -> list[Change]:
        """Judge the alarms so many seconds from now, and send what they tell."""
        changes = self.cloudwatch.evaluate(self.points(), time.time() + later)
        for each in changes:
            if each.is_told:
                alarms.tell(self.local.stack, self.cloudwatch.alarms[each.alarm], each)
        return changes

    def received(self) -> list[tuple[str, str]]:
        """Return what the subscriber got since it was last asked: alarms and their states."""
        client, messages = self.local.stack.client("sqs"), []
        while batch := client.receive_message(
            QueueUrl=self.subscriber, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages"):
            messages += batch
            for each in batch:
                client.delete_message(QueueUrl=self.subscriber, ReceiptHandle=each["ReceiptHandle"])
        told = [json.loads(json.loads(each["Body"])["Message"]) for each in messages]
        return sorted((each["AlarmName"], each["NewStateValue"]) for each in told)


def policy(queue: str, topic: str) -> str:
    """Return what lets a topic send to a queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def watch(local: Local) -> Iterator[Watch]:
    sqs, sns = local.stack.client("sqs"), local.stack.client("sns")
    queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn, topic = answer["Attributes"]["QueueArn"], local.stack.outputs["AlertTopicArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(arn, topic)})
    made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield Watch(local, queue)
    sns.unsubscribe(SubscriptionArn=made["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


def test_a_profile_that_rainfocus_refuses_is_told_once_and_so_is_the_end(
    local: Local, watch: Watch
) -> None:
    email = "alarming@example.com"
    assert watch.look() == []
    local.push({"email": "fine@example.com"})
    local.wait_for_attendee("fine@example.com")
    local.simulator.add_fault(
        Fault(call="attendee/store", email=email, effect=Effect(status=400, code="105"))
    )
    local.wait_for_dead_letter(local.push({"email": email}).json()["requestId"])

    [failed, dead, new] = watch.look()

    assert (failed.alarm, failed.contributor) == ("FailedRateAlarm", "default")
    assert (dead.is_told, new.alarm, new.is_told) == (False, "NewDeadLettersAlarm", False)
    assert watch.received() == [(f"{local.stack.name}-FailedRateAlarm", "ALARM")]

    local.simulator.clear_faults()
    local.push({"email": email, "city": "Oslo"})
    local.wait_for_attendee(email)
    assert watch.look() == []
    assert {each.is_alarm for each in watch.look(HOUR)} == {False}
    assert (f"{local.stack.name}-FailedRateAlarm", "OK") in watch.received()


def test_a_connection_that_rainfocus_shuts_out_is_told_and_that_it_is_let_in_again(
    local: Local, watch: Watch
) -> None:
    local.simulator.add_fault(Fault(call="attendee/store", effect=Effect(status=403)))
    local.push([{"email": f"shut-out-{n}@example.com"} for n in range(12)])
    until(lambda: any(each.name == "ConnectionPaused" for each in watch.points()), "it is paused")

    changes = watch.look()

    assert [(each.alarm, each.contributor) for each in changes] == [
        ("ConnectionPausedAlarm", "default")
    ]
    assert watch.received() == [(f"{local.stack.name}-ConnectionPausedAlarm", "ALARM")]

    local.simulator.clear_faults()
    local.wait_for_attendee("shut-out-11@example.com")
    assert [each.is_alarm for each in watch.look(HOUR)] == [False]
    assert watch.received() == [(f"{local.stack.name}-ConnectionPausedAlarm", "OK")]


def test_a_profile_that_was_deleted_from_its_lane_is_told_until_it_has_an_end(
    local: Local, watch: Watch
) -> None:
    """The clock of the local cloud can't be moved, so that the push's line is logged once more."""
    local.stack.run_command("destinations", "pause", "default")
    request_id = local.push({"email": "vanished@example.com"}).json()["requestId"]
    until(lambda: local.stack.profile_queue().total == 1, "it waits")
    local.stack.client("sqs").purge_queue(QueueUrl=local.stack.resources["ProfileQueue"])
    local.stack.run_command("destinations", "resume", "default")
    earlier = f"{request_id}-earlier"
    [line] = [
        each
        for each in local.stack.function_logs("IngestFunction")
        if request_id in each and "push accepted" in each
    ]
    log(local, "IngestLogGroupName", line.replace(request_id, earlier))

    told = account(local)

    assert (told["missing"], told["pushes"]) == (1, {earlier: ["0"]})
    assert [(each.alarm, each.is_alarm) for each in watch.look()] == [("MissingAlarm", True)]
    assert watch.received() == [(f"{local.stack.name}-MissingAlarm", "ALARM")]

    end = {"message": "profile settled", "request_id": earlier, "index": "0"}
    log(local, "DeliveryLogGroupName", json.dumps(end))
    assert account(local)["missing"] == 0


def log(local: Local, group: str, line: str) -> None:
    """Write a line to a log group as of twenty minutes ago."""
    client, name = local.stack.client("logs"), local.stack.outputs[group]
    stream = f"earlier-{uuid.uuid4()}"
    client.create_log_stream(logGroupName=name, logStreamName=stream)
    event = {"timestamp": int((time.time() - 1200) * 1000), "message": line}
    client.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[event])


def account(local: Local) -> dict[str, Any]:
    """Run accounting, and return its line."""

    def told() -> list[str]:
        lines = local.stack.function_logs("AccountingFunction")
        return [each for each in lines if "profiles accounted for" in each]

    before = len(told())
    name = local.stack.resources["AccountingFunction"]
    local.stack.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    until(lambda: len(told()) > before, "accounting has told")
    found: dict[str, Any] = json.loads(told()[-1])
    return found


def test_what_a_local_cloud_can_make_of_alarms_is_deployed(local: Local) -> None:
    pages = local.stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    made = {each["AlarmName"]: each for page in pages for each in page["MetricAlarms"]}
    alarm = made[f"{local.stack.name}-push-errors"]
    topic = local.stack.outputs["AlertTopicArn"]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == ([topic], [topic])
    assert alarm["AlarmDescription"].startswith("More than 1 % of the pushes")
