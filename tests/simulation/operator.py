"""The operator: what the command line does to a stack, by its own code."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest import mock

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws.fifo_queue import QueueUnavailableError
from attendee_sync.aws.settings import DEFAULT, SettingsUnavailableError
from attendee_sync.delivery.ledger import LedgerUnavailableError
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import erasure, redrive
from attendee_sync_cli.operations.redrive import RedriveReport
from attendee_sync_cli.profiles import person
from attendee_sync_cli.stack import dead_letter_scan, lane_pause, lane_state
from attendee_sync_cli.stack import stack as stack_module
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterFilter
from attendee_sync_cli.stack.lane import Lane
from attendee_sync_cli.stack.stack import Stack
from tests.simulation.network import Network
from tests.simulation.scheduler import Executor, Scheduler
from tests.support.stack import STACK

# What a command fails with, so that somebody runs it again.
FAILURES = (
    BotoCoreError,
    ClientError,
    FailureError,
    LedgerUnavailableError,
    QueueUnavailableError,
    SettingsUnavailableError,
)
_AGAIN_SECONDS = 30.0
_TIMES = 2
_HIDDEN_SECONDS = 310.0  # after which dead letters are to be seen that somebody looked at


class Operator:
    """Runs commands. Its methods raise FAILURES, but those that go on until they are through."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._stack = Stack(STACK)

    def redrive(self) -> None:
        """Put dead letters back on the profile queue."""
        redrive.redrive(self._stack, RedriveReport(DeadLetterFilter(), dry_run=False))

    def erase(self, email: str) -> None:
        """Remove what is held of a person, and block it.

        That is done again where dead letters could not be looked at: somebody else did just then.
        Of an attendee with more than ten the later ones are never seen while the others stay.
        """
        for _ in range(_TIMES):
            self._until_done(lambda: self._erase(email))
            self._scheduler.sleep(_HIDDEN_SECONDS)

    def _erase(self, email: str) -> None:
        who = erasure.person_of(self._stack, person.hash_of(email))
        record = erasure.block(self._stack, who)
        erasure.await_deliveries(record)
        erasure.remove(self._stack, who, (), record)

    def pause(self) -> None:
        """Pause deliveries, until they are."""
        self._until_done(lambda: lane_pause.begin(self._stack, DEFAULT, Lane(self._stack), None))

    def resume(self) -> None:
        """Resume deliveries, until they are."""
        self._until_done(lambda: lane_pause.end(self._stack, DEFAULT, Lane(self._stack)))

    def _until_done(self, command: Callable[[], object]) -> None:
        while True:
            try:
                command()
            except FAILURES:
                self._scheduler.sleep(_AGAIN_SECONDS)
            else:
                return


def at_work(scheduler: Scheduler, network: Network) -> Iterator[Any]:
    """Return patches by which the command line calls the simulated AWS, and tells nothing."""
    yield mock.patch.object(stack_module, "client", network.client)
    for module in (dead_letter_scan, lane_state):
        executor = partial(Executor, scheduler)
        yield mock.patch.object(module, "ThreadPoolExecutor", executor)
    yield mock.patch.object(console, "progress", lambda *_: contextlib.nullcontext(lambda _: None))
    yield mock.patch.object(console, "notice", lambda _: None)
