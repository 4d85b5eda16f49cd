"""Mapping: what becomes of a profile at its destination.

Pure: it knows nothing of AWS. Delivery and preview decide with the same code.
"""

import functools
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, NamedTuple

from attendee_sync import attendee
from attendee_sync.mapping import expressions, filters, normalisation
from attendee_sync.mapping.destination import Destination, Rule
from attendee_sync.mapping.expressions import Search
from attendee_sync.mapping.normalisation import NotNormalisedError
from attendee_sync.outcome import Reason
from attendee_sync.profile import memberships, reader
from attendee_sync.profile.identity import EmailRule, identify

DEFAULT: Final[Mapping[str, str]] = {
    name: field.source for name, field in attendee.FIELDS.items() if field.source
}
LEFT_OUT = "left out"  # begins the remark on a field that is not sent


class Verdict(Enum):
    """What is to be done with a profile."""

    SEND = "send"
    EXIT = "exit"  # send what is set when a person leaves, if the attendee is known
    FILTER = "filter"
    REJECT = "reject"


# A field, and something worth knowing about it: never its value.
type Remark = tuple[str, str]


@dataclass(frozen=True)
class Decision:
    """What becomes of a profile, and why."""

    verdict: Verdict
    reason: Reason = Reason.NONE
    detail: str = ""  # the reason in words
    email_hash: str = ""  # SHA-256; tells whose it is
    fields: Mapping[str, str] = field(default_factory=dict)  # what RainFocus gets
    remarks: tuple[Remark, ...] = ()


_HAS_LEFT = Decision(Verdict.FILTER, Reason.LEFT_AUDIENCE, "left the audience")
_NOT_WANTED = Decision(Verdict.FILTER, Reason.FILTER, "the filter does not hold")


class _Field(NamedTuple):
    """How one attendee field is made, compiled."""

    name: str
    search: Search
    is_null: Search | None
    normalise: Callable[[str], str] | None


@dataclass(frozen=True)
class Mapper:
    """A destination's rules, compiled; see mapper()."""

    destination: Destination
    email: EmailRule
    fields: tuple[_Field, ...]
    sources: Mapping[str, str]  # what gives each field: an expression, or words

    def decide(self, document: reader.Json, foreign_state: str = "") -> Decision:
        """Say what becomes of a profile. Raises nothing, whatever the document holds.

        `foreign_state` names the field for states of countries whose states have no code.
        """
        read, email, email_hash, fault, email_remarks = identify(document, self.email)
        if fault:
            return Decision(Verdict.REJECT, fault.reason, fault.detail, email_hash)
        decision = replace(self._wanted(read), email_hash=email_hash)
        if decision.verdict is Verdict.FILTER:
            return decision
        fields = {"email": email} if email else {self.destination.hashes.field: email_hash}
        if decision.verdict is Verdict.EXIT:
            return replace(decision, fields=fields | self.destination.exits.fields)
        remarks: list[Remark] = [("email", text) for text in email_remarks]
        fields |= self.map(read, remarks, foreign_state)
        return replace(decision, fields=fields, remarks=tuple(remarks))

    def source_of(self, field: str, verdict: Verdict) -> str:
        """Return what gave a field its value: an expression over the profile, or words."""
        if verdict is Verdict.EXIT and field in self.destination.exits.fields:
            return "exits"
        if field == self.destination.hashes.field and field not in self.sources:
            return "the hash of the e-mail address that was pushed"
        return self.sources.get(field, self.sources["state"])  # it has the foreign state's name

    def _wanted(self, read: reader.Json) -> Decision:
        """Decide by audience and filter."""
        states = memberships.states(read)
        has_left = bool(states) and not states & memberships.MEMBER_STATES
        try:
            fits = not self.destination.filter or filters.holds(self.destination.filter, read)
        except expressions.UNANSWERED as error:
            why = f"the filter can't be evaluated: {type(error).__name__}"
            return Decision(Verdict.FILTER, Reason.FILTER_FAILED, why)
        if fits and not has_left:
            return Decision(Verdict.SEND)
        leaves = has_left or bool(states - memberships.MEMBER_STATES)
        if leaves and self.destination.exits.action == "set":
            return replace(_HAS_LEFT, verdict=Verdict.EXIT)
        return _HAS_LEFT if has_left else _NOT_WANTED

    def map(
        self, read: reader.Json, remarks: list[Remark], foreign_state: str = ""
    ) -> dict[str, str]:
        """Return the fields of a profile that was read, in one spelling each, but for the e-mail.

        What there is to remark on them is appended to the remarks.
        """
        fields: dict[str, str] = {}
        for name, search, is_null, normalise in self.fields:
            value = search(read)
            try:
                text = value if normalise and type(value) is str else _text(value)
                normalisation.check_length(text)
                tidy = normalise(text) if normalise and text else text
            except NotNormalisedError as error:
                remarks.append((name, f"{LEFT_OUT}: {error.reason}"))
                continue
            if text:
                if tidy:
                    fields[name] = tidy
                if tidy != text:
                    remarks.append((name, "normalised"))
            elif is_null and is_null(read):
                fields[name] = ""
                remarks.append((name, "blanked by an explicit null"))
        if fields.get("state") and "state" not in self.destination.not_normalised:
            _place_state(fields, foreign_state, remarks)
        return fields


