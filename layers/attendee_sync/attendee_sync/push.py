"""A push: from an HTTP request to profiles on the queue, and the answer to the sender."""

import base64
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from attendee_sync import attendee, messages, observability, profile
from attendee_sync.messages import Message, Queue, QueueUnavailableError
from attendee_sync.profile import Pushed, UnreadableBodyError
from attendee_sync.settings import Settings, SettingsUnavailableError

MAX_BODY_BYTES = 4_500_000  # Lambda takes 6 MB, of which base64 and the event take a part
MAX_PROFILES = 1_000

_DESTINATION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
# A token that does not fit may be brand-new: look again, but not for every wrong guess.
_TOKEN_RECHECK_SECONDS = 5.0
_UNREADABLE_TYPES = re.compile(
    r"(?!application/([\w.-]+\+)?(json|x-ndjson|ndjson|jsonl|json-lines)$|text/plain$).+"
)


@dataclass(frozen=True)
class Request:
    """What a sender sent. Header names are in lower case."""

    request_id: str
    destination: str
    headers: Mapping[str, str]
    body: str
    is_base64: bool = False


@dataclass(frozen=True)
class Answer:
    """What the sender is told: an HTTP status and the members of a JSON object."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


class _RefusedError(Exception):
    """The push is not taken; the sender is told why."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


@dataclass(frozen=True)
class _Rejected:
    index: int
    text: str
    reason: str


class Ingest:
    """Takes pushes for one stack."""

    def __init__(self, settings: Settings, profiles: Queue, dead_letters: Queue) -> None:
        self._settings = settings
        self._profiles = profiles
        self._dead_letters = dead_letters

    def push(self, request: Request) -> Answer:
        """Authenticate a request, queue its profiles and return the answer.

        The answer is 202 only when each profile is on the profile queue or, where it can't be
        used, on the dead-letter queue.
        """
        try:
            return self._push(request)
        except _RefusedError as refusal:
            return _answer(request, refusal.status, refusal.headers, message=str(refusal))
        except (SettingsUnavailableError, QueueUnavailableError) as error:
            observability.logger().error("push put off", reason=str(error))
            return _answer(request, 503, {"Retry-After": "5"}, message="not now; please push again")

    def _push(self, request: Request) -> Answer:
        self._authenticate(request.headers.get("authorization"))
        self._require_destination(request.destination)
        pushed = _split(request)
        trace_parent = observability.trace_parent(request.headers.get("traceparent"))
        envelope = messages.envelope(request.destination, request.request_id, trace_parent)
        accepted, rejected = self._sort(pushed, envelope)
        if accepted:
            self._profiles.send(accepted)
        if rejected:
            self._dead_letters.send([_dead_letter(each, envelope) for each in rejected])
        observability.logger().info(
            "push accepted",
            destination=request.destination,
            request_id=request.request_id,
            accepted=len(accepted),
            rejected=len(rejected),
            trace_id=observability.trace_id(trace_parent),
        )
        return _answer(
            request,
            202,
            accepted=len(accepted),
            rejected=[{"index": each.index, "reason": each.reason} for each in rejected],
        )

    def _sort(
        self, pushed: Sequence[Pushed], envelope: Mapping[str, str]
    ) -> tuple[list[Message], list[_Rejected]]:
        """Return the messages of the profiles that can be used, and the others with why not."""
        hash_key = self._settings.hash_key()
        accepted: list[Message] = []
        rejected: list[_Rejected] = []
        for index, piece in enumerate(pushed):
            text = messages.legal(piece.text)
            email, fault = _email(piece, text)
            if fault:
                rejected.append(_Rejected(index, piece.text, fault))
                continue
            group = attendee.key(hash_key, envelope["destination"], email)
            identity = f"{envelope['request_id']}-{index}"
            attributes = {**envelope, "index": str(index)}
            accepted.append(Message(text, group, identity, attributes))
        return accepted, rejected

    def _authenticate(self, authorization: str | None) -> None:
        """Raise _RefusedError unless the header shows the ingest token or the one before it."""
        if not authorization:
            raise _RefusedError(
                401, "an Authorization header with the ingest token is missing", **_CHALLENGE
            )
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _RefusedError(401, "Authorization must be: Bearer <ingest token>", **_CHALLENGE)
        shown = token.strip().encode()
        if not self._is_ingest_token(shown) and not self._is_ingest_token(
            shown, max_age=_TOKEN_RECHECK_SECONDS
        ):
            raise _RefusedError(403, "the ingest token is wrong")

    def _is_ingest_token(self, shown: bytes, max_age: float | None = None) -> bool:
        matches = False
        for known in self._ingest_tokens(max_age):
            matches |= hmac.compare_digest(shown, known.strip().encode())
        return matches

    def _ingest_tokens(self, max_age: float | None) -> Iterator[str]:
        current = self._settings.secret("ingest-token", max_age=max_age)
        if not current:
            raise SettingsUnavailableError("ingest-token", "it does not exist")
        yield current
        previous = self._settings.secret("ingest-token", stage="AWSPREVIOUS", max_age=max_age)
        if previous:
            yield previous

    def _require_destination(self, name: str) -> None:
        if not _DESTINATION_NAME.fullmatch(name):
            raise _RefusedError(
                404,
                "unknown destination: a name has at most 64 characters of a-z, 0-9 and -, "
                "with no - at its ends",
            )
        if self._settings.destination(name) is None:
            raise _RefusedError(404, f"unknown destination: {name}")


