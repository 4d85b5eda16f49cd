"""Files with profiles: JSON, newline-delimited JSON, and CSV.

JSON is read as a push is, by the same code. In CSV the header row has the names of attributes;
dotted names make nested objects, and an empty cell is an absent attribute.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from attendee_sync import profile
from attendee_sync.profile import Pushed, UnreadableBodyError
from attendee_sync_cli.output import FailureError

_JSON_SUFFIXES = (".json", ".ndjson", ".jsonl")
_CONTENT_TYPES = {".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}


def read(name: str, text: str) -> list[Pushed]:
    """Return the profiles of a file's text. Its name's ending tells the format, or else its text.

    Raises FailureError, with the position, if not one profile can be read.
    """
    text = text.removeprefix("\ufeff")
    suffix = PurePath(name).suffix.lower()
    try:
        if _is_csv(suffix, text):
            return list(_csv(text))
        return profile.split(text, _CONTENT_TYPES.get(suffix, ""))
    except UnreadableBodyError as error:
        raise FailureError(f"{name}: {error}") from None


def _is_csv(suffix: str, text: str) -> bool:
    if suffix in _JSON_SUFFIXES:
        return False
    return suffix == ".csv" or (bool(text.strip()) and not text.lstrip().startswith(("{", "[")))


def _csv(text: str) -> Iterator[Pushed]:
    rows = _rows(text)
    _, header = next(rows, (1, []))
    columns = _columns(header)
    is_empty = True
    for number, cells in rows:
        if len(cells) != len(columns):
            raise UnreadableBodyError(
                f"row {number} has {len(cells)} cells, but the header row has {len(columns)}"
            )
        document = _document(columns, cells)
        yield Pushed(json.dumps(document), document)
        is_empty = False
    if is_empty:
        raise UnreadableBodyError("no profile: there is no row below the header row")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, numbered as a spreadsheet does."""
    number = 0
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if cells:
                yield number, cells
    except csv.Error as error:
        raise UnreadableBodyError(f"row {number + 1} is not CSV: {error}") from None


def _columns(header: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the path of every column."""
    names = [name.strip() for name in header]
    if len(names) == 1 and ";" in names[0]:
        raise UnreadableBodyError("row 1: commas are expected between the cells, not semicolons")
    columns = [tuple(name.split(".")) for name in names]
    for number, path in enumerate(columns, 1):
        if not all(path):
            raise UnreadableBodyError(
                f"row 1: the name of column {number} is empty, or empty beside a dot"
            )
        shorter = [path[:length] for length in range(1, len(path))]
        clash = next((each for each in shorter if each in columns), None)
        if columns.index(path) + 1 < number:
            raise UnreadableBodyError(f"row 1: {'.'.join(path)} is the name of two columns")
        if clash:
            raise UnreadableBodyError(
                f"row 1: {'.'.join(clash)} can't be a column beside {'.'.join(path)}"
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
