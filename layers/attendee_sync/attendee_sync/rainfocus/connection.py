"""Connections: how one RainFocus API profile is reached, and how its API is spoken.

RainFocus publishes no API reference. So whatever is not known for sure is a setting; each
default below names where it is seen, or is called unverified.
"""

import functools
import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from jmespath.exceptions import JMESPathError
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from attendee_sync.mapping import function_calls
from attendee_sync.rainfocus import templates

type Environment = Literal["prod", "stg", "dev"]
type Place = Literal["body", "query", "both"]

# prod and stg are seen in several public clients; dev in one allow-list only (unverified).
HOSTS: Final[dict[Environment, str]] = {
    "prod": "https://events.rainfocus.com",
    "stg": "https://events-stg.rainfocus.com",
    "dev": "https://events-dev.rainfocus.com",
}
_URL = r"https?://[^\s/?#\\]+(/[^\s?#\\]*)?"


def _without_eavesdroppers(url: str) -> str:
    """Refuse an address on whose way secrets and people's data could be read."""
    if not url:
        return url
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # it quotes what was given
        is_address = False
    if not is_address:
        raise ValueError("a URL whose host and port can be read")
    if "@" in parts.netloc:
        raise ValueError("a URL without a user or password; `credentials set` stores secrets")
    if parts.scheme == "http" and not _is_on_this_machine(parts.hostname or ""):
        raise ValueError("https://, since http:// shows the secrets to all on its way")
    return url


def _is_on_this_machine(host: str) -> bool:
    """Tell whether a host is this machine, or that of the local cloud which is set for all of AWS.

    Containers reach a local cloud at an address other than loopback. Where AWS itself is called
    by plain HTTP at that address, the secrets have come that way already.
    """
    local_cloud = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if host == "localhost" or (local_cloud.scheme == "http" and host == local_cloud.hostname):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# A member of a JSON object, a form field or a query parameter, such as attendee[first name].
_IN_KEY = r"\w.:@$()\[\]/-"  # nothing that would leave its place in XML
KEY_PATTERN: Final = rf"^[{_IN_KEY}]([ {_IN_KEY}]*[{_IN_KEY}])?$"
# The length is no part of the pattern: pydantic's engine takes 6 ms to compile \w{0,62}.
type Key = Annotated[str, StringConstraints(max_length=64, pattern=KEY_PATTERN)]
type Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
# A parameter may have it, too.
type HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(_Settings):
    """How calls are authenticated.

    Adobe's form asks for the client id and secret of an API profile "with OAuth (Global)"; that
    this is the client-credentials grant is inferred. Where and how the token is asked for is not
    published.
    """

    # profile_token: API profiles without OAuth show a token of their own (seen in three clients).
    kind: Literal["oauth", "profile_token"] = Field(
        "oauth",
        description="oauth: a client id and secret, as an API profile with OAuth (Global) has "
        "them; profile_token: a token of the API profile's own.",
    )
    # No default, since none is known. RainFocus's OpenID discovery names {base}/oidc/token, but
    # does not list the client-credentials grant.
    token_url: Annotated[
        str,
        StringConstraints(pattern=rf"^({_URL}(\?\S*)?)?$"),
        AfterValidator(_without_eavesdroppers),
    ] = Field(
        "",
        description="Where an access token is asked for. It is not published: ask RainFocus.",
    )
    # unverified. basic_plain: id and secret as they are (RFC 7617), not form-encoded (RFC 6749);
    # json: in a JSON body; query: in the address, where logs of servers may keep them.
    client_auth: Literal["body", "basic", "basic_plain", "json", "query"] = Field(
        "body", description="How client id and secret are shown there; Doctor finds it out."
    )
    scope: str = Field("", description="A scope to ask for, if RainFocus names one.")  # unverified
    parameters: dict[Key, str] = {}  # unverified: none
    # In seconds, where the token endpoint does not say (unverified).
    assumed_lifetime: Annotated[int, Field(ge=60, le=86_400)] = 600


class ApiProfile(_Settings):
    """The parameter with which a call says whose it is.

    The API asks for it (HTTP 400 and code 103 without it). That the client id is its value with
    OAuth is inferred from Adobe's form, which collects nothing else.
    """

    place: Literal["off", "header", "query", "both"] = "header"  # all but off are seen
    name: HeaderName = "apiProfile"  # rfApiProfileId in calls made for attendees
    value: Literal["client_id", "profile_token"] = "client_id"  # unverified


class Event(_Settings):
    """Where the event code stands: in the body of a public client's attendee/update."""

    key: Key = "event"
    place: Place = "body"  # unverified for attendee/store


