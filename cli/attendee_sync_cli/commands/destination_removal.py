"""The command that removes a destination, and what its lane holds."""

from typing import Annotated, Literal

import typer

from attendee_sync.aws.settings import DEFAULT
from attendee_sync.messaging import lanes
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError, Yes
from attendee_sync_cli.stack import lane, lane_pause, lane_stack
from attendee_sync_cli.stack.lane import Lane
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync destinations remove summit",
    "attendee-sync destinations remove summit --drain",
    "attendee-sync destinations remove summit --bury --yes",
)


def remove(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: DestinationName,
    drain: Annotated[
        bool, typer.Option("--drain", help="Wait first until all that waits is delivered.")
    ] = False,
    bury: Annotated[
        bool, typer.Option("--bury", help="Let what waits become dead letters.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove a destination and its lane.

    From then on senders get 404 for it. What still waits is delivered before with --drain, which
    ends only where senders have stopped, or becomes dead letters, whole, with --bury: these can be
    redriven to a destination of the same name. Without either, it asks if something waits.
    Attendees that RainFocus has stay as they are. It can be interrupted and run again.
    """
    if drain and bury:
        raise typer.BadParameter("--drain or --bury, not both")
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    stack: Stack = context.obj
    if destination == DEFAULT:
        raise FailureError(
            f"The template made destination {destination}; it goes when the stack is deleted."
        )
    has_lane = lane_stack.exists(stack, destination)
    asked: _Way | None = "drain" if drain else "bury" if bury else None
    if has_lane:
        _remove_with_lane(stack, destination, asked, yes=yes)
    else:
        _remove_shared(stack, destination, asked, yes=yes)
    if as_json:
        console.document({"destination": destination, "removed": True, "lane": has_lane})
    else:
        console.say(f"Removed destination {destination}{' and its lane' if has_lane else ''}.")


type _Way = Literal["drain", "bury"]


def _remove_with_lane(stack: Stack, destination: str, asked: _Way | None, *, yes: bool) -> None:
    settings = stack.destination(destination)
    own = Lane(stack, lanes.own_lane(stack.name, destination))
    if settings is None and lane_stack.is_going(stack, destination):
        lane_stack.remove(stack, destination)  # begun only once it was empty
        return
    way = _way(own, destination, asked, yes=yes) if settings is not None else "bury"
    if way == "drain":
        _drain(own, destination)
    own.switch(on=False)  # or functions that still know the destination would deliver to it
    if settings is not None:
        stack.delete_destination(destination)
    _bury(stack, own, destination)
    lane_stack.remove(stack, destination)


def _remove_shared(stack: Stack, destination: str, asked: _Way | None, *, yes: bool) -> None:
    """Remove a destination that has no lane of its own."""
    stack.known_destination(destination)
    if asked == "drain":
        raise FailureError(
            f"Destination {destination} has no lane of its own, whose end could be waited for. "
            f"`attendee-sync destinations move {destination}` gives it one."
        )
    if not yes:
        console.say(
            f"From a minute after this, who pushes to destination {destination} gets 404, and its "
            "profiles that are still queued become dead letters."
        )
        typer.confirm(f"Remove destination {destination}?", abort=True)
    stack.delete_destination(destination)


def _way(own: Lane, destination: str, asked: _Way | None, *, yes: bool) -> _Way:
    """Say what is about to be done, and ask if that is wanted."""
    waiting = own.count().total
    if yes:
        if asked is None and waiting:
            raise FailureError("Something waits: say --drain or --bury.")
        return asked or "bury"
    console.say(
        f"Waiting in the lane of {destination}: {console.counted(waiting, 'profile')}. From a "
        "minute after its removal, who pushes to it gets 404, and what still waits becomes dead "
        "letters."
    )
    if asked is None and waiting:
        drains = typer.confirm("Wait until it is delivered, before anything is removed?")
        asked = "drain" if drains else "bury"
    dead = console.counted(waiting, "dead letter") if waiting and asked != "drain" else ""
    then = f" and make {dead}" if dead else ""
    typer.confirm(f"Remove destination {destination}{then}?", abort=True)
    return asked or "bury"


def _drain(own: Lane, destination: str) -> None:
    """Wait until all is delivered, or is a dead letter for another reason."""
    if not own.mapping().is_on:
        raise FailureError(
            f"Delivery to {destination} is off. `attendee-sync destinations resume {destination}` "
            "switches it on, and --bury makes dead letters of what waits."
        )
    lane.wait_until_empty(own, f"Waiting for deliveries to {destination}")


def _bury(stack: Stack, own: Lane, destination: str) -> None:
    """Have what is left become dead letters, with what comes while senders still get a 202."""
    lane.wait_until_known()
    lane_pause.end(stack, destination, own)
    lane.wait_until_empty(own, f"Emptying the lane of {destination}")
