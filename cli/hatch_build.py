"""Puts the layer's tables of countries and states, which no commit holds, into the wheel."""

import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LAYER = Path("layers", "attendee_sync")


class RegionsHook(BuildHookInterface[Any]):  # type: ignore[misc] # not in mypy's environment
    """Generates the tables for a wheel; an editable install has the checkout's own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Have the generated table packed beside the module that reads it."""
        if version == "editable":
            return
        layer = Path(self.root, _LAYER)
        made = tempfile.mkdtemp()
        sys.path.insert(0, str(layer))
        sys.argv = ["generate_regions.py", made]
        runpy.run_path(str(layer / "generate_regions.py"), run_name="__main__")
        for file in Path(made).iterdir():
            build_data["force_include"][str(file)] = f"attendee_sync/mapping/{file.name}"
