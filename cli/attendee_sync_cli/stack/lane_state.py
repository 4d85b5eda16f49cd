"""How a stack's lanes are doing: what each holds, whether it is delivered, and since when not."""

import time
from collections.abc import Mapping as ByName
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import ClientError

from attendee_sync.aws import clients
from attendee_sync.aws.fifo_queue import QueueCount
from attendee_sync.aws.settings import DEFAULT
from attendee_sync.delivery.pauses import Pause
from attendee_sync.messaging import lanes
from attendee_sync.messaging.lanes import SHARED
from attendee_sync_cli import console
from attendee_sync_cli.stack import lane, lane_pause
from attendee_sync_cli.stack.lane import NO_QUEUE, Lane, Mapping
from attendee_sync_cli.stack.stack import Stack

_AT_ONCE = 5  # lanes that are looked at


@dataclass(frozen=True)
class Delivery:
    """Whether a lane is delivered, as far as that is known."""

    mapping: Mapping | None
    pause: Pause | None  # if it is off and a person is known to have paused it

    @property
    def is_off(self) -> bool:
        """Tell whether nothing of it is delivered."""
        return self.mapping is not None and not self.mapping.is_on

    @property
    def resumes(self) -> bool:
        """Tell whether it is paused and goes on by itself."""
        return self.pause is not None and self.pause.resumes_at > time.time()

    @property
    def words(self) -> str:
        """What people read of it; nothing if it is not known."""
        if self.mapping is None:
            return ""
        if not self.is_off:
            return "on"
        if self.pause is None:
            return "off"
        if not self.pause.resumes_at:
            return f"off since {console.moment(self.pause.paused_at)}"
        words = "until" if self.resumes else "and should be on since"
        return f"off {words} {console.moment(self.pause.resumes_at)}"

    def document(self) -> dict[str, bool | str | None]:
        """Return what programs read of it."""
        pause = self.pause
        return {
            "delivering": self.mapping.is_on if self.mapping else None,
            "paused_since": console.moment(pause.paused_at) if pause else None,
            "resumes_at": console.moment(pause.resumes_at) if pause and pause.resumes_at else None,
        }


@dataclass(frozen=True)
class LaneState:
    """How a lane is doing."""

    name: str  # of messaging.lanes
    count: QueueCount | None  # None if its queue is not there
    delivery: Delivery
    destination: str  # one that uses it
    is_moving: bool  # into it

    @property
    def label(self) -> str:
        """What people read of it."""
        return f"lane {self.name}" if self.name else "shared lane"

    @property
    def kept_until(self) -> float | None:
        """Until when all that waits in it is surely kept, where it is paused."""
        pause = self.delivery.pause
        if pause is None or self.count is None or not self.count.total:
            return None
        return lane_pause.kept_until(pause)


def look(stack: Stack, destinations: ByName[str, str]) -> list[LaneState]:
    """Look at each lane: the shared one, destinations' own, and those of removed ones.

    It gets the destinations' JSON texts by their names.
    """
    mappings = lane.mappings(stack)
    own = {lane.of_destination(stack, *each).name: each[0] for each in destinations.items()}
    users = {name: name for name in mappings} | own | {SHARED: DEFAULT}

    def state(name: str) -> LaneState:
        user = users[name]
        return LaneState(
            name,
            _count(Lane(stack, name)),
            _delivery(stack, user, mappings.get(name)),
            user,
            lanes.is_moving(destinations.get(user, "")),
        )

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(state, sorted(users)))


def deliveries(stack: Stack, destinations: ByName[str, str]) -> dict[str, Delivery]:
    """Return whether destinations' lanes are delivered, by the destinations' names."""
    mappings = lane.mappings(stack) if destinations else {}
    return {
        name: _delivery(stack, name, mappings.get(lane.of_destination(stack, name, text).name))
        for name, text in destinations.items()
    }


def _delivery(stack: Stack, destination: str, mapping: Mapping | None) -> Delivery:
    delivery = Delivery(mapping, None)
    if not delivery.is_off:
        return delivery
    return Delivery(mapping, stack.pauses().get(destination))


def _count(found: Lane) -> QueueCount | None:
    try:
        return found.count()
    except ClientError as error:
        if clients.cause(error) != NO_QUEUE:
            raise
        return None
