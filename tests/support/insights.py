"""So much of CloudWatch Logs Insights as the template's saved queries use, and nothing else.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
What it does not know is an error, as is a field that no line has: of those that a filter lets
through, or, where it is only shown, of all.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

type Line = dict[str, Any]

_STAGE = re.compile(r"\|(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")  # a | outside of quotes
_FUNCTION = re.compile(r"(\w+)\(([^)]*)\) as (\w+)")
_HOUR = "bin(1h)"


def lines_of(log: str, at: float = 0.0) -> list[Line]:
    """Return a log's lines as CloudWatch discovers their fields, at a time in epoch seconds."""
    return [
        {"@timestamp": at + n, "@message": text, _HOUR: at // 3_600, **_fields(text)}
        for n, text in enumerate(log.splitlines())
    ]


def run(query: str, lines: Iterable[Line]) -> list[Line]:
    """Run a query."""
    found = list(lines)
    logged = list(found)
    without_comments = re.sub(r"^#.*$", "", query, flags=re.MULTILINE)
    for stage in _STAGE.split(without_comments):
        command, _, rest = stage.strip().partition(" ")
        if command == "fields":  # a line leaves out what would be empty
            _expect(_names(rest), logged)
        found = _COMMANDS[command](rest.strip(), found)
    return found


def _fields(text: str) -> Line:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    inner = {
        f"{name}.{member}": each
        for name, members in value.items()
        if isinstance(members, dict)
        for member, each in members.items()
    }
    return {name: each for name, each in {**value, **inner}.items() if each is not None}


def _filter(condition: str, lines: list[Line]) -> list[Line]:
    parts = [_condition(each) for each in condition.split(" and ")]
    return [line for line in lines if all(part(line) for part in parts)]


def _condition(text: str) -> Callable[[Line], bool]:
    if present := re.fullmatch(r"ispresent\(([\w.]+)\)", text):
        member = present[1]
        return lambda line: member in line
    if compared := re.fullmatch(r'([@\w]+) (=|!=|like|in) (".*"|\[.*\])', text):
        name, operator, value = compared[1], compared[2], json.loads(compared[3])
        return {
            "=": lambda line: line.get(name) == value,
            "!=": lambda line: line.get(name) != value,
            "like": lambda line: value in line.get(name, ""),
            "in": lambda line: line.get(name) in value,
        }[operator]
    if exceeds := re.fullmatch(r"(\w+) \+ (\w+) > (\w+)", text):
        one, other, less = exceeds.groups()
        return lambda line: bool(line[one] + line[other] > line[less])
    raise AssertionError(f"no condition that is known here: {text}")


def _show(names: str, lines: list[Line]) -> list[Line]:
    wanted = _names(names)
    return [{name: line.get(name) for name in wanted} for line in lines]


def _stats(text: str, lines: list[Line]) -> list[Line]:
    functions, _, by = text.partition(" by ")
    keys = _names(by)
    asked = _FUNCTION.findall(functions)
    assert ", ".join(f"{name}({of}) as {to}" for name, of, to in asked) == functions
    _expect([*keys, *(of.split(",")[0] for _, of, _ in asked if of != "*")], lines)
    groups: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(tuple(line.get(key) for key in keys), []).append(line)
    return [
        dict(zip(keys, values, strict=True))
        | {to: _FUNCTIONS[name](group, *_names(of)) for name, of, to in asked}
        for values, group in groups.items()
    ]


def _values(lines: Sequence[Line], name: str) -> list[Any]:
    return sorted(line[name] for line in lines if name in line)


def _percentile(lines: Sequence[Line], name: str, part: str) -> Any:
    values = _values(lines, name)
    return values[math.ceil(len(values) * int(part) / 100) - 1] if values else None


def _last(lines: Sequence[Line], name: str) -> Any:
    return max(_values(lines, name), default=None)


def _sort(text: str, lines: list[Line]) -> list[Line]:
    name, direction = text.split(" ")
    assert direction in ("asc", "desc")
    _expect([name], lines)
    return sorted(lines, key=lambda line: line[name], reverse=direction == "desc")


def _limit(count: str, lines: list[Line]) -> list[Line]:
    assert 0 < int(count) <= 10_000
    return lines[: int(count)]


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")]


def _expect(names: Iterable[str], lines: Sequence[Line]) -> None:
    """See to it that some line has each of some fields: else a query misspells it."""
    missing = [name for name in names if not any(name in line for line in lines)]
    assert not missing, missing


_COMMANDS: dict[str, Callable[[str, list[Line]], list[Line]]] = {
    "filter": _filter,
    "fields": _show,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "count_distinct": lambda lines, name: len(set(_values(lines, name))),
    "count": lambda lines, _: len(lines),
    "sum": lambda lines, name: sum(_values(lines, name)),
    "max": _last,
    "latest": _last,  # of a time
    "earliest": lambda lines, name: min(_values(lines, name), default=None),
    "pct": _percentile,
}
