"""Lines of CloudWatch's log groups, a page a call."""

from collections.abc import Callable, Iterator
from typing import Any

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
type Event = dict[str, Any]

_MAX_EVENTS = 10_000  # of one answer


def pages(
    ask: Callable[..., Any], group: str, between: tuple[int, int], filter_pattern: str
) -> Iterator[list[Event]]:
    """Yield the events of a log group between two times in epoch milliseconds: a call each page.

    `ask` is botocore's filter_log_events, and raises what it raises.
    """
    start, end = between
    request = {"startTime": start, "endTime": end, "filterPattern": filter_pattern}
    while True:
        page = ask(logGroupName=group, **request)
        found: list[Event] = page["events"]
        if page.get("nextToken"):
            request["nextToken"] = page["nextToken"]
        elif len(found) < _MAX_EVENTS:
            yield found
            return
        else:  # a local cloud gives no token for the rest
            request["startTime"] = last = timestamp(found[-1])
            found = [event for event in found if timestamp(event) < last]
        yield found


def timestamp(event: Event) -> int:
    """Return the time of an event in epoch milliseconds."""
    return int(event["timestamp"])
