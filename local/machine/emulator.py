"""Lambda's runtime without a container: AWS's runtime interface emulator and client.

A function is what `sam build` made of it, zipped by the SAM CLI and unzipped with the dates that
the zip gives (all 1980), with the layer in a place that nothing is written to.
"""

import contextlib
import json
import os
import platform
import queue
import socket
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import samcli
from samcli.lib.package.utils import make_zip_with_lambda_permissions, zip_folder

from local.machine.cloud import LOOPBACK, REGION, ROOT, TEST_KEY, free_port
from local.machine.event_source_mapping import Invoke
from local.machine.stack import LocalStack, StackError

# An interpreter with what Lambda's Python runtime brings along, and nothing else.
PYTHON = ROOT / "build" / "runtime" / "bin" / "python"
_MACHINE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
_EMULATOR = Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{_MACHINE}"
_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_SECONDS = 65.0  # an invocation may take a minute
_LINES_PER_CALL = 1_000


@dataclass(frozen=True)
class Runtime:
    """What an environment of a function is made of."""

    handler: str
    folders: tuple[Path, ...]  # of the function and of its layer
    variables: Mapping[str, str]


def as_deployed(built: Path, target: Path) -> Path:
    """Zip a folder as `sam deploy` does, and unzip it as Lambda does, with the zip's dates."""
    with (
        zip_folder(str(built), zip_method=make_zip_with_lambda_permissions) as (file, _digest),
        zipfile.ZipFile(file) as archive,
    ):
        for member in archive.infolist():
            path = Path(archive.extract(member, target))
            seconds = time.mktime((*member.date_time, 0, 0, -1))
            os.utime(path, (seconds, seconds))
    return target


@contextlib.contextmanager
def environment(runtime: Runtime, log: IO[bytes] | int = subprocess.DEVNULL) -> Iterator[Invoke]:
    """Run an environment, and give what invokes it; its first invocation starts the function.

    It takes one invocation at a time. What it writes goes to `log`.
    Raises RuntimeError if the emulator does not start. What is given raises OSError if nothing is
    answered, and RuntimeError if the function failed.
    """
    address, api = (f"{LOOPBACK}:{free_port(LOOPBACK)}" for _ in range(2))
    command = [str(_EMULATOR), "--runtime-interface-emulator-address", address]
    command += ["--runtime-api-address", api, str(PYTHON), "-m", "awslambdaric", runtime.handler]
    variables = {
        **runtime.variables,
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, runtime.folders)),
        "PYTHONDONTWRITEBYTECODE": "1",  # /opt and /var/task are read-only
    }
    with subprocess.Popen(
        command,
        cwd=runtime.folders[0],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    ) as emulator:
        try:
            _wait_for(address)
            yield lambda event: _answer(runtime.handler, _post(f"http://{address}", event))
        finally:
            emulator.terminate()


@contextlib.contextmanager
def environments(stack: LocalStack, function: str, build: Path, count: int) -> Iterator[Invoke]:
    """Run as many environments of a deployed function, and give what invokes one that is free.

    They have its variables, time limit and memory, and the rights of the account's owner. `build`
    is what `sam build` made. What they wrote is in the function's log once the block has ended.
    Raises StackError, as does what is given if the function fails.
    """
    if not PYTHON.exists():
        raise StackError("what Lambda's runtime brings along is not installed: run make campaign")
    client, name = stack.client("lambda"), stack.resources[function]
    settings = client.get_function_configuration(FunctionName=name)
    with tempfile.TemporaryDirectory() as folder:
        runtime = _deployed(stack, settings, build / function, Path(folder))
        logs = [Path(folder) / f"{n}.log" for n in range(count)]
        with contextlib.ExitStack() as running:
            free: queue.SimpleQueue[Invoke] = queue.SimpleQueue()
            for each in logs:
                log = running.enter_context(each.open("wb"))
                free.put(running.enter_context(environment(runtime, log)))
            yield lambda event: _invoke(free, event)
        lines = [line for each in logs for line in each.read_text().splitlines() if line]
        _write(stack, settings["LoggingConfig"]["LogGroup"], lines)


def _deployed(stack: LocalStack, settings: Mapping[str, Any], built: Path, folder: Path) -> Runtime:
    layer = as_deployed(built.parent / "SharedLayer", folder / "opt") / "python"
    variables = {
        **settings["Environment"]["Variables"],
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": TEST_KEY,
        "AWS_SECRET_ACCESS_KEY": TEST_KEY,
        "AWS_LAMBDA_FUNCTION_NAME": settings["FunctionName"],
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(settings["Timeout"]),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings["MemorySize"]),
    }
    return Runtime(settings["Handler"], (as_deployed(built, folder / "task"), layer), variables)


def _invoke(free: "queue.SimpleQueue[Invoke]", event: object) -> Any:
    invoke = free.get()
    try:
        return invoke(event)
    except (OSError, RuntimeError) as error:
        raise StackError(str(error)) from None
    finally:
        free.put(invoke)


def _write(stack: LocalStack, group: str, lines: list[str]) -> None:
    """Add lines to a log group."""
    client, stream = stack.client("logs"), f"emulated-{time.time_ns()}"
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    for first in range(0, len(lines), _LINES_PER_CALL):
        now = int(time.time() * 1000)
        events = [
            {"timestamp": now, "message": line} for line in lines[first : first + _LINES_PER_CALL]
        ]
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _answer(handler: str, answer: Any) -> Any:
    if isinstance(answer, dict) and "errorMessage" in answer:
        raise RuntimeError(f"{handler} failed: {answer['errorMessage']}")
    return answer


def _post(url: str, event: object) -> Any:
    body = json.dumps(event).encode()
    request = urllib.request.Request(f"{url}{_INVOCATIONS}", body)  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
        return json.loads(response.read() or b"null")


def _wait_for(address: str) -> None:
    """Wait until the emulator listens; it starts the runtime with the first invocation."""
    host, port = address.split(":")
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the runtime interface emulator does not listen")
