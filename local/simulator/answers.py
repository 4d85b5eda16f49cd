"""What the simulator answers: RainFocus's envelope, its error codes and its 404 page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

JSON_TYPE = "application/json;charset=UTF-8"

SUCCESS = "0"
INVALID_API_PROFILE = "101"
PARAMETER_MISSING = "103"
ACCESS_DENIED = "124"
# Invented: the codes from here on. No public source names one for any of these failures.
INVALID_TOKEN = "901"  # noqa: S105
UNKNOWN_EVENT = "902"
UNKNOWN_ATTENDEE = "903"
INVALID_BODY = "904"
INVALID_FIELD = "905"
EVENT_MISPLACED = "906"
BODY_TOO_LARGE = "907"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, with the code and message that the log shows."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    message: str | None = None
    succeeded: bool = False


def success(content: Mapping[str, JsonValue]) -> Answer:
    """Return the envelope of a success with its content beside the code."""
    document = {"responseCode": SUCCESS, "responseMessage": "Success", **content}
    return Answer(200, _json(document), code=SUCCESS, message="Success", succeeded=True)


def failure(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return the envelope of a failure."""
    document: dict[str, JsonValue] = {"responseCode": code, "responseMessage": message}
    return Answer(status, _json(document), headers=headers or {}, code=code, message=message)


def missing(parameter: str) -> Answer:
    """Return the failure for a required parameter that was not sent."""
    return failure(400, PARAMETER_MISSING, f"Required parameter missing: {parameter}")


def not_found() -> Answer:
    """Return the page for an unknown path."""
    return Answer(404, b"Error", content_type="text/html")


def oauth_failure(
    status: int, error: str, description: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an OAuth error (RFC 6749, section 5.2)."""
    document: dict[str, JsonValue] = {"error": error, "error_description": description}
    return Answer(
        status,
        _json(document),
        headers={"Cache-Control": "no-store", **(headers or {})},
        code=error,
        message=description,
    )


def oauth_success(document: Mapping[str, JsonValue]) -> Answer:
    """Return an OAuth access token response (RFC 6749, section 5.1)."""
    return Answer(200, _json(document), headers={"Cache-Control": "no-store"}, succeeded=True)


def _json(document: Mapping[str, JsonValue]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
