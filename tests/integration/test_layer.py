import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from attendee_sync import regions
from tests.integration.conftest import Local

# What Lambda's Python runtime brings along: boto3 and what it needs.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


@pytest.mark.parametrize("function", ["ingest", "delivery", "token_refresh"])
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
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_layer_has_the_same_regions_as_the_tests_and_not_what_made_them(local: Local) -> None:
    layer = local.running.build / "SharedLayer" / "python"
    tested = Path(regions.__file__).parent
    for name in ("regions.json", "regions_translated.json"):
        assert (layer / "attendee_sync" / name).read_bytes() == (tested / name).read_bytes()
    assert not list(layer.parent.rglob("pycountry*"))
