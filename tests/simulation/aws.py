"""Lambda and what calls it: environments, the queue's pollers, API Gateway, the schedule."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import ModuleType
from typing import Any, Protocol

from attendee_sync.aws.settings import SettingsUnavailableError
from functions.delivery import app as delivery_app
from functions.ingest import app as ingest_app
from functions.token_refresh import app as token_refresh_app
from tests.simulation.faults import Faults
from tests.simulation.network import Network
from tests.simulation.patches import CONCURRENCY
from tests.simulation.queues import PROFILES_URL, Queues, Stored, arn_of, record_of
from tests.simulation.scheduler import Process, Scheduler, Task
from tests.support import fakes

# Handlers and time limits in seconds; the template's.
FUNCTIONS: Mapping[str, tuple[ModuleType, float]] = {
    "delivery": (delivery_app, 60.0),
    "ingest": (ingest_app, 10.0),
    "token-refresh": (token_refresh_app, 780.0),
}
_COLD_STARTS = 0.05  # part of invocations that get a new environment in the place of an old one
_SCHEDULE_SECONDS = 300.0
_ASYNC_RETRY_SECONDS = 60.0


class _Context:
    """What is used of Lambda's context."""

    def __init__(self, request_id: str, seconds_left: Callable[[], float]) -> None:
        self.aws_request_id = request_id
        self._seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds_left() * 1000)


