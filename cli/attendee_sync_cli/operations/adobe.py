"""What is entered in Adobe Experience Platform, or uploaded there, for a destination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attendee_sync.aws.settings import INGEST_TOKEN, secret_id
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import senders
from attendee_sync_cli.profiles import push_client
from attendee_sync_cli.profiles.push_client import Endpoint
from attendee_sync_cli.settings import adobe_destination, validation
from attendee_sync_cli.settings.validation import NotValidError
from attendee_sync_cli.stack import app_clients
from attendee_sync_cli.stack.stack import Stack

SERVER, DESTINATION = "destination-server.json", "destination.json"


@dataclass(frozen=True)
class FormValue:
    """What is entered in a field of Adobe's form; nothing is an empty text."""

    screen: str
    field: str
    value: str


@dataclass(frozen=True)
class Files:
    """The files of a destination of one's own in Adobe's catalog."""

    contents: Mapping[str, Mapping[str, Any]]  # by the files' names
    too_deep: Sequence[str]  # paths that can't be mapped there


def form_values(stack: Stack, destination: str, sender: str = "") -> list[FormValue]:
    """Return what is entered in the form of Adobe's HTTP API destination, field by field.

    AEP pushes as a sender, if one is named. Raises FailureError, also if that may not push there.
    """
    settings = _settings(stack, destination)
    endpoint = push_client.endpoint(stack, destination)
    client_id = _client_id(stack, sender, destination) if sender else ""
    if not client_id:
        return form_values_of(stack.name, endpoint, settings, sender)
    return _rows(
        adobe_destination.by_oauth2(stack.output("OAuthTokenUrl"), client_id),
        adobe_destination.form_values(app_clients.push_url(endpoint.url), settings),
    )


def form_values_of(
    stack_name: str, endpoint: Endpoint, settings: Destination, sender: str = ""
) -> list[FormValue]:
    """Return the same of a destination whose settings are known, with a bearer token."""
    return _rows(
        adobe_destination.by_token(secret_id(stack_name, INGEST_TOKEN), sender),
        adobe_destination.form_values(endpoint.url, settings),
    )


def files(stack: Stack, destination: str, server: str, *, in_batches: bool) -> Files:
    """Return the files for Destination SDK; `server` is the id of the destination server."""
    settings = _settings(stack, destination)
    url = push_client.endpoint(stack, destination).url
    contents = {
        SERVER: adobe_destination.server(url, destination),
        DESTINATION: adobe_destination.configuration(settings, server, in_batches=in_batches),
    }
    return Files(contents, adobe_destination.attributes(settings).too_deep)


def _rows(*parts: Sequence[adobe_destination.FormValue]) -> list[FormValue]:
    return [FormValue(*row) for part in parts for row in part]


def _client_id(stack: Stack, name: str, destination: str) -> str:
    """Return the id of a sender's app client; empty if it has a token."""
    found = senders.expect(stack, name)
    if not found.may_push_to(destination):
        raise FailureError(f"Sender {name} may not push to {destination}.")
    return found.client_id


def _settings(stack: Stack, name: str) -> Destination:
    read = validation.read(Destination, stack.known_destination(name))
    if isinstance(read, Destination):
        return read
    raise NotValidError(f"The settings of destination {name}", read)
