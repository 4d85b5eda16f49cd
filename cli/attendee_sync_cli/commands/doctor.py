"""The command that examines connections."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

import requests
import typer
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from rich.console import Console
from rich.status import Status
from rich.text import Text

from attendee_sync import http_client
from attendee_sync.aws.settings import DEFAULT, credentials_of
from attendee_sync.mapping.destination import Destination
from attendee_sync.profile import email_address
from attendee_sync.profile.email_address import EmailAddressError
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import console, known_words
from attendee_sync_cli.console import AsJson, FailureError
from attendee_sync_cli.doctor import examination as doctors
from attendee_sync_cli.doctor import status_page
from attendee_sync_cli.doctor.api_checks import TOKEN
from attendee_sync_cli.doctor.changes import Change, Path, Value
from attendee_sync_cli.doctor.likely import CREDENTIALS
from attendee_sync_cli.doctor.report import TITLES, Case, Report, Step, StepState
from attendee_sync_cli.settings import setting_changes, validation
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync doctor",
    "attendee-sync doctor default",
    "attendee-sync doctor --destination summit --write-test test@your-company.example",
    "attendee-sync doctor default --write-test test@your-company.example --apply",
)
NOBODYS_TAG = "+attendee-sync-test"
# https://www.rfc-editor.org/rfc/rfc6761 sets these apart: nobody receives mail there.
_OF_NOBODY = re.compile(r"[@.]example\.(?:com|net|org)$|\.(?:example|test|invalid|localhost)$")
_MAX_LOCAL = 57  # characters before the @, of 64 (RFC 5321, section 4.5.3.1.1): see Calls
_FEW_SETTINGS = 2  # are told in a line
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
    cases = _cases(stack, connection, destination, address)
    with http_client.session(pool_size=1) as session:
        room = _Room(stack, session, is_shown=not as_json, applies=apply, asks=not yes)
        reports = [room.examined(case) for case in cases]
        told = _status(session, page, cases)
    if as_json:
        documents = [_document(report) for report in reports]
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
        after = validation.read(Connection, report.settings)
        if isinstance(after, list) or report.failure is None:
            return False
        if not self.asks and not report.failure.sure:
            console.notice("Not stored, as it is not sure; without --yes you are asked.")
            return False
        if self.is_shown:
            rows = setting_changes.shown_changes(report.case.settings, after)
            setting_changes.ask(f"Connection {name}", rows, is_new=False, yes=not self.asks)
        stored = setting_changes.parsed(self.stack.known_connection(name))
        if stored != setting_changes.parsed(report.case.settings):
            raise FailureError(
                f"The settings of connection {name} were changed meanwhile; nothing is stored. "
                "Run it again."
            )
        self.stack.put_connection(name, setting_changes.compact(report.settings))
        if self.is_shown:
            console.say(setting_changes.STORED)
            if name == DEFAULT:
                console.say(setting_changes.KEPT_CONNECTION)
            if any(map(_is_about_tokens, report.changes)):
                console.say(f"Next: attendee-sync token refresh {name}")
            console.say()
        return True


def _is_about_tokens(change: Change) -> bool:
    return change.touches("auth") or change.touches("token_call") or change.touches("preset")


def _status(session: requests.Session, page: str, cases: list[Case]) -> str:
    """Return what the status page says, or nothing where it is not RainFocus that is called."""
    read = [validation.read(Connection, case.settings) for case in cases]
    is_elsewhere = any(
        isinstance(each, Connection) and each.base.startswith("https://") for each in read
    )
    if page == "off" or not is_elsewhere:
        return ""
    if not page.startswith("https://"):
        raise typer.BadParameter("--status-page takes an https URL, or off")
    return f"RainFocus's status page, {page}, {status_page.said(session, page)}."


def _address(given: str | None) -> str:
    """Return an address that no person has, whoever has the one that is given."""
    if not given:
        return ""
    try:
        address = email_address.normalise(given)
    except EmailAddressError:
        raise typer.BadParameter("--write-test takes an e-mail address") from None
    local, _, domain = address.rpartition("@")
    if _OF_NOBODY.search(address) or local.endswith(NOBODYS_TAG):
        return address
    if len(local + NOBODYS_TAG) > _MAX_LOCAL:
        raise typer.BadParameter("--write-test takes a shorter e-mail address")
    address = f"{local}{NOBODYS_TAG}@{domain}"
    console.notice(f"The made-up attendee is {address}.")
    return address


def _cases(
    stack: Stack, connection: str | None, destination: str | None, address: str
) -> list[Case]:
    connections = stack.connections()
    destinations = stack.destinations()
    if destination and destination not in destinations:
        raise stack.no_such("destination", destination)
    if destination and not connection:
        connection = _connection_of(destinations[destination])
    if connection and connection not in connections:
        raise stack.no_such("connection", connection)
    if not connections:
        raise FailureError(f"Stack {stack.name} has no connections. Is that its name?")
    return [
        _case(stack, name, connections[name], _target(destinations, destination, name), address)
        for name in ([connection] if connection else sorted(connections))
    ]


def _target(destinations: dict[str, str], chosen: str | None, connection: str) -> tuple[str, str]:
    """Return the name and settings of a connection's destination, the first if none is chosen."""
    users = (
        name for name in sorted(destinations) if _connection_of(destinations[name]) == connection
    )
    name = chosen or next(users, "")
    return name, destinations.get(name, "")


