"""The console's server: on this machine alone, until Ctrl-C."""

import contextlib
import logging
import socket
import tempfile
import traceback
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack
from attendee_sync_cli.web_console import page, site
from attendee_sync_cli.web_console.session import Session

LOOPBACK = "127.0.0.1"
_GRACE_SECONDS = 2
_JOB_SECONDS = 10  # that jobs have for their end


class _Faults(logging.Formatter):
    """Tells the kind and the places of a fault: its words may be what somebody has sent."""

    def format(self, record: logging.LogRecord) -> str:
        """Return where something failed, with no word of it."""
        kind, _, places = record.exc_info or (None, None, None)
        frames = traceback.extract_tb(places)
        return "\n".join(
            [
                f"Internal error{f': {kind.__name__}' if kind else ''} ({record.name})",
                *(f"  {each.filename}:{each.lineno} {each.name}" for each in frames),
            ]
        )


def serve(
    stack: Stack,
    *,
    port: int,
    may_change: bool,
    opens_browser: bool,
    tell: Callable[[str], None],
) -> None:
    """Serve the console until it is interrupted. `tell` gets the address before that.

    With port 0 any free port is taken. Raises FailureError if the port is not free.
    """
    with _listening(port) as listener:
        session = Session(f"{LOOPBACK}:{listener.getsockname()[1]}", may_change)
        app = site.make(stack, session)
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        tell(session.new_address())
        with _browser(session.new_address) if opens_browser else contextlib.nullcontext():
            try:
                with faults_told():
                    uvicorn.Server(config).run(sockets=[listener])
            finally:
                app.state.jobs.end_all(_JOB_SECONDS)


def _listening(port: int) -> socket.socket:
    """Return a socket at which only this machine is heard."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError:
        raise FailureError(
            f"Port {port} is not free: --port takes another, and 0 any that is free."
        ) from None


@contextlib.contextmanager
def faults_told() -> Iterator[None]:
    """Tell of faults of ours on standard error, and of nothing less."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.setFormatter(_Faults())
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def _browser(new_address: Callable[[], str]) -> Iterator[None]:
    """Open a browser, by a file that leads on.

    What programs are started with is seen by everybody on this machine, so that the address, with
    its token, stands in a file that only its owner may read.
    """
    with tempfile.TemporaryDirectory(prefix="attendee-sync-") as folder:
        file = Path(folder, "console.html")
        file.touch(mode=0o600)
        file.write_text(page.text("opening.html", address=new_address()), encoding="utf-8")
        webbrowser.open(file.as_uri())
        yield
