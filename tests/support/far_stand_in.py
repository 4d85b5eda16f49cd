"""A stand-in for APIs that are far from RainFocus's: it wants several things that no client shows.

Each thing that is wanted is refused in one of several voices, as frameworks word such refusals.
It shares no code with the other stand-in, nor with the connection's settings.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_string
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.fakes import Call, Reply

HOST = "https://rf.example"
TOKEN_URL = f"{HOST}/oauth/token"
CLIENT, SECRET, PROFILE_TOKEN = "a-client", "a-secret/of+ours", "a-profile-token"
TOKEN = "not-a-real-access-token-1"
EVENT, EMAIL = "summit2027", "doctor@example.com"

type Place = Literal["header", "query", "body", "token"]
type Voice = Literal["rainfocus", "problem", "fields", "located", "pointed", "text"]
VOICES: Final[tuple[Voice, ...]] = ("rainfocus", "problem", "fields", "located", "pointed", "text")


@dataclass(frozen=True)
class Wanted:
    """Something that must stand in each call, or in the call for a token."""

    place: Place
    name: str
    values: tuple[str, ...] = ()  # of which one must be given; none: any will do
    is_told: bool = False  # refusals list the values
    is_signature: bool = False  # over the call: no value is ever right


@dataclass(frozen=True)
class Far:
    """How the stand-in wants to be spoken to, and how it answers."""

    name: str
    path: str = "/api/acme/v3/attendee/store"
    routes: str = ""  # what a 404 says of the way there
    wants: tuple[Wanted, ...] = ()
    grant: Literal["client", "password", "assertion", "told_password"] = "client"
    # What is granted, and how it is shown.
    session: Literal["bearer", "cookie", "cookie_in_body"] = "bearer"
    cookie: str = "JSESSIONID"
    scheme: str = ""  # of Authorization, where it is none that a token is shown with
    body: Literal["json", "multipart"] = "json"
    answer: Literal["rainfocus", "page", "page_or_json", "page_by_status"] = "rainfocus"
    format: tuple[str, str] = ("format", "json")  # the parameter that asks for JSON
    voice: Voice = "rainfocus"
    reads: bool = True

    def __str__(self) -> str:
        return self.name


class Refused(Exception):  # noqa: N818
    """A call is refused, for the sake of something in it."""

    def __init__(self, status: int, words: str, name: str = "", place: str = "") -> None:
        super().__init__(words)
        self.status, self.words, self.name, self.place = status, words, name, place


@dataclass
class FarStandIn:
    """Answers calls in a dialect, and keeps what was stored, by e-mail address."""

    far: Far
    stored: dict[str, dict[str, str]] = field(default_factory=dict)

    def reply(self, call: Call) -> Reply:
        """Answer a call."""
        path = unquote(urlsplit(call.url).path)
        try:
            if path == urlsplit(TOKEN_URL).path:
                return self._grant(call)
            if path.endswith("attendeeInfo"):
                return self._read(call)
            return self._store(call, path)
        except Refused as refusal:
            return self._refusal(refusal)

    # --- the token ---

    def _grant(self, call: Call) -> Reply:
        given = _content(call)
        grant = str(given.get("grant_type", ""))
        if self.far.grant == "assertion":
            self._expect({}, Wanted("token", "client_assertion", is_signature=True), given)
        if self.far.grant in ("password", "told_password"):
            is_told = self.far.grant == "told_password"
            if grant != "password":
                told = "only the password grant is supported" if is_told else "not supported"
                raise Refused(400, f"unsupported_grant_type: {told}", "grant_type", "token")
            pair = (given.get("username"), given.get("password"))
        else:
            pair = (given.get("client_id"), given.get("client_secret"))
        if pair != (CLIENT, SECRET):
            return Reply(401, b'{"error": "invalid_client"}')
        for each in self.far.wants:
            if each.place == "token":
                self._expect({}, each, given)
        if self.far.session == "bearer":
            return _json({"access_token": TOKEN, "expires_in": 900})
        if self.far.session == "cookie_in_body":
            return _json({"sessionId": TOKEN, "expiresIn": 900})
        cookie = f"{self.far.cookie}={TOKEN}; Path=/; HttpOnly; Secure"
        return Reply(200, b'{"user": "a-client", "roles": []}', {"Set-Cookie": cookie})

    # --- calls ---

    def _who(self, call: Call, content: Mapping[str, Any]) -> None:
        headers = {name.lower(): text for name, text in call.headers.items()}
        if self.far.scheme:
            words = "Calls must be signed" if "HMAC" in self.far.scheme else "Authentication failed"
            raise Refused(401, words, "authorization", "header")
        if self.far.session == "bearer":
            if headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refused(401, "Invalid access token")
        elif f"{self.far.cookie}={TOKEN}" not in headers.get("cookie", "").split("; "):
            raise Refused(401, f"No session: cookie {self.far.cookie} is missing")
        for each in self.far.wants:
            if each.place != "token" and not (each.place == "body" and call.method == "GET"):
                self._expect(headers, each, content, dict(parse_qsl(urlsplit(call.url).query)))

    def _expect(
        self,
        headers: Mapping[str, str],
        wanted: Wanted,
        content: Mapping[str, Any],
        query: Mapping[str, str] | None = None,
    ) -> None:
        places: Mapping[str, Mapping[str, Any]] = {
            "header": headers,
            "query": query or {},
            "body": content,
            "token": content,
        }
        name = wanted.name.lower() if wanted.place == "header" else wanted.name
        given = places[wanted.place].get(name)
        status = 403 if wanted.is_signature else 400
        told = f": one of {', '.join(wanted.values)}" if wanted.is_told else ""
        if given is None:
            raise Refused(status, f"is required{told}", wanted.name, wanted.place)
        if wanted.is_signature:
            raise Refused(status, "does not match the request", wanted.name, wanted.place)
        if wanted.values and given not in wanted.values:
            raise Refused(status, f"is not supported{told}", wanted.name, wanted.place)

    def _store(self, call: Call, path: str) -> Reply:
        content = _content(call)
        wanted = self.far.path.replace("{event}", EVENT).replace("{email}", EMAIL)
        if path != wanted:
            raise Refused(404, self.far.routes or "<page>")
        if call.method != "POST":
            return Reply(405, b"{}", {"Allow": "POST"})
        self._who(call, content)
        kind = _kind(call)
        if self.far.body == "multipart" and "multipart/form-data" not in kind:
            raise Refused(415, "Content type must be multipart/form-data")
        if self.far.body == "json" and "json" not in kind:
            raise Refused(415, "Content type must be JSON")
        if "{event}" not in self.far.path and content.get("event") != EVENT:
            raise Refused(400, "Event not found")
        if not content.get("email") or not content.get("lastname"):
            raise Refused(422, "is required", "email", "body")
        is_new = content["email"] not in self.stored
        self.stored[content["email"]] = {name: str(each) for name, each in content.items()}
        return self._success(call, is_new=is_new)

    def _success(self, call: Call, *, is_new: bool) -> Reply:
        query = dict(parse_qsl(urlsplit(call.url).query))
        is_asked = query.get(self.far.format[0]) == self.far.format[1]
        if self.far.answer == "rainfocus" or (self.far.answer == "page_or_json" and is_asked):
            return _json({"responseCode": "0", "responseMessage": "Success", "attendeeId": "16AB"})
        status = 201 if self.far.answer == "page_by_status" else 200
        did = "created" if is_new else "updated"
        page = f"<!doctype html><html><title>Attendee {did}</title><p>Thank you</html>"
        return Reply(status, page.encode(), {"Content-Type": "text/html"})

    def _read(self, call: Call) -> Reply:
        base = self.far.path.partition("/attendee")[0]
        if not self.far.reads or not unquote(urlsplit(call.url).path).startswith(f"{base}/"):
            raise Refused(404, "<page>")
        self._who(call, {})
        query = dict(parse_qsl(urlsplit(call.url).query))
        if "{event}" not in self.far.path and EVENT not in query.values():
            return _json({"responseCode": "902", "responseMessage": "Event not found"})
        found = next((self.stored[each] for each in query.values() if each in self.stored), None)
        if found is None:
            return _json({"responseCode": "903", "responseMessage": "No such attendee"})
        return _json({"responseCode": "0", "attendee": found})

    def _refusal(self, refusal: Refused) -> Reply:
        if refusal.words == "<page>":
            return Reply(
                404, b"<html><title>404</title>Error</html>", {"Content-Type": "text/html"}
            )
        if self.far.answer.startswith("page"):
            name = f"{_place(refusal)} {refusal.name} ".lstrip() if refusal.name else ""
            page = f"<!doctype html><html><title>{name}{refusal.words}</title></html>"
            is_late = self.far.answer != "page_by_status" and refusal.status == 422
            return Reply(200 if is_late else refusal.status, page.encode())
        return _VOICES[self.far.voice](refusal)


# --- how it is refused ---


def _place(refusal: Refused) -> str:
    return "" if refusal.place == "token" else refusal.place


def _named(refusal: Refused) -> str:
    place = _place(refusal)
    return f"{place} '{refusal.name}' {refusal.words}".strip() if refusal.name else refusal.words


def _rainfocus(refusal: Refused) -> Reply:
    is_missing = "required" in refusal.words and refusal.name
    told = refusal.words.partition(": ")[2]
    words = f"Required parameter missing: {refusal.name}" if is_missing else _named(refusal)
    words += f" ({told})" if is_missing and told else ""
    code = "103" if is_missing else "77"
    return _json({"responseCode": code, "responseMessage": words}, refusal.status)


def _problem(refusal: Refused) -> Reply:
    body = {"type": "about:blank", "title": "Bad Request", "detail": _named(refusal)}
    return _json(body, refusal.status)


def _fields(refusal: Refused) -> Reply:
    if not refusal.name:
        return _json({"errors": [{"message": refusal.words}]}, refusal.status)
    return _json({"errors": [{"field": refusal.name, "message": refusal.words}]}, refusal.status)


def _located(refusal: Refused) -> Reply:
    where = "body" if refusal.place == "token" else refusal.place
    loc = [where, refusal.name] if refusal.name else []
    return _json({"detail": [{"loc": loc, "msg": refusal.words, "type": "value"}]}, refusal.status)


def _pointed(refusal: Refused) -> Reply:
    source = {"parameter": refusal.name}
    if refusal.place in ("body", "token"):
        source = {"pointer": f"/{refusal.name}"}
    if refusal.place == "header":
        source = {"header": refusal.name}
    error = {"status": str(refusal.status), "title": "Invalid", "detail": refusal.words}
    return _json({"errors": [error | ({"source": source} if refusal.name else {})]}, refusal.status)


def _text(refusal: Refused) -> Reply:
    words = f"{refusal.name} {refusal.words}" if refusal.name else refusal.words
    return Reply(refusal.status, f"ERROR {words}".encode(), {"Content-Type": "text/plain"})


_VOICES: Final[Mapping[Voice, Callable[[Refused], Reply]]] = {
    "rainfocus": _rainfocus,
    "problem": _problem,
    "fields": _fields,
    "located": _located,
    "pointed": _pointed,
    "text": _text,
}


# --- what a call holds ---


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _kind(call: Call) -> str:
    return {name.lower(): text for name, text in call.headers.items()}.get("content-type", "")


def _content(call: Call) -> dict[str, Any]:
    kind = _kind(call)
    if "json" in kind:
        body = json.loads(call.body)
        return body if isinstance(body, dict) else {}
    if "multipart" in kind:
        parts = message_from_string(f"Content-Type: {kind}\n\n{call.body}").get_payload()
        return {
            str(each.get_param("name", header="content-disposition")): each.get_payload()
            for each in (parts if isinstance(parts, list) else [])
            if not isinstance(each, str)
        }
    if "form" in kind:
        return dict(parse_qsl(call.body))
    return {}
