"""Lanes: which destination's profiles wait on which queue.

A destination has a profile queue of its own, or shares the template's with others. Nothing but a
rule says how its own is called, so that no function has to ask.
"""

import functools
import hashlib
import json
import math
import time
from dataclasses import dataclass
from typing import Any

from attendee_sync.aws import fifo_queue
from attendee_sync.aws.fifo_queue import FifoQueue

SHARED = ""  # the lane of the template's queue
# In no name of a stack or a destination is a `_`, so that no two queues get the same name, nor
# does one stack's pattern of names fit another's, as `a-lane-*` would those of a stack a-lane-b.
MARK = "_lane_"
_ENDING = ".fifo"
_SHARED, _MOVING = "shared", "moving"  # of Destination.lane
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


def has_own(settings: str) -> bool:
    """Tell whether a destination has a lane of its own, by its JSON text."""
    return _state(settings)[0] != _SHARED


def is_moving(settings: str) -> bool:
    """Tell whether a destination is on its way into a lane of its own, by its JSON text."""
    return _state(settings)[0] == _MOVING


def takes_pushes(settings: str) -> bool:
    """Tell whether what is pushed to a destination now goes to a lane of its own.

    While it is moved, that begins for all functions at once: at a time in its settings, by when
    all have read them.
    """
    state, since = _state(settings)
    return state != _SHARED and (state != _MOVING or since <= time.time())


@functools.lru_cache(maxsize=64)
def _state(settings: str) -> tuple[str, float]:
    """Return which lane a destination has, and from when on pushes go there; never if infinite.

    Ingest reads little of its JSON text, and does not validate it; see Destination.lane.
    """
    try:
        members = json.loads(settings)
        return str(members.get("lane", _SHARED)), float(members.get("lane_from") or math.inf)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return _SHARED, math.inf


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

    def count(self) -> int:
        """Count what all lanes hold, as far as SQS knows. Raises botocore's errors."""
        answer = self.client.list_queues(QueueNamePrefix=f"{self.stack}{MARK}")
        urls = [self.shared_url, *answer.get("QueueUrls", [])]
        return sum(fifo_queue.count(self.client, url).total for url in urls)

    def of_destination(self, name: str, settings: str) -> FifoQueue:
        """Return the queue for what is pushed to a destination, by its name and JSON text."""
        return self.queue(own_lane(self.stack, name) if takes_pushes(settings) else SHARED)
