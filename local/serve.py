"""The stack on this machine until Ctrl-C. Run it with `make local`."""

import os
import shlex
import sys
import threading
from pathlib import Path

from rich.console import Console

from local.cloud import ROOT, CloudError
from local.running import EVENT_CODE, ORG_ID, Running, running
from local.stack import StackError

_TOKEN_FILE = ROOT / "build" / "ingest-token.curl"
_EXAMPLE = ROOT / "local" / "profile.json"


def main() -> int:
    """Run the stack until it is interrupted."""
    console = Console(highlight=False)
    try:
        with running(lambda step: console.print(f"[bold]·[/bold] {step}")) as environment:
            _write_token(environment)
            _show(environment, console)
            threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nStopped; everything was removed.")
        return 0
    except (CloudError, StackError) as error:
        console.print(f"[red]The stack could not be started:[/red] {error}")
        return 1
    finally:
        _TOKEN_FILE.unlink(missing_ok=True)
    return 0


def _write_token(environment: Running) -> None:
    """Keep the ingest token in a file for curl, readable by its owner: not in a command line."""
    _TOKEN_FILE.parent.mkdir(exist_ok=True)
    _TOKEN_FILE.touch(mode=0o600)
    token = environment.stack.ingest_token().replace("\\", "\\\\").replace('"', '\\"')
    _TOKEN_FILE.write_text(f'header = "Authorization: Bearer {token}"\n', encoding="utf-8")


def _show(environment: Running, console: Console) -> None:
    url, headers = environment.stack.push_url()
    command = ["curl", "--config", _relative(_TOKEN_FILE)]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    command += ["--header", "Content-Type: application/json", "--data", f"@{_relative(_EXAMPLE)}"]
    console.print(f"\nPush URL   {url}", soft_wrap=True)
    console.print(f"           {shlex.join([*command, url])}", soft_wrap=True)
    attendees = f"_sim/attendees?environment=prod&org={ORG_ID}&event={EVENT_CODE}"
    console.print(f"Simulator  {environment.simulator.url}/{attendees}", soft_wrap=True)
    console.print(f"AWS        AWS_ENDPOINT_URL={environment.stack.endpoint_url}", soft_wrap=True)
    console.print("Ctrl-C stops and removes it all.")


def _relative(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    sys.exit(main())
