"""A scenario with as many profiles as the machine takes."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from local.campaign.marked_people import marked_people
from local.campaign.reconciliation import Check, Expected, at_most
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.machine import workers

_FUNCTIONS = ("IngestFunction", "DeliveryFunction")
_SAMPLE_SECONDS = 1.0
_MEBIBYTE = 1024 * 1024


def _flood(stage: Stage) -> Expected:
    everyone = marked_people(stage.name, stage.many(20_000, at_least=300))
    with _sampled(stage) as memory:
        started = time.monotonic()
        stage.push(everyone)
        pushed = time.monotonic()
        stage.settle()
        settled = time.monotonic()
    rate_in, rate_out = len(everyone) / (pushed - started), len(everyone) / (settled - started)
    checks = [
        Check("profiles a second", "told", f"{rate_in:.0f} in, {rate_out:.0f} out", True),
        Check("memory of a worker, at most", "told", f"{_highest(memory):.0f} MiB", True),
    ]
    if stage.is_full:
        checks.append(
            at_most(
                "memory in the last third of the run, of that in the middle", 1.1, _growth(memory)
            )
        )
    return Expected(checks=checks)


@contextmanager
def _sampled(stage: Stage) -> Iterator[dict[int, list[int]]]:
    """Give the resident bytes of each of the functions' processes, sampled while the block runs."""
    samples: dict[int, list[int]] = defaultdict(list)
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            for function in _FUNCTIONS:
                for pid in workers.workers(stage.stack, function):
                    samples[pid].append(workers.resident_bytes(pid))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _highest(memory: dict[int, list[int]]) -> float:
    return max((max(samples) for samples in memory.values()), default=0) / _MEBIBYTE


def _growth(memory: dict[int, list[int]]) -> float:
    """Return by how much the process that grew most grew."""
    return round(max((growth(samples) for samples in memory.values()), default=1.0), 3)


def growth(samples: Sequence[int]) -> float:
    """Return the median of the last third of some samples as a ratio to the middle third's."""
    third = len(samples) // 3
    if not third:
        return 1.0
    return median(samples[-third:]) / median(samples[third:-third])


SCENARIOS = (Scenario("flood", "20,000 profiles as fast as the machine takes them", _flood),)
