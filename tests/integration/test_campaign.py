"""The fault campaign in a short form: the same scenarios with small numbers and short times."""

import pytest
from rich.console import Console

from local.campaign import SCENARIOS, crashes
from local.campaign.scenario import Scenario, play
from local.machine import workers
from tests.support.local import Local

SHORT = [scenario for scenario in SCENARIOS if scenario.in_tests]
_SCALE = 0.01  # of the numbers and times, but for their least


@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name)
def test_every_profile_ends_as_it_must(local: Local, scenario: Scenario) -> None:
    if scenario in crashes.SCENARIOS and not workers.CAN_BE_FOUND:
        pytest.skip("the functions' processes are found in /proc, which is not here")

    result = play(scenario, local.running, _SCALE, Console(quiet=True))

    assert [check for check in result.checks if not check.holds] == []
