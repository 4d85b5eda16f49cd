"""The commands about connections: their settings, and the secrets that go with them."""

from collections.abc import Mapping
from typing import Any

import typer
from pydantic import ValidationError

from attendee_sync.aws.settings import CONNECTIONS, api_profile_of, credentials_of
from attendee_sync.mapping.destination import Destination
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, ConnectionName, FailureError, Yes
from attendee_sync_cli.settings import (
    secret_texts,
    setting_changes,
    setting_history,
    validation,
)
from attendee_sync_cli.settings.setting_changes import NewSettings
from attendee_sync_cli.settings.setting_history import HistoricVersion
from attendee_sync_cli.stack.stack import RECOVERY_DAYS, Stack

app = typer.Typer(no_args_is_help=True, help="List, show, set and remove connections.")
# The one that the template makes.
_TEMPLATE_CONNECTION = "default"
_SECRETS = {
    credentials_of: '{"client_id": "", "client_secret": ""}',
    api_profile_of: "{}",  # token_refresh writes what calls show of the credentials
}


@app.command("list", epilog=console.examples("attendee-sync connections list --json"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the connections of the stack, and the destinations that use them."""
    stack: Stack = context.obj
    users = _users(stack)
    rows = [_summary(name, text, users) for name, text in sorted(stack.connections().items())]
    if as_json:
        console.document(rows)
        return
    if not rows:
        raise FailureError(f"Stack {stack.name} has no connections. Is that its name?")
    console.table(
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
    epilog=console.examples(
        "attendee-sync connections show default",
        "attendee-sync connections show default --json > default.json",
    ),
)
def show(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show the settings of a connection; in JSON just as they are stored, to be edited and set."""
    stack: Stack = context.obj
    text = stack.known_connection(connection)
    read = validation.read(Connection, text)
    if as_json:
        console.document(secret_texts.without(setting_changes.parsed(text)))
    elif isinstance(read, Connection):
        hidden = secret_texts.paths_of(setting_changes.parsed(text))
        rows = setting_changes.rows(read, setting_changes.parsed(text))
        console.table(
            ["setting", "value", "origin"],
            [[p, secret_texts.SHOWN if p in hidden else value, *end] for p, value, *end in rows],
        )
    if isinstance(read, list):
        raise setting_changes.not_valid(f"The settings of connection {connection}", read)


@app.command(
    "set",
    epilog=console.examples(
        "attendee-sync connections set emea emea.json",
        "attendee-sync connections set emea - --yes < emea.json",
        "attendee-sync connections set emea version=v2 auth.client_auth=basic",
        "attendee-sync connections set emea 'answers.transient=[403, \"17\"]'",
    ),
)
def set_(
    context: typer.Context,
    connection: ConnectionName,
    settings: NewSettings,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Store the settings of a connection, after a look at what changes.

    Each KEY=VALUE changes one setting and leaves the others alone; null brings its default back.
    A setting that FILE leaves out has its default. A new connection gets its two secrets too.
    """
    stack: Stack = context.obj
    before = stack.connection(connection)
    if before is None:
        stack.described()  # of a stack that is not there, nobody would read them
    text = setting_changes.new_settings(settings, before, Connection, yes=yes)
    _store(stack, connection, text, yes=yes, as_json=as_json)


def _store(stack: Stack, connection: str, text: str, *, yes: bool, as_json: bool) -> None:
    """Show what changes, ask, and store the settings and their secrets."""
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    before = stack.connection(connection)
    after = validation.read(Connection, text)
    if isinstance(after, list):
        raise setting_changes.not_valid("The settings", after)
    _refuse_secrets(text)
    compact = setting_changes.compact(text)
    changes = setting_changes.shown_changes(before, after)
    if changes:
        if not as_json:
            left_out = setting_changes.reset(before, after)
            if left_out:
                console.say(f"Left out, so that the default counts: {', '.join(left_out)}")
            setting_changes.ask(f"Connection {connection}", changes, is_new=before is None, yes=yes)
        stack.put_connection(connection, compact)
    secrets = _make_secrets(stack, connection)
    if as_json:
        console.document(
            {
                "connection": connection,
                "stored": bool(changes),
                "changes": setting_changes.document(changes),
            }
        )
        return
    console.say(setting_changes.STORED if changes else setting_changes.NOTHING)
    if changes and connection == _TEMPLATE_CONNECTION:
        console.say(setting_changes.KEPT_CONNECTION)
    for told in secrets:
        console.say(told)
    if before is None:
        console.say(f"Next: attendee-sync credentials set {connection}")


@app.command("history", epilog=console.examples("attendee-sync connections history default"))
def history(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show who changed the settings of a connection, when, and which; the last hundred times."""
    stack: Stack = context.obj
    stack.known_connection(connection)
    setting_history.show(stack.versions(CONNECTIONS, connection), Connection, as_json=as_json)


@app.command(
    "rollback",
    epilog=console.examples(
        "attendee-sync connections rollback default 3",
        "attendee-sync connections rollback default template",
    ),
)
def rollback(
    context: typer.Context,
    connection: ConnectionName,
    version: HistoricVersion,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Store the settings that a connection had in a version, after a look at what changes.

    They are checked as those of `set` are, and become a new version. Secrets stay as they are.
    """
    stack: Stack = context.obj
    stack.known_connection(connection)
    text = setting_history.text_of(stack.versions(CONNECTIONS, connection), version)
    _store(stack, connection, text, yes=yes, as_json=as_json)


@app.command("remove", epilog=console.examples("attendee-sync connections remove emea"))
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
            "`attendee-sync destinations remove` removes one."
        )
    if connection == _TEMPLATE_CONNECTION:
        raise FailureError(
            f"The template made connection {connection}; it goes when the stack is deleted."
        )
    if not yes:
        typer.confirm(f"Remove connection {connection} and its secrets?", abort=True)
    stack.delete_connection(connection)
    console.say(f"Removed connection {connection}.")
    for secret_of in _SECRETS:
        name = secret_of(connection)
        when = stack.delete_secret(name)
        if when:
            console.say(
                f"The secret {stack.name}/{name} is deleted in {RECOVERY_DAYS} days, "
                f"on {when:%Y-%m-%d}; until then it can be restored."
            )


def _refuse_secrets(text: str) -> None:
    found = secret_texts.paths_of(setting_changes.parsed(text))
    if found:
        raise FailureError(
            f"What looks like a secret is no setting: {', '.join(sorted(found))}. `attendee-sync "
            "credentials set` stores secrets; {client_id}, {access_token} and others stand for "
            "them in `call` and `token_call`."
        )


def _make_secrets(stack: Stack, connection: str) -> list[str]:
    """Make the secrets of a connection that are not there, and return what was done, in words."""
    done: list[str] = []
    for secret_of, text in _SECRETS.items():
        name = secret_of(connection)
        match stack.make_secret(name, text):
            case "made":
                done.append(f"Made the secret {stack.name}/{name}.")
            case "restored":
                done.append(
                    f"The secret {stack.name}/{name} was about to be deleted; it is restored "
                    "with what it held."
                )
    return done


def _users(stack: Stack) -> dict[str, list[str]]:
    """Return the names of the destinations that use a connection, by its name."""
    users: dict[str, list[str]] = {}
    for name, text in sorted(stack.destinations().items()):
        try:
            connection = Destination.model_validate_json(text).connection
        except ValidationError:
            members = setting_changes.parsed(text)
            connection = str(
                members.get("connection", Destination.model_fields["connection"].default)
            )
        users.setdefault(connection, []).append(name)
    return users


def _summary(name: str, text: str, users: Mapping[str, list[str]]) -> dict[str, Any]:
    read = validation.read(Connection, text)
    valid = isinstance(read, Connection)
    return {
        "connection": name,
        "url": read.url("") if isinstance(read, Connection) else None,
        "auth": read.auth.kind if isinstance(read, Connection) else None,
        "destinations": users.get(name, []),
        "valid": valid,
    }
