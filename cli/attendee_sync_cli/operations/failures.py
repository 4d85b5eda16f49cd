"""Dead letters: why profiles could not be delivered, and what people take out of the queue."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attendee_sync import observability
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.profiles import dead_letter_export
from attendee_sync_cli.profiles.shape import shapes
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterFilter, DeadLetterScan, Follower
from attendee_sync_cli.stack.stack import Stack

MAX_EXAMPLES = 10
_LOOKING = "Looking at dead letters"


@dataclass(frozen=True)
class Cause:
    """What the dead letters of one group have in common."""

    destination: str
    outcome: str  # empty if SQS itself gave them up
    reason: str
    detail: str
    status: str
    code: str


@dataclass(frozen=True)
class Example:
    """One dead letter of a group, without a value of its profile."""

    id: str
    failed_at: str
    shape: Mapping[str, str]  # by path


@dataclass
class Group:
    """The dead letters of one cause. Of them all, the first to be seen are examples."""

    cause: Cause
    answer: str  # RainFocus's own words to the first
    first: str = ""  # when they failed, in ISO 8601
    last: str = ""
    count: int = 0
    senders: Counter[str] = field(default_factory=Counter)  # those with tokens of their own
    examples: list[Example] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Why they are dead letters, with what RainFocus answered."""
        cause = self.cause
        answer = outcome_words.of_answer(cause.status, cause.code, self.answer)
        return outcome_words.why(cause.reason, cause.detail, answer)

    def add(self, dead_letter: DeadLetter) -> None:
        """Count a dead letter."""
        self.count += 1
        if dead_letter.message.sender:
            self.senders[dead_letter.message.sender] += 1
        failed_at = console.moment_of(dead_letter.failed_at)
        self.first = min(self.first or failed_at, failed_at)
        self.last = max(self.last, failed_at)
        if len(self.examples) < MAX_EXAMPLES:
            shape = shapes(dead_letter.message.body)
            self.examples.append(Example(dead_letter.id, failed_at, shape))

    def document(self) -> dict[str, Any]:
        """Return the group as programs get it."""
        cause, example = self.cause, self.examples[0]
        return {
            "destination": cause.destination,
            "outcome": cause.outcome or None,
            "reason": cause.reason or None,
            "detail": cause.detail,
            "status": cause.status or None,
            "code": cause.code or None,
            "answer": self.answer or None,
            "count": self.count,
            "senders": dict(self.senders),
            "first": self.first,
            "last": self.last,
            "example": {"id": example.id, "shape": dict(example.shape)},
        }


@dataclass(frozen=True)
class Look:
    """How much a look came to see, of all dead letters."""

    looked_at: int
    unseen: int
    unseen_words: str  # why it did not come to these; empty if it saw all
    is_cut: bool  # it ended before it came to all that can be seen


@dataclass(frozen=True)
class Failures:
    """The dead letters that are meant, by cause: by destination, the most frequent first."""

    look: Look
    groups: Sequence[Group]

    @property
    def count(self) -> int:
        """How many dead letters there are."""
        return sum(group.count for group in self.groups)

    def document(self) -> dict[str, Any]:
        """Return them as programs get them."""
        return {
            "dead_letters": self.count,
            "unseen": self.look.unseen,
            "failures": [group.document() for group in self.groups],
        }


@dataclass(frozen=True)
class Listing:
    """What is known of each dead letter, as dead_letter_export.why() has it, the oldest first."""

    look: Look
    dead_letters: Sequence[Mapping[str, str]]

    def document(self) -> dict[str, Any]:
        """Return it as programs get it."""
        return {"unseen": self.look.unseen, "dead_letters": list(map(dict, self.dead_letters))}


@dataclass(frozen=True)
class Found:
    """Dead letters as a whole: personal data."""

    look: Look
    dead_letters: Sequence[DeadLetter]

    @property
    def counts(self) -> dict[str, int]:
        """How many are of each destination, by its name."""
        counts = Counter(console.plain(each.message.destination) for each in self.dead_letters)
        return dict(sorted(counts.items()))

    @property
    def message_ids(self) -> frozenset[str]:
        """Return what discard() knows them by."""
        return frozenset(each.message.message_id for each in self.dead_letters)


def group(stack: Stack, chosen: DeadLetterFilter, follower: Follower | None = None) -> Failures:
    """Look at dead letters and group them by cause.

    Raises FailureError if there is no such destination, and botocore's errors.
    """
    groups: dict[Cause, Group] = {}
    with DeadLetterScan(stack, follower=follower) as scan:
        for batch in scan.batches(_LOOKING):
            _add(groups, chosen.among(batch))
    chosen.check(stack, scan)
    ordered = sorted(groups.values(), key=lambda each: (each.cause.destination, -each.count))
    return Failures(_look(scan), ordered)


def list_each(stack: Stack, chosen: DeadLetterFilter) -> Listing:
    """Look at dead letters and tell why each is one. Raises as group() does."""
    known: list[dict[str, str]] = []
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches(_LOOKING):
            known += [dead_letter_export.why(each) for each in chosen.among(batch)]
    chosen.check(stack, scan)
    return Listing(_look(scan), sorted(known, key=lambda each: each["time"]))


def find(stack: Stack, chosen: DeadLetterFilter, follower: Follower | None = None) -> Found:
    """Return dead letters as a whole, to be exported or discarded. Raises as group() does."""
    found: list[DeadLetter] = []
    with DeadLetterScan(stack, follower=follower) as scan:
        for batch in scan.batches(_LOOKING):
            found += chosen.among(batch)
    chosen.check(stack, scan)
    return Found(_look(scan), found)


def find_one(stack: Stack, dead_letter_id: str) -> DeadLetter:
    """Return the dead letter of an ID. Raises FailureError if none is to be seen."""
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking for the dead letter"):
            for dead_letter in batch:
                if dead_letter.id == dead_letter_id:
                    return dead_letter
    raise FailureError(
        f"There is no dead letter of this ID to be seen. {scan.unseen_words}".rstrip()
    )


def discard(stack: Stack, message_ids: Collection[str], follower: Follower | None = None) -> int:
    """Delete what was found before; return how many that are. What came since then stays."""
    left = set(message_ids)
    with DeadLetterScan(stack, follower=follower) as scan:
        for batch in scan.batches("Deleting dead letters"):
            left -= scan.delete([each for each in batch if each.message.message_id in left])
            if not left:
                break
    return len(message_ids) - len(left)


def known_of(dead_letter: DeadLetter) -> dict[str, str]:
    """Return all that is known of a dead letter but its profile: no personal data."""
    message = dead_letter.message
    return {
        **dead_letter_export.why(dead_letter),
        "attempts": str(message.attempt),
        "accepted_at": console.moment(message.version.accepted_at / 1000),
        "sequence": message.version.sequence,
        "request_id": message.request_id,
        "index": message.index,
        "trace_id": observability.trace_id(message.trace_parent),
        "group": message.group,
        "message_id": message.message_id,
    }


def _look(scan: DeadLetterScan) -> Look:
    return Look(scan.looked_at, scan.unseen, scan.unseen_words, scan.is_cut)


def _add(groups: dict[Cause, Group], dead_letters: Iterable[DeadLetter]) -> None:
    for dead_letter in dead_letters:
        cause = Cause(
            dead_letter.message.destination,
            dead_letter.outcome,
            dead_letter.reason,
            dead_letter.detail,
            dead_letter.status,
            dead_letter.code,
        )
        groups.setdefault(cause, Group(cause, dead_letter.answer)).add(dead_letter)
