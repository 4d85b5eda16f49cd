"""The command line by itself, as `uv tool install` or pipx put it on a machine."""

import os
import subprocess
from pathlib import Path

import pytest

from attendee_sync.version import VERSION
from local.machine.cloud import ROOT

_SECONDS = 600


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of commands of an environment that has the wheel and its packages only."""
    folder = tmp_path_factory.mktemp("wheel")
    [uv] = (ROOT / "build").glob("uv-*/bin/uv")
    python = (ROOT / "build" / "python.path").read_text().strip()
    commands: list[list[str | Path]] = [
        [uv, "build", "--quiet", "--wheel", "--out-dir", folder / "dist", ROOT],
        [uv, "venv", "--quiet", "--python", python, folder / "venv"],
    ]
    for command in commands:
        subprocess.run(command, check=True, timeout=_SECONDS)
    [wheel] = (folder / "dist").glob("*.whl")
    into: list[str | Path] = ["--python", folder / "venv" / "bin" / "python"]
    subprocess.run([uv, "pip", "install", "--quiet", *into, wheel], check=True, timeout=_SECONDS)
    return folder / "venv" / "bin"


def run(command: list[str | Path]) -> str:
    return subprocess.run(
        command,
        env={"PATH": os.defpath, "COLUMNS": "80"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
        text=True,
        check=True,
    ).stdout


def test_the_command_line_tells_its_version(bare: Path) -> None:
    assert run([bare / "attendee-sync", "--version"]) == f"attendee-sync {VERSION}\n"


def test_the_command_line_teaches_at_80_columns(bare: Path) -> None:
    lines = run([bare / "attendee-sync", "--help"]).splitlines()
    assert any("redrive" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_countries_and_states_come_with_it(bare: Path) -> None:
    asked = "from attendee_sync.mapping import regions; print(regions.country('Germany'))"
    assert run([bare / "python", "-c", asked]) == "DE\n"


def test_the_consoles_pages_come_with_it(bare: Path) -> None:
    asked = "from attendee_sync_cli.web_console import page; print(page.text('welcome.html'))"
    assert "Go to the console" in run([bare / "python", "-c", asked])
    styles = "from attendee_sync_cli.web_console import site; print(sorted(site.STATIC.iterdir()))"
    for name in ("style.css", "htmx.min.js", "htmx.LICENSE.txt"):
        assert name in run([bare / "python", "-c", styles])
