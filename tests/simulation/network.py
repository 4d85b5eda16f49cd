"""The way between the code and everything outside: where answers get lost and processes die.

Each call is two events of the scheduler: it takes effect, and it is heard. In between anything else
may happen, the end of its process included.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from attendee_sync.aws.clients import PATIENT, Timeouts
from tests.simulation.faults import Faults
from tests.simulation.scheduler import Killed, Process, Scheduler

_LATENCY = 0.012  # seconds, on average, each way
_LATEST = 30.0  # seconds at most after which what is late takes effect
_THROTTLED = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sqs": "ServiceUnavailable",
    "ssm": "ThrottlingException",
    "secretsmanager": "InternalServiceError",
    "lambda": "TooManyRequestsException",
    "cloudformation": "Throttling",
}
# Settings and secrets are read by the same code.
_KIND = {"dynamodb": "table", "sqs": "queue", "lambda": "invoke"}


class Network:
    """Carries calls, by the clock of a scheduler and with the faults of a plan."""

    def __init__(self, scheduler: Scheduler, faults: Faults, random: Random) -> None:
        self._scheduler = scheduler
        self._faults = faults
        self._random = random
        self.services: dict[str, Any] = {}
        self.on_fault: Callable[[Process, str], object] = lambda _process, _service: None

    def client(self, service: str, timeouts: Timeouts = PATIENT) -> "Client":
        """Return the client of an AWS service, as attendee_sync.aws.clients does."""
        return Client(self, service, timeouts)

    def latency(self) -> float:
        """Return the seconds that a call or its answer is on its way."""
        return self._random.expovariate(1 / _LATENCY) + 0.001

    def carry(self, effect: Callable[[], Any], until_heard: float | None = None) -> Any:
        """Have an effect happen and return its answer, or None if that is not heard in time.

        Nothing stops what is on its way, not even the end of its process.
        """
        self.require_alive()
        answers: list[tuple[Any, Exception | None]] = []
        task = self._scheduler.task

        def answer(result: Any, error: Exception | None) -> None:
            answers.append((result, error))
            self._scheduler.resume(task)

        def take_effect() -> None:
            result, error = None, None
            try:
                result = effect()
            except ClientError as refusal:
                error = refusal
            self._scheduler.at(self.latency(), partial(answer, result, error))

        self._scheduler.at(self.latency(), take_effect)
        if not self._scheduler.wait_for(lambda: bool(answers), until_heard):
            return None
        result, error = answers[0]
        if error:
            raise error
        return result

    def require_alive(self) -> None:
        """End a thread here whose process has ended."""
        if not self._scheduler.task.process.is_alive:
            raise Killed

    def aws(
        self, service: str, operation: str, request: Mapping[str, Any], timeouts: Timeouts
    ) -> Any:
        """Call AWS."""
        self.require_alive()
        kind = _KIND.get(service, "settings")
        process = self._scheduler.task.process

        def effect() -> Any:
            answer = getattr(self.services[service], operation)(**request)
            if operation == "batch_execute_statement" and _has_throttled(answer):
                self._note_fault(process, service)
            return answer

        def unheard() -> None:
            with suppress(ClientError):
                effect()

        if self._faults.strikes("kill", process.name):
            self._scheduler.die()
        if self._faults.strikes("kill-after", process.name):
            self._scheduler.at(self.latency(), unheard)
            self._scheduler.die()
        if self._faults.strikes(f"{kind}-refused", operation):
            self._note_fault(process, service)
            self._scheduler.sleep(self.latency())
            raise ClientError({"Error": {"Code": _THROTTLED[service], "Message": ""}}, operation)
        is_late = self._faults.strikes(f"{kind}-late", operation)
        is_lost = is_late or self._faults.strikes(f"{kind}-lost", operation)
        if is_lost or self._faults.strikes(f"{kind}-unsent", operation):
            self._note_fault(process, service)
            if is_lost:
                late = self._random.random() * _LATEST if is_late else 0.0
                self._scheduler.at(self.latency() + late, unheard)
            self._scheduler.sleep(timeouts.total)
            raise ReadTimeoutError(endpoint_url=service)
        if self._faults.strikes(f"{kind}-slow", operation):
            self._scheduler.sleep(timeouts.total * self._random.uniform(0.5, 0.9))
        return self.carry(effect)

    def _note_fault(self, process: Process, service: str) -> None:
        process.faults += 1
        self.on_fault(process, service)


def _has_throttled(answer: Mapping[str, Any]) -> bool:
    errors = [each["Error"]["Code"] for each in answer["Responses"] if "Error" in each]
    return "ThrottlingError" in errors


class Client:
    """A botocore client: its methods are the operations of a simulated service."""

    def __init__(self, network: Network, service: str, timeouts: Timeouts) -> None:
        self._network = network
        self._service = service
        self._timeouts = timeouts

    def get_paginator(self, operation: str) -> "_Pages":
        """Return what gives out the one page that there is."""
        return _Pages(getattr(self, operation))

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **request: self._network.aws(
            self._service, operation, request, self._timeouts
        )


@dataclass(frozen=True)
class _Pages:
    operation: Callable[..., Any]

    def paginate(self, **request: Any) -> Iterator[Any]:
        yield self.operation(**request)
