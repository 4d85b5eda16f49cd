"""The earlier version that a stack is upgraded from: which it is, and what if there is none."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from local.campaign import scenario
from local.campaign.reconciliation import Check
from local.campaign.scenario import play
from local.campaign.upgrade import SCENARIOS
from local.machine import earlier, stack
from local.machine.earlier import NoEarlierVersionError, earlier_version
from local.machine.stack import StackError


def _git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    command = ["git", *who, *arguments]
    plain = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(command, cwd=folder, env=plain, check=True, capture_output=True)  # noqa: S603


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of three versions, of which the first and the last are tagged."""
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    for version in ("v0.1.0", "untagged", "v0.2.0"):
        (folder / "template.yaml").write_text(version)
        _git(folder, "add", ".")
        _git(folder, "commit", "--quiet", "--message", version)
        if version.startswith("v"):
            _git(folder, "tag", version)
    monkeypatch.setattr(earlier, "_FOLDER", tmp_path / "build")
    return folder


def test_it_is_the_newest_version_tagged_before_this_one_and_built_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    monkeypatch.setattr(stack, "build", lambda folder, **_: built.append(folder))
    found = [earlier_version(repository) for _ in range(2)]

    assert [each.name for each in found] == ["v0.1.0", "v0.1.0"]
    assert (found[0].folder / "template.yaml").read_text() == "v0.1.0"
    assert len(built) == 1


def test_what_could_not_be_built_is_not_kept(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise StackError("no index")

    monkeypatch.setattr(stack, "build", fail)
    with pytest.raises(StackError, match="no index"):
        earlier_version(repository)

    assert list((repository.parent / "build").iterdir()) == []


def test_without_history_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "_FOLDER", tmp_path / "build")
    with pytest.raises(NoEarlierVersionError, match=r"is not here: .*shallow clone"):
        earlier_version(tmp_path)


def test_a_scenario_is_skipped_with_a_sentence_then(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise NoEarlierVersionError("git is not installed")

    monkeypatch.setattr(scenario, "earlier_version", missing)
    simulator = SimpleNamespace(clear_faults=lambda: None)
    running = cast("Any", SimpleNamespace(build=Path("build"), simulator=simulator))

    result = play(SCENARIOS[0], running, 1.0, Console(quiet=True))

    told = "skipped: git is not installed"
    assert result.checks == [Check("the scenario", "told", told, holds=True)]
