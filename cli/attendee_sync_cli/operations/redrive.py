"""Putting dead letters back on the profile queue, once what stood in their way is mended."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from attendee_sync.aws.fifo_queue import FifoQueue, Message, QueueUnavailableError
from attendee_sync.aws.settings import CONNECTIONS, DESTINATIONS
from attendee_sync.messaging import messages
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync.outcome import OutcomeKind, in_words
from attendee_sync_cli import aws_errors
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack import lane
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterFilter, DeadLetterScan, Follower
from attendee_sync_cli.stack.redrive_forecast import ForecastRow, RedriveForecast
from attendee_sync_cli.stack.stack import Stack

_WORDS = {
    **{kind: kind.label for kind in OutcomeKind},
    OutcomeKind.REJECTED: f"{OutcomeKind.REJECTED.label} again, so it stays: ",
    OutcomeKind.RETRY: f"{OutcomeKind.RETRY.label}, so it stays: ",
}
_REFUSED_BEFORE = "refused_before"
# Of profiles that are put back. Slower, dead letters would be hidden from others for too long.
LEAST_PER_SECOND, MOST_PER_SECOND = 1, 1_000
_NOTHING_CHANGES = (
    "As things are, a redrive changes nothing: first mend the settings, RainFocus, or the profiles "
    "(`attendee-sync failures --export`)."
)
_NO_SETTING_DID = (
    "No setting was changed since: redrive only if RainFocus was mended, or mend the profiles "
    "(`attendee-sync failures --export`)."
)


class ForecastGroup(NamedTuple):
    """What is told together: where to, what would come of it, and why of those that stay."""

    destination: str
    kind: OutcomeKind
    reason: str = ""
    detail: str = ""

    @property
    def words(self) -> str:
        """What would come of them."""
        if self.reason == _REFUSED_BEFORE:
            return "refused again, unless RainFocus changed: no setting did since it refused this"
        return f"{_WORDS[self.kind]}{in_words(self.reason, self.detail)}"


@dataclass
class RedriveReport:
    """How far a redrive came, or what would come of one."""

    chosen: DeadLetterFilter
    dry_run: bool
    dead_letters: int = 0
    redriven: int = 0
    forecast: Counter[ForecastGroup] = field(default_factory=Counter)
    unseen: int = 0
    unseen_words: str = ""
    on_queue: int = 0  # dead letters of all kinds that are left
    is_cut: bool = False  # it ended before its end
    known_settings: set[tuple[str, str]] = field(default_factory=set)  # kinds and names
    _ids: set[str] = field(default_factory=set)

    @property
    def left(self) -> int:
        """How many are dead letters still."""
        return self.dead_letters - self.redriven

    @property
    def to_redrive(self) -> int:
        """How many dead letters would be put back."""
        return self.dead_letters - self.count(OutcomeKind.REJECTED) - self.count(OutcomeKind.RETRY)

    @property
    def is_through(self) -> bool:
        """Tell whether it came to all that are meant, if these are known by their IDs."""
        return self.chosen.ids is not None and self.chosen.ids <= self._ids

    def knows(self, dead_letter: DeadLetter) -> bool:
        """Tell whether a dead letter was met before: what is rejected again soon comes back."""
        return dead_letter.id in self._ids

    def note(self, rows: Sequence[ForecastRow]) -> None:
        """Note what would come of some dead letters."""
        self.dead_letters += len(rows)
        self._ids |= {each.dead_letter.id for each in rows}
        for each in rows:
            self.forecast[_group(each)] += 1

    @property
    def refused_before(self) -> int:
        """How many RainFocus refused before, with no setting changed since."""
        return sum(n for each, n in self.forecast.items() if each.reason == _REFUSED_BEFORE)

    @property
    def ordered(self) -> list[tuple[ForecastGroup, int]]:
        """How many would come to what, by destination."""
        return sorted(self.forecast.items())

    @property
    def advice(self) -> str:
        """What speaks against a redrive as things are; empty if nothing does."""
        if not self.to_redrive:
            return _NOTHING_CHANGES
        return _NO_SETTING_DID if self.refused_before == self.to_redrive else ""

    @property
    def ids(self) -> frozenset[str]:
        """The IDs of the dead letters that it came to."""
        return frozenset(self._ids)

    def count(self, kind: OutcomeKind) -> int:
        """Return how many dead letters would have an outcome."""
        return sum(n for each, n in self.forecast.items() if each.kind is kind)

    def document(self) -> dict[str, Any]:
        """Return the report as programs get it."""
        done = {} if self.dry_run else {"redriven": self.redriven, "left": self.left}
        # Nothing expires in a forecast, and what can't be told is told apart.
        kinds = [each for each in OutcomeKind if each.is_final and each is not OutcomeKind.EXPIRED]
        by_destination: dict[str, dict[str, int]] = {}
        for group, count in self.ordered:
            counts = by_destination.setdefault(group.destination, {})
            name = _REFUSED_BEFORE if group.reason == _REFUSED_BEFORE else group.kind.value
            counts[name] = counts.get(name, 0) + count
        return {
            "dry_run": self.dry_run,
            "dead_letters": self.dead_letters,
            **done,
            "outcomes": {
                **{kind.value: self.count(kind) for kind in kinds},
                OutcomeKind.DELIVERED.value: self.count(OutcomeKind.DELIVERED)
                - self.refused_before,
                _REFUSED_BEFORE: self.refused_before,
            },
            "destinations": by_destination,
            "rejected": self._staying(OutcomeKind.REJECTED),
            "undecided": self._staying(OutcomeKind.RETRY),
            "unseen": self.unseen,
        }

    def _staying(self, kind: OutcomeKind) -> list[dict[str, Any]]:
        return [
            {
                "destination": each.destination,
                "reason": each.reason,
                "detail": each.detail,
                "count": count,
            }
            for each, count in self.ordered
            if each.kind is kind
        ]


class _Queues:
    """The profile queues of destinations, each looked for once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._found: dict[str, FifoQueue] = {}

    def of(self, destination: str) -> FifoQueue:
        """Return the queue of a destination's lane."""
        if destination not in self._found:
            settings = self._stack.known_destination(destination)
            self._found[destination] = lane.of_destination(
                self._stack, destination, settings
            ).queue()
        return self._found[destination]


