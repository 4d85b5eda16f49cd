"""An earlier version of this project, taken from the repository's history and built.

It is kept below build/, so that it is built once.
"""

import io
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.machine import stack as stacks
from local.machine.cloud import ROOT

# What is upgraded from while no version is tagged: lanes, senders' own tokens and erasures are
# there; accounting, OAuth 2, a network, a key and a boundary of one's own are not.
COMMIT = "320749299eb5ea5d0c23039d0a7a7c7da8f2b655"
_FOLDER = ROOT / "build" / "earlier"
_GIT_SECONDS = 60.0


class NoEarlierVersionError(Exception):
    """The earlier version is not to be had here. The text says why."""


@dataclass(frozen=True)
class EarlierVersion:
    """An earlier version that was built."""

    name: str  # a tag, or the beginning of a commit
    folder: Path

    @property
    def template(self) -> Path:
        """The built template."""
        return self.folder / "built" / "template.yaml"

    @property
    def command_line(self) -> tuple[Path, ...]:
        """Where its command line is imported from, with its own layer."""
        return (self.folder / "cli", self.folder / "built" / "SharedLayer" / "python")


def earlier_version(root: Path = ROOT) -> EarlierVersion:
    """Return the newest version that is tagged before this one, or COMMIT; it is built if need be.

    Raises NoEarlierVersionError without a repository that has it, StackError if it can't be built.
    """
    revision = _newest_tag(root) or COMMIT
    version = EarlierVersion(revision.removesuffix(COMMIT[7:]), _FOLDER / revision)
    if not version.folder.exists():
        _build(_git(root, "archive", revision), version)
    return version


def _newest_tag(root: Path) -> str:
    """Return the newest tag of a version before this one, or nothing."""
    try:
        tag = _git(root, "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    except NoEarlierVersionError:
        return ""
    return tag.decode().strip()


def _build(archive: bytes, version: EarlierVersion) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        stacks.build(folder / "built", sources=folder)
        folder.rename(version.folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _git(root: Path, *arguments: str) -> bytes:
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - wherever git is installed
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise NoEarlierVersionError("git is not installed") from None
    if result.returncode:
        raise NoEarlierVersionError(
            f"commit {COMMIT[:7]} is not here: this is a shallow clone, or no repository"
        )
    return result.stdout
