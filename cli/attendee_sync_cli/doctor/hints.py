"""What a server's own words and headers say that it wants, as changes of settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from attendee_sync.attendee import FIELDS
from attendee_sync.http_client import is_success
from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.client import READ, STORE
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import answers, field_names, shapes, signs, wanted
from attendee_sync_cli.doctor.answers import METHOD_NOT_ALLOWED, Seen, Stage
from attendee_sync_cli.doctor.changes import (
    Change,
    Value,
    any_of,
    as_header,
    as_name,
    as_names,
    as_parameter,
    both,
    moved,
    of,
)

_LAST = re.compile(r"missing\W+(?:[\w ]{0,40}: ?)?[\"'`]?([A-Za-z0-9_.-]{1,64})", re.IGNORECASE)
# Names that no English word looks like, and such as stand in quotation marks.
_NAME = re.compile(r"[\"'`]([A-Za-z][\w.-]{0,63})[\"'`]|\b([A-Za-z]+(?:[-_][A-Za-z0-9]+)+)\b")
_CAMEL = re.compile(r"\b([a-z]+(?:[A-Z][a-z0-9]*)+)\b")
_AFTER = re.compile(
    r"\b(?:header|parameter|query|field|property|member|key|under|in|name|attribute|element|as|called"
    r"|for)s?"
    r"\W{1,3}([A-Za-z][\w.-]{1,63})",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b([A-Za-z][\w.-]{1,63}) (?:is|are|may|can|header|parameter|field|must|property|not|cannot"
    r"|required)",
    re.IGNORECASE,
)
_AT_END = re.compile(r": [\"'`]?([A-Za-z][\w.-]{1,63})[\"'`]?\W*$")
# "You did not pass email"
_PASSED = re.compile(
    r"(?:not|n't|to) (?:pass|send|provide|give|supply|include) "
    r"(?:(?:an?|the|parameter|field) ){0,2}[\"'`]?([A-Za-z][\w.\[\]-]{1,63})",
    re.IGNORECASE,
)
# "attendee.profile - MISSING"
_DASHED = re.compile(
    r"([A-Za-z][\w.\[\]]{1,63}) ?[-:=] ?(?:\w+ ){0,3}"
    r"(?:missing|required|mandatory|blank|null|empty)\b",
    re.IGNORECASE,
)
_SCOPE = re.compile(r"\bscopes?\b[\s:=\"'`]+([\w.:/-]+)", re.IGNORECASE)
_SCOPES = re.compile(r"\bscope=\"([\w.:/ -]+)\"", re.IGNORECASE)  # RFC 6750, section 3
_NO_NAMES: Final = (  # words of messages
    "credentials use param params callers without string mutation selected restricted picklist find"
    " ignorable unrecognized mandatory child given requires choices received"
    " a an and any are as at be bad been body but by can could error expected failed field fields"
    " for format from has have header headers http in invalid is it json key keys member members"
    " message missing must name names no not null object of on one only or parameter parameters"
    " please property provided query request required should that the then there this to type"
    " unexpected unknown dictionary extract valid value values was were when will with you your"
)
_ENGLISH: Final = frozenset(_NO_NAMES.split())
_MOST_NAMES = 8
_OWN_SITE: Final = "rainfocus.com"
_WHO = re.compile(r"token|auth|api.?key|key$|profile|^x-|secret|client|bearer|jwt", re.IGNORECASE)
_ORGANISATION = re.compile(r"org|tenant|account|company.?id", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,30}")
_SCHEME_TOLD = re.compile(
    r"([A-Za-z][\w-]{1,40}) [<{\[($]+([^<>{}\[\]()]{0,30}(?:token|key)[^<>{}\[\]()]{0,20})[>}\])]",
    re.IGNORECASE,
)
_TOKEN_NAME = re.compile(r"token|jwt|bearer|access")
# https://www.rfc-editor.org/rfc/rfc6749#section-5.2
_OAUTH_ERROR = re.compile(r"(?:invalid|unauthorized|unsupported|insufficient)_|access_denied|oauth")
_OWN_SETTINGS: Final = ("scope", "client_id", "grant_type")
_LIFETIMES: Final = (
    "expiresin",
    "ttl",
    "ttlseconds",
    "expiresinseconds",
    "lifetimeseconds",
    "lifetime",
    "validity",
    "validfor",
    "expires",
    "maxage",
)
_MOMENTS: Final = ("expiresat", "expiry", "expiration", "expires", "exp", "validuntil", "expireson")
_EPOCH = 1_000_000_000  # a larger number is a moment, not a lifetime
_MIN_TOKEN = 8  # characters
_MEDIA_TYPE = re.compile(r"application/[\w.-]+\+json")
_METHOD = re.compile(r"\b(?:PUT|PATCH|POST|GET)\b")
_NO_METHOD = re.compile(
    r"(?:method|verb)\b.{0,20}not \w+|\b(?:only|use|by) (?:a )?(?:GET|PUT)\b", re.IGNORECASE
)
_OF_METHOD = re.compile(r"method|operation|verb", re.IGNORECASE)
# Names as people write them, with a capital: "Email address can't be blank".
_HUMAN = re.compile(
    r"(?:^|[;.:(\[] ?)(?:The )?(?:selected )?([A-Z]?[a-z]+(?: [a-z0-9]+){0,3}?)(?: field)?"
    r" (?:can't|cannot|is (?:required|missing|invalid|not|mandatory)"
    r"|must|should|may not|has to|does not|needs)"
)
_TYPE = re.compile(r"\b(?:application|text|multipart)/[\w.+*-]+")
# Where, and what is missing there: "#/data/person: required key [email] not found".
_POINTED = re.compile(r"(?<!\w)/([A-Za-z][\w/]*):? [^\[\]#/']{1,40}[\[']([A-Za-z]\w*)[\]']")
# As gateways name what they look at: "request.queryparam.apikey".
_VARIABLE = re.compile(r"\b(?:request|message)\.(?:query|header|form)\w*\.([\w-]+)", re.IGNORECASE)
# A key that gateways want, beside a token or without one, and what they and public APIs call it.
_KEY_WANTED = re.compile(
    r"\b(?:subscription|api|application|app|consumer|gateway|product)[ _-]?key\b", re.IGNORECASE
)
KEY_HEADERS: Final = (
    *("X-API-Key", "apikey", "api-key", "Ocp-Apim-Subscription-Key", "api_key", "X-Auth-Token"),
    *("X-Api-Token", "X-Access-Token", "token", "X-Auth-Key", "key", "X-Gravitee-Api-Key"),
)
_BRACKETED = re.compile(r"\b([A-Za-z]\w{0,40}(?:\[\w+\])+)")
_LISTED = re.compile(
    r"[\[({]+\"?([A-Za-z][\w.-]*(?:\"?, ?\"?[A-Za-z][\w.-]*)+|(?<=\[)[\w.-]+)\"?[\])}]"
)
# Of several names without quotes: "Missing parameter email, lastname".
_SERIES = re.compile(
    r"(?:missing|required|expected|expects|pass|send|provide|supply|include|parameters?|fields?|propert\w+|elements?|is)\W{1,4}"
    r"((?:[A-Za-z][\w.-]*, ?)+(?:and |or )?[A-Za-z][\w.-]*)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"[:{<$]+([A-Za-z][\w-]*)[}>]?")
_LIKE_TOKEN = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[!-~]{16,}")  # whatever it is called


def missing_parameter(message: str) -> str:
    """Return the parameter that a message calls missing, or nothing."""
    found = _LAST.search(message)
    return found.group(1).strip(".") if found else ""


def names_in(message: str) -> list[str]:
    """Return what in a message may be names of parameters, the likeliest first."""
    message = _TYPE.sub(" ", message).replace("Input should", "")
    found = _VARIABLE.findall(message) + _BRACKETED.findall(message)
    found += [f"{path.replace('/', '.')}.{key}" for path, key in _POINTED.findall(message)]
    found += [name for text in _HUMAN.findall(message) for name in _spelt(text)]
    found += [name for text in _LISTED.findall(message) for name in re.split(r"[\", ]+", text)]
    found += [name for text in _SERIES.findall(message) for name in re.findall(r"[\w.-]+", text)]
    found += [missing_parameter(message)]
    found += [name for pair in _NAME.findall(message) for name in pair]
    found += _DASHED.findall(message) + _PASSED.findall(message)
    found += _AT_END.findall(message) + _CAMEL.findall(message)
    found += _AFTER.findall(message) + _BEFORE.findall(message)
    clean = (name.strip(".-") for name in found if not wanted.is_standard(name))
    kept = dict.fromkeys(name for name in clean if name and name.lower() not in _ENGLISH)
    return list(kept)[:_MOST_NAMES]


def _spelt(words: str) -> list[str]:
    """Return how a name of several words, or with a capital, may be spelt."""
    parts = [each for each in words.split() if each.lower() not in ("the", "a", "an")]
    if not parts or (len(parts) == 1 and not parts[0][:1].isupper()):
        return []
    lower = [each.lower() for each in parts]
    camel = lower[0] + "".join(each.capitalize() for each in lower[1:])
    return list(dict.fromkeys(("_".join(lower), camel)))


def for_call(
    connection: Connection, credentials: Credentials, seen: Seen, said_before: str = ""
) -> Iterator[Change]:
    """Yield what an answer asks for, first what it did not before the last change."""
    yield from _redirected(connection, seen.target)
    headers: Mapping[str, str] = seen.read.headers if seen.read else {}
    if seen.status == METHOD_NOT_ALLOWED:
        yield from (_method(connection, each) for each in _allowed(headers))
    challenge = headers.get("www-authenticate", "")
    yield from _schemes(challenge)
    yield from _told_schemes(seen.said)
    if connection.auth.kind == "oauth" and seen.stage is Stage.ACCESS:
        yield from (of("auth.scope", each) for each in _scopes_in(f"{challenge} {seen.said}"))
        if _KEY_WANTED.search(seen.said):
            yield from _keys_beside(credentials)
    yield from _methods(connection, seen)
    yield from shapes.of_document(seen.said)
    yield from shapes.of_json_rpc(seen)
    yield from _kinds(f"{seen.said} {headers.get('accept-post', '')} {headers.get('accept', '')}")
    yield from shapes.of_xml(seen)
    yield from _told_paths(connection, f"{seen.said} {headers.get('link', '')}")
    refused = field_names.named(connection, seen.said)
    without = list(shapes.without_unwanted(connection, seen.said))
    if without:  # what is unknown may have another name
        yield from map(as_names, field_names.styles())
        if len(refused) == 1:
            yield from (as_name(refused[0], name) for name in field_names.others(refused[0]))
        yield from without
    yield from _of_names(connection, credentials, seen, said_before)
    if refused:  # others may be refused after it: a whole style at once
        yield from map(as_names, field_names.styles())
    for field in refused:
        yield from (as_name(field, name) for name in (field, *field_names.others(field)))
    if connection.fields.match_key in seen.said.split():
        yield of("fields.match_key", "email")


def _of_names(
    connection: Connection, credentials: Credentials, seen: Seen, said_before: str
) -> Iterator[Change]:
    """Yield what the names in a refusal can be: who is calling, what, or a value."""
    told = wanted.without_values(seen.said, names_in(seen.said))
    told.sort(key=lambda name: name in said_before)  # what stays is not what is wanted next
    names = list(dict.fromkeys(each if "[" in each else shapes.leaf(each) for each in told))
    if re.search(r"cookie|session", seen.said, re.IGNORECASE):
        yield from map(as_cookie, told)
    for name in filter(wanted.is_value, names):
        yield from wanted.changes_for(connection, seen, name)
    yield from _of_json_api(connection, seen)
    yield from shapes.of_flat_names(connection, told, seen.said)
    yield from shapes.of_names(connection, told)
    fields: dict[str, str] = {}
    for name in names:
        fields.setdefault(field_names.field_of(shapes.leaf(name)), name)
    fields.pop("", None)
    if len(fields) > 1:
        yield as_names(fields)
    for name in names:
        is_about_access = seen.stage is Stage.ACCESS
        yield from _named(connection, credentials, name, is_about_access=is_about_access)
    for name in names if seen.stage is not Stage.ACCESS else ():
        if not (wanted.is_value(name) or field_names.field_of(name)):
            yield from wanted.changes_for(connection, seen, name)


def _of_json_api(connection: Connection, seen: Seen) -> Iterator[Change]:
    """Yield JSON:API's form, with the types that are told or likely.

    https://jsonapi.org/format/#document-resource-objects
    """
    text = f"{seen.said} {connection.call.headers.get('Content-Type', '')}"
    if re.search(r"vnd\.api\+json|\bdata[./](?:type|attributes)\b", text):
        told = wanted.told(seen.said, "data.type") if "data.type" in seen.said else []
        for each in (*told, "attendees", "attendee", "registrations", "people"):
            yield of("call.body", {"data": {"type": each, "attributes": "{record}"}})


def _named(
    connection: Connection, credentials: Credentials, name: str, *, is_about_access: bool
) -> Iterator[Change]:
    """Yield what a name can be that a server asks for."""
    if _ORGANISATION.search(name):
        yield as_header(name, "{org_id}")
        yield as_parameter(name, "{org_id}")
    if _WHO.search(name) or is_about_access:
        yield from _who(credentials, name)
    if "event" in name.lower() or name == connection.event.key:
        yield from (
            both(of("event.key", name), of("event.place", place))
            for place in (connection.event.place, "body", "query")
        )
        yield as_header(name, "{event}")
        yield from _beside(connection, name)
    field = field_names.field_of(shapes.leaf(name))
    if field:
        yield as_name(field, name)
    if "sha" in name.lower() or "hash" in name.lower():
        yield both(of("fields.match_key", name), of("fields.match_value", "email_sha256"))
    if name in FIELDS or name in connection.fields.names.values():
        return  # nothing else may take the field's place
    yield from _beside(connection, name)
    yield of("event.key", name)  # before the match key: anything passes for an event code
    yield both(of("body.kind", "wrapped"), of("body.wrapped_under", name))
    yield of("call.body", {name: ["{record}"]})
    yield of("call.body", {"event": "{event}", name: "{record}"})
    for key in ("code", "name", "key"):
        pairs: list[Value] = [{key: "{field}", "value": "{value}"}]
        yield of("call.body", {"event": "{event}", "email": "{email}", name: pairs})
    yield of("fields.match_key", name)
    yield of("api_profile.name", name)
    if _WHO.search(name) or is_about_access:  # beside the record
        shown = "{profile_token}" if credentials.profile_token else "{client_id}"
        yield of("call.body", {**shapes.flat(connection), name: shown})


def _beside(connection: Connection, name: str) -> Iterator[Change]:
    """Yield the event beside what is wrapped."""
    body = connection.call.body
    if connection.body.kind == "wrapped":
        beside: Value = {name: "{event}", connection.body.wrapped_under: "{record}"}
        yield both(of("call.body", beside), of("body.kind", "json"))
    elif isinstance(body, dict) and "{record}" in body.values():
        yield of("call.body", {name: "{event}", **body})


def _who(credentials: Credentials, name: str) -> Iterator[Change]:
    """Yield the ways to say under a name who is calling."""
    for place in ("header", "query", "both"):
        yield both(of("api_profile.name", name), of("api_profile.place", place))
    yield moved(as_header(name, "{access_token}"))
    yield as_header(name, "{access_token}")
    yield moved(as_header(name, "Bearer {access_token}"))
    yield moved(as_parameter(name, "{access_token}"))
    yield as_header(name, "{client_id}")
    if credentials.profile_token:
        yield as_header(name, "{profile_token}")
        value = of("api_profile.value", "profile_token")
        for place in ("header", "query"):
            yield both(of("api_profile.name", name), value, of("api_profile.place", place))
    yield moved(of("call.body", {name: "{access_token}", "attendee": "{record}"}))


def _methods(connection: Connection, seen: Seen) -> Iterator[Change]:
    """Yield the methods that a refusal names beside the one of the call."""
    if seen.stage is not Stage.PATH and not _OF_METHOD.search(seen.said):
        return
    for method in dict.fromkeys(_METHOD.findall(seen.said)):
        if method != connection.call.method:
            yield _method(connection, method)


def _keys_beside(credentials: Credentials) -> Iterator[Change]:
    """Yield the headers in which a key may be wanted beside a token."""
    values = ["{profile_token}"] if credentials.profile_token else []
    for value in [*values, "{client_id}"]:
        yield from (as_header(name, value) for name in KEY_HEADERS)


def _method(connection: Connection, method: str) -> Change:
    return shapes.in_query(connection) if method == "GET" else of("call.method", method)


def _allowed(headers: Mapping[str, str]) -> list[str]:
    allowed = re.findall(r"[A-Z]+", headers.get("allow", "").upper())
    return [each for each in ("PUT", "PATCH", "POST", "GET") if each in allowed or not allowed]


def _schemes(challenge: str) -> Iterator[Change]:
    """Yield the Authorization headers that a `WWW-Authenticate` header asks for (RFC 9110)."""
    found = _SCHEME.match(challenge)
    if found and found[0].lower() not in ("bearer", "basic", "digest"):
        yield as_header("Authorization", f"{found[0]} {{access_token}}")
        yield moved(as_header(found[0], "{access_token}"))


def _told_schemes(said: str) -> Iterator[Change]:
    """Yield the Authorization headers that words spell out, such as 'Token <access token>'."""
    for scheme, what in _SCHEME_TOLD.findall(said):
        shown = "{profile_token}" if "key" in what.lower() else "{access_token}"
        yield as_header("Authorization", f"{scheme} {shown}")


def _kinds(text: str) -> Iterator[Change]:
    lower = text.lower()
    if "multipart" in lower or "form-data" in lower:
        yield of("body.kind", "multipart")
    for kind in _MEDIA_TYPE.findall(lower):
        yield both(as_header("Content-Type", kind), as_header("Accept", kind))
        yield as_header("Accept", kind)
        yield as_header("Content-Type", kind)
    if "form" in re.sub(r"format|inform|platform|malform\w*", "", lower):
        yield of("body.kind", "form")
    if "array" in lower or "list" in lower:
        yield of("body.kind", "array")
    if "json" in lower:
        yield of("body.kind", "json")


def as_cookie(name: str) -> Change:
    """Return the change that shows the token as a cookie."""
    return moved(as_header("Cookie", f"{name}={{access_token}}"))


def _told_paths(connection: Connection, text: str) -> Iterator[Change]:
    """Yield the addresses that a refusal names, such as /orgs/{orgId}/attendees."""
    for method, path in answers.told_paths(text):
        segments = [_segment(connection, each) for each in path.strip("/").split("/")]
        url = of("call.url", "{base}/" + "/".join(segments))
        if method:
            yield both(url, of("call.method", method))
        yield url


def _segment(connection: Connection, segment: str) -> str:
    name = _PLACEHOLDER.fullmatch(segment)
    if not name:
        return "{org_id}" if segment == connection.org_id else segment
    for pattern, place in ((r"event|show|summit", "{event}"), (r"mail", "{email}")):
        if re.search(pattern, name[1], re.IGNORECASE):
            return place
    return "{version}" if "version" in name[1].lower() else "{org_id}"


def _redirected(connection: Connection, target: str) -> Iterator[Change]:
    """Yield what follows a redirect to the same site: elsewhere no secret is taken unasked."""
    if not is_own_site(connection.base, target):
        return
    there = urlsplit(target)
    base, path = f"{there.scheme}://{there.netloc}", there.path
    for call in (STORE, READ):
        usual = urlsplit(connection.url(call)).path
        prefix = urlsplit(connection.base).path
        if path.endswith(usual.removeprefix(prefix)):
            yield of("base_url", base + path.removesuffix(usual.removeprefix(prefix)))
        elif path.endswith(f"/{call}"):
            moved_to = of("path", _with_places(connection, path.removesuffix(call)) + "{call}")
            yield both(moved_to, of("base_url", base))
    url = _with_places(connection, path)
    yield of("call.url", (("{base}" if base == connection.base else base) + url))


def _with_places(connection: Connection, path: str) -> str:
    return path.replace(f"/{connection.org_id}/", "/{org_id}/")


def is_own_site(own: str, target: str) -> bool:
    """Tell whether an address is one that secrets may be shown to as to our own."""
    if not target:
        return False
    here, there = urlsplit(own), urlsplit(target)
    is_secure = there.scheme == "https" or here.scheme == there.scheme == "http"
    hosts = {here.hostname or "", there.hostname or ""}
    return is_secure and (len(hosts) == 1 or all(each.endswith(f".{_OWN_SITE}") for each in hosts))


# --- the token endpoint ---


def for_token(connection: Connection, seen: Seen) -> Iterator[Change]:
    """Yield what the token endpoint's answer asks for."""
    url = connection.auth.token_url
    if is_own_site(url, seen.target):
        # Without its query, which repeats id and secret where these are sent in one.
        yield of("auth.token_url", urlsplit(seen.target)._replace(query="", fragment="").geturl())
    if seen.read is None:
        return
    is_refusal = signs.is_refusal(seen.read)
    if is_success(seen.read.status) and not seen.read.is_page and not is_refusal:
        yield from _of_token(seen.read)
    if seen.status == METHOD_NOT_ALLOWED or (is_refusal and _NO_METHOD.search(seen.said)):
        yield from (of("token_call.method", each) for each in _allowed(seen.read.headers))
    told = f"{seen.said} {seen.read.headers.get('www-authenticate', '')}"
    yield from (of("auth.scope", each) for each in _scopes_in(told))
    if "basic" in told.lower():
        yield from (of("auth.client_auth", way) for way in ("basic", "basic_plain"))
    if re.search(r"json|dictionary|\bobject", seen.said, re.IGNORECASE):
        yield of("auth.client_auth", "json")
    if "grant_type" in names_in(seen.said):  # it is sent, but maybe not where it is looked for
        grant = "client_credentials"
        yield from (of(f"token_call.{place}.grant_type", grant) for place in ("query", "headers"))
    if "grant" in seen.said.lower():
        yield from password_grants()
    yield from _of_token_names(connection, seen)


