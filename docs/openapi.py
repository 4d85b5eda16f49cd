"""The HTTP interface in OpenAPI 3.1, with what the code knows of it: docs/openapi.json."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.json_schema import models_json_schema

from attendee_sync import attendee
from attendee_sync.ingest.api import MAX_BODY_BYTES, MAX_PROFILES
from attendee_sync.ingest.preview import OUTCOMES
from attendee_sync.mapping.destination import Name
from attendee_sync.messaging.messages import MAX_PROFILE_BYTES
from attendee_sync.outcome import Reason
from attendee_sync.profile import field_names, forms

JSON: Final = "application/json"
# text/plain is read like JSON, for senders that can't set a Content-Type.
JSON_TYPES: Final = (JSON, "text/plain")
LINES_TYPES: Final = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-lines",
)
STAGE: Final = "prod"

_PUSH = "/v1/destinations/{destination}/profiles"
_PREVIEW = "/v1/destinations/{destination}/preview"
_HEALTH = "/v1/health"
_SCHEMAS = "#/components/schemas/{model}"

type Json = dict[str, Any]


_REASON: Final = Field(json_schema_extra={"enum": [each.value for each in Reason]})
_DETAIL: Final = Field(description="The reason in words for people, which may change.")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Rejected(_Answer):
    """A profile that can't be delivered; it is kept as a dead letter."""

    index: int = Field(ge=0, description="Which profile of the push, from 0.")
    reason: str = _REASON
    detail: str = _DETAIL


class PushAnswer(_Answer):
    """What became of a push."""

    requestId: str  # noqa: N815
    accepted: int = Field(ge=0, description="How many profiles are queued.")
    rejected: list[Rejected]


class Remark(_Answer):
    """Something worth knowing about a field, such as that it was normalised or left out."""

    field: str
    text: str


class RainFocusRequest(_Answer):
    """The request that RainFocus would get; placeholders stand for secrets."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any


class Unread(_Answer):
    """An attribute of a profile that no source read."""

    name: str = Field(description="Its place, in the sender's words.")
    like: str = Field(description="The field whose name it holds, or nothing.")


class Foreseen(_Answer):
    """What would become of one profile.

    For what is no JSON object, only index, outcome, reason and detail are told.
    """

    index: int = Field(ge=0, description="Which profile of the push, from 0.")
    outcome: str = Field(json_schema_extra={"enum": [*sorted(OUTCOMES.values())]})
    reason: str = _REASON
    detail: str = _DETAIL
    attendee: dict[str, str] = Field(default={}, description="What RainFocus would get, by field.")
    sources: dict[str, str] = Field(
        default={}, description="What gave each field: its place, an expression, or words."
    )
    remarks: list[Remark] = []
    unread: list[Unread] = Field(
        default=[], description="Attributes that no source read, the first fifty."
    )
    request: RainFocusRequest | None = None
    note: str = Field(default="", description="Says so where details are left out for their size.")


class PreviewAnswer(_Answer):
    """What would become of each profile of a push."""

    requestId: str  # noqa: N815
    profiles: list[Foreseen]


class Refusal(_Answer):
    """Why a request was not taken."""

    requestId: str  # noqa: N815
    message: str


class PutOff(Refusal):
    """Why a request can't be met now."""

    queued: list[int] = Field(
        default=[],
        description="Which profiles of the push, from 0, are queued nevertheless; others may be.",
    )


class Health(_Answer):
    """The interface can be reached."""

    status: str = Field(json_schema_extra={"const": "ok"})


class GatewayAnswer(_Answer):
    """What API Gateway says for itself; Message where it does not let an address in."""

    message: str = ""
    Message: str = ""


_MODELS: Sequence[type[BaseModel]] = (
    PushAnswer,
    PreviewAnswer,
    Refusal,
    PutOff,
    Health,
    GatewayAnswer,
)
_REFUSALS: Mapping[str, str] = {
    "400": "The body can't be read, or not one profile in it. The message says why, and where.",
    "401": "No Authorization header, or none with a bearer token.",
    "403": "The ingest token is wrong or has ended, its sender may not push to this destination, "
    "or the caller's address is not among AllowedCidrs.",
    "404": "There is no destination of this name.",
    "413": f"More than {MAX_BODY_BYTES} bytes or {MAX_PROFILES} profiles in one body, or a single "
    f"profile of more than {MAX_PROFILE_BYTES} bytes.",
    "415": "A Content-Type that is neither JSON, newline-delimited JSON nor a form's.",
    "503": "A service behind the interface can't be reached, or not in two seconds. Send the "
    "same again later.",
}
# Where API Gateway itself may refuse before a function is asked.
_ALSO_OF_GATEWAY = frozenset({"403", "413"})
_HEADERS: Mapping[str, Json] = {
    "401": {"WWW-Authenticate": {"schema": {"const": "Bearer"}}},
    "503": {
        "Retry-After": {
            "description": "Seconds.",
            "schema": {"type": "string", "pattern": "^[0-9]+$"},
        }
    },
}
_PUSHED = (
    "Profiles in any of the shapes that Adobe Experience Platform sends (nested XDM, flat "
    "attributes, freeform attributes), or flat JSON: one, an array, or an envelope around a list. "
    "What stands beside the list goes with each profile as its member _envelope. Any other "
    f"application/...+json is read as JSON too. At most {MAX_PROFILES} profiles and "
    f"{MAX_BODY_BYTES} bytes in one body, and {MAX_PROFILE_BYTES} bytes in one profile."
)


