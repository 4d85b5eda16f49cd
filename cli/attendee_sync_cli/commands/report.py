"""The command that tells what was received and what came of it, in the columns that Adobe has."""

import csv
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.console import AsJson
from attendee_sync_cli.operations import report as operation
from attendee_sync_cli.operations.report import By, Report, Row
from attendee_sync_cli.stack.figures import Durations, Figures

EXAMPLES = console.examples(
    "attendee-sync report",
    "attendee-sync report --hours 168 --by reason",
    "attendee-sync report --by hour --csv > hours.csv",
    "attendee-sync report --by audience",
)
_BARS = " ▁▂▃▄▅▆▇█"
_A_LINE = 24  # hours
_MORE_ENDS = """\
There are more ends than were received: a redriven profile ends once more, and
one that was received before these hours may end in them."""


def report(
    context: typer.Context,
    hours: Annotated[
        int,
        typer.Option(
            min=1, max=operation.MAX_HOURS, help="Hours, the one that has begun among them."
        ),
    ] = 24,
    by: Annotated[By, typer.Option(help="What each line is about.")] = By.DESTINATION,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer in CSV, for spreadsheets.")] = False,
) -> None:
    """Count what was received and what came of it: activated, excluded or failed.

    Activated is what RainFocus has, by this profile (delivered) or before it (unchanged). Excluded
    is what the destination does not want (filtered) or what something newer overtook (stale).
    Failed is what became a dead letter (rejected, expired). Each is also told as a part of all
    three. What was received before may end now, and what was received now may wait:
    `attendee-sync status` tells what waits. A redriven profile has one end more. By audience,
    profiles count for the audiences that their destination sends, as its settings are now.

    It is told from CloudWatch's metrics, where there are any, and else from the functions' logs.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    found = operation.look(context.obj, hours)
    if as_json:
        console.document(found.document(by))
    elif as_csv:
        _write_csv(found, by)
    else:
        _tell(found, by)


def _tell(found: Report, by: By) -> None:
    _tell_source(found.figures)
    console.say()
    match by:
        case By.REASON:
            _tell_reasons(found)
        case By.HOUR:
            _tell_hours(found.by_hour())
        case _:
            rows = found.by_audience() if by is By.AUDIENCE else found.by_destination()
            _tell_rows(by, rows, found.total())
    console.say()
    _tell_bars(found.by_hour())
    total = found.total()
    if total.ended > total.received:
        console.say()
        console.say(_MORE_ENDS)


def _tell_source(figures: Figures) -> None:
    source = "CloudWatch's metrics" if figures.source == "metrics" else "the functions' logs"
    console.say(f"Since {console.moment(figures.since)}, from {source}.")
    first = min((place.start for place in figures.places()), default=figures.since)
    if figures.source == "metrics" and first > figures.since:
        console.say(f"There are none before {console.moment(first)}.")
    if not figures.is_complete:
        console.say("The logs are long: what came before that could not be read.")


def _tell_rows(by: By, rows: Mapping[str, Row], total: Row) -> None:
    """Show counts, and below each its part of all ends."""
    shown = rows if len(rows) == 1 else {**rows, "all": total}
    console.table(
        [by.value, "received", "activated", "excluded", "failed", "mean,\nlongest"],
        [
            [
                console.plain(name),
                f"{row.received:,}",
                *(_with_rate(each, row.ended, "\n") for each in row.ends),
                ",\n".join(_took(row.durations)),
            ]
            for name, row in shown.items()
        ],
    )


def _tell_hours(rows: Mapping[str, Row]) -> None:
    console.table(
        ["hour", "received", "activated", "excluded", "failed", "mean", "longest"],
        [
            [name, *(f"{each:,}" for each in (row.received, *row.ends)), *_took(row.durations)]
            for name, row in rows.items()
        ],
    )


def _took(durations: Durations) -> list[str]:
    if not durations.count:
        return []
    mean = durations.total / durations.count
    return [console.duration(mean), console.duration(durations.longest)]


def _with_rate(count: int, ended: int, between: str) -> str:
    return f"{count:,}{between}{count / ended:.1%}" if count and ended else f"{count:,}"


def _tell_reasons(found: Report) -> None:
    ended = found.total().ended
    rows = [
        [
            _with_rate(count, ended, "\n"),
            outcome,
            console.plain(reason),
            outcome_words.REASONS.get(reason, ""),
        ]
        for (outcome, reason), count in found.by_reason().most_common()
    ]
    console.table(
        ["profiles,\n% of ends", "outcome", "reason", "what it means"], rows or [["0", "", "", ""]]
    )


def _tell_bars(hours: Mapping[str, Row]) -> None:
    """Show a bar for each hour, a day in a line."""
    received = [row.received for row in hours.values()]
    failed = [row.failed for row in hours.values()]
    bars = (_bars(received), _bars(failed))
    console.table(
        ["hours from", f"received, at most {max(received):,}", f"failed, at most {max(failed):,}"],
        [
            [name, *(each[start : start + _A_LINE] for each in bars)]
            for start, name in list(enumerate(hours))[::_A_LINE]
        ],
    )


def _bars(counts: Sequence[int]) -> str:
    """Return a character for each count, as high as its part of the greatest one."""
    most = max(counts)
    return "".join(
        _BARS[-(-count * (len(_BARS) - 1) // most)] if count else "·" for count in counts
    )


def _write_csv(found: Report, by: By) -> None:
    records = found.records(by)
    written = csv.DictWriter(sys.stdout, records[0] if records else [by.value])
    written.writeheader()
    written.writerows(records)
