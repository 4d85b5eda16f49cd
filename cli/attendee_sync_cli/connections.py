"""The commands about connections: their settings, and the secrets that go with them."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from attendee_sync.connection import Connection
from attendee_sync.destination import Destination
from attendee_sync_cli import faults, output
from attendee_sync_cli.faults import Fault
from attendee_sync_cli.output import AsJson, ConnectionName, FailureError, Yes
from attendee_sync_cli.stack import MAX_PARAMETER_BYTES, RECOVERY_DAYS, Stack

app = typer.Typer(no_args_is_help=True, help="List, show, set and remove connections.")
# The one that the template makes.
_TEMPLATE_CONNECTION = "default"
_SECRETS = {
    "credentials": '{"client_id": "", "client_secret": ""}',
    "access-token": "{}",
}


@app.command("list", epilog="Example: attendee-sync connections list --json")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the connections of the stack, and the destinations that use them."""
    stack: Stack = context.obj
    users = _users(stack)
    rows = [_summary(name, text, users) for name, text in sorted(stack.connections().items())]
    if as_json:
        output.document(rows)
        return
    if not rows:
        raise FailureError(f"Stack {stack.name} has no connections. Is that its name?")
    output.table(
        ["connection", "API", "auth", "destinations", "settings"],
        [
            [
                row["connection"],
                row["url"] or "",
                row["auth"] or "",
                ", ".join(row["destinations"]) or "none",
                "valid" if row["valid"] else "not valid: `connections show` tells why",
            ]
            for row in rows
        ],
    )


