"""What the simulator of a local stack was called with, and whom it has stored: made-up people."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from attendee_sync.http_client import UNUSABLE, is_success, receive
from attendee_sync.mapping.destination import Destination
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import validation
from attendee_sync_cli.stack.stack import Stack

_CALLS = 100
_ATTENDEES = 25
_TIMEOUTS = (2.0, 5.0)  # seconds to connect, and to read


class SimulatedCall(BaseModel):
    """A call as the simulator saw it. Without an answer there is no status."""

    time: str
    call: str
    event: str | None
    email: str | None
    status: int | None
    code: str | None = Field(alias="responseCode")
    words: str | None = Field(alias="responseMessage")
    milliseconds: float


class SimulatedAttendee(BaseModel):
    """An attendee as the simulator has it."""

    attendee_id: str = Field(alias="attendeeId")
    fields: dict[str, Any]
    updated_at: str
    writes: int

    @property
    def text(self) -> str:
        """The fields as JSON, spread out."""
        return json.dumps(self.fields, indent=2, ensure_ascii=False)


_CALL_LIST = TypeAdapter(list[SimulatedCall])
_ATTENDEE_LIST = TypeAdapter(list[SimulatedAttendee])


@dataclass(frozen=True)
class Simulated:
    """The last calls, and the attendees of an event that were stored last; the newest first."""

    calls: Sequence[SimulatedCall]
    event: str
    attendees: Sequence[SimulatedAttendee]


def address() -> str | None:
    """Return where the simulator is, or None where no local stack is meant."""
    url = os.environ.get("ATTENDEE_SYNC_SIMULATOR_URL", "")
    return url if url and os.environ.get("AWS_ENDPOINT_URL") else None


def look(stack: Stack, url: str, destination: str) -> Simulated:
    """Return what the simulator saw, and whom it has for a destination's event.

    Raises FailureError if it gives no answer to read, or the destination's settings are not valid.
    """
    to = _read(Destination, stack.known_destination(destination), destination)
    of = _read(Connection, stack.known_connection(to.connection), to.connection)
    event = {"environment": of.environment, "org": of.org_id, "event": to.event_code}
    return Simulated(
        _ask(_CALL_LIST, url, "log", {"last": _CALLS})[::-1],
        to.event_code,
        _ask(_ATTENDEE_LIST, url, "attendees", {**event, "last": _ATTENDEES})[::-1],
    )


def _read[Model: BaseModel](model: type[Model], text: str, name: str) -> Model:
    found = validation.read(model, text)
    if isinstance(found, list):
        raise FailureError(f"The settings of {name} are not valid: {found[0]}")
    return found


def _ask[Found](kind: TypeAdapter[Found], url: str, what: str, asked: dict[str, Any]) -> Found:
    failure = FailureError(f"The simulator at {urlsplit(url).netloc} gives no answer to read.")
    with requests.Session() as http:
        http.trust_env = False  # no proxy stands before it
        try:
            with http.get(
                f"{url}/_sim/{what}?{urlencode(asked)}",
                timeout=_TIMEOUTS,
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = receive(response)
        except (requests.RequestException, *UNUSABLE):
            raise failure from None
    try:
        if not is_success(answer.status):
            raise failure
        return kind.validate_json(answer.body)
    except ValidationError:
        raise failure from None
