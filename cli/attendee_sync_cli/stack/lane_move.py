"""Whether what a destination had in the shared lane is through, so that its own may begin."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from attendee_sync_cli import console
from attendee_sync_cli.stack import lane, log_summary
from attendee_sync_cli.stack.lane import Lane
from attendee_sync_cli.stack.log_summary import Log
from attendee_sync_cli.stack.stack import Stack

_HOURS = 2  # of log; what waits has a line within the hour
_METRIC_MINUTES = 15  # CloudWatch has SQS's figures some minutes late


@dataclass(frozen=True)
class Remainder:
    """What is left of a destination in the shared lane, as far as that can be known."""

    in_lane: int  # profiles of all destinations there, by SQS's count
    put_back: int | None  # of this destination, by delivery's log; None if that is too long
    is_oldest_newer: bool  # than the move: so says CloudWatch of those that were never tried

    @property
    def is_through(self) -> bool:
        """Tell whether nothing is left."""
        return self.in_lane == 0 or (self.put_back == 0 and self.is_oldest_newer)

    @property
    def words(self) -> str:
        """What is known of it."""
        put_back = {None: "it is unknown how many were", 0: "none was", 1: "1 was"}.get(
            self.put_back, f"{self.put_back} were"
        )
        untried = "all were tried" if self.is_oldest_newer else "some may not have been tried yet"
        return (
            f"{console.counted(self.in_lane, 'profile')} in the shared lane; of this destination "
            f"{put_back} put back, {untried}"
        )


def remainder(stack: Stack, destination: str, moved_at: float) -> Remainder:
    """Look at what is left in the shared lane of a destination that moved at that time."""
    shared = Lane(stack)
    in_lane = lane.held(shared)
    if not in_lane:
        return Remainder(0, 0, is_oldest_newer=True)
    log = Log(stack.client("logs"), [stack.output("DeliveryLogGroupName")], _HOURS)
    found = log.activities().get(destination)
    waiting = found.waiting if found else {}
    # What was not tried yet may be in its own lane.
    put_back = sum(
        each.count for reason, each in waiting.items() if reason != log_summary.NOT_TRIED
    )
    return Remainder(
        in_lane,
        put_back if log.is_complete else None,
        _oldest(stack, shared.queue_name) > moved_at,
    )


def _oldest(stack: Stack, queue_name: str) -> float:
    """Return when the oldest of a queue was put there, in epoch seconds; 0 if that is not known.

    Those that were received three times do not count.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    now = datetime.fromtimestamp(time.time(), UTC)
    answer: dict[str, Any] = stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue_name}],
        StartTime=now - timedelta(minutes=_METRIC_MINUTES),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(answer.get("Datapoints", []), key=lambda each: each["Timestamp"])
    if not points:
        return 0.0
    return float(points[-1]["Timestamp"].timestamp() - points[-1]["Maximum"])
