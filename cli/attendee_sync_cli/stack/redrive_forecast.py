"""What would come of dead letters if they were queued again now.

It is decided as delivery decides, with today's settings and what the ledger knows. What RainFocus
would say to those that are sent, nobody knows before.
"""

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from attendee_sync import attendee
from attendee_sync.aws.settings import SettingsUnavailableError
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan, Planner
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync.outcome import Fault, Outcome, OutcomeKind, Reason
from attendee_sync.profile import bodies
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack


@dataclass(frozen=True)
class ForecastRow:
    """A dead letter, and what would come of it."""

    dead_letter: DeadLetter
    attendee: str  # attendee.key; empty if it is not known whose the profile is
    outcome: Outcome
    # RainFocus refused just this, and no setting that decides what is sent has changed since.
    was_refused: bool = False
    connection: str = ""  # its name, if it is known

    @property
    def stays(self) -> bool:
        """Tell whether it would be a dead letter again, or can't be told."""
        kind = self.outcome.kind
        return kind.goes_to_dead_letters or not kind.is_final


class RedriveForecast:
    """Foresees for one stack. Letters of one attendee must come in order."""

    def __init__(self, stack: Stack) -> None:
        self._settings = stack.seen_by_functions()
        self._planner = Planner(self._settings)
        self._ledger = stack.ledger()
        # What the ledger would know after the dead letters so far, by attendee.
        self._expected: dict[str, LedgerEntry] = {}

    def of(self, dead_letters: Sequence[DeadLetter]) -> list[ForecastRow]:
        """Return what would come of dead letters, at most 50.

        Raises FailureError if the ledger or a setting can't be read.
        """
        plans = [self._plan(dead_letter) for dead_letter in dead_letters]
        try:
            erased = self._learn(plans)
            outcomes = [
                self._outcome(replace(plan, is_erased=plan.person in erased)) for plan in plans
            ]
        except LedgerUnavailableError as error:
            raise FailureError(f"Nothing can be foreseen: {error}.") from None
        except SettingsUnavailableError as error:
            raise FailureError(str(error)) from None
        return [
            ForecastRow(
                dead_letter,
                plan.attendee,
                outcome,
                _was_refused(dead_letter, plan, outcome),
                plan.target.connection.name if plan.target else "",
            )
            for dead_letter, plan, outcome in zip(dead_letters, plans, outcomes, strict=True)
        ]

    def _plan(self, dead_letter: DeadLetter) -> Plan:
        fault = _fault(dead_letter.message.body)
        if fault:
            rejected = Outcome(OutcomeKind.REJECTED, fault.reason, fault.detail)
            return Plan(dead_letter.message, rejected)
        return self._planner.plan(dead_letter.message)

    def _learn(self, plans: Sequence[Plan]) -> Set[str]:
        """Read what the ledger knows, and return the keys of persons who are erased."""
        attendees = {plan.attendee for plan in plans if plan.attendee} - self._expected.keys()
        known = self._ledger.read(attendees, {plan.person for plan in plans if plan.person})
        self._expected |= known.entries
        return known.erased

    def _outcome(self, plan: Plan) -> Outcome:
        entry = self._expected.get(plan.attendee)
        outcome = plan.unsent(entry)
        if outcome is None:
            outcome = Outcome(
                OutcomeKind.UNCHANGED if self._is_known(plan, entry) else OutcomeKind.DELIVERED
            )
        if outcome.kind.advances_version:
            self._expected[plan.attendee] = _after(plan, outcome, entry)
        return outcome

    def _is_known(self, plan: Plan, entry: LedgerEntry | None) -> bool:
        """Tell whether RainFocus has what would be sent."""
        if entry is None or plan.target is None:
            return False
        digests = attendee.digests(self._settings.hash_key(), plan.attendee, plan.fields)
        return digests.items() <= entry.fields_of(plan.target.mapping_version).items()


def _was_refused(dead_letter: DeadLetter, plan: Plan, outcome: Outcome) -> bool:
    if outcome.kind is not OutcomeKind.DELIVERED or plan.target is None:
        return False
    return dead_letter.mapping_version == plan.target.mapping_version


def _fault(text: str) -> Fault | None:
    """Return why ingest would not queue a profile, or None: delivery reads less strictly."""
    try:
        pushed = bodies.split(text, maps_email=True)  # it is one profile already
    except UnreadableBodyError:
        return Fault(Reason.MALFORMED, "not a JSON object")
    return next((each.fault for each in pushed if each.fault), None)


def _after(plan: Plan, outcome: Outcome, entry: LedgerEntry | None) -> LedgerEntry:
    """Return what the ledger would know of an attendee after an outcome."""
    now = int(time.time())
    message = plan.message
    before = entry or LedgerEntry(
        plan.attendee, message.destination, message.version, outcome.kind, settled_at=now
    )
    delivered_at = now if outcome.kind is OutcomeKind.DELIVERED else before.delivered_at
    return replace(before, version=message.version, outcome=outcome.kind, delivered_at=delivered_at)
