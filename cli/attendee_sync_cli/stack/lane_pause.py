"""Pausing and resuming a lane: its switch, a note for delivery, the schedule that ends a pause."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from attendee_sync.aws import clients
from attendee_sync.delivery.pauses import Pause
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.lane import Lane, Mapping
from attendee_sync_cli.stack.stack import Stack

RETENTION_SECONDS = 14 * 86_400  # of the profile queues; then SQS deletes what waits
# What waits in a lane that is delivered expires by then, whatever MaxAgeHours is.
_LONGEST_WAIT_SECONDS = round(RetryPolicy.max_age_for_settings)
_TO_DELIVER_SECONDS = 86_400  # kept free after a pause, before SQS deletes anything
_GROUP = "ResumeScheduleGroupName"  # outputs of the stack
_ROLE = "ResumeScheduleRoleArn"


def kept_until(pause: Pause) -> int:
    """Return until when SQS surely keeps what waits in a paused lane, in epoch seconds."""
    return pause.oldest_at + RETENTION_SECONDS


def begin(stack: Stack, destination: str, found: Lane, until: int | None) -> Pause:
    """Switch a lane off, for good or until a time in epoch seconds; return what is noted of it.

    Raises FailureError if SQS may delete something by then.
    """
    mapping = found.mapping()
    pause = replace(_noted(stack, destination, found, mapping), resumes_at=until or 0)
    latest = kept_until(pause) - _TO_DELIVER_SECONDS
    if until and until > latest:
        raise FailureError(
            "SQS keeps what waits for 14 days, and a day is left to deliver it: --until can be "
            f"{console.moment(latest)} at the latest."
        )
    stack.pauses().put(destination, pause)
    if until:
        _schedule(stack, destination, mapping, until)
    else:
        _unschedule(stack, destination)
    found.switch(on=False)
    return pause


def end(stack: Stack, destination: str, found: Lane) -> None:
    """Switch a lane on, after a note that waiting counts from now on."""
    mapping = found.mapping()
    _unschedule(stack, destination)
    if not mapping.is_on:
        before = _noted(stack, destination, found, mapping)
        stack.pauses().put(destination, replace(before, resumes_at=int(time.time())))
    found.switch(on=True)


def _noted(stack: Stack, destination: str, found: Lane, mapping: Mapping) -> Pause:
    """Return the pause that goes on if a lane is off, or one that begins now."""
    before, now = stack.pauses().get(destination), int(time.time())
    if before and not mapping.is_on:
        return before
    if not found.count().total:
        return Pause(now, now)
    oldest = now - _LONGEST_WAIT_SECONDS
    if before and before.counts_from > oldest:  # what waited then may be there still
        oldest = min(oldest, before.oldest_at)
    return Pause(now, oldest)


def _schedule(stack: Stack, destination: str, mapping: Mapping, until: int) -> None:
    """Have EventBridge Scheduler switch a mapping on, and then delete its schedule."""
    role = stack.output(_ROLE)
    partition = role.split(":")[1]
    request = {
        "GroupName": stack.output(_GROUP),
        "Name": destination,
        "ScheduleExpression": f"at({datetime.fromtimestamp(until, UTC):%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
            "Arn": f"arn:{partition}:scheduler:::aws-sdk:lambda:updateEventSourceMapping",
            "RoleArn": role,
            "Input": json.dumps({"Uuid": mapping.uuid, "Enabled": True}),
        },
    }
    scheduler = stack.client("scheduler")
    try:
        scheduler.create_schedule(**request)
    except ClientError as error:
        if clients.cause(error) != "ConflictException":
            raise
        scheduler.update_schedule(**request)


def _unschedule(stack: Stack, destination: str) -> None:
    group = stack.find_output(_GROUP)
    if group is None:  # of an earlier version, which has none
        return
    scheduler = stack.client("scheduler")
    try:
        scheduler.delete_schedule(GroupName=group, Name=destination)
    except ClientError as error:
        if clients.cause(error) != "ResourceNotFoundException":
            raise
