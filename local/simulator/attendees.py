"""The calls attendee/store and attendeeInfo."""

import secrets
import string
import time
from collections.abc import Mapping

from pydantic import JsonValue

from local.simulator import answers
from local.simulator.answers import Answer, failure, missing, not_found, success
from local.simulator.calls import Call, Record
from local.simulator.settings import Organisation
from local.simulator.state import Attendee, State, now

_INFO_FIELDS = ("firstname", "lastname", "companyname", "email", "jobtitle")


def store(call: Call, organisation: Organisation, state: State) -> Answer:
    """Create or update an attendee of an event; fields that were not sent keep their value."""
    refusal = _refuse_access(call, organisation, state)
    if refusal is not None:
        return refusal
    if not organisation.attendee_store_enabled:
        message = "Access to API endpoint attendee/store denied."
        return failure(200, answers.ACCESS_DENIED, message)
    if call.record is None:
        # Invented: code and message.
        return failure(400, answers.INVALID_BODY, "The body is not of the expected kind")
    event = _event_of(call, call.record, organisation)
    if isinstance(event, Answer):
        return event
    fields = {key: value for key, value in call.record.items() if key != organisation.event.key}
    refusal = _refuse_fields(fields, organisation)
    if refusal is not None:
        return refusal
    attendees = state.attendees.setdefault((call.environment, call.org, event), {})
    attendee = _upsert(attendees, _match_value(fields, organisation), fields)
    return success({"attendeeId": attendee.attendee_id})


def attendee_info(call: Call, organisation: Organisation, state: State) -> Answer:
    """Answer one attendee of an event, found by the match key (the e-mail, unless set)."""
    refusal = _refuse_access(call, organisation, state)
    if refusal is not None:
        return refusal
    event = call.query.get(organisation.event.key)
    if not event:
        return missing(organisation.event.key)
    if event not in organisation.events:
        return _unknown_event()
    match = _match_value(call.query, organisation)
    if not match:
        return missing(organisation.match_field)
    attendee = state.attendees.get((call.environment, call.org, event), {}).get(match)
    if attendee is None:
        # Invented: status, code and message.
        return failure(200, answers.UNKNOWN_ATTENDEE, "Attendee not found")
    return success({"attendee": _info(attendee, organisation)})


def _refuse_access(call: Call, organisation: Organisation, state: State) -> Answer | None:
    # Invented: the order of these checks.
    if call.version != organisation.version:
        return not_found()
    return _refuse_api_profile(call, organisation) or _refuse_token(call, organisation, state)


def _refuse_api_profile(call: Call, organisation: Organisation) -> Answer | None:
    rules = organisation.api_profile
    by_client_id = rules.value == "client_id"
    expected = organisation.client_id if by_client_id else organisation.profile_token
    sent_in = {"header": call.headers.get(rules.name), "query": call.query.get(rules.name)}
    asked_in = {"header": rules.asks("header"), "query": rules.asks("query")}
    if any(asked_in[place] and not sent for place, sent in sent_in.items()):
        return missing(rules.name)
    if any(sent is not None and sent != expected for sent in sent_in.values()):
        return _invalid_api_profile()
    if any(not asked_in[place] and sent is not None for place, sent in sent_in.items()):
        # Invented: that an API profile in a second place is refused at all.
        return _invalid_api_profile()
    return None


def _invalid_api_profile() -> Answer:
    # Invented: the status; code and message stand in a third party's notes only.
    return failure(400, answers.INVALID_API_PROFILE, "Invalid API Profile")


def _refuse_token(call: Call, organisation: Organisation, state: State) -> Answer | None:
    authorization = call.headers.get("Authorization")
    if not organisation.oauth:
        # Invented: that a token is refused where the API profile knows no OAuth.
        return None if authorization is None else _invalid_token()
    scheme, _, value = (authorization or "").partition(" ")
    token = state.tokens.get(value)
    if scheme.lower() != "bearer" or token is None or token.expires_at <= time.monotonic():
        return _invalid_token()
    owner = (token.environment, token.org, token.client_id)
    if owner != (call.environment, call.org, organisation.client_id):
        return _invalid_token()
    return None


