"""Planning: what a message asks for, before anything is done about it.

Delivery acts on plans; a redrive counts what would come of them.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync import attendee
from attendee_sync.aws import clients
from attendee_sync.aws.settings import Settings, SettingsUnavailableError
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.mapping import mapper
from attendee_sync.mapping.expressions import UNANSWERED
from attendee_sync.mapping.field_rules import Remark
from attendee_sync.mapping.mapper import Mapper, Verdict
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind, Reason, Retry, RetryLaterError
from attendee_sync.profile.identity import identify
from attendee_sync.rainfocus.connection import Connection, connection_of, faults_of

_NEVER_CAME = Outcome(
    OutcomeKind.FILTERED, Reason.LEFT_AUDIENCE, "left the audience, and was never delivered"
)
_OVERTAKEN = Outcome(
    OutcomeKind.STALE, Reason.OVERTAKEN, "a newer one of this attendee was settled before"
)
_ERASED = Outcome(
    OutcomeKind.FILTERED,
    Reason.ERASED,
    "the person was erased, and is blocked until that is lifted",
)
_NO_PROFILE = Outcome(OutcomeKind.REJECTED, Reason.MALFORMED, "not a JSON object")
_NO_DESTINATION = Outcome(
    OutcomeKind.REJECTED, Reason.UNKNOWN_DESTINATION, "there is no destination of this name"
)
_VERSION_DIGITS = 12
# Settings of a destination.
_DECIDE_NOTHING = frozenset(
    {"name", "description", "profiles_at", "lane", "lane_from"}
    | {"marketing_actions", "labels", "policies"}
)


@dataclass(frozen=True)
class Target:
    """Where attendees of one destination are stored, and by which rules."""

    connection: Connection
    event_code: str
    mapping_version: str  # changes with all that decides what is stored


@dataclass(frozen=True)
class Plan:
    """What a message asks for."""

    message: QueuedProfile
    outcome: Outcome | None = None  # if it has one without a call
    attendee: str = ""  # attendee.key, as far as it is known whose the profile is
    person: str = ""  # attendee.person_key, likewise
    target: Target | None = None
    fields: Mapping[str, str] = field(default_factory=dict)  # what RainFocus gets
    is_exit: bool = False
    remarks: tuple[Remark, ...] = ()
    is_erased: bool = False  # the person is blocked

    def unsent(self, entry: LedgerEntry | None, *, follows: bool = False) -> Outcome | None:
        """Return the outcome if nothing is to be sent, by what the ledger knows of the attendee.

        `follows` tells that something else of the attendee is to be delivered just before.
        """
        if self.is_erased:
            return _ERASED
        if entry and self.message.version.is_before(entry.version):
            return _OVERTAKEN
        if self.outcome:
            return self.outcome
        if self.is_exit and not follows and not (entry and entry.was_delivered):
            return _NEVER_CAME
        return None


@dataclass(frozen=True)
class Planner:
    """Plans by the settings of one stack."""

    settings: Settings

    def plan(self, message: QueuedProfile) -> Plan:
        """Return what a message asks for. It raises nothing: a fault is in the plan's outcome.

        An error that nobody expected is tried again at first, and then rejects the message.
        """
        try:
            return self._plan(message)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the batch
            outcome = retry(error)
            if message.attempt < RetryPolicy.max_internal_errors or (
                outcome.reason is not Reason.INTERNAL_ERROR
            ):
                return Plan(message, outcome)
            # Whose it is may not be known: the group is the attendee's key.
            rejected = replace(outcome, kind=OutcomeKind.REJECTED)
            return Plan(message, rejected, attendee=message.group)

    def _plan(self, message: QueuedProfile) -> Plan:
        document = _document(message.body)
        if document is None:
            return Plan(message, _NO_PROFILE)
        text = self.settings.destination(message.destination)
        if text is None:
            return Plan(message, _NO_DESTINATION)
        rules = _rules(text)
        target = _target(text, rules, self._connection(rules.destination.connection))
        decision = rules.decide(document, target.connection.fields.foreign_state)
        key, person = self._keys(message.destination, decision.email_hash)
        return Plan(
            message,
            _outcome(decision),
            key,
            person,
            target,
            decision.fields,
            decision.verdict is Verdict.EXIT,
            decision.remarks,
        )

    def _keys(self, destination: str, email_hash: str) -> tuple[str, str]:
        """Return the keys of the attendee and of the person, empty if it is nobody known."""
        if not email_hash:
            return "", ""
        hash_key = self.settings.hash_key()
        return (
            attendee.key(hash_key, destination, email_hash),
            attendee.person_key(hash_key, email_hash),
        )

    def _connection(self, name: str) -> str:
        text = self.settings.connection(name)
        if text is None:
            raise RetryLaterError(
                Reason.UNKNOWN_CONNECTION,
                f"there is no connection {name}",
                Retry(is_fault_of_settings=True),
            )
        try:
            connection_of(name, text)
        except ValidationError as error:
            settings = faults_of(error)
            raise RetryLaterError(
                Reason.SETTINGS_INVALID,
                f"the settings of connection {name} are not valid: {settings}",
                Retry(is_fault_of_settings=True),
            ) from None
        return text


def usual_email_hash(message: QueuedProfile) -> str:
    """Return whose a profile is by the usual places, where no destination's rules can tell.

    It is the SHA-256 of the e-mail address, or empty.
    """
    document = _document(message.body)
    return "" if document is None else identify(document).email_hash


def retry(error: Exception) -> Outcome:
    """Return the outcome of a message that an error keeps from an end."""
    match error:
        case RetryLaterError():
            return error.outcome
        case SettingsUnavailableError():
            reason, detail = Reason.SETTINGS_UNAVAILABLE, str(error)
        case LedgerUnavailableError():
            reason, detail = Reason.LEDGER_UNAVAILABLE, str(error)
        case BotoCoreError() | ClientError():
            reason, detail = Reason.AWS_UNAVAILABLE, f"AWS: {clients.cause(error)}"
        case _:
            reason, detail = Reason.INTERNAL_ERROR, f"internal error: {type(error).__name__}"
    return Outcome(OutcomeKind.RETRY, reason, detail)


def _document(body: str) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rules(text: str) -> Mapper:
    try:
        return mapper.mapper(text)
    except (ValidationError, *UNANSWERED):  # whatever else, it is no fault of the profile
        raise RetryLaterError(
            Reason.SETTINGS_INVALID,
            "the settings of the destination are not valid",
            Retry(is_fault_of_settings=True),
        ) from None


def _target(text: str, rules: Mapper, connection: str) -> Target:
    return Target(
        connection_of(rules.destination.connection, connection),
        rules.destination.event_code,
        mapping_version(text, connection),
    )


@functools.lru_cache(maxsize=256)
def mapping_version(destination: str, connection: str) -> str:
    """Return what changes with all that decides what is stored: 12 hex digits.

    It gets the JSON texts of a destination and its connection. Names and descriptions, access,
    limits, lanes, labels and their policies, and where profiles are found decide nothing.
    """
    settings = mapper.mapper(destination).destination
    decides = [
        settings.model_dump(
            exclude={"mapping", *_DECIDE_NOTHING},
            exclude_defaults=True,
        ),
        {name: rule.model_dump() for name, rule in settings.mapping.items()},
        connection_of(settings.connection, connection).deciding_settings(),
    ]
    text = json.dumps(decides, sort_keys=True, default=sorted)  # a set has no order of its own
    return hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]


def _outcome(decision: mapper.Decision) -> Outcome | None:
    match decision.verdict:
        case Verdict.REJECT:
            return Outcome(OutcomeKind.REJECTED, decision.reason, decision.detail)
        case Verdict.WAIT:
            retry = Retry(is_fault_of_settings=True)
            return Outcome(OutcomeKind.RETRY, decision.reason, decision.detail, retry=retry)
        case Verdict.FILTER:
            return Outcome(OutcomeKind.FILTERED, decision.reason, decision.detail)
    return None
