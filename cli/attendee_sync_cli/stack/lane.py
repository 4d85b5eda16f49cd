"""A lane of a stack: its queue, and the event source mapping that has it delivered."""

import time
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from attendee_sync.aws import fifo_queue
from attendee_sync.aws.fifo_queue import FifoQueue, QueueCount
from attendee_sync.messaging import lanes
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import KNOWN_SECONDS, Stack

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"  # SQS's word
_LOOK_SECONDS = 2.0
# "Up to about a minute", says the console; a mapping that has not switched by then is stuck.
_SWITCH_SECONDS = 300.0
_EMPTY_SECONDS = 60.0
_ON, _OFF = "Enabled", "Disabled"
_PARTS = 7  # of a function's ARN, without the name of an alias


@dataclass(frozen=True)
class Mapping:
    """An event source mapping of the delivery function."""

    uuid: str
    state: str  # Lambda's word: Enabled, Disabled, or on its way there, as Enabling

    @property
    def is_on(self) -> bool:
        """Tell whether it delivers, or is about to."""
        return self.state not in (_OFF, "Disabling", "Deleting")


def mappings(stack: Stack) -> dict[str, Mapping]:
    """Return the event source mappings of a stack's lanes by the lanes' names.

    A stack of an earlier version does not tell its function, and has none of these.
    """
    delivers = stack.find_output("DeliveryFunctionArn")
    if delivers is None:
        return {}
    # Of the function and of its alias: until lanes are upgraded they have the other one. That
    # Lambda, asked for those of a function, tells its alias's too, is not documented.
    function = ":".join(delivers.split(":")[:_PARTS])
    pages = stack.client("lambda").get_paginator("list_event_source_mappings")
    return {
        lanes.lane_of(each["EventSourceArn"]): Mapping(each["UUID"], each["State"])
        for page in pages.paginate()
        for each in page["EventSourceMappings"]
        if f"{each['FunctionArn']}:".startswith(f"{function}:")
    }


@dataclass(frozen=True)
class Lane:
    """A lane by its name; see attendee_sync.messaging.lanes."""

    stack: Stack
    name: str = lanes.SHARED

    @property
    def queue_name(self) -> str:
        """The name of its queue."""
        if self.name == lanes.SHARED:
            return self.stack.output("ProfileQueueName")
        return lanes.queue_name(self.stack.name, self.name)

    def count(self) -> QueueCount:
        """Count what it holds. Raises botocore's errors, such as for a queue that is not there."""
        return fifo_queue.count(self.stack.client("sqs"), self._url())

    def queue(self) -> FifoQueue:
        """Return its queue."""
        return FifoQueue(self.stack.client("sqs"), self._url())

    def mapping(self) -> Mapping:
        """Return its event source mapping. Raises FailureError if there is none."""
        found = mappings(self.stack).get(self.name)
        if found is None:
            raise FailureError(f"Nothing has the queue {self.queue_name} delivered.")
        return found

    def switch(self, *, on: bool) -> None:
        """Switch its delivery on or off, and wait until it is."""
        wanted = _ON if on else _OFF
        mapping = self._awaited(self.mapping(), {_ON, _OFF})  # else Lambda changes nothing
        if mapping.state == wanted:
            return
        self.stack.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=on)
        self._awaited(mapping, {wanted})

    def _awaited(self, mapping: Mapping, states: Set[str]) -> Mapping:
        """Return the mapping once it is in one of some states. Raises FailureError if it stays."""
        deadline = time.monotonic() + _SWITCH_SECONDS
        while mapping.state not in states:
            if time.monotonic() > deadline:
                raise FailureError(f"Delivery of {self.queue_name} is still {mapping.state}.")
            time.sleep(_LOOK_SECONDS)
            answer: dict[str, Any] = self.stack.client("lambda").get_event_source_mapping(
                UUID=mapping.uuid
            )
            mapping = Mapping(mapping.uuid, answer["State"])
        return mapping

    def _url(self) -> str:
        answer = self.stack.client("sqs").get_queue_url(QueueName=self.queue_name)
        return str(answer["QueueUrl"])


def held(lane: Lane) -> int:
    """Count what a lane holds: at once where there is something, else for a minute.

    SQS's counts are approximate, and right at least a minute after the last was put there:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
    """
    for _ in range(round(_EMPTY_SECONDS / _LOOK_SECONDS)):
        if count := lane.count().total:
            return count
        time.sleep(_LOOK_SECONDS)
    return lane.count().total


def wait_until_empty(lane: Lane, words: str) -> None:
    """Wait until a lane holds nothing; `words` go with the progress."""
    left = lane.count().total
    with console.progress(words, left) as advance:
        while now := held(lane):
            advance(left - now)
            left = now
            time.sleep(_LOOK_SECONDS)


def of_destination(stack: Stack, name: str, settings: str) -> Lane:
    """Return the lane of a destination, by its name and JSON text."""
    return Lane(stack, lanes.of_destination(stack.name, name, settings))


def wait_until_known(more: float = 0.0) -> None:
    """Wait until all functions go by settings that were stored just now, and some seconds more."""
    seconds = KNOWN_SECONDS + more
    console.notice(f"The functions know it within {seconds:.0f} s. Waiting for that.")
    time.sleep(seconds)
