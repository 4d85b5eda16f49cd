"""In whatever order senders' pushes mix, each person ends the same in RainFocus.

Each person's own order is kept, as SQS keeps it; how many profiles a push has, when deliveries
come between, and which calls fail on the way is anybody's guess.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from attendee_sync.rainfocus.circuit_breaker import LONGEST_PROBE_SECONDS
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, delivery_harness
from tests.support.stack import Aws, Clock

type Fields = Mapping[str, str]
type Histories = Mapping[str, Sequence[Fields]]  # what is pushed of each person, oldest first

PEOPLE = ("ada", "bob")
NAMES = ("city", "jobtitle")
REFUSED = "nobody's job"
MOST_WAITS = 100
VALUES = st.sampled_from(["One", "Two"])
PARTIAL = st.dictionaries(st.sampled_from(NAMES), VALUES)
WHOLE = st.fixed_dictionaries(
    dict.fromkeys(NAMES, VALUES) | {"jobtitle": VALUES | st.just(REFUSED)}
)
# What becomes of calls in turn, and then of no more: stored, not taken, stored but not heard.
FATES = st.lists(st.sampled_from(["stored", "stored", "away", "unheard"]), max_size=12)


@dataclass(frozen=True)
class Order:
    """One way in which the pushes of all come in."""

    people: Sequence[str]  # whose turn it is
    pushes: Sequence[int]  # how many profiles each push has, in turn
    works: Sequence[bool]  # whether a batch is delivered before the next push
    fates: Sequence[str]


@dataclass
class RainFocus:
    """What RainFocus holds: a field that is not sent stays as it was."""

    fates: Sequence[str]
    attendees: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fates = itertools.chain(self.fates, itertools.repeat("stored"))

    def reply(self, call: fakes.Call) -> fakes.Reply:
        fate = next(self._fates)
        if fate == "away":
            return fakes.Reply(503)
        if call.json.get("jobtitle") == REFUSED:
            return fakes.envelope("5", "jobtitle is not known")
        self.attendees.setdefault(call.json["email"], {}).update(call.json)
        return fakes.Reply(502) if fate == "unheard" else fakes.stored()


@st.composite
def two_orders(draw: st.DrawFn, states: st.SearchStrategy[Fields]) -> tuple[Histories, list[Order]]:
    """Histories of some people, and two ways in which they come in."""
    histories = {person: draw(st.lists(states, min_size=1, max_size=6)) for person in PEOPLE}
    turns = [person for person, history in histories.items() for _ in history]
    orders = [
        Order(
            draw(st.permutations(turns)),
            draw(st.lists(st.integers(1, 6), min_size=1, max_size=6)),
            draw(st.lists(st.booleans(), min_size=1, max_size=6)),
            draw(FATES),
        )
        for _ in range(2)
    ]
    return histories, orders


def ended(histories: Histories, order: Order) -> dict[str, dict[str, str]]:
    """Return what RainFocus holds once all that came in by an order has ended."""
    aws, rainfocus, wall = Aws(), RainFocus(order.fates), Clock(1_800_000_000.0)
    with delivery_harness(aws) as harness, patch("time.time", wall):
        harness.rainfocus.reply = rainfocus.reply
        _push_all(harness, histories, order)
        for _ in range(MOST_WAITS):
            harness.work()
            if not aws.sqs.profiles:
                break
            aws.sqs.let_time_pass()
            wall.now += LONGEST_PROBE_SECONDS
    assert aws.sqs.profiles == []
    assert aws.misuses == []
    return rainfocus.attendees


def _push_all(harness: DeliveryHarness, histories: Histories, order: Order) -> None:
    left = {person: iter(history) for person, history in histories.items()}
    profiles = iter(
        [{"email": f"{person}@example.com", **next(left[person])} for person in order.people]
    )
    for size, works in zip(itertools.cycle(order.pushes), itertools.cycle(order.works)):
        push = list(itertools.islice(profiles, size))
        if not push:
            return
        harness.push(*push)
        if works:
            harness.invoke()


def held(person: str, states: Sequence[Fields]) -> dict[str, dict[str, str]]:
    """Return what RainFocus must hold of somebody of whom all these were stored, in order."""
    email = f"{person}@example.com"
    fields = {name: text for state in states for name, text in state.items()}
    return {email: {"event": "summit2027", "email": email, **fields}} if states else {}


# B is stored unheard, and before it is tried again the sender goes back to A.
THERE_AND_BACK = [{"city": "One"}, {"city": "Two"}, {"city": "One"}]
UNHEARD = Order(("ada",) * 3, pushes=(1,), works=(True,), fates=("stored", "unheard"))


@settings(max_examples=50)
@given(two_orders(PARTIAL))
@example(({"ada": THERE_AND_BACK}, [UNHEARD]))
def test_everybody_ends_the_same_however_pushes_mix(
    drawn: tuple[Histories, list[Order]],
) -> None:
    histories, orders = drawn
    expected = [held(person, states) for person, states in histories.items()]
    for order in orders:
        assert ended(histories, order) == {k: v for each in expected for k, v in each.items()}


@settings(max_examples=50)
@given(two_orders(WHOLE))
def test_everybody_ends_as_the_last_state_that_rainfocus_takes_however_pushes_mix(
    drawn: tuple[Histories, list[Order]],
) -> None:
    histories, orders = drawn
    expected: dict[str, dict[str, str]] = {}
    for person, states in histories.items():
        expected |= held(person, [each for each in states if each["jobtitle"] != REFUSED])
    for order in orders:
        assert ended(histories, order) == expected
