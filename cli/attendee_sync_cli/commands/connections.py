"""The commands about connections: their settings, and the secrets that go with them."""

import typer

from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, ConnectionName, FailureError, Yes
from attendee_sync_cli.operations import connections as operations
from attendee_sync_cli.settings import setting_changes, setting_history
from attendee_sync_cli.settings.setting_changes import NewSettings
from attendee_sync_cli.settings.setting_history import HistoricVersion
from attendee_sync_cli.settings.validation import NotValidError
from attendee_sync_cli.stack.stack import RECOVERY_DAYS, Stack

app = typer.Typer(no_args_is_help=True, help="List, show, set and remove connections.")
# The one that the template makes.
_TEMPLATE_CONNECTION = "default"


@app.command("list", epilog=console.examples("attendee-sync connections list --json"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the connections of the stack, and the destinations that use them."""
    stack: Stack = context.obj
    found = operations.listed(stack)
    if as_json:
        console.document([each.document() for each in found])
        return
    if not found:
        raise FailureError(f"Stack {stack.name} has no connections. Is that its name?")
    console.table(
        ["connection", "API", "auth", "destinations", "settings"],
        [
            [
                each.name,
                each.settings.url("") if each.settings else "",
                each.settings.auth.kind if each.settings else "",
                ", ".join(each.destinations) or "none",
                "valid" if each.settings else "not valid: `connections show` tells why",
            ]
            for each in found
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
    found = operations.stored(stack, connection)
    if as_json:
        console.document(found.shown())
    elif found.settings:
        console.table(["setting", "value", "origin"], found.rows())
    if found.faults:
        raise NotValidError(f"The settings of connection {connection}", found.faults)


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
    text = setting_changes.new_settings(settings, before, Connection, yes=yes)
    _store(stack, connection, text, yes=yes, as_json=as_json)


def _store(stack: Stack, connection: str, text: str, *, yes: bool, as_json: bool) -> None:
    """Show what changes, ask, and store the settings and their secrets."""
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    trial = operations.tried(stack, connection, text)
    changes, is_new = trial.changes, trial.before is None
    if changes and not as_json:
        if trial.reset:
            console.say(f"Left out, so that the default counts: {', '.join(trial.reset)}")
        setting_changes.ask(f"Connection {connection}", changes, is_new=is_new, yes=yes)
    secrets = operations.store(stack, trial)
    if as_json:
        console.document(trial.document())
        return
    console.say(setting_changes.STORED if changes else setting_changes.NOTHING)
    if changes and connection == _TEMPLATE_CONNECTION:
        console.say(setting_changes.KEPT_CONNECTION)
    for told in secrets:
        console.say(told)
    if is_new:
        console.say(f"Next: attendee-sync credentials set {connection}")


@app.command("history", epilog=console.examples("attendee-sync connections history default"))
def history(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show who changed the settings of a connection, when, and which; the last hundred times."""
    stack: Stack = context.obj
    setting_history.show(operations.history(stack, connection), as_json=as_json)


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
    text = operations.earlier(stack, connection, version)
    _store(stack, connection, text, yes=yes, as_json=as_json)


@app.command("remove", epilog=console.examples("attendee-sync connections remove emea"))
def remove(context: typer.Context, connection: ConnectionName, yes: Yes = False) -> None:
    """Remove a connection that no destination uses, and its two secrets.

    Secrets Manager keeps the secrets for 30 days, in which they can be restored: storing a
    connection of the same name again does that.
    """
    stack: Stack = context.obj
    stack.known_connection(connection)
    used_by = operations.users_of(stack).get(connection)
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
    for secret_of in operations.SECRETS:
        name = secret_of(connection)
        when = stack.delete_secret(name)
        if when:
            console.say(
                f"The secret {stack.name}/{name} is deleted in {RECOVERY_DAYS} days, "
                f"on {when:%Y-%m-%d}; until then it can be restored."
            )
