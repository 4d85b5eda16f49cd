import hashlib
import marshal
import os
import shutil
import subprocess
import sys
from importlib.util import cache_from_source, find_spec, source_hash
from pathlib import Path
from typing import Any

import pytest

from attendee_sync.mapping import regions
from local.machine import stack as stacks
from local.machine.cloud import ROOT, local_cloud
from local.machine.stack import LocalStack
from tests.support.functions import FUNCTIONS
from tests.support.local import Local

# What Lambda's Python runtime brings along: boto3 and what it needs.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_function_needs_nothing_but_the_layer_and_the_runtime(
    local: Local, function: str, tmp_path: Path
) -> None:
    for package in _RUNTIME:
        origin = find_spec(package)
        assert origin is not None
        assert origin.origin is not None
        source = Path(origin.origin)
        source = source.parent if source.name == "__init__.py" else source
        (tmp_path / source.name).symlink_to(source)
    code = local.running.build / f"{function.title().replace('_', '')}Function"
    paths = [str(code), str(local.running.build / "SharedLayer" / "python"), str(tmp_path)]
    program = f"import sys; sys.path += {paths!r}; import functions.{function}.app"

    done = subprocess.run(
        [sys.executable, "-B", "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_layer_has_the_same_regions_as_the_tests_and_not_what_made_them(local: Local) -> None:
    layer = local.running.build / "SharedLayer" / "python"
    tested = Path(regions.__file__).parent
    for name in ("regions.json", "regions_translated.json"):
        assert (layer / "attendee_sync" / "mapping" / name).read_bytes() == (
            tested / name
        ).read_bytes()
    assert not list(layer.parent.rglob("pycountry*"))


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sam build` makes of the same sources in another folder."""
    folder = tmp_path_factory.mktemp("elsewhere")
    sources = folder / "sources"
    sources.mkdir()
    shutil.copy(ROOT / "template.yaml", sources)
    for part in ("functions", "layers"):
        shutil.copytree(ROOT / part, sources / part)
    return stacks.build(folder / "build", sources=sources).parent


def test_lambda_takes_the_bytecode_of_every_module_of_the_layer(local: Local) -> None:
    layer = local.running.build / "SharedLayer" / "python"
    modules = sorted(layer.rglob("*.py"))
    assert len(modules) > 100
    for module in modules:
        bytecode = Path(cache_from_source(module)).read_bytes()
        # PEP 552: taken without a look at the source, whose date is not the one that it had here.
        assert int.from_bytes(bytecode[4:8], "little") == 0b01, module
        assert bytecode[8:16] == source_hash(module.read_bytes()), module
        code = marshal.loads(bytecode[16:])  # noqa: S302 - our own build
        assert code.co_filename == f"/opt/python/{module.relative_to(layer)}"
    assert len(list(layer.rglob("*.pyc"))) == len(modules)


def test_a_build_in_another_folder_is_the_same_to_the_byte(local: Local, rebuilt: Path) -> None:
    assert _contents(rebuilt) == _contents(local.running.build)


def test_an_unchanged_deploy_uploads_nothing_and_updates_no_function(
    local: Local, rebuilt: Path
) -> None:
    settings = {"OrgId": "acme", "EventCode": "summit2026"}
    with local_cloud() as cloud:
        first = local.running.build / "template.yaml"
        before = _uploaded(stacks.deploy(cloud, "unchanged", settings, template=first))

        again = stacks.deploy(cloud, "unchanged", settings, template=rebuilt / "template.yaml")

        assert _uploaded(again) == before


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _uploaded(stack: LocalStack) -> tuple[set[tuple[str, Any]], list[dict[str, Any]]]:
    """Return what stands in the buckets and since when, and the code and layers of functions."""
    s3, lambda_ = stack.client("s3"), stack.client("lambda")
    objects = {
        (each["Key"], each["LastModified"])
        for bucket in s3.list_buckets()["Buckets"]
        for each in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
    }
    assert len(objects) > len(("layer", "ingest", "delivery"))
    functions = lambda_.list_functions()["Functions"]
    members = ("FunctionName", "CodeSha256", "LastModified", "Layers")
    return objects, [{name: each[name] for name in members} for each in functions]


def test_one_layer_serves_both_of_lambdas_processors(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "layers" / "attendee_sync", tmp_path / "sources")
    built = tmp_path / "built"
    subprocess.run(
        ["make", "--silent", "build-SharedLayer", f"ARTIFACTS_DIR={built}"],  # noqa: S607 - as SAM
        cwd=tmp_path / "sources",
        env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        check=True,
        timeout=600,
    )

    compiled = {path.name.split(".")[0]: set[str]() for path in built.rglob("*.so")}
    for path in built.rglob("*.so"):
        compiled[path.name.split(".")[0]].add(path.name.split(".", 1)[1])
    suffixes = {f"cpython-313-{machine}-linux-gnu.so" for machine in ("aarch64", "x86_64")}
    assert "_pydantic_core" in compiled
    assert set(map(frozenset, compiled.values())) == {frozenset(suffixes)}
