"""The commands about destinations: which profiles become which attendees, and of which event."""

from typing import TYPE_CHECKING, Any

import typer

from attendee_sync import attendee
from attendee_sync.mapping import field_rules, normalisation
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError, Yes
from attendee_sync_cli.settings import setting_changes, validation
from attendee_sync_cli.settings.setting_changes import SettingsFile
from attendee_sync_cli.settings.validation import SettingFault

if TYPE_CHECKING:
    from attendee_sync_cli.stack.stack import Stack

app = typer.Typer(no_args_is_help=True, help="List, show, set and remove destinations.")
# The one that the template makes.
_TEMPLATE_DESTINATION = "default"


@app.command("list", epilog="Example: attendee-sync destinations list --json")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the destinations of the stack."""
    stack: Stack = context.obj
    connections = stack.connections()
    found = [
        _summary(name, text, connections) for name, text in sorted(stack.destinations().items())
    ]
    if as_json:
        console.document(found)
        return
    if not found:
        raise FailureError(f"Stack {stack.name} has no destinations. Is that its name?")
    console.table(
        ["destination", "event", "connection", "filter", "exits", "settings"],
        [
            [
                each["destination"],
                each["event_code"] or "",
                each["connection"] or "",
                each["filter"] or "",
                each["exits"] or "",
                "valid" if each["valid"] else "not valid: `destinations show` tells why",
            ]
            for each in found
        ],
    )


@app.command(
    "show",
    epilog="Examples: attendee-sync destinations show default; "
    "attendee-sync destinations show default --json > default.json",
)
def show(context: typer.Context, destination: DestinationName, as_json: AsJson = False) -> None:
    """Show the settings of a destination, and where each attendee field comes from.

    In JSON just the settings as they are stored, to be edited and set.
    """
    stack: Stack = context.obj
    text = stack.known_destination(destination)
    read = validation.read(Destination, text)
    if as_json:
        console.document(setting_changes.parsed(text))
    elif isinstance(read, Destination):
        _show(read, setting_changes.parsed(text))
    found = _faults(read, text, stack.connections())
    if found:
        raise setting_changes.not_valid(f"The settings of destination {destination}", found)


@app.command(
    "set",
    epilog="Examples: attendee-sync destinations set summit summit.json; "
    "attendee-sync destinations set summit - --yes < summit.json",
)
def set_(
    context: typer.Context, destination: DestinationName, file: SettingsFile, yes: Yes = False
) -> None:
    """Store the settings of a destination, after a look at what changes.

    A setting that FILE leaves out has its default.
    """
    stack: Stack = context.obj
    text = setting_changes.from_file(file, yes=yes)
    after = validation.read(Destination, text)
    found = _faults(after, text, stack.connections())
    if found or isinstance(after, list):
        raise setting_changes.not_valid("The settings", found)
    compact = setting_changes.compact(text)
    before = stack.destination(destination)
    changes = setting_changes.changes(before, after)
    if not changes:
        console.say(setting_changes.NOTHING)
        return
    setting_changes.ask(f"Destination {destination}", changes, is_new=before is None, yes=yes)
    stack.put_destination(destination, compact)
    console.say(setting_changes.STORED)
    if destination == _TEMPLATE_DESTINATION:
        console.say(
            "Deploys keep this: EventCode, DestinationName and DestinationDescription "
            "of the template no longer count."
        )
    if before is None:
        console.say(f"Senders push to /v1/destinations/{destination}/profiles.")
        console.say(f"Next: attendee-sync preview {destination} FILE")


@app.command("remove", epilog="Example: attendee-sync destinations remove summit")
def remove(context: typer.Context, destination: DestinationName, yes: Yes = False) -> None:
    """Remove a destination.

    From then on senders get 404 for it, and profiles that are still queued become dead letters.
    Attendees that RainFocus has stay as they are.
    """
    stack: Stack = context.obj
    stack.known_destination(destination)
    if destination == _TEMPLATE_DESTINATION:
        raise FailureError(
            f"The template made destination {destination}; it goes when the stack is deleted."
        )
    console.say(
        f"From a minute after this, who pushes to destination {destination} gets 404, and its "
        "profiles that are still queued become dead letters."
    )
    if not yes:
        typer.confirm(f"Remove destination {destination}?", abort=True)
    stack.delete_destination(destination)
    console.say(f"Removed destination {destination}.")


def _faults(
    read: Destination | list[SettingFault], text: str, connections: dict[str, str]
) -> list[SettingFault]:
    """Return all faults of a destination's settings, that of a connection amiss among them."""
    found = read if isinstance(read, list) else []
    connection = (
        read.connection
        if isinstance(read, Destination)
        else setting_changes.parsed(text).get("connection")
    )
    is_told = any(fault.setting == "connection" for fault in found)
    if not isinstance(connection, str) or connection in connections or is_told:
        return found
    names = ", ".join(sorted(connections)) or "there is none yet"
    return [*found, SettingFault("connection", f'"{connection}"', f"one that exists: {names}")]


def _summary(name: str, text: str, connections: dict[str, str]) -> dict[str, Any]:
    read = validation.read(Destination, text)
    settings = read if isinstance(read, Destination) else None
    return {
        "destination": name,
        "name": settings.name if settings else None,
        "event_code": settings.event_code if settings else None,
        "connection": settings.connection if settings else None,
        "filter": settings.filter if settings else None,
        "exits": settings.exits.action if settings else None,
        "valid": not _faults(read, text, connections),
    }


def _show(settings: Destination, given: dict[str, Any]) -> None:
    rows = setting_changes.rows(settings, given)
    console.table(
        ["setting", "value", ""], [row for row in rows if row[0].partition(".")[0] != "mapping"]
    )
    console.say()
    console.table(
        ["attendee field", "comes from", "write", "normalised", ""],
        [
            _mapping_row(name, settings)
            for name in sorted(attendee.FIELDS.keys() | settings.mapping.keys())
        ],
    )


def _mapping_row(name: str, settings: Destination) -> tuple[str, ...]:
    # The state is normalised with its country, hence not by a function of its own.
    has_form = name in normalisation.BY_FIELD or name in ("email", "state")
    is_normalised = "yes" if has_form and name not in settings.not_normalised else "no"
    rule = settings.mapping.get(name)
    if rule is None:
        source = "the e-mail rule" if name == "email" else field_rules.USUAL_NAMES
        return name, source, "overwrite", is_normalised, "default"
    value = f'"{rule.value}"' if rule.write == "constant" else rule.value
    return name, value, rule.write, is_normalised, "set"