def _of_token_names(connection: Connection, seen: Seen) -> Iterator[Change]:
    names = wanted.without_values(seen.said, names_in(seen.said))
    names = [name for name in names if not _OAUTH_ERROR.match(name)]
    for name in names:
        if name not in _OWN_SETTINGS:
            yield from wanted.changes_for(connection, seen, name)
    yield from _pairs(names)


def _pairs(names: list[str]) -> Iterator[Change]:
    """Yield how id and secret may be shown under names."""
    secrets = [name for name in names if re.search(r"secret|pass", name, re.IGNORECASE)]
    ids = [name for name in names if name not in secrets]
    pairs = [
        (name, secret) for name in ids[:2] for secret in (secrets or _secrets_beside(name))[:3]
    ]
    if pairs:
        for place, way in (("body", "json"), ("body", "body"), ("headers", "body")):
            yield any_of(*(shown_as(place, *names, way=way) for names in pairs))


def password_grants() -> Iterator[Change]:
    """Yield how id and secret are shown as those of a user (RFC 6749, section 4.3)."""
    for way in ("body", "json"):
        user = shown_as("body", "username", "password", way=way)
        yield both(of("token_call.body.grant_type", "password"), user)


def _scopes_in(text: str) -> list[str]:
    """Return what may be a scope: headers name it (RFC 6750, section 3), others do in words."""
    found = dict.fromkeys([*_SCOPES.findall(text), *_SCOPE.findall(text)])
    return [each for each in found if each.lower() not in _ENGLISH]


