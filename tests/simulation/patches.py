"""What of the code under test can't be injected is replaced here, for one run: time, threads,
chance, the clients of AWS and of HTTP, and what each function makes once in its environment.
"""

import contextlib
import random
import secrets
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from attendee_sync import http_client, observability
from attendee_sync.aws import clients, fifo_queue, settings
from attendee_sync.delivery import delivery
from attendee_sync.ingest import ingest
from attendee_sync.rainfocus import (
    concurrency,
    connection_state,
    guards,
    rate_limit,
    token_refresh,
    token_store,
)
from functions.delivery import app as delivery_app
from functions.ingest import app as ingest_app
from functions.token_refresh import app as token_refresh_app
from tests.simulation import scheduler as simulated
from tests.simulation.network import Network
from tests.simulation.operator import at_work
from tests.simulation.output import Lines, Output
from tests.simulation.queues import DEAD_LETTERS_URL, PROFILES_URL
from tests.simulation.rainfocus import RainFocus
from tests.simulation.remembered import remembered
from tests.simulation.scheduler import Scheduler
from tests.support import fakes
from tests.support.stack import STACK

CONCURRENCY = 5  # deliveries at once
_REAL_MONOTONIC = time.monotonic
# Whose parameters have the clock for a default.
_WITH_CLOCK: tuple[Callable[..., Any], ...] = (
    settings.Settings.__init__,
    token_store.TokenStore.__init__,
    guards.Guards.__init__,
    rate_limit.RateLimiter.__init__,
    ingest.Ingest.__init__,
    clients.Deadline.__init__,
    clients.Deadline.after.__func__,  # type: ignore[attr-defined]
)
_ONCE = ((delivery_app, "_delivery"), (ingest_app, "ingest"), (token_refresh_app, "_token_refresh"))


@contextlib.contextmanager
def patched(
    scheduler: Scheduler,
    network: Network,
    rainfocus: RainFocus,
    chance: random.Random,
    variables: dict[str, str],
) -> Iterator[Output]:
    """Have the code under test run by a scheduler, and nothing of it leave the simulation."""
    output, before = Output(), random.getstate()
    random.seed(chance.random())
    lines = Lines(output)
    with contextlib.ExitStack() as stack:
        for each in (
            *_time(scheduler),
            *_threads(scheduler),
            *_chance(chance),
            mock.patch.object(clients, "client", network.client),
            mock.patch.object(http_client, "session", lambda *_, **__: rainfocus),
            mock.patch.dict("os.environ", _variables() | variables),
            mock.patch.object(sys, "stdout", output),
            mock.patch.object(observability, "logger", lambda: lines),
            mock.patch.object(observability, "diagnosis", lambda: lines),
            mock.patch.object(observability, "EphemeralMetrics", output.metrics),
            *remembered(),
            *at_work(scheduler, network),
        ):
            stack.enter_context(each)
        for app, name in _ONCE:
            made = _OncePerProcess(scheduler, getattr(app, name).__wrapped__)
            stack.enter_context(mock.patch.object(app, name, made))
        try:
            yield output
        finally:
            random.setstate(before)


class _OncePerProcess:
    """A function's `functools.cache`, of which each environment has one."""

    def __init__(self, scheduler: Scheduler, make: Callable[[], Any]) -> None:
        self._scheduler = scheduler
        self._make = make
        self._made: dict[int, Any] = {}

    def __call__(self) -> Any:
        process = self._scheduler.task.process
        if id(process) not in self._made:
            self._made[id(process)] = (self._make(), process)  # kept, so that no id comes again
        return self._made[id(process)][0]


def _time(scheduler: Scheduler) -> Iterator[Any]:
    def now() -> float:
        return scheduler.now

    yield mock.patch.object(time, "time", now)
    yield mock.patch.object(time, "monotonic", now)
    yield mock.patch.object(time, "sleep", scheduler.sleep)
    for function in _WITH_CLOCK:
        defaults = tuple(_clock(each, now) for each in function.__defaults__ or ())
        named = {name: _clock(each, now) for name, each in (function.__kwdefaults__ or {}).items()}
        yield mock.patch.object(function, "__defaults__", defaults or None)
        yield mock.patch.object(function, "__kwdefaults__", named or None)


def _clock(default: object, now: Callable[[], float]) -> object:
    return now if default is _REAL_MONOTONIC else default


def _threads(scheduler: Scheduler) -> Iterator[Any]:
    def executor(most: int) -> simulated.Executor:
        return simulated.Executor(scheduler, most)

    for module in (fifo_queue, delivery, token_refresh):
        yield mock.patch.object(module, "ThreadPoolExecutor", executor)
    yield mock.patch.object(
        delivery, "wait", lambda some, seconds: simulated.wait(scheduler, some, seconds)
    )
    # Others are never held while something outside is called.
    locks = SimpleNamespace(Lock=lambda: simulated.Lock(scheduler))
    yield mock.patch.object(connection_state, "threading", locks)
    slots = concurrency._Slots
    yield mock.patch.object(
        concurrency, "_Slots", lambda: slots(cast("Any", simulated.Condition(scheduler)))
    )


def _chance(chance: random.Random) -> Iterator[Any]:
    def uuid4() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    yield mock.patch.object(uuid, "uuid4", uuid4)
    yield mock.patch.object(
        secrets, "token_hex", lambda size: f"{chance.getrandbits(8 * size):0{2 * size}x}"
    )


def _variables() -> dict[str, str]:
    return {
        "STACK_NAME": STACK,
        "QUEUE_URL": PROFILES_URL,
        "DEAD_LETTER_QUEUE_URL": DEAD_LETTERS_URL,
        "LEDGER_TABLE": fakes.TABLE,
        "TOKEN_TABLE": fakes.TOKEN_TABLE,
        "TOKEN_REFRESH_FUNCTION": "token-refresh",
        "MAXIMUM_CONCURRENCY": str(CONCURRENCY),
        "REFRESH_INTERVAL_MINUTES": "5",
        "KMS_KEY_ARN": "",
    }
