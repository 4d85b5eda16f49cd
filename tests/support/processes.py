"""Which tests one of several processes runs after each other."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

STACKS = 3  # local stacks at once, whose tests mostly wait
_ON_STACK = "tests/integration/"
_CAMPAIGN = f"{_ON_STACK}test_campaign.py"


def is_on_stack(node_id: str) -> bool:
    """Tell whether a test needs a deployed local stack."""
    return node_id.startswith(_ON_STACK)


class Scheduler(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Gives a file's tests to one process, and all tests on a stack to as many as there are.

    A group for each test would let xdist's scheduler count thousands of them at every end of one.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._places: dict[str, int] = {}

    def _split_scope(self, nodeid: str) -> str:
        """Return the name of a test's group; xdist asks in the order of the tests."""
        file = nodeid.partition("::")[0]
        if not is_on_stack(nodeid):
            return file
        place = nodeid if file == _CAMPAIGN else file
        return f"stack {self._places.setdefault(place, len(self._places)) % STACKS}"
