"""All on one machine: the local cloud, the RainFocus simulator, and the stack between them."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.machine import stack as stacks
from local.machine.cloud import LOOPBACK, ROOT, LocalCloud, local_cloud
from local.machine.stack import LocalStack
from local.simulator.client import SimulatorClient

STACK_NAME = "attendee-sync-local"
ORG_ID = "acme"
EVENT_CODE = "summit2026"
# The simulator's own, see local/simulator/settings.py.
CLIENT_ID = "demo-client"
# pragma: allowlist nextline secret
CLIENT_SECRET = "demo-secret"  # noqa: S105 - opens nothing but the simulator
ALERT_EMAIL = "operator@example.com"  # who is told of trouble; a local cloud sends no mail
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class LocalEnvironment:
    """A stack that delivers to a simulator, with credentials stored and a token fetched."""

    stack: LocalStack
    simulator: SimulatorClient
    build: Path  # what `sam build` made
    cloud: LocalCloud
    parameters: Mapping[str, str]  # with which it was deployed


@contextlib.contextmanager
def local_environment(
    report: Callable[[str], None],
    *,
    address: str = LOOPBACK,
    verbose: bool = False,
    template: Path | None = None,
    has_clock: bool = False,
) -> Iterator[LocalEnvironment]:
    """Start everything, deploy the stack, and stop and remove it all at the end.

    Cloud and simulator are reached at `address`, by the functions too. `report` is told each
    step before it starts. The stack is built unless its built template is given. Of all but the
    simulator the clock can be moved, if it is to have one.
    Raises CloudError or StackError.
    """
    report("Starting the local cloud")
    with local_cloud(address, has_clock=has_clock) as cloud:
        report("Starting the RainFocus simulator")
        with _simulator(address) as simulator:
            if not template:
                report("Building the stack (sam build)")
                template = stacks.build(cloud.folder / "build", verbose=verbose)
            report("Deploying the stack (sam deploy)")
            parameters = {
                "OrgId": ORG_ID,
                "EventCode": EVENT_CODE,
                "TokenUrl": simulator.token_url(),
                "BaseUrl": simulator.base_url(),
                "AlertEmail": ALERT_EMAIL,
                "OAuthDomain": STACK_NAME,
            }
            stack = stacks.deploy(cloud, STACK_NAME, parameters, template=template, verbose=verbose)
            report("Storing the credentials and fetching the first token")
            stack.store_credentials("default", CLIENT_ID, CLIENT_SECRET)
            stack.refresh_token()
            yield LocalEnvironment(stack, simulator, template.parent, cloud, parameters)


@contextlib.contextmanager
def _simulator(address: str) -> Iterator[SimulatorClient]:
    command = [sys.executable, "-m", "local.simulator", "--host", address]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the simulator has no output to read")
            with SimulatorClient(json.loads(process.stdout.readline())["url"]) as client:
                yield client
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            process.kill()
