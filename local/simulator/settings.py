"""The simulator's settings: who may call, and the dialect each organisation insists on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

STANDARD_FIELDS = (
    "address1",
    "address2",
    "city",
    "companyname",
    "countryid",
    "email",
    "firstname",
    "lastname",
    "jobtitle",
    "phone",
    "state",
    "zip",
)
IDENTIFIERS = ("attendeeId", "clientId", "externalId", "email_lc_sha256")

Name = Annotated[str, Field(min_length=1)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
PathSegment = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
MatchKey = Literal["email", "clientId", "externalId", "email_lc_sha256"]


class Environment(StrEnum):
    """A RainFocus environment: a backend of its own, whose tokens no other one accepts."""

    PROD = "prod"
    STG = "stg"
    DEV = "dev"


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenRules(_Rules):
    """How a token is asked for, and how the answer looks.

    `scope` must be sent exactly so, and none may be sent if it is null. `parameters` are extra
    form parameters that must be sent with these values. `expires_in_raw` is what the answer's
    `expires_in` holds when `expires_in` is "raw".
    """

    client_auth: Literal["body", "basic", "any"] = "any"
    scope: Name | None = None
    parameters: dict[str, str] = {}
    lifetime_seconds: Annotated[int | float, Field(gt=0)] = 3600
    expires_in: Literal["number", "text", "absent", "raw"] = "number"
    expires_in_raw: JsonValue = None


class ApiProfileRules(_Rules):
    """Where the API profile is named, under which name, and by what."""

    place: Literal["off", "header", "query", "both"] = "header"
    name: HeaderName = "apiProfile"
    value: Literal["client_id", "profile_token"] = "client_id"

    def asks(self, place: Literal["header", "query"]) -> bool:
        """Tell whether the API profile must be sent in this place."""
        return self.place in (place, "both")


class EventRules(_Rules):
    """Where attendee/store expects the event code, and under which key."""

    key: Name = "event"
    place: Literal["body", "query", "both"] = "body"

    def asks(self, place: Literal["body", "query"]) -> bool:
        """Tell whether the event code must be sent in this place."""
        return self.place in (place, "both")


class BodyRules(_Rules):
    """The kind of body: a JSON object, a form, an array of one object, or an object under a key."""

    kind: Literal["json", "form", "array", "wrapped"] = "json"
    wrapped_under: Name = "attendee"


class FieldRules(_Rules):
    """The names of the attendee fields.

    `renames` maps a standard name to the one the organisation uses instead; the standard one is
    then refused. `custom` are further known names. `unknown` tells what becomes of all others.
    """

    renames: dict[str, Name] = {}
    custom: list[Name] = []
    unknown: Literal["accept", "reject"] = "accept"

    def wire_name(self, standard_name: str) -> str:
        """Return the organisation's name of a field."""
        return self.renames.get(standard_name, standard_name)

    def refuses(self, name: str) -> bool:
        """Tell whether a field of this name is refused."""
        if name in self.renames.values():
            return False
        if name in self.renames:
            return True
        if self.unknown == "accept":
            return False
        return name not in (*STANDARD_FIELDS, *IDENTIFIERS, *self.custom)


class Organisation(_Rules):
    """One organisation in one environment: its API profile, its events and its dialect."""

    client_id: Name
    client_secret: Name
    profile_token: Name
    events: list[Name]
    attendee_store_enabled: bool = True
    version: Literal["v2", "v3"] = "v3"
    oauth: bool = True
    token: TokenRules = TokenRules()
    api_profile: ApiProfileRules = ApiProfileRules()
    event: EventRules = EventRules()
    body: BodyRules = BodyRules()
    fields: FieldRules = FieldRules()
    match_key: MatchKey = "email"

    @property
    def match_field(self) -> str:
        """The organisation's name of the field that tells attendees apart."""
        return self.fields.wire_name(self.match_key)


class Settings(_Rules):
    """All settings: organisations by environment and org id."""

    environments: dict[Environment, dict[PathSegment, Organisation]]

    @model_validator(mode="after")
    def _client_ids_are_unique(self) -> Self:
        for environment, organisations in self.environments.items():
            client_ids = {organisation.client_id for organisation in organisations.values()}
            if len(client_ids) < len(organisations):
                msg = f"two organisations share a client_id in {environment}"
                raise ValueError(msg)
        return self

    def organisation(self, environment: Environment, org: str) -> Organisation | None:
        """Return an organisation, or None if the environment has none of that id."""
        return self.environments.get(environment, {}).get(org)

    def org_of_client(self, environment: Environment, client_id: str) -> str | None:
        """Return the org id that a client id belongs to, or None."""
        for org, organisation in self.environments.get(environment, {}).items():
            if organisation.client_id == client_id:
                return org
        return None

    def merged(self, patch: Mapping[str, Any]) -> "Settings":
        """Return the settings with a JSON merge patch (RFC 7396) applied.

        A null removes an organisation or brings back a default. Raises ValidationError.
        """
        document = self.model_dump(mode="json")
        return Settings.model_validate(_merge(document, patch))


def default_settings() -> Settings:
    """Return the settings of a fresh simulator: organisation acme in every environment."""
    acme = Organisation(
        client_id="demo-client",
        client_secret="demo-secret",  # noqa: S106  # pragma: allowlist secret
        profile_token="demo-profile-token",  # noqa: S106
        events=["summit2026", "roadshow2026"],
    )
    return Settings(environments={environment: {"acme": acme} for environment in Environment})


def _merge(document: object, patch: object) -> object:
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged
