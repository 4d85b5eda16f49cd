"""Finds changes of the code that no test notices.

For each module of tests/mutants.toml, mutmut changes its functions, one thing at a time, and runs
the tests that concern the module. A change that they all let pass is a hole in the tests, or
stands in that file with the reason why it is none.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.machine.cloud import ROOT

LISTED = ROOT / "tests" / "mutants.toml"
LEAST_SCORE = 90  # per cent of a module's mutants
_MUTMUT = ROOT / "build" / "mutmut" / "bin" / "mutmut"
_WORK = ROOT / "build" / "mutants"
_LAYER = ROOT / "layers" / "attendee_sync"
_NEEDED = ("tests", "events", "functions", "pyproject.toml")
_KILLED = "killed"
_CAUGHT = frozenset({_KILLED, "timeout"})
_MOST_LOG_LINES = 30
_SEED = 14  # the same sample in each run, as long as the code is the same
_NAME = re.compile(r".*\.x[_ǁ](?P<function>.+)__mutmut_\d+")


@dataclass(frozen=True)
class Survivor:
    """A change that all tests let pass."""

    module: str  # "delivery/planner"
    function: str  # "Planner.plan"
    change: str  # the lines before and after it: "return a → return b"

    def __str__(self) -> str:
        return f"{self.module}, {self.function}:\n  {self.change}"


@dataclass(frozen=True)
class Result:
    """What became of the mutants of one module."""

    module: str
    mutants: int
    survivors: Sequence[Survivor]
    survived: int  # which is more than the survivors where two changes read alike
    seconds: float
    of: int = 0  # if they are a sample, of how many

    @property
    def score(self) -> float:
        """The per cent of mutants that a test noticed."""
        return 100 * (self.mutants - self.survived) / self.mutants


class MutationError(Exception):
    """The mutants of a module could not be tried."""


def main(names: Sequence[str], sample: int = 0) -> int:
    """Print what became of the mutants, and return 1 if a survivor has no reason.

    With `sample`, of each module so many are tried.
    """
    file = tomllib.loads(LISTED.read_text())
    modules: Mapping[str, Sequence[str]] = file["modules"]
    unknown = set(names) - set(modules)
    if unknown:
        _say(f"no such module: {', '.join(sorted(unknown))}; there are: {', '.join(modules)}")
        return 2
    _say(f"{'module':<28} {'mutants':>7} {'survived':>8} {'score':>6} {'seconds':>7}")
    results: list[Result] = []
    for module in names or modules:
        try:
            result = _tried(module, modules[module], sample)
        except MutationError as error:
            _say(f"{module}: {error}")
            return 2
        results.append(result)
        _say(
            f"{module:<28} {result.mutants:>7} {result.survived:>8} {result.score:>4.0f} % "
            f"{result.seconds:>7.0f}{f', a sample of {result.of}' if result.of else ''}"
        )
    lines, status = verdict(results, listed(file))
    _say(*lines)
    return status


def listed(file: Mapping[str, Any]) -> list[Survivor]:
    """Return the survivors that tests/mutants.toml has a reason for."""
    return [
        Survivor(each["module"], each["function"], change)
        for each in file.get("survivors", [])
        for change in each["changes"]
    ]


def verdict(results: Sequence[Result], known: Iterable[Survivor]) -> tuple[list[str], int]:
    """Return the lines to print and the exit status: 1 if something is to be done."""
    found = {each for result in results for each in result.survivors}
    known = set(known)
    whole = {result.module for result in results if not result.of}
    lines: list[str] = []
    for heading, survivors in (
        ("No test notices, and no reason is listed:", found - known),
        (
            "Is listed, but noticed by now, or gone:",
            {each for each in known - found if each.module in whole},
        ),
    ):
        if survivors:
            lines += ["", heading, *sorted(map(str, survivors))]
    low = [result.module for result in results if result.score < LEAST_SCORE]
    if low:
        lines += ["", f"Below {LEAST_SCORE} %: {', '.join(low)}"]
    return lines, int(bool(lines))


def changed(diff: str) -> str:
    """Return what a unified diff changes, as "before → after", each in one line."""
    body = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before = " ".join(line[1:].strip() for line in body if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in body if line.startswith("+"))
    return f"{before} → {after}"


def function_of(mutant: str) -> str:
    """Return the function that a mutant changes, by mutmut's name for it: "Class.method"."""
    match = _NAME.fullmatch(mutant)
    if match is None:
        raise MutationError(f"mutmut calls a mutant {mutant}")
    return match["function"].replace("ǁ", ".")


