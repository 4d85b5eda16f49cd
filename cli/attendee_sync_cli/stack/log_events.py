"""The lines of the functions' logs that tell what became of profiles, as CloudWatch gives them."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from attendee_sync.observability import LogEvent

_MAX_EVENTS = 10_000  # of one answer

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
type Event = dict[str, Any]


class LogLine(BaseModel):
    """A line about one profile, or about a push."""

    message: str
    destination: str
    request_id: str
    index: str = ""
    outcome: str = ""
    reason: str = ""
    detail: str = ""
    age_ms: float = 0.0
    attempt: int = 0  # 0 is ingest
    accepted: int = 0

    @property
    def identity(self) -> tuple[str, str]:
        """Whose it is: request id and index."""
        return self.request_id, self.index


def pattern(events: Iterable[LogEvent], destination: str = "") -> str:
    """Return the filter pattern of some lines.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    chosen = " || ".join(f'$.message = "{each}"' for each in events)
    return (
        f'{{ $.destination = "{destination}" && ({chosen}) }}' if destination else f"{{ {chosen} }}"
    )


def pages(
    client: Any, group: str, between: tuple[int, int], filter_pattern: str
) -> Iterator[list[Event]]:
    """Yield the events of a log group between two times in epoch milliseconds: a call each page.

    Raises botocore's errors.
    """
    start, end = between
    request = {"startTime": start, "endTime": end, "filterPattern": filter_pattern}
    while True:
        page = client.filter_log_events(logGroupName=group, **request)
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


def lines(events: Iterable[Event], chosen: Collection[LogEvent]) -> Iterator[tuple[LogLine, float]]:
    """Yield the lines that are chosen, each with its time in epoch seconds."""
    for event in events:
        try:
            line = LogLine.model_validate_json(event["message"])
        except ValidationError:
            continue  # a local cloud gives all lines
        if line.message in chosen:
            yield line, timestamp(event) / 1000


def timestamp(event: Event) -> int:
    """Return the time of an event in epoch milliseconds."""
    return int(event["timestamp"])
