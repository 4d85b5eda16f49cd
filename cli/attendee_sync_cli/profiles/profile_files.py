"""Files with profiles: JSON, newline-delimited JSON, CSV, and spreadsheets.

JSON is read as a push is, by the same code. Newline-delimited JSON and CSV are read line by line,
so that they can be of any length. How rows become profiles is told in profile_tables.
"""

import codecs
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Annotated, BinaryIO, Literal

import typer

from attendee_sync.profile import bodies
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync.profile.pieces import Pushed
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.profiles import profile_tables
from attendee_sync_cli.profiles.profile_tables import ProfileTable, table_of

File = Annotated[
    typer.FileBinaryRead,
    typer.Argument(
        metavar="FILE",
        help="Profiles: JSON as it is pushed, newline-delimited JSON, CSV with a header line of "
        "attribute names such as person.name.firstName, or a spreadsheet (.xlsx, .xls, .ods; its "
        "first sheet with e-mail addresses). - is standard input. Names that end in .csv, .ndjson "
        "or .jsonl tell the format. Else the content does: what begins with { or [ is JSON, "
        "newline-delimited if the first line is a whole object and more follows; all else is CSV.",
    ),
]
Encoding = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Encoding of a text file that is not UTF-8 or UTF-16, such as cp1252.",
    ),
]
Columns = Annotated[
    list[str],
    typer.Option(
        "--column",
        metavar="HEADER=NAME",
        help='Read a column of CSV or of a spreadsheet under another name, such as "First '
        'Name=firstname". Can be given several times.',
    ),
]
_MAX_BYTES = 50_000_000  # bytes of a document or a line; parsed it takes ten times as much

_TOO_LONG = (
    f"more than {_MAX_BYTES // 1_000_000} MB in one piece; as newline-delimited JSON, with a line "
    "for each profile, a file can be of any length"
)
_MARKUP = (
    "this is HTML or XML, whatever the file is called; open it in a spreadsheet program and save "
    "it as .xlsx or CSV"
)
_JSON_ENDINGS = (".json", ".ndjson", ".jsonl")
_CONTENT_TYPES = {".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
UNITS = {"indexes": "profile", "lines": "line", "rows": "row"}
_CHUNK_BYTES = 16_384
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16's, with which it begins
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LINE_END = re.compile(r"\r\n|\r|\n")
_END_OF_FILE = "\x1a\0"  # Ctrl-Z, with which CP/M and DOS ended a text, and filled the block
_JSON = re.compile(r'\s*+(\[\s*+)?\{\s*+["}]')  # surely: no header line begins so


@dataclass(frozen=True)
class Reading:
    """How a file is to be read where it does not tell by itself."""

    encoding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)  # names by headers
    place: str = ""  # of the profiles in JSON, if the destination's settings name it
    maps_email: bool = False  # those settings say where e-mail addresses are


def reading(encoding: str, columns: Iterable[str]) -> Reading:
    """Return what two options of a command say. Raises typer.BadParameter."""
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise typer.BadParameter(
            f"{encoding} is no encoding; such as cp1252", param_hint="--encoding"
        ) from None
    pairs = [each.rpartition("=") for each in columns]
    if not all(header.strip() and name.strip() for header, _, name in pairs):
        raise typer.BadParameter(
            'HEADER=NAME is expected, such as "First Name=firstname"', param_hint="--column"
        )
    return Reading(encoding, {header.strip(): name.strip() for header, _, name in pairs})


_AS_IT_IS = Reading()


@dataclass(frozen=True)
class Found:
    """A profile of a file, and its place there."""

    place: int
    pushed: Pushed


@dataclass(frozen=True)
class Profiles:
    """The profiles of a file, in order. FailureError may be raised while they are read."""

    found: Iterable[Found]
    places: Literal["indexes", "lines", "rows"]
    """What their places are: indexes from 0; lines from 1, on which they begin; or rows from 1."""
    total: int | None = None
    """How many there are, if that is known."""
    columns: Sequence[str] = ()
    """The names of a table's columns."""

    @property
    def unit(self) -> str:
        """What one place is the place of."""
        return UNITS[self.places]


