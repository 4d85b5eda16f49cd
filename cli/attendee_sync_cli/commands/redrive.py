"""The command that puts dead letters back on the profile queue."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import typer
from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws.fifo_queue import FifoQueue, Message, QueueUnavailableError
from attendee_sync.aws.settings import CONNECTIONS, DESTINATIONS
from attendee_sync.messaging import messages
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync.outcome import OutcomeKind, in_words
from attendee_sync_cli import aws_errors, console
from attendee_sync_cli.console import AsJson, FailureError, Yes
from attendee_sync_cli.exit_codes import INTERRUPTED
from attendee_sync_cli.stack import lane
from attendee_sync_cli.stack.dead_letter_scan import (
    DeadLetterFilter,
    DeadLetterScan,
    OfDestination,
    OfReason,
)
from attendee_sync_cli.stack.redrive_forecast import ForecastRow, RedriveForecast
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync redrive --dry-run",
    "attendee-sync redrive --destination summit --reason missing_email",
    "attendee-sync redrive --yes --json",
)
_WORDS = {
    **{kind: kind.label for kind in OutcomeKind},
    OutcomeKind.REJECTED: f"{OutcomeKind.REJECTED.label} again, so it stays: ",
    OutcomeKind.RETRY: f"{OutcomeKind.RETRY.label}, so it stays: ",
}
_REFUSED_BEFORE = "refused_before"
_NOTHING_CHANGES = (
    "As things are, a redrive changes nothing: first mend the settings, RainFocus, or the profiles "
    "(`attendee-sync failures --export`)."
)
_NO_SETTING_DID = (
    "No setting was changed since: redrive only if RainFocus was mended, or mend the profiles "
    "(`attendee-sync failures --export`)."
)


class _Group(NamedTuple):
    """What is told together: where to, what would come of it, and why of those that stay."""

    destination: str
    kind: OutcomeKind
    reason: str = ""
    detail: str = ""


@dataclass
class _Report:
    """How far it came."""

    chosen: DeadLetterFilter
    dry_run: bool
    dead_letters: int = 0
    redriven: int = 0
    forecast: Counter[_Group] = field(default_factory=Counter)
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

    def count(self, kind: OutcomeKind) -> int:
        """Return how many dead letters would have an outcome."""
        return sum(n for each, n in self.forecast.items() if each.kind is kind)


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


def redrive(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: OfDestination = None,
    reason: OfReason = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would come of them; change nothing.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back on the profile queue, once what stood in their way is mended.

    First it says what would come of each by today's settings and by what the ledger knows, and
    asks. Those that would be rejected again stay where they are, with the reason. Where RainFocus
    refused just the same before, and no setting changed since, it says so; they are put back all
    the same, as RainFocus may have changed. Functions read settings once a minute: where one was
    changed just now, it waits until they know it.

    It can be interrupted and run again at any time: a dead letter is removed only once it is on the
    profile queue, and one that is queued twice is delivered once, or found unchanged. Nothing
    older ever replaces something newer, since a dead letter keeps the version that it had. Those
    of one attendee keep their order; SQS shows the later ones only once the earlier ones are
    gone, so that a redrive can come to more than its dry run.
    """
    if as_json and not (dry_run or yes):
        raise typer.BadParameter("with --json there is nobody to ask: add --yes or --dry-run")
    stack: Stack = context.obj
    chosen = DeadLetterFilter(destination, reason)
    if dry_run or not yes:
        forecast = _run(stack, chosen, dry_run=True, as_json=as_json)
        if dry_run or not forecast.to_redrive:
            return
        typer.confirm(f"Put {forecast.to_redrive} back on the profile queue?", abort=True)
    _run(stack, chosen, dry_run=False, as_json=as_json)


def _run(stack: Stack, chosen: DeadLetterFilter, *, dry_run: bool, as_json: bool) -> _Report:
    """Foresee or redrive, and tell how far that came, also if it is interrupted or fails."""
    report = _Report(chosen, dry_run)
    try:
        _redrive(stack, chosen, report)
    except (KeyboardInterrupt, FailureError, BotoCoreError, ClientError) as error:
        report.is_cut = True
        if report.dead_letters and not dry_run:
            _tell(report, as_json=as_json)
        if isinstance(error, KeyboardInterrupt):
            console.error("Interrupted. The rest is as it was; run it again to go on.")
            raise typer.Exit(INTERRUPTED) from None
        raise
    _tell(report, as_json=as_json)
    return report


def _redrive(stack: Stack, chosen: DeadLetterFilter, report: _Report) -> None:
    forecast = RedriveForecast(stack)
    queues = _Queues(stack)
    words = "Looking at dead letters" if report.dry_run else "Redriving"
    scan = DeadLetterScan(stack)
    try:
        with scan:
            for batch in scan.batches(words):
                fresh = [each for each in batch if not report.knows(each)]
                rows = forecast.of(chosen.among(fresh))
                _redrive_batch(stack, scan, queues, rows, report)
    finally:
        report.unseen, report.unseen_words = scan.unseen, scan.unseen_words
        report.on_queue = scan.left
    chosen.check(stack, scan)