class Lambda:
    """Runs functions, each environment one invocation at a time; it is frozen in between."""

    def __init__(self, scheduler: Scheduler, network: Network, faults: Faults, random: Random):
        self._scheduler = scheduler
        self._network = network
        self._faults = faults
        self._random = random
        self._free: dict[str, list[Process]] = {name: [] for name in FUNCTIONS}
        self._invocations = 0
        self.itself = Process("lambda")
        self.on_token_lost: Callable[[], object] = lambda: None
        self.mapping: Callable[[], EventSourceMapping]
        self.on_error: Callable[[str], object] = lambda _: None
        self.on_limit: Callable[[Process], object] = lambda _: None

    def new_request_id(self) -> str:
        self._invocations += 1
        return f"request-{self._invocations}"

    def run(
        self,
        name: str,
        event: Mapping[str, Any],
        request_id: str = "",
        messages: Sequence[Stored] = (),
    ) -> tuple[Any, Process]:
        """Run a function to its end; the result is None if it died, or its time was over.

        `messages` are those that it delivers.
        """
        app, limit = FUNCTIONS[name]
        process = self._environment(name)
        process.messages = list(messages)
        ends_at = self._scheduler.now + limit
        context = _Context(
            request_id or self.new_request_id(), lambda: ends_at - self._scheduler.now
        )
        results: list[Any] = []
        caller = self._scheduler.task

        def work() -> None:
            try:
                results.append(app.lambda_handler(event, context))
            except Exception as error:  # noqa: BLE001 - Lambda notes it, and goes on
                if not isinstance(error, SettingsUnavailableError):  # which token_refresh raises
                    self.on_error(f"{name} failed: {type(error).__name__}: {error}")
                results.append(None)
            process.is_frozen = True
            self._scheduler.wake(caller)

        self._scheduler.thaw(process)
        self._scheduler.spawn(process, work)
        process.watchers = [caller]
        self._scheduler.wait_for(lambda: bool(results) or not process.is_alive, limit)
        if not results:
            if process.is_alive:
                self.on_limit(process)
                self._scheduler.at(0, lambda: self._scheduler.kill(process))
            if name == "token-refresh":
                self.on_token_lost()
            return None, process
        self._free[name].append(process)
        return results[0], process

    def _environment(self, name: str) -> Process:
        free = self._free[name]
        if free:
            taken = free.pop(self._random.randrange(len(free)))
            if self._random.random() >= _COLD_STARTS:
                return taken
        return Process(name)

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Run token_refresh in the background, as it is asked for; at least once."""
        event = json.loads(request["Payload"])
        times = 1 + self._faults.strikes("invoke-twice")
        for _ in range(times):
            self._scheduler.spawn(self.itself, lambda: self._run_twice(event))
        return {}

    def list_event_source_mappings(self, **_: Any) -> dict[str, Any]:
        """List the one there is."""
        return {"EventSourceMappings": [self.mapping().described()]}

    def get_event_source_mapping(self, **_: Any) -> dict[str, Any]:
        """Describe it."""
        return self.mapping().described()

    def update_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        """Switch it on or off."""
        self.mapping().is_enabled = request["Enabled"]
        self.mapping().look()
        return {}

    def _run_twice(self, event: Mapping[str, Any]) -> None:
        for _ in range(3):
            result, _process = self.run("token-refresh", event)
            if result is not None:
                return
            self._scheduler.sleep(_ASYNC_RETRY_SECONDS)

    def _run_schedule(self) -> None:
        self.run("token-refresh", {"source": "aws.scheduler"})

    def keep_schedule(self) -> None:
        """Run token_refresh every five minutes."""
        while True:
            self._scheduler.spawn(self.itself, self._run_schedule)
            self._scheduler.sleep(_SCHEDULE_SECONDS)


class Watching(Protocol):
    """Who is told of deliveries."""

    def delivery_began(self) -> None:
        """See that one began."""

    def invocation_ended(
        self, profiles: Sequence[tuple[str, str]], *, is_clean: bool, is_dead: bool
    ) -> None:
        """See that it ended."""


class EventSourceMapping:
    """Takes batches from a lane to delivery, several at once."""

    def __init__(
        self,
        scheduler: Scheduler,
        functions: Lambda,
        queues: Queues,
        faults: Faults,
        judge: Watching,
    ) -> None:
        self._scheduler = scheduler
        self._functions = functions
        self._queues = queues
        self._faults = faults
        self._judge = judge
        self.url = PROFILES_URL  # of the lane
        self.is_enabled = True
        self.is_idle = False  # for a while nothing is delivered, and nobody asked for that
        self._idle: dict[Task, None] = {}
        self._looks_at = float("inf")  # when one of those looks next

    def described(self) -> dict[str, str]:
        """Return what Lambda says of it."""
        return {
            "UUID": "of-profiles",
            "EventSourceArn": arn_of(self.url),
            "FunctionArn": fakes.DELIVERY,
            "State": "Enabled" if self.is_enabled else "Disabled",
        }

    def begin(self) -> None:
        """Begin to poll."""
        for _ in range(CONCURRENCY):
            self._scheduler.spawn(self._functions.itself, self._poll)

    def look(self) -> None:
        """Have a poller that does nothing look at the queue now; if it finds something, the next.

        That is what all of them would do, with fewer events.
        """
        if self._idle:
            self._scheduler.wake(next(iter(self._idle)))

    def _poll(self) -> None:
        while True:
            if self.is_idle or not self.is_enabled or not self._deliver():
                self._wait()

    def _wait(self) -> None:
        """Have the poller that runs do nothing until somebody looks, who may be this one."""
        task, at = self._scheduler.task, self._queues.next_visible(self.url)
        if at < self._looks_at:
            self._looks_at = at
            self._scheduler.at(at - self._scheduler.now, self._look_again)
        self._idle[task] = None
        self._scheduler.block()
        del self._idle[task]

    def _look_again(self) -> None:
        if self._scheduler.now >= self._looks_at:
            self._looks_at = float("inf")
            self.look()

    def _deliver(self) -> bool:
        """Deliver one batch, and tell whether there was one."""
        batch = self._queues.give_out(self.url)
        if not batch:
            return False
        self.look()
        profiles = [each.profile for each in batch]
        self._judge.delivery_began()
        event = {"Records": [record_of(each, self.url) for each in batch]}
        result, process = self._functions.run("delivery", event, messages=batch)
        ended = []
        if result is not None:
            waiting = {each["itemIdentifier"] for each in result["batchItemFailures"]}
            assert waiting <= {each.id for each in batch}
            ended = [each.receipt for each in batch if each.id not in waiting]
        comes_twice = self._faults.strikes("queue-twice")
        is_clean = result is not None and not (process.faults or process.tasks or comes_twice)
        process.faults = 0
        self._judge.invocation_ended(profiles, is_clean=is_clean, is_dead=result is None)
        if not comes_twice:
            entries = [{"Id": str(n), "ReceiptHandle": each} for n, each in enumerate(ended)]
            self._queues.delete_message_batch(QueueUrl=self.url, Entries=entries)
        if result is None:
            self._scheduler.sleep(1.0)
        return True
