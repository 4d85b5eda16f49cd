"""What every stand-in for an AWS client does: requests are checked as botocore checks them."""

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.validate import ParamValidator

type Request = Mapping[str, Any]


def denied(code: str, operation: str = "Operation", message: str = "made up") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def unreachable() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="https://aws.example.com")


def timed_out() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://aws.example.com")


@functools.cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


class Fake:
    """Counts and checks calls, and lets them fail when told to."""

    service: str

    def __init__(self) -> None:
        self.calls: list[tuple[str, Request]] = []
        # Calls that AWS would not take. Powertools catches what its store raises, so that a test
        # must ask for them; the fixture `aws` does.
        self.misuses: list[str] = []
        # What the next calls raise; None lets one through.
        self.failures: list[Exception | None] = []
        self.always: Exception | None = None
        self.on_call: Callable[[], object] = lambda: None
        self.calls_to_interruption = -1  # after so many calls comes Ctrl-C
        self._lock = threading.RLock()

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.calls)

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(getattr(self, operation))

    def _called(self, operation: str, request: Request) -> None:
        shape = _service(self.service).operation_model(operation).input_shape
        report = ParamValidator().validate(dict(request), shape)
        self._use(not report.has_errors(), report.generate_report())
        with self._lock:
            self.calls.append((operation, request))
            self.calls_to_interruption -= 1
            if self.calls_to_interruption == -1:
                raise KeyboardInterrupt
            failure = self.failures.pop(0) if self.failures else self.always
        self.on_call()
        if failure:
            raise failure

    def _use(self, proper: bool, why: str) -> None:
        if not proper:
            self.misuses.append(why)
            raise AssertionError(why)


@dataclass(frozen=True)
class _Pages:
    """A paginator: asks again with the token of the page before."""

    operation: Callable[..., dict[str, Any]]

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        page = self.operation(**request)
        yield page
        while "NextToken" in page:
            page = self.operation(**request, NextToken=page["NextToken"])
            yield page
