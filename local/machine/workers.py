"""The processes in which the local cloud runs functions: found, measured, killed. On Linux only."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from local.machine.stack import LocalStack

_PROCESSES = Path("/proc")
CAN_BE_FOUND = (_PROCESSES / "self" / "environ").exists()


def workers(stack: LocalStack, function: str) -> set[int]:
    """Return the process ids that run a function, named as in template.yaml."""
    wanted = {
        f"GATEWAY_PORT={urlsplit(stack.endpoint_url).port}".encode(),
        f"AWS_LAMBDA_FUNCTION_NAME={stack.resources[function]}".encode(),
    }
    return {pid for pid, environment in _environments() if wanted <= environment}


def resident_bytes(pid: int) -> int:
    """Return the memory that a process takes, or 0 if it is gone."""
    try:
        pages = (_PROCESSES / str(pid) / "statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def kill(pids: Iterable[int]) -> None:
    """Kill processes in whatever they do."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _environments() -> Iterator[tuple[int, set[bytes]]]:
    """Yield the environment of each process that this user may look at."""
    for folder in _PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            yield int(folder.name), set((folder / "environ").read_bytes().split(b"\0"))
