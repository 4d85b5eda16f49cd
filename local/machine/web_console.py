"""The operator's console of a stack on this machine."""

import contextlib
import subprocess
from collections.abc import Iterator

from local.machine.cloud import aws_environment
from local.machine.stack import LocalStack, StackError

_STOP_SECONDS = 5.0
_SCHEME = "http://"


@contextlib.contextmanager
def web_console(stack: LocalStack, simulator_url: str) -> Iterator[str]:
    """Serve the console, changes allowed, and give the address that opens it, once.

    It shows what the simulator has, too.

    Raises StackError if it does not start.
    """
    command = stack.command("console", "--allow-changes", "--no-browser")
    environment = {
        **aws_environment(stack.endpoint_url),
        "ATTENDEE_SYNC_SIMULATOR_URL": simulator_url,
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if line.startswith(_SCHEME):
            return line.strip()
    raise StackError("the console did not start")
