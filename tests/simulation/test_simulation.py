"""Many runs of the real code in a simulated world: see docs/development.md."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import main
from tests.simulation.planted import planted
from tests.simulation.shrink import shrunk
from tests.simulation.world import Run, play

ROOT = Path(__file__).parents[2]
RUNS = 100
PROFILES = 30


@pytest.mark.simulation
def test_a_hundred_runs_keep_every_promise() -> None:
    broken = {}
    for seed in range(1, RUNS + 1):
        if violation := play(Run.of_seed(seed, PROFILES)).violation:
            broken[seed] = violation
    assert broken == {}, f"again: make simulate SEED=... RUNS=1 PROFILES={PROFILES}"


@pytest.mark.simulation
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_plays_the_same_in_every_process(hash_seed: str) -> None:
    program = (
        "from tests.simulation.world import Run, play\n"
        "import sys; result = play(Run.of_seed(3, 20)); print(result.history, result.events)"
    )
    played = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    result = play(Run.of_seed(3, 20))
    assert result.calls > 0
    assert played.stdout.split() == [result.history, str(result.events)]


@pytest.mark.simulation
@pytest.mark.parametrize(
    "mistake",
    [
        "an older state is not told from a newer one",
        "messages are told apart by their content",
        "a status is taken for a success",
        "a connection is never paused",
        "a bad end has no dead letter",
        "the second that must come again is not named",
    ],
)
def test_a_planted_mistake_is_found(mistake: str) -> None:
    with planted(mistake):
        violations = (play(Run.of_seed(seed, PROFILES)).violation for seed in range(1, 100))
        assert any(violations)


@pytest.mark.simulation
def test_a_failing_run_becomes_smaller_and_fails_still() -> None:
    def fails(run: Run) -> bool:
        return bool(play(run).violation)

    with planted("a bad end has no dead letter"):
        run = next(each for each in map(_run, range(1, 100)) if fails(each))
        less = shrunk(run, fails)
        assert less.profiles <= run.profiles
        assert less.kinds < run.kinds
        assert fails(less)


def _run(seed: int) -> Run:
    return Run.of_seed(seed, profiles=8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kinds", "queue-lots"], "no kind of fault: queue-lots; there are"),
        (["--runs", "0"], "1 at least"),
        (["--profiles", "0"], "1 at least"),
    ],
)
def test_a_search_of_nothing_does_not_pass(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert said in capsys.readouterr().err