def redrive(
    stack: Stack,
    report: RedriveReport,
    follower: Follower | None = None,
    per_second: float | None = None,
) -> None:
    """Foresee or redrive what a report is about; it tells how far that came, however it ends.

    With `per_second`, no more profiles a second are put back, for as long as that takes: one scan
    follows the other, since none may hold dead letters for longer than some minutes. Raises
    FailureError, if no such destination is there or the profile queue takes nothing, and
    botocore's errors.
    """
    follower = follower or Follower()
    while True:
        before = report.redriven
        is_cut = _Redrive(stack, report, follower).run(per_second)
        comes_further = is_cut and report.redriven > before
        if per_second is None or not comes_further or follower.has_cancelled():
            return


@dataclass(frozen=True)
class RedrivePlan:
    """What would come of a redrive, and the settings by which that was foreseen."""

    forecast: RedriveReport
    settings: tuple[Mapping[str, str], Mapping[str, str]]  # destinations, connections


def plan(stack: Stack, chosen: DeadLetterFilter, follower: Follower) -> RedrivePlan:
    """Return what would come of dead letters now. Raises as redrive() does."""
    settings = (stack.destinations(), stack.connections())
    forecast = RedriveReport(chosen, dry_run=True)
    redrive(stack, forecast, follower)
    return RedrivePlan(forecast, settings)


def of_plan(stack: Stack, planned: RedrivePlan) -> RedriveReport:
    """Return the report of a redrive of just what was planned, for redrive().

    Raises FailureError if settings were changed since.
    """
    if (stack.destinations(), stack.connections()) != planned.settings:
        raise FailureError(
            "Settings were changed since this was planned, so that something else would come of "
            "it. Nothing is redriven: plan it again."
        )
    chosen = DeadLetterFilter(ids=planned.forecast.ids)
    return RedriveReport(chosen, dry_run=False)


