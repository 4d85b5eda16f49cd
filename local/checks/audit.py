"""Looks for known holes in what the layer ships: python -m local.audit FILE, a requirements.txt.

pip-audit asks PyPI's database. Where that can't be reached, this says so and is no failure.
"""

import json
import subprocess
import sys
from typing import Any

from local.machine.cloud import ROOT

_SECONDS = 60.0
_UNREACHED = "pip-audit: the database can't be reached from here, so no package was audited"


def main(requirements: str) -> int:
    """Print each known hole of the packages; return 1 if there is one."""
    lines, status = verdict(_audit(requirements))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return status


def verdict(report: str) -> tuple[list[str], int]:
    """Return the lines to print and the exit status for pip-audit's JSON, or for nothing."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        return [_UNREACHED], 0
    audited = [each for each in dependencies if "skip_reason" not in each]
    if not audited:
        return [_UNREACHED], 0
    lines = [
        f"{each['name']} {each['version']} has {hole['id']}; mended in "
        f"{', '.join(hole['fix_versions']) or 'no version'}"
        for each in audited
        for hole in each["vulns"]
    ]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    unknown = [f"pip-audit: not in the database: {', '.join(skipped)}"] if skipped else []
    return lines + unknown, int(bool(lines))


def _audit(requirements: str) -> str:
    command = [sys.executable, "-m", "pip_audit", "--requirement", requirements, "--no-deps"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
