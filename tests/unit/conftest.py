import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.accounted_stack import AccountedStack
from tests.support.command_line import CommandLine
from tests.support.delivery_harness import DeliveryHarness, delivery_harness
from tests.support.stack import Aws, Clock


@pytest.fixture(autouse=True)
def _isolated(no_sockets: None, output: object) -> None:
    """No test of one unit opens a socket, or finds another test's logger."""


@pytest.fixture
def line(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(aws, monkeypatch)


@pytest.fixture
def harness(aws: Aws) -> Iterator[DeliveryHarness]:
    with delivery_harness(aws) as made:
        yield made


@pytest.fixture
def stack(
    harness: DeliveryHarness,
    wall: Clock,
    output: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> AccountedStack:
    made = AccountedStack(harness, wall, output)
    monkeypatch.setattr(time, "sleep", made.sleep)
    return made
