"""How a stack is doing: what waits, what ended how, what stands still, what needs a person.

A glance asks SQS, Lambda and the stores, and takes a moment. Activity is read from the functions'
logs, which takes as long as these are. To whom dead letters belong is only seen by taking them
out of their queue for some seconds.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from attendee_sync.aws import fifo_queue
from attendee_sync.aws.fifo_queue import QueueCount
from attendee_sync.rainfocus import connection_state
from attendee_sync.rainfocus.connection_state import Cause, ConnectionState
from attendee_sync_cli import aws_errors, console, outcome_words
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import tokens
from attendee_sync_cli.operations.tokens import TokenView
from attendee_sync_cli.stack import lane_state
from attendee_sync_cli.stack.dead_letter_scan import Budget, DeadLetterScan
from attendee_sync_cli.stack.lane_state import LaneState
from attendee_sync_cli.stack.log_summary import NOT_TRIED, Log, LogSummary
from attendee_sync_cli.stack.stack import Stack

MAX_HOURS = 168
# A look at how things are hides no dead letter for long. All of them are `failures`'s to tell.
_SAMPLE = Budget(seconds=10.0, hidden_seconds=30, dead_letters=200)
# SQS's counts are right a minute after the last message came.
_COUNT_LATE_SECONDS = 120.0
_AT_ONCE = 5  # connections that are looked at
_FOR_MANAGERS = "may be seen with ManagerPolicy"
_CAUSES = {
    Cause.CONFIGURATION: "it is refused; see `doctor`",
    Cause.OUTAGE: "RainFocus is out of order",
    Cause.TIMEOUT: "RainFocus does not answer",
    Cause.BUSY: "RainFocus is busy",
}


class NeedKind(StrEnum):
    """What something that needs a person is about."""

    CONNECTION = "connection"
    TOKEN = "token"  # noqa: S105 - tells of one
    LANE = "lane"
    WAITING = "waiting"
    MISSING = "missing"
    DEAD_LETTERS = "dead_letters"


@dataclass(frozen=True)
class Need:
    """What needs a person, and the command that says more or mends it."""

    what: str
    next: str
    kind: NeedKind
    name: str = ""  # of the connection or destination, if it is one's

    def document(self) -> dict[str, str]:
        """Return what programs read of it."""
        return {"what": self.what, "next": self.next}


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters, as far as they can be seen."""

    by_destination: Counter[str]
    unseen: int
    unseen_words: str
    may_be_seen: bool = True


@dataclass(frozen=True)
class ConnectionStatus:
    """How a connection is doing."""

    name: str
    state: ConnectionState
    token: TokenView | str  # or why there is none to be seen

    @property
    def calls(self) -> str:
        """Whether calls go through; if not, since when, and why."""
        state = self.state
        if not state.cause:
            return "go through"
        since = f" since {console.when(int(state.opened_at))}" if state.opened_at else ""
        return f"paused{since}: {_CAUSES[state.cause]}"

    @property
    def token_words(self) -> str:
        """How its token is."""
        token = self.token
        return token if isinstance(token, str) else f"{token.state}, ends {token.end}"

    def needs(self, max_wait: float) -> Iterator[Need]:
        """Yield what it needs: that its token is good, and that calls go through.

        An outage mends itself, so that it is told only once it has lasted for `max_wait` seconds.
        """
        token, state = self.token, self.state
        if isinstance(token, str):
            if token != _FOR_MANAGERS:
                doctor = f"attendee-sync doctor {self.name}"
                yield Need(token, doctor, NeedKind.CONNECTION, self.name)
        elif token.state != "good":
            yield Need(
                f"the token of connection {self.name} is {token.state}: {token.words}",
                f"attendee-sync token refresh {self.name}",
                NeedKind.TOKEN,
                self.name,
            )
        has_lasted = time.time() - state.opened_at > max_wait
        if state.cause is Cause.CONFIGURATION or (state.cause and has_lasted):
            yield Need(
                f"connection {self.name} is {self.calls}",
                f"attendee-sync doctor {self.name}",
                NeedKind.CONNECTION,
                self.name,
            )

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        token, state = self.token, self.state
        return {
            "connection": self.name,
            "paused": state.cause is not None,
            "cause": state.cause,
            "paused_since": console.moment(state.opened_at) if state.cause else None,
            "token": (
                {"state": "none", "words": token, "expires_at": None}
                if isinstance(token, str)
                else {
                    "state": token.state,
                    "words": token.words,
                    "expires_at": token.end_moment,
                }
            ),
        }


