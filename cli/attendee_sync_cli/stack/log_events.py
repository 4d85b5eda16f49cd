"""The lines of the functions' logs that tell what became of profiles, as CloudWatch gives them."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from attendee_sync.aws.log_pages import Event, pages, timestamp
from attendee_sync.observability import LogEvent
from attendee_sync_cli import console

MAX_ANSWERS = 200  # of CloudWatch, which gives a few a second
_SLICES = 6  # of the time looked at, the newest first


class LogLine(BaseModel):
    """A line about one profile, or about a push."""

    message: str
    destination: str
    request_id: str
    sender: str = ""  # with a token of its own; what was logged before there were any has none
    index: str = ""
    outcome: str = ""
    reason: str = ""
    detail: str = ""
    status: int | None = None  # RainFocus's answer, as far as there was one
    code: str = ""
    answer: str = ""
    latency_ms: float | None = None  # that RainFocus took, if it was called
    age_ms: float = 0.0
    attempt: int = 0  # 0 is ingest
    accepted: int = 0
    rejected: int = 0  # at once, with those that were accepted

    @property
    def identity(self) -> tuple[str, str]:
        """Whose it is: request id and index."""
        return self.request_id, self.index


def pattern(events: Iterable[LogEvent], destination: str = "", condition: str = "") -> str:
    """Return the filter pattern of some lines.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    chosen = " || ".join(f'$.message = "{each}"' for each in events)
    of = f'$.destination = "{destination}"' if destination else ""
    more = [each for each in (of, condition) if each]
    return f"{{ {' && '.join([*more, f'({chosen})'])} }}" if more else f"{{ {chosen} }}"


class NewestFirst:
    """Some lines of log groups, the newest slice of time first, as far as they can be read."""

    def __init__(
        self,
        client: Any,
        groups: Sequence[str],
        events: Collection[LogEvent],
        condition: str = "",
    ) -> None:
        self.is_complete = True
        self.since = 0.0  # epoch seconds; what is later was read
        self._client = client
        self._groups = groups
        self._events = events
        self._pattern = pattern(events, condition=condition)
        self._answers = 0

    def slices(self, start: float, end: float) -> Iterator[list[tuple[LogLine, float]]]:
        """Yield the lines between two times in epoch seconds, each slice the newest line first."""
        for events in self.events(start, end):
            yield list(lines(events, self._events))

    def events(self, start: float, end: float) -> Iterator[list[Event]]:
        """Yield the lines between two times as CloudWatch has them, in slices likewise."""
        self.since = end
        first, step = int(start * 1000), int((end - start) * 1000) // _SLICES + 1
        with console.progress("Reading the logs", _SLICES) as advance:
            for n in reversed(range(_SLICES)):
                begin = first + n * step
                found = [self._slice(group, begin, begin + step - 1) for group in self._groups]
                if self._answers >= MAX_ANSWERS:  # the slice may not be whole
                    self.is_complete = False
                    return
                yield sorted(itertools.chain(*found), key=timestamp, reverse=True)
                self.since = begin / 1000
                advance(1)

    def _slice(self, group: str, start: int, end: int) -> list[Event]:
        """Return the events of a log group between two times in epoch milliseconds."""
        events: list[Event] = []
        found = pages(self._client.filter_log_events, group, (start, end), self._pattern)
        while self._answers < MAX_ANSWERS and (page := next(found, None)) is not None:
            self._answers += 1
            events += page
        return events


def lines(events: Iterable[Event], chosen: Collection[LogEvent]) -> Iterator[tuple[LogLine, float]]:
    """Yield the lines that are chosen, each with its time in epoch seconds."""
    for event in events:
        try:
            line = LogLine.model_validate_json(event["message"])
        except ValidationError:
            continue  # a local cloud gives all lines
        if line.message in chosen:
            yield line, timestamp(event) / 1000
