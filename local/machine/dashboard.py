"""A picture of the template's dashboard, drawn from metrics that the local stack's logs hold.

CloudWatch alone draws a dashboard, and the local cloud has none. Charts of what only AWS measures
(functions, API, tables, queues) have no values here and are left out.
"""

import html
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.machine.alarms import TEMPLATE, CloudWatch, Point, aggregated, parsed

_UNIT, _ROW = 50, 36  # pixels of a 24th of the dashboard's width, and of a row
_LEFT, _TOP = 60, 38  # where a chart's lines begin
_COLORS = ("#1f77b4", "#2ca02c", "#ff7f0e", "#d62728", "#9467bd", "#8c564b", "#17becf")
_SEARCH = re.compile(
    r"(?P<sum>SUM\()?SEARCH\('\{AttendeeSync,(?P<schema>[\w,]+)\} MetricName=\"(?P<name>\w+)\""
    r"(?P<terms>[^']*)', '(?P<statistic>\w+)', \d+\)\)?"
)
_SHARED = ("service", "stack")  # dimensions that tell no series from another


@dataclass(frozen=True)
class Series:
    """A line of a chart: a value for each step in which there is one."""

    label: str
    values: Mapping[int, float]


def draw(stack: str, points: Sequence[Point], cloudwatch: CloudWatch, step: float) -> str:
    """Return the dashboard of a stack as SVG, each step of so many seconds a value of a chart."""
    properties = parsed(TEMPLATE)["Resources"]["Dashboard"]["Properties"]
    body = properties["DashboardBody"]["Fn::Sub"].replace("${AWS::StackName}", stack)
    parts: list[str] = []
    top = 0
    for _, row in itertools.groupby(json.loads(body)["widgets"], key=lambda each: each["y"]):
        drawn = [part for each in row for part in _widget(each, top, points, cloudwatch, step)]
        parts += [text for text, _ in drawn]
        top += max((height for _, height in drawn), default=0)
    size = f'width="{24 * _UNIT}" height="{top}" viewBox="0 0 {24 * _UNIT} {top}"'
    style = 'font-family="sans-serif" font-size="12" fill="#222"'
    background = '<rect width="100%" height="100%" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return "\n".join([head, background, *parts, "</svg>\n"])


def _widget(
    widget: Mapping[str, Any],
    top: int,
    points: Sequence[Point],
    cloudwatch: CloudWatch,
    step: float,
) -> Iterator[tuple[str, int]]:
    """Yield a widget's drawing and its height, if there is anything to show."""
    properties, left = widget["properties"], widget["x"] * _UNIT
    width, height = widget["width"] * _UNIT, widget["height"] * _ROW
    if widget["type"] == "text":
        title = properties["markdown"].splitlines()[0].lstrip("# ")
        yield _text(left + 12, top + 30, title, 'font-size="20" font-weight="bold"'), 44
        return
    if widget["type"] == "alarm":
        inner, height = _states(properties["alarms"], cloudwatch), 150
    else:
        series = [
            line
            for row in properties.get("metrics", [])
            for line in _rows(row, properties, points, step)
        ]
        if not any(line.values for line in series):
            return
        is_number = properties["view"] == "singleValue"
        inner = _numbers(series) if is_number else _chart(series, width, height)
    frame = f'<rect width="{width - 8}" height="{height - 8}" rx="4" fill="none" stroke="#ccc"/>'
    title = _text(12, 22, properties["title"], 'font-weight="bold"')
    yield f'<g transform="translate({left + 4},{top + 4})">{frame}{title}{inner}</g>', height