class _Redrive:
    """One scan of a redrive."""

    def __init__(self, stack: Stack, report: RedriveReport, follower: Follower) -> None:
        self._stack, self._report, self._follower = stack, report, follower
        self._scan = DeadLetterScan(stack, follower=follower)
        self._forecast = RedriveForecast(stack)
        self._queues = _Queues(stack)

    def run(self, per_second: float | None) -> bool:
        """Redrive what the scan comes to; tell whether it ended before it came to all."""
        report, scan = self._report, self._scan
        words = "Looking at dead letters" if report.dry_run else "Redriving"
        try:
            with scan:
                for batch in scan.batches(words):
                    fresh = [each for each in batch if not report.knows(each)]
                    taken = self._redrive(self._forecast.of(report.chosen.among(fresh)))
                    if report.is_through:
                        break
                    if per_second:
                        self._follower.wait(taken / per_second)
        finally:
            report.unseen, report.unseen_words = scan.unseen, scan.unseen_words
            report.on_queue = scan.left
        report.chosen.check(self._stack, scan)
        return scan.is_cut

    def _redrive(self, rows: Sequence[ForecastRow]) -> int:
        """Redrive some dead letters; return how many are on their queues."""
        self._report.note(rows)
        due = [each for each in rows if not each.stays]
        self._await_settings(due)
        if self._report.dry_run or not due or self._follower.has_cancelled():
            return 0
        taken, causes = _queue(self._queues, due)
        self._report.redriven += len(self._scan.delete([each.dead_letter for each in taken]))
        if not taken:
            helps = "".join(f" {each}" for each in {*map(aws_errors.remedy, causes)} if each)
            told = ", ".join(sorted(causes))
            raise FailureError(f"The profile queue takes nothing now: {told}.{helps}")
        return len(taken)

    def _await_settings(self, due: Sequence[ForecastRow]) -> None:
        """Wait until functions surely go by the settings by which it was foreseen."""
        used = {(DESTINATIONS, row.dead_letter.message.destination) for row in due}
        used |= {(CONNECTIONS, row.connection) for row in due if row.connection}
        new = used - self._report.known_settings
        self._report.known_settings |= new
        known_in = (self._stack.seconds_until_known(kind, name) for kind, name in new)
        seconds = max(known_in, default=0.0)
        if not seconds:
            return
        words = f"Settings were changed lately; the functions know them in {seconds:.0f} s"
        if self._report.dry_run:
            self._follower.notice(f"{words}, and a redrive waits for that.")
            return
        self._follower.notice(f"{words}. Waiting for that.")
        self._follower.wait(seconds)


def _queue(queues: _Queues, due: Sequence[ForecastRow]) -> tuple[list[ForecastRow], frozenset[str]]:
    """Put dead letters on their queues, and return those surely there, and why others are not.

    Should some be refused, each attendee's are sent by themselves: others need not stay for them.
    """
    taken: list[ForecastRow] = []
    causes: frozenset[str] = frozenset()
    for destination, some in _grouped(due, lambda row: row.dead_letter.message.destination).items():
        queue = queues.of(destination)
        refused = _refusal(queue, some)
        if not refused:
            taken += some
            continue
        causes |= refused
        for of_one in _grouped(some, lambda row: row.attendee).values():
            taken += of_one if not _refusal(queue, of_one) else []
    return taken, causes


def _grouped(
    rows: Sequence[ForecastRow], by: Callable[[ForecastRow], str]
) -> dict[str, list[ForecastRow]]:
    groups: dict[str, list[ForecastRow]] = {}
    for each in rows:
        groups.setdefault(by(each), []).append(each)
    return groups


def _refusal(queue: FifoQueue, due: Sequence[ForecastRow]) -> frozenset[str]:
    """Put dead letters on a profile queue, and return why some are not there: codes of AWS."""
    try:
        queue.send([_message(each) for each in due])
    except QueueUnavailableError as error:
        return error.causes
    return frozenset()


def _message(row: ForecastRow) -> Message:
    """Return a dead letter's message; for five minutes SQS takes it only once."""
    message = row.dead_letter.message
    return messages.requeue_message(message, row.attendee, f"redrive-{message.message_id}")


def _group(row: ForecastRow) -> ForecastGroup:
    destination, outcome = row.dead_letter.message.destination, row.outcome
    if row.was_refused:
        return ForecastGroup(destination, outcome.kind, _REFUSED_BEFORE)
    if row.stays:
        return ForecastGroup(destination, outcome.kind, outcome.reason.value, outcome.detail)
    return ForecastGroup(destination, outcome.kind)