def _place_state(fields: dict[str, str], foreign_state: str, remarks: list[Remark]) -> None:
    """Bring the state to its code, or to the field for states that have none."""
    text = fields.pop("state")
    try:
        state = normalisation.state(text, fields.get("countryid"))
    except NotNormalisedError as error:
        remarks.append(("state", f"{LEFT_OUT}: {error.reason}"))
        return
    if state.code:
        fields["state"] = state.code
        if state.code != text:
            remarks.append(("state", "normalised"))
    elif state.foreign and foreign_state:
        fields[foreign_state] = state.foreign
        remarks.append(("state", f"sent as {foreign_state}"))
    elif state.foreign:
        remarks.append(("state", f"{LEFT_OUT}: RainFocus has no codes for this country"))


def rules(destination: Destination) -> dict[str, Rule]:
    """Return the rule of every field: the default mapping, and on top the destination's own."""
    return {name: Rule(value=value) for name, value in DEFAULT.items()} | destination.mapping


@functools.lru_cache(maxsize=256)
def mapper(text: str) -> Mapper:
    """Return the compiled rules of a destination's JSON text.

    Raises pydantic.ValidationError.
    """
    destination = Destination.model_validate_json(text)
    by_field = rules(destination)
    email = by_field.pop("email", None)
    written = {name: rule for name, rule in by_field.items() if rule.write != "omit"}
    sources = {
        name: "a constant" if rule.write == "constant" else rule.value
        for name, rule in written.items()
    }
    return Mapper(
        destination,
        EmailRule(
            expressions.lenient(email.value) if email else None,
            falls_back=destination.email_falls_back,
            takes_hashes=destination.hashes.only == "send",
        ),
        tuple(_field(name, rule, destination.not_normalised) for name, rule in written.items()),
        {"email": email.value if email else "the e-mail rule", "state": "", **sources},
    )


def _field(name: str, rule: Rule, not_normalised: Collection[str]) -> _Field:
    normalise = None if name in not_normalised else normalisation.BY_FIELD.get(name)
    if rule.write == "constant":
        return _Field(name, lambda _read: rule.value, None, normalise)
    is_null = expressions.explicit_null(rule.value) if rule.write == "clear_on_null" else None
    return _Field(name, expressions.lenient(rule.value), is_null, normalise)


def _text(value: Any) -> str:
    """Return a value as a field's text; what is no single value gives nothing.

    Raises NotNormalisedError for a number of more digits than a field has characters.
    """
    if isinstance(value, str):
        return "" if value.isspace() else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        normalisation.check_digits(value)  # Python writes no number of more than 4,300 digits
        return str(value)
    return str(value) if isinstance(value, float) and math.isfinite(value) else ""
