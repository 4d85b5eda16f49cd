"""The command that puts dead letters back on the profile queue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import messages
from attendee_sync.messages import Letter, Message, Queue, QueueUnavailableError
from attendee_sync.outcome import Kind
from attendee_sync_cli import output
from attendee_sync_cli.dead_letters import OfDestination, OfReason, Walk, Wanted
from attendee_sync_cli.foresight import Foreseen, Foresight
from attendee_sync_cli.output import AsJson, FailureError, Yes
from attendee_sync_cli.stack import Stack

EXAMPLES = (
    "Examples: attendee-sync redrive --dry-run; attendee-sync redrive --destination summit "
    "--reason 'no e-mail address'; attendee-sync redrive --yes --json"
)
_WORDS = {
    Kind.DELIVERED: "delivered, if RainFocus takes it",
    Kind.UNCHANGED: "unchanged: RainFocus has it already",
    Kind.FILTERED: "filtered: the destination does not want it",
    Kind.STALE: "stale: something newer of the attendee was settled",
    Kind.REJECTED: "rejected again, so it stays: ",
    Kind.RETRY: "not to be told, so it stays: ",
}


@dataclass
class _Report:
    """How far it came."""

    dry_run: bool
    letters: int = 0
    redriven: int = 0
    # By destination and kind, and by the reason of those that stay.
    foreseen: Counter[tuple[str, Kind, str]] = field(default_factory=Counter)
    unseen: int = 0
    unseen_words: str = ""
    _ids: set[str] = field(default_factory=set)

    @property
    def left(self) -> int:
        """How many letters are dead letters still."""
        return self.letters - self.redriven

    @property
    def to_redrive(self) -> int:
        """How many letters would be put back."""
        return self.letters - self.count(Kind.REJECTED) - self.count(Kind.RETRY)

    def knows(self, letter: Letter) -> bool:
        """Tell whether a letter was met before: what is rejected again soon comes back."""
        return letter.id in self._ids

    def note(self, foreseen: Sequence[Foreseen]) -> None:
        """Note what would come of some letters."""
        self.letters += len(foreseen)
        self._ids |= {each.letter.id for each in foreseen}
        for each in foreseen:
            reason = each.outcome.reason if each.stays else ""
            self.foreseen[each.letter.message.destination, each.outcome.kind, reason] += 1

    def count(self, kind: Kind) -> int:
        """Return how many letters would have an outcome."""
        return sum(n for (_, each, _), n in self.foreseen.items() if each is kind)


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
    asks. Those that would be rejected again stay where they are, with the reason.

    It can be interrupted and run again at any time: a letter is removed only once it is on the
    profile queue, and one that is queued twice is delivered once, or found unchanged. Nothing
    older ever replaces something newer, since a letter keeps the version that it had. Letters of
    one attendee keep their order; SQS shows the later ones only once the earlier ones are gone,
    so that a redrive can come to more letters than its dry run.
    """
    if as_json and not (dry_run or yes):
        raise typer.BadParameter("with --json there is nobody to ask: add --yes or --dry-run")
    stack: Stack = context.obj
    wanted = Wanted(destination, reason)
    if dry_run or not yes:
        foreseen = _run(stack, wanted, dry_run=True, as_json=as_json)
        if dry_run or not foreseen.to_redrive:
            return
        typer.confirm(f"Put {foreseen.to_redrive} back on the profile queue?", abort=True)
    _run(stack, wanted, dry_run=False, as_json=as_json)


def _run(stack: Stack, wanted: Wanted, *, dry_run: bool, as_json: bool) -> _Report:
    """Foresee or redrive, and tell how far that came, also if it is interrupted or fails."""
    report = _Report(dry_run)
    try:
        _redrive(stack, wanted, report)
    except (KeyboardInterrupt, FailureError, BotoCoreError, ClientError) as error:
        if isinstance(error, KeyboardInterrupt):
            output.error("Interrupted. The rest is as it was; run it again to go on.")
        if report.letters and not dry_run:
            _tell(report, as_json=as_json)
        raise
    _tell(report, as_json=as_json)
    return report


