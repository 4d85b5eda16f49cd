"""What an outage of RainFocus costs, with as many deliveries at once as AWS runs.

The scenarios are the campaign's, on a stack deployed to the local cloud.
"""

from functools import cache

from rich.console import Console
from rich.progress import Progress

from local.campaign import parallel
from local.campaign.parallel import NeighbourFigures, OutageFigures
from local.campaign.stage import Stage
from local.machine.environment import local_environment


def outage_failed_calls_per_profile() -> float:
    """Return the failed calls by the profiles that waited while RainFocus was away for a minute."""
    return _figures()[0].failed_calls_per_profile


def outage_last_after_recovery_seconds() -> float:
    """Return the seconds from RainFocus's return until the last of them was delivered."""
    return _figures()[0].last_after_recovery


def neighbour_p95_ratio() -> float:
    """Return a connection's p95 from push to attendee while another is in trouble, by its usual."""
    return _figures()[1].ratio


@cache
def _figures() -> tuple[OutageFigures, NeighbourFigures]:
    progress = Progress(console=Console(quiet=True))
    with local_environment(lambda _step: None) as environment:
        return (
            parallel.outage(Stage(environment, "outage", 1.0, progress)),
            parallel.neighbour(Stage(environment, "neighbour", 1.0, progress)),
        )