def _tried(module: str, tests: Sequence[str], sample: int) -> Result:
    """Try the mutants of a module, or a sample of them, in a folder of its own."""
    started = time.monotonic()
    folder = _WORK / module.replace("/", "-")
    _prepare(folder, module, tests)
    # Asked for a mutant that there is not, it makes all and tries none.
    log = _mutmut(folder, "run", *(["none"] if sample else []))
    statuses = _statuses(folder, module)
    of = len(statuses) if sample and sample < len(statuses) else 0
    if sample and statuses:
        chosen = random.Random(_SEED).sample(sorted(statuses), min(sample, len(statuses)))  # noqa: S311
        log = _mutmut(folder, "run", *chosen)
        of_all = _statuses(folder, module)
        statuses = {name: of_all[name] for name in chosen}
    if not statuses or set(statuses.values()) & {"not checked", "suspicious"}:
        raise MutationError("\n".join(["mutmut ended early", *log.splitlines()[-_MOST_LOG_LINES:]]))
    survived = [name for name, status in statuses.items() if status not in _CAUGHT]
    survivors = {
        Survivor(module, function_of(name), changed(_mutmut(folder, "show", name)))
        for name in survived
    }
    seconds = time.monotonic() - started
    return Result(module, len(statuses), sorted(survivors, key=str), len(survived), seconds, of)


def _prepare(folder: Path, module: str, tests: Sequence[str]) -> None:
    """Lay out the layer and the tests as mutmut expects them."""
    shutil.rmtree(folder, ignore_errors=True)
    # Python looks into a folder that is on its path later only if it was there at its start.
    (folder / "mutants" / "src").mkdir(parents=True)
    (folder / "src").symlink_to(_LAYER)
    for name in _NEEDED:
        (folder / name).symlink_to(ROOT / name)
    lines = [
        "[mutmut]",
        "source_paths=src",
        f"only_mutate=src/attendee_sync/{module}.py",
        "use_git_change_detection=false",
        # Each is forked before any test ran: what a cache holds was not made by the unchanged code.
        "process_isolation=forkserver",
        "also_copy=",
        *(f"  {name}" for name in _NEEDED),
        "pytest_add_cli_args_test_selection=",
        *(f"  tests/{name}.py" for name in tests),
    ]
    (folder / "setup.cfg").write_text("\n".join(lines))


def _mutmut(folder: Path, *arguments: str) -> str:
    """Return what a command of mutmut says."""
    mutated = folder / "mutants" / "src"
    path = os.pathsep.join(map(str, (mutated, ROOT / "cli", ROOT)))
    done = subprocess.run(
        [str(_MUTMUT), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "PYTEST_DEBUG_TEMPROOT": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode and arguments[0] != "run":
        raise MutationError(f"mutmut {arguments[0]}: {done.stdout}")
    return done.stdout


def _statuses(folder: Path, module: str) -> dict[str, str]:
    """Return what became of each mutant, by its name; none if mutmut ended before it made them."""
    meta = folder / "mutants" / "src" / "attendee_sync" / f"{module}.py.meta"
    return dict(_pairs(_mutmut(folder, "results", "--all", "true"))) if meta.exists() else {}


def _pairs(results: str) -> Iterator[tuple[str, str]]:
    for line in results.splitlines():
        name, _, status = line.strip().rpartition(": ")
        if name:
            yield name, status


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.checks.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="of tests/mutants.toml; all if none is named")
    parser.add_argument("--sample", type=int, default=0, help="how many of each; 0: all")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    sys.exit(main(arguments.modules, arguments.sample))