def _redrive(stack: Stack, wanted: Wanted, report: _Report) -> None:
    foresight = Foresight(stack)
    profiles = Queue(stack.client("sqs"), stack.queue_url("ProfileQueueName"))
    words = "Looking at dead letters" if report.dry_run else "Redriving"
    with Walk(stack) as walk:
        for batch in walk.batches(words):
            letters = [each for each in batch if wanted.includes(each) and not report.knows(each)]
            foreseen = foresight.of(letters)
            report.note(foreseen)
            due = [each for each in foreseen if not each.stays]
            if report.dry_run or not due:
                continue
            taken = _queue(profiles, due)
            report.redriven += len(walk.delete([each.letter for each in taken]))
            if not taken:
                raise FailureError("The profile queue takes nothing now.")
    report.unseen, report.unseen_words = walk.unseen, walk.unseen_words


def _queue(profiles: Queue, due: Sequence[Foreseen]) -> list[Foreseen]:
    """Put letters on the profile queue, and return those that are surely there.

    Should some be refused, each attendee's are sent by themselves: others need not stay for them.
    """
    if _takes(profiles, due):
        return list(due)
    by_attendee: dict[str, list[Foreseen]] = {}
    for each in due:
        by_attendee.setdefault(each.attendee, []).append(each)
    return [each for some in by_attendee.values() if _takes(profiles, some) for each in some]


def _takes(profiles: Queue, due: Sequence[Foreseen]) -> bool:
    try:
        profiles.send([_message(each) for each in due])
    except QueueUnavailableError:
        return False
    return True


def _message(foreseen: Foreseen) -> Message:
    """Return a letter's message; for five minutes SQS takes it only once."""
    message = foreseen.letter.message
    return messages.queued_again(message, foreseen.attendee, f"redrive-{message.message_id}")


def _tell(report: _Report, *, as_json: bool) -> None:
    if as_json:
        output.document(_document(report))
        return
    if not report.letters:
        output.say("No dead letters to redrive.")
    else:
        _show(report)
    if report.unseen:
        output.say(report.unseen_words)


def _show(report: _Report) -> None:
    output.table(
        ["letters", "destination", "would be" if report.dry_run else "will be"],
        [
            [str(count), output.plain(destination), f"{_WORDS[kind]}{reason}"]
            for (destination, kind, reason), count in sorted(report.foreseen.items())
        ],
    )
    if report.dry_run:
        output.say(f"{report.to_redrive} of {report.letters} can be redriven.")
        return
    output.say(
        f"{report.redriven} of {report.letters} are on the profile queue again; "
        f"{report.left} stay dead letters."
    )


def _document(report: _Report) -> dict[str, Any]:
    done = {} if report.dry_run else {"redriven": report.redriven, "left": report.left}
    kinds = (Kind.DELIVERED, Kind.UNCHANGED, Kind.FILTERED, Kind.STALE, Kind.REJECTED)
    by_destination: dict[str, dict[str, int]] = {}
    for (destination, kind, _), count in sorted(report.foreseen.items()):
        counts = by_destination.setdefault(destination, {})
        counts[kind] = counts.get(kind, 0) + count
    return {
        "dry_run": report.dry_run,
        "letters": report.letters,
        **done,
        "outcomes": {kind.value: report.count(kind) for kind in kinds},
        "destinations": by_destination,
        "rejected": _staying(report, Kind.REJECTED),
        "undecided": _staying(report, Kind.RETRY),
        "unseen": report.unseen,
    }


def _staying(report: _Report, kind: Kind) -> list[dict[str, Any]]:
    return [
        {"destination": destination, "reason": reason, "count": count}
        for (destination, each, reason), count in sorted(report.foreseen.items())
        if each is kind
    ]
