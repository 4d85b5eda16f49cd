import subprocess
import sys
from collections.abc import Iterator

import pytest

from local.machine import workers
from local.machine.stack import LocalStack

pytestmark = pytest.mark.skipif(not workers.CAN_BE_FOUND, reason="there is no /proc here")

STACK = LocalStack("try", "http://127.0.0.1:41234", {}, {"IngestFunction": "in", "Delivery": "out"})


def _worker(port: int, function: str) -> subprocess.Popen[str]:
    environment = {"GATEWAY_PORT": str(port), "AWS_LAMBDA_FUNCTION_NAME": function}
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """A function's process, one of another function, and one of another local cloud."""
    made = [_worker(41234, "in"), _worker(41234, "out"), _worker(41235, "in")]
    yield made
    for process in made:
        process.kill()
        process.communicate()


def test_a_functions_processes_are_found_measured_and_killed(
    processes: list[subprocess.Popen[str]],
) -> None:
    (pid,) = workers.workers(STACK, "IngestFunction")
    assert pid == processes[0].pid
    assert workers.resident_bytes(pid) > 1_000_000

    workers.kill([pid])

    assert processes[0].wait(10) == -9
    assert workers.workers(STACK, "IngestFunction") == set()
    assert workers.resident_bytes(pid) == 0
    assert [process.poll() for process in processes[1:]] == [None, None]


def test_what_is_gone_is_not_killed_again(processes: list[subprocess.Popen[str]]) -> None:
    processes[0].kill()
    processes[0].wait(10)
    workers.kill([processes[0].pid])
