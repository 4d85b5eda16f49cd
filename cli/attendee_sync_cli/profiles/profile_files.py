"""Files with profiles: JSON, newline-delimited JSON, and CSV.

JSON is read as a push is, by the same code. Newline-delimited JSON and CSV are read line by line,
so that they can be of any length. In CSV the header line has the names of attributes; dotted
names make nested objects, an empty cell is an absent attribute, and every value is a text.
"""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, Any, BinaryIO, Literal

import typer

from attendee_sync import attendee
from attendee_sync.profile import bodies
from attendee_sync.profile.bodies import Pushed, UnreadableBodyError
from attendee_sync_cli.console import FailureError

File = Annotated[
    typer.FileBinaryRead,
    typer.Argument(
        metavar="FILE",
        help="Profiles: JSON as it is pushed, newline-delimited JSON, or CSV with a header line "
        "of attribute names such as person.name.firstName and with , ; or tabs between the cells. "
        "- is standard input. Names that end in .csv, .ndjson or .jsonl tell the format. Else the "
        "content does: what begins with { or [ is JSON, newline-delimited if the first line is a "
        "whole object and more follows; all else is CSV.",
    ),
]
_MAX_BYTES = 50_000_000  # bytes of a document or a line; parsed it takes ten times as much

_TOO_LONG = (
    f"more than {_MAX_BYTES // 1_000_000} MB in one piece; as newline-delimited JSON, with a line "
    "for each profile, a file can be of any length"
)
_JSON_ENDINGS = (".json", ".ndjson", ".jsonl")
_CONTENT_TYPES = {".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
_SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Found:
    """A profile of a file, and its place there."""

    place: int
    pushed: Pushed


@dataclass(frozen=True)
class Profiles:
    """The profiles of a file, in order. FailureError may be raised while they are read."""

    found: Iterable[Found]
    places: Literal["indexes", "lines"]
    """What their places are: indexes from 0, or lines from 1, on which they begin."""
    total: int | None = None
    """How many there are, if that is known."""


def read(file: BinaryIO) -> Profiles:
    """Return the profiles of a file. CSV and newline-delimited JSON are read as they are used.

    Raises FailureError, with the place, if the file can't be read, or not one profile in it.
    """
    name = getattr(file, "name", "<stdin>")
    with _naming(name):
        lines = _lines(file)
        head = _head(lines)
        text = "".join(head)
        ending = PurePath(name).suffix.lower()
        lines = itertools.chain(head, lines)
        if _is_csv(ending, text):
            return Profiles(_usable(name, _csv(lines, _separator(head))), "lines")
        if bodies.is_ndjson(text, _CONTENT_TYPES.get(ending, "")):
            return Profiles(_usable(name, _ndjson(lines)), "lines")
        found = [Found(*each) for each in enumerate(bodies.split(_whole(lines)))]
        return Profiles(found, "indexes", len(found))


def read_twice(file: BinaryIO) -> Profiles:
    """Return the profiles of a file, as `read` does, after all of it was looked through once.

    So its faults are known before the first profile is used. What can't be read twice, such as a
    pipe, is not looked through.
    """
    if not file.seekable():
        return read(file)
    start = file.tell()
    profiles = read(file)
    if profiles.total is not None:
        return profiles
    total = sum(1 for _ in profiles.found)
    file.seek(start)
    return replace(read(file), total=total)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except UnreadableBodyError as error:
        raise FailureError(f"{name}: {error}") from None
    except OSError as error:
        raise FailureError(f"{name}: {error.strerror}") from None


def _lines(file: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := file.readline(_MAX_BYTES + 1):
        number += 1
        if len(raw) > _MAX_BYTES:
            raise UnreadableBodyError(f"line {number}: {_TOO_LONG}")
        try:
            line = raw.decode()
        except UnicodeDecodeError:
            raise UnreadableBodyError(f"line {number} is not UTF-8 text") from None
        yield line.removeprefix("\ufeff") if number == 1 else line


def _head(lines: Iterator[str]) -> list[str]:
    """Return the lines up to the second one that is not blank."""
    head: list[str] = []
    written = 0
    for line in lines:
        head.append(line)
        written += bool(line.strip())
        if written > 1:
            break
    return head


def _whole(lines: Iterable[str]) -> str:
    found: list[str] = []
    size = 0
    for line in lines:
        found.append(line)
        size += len(line.encode())
        if size > _MAX_BYTES:
            raise UnreadableBodyError(_TOO_LONG)
    return "".join(found)


def _usable(name: str, found: Iterable[Found]) -> Iterator[Found]:
    """Pass profiles on. Raises FailureError in the end if there was none that can be used."""
    first: Found | None = None
    is_usable = False
    with _naming(name):
        for each in found:
            first = first or each
            is_usable = is_usable or not each.pushed.fault
            yield each
        if first is None:
            raise UnreadableBodyError("no profile: the file is empty, or has but a header line")
        if not is_usable:
            raise UnreadableBodyError(f"no profile; at line {first.place}: {first.pushed.fault}")


def _ndjson(lines: Iterable[str]) -> Iterator[Found]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield Found(number, bodies.of_line(line))


# --- CSV ---


def _is_csv(ending: str, text: str) -> bool:
    if ending in _JSON_ENDINGS:
        return False
    return ending == ".csv" or (bool(text.strip()) and not text.lstrip().startswith(("{", "[")))


def _separator(head: Iterable[str]) -> str:
    """Return the separator that makes most columns of the header line."""
    header = [next((line for line in head if line.strip()), "")]
    return max(_SEPARATORS, key=lambda each: len(next(csv.reader(header, delimiter=each), [])))


def _csv(lines: Iterable[str], separator: str) -> Iterator[Found]:
    rows = _rows(lines, separator)
    line, header = next(rows, (1, []))
    columns = _columns(line, header)
    for line, cells in rows:
        if len(cells) != len(columns):
            raise UnreadableBodyError(
                f"line {line} has {len(cells)} cells, but the header line has {len(columns)}"
            )
        document = _document(columns, cells)
        yield Found(line, Pushed(json.dumps(document, ensure_ascii=False), document))


def _rows(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that have a text in any cell, with the lines on which they begin."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableBodyError(f"line {line} is not CSV: {error}") from None


def _columns(line: int, header: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the path of every column. Where there is no header, names are values: none is told."""
    names = [name.strip() for name in header]
    columns = [tuple(name.split(".")) for name in names]
    for number, path in enumerate(columns, 1):
        if attendee.is_email(names[number - 1]):
            raise UnreadableBodyError(
                f"line {line} is no header line: in column {number} it has an e-mail address"
            )
        if not all(path):
            raise UnreadableBodyError(
                f"line {line}: the name of column {number} is empty, or empty beside a dot"
            )
        if path in columns[: number - 1]:
            raise UnreadableBodyError(
                f"line {line}: columns {columns.index(path) + 1} and {number} have the same name"
            )
        for length in range(1, len(path)):
            if path[:length] in columns:
                raise UnreadableBodyError(
                    f"line {line}: column {columns.index(path[:length]) + 1} can't stand beside "
                    f"column {number}, whose name is below its name"
                )
    return columns


def _document(columns: Sequence[tuple[str, ...]], cells: Sequence[str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for (*outer, last), cell in zip(columns, cells, strict=True):
        if not cell.strip():
            continue
        inner = document
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = cell
    return document
