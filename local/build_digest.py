"""Writes a digest of all that was built into the template: `python -m local.build_digest`.

A version of a function is published only if a property of it in the template changes, and neither
the function's code nor its layer is one. So the digest is a part of one: see `Release` in
template.yaml. Without it, `DeploymentPreference` is refused.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from samcli.yamlhelper import yaml_dump, yaml_parse  # as the SAM CLI wrote it

from local.machine.cloud import ROOT

_BUILT: Final = ROOT / ".aws-sam" / "build"
RULE: Final = "ShiftsWhatHasADigest"  # of the template: without a digest nothing is shifted
_CHARACTERS: Final = 12  # of what 256 characters of a description hold


def write(folder: Path = _BUILT) -> None:
    """Write it into template.yaml of a folder that holds what was built, unless it is there."""
    file = folder / "template.yaml"
    template: dict[str, Any] = yaml_parse(file.read_text())
    if template["Rules"].pop(RULE, None) is None:
        return
    template["Mappings"]["Release"]["Built"]["Digest"] = _digest(folder)[:_CHARACTERS]
    file.write_text(yaml_dump(template))


def _digest(folder: Path) -> str:
    """Return the digest, in hex, of a folder's files: of their names and what is in them."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    write()
