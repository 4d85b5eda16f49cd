"""How much of the processor a piece of work takes."""

import gc
import time
from collections.abc import Callable


def seconds(work: Callable[[], object], runs: int = 1) -> float:
    """Measure the least seconds of the processor that a piece of work takes.

    What other threads do meanwhile does not count, and neither does a collection of garbage: it
    walks through all that the tests before have left, which is no cost of this work.
    """
    return min(_seconds_once(work) for _ in range(runs))


def _seconds_once(work: Callable[[], object]) -> float:
    gc.disable()
    try:
        start = time.thread_time()
        work()
        return time.thread_time() - start
    finally:
        gc.enable()
