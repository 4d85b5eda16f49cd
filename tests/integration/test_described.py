"""What the deployed stack answers to whatever docs/openapi.json allows, and to what it does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.local import Local

ROOT = Path(__file__).parents[2]
DESCRIPTION = ROOT / "docs" / "openapi.json"
# Made up for each operation; `make schemathesis` makes more, and tries each limit.
EXAMPLES = int(os.environ.get("EXAMPLES", "20"))
PHASES = "examples,coverage,fuzzing" if "EXAMPLES" in os.environ else "examples,fuzzing"
CHECKS = (
    "is_no_failure",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Requests get past the destination's name and the token, or else nearly all are 404 and 401.
SETTINGS = """
hooks = "tests.support.api_checks"
headers = {{ Authorization = "Bearer ${{INGEST_TOKEN}}", Host = "{host}" }}
seed = 1
[parameters]
"path.destination" = "default"
[generation]
max-examples = {examples}
database = "none"
"""
_CASES = re.compile(r"(\d+) generated")


def test_no_answer_is_an_error_of_ours_or_outside_the_description(
    local: Local, tmp_path: Path
) -> None:
    url, headers = local.stack.push_url("default")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS.format(host=headers["Host"], examples=EXAMPLES))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(settings), "run", str(DESCRIPTION)),
            *("--url", url.partition("/v1/")[0]),
            *("--checks", ",".join(CHECKS)),
            *("--phases", PHASES, "--suppress-health-check", "all"),
            # The local cloud answers {} in API Gateway's place.
            *("--exclude-path", "/v1/health"),
        ],
        cwd=tmp_path,
        env={**os.environ, "INGEST_TOKEN": local.stack.ingest_token(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    made = _CASES.search(done.stdout)
    sys.stdout.write(f"{made[0]}\n" if made else "")
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
    assert made
    assert int(made[1]) >= EXAMPLES
