from collections.abc import Iterator

import pytest

from tests.bench import Bench, at_work
from tests.command_line import CommandLine
from tests.stack import Aws


@pytest.fixture(autouse=True)
def _isolated(no_sockets: None, output: object, circuits: object) -> None:
    """No test of one unit opens a socket, or finds another test's logger or circuits."""


@pytest.fixture
def line(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(aws, monkeypatch)


@pytest.fixture
def bench(aws: Aws) -> Iterator[Bench]:
    with at_work(aws) as made:
        yield made
