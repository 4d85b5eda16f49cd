"""The command that tells how a stack is doing: what waits, what ended how, what stands still."""

import time
from typing import Annotated

import typer

from attendee_sync.aws.fifo_queue import QueueCount
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson
from attendee_sync_cli.operations import status as operation
from attendee_sync_cli.operations.status import DeadLetters, Need, Status
from attendee_sync_cli.stack import log_events
from attendee_sync_cli.stack.lane_state import LaneState
from attendee_sync_cli.stack.log_summary import LogSummary

EXAMPLES = console.examples(
    "attendee-sync status",
    "attendee-sync status --hours 24 --json",
    "attendee-sync status --check --max-wait 120",
)
_LOG_LATE_SECONDS = 60.0  # by which lines of the log may come


def status(
    context: typer.Context,
    hours: Annotated[
        int, typer.Option(min=1, max=operation.MAX_HOURS, help="Hours whose outcomes are counted.")
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
            max=60 * operation.MAX_HOURS,
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
    found = operation.look(context.obj, hours)
    accounting = found.activity.accounting
    if check and accounting and accounting.missing:
        console.notice("Profiles seem to be missing. Looking again in a minute.")
        time.sleep(_LOG_LATE_SECONDS)
        found = operation.look(context.obj, hours)
    needs = found.needs(60.0 * max_wait)
    if as_json:
        console.document(found.document() | {"needs": [each.document() for each in needs]})
    elif check:
        _tell_needs(needs)
    else:
        _tell(found)
    if check and needs:
        raise typer.Exit(1)


def _tell_needs(needs: list[Need]) -> None:
    if not needs:
        console.say("Nothing needs a person.")
        return
    rows = [[console.plain(each.what), each.next] for each in needs]
    console.table(["needs a person", "next command"], rows)


def _tell(found: Status) -> None:
    glance, activity = found.glance, found.activity
    console.table(
        ["queue", "waiting", "in flight", "delayed", "delivery"],
        [
            *map(_lane_row, glance.lanes),
            ["dead letters", *_count_cells(glance.dead_letters), ""],
        ],
    )
    if activity.accounting and activity.accounting.missing:
        console.say(f"Accounting: {activity.accounting.words}; see `status --check`.")
    for each in glance.lanes:
        if each.kept_until:
            console.say(
                f"What waits in {each.label} is kept until {console.when(each.kept_until)}."
            )
    console.say()
    span = "last hour" if activity.hours == 1 else f"last {activity.hours} hours"
    console.table(
        ["destination", "waiting", "oldest", "because", "dead", span],
        [_destination_row(found, name, each) for name, each in found.destinations.items()],
    )
    if not activity.log.is_complete:
        since = console.when(activity.log.since)
        console.say(
            f"The log is long: {log_events.MAX_ANSWERS} answers of CloudWatch reach back to "
            f"{since}."
        )
    _tell_unseen(found.dead)
    console.say()
    console.table(
        ["connection", "calls", "token"],
        [[each.name, each.calls, each.token_words] for each in glance.connections],
    )


def _tell_unseen(dead: DeadLetters) -> None:
    if not dead.may_be_seen:
        console.say("Whose the dead letters are may be seen with OperatorPolicy.")
    elif dead.unseen:
        looked_at = dead.by_destination.total()
        console.say(
            f"Of the dead letters {looked_at} were looked at, {dead.unseen_words} "
            "`failures` looks at all."
        )


def _lane_row(each: LaneState) -> list[str]:
    if each.count is None:
        return [each.label, "its queue is missing", "", "", ""]
    return [each.label, *_count_cells(each.count), each.delivery.words]


def _count_cells(count: QueueCount) -> list[str]:
    return [str(count.visible), str(count.in_flight), str(count.delayed)]


def _destination_row(found: Status, name: str, each: LogSummary) -> list[str]:
    at_least = "" if found.activity.log.is_complete else "at least "
    count = each.waiting_count
    reasons = [f"{waits.count} {reason}" for reason, waits in each.waiting.items()]
    outcomes = [f"{n} {outcome}" for outcome, n in each.outcomes.most_common()]
    return [
        console.plain(name),
        f"{at_least}{count}",
        console.duration(each.oldest) if count else "",
        console.plain("; ".join(reasons)),
        _dead_cell(found.dead, name),
        at_least + (", ".join(outcomes) or "nothing"),
    ]


def _dead_cell(dead: DeadLetters, name: str) -> str:
    if not dead.may_be_seen:
        return ""
    return ("at least " if dead.unseen else "") + str(dead.by_destination[name])
