"""The command that shows dead letters: why profiles could not be delivered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from attendee_sync import observability
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.console import AsJson, FailureError, Yes
from attendee_sync_cli.profiles import dead_letter_export, new_file
from attendee_sync_cli.profiles.shape import shapes
from attendee_sync_cli.stack.dead_letter_scan import (
    DeadLetterFilter,
    DeadLetterScan,
    OfDestination,
    OfReason,
)
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync failures",
    "attendee-sync failures --list --destination summit",
    "attendee-sync failures --reason missing_email --export mend.csv --discard",
    "attendee-sync failures --show 9a3f5c1e-7b2d-4c58-a1f0-3d6e8b9c0d12-0",
)
_PATHS_SHOWN = 20


@dataclass(frozen=True)
class _Cause:
    """What the dead letters of one row have in common."""

    destination: str
    outcome: str
    reason: str
    detail: str
    status: str
    code: str


@dataclass
class _Row:
    """The dead letters of one cause. Of them all, one is an example."""

    example_id: str
    example: dict[str, str]  # shapes by path
    answer: str  # RainFocus's own words to it
    first: str = ""
    last: str = ""
    count: int = 0
    senders: Counter[str] = field(default_factory=Counter)  # those with tokens of their own

    def add(self, dead_letter: DeadLetter) -> None:
        """Count a dead letter."""
        self.count += 1
        if dead_letter.message.sender:
            self.senders[dead_letter.message.sender] += 1
        failed_at = console.moment_of(dead_letter.failed_at)
        self.first = min(self.first or failed_at, failed_at)
        self.last = max(self.last, failed_at)


def failures(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: OfDestination = None,
    reason: OfReason = None,
    show: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Show one dead letter whole, with the profile as it was pushed: personal data.",
        ),
    ] = None,
    each: Annotated[
        bool, typer.Option("--list", help="Show a line for each, without personal data.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write them to this new file, to be mended and pushed again: .csv, .json or "
            ".ndjson. It holds personal data; only you can read it.",
        ),
    ] = None,
    discard: Annotated[
        bool,
        typer.Option("--discard", help="Delete them for good, after a question; see --export."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show the dead letters: what could not be delivered, grouped by destination and reason.

    Of each group an example tells which paths the profile has and the shape of what stands there
    (a letter is a, a digit is 9), but no value; ids among the keys are shown as *. An ID is the
    request id that the sender got, and the profile's place in the push.

    What can't be mended by settings can be mended in a file: --export writes the profiles with
    the reason of each, and `push` takes that file. With --discard they are deleted, too, once
    they are in the file; alone, it deletes what nobody needs. What settings mend is put back by
    `redrive`. They choose by --destination and --reason, as `redrive` does.

    Looking changes nothing: they are hidden from others for the time of the look and then put
    back; should that fail, they come back by themselves within five minutes. Of one attendee
    only the oldest are seen, ten at most: SQS shows the later ones only once these are gone.
    """
    stack: Stack = context.obj
    chosen = DeadLetterFilter(destination, reason)
    _check_options(show, export, each=each, discard=discard)
    if discard:
        console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    if show:
        _show(_find(stack, show), as_json=as_json)
    elif each:
        _list(stack, chosen, as_json=as_json)
    elif export or discard:
        _take_out(stack, chosen, _Removal(export, discard, yes), as_json=as_json)
    else:
        _group(stack, chosen, as_json=as_json)


def _check_options(show: str | None, export: Path | None, *, each: bool, discard: bool) -> None:
    if sum([bool(show), each, bool(export) or discard]) > 1:
        raise typer.BadParameter("one of --show, --list and --export or --discard at a time")
    if export and export.suffix.lower() not in dead_letter_export.ENDINGS:
        raise typer.BadParameter(
            f"the file's name must end in one of {', '.join(dead_letter_export.ENDINGS)}",
            param_hint="--export",
        )


def _group(stack: Stack, chosen: DeadLetterFilter, *, as_json: bool) -> None:
    rows: dict[_Cause, _Row] = {}
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking at dead letters"):
            _add(rows, chosen.among(batch))
    chosen.check(stack, scan)
    ordered = sorted(rows.items(), key=lambda item: (item[0].destination, -item[1].count))
    if as_json:
        console.document(
            {
                "dead_letters": sum(row.count for row in rows.values()),
                "unseen": scan.unseen,
                "failures": [_document(cause, row) for cause, row in ordered],
            }
        )
        return
    if ordered:
        _tell(ordered)
    else:
        console.say(chosen.none_found)
    if scan.unseen:
        console.say(scan.unseen_words)


def _list(stack: Stack, chosen: DeadLetterFilter, *, as_json: bool) -> None:
    found: list[dict[str, str]] = []
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking at dead letters"):
            found += [dead_letter_export.why(each) for each in chosen.among(batch)]
    chosen.check(stack, scan)
    found.sort(key=lambda each: each["time"])
    if as_json:
        console.document({"unseen": scan.unseen, "dead_letters": found})
        return
    if not found:
        console.say(chosen.none_found)
    width = max((len(each["destination"]) for each in found), default=0)
    for each in found:
        # One line each, however wide the terminal is, so that other programs can pick some.
        words = [each["id"], each["destination"].ljust(width), each["time"]]
        console.say_as_it_is(console.plain("  ".join([*words, each["reason"] or each["detail"]])))
    if scan.unseen:
        console.notice(scan.unseen_words)


@dataclass(frozen=True)
class _Removal:
    """What becomes of dead letters that are taken out: a file gets them, or they are deleted."""

    export: Path | None
    discards: bool
    is_confirmed: bool