def read(file: BinaryIO, how: Reading = _AS_IT_IS) -> Profiles:
    """Return the profiles of a file. CSV and newline-delimited JSON are read as they are used.

    Raises FailureError, with the place, if the file can't be read, or not one profile in it.
    """
    name = name_of(file)
    with _naming(name):
        beginning = file.read(_CHUNK_BYTES)
        if profile_tables.is_spreadsheet(beginning):
            whole = beginning + file.read(_MAX_BYTES + 1 - len(beginning))
            if len(whole) > _MAX_BYTES:
                raise UnreadableBodyError(f"more than {_MAX_BYTES // 1_000_000} MB; save it as CSV")
            rows = profile_tables.rows_of_spreadsheet(whole)
            return _of_table(name, table_of(rows, how.columns, "row"), "rows")
        lines = _lines(beginning, file, how.encoding)
        head = _head(lines)
        text = "".join(head)
        ending = PurePath(name).suffix.lower()
        lines = itertools.chain(head, lines)
        if text.lstrip().startswith("<"):
            raise UnreadableBodyError(_MARKUP)
        if _is_csv(ending, text):
            rows = profile_tables.rows_of_csv(lines)
            return _of_table(name, table_of(rows, how.columns, "line"), "lines")
        if bodies.is_ndjson(text, _CONTENT_TYPES.get(ending, "")):
            return Profiles(_usable(name, _ndjson(lines, how)), "lines")
        pushed = bodies.split(_whole(lines), place=how.place, maps_email=how.maps_email)
        found = [Found(*each) for each in enumerate(pushed)]
        return Profiles(found, "indexes", len(found))


def name_of(file: BinaryIO) -> str:
    """Return a file's name, as errors tell it."""
    return getattr(file, "name", "<stdin>")


def read_twice(
    file: BinaryIO, how: Reading = _AS_IT_IS, look: Callable[[Found], object] = lambda _found: None
) -> Profiles:
    """Return the profiles of a file, as `read` does, after all of it was looked through once.

    So its faults are known before the first profile is used, and `look` has seen every profile.
    What can't be read twice, such as a pipe, is not looked through.
    """
    start = file.tell() if file.seekable() else None
    profiles = read(file, how)
    is_kept = profiles.total is not None
    if start is None and not is_kept:
        return profiles
    total = 0
    for each in profiles.found:
        look(each)
        total += 1
    if start is None or is_kept:
        return profiles
    file.seek(start)
    return replace(read(file, how), total=total)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except UnreadableBodyError as error:
        raise FailureError(f"{name}: {error}") from None
    except OSError as error:
        raise FailureError(f"{name}: {error.strerror}") from None


def _lines(beginning: bytes, file: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of a text with their ends, which are those of Unix, Windows or old Macs."""
    number = 0
    pieces: list[str] = []  # of the line that is not complete
    size = 0
    for text in _texts(beginning, file, encoding):
        at = 0
        for end in _LINE_END.finditer(text):
            yield "".join([*pieces, text[at : end.end()]])
            number, at, pieces, size = number + 1, end.end(), [], 0
        pieces.append(text[at:])
        size += len(text) - at
        if size > _MAX_BYTES:
            raise UnreadableBodyError(f"line {number + 1}: {_TOO_LONG}")
    last = "".join(pieces).rstrip(_END_OF_FILE)
    if last:
        yield last


def _texts(beginning: bytes, file: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield a file's text piece by piece, none of which ends between CR and LF."""
    mark = next((each for each in _BYTE_ORDER_MARKS if beginning.startswith(each)), b"")
    # A mark is surer than what somebody believes.
    chosen = _BYTE_ORDER_MARKS.get(mark) or encoding or _unmarked(beginning)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(chosen)(), translate=False)
    chunk = beginning[len(mark) :]
    lines = 1
    while True:
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = chunk[: error.start].decode(chosen, "ignore")
            raise UnreadableBodyError(_not_text(lines + _line_ends(good), chosen)) from None
        yield text
        if not chunk:
            return
        lines += _line_ends(text)
        chunk = file.read(_CHUNK_BYTES)


def _unmarked(beginning: bytes) -> str:
    """Return the encoding of a text without a mark: of UTF-16, half of each first letter is 0."""
    if beginning[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if beginning[:1] == b"\0" else "utf-8"


def _line_ends(text: str) -> int:
    return sum(1 for _ in _LINE_END.finditer(text))


def _not_text(line: int, encoding: str) -> str:
    if encoding == "utf-8":
        return (
            f"line {line} is not UTF-8 text; where Excel or Windows wrote it, try --encoding cp1252"
        )
    return f"line {line} is not text in {encoding}"


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
            why = first.pushed.fault.detail if first.pushed.fault else ""
            raise UnreadableBodyError(f"no profile; at line {first.place}: {why}")


def _ndjson(lines: Iterable[str], how: Reading) -> Iterator[Found]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            for pushed in bodies.of_line(line, how.place, maps_email=how.maps_email):
                yield Found(number, pushed)


def _is_csv(ending: str, text: str) -> bool:
    if ending in _JSON_ENDINGS or _JSON.match(text):
        return False
    return ending == ".csv" or (bool(text.strip()) and not text.lstrip().startswith(("{", "[")))


def _of_table(name: str, table: ProfileTable, places: Literal["lines", "rows"]) -> Profiles:
    found = (
        Found(number, Pushed(json.dumps(document, ensure_ascii=False), document))
        for number, document in table.documents()
    )
    return Profiles(_usable(name, found), places, columns=[each for each in table.names if each])
