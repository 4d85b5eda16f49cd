"""A deployed local stack for the integration tests that run after each other."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.machine import stack as stacks
from local.machine.environment import LocalEnvironment, local_environment
from tests.support.local import Local


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the built template, which the workers of a run make once."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "build"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        template = shared / "template.yaml"
        return template if template.exists() else stacks.build(shared)


@pytest.fixture(scope="session")
def _running(_built: Path) -> Iterator[LocalEnvironment]:
    with local_environment(lambda _step: None, template=_built) as environment:
        yield environment


@pytest.fixture
def local(_running: LocalEnvironment) -> Iterator[Local]:
    local = Local(_running)
    yield local
    local.simulator.clear_faults()
    local.wait_until_idle()
