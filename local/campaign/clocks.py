"""A scenario on odd days, and with machines whose clocks differ."""

import time
from datetime import datetime

from local.campaign.marked_people import moved_to, usable
from local.campaign.reconciliation import Expected, at_least
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.machine.clock import Clock

# Each is pushed in, and after, the last seconds before it.
_DAYS = ("2028-02-29", "2028-03-01", "2029-01-01")
_BEFORE_SECONDS = 10.0
_SKEW_SECONDS = 600.0


def _clock(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(100, at_least=20))
    midnights = 0
    for day in _DAYS:
        midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
        stage.clock.move(midnight - _BEFORE_SECONDS - stage.clock.now())
        stage.stack.refresh_token()  # as the schedule would have, all the time
        stage.tell(f"Shortly before {day}")
        stage.push([moved_to(each, f"Before {day}") for each in everyone])
        time.sleep(max(0.0, midnight - stage.clock.now()))
        stage.push([moved_to(each, f"On {day}") for each in everyone])
        stage.settle()
        midnights += stage.clock.now() > midnight
    for word, skew in (("ahead", _SKEW_SECONDS), ("behind", -_SKEW_SECONDS)):
        stage.tell(f"The clock of ingest is ten minutes {word}")
        theirs = Clock.new(stage.running.cloud.folder / f"clock-{word}", stage.clock.ahead + skew)
        stage.stack.set_variables("IngestFunction", **theirs.environment())
        others = usable(f"{stage.name}-{word}", stage.many(50, at_least=20))
        stage.push(others)
        stage.settle()
        stage.push([moved_to(each, "Elsewhere") for each in others])
        stage.settle()
    return Expected(checks=[at_least("midnights that passed", len(_DAYS), midnights)])


SCENARIOS = (
    Scenario(
        "clock",
        "29 February and the end of a year pass, and ingest's clock is ten minutes off",
        _clock,
        in_tests=False,
        is_apart=True,
    ),
)
