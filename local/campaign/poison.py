"""A scenario in which a profile kills each invocation that works on it."""

import time

from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.messaging.dead_letters import from_sqs
from attendee_sync.outcome import Reason
from local.campaign.marked_people import known_as, moved_to, usable
from local.campaign.reconciliation import Expected, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import SceneError, Stage
from local.machine import workers
from local.simulator.faults import Effect

_OTHERS = 9  # in the batch of the one that kills
_DEATHS = 1 + RetryPolicy.max_deaths  # with its batch, then alone
_COMES_AGAIN_SECONDS = 365  # a little more than the queue's visibility timeout
_PATIENCE_SECONDS = 60.0
_HANG_SECONDS = 1.5  # shorter than an answer is waited for, and long enough to strike
_POLL_SECONDS = 0.05


def _poison(stage: Stage) -> Expected:
    if not workers.CAN_BE_FOUND:
        raise SceneError("the functions' processes are found in /proc, which is not here")
    _start(stage)
    first, *others = usable(stage.name, 1 + _OTHERS)
    poison = known_as(first, "poison")
    # Each call for it is what an invocation dies in, before RainFocus carries it out.
    effect = Effect(latency_seconds=_HANG_SECONDS, reset=True)
    stage.fail(effect, email_regex=r"^poison\.", times=_DEATHS)
    stored_before = len(stage.stored())
    stage.push_together([*others[:4], poison, *others[4:]])
    newer = moved_to(poison, "Elsewhere")
    stored: list[int] = []
    for n in range(_DEATHS):
        _kill_as_it_strikes(stage, n + 1)
        stored.append(len({each.email for each in stage.stored()[stored_before:]}))
        if n == 0:
            stage.push_together([newer])
        time.sleep(_HANG_SECONDS)  # its batch is known to have failed
        stage.clock.move(_COMES_AGAIN_SECONDS)
    stage.settle()
    reasons = ", ".join(from_sqs(each).reason for each in stage.dead_letters())
    stage.tell("It is redriven")
    done = stage.stack.operate("redrive", "--destination", stage.name, "--yes")
    stage.settle()
    ends = [each["outcome"] for each in stage.ends()]
    return Expected(
        redriven=True,
        effective=[*stage.pushed[0].push.people, *others, newer],
        futile_calls=1,
        spare_calls=_OTHERS,
        spare_because=f"{_OTHERS} were stored and not noted as their batch died the first time",
        spare_ends=1,
        checks=[
            equal("others of its batch stored as it struck the third time", _OTHERS, stored[2]),
            equal("dead letters of", Reason.KILLED_INVOCATION.value, reasons),
            equal("of them redriven", 1, done["redriven"]),
            equal("that are stale, for a newer one was delivered", 1, ends.count("stale")),
        ],
    )


def _start(stage: Stage) -> None:
    """Deliver one: the connection has worked then, and delivery has a process."""
    stage.push(usable(f"{stage.name}-first", 1))
    stage.settle()


def _kill_as_it_strikes(stage: Stage, count: int) -> None:
    """Kill the processes of delivery once the fault has struck so often."""
    _await_strike(stage, count)
    killed = workers.workers(stage.stack, "DeliveryFunction")
    workers.kill(killed)
    stage.tell(f"{len(killed)} processes killed")


def _await_strike(stage: Stage, count: int) -> None:
    """Wait until the fault has struck so often. Raises SceneError."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while sum(each.fired for each in stage.simulator.faults()) < count:
        if time.monotonic() > deadline:
            raise SceneError(f"it was not worked on a {count}th time")
        time.sleep(_POLL_SECONDS)


SCENARIOS = (
    Scenario(
        "poison",
        "one profile of ten kills each invocation that works on it",
        _poison,
        in_tests=False,
        is_apart=True,
    ),
)
