"""The command that examines connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated

import requests
import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from attendee_sync import http_client
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson
from attendee_sync_cli.doctor import examination as doctors
from attendee_sync_cli.doctor import status_page
from attendee_sync_cli.doctor.report import TITLES, Case, Report, StepState
from attendee_sync_cli.operations import doctor as operation
from attendee_sync_cli.operations.doctor import FEW_SETTINGS, NOBODYS_TAG
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync doctor",
    "attendee-sync doctor default",
    "attendee-sync doctor --destination summit --write-test test@your-company.example",
    "attendee-sync doctor default --write-test test@your-company.example --apply",
)
_MOST_ROUNDS = 5  # each after changes that are stored
_STYLES = {StepState.PASSED: "green", StepState.FAILED: "bold red", StepState.UNKNOWN: "yellow"}


def doctor(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    connection: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONNECTION]",
            help="Name of the connection; all of them by default.",
            callback=console.name,
        ),
    ] = None,
    destination: Annotated[
        str | None,
        typer.Option(
            help="The destination whose event code is looked for; by default the first one that "
            "uses the connection.",
            callback=console.name,
        ),
    ] = None,
    write_test: Annotated[
        str | None,
        typer.Option(
            metavar="EMAIL",
            help="Store a made-up attendee in RainFocus. It gets this address with "
            f"`{NOBODYS_TAG}` before the @, so that nobody is overwritten; one of a domain that "
            "is set apart for tests, such as example.com, as it is.",
        ),
    ] = None,
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Store what helps, after a look at it, and look again."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --apply: don't ask, and store only what is sure.")
    ] = False,
    page: Annotated[
        str,
        typer.Option(
            "--status-page",
            metavar="URL",
            envvar="ATTENDEE_SYNC_STATUS_PAGE",
            help="RainFocus's status page; `off` leaves it out. A local stack's is never read.",
        ),
    ] = status_page.URL,
    as_json: AsJson = False,
) -> None:
    """Find out whether RainFocus can be reached with a connection, and what to change if not.

    Looks a made-up address up, and changes nothing in RainFocus unless --write-test is given.
    Where RainFocus refuses a call, changed settings are tried, one change upon another, with at
    most 300 calls and 5 a second. Only what was tried and succeeded is called sure; with a read
    alone that is little. With --write-test, what was stored is read back and compared.

    --apply stores the changes that help and goes on until an attendee is delivered.

    Ends with exit code 1 if a step failed.
    """
    stack: Stack = context.obj
    address = _address(write_test)
    if (address or apply) and not (connection or destination):
        raise typer.BadParameter("--write-test and --apply need a CONNECTION or a --destination")
    if apply:
        console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    if page != "off" and not page.startswith("https://"):
        raise typer.BadParameter("--status-page takes an https URL, or off")
    cases = operation.cases(stack, connection, destination, address)
    with http_client.session(pool_size=1) as session:
        room = _Room(stack, session, is_shown=not as_json, applies=apply, asks=not yes)
        reports = [room.examined(case) for case in cases]
        told = "" if page == "off" else operation.status_said(session, page, cases)
    if as_json:
        documents = [operation.document(report) for report in reports]
        console.document({"connections": documents, "status_page": told or None})
    elif told:
        console.say(told)
    if any(report.failure for report in reports):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Room:
    """What connections are examined with, and what may be done about them."""

    stack: Stack
    session: requests.Session
    is_shown: bool
    applies: bool
    asks: bool

    def examined(self, case: Case) -> Report:
        """Examine a connection, again after each change that is stored; return the last report."""
        for _ in range(_MOST_ROUNDS):
            with _progress() as status:
                report = _examine(case, self.session, status)
            if self.is_shown:
                _show(report, may_apply=not self.applies)
            if not (self.applies and report.changes and self._stored(report)):
                break
            case = replace(case, settings=report.settings)
        return report

    def _stored(self, report: Report) -> bool:
        """Store the changes of a report, if that is wanted, and tell whether it was done."""
        name = report.case.connection
        if operation.changed(report) is None or report.failure is None:
            return False
        if not self.asks and not report.failure.sure:
            console.notice("Not stored, as it is not sure; without --yes you are asked.")
            return False
        if self.is_shown:
            rows = operation.change_rows(report)
            setting_changes.ask(f"Connection {name}", rows, is_new=False, yes=not self.asks)
        told = operation.store(self.stack, report)
        if self.is_shown:
            for words in told:
                console.say(words)
            console.say()
        return True


def _address(given: str | None) -> str:
    """Return an address that no person has, whoever has the one that is given."""
    if not given:
        return ""
    try:
        address = operation.nobodys(given)
    except operation.AddressError as error:
        raise typer.BadParameter(f"--write-test: {error}") from None
    if address != given.strip().lower():
        console.notice(f"The made-up attendee is {address}.")
    return address


@contextmanager
def _progress() -> Iterator[Status]:
    """Show what is being done, on a terminal's standard error."""
    with Console(stderr=True).status("") as status:
        yield status


def _examine(case: Case, session: requests.Session, status: Status) -> Report:
    def progress(words: str) -> None:
        status.update(Text(f"{case.connection}: {words}"))

    return doctors.examine(case, session, progress=progress)


def _show(report: Report, *, may_apply: bool) -> None:
    case = report.case
    title = f"Connection {case.connection}"
    console.say(f"{title}, destination {case.destination}" if case.destination else title)
    console.table(
        ["", "", ""],
        [
            [Text(step.state, _STYLES[step.state]), TITLES[step.check], step.words]
            for step in report.steps
        ],
    )
    console.say(operation.conclusion(report))
    if len(operation.changed_values(report)) > FEW_SETTINGS and may_apply:
        _show_changes(report)
    if report.changes and may_apply:
        test = " --write-test EMAIL" if case.write_test else ""
        console.say(f"To store it: attendee-sync doctor {case.connection} --apply{test}")
    console.say()


def _show_changes(report: Report) -> None:
    rows = operation.change_rows(report)
    if rows:
        console.table(["setting", "from", "to"], rows)