def description() -> Json:
    """Return the description of the HTTP interface."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Attendee sync",
            "version": "1",
            "summary": "Takes customer profiles and stores them as attendees in RainFocus.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [_server()],
        "security": [{"ingestToken": []}],
        "paths": {
            _PUSH: {"parameters": [_destination()], "post": _push()},
            _PREVIEW: {"parameters": [_destination()], "post": _preview()},
            _HEALTH: {"get": _health()},
        },
        "components": {
            "schemas": {**_answer_schemas(), **_pushed_schemas()},
            "securitySchemes": {
                "ingestToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The secret that the stack's output IngestTokenSecret names; "
                    "after it was replaced, the one before it is taken too. Or a sender's own "
                    "token, for the destinations to which that may push.",
                }
            },
        },
    }


def text() -> str:
    """Return the description as docs/openapi.json has it."""
    return json.dumps(description(), indent=2) + "\n"


def _server() -> Json:
    return {
        "url": f"https://{{api}}.execute-api.{{region}}.amazonaws.com/{STAGE}",
        "description": "The stack's output PushUrl begins with it.",
        "variables": {
            "api": {"default": "a1b2c3d4e5", "description": "Id of the stack's API."},
            "region": {"default": "us-east-1", "description": "The stack's AWS region."},
        },
    }


def _destination() -> Json:
    return {
        "name": "destination",
        "in": "path",
        "required": True,
        "description": "Name of a destination of the stack.",
        "schema": TypeAdapter(Name).json_schema(),
    }


def _push() -> Json:
    return {
        "operationId": "pushProfiles",
        "summary": "Queue profiles for delivery to RainFocus.",
        "description": "Profiles of one person are delivered in the order of their pushes.",
        "parameters": [
            {
                "name": "traceparent",
                "in": "header",
                "description": "W3C trace context, passed on to RainFocus.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": _body(),
        "responses": {
            "202": _response(
                "Every profile is queued, or kept as a dead letter if it is rejected.", PushAnswer
            ),
            **_refusals(),
        },
    }


def _preview() -> Json:
    return {
        "operationId": "previewProfiles",
        "summary": "See what would become of profiles; nothing is queued, sent or written.",
        "requestBody": _body(),
        "responses": {
            "200": _response("What would become of each profile.", PreviewAnswer),
            **_refusals(),
            "409": _response("The settings of destination or connection are not valid.", Refusal),
        },
    }


def _health() -> Json:
    return {
        "operationId": "health",
        "summary": "See whether the interface can be reached.",
        "security": [],
        "responses": {
            "200": _response("It can be reached.", Health),
            "403": _response("The caller's address is not among AllowedCidrs.", GatewayAnswer),
            **_gateway_answers(),
        },
    }


def _body() -> Json:
    pushed = {"schema": {"$ref": "#/components/schemas/Push"}}
    lines = {"schema": {"$ref": "#/components/schemas/ProfileLines"}}
    return {
        "description": _PUSHED,
        "required": True,
        "content": {
            **dict.fromkeys(JSON_TYPES, pushed),
            **dict.fromkeys(LINES_TYPES, lines),
            forms.CONTENT_TYPE: {"schema": {"type": "object"}},
        },
    }


def _refusals() -> Json:
    responses = {
        status: _response(words, *_refusers(status), headers=_HEADERS.get(status))
        for status, words in _REFUSALS.items()
    }
    return {**responses, **_gateway_answers()}


def _refusers(status: str) -> tuple[type[BaseModel], ...]:
    if status == "503":
        return (PutOff,)
    return (Refusal, GatewayAnswer) if status in _ALSO_OF_GATEWAY else (Refusal,)


def _gateway_answers() -> Json:
    return {
        "429": _response(
            "More than RequestsPerSecond or RequestBurst. Send the same again later.", GatewayAnswer
        ),
        "5XX": _response("A failure. Send the same again later.", GatewayAnswer),
    }


def _response(words: str, *models: type[BaseModel], headers: Json | None = None) -> Json:
    references = [{"$ref": _SCHEMAS.format(model=model.__name__)} for model in models]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    response: Json = {"description": words, "content": {JSON: {"schema": schema}}}
    return {**response, "headers": headers} if headers else response


def _answer_schemas() -> Json:
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=_SCHEMAS
    )
    schemas: Json = definitions["$defs"]
    return schemas


def _pushed_schemas() -> Json:
    profile = {"$ref": "#/components/schemas/Profile"}
    profiles = {"type": "array", "minItems": 1, "maxItems": MAX_PROFILES, "items": profile}
    return {
        "Profile": {
            "type": "object",
            "description": "A profile in its sender's shape. Only an e-mail address must be in it. "
            "Case, accents, blanks and punctuation in names do not matter, and a dot stands for an "
            "object within another; what ends in ? counts only where there is no other.",
            "properties": {field: _names_of(field) for field in attendee.FIELDS},
            "examples": [
                {"email": "ada@example.com", "firstname": "Ada", "countryid": "US"},
                {
                    "person": {"name": {"firstName": "Ada"}},
                    "personalEmail": {"address": "ada@example.com"},
                },
            ],
        },
        "Push": {
            "description": "One profile, several, or newline-delimited JSON by another name.",
            "anyOf": [
                profile,
                profiles,
                {"type": "object", "required": ["profiles"], "properties": {"profiles": profiles}},
                {"$ref": "#/components/schemas/ProfileLines"},
            ],
        },
        "ProfileLines": {
            "type": "string",
            "description": "Newline-delimited JSON: a profile on each line.",
        },
    }


def _names_of(field: str) -> Json:
    return {"description": f"Read under these names: {', '.join(field_names.NAMES[field])}."}


if __name__ == "__main__":
    sys.stdout.write(text())
