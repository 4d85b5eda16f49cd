"""Destinations: where profiles go, which of them, and as what."""

import re
from typing import Annotated, Any, Literal, Self

import jmespath
import pydantic
from jmespath.exceptions import JMESPathError, ParseError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    field_validator,
    model_validator,
)

from attendee_sync import attendee
from attendee_sync.mapping import evaluation, expressions, filters, function_calls

type Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]
# An attendee field of RainFocus, or the code of a custom attribute.
type Field = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
# Names of objects and lists within each other, such as payload.people.
type Place = Annotated[str, StringConstraints(pattern=r"^[^.]{1,64}(\.[^.]{1,64}){0,3}$")]

# Adobe's core labels and core marketing actions:
# https://experienceleague.adobe.com/en/docs/experience-platform/data-governance/labels/reference
# https://experienceleague.adobe.com/en/docs/experience-platform/data-governance/policies/overview
type Label = Literal[
    "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12",
    "I1", "I2", "S1", "S2", "PSPD", "RHD",
]  # fmt: skip
type MarketingAction = Literal[
    "analytics",
    "combine_with_directly_identifiable_data",
    "cross_site_targeting",
    "data_science",
    "email_targeting",
    "export_to_third_party",
    "onsite_advertising",
    "onsite_personalization",
    "segment_match",
    "single_identity_personalization",
]

# Compared as profile.names.fold does.
type AttributeName = Annotated[str, StringConstraints(pattern=r"\w", max_length=100)]


def _is_expression(text: str) -> str:
    try:
        expressions.compiled(text)
    except ParseError as error:
        position = getattr(error, "lex_position", None)
        where = f" at position {position}" if position is not None else ""
        raise ValueError(f"a JMESPath expression is expected; not one{where}: {text}") from None
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"a JMESPath expression is expected: {type(error).__name__}") from None
    evaluation.check_growth(jmespath.compile(text).parsed)
    return text


def _is_consent_path(path: str) -> str:
    if not _CONSENT_PATH.fullmatch(path) or path.startswith("consents.") or path.endswith(".val"):
        raise ValueError(
            "a path within consents is expected, without val, such as marketing.email or share"
        )
    return path


_CONSENT_PATH = re.compile(r"[A-Za-z]\w{0,39}(\.\w{1,40}){0,3}", re.ASCII)
type ConsentPath = Annotated[str, AfterValidator(_is_consent_path)]
type Text = Annotated[str, StringConstraints(max_length=2_000)]
type Expression = Annotated[Text, AfterValidator(_is_expression)]


class _DestinationSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_DestinationSettings):
    """What one attendee field gets.

    write says when: overwrite (a value replaces, an absent or empty one leaves alone),
    clear_on_null (like it, and an explicit null blanks), constant (always the text of value), or
    omit (never anything).
    """

    value: Text = ""
    write: Literal["overwrite", "clear_on_null", "constant", "omit"] = "overwrite"

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        if self.write == "omit" and self.value:
            raise ValueError("omit takes no value")
        if self.write != "omit" and not self.value:
            raise ValueError("value is missing")
        if self.write in ("overwrite", "clear_on_null"):
            _is_expression(self.value)
            function_calls.check(self.value)
        if self.write == "clear_on_null":
            expressions.explicit_null(self.value)
        return self


_UNSENT = object()


def _rule(value: Any) -> Any:
    if value is _UNSENT:
        raise ValueError("the address is always sent; only its expression can change")
    return {"value": value} if isinstance(value, str) else value


def _rules(given: Any) -> Any:
    """Mark a rule under which the e-mail address is not sent: its fault is told with others."""
    rule = given.get("email") if isinstance(given, dict) else None
    written = rule.get("write") if isinstance(rule, dict) else getattr(rule, "write", None)
    return given if written in (None, "overwrite") else {**given, "email": _UNSENT}


class Hashes(_DestinationSettings):
    """What happens where only a hash of the e-mail address is known."""

    only: Literal["reject", "send"] = pydantic.Field(
        "reject",
        description="What becomes of who is known by a hash of the e-mail address alone: reject, "
        "with a reason, or send the hash.",
    )
    field: Field = pydantic.Field(  # unverified; Adobe's name for it
        "email_lc_sha256", description="The attendee field in which a hash is sent."
    )


