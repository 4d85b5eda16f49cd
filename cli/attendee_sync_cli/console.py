"""What is shown: tables for people, JSON for programs, errors on standard error.

Texts are shown as they are, never as markup: some of them come from RainFocus.
"""

import json
import os
import re
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError
from rich.cells import cell_len
from rich.console import Console
from rich.containers import Lines
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from typer._click.exceptions import (  # no public name has all usage errors
    ClickException,
    NoSuchOption,
)
from typer.core import TyperGroup

from attendee_sync.mapping.destination import Name
from attendee_sync_cli import aws_errors, known_words
from attendee_sync_cli.exit_codes import INTERRUPTED

_errors_are_json: ContextVar[bool] = ContextVar("_errors_are_json", default=False)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


class FailureError(Exception):
    """A command could not do its work. The text is for the operator and holds no secret."""


class Group(TyperGroup):
    """The commands. What fails is told on standard error, with --json as JSON.

    Exit codes: 1 for what failed, 2 for a command that is not understood, 130 for Ctrl-C.
    """

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line."""
        given = arguments[0] if arguments else options.get("args")
        is_json = "--json" in (sys.argv[1:] if given is None else given)
        before = _errors_are_json.set(is_json)
        try:
            if not is_json:
                return super().main(*arguments, **options)
            sys.exit(super().main(*arguments, **options | {"standalone_mode": False}))
        except ClickException as failure:
            error(failure.format_message())
            sys.exit(failure.exit_code)
        except typer.Abort:
            sys.exit(1)
        except OSError as failure:  # such as a full disk
            _give_up_output()
            error(f"Reading or writing failed: {failure.strerror}.")
            sys.exit(1)
        finally:
            _errors_are_json.reset(before)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except FailureError as failure:
            error(str(failure))
        except (BotoCoreError, ClientError) as failure:
            error(f"AWS: {aws_errors.explain(failure)}")
        except NoSuchOption as failure:
            hint = known_words.hint(failure.option_name.lstrip("-"))
            failure.message += f". {hint}." if hint else ""
            raise
        except typer.BadParameter as failure:
            failure.message = failure.message.removeprefix("Value error, ")  # pydantic's
            raise
        except KeyboardInterrupt:
            error("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(1)


def _give_up_output() -> None:
    """Drop what is left for standard output, which Python would try to write at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _name(text: str) -> str:
    try:
        return _NAME.validate_python(text)
    except ValidationError:
        raise typer.BadParameter(
            "a name has lower-case letters, digits and -, 1 to 64 of them, and no - at its ends"
        ) from None


