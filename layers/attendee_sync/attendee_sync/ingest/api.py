"""Reception: who asks, for which destination, with which profiles. Ingest and preview share it."""

import base64
import functools
import hmac
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from attendee_sync import observability
from attendee_sync.aws.settings import INGEST_TOKEN, SENDERS, Settings, SettingsUnavailableError
from attendee_sync.ingest import senders
from attendee_sync.ingest.senders import NOBODY, Sender
from attendee_sync.messaging import messages
from attendee_sync.observability import LogEvent, Metric
from attendee_sync.profile import bodies, forms
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync.profile.pieces import Pushed, TooManyProfilesError

MAX_BODY_BYTES = 4_500_000  # Lambda takes 6 MB, of which base64 and the event take a part
MAX_PROFILES = 1_000

_DESTINATION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
# A token that does not fit may be brand-new: look again, but not for every wrong guess.
_TOKEN_RECHECK_SECONDS = 5.0
# Refused before the destination is known: its name could hold anything.
_UNKNOWN_DESTINATION = frozenset({401, 403, 404})
# What the log says where the sender is told more than it may hold.
_DETAILS = {404: "unknown destination", 409: "the settings are not valid"}
_UNREADABLE_TYPES = re.compile(
    r"(?!application/([\w.-]+\+)?(json|x-ndjson|ndjson|jsonl|json-lines)$"
    r"|application/x-www-form-urlencoded$|text/plain$).+"
)


@dataclass(frozen=True)
class HttpRequest:
    """What a sender sent. Header names are in lower case."""

    request_id: str
    destination: str
    headers: Mapping[str, str]
    body: str
    is_base64: bool = False
    client_id: str = ""  # whose access token API Gateway has checked, on the path for OAuth 2
    sender: Sender = NOBODY  # until its token is known


@dataclass(frozen=True)
class HttpResponse:
    """What the sender is told: an HTTP status and the members of a JSON object."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpError(Exception):
    """A request is not taken; the sender is told why."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def parse_event(event: Mapping[str, Any], invocation_id: str) -> HttpRequest:
    """Read an event of API Gateway's REST proxy integration.

    The request's id is that of the invocation: no two have the same, and Lambda keeps it when it
    runs one again itself. The API's own is the same for every request under `sam local start-api`.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return HttpRequest(
        request_id=invocation_id,
        destination=(event["pathParameters"] or {}).get("destination", ""),
        headers={name.lower(): value for name, value in (event["headers"] or {}).items() if value},
        body=event["body"] or "",
        is_base64=bool(event.get("isBase64Encoded")),
        client_id=_client_id(event),
    )


def _client_id(event: Mapping[str, Any]) -> str:
    """Return the app client that API Gateway's Cognito authorizer tells of, if there is one.

    No caller can: the authorizer alone writes this part of an event.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html
    """
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    return str((authorizer.get("claims") or {}).get("client_id", ""))


def to_lambda(given: HttpResponse) -> dict[str, Any]:
    """Return an answer as API Gateway's REST proxy integration wants it."""
    return {
        "statusCode": given.status,
        "headers": {"Content-Type": "application/json", **given.headers},
        "body": json.dumps(given.body),
    }


def respond(
    request: HttpRequest, settings: Settings, work: Callable[[HttpRequest], HttpResponse]
) -> HttpResponse:
    """Authenticate a request, and return the answer that the work gives it, or else why not.

    The work gets the request with its sender. It may raise HttpError and SettingsUnavailableError.
    """
    try:
        request = replace(request, sender=_authenticate(request, settings))
        return work(request)
    except HttpError as refusal:
        _note_refusal(request, refusal)
        return response(request, refusal.status, refusal.headers, message=str(refusal))
    except SettingsUnavailableError as error:
        return put_off(request, error)


def put_off(request: HttpRequest, why: Exception, **members: object) -> HttpResponse:
    """Return the answer to a request that can't be met now, and log why."""
    observability.logger().error(
        LogEvent.REQUEST_PUT_OFF, detail=str(why), sender=request.sender.name
    )
    _count_refusal(503)
    message = "not now; please push again"
    return response(request, 503, {"Retry-After": "5"}, message=message, **members)


def response(
    request: HttpRequest, status: int, headers: Mapping[str, str] | None = None, **members: object
) -> HttpResponse:
    """Return an answer to a request, with its id."""
    return HttpResponse(status, {"requestId": request.request_id, **members}, headers or {})


def _note_refusal(request: HttpRequest, refusal: HttpError) -> None:
    """Log and count one refusal: a line a request, however often somebody tries."""
    is_known = refusal.status not in _UNKNOWN_DESTINATION
    observability.logger().info(
        LogEvent.REQUEST_REFUSED,
        destination=request.destination if is_known else "",
        request_id=request.request_id,
        sender=request.sender.name,
        status=refusal.status,
        detail=_DETAILS.get(refusal.status, str(refusal)),
    )
    _count_refusal(refusal.status)


def _count_refusal(status: int) -> None:
    observability.count(Metric.REFUSALS, Counter({(str(status),): 1}), ("status",))


def destination_settings(request: HttpRequest, settings: Settings) -> str:
    """Return the JSON text of the destination that a request is for.

    Raises HttpError, also where its sender may not push there, and SettingsUnavailableError.
    """
    sender = request.sender
    if not sender.may_push_to(request.destination):
        allowed = ", ".join(sender.destinations)
        raise HttpError(403, f"this sender may not push to this destination, but to: {allowed}")
    return _destination(request.destination, settings)