class Exits(_DestinationSettings):
    """What happens when a person leaves the audiences.

    With set, fields are written, for an attendee that was delivered before. A profile that has
    only left audiences never creates an attendee.
    """

    action: Literal["ignore", "set"] = pydantic.Field(
        "ignore",
        description="What happens when a person leaves the audiences: ignore, or set fields of an "
        "attendee that was delivered before. Who has only left never becomes an attendee.",
    )
    fields: dict[Field, str] = pydantic.Field(
        {}, description="With set: the attendee fields that are written, and their values."
    )

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        faults = []
        if (self.action == "set") != bool(self.fields):
            faults.append("fields are expected with set, and only there")
        if "email" in self.fields:
            faults.append("email can't be set")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class Destination(_DestinationSettings):
    """An event of a RainFocus organisation, the connection that leads there, and who is sent."""

    name: str = pydantic.Field("", description="A name by which you recognise this destination.")
    description: str = pydantic.Field("", description="A description, for whoever comes next.")
    connection: Name = pydantic.Field(
        "default", description="The connection that leads to RainFocus; AEP calls it the account."
    )
    event_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = (
        pydantic.Field(
            description="The code of RainFocus's event that attendees are stored for; AEP calls "
            "it Event ID."
        )
    )
    # It comes on top of the default mapping.
    mapping: Annotated[
        dict[Field, Annotated[Rule, BeforeValidator(_rule)]], BeforeValidator(_rules)
    ] = pydantic.Field(
        {},
        description="By attendee field, those of your own among them: a JMESPath expression over "
        "the profile in place of the usual names, a constant, or that it is never sent. What a "
        "sender leaves out blanks nothing; with clear_on_null an explicit null does.",
    )
    names: dict[Field, tuple[AttributeName, ...]] = pydantic.Field(
        {},
        description="By attendee field: names of attributes that hold it, before the usual ones.",
    )
    not_normalised: frozenset[Field] = pydantic.Field(
        frozenset(), description="Fields that are sent as they were pushed."
    )
    hashes: Hashes = Hashes()
    email_falls_back: bool = pydantic.Field(
        True,
        description="Look for the e-mail address at the usual places, where the mapped expression "
        "gives none.",
    )
    required_consents: tuple[ConsentPath, ...] = pydantic.Field(
        (),
        description="Paths within consents, such as marketing.email: who has not agreed to each "
        "of them is not sent.",
    )
    filter: Annotated[Expression, AfterValidator(filters.checked)] | None = pydantic.Field(
        None,
        description="A JMESPath condition: who does not meet it is not sent. is_member(@, 'ID') "
        "is true for members of an audience.",
    )
    exits: Exits = Exits()
    profiles_at: Place | None = pydantic.Field(
        None,
        description="Where in a body the list of profiles is, such as payload.people, if under "
        "none of the names that senders use.",
    )
    # Compared by the command line alone.
    marketing_actions: tuple[MarketingAction, ...] = pydantic.Field(
        (), description="What RainFocus's data is used for: Adobe's marketing actions."
    )
    labels: dict[Field, tuple[Label, ...]] = pydantic.Field(
        {},
        description="By attendee field: Adobe's data usage labels. What a policy forbids to send "
        "can't be stored.",
    )
    policies: dict[MarketingAction, tuple[Label, ...]] = pydantic.Field(
        {},
        description="By marketing action: the labels that forbid it, where that is not as Adobe's "
        "core policies have it.",
    )
    # Written by the command line alone: which queue profiles wait on (see messaging.lanes).
    # With moving it is the destination's own, whose delivery waits for what the other one holds.
    lane: Literal["shared", "moving", "own"] = "shared"
    # With moving: from when on what is pushed goes there, in epoch seconds; null: not yet.
    lane_from: int | None = None

    @field_validator("names")
    @classmethod
    def _names_are_of_fields(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        unknown = given.keys() - attendee.FIELDS.keys()
        if unknown:
            raise ValueError(f"not among RainFocus's fields: {', '.join(sorted(unknown))}")
        return given

    @field_validator("not_normalised")
    @classmethod
    def _email_is_normalised(cls, fields: frozenset[str]) -> frozenset[str]:
        faults = []
        unknown = fields - set(attendee.FIELDS)
        if unknown:
            faults.append(f"not among RainFocus's fields: {', '.join(sorted(unknown))}")
        if "email" in fields:
            faults.append("the e-mail address is always normalised: it tells who somebody is")
        if faults:
            raise ValueError("; ".join(faults))
        return fields