ConnectionName = Annotated[
    str, typer.Argument(metavar="CONNECTION", help="Name of the connection.", callback=_name)
]
DestinationName = Annotated[
    str, typer.Argument(metavar="DESTINATION", help="Name of the destination.", callback=_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


def examples(*commands: str) -> str:
    """Return what ends the help of a command: examples, one on a line."""
    # In Markdown, two blanks before a line's end keep it.
    return "  \n".join(["Examples:" if len(commands) > 1 else "Example:", *commands])


def name(text: str | None) -> str | None:
    """Check the name of a connection or destination that may be left out."""
    return None if text is None else _name(text)


def say(text: str = "") -> None:
    """Show words to people."""
    _show(Console(), text)


def say_as_it_is(text: str) -> None:
    """Show a line that other programs or people copy: it stays one line, however long."""
    Console().print(Text(text), soft_wrap=True)


def _show(shown_on: Console, text: str) -> None:
    """Show words; a terminal would break them anywhere, and a pipe needs each line whole."""
    if shown_on.is_terminal:
        text = "\n".join(_wrapped(line, shown_on.width) for line in text.split("\n"))
    shown_on.print(Text(text), soft_wrap=True)


def _wrapped(line: str, width: int) -> str:
    """Return a line broken between words; what is longer, such as a URL, stays whole."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def expect_somebody_to_ask(*, yes: bool, as_json: bool) -> None:
    """Raise typer.BadParameter where a question would have to be asked and nobody is there."""
    if as_json and not yes:
        raise typer.BadParameter("with --json there is nobody to ask: add --yes")


def ask(question: str, *, yes: bool, as_json: bool) -> None:
    """Ask people before something is done; a no ends the command."""
    expect_somebody_to_ask(yes=yes, as_json=as_json)
    if not yes:
        typer.confirm(question, abort=True)


def error(text: str) -> None:
    """Show a line on standard error; with --json it is a JSON object."""
    if _errors_are_json.get():
        typer.echo(json.dumps({"error": text}), err=True)
        return
    _show(Console(stderr=True), text)


def notice(text: str) -> None:
    """Show people a line on standard error that is no error."""
    if not _errors_are_json.get():
        _show(Console(stderr=True), text)


class _Cell(Text):
    """A text that is broken within a word only behind its punctuation, if it has any in reach."""

    def wrap(self, console: Console, width: int, **options: Any) -> Lines:
        """Return the lines of a text in a column of some width."""
        words = _WORDS.split(self.plain)
        return Text("".join(_within(word, width) for word in words)).wrap(console, width, **options)


_WORDS = re.compile(r"(\s+)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # as moment() spells it
_PARTS = re.compile(r"(?<=[-_./:,@])(?=\w)")
_BETWEEN_COLUMNS = 2


def _parts(word: str) -> list[str]:
    """Return what of a word is not broken as long as there is room."""
    return [word] if _TIME.fullmatch(word) else _PARTS.split(word)


def _within(word: str, width: int) -> str:
    """Return a word with line breaks between its parts, as far as they are needed."""
    lines = [""]
    for part in _parts(word) if cell_len(word) > width else [word]:
        if lines[-1] and cell_len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return widths of columns with which no part of a word is broken; None if there are none."""
    widths = [max(map(cell_len, "\n".join(cells).split("\n"))) for cells in columns]
    least = [
        max(
            (cell_len(part) for word in " ".join(cells).split() for part in _parts(word)), default=0
        )
        for cells in columns
    ]
    while sum(widths) > room:
        slack = [width - needed for width, needed in zip(widths, least, strict=True)]
        if max(slack) == 0:
            return None
        widths[slack.index(max(slack))] -= 1
    return widths


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Show a table; long cells go on in the next line. Without any text there is no header."""
    made = Table(
        box=None, pad_edge=False, padding=(0, _BETWEEN_COLUMNS, 0, 0), show_header=any(headers)
    )
    shown, console = list(rows), Console()
    cells = [
        [header, *(str(row[n]) for row in shown if n < len(row))]
        for n, header in enumerate(headers)
    ]
    widths = _widths(cells, console.width - _BETWEEN_COLUMNS * (len(headers) - 1))
    for n, header in enumerate(headers):
        made.add_column(header, overflow="fold", width=widths[n] if widths else None)
    for row in shown:
        made.add_row(*(cell if isinstance(cell, Text) else _Cell(cell) for cell in row))
    console.print(made)


@contextmanager
def progress(words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show on a terminal's standard error how far work is; it gets the steps that were done.

    What another thread does is shown elsewhere, such as on a page.
    """
    console = Console(stderr=True)
    is_shown = console.is_terminal and threading.current_thread() is threading.main_thread()
    with Progress(console=console, transient=True, disable=not is_shown) as bar:
        task = bar.add_task(words, total=total)
        yield lambda steps: bar.update(task, advance=steps)


def document(value: object, *, ascii_only: bool = False) -> None:
    """Show a value as JSON; pushed texts in ASCII alone, as they can hold half a character."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    typer.echo(json.dumps(value, indent=2, ensure_ascii=ascii_only or not is_unicode))


def plain(text: str) -> str:
    """Return a text on one line and without control characters, which could steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def counted(count: int, what: str) -> str:
    """Return how many there are, such as "1 profile" or "2 profiles"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def moment(epoch_seconds: float) -> str:
    """Return a time as people and programs read it: ISO 8601, to the second, UTC."""
    return f"{datetime.fromtimestamp(epoch_seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment_of(text: str) -> str:
    """Return a time in ISO 8601 in the spelling of moment(), and any other text as it is."""
    try:
        return moment(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return text


def when(epoch_seconds: float) -> str:
    """Return a time with how far it is from now, such as "… (2 h 5 min ago)"."""
    seconds = epoch_seconds - time.time()
    relative = f"in {duration(seconds)}" if seconds >= 0 else f"{duration(seconds)} ago"
    return f"{moment(epoch_seconds)} ({relative})"


def duration(seconds: float) -> str:
    """Return a span of time in words, such as "2 h 5 min"."""
    minutes = round(abs(seconds) / 60)
    if minutes == 0:
        return f"{round(abs(seconds))} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
