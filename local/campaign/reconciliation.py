"""The account of a scenario: what must have become of each profile, and what did."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from attendee_sync.messaging.dead_letters import DeadLetter
from local.simulator.answers import SUCCESS
from local.simulator.state import Attendee, LogEntry
from local.traffic.people import Person
from local.traffic.traffic import Pushed

type ProfileId = tuple[str, str]  # request id, index


@dataclass(frozen=True)
class Check:
    """One thing that must hold, what was expected and what came."""

    what: str
    expected: str
    got: str
    holds: bool


@dataclass(frozen=True)
class Refusal:
    """Why a profile becomes a dead letter, as the dead letter's attributes say."""

    reason: str
    status: str = ""
    code: str = ""

    def __str__(self) -> str:
        told = [f"HTTP {self.status}"] * bool(self.status) + [f"code {self.code}"] * bool(self.code)
        return ", ".join([self.reason, *told])


@dataclass
class Expected:
    """What a scenario expects beyond that nobody is lost."""

    # By e-mail address: whom RainFocus never takes.
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    # Whether all dead letters were redriven, so that none is left.
    redriven: bool = False
    # Whose contents took effect, in order, where that is not all that was pushed.
    effective: Sequence[Person] | None = None
    # Calls that failed and need not be repeated.
    futile_calls: int = 0
    # Calls beyond those that are needed, at most, and why they may be.
    spare_calls: int = 0
    spare_because: str = "no call is wasted"
    # Ends beyond one for each accepted profile, at most.
    spare_ends: int = 0
    # What the scenario asks for by itself.
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True)
class Evidence:
    """What there is to see after a scenario."""

    pushed: Sequence[Pushed]  # in order
    ends: Sequence[Mapping[str, Any]]  # delivery's log lines, in order
    calls: Sequence[LogEntry]
    attendees: Sequence[Attendee]
    dead_letters: Sequence[DeadLetter]
    queued: int


@dataclass(frozen=True)
class Figures:
    """A scenario in numbers."""

    accepted: int
    outcomes: Mapping[str, int]
    calls: int
    needed: int


def equal(what: str, expected: object, got: object) -> Check:
    """Return the check that two things are the same."""
    return Check(what, _text(expected), _text(got), expected == got)


def at_most(what: str, limit: float, got: float, because: str = "") -> Check:
    """Return the check that a number is small enough."""
    return Check(what, _bound("≤", limit, because), _text(got), got <= limit)


def at_least(what: str, limit: float, got: float, because: str = "") -> Check:
    """Return the check that a number is large enough."""
    return Check(what, _bound("≥", limit, because), _text(got), got >= limit)


def reconcile(evidence: Evidence, expected: Expected) -> tuple[Figures, list[Check]]:
    """Return a scenario's figures, and the checks that hold in every scenario."""
    rejected = {} if expected.redriven else rejected_at_once(evidence.pushed)
    profiles = {each: it for each, it in taken(evidence.pushed).items() if each not in rejected}
    outcomes = last_outcomes(evidence.ends)
    ended = Counter(outcomes[each] for each in profiles if each in outcomes)
    ended["rejected"] += len(rejected)
    figures = Figures(
        accepted=len(profiles) + len(rejected),
        outcomes=dict(sorted((+ended).items())),
        calls=len(evidence.calls),
        needed=needed_calls(profiles.values(), evidence.calls, expected),
    )
    further = len(evidence.ends) - len(outcomes)
    not_taken = sum(not each.is_accepted for each in evidence.pushed)
    return figures, [
        equal("pushes that were not taken in the end", 0, not_taken),
        equal("accepted profiles that came to an end", figures.accepted, ended.total()),
        equal("profiles that expired", 0, ended["expired"]),
        at_most("further ends of a profile", expected.spare_ends, further),
        _dead_letters(evidence, expected, profiles, rejected),
        *_attendees(evidence, expected, profiles),
        _calls(figures, expected),
        equal("profiles called delivered that are not", 0, false_successes(evidence)),
        equal("messages left on the profile queue", 0, evidence.queued),
    ]


def _dead_letters(
    evidence: Evidence,
    expected: Expected,
    profiles: Mapping[ProfileId, Person],
    rejected: Mapping[ProfileId, Refusal],
) -> Check:
    awaited = dict(rejected) | {
        each: expected.refused[person.attendee["email"]]
        for each, person in profiles.items()
        if person.attendee["email"] in expected.refused
    }
    found = {
        (each.message.request_id, each.message.index): Refusal(each.reason, each.status, each.code)
        for each in evidence.dead_letters
    }
    return Check("dead letters", _listed(awaited), _listed(found), awaited == found)


