"""The command that tells what was received and what came of it, in the columns that Adobe has."""

import csv
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import typer

from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.console import AsJson
from attendee_sync_cli.stack import log_figures, metric_figures
from attendee_sync_cli.stack.figures import (
    ACTIVATED,
    EXCLUDED,
    FAILED,
    HOUR,
    Durations,
    Figures,
    Place,
)
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync report",
    "attendee-sync report --hours 168 --by reason",
    "attendee-sync report --by hour --csv > hours.csv",
)
_BARS = " ▁▂▃▄▅▆▇█"
_A_LINE = 24  # hours
_MORE_ENDS = """\
There are more ends than were received: a redriven profile ends once more, and
one that was received before these hours may end in them."""
_MAX_HOURS = 336  # two weeks: for so long CloudWatch lists a metric without values


class By(StrEnum):
    """What a line of a report is about."""

    DESTINATION = "destination"
    REASON = "reason"
    HOUR = "hour"


@dataclass
class _Row:
    """What came of profiles."""

    received: int = 0
    activated: int = 0
    excluded: int = 0
    failed: int = 0
    durations: Durations = field(default_factory=Durations)

    @property
    def ends(self) -> tuple[int, int, int]:
        return self.activated, self.excluded, self.failed

    @property
    def ended(self) -> int:
        return sum(self.ends)


def report(
    context: typer.Context,
    hours: Annotated[
        int, typer.Option(min=1, max=_MAX_HOURS, help="Hours, the one that has begun among them.")
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
    `attendee-sync status` tells what waits. A redriven profile has one end more.

    It is told from CloudWatch's metrics, where there are any, and else from the functions' logs.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    figures = _figures(context.obj, hours)
    if as_json:
        console.document(_document(figures, by))
    elif as_csv:
        _write_csv(figures, by)
    else:
        _tell(figures, by)


def _figures(stack: Stack, hours: int) -> Figures:
    since = (int(time.time()) // HOUR - hours + 1) * HOUR
    metrics = stack.client("cloudwatch")
    found = metric_figures.read(metrics, stack.name, stack.destinations(), since)
    if found is not None:
        return found
    groups = [stack.output("IngestLogGroupName"), stack.output("DeliveryLogGroupName")]
    return log_figures.read(stack.client("logs"), groups, since)


def _rows[Key](figures: Figures, key_of: Callable[[Place], Key]) -> dict[Key, _Row]:
    """Return what came of profiles by destination, hour, or whatever tells a place."""
    rows = {key_of(place): _Row() for place in figures.places()}
    for place, count in figures.received.items():
        rows[key_of(place)].received += count
    for (place, outcome), count in figures.ends.items():
        row = rows[key_of(place)]
        row.activated += count if outcome in ACTIVATED else 0
        row.excluded += count if outcome in EXCLUDED else 0
        row.failed += count if outcome in FAILED else 0
    for place, durations in figures.durations.items():
        rows[key_of(place)].durations.add(durations)
    return rows


def _by_destination(figures: Figures) -> dict[str, _Row]:
    return dict(sorted(_rows(figures, lambda place: place.destination).items()))


def _by_hour(figures: Figures) -> dict[str, _Row]:
    """Return what came of profiles by the beginning of each hour, of those without any, too."""
    found = _rows(figures, lambda place: place.hour)
    first = figures.since // HOUR * HOUR
    hours = range(first, int(time.time()) + 1, HOUR)
    return {console.moment(each): found.get(each, _Row()) for each in hours}


def _by_reason(figures: Figures) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for (_, outcome, reason), count in figures.reasons.items():
        counts[outcome, reason] += count
    return counts


def _total(figures: Figures) -> _Row:
    return _rows(figures, lambda _: "").get("", _Row())


# --- for people ---


def _tell(figures: Figures, by: By) -> None:
    _tell_source(figures)
    console.say()
    match by:
        case By.REASON:
            _tell_reasons(figures)
        case By.HOUR:
            _tell_hours(_by_hour(figures))
        case _:
            _tell_destinations(_by_destination(figures), _total(figures))
    console.say()
    _tell_bars(_by_hour(figures))
    total = _total(figures)
    if total.ended > total.received:
        console.say()
        console.say(_MORE_ENDS)


def _tell_source(figures: Figures) -> None:
    source = "CloudWatch's metrics" if figures.source == "metrics" else "the functions' logs"
    console.say(f"Since {console.moment(figures.since)}, from {source}.")
    first = min((place.hour for place in figures.places()), default=figures.since)
    if figures.source == "metrics" and first > figures.since:
        console.say(f"There are none before {console.moment(first)}.")
    if not figures.is_complete:
        console.say("The logs are long: what came before that could not be read.")


def _tell_destinations(rows: Mapping[str, _Row], total: _Row) -> None:
    """Show counts, and below each its part of all ends."""
    shown = rows if len(rows) == 1 else {**rows, "all": total}
    console.table(
        ["destination", "received", "activated", "excluded", "failed", "mean,\nlongest"],
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


def _tell_hours(rows: Mapping[str, _Row]) -> None:
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


def _rate(count: int, ended: int) -> float | None:
    return round(count / ended, 6) if ended else None


def _tell_reasons(figures: Figures) -> None:
    ended = _total(figures).ended
    rows = [
        [
            _with_rate(count, ended, "\n"),
            outcome,
            console.plain(reason),
            outcome_words.REASONS.get(reason, ""),
        ]
        for (outcome, reason), count in _by_reason(figures).most_common()
    ]
    console.table(
        ["profiles,\n% of ends", "outcome", "reason", "what it means"], rows or [["0", "", "", ""]]
    )


def _tell_bars(hours: Mapping[str, _Row]) -> None:
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


# --- for programs ---


def _members(row: _Row) -> dict[str, float | None]:
    took = row.durations
    return {
        "received": row.received,
        "activated": row.activated,
        "excluded": row.excluded,
        "failed": row.failed,
        "activated_rate": _rate(row.activated, row.ended),
        "excluded_rate": _rate(row.excluded, row.ended),
        "failed_rate": _rate(row.failed, row.ended),
        "mean_seconds": round(took.total / took.count, 3) if took.count else None,
        "longest_seconds": round(took.longest, 3) if took.count else None,
    }


def _records(figures: Figures, by: By) -> list[dict[str, Any]]:
    match by:
        case By.REASON:
            ended = _total(figures).ended
            return [
                {
                    "outcome": outcome,
                    "reason": reason,
                    "profiles": count,
                    "rate": _rate(count, ended),
                }
                for (outcome, reason), count in _by_reason(figures).most_common()
            ]
        case By.HOUR:
            rows = _by_hour(figures)
        case _:
            rows = _by_destination(figures)
    return [{by.value: name, **_members(row)} for name, row in rows.items()]


def _document(figures: Figures, by: By) -> dict[str, Any]:
    return {
        "since": console.moment(figures.since),
        "source": figures.source,
        "complete": figures.is_complete,
        "rows": _records(figures, by),
        "total": _members(_total(figures)),
    }


def _write_csv(figures: Figures, by: By) -> None:
    records = _records(figures, by)
    written = csv.DictWriter(sys.stdout, records[0] if records else [by.value])
    written.writeheader()
    written.writerows(records)
