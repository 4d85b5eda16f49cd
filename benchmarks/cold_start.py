"""What a cold start of a function costs beside that of a trivial one with an SQS client.

They run under AWS's runtime interface emulator and client, as in its base images for Lambda.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from local.machine import emulator, stack
from local.machine.cloud import REGION, ROOT
from local.machine.emulator import Runtime

_ROUNDS = 15
_USUAL = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",  # pragma: allowlist secret
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
}

_TRIVIAL = """\
import botocore.session

client = botocore.session.get_session().create_client("sqs")


def lambda_handler(event, context):
    return {}
"""


@dataclass(frozen=True)
class _Function:
    runtime: Runtime
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
    if not emulator.PYTHON.exists():
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
    layer = emulator.as_deployed(template.parent / "SharedLayer", folder / "opt") / "python"
    unauthorised = json.loads((ROOT / "events" / "ingest-unauthorised.json").read_text())
    events = {"IngestFunction": unauthorised, "DeliveryFunction": {"Records": []}}
    return {
        name: _Function(
            Runtime(
                handler=deployed["Resources"][name]["Properties"]["Handler"],
                folders=(emulator.as_deployed(template.parent / name, folder / name), layer),
                variables=_variables(deployed, name) | _USUAL,
            ),
            event,
        )
        for name, event in events.items()
    }


def _trivial(folder: Path) -> _Function:
    folder.mkdir()
    (folder / "app.py").write_text(_TRIVIAL)
    return _Function(Runtime("app.lambda_handler", (folder,), _USUAL), {})


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
    with emulator.environment(function.runtime) as invoke:
        started = time.perf_counter()
        invoke(function.event)
        return time.perf_counter() - started