def _rows(
    row: Sequence[Any], chart: Mapping[str, Any], points: Sequence[Point], step: float
) -> Iterator[Series]:
    """Yield the lines that a row of a chart's metrics stands for."""
    options = row[-1] if isinstance(row[-1], dict) else {}
    found = _SEARCH.fullmatch(options.get("expression", ""))
    if not found:
        if row[0] != "AttendeeSync" or options.get("visible") is False:
            return
        dimensions = dict(zip(row[2:-1:2], row[3:-1:2], strict=True))
        own = [p for p in points if (p.name, p.dimensions) == (row[1], dimensions)]
        yield Series(options["label"], _steps(own, options.get("stat", chart["stat"]), step))
        return
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', found["terms"]))
    groups: dict[str, list[Point]] = defaultdict(list)
    for each in points:
        is_of_schema = each.dimensions.keys() == set(found["schema"].split(","))
        if (
            each.name == found["name"]
            and is_of_schema
            and wanted.items() <= each.dimensions.items()
        ):
            names = (value for key, value in each.dimensions.items() if key not in _SHARED)
            groups["" if found["sum"] else " ".join(names)].append(each)
    for name, own in sorted(groups.items()):
        yield Series(f"{options['label']}{name}", _steps(own, found["statistic"], step))


def _steps(points: Sequence[Point], statistic: str, step: float) -> dict[int, float]:
    values: dict[int, list[float]] = defaultdict(list)
    for each in points:
        values[int(each.at // step)].append(each.value)
    return {at: aggregated(statistic, values[at]) for at in sorted(values)}


def _states(arns: Sequence[str], cloudwatch: CloudWatch) -> str:
    """Return a box for each alarm: red in alarm, green if not, grey where it isn't judged here."""
    known = {each["AlarmName"]: name for name, each in cloudwatch.alarms.items()}
    boxes = []
    for n, arn in enumerate(arns):
        name = arn.rpartition(":")[2]
        left, top = 12 + n % 7 * 168, 36 + n // 7 * 34
        state = cloudwatch.in_alarm.get(known.get(name, ""))
        color = "#ddd" if state is None else "#f4b6b6" if state else "#bfe5c4"
        short = re.sub(r"^.*?-local-", "", name)
        boxes.append(f'<rect x="{left}" y="{top}" width="160" height="26" fill="{color}"/>')
        boxes.append(_text(left + 8, top + 17, short))
    return "".join(boxes)


def _numbers(series: Sequence[Series]) -> str:
    lines = ((each.label, f"{sum(each.values.values()):,.0f}") for each in series)
    return "".join(
        _text(24, 50 + n * 26, f"{number}  {label}", 'font-size="16"')
        for n, (label, number) in enumerate(lines)
    )


def _chart(series: Sequence[Series], width: int, height: int) -> str:
    steps = [at for each in series for at in each.values]
    first, last = min(steps), max(*steps, min(steps) + 1)
    most = max(value for each in series for value in each.values.values()) or 1.0
    columns = 2 if max(len(each.label) for each in series) * 14 < width else 1
    right, bottom = width - 24, height - 28 - 16 * -(-len(series) // columns)
    across, up = (right - _LEFT) / (last - first), (bottom - _TOP) / most
    parts = [_text(12, _TOP + 4, f"{round(most, 2):,.5g}", 'fill="#777"')]
    parts.append(f'<path d="M{_LEFT},{bottom}H{right}" stroke="#999"/>')
    for n, each in enumerate(series):
        color = _COLORS[n % len(_COLORS)]
        values = each.values.items()
        line = [f"{_LEFT + (at - first) * across:.0f},{bottom - of * up:.0f}" for at, of in values]
        thickness = 2
        if len(line) == 1:  # else a single value would not be seen
            line, thickness = [line[0], f"{line[0]}.1"], 7
        style = f'fill="none" stroke="{color}" stroke-width="{thickness}" stroke-linecap="round"'
        parts.append(f'<polyline points="{" ".join(line)}" {style}/>')
        left, low = 12 + n % columns * (width // 2 - 12), bottom + 18 + n // columns * 16
        parts.append(_text(left, low, each.label, f'fill="{color}"'))
    return "".join(parts)


def _text(left: int, top: int, text: str, style: str = "") -> str:
    return f'<text x="{left}" y="{top}" {style}>{html.escape(text)}</text>'