class Body(_Settings):
    """The shape of what is sent: one flat JSON object in all public clients."""

    kind: Literal["json", "form", "multipart", "array", "wrapped"] = "json"
    wrapped_under: Key = "attendee"  # only with wrapped; unverified


class Fields(_Settings):
    """What attendee fields are called, and by which RainFocus knows a person."""

    # By attendee field, e.g. {"state": "stateId", "countryid": "countryId"} as a v2 client has it.
    names: dict[Key, Key] = {}
    constants: dict[Key, str] = {}
    # Where the state goes for countries whose states have no code; empty: nowhere. A v2 client
    # has it in foreignstate (seen once).
    foreign_state: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]{1,64})?$")] = ""
    # Unverified: e-mail. Another key gets the e-mail address or its hash as well.
    match_key: Key = "email"
    match_value: Literal["email", "email_sha256"] = "email"


type Status = Annotated[int, Field(ge=100, le=599)]


class Sign(_Settings):
    """What an answer is known by: all that is given of status, code and words."""

    status: Status | None = None
    code: Code | None = None
    # Without regard to case: in the message or, if there is none, anywhere in the body.
    words: Annotated[str, StringConstraints(min_length=3, max_length=200)] | None = None

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if self.status is None and self.code is None and self.words is None:
            raise ValueError("one of status, code and words is missing")
        return self


# A text is a code, a number is a status.
type Signs = tuple[Code | Status | Sign, ...]


def _expression(text: str) -> str:
    """Return an expression that looks at status, headers or body.

    One that names none of them looks at the body; names with a hyphen need no quotes there.
    """
    if _NAMES.fullmatch(text) and text.partition(".")[0] not in _ROOTS:
        return ".".join(["body", *(f'"{name}"' for name in text.split("."))])
    try:
        function_calls.check(text)
        if not function_calls.names_in(text) & _ROOTS:
            return f"body | {text}"
    except JMESPathError:
        raise ValueError("a JMESPath expression is expected") from None
    return text


_NAMES = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ROOTS = frozenset({"status", "headers", "body"})
# JMESPath over {"status", "headers", "body"} of an answer, headers by lower-case names.
type Expression = Annotated[
    str, StringConstraints(max_length=1_000, pattern=r"\S"), AfterValidator(_expression)
]


class Answers(_Settings):
    """How answers are read.

    Success is HTTP 2xx and one of the success codes, or what `success` says in their place. What
    else an answer means is said by its signs. A sign with a status, or with words, counts before
    what the status means by itself; a code alone counts after a passing status (429, 503 …).
    """

    code: Expression = "body.responseCode"  # seen
    message: Expression = "body.responseMessage"  # seen
    attendee_id: Expression = "body.attendeeId"  # seen
    success_codes: frozenset[Code] = frozenset({"0"})  # seen in all clients
    success: Expression | None = None
    # Results within the answer, each read as an answer of its own: all must be successes.
    inner: Expression | None = None
    # Stored settings may have the names of version 0.1 (passing_codes) and 0.2 (…_codes).
    transient: Annotated[
        Signs,
        Field(validation_alias=AliasChoices("transient", "transient_codes", "passing_codes")),
    ] = ()
    token: Signs = ()  # beside 401: another token may help
    # 101: invalid API profile (one weak source). 124: access to the endpoint denied (seen).
    configuration: Annotated[
        Signs, Field(validation_alias=AliasChoices("configuration", "configuration_codes"))
    ] = ("101", "124")
    profile: Annotated[Signs, Field(validation_alias=AliasChoices("profile", "profile_codes"))] = ()

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Self:
        groups = (
            self.success_codes,
            *map(set, (self.transient, self.token, self.configuration, self.profile)),
        )
        if len(frozenset().union(*groups)) < sum(map(len, groups)):
            raise ValueError("a code can have one meaning only")
        return self


# What templates have places for.
_OF_CONNECTION = frozenset({"base", "org_id", "version"})
_OF_CALL = _OF_CONNECTION | {
    "call",
    "client_id",
    "profile_token",
    "access_token",
    "event",
    "email",
    "email_sha256",
    "call_id",  # of each call its own: a random UUID
    templates.RECORD,
    templates.RECORD_JSON,
    templates.FIELD,
    templates.VALUE,
}
_OF_TOKEN_CALL = _OF_CONNECTION | {
    "client_id",
    "client_secret",
    "profile_token",
    "basic",
    "basic_plain",
}


