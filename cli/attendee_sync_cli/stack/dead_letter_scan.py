"""Walking through the dead-letter queue.

SQS shows a message only by giving it out: it is hidden from everybody else until it is deleted,
made visible again, or five minutes are over. Of a message group, which is an attendee, it gives
out the oldest, ten at most, and no more until these are deleted or visible again.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from types import TracebackType
from typing import Annotated, Any, Self

import typer

from attendee_sync.aws.fifo_queue import FifoQueue, count
from attendee_sync.messaging import dead_letters
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack

_HIDDEN_SECONDS = 300
_MAX_SECONDS = 240.0  # of a scan: what is handled then is hidden yet
_THREADS = 10  # that give dead letters back
_WAIT_SECONDS = 1  # long polling asks all servers of SQS; without it, some are passed over
_MAX_EMPTY_ANSWERS = 3
_BATCH = 10
_SECONDS_AN_HOUR = 3600

OfDestination = Annotated[
    str | None,
    typer.Option("--destination", help="Only those of this destination.", callback=console.name),
]
OfReason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Only those with this text in their reason, its words or RainFocus's, in any case.",
    ),
]

OfHours = Annotated[
    float | None,
    typer.Option("--hours", min=0, help="Only those that failed within so many hours."),
]

type Advance = Callable[[int], None]


class Follower:
    """Who follows work that takes time, and may end it: here, somebody at a terminal."""

    def progress(self, words: str, total: int) -> AbstractContextManager[Advance]:
        """Show what is done and how far; return what takes the number of those that were done.

        With 0 it is not known how many there are.
        """
        return console.progress(words, total or None)

    def notice(self, words: str) -> None:
        """Show a line."""
        console.notice(words)

    def wait(self, seconds: float) -> None:
        """Let time pass, or less of it for one who cancels."""
        time.sleep(seconds)

    def has_cancelled(self) -> bool:
        """Tell whether the work is to end as if its time were over."""
        return False


@dataclass(frozen=True)
class DeadLetterFilter:
    """Which dead letters are meant."""

    destination: str | None = None
    reason: str | None = None  # a part of the reason, its words or RainFocus's, in whatever case
    named: str | None = None  # the reason, by its whole name
    since: float | None = None  # when they failed, at the earliest, in epoch seconds
    ids: frozenset[str] | None = None

    @classmethod
    def of_options(
        cls, destination: str | None, reason: str | None, hours: float | None
    ) -> "DeadLetterFilter":
        """Return what a command's options choose."""
        since = None if hours is None else time.time() - hours * _SECONDS_AN_HOUR
        return cls(destination, reason, since=since)

    def among(self, dead_letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """Return those of some dead letters that are."""
        return [each for each in dead_letters if self._includes(each)]

    @property
    def none_found(self) -> str:
        """What is told where there are none."""
        if self == DeadLetterFilter():
            return "No dead letters."
        return "No dead letters of this choice; without it there may be others."

    def check(self, stack: Stack, scan: "DeadLetterScan") -> None:
        """Raise FailureError if the destination is none, and no dead letter of it is seen.

        A removed destination's can still be shown, and redriven once it is there again.
        """
        name = self.destination
        if name is None or name in scan.destinations or stack.destination(name) is not None:
            return
        unseen = f" {scan.unseen_words}" if scan.unseen else ""
        raise FailureError(
            f"There is no destination {name} in stack {stack.name}, and no dead letter of one that "
            f"was removed. `attendee-sync destinations list` shows those there are.{unseen}"
        )

    def _includes(self, dead_letter: DeadLetter) -> bool:
        if self.destination not in (None, dead_letter.message.destination):
            return False
        if self.named not in (None, dead_letter.reason):
            return False
        if self.since is not None and _epoch_seconds(dead_letter.failed_at) < self.since:
            return False
        if self.ids is not None and dead_letter.id not in self.ids:
            return False
        return (
            self.reason or ""
        ).lower() in f"{dead_letter.reason}\n{dead_letter.detail}\n{dead_letter.answer}".lower()


def _epoch_seconds(iso_8601: str) -> float:
    """Return a time in epoch seconds; infinity for a text that is none, so that none is missed."""
    try:
        return datetime.fromisoformat(iso_8601).timestamp()
    except ValueError:
        return float("inf")


@dataclass(frozen=True)
class Budget:
    """How much a scan may look at."""

    seconds: float
    hidden_seconds: int  # for which SQS hides what is given out, should it not be given back
    dead_letters: float = float("inf")


class DeadLetterScan:
    """One scan through the dead letters. What it does not delete is visible again at its end."""

    def __init__(
        self, stack: Stack, budget: Budget | None = None, follower: Follower | None = None
    ) -> None:
        self.destinations: set[str] = set()  # of all dead letters that were seen
        self.looked_at = 0
        self._follower = follower or Follower()
        self._client: Any = stack.client("sqs")
        self._url = stack.queue_url("DeadLetterQueueName")
        self._budget = budget or Budget(_MAX_SECONDS, _HIDDEN_SECONDS)
        self._receipts: dict[str, str] = {}  # of the dead letters that it holds, by message id
        self._total = 0  # dead letters on the queue at the beginning
        self._deleted = 0
        self._unseen = 0
        self._is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._is_cut = True
            self._unseen = max(0, self._total - self._deleted - len(self._receipts))
        self._give_back()

    def _give_back(self) -> None:
        queue = FifoQueue(self._client, self._url)
        receipts = dict.fromkeys(self._receipts.values(), 0)
        batches = [dict(some) for some in batched(receipts.items(), _BATCH, strict=False)]
        with (
            self._follower.progress("Giving dead letters back", len(receipts)) as advance,
            ThreadPoolExecutor(_THREADS) as pool,
        ):
            for some, _ in zip(batches, pool.map(queue.put_back, batches), strict=True):
                advance(len(some))

    @property
    def unseen(self) -> int:
        """How many dead letters are on the queue that the scan did not come to."""
        return self._unseen

    @property
    def is_cut(self) -> bool:
        """Tell whether it ended before it came to all that can be seen."""
        return self._is_cut

    @property
    def left(self) -> int:
        """How many dead letters of all are on the queue still, by its count at the beginning."""
        return max(0, self._total - self._deleted)

    @property
    def unseen_words(self) -> str:
        """Why it did not come to them; empty if it saw all."""
        if not self._unseen:
            return ""
        if self._is_cut:
            return f"{self._unseen} more were not looked at."
        return (
            f"{self._unseen} more can't be seen now: SQS shows an attendee's later dead letters "
            "only once the earlier ones are gone, and none while another look is going on, or for "
            "five minutes after one that was broken off."
        )

    def batches(self, words: str) -> Iterator[list[DeadLetter]]:
        """Give out the dead letters as SQS does, the older ones of an attendee first.

        `words` tell a follower what is being done. Raises botocore's errors.
        """
        deadline = time.monotonic() + self._budget.seconds
        empty = 0
        self._total = count(self._client, self._url).total
        with self._follower.progress(words, self._total) as advance:
            while not self._is_through(empty):
                if self._is_to_end(deadline):
                    self._count_unseen()
                    self._is_cut = self._unseen > 0
                    return
                found = self._receive()
                empty = 0 if found else empty + 1
                if found:
                    self.looked_at += len(found)
                    yield found
                    advance(len(found))

    def _is_to_end(self, deadline: float) -> bool:
        return (
            time.monotonic() > deadline
            or len(self._receipts) >= self._budget.dead_letters
            or self._follower.has_cancelled()
        )

    def delete(self, dead_letters: Sequence[DeadLetter]) -> set[str]:
        """Delete at most ten dead letters; return the message ids of those that are deleted."""
        if not dead_letters:
            return set()
        entries = [
            {"Id": str(n), "ReceiptHandle": dead_letter.message.receipt}
            for n, dead_letter in enumerate(dead_letters)
        ]
        answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        deleted = {
            dead_letters[int(each["Id"])].message.message_id
            for each in answer.get("Successful", [])
        }
        for message_id in deleted:
            del self._receipts[message_id]
        self._deleted += len(deleted)
        return deleted

    def _is_through(self, empty_answers: int) -> bool:
        """Tell whether there is no more to come, by the queue's count or after some patience."""
        if not empty_answers:
            return False
        self._count_unseen()
        return not self._unseen or empty_answers == _MAX_EMPTY_ANSWERS

    def _count_unseen(self) -> None:
        self._unseen = max(0, count(self._client, self._url).total - len(self._receipts))

    def _receive(self) -> list[DeadLetter]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=self._budget.hidden_seconds,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
            # Should an answer be lost, botocore asks once more and gets the same messages.
            ReceiveRequestAttemptId=str(uuid.uuid4()),
        )
        found = [dead_letters.from_sqs(each) for each in answer.get("Messages", [])]
        new = [each for each in found if each.message.message_id not in self._receipts]
        self.destinations |= {each.message.destination for each in found}
        self._receipts |= {each.message.message_id: each.message.receipt for each in found}
        return new
