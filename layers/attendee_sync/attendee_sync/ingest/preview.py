"""Preview: what a push would do, without doing any of it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
from pydantic import ValidationError

from attendee_sync.aws.settings import Settings
from attendee_sync.http_client import UNUSABLE
from attendee_sync.ingest.api import (
    HttpError,
    HttpRequest,
    HttpResponse,
    destination_settings,
    respond,
    response,
    split,
)
from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Decision, Mapper, Verdict
from attendee_sync.messaging import messages
from attendee_sync.outcome import OutcomeKind
from attendee_sync.profile.pieces import Pushed
from attendee_sync.rainfocus import client
from attendee_sync.rainfocus.access_token import AccessToken
from attendee_sync.rainfocus.client import Attendee
from attendee_sync.rainfocus.connection import Connection

# Lambda answers with 6 MB at most: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_DETAILS = 5_000_000  # bytes; what remains holds the outcomes of all profiles of a push
_LEFT_OUT = "details left out: the answer would be too large; preview fewer profiles at once"

# Stands where a call would show the real ones.
_SHOWN = AccessToken(
    "<access token>",
    expires_at=None,
    issued_at=0,
    granted_to="",
    audience="",
    shown="",
    client_id="<client id>",
    profile_token="<profile token>",  # noqa: S106
)
OUTCOMES: Final[Mapping[Verdict, str]] = {
    Verdict.SEND: "delivered, if RainFocus takes it",
    Verdict.EXIT: "delivered, if the attendee was delivered before; else filtered",
    Verdict.FILTER: OutcomeKind.FILTERED.value,
    Verdict.REJECT: OutcomeKind.REJECTED.value,
    Verdict.WAIT: "waits until the destination's filter is mended",
}


@dataclass(frozen=True)
class PreviewTarget:
    """What a preview must know of where profiles go."""

    rules: Mapper
    connection: Connection


class Preview:
    """Shows what would become of a push to one stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Authenticate a request and answer what would become of each of its profiles.

        Nothing is queued, sent or written.
        """
        return respond(request, self._settings, self._preview)

    def _preview(self, request: HttpRequest) -> HttpResponse:
        text = destination_settings(request, self._settings)
        pushed = split(request, text)
        try:
            rules = mapper.mapper(text)
            found = self._settings.connection(rules.destination.connection)
            if found is None:
                raise HttpError(409, f"unknown connection: {rules.destination.connection}")
            connection = Connection.model_validate_json(found)
        except ValidationError as error:
            faults = "; ".join(
                ": ".join([".".join(map(str, each["loc"])) or error.title, each["msg"]])
                for each in error.errors()
            )
            raise HttpError(409, f"the settings are not valid: {faults}") from error
        destination = PreviewTarget(rules, connection)
        try:
            profiles = list(_shortened(preview_profile(destination, each) for each in pushed))
        except UNUSABLE as error:
            raise HttpError(409, "no request can be made to the connection's address") from error
        return response(request, 200, profiles=profiles)


def _shortened(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what is foreseen of each profile, with details as long as an answer has room."""
    left = _MAX_DETAILS
    for n, each in enumerate(entries):
        size = _size(each)
        if size <= left:
            left -= size
            yield {"index": n, **each}
        else:
            yield {
                "index": n,
                "outcome": each["outcome"],
                "reason": each["reason"],
                "detail": each["detail"],
                "note": _LEFT_OUT,
            }


def _size(value: object) -> int:
    """Return the bytes of a value as JSON in a JSON string, which is how API Gateway gets it."""
    text = json.dumps(value)
    return len(text) + text.count('"') + text.count("\\")


def preview_profile(destination: PreviewTarget, pushed: Pushed) -> dict[str, Any]:
    """Return what would become of one profile: the outcome, and all that leads to it.

    The members: outcome, reason, detail (the reason in words), attendee (field by name), request
    (method, url, headers and body, with placeholders for secrets), sources (what gave each field),
    remarks, and unread (the attributes that no source read, each with the field that it is like).
    """
    fault = pushed.fault or messages.size_fault(messages.escape_for_sqs(pushed.text))
    if fault:
        return {"outcome": OutcomeKind.REJECTED.value, **vars(fault)}
    foreign_state = destination.connection.fields.foreign_state
    identity = destination.rules.identify(pushed.profile or {})
    decision = destination.rules.decide_on(identity, foreign_state)
    return {
        "outcome": OUTCOMES[decision.verdict],
        "reason": decision.reason,
        "detail": decision.detail,
        "attendee": dict(decision.fields),
        "sources": {name: destination.rules.source_of(name, decision) for name in decision.fields},
        "remarks": [{"field": name, "text": text} for name, text in decision.remarks],
        "unread": [each._asdict() for each in destination.rules.unread(identity)],
        "request": _request(destination, decision) if decision.fields else None,
    }


def _request(destination: PreviewTarget, decision: Decision) -> Mapping[str, Any]:
    attendee = Attendee(destination.rules.destination.event_code, decision.fields)
    request = client.store_request(destination.connection, _SHOWN, attendee)
    prepared = requests.Request(request.method, request.url, params=request.params).prepare()
    return {
        "method": request.method,
        "url": prepared.url,
        "headers": dict(request.headers),
        "body": request.json if request.json is not None else _body(request.data),
    }


def _body(data: Mapping[str, bytes] | bytes) -> dict[str, str] | str:
    if isinstance(data, bytes):
        return data.decode()
    return {name: text.decode() for name, text in data.items()}
