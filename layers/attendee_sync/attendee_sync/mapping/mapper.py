"""Mapping: what becomes of a profile at its destination.

Pure: it knows nothing of AWS. Delivery and preview decide with the same code.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from attendee_sync.mapping import expressions, filters, function_calls
from attendee_sync.mapping.destination import Destination
from attendee_sync.mapping.field_rules import FieldRules, Remark
from attendee_sync.outcome import Reason
from attendee_sync.profile import consents, memberships, reader, unread
from attendee_sync.profile.candidates import Path
from attendee_sync.profile.identity import EmailRule, Identity, identify
from attendee_sync.profile.unread import Unread


class Verdict(Enum):
    """What is to be done with a profile."""

    SEND = "send"
    EXIT = "exit"  # send what is set when a person leaves, if the attendee is known
    FILTER = "filter"
    REJECT = "reject"
    WAIT = "wait"  # until the destination's settings are mended


@dataclass(frozen=True)
class Decision:
    """What becomes of a profile, and why."""

    verdict: Verdict
    reason: Reason = Reason.NONE
    detail: str = ""  # the reason in words
    email_hash: str = ""  # SHA-256; tells whose it is
    fields: Mapping[str, str] = field(default_factory=dict)  # what RainFocus gets
    remarks: tuple[Remark, ...] = ()
    sources: Mapping[str, str | Path] = field(default_factory=dict)  # what gave the fields, or
    paths: Mapping[str, Path] = field(default_factory=dict)  # else where they stand


_WANTED = Decision(Verdict.SEND)
_HAS_LEFT = Decision(Verdict.FILTER, Reason.LEFT_AUDIENCE, "left the audience")
_NO_CONSENT = Decision(Verdict.FILTER, Reason.NO_CONSENT, "has opted out, or never agreed")
_NOT_WANTED = Decision(Verdict.FILTER, Reason.FILTER, "the filter does not hold")


@dataclass(frozen=True)
class Mapper:
    """A destination's rules, compiled; see mapper()."""

    destination: Destination
    email: EmailRule
    fields: FieldRules

    def identify(self, document: reader.Json) -> Identity:
        """Say who a profile is, and read it. Raises nothing, whatever the document holds."""
        return identify(document, self.email)

    def decide(self, document: reader.Json, foreign_state: str = "") -> Decision:
        """Say what becomes of a profile. Raises nothing, whatever the document holds.

        `foreign_state` names the field for states of countries whose states have no code.
        """
        return self.decide_on(self.identify(document), foreign_state)

    def decide_on(self, identity: Identity, foreign_state: str = "") -> Decision:
        """Say what becomes of a profile that was identified; see decide()."""
        read, email, email_hash = identity.profile, identity.email, identity.email_hash
        fault = identity.fault
        if fault:
            return Decision(Verdict.REJECT, fault.reason, fault.detail, email_hash)
        decision = replace(self._wanted(read, email_hash), email_hash=email_hash)
        if decision.verdict in (Verdict.FILTER, Verdict.WAIT):
            return decision
        fields = {"email": email} if email else {self.destination.hashes.field: email_hash}
        if decision.verdict is Verdict.EXIT:
            return replace(decision, fields=fields | self.destination.exits.fields)
        mapped = self.fields.map(read, identity.found, foreign_state)
        remarks = [("email", text) for text in identity.remarks] + mapped.remarks
        return replace(
            decision,
            fields=fields | mapped.fields,
            remarks=tuple(remarks),
            sources=mapped.sources,
            paths=identity.found.paths,
        )

    def unread(self, identity: Identity) -> list[Unread]:
        """Return the attributes of a profile that neither a field nor an expression reads."""
        return unread.find(identity.profile, identity.found, self.fields.names, self._named)

    @functools.cached_property
    def _named(self) -> frozenset[str]:
        """The names that the destination's expressions look for."""
        rules = self.destination.mapping.values()
        texts = [rule.value for rule in rules if rule.write in ("overwrite", "clear_on_null")]
        if self.destination.filter:
            texts.append(self.destination.filter)
        return frozenset().union(*map(function_calls.names_in, texts))

    def source_of(self, field: str, decision: Decision) -> str:
        """Return what gave a field its value: names or an expression, or words."""
        source = decision.sources.get(field) or decision.paths.get(field)
        if source and field != "email":  # which EmailRule says
            return source if isinstance(source, str) else ".".join(source)
        if decision.verdict is Verdict.EXIT and field in self.destination.exits.fields:
            return "exits"
        if field == self.destination.hashes.field:
            return "the hash of the e-mail address that was pushed"
        rule = self.destination.mapping.get("email")
        return rule.value if rule else "the e-mail rule"

    def _wanted(self, read: reader.Json, email_hash: str) -> Decision:
        """Decide by audience, required consents and filter."""
        if memberships.has_left(read):
            return self._left()
        decision = self._by_consents(read, email_hash) or self._by_filter(read, email_hash)
        if decision.verdict is not Verdict.FILTER or self.destination.exits.action != "set":
            return decision
        return self._left() if memberships.has_left_one(read) else decision

    def _by_consents(self, read: reader.Json, email_hash: str) -> Decision | None:
        """Decide on who has not agreed to all that the destination requires."""
        missing = [
            path
            for path in self.destination.required_consents
            if not consents.agrees(read, path, email_hash)
        ]
        return (
            replace(_NO_CONSENT, detail=f"no consent to {', '.join(missing)}") if missing else None
        )

    def _by_filter(self, read: reader.Json, email_hash: str) -> Decision:
        if not self.destination.filter:
            return _WANTED
        try:
            unmet = filters.unmet(self.destination.filter, read, email_hash)
        except expressions.UNANSWERED as error:
            why = f"the filter can't be evaluated: {type(error).__name__}"
            return Decision(Verdict.WAIT, Reason.FILTER_FAILED, why)
        if not unmet:
            return _WANTED
        return _NO_CONSENT if unmet is Reason.NO_CONSENT else _NOT_WANTED

    def _left(self) -> Decision:
        is_set = self.destination.exits.action == "set"
        return replace(_HAS_LEFT, verdict=Verdict.EXIT) if is_set else _HAS_LEFT


@functools.lru_cache(maxsize=256)
def mapper(text: str) -> Mapper:
    """Return the compiled rules of a destination's JSON text.

    Raises pydantic.ValidationError.
    """
    destination = Destination.model_validate_json(text)
    email, fields = destination.mapping.get("email"), FieldRules(destination)
    return Mapper(
        destination,
        EmailRule(
            expressions.lenient(email.value) if email else None,
            falls_back=destination.email_falls_back,
            takes_hashes=destination.hashes.only == "send",
            table=fields.names,
        ),
        fields,
    )
