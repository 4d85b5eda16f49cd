"""A stand-in for RainFocus that speaks one dialect: it takes nothing but the one way it knows.

It shares no code with the connection's settings: what it refuses, it refuses by its own rules and
in its own words.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

from tests.support import fakes
from tests.support.fakes import Call, Reply

HOST = "https://rf.example"
TOKEN_URL = f"{HOST}/oauth/token"
CLIENT, SECRET, PROFILE_TOKEN = "a-client", "a-secret/of+ours", "a-profile-token"
TOKEN = "not-a-real-access-token-1"
EVENT = "summit2027"
EMAIL = "doctor@example.com"

type Refusal = Reply
type Words = Literal["plain", "silent"]
_ALWAYS_200 = (
    *("always200", "results", "upper", "one", "letters", "thousand", "counts", "no_errors"),
    *("data", "sentence", "severity", "queued", "two_codes", "named", "deep", "first_word"),
    *("wordless", "empty_list", "true"),
)
_HEADERS = {
    "header": ("X-Result-Code", "0"),
    "x_header": ("X-Api-Result", "S-17"),
    "said_in_header": ("X-Status-Text", "Ok"),
}
type Envelope = Literal[
    "rainfocus",
    "status",
    "boolean",
    "nested",
    "rest",
    "empty",
    "always200",
    "xml",
    "results",
    "text",
    "numbers",
    "header",
    "upper",
    "one",
    "letters",
    "thousand",
    "counts",
    "no_errors",
    "data",
    "echo",
    "sentence",
    "severity",
    "queued",
    "soap",
    "two_codes",
    "named",
    "nothing",
    "deep",
    "x_header",
    "said_in_header",
    "first_word",
    "wordless",
    "empty_list",
    "echoed",
    "true",
]


@dataclass(frozen=True)
class Dialect:
    """How the stand-in wants to be spoken to, and how it answers."""

    name: str = "as Adobe's form has it"
    path: str = "/api/acme/v3/attendee/store"  # {event}, {email} stand for those of the call
    method: str = "POST"
    token: tuple[str, str, str] | None = ("header", "authorization", "Bearer ")
    profile: tuple[str, str, str] | None = ("header", "apiprofile", CLIENT)
    event: tuple[str, str] | None = ("body", "event")
    body: tuple[str, ...] = ("json",)
    names: Mapping[str, str] = field(default_factory=dict)  # of fields, by ours
    is_strict: bool = False  # unknown fields are refused
    match: str = "email"
    envelope: Envelope = "rainfocus"
    is_silent: bool = False  # one and the same refusal for everything
    is_mute: bool = False  # refusals have a code and not a word
    ask: tuple[str, ...] = ("form", "client_id", "client_secret")
    grant: str = "oauth"
    scope: str = ""  # that must be asked for
    token_redirect: str = ""
    redirect: str = ""  # where all calls are sent on to
    reads: bool = True
    trouble: Reply | None = None  # what every call is answered with
    settings: Mapping[str, Any] = field(default_factory=dict)  # what is set at first

    def __str__(self) -> str:
        return self.name


class Refused(Exception):  # noqa: N818
    """A call is refused: with a status, a code and words."""

    def __init__(self, status: int, code: str, words: str, **headers: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words, self.headers = status, code, words, headers


@dataclass
class StandIn:
    """Answers calls in a dialect, and keeps what was stored, by e-mail address."""

    dialect: Dialect
    stored: dict[str, dict[str, str]] = field(default_factory=dict)
    writes: int = 0
    calls: int = 0

    def reply(self, call: Call) -> Reply:
        """Answer a call."""
        self.calls += 1
        if self.dialect.trouble:
            return self.dialect.trouble
        url = urlsplit(call.url)
        try:
            if url.path in (urlsplit(TOKEN_URL).path, self.dialect.token_redirect):
                return self._grant(call)
            if self.dialect.redirect and self.dialect.redirect not in call.url:
                where = call.url.replace(HOST, self.dialect.redirect)
                if self.dialect.redirect.startswith("/"):
                    where = self.dialect.redirect
                return Reply(301, b"<html>Moved</html>", {"Location": where})
            if url.path.endswith("attendeeInfo"):
                return self._read(call)
            return self._store(call)
        except Refused as refusal:
            return self._refusal(refusal)

    # --- the token ---

    def _grant(self, call: Call) -> Reply:
        path = urlsplit(call.url).path
        moved = self.dialect.token_redirect
        if moved and path != moved:
            return Reply(308, b"", {"Location": moved})
        where, *names = self.dialect.ask
        if where == "get" and call.method != "GET":
            return Reply(405, b"{}", {"Allow": "GET"})
        if self._asked(call, where, names) != [CLIENT, SECRET]:
            words = b'{"error": "invalid_client", "message": "unknown client"}'
            return Reply(401, words)
        if self.dialect.scope and f"scope={self.dialect.scope}" not in call.body:
            told = f"scope {self.dialect.scope} is required"
            refusal = {"error": "invalid_scope", "error_description": told}
            return Reply(400, json.dumps(refusal).encode())
        return _granted(self.dialect.grant)

    def _asked(self, call: Call, where: str, names: list[str]) -> list[str | None]:
        query = dict(parse_qsl(urlsplit(call.url).query))
        kind = call.headers.get("Content-Type", "")
        if where in ("basic", "basic_plain"):
            given = call.headers.get("Authorization", "").removeprefix("Basic ")
            pair = base64.b64decode(given).decode().split(":") if given else []
            return [*(map(unquote, pair) if where == "basic" else pair)]
        if where == "header":
            headers = {name.lower(): value for name, value in call.headers.items()}
            return [headers.get(name) for name in names]
        if where in ("get", "query"):
            return [query.get(name) for name in names]
        if where == "json":
            body = json.loads(call.body) if "json" in kind else {}
            return [body.get(name) for name in names]
        form = dict(parse_qsl(call.body)) if "form" in kind else {}
        return [form.get(name) for name in names]

    # --- calls ---

    def _who(self, call: Call, content: Mapping[str, Any]) -> None:
        headers = {name.lower(): value for name, value in call.headers.items()}
        query = dict(parse_qsl(urlsplit(call.url).query))
        places: Mapping[str, Mapping[str, Any]] = {
            "header": headers,
            "query": query,
            "body": content,
        }
        if self.dialect.token:
            place, name, scheme = self.dialect.token
            given = places[place].get(name)
            if given is None:
                raise Refused(401, "900", f"Missing {place} {name}", **{"WWW-Authenticate": scheme})
            if given != f"{scheme}{TOKEN}":
                raise Refused(401, "901", "Invalid access token")
        if self.dialect.profile:
            place, name, value = self.dialect.profile
            given = places[place].get(name)
            if given is None:
                raise Refused(400, "103", f"Required parameter missing: {name}")
            if given != value:
                raise Refused(200, "101", "Invalid API Profile")

    def _store(self, call: Call) -> Reply:
        path, dialect = unquote(urlsplit(call.url).path), self.dialect
        record = self._record(call)
        wanted = dialect.path.replace("{event}", EVENT)
        email = str((record or {}).get(dialect.names.get("email", "email"), ""))
        wanted = wanted.replace("{email}", EMAIL)
        if path != wanted:
            raise Refused(404, "404", "<page>")
        if call.method != dialect.method:
            raise Refused(405, "405", "Method not allowed", Allow=dialect.method)
        content = json.loads(call.body) if call.body[:1] == "{" else {}
        self._who(call, content)
        if record is None:
            raise Refused(400, "910", self._shape())
        self._check(call, dict(record))
        self.writes += 1
        is_new = email not in self.stored
        self.stored.setdefault(email or "?", {}).update(
            {name: value for name, value in record.items() if name in self._known()}
        )
        return _success(dialect.envelope, is_new=is_new, number=len(self.stored))

    def _known(self) -> set[str]:
        ours = (
            "address1 address2 city companyname countryid email firstname lastname jobtitle phone"
            " state zip"
        )
        return {self.dialect.names.get(name, name) for name in ours.split()}

    def _shape(self) -> str:
        kind, *names = self.dialect.body
        about = f" under {names[0]}" if names else ""
        return f"The body is not {kind}{about}, as expected"

    def _check(self, call: Call, record: dict[str, Any]) -> None:
        query = dict(parse_qsl(urlsplit(call.url).query))
        headers = {name.lower(): value for name, value in call.headers.items()}
        if self.dialect.event:
            place, key = self.dialect.event
            given = {"body": record, "query": query, "header": headers}[place].get(key)
            if given is None:
                raise Refused(400, "103", f"Required parameter missing: {key}")
            if given != EVENT:
                raise Refused(200, "902", f"Event {given} not found")
        if not record.get(self.dialect.match):
            raise Refused(400, "103", f"Required parameter missing: {self.dialect.match}")
        for ours in ("email", "lastname"):
            name = self.dialect.names.get(ours, ours)
            if not record.get(name):
                raise Refused(422, "905", f"Field {name} is required")
        allowed = self._known() | {self.dialect.match, "event", "token", *self._event_key()}
        strange = [name for name in record if name not in allowed]
        if self.dialect.is_strict and strange:
            raise Refused(422, "906", f"Unknown field: {strange[0]}")

    def _event_key(self) -> tuple[str, ...]:
        return self.dialect.event[1:] if self.dialect.event else ()

    def _record(self, call: Call) -> dict[str, Any] | None:
        kind, *names = self.dialect.body
        content_type = call.headers.get("Content-Type", "")
        if kind == "form":
            return dict(parse_qsl(call.body)) if "form" in content_type else None
        if kind == "xml":
            if "xml" not in content_type:
                return None
            return {each.tag: each.text or "" for each in _elements(call.body)}
        return _of_json(json.loads(call.body), kind, names) if "json" in content_type else None

    def _read(self, call: Call) -> Reply:
        base = self.dialect.path.partition("/attendee")[0]
        if not self.dialect.reads or not urlsplit(call.url).path.startswith(base + "/attendeeInfo"):
            raise Refused(404, "404", "<page>")
        self._who(call, {})
        query = dict(parse_qsl(urlsplit(call.url).query))
        if EVENT not in query.values():
            return fakes.envelope("902", "Event not found")
        for address in query.values():
            if address in self.stored:
                body = {"responseCode": "0", "attendee": self.stored[address]}
                return Reply(200, json.dumps(body).encode())
        return fakes.envelope("903", "No such attendee")

    def _refusal(self, refusal: Refused) -> Reply:
        if self.dialect.is_silent and refusal.status not in (404, 405):
            refusal = Refused(400, "999", "Bad request")
        if refusal.words == "<page>":
            return Reply(404, b"<html><title>Not here</title>Error</html>", refusal.headers)
        if self.dialect.is_mute:
            refusal = Refused(200, refusal.code, "")
        return _refused(self.dialect.envelope, refusal)


def _elements(text: str) -> list[ElementTree.Element]:
    try:
        return list(ElementTree.fromstring(text).iter())  # noqa: S314 - of our own client
    except ElementTree.ParseError:
        return []


def _of_json(body: Any, kind: str, names: list[str]) -> dict[str, Any] | None:  # noqa: PLR0911
    """Return the record in a body of a kind, or None if it is none of that kind."""
    if kind == "array":
        return body[0] if isinstance(body, list) and body else None
    if not isinstance(body, dict):
        return None
    if kind == "json":
        return None if any(isinstance(each, dict | list) for each in body.values()) else body
    inner = body.get(names[0])
    if kind == "wrapped":
        return {**_flat(body), **inner} if isinstance(inner, dict) else None
    if kind == "beside":  # the event stands
        fields = inner.items() if isinstance(inner, dict) else ()
        return {**_flat(body), **{k: v for k, v in fields if "event" not in k}} if fields else None
    if not isinstance(inner, list) or not inner or not isinstance(inner[0], dict):
        return None
    if kind == "list":
        return {**_flat(body), **inner[0]}
    name, value = names[1:]
    if name not in inner[0]:
        return None
    return {**_flat(body), **{each[name]: each[value] for each in inner}}


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if not isinstance(value, dict | list)}


def _granted(grant: str) -> Reply:
    bodies: dict[str, Any] = {
        "oauth": {"access_token": TOKEN, "expires_in": 900},
        "camel": {"accessToken": TOKEN, "expiresIn": 900},
        "jwt": {"data": {"jwt": TOKEN, "ttl": 900}},
        "moment": {"result": {"token": TOKEN, "expiresAt": "2099-01-01T00:00:00Z"}},
        "created": {"token": TOKEN},
        "list": {"tokens": [{"type": "access", "value": TOKEN}]},
        "header": {},
    }
    texts = {"text": TOKEN, "ticket": f"<session><ticket>{TOKEN}</ticket><ttl>900</ttl></session>"}
    body = (texts[grant] if grant in texts else json.dumps(bodies[grant])).encode()
    headers = {"X-Auth-Token": TOKEN} if grant == "header" else {}
    return Reply(201 if grant == "created" else 200, body, headers)


def _in_soap(result: str) -> bytes:
    return f"<s:Envelope xmlns:s='urn:s'><s:Body>{result}</s:Body></s:Envelope>".encode()


def _success(envelope: Envelope, *, is_new: bool, number: int) -> Reply:
    bodies: dict[str, Any] = {
        "rainfocus": {"responseCode": "0", "responseMessage": "Success", "attendeeId": "16AB"},
        "status": {"status": "success", "id": "16AB"},
        "boolean": {"success": True, "data": {"id": "16AB"}},
        "nested": {"result": {"code": "OK", "attendee": {"id": "16AB"}}},
        "rest": {"id": "16AB"},
        "always200": {"error": None, "status": "created", "attendeeId": "16AB"},
        "results": {"results": [{"status": "ok", "id": "16AB"}]},
        "numbers": {"code": 200, "message": "Stored", "id": 16},
        "upper": {"Status": "OK", "Message": ""},
        "one": {"code": 1, "msg": ""},
        "letters": {"returnCode": "S0"},
        "thousand": {"meta": {"resultCode": "1000"}},
        "counts": {"accepted": 1, "rejected": 0, "errors": []},
        "no_errors": {"errors": []},
        "data": {"data": {"storeAttendee": {"reference": "77"}}},
        "echo": {"attendee": {"email": EMAIL}},
        "sentence": {"message": "Attendee saved successfully"},
        "severity": {"messages": [{"severity": "info", "text": "Attendee updated"}]},
        "queued": {"requestId": "8a7b", "state": "QUEUED"},
        "two_codes": {"code": "C1" if is_new else "U1"},
        "named": {"message": f"Saved attendee {number}"},
        "nothing": {"requestId": "8a7b"},
        "deep": {"response": {"results": [{"code": "S0"}]}},
        "wordless": {"rc": 1 if is_new else 2},
        "empty_list": {"validationErrors": []},
        "echoed": {"email": EMAIL},
        "true": True,
    }
    if envelope == "soap":
        return Reply(200, _in_soap("<Result><ResultCode>1</ResultCode></Result>"))
    if envelope == "xml":
        return Reply(200, b"<reply><result status='done' id='17'/></reply>")
    if envelope == "empty":
        return Reply(204)
    if envelope in ("text", "first_word"):
        text = "OK" if envelope == "text" else f"OK|{number}"
        return Reply(200, text.encode(), {"Content-Type": "text/plain"})
    if envelope in _HEADERS:
        return Reply(200, b"", {_HEADERS[envelope][0]: _HEADERS[envelope][1]})
    return Reply(201 if envelope == "rest" else 200, json.dumps(bodies[envelope]).encode())


def _refused(envelope: Envelope, refusal: Refused) -> Reply:
    code, words = refusal.code, refusal.words
    bodies: dict[str, Any] = {
        "rainfocus": {"responseCode": code, "responseMessage": words},
        "status": {"status": "error", "message": words},
        "boolean": {"success": False, "error": words},
        "nested": {"result": {"code": "FAILED", "text": words}},
        "rest": {"error": {"message": words}},
        "always200": {"error": {"code": code, "message": words}, "status": "failed"},
        "results": {"results": [{"status": "error", "message": words}]},
        "numbers": {"code": refusal.status, "message": words},
        "upper": {"Status": "ERROR", "Message": words},
        "one": {"code": int(code), "msg": words},
        "letters": {"returnCode": f"E{code}", "text": words},
        "thousand": {"meta": {"resultCode": f"2{code}", "resultText": words}},
        "counts": {"accepted": 0, "rejected": 1, "errors": [words]},
        "no_errors": {"errors": [{"code": code, "message": words}]},
        "data": {"data": None, "errors": [{"message": words}]},
        "echo": {"problem": words},
        "sentence": {"message": words},
        "severity": {"messages": [{"severity": "error", "text": words}]},
        "queued": {"requestId": "8a7b", "state": "FAILED", "reason": words},
        "two_codes": {"code": f"E{code}", "text": words},
        "named": {"message": words},
        "nothing": {"requestId": "8a7b", "problem": words},
        "deep": {"response": {"results": [{"code": f"E{code}", "text": words}]}},
        "wordless": {"rc": -int(code), "txt": words} if words else {"rc": -int(code)},
        "empty_list": {"validationErrors": [{"id": code, "text": words}]},
        "echoed": {"title": words},
        "true": False,
    }
    status = 200 if envelope in _ALWAYS_200 else max(refusal.status, 400)
    if envelope == "rainfocus":
        status = refusal.status
    if envelope == "soap":
        result = f"<Result><ResultCode>{code}</ResultCode><ResultText>{words}</ResultText></Result>"
        return Reply(200, _in_soap(result), refusal.headers)
    if envelope == "xml":
        body = f"<reply><result status='error'>{words}</result></reply>".encode()
    elif envelope in ("empty", "text", "first_word"):
        body = (f"ERR|{words}" if envelope == "first_word" else words).encode()
    elif envelope in _HEADERS:
        headers = {_HEADERS[envelope][0]: code, **refusal.headers}
        return Reply(200, words.encode(), headers)
    else:
        body = json.dumps(bodies[envelope]).encode()
    return Reply(status, body, refusal.headers)
