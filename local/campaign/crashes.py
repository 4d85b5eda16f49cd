"""Scenarios in which the functions' processes are killed in the middle of their work."""

import time
from collections.abc import Callable

from local.campaign.marked_people import usable
from local.campaign.reconciliation import Check, Expected, at_least
from local.campaign.scenario import Scenario
from local.campaign.stage import SENDER_WAITS, SceneError, Stage
from local.machine import workers
from local.simulator.faults import Effect

_BATCH = 10  # profiles that one delivery has in flight
_PER_SECOND = 40.0  # profiles
_APART = 0.1  # seconds by which each kill strikes later in the work than the one before


def _delivery(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(1_000, at_least=120))
    kills = stage.many(5, at_least=3)
    # What a killed delivery had in flight comes back after the queue's visibility timeout. Of its
    # six minutes the campaign waits for one, which is longer than a delivery can take.
    with stage.visibility(int(stage.seconds(65, at_least=6))):
        stage.fail(Effect(latency_seconds=0.3))  # so that there is nearly always a call under way
        with stage.pushing(everyone, per_second=_PER_SECOND):
            killed = _kill(stage, "DeliveryFunction", kills, lambda: len(stage.calls()))
        stage.mend()
        stage.settle()
    return Expected(
        spare_calls=_BATCH * kills,
        spare_because=f"{_BATCH} profiles in flight at each of {kills} kills",
        spare_ends=_BATCH * kills,
        checks=[at_least("deliveries killed", kills, killed)],
    )


def _ingest(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(1_000, at_least=200))
    kills = stage.many(5, at_least=2)
    with stage.pushing(everyone, per_second=_PER_SECOND, waits=SENDER_WAITS):
        pause = sum(SENDER_WAITS)  # each push outlives one kill
        killed = _kill(stage, "IngestFunction", kills, lambda: len(stage.pushed), pause)
    stage.settle()
    known = {pushed.document.get("requestId") for pushed in stage.pushed}
    unknown = sum(end["request_id"] not in known for end in stage.ends())
    again = sum(pushed.attempts > 1 for pushed in stage.pushed)
    told = f"{again}, of which {unknown} profiles had been queued"
    return Expected(
        checks=[
            at_least("processes of ingest killed", kills, killed),
            Check("pushes sent again", "told", told, holds=True),
        ]
    )


def _kill(
    stage: Stage, function: str, times: int, count: Callable[[], int], pause: float = 0.0
) -> int:
    """Kill a function's processes so many times, each time in the middle of work.

    They are at work when the count grows. Returns how many processes were killed.
    """
    if not workers.CAN_BE_FOUND:
        raise SceneError("the functions' processes are found in /proc, which is not here")
    killed: set[int] = set()

    def alive() -> set[int]:
        return workers.workers(stage.stack, function) - killed

    for n in range(times):
        time.sleep(pause if n else 0.0)
        stage.until(lambda: bool(alive()), 60, "the function runs again")
        stage.until_more(count, "the function is at work")
        time.sleep(n * _APART)
        now = alive()
        workers.kill(now)
        stage.tell(f"{len(now)} killed")
        killed |= now
    return len(killed)


SCENARIOS = (
    Scenario("crash", "the delivering processes are killed five times", _delivery),
    Scenario("ingest-crash", "the receiving processes are killed five times", _ingest),
)