def _case(
    stack: Stack, connection: str, settings: str, target: tuple[str, str], address: str
) -> Case:
    destination, its_settings = target
    if address and not destination:
        raise FailureError(
            f"No destination uses connection {connection}, so that there is no event to write to; "
            "--destination names one."
        )
    credentials = access_token.parse_credentials(stack.secret(credentials_of(connection)))
    token = _stored_token(stack, connection)
    return Case(connection, settings, credentials, destination, its_settings, address, token)


def _stored_token(stack: Stack, connection: str) -> str | None:
    """Return what is stored of a token, or None where that can't be read."""
    try:
        return stack.stored_token(connection) or ""
    except (FailureError, BotoCoreError, ClientError):
        return None


def _connection_of(text: str) -> str:
    try:
        return Destination.model_validate_json(text).connection
    except ValidationError:
        return ""


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
    console.say(_conclusion(report))
    if len(_values(report)) > _FEW_SETTINGS and may_apply:
        _show_changes(report)
    if report.changes and may_apply:
        test = " --write-test EMAIL" if case.write_test else ""
        console.say(f"To store it: attendee-sync doctor {case.connection} --apply{test}")
    console.say()


def _conclusion(report: Report) -> str:
    failure = report.failure
    if failure is None:
        return _without_failure(report)
    if failure.is_later:
        return "Nothing to change: RainFocus, or the way to it, is away or busy. Try again later."
    tried = f" (changes tried: {report.experiments})" if report.experiments else ""
    if failure.setting == CREDENTIALS:
        tried += f": attendee-sync credentials set {report.case.connection}"
    if failure.setting == TOKEN:
        tried += f": attendee-sync token refresh {report.case.connection} --force"
    if not failure.setting:
        return f"Which setting is wrong is not sure{tried}."
    sure = "To change" if failure.sure else "Not sure, but most likely to change"
    if len(_values(report)) > _FEW_SETTINGS:
        return f"{sure}: {len(_values(report))} settings{tried}."
    if report.changes:
        return f"{sure}: {' and '.join(change.words for change in report.changes)}{tried}."
    return f"{sure}: {_called(failure.setting)}{tried}."


def _show_changes(report: Report) -> None:
    after = validation.read(Connection, report.settings)
    if isinstance(after, Connection):
        rows = setting_changes.shown_changes(report.case.settings, after)
        console.table(["setting", "from", "to"], rows)


def _values(report: Report) -> list[tuple[Path, Value]]:
    """Return the settings that change, without those that are only brought back to a default."""
    values = [each for change in report.changes for each in change.values]
    return [(path, value) for path, value in values if value is not None]


def _without_failure(report: Report) -> str:
    unknown = [step for step in report.steps if step.state is StepState.UNKNOWN]
    if not unknown:
        return "All is well."
    titles = ", ".join(TITLES[step.check] for step in unknown)
    likely = next((step.setting for step in unknown if step.setting), "")
    words = f"Nothing failed; not found out: {titles}."
    return f"{words} If nobody is delivered, look at {_called(likely)}." if likely else words


def _called(setting: str) -> str:
    """Return a setting with the word that other forms have for it."""
    word = known_words.word_of(setting)
    return f"{setting} ({word})" if word else setting


def _document(report: Report) -> dict[str, Any]:
    failure = report.failure
    return {
        "connection": report.case.connection,
        "destination": report.case.destination or None,
        "failed": failure is not None,
        "setting": (failure.setting or None) if failure else None,
        "sure": failure.sure if failure else None,
        "try_later": failure.is_later if failure else False,
        "changes": [
            {"setting": ".".join(path), "to": value}
            for change in report.changes
            for path, value in change.values
        ],
        "experiments": report.experiments,
        "steps": [_step(step) for step in report.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "step": step.check,
        "title": TITLES[step.check],
        "state": step.state,
        "words": step.words,
        "setting": step.setting or None,
    }
