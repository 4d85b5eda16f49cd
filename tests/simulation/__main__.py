"""Plays many runs, and tells of the first that breaks a promise: see docs/development.md."""

import argparse
import sys
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field

from tests.simulation import crowd, faults
from tests.simulation.planted import PLANTED, planted
from tests.simulation.shrink import shrunk
from tests.simulation.world import Result, Run, play


def main(arguments: list[str]) -> int:
    """Play what is asked for, and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := _kinds(options.kinds or "") - faults.KINDS:
        known = ", ".join(sorted(faults.KINDS))
        parser.error(f"no kind of fault: {', '.join(sorted(unknown))}; there are {known}")
    if min(options.runs, options.profiles) < 1:
        parser.error("--runs and --profiles are 1 at least")
    if options.crowd:
        for line in crowd.told(options.crowd):
            _say(line)
        return 0
    if options.planted == "all":
        return _tell_planted(options)
    with planted(options.planted) if options.planted else nullcontext():
        return _search(options)


@dataclass
class _Sum:
    runs: int = 0
    accepted: int = 0
    calls: int = 0
    events: int = 0
    hours: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.runs += 1
        self.accepted += result.accepted
        self.calls += result.calls
        self.events += result.events
        self.hours += result.hours
        self.outcomes += result.outcomes
        self.faults += result.faults

    def tell(self, seconds: float) -> None:
        ends = ", ".join(f"{number:,} {name}" for name, number in sorted(self.outcomes.items()))
        _say(
            f"{self.runs:,} runs in {seconds:,.0f} s: {self.accepted:,} profiles accepted in "
            f"{self.hours:,.0f} played hours, {self.calls:,} calls to RainFocus, "
            f"{self.faults.total():,} faults of {len(self.faults)} kinds, {self.events:,} steps."
        )
        _say(f"Lines of the log: {ends}.")


def _search(options: argparse.Namespace) -> int:
    started, total = time.perf_counter(), _Sum()
    try:
        for seed in range(options.seed, options.seed + options.runs):
            run = _run(seed, options)
            result = play(run, _say if options.trace else None)
            total.add(result)
            if result.violation:
                _tell_violation(run, result, is_small=options.kinds is not None)
                return 1
    except KeyboardInterrupt:
        _say("Interrupted")
    total.tell(time.perf_counter() - started)
    return 0


def _run(seed: int, options: argparse.Namespace) -> Run:
    run = Run.of_seed(seed, options.profiles)
    if options.kinds is None:
        return run
    return Run(seed, options.profiles, _kinds(options.kinds))


def _kinds(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))


def _tell_violation(run: Run, result: Result, *, is_small: bool) -> None:
    _say(f"Seed {run.seed}: {result.violation}")
    _say(f"Again: {_command(run)}")
    if is_small:
        return
    _say("Looking for less that fails as well")
    less = shrunk(run, lambda smaller: bool(play(smaller).violation))
    _say(f"Less:  {_command(less)}")
    _say(f"       {play(less).violation}")


def _command(run: Run) -> str:
    kinds = "" if run.kinds == faults.drawn(run.seed) else f" KINDS={','.join(sorted(run.kinds))}"
    return f"make simulate SEED={run.seed} RUNS=1 PROFILES={run.profiles}{kinds} TRACE=yes"


def _tell_planted(options: argparse.Namespace) -> int:
    """Tell with which run each planted mistake is found, and fail if one is not."""
    missed = 0
    for name in PLANTED:
        with planted(name):
            found = _first_failing(options)
        missed += not found
        _say(f"{name:58} {found or 'not found':>9}")
    return 1 if missed else 0


def _first_failing(options: argparse.Namespace) -> int:
    for n in range(options.runs):
        if play(Run.of_seed(options.seed + n, options.profiles)).violation:
            return n + 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run (1)")
    parser.add_argument("--runs", type=int, default=100, help="how many (100)")
    parser.add_argument("--profiles", type=int, default=40, help="pushed in each run (40)")
    parser.add_argument("--kinds", help="of faults, in place of those that the seed draws")
    parser.add_argument(
        "--crowd",
        type=int,
        metavar="SIZE",
        help="in place of runs: let so many wait, and tell how another destination fares",
    )
    parser.add_argument("--trace", action="store_true", help="tell all that is seen")
    parser.add_argument(
        "--planted",
        choices=[*PLANTED, "all"],
        metavar="MISTAKE",
        help="a mistake in the code, by its name in planted.py, or all of them",
    )
    return parser


def _say(text: str) -> None:
    sys.__stdout__.write(f"{text}\n") if sys.__stdout__ else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
