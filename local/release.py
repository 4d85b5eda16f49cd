"""What goes beside a release: notices of what it ships that others wrote, and checksums.

Run it with `make release`, which also builds the command line and has uv write the bills of
materials.
"""

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_LICENSE = re.compile(r"(?i)(licen[cs]e|notice|copying)[^/]*$")
_SUMS = "SHA256SUMS"


def packages(requirements: Iterable[Path]) -> list[str]:
    """Return the names of the packages that files of pinned requirements list."""
    return [name for file in requirements for name in _PINNED.findall(file.read_text())]


def notices(names: Iterable[str]) -> Iterator[str]:
    """Yield for each package its name, version, licence and the texts that it comes with.

    They are those of the installed packages. Raises ValueError for one without a text.
    """
    for name in sorted(set(names)):
        package = metadata.distribution(name)
        texts = [
            Path(file.locate()).read_text(encoding="utf-8").strip()
            for file in package.files or ()
            if ".dist-info" in str(file) and _LICENSE.search(str(file))
        ]
        if not texts:
            raise ValueError(f"{name} comes without the text of its licence")
        known = package.metadata.get("License-Expression") or package.metadata.get("License")
        yield "\n\n".join([f"{name} {package.version}: {known or 'see below'}", *texts])


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file of a folder, as `sha256sum --check` reads them."""
    files = sorted(each for each in folder.iterdir() if each.name != _SUMS)
    lines = (f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in files)
    return "".join(lines)


def main() -> None:
    """Write notices and checksums into a folder, given with the files of requirements."""
    folder, *requirements = map(Path, sys.argv[1:])
    separator = f"\n\n{'-' * 80}\n\n"
    text = separator.join(notices(packages(requirements))) + "\n"
    (folder / "THIRD-PARTY-NOTICES.txt").write_text(text, encoding="utf-8")
    (folder / _SUMS).write_text(checksums(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
