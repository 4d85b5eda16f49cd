"""Which tests one of several processes runs after each other."""

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

STACKS = 3  # local stacks at once, whose tests mostly wait
_ON_STACK = "tests/integration/"
_CAMPAIGN = f"{_ON_STACK}test_campaign.py"


def is_on_stack(node_id: str) -> bool:
    """Tell whether a test needs a deployed local stack."""
    return node_id.startswith(_ON_STACK)


class Scheduler(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Gives a file's tests to one process, and those on a stack to the few that deploy one.

    Whichever of these is through with a file gets the next, so that they end at about the same
    time. A group for each test would let xdist's scheduler count thousands of them at every end
    of one.
    """

    def _split_scope(self, nodeid: str) -> str:
        """Return the name of a test's group."""
        file = nodeid.partition("::")[0]
        return nodeid if file == _CAMPAIGN else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Give a process its next group, or let it end if it has no stack for what is left."""
        has_stack = node in self.nodes[:STACKS]
        fitting = [group for group in self.workqueue if is_on_stack(group) == has_stack]
        if not fitting and not has_stack:
            node.shutdown()
            return
        if fitting:
            self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)