def shown_as(place: str, name: str, secret: str, *, way: str) -> Change:
    """Return the change that shows id and secret under names in a place of the token call."""
    shown = {name: "{client_id}", secret: "{client_secret}"}
    put = [(("token_call", place, each), text) for each, text in shown.items()]
    return both(Change(tuple(put)), of("auth.client_auth", way))


def _secrets_beside(name: str) -> list[str]:
    swapped = re.sub(r"(?i)id$|key$|name$|user(?:name)?$", "", name)
    camel = "Secret" if re.search(r"[a-z]$", swapped) else "secret"
    return [f"{swapped}{camel}", "password", "secret"]


def _of_token(read: Reading) -> Iterator[Change]:
    """Yield where in an answer a token may stand, with its lifetime."""
    members = list(_texts(read.body, "body"))
    lifetime = next(_lifetimes(members), None)
    with_lifetime = [lifetime] if lifetime else []
    for path, name, value in members:
        if isinstance(value, str) and _TOKEN_NAME.search(fold(name)) and len(value) >= _MIN_TOKEN:
            yield both(of("token_call.token", path), *with_lifetime)
    for path, _, value in members:
        if isinstance(value, str) and _LIKE_TOKEN.fullmatch(value):
            yield both(of("token_call.token", path), *with_lifetime)
    if isinstance(read.body, str) and len(read.body) >= _MIN_TOKEN and " " not in read.body:
        yield of("token_call.token", "body")
    for name, value in read.cookies.items():
        if len(value) >= _MIN_TOKEN:
            place = of("token_call.token", f'headers.cookies."{name}"')
            yield both(place, as_cookie(name))
            yield both(place, *with_lifetime)
    for name, value in read.headers.items():
        if _TOKEN_NAME.search(fold(name)) and len(value) >= _MIN_TOKEN and " " not in value:
            yield both(of("token_call.token", f'headers."{name}"'), *with_lifetime)


def _lifetimes(members: list[tuple[str, str, Any]]) -> Iterator[Change]:
    for path, name, value in members:
        number = float(value) if re.fullmatch(r"\d{1,15}(?:\.\d+)?", str(value)) else None
        if number is not None and number < _EPOCH and fold(name) in _LIFETIMES:
            yield of("token_call.lifetime", path)
        elif fold(name) in _MOMENTS and (number is None or number >= _EPOCH):
            yield of("token_call.expires_at", path)


def _texts(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    if not isinstance(value, dict) or depth > 3:  # noqa: PLR2004 - deep enough
        return
    for name, each in value.items():
        place = f'{path}."{name}"'
        if isinstance(each, list) and each:
            yield from _texts(each[0], f"{place}[0]", depth + 1)
        elif isinstance(each, dict):
            yield from _texts(each, place, depth + 1)
        elif not isinstance(each, list | bool) and each is not None:
            yield place, name, each
