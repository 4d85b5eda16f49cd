"""The command line `attendee-sync`: its global option, and its commands."""

import os
import sys
from typing import Annotated

import typer

from attendee_sync.version import VERSION
from attendee_sync_cli import console
from attendee_sync_cli.commands import (
    connections,
    credentials,
    destinations,
    doctor,
    failures,
    lookup,
    preview,
    push,
    redrive,
    status,
    tokens,
    uninstall,
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
    epilog="Example: attendee-sync --stack attendee-sync doctor default",
)
app.add_typer(connections.app, name="connections")
app.add_typer(destinations.app, name="destinations")
app.add_typer(credentials.app, name="credentials")
app.add_typer(tokens.app, name="token")
app.command("preview", epilog=preview.EXAMPLES)(preview.preview)
app.command("push", epilog=push.EXAMPLES)(push.push)
app.command("doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.command("status", epilog=status.EXAMPLES)(status.status)
app.command("failures", epilog=failures.EXAMPLES)(failures.failures)
app.command("redrive", epilog=redrive.EXAMPLES)(redrive.redrive)
app.command("lookup", epilog=lookup.EXAMPLES)(lookup.lookup)
app.command("uninstall", epilog=uninstall.EXAMPLES)(uninstall.uninstall)


def _tell_version(asked: bool) -> None:
    if asked:
        console.say(f"attendee-sync {VERSION}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell it.")
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(
            envvar="ATTENDEE_SYNC_STACK",
            help="Name of the CloudFormation stack.",
            show_default=_STACK,
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profile of the AWS configuration, not AWS_PROFILE's.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region, not AWS_REGION's.")] = None,
) -> None:
    """Look after the RainFocus connections and the destinations of an attendee-sync stack.

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
