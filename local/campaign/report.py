"""What a campaign tells: tables for people, JSON for programs, Markdown for the README."""

import dataclasses
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from rich.table import Table

from local.campaign.reconciliation import Figures
from local.campaign.scenario import Result
from local.machine.cloud import ROOT

_CLOUD_PACKAGES = ROOT / "build" / "cloud" / "lib"
_GIT_SECONDS = 10.0
_HEADINGS = ("scenario", "what happens", "accepted", "became", "calls/needed", "result")


def checks_table(result: Result) -> Table:
    """Return what was expected of one scenario and what came."""
    table = Table(
        "", "expected", "got", title=f"{result.name}: {result.what}", title_justify="left"
    )
    for check in result.checks:
        style = "" if check.holds else "red"
        table.add_row(check.what, check.expected, check.got, style=style)
    return table


def summary_table(results: Sequence[Result]) -> Table:
    """Return a line for each scenario."""
    table = Table(*_HEADINGS)
    for result in results:
        table.add_row(*_summary(result), style="" if result.holds else "red")
    return table


def markdown(results: Sequence[Result]) -> str:
    """Return the same as a table in Markdown."""
    lines = [_HEADINGS, ["---"] * len(_HEADINGS), *map(_summary, results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def document(results: Sequence[Result], scale: float) -> dict[str, Any]:
    """Return a run with all its numbers, and on what it was made."""
    return {
        "started": _time(results[0].started),
        "seconds": round(sum(result.seconds for result in results), 1),
        "scale": scale,
        "agrees": all(result.holds for result in results),
        "commit": _commit(),
        "machine": {
            "cpus": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "ministack": _ministack(),
        },
        "scenarios": [
            {
                **dataclasses.asdict(result),
                "started": _time(result.started),
                "seconds": round(result.seconds, 1),
                "agrees": result.holds,
            }
            for result in results
        ],
    }


def _summary(result: Result) -> tuple[str, ...]:
    figures = result.figures
    return (
        result.name,
        result.what,
        f"{figures.accepted:,}",
        ", ".join(f"{count:,} {outcome}" for outcome, count in figures.outcomes.items()),
        _ratio(figures),
        "as expected" if result.holds else "NOT as expected",
    )


def _ratio(figures: Figures) -> str:
    if not figures.needed:
        return f"{figures.calls:,}/0"
    ratio = figures.calls / figures.needed
    return f"{figures.calls:,}/{figures.needed:,} = {ratio:.2f}"


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return result.stdout.strip()


def _ministack() -> str:
    folders = [str(folder) for folder in _CLOUD_PACKAGES.glob("python*/site-packages")]
    found = metadata.distributions(name="ministack", path=folders)
    return next((each.version for each in found), "unknown")
