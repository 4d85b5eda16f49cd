"""What a cold start of a function costs beside that of a trivial one with an SQS client.

The functions are what `sam build` made of them, zipped by the SAM CLI and unzipped with the dates
that the zip gives (all 1980), with the layer in a place that nothing is written to. They run under
AWS's runtime interface emulator and runtime interface client, as in its base images for Lambda.
"""

import json
import os
import platform
import socket
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import samcli
import yaml
from samcli.lib.package.utils import make_zip_with_lambda_permissions, zip_folder

from local.machine import stack
from local.machine.cloud import ROOT

# An interpreter with what Lambda's Python runtime brings along, and nothing else.
_PYTHON = ROOT / "build" / "runtime" / "bin" / "python"
_MACHINE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
_EMULATOR = Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{_MACHINE}"
_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_ROUNDS = 15
_SECONDS = 60.0

_TRIVIAL = """\
import botocore.session

client = botocore.session.get_session().create_client("sqs")


def lambda_handler(event, context):
    return {}
"""


@dataclass(frozen=True)
class _Function:
    handler: str
    folders: tuple[Path, ...]  # of the function and of its layer
    variables: Mapping[str, str]
    event: object
    """One that is answered without a call to AWS, after all clients were made."""


def ingest_cold_start_ratio() -> float:
    """Return ingest's init and first invocation by those of the trivial function."""
    return _cold_starts()["IngestFunction"]


def delivery_cold_start_ratio() -> float:
    """Return delivery's init and first invocation by those of the trivial function."""
    return _cold_starts()["DeliveryFunction"]


@cache
def _cold_starts() -> dict[str, float]:
    """Start each function in turn, some rounds; return the median ratio of each, by its name."""
    if not _PYTHON.exists():
        raise RuntimeError("what Lambda's runtime brings along is not installed: run make bench")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        functions = _functions(folder)
        trivial = _trivial(folder / "trivial")
        for function in (trivial, *functions.values()):  # warms the page cache
            _seconds(function)
        ratios: dict[str, list[float]] = {each: [] for each in functions}
        for _ in range(_ROUNDS):
            bare = _seconds(trivial)
            for each, function in functions.items():
                ratios[each].append(_seconds(function) / bare)
        return {each: median(values) for each, values in ratios.items()}


def _functions(folder: Path) -> dict[str, _Function]:
    template = stack.build(folder / "build")
    deployed = yaml.safe_load(template.read_text())
    layer = _as_deployed(template.parent / "SharedLayer", folder / "opt") / "python"
    unauthorised = json.loads((ROOT / "events" / "ingest-unauthorised.json").read_text())
    events = {"IngestFunction": unauthorised, "DeliveryFunction": {"Records": []}}
    return {
        name: _Function(
            handler=deployed["Resources"][name]["Properties"]["Handler"],
            folders=(_as_deployed(template.parent / name, folder / name), layer),
            variables=_variables(deployed, name),
            event=event,
        )
        for name, event in events.items()
    }


def _trivial(folder: Path) -> _Function:
    folder.mkdir()
    (folder / "app.py").write_text(_TRIVIAL)
    return _Function("app.lambda_handler", (folder,), {}, {})


def _as_deployed(built: Path, target: Path) -> Path:
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


def _variables(template: Mapping[str, Any], function: str) -> dict[str, str]:
    """Return a function's variables: parameters at their defaults, made-up names for the rest."""
    merged = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    merged |= template["Resources"][function]["Properties"]["Environment"]["Variables"]
    return {name: _value(template["Parameters"], value) for name, value in merged.items()}


def _value(parameters: Mapping[str, Any], value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    parameter = parameters.get(str(value.get("Ref")), {})
    return str(parameter.get("Default", "bench"))


def _seconds(function: _Function) -> float:
    """Return the seconds until a new runtime has answered its first invocation."""
    address, api = f"127.0.0.1:{_free_port()}", f"127.0.0.1:{_free_port()}"
    command = [str(_EMULATOR), "--runtime-interface-emulator-address", address]
    command += ["--runtime-api-address", api, str(_PYTHON), "-m", "awslambdaric", function.handler]
    environment = {
        **function.variables,
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, function.folders)),
        "PYTHONDONTWRITEBYTECODE": "1",  # /opt and /var/task are read-only
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",  # pragma: allowlist secret
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    }
    with subprocess.Popen(
        command,
        cwd=function.folders[0],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as emulator:
        try:
            _wait_for(address)
            started = time.perf_counter()
            answer = _post(f"http://{address}{_INVOCATIONS}", function.event)
            seconds = time.perf_counter() - started
        finally:
            emulator.terminate()
    if isinstance(answer, dict) and "errorMessage" in answer:
        raise RuntimeError(f"{function.handler} failed: {answer['errorMessage']}")
    return seconds


def _post(url: str, event: object) -> Any:
    request = urllib.request.Request(url, json.dumps(event).encode())  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
        return json.loads(response.read() or b"null")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
