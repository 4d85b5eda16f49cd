"""Examining connections, and storing what helps."""

import re
from dataclasses import replace
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync.aws.settings import DEFAULT, credentials_of
from attendee_sync.mapping.destination import Destination
from attendee_sync.profile import email_address
from attendee_sync.profile.email_address import EmailAddressError
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import known_words
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.doctor import status_page
from attendee_sync_cli.doctor.api_checks import TOKEN
from attendee_sync_cli.doctor.changes import Change, Path, Value
from attendee_sync_cli.doctor.likely import CREDENTIALS
from attendee_sync_cli.doctor.report import TITLES, Case, Report, Step, StepState
from attendee_sync_cli.settings import setting_changes, validation
from attendee_sync_cli.stack.stack import Stack

NOBODYS_TAG = "+attendee-sync-test"
# https://www.rfc-editor.org/rfc/rfc6761 sets these apart: nobody receives mail there.
_OF_NOBODY = re.compile(r"[@.]example\.(?:com|net|org)$|\.(?:example|test|invalid|localhost)$")
_MAX_LOCAL = 57  # characters before the @, of 64 (RFC 5321, section 4.5.3.1.1): see Calls
FEW_SETTINGS = 2  # are told in a line


class AddressError(FailureError):
    """What was given is no address for a write test; it is not repeated."""


def nobodys(given: str) -> str:
    """Return an address that no person has, whoever has the one that is given.

    Raises AddressError if there can be none.
    """
    try:
        address = email_address.normalise(given)
    except EmailAddressError:
        raise AddressError("an e-mail address is expected") from None
    local, _, domain = address.rpartition("@")
    if _OF_NOBODY.search(address) or local.endswith(NOBODYS_TAG):
        return address
    if len(local + NOBODYS_TAG) > _MAX_LOCAL:
        raise AddressError("a shorter e-mail address is expected")
    return f"{local}{NOBODYS_TAG}@{domain}"


def cases(
    stack: Stack, connection: str | None, destination: str | None, address: str
) -> list[Case]:
    """Return what is to be examined: one connection, that of a destination, or all.

    An `address` has a made-up attendee stored. Raises FailureError if there is no such.
    """
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


def status_said(session: requests.Session, page: str, cases: list[Case]) -> str:
    """Return what RainFocus's status page says, or nothing where none of them calls RainFocus."""
    read = [validation.read(Connection, case.settings) for case in cases]
    is_elsewhere = any(
        isinstance(each, Connection) and each.base.startswith("https://") for each in read
    )
    if not is_elsewhere:
        return ""
    return f"RainFocus's status page, {page}, {status_page.said(session, page)}."


def users(stack: Stack) -> dict[str, list[str]]:
    """Return the destinations of each connection that any uses, by its name."""
    found: dict[str, list[str]] = {}
    for name, text in sorted(stack.destinations().items()):
        found.setdefault(_connection_of(text), []).append(name)
    return found


def without_secrets(report: Report) -> Report:
    """Return a report that can be kept: storing its changes takes no credentials."""
    case = replace(report.case, credentials=Credentials("", ""), stored_token="")
    return replace(report, case=case)


def changed(report: Report) -> Connection | None:
    """Return the connection with a report's changes, or None where there is nothing to store."""
    after = validation.read(Connection, report.settings) if report.changes else None
    return after if isinstance(after, Connection) and report.failure else None


def change_rows(report: Report) -> list[list[str]]:
    """Return path, old and new value of each setting that a report's changes change."""
    after = validation.read(Connection, report.settings)
    if isinstance(after, list):
        return []
    return setting_changes.shown_changes(report.case.settings, after)


def store(stack: Stack, report: Report) -> list[str]:
    """Store the changes of a report, and return what to tell people of it.

    Raises FailureError, and stores nothing, if the settings were changed since they were examined.
    """
    name = report.case.connection
    stored = setting_changes.parsed(stack.known_connection(name))
    if stored != setting_changes.parsed(report.case.settings):
        raise FailureError(
            f"The settings of connection {name} were changed meanwhile; nothing is stored. "
            "Run it again."
        )
    stack.put_connection(name, setting_changes.compact(report.settings))
    told = [setting_changes.STORED]
    if name == DEFAULT:
        told.append(setting_changes.KEPT_CONNECTION)
    if any(map(_is_about_tokens, report.changes)):
        told.append(f"Next: attendee-sync token refresh {name}")
    return told


def _is_about_tokens(change: Change) -> bool:
    return change.touches("auth") or change.touches("token_call") or change.touches("preset")


def conclusion(report: Report) -> str:
    """Return what follows from an examination, in words."""
    failure = report.failure
    if failure is None:
        return _without_failure(report)
    if failure.is_later:
        return "Nothing to change: RainFocus, or the way to it, is away or busy. Try again later."
    if failure.is_beyond:
        return "No setting can say what RainFocus wants here, as far as its words tell."
    return _to_change(report, failure)


def _to_change(report: Report, failure: Step) -> str:
    tried = f" (changes tried: {report.experiments})" if report.experiments else ""
    if failure.setting == CREDENTIALS:
        tried += f": attendee-sync credentials set {report.case.connection}"
    if failure.setting == TOKEN:
        tried += f": attendee-sync token refresh {report.case.connection} --force"
    if failure.is_asked:
        told = f"attendee-sync connections set {report.case.connection} {failure.setting}=VALUE"
        first = "First what is offered here, then ask" if report.changes else "Ask"
        return f"{first} RainFocus for the value of {failure.setting}{tried}: {told}"
    if not failure.setting:
        return f"Which setting is wrong is not sure{tried}."
    sure = "To change" if failure.sure else "Not sure, but most likely to change"
    if len(changed_values(report)) > FEW_SETTINGS:
        return f"{sure}: {len(changed_values(report))} settings{tried}."
    if report.changes:
        return f"{sure}: {' and '.join(change.words for change in report.changes)}{tried}."
    return f"{sure}: {_called(failure.setting)}{tried}."


def changed_values(report: Report) -> list[tuple[Path, Value]]:
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


def document(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    failure = report.failure
    return {
        "connection": report.case.connection,
        "destination": report.case.destination or None,
        "failed": failure is not None,
        "setting": (failure.setting or None) if failure else None,
        "sure": failure.sure if failure else None,
        "try_later": failure.is_later if failure else False,
        "ask_rainfocus": failure.is_asked if failure else False,
        "beyond_settings": failure.is_beyond if failure else False,
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
