"""Tables of profiles: CSV as spreadsheets and databases write it, and spreadsheets themselves.

The header row has the names of attributes; dotted names such as workAddress.city make nested
objects. Rows above it that are titles are passed over: the names of columns tell it. An
empty cell is an absent attribute. In CSV every value is a text; in a spreadsheet numbers are
numbers, and dates are ISO 8601.
"""

import csv
import datetime
import io
import itertools
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from attendee_sync.messaging import messages
from attendee_sync.profile import email_address, names
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync.profile.names import Kind

# A row's number in the file, from 1, and its cells.
type Row = tuple[int, Sequence[Any]]
type Path = tuple[str, ...]

_SEPARATORS = "\t;|,"  # where two fit as well, the one that is rarer within texts
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # how Excel is told
_SAMPLE_ROWS = 20
_MOST_OF_ADDRESS = 400  # characters, with a name beside it
# Of one step of a dotted name. A number is none: `email.1` is how pandas tells two columns apart.
_NAME = re.compile(r"(?!\d+$)[\w:$@-]+")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MOST_UNPACKED_BYTES = 1_000_000_000


@dataclass(frozen=True)
class ProfileTable:
    """A table whose header was read."""

    names: Sequence[str] = ()  # of its columns
    _unit: str = ""
    _paths: Sequence[Path] = ()
    _rows: Iterable[Row] = ()

    def documents(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the profile of each row below the header, with the row's number.

        Raises UnreadableBodyError, with the place.
        """
        for number, cells in self._rows:
            yield number, _document(f"{self._unit} {number}", self._paths, cells)


def table_of(rows: Iterable[Row], renamed: Mapping[str, str], unit: str) -> ProfileTable:
    """Return the table of some rows; it is empty if these are.

    `renamed` has names by the headers that they stand in for; `unit` is what rows are called.
    Raises UnreadableBodyError, with the place.
    """
    used = (row for row in rows if any(map(_has_value, row[1])))
    sample = list(itertools.islice(used, _SAMPLE_ROWS))
    if not sample:
        return ProfileTable()
    at = _header_at(sample, renamed.keys())
    number, header = sample[at]
    place = f"{unit} {number}"
    columns = _renamed(place, [_text(cell).strip() for cell in header], renamed)
    paths = paths_of(place, columns)
    return ProfileTable(columns, unit, paths, itertools.chain(sample[at + 1 :], used))


def rows_of_csv(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of a CSV text, with the lines on which they begin."""
    # A cell may be as long as a profile. The csv module has one limit for all.
    csv.field_size_limit(messages.MAX_PROFILE_BYTES)
    kept = iter(lines)
    head = list(itertools.islice(kept, _SAMPLE_ROWS))
    told = _SEPARATOR_LINE.fullmatch(head[0]) if head else None
    separator = told[1] if told else _separator(head)
    reader = csv.reader(
        itertools.chain(head[1:] if told else head, kept), delimiter=separator, strict=True
    )
    above = 1 if told else 0
    line = above + 1
    try:
        for cells in reader:
            yield line, cells
            line = above + reader.line_num + 1
    except csv.Error as error:
        raise UnreadableBodyError(f"line {line} is not CSV: {_csv_words(error)}") from None


def _csv_words(error: csv.Error) -> str:
    if str(error) == "unexpected end of data":
        return 'a quotation mark (") that opens there is never closed'
    return str(error)


def is_spreadsheet(beginning: bytes) -> bool:
    """Tell by its first bytes whether a file is a spreadsheet's: a zip archive or OLE."""
    return beginning.startswith((_ZIP, _OLE))


def rows_of_spreadsheet(content: bytes) -> Iterator[Row]:
    """Yield the rows of a spreadsheet's sheet, numbered as the spreadsheet shows them.

    It is the first with a column for e-mail addresses, or else the first with any rows. Raises
    UnreadableBodyError.
    """
    if content.startswith(_ZIP):
        _check_unpacked(content)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [
            workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in workbook.sheet_names
        ]
    except CalamineError as error:
        raise UnreadableBodyError(f"not a spreadsheet that can be read: {error}") from None
    used = [rows for rows in sheets if any(any(map(_has_value, row)) for row in rows)]
    with_emails = (rows for rows in used if any(map(_names_email, rows[:_SAMPLE_ROWS])))
    yield from enumerate(next(with_emails, used[0] if used else []), 1)


def _check_unpacked(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile:
        raise UnreadableBodyError("a damaged spreadsheet, or a zip archive") from None
    if size > _MOST_UNPACKED_BYTES:
        raise UnreadableBodyError("too large a spreadsheet; save it as CSV")


def _separator(head: Sequence[str]) -> str:
    """Return the separator that gives most of the first lines the same number of columns."""

    def fitness(separator: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader(head, delimiter=separator))
        except csv.Error:
            return 0, 0
        widths = Counter(len(row) for row in rows if len(row) > 1)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(_SEPARATORS, key=fitness)


def _header_at(sample: Sequence[Row], renamed: Set[str]) -> int:
    """Return which row is the header.

    That is the first that has a column for e-mail addresses, or one that is to be renamed; else
    the first that fills more than half of what rows fill.
    """
    for n, (_, cells) in enumerate(sample):
        texts = [_text(cell).strip() for cell in cells]
        if not renamed.isdisjoint(texts) or _names_email(cells):
            return n
        if any(map(is_address, texts)):
            break  # a profile: what is below is no header
    filled = [sum(map(_has_value, cells)) for _, cells in sample]
    counts = Counter(filled)
    usual = max(counts, key=lambda count: (counts[count], count))
    return next(n for n, count in enumerate(filled) if 2 * count > usual)


def _names_email(cells: Sequence[Any]) -> bool:
    return any(is_email_name(_text(cell).strip()) for cell in cells)


def is_email_name(header: str) -> bool:
    """Tell whether a column is for e-mail addresses by its name."""
    return _field(header) == "email"


def is_address(text: str) -> bool:
    """Tell whether a cell has an e-mail address."""
    return len(text) <= _MOST_OF_ADDRESS and email_address.is_address(text)


def _renamed(place: str, header: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    unknown = renamed.keys() - set(header)
    if unknown:
        raise UnreadableBodyError(
            f"{place}: there is no column {sorted(unknown)[0]!r}; --column takes one of "
            + ", ".join(repr(each) for each in header if each)
        )
    return [renamed.get(each, each) for each in header]


def paths_of(place: str, headers: Sequence[str]) -> list[Path]:
    """Return the path of every column; one without a name has none.

    Where there is no header, names are values: none is told. Raises UnreadableBodyError, with the
    place, if the names make no table.
    """
    columns = [path_of(header) for header in headers]
    folded = [names.fold(header) if _field(header) else header for header in headers]
    for number, path in enumerate(columns, 1):
        if is_address(headers[number - 1]):
            raise UnreadableBodyError(
                f"{place} is no header line: in column {number} it has an e-mail address; put a "
                "line with the names of the columns above it"
            )
        same = folded.index(folded[number - 1]) + 1
        if path and same < number:
            raise UnreadableBodyError(
                f"{place}: columns {same} and {number} have the same name; rename one of them"
            )
        for length in range(1, len(path)):
            if path[:length] in columns:
                raise UnreadableBodyError(
                    f"{place}: column {columns.index(path[:length]) + 1} can't stand beside "
                    f"column {number}, whose name is below its name"
                )
    return columns


def path_of(name: str) -> Path:
    """Return the steps of a dotted name. Dots as of `No.` or R's `Postal.Code` make none."""
    steps = tuple(name.split(".")) if name else ()
    if len(steps) < 2 or not all(map(_NAME.fullmatch, steps)):  # noqa: PLR2004
        return (name,) if name else ()
    whole = names.standard().person.known.get(names.fold(name))
    is_flat = whole is not None and bool(whole.field) and not _is_object(steps)
    return (name,) if is_flat else steps


def _is_object(steps: Path) -> bool:
    """Tell whether the first step of a path is known as an object that may have the rest."""
    first = names.standard().person[steps[0]]
    if first is None or first.kind is Kind.HOLDER:
        return first is not None
    return first.within is not None and first.within[".".join(steps[1:])] is not None


def _field(header: str) -> str:
    """Return the field that a column is for by its name; empty if none is surely meant."""
    entry = names.standard().person[header]
    return "" if entry is None or entry.is_weak else entry.field


def _document(place: str, columns: Sequence[Path], cells: Sequence[Any]) -> dict[str, Any]:
    """Return the profile of a row. Cells may be missing at its end, or surplus and empty."""
    document: dict[str, Any] = {}
    for number, cell in enumerate(cells, 1):
        if not _has_value(cell):
            continue
        path = columns[number - 1] if number <= len(columns) else ()
        if not path:
            raise UnreadableBodyError(f"{place} has a value in column {number}, which has no name")
        *outer, last = path
        inner = document
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = _value(cell)
    return document


def _has_value(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _text(cell: Any) -> str:
    return str(_value(cell)) if _has_value(cell) else ""


def _value(cell: Any) -> Any:
    """Return a cell as JSON has it."""
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        return str(cell)
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
