"""The Makefile as GNU make 3.81 reads it, too."""

import re
from pathlib import Path

from tests.support.functions import FUNCTIONS

TEXT = (Path(__file__).parents[2] / "Makefile").read_text()
TOOLS = {
    "python",
    "pytest",
    "ruff",
    "mypy",
    "lint-imports",
    "sam",
    "cfn-lint",
    "attendee-sync",
    "uv",
}


def commands() -> list[str]:
    """Return the first word of each line of a recipe, and what follows a pipe or the like."""
    lines = re.sub(r"\\\n\s*", " ", TEXT).splitlines()
    recipes = [line.lstrip("\t@") for line in lines if line.startswith("\t")]
    return [
        each.split()[0]
        for line in recipes
        for each in re.split(r"&&|\|\||[|;]", line)
        if each.split()
    ]


def test_recipes_call_tools_by_their_path() -> None:
    """Make 3.81 looks for a plain command on the PATH it was given, not on the exported one."""
    assert "$(BIN)/python" in commands()
    assert TOOLS.isdisjoint(commands())


def test_a_recipe_needs_no_bash() -> None:
    assert "bash" not in TEXT
    assert not re.search(r"\[\[|<<<|<\(|pipefail|\$\'", TEXT)


def test_every_function_can_be_invoked() -> None:
    invoked = dict(re.findall(r"^invoke-([a-z-]+): FUNCTION := (\w+)$", TEXT, re.MULTILINE))
    assert invoked == {folder.replace("_", "-"): name for name, folder in FUNCTIONS.items()}
    assert {f"invoke-{name}" for name in invoked} <= set(TEXT.split(".PHONY")[1].split())
