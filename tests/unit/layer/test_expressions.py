from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from attendee_sync.mapping import evaluation, mapper
from attendee_sync.mapping.destination import Destination
from attendee_sync.mapping.expressions import compiled, lenient

NAMES = ("a", "b", "workAddress", "street1")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)
EXPRESSIONS = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(NAMES)).map(lambda each: f"({each[0]}).{each[1]}"),
        st.tuples(inner, inner).map(lambda each: f"({each[0]} || {each[1]})"),
        st.tuples(inner, st.integers(-2, 2)).map(lambda each: f"({each[0]})[{each[1]}]"),
    ),
    max_leaves=5,
)


@given(EXPRESSIONS, VALUES)
def test_a_plain_expression_answers_as_the_library_does(expression: str, value: Any) -> None:
    assert compiled(expression)(value) == jmespath.search(expression, value)


@pytest.mark.parametrize(
    "expression",
    ["a[?b=='x'].b | [0]", "length(a)", "a[*].b", "a[].b", "{a: a}", "a && b", "!a", "a == b", "@"],
)
@given(value=VALUES)
def test_any_other_expression_is_the_librarys(expression: str, value: Any) -> None:
    try:
        expected = jmespath.search(expression, value)
    except jmespath.exceptions.JMESPathError as error:
        with pytest.raises(type(error)):
            compiled(expression)(value)
        return
    assert compiled(expression)(value) == expected


def test_a_literal_counts_as_a_value() -> None:
    assert compiled("a || 'fallback'")({"a": ""}) == "fallback"
    assert compiled("a || `0`")({}) == 0


# --- bounds -------------------------------------------------------------------------------------

PILED = [
    "[@,@,@,@]|" * 30 + "to_string(@)",
    "{a:@,b:@}|" * 30 + "@",
    "{a:a,b:a}|{a:[a,b],b:[a,b]}|" * 30 + "a",
    "a" + ".[@,@]" * 30,
    "[@,@][]|" * 30 + "@",
    "a[*].[@,@]" + "[*].[@,@]" * 30,
    "a.{x:@,y:@}.*" + ".{x:@,y:@}.*" * 30,
    "map(&[@,@], " * 30 + "a" + ")" * 30,
    "[@,@][?[@,@]|" + "[@,@]|" * 30 + "@]",
    "merge({a:@,b:@},{c:@,d:@})|" * 30 + "@",
]


@pytest.mark.parametrize("expression", PILED)
def test_what_multiplies_a_profile_without_end_is_refused_as_a_setting(expression: str) -> None:
    for rule in ({"mapping": {"note": expression}}, {"filter": expression}):
        with pytest.raises(ValidationError, match="may make 100 copies of a profile at most"):
            Destination.model_validate({"event_code": "x", **rule})


USUAL = [
    "join(' ', [a, b, c, d, e, f, g, h, i, j, k, l])",
    "a[?b == 'x' && (c || d)].{id: id, n: to_string(n)} | [0]",
    "join(', ', sort(map(&name, traits[?kind == 'shop'])))",
    "a || b || c || d.e || " * 20 + "f",
]


@pytest.mark.parametrize("expression", USUAL)
def test_what_people_write_is_taken(expression: str) -> None:
    made = Destination.model_validate({"event_code": "x", "mapping": {"note": expression}})
    assert made.mapping["note"].value == expression


LARGE = {
    "many": [0] * 400_000,
    "long": "x" * 400_000,
    "words": ["w"] * 150_000,
    "few": ["w"] * 9,
    "quotes": '"' * 100_000,
}
COSTLY = [
    "many[*].[@, @, @]",
    "join(long, words)",
    "join(long, few)",
    "join('" + "x" * 1_000 + "', words)",
    "to_string([long, long, long])",
    "to_string(map(&'" + "x" * 1_000 + "', many))",
    "to_string([" * 40 + "quotes" + "])" * 40,
]


@pytest.mark.parametrize("expression", COSTLY)
def test_what_grows_too_large_on_a_profile_has_no_answer(expression: str) -> None:
    assert lenient(expression)(LARGE) is None
    with pytest.raises(evaluation.TooCostlyError):
        compiled(expression)(LARGE)


def test_a_text_of_a_whole_profile_can_be_looked_through() -> None:
    assert compiled("contains(to_string(@), 'ada')")({"a": ["x" * 500_000, {"b": "ada"}]})


def test_no_memory_is_no_answer_and_stops_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    def spent(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(evaluation, "evaluate", spent)
    assert lenient("length(a)")({"a": "x"}) is None
    rules = mapper.mapper('{"event_code": "x", "filter": "length(a) > `1`"}')
    assert rules.decide({"email": "ada@example.com", "a": "x"}).verdict is mapper.Verdict.WAIT
