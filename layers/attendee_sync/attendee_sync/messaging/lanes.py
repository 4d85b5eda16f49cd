"""Lanes: which destination's profiles wait on which queue.

A destination has a profile queue of its own, or shares the template's with others. Nothing but a
rule says how its own is called, so that no function has to ask.
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from attendee_sync.aws.fifo_queue import FifoQueue

SHARED = ""  # the lane of the template's queue
# In no name of a stack or a destination is a `_`, so that no two queues get the same name, nor
# does one stack's pattern of names fit another's, as `a-lane-*` would those of a stack a-lane-b.
MARK = "_lane_"
_ENDING = ".fifo"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
_MAX_NAME = 80
_DIGEST_LENGTH = 8


def queue_name(stack: str, lane: str) -> str:
    """Return the name of the queue of a lane that is not shared."""
    return f"{stack}{MARK}{lane}{_ENDING}"


def own_lane(stack: str, destination: str) -> str:
    """Return the name of the lane that is, or would be, a destination's own.

    That is the destination's; where the queue's would be too long, its beginning and a digest.
    """
    room = _MAX_NAME - len(queue_name(stack, ""))
    if len(destination) <= room:
        return destination
    digest = hashlib.sha256(destination.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{destination[: room - len(digest) - 1]}_{digest}"


def of_destination(stack: str, destination: str, settings: str) -> str:
    """Return the lane of a destination, by its name and JSON text."""
    return own_lane(stack, destination) if has_own(settings) else SHARED


def lane_of(queue_arn: str) -> str:
    """Return the lane of the queue with that ARN."""
    return queue_arn.rpartition(":")[2].partition(MARK)[2].removesuffix(_ENDING)


@functools.lru_cache(maxsize=64)
def has_own(settings: str) -> bool:
    """Tell whether a destination has a lane of its own, by its JSON text.

    Ingest reads little of it, and does not validate it; see Destination.lane.
    """
    try:
        return bool(json.loads(settings).get("lane", "shared") != "shared")
    except (ValueError, AttributeError, RecursionError):
        return False


@dataclass(frozen=True)
class Lanes:
    """The profile queues of a stack."""

    client: Any
    stack: str
    shared_url: str  # of the template's queue

    def queue(self, lane: str) -> FifoQueue:
        """Return the queue of a lane."""
        if lane == SHARED:
            return FifoQueue(self.client, self.shared_url)
        account = self.shared_url.rpartition("/")[0]
        return FifoQueue(self.client, f"{account}/{queue_name(self.stack, lane)}")

    def of_destination(self, name: str, settings: str) -> FifoQueue:
        """Return the queue for the profiles of a destination, by its name and JSON text."""
        return self.queue(of_destination(self.stack, name, settings))
