"""The command that shows dead letters: why profiles could not be delivered."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from attendee_sync import observability
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError
from attendee_sync_cli.profiles.shape import shapes
from attendee_sync_cli.stack.dead_letter_scan import (
    DeadLetterFilter,
    DeadLetterScan,
    OfDestination,
    OfReason,
)
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = (
    "Examples: attendee-sync failures; attendee-sync failures --destination summit "
    "--reason 'e-mail'; attendee-sync failures --show 9a3f5c1e-7b2d-4c58-a1f0-3d6e8b9c0d12-0"
)
_PATHS_SHOWN = 20


@dataclass(frozen=True)
class _Cause:
    """What the letters of one row have in common."""

    destination: str
    outcome: str
    reason: str
    status: str
    code: str


@dataclass
class _Row:
    """The letters of one cause. Of them all, one is an example."""

    example_id: str
    example: dict[str, str]  # shapes by path
    answer: str  # RainFocus's own words to it
    first: str
    last: str
    count: int = 0

    def add(self, letter: DeadLetter) -> None:
        """Count a letter."""
        self.count += 1
        self.first = min(self.first, letter.failed_at)
        self.last = max(self.last, letter.failed_at)


def failures(
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
    as_json: AsJson = False,
) -> None:
    """Show the dead letters: what could not be delivered, grouped by destination and reason.

    Of each group an example tells which paths the profile has and the shape of what stands there
    (a letter is a, a digit is 9), but no value; ids among the keys are shown as *. An ID is the
    request id that the sender got, and the profile's place in the push.

    Looking changes nothing: the letters are hidden from others for the time of the look and then
    put back; should that fail, they come back by themselves within five minutes. Of one attendee
    only the oldest are seen, ten at most: SQS shows the later ones only once these are gone.
    """
    stack: Stack = context.obj
    if show:
        _show(_find(stack, show), as_json=as_json)
        return
    rows: dict[_Cause, _Row] = {}
    chosen = DeadLetterFilter(destination, reason)
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
    _tell(ordered)
    if scan.unseen:
        console.say(scan.unseen_words)


def _add(rows: dict[_Cause, _Row], letters: Iterable[DeadLetter]) -> None:
    for letter in letters:
        cause = _Cause(
            letter.message.destination, letter.outcome, letter.reason, letter.status, letter.code
        )
        if cause not in rows:
            rows[cause] = _Row(
                letter.id,
                shapes(letter.message.body),
                letter.answer,
                letter.failed_at,
                letter.failed_at,
            )
        rows[cause].add(letter)


def _document(cause: _Cause, row: _Row) -> dict[str, Any]:
    return {
        "destination": cause.destination,
        "outcome": cause.outcome or None,
        "reason": cause.reason,
        "status": cause.status or None,
        "code": cause.code or None,
        "answer": row.answer or None,
        "count": row.count,
        "first": row.first,
        "last": row.last,
        "example": {"id": row.example_id, "shape": row.example},
    }


def _tell(rows: list[tuple[_Cause, _Row]]) -> None:
    if not rows:
        console.say("No dead letters.")
        return
    console.table(
        ["letters", "destination", "outcome", "reason", "first", "last"],
        [
            [
                str(row.count),
                console.plain(cause.destination),
                console.plain(cause.outcome) or "given up",
                console.plain(_words(cause, row)),
                console.plain(row.first[:19]),
                console.plain(row.last[:19]),
            ]
            for cause, row in rows
        ],
    )
    for cause, row in rows:
        console.say()
        console.say(
            console.plain(f"{cause.destination}, {cause.reason}, such as {row.example_id}:")
        )
        shown = list(row.example.items())[:_PATHS_SHOWN]
        console.table(["", ""], [[f"  {path}", shape] for path, shape in shown])
        if len(row.example) > _PATHS_SHOWN:
            console.say(f"  and {len(row.example) - _PATHS_SHOWN} more; --json shows them")
    console.say()
    console.say("`attendee-sync redrive --dry-run` tells what would come of them now.")


def _words(cause: _Cause, row: _Row) -> str:
    answered = ", ".join(
        [
            *([f"HTTP {cause.status}"] if cause.status else []),
            *([f"code {cause.code}"] if cause.code else []),
            *([f'"{row.answer}"'] if row.answer else []),
        ]
    )
    return f"{cause.reason} ({answered})" if answered else cause.reason


def _find(stack: Stack, letter_id: str) -> DeadLetter:
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking for the dead letter"):
            for letter in batch:
                if letter.id == letter_id:
                    return letter
    raise FailureError(
        f"There is no dead letter of this ID to be seen. {scan.unseen_words}".rstrip()
    )


def _show(letter: DeadLetter, *, as_json: bool) -> None:
    message = letter.message
    known = {
        "id": letter.id,
        "destination": message.destination,
        "outcome": letter.outcome,
        "reason": letter.reason,
        "status": letter.status,
        "code": letter.code,
        "answer": letter.answer,
        "time": letter.failed_at,
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
        console.say(console.plain(line))
