"""One deployed local stack for all integration tests of a run."""

from collections.abc import Iterator

import pytest

from local.machine.environment import LocalEnvironment, local_environment
from tests.support.local import Local


@pytest.fixture(scope="session")
def _running() -> Iterator[LocalEnvironment]:
    with local_environment(lambda _step: None) as environment:
        yield environment


@pytest.fixture
def local(_running: LocalEnvironment) -> Iterator[Local]:
    local = Local(_running)
    yield local
    local.simulator.clear_faults()
    local.wait_until_idle()
