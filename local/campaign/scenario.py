"""Scenarios: what is played on a stage, and the account of it."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import requests
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress

from local.campaign.reconciliation import Check, Expected, Figures
from local.campaign.stage import SceneError, Stage
from local.machine.environment import LocalEnvironment
from local.machine.stack import StackError

_BROKEN = (SceneError, StackError, requests.RequestException, BotoCoreError, ClientError)


@dataclass(frozen=True)
class Scenario:
    """A scenario, and in a few words what happens in it."""

    name: str
    what: str
    act: Callable[[Stage], Expected]
    in_tests: bool = True
    """Whether `make test` plays it too, in a short form."""


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
        with Progress(console=console, transient=True) as progress:
            stage = Stage(running, scenario.name, scale, progress)
            figures, checks = stage.account(scenario.act(stage))
    except _BROKEN as error:
        checks = [
            Check("the scenario can be played", "yes", f"{type(error).__name__}: {error}", False)
        ]
    finally:
        with suppress(requests.RequestException):  # an interrupt may have ended the simulator
            running.simulator.clear_faults()
    seconds = time.monotonic() - clock
    return Result(scenario.name, scenario.what, started, seconds, figures, checks)
