"""What goes wrong in a run: which kinds of faults there are, how often, and that they stop."""

from collections import Counter
from collections.abc import Callable, Collection
from random import Random

# With each call. The part of calls that one strikes is drawn for each run.
CALLS = (
    "kill",  # the process, before a call
    "kill-after",  # likewise, and the call takes effect
    "queue-refused",
    "queue-lost",  # it takes effect, and the answer is lost
    "queue-unsent",  # it takes none, and nothing is heard
    "queue-partial",  # some messages of a call are not taken
    "queue-twice",  # Lambda's delete is lost, so what has ended comes again
    "table-refused",
    "table-lost",
    "table-unsent",
    "table-late",  # as lost, and it takes effect only seconds later
    "table-slow",  # it takes nearly as long as is waited for
    "table-partial",  # keys, items or statements of a batch are left out
    "table-stale",  # a read that does not ask for consistency gets what was
    "settings-refused",
    "settings-lost",
    "settings-unsent",
    "settings-stale",  # a moment after a write, the former value is read
    "invoke-refused",
    "invoke-lost",
    "invoke-unsent",
    "invoke-twice",  # an asynchronous invocation runs twice
    "api-unsent",
    "api-lost",  # stored, and nothing is heard of it
    "api-died",  # stored, and then the connection is cut
    "api-error",  # HTTP 500
    "api-stored-error",  # HTTP 500, though it is stored
    "api-busy",  # HTTP 429
    "api-forbidden",
    "api-page",  # a page in place of an answer, with HTTP 200
    "api-code",  # HTTP 200 with a code that tells of a passing trouble
    "api-late",  # stored up to a second after nobody waits any more
    "api-fickle",  # what was stored without being heard is refused from then on
    "token-error",
    "token-lost",  # granted, and nothing is heard of it
)
# Now and then, for a while.
EPISODES = (
    "outage",  # RainFocus answers 503
    "hang",  # RainFocus does not answer
    "lock-out",  # RainFocus answers 403
    "slow",  # RainFocus takes seconds
    "revoked",  # the access token is worth nothing any more
    "table-away",
    "queue-away",
    "idle",  # no delivery is begun, up to an hour long
    "redrive",
    "pause",  # the operator pauses deliveries
    "erase",  # the operator erases a person
    "remap",  # the operator changes the mapping
    "new-credentials",
    "new-ingest-token",
    "forced-token",
)
KINDS = frozenset(CALLS + EPISODES)
_RATES = (0.003, 0.01, 0.03, 0.1)
# What is asked for where another fault struck already, or must strike twice to change anything.
_SELDOM_ASKED = frozenset({"api-fickle", "table-late", "table-refused"})
_OFTEN = (0.1, 0.3)
_KILL_RATES = (0.0005, 0.002, 0.005)
_SWITCHED_ON = 0.35  # the part of all kinds that a run has


def drawn(seed: int) -> frozenset[str]:
    """Return the kinds of faults of a run: another choice in each, so that each is met alone."""
    random = Random(f"{seed} kinds")
    return frozenset(each for each in sorted(KINDS) if random.random() < _SWITCHED_ON)


class Faults:
    """The faults of one run. Each kind has random numbers of its own."""

    def __init__(self, seed: int, kinds: Collection[str]) -> None:
        self.is_over = False
        self.struck: Counter[str] = Counter()
        self._random = {each: Random(f"{seed} {each}") for each in sorted(kinds)}
        self._rates = {
            each: random.choice(_rates_of(each)) for each, random in self._random.items()
        }
        # The kinds of calls of which none succeeds for now, and for whom: "" is for all.
        self.away: set[tuple[str, str]] = set()
        self.spared: Callable[[str], bool] = lambda _: False

    def strikes(self, kind: str, whom: str = "") -> bool:
        """Tell whether a fault strikes a call now."""
        if self.is_over or (kind.startswith("kill") and self.spared(whom)):
            return False
        if self.away & {(kind, ""), (kind, whom)}:
            return True
        random = self._random.get(kind)
        if not random or random.random() >= self._rates[kind]:
            return False
        self.struck[kind] += 1
        return True

    def some(self, kind: str, entries: int) -> set[int]:
        """Return the places of some entries if a fault strikes them now."""
        if not self.strikes(kind):
            return set()
        return {n for n in range(entries) if self._random[kind].random() < 0.5}


def _rates_of(kind: str) -> tuple[float, ...]:
    if kind.startswith("kill"):
        return _KILL_RATES
    return _OFTEN if kind in _SELDOM_ASKED else _RATES
