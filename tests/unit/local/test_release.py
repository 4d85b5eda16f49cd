"""What goes beside a release."""

import hashlib
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from local import release

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "layers" / "attendee_sync"
REQUIREMENTS = [LAYER / "requirements.txt", LAYER / "build-requirements.txt"]


def test_each_package_that_is_shipped_has_its_licence_in_the_notices() -> None:
    names = release.packages(REQUIREMENTS)
    assert {"requests", "pydantic", "pycountry"} <= set(names)
    found = list(release.notices(names))
    assert [each.partition(" ")[0] for each in found] == sorted(names)
    for name, text in zip(sorted(names), found, strict=True):
        assert text.startswith(f"{name} {metadata.version(name)}: ")
        assert len(text) > 500  # a licence, not its name


def test_a_package_without_the_text_of_its_licence_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata.Distribution, "files", property(lambda _: []))
    with pytest.raises(ValueError, match="requests comes without the text of its licence"):
        list(release.notices(["requests"]))


def test_checksums_are_of_every_file_but_their_own(tmp_path: Path) -> None:
    (tmp_path / "b.whl").write_bytes(b"b")
    (tmp_path / "a.json").write_bytes(b"a")
    (tmp_path / "SHA256SUMS").write_text("older")
    digests = [hashlib.sha256(text).hexdigest() for text in (b"a", b"b")]
    assert release.checksums(tmp_path) == f"{digests[0]}  a.json\n{digests[1]}  b.whl\n"


def test_a_tag_releases_what_make_makes_with_the_newest_part_of_the_changelog(
    tmp_path: Path,
) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    made, notes, published = [
        step["run"] for step in workflow["jobs"]["release"]["steps"] if "run" in step
    ]
    assert made == "make release"
    assert published.endswith("--notes-file build/release-notes.md build/release/*")
    (tmp_path / "build").mkdir()
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## 2\n\n### Added\n\n- b\n\n## 1\n\n- a\n"
    )
    subprocess.run(["sh", "-c", notes], cwd=tmp_path, check=True)  # noqa: S603, S607
    assert (tmp_path / "build" / "release-notes.md").read_text() == "## 2\n\n### Added\n\n- b\n\n"