class CallTemplate(_Settings):
    """A call in one's own words. Headers and parameters are added to the usual ones.

    An empty text leaves one out. The body stands in the place of the usual one; a text is XML.
    Secrets have places, such as {client_secret}, and are never written here.
    """

    query: dict[Key, str] = {}
    headers: dict[HeaderName, str] = {}
    body: dict[str, JsonValue] | list[JsonValue] | str | None = None

    def _check(self, known: frozenset[str]) -> None:
        given = self.model_dump(include={"url", *CallTemplate.model_fields})
        unknown = {
            name for name in templates.places_in(given) if not templates.is_place(name, known)
        }
        if unknown:
            names = ", ".join(sorted(known))
            raise ValueError(
                f"a template without unknown places; there are {names}; "
                "other braces have a blank inside, such as { id }"
            )
        for path, text in templates.texts_in(given):
            if templates.looks_secret(path, text):
                raise ValueError(f"a place, such as {{client_id}}, for the secret in {path}")


class Call(CallTemplate):
    """attendee/store in one's own words, where the settings beside it can't say it."""

    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    # In place of the usual address; parameters stand in `query`.
    url: Annotated[str, StringConstraints(pattern=r"^((https?://|\{base\})[^\s?#\\]*)?$")] = ""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        self._check(_OF_CALL)
        _without_eavesdroppers(self.url.replace("{base}", HOSTS["prod"]))
        return self


class TokenCall(CallTemplate):
    """How a token is asked for, where `auth` can't say it; its address is auth.token_url."""

    method: Literal["POST", "GET", "PUT"] = "POST"
    token: Expression = "body.access_token"  # noqa: S105 - where one stands
    lifetime: Expression = "body.expires_in"
    lifetime_unit: Literal["milliseconds", "seconds", "minutes", "hours"] = "seconds"
    # In place of it: a moment, as a number of seconds or milliseconds since 1970, in ISO 8601, or
    # as HTTP writes dates.
    expires_at: Expression | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        self._check(_OF_TOKEN_CALL)
        return self


class Limits(_Settings):
    """How much of RainFocus a connection takes. Its rate limits are not published."""

    connect_timeout: Annotated[float, Field(gt=0, le=10)] = 3.0  # seconds
    read_timeout: Annotated[float, Field(gt=0, le=20)] = 10.0  # seconds, at most
    # Seconds that an answer is waited for at first; doubled after each time-out, for a day.
    first_read_timeout: Annotated[float, Field(gt=0, le=20)] = 2.0
    # So many time-outs in a row in one delivery, with no success between, pause the connection.
    timeouts_to_pause: Annotated[int, Field(ge=1, le=100)] = 1
    # Over all deliveries at once; 0 sets no limit.
    requests_per_second: Annotated[
        float,
        Field(
            ge=0,
            le=10_000,
            description="Calls a second over all deliveries; 0 sets no limit but what RainFocus's "
            "429s teach.",
        ),
    ] = 0.0
    # Calls at once in one delivery; MaximumConcurrency deliveries run side by side.
    concurrency: Annotated[int, Field(ge=1, le=10)] = 10
    # Likewise at the beginning and after a pause; one more with each round that succeeds.
    first_concurrency: Annotated[int, Field(ge=1, le=10)] = 3

    @property
    def longest_call(self) -> float:
        """Seconds that a call can take, from looking up the host to the answer's last byte."""
        return self.connect_timeout + self.read_timeout


