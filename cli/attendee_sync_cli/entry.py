"""Where the command line starts: ready for Ctrl-C, and for a terminal of any encoding.

It imports nothing that takes time, so that Ctrl-C in the second of the imports is heard, too.
"""

import io
import os
import signal
import sys

from attendee_sync_cli.exit_codes import INTERRUPTED


def main() -> None:
    """Run `attendee-sync`."""
    # Ignored, as in the background of a script, it stays.
    hears = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if hears:
        signal.signal(signal.SIGINT, _leave)
    _show_whatever_comes()
    from attendee_sync_cli.main import app  # noqa: PLC0415 - this is what takes time

    if hears:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app()


def _leave(*_: object) -> None:
    """End at once: there is nothing yet that would have to be undone."""
    os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)


def _show_whatever_comes() -> None:
    """Have characters that the terminal's encoding lacks escaped, where Python would stop."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