def _authenticate(request: HttpRequest, settings: Settings) -> Sender:
    """Return who makes a request. Raises HttpError and SettingsUnavailableError."""
    if request.client_id:
        wrong = "no sender has this client id"
        look_up = functools.partial(_owner, request.client_id, settings)
    else:
        wrong = "the ingest token is wrong"
        shown = _token(request.headers.get("authorization"))
        look_up = functools.partial(_holder, shown, settings)
    sender = look_up(max_age=None) or look_up(max_age=_TOKEN_RECHECK_SECONDS)
    if sender is None:
        raise HttpError(403, wrong)
    return sender


def _token(authorization: str | None) -> bytes:
    """Return the token that a header shows. Raises HttpError if it shows none."""
    if not authorization:
        raise HttpError(
            401, "an Authorization header with the ingest token is missing", **_CHALLENGE
        )
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise HttpError(401, "Authorization must be: Bearer <ingest token>", **_CHALLENGE)
    return token.strip().encode(errors="surrogatepass")


def _owner(client_id: str, settings: Settings, max_age: float | None) -> Sender | None:
    """Return whose app client it is. None if it is nobody's any more."""
    return senders.of_client(client_id, _senders(settings, max_age))


def _holder(shown: bytes, settings: Settings, max_age: float | None) -> Sender | None:
    """Return whose token it is: the stack's own is nobody's. None if it is wrong."""
    if _is_ingest_token(shown, settings, max_age):
        return NOBODY
    return senders.holder(shown, _senders(settings, max_age), time.time())


def _senders(settings: Settings, max_age: float | None) -> tuple[Sender, ...]:
    try:
        return senders.parse(settings.secret(SENDERS, max_age=max_age) or "{}")
    except ValueError as error:
        raise SettingsUnavailableError(SENDERS, str(error)) from error


def _is_ingest_token(shown: bytes, settings: Settings, max_age: float | None) -> bool:
    """Tell whether it is the stack's, or was: the one before is read only if it is not."""
    tokens = _ingest_tokens(settings, max_age)
    return any(hmac.compare_digest(shown, known.strip().encode()) for known in tokens)


def _ingest_tokens(settings: Settings, max_age: float | None) -> Iterator[str]:
    current = settings.secret(INGEST_TOKEN, max_age=max_age)
    if not current:
        raise SettingsUnavailableError(INGEST_TOKEN, "it does not exist")
    yield current
    previous = settings.secret(INGEST_TOKEN, stage="AWSPREVIOUS", max_age=max_age)
    if previous:
        yield previous


def _destination(name: str, settings: Settings) -> str:
    """Return a destination's JSON text."""
    if not _DESTINATION_NAME.fullmatch(name):
        raise HttpError(
            404,
            "unknown destination: a name has at most 64 characters of a-z, 0-9 and -, "
            "with no - at its ends",
        )
    text = settings.destination(name)
    if text is None:
        raise HttpError(404, f"unknown destination: {name}")
    return text


def split(request: HttpRequest, destination: str) -> list[Pushed]:
    """Return the profiles of a request; gets its destination's JSON text. Raises HttpError."""
    content_type = request.headers.get("content-type", "")
    if _UNREADABLE_TYPES.fullmatch(content_type.partition(";")[0].strip().lower()):
        raise HttpError(415, "Content-Type must be application/json or application/x-ndjson")
    body = _text(request)
    is_form = content_type.partition(";")[0].strip().lower() == forms.CONTENT_TYPE
    if is_form and not body.lstrip().startswith(("{", "[")):  # curl says so of any body
        body = _form(body)
    try:
        pushed = bodies.split(
            body,
            content_type,
            MAX_PROFILES,
            profiles_at(destination),
            maps_email=maps_email(destination),
        )
    except UnreadableBodyError as error:
        raise HttpError(400, str(error)) from error
    except TooManyProfilesError as error:
        raise HttpError(413, f"{error} in one push; at most {MAX_PROFILES} are taken") from error
    if len(pushed) == 1 and len(body.encode()) > messages.MAX_PROFILE_BYTES:
        raise HttpError(413, f"a profile has at most {messages.MAX_PROFILE_BYTES} bytes")
    return pushed


def _form(body: str) -> str:
    try:
        return json.dumps(forms.read(body), ensure_ascii=False)
    except ValueError as error:
        raise HttpError(413, "a form has at most 1,000 fields") from error


@functools.lru_cache(maxsize=64)
def profiles_at(destination: str) -> str:
    """Return where in a body a destination's settings say the profiles are, if they do."""
    try:
        return str(json.loads(destination).get("profiles_at") or "")
    except (ValueError, AttributeError, RecursionError):  # delivery reports it
        return ""


@functools.lru_cache(maxsize=64)
def maps_email(destination: str) -> bool:
    """Tell whether a destination's settings say where e-mail addresses are."""
    try:
        settings = json.loads(destination)
        parts = (settings.get("mapping"), settings.get("names"))
        return any(isinstance(each, dict) and "email" in each for each in parts)
    except (ValueError, AttributeError, RecursionError):  # delivery reports it
        return False


def _text(request: HttpRequest) -> str:
    try:
        raw = (
            base64.b64decode(request.body, validate=True)
            if request.is_base64
            else request.body.encode("utf-8", "surrogatepass")
        )
    except ValueError as error:
        raise HttpError(400, "the body is not valid base64") from error
    if len(raw) > MAX_BODY_BYTES:
        raise HttpError(413, f"a body has at most {MAX_BODY_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HttpError(400, f"not UTF-8 at byte {error.start}") from error
