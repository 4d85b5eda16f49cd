"""The Makefile as GNU make 3.81 reads it, too."""

import re
import subprocess
from pathlib import Path

from tests.support.functions import FUNCTIONS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Makefile").read_text()
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


def test_nothing_is_built_to_be_published_to_no_bucket() -> None:
    command = ["make", "publish", "BUCKET="]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (2, "")
    assert "BUCKET=name" in done.stderr


def test_what_is_published_goes_by_the_bucket_first() -> None:
    command = ["make", "-n", "-o", "build", "publish", "BUCKET=acme-published"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    package, publish = re.sub(r"\\\n\s*", "", done.stdout).splitlines()[-2:]
    assert 'sam package --s3-bucket "acme-published"' in package
    [written] = re.findall("--output-template-file (\\S+)", package)
    assert f"sam publish --template {written} " in publish


def test_every_function_can_be_invoked() -> None:
    invoked = dict(re.findall(r"^invoke-([a-z-]+): FUNCTION := (\w+)$", TEXT, re.MULTILINE))
    assert invoked == {folder.replace("_", "-"): name for name, folder in FUNCTIONS.items()}
    assert {f"invoke-{name}" for name in invoked} <= set(TEXT.split(".PHONY")[1].split())
