"""Environments under the runtime interface emulator: who gets the next invocation."""

import queue
from typing import Any

import pytest

from local.machine import emulator
from local.machine.stack import StackError


@pytest.mark.parametrize("error", [RuntimeError("it failed"), ConnectionResetError()])
def test_an_environment_that_failed_is_free_again(error: Exception) -> None:
    def fail(_: object) -> None:
        raise error

    free: queue.SimpleQueue[Any] = queue.SimpleQueue()
    free.put(fail)

    with pytest.raises(StackError):
        emulator._invoke(free, {})

    assert free.get_nowait() is fail


def test_what_a_function_answers_is_given_unless_it_failed() -> None:
    assert emulator._answer("app.handler", {"batchItemFailures": []}) == {"batchItemFailures": []}
    assert emulator._answer("app.handler", None) is None
    with pytest.raises(RuntimeError, match="failed: no memory"):
        emulator._answer("app.handler", {"errorMessage": "no memory"})