@app.command(
    "show",
    epilog="Examples: attendee-sync connections show default; "
    "attendee-sync connections show default --json > default.json",
)
def show(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show the settings of a connection; in JSON just as they are stored, to be edited and set."""
    stack: Stack = context.obj
    text = stack.known_connection(connection)
    read = faults.read(Connection, text)
    stored = _parsed(text)
    if as_json:
        output.document(stored)
    elif isinstance(read, Connection):
        given = _flat(stored)
        output.table(
            ["setting", "value", ""],
            [
                [path, _value(value), "set" if path in given else "default"]
                for path, value in _flat(read.model_dump(mode="json")).items()
            ],
        )
    if isinstance(read, list):
        raise FailureError(_all_faults(f"The settings of connection {connection}", read))


@app.command(
    "set",
    epilog="Examples: attendee-sync connections set emea emea.json; "
    "attendee-sync connections set emea - --yes < emea.json",
)
def set_(
    context: typer.Context,
    connection: ConnectionName,
    file: Annotated[
        typer.FileText,
        typer.Argument(encoding="utf-8", help="JSON with the settings; - is standard input."),
    ],
    yes: Yes = False,
) -> None:
    """Store the settings of a connection, after a look at what changes.

    A setting that FILE leaves out has its default. A new connection gets its two secrets too.
    """
    stack: Stack = context.obj
    if file.name == "<stdin>" and not yes:
        raise typer.BadParameter("with - there is nobody to ask: add --yes")
    text = _read(file)
    wanted = faults.read(Connection, text)
    if isinstance(wanted, list):
        raise FailureError(_all_faults("The settings", wanted))
    compact = json.dumps(json.loads(text), ensure_ascii=False)
    if len(compact.encode()) > MAX_PARAMETER_BYTES:
        raise FailureError(f"The settings take more than {MAX_PARAMETER_BYTES} bytes.")
    before = stack.connection(connection)
    changes = _changes(before, wanted)
    if changes:
        output.say(f"Connection {connection}" + (" is new:" if before is None else " changes:"))
        output.table(["setting", "from", "to"], changes)
        if not yes:
            typer.confirm("Store this?", abort=True)
        stack.put_connection(connection, compact)
        output.say("Stored. The functions take it up within a minute.")
        if connection == _TEMPLATE_CONNECTION:
            output.say(
                "The template made this connection: a deploy that changes Environment, OrgId, "
                "BaseUrl or TokenUrl writes it anew."
            )
    else:
        output.say("Nothing changes.")
    _make_secrets(stack, connection)
    if before is None:
        output.say(f"Next: attendee-sync credentials set {connection}")


@app.command("remove", epilog="Example: attendee-sync connections remove emea")
def remove(context: typer.Context, connection: ConnectionName, yes: Yes = False) -> None:
    """Remove a connection that no destination uses, and its two secrets.

    Secrets Manager keeps the secrets for 30 days, in which they can be restored: storing a
    connection of the same name again does that.
    """
    stack: Stack = context.obj
    stack.known_connection(connection)
    used_by = _users(stack).get(connection)
    if used_by:
        raise FailureError(
            f"Connection {connection} is used by {', '.join(used_by)}: not removed. "
            f"Remove these under /{stack.name}/destinations/ first."
        )
    if connection == _TEMPLATE_CONNECTION:
        raise FailureError(
            f"The template made connection {connection}; it goes when the stack is deleted."
        )
    if not yes:
        typer.confirm(f"Remove connection {connection} and its secrets?", abort=True)
    stack.delete_connection(connection)
    output.say(f"Removed connection {connection}.")
    for kind in _SECRETS:
        when = stack.delete_secret(f"{kind}/{connection}")
        if when:
            output.say(
                f"The secret {stack.name}/{kind}/{connection} is deleted in {RECOVERY_DAYS} days, "
                f"on {when:%Y-%m-%d}; until then it can be restored."
            )


def _read(file: typer.FileText) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise FailureError("The settings are not UTF-8 text.") from None


def _make_secrets(stack: Stack, connection: str) -> None:
    for kind, text in _SECRETS.items():
        name = f"{kind}/{connection}"
        match stack.make_secret(name, text):
            case "made":
                output.say(f"Made the secret {stack.name}/{name}.")
            case "restored":
                output.say(
                    f"The secret {stack.name}/{name} was about to be deleted; it is restored "
                    "with what it held."
                )


def _users(stack: Stack) -> dict[str, list[str]]:
    """Return the names of the destinations that use a connection, by its name."""
    users: dict[str, list[str]] = {}
    for name, text in sorted(stack.destinations().items()):
        try:
            connection = Destination.model_validate_json(text).connection
        except ValidationError:
            members = _parsed(text)
            connection = str(
                members.get("connection", Destination.model_fields["connection"].default)
            )
        users.setdefault(connection, []).append(name)
    return users


def _summary(name: str, text: str, users: Mapping[str, list[str]]) -> dict[str, Any]:
    read = faults.read(Connection, text)
    valid = isinstance(read, Connection)
    return {
        "connection": name,
        "url": read.url("") if isinstance(read, Connection) else None,
        "auth": read.auth.kind if isinstance(read, Connection) else None,
        "destinations": users.get(name, []),
        "valid": valid,
    }


def _parsed(text: str) -> dict[str, Any]:
    """Return the members of a JSON object, or none if it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by their paths, such as auth.client_auth."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        if isinstance(each, dict) and each:
            found |= _flat(each, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = sorted(each, key=str) if isinstance(each, list) else each
    return found


def _changes(before: str | None, wanted: Connection) -> list[list[str]]:
    """Return path, old and new value of every setting that changes, defaults included."""
    new = _flat(wanted.model_dump(mode="json"))
    old: dict[str, Any] = {}
    if before is not None:
        read = faults.read(Connection, before)
        old = _flat(
            read.model_dump(mode="json") if isinstance(read, Connection) else _parsed(before)
        )
    else:
        given = _flat(wanted.model_dump(mode="json", exclude_unset=True))
        return [[path, "", _value(value)] for path, value in given.items()]
    return [
        [path, _value(old.get(path)), _value(new.get(path))]
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _value(value: object) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(none)"
    if value in ("", {}):
        return "(empty)"
    return str(value)


def _all_faults(what: str, found: list[Fault]) -> str:
    lines = "".join(f"\n  {fault}" for fault in found)
    return f"{what} are not valid:{lines}"
