"""Charts, laid out here and drawn as SVG by templates/charts.html."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

_WIDTH, _HEIGHT = 640, 200
_LEFT, _RIGHT, _BOTTOM, _TOP = 60, 24, 24, 10
_ROOM = _WIDTH - _LEFT - _RIGHT
_GRIDLINES = 4
_EXACT = 1_000  # from here on no fractions are told
_MAX_MARKS = 8  # below the chart: more would not be read
_GAP = 0.15  # of a bar's room
MAX_SERIES = 6  # that style.css has colours for


@dataclass(frozen=True)
class Gridline:
    """A height, and what it means."""

    y: float
    words: str


@dataclass(frozen=True)
class Mark:
    """A label below the chart."""

    x: float
    words: str


@dataclass(frozen=True)
class Bar:
    """A part of a bar, of one series."""

    series: int
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Line:
    """A stretch of a series that has no gap."""

    series: int
    points: str  # as SVG's polyline has them


@dataclass(frozen=True)
class Chart:
    """Where all of a chart stands, and its numbers."""

    title: str
    summary: str  # for who does not see it
    names: Sequence[str]  # of the series
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    gridlines: Sequence[Gridline]
    marks: Sequence[Mark]
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT


def bars(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> Chart:
    """Return a chart of bars upon each other; each series has one value for each label."""
    top = _ceiling(max((sum(values) for values in zip(*series.values(), strict=True)), default=0))
    room = _ROOM / max(1, len(labels))
    found = []
    for n, label in enumerate(labels):
        below = 0.0
        for number, (name, values) in enumerate(series.items(), start=1):
            if not values[n]:
                continue
            height = _span(values[n], top)
            y = _y(below + values[n], top)
            x = _LEFT + room * (n + _GAP / 2)
            words = f"{label}: {name} {_number(values[n])}"
            width = room * (1 - _GAP)
            found.append(Bar(number, round(x, 1), y, round(width, 1), height, words))
            below += values[n]
    return replace(_frame(title, labels, series, top), bars=found)


def lines(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> Chart:
    """Return a chart of lines; where a series has None, its line has a gap."""
    known = [value for values in series.values() for value in values if value is not None]
    top = _ceiling(max(known, default=0))
    room = _ROOM / max(1, len(labels))
    found = [
        Line(
            number,
            " ".join(f"{_LEFT + room * (n + 0.5):.1f},{_y(value, top)}" for n, value in part),
        )
        for number, values in enumerate(series.values(), start=1)
        for part in _unbroken(values)
    ]
    return replace(_frame(title, labels, series, top), lines=found)


def _unbroken(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return the stretches of values without a gap, each value with its place."""
    parts: list[list[tuple[int, float]]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append((n, value))
    # A polyline of one point would not be seen.
    return [part if len(part) > 1 else part * 2 for part in parts if part]


def _frame(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]], top: float
) -> Chart:
    """Return a chart in which nothing is drawn yet."""
    if len(series) > MAX_SERIES:
        raise ValueError("more series than there are colours")
    room = _ROOM / max(1, len(labels))
    step = max(1, math.ceil(len(labels) / _MAX_MARKS))
    levels = [top * n / _GRIDLINES for n in range(_GRIDLINES + 1)]
    highest = {
        name: max((value for value in values if value is not None), default=0)
        for name, values in series.items()
    }
    return Chart(
        title,
        ", ".join(f"{name} at most {_number(value)}" for name, value in highest.items()),
        list(series),
        ["", *series],
        [
            [
                label,
                *("" if values[n] is None else _number(values[n]) for values in series.values()),
            ]
            for n, label in enumerate(labels)
        ],
        [Gridline(_y(level, top), _number(level)) for level in levels],
        [
            Mark(round(_LEFT + room * (n + 0.5), 1), label)
            for n, label in enumerate(labels)
            if n % step == 0
        ],
    )


def _ceiling(value: float) -> float:
    """Return a round number that is not below a value."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * n for n in (1, 2, 4, 5, 8, 10) if unit * n >= value)


def _span(value: float, top: float) -> float:
    return round(value / top * (_HEIGHT - _BOTTOM - _TOP), 1)


def _y(value: float, top: float) -> float:
    return round(_HEIGHT - _BOTTOM - _span(value, top), 1)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}" if value < _EXACT else f"{value:,.0f}"