def _email(piece: Pushed, text: str) -> tuple[str, str]:
    """Return the e-mail address of a profile, or else why its text can't be queued."""
    if piece.profile is None:
        return "", piece.fault
    if len(text.encode()) > messages.MAX_PROFILE_BYTES:
        return "", f"larger than {messages.MAX_PROFILE_BYTES} bytes"
    email = profile.email_of(profile.read(piece.profile))
    return (email, "") if email else ("", "no e-mail address")


def _split(request: Request) -> list[Pushed]:
    content_type = request.headers.get("content-type", "")
    if _UNREADABLE_TYPES.fullmatch(content_type.partition(";")[0].strip().lower()):
        raise _RefusedError(415, "Content-Type must be application/json or application/x-ndjson")
    body = _text(request)
    try:
        pushed = profile.split(body, content_type)
    except UnreadableBodyError as error:
        raise _RefusedError(400, str(error)) from error
    if len(pushed) > MAX_PROFILES:
        raise _RefusedError(
            413, f"{len(pushed)} profiles in one push; at most {MAX_PROFILES} are taken"
        )
    if len(pushed) == 1 and len(body.encode()) > messages.MAX_PROFILE_BYTES:
        raise _RefusedError(413, f"a profile has at most {messages.MAX_PROFILE_BYTES} bytes")
    return pushed


def _text(request: Request) -> str:
    try:
        raw = (
            base64.b64decode(request.body, validate=True)
            if request.is_base64
            else request.body.encode("utf-8", "surrogatepass")
        )
    except ValueError as error:
        raise _RefusedError(400, "the body is not valid base64") from error
    if len(raw) > MAX_BODY_BYTES:
        raise _RefusedError(413, f"a body has at most {MAX_BODY_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _RefusedError(400, f"not UTF-8 at byte {error.start}") from error


def _dead_letter(rejected: _Rejected, envelope: Mapping[str, str]) -> Message:
    text = messages.legal(rejected.text)
    if len(text.encode()) > messages.MAX_PROFILE_BYTES:  # only its beginning can be kept
        text = text.encode()[: messages.MAX_PROFILE_BYTES].decode(errors="ignore")
    identity = f"{envelope['request_id']}-{rejected.index}"
    attributes = {**envelope, "index": str(rejected.index), "reason": rejected.reason}
    return Message(text, identity, identity, attributes)


def _answer(
    request: Request, status: int, headers: Mapping[str, str] | None = None, **members: object
) -> Answer:
    return Answer(status, {"requestId": request.request_id, **members}, headers or {})
