"""The stack on this machine until Ctrl-C. Run it with `make local`."""

import argparse
import contextlib
import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from local.machine import docker
from local.machine.cloud import LOOPBACK, REGION, ROOT, TEST_KEY, CloudError
from local.machine.docker import DockerError
from local.machine.environment import EVENT_CODE, ORG_ID, LocalEnvironment, local_environment
from local.machine.stack import StackError
from local.machine.web_console import web_console
from local.traffic import endless

_TOKEN_FILE = ROOT / "build" / "ingest-token.curl"
# The command line finds the stack by it, see attendee_sync_cli/stack/local_stack.py.
_STACK_FILE = ROOT / "build" / "local-stack.json"
_EXAMPLE = ROOT / "local" / "profile.json"
_OUTAGE = '{"effect": {"status": 503}}'  # what else a fault can be: local/simulator/faults.py


def main() -> int:
    """Run the stack until it is interrupted."""
    console = Console(highlight=False)
    options = _options()
    try:
        with (
            local_environment(
                lambda step: console.print(f"[bold]·[/bold] {step}"), address=_address(options)
            ) as environment,
            _files(environment),
            web_console(environment.stack, environment.simulator.url) as console_address,
        ):
            _show(environment, console_address, console)
            if options.traffic:
                console.print("Made-up people are pushed, two a second.")
                endless.push(environment, per_second=2.0)
            threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nStopped; everything was removed.")
    except (CloudError, DockerError, StackError) as error:
        console.print(f"[red]The stack could not be started:[/red] {error}")
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.serve", description=__doc__)
    parser.add_argument(
        "--address",
        default=LOOPBACK,
        help="at which address of this machine cloud and simulator are reached; `docker` is that "
        "of Docker's bridge, where containers reach them too (default: %(default)s)",
    )
    parser.add_argument(
        "--traffic",
        action="store_true",
        help="push made-up people all the time, some of them amiss",
    )
    return parser.parse_args()


def _address(options: argparse.Namespace) -> str:
    address: str = options.address
    return docker.bridge_address() if address == "docker" else address


@contextlib.contextmanager
def _files(environment: LocalEnvironment) -> Iterator[None]:
    """Keep two files that only their owner may read.

    One has the ingest token for curl, as it must be in no command's arguments; the other has
    what the command line must know of the stack.
    """
    token = environment.stack.ingest_token().replace("\\", "\\\\").replace('"', '\\"')
    texts = {
        _TOKEN_FILE: f'header = "Authorization: Bearer {token}"\n',
        _STACK_FILE: json.dumps(_settings(environment), indent=2) + "\n",
    }
    try:
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)  # what is there may be readable by others
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        yield
    finally:
        for path in texts:
            path.unlink(missing_ok=True)


def _settings(environment: LocalEnvironment) -> Mapping[str, str]:
    """Return the variables with which the command line and the SAM CLI act on the stack."""
    stack = environment.stack
    return {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_ACCESS_KEY_ID": TEST_KEY,
        "AWS_SECRET_ACCESS_KEY": TEST_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "ATTENDEE_SYNC_STACK": stack.name,
        "ATTENDEE_SYNC_SIMULATOR_URL": environment.simulator.url,
    }


def _show(environment: LocalEnvironment, console_address: str, console: Console) -> None:
    console.print(f"\nConsole    {console_address}", soft_wrap=True)
    url, headers = environment.stack.push_url()
    command = ["curl", "--config", _relative(_TOKEN_FILE)]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    command += ["--header", "Content-Type: application/json", "--data", f"@{_relative(_EXAMPLE)}"]
    console.print(f"Push URL   {url}", soft_wrap=True)
    console.print(f"           {shlex.join([*command, url])}", soft_wrap=True)
    attendees = f"_sim/attendees?environment=prod&org={ORG_ID}&event={EVENT_CODE}"
    console.print(f"Simulator  {environment.simulator.url}/{attendees}", soft_wrap=True)
    faults = f"{environment.simulator.url}/_sim/faults"
    console.print(f"Outage     curl --data '{_OUTAGE}' {faults}", soft_wrap=True)
    console.print(f"Its end    curl --request DELETE {faults}", soft_wrap=True)
    console.print(
        "\n`.venv/bin/attendee-sync` finds the stack from this folder. Elsewhere, and for "
        "`make invoke-…`:\n",
        soft_wrap=True,
    )
    for name, value in _settings(environment).items():
        console.print(f"export {name}={shlex.quote(value)}", soft_wrap=True)
    console.print("\nCtrl-C stops and removes it all.")


def _relative(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    sys.exit(main())
