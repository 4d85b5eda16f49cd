"""The overview: what comes of profiles, what waits, what stands still, what needs a person.

The page itself shows what is known at once. What is read from metrics or logs is a part that comes
when it is ready, by an address of its own, which without JavaScript is a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError
from starlette.requests import Request
from starlette.responses import Response

from attendee_sync.observability import Metric
from attendee_sync_cli import aws_errors, console
from attendee_sync_cli.operations import alarms, outcomes, status
from attendee_sync_cli.operations.alarms import Alarm
from attendee_sync_cli.operations.outcomes import SPANS, Count, Outcomes
from attendee_sync_cli.operations.report import Row
from attendee_sync_cli.operations.status import Activity, Glance, Need, NeedKind
from attendee_sync_cli.stack.lane_state import LaneState
from attendee_sync_cli.stack.stack import Stack
from attendee_sync_cli.web_console import charts, page
from attendee_sync_cli.web_console.charts import Chart

_SPAN = "24h"
_WAITING_HOURS = 24
_A_DAY = 86_400  # seconds
_MAX_WAIT = 3_600.0  # seconds, as of `status`
_CURES: Mapping[NeedKind, tuple[str, str]] = {
    NeedKind.CONNECTION: ("/doctor", "Doctor"),
    NeedKind.TOKEN: ("/doctor", "Doctor"),
    NeedKind.LANE: ("/destinations", "Destinations"),
    NeedKind.WAITING: ("/destinations", "Destinations"),
    NeedKind.MISSING: ("/failures", "Failures"),
    NeedKind.DEAD_LETTERS: ("/failures", "Failures"),
}
# What an alarm asks for first.
_ALARM_CURES = {
    "failed-rate": NeedKind.DEAD_LETTERS,
    "new-dead-letters": NeedKind.DEAD_LETTERS,
    "connection-paused": NeedKind.CONNECTION,
    "token-not-renewed": NeedKind.TOKEN,
    "token-ends-soon": NeedKind.TOKEN,
    "waiting": NeedKind.WAITING,
    "in-flight": NeedKind.LANE,
    "queue-age": NeedKind.LANE,
}


@dataclass(frozen=True)
class Shown:
    """What needs a person, and the page where it is cured."""

    words: str
    next: str
    path: str
    page: str


@dataclass(frozen=True)
class Stage:
    """A stage of the funnel."""

    name: str
    count: str
    before: str
    part: float | None  # of the largest stage, in percent


def _overview(request: Request) -> Response:
    match request.query_params.get("part"):
        case "outcomes":
            return _outcomes(request)
        case "waiting":
            return _waiting(request)
        case _:
            return _first(request)


def _first(request: Request) -> Response:
    stack = page.stack(request)
    glance = status.look_at_a_glance(stack)
    needs = [*glance.standing_needs(_MAX_WAIT), *glance.dead_letter_needs()]
    return page.render(
        request,
        "overview.html",
        needs=[_cure(each) for each in needs],
        alarms=_alarms(stack, glance),
        lanes=[_lane(each) for each in glance.lanes],
        kept=[
            f"What waits in {each.label} is kept until {console.when(each.kept_until)}."
            for each in glance.lanes
            if each.kept_until
        ],
        dead_letters=glance.dead_letters.total,
        connections=glance.connections,
        span=_SPAN,
    )


def _cure(need: Need) -> Shown:
    path, title = _CURES[need.kind]
    of = f"/{quote(need.name)}" if need.name else ""
    return Shown(console.plain(need.what), need.next, path + of, title)


def _alarms(stack: Stack, glance: Glance) -> list[tuple[Alarm, str, str]] | None:
    """Return what is firing, with the page to go to if there is one; None if nobody may know."""
    try:
        found = alarms.firing(stack, [each.name for each in glance.lanes if each.name])
    except ClientError as error:
        if not aws_errors.is_denied(error):
            raise
        return None
    return [(each, *_alarm_cure(each)) for each in found]


def _alarm_cure(alarm: Alarm) -> tuple[str, str]:
    kinds = (kind for end, kind in _ALARM_CURES.items() if alarm.name.endswith(f"-{end}"))
    kind = next(kinds, None)
    return _CURES[kind] if kind else ("", "")


def _lane(each: LaneState) -> list[str]:
    if each.count is None:
        return [each.label, "its queue is missing", "", "", ""]
    count = each.count
    figures = [f"{count.visible:,}", f"{count.in_flight:,}", f"{count.delayed:,}"]
    return [each.label, *figures, each.delivery.words]


# --- what came of profiles ---


def _outcomes(request: Request) -> Response:
    stack = page.stack(request)
    name = request.query_params.get("span", _SPAN)
    name = name if name in SPANS else _SPAN
    found = outcomes.look(stack, SPANS[name])
    waiting = status.count_in_lanes(stack)
    return _part(
        request,
        "overview_outcomes.html",
        spans=[(each, span.words, each == name) for each, span in SPANS.items()],
        found=found,
        stages=_stages(found, waiting),
        destinations=[_destination(*each) for each in found.by_destination().items()],
        ends=_ends(found),
        spreads=[
            _spreads(found, Metric.AGE, "Time since the push, of each end or try, in seconds"),
            _spreads(found, Metric.RAINFOCUS_LATENCY, "RainFocus's latency, in seconds"),
        ],
    )


def _stages(found: Outcomes, waiting: int) -> list[Stage]:
    counts = {"received": found.received}
    counts |= {kind.value: found.ended(kind) for kind in outcomes.ENDS}
    most = max(1, *(count.now for count in counts.values()))
    stages = [
        Stage(name, f"{count.now:,}", _against(count), round(100 * count.now / most, 1))
        for name, count in counts.items()
    ]
    return [*stages, Stage("waiting", f"{waiting:,}", "now, in all lanes", None)]


def _against(count: Count) -> str:
    """Return how many there were before, and the difference."""
    if count.before is None:
        return "before: not known"
    difference = count.now - count.before
    return f"before: {count.before:,} ({difference:+,})"


def _destination(name: str, row: Row) -> list[str]:
    took = row.durations
    mean = console.duration(took.total / took.count) if took.count else ""
    return [console.plain(name), *(f"{each:,}" for each in (row.received, *row.ends)), mean]


def _ends(found: Outcomes) -> Chart:
    return charts.bars(
        f"How profiles ended, by {found.span.bar_words}, UTC",
        _labels(found),
        {kind.value: counts for kind, counts in found.ends_by_bar().items()},
    )


def _spreads(found: Outcomes, metric: Metric, title: str) -> Chart:
    spreads = found.spreads_by_bar(metric)
    return charts.lines(
        title,
        _labels(found),
        {
            "p50": [spread.p50 if spread else None for spread in spreads],
            "p95": [spread.p95 if spread else None for spread in spreads],
        },
    )


def _labels(found: Outcomes) -> list[str]:
    """Return the bars' times of day, UTC, and of several days the day of the week, too."""
    form = "%H:%M" if found.span.seconds <= _A_DAY else "%a %Hh"
    return [datetime.fromtimestamp(each, UTC).strftime(form) for each in found.bars()]


# --- what waits ---


def _waiting(request: Request) -> Response:
    stack = page.stack(request)
    activity = status.look_at_activity(stack, status.look_at_a_glance(stack), _WAITING_HOURS)
    return _part(
        request,
        "overview_waiting.html",
        needs=[_cure(each) for each in activity.needs(_MAX_WAIT)],
        accounting=activity.accounting,
        hours=_WAITING_HOURS,
        since=activity.log.since,
        is_complete=activity.log.is_complete,
        rows=_waits(activity, status.longest_wait(stack)),
    )


def _waits(activity: Activity, longest_wait: float | None) -> list[list[str]]:
    return [
        [
            console.plain(name),
            f"{waits.count:,}",
            console.plain(reason),
            status.waits_for(reason),
            console.when(waits.since),
            console.when(waits.since + longest_wait) if longest_wait else "",
        ]
        for name, each in activity.destinations.items()
        for reason, waits in each.waiting.items()
    ]


def _part(request: Request, template: str, **values: Any) -> Response:
    """Return a part of the page; where no script asked for it, with all that is around a page."""
    if page.is_part(request):
        return page.fragment(request, template, **values)
    return page.render(request, "overview_part.html", part=template, **values)


ROUTES = [page.get("/", _overview)]
