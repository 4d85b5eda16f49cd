"""Pausing and resuming deliveries to a destination, so that no other is switched with it."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from attendee_sync.aws.settings import DEFAULT
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.stack import lane, lane_pause
from attendee_sync_cli.stack.lane import Lane
from attendee_sync_cli.stack.stack import Stack

_SPAN = re.compile(r"([0-9]{1,6}) ?([mhd])")
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_SHORTEST_PAUSE_SECONDS = 300  # a schedule is up to a minute late, and switching takes one


@dataclass(frozen=True)
class Paused:
    """A destination whose lane is off."""

    destination: str
    resumes_at: int | None  # epoch seconds; None until somebody resumes it
    kept_until: int  # until when SQS keeps all that waits

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        return {
            "destination": self.destination,
            "delivering": False,
            "resumes_at": console.moment(self.resumes_at) if self.resumes_at else None,
            "kept_until": console.moment(self.kept_until),
        }


@dataclass(frozen=True)
class Deliveries:
    """Deliveries to a destination, before they are switched on or off."""

    are_on: bool
    waiting: int  # profiles in its lane


def look(stack: Stack, destination: str, *, on: bool) -> Deliveries:
    """Look at what is to be switched. Raises FailureError if it can't be switched alone."""
    found = _lane_to_switch(stack, destination, on=on)
    return Deliveries(found.mapping().is_on, found.count().total)


def pause(stack: Stack, destination: str, resumes_at: int | None) -> Paused:
    """Switch deliveries to a destination off, until a time in epoch seconds or a resumption.

    It takes up to a minute. Raises FailureError if others would be switched with it, or something
    that waits could be lost by then.
    """
    found = _lane_to_switch(stack, destination, on=False)
    paused = lane_pause.begin(stack, destination, found, resumes_at)
    return Paused(destination, resumes_at, lane_pause.kept_until(paused))


def resume(stack: Stack, destination: str) -> None:
    """Switch deliveries to a destination on, which takes up to a minute.

    Raises FailureError if others would be switched with it.
    """
    lane_pause.end(stack, destination, _lane_to_switch(stack, destination, on=True))


def resumption(text: str) -> int:
    """Return the time that is meant, in epoch seconds, as 12h, 3d, or a time of ISO 8601.

    Raises ValueError, with what was expected, if it is none or not to come.
    """
    now = time.time()
    span = _SPAN.fullmatch(text.strip())
    try:
        moment = (
            now + int(span[1]) * _UNITS[span[2]]
            if span
            else _in_utc(datetime.fromisoformat(text)).timestamp()
        )
        datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"expected a span such as 12h or 3d, or a time such as 2027-01-31T08:00Z: {text}"
        ) from None
    if moment < now:
        raise ValueError(
            f"{console.moment(round(moment))} is over, now is {console.moment(round(now))}"
        )
    if moment < now + _SHORTEST_PAUSE_SECONDS:
        raise ValueError("a pause lasts five minutes or longer")
    return round(moment)


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lane_to_switch(stack: Stack, destination: str, *, on: bool) -> Lane:
    """Return a destination's lane. Raises FailureError if others would be switched with it."""
    settings = stack.known_destination(destination)
    found = lane.of_destination(stack, destination, settings)
    if setting_changes.parsed(settings).get("lane") == "moving":
        raise FailureError(
            f"Destination {destination} is being moved. "
            f"`attendee-sync destinations move {destination}` goes on with that."
        )
    sharing = _sharing(stack, found) - {destination}
    if sharing:
        raise FailureError(
            f"Destination {destination} shares its lane with {', '.join(sorted(sharing))}. "
            f"`attendee-sync destinations move {destination}` gives it one of its own."
            if destination != DEFAULT
            else f"The lane of destination {destination} is shared with "
            f"{', '.join(sorted(sharing))}; `attendee-sync destinations move` gives one its own."
        )
    moving = _moving(stack) if destination == DEFAULT and not on else []
    if moving:
        raise FailureError(
            f"What {', '.join(moving)} has in the shared lane is still to be delivered: "
            f"`attendee-sync destinations move {moving[0]}` goes on with the move and waits for it."
        )
    return found


def _sharing(stack: Stack, found: Lane) -> set[str]:
    """Return the destinations in a lane."""
    return {
        name
        for name, text in stack.destinations().items()
        if lane.of_destination(stack, name, text) == found
    }


def _moving(stack: Stack) -> list[str]:
    """Return the destinations that are on their way out of the shared lane."""
    return [
        name
        for name, text in sorted(stack.destinations().items())
        if setting_changes.parsed(text).get("lane") == "moving"
    ]
