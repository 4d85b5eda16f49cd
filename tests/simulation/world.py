"""One run: a stack, people who use it, and all that goes wrong."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from tests.simulation import faults as kinds_of
from tests.simulation import final_checks
from tests.simulation.episodes import Episodes
from tests.simulation.faults import Faults
from tests.simulation.operator import Operator
from tests.simulation.outside import Outside
from tests.simulation.patches import patched
from tests.simulation.people import State, people
from tests.simulation.queues import DEAD_LETTERS_URL, MOST_IN_FLIGHT, PROFILES_URL
from tests.simulation.scheduler import START, Process

_SENDERS = 2
_PATIENCE = 2.0  # seconds that a sender waits for an answer
_ATTEMPTS = 4  # of a sender with one push
_THERE_AND_BACK = 0.15  # the part of pushes in which a person changes, and changes back
_LONGEST_SETTLING = 4 * 3600.0
_HEARTBEAT_SECONDS = 300.0
_KNOWN_SECONDS = 65.0  # after which every environment has read changed settings
_MOST_REDRIVES = 10
_HIDDEN_SECONDS = 310.0  # at most, in which dead letters are hidden that somebody looked at
_BAD = {"firstName": "Nobody", "email": "no address"}


@dataclass(frozen=True)
class Run:
    """What a run is made of: it comes out the same each time."""

    seed: int
    profiles: int
    kinds: frozenset[str]

    @classmethod
    def of_seed(cls, seed: int, profiles: int) -> "Run":
        """Return the run of a seed, with all faults that it draws."""
        return cls(seed, profiles, kinds_of.drawn(seed))


@dataclass(frozen=True)
class Result:
    """What became of a run."""

    violation: str  # the first one; empty if everything held
    history: str  # a digest of all that was seen
    accepted: int
    outcomes: Counter[str]
    calls: int
    faults: Counter[str]
    hours: float  # by the played clock
    events: int


def play(run: Run, tell: Callable[[str], object] | None = None) -> Result:
    """Play one run to its end, or to the first violation; `tell` gets all that is seen."""
    return _World(run, tell).play()


class _World:
    def __init__(self, run: Run, tell: Callable[[str], object] | None) -> None:
        self._run = run
        self._random = Random(f"{run.seed} people")
        self._faults = Faults(run.seed, run.kinds)
        self._faults.spared = lambda name: name in ("lambda", "operator")
        self._outside = outside = Outside(run.seed, self._faults, tell)
        self._scheduler, self._judge = outside.scheduler, outside.judge
        self._operator = Operator(outside.scheduler)
        self._episodes = Episodes(run.seed, outside, self._operator)
        self._steady: State | None = None  # of somebody whom RainFocus takes
        self._settling = False
        self._busy = 0  # senders and episodes that have not ended

    def play(self) -> Result:
        """Play everything."""
        variables = {"MAX_AGE_HOURS": str(self._outside.max_age)}
        chance = Random(f"{self._run.seed} chance")
        with patched(
            self._scheduler, self._outside.network, self._outside.rainfocus, chance, variables
        ) as output:
            output.on_line = lambda text: self._judge.line(text, self._scheduler.task.process)
            try:
                self._play_phases()
            except Exception as error:  # noqa: BLE001 - such as a message without what it must have
                self._judge.fail(f"it can't be judged: {type(error).__name__}: {error}")
        return self._result()

    def _play_phases(self) -> None:
        self._begin()
        self._go_on_until(lambda: not self._busy, 7 * 86_400.0)
        self._end_faults()
        self._spawn("sender", self._push_at_last)
        self._go_on_until(lambda: not self._busy, 3600.0)
        self._settle()
        if not self._judge.violations:
            self._outside.rainfocus.refused_tags.clear()
            self._redrive_all()
            if not self._judge.violations:
                final_checks.check_all_took_effect(self._judge)

    def _begin(self) -> None:
        lambda_, random = self._outside.functions.itself, self._random
        self._scheduler.spawn(lambda_, self._outside.functions.keep_schedule)
        self._outside.mapping.begin()
        self._scheduler.spawn(Process("sender"), self._keep_pushing)
        crowd = people(max(1, self._run.profiles // random.choice((2, 4, 8))), random)
        tags = [state.tag for states in crowd for state in states]
        self._outside.rainfocus.refused_tags = set(random.sample(tags, len(tags) // 12))
        # With a state that was not pushed before each time, since `unchanged` proves nothing.
        self._steady = people(len(crowd) + 1, random)[-1][-1]
        self._episodes.spared = self._steady.email
        left = self._run.profiles
        for n in range(_SENDERS):
            count = left if n == _SENDERS - 1 else left // 2
            left -= count
            pushes = Random(f"{self._run.seed} sender {n}")
            self._spawn("sender", partial(self._push, crowd, count, pushes))
        for kind in sorted(self._run.kinds & set(kinds_of.EPISODES)):
            self._spawn("operator", partial(self._episodes.play, kind))

    def _spawn(self, name: str, work: Callable[[], object]) -> None:
        """Have somebody outside do something, which may fail, and then ends."""
        self._busy += 1

        def do() -> None:
            try:
                work()
            finally:
                self._busy -= 1

        self._scheduler.spawn(Process(name), do)

    def _go_on_until(self, is_over: Callable[[], bool], seconds: float) -> None:
        violations = self._judge.violations
        if not violations and not self._scheduler.run(
            lambda: bool(violations) or is_over(), seconds
        ):
            self._judge.fail("it does not come to an end")

    def _end_faults(self) -> None:
        self._faults.is_over = True
        self._faults.away.clear()
        self._outside.set_mode("")
        # What a paused connection holds may be all that SQS looks at: nobody is found by whose
        # call it would be seen to work.
        self._outside.queues.most_in_flight = MOST_IN_FLIGHT

    def _settle(self) -> None:
        """Let everything come to its end, and look at it."""
        if self._judge.violations:
            return
        self._settling = True
        limit = _LONGEST_SETTLING
        self._scheduler.run(lambda: bool(self._judge.violations or self._is_quiet()), limit)
        self._settling = False
        if not self._judge.violations:
            final_checks.check_ends(self._judge, len(self._outside.queues.messages(PROFILES_URL)))
            letters = self._outside.queues.messages(DEAD_LETTERS_URL)
            # What was written late may come after all was removed.
            items = {} if "table-late" in self._run.kinds else self._outside.tables.items
            final_checks.check_erased(self._judge, items.keys(), letters)

    def _keep_pushing(self) -> None:
        """Push somebody now and then: over a paused connection one refused alone proves nothing."""
        while True:
            self._scheduler.sleep(_HEARTBEAT_SECONDS)
            if self._settling:
                self._push_steady()

    def _push_at_last(self) -> None:
        """Push once all functions know the senders' token; it must be taken."""
        self._scheduler.sleep(_KNOWN_SECONDS)
        if not self._push_steady():
            self._judge.fail("a push is not accepted, though nothing fails")

    def _push_steady(self) -> bool:
        if self._steady:
            tag = f"{self._steady.tag}x{self._outside.functions.new_request_id()}"
            profile = {**self._steady.profile, "jobTitle": tag}
            return self._push_once([replace(self._steady, tag=tag, profile=profile)])
        return True

    def _is_quiet(self) -> bool:
        return not self._outside.queues.messages(PROFILES_URL)

    # --- senders ------------------------------------------------------------------------------

    def _push(self, crowd: Sequence[Sequence[State]], count: int, random: Random) -> None:
        while count > 0:
            self._scheduler.sleep(random.choice((0.1, 1.0, 30.0, 120.0)) * random.random())
            if count >= 3 and random.random() < _THERE_AND_BACK:
                count -= 3
                self._go_there_and_back(random.choice(crowd), random)
                continue
            size = min(count, random.choice((1, 2, 5, 12, 25)))
            count -= size
            few = random.sample(crowd, min(len(crowd), random.choice((1, 3, 12, 100))))
            states: list[State | None] = [random.choice(random.choice(few)) for _ in range(size)]
            if random.random() < 0.1:
                states[0] = None
            self._push_patiently(states, random)

    def _go_there_and_back(self, states: Sequence[State], random: Random) -> None:
        """Push a state, soon another one, and the first again, maybe once no call is late."""
        first, other = random.choice(states), random.choice(states)
        for each, longest in ((first, 5.0), (other, 60.0), (first, 1.0)):
            self._push_patiently([each], random)
            self._scheduler.sleep(longest * random.random())

    def _push_patiently(self, states: Sequence[State | None], random: Random) -> None:
        for _ in range(_ATTEMPTS):
            if self._push_once(states):
                break
            self._scheduler.sleep(random.uniform(1, 20))

    def _push_once(self, states: Sequence[State | None]) -> bool:
        request_id = self._outside.functions.new_request_id()
        self._judge.pushed(request_id, states)
        event = {
            "resource": "/v1/destinations/{destination}/profiles",
            "pathParameters": {"destination": "default"},
            "headers": {
                "Authorization": f"Bearer {self._outside.ingest_token}",
                "Content-Type": "application/json",
            },
            "body": json.dumps([each.profile if each else _BAD for each in states]),
        }
        began = self._scheduler.now
        answer, _ = self._outside.functions.run("ingest", event, request_id)
        if answer is None or answer["statusCode"] != 202:
            return False
        rejected = [each["index"] for each in json.loads(answer["body"])["rejected"]]
        self._judge.accepted(request_id, rejected)
        return self._scheduler.now - began <= _PATIENCE

    def _redrive_all(self) -> None:
        """Redrive until nothing comes of it: SQS shows some only once others are gone."""
        for _ in range(_MOST_REDRIVES):
            before = len(self._outside.queues.messages(DEAD_LETTERS_URL))
            self._spawn("operator", self._redrive)
            self._go_on_until(lambda: not self._busy, 86_400.0)
            self._settle()
            if len(self._outside.queues.messages(DEAD_LETTERS_URL)) == before:
                return

    def _redrive(self) -> None:
        self._scheduler.sleep(_HIDDEN_SECONDS)  # until all are to be seen
        self._operator.redrive()

    def _result(self) -> Result:
        judge = self._judge
        return Result(
            violation=judge.violations[0] if judge.violations else "",
            history=judge.history.hexdigest(),
            accepted=sum(each.is_accepted for each in judge.stories.values()),
            outcomes=judge.lines,
            calls=judge.calls,
            faults=self._faults.struck,
            hours=(self._scheduler.now - START) / 3600,
            events=self._scheduler.events,
        )