def _invalid_token() -> Answer:
    # Invented: status, code, message and header.
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return failure(401, answers.INVALID_TOKEN, "Invalid access token", challenge)


def _event_of(call: Call, record: Record, organisation: Organisation) -> str | Answer:
    """Return the event code if it is one and stands where it must, or else the refusal."""
    rules = organisation.event
    in_body, in_query = record.get(rules.key), call.query.get(rules.key)
    if (rules.asks("body") and not in_body) or (rules.asks("query") and not in_query):
        return missing(rules.key)
    if (not rules.asks("body") and in_body is not None) or (
        not rules.asks("query") and in_query is not None
    ):
        return _event_misplaced()
    if rules.place == "both" and in_body != in_query:
        return _event_misplaced()
    event = in_body if rules.asks("body") else in_query
    if not isinstance(event, str) or event not in organisation.events:
        return _unknown_event()
    return event


def _event_misplaced() -> Answer:
    # Invented: status, code and message.
    return failure(400, answers.EVENT_MISPLACED, "The event is not where it belongs")


def _unknown_event() -> Answer:
    # Invented: status, code and message.
    return failure(200, answers.UNKNOWN_EVENT, "Event not found")


def _refuse_fields(fields: Record, organisation: Organisation) -> Answer | None:
    if not _match_value(fields, organisation):
        return missing(organisation.match_field)
    for name, value in fields.items():
        if organisation.fields.refuses(name):
            # Invented: status, code and message.
            return failure(200, answers.INVALID_FIELD, f"Unknown field: {name}")
        if isinstance(value, dict | list):
            # Invented: status, code and message.
            return failure(400, answers.INVALID_FIELD, f"Invalid value for field: {name}")
    return None


def _match_value(fields: Mapping[str, object], organisation: Organisation) -> str:
    """Return the value that attendees are told apart by, as it is compared, or "" for none."""
    value = fields.get(organisation.match_field)
    if not isinstance(value, str):
        return ""
    return value.lower() if organisation.match_key == "email" else value


def _upsert(attendees: dict[str, Attendee], match: str, fields: Record) -> Attendee:
    time_of_call = now()
    attendee = attendees.get(match)
    if attendee is None:
        attendee = Attendee(_new_attendee_id(), {}, time_of_call, time_of_call, writes=0)
        attendees[match] = attendee
    attendee.fields.update(fields)
    attendee.updated_at = time_of_call
    attendee.writes += 1
    return attendee


def _new_attendee_id() -> str:
    """Return an id of the form that is seen: 16 digits, then four letters and digits.

    No two letters stand side by side, so that none is, by chance, a word of what was sent.
    """
    microseconds = time.time_ns() // 1000
    ending = [secrets.choice(each) for each in (string.digits, string.ascii_letters) * 2]
    return f"{microseconds}{''.join(ending)}"


def _info(attendee: Attendee, organisation: Organisation) -> Record:
    shown: Record = {}
    for name in _INFO_FIELDS:
        wire_name = organisation.fields.wire_name(name)
        shown[wire_name] = attendee.fields.get(wire_name, "")
    attributes: list[JsonValue] = [
        _attribute(name, value) for name, value in attendee.fields.items() if name not in shown
    ]
    # Invented: how isRegistered is written, and that every other field is an attribute.
    return {
        "attendeeId": attendee.attendee_id,
        **shown,
        "isRegistered": False,
        "attributes": attributes,
    }


def _attribute(name: str, value: JsonValue) -> Record:
    return {
        "attributeId": name,
        "name": name,
        "code": name,
        "value": value,
        "attributeValues": [{"value": value}],
    }
