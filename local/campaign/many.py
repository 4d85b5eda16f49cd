"""A scenario with as many destinations and connections as large customers have."""

from itertools import batched

from local.campaign.marked_people import usable
from local.campaign.reconciliation import Expected, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.traffic.people import Push, pushes

_PEOPLE = 5  # of each destination


def _many_destinations(stage: Stage) -> Expected:
    destinations = [f"{stage.name}-{n}" for n in range(stage.many(200, at_least=6))]
    connections = [f"{stage.name}-{n}" for n in range(stage.many(20, at_least=2))]
    stage.tell(f"{len(destinations)} destinations over {len(connections)} connections")
    before = stage.simulator.tokens().requests
    with stage.own_connections(connections):
        fetched = stage.simulator.tokens().requests - before
        for n, each in enumerate(destinations):
            stage.add_destination(each, connections[n % len(connections)])
        people = usable(stage.name, _PEOPLE * len(destinations))
        stage.push_each(
            Push(push.body, push.people, destination)
            for destination, some in zip(
                destinations, batched(people, _PEOPLE, strict=True), strict=True
            )
            for push in pushes(some)
        )
        stage.settle()
    return Expected(checks=[equal("tokens fetched", len(connections), fetched)])


SCENARIOS = (
    Scenario(
        "many-destinations",
        "200 destinations over 20 connections, all at once",
        _many_destinations,
        in_tests=False,
    ),
)
