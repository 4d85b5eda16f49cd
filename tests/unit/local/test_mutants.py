"""What `make mutants` makes of the results, and what stands in tests/mutants.toml."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from local.checks.mutants import LISTED, Result, Survivor, changed, function_of, listed, verdict

ROOT = Path(__file__).parents[3]
FILE = tomllib.loads(LISTED.read_text())
HOLE = Survivor("delivery/planner", "Planner.plan", "return a → return b")
EQUAL = Survivor("delivery/planner", "retry", "return c → return d")


def result(*survivors: Survivor, mutants: int = 100) -> Result:
    return Result("delivery/planner", mutants, survivors, len(survivors), 1.0)


def test_survivors_that_are_all_listed_are_no_failure() -> None:
    assert verdict([result(EQUAL)], [EQUAL]) == ([], 0)


def test_a_survivor_without_a_reason_is_shown_and_fails() -> None:
    lines, status = verdict([result(HOLE, EQUAL)], [EQUAL])
    assert status == 1
    assert "no reason is listed" in lines[1]
    assert lines[2:] == ["delivery/planner, Planner.plan:\n  return a → return b"]


def test_what_is_listed_and_noticed_by_now_fails_in_its_own_module_alone() -> None:
    elsewhere = Survivor("mapping/mapper", "mapper", "x → y")
    lines, status = verdict([result(EQUAL)], [EQUAL, HOLE, elsewhere])
    assert status == 1
    assert lines[2:] == [str(HOLE)]


def test_a_module_whose_survivors_are_too_many_fails_even_if_all_are_listed() -> None:
    assert verdict([result(EQUAL, mutants=10)], [EQUAL]) == ([], 0)
    lines, status = verdict([result(EQUAL, mutants=9)], [EQUAL])
    assert (lines, status) == (["", "Below 90 %: delivery/planner"], 1)


def test_a_sample_is_not_asked_for_what_it_did_not_try() -> None:
    sample = replace(result(EQUAL), of=400)
    assert verdict([sample], [EQUAL, HOLE]) == ([], 0)
    assert verdict([sample], [HOLE])[1] == 1


def test_a_change_is_told_by_the_lines_before_and_after_it() -> None:
    diff = "--- a\n+++ a\n@@ -1,3 +1,2 @@\n def f():\n-    return g(\n-        a)\n+    return b"
    assert changed(diff) == "return g( a) → return b"


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("attendee_sync.delivery.planner.x_retry__mutmut_3", "retry"),
        ("attendee_sync.delivery.planner.x__rules__mutmut_12", "_rules"),
        ("attendee_sync.delivery.planner.xǁPlannerǁ_key__mutmut_1", "Planner._key"),
    ],
)
def test_a_mutant_is_told_by_its_function(mutant: str, function: str) -> None:
    assert function_of(mutant) == function


def test_each_module_and_each_of_its_tests_exists() -> None:
    layer = ROOT / "layers" / "attendee_sync" / "attendee_sync"
    for module, tests in FILE["modules"].items():
        assert (layer / f"{module}.py").exists(), module
        for each in tests:
            assert (ROOT / "tests" / f"{each}.py").exists(), each


def test_each_survivor_that_is_listed_is_of_code_that_there_is_and_has_a_reason() -> None:
    assert all(each["reason"] for each in FILE["survivors"])
    for each in listed(FILE):
        assert each.module in FILE["modules"]
        path = ROOT / "layers" / "attendee_sync" / "attendee_sync" / f"{each.module}.py"
        text = " ".join(path.read_text().split())
        before = " ".join(each.change.partition(" → ")[0].split())
        assert before in text, each
        assert f"def {each.function.rpartition('.')[2]}(" in text, each
