"""One call of the RainFocus API, as it was received."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import JsonValue
from pydantic_core import from_json

from local.simulator.settings import BodyRules, Environment, Organisation

CallName = Literal["token", "attendee/store", "attendeeInfo", "unknown"]
Record = dict[str, JsonValue]

FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of attendee/store or attendeeInfo.

    `record` holds what the body says, the event code included, or None if the body is not of
    the kind that the organisation expects.
    """

    environment: Environment
    org: str
    version: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    record: Record | None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a call is about, as far as it tells: faults match on it and the log shows it."""

    environment: Environment | None = None
    org: str | None = None
    event: str | None = None
    email: str | None = None


def subject_of(call: Call, organisation: Organisation) -> Subject:
    """Return whom a call is about, without judging whether the call is right."""
    sent = {**(call.record or {}), **call.query}
    return Subject(
        environment=call.environment,
        org=call.org,
        event=_text(sent.get(organisation.event.key)),
        email=_text(sent.get(organisation.fields.wire_name("email"))),
    )


def read_record(body: bytes, content_type: str, rules: BodyRules) -> Record | None:
    """Return the attendee record in a body, or None if the body is of another kind."""
    if rules.kind == "form":
        pairs = read_form(body, content_type)
        return dict(pairs) if pairs is not None else None
    if content_type != "application/json":
        return None
    document = _read_json(body)
    if rules.kind == "array":
        return _only_item(document)
    if rules.kind == "wrapped":
        return _only_value(document, rules.wrapped_under)
    return document if isinstance(document, dict) else None


def read_form(body: bytes, content_type: str) -> list[tuple[str, str]] | None:
    """Return the pairs of a form body, or None if it is not a form."""
    if content_type != FORM_TYPE:
        return None
    try:
        return parse_qsl(body.decode(), keep_blank_values=True)
    except ValueError:
        return None


def _read_json(body: bytes) -> JsonValue:
    try:
        document: JsonValue = from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
    return document


def _only_item(document: JsonValue) -> Record | None:
    # Invented: an array takes one record. Whether RainFocus takes several at once is unknown.
    if not isinstance(document, list) or len(document) != 1:
        return None
    item = document[0]
    return item if isinstance(item, dict) else None


def _only_value(document: JsonValue, key: str) -> Record | None:
    # Invented: nothing stands beside the record, so the event code stands in it.
    if not isinstance(document, dict) or list(document) != [key]:
        return None
    value = document[key]
    return value if isinstance(value, dict) else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
