"""Dialects that tell in words what they want, each in a wording of its own.

What is told stands anywhere in an answer: beside a general message, in lists of violations, under
a field's own name, in a sentence, in a 404. `python -m tests.support.worded_dialects` prints what
the doctor makes of each.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.fakes import Call, Reply
from tests.support.far_dialects import examined
from tests.support.far_stand_in import EMAIL, EVENT, PROFILE_TOKEN, TOKEN, TOKEN_URL

type Kind = Literal["missing", "unknown", "other"]
type Voice = Literal[
    "lists",
    "human",
    "violations",
    "keys",
    "fault",
    "plain",
    "columns",
    "dashed",
    "pointed",
    "coded",
    "forbidden",
    "placed",
    "named",
    "argument",
    "sentence",
]

_POOR: Final = "a-token-without-a-scope"
_NO_VERB: Final = {"code": "605", "message": "This verb is not accepted here"}
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Worded:
    """How a call must be made, and how it is refused."""

    name: str
    voice: Voice = "lists"
    path: str = "/api/acme/v3/attendee/store"
    way: str = ""  # what a 404 says
    method: str = "POST"
    media: str = "application/json"
    key: tuple[str, str] | None = None  # place and name of a key, without OAuth
    names: tuple[tuple[str, str], ...] = ()  # of fields
    event: str = "event"
    under: str = ""  # where the fields stand
    unknown: tuple[str, ...] = ()  # fields that are refused
    header: tuple[str, str, str] | None = None  # name, value (empty: any), and the words
    first: Reply | None = None  # to whatever call
    silent: Literal["", "elsewhere", "failed"] = ""  # what an unknown event leads to
    key_words: str = "A consumer key was not found in the request"
    beside: tuple[str, str] | None = None  # a key's header beside the token, and the words
    scope: str = ""  # without which a token is refused, told by a challenge
    member: tuple[str, str, str] | None = None  # path and value in the body, and the words
    skips: bool = False  # what is incomplete is a success that counts it as skipped
    dry: Reply | None = None  # a success without the header above, though nothing is stored
    scheme: tuple[str, str] | None = None  # of Authorization in the token's place, and the words
    by_get: bool = False  # a token is granted, told in a success that is none
    created: dict[str, Any] | None = None  # the answer to what is stored
    wants_change: Literal["led", "later", "beyond"] = "led"

    def __str__(self) -> str:
        return self.name


class _Refused(Exception):  # noqa: N818
    def __init__(self, status: int, kind: Kind, names: list[str], words: str = "") -> None:
        super().__init__(words)
        self.status, self.kind, self.names, self.words = status, kind, names, words


class _Dry(Exception):  # noqa: N818
    """Only looked at."""


@dataclass
class WordedStandIn:
    """Answers calls in a dialect, and keeps what was stored, by e-mail address."""

    worded: Worded
    stored: dict[str, dict[str, str]] = field(default_factory=dict)

    def reply(self, call: Call) -> Reply:
        """Answer a call."""
        path, worded = unquote(urlsplit(call.url).path), self.worded
        try:
            if path == urlsplit(TOKEN_URL).path:
                return self._grant(call)
            if worded.first:
                return worded.first
            if path != worded.path.replace("{event}", EVENT):
                raise _Refused(404, "other", [], worded.way or "Nothing is here")
            if call.method != worded.method:
                words = f"{call.method} is not the method of this operation, {worded.method} is"
                raise _Refused(405, "other", [], words)
            self._check(call)
            return self._store(call)
        except _Dry:
            return worded.dry or _json({})
        except _Refused as refusal:
            return self._challenged(call, _VOICES[worded.voice](refusal))

    def _challenged(self, call: Call, reply: Reply) -> Reply:
        if _POOR not in str(call.headers.get("Authorization")):
            return reply
        challenge = f'Bearer error="insufficient_scope", scope="{self.worded.scope}"'
        return Reply(403, reply.body, {**reply.headers, "WWW-Authenticate": challenge})

    def _grant(self, call: Call) -> Reply:
        if self.worded.key:
            return _json({"message": "no such route"}, 404)
        if self.worded.by_get and call.method != "GET":
            told = {"success": False, "requestId": "e42b14272d07d7", "errors": [_NO_VERB]}
            return _json(told)
        has_scope = dict(parse_qsl(call.body)).get("scope", "") == self.worded.scope
        return _json({"access_token": TOKEN if has_scope else _POOR, "expires_in": 900})

    def _check(self, call: Call) -> None:
        headers = {name.lower(): text for name, text in call.headers.items()}
        query = dict(parse_qsl(urlsplit(call.url).query))
        if self.worded.scheme:
            scheme, words = self.worded.scheme
            secret = PROFILE_TOKEN if self.worded.key else TOKEN
            if headers.get("authorization") != f"{scheme} {secret}":
                raise _Refused(401, "other", [], words)
        elif self.worded.key:
            place, name = self.worded.key
            given = headers.get(name.lower()) if place == "header" else query.get(name)
            if given != PROFILE_TOKEN:
                raise _Refused(401, "other", [], self.worded.key_words)
        elif headers.get("authorization") != f"Bearer {TOKEN}":
            raise _Refused(401, "other", [], "Invalid access token")
        if self.worded.beside and headers.get(self.worded.beside[0].lower()) != PROFILE_TOKEN:
            raise _Refused(401, "other", [], self.worded.beside[1])
        if self.worded.method != "GET" and self.worded.media not in headers.get("content-type", ""):
            raise _Refused(415, "other", [], f"The media type must be {self.worded.media}")
        if self.worded.header:
            name, value, words = self.worded.header
            given = headers.get(name.lower())
            if not given or (value and given != value):
                raise _Refused(400, "other", [], words) if not self.worded.dry else _Dry

    def _store(self, call: Call) -> Reply:
        worded, record = self.worded, self._record(call)
        prefix = f"{worded.under}." if worded.under else ""
        names = dict(worded.names)
        wanted = [names.get(each, each) for each in ("email", "lastname")]
        told = [] if "{event}" in worded.path else [worded.event]
        if "." in worded.event:
            record |= {worded.event: self._member(call, worded.event)}
        if worded.silent and record.get(worded.event) != EVENT:
            return self._silently()
        if worded.member and self._member(call, worded.member[0]) != worded.member[1]:
            raise _Refused(422, "other", [], worded.member[2])
        missing = [
            each if "." in each else f"{prefix}{each}"
            for each in (*told, *wanted)
            if not record.get(each)
        ]
        if worded.skips and (missing or record[worded.event] != EVENT):
            notes = [f"line 1: {each} is missing" for each in missing] or ["line 1: no such event"]
            return _json({"ok": True, "result": {"updated": 0, "skipped": 1, "notes": notes}})
        if missing:
            raise _Refused(400, "missing", missing)
        unknown = [f"{prefix}{each}" for each in worded.unknown if each in record]
        if unknown:
            raise _Refused(400, "unknown", unknown)
        if told and record[worded.event] != EVENT:
            raise _Refused(400, "other", [], "No such event")
        self.stored[record[wanted[0]]] = record
        if worded.skips:
            return _json({"ok": True, "result": {"updated": 1, "skipped": 0, "notes": []}})
        if worded.created:
            return _json(worded.created, 201)
        return _json({"responseCode": "0", "attendeeId": "16AB", "results": [{"status": "stored"}]})

    def _silently(self) -> Reply:
        told = f"{self.worded.event} is missing or unknown"
        if self.worded.silent == "failed":
            failed = {"index": 0, "status": "failed", "reason": told}
            return _json({"responseCode": "0", "responseMessage": "Done", "results": [failed]})
        answer = {"responseCode": "0", "attendeeId": "16AB"}
        return _json({**answer, "warnings": [f"{told}: the default event was taken"]})

    def _member(self, call: Call, path: str) -> Any:
        found = _content(call)
        return _found(found, path)

    def _record(self, call: Call) -> dict[str, str]:
        if self.worded.method == "GET":
            return dict(parse_qsl(urlsplit(call.url).query))
        if self.worded.media == _FORM:
            return dict(parse_qsl(call.body))
        if "xml" in self.worded.media:
            return dict(re.findall(r"<(\w+)>([^<>]*)</", call.body))
        record = _content(call)
        record = _found(record, self.worded.under)
        return record if isinstance(record, dict) else {}


def _found(content: Any, path: str) -> Any:
    """Return what stands at a path; 0 is the first of a list."""
    for each in filter(None, path.split(".")):
        if isinstance(content, list) and each == "0":
            content = content[0] if content else None
        else:
            content = content.get(each) if isinstance(content, dict) else None
    return content


# --- how it is refused ---


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _content(call: Call) -> Any:
    try:
        return json.loads(call.body)
    except ValueError:  # a form with another media type, say
        return None


def _spaced(name: str) -> str:
    last = name.rpartition(".")[2].replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower()


def _lists(refusal: _Refused) -> Reply:
    words = {"missing": "This is required.", "unknown": "This is an unknown field."}
    if not refusal.names:
        return _json({"title": "Bad Request", "detail": refusal.words}, refusal.status)
    errors = {name: [words[refusal.kind]] for name in refusal.names}
    return _json({"title": "Something is wrong.", "errors": errors}, refusal.status)


def _human(refusal: _Refused) -> Reply:
    words = {"missing": "can't be blank", "unknown": "is an unknown attribute"}
    texts = [f"{_spaced(name).capitalize()} {words[refusal.kind]}" for name in refusal.names]
    return _json({"errors": texts or [refusal.words]}, refusal.status)


def _violations(refusal: _Refused) -> Reply:
    words = "Unknown name" if refusal.kind == "unknown" else "Required field is missing"
    found = [{"field": name, "description": words} for name in refusal.names]
    details = [{"@type": "example/BadRequest", "fieldViolations": found}]
    message = refusal.words or "The request has an invalid argument."
    return _json({"error": {"status": "INVALID", "message": message, "details": details}}, 400)


def _keys(refusal: _Refused) -> Reply:
    words = "extraneous key [{}] is not permitted"
    if refusal.kind == "missing":
        words = "required key [{}] not found"
    lines = [
        f"#/{name.rpartition('.')[0].replace('.', '/')}: {words.format(name.rpartition('.')[2])}"
        for name in refusal.names
    ]
    detail = "\n".join(lines) or refusal.words
    return _json({"message": "Bad request", "detail": detail}, refusal.status)


def _fault(refusal: _Refused) -> Reply:
    missing = f"The content is not complete. One of '{{{', '.join(refusal.names)}}}' is expected."
    fault = f"<faultcode>s:Client</faultcode><faultstring>{refusal.words or missing}</faultstring>"
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    text = f'<s:Envelope xmlns:s="{space}"><s:Body><s:Fault>{fault}</s:Fault></s:Body></s:Envelope>'
    return Reply(500 if refusal.names else refusal.status, text.encode())


def _plain(refusal: _Refused) -> Reply:
    words = "Unknown parameter" if refusal.kind == "unknown" else "Missing parameter"
    text = f"E{refusal.status}: {refusal.words or f'{words} {", ".join(refusal.names)}'}"
    return Reply(refusal.status, text.encode(), {"Content-Type": "text/plain"})


def _columns(refusal: _Refused) -> Reply:
    """One after the other, as a database has it."""
    name = refusal.names[0].rpartition(".")[2] if refusal.names else ""
    told = f'null value in column "{name}" of relation "guests" violates not-null constraint'
    return _json({"code": "23502", "message": refusal.words or told}, refusal.status)


def _dashed(refusal: _Refused) -> Reply:
    told = ", ".join(f"{name}: REQUIRED" for name in refusal.names)
    return _json({"error_text": refusal.words or f"Look at what you sent - {told}"}, refusal.status)


def _pointed(refusal: _Refused) -> Reply:
    """Say to people what a field is called, and to programs in a member beside it."""
    words = "Please supply the following: {}."
    found = [{"text": words.format(_spaced(each)), "x:fieldPath": each} for each in refusal.names]
    return _json({"issues": found or [{"text": refusal.words}]}, refusal.status)


def _coded(refusal: _Refused) -> Reply:
    found = [
        {"kind": "RowError", "attribute": each, "rule": {"type": "NotBlankRule"}}
        for each in refusal.names
    ]
    return _json(found or {"message": refusal.words}, refusal.status)


def _forbidden(refusal: _Refused) -> Reply:
    told = f"Rejected by a policy: these columns are mandatory: {', '.join(refusal.names)}"
    status = 403 if refusal.names else refusal.status
    return _json({"error": {"message": "Not done", "detail": refusal.words or told}}, status)


def _placed(refusal: _Refused) -> Reply:
    """Say where, and what is missing there, in members of their own."""
    found = []
    for each in refusal.names:
        where, _, name = each.rpartition(".")
        params, words = {"missingProperty": name}, f"must have required property '{name}'"
        place = f"/{where.replace('.', '/')}" if where else ""
        found.append({"instancePath": place, "params": params, "message": words})
    return _json({"errors": found or [{"message": refusal.words}]}, refusal.status)


def _named(refusal: _Refused) -> Reply:
    words = "'{}' is a required property"
    found = {each: words.format(each.rpartition(".")[2]) for each in refusal.names}
    return _json({"message": refusal.words or "It is not valid", "errors": found}, refusal.status)


def _argument(refusal: _Refused) -> Reply:
    found = [{"path": f"store.arg0.{each}", "message": "is null"} for each in refusal.names]
    return _json({"violations": found, "message": refusal.words}, refusal.status)


def _sentence(refusal: _Refused) -> Reply:
    told = f"Your call didn't include {', '.join(refusal.names)}"
    return _json({"complaint": refusal.words or told}, refusal.status)


_VOICES: Final[Mapping[Voice, Callable[[_Refused], Reply]]] = {
    "lists": _lists,
    "human": _human,
    "violations": _violations,
    "keys": _keys,
    "fault": _fault,
    "plain": _plain,
    "columns": _columns,
    "dashed": _dashed,
    "pointed": _pointed,
    "coded": _coded,
    "forbidden": _forbidden,
    "placed": _placed,
    "named": _named,
    "argument": _argument,
    "sentence": _sentence,
}


# --- the dialects ---

_VOICES_OF_PATHS: Final[tuple[Voice, ...]] = ("lists", "violations", "keys")
_VOICES_OF_CHAINS: Final[tuple[Voice, ...]] = (
    *("columns", "dashed", "pointed", "coded", "forbidden"),
)
_SNAKE = (("email", "mail_address"), ("lastname", "family_name"))
_CAMEL = (("email", "emailAddress"), ("lastname", "familyName"))


def _names() -> Iterator[Worded]:
    for voice in ("lists", "human", "violations", "keys", "plain"):
        yield Worded(f"names and event, {voice}", voice, names=_SNAKE, event="event_id")
    for voice in _VOICES_OF_PATHS:
        yield Worded(f"a wrapper, {voice}", voice, names=_CAMEL, event="eventId", under="guest")
        yield Worded(f"two wrappers, {voice}", voice, names=_CAMEL, under="data.person")
    brackets = (("email", "guest[email]"), ("lastname", "guest[last_name]"))
    yield Worded("brackets in a form", "plain", media=_FORM, names=brackets)


def _places() -> Iterator[Worded]:
    path = "/rest/acme/shows/{event}/guests"
    for voice in ("lists", "violations", "plain"):
        way = "Use PUT /rest/{organisation}/shows/{showCode}/guests to store a person."
        yield Worded(f"a path and a method, {voice}", voice, path=path, way=way, method="PUT")
    yield Worded("GET", "plain", method="GET")
    yield Worded("a form", "lists", media=_FORM)
    yield Worded("XML in an envelope", "fault", media="text/xml")
    for place, name in (("header", "api-key"), ("header", "apikey"), ("query", "api_key")):
        yield Worded(f"a key in {place} {name}", "plain", key=(place, name))
        yield Worded(
            f"a key in {place} {name}, and names", "lists", key=(place, name), names=_CAMEL
        )


def _more() -> Iterator[Worded]:
    for voice in ("lists", "violations", "keys", "plain"):
        yield Worded(f"unknown fields, {voice}", voice, unknown=("address2", "jobtitle"))
    told = (
        "X-Edition",
        "2031-02",
        "X-Edition is missing or outdated. The current edition is 2031-02.",
    )
    yield Worded("a value in a sentence", "lists", header=told)
    told = ("X-Market", "20", "Header X-Market is missing: specify one (10 or 20)")
    yield Worded("values in parentheses", "keys", header=told)
    words = "This operation requires an Idempotency-Key header"
    yield Worded("a key of each call", "plain", header=("Idempotency-Key", "", words))
    yield Worded(
        "another event without a word but a warning", event="event_code", silent="elsewhere"
    )
    yield Worded("a failure within a success", event="event_code", silent="failed")


def _beside_what_is_known() -> Iterator[Worded]:
    words = "The call lacks an application key, which your developer portal shows"
    for voice in ("lists", "plain"):
        yield Worded(f"a key beside a token, {voice}", voice, beside=("X-Api-Token", words))
        yield Worded(f"a scope, {voice}", voice, scope="guests:write")
    words = "Variable request.header.appkey could not be resolved"
    yield Worded("a gateway's variable", key=("header", "appkey"), key_words=words)
    words = "Tell who agreed: gdpr_consent must be accepted"
    yield Worded("a consent", member=("gdpr_consent", "true", words))
    words = "guest_type should be 'buyer', 'press' or 'crew'"
    yield Worded("one of three", "plain", member=("guest_type", "buyer", words))
    media, words = "application/vnd.api+json", "data.type should be guests"
    names = (("email", "mail"), ("lastname", "family_name"))
    member = ("data.type", "guests", words)
    yield Worded("JSON:API", "keys", media=media, under="data.attributes", member=member)
    where = "data.attributes"
    yield Worded("JSON:API, names", media=media, under=where, member=member, names=names)
    yield Worded("a count of what is skipped", names=_SNAKE, skips=True)
    dry = _json({"responseCode": "0", "simulated": True, "hint": "Send header X-Run-Kind: final"})
    yield Worded("a dry run", header=("X-Run-Kind", "final", ""), dry=dry)
    told = "Preview mode: no attendee is stored. Add header X-Commit: now"
    dry = _json({"responseCode": "0", "responseMessage": told})
    yield Worded("a dry run in words", header=("X-Commit", "now", ""), dry=dry)


def _chains() -> Iterator[Worded]:
    """Several at once, of which each is told after the other."""
    columns = (("email", "MAIL_ADDR"), ("lastname", "FAMILY_NM"))
    prefixed = (("email", "gst_email"), ("lastname", "gst_last_name"))
    made = {"record": {"guest_ref": "16AB", "made_by": "api"}}
    for voice in _VOICES_OF_CHAINS:
        yield Worded(f"columns, {voice}", voice, names=columns, event="EVENT_REF", created=made)
        yield Worded(f"a prefix, {voice}", voice, names=prefixed, event="gst_event", created=made)
    scheme = ("Guest-oauth", "Authorization must look like 'Guest-oauth {token}'")
    for voice in ("columns", "dashed", "pointed"):
        chain = Worded("", voice, scheme=scheme, names=prefixed, event="gst_event", created=made)
        yield replace(chain, name=f"a scheme and columns, {voice}")
        yield replace(chain, name=f"and a token by GET, {voice}", by_get=True)
        key = ("header", "Authorization")
        told = ("ApiKey", "Send Authorization: ApiKey <your key>")
        yield replace(chain, name=f"a key and columns, {voice}", scheme=told, key=key)
    names = (("email", "mail"), ("lastname", "family_name"))
    for voice in ("placed", "named", "argument"):
        deep = Worded(f"deep, {voice}", voice, names=names, under="payload.guest")
        yield deep
        yield replace(deep, name=f"and an event, {voice}", event="payload.show.eventId")
    yield Worded("words", "sentence", names=names, event="eventNo", created=made)
    yield Worded("a profile in a guest", "dashed", names=names, under="guest.profile")
    for voice in ("dashed", "pointed", "coded", "lists"):
        yield Worded(f"an event with a code, {voice}", voice, event="event.code")
        yield Worded(f"and names, {voice}", voice, names=names, event="show.event.id")
    mode = ("operation", "merge", "operation must be one of merge, add")
    yield Worded("an operation beside a list", "pointed", member=mode, under="rows.0")
    yield Worded("an operation beside a wrapper", "dashed", member=mode, under="guest", names=names)
    version = ("jsonrpc", "2.0", "This is no JSON-RPC 2.0 request")
    yield Worded("JSON-RPC", "pointed", member=version, under="params", names=names)


# Refusals of any call at first: what it is, its message and status.
_LATER: Final = (
    ("unavailable, with 400", "The service is temporarily unavailable", 400),
    ("a quota", "You are over your monthly call quota", 403),
    ("a limit that blocks", "Concurrent request limit exceeded: the request is blocked", 400),
)
_BEYOND: Final = (
    ("a proof of each call", "A DPoP proof is missing", 401),
    ("WS-Security", "No wsse:Security header was found", 400),
    ("a token against forgery", "The XSRF token is missing or does not match", 403),
    ("a nonce", "Each request needs a fresh nonce", 400),
    ("an encrypted payload", "The payload must be encrypted (JWE)", 400),
)


def _ends() -> Iterator[Worded]:
    limit = _json([{"message": "Daily request limit reached", "code": "LIMIT"}], 403)
    yield Worded("a limit", first=limit, wants_change="later")
    page = b"<!doctype html><title>Maintenance</title><p>We are down for maintenance."
    yield Worded("a page of maintenance", first=Reply(200, page), wants_change="later")
    for name, message, status in _LATER:
        yield Worded(name, first=_json({"message": message}, status), wants_change="later")
    value = _json({"errors": {"countryid": ["must be the full name of a country"]}}, 422)
    yield Worded("a value in other words", first=value, wants_change="beyond")
    for name, message, status in _BEYOND:
        yield Worded(name, first=_json({"message": message}, status), wants_change="beyond")


LED = [*_names(), *_places(), *_more(), *_beside_what_is_known(), *_chains()]
ENDS = list(_ends())


def main() -> None:
    """Print what the doctor makes of each dialect."""
    for each in (*LED, *ENDS):
        done = examined(WordedStandIn(each))
        failure = done.report.failure
        end = "later" if failure and failure.is_later else done.outcome
        sys.stdout.write(f"{end}: {each} | {failure.words[:230] if failure else EMAIL}\n")


if __name__ == "__main__":
    main()