def _take_out(stack: Stack, chosen: DeadLetterFilter, removal: _Removal, *, as_json: bool) -> None:
    """Export or discard. Only what was counted, and is in the file if there is one, is deleted."""
    found: list[DeadLetter] = []
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking at dead letters"):
            found += chosen.among(batch)
    chosen.check(stack, scan)
    if removal.export and found:
        _export(removal.export, found, as_json=as_json)
    discarded = 0
    if removal.discards and found:
        if not removal.is_confirmed:
            _ask(found)
        discarded = _discard(stack, found)
    if as_json:
        exported = len(found) if removal.export else 0
        told = {"exported": exported, "discarded": discarded, "unseen": scan.unseen}
        console.document({"dead_letters": len(found), **told})
        return
    if not found:
        console.say(chosen.none_found)
    elif removal.discards:
        console.say(f"{discarded} of {console.counted(len(found), 'dead letter')} deleted.")
    if scan.unseen:
        console.say(scan.unseen_words)


def _discard(stack: Stack, found: Sequence[DeadLetter]) -> int:
    """Delete what was found before; return how many that are. What came since then stays."""
    left = {each.message.message_id for each in found}
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Deleting dead letters"):
            left -= scan.delete([each for each in batch if each.message.message_id in left])
            if not left:
                break
    return len(found) - len(left)


def _export(path: Path, found: Sequence[DeadLetter], *, as_json: bool) -> None:
    with new_file.opened(path, "--export") as write:
        try:
            write(dead_letter_export.content(found, path.suffix.lower()))
        except OSError as error:
            raise FailureError(f"{path} can't be written: {error.strerror}.") from None
    if as_json:
        return
    letters = console.counted(len(found), "dead letter")
    console.say(f"{path} has {letters}. It holds personal data; only you can read it.")
    for name, count in sorted(_counts(found).items()):
        console.say(f"To push the {count} of {name}, mended: attendee-sync push {name} {path}")


def _ask(found: Sequence[DeadLetter]) -> None:
    counts = ", ".join(f"{count} of {name}" for name, count in sorted(_counts(found).items()))
    letters = console.counted(len(found), "dead letter")
    typer.confirm(f"Delete {letters} ({counts}) for good?", abort=True)


def _counts(found: Sequence[DeadLetter]) -> Counter[str]:
    return Counter(console.plain(each.message.destination) for each in found)


def _add(rows: dict[_Cause, _Row], dead_letters: Iterable[DeadLetter]) -> None:
    for dead_letter in dead_letters:
        cause = _Cause(
            dead_letter.message.destination,
            dead_letter.outcome,
            dead_letter.reason,
            dead_letter.detail,
            dead_letter.status,
            dead_letter.code,
        )
        if cause not in rows:
            rows[cause] = _Row(
                dead_letter.id,
                shapes(dead_letter.message.body),
                dead_letter.answer,
            )
        rows[cause].add(dead_letter)


def _document(cause: _Cause, row: _Row) -> dict[str, Any]:
    return {
        "destination": cause.destination,
        "outcome": cause.outcome or None,
        "reason": cause.reason or None,
        "detail": cause.detail,
        "status": cause.status or None,
        "code": cause.code or None,
        "answer": row.answer or None,
        "count": row.count,
        "senders": dict(row.senders),
        "first": row.first,
        "last": row.last,
        "example": {"id": row.example_id, "shape": row.example},
    }


def _tell(rows: list[tuple[_Cause, _Row]]) -> None:
    console.table(["dead letters", "destination", "outcome", "reason", "last"], _counted(rows))
    for cause, row in rows:
        console.say()
        since = f"{row.count} since {row.first}{_from(row.senders)}"
        console.say(console.plain(f"{cause.destination}, {_words(cause, row)}"))
        console.say(console.plain(f"{since}, such as {row.example_id}:"))
        shown = list(row.example.items())[:_PATHS_SHOWN]
        console.table(["", ""], [[f"  {path}", shape] for path, shape in shown])
        if len(row.example) > _PATHS_SHOWN:
            console.say(f"  and {len(row.example) - _PATHS_SHOWN} more; --json shows them")
    console.say()
    console.say("`attendee-sync redrive --dry-run` tells what would come of them now.")


def _from(senders: Counter[str]) -> str:
    names = (f"{count} from {name}" for name, count in senders.most_common())
    return "".join(f", {each}" for each in names)


def _counted(rows: list[tuple[_Cause, _Row]]) -> list[list[str]]:
    """Return the rows of a table: those that differ in what is told below it alone are one."""
    counts: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], str] = {}
    for cause, row in rows:
        key = (cause.destination, cause.outcome or "given up", cause.reason or cause.detail)
        counts[key] += row.count
        last[key] = max(last.get(key, ""), row.last)
    return [[str(count), *map(console.plain, (*key, last[key]))] for key, count in counts.items()]


def _words(cause: _Cause, row: _Row) -> str:
    answer = outcome_words.of_answer(cause.status, cause.code, row.answer)
    return outcome_words.why(cause.reason, cause.detail, answer)


def _find(stack: Stack, letter_id: str) -> DeadLetter:
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking for the dead letter"):
            for dead_letter in batch:
                if dead_letter.id == letter_id:
                    return dead_letter
    raise FailureError(
        f"There is no dead letter of this ID to be seen. {scan.unseen_words}".rstrip()
    )


def _show(dead_letter: DeadLetter, *, as_json: bool) -> None:
    message = dead_letter.message
    known = {
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
    if as_json:
        console.document({**known, "profile": message.body}, ascii_only=True)
        return
    console.table(
        ["dead letter", ""], [[name, console.plain(text)] for name, text in known.items() if text]
    )
    console.say()
    for line in message.body.splitlines():
        console.say_as_it_is(console.plain(line))
