"""Tables: rows of values whose names stand elsewhere, as databases and spreadsheets answer.

Such as BigQuery's `schema.fields` with `rows` of `f` and `v`, Snowflake's `rowType`, Google Sheets'
`values`, whose first row is the header.

Imports the standard library alone, since ingest uses it.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final

from attendee_sync.profile import names

type Json = dict[str, Any]

_MAX_DEPTH: Final = 4  # objects within each other
_MOST_MEMBERS: Final = 200  # of each object that are looked at
_MOST_COLUMNS: Final = 500
_LONGEST: Final = 200  # characters of a column's name
_NAMED: Final = ("name", "label", "title", "columnname", "field", "header", "id")
_CELLS: Final = ("v", "value", "varcharvalue", "stringvalue", "text")


def rows_of(document: Json) -> list[Json]:
    """Return the rows of the one table in a document, by their columns' names; nothing if none.

    One of the names has to be that of an e-mail address.
    """
    lists = list(_lists(document))
    tables = [rows for rows in map(_as_rows, lists) if rows]
    if len(tables) != 1:
        return []
    rows = tables[0]
    width = max(map(len, rows))
    headers = (_names(each) for each in lists)
    columns = next((each for each in headers if len(each) >= width and _is_header(each)), ())
    return _by_name(columns, rows) if columns else of_rows(rows)


def of_rows(listed: Sequence[Any]) -> list[Json]:
    """Return rows by the names that stand in the first of them; nothing if it has none."""
    rows = _as_rows(listed)
    columns = [each.strip() for each in rows[0] if isinstance(each, str)] if rows else []
    is_whole = bool(rows) and len(columns) == max(map(len, rows)) and _is_header(columns)
    return _by_name(columns, rows[1:]) if is_whole else []


def _by_name(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Json]:
    return [dict(zip(columns, row, strict=False)) for row in rows]


def _lists(document: Json, depth: int = 0) -> Iterator[list[Any]]:
    for value in itertools.islice(document.values(), _MOST_MEMBERS):
        if isinstance(value, list):
            yield value
        elif isinstance(value, dict) and depth < _MAX_DEPTH:
            yield from _lists(value, depth + 1)


def _as_rows(listed: Sequence[Any]) -> list[list[Any]]:
    """Return the rows of a list that has nothing else, each with its cells' values."""
    found = [_cells(each) for each in listed]
    return [row for row in found if row] if found and None not in found else []


def _cells(row: object) -> list[Any] | None:
    """Return the values of a row; None if it is none."""
    if isinstance(row, dict) and len(row) == 1:
        [row] = row.values()
    if not isinstance(row, list) or len(row) > _MOST_COLUMNS:
        return None
    return [_cell(each) for each in row]


def _cell(cell: object) -> Any:
    members = {name.lower(): each for name, each in cell.items()} if isinstance(cell, dict) else {}
    return next((members[name] for name in _CELLS if name in members), None if members else cell)


def _names(listed: Sequence[Any]) -> list[str]:
    """Return the names of columns in a list; nothing if one has none."""
    found = [_name(each) for each in listed[:_MOST_COLUMNS]]
    return found if all(found) else []


def _name(column: object) -> str:
    if isinstance(column, dict):
        members = {names.fold(name[:_LONGEST]): each for name, each in column.items()}
        column = next((members[name] for name in _NAMED if name in members), None)
    return column if isinstance(column, str) else ""


def _is_header(columns: Sequence[str]) -> bool:
    """Tell whether texts are the names of columns, each once, one of them for addresses."""
    person = names.standard().person
    entries = (person[name] for name in columns)
    return len(set(columns)) == len(columns) and any(each and each.is_email for each in entries)
