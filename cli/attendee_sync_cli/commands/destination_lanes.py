"""The commands about destinations' lanes: moving into one, pausing and resuming, upgrading."""

import json
import time
from typing import Annotated

import typer

from attendee_sync.aws.settings import DEFAULT, DESTINATIONS
from attendee_sync.messaging import lanes
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError, Yes
from attendee_sync_cli.operations import pauses
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.stack import lane, lane_move, lane_stack
from attendee_sync_cli.stack.lane import Lane
from attendee_sync_cli.stack.stack import Stack

MOVE_EXAMPLES = console.examples("attendee-sync destinations move summit")
PAUSE_EXAMPLES = console.examples(
    "attendee-sync destinations pause summit",
    "attendee-sync pause summit --until 12h",
    "attendee-sync pause summit --until 2027-01-31T08:00+01:00",
)
RESUME_EXAMPLES = console.examples("attendee-sync destinations resume summit")
SHORT_PAUSE_EXAMPLES = console.examples(
    "attendee-sync pause summit", "attendee-sync pause summit --until 3d"
)
SHORT_RESUME_EXAMPLES = console.examples("attendee-sync resume summit")
UPGRADE_EXAMPLES = console.examples("attendee-sync destinations upgrade")

_LOOK_SECONDS = 15.0
_TO_STORE_SECONDS = 10.0  # for two changes of the settings, one after the other
_PUSH_SECONDS = 5.0  # in which ingest has queued what it began to


def move(
    context: typer.Context,
    destination: DestinationName,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Begin without waiting for what the shared lane holds: see above."
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move a destination from the shared lane into one of its own.

    The lane is made with its delivery off; from a time on by which all functions know it, what is
    pushed goes there. Once what came before is through in the shared lane, delivery is switched
    on: so the profiles of each attendee keep their order. It takes as long as that takes, can be
    interrupted, and goes on when it is run again; what is pushed meanwhile waits in the lane.

    Whether all is through is told by SQS's counts where the shared lane is empty, and else by
    CloudWatch's age of what was never tried and delivery's log of what was put back. With --now
    nothing is waited for: an older profile that comes after a newer one of its attendee is then
    `stale`, and fields that only the older one had are not sent.
    """
    stack: Stack = context.obj
    if destination == DEFAULT:
        raise FailureError(f"The shared lane is that of destination {destination}.")
    state = setting_changes.parsed(stack.known_destination(destination)).get("lane", "shared")
    if state == "own":
        raise FailureError(f"Destination {destination} has a lane of its own already.")
    if state == "shared":
        console.ask(f"Make a lane for destination {destination}?", yes=yes, as_json=as_json)
        with console.progress(f"Making the lane of {destination}"):
            lane_stack.make(stack, destination, delivers=False)
        console.notice("The lane is made, and its delivery off.")
    _await_move(stack, destination, _moved_at(stack, destination), now=now)
    Lane(stack, lanes.own_lane(stack.name, destination)).switch(on=True)
    _mark(stack, destination, lane="own")
    if as_json:
        console.document({"destination": destination, "lane": "own"})
    else:
        console.say(f"Destination {destination} has moved.")


def _mark(stack: Stack, destination: str, **members: object) -> None:
    """Note in a destination's settings which lane it has, and from when on."""
    settings = setting_changes.parsed(stack.known_destination(destination))
    settings.pop("lane_from", None)
    stack.put_destination(destination, setting_changes.compact(json.dumps(settings | members)))


def _moved_at(stack: Stack, destination: str) -> float:
    """Return from when on pushes go to the new lane, in epoch seconds; set it if it is not yet.

    It is told by AWS's clock, which the functions have, and not by this machine's.
    """
    settings = setting_changes.parsed(stack.known_destination(destination))
    if settings.get("lane_from") is None:
        _mark(stack, destination, lane="moving")  # and see what time AWS has
        since = round(stack.known_at(DESTINATIONS, destination) + _TO_STORE_SECONDS)
        _mark(stack, destination, lane="moving", lane_from=since)
        return since
    return float(settings["lane_from"])


def _await_move(stack: Stack, destination: str, moved_at: float, *, now: bool) -> None:
    """Wait until pushes go to the new lane, and what went to the shared one is through."""
    # All of it, also when it goes on: how much has passed, this machine's clock may not know.
    lane.wait_until_known(_TO_STORE_SECONDS + _PUSH_SECONDS)
    if now:
        return
    told = ""
    while not (
        found := lane_move.remainder(stack, destination, moved_at + _PUSH_SECONDS)
    ).is_through:
        if found.words != told:
            console.notice(f"Waiting: {found.words}.")
            told = found.words
        time.sleep(_LOOK_SECONDS)


def pause(
    context: typer.Context,
    destination: DestinationName,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="Go on then: after so long (90m, 12h, 3d) or at a time of ISO 8601, UTC unless it "
            "says otherwise.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pause deliveries to a destination: switch its lane off, until it is resumed.

    What is pushed meanwhile waits there, costs nothing, holds up nobody and does not expire: how
    long a profile may wait (`MaxAgeHours`) counts from when deliveries go on. SQS keeps it for 14
    days, so that a time by which something could be lost is refused. Paused again, a destination
    goes on at the new time, or once it is resumed.
    """
    stack: Stack = context.obj
    resumes_at = _resumption(until) if until else None
    with console.progress("Switching delivery off"):
        paused = pauses.pause(stack, destination, resumes_at)
    if as_json:
        console.document(paused.document())
    elif resumes_at:
        console.say(f"Paused. Deliveries go on at {console.when(resumes_at)}.")
    else:
        console.say(f"Paused. `attendee-sync resume {destination}` goes on.")
        kept_until = console.moment(paused.kept_until)
        console.say(f"What waits is kept until {kept_until}: resume well before.")


def resume(context: typer.Context, destination: DestinationName, as_json: AsJson = False) -> None:
    """Resume deliveries to a destination that was paused."""
    stack: Stack = context.obj
    with console.progress("Switching delivery on"):
        pauses.resume(stack, destination)
    if as_json:
        console.document({"destination": destination, "delivering": True})
    else:
        console.say("Resumed.")


def _resumption(text: str) -> int:
    try:
        return pauses.resumption(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from None


def upgrade(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Bring every destination's own lane up to this version, after a deploy of the stack.

    Their queues and what waits there stay; a paused one stays paused, and one that is missing is
    made again. `make deploy` runs it.
    """
    stack: Stack = context.obj
    own = {name: text for name, text in stack.destinations().items() if lanes.has_own(text)}
    if own:
        names = ", ".join(sorted(own))
        console.ask(f"Upgrade the lanes of {names}?", yes=yes, as_json=as_json)
    mappings = lane.mappings(stack) if own else {}
    for name, settings in sorted(own.items()):
        mapping = mappings.get(lanes.own_lane(stack.name, name))
        has_moved = setting_changes.parsed(settings).get("lane") == "own"
        with console.progress(f"Making the lane of {name}"):
            lane_stack.make(stack, name, delivers=mapping.is_on if mapping else has_moved)
        if not as_json:
            console.say(f"The lane of {name} is up to date.")
    if as_json:
        console.document({"upgraded": sorted(own)})
    elif not own:
        console.say("No destination has a lane of its own.")