def _redrive_batch(
    stack: Stack,
    scan: DeadLetterScan,
    queues: _Queues,
    rows: Sequence[ForecastRow],
    report: _Report,
) -> None:
    report.note(rows)
    due = [each for each in rows if not each.stays]
    _await_settings(stack, due, report)
    if report.dry_run or not due:
        return
    taken, causes = _queue(queues, due)
    report.redriven += len(scan.delete([each.dead_letter for each in taken]))
    if not taken:
        helps = "".join(f" {each}" for each in {*map(aws_errors.remedy, causes)} if each)
        told = ", ".join(sorted(causes))
        raise FailureError(f"The profile queue takes nothing now: {told}.{helps}")


def _await_settings(stack: Stack, due: Sequence[ForecastRow], report: _Report) -> None:
    """Wait until functions surely go by the settings by which it was foreseen; see Settings."""
    used = {(DESTINATIONS, row.dead_letter.message.destination) for row in due}
    used |= {(CONNECTIONS, row.connection) for row in due if row.connection}
    new = used - report.known_settings
    report.known_settings |= new
    seconds = max((stack.seconds_until_known(kind, name) for kind, name in new), default=0.0)
    if not seconds:
        return
    words = f"Settings were changed lately; the functions know them in {seconds:.0f} s"
    if report.dry_run:
        console.notice(f"{words}, and a redrive waits for that.")
        return
    console.notice(f"{words}. Waiting for that.")
    time.sleep(seconds)


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


def _tell(report: _Report, *, as_json: bool) -> None:
    if as_json:
        console.document(_document(report))
        return
    if not report.dead_letters and not report.is_cut:
        console.say(report.chosen.none_found)
    else:
        _show(report)
    if report.unseen and not report.is_cut:
        console.say(report.unseen_words)


def _show(report: _Report) -> None:
    console.table(
        ["dead letters", "destination", "would be" if report.dry_run else "will be"],
        [
            [str(count), console.plain(group.destination), _forecast_words(group)]
            for group, count in sorted(report.forecast.items())
        ],
    )
    if not report.to_redrive:
        console.say(_NOTHING_CHANGES)
    elif report.refused_before == report.to_redrive:
        console.say(_NO_SETTING_DID)
    if report.dry_run:
        console.say(f"{report.to_redrive} of {report.dead_letters} can be redriven.")
        return
    if report.is_cut:
        console.say(
            f"{report.redriven} of the {report.dead_letters} looked at are on the profile queue "
            f"again; {report.on_queue} dead letters are left."
        )
        return
    console.say(
        f"{report.redriven} of {report.dead_letters} are on the profile queue again; "
        f"{report.left} stay dead letters."
    )


def _group(row: ForecastRow) -> _Group:
    destination, outcome = row.dead_letter.message.destination, row.outcome
    if row.was_refused:
        return _Group(destination, outcome.kind, _REFUSED_BEFORE)
    if row.stays:
        return _Group(destination, outcome.kind, outcome.reason.value, outcome.detail)
    return _Group(destination, outcome.kind)


def _forecast_words(group: _Group) -> str:
    if group.reason == _REFUSED_BEFORE:
        return "refused again, unless RainFocus changed: no setting did since it refused this"
    return f"{_WORDS[group.kind]}{in_words(group.reason, group.detail)}"


def _document(report: _Report) -> dict[str, Any]:
    done = {} if report.dry_run else {"redriven": report.redriven, "left": report.left}
    # Nothing expires in a forecast, and what can't be told is told apart.
    kinds = [each for each in OutcomeKind if each.is_final and each is not OutcomeKind.EXPIRED]
    by_destination: dict[str, dict[str, int]] = {}
    for group, count in sorted(report.forecast.items()):
        counts = by_destination.setdefault(group.destination, {})
        name = _REFUSED_BEFORE if group.reason == _REFUSED_BEFORE else group.kind.value
        counts[name] = counts.get(name, 0) + count
    return {
        "dry_run": report.dry_run,
        "dead_letters": report.dead_letters,
        **done,
        "outcomes": {
            **{kind.value: report.count(kind) for kind in kinds},
            OutcomeKind.DELIVERED.value: report.count(OutcomeKind.DELIVERED)
            - report.refused_before,
            _REFUSED_BEFORE: report.refused_before,
        },
        "destinations": by_destination,
        "rejected": _staying(report, OutcomeKind.REJECTED),
        "undecided": _staying(report, OutcomeKind.RETRY),
        "unseen": report.unseen,
    }


def _staying(report: _Report, kind: OutcomeKind) -> list[dict[str, Any]]:
    return [
        {
            "destination": each.destination,
            "reason": each.reason,
            "detail": each.detail,
            "count": count,
        }
        for each, count in sorted(report.forecast.items())
        if each.kind is kind
    ]
