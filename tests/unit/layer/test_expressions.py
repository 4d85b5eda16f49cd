from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendee_sync.mapping import mapper
from attendee_sync.mapping.expressions import compiled

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


@pytest.mark.parametrize("expression", mapper.DEFAULT.values())
@given(value=VALUES)
def test_the_default_mapping_answers_as_the_library_does(expression: str, value: Any) -> None:
    assert compiled(expression)(value) == jmespath.search(expression, value)


def test_a_literal_counts_as_a_value() -> None:
    assert compiled("a || 'fallback'")({"a": ""}) == "fallback"
    assert compiled("a || `0`")({}) == 0