def _attendees(
    evidence: Evidence, expected: Expected, profiles: Mapping[ProfileId, Person]
) -> list[Check]:
    takers = [each for each in profiles.values() if each.attendee["email"] not in expected.refused]
    state = newest(takers if expected.effective is None else expected.effective)
    return [
        equal("attendees", len(state), len(evidence.attendees)),
        equal("attendees not as last pushed", 0, mismatched(state, evidence.attendees)),
    ]


def _calls(figures: Figures, expected: Expected) -> Check:
    needed = max(1, figures.needed)
    return at_most(
        "calls to RainFocus, of those needed",
        round((figures.needed + expected.spare_calls) / needed, 3),
        round(figures.calls / needed, 3),
        expected.spare_because,
    )


def taken(pushed: Iterable[Pushed]) -> dict[ProfileId, Person]:
    """Return the profiles of all pushes that were answered 202, in the order of the pushes."""
    return {
        (each.document["requestId"], str(n)): person
        for each in pushed
        if each.is_accepted
        for n, person in enumerate(each.push.people)
    }


def rejected_at_once(pushed: Iterable[Pushed]) -> dict[ProfileId, Refusal]:
    """Return the profiles that ingest itself rejected, with the reason that it answered."""
    return {
        (each.document["requestId"], str(n)): Refusal(reason)
        for each in pushed
        for n, reason in _rejected(each)
    }


def last_outcomes(ends: Iterable[Mapping[str, Any]]) -> dict[ProfileId, str]:
    """Return the last outcome that was logged of each profile."""
    return {_id(end): str(end["outcome"]) for end in ends}


def newest(people: Iterable[Person]) -> dict[str, dict[str, str]]:
    """Return the fields of each attendee by e-mail address after these upserts, in order."""
    state: dict[str, dict[str, str]] = {}
    for person in people:
        state.setdefault(person.attendee["email"], {}).update(person.attendee)
    return state


def mismatched(state: Mapping[str, Mapping[str, str]], attendees: Iterable[Attendee]) -> int:
    """Return how many attendees differ in any field, are missing, or should not be there."""
    stored = {str(each.fields["email"]): each.fields for each in attendees}
    return sum(state.get(email) != stored.get(email) for email in state.keys() | stored.keys())


def needed_calls(people: Iterable[Person], calls: Iterable[LogEntry], expected: Expected) -> int:
    """Return the calls that these updates need: one for each change of an attendee's contents.

    To these come the calls that failed and had to be repeated, which are all that failed but
    those of whom RainFocus never takes, and the futile ones.
    """
    contents: dict[str, Mapping[str, str]] = {}
    changes = 0
    for person in people:
        email = person.attendee["email"]
        changes += contents.get(email) != person.attendee
        contents[email] = person.attendee
    repeated = sum(not is_stored(each) and each.email not in expected.refused for each in calls)
    return changes + repeated - expected.futile_calls


def is_stored(call: LogEntry) -> bool:
    """Tell whether the simulator answered a call with success."""
    return call.status == HTTPStatus.OK and call.response_code == SUCCESS


def false_successes(evidence: Evidence) -> int:
    """Return how many profiles are called delivered without such an answer since the push."""
    profiles = taken(evidence.pushed)
    sent_at = {each.document.get("requestId"): each.sent_at for each in evidence.pushed}
    stored_at: dict[str | None, float] = {}
    for call in filter(is_stored, evidence.calls):
        stored_at[call.email] = datetime.fromisoformat(call.time).timestamp()
    delivered = [_id(end) for end in evidence.ends if end["outcome"] == "delivered"]
    return sum(
        stored_at.get(profiles[each].attendee["email"], 0.0) < sent_at[each[0]]
        for each in delivered
        if each in profiles
    )


def _rejected(pushed: Pushed) -> list[tuple[int, str]]:
    return [(each["index"], each["reason"]) for each in pushed.document.get("rejected", [])]


def _id(end: Mapping[str, Any]) -> ProfileId:
    return str(end.get("request_id", "")), str(end.get("index", ""))


def _listed(dead_letters: Mapping[ProfileId, Refusal]) -> str:
    """Return how many dead letters there are for each reason."""
    counts = Counter(dead_letters.values())
    texts = [f"{count:,} {refusal}" for refusal, count in counts.items()]
    return "\n".join(sorted(texts)) or "none"


def _bound(sign: str, limit: float, because: str) -> str:
    return f"{sign} {_text(limit)}" + (f": {because}" if because else "")


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
