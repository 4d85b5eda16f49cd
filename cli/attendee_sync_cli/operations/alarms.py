"""Which of a stack's alarms are firing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any

from attendee_sync.messaging import lanes
from attendee_sync_cli.stack.stack import Stack

# By the end of its name, the alarms of the template that tell somebody; others are parts of these.
OF_STACK = (
    "failed-rate",
    "skipped-rate",
    "connection-paused",
    "token-not-renewed",
    "token-ends-soon",
    "quiet",
    "push-errors",
    "push-refusals",
    "push-latency",
    "function-errors",
    "function-throttles",
    "ingest-duration",
    "delivery-duration",
    "preview-duration",
    "table-throttles",
    "schedule",
    "missing",
    "new-dead-letters",
    "waiting",
)
OF_LANE = ("in-flight", "queue-age")  # of lane.yaml
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
_MAX_NAMES = 100


@dataclass(frozen=True)
class Alarm:
    """An alarm that is firing."""

    name: str
    words: str  # what it means and what to do, as the template has it
    since: float  # epoch seconds


def firing(stack: Stack, own_lanes: Iterable[str]) -> list[Alarm]:
    """Return the alarms of a stack, and of its destinations' own lanes, that are firing.

    Lanes are told by their names. Raises botocore's errors.
    """
    names = [f"{stack.name}-{each}" for each in OF_STACK]
    names += [
        f"{lanes.queue_name(stack.name, lane)}-{each}" for lane in own_lanes for each in OF_LANE
    ]
    client = stack.client("cloudwatch")
    found = [
        alarm
        for some in batched(names, _MAX_NAMES, strict=False)
        for alarm in _firing(client, some)
    ]
    return sorted(found, key=lambda alarm: alarm.since, reverse=True)


def _firing(client: Any, names: Iterable[str]) -> Iterator[Alarm]:
    answer = client.describe_alarms(
        AlarmNames=list(names),
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        StateValue="ALARM",
        MaxRecords=_MAX_NAMES,
    )
    for each in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())):
        yield Alarm(each["AlarmName"], each.get("AlarmDescription", ""), _since(each))


def _since(alarm: Mapping[str, Any]) -> float:
    """Return when its state changed; the later time, of an update, is always there."""
    at = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
    return float(at.timestamp())
