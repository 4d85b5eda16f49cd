"""Traffic that does not end, so that there is something to look at."""

import itertools

from local.machine.environment import LocalEnvironment
from local.simulator.faults import Effect, Fault
from local.traffic.people import people, pushes
from local.traffic.traffic import push_all

_PEOPLE = 1_000
# Beside those without an e-mail address, RainFocus takes one in a hundred not.
REFUSED = Fault(
    call="attendee/store",
    email_regex=r"person-\d*77@",
    effect=Effect(status=400, code="105", message="The state is not known in this country."),
)


def push(environment: LocalEnvironment, *, per_second: float) -> None:
    """Push the same made-up people again and again, with other details each time."""
    environment.simulator.add_fault(REFUSED)
    for seed in itertools.count():
        for _ in push_all(
            environment.stack, list(pushes(people(_PEOPLE, seed))), per_second=per_second
        ):
            pass