@dataclass(frozen=True)
class Accounting:
    """Whether each profile that was accepted has ended or is in a lane."""

    without_end: int  # by the log, of those accepted some minutes ago
    in_lanes: int  # by SQS, counted before the log was read: what was gone by then has its end

    @property
    def missing(self) -> int:
        """How many have neither an end nor are in a lane."""
        return max(0, self.without_end - self.in_lanes)

    @property
    def words(self) -> str:
        """What people read of those."""
        missing = console.counted(self.missing, "accepted profile")
        return f"{missing} missing: no end in the log, and in no lane"

    def document(self) -> dict[str, int]:
        """Return what programs read of it."""
        return {
            "without_end": self.without_end,
            "in_lanes": self.in_lanes,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Glance:
    """What is known without reading a log."""

    lanes: list[LaneState]
    dead_letters: QueueCount
    connections: list[ConnectionStatus]
    destinations: list[str]
    counted_at: float  # epoch seconds

    @property
    def in_lanes(self) -> int:
        """How many profiles wait or are worked on."""
        return sum(each.count.total for each in self.lanes if each.count)

    def standing_needs(self, max_wait: float) -> Iterator[Need]:
        """Yield what connections and lanes need, see ConnectionStatus.needs()."""
        for connection in self.connections:
            yield from connection.needs(max_wait)
        for each in self.lanes:
            yield from _lane_needs(each)

    def dead_letter_needs(self) -> Iterator[Need]:
        """Yield that there are dead letters, if there are any."""
        if self.dead_letters.total:
            dead = console.counted(self.dead_letters.total, "dead letter")
            yield Need(dead, "attendee-sync failures", NeedKind.DEAD_LETTERS)


@dataclass(frozen=True)
class Activity:
    """What the functions' logs tell of the last hours."""

    hours: int
    log: Log
    accounting: Accounting | None  # None if the log could not be read as far as that
    destinations: dict[str, LogSummary]

    def needs(self, max_wait: float) -> Iterator[Need]:
        """Yield who waits for more than `max_wait` seconds, and that profiles are missing."""
        for name, each in self.destinations.items():
            if each.waiting and each.oldest > max_wait:
                reasons = ", ".join(each.waiting)
                yield Need(
                    f"a profile of {name} waits for {console.duration(each.oldest)}: {reasons}",
                    "attendee-sync status",
                    NeedKind.WAITING,
                    name,
                )
        if self.accounting and self.accounting.missing:
            yield Need(self.accounting.words, "attendee-sync failures", NeedKind.MISSING)


@dataclass(frozen=True)
class Status:
    """All of it."""

    glance: Glance
    activity: Activity
    dead: DeadLetters
    destinations: dict[str, LogSummary] = field(default_factory=dict)  # of dead letters, too

    def needs(self, max_wait: float) -> list[Need]:
        """Return what needs a person, if something may wait or last for `max_wait` seconds."""
        return [
            *self.glance.standing_needs(max_wait),
            *self.activity.needs(max_wait),
            *self.glance.dead_letter_needs(),
        ]

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        glance, accounting, log = self.glance, self.activity.accounting, self.activity.log
        counts = [each.count for each in glance.lanes if each.count]
        return {
            "profiles": {
                "waiting": sum(each.waiting for each in counts),
                "in_flight": sum(each.in_flight for each in counts),
            },
            "lanes": [_lane_document(each) for each in glance.lanes],
            "accounting": accounting.document() if accounting else None,
            "dead_letters": {
                **_count_document(glance.dead_letters),
                "looked_at": self.dead.by_destination.total(),
                "unseen": self.dead.unseen,
            },
            "log": {"since": console.moment(log.since), "complete": log.is_complete},
            "destinations": [
                {
                    "destination": name,
                    "waiting": [
                        {
                            "reason": reason,
                            "count": waits.count,
                            "oldest": console.moment(waits.since),
                        }
                        for reason, waits in each.waiting.items()
                    ],
                    "dead": self.dead.by_destination[name] if self.dead.may_be_seen else None,
                    "outcomes": dict(each.outcomes),
                }
                for name, each in self.destinations.items()
            ],
            "connections": [each.document() for each in glance.connections],
        }


def look(stack: Stack, hours: int) -> Status:
    """Look at all: what waits, what came of the profiles of some hours, whose dead letters are.

    Of the dead letters at most 200 are looked at, for ten seconds at most.
    """
    glance = look_at_a_glance(stack)
    activity = look_at_activity(stack, glance, hours)
    dead = _dead(stack, glance.dead_letters)
    found = activity.destinations
    names = sorted({*found, *dead.by_destination})
    return Status(glance, activity, dead, {name: found.get(name, LogSummary()) for name in names})


def look_at_a_glance(stack: Stack) -> Glance:
    """Look at queues, lanes, connections and tokens, side by side."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        dead_letters = pool.submit(_count_dead_letters, stack)
        connections = pool.map(
            lambda each: look_at_connection(stack, *each), sorted(stack.connections().items())
        )
        destinations, counted_at = stack.destinations(), time.time()
        lanes = lane_state.look(stack, destinations)
        return Glance(
            lanes, dead_letters.result(), list(connections), sorted(destinations), counted_at
        )


def _count_dead_letters(stack: Stack) -> QueueCount:
    return fifo_queue.count(stack.client("sqs"), stack.queue_url("DeadLetterQueueName"))


def look_at_activity(stack: Stack, glance: Glance, hours: int) -> Activity:
    """Read the functions' logs of some hours; the glance is of just before."""
    groups = [stack.output("IngestLogGroupName"), stack.output("DeliveryLogGroupName")]
    log = Log(stack.client("logs"), groups, hours)
    activities = log.activities()
    names = sorted({*glance.destinations, *activities})
    return Activity(
        hours,
        log,
        _accounting(glance, log),
        {name: activities.get(name, LogSummary()) for name in names},
    )


def count_in_lanes(stack: Stack) -> int:
    """Count the profiles that wait or are worked on now."""
    found = lane_state.look(stack, stack.destinations())
    return sum(each.count.total for each in found if each.count)


def longest_wait(stack: Stack) -> float | None:
    """Return for how many seconds at least a profile is tried; None if that is not known.

    What waits for its settings to be mended is tried for longer, and so is what a person paused.
    """
    hours = stack.parameters().get("MaxAgeHours")
    return 3_600.0 * int(hours) if hours else None


def waits_for(reason: str) -> str:
    """Return in words what a profile waits for."""
    if reason == NOT_TRIED:
        return "not tried yet"
    return outcome_words.REASONS.get(reason, "")


def _accounting(glance: Glance, log: Log) -> Accounting | None:
    if not log.is_complete:
        return None
    return Accounting(
        log.count_without_end(glance.counted_at - _COUNT_LATE_SECONDS), glance.in_lanes
    )


def _dead(stack: Stack, dead_letters: QueueCount) -> DeadLetters:
    counts: Counter[str] = Counter()
    try:
        with DeadLetterScan(stack, _SAMPLE) as walk:
            for batch in walk.batches("Looking at dead letters"):
                counts.update(dead_letter.message.destination for dead_letter in batch)
    except ClientError as error:
        if not aws_errors.is_denied(error):
            raise
        return DeadLetters(Counter(), dead_letters.total, "", may_be_seen=False)
    return DeadLetters(counts, walk.unseen, walk.unseen_words)


def look_at_connection(stack: Stack, name: str, settings: str) -> ConnectionStatus:
    """Look at a connection and its token; gets its settings as they are stored."""
    try:
        token: TokenView | str = tokens.look(stack, name, settings)
    except FailureError as failure:
        token = str(failure)
    except ClientError as error:
        if not aws_errors.is_denied(error):
            raise
        token = _FOR_MANAGERS
    dynamodb, table = stack.client("dynamodb"), stack.output("LedgerTableName")
    return ConnectionStatus(name, connection_state.read(dynamodb, table, name), token)


def _lane_needs(each: LaneState) -> Iterator[Need]:
    if each.count is None:
        missing = f"the queue of {each.label} is missing"
        yield Need(missing, "attendee-sync destinations upgrade", NeedKind.LANE, each.destination)
        return
    if not each.delivery.is_off or not each.count.total or each.delivery.resumes:
        return
    waiting = console.counted(each.count.total, "profile")
    kept = f", kept until {console.when(each.kept_until)}" if each.kept_until else ""
    yield Need(
        f"delivery of {each.label} is off, and {waiting} in it{kept}",
        f"attendee-sync destinations {'move' if each.is_moving else 'resume'} {each.destination}",
        NeedKind.LANE,
        each.destination,
    )


def _lane_document(each: LaneState) -> dict[str, Any]:
    delayed = {"delayed": each.count.delayed} if each.count else {}
    return {
        "lane": each.name or None,
        **(_count_document(each.count) if each.count else {}),
        **delayed,
        **each.delivery.document(),
        "kept_until": console.moment(each.kept_until) if each.kept_until else None,
    }


def _count_document(count: QueueCount) -> dict[str, int]:
    return {"waiting": count.waiting, "in_flight": count.in_flight}