type Preset = Literal["", "adobe-form", "v3-profile-token", "v2", "attendee-side"]
# What public clients are seen to do; docs/rainfocus.md says where.
_PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "adobe-form": {},  # the defaults: what Adobe's form asks for
    "v3-profile-token": {
        "auth": {"kind": "profile_token"},
        "api_profile": {"value": "profile_token"},
    },
    "v2": {
        "version": "v2",
        "auth": {"kind": "profile_token"},
        "api_profile": {"place": "both", "value": "profile_token"},
        "fields": {
            "names": {"state": "stateId", "countryid": "countryId"},
            "foreign_state": "foreignstate",
        },
    },
    "attendee-side": {
        "version": "v2",
        "auth": {"kind": "profile_token"},
        "api_profile": {"name": "rfApiProfileId", "value": "profile_token"},
    },
}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings over others, section by section."""
    return {
        **below,
        **{
            name: _merged(below[name], value)
            if isinstance(value, dict) and isinstance(below.get(name), dict)
            else value
            for name, value in above.items()
        },
    }


# Marks a setting of a connection that decides neither where an attendee is stored nor as what.
_DECIDES_NOTHING: Final = "decides nothing of what is stored"


class Connection(_Settings):
    """One RainFocus API profile. Its credentials stand in a secret of the same name.

    A change of a setting has everybody delivered again, unless it is marked as deciding nothing:
    of two mistakes with a new one, to store once too often is the smaller.
    """

    environment: Environment = Field(
        "prod", description="RainFocus's environment: production, staging or development."
    )
    org_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = Field(
        description="The orgid of your RainFocus instance; AEP calls it Org ID."
    )
    # In place of the environment's host.
    base_url: Annotated[
        str, StringConstraints(pattern=rf"^({_URL})?$"), AfterValidator(_without_eavesdroppers)
    ] = Field("", description="The API's address, in place of the environment's own.")
    # v3 in the only public code that calls attendee/store (weak), v2 in all older clients.
    version: Literal["v3", "v2"] = Field("v3", description="The version of RainFocus's API.")
    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./{}-]*$")] = (
        "/api/{org_id}/{version}/{call}"
    )
    # Settings of a known client, below those that are given.
    preset: Annotated[Preset, _DECIDES_NOTHING] = Field(
        "", description="Settings of a known client, below those that are given here."
    )
    auth: Annotated[Auth, _DECIDES_NOTHING] = Auth()
    token_call: Annotated[TokenCall, _DECIDES_NOTHING] = TokenCall()
    call: Call = Call()
    api_profile: Annotated[ApiProfile, _DECIDES_NOTHING] = ApiProfile()
    event: Event = Event()
    body: Body = Body()
    fields: Fields = Fields()
    answers: Annotated[Answers, _DECIDES_NOTHING] = Answers()
    limits: Annotated[Limits, _DECIDES_NOTHING] = Limits()
    _name: str = PrivateAttr("")

    @model_validator(mode="before")
    @classmethod
    def _over_its_preset(cls, given: Any) -> Any:
        preset = given.get("preset") if isinstance(given, dict) else None
        known = _PRESETS.get(preset) if isinstance(preset, str) else None
        return _merged(known, given) if known else given

    @property
    def name(self) -> str:
        """The name under which it is stored; empty if it is not."""
        return self._name

    def named(self, name: str) -> Self:
        """Return the connection with the name under which it is stored."""
        made = self.model_copy()
        made._name = name
        return made

    @field_validator("base_url")
    @classmethod
    def _without_last_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("path")
    @classmethod
    def _names_the_call(cls, path: str) -> str:
        try:
            path.format(org_id="", version="", call="")
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ValueError("only {org_id}, {version} and {call} can stand in braces") from None
        if "{call}" not in path:
            raise ValueError("{call} is missing")
        return path

    def deciding_settings(self) -> dict[str, Any]:
        """Return the settings that decide where an attendee is stored and as what."""
        fields = type(self).model_fields.items()
        idle = {name for name, field in fields if _DECIDES_NOTHING in field.metadata}
        # Not there: as it was before there were templates, so that nobody is delivered again.
        return self.model_dump(exclude=idle if self.call != Call() else {*idle, "call"})

    @functools.cached_property
    def digest(self) -> str:
        """A digest of all that decides if and how RainFocus is understood."""
        text = json.dumps(self.model_dump(exclude={"limits"}), sort_keys=True, default=sorted)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def base(self) -> str:
        """Address of the API, without a slash at its end."""
        return self.base_url or HOSTS[self.environment]

    def with_read_timeout(self, seconds: float) -> Self:
        """Return the connection with another time for an answer."""
        limits = self.limits.model_copy(update={"read_timeout": seconds})
        return self.model_copy(update={"limits": limits})

    def places(self, call: str = "") -> dict[str, str]:
        """Return what stands in all templates of the connection."""
        return {"base": self.base, "org_id": self.org_id, "version": self.version, "call": call}

    def url(self, call: str) -> str:
        """Return the usual address of an API call such as `attendee/store`."""
        return self.base + self.path.format(org_id=self.org_id, version=self.version, call=call)


@functools.lru_cache(maxsize=256)
def connection_of(name: str, text: str) -> Connection:
    """Return the connection that is stored as a JSON text, read once.

    Raises pydantic.ValidationError.
    """
    return Connection.model_validate_json(text).named(name)


def faults_of(error: ValidationError) -> str:
    """Return which settings are not valid, and of addresses why. Nothing that was given is told."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(map(_fault, details))


def _fault(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "an unknown setting"
    path = ".".join(map(str, detail["loc"][:2])) or "no JSON object"  # below stand given keys
    if path not in ("base_url", "auth.token_url") or detail["type"] != "value_error":
        return path
    return f"{path} must be {detail['msg'].removeprefix('Value error, ')}"
