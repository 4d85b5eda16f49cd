"""The command that shows a stack in a browser."""

from typing import Annotated

import typer

from attendee_sync_cli import console

EXAMPLES = console.examples(
    "attendee-sync console",
    "attendee-sync console --allow-changes --port 8700 --no-browser",
)
_MAX_PORT = 65_535


def web_console(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=_MAX_PORT, help="Port of this machine; 0 is any free one.")
    ] = 0,
    allow_changes: Annotated[
        bool,
        typer.Option(
            "--allow-changes", help="Let its pages change what your rights in AWS let you change."
        ),
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or show its address.")
    ] = True,
) -> None:
    """Show the stack in a browser, until Ctrl-C: what the commands show, with your own rights.

    Pages are served on this machine alone, to the one browser that opens the address, which is
    good once. They change nothing unless --allow-changes is given, and then each change asks.
    """
    # It takes a third of a second, which no other command has to wait for.
    from attendee_sync_cli.web_console import server  # noqa: PLC0415

    def tell(address: str) -> None:
        console.say("The console of this stack, for one browser of this machine:")
        console.say_as_it_is(address)
        console.say("Ctrl-C ends it.")

    server.serve(context.obj, port=port, may_change=allow_changes, opens_browser=browser, tell=tell)
