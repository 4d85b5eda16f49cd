"""The command that examines connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import requests
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.status import Status
from rich.text import Text

from attendee_sync import http_client
from attendee_sync.aws.settings import credentials_of
from attendee_sync.mapping.destination import Destination
from attendee_sync.profile import email_address
from attendee_sync.profile.email_address import EmailAddressError
from attendee_sync.rainfocus import access_token
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError
from attendee_sync_cli.doctor import examination as doctors
from attendee_sync_cli.doctor.report import TITLES, Case, Report, Step, StepState
from attendee_sync_cli.doctor.token_checks import CREDENTIALS
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync doctor",
    "attendee-sync doctor default",
    "attendee-sync doctor --destination summit --write-test test@your-company.example",
)
_STYLES = {StepState.PASSED: "green", StepState.FAILED: "bold red", StepState.UNKNOWN: "yellow"}


def doctor(
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
            metavar="EMAIL", help="Store a made-up attendee in RainFocus under this address."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find out whether RainFocus can be reached with a connection, and what to change if not.

    Looks a made-up address up, and changes nothing in RainFocus unless --write-test is given.
    Where RainFocus refuses a call, the same call is tried with one setting changed at a time.
    Ends with exit code 1 if a step failed.
    """
    stack: Stack = context.obj
    address = _address(write_test)
    if address and not (connection or destination):
        raise typer.BadParameter("--write-test needs a CONNECTION or a --destination")
    cases = _cases(stack, connection, destination, address)
    with _progress() as status, http_client.session(pool_size=1) as session:
        reports = [_examine(case, session, status) for case in cases]
    if as_json:
        console.document({"connections": [_document(report) for report in reports]})
    else:
        for report in reports:
            _show(report)
    if any(report.failure for report in reports):
        raise typer.Exit(1)


def _address(given: str | None) -> str:
    if not given:
        return ""
    try:
        return email_address.normalise(given)
    except EmailAddressError:
        raise typer.BadParameter("--write-test takes an e-mail address") from None


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
    return Case(connection, settings, credentials, destination, its_settings, address)


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


def _show(report: Report) -> None:
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
    console.say()


def _conclusion(report: Report) -> str:
    failure = report.failure
    if failure is None:
        unknown = any(step.state is StepState.UNKNOWN for step in report.steps)
        return "Nothing failed; not all could be found out." if unknown else "All is well."
    tried = f" (changes tried: {report.experiments})" if report.experiments else ""
    if failure.setting == CREDENTIALS:
        tried += f": attendee-sync credentials set {report.case.connection}"
    if not failure.setting:
        return f"Which setting is wrong is not sure{tried}."
    sure = "To change" if failure.sure else "Not sure, but most likely to change"
    return f"{sure}: {failure.setting}{tried}."


def _document(report: Report) -> dict[str, Any]:
    failure = report.failure
    return {
        "connection": report.case.connection,
        "destination": report.case.destination or None,
        "failed": failure is not None,
        "setting": (failure.setting or None) if failure else None,
        "sure": failure.sure if failure else None,
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
