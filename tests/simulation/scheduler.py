"""The scheduler: greenlets for threads, a clock that is played, and processes that can die.

One greenlet runs at a time, and another only where one waits: for an answer, a lock, or time. What
happens next is the event that is due first; of events due at once a seeded number decides.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from random import Random
from typing import Any, Self

from greenlet import GreenletExit, getcurrent, greenlet

START = 1_800_000_000.0


class Killed(GreenletExit):
    """The process is gone. No code under test catches it, and it can't call anybody any more."""


class Process:
    """What lives and dies together: an execution environment, a sender, an operator."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_frozen = False  # as Lambda freezes an environment between two invocations
        self.faults = 0  # of AWS that it met
        self.messages: list[Any] = []  # that it works on, and that have not ended
        self.tasks: dict[Task, None] = {}  # in the order in which they began
        self.watchers: list[Task] = []  # are woken when it dies
        self.parked: list[tuple[Task, int]] = []


class Task:
    """A thread of a process."""

    def __init__(self, process: Process, work: Callable[[], object], hub: greenlet) -> None:
        self.process = process
        self.waits = 0  # grows with each wait, so that an old event resumes nothing
        self.woken = -1  # the wait that is about to end
        self.greenlet = greenlet(lambda: self._run(work), parent=hub)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            self.process.tasks.pop(self, None)


class Scheduler:
    """Runs tasks by the clock."""

    def __init__(self, random: Random) -> None:
        self.now = START
        self.events = 0
        self.current: Task | None = None
        self._random = random
        self._hub = getcurrent()
        self._numbers = itertools.count()
        self._due: list[tuple[float, float, int, Callable[[], object]]] = []

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Have something done in so many seconds. It must not wait."""
        entry = (self.now + seconds, self._random.random(), next(self._numbers), action)
        heapq.heappush(self._due, entry)

    def spawn(self, process: Process, work: Callable[[], object]) -> Task:
        """Begin a thread of a process."""
        task = Task(process, work, self._hub)
        process.tasks[task] = None
        self.at(0, partial(self._resume, task, 0))
        return task

    def block(self, seconds: float | None = None) -> None:
        """Wait until somebody wakes this task, for whatever reason, or so many seconds are over."""
        task = self.task
        if not task.process.is_alive:
            raise Killed
        task.waits += 1
        number = task.waits
        if seconds is not None:
            self.at(seconds, partial(self._resume, task, number))
        self._hub.switch()

    def sleep(self, seconds: float) -> None:
        """Let time pass for this task alone."""
        until = self.now + seconds
        while self.now < until:
            self.block(until - self.now)

    def wake(self, task: Task) -> None:
        """End a task's wait."""
        number = task.waits
        if task.woken != number:
            task.woken = number
            self.at(0, partial(self._resume, task, number))

    def resume(self, task: Task) -> None:
        """End a task's wait at once: only an action may, while no task runs."""
        self._resume(task, task.waits)

    @property
    def task(self) -> Task:
        """The one that runs now."""
        assert self.current
        return self.current

    def wait_for(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until something holds that is looked at whenever this task is woken."""
        until = None if seconds is None else self.now + seconds
        while not condition():
            if until is not None and self.now >= until:
                return False
            self.block(None if until is None else until - self.now)
        return True

    def kill(self, process: Process) -> None:
        """End a process in the middle of its work, whatever it was about to do."""
        process.is_alive = False
        for task in list(process.tasks):
            process.tasks.pop(task, None)
            if task.greenlet:  # has begun, and not ended
                self._switch(task, partial(task.greenlet.throw, Killed))
        for watcher in process.watchers:
            self.wake(watcher)

    def die(self) -> None:
        """End this task's process now."""
        process = self.task.process
        self.at(0, lambda: self.kill(process))
        self.block()

    def thaw(self, process: Process) -> None:
        """Let the threads of a frozen process go on."""
        process.is_frozen = False
        parked, process.parked = process.parked, []
        for task, number in parked:
            self.at(0, partial(self._resume, task, number))

    def run(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Run until something holds, for so many seconds of the played clock at most."""
        until = self.now + seconds
        while not is_over():
            if not self._due or self._due[0][0] > until:
                self.now = until
                return is_over()
            self.now, _, _, action = heapq.heappop(self._due)
            self.events += 1
            action()
        return True

    def _resume(self, task: Task, number: int) -> None:
        if task.waits != number or task.greenlet.dead or not task.process.is_alive:
            return
        if task.process.is_frozen:
            task.process.parked.append((task, number))
            return
        task.waits += 1
        self._switch(task, task.greenlet.switch)

    def _switch(self, task: Task, into: Callable[[], object]) -> None:
        before, self.current = self.current, task
        try:
            into()
        finally:
            self.current = before


class Lock:
    """A threading.Lock."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._is_free = Condition(scheduler)
        self._is_held = False

    def __enter__(self) -> Self:
        if self._is_held:
            self._is_free.wait_for(lambda: not self._is_held)
        self._is_held = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_held = False
        self._is_free.notify_all()


class Condition:
    """A threading.Condition; while it is held nobody else runs anyway."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: list[Task] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        task = self._scheduler.task
        self._waiting.append(task)
        try:
            return self._scheduler.wait_for(predicate, timeout)
        finally:
            self._waiting.remove(task)

    def notify_all(self) -> None:
        for task in self._waiting:
            self._scheduler.wake(task)


class Executor:
    """A ThreadPoolExecutor, whose threads are tasks of the process that made it."""

    def __init__(self, scheduler: Scheduler, most: int) -> None:
        self._scheduler = scheduler
        self._most = most
        self._running = 0
        self._pending: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._pending.append((future, lambda: work(*arguments)))
        self._begin()
        return future

    def map(self, work: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
        futures = [self.submit(work, item) for item in items]
        return (self._result(each) for each in futures)

    def shutdown(self, *, wait: bool, cancel_futures: bool) -> None:
        assert not wait
        assert cancel_futures
        for future, _ in self._pending:
            future.cancel()
        self._pending.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass  # all that was asked for was waited for by its result

    def _result(self, future: Future[Any]) -> Any:
        wait(self._scheduler, [future])
        return future.result()

    def _begin(self) -> None:
        while self._pending and self._running < self._most:
            future, work = self._pending.pop(0)
            self._running += 1
            process = self._scheduler.task.process
            self._scheduler.spawn(process, partial(self._do, future, work))

    def _do(self, future: Future[Any], work: Callable[[], Any]) -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)
        else:
            future.set_result(result)
        self._running -= 1
        self._begin()


def wait(
    scheduler: Scheduler, futures: Sequence[Future[Any]], timeout: float | None = None
) -> None:
    """Wait for futures as concurrent.futures does."""
    task = scheduler.task
    for each in futures:
        each.add_done_callback(lambda _: scheduler.wake(task))
    scheduler.wait_for(lambda: all(each.done() for each in futures), timeout)
