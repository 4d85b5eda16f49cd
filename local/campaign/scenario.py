"""Scenarios: what is played on a stage, and the account of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import requests
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress

from local.campaign.reconciliation import Check, Expected, Figures
from local.campaign.stage import SceneError, Stage
from local.machine.cloud import CloudError
from local.machine.earlier import NoEarlierVersionError, earlier_version
from local.machine.environment import LocalEnvironment, local_environment
from local.machine.stack import StackError

_BROKEN = (
    SceneError,
    StackError,
    CloudError,
    requests.RequestException,
    BotoCoreError,
    ClientError,
)


@dataclass(frozen=True)
class Scenario:
    """A scenario, and in a few words what happens in it."""

    name: str
    what: str
    act: Callable[[Stage], Expected]
    in_tests: bool = True
    """Whether `make test` plays it too, in a short form."""
    is_apart: bool = False
    """Whether it has a stack of its own, whose clock can be moved."""
    begins_earlier: bool = False
    """Whether that stack is first an earlier version's."""


@dataclass(frozen=True)
class Result:
    """What came of a scenario."""

    name: str
    what: str
    started: float  # epoch seconds
    seconds: float
    figures: Figures
    checks: list[Check]

    @property
    def holds(self) -> bool:
        """Tell whether all is as expected."""
        return all(check.holds for check in self.checks)


def play(scenario: Scenario, running: LocalEnvironment, scale: float, console: Console) -> Result:
    """Play a scenario and return what came of it; one that can't go on fails a check."""
    started, clock = time.time(), time.monotonic()
    figures = Figures(accepted=0, outcomes={}, calls=0, needed=0)
    try:
        with (
            _environment(scenario, running) as environment,
            Progress(console=console, transient=True) as progress,
        ):
            stage = Stage(environment, scenario.name, scale, progress)
            figures, checks = stage.account(scenario.act(stage))
    except NoEarlierVersionError as error:
        checks = [Check("the scenario", "told", f"skipped: {error}", holds=True)]
    except _BROKEN as error:
        checks = [
            Check("the scenario can be played", "yes", f"{type(error).__name__}: {error}", False)
        ]
    finally:
        with suppress(requests.RequestException):  # an interrupt may have ended the simulator
            running.simulator.clear_faults()
    seconds = time.monotonic() - clock
    return Result(scenario.name, scenario.what, started, seconds, figures, checks)


@contextmanager
def _environment(scenario: Scenario, running: LocalEnvironment) -> Iterator[LocalEnvironment]:
    """Give what a scenario is played on: what is running, or another like it."""
    if not scenario.is_apart:
        yield running
        return
    template = running.build / "template.yaml"
    if scenario.begins_earlier:
        template = earlier_version().template
    with local_environment(lambda _step: None, template=template, has_clock=True) as own:
        yield replace(own, build=running.build)
