"""Which of several processes runs which tests."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.processes import Scheduler, is_on_stack

CAMPAIGN = [f"tests/integration/test_campaign.py::test_all[{n}]" for n in range(9)]
STACK = [f"tests/integration/test_{name}.py::test_{n}" for name in "abcd" for n in range(5)]
OTHERS = [f"tests/unit/test_{name}.py::test_{n}" for name in "efghi" for n in range(5)]


@dataclass(eq=False)
class Process:
    """A process that was given tests by their numbers, and runs each once it knows the next."""

    given: list[int] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    shutting_down: bool = False
    gateway: Any = field(default_factory=lambda: SimpleNamespace(id="made up"))

    def send_runtest_some(self, numbers: list[int]) -> None:
        assert not self.shutting_down
        self.given += numbers

    def shutdown(self) -> None:
        self.shutting_down = True


def run(tests: list[str], count: int, steps: list[int]) -> list[Process]:
    """Let processes run the tests, each as many at a time as its steps say."""
    config: Any = SimpleNamespace(
        getvalue=lambda _: ["popen"] * count, option=SimpleNamespace(loadscopereorder=False)
    )
    scheduler = Scheduler(config)
    processes = [Process() for _ in range(count)]
    for each in processes:
        scheduler.add_node(each)
        scheduler.add_node_collection(each, tests)
    scheduler.schedule()
    while not all(each.shutting_down and not each.given for each in processes):
        before = sum(len(each.done) for each in processes)
        for each, at_once in zip(processes, steps, strict=True):
            for _ in range(at_once):
                if len(each.given) > (not each.shutting_down):
                    number = each.given.pop(0)
                    each.done.append(tests[number])
                    scheduler.mark_test_complete(each, number)
        ended = all(each.shutting_down and not each.given for each in processes)
        assert ended or sum(len(each.done) for each in processes) > before, "it hangs"
    return processes


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("tests", [[*STACK, *CAMPAIGN, *OTHERS], OTHERS, STACK, CAMPAIGN[:1]])
@pytest.mark.parametrize("slowest", ["first", "last"])
def test_each_test_is_run_once_and_three_processes_at_most_have_a_stack(
    tests: list[str], count: int, slowest: str
) -> None:
    steps = sorted((n + 1 for n in range(count)), reverse=slowest == "last")
    processes = run(tests, count, steps)
    assert sorted(each for process in processes for each in process.done) == sorted(tests)
    assert sum(any(map(is_on_stack, process.done)) for process in processes) <= 3


def test_a_process_whose_tests_take_long_gets_fewer_of_those_on_a_stack() -> None:
    slow, *quick, _, _ = run([*STACK, *CAMPAIGN, *OTHERS], 5, [1, 3, 3, 1, 1])
    on_stack = [sum(map(is_on_stack, process.done)) for process in (slow, *quick)]
    assert on_stack[0] < min(on_stack[1:])
