"""The command line `attendee-sync`: its global option, and its commands."""

import os
import sys
from typing import Annotated

import typer

from attendee_sync.version import VERSION
from attendee_sync_cli import console
from attendee_sync_cli.commands import (
    aep,
    connections,
    credentials,
    destination_lanes,
    destinations,
    doctor,
    erase,
    failures,
    lookup,
    preview,
    push,
    redrive,
    report,
    senders,
    status,
    tokens,
    uninstall,
    web_console,
)
from attendee_sync_cli.console import Group
from attendee_sync_cli.stack import local_stack
from attendee_sync_cli.stack.stack import Stack, choose_account

_STACK = "attendee-sync"

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # their frames would show values, secrets among them
    epilog=console.examples(
        "attendee-sync status",
        "attendee-sync --stack attendee-sync doctor default",
    ),
)
_PROFILES = "Profiles"
app.command("preview", epilog=preview.EXAMPLES, rich_help_panel=_PROFILES)(preview.preview)
app.command("push", epilog=push.EXAMPLES, rich_help_panel=_PROFILES)(push.push)
app.command("lookup", epilog=lookup.EXAMPLES, rich_help_panel=_PROFILES)(lookup.lookup)
app.command("erase", epilog=erase.EXAMPLES, rich_help_panel=_PROFILES)(erase.erase)
app.command("report", epilog=report.EXAMPLES, rich_help_panel=_PROFILES)(report.report)
_REPAIR = "When something is wrong, in this order"
app.command("status", epilog=status.EXAMPLES, rich_help_panel=_REPAIR)(status.status)
app.command("failures", epilog=failures.EXAMPLES, rich_help_panel=_REPAIR)(failures.failures)
app.command("doctor", epilog=doctor.EXAMPLES, rich_help_panel=_REPAIR)(doctor.doctor)
app.command("redrive", epilog=redrive.EXAMPLES, rich_help_panel=_REPAIR)(redrive.redrive)
app.command("console", epilog=web_console.EXAMPLES, rich_help_panel="In a browser")(
    web_console.web_console
)
_PAUSE = "Deliveries to one destination"
app.command("pause", epilog=destination_lanes.SHORT_PAUSE_EXAMPLES, rich_help_panel=_PAUSE)(
    destination_lanes.pause
)
app.command("resume", epilog=destination_lanes.SHORT_RESUME_EXAMPLES, rich_help_panel=_PAUSE)(
    destination_lanes.resume
)
_SETTINGS = "Settings"
app.add_typer(connections.app, name="connections", rich_help_panel=_SETTINGS)
app.add_typer(credentials.app, name="credentials", rich_help_panel=_SETTINGS)
app.add_typer(tokens.app, name="token", rich_help_panel=_SETTINGS)
app.add_typer(destinations.app, name="destinations", rich_help_panel=_SETTINGS)
app.add_typer(senders.app, name="senders", rich_help_panel=_SETTINGS)
app.add_typer(aep.app, name="aep", rich_help_panel=_SETTINGS)
_REMOVAL = "Once the stack is deleted"
app.command("uninstall", epilog=uninstall.EXAMPLES, rich_help_panel=_REMOVAL)(uninstall.uninstall)


def _tell_version(asked: bool) -> None:
    if asked:
        console.say(f"attendee-sync {VERSION}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Show the version and end."
        ),
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(
            envvar="ATTENDEE_SYNC_STACK",
            help=f"Name of the CloudFormation stack; {_STACK} if not given.",
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profile of the AWS configuration, not AWS_PROFILE's.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region, not AWS_REGION's.")] = None,
) -> None:
    """Look after a stack that streams customer profiles into RainFocus attendees.

    A *connection* is how RainFocus is reached. A *destination* is where profiles go: a connection,
    an event, and what is mapped and filtered. A *dead letter* is a profile that could not be
    delivered, with the reason. `COMMAND --help` explains each command.

    Account and region are found as the AWS CLI finds them: AWS_PROFILE, AWS_REGION, and
    AWS_ENDPOINT_URL for a stack in a local cloud. Where nothing says which account, a stack that
    `make local` runs in this folder is meant.
    """
    choose_account(profile, region)
    wants_account = not (profile or region or "--help" in sys.argv)
    local = local_stack.find(stack, os.environ) if wants_account else None
    if local:
        os.environ.update(local.environment())
        stack = local.attendee_sync_stack
        console.notice(f"This is the local stack {stack} at {local.aws_endpoint_url}.")
    context.obj = Stack(stack or _STACK)
