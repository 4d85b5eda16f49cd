"""Puts the layer's table of countries and states, which no commit holds, into the wheel."""

import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LAYER = Path("layers", "attendee_sync")


class RegionsHook(BuildHookInterface[Any]):  # type: ignore[misc] # not in mypy's environment
    """Generates regions.json for a wheel; an editable install has the checkout's own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Have the generated table packed beside the module that reads it."""
        if version == "editable":
            return
        layer = Path(self.root, _LAYER)
        made = Path(tempfile.mkdtemp()) / "regions.json"
        sys.path.insert(0, str(layer))
        sys.argv = ["generate_regions.py", str(made)]
        runpy.run_path(str(layer / "generate_regions.py"), run_name="__main__")
        build_data["force_include"][str(made)] = "attendee_sync/regions.json"
