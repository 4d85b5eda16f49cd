"""From a run that fails to a smaller one that fails as well."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.world import Run

_MOST_PLAYS = 200


def shrunk(run: Run, fails: Callable[[Run], bool]) -> Run:
    """Return a run of the same seed with fewer profiles and kinds of faults that fails still.

    Without a fault the rest of a run comes in another order, so that what is left need not be the
    least there is.
    """
    plays = 0
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(run):
            plays += 1
            if plays > _MOST_PLAYS:
                return run
            if fails(smaller):
                run, is_smaller = smaller, True
                break
    return run


def _smaller(run: Run) -> Iterator[Run]:
    if run.profiles > 1:
        yield replace(run, profiles=run.profiles // 2)
        yield replace(run, profiles=run.profiles - 1)
    for kind in sorted(run.kinds):
        yield replace(run, kinds=run.kinds - {kind})
