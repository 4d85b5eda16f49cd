"""The command that tells how a stack is doing: what waits, what ended how, what stands still."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from attendee_sync.aws import fifo_queue
from attendee_sync.aws.fifo_queue import QueueCount
from attendee_sync.rainfocus import connection_state
from attendee_sync.rainfocus.connection_state import Cause, ConnectionState
from attendee_sync_cli import aws_errors, console
from attendee_sync_cli.commands import tokens
from attendee_sync_cli.commands.tokens import View
from attendee_sync_cli.console import AsJson, FailureError
from attendee_sync_cli.stack import lane_state, log_events
from attendee_sync_cli.stack.dead_letter_scan import Budget, DeadLetterScan
from attendee_sync_cli.stack.lane_state import LaneState
from attendee_sync_cli.stack.log_summary import Log, LogSummary
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync status",
    "attendee-sync status --hours 24 --json",
    "attendee-sync status --check --max-wait 120",
)
_MAX_HOURS = 168
# A look at how things are hides no dead letter for long. All of them are `failures`'s to tell.
_SAMPLE = Budget(seconds=10.0, hidden_seconds=30, dead_letters=200)
# SQS's counts are right a minute after the last message came, lines of the log come seconds late.
_COUNT_LATE_SECONDS = 120.0
_LOG_LATE_SECONDS = 60.0
_FOR_MANAGERS = "may be seen with ManagerPolicy"

_CAUSES = {
    Cause.CONFIGURATION: "it is refused; see `doctor`",
    Cause.OUTAGE: "RainFocus is out of order",
    Cause.TIMEOUT: "RainFocus does not answer",
    Cause.BUSY: "RainFocus is busy",
}


@dataclass(frozen=True)
class _Dead:
    """The dead letters, as far as they can be seen."""

    by_destination: Counter[str]
    unseen: int
    unseen_words: str
    may_be_seen: bool = True


@dataclass(frozen=True)
class _Connection:
    """How a connection is doing."""

    name: str
    state: ConnectionState
    token: View | str  # or why there is none to be seen


@dataclass(frozen=True)
class _Need:
    """What needs a person, and the command that says more or mends it."""

    what: str
    next: str


@dataclass(frozen=True)
class _Accounting:
    """Whether each profile that was accepted has ended or is in a lane."""

    without_end: int  # by the log, of those accepted some minutes ago
    in_lanes: int  # by SQS, counted before the log was read: what was gone by then has its end

    @property
    def missing(self) -> int:
        return max(0, self.without_end - self.in_lanes)


@dataclass(frozen=True)
class _Status:
    hours: int
    lanes: list[LaneState]
    accounting: _Accounting | None  # None if the log could not be read as far as that
    dead_letters: QueueCount
    log: Log
    dead: _Dead
    destinations: dict[str, LogSummary]
    connections: list[_Connection]


def status(
    context: typer.Context,
    hours: Annotated[
        int, typer.Option(min=1, max=_MAX_HOURS, help="Hours whose outcomes are counted.")
    ] = 1,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Tell only what needs a person, and end with exit code 1 if anything does.",
        ),
    ] = False,
    max_wait: Annotated[
        int,
        typer.Option(
            min=1,
            max=60 * _MAX_HOURS,
            help="With --check: minutes that a profile may wait, or an outage last.",
        ),
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """Tell what waits and why, what came of the profiles of the last hour, and what stands still.

    Lanes and dead letters are counted by SQS; what is put back for a later attempt counts as in
    flight there. By destination, and why it waits, is told from the functions' logs, which come
    some seconds late; a redriven profile is among those that wait once it was tried again.
    Of the dead letters at most 200 are looked at; `failures` looks at all.

    Accounting: each accepted profile has an end in the log, or is in a lane; else it is missing.

    What needs a person: a missing profile, dead letters, a connection that RainFocus refuses, a
    token that is not good, a lane that is missing or off while profiles wait in it, and a profile
    that waits, or an outage that lasts, for longer than --max-wait.
    """
    # What waits for longer than the log is looked at would not be seen.
    hours = max(hours, max_wait // 60 + 1) if check else hours
    found = _look(context.obj, hours)
    if check and found.accounting and found.accounting.missing:
        console.notice("Profiles seem to be missing. Looking again in a minute.")
        time.sleep(_LOG_LATE_SECONDS)
        found = _look(context.obj, hours)
    needs = _needs(found, 60.0 * max_wait)
    if as_json:
        console.document(_document(found) | {"needs": [vars(each) for each in needs]})
    elif check:
        _tell_needs(needs)
    else:
        _tell(found)
    if check and needs:
        raise typer.Exit(1)


def _look(stack: Stack, hours: int) -> _Status:
    sqs = stack.client("sqs")
    groups = [stack.output("IngestLogGroupName"), stack.output("DeliveryLogGroupName")]
    dead_letters = fifo_queue.count(sqs, stack.queue_url("DeadLetterQueueName"))
    destinations, counted_at = stack.destinations(), time.time()
    found_lanes = lane_state.look(stack, destinations)
    log = Log(stack.client("logs"), groups, hours)
    dead = _dead(stack, dead_letters)
    activities = log.activities()
    names = sorted({*destinations, *activities, *dead.by_destination})
    return _Status(
        hours,
        found_lanes,
        _accounting(found_lanes, log, counted_at),
        dead_letters,
        log,
        dead,
        {name: activities.get(name, LogSummary()) for name in names},
        [_connection(stack, name, text) for name, text in sorted(stack.connections().items())],
    )


def _accounting(lanes: list[LaneState], log: Log, counted_at: float) -> _Accounting | None:
    if not log.is_complete:
        return None
    in_lanes = sum(each.count.total for each in lanes if each.count)
    return _Accounting(log.count_without_end(counted_at - _COUNT_LATE_SECONDS), in_lanes)


def _dead(stack: Stack, dead_letters: QueueCount) -> _Dead:
    counts: Counter[str] = Counter()
    try:
        with DeadLetterScan(stack, _SAMPLE) as walk:
            for batch in walk.batches("Looking at dead letters"):
                counts.update(dead_letter.message.destination for dead_letter in batch)
    except ClientError as error:
        if not aws_errors.is_denied(error):
            raise
        return _Dead(Counter(), dead_letters.total, "", may_be_seen=False)
    return _Dead(counts, walk.unseen, walk.unseen_words)


def _connection(stack: Stack, name: str, settings: str) -> _Connection:
    try:
        token: View | str = tokens.look(stack, name, settings)
    except FailureError as failure:
        token = str(failure)
    except ClientError as error:
        if not aws_errors.is_denied(error):
            raise
        token = _FOR_MANAGERS
    dynamodb, table = stack.client("dynamodb"), stack.output("LedgerTableName")
    return _Connection(name, connection_state.read(dynamodb, table, name), token)


# --- what needs a person ---


def _needs(found: _Status, max_wait: float) -> list[_Need]:
    needs = [need for each in found.connections for need in _connection_needs(each, max_wait)]
    needs += [need for each in found.lanes for need in _lane_needs(each)]
    needs += [
        _Need(
            f"a profile of {name} waits for {console.duration(_oldest(each))}: "
            + ", ".join(each.waiting),
            "attendee-sync status",
        )
        for name, each in found.destinations.items()
        if each.waiting and _oldest(each) > max_wait
    ]
    if found.accounting and found.accounting.missing:
        needs.append(_Need(_missing(found.accounting), "attendee-sync failures"))
    if found.dead_letters.total:
        dead = console.counted(found.dead_letters.total, "dead letter")
        needs.append(_Need(dead, "attendee-sync failures"))
    return needs


def _missing(accounting: _Accounting) -> str:
    return (
        f"{console.counted(accounting.missing, 'accepted profile')} missing: no end in the log, "
        "and in no lane"
    )


def _connection_needs(each: _Connection, max_wait: float) -> list[_Need]:
    """Return what a connection needs: that its token is good, and that calls go through.

    An outage mends itself, so that it is told only once it has lasted.
    """
    state, token = each.state, each.token
    needs: list[_Need] = []
    if isinstance(token, str):
        if token != _FOR_MANAGERS:
            needs.append(_Need(token, f"attendee-sync doctor {each.name}"))
    elif token.state != "good":
        needs.append(
            _Need(
                f"the token of connection {each.name} is {token.state}: {token.words}",
                f"attendee-sync token refresh {each.name}",
            )
        )
    has_lasted = time.time() - state.opened_at > max_wait
    if state.cause is Cause.CONFIGURATION or (state.cause and has_lasted):
        paused = f"connection {each.name} is {_paused(state)}"
        needs.append(_Need(paused, f"attendee-sync doctor {each.name}"))
    return needs


def _lane_needs(each: LaneState) -> list[_Need]:
    if each.count is None:
        return [
            _Need(f"the queue of {each.label} is missing", "attendee-sync destinations upgrade")
        ]
    if not each.delivery.is_off or not each.count.total or each.delivery.resumes:
        return []
    waiting = console.counted(each.count.total, "profile")
    kept = f", kept until {console.when(each.kept_until)}" if each.kept_until else ""
    return [
        _Need(
            f"delivery of {each.label} is off, and {waiting} in it{kept}",
            f"attendee-sync destinations {'move' if each.is_moving else 'resume'} "
            f"{each.destination}",
        )
    ]


def _tell_needs(needs: list[_Need]) -> None:
    if not needs:
        console.say("Nothing needs a person.")
        return
    rows = [[console.plain(each.what), each.next] for each in needs]
    console.table(["needs a person", "next command"], rows)


# --- all of it ---


def _tell(found: _Status) -> None:
    console.table(
        ["queue", "waiting", "in flight", "delayed", "delivery"],
        [
            *map(_lane_row, found.lanes),
            ["dead letters", *_count_cells(found.dead_letters), ""],
        ],
    )
    if found.accounting and found.accounting.missing:
        console.say(f"Accounting: {_missing(found.accounting)}; see `status --check`.")
    for each in found.lanes:
        if each.kept_until:
            console.say(
                f"What waits in {each.label} is kept until {console.when(each.kept_until)}."
            )
    console.say()
    span = "last hour" if found.hours == 1 else f"last {found.hours} hours"
    console.table(
        ["destination", "waiting", "oldest", "because", "dead", span],
        [_destination_row(found, name, each) for name, each in found.destinations.items()],
    )
    if not found.log.is_complete:
        since = console.when(found.log.since)
        console.say(
            f"The log is long: {log_events.MAX_ANSWERS} answers of CloudWatch reach back to "
            f"{since}."
        )
    if not found.dead.may_be_seen:
        console.say("Whose the dead letters are may be seen with OperatorPolicy.")
    elif found.dead.unseen:
        looked_at = found.dead.by_destination.total()
        console.say(
            f"Of the dead letters {looked_at} were looked at, {found.dead.unseen_words} "
            "`failures` looks at all."
        )
    console.say()
    console.table(
        ["connection", "calls", "token"], [_connection_row(each) for each in found.connections]
    )


def _lane_row(each: LaneState) -> list[str]:
    if each.count is None:
        return [each.label, "its queue is missing", "", "", ""]
    return [each.label, *_count_cells(each.count), each.delivery.words]


def _count_cells(count: QueueCount) -> list[str]:
    return [str(count.visible), str(count.in_flight), str(count.delayed)]


def _destination_row(found: _Status, name: str, each: LogSummary) -> list[str]:
    at_least = "" if found.log.is_complete else "at least "
    count = sum(waits.count for waits in each.waiting.values())
    reasons = [f"{waits.count} {reason}" for reason, waits in each.waiting.items()]
    outcomes = [f"{n} {outcome}" for outcome, n in each.outcomes.most_common()]
    return [
        console.plain(name),
        f"{at_least}{count}",
        console.duration(_oldest(each)) if count else "",
        console.plain("; ".join(reasons)),
        _dead_cell(found.dead, name),
        at_least + (", ".join(outcomes) or "nothing"),
    ]


def _oldest(each: LogSummary) -> float:
    """Return the age in seconds of what waits for longest."""
    return time.time() - min(waits.since for waits in each.waiting.values())


def _dead_cell(dead: _Dead, name: str) -> str:
    if not dead.may_be_seen:
        return ""
    return ("at least " if dead.unseen else "") + str(dead.by_destination[name])


def _connection_row(each: _Connection) -> list[str]:
    state = each.state
    calls = "go through"
    if state.cause:
        calls = _paused(state)
    if isinstance(each.token, str):
        return [each.name, calls, each.token]
    return [each.name, calls, f"{each.token.state}, ends {each.token.end}"]


def _paused(state: ConnectionState) -> str:
    """Return since when a connection is paused, and why."""
    since = f" since {console.when(int(state.opened_at))}" if state.opened_at else ""
    return f"paused{since}" + (f": {_CAUSES[state.cause]}" if state.cause else "")


def _document(found: _Status) -> dict[str, Any]:
    return {
        "profiles": {
            "waiting": sum(each.count.waiting for each in found.lanes if each.count),
            "in_flight": sum(each.count.in_flight for each in found.lanes if each.count),
        },
        "lanes": [
            {
                "lane": each.name or None,
                **(_count(each.count) | {"delayed": each.count.delayed} if each.count else {}),
                **each.delivery.document(),
                "kept_until": console.moment(each.kept_until) if each.kept_until else None,
            }
            for each in found.lanes
        ],
        "accounting": found.accounting
        and {**vars(found.accounting), "missing": found.accounting.missing},
        "dead_letters": {
            **_count(found.dead_letters),
            "looked_at": found.dead.by_destination.total(),
            "unseen": found.dead.unseen,
        },
        "log": {"since": console.moment(found.log.since), "complete": found.log.is_complete},
        "destinations": [
            _destination(found, name, each) for name, each in found.destinations.items()
        ],
        "connections": [_connection_document(each) for each in found.connections],
    }


def _count(count: QueueCount) -> dict[str, int]:
    return {"waiting": count.waiting, "in_flight": count.in_flight}


def _destination(found: _Status, name: str, each: LogSummary) -> dict[str, Any]:
    return {
        "destination": name,
        "waiting": [
            {"reason": reason, "count": waits.count, "oldest": console.moment(waits.since)}
            for reason, waits in each.waiting.items()
        ],
        "dead": found.dead.by_destination[name] if found.dead.may_be_seen else None,
        "outcomes": dict(each.outcomes),
    }


def _connection_document(each: _Connection) -> dict[str, Any]:
    token, state = each.token, each.state
    return {
        "connection": each.name,
        "paused": state.cause is not None,
        "cause": state.cause,
        "paused_since": console.moment(state.opened_at) if state.cause else None,
        "token": (
            {"state": "none", "words": token, "expires_at": None}
            if isinstance(token, str)
            else {
                "state": token.state,
                "words": token.words,
                "expires_at": None
                if token.expires_at is None
                else console.moment(token.expires_at),
            }
        ),
    }
