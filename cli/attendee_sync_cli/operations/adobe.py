"""What is entered in Adobe Experience Platform, or uploaded there, for a destination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attendee_sync.aws.settings import INGEST_TOKEN, secret_id
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.profiles import push_client
from attendee_sync_cli.profiles.push_client import Endpoint
from attendee_sync_cli.settings import adobe_destination, validation
from attendee_sync_cli.settings.validation import NotValidError
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


def form_values(stack: Stack, destination: str) -> list[FormValue]:
    """Return what is entered in the form of Adobe's HTTP API destination, field by field."""
    settings = _settings(stack, destination)
    return form_values_of(stack.name, push_client.endpoint(stack, destination), settings)


def form_values_of(stack_name: str, endpoint: Endpoint, settings: Destination) -> list[FormValue]:
    """Return the same of a destination whose settings are known."""
    secret = secret_id(stack_name, INGEST_TOKEN)
    rows = adobe_destination.form_values(endpoint.url, secret, settings)
    return [FormValue(*row) for row in rows]


def files(stack: Stack, destination: str, server: str, *, in_batches: bool) -> Files:
    """Return the files for Destination SDK; `server` is the id of the destination server."""
    settings = _settings(stack, destination)
    url = push_client.endpoint(stack, destination).url
    contents = {
        SERVER: adobe_destination.server(url, destination),
        DESTINATION: adobe_destination.configuration(settings, server, in_batches=in_batches),
    }
    return Files(contents, adobe_destination.attributes(settings).too_deep)


def _settings(stack: Stack, name: str) -> Destination:
    read = validation.read(Destination, stack.known_destination(name))
    if isinstance(read, Destination):
        return read
    raise NotValidError(f"The settings of destination {name}", read)
