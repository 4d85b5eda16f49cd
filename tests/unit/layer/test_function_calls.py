import contextlib
import json
import re

import jmespath
import pytest
from pydantic import ValidationError

from attendee_sync.mapping import evaluation, expressions, function_calls
from attendee_sync.mapping.destination import Destination
from attendee_sync.mapping.filters import FilterFunctions
from attendee_sync.mapping.function_calls import PROFILE, types_of

# Profiles that hold each type somewhere.
VALUES = ["text", 1, 2.5, True, None, ["a"], [1], [], {"a": 1}, {}]
PROFILES = [{"a": value, "b": other, "c": {"d": value}} for value in VALUES for other in VALUES]


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("is_member('59bd')", "is_member(@, '59bd') is expected"),
        ("!has_opted_out('marketing.email')", "has_opted_out(@, 'marketing.email') is expected"),
        ("is_member('59bd', @)", "is_member(@, '59bd') is expected"),
        ("country == 'US' && is_member('x')", "is_member(@, 'x') is expected"),
        ("tags[?is_member('x')]", "is_member(@, 'x') is expected"),
        ("is_member(@, 'a', 'b')", "is_member(@, 'a') || is_member(@, 'b') is expected"),
        ("is_member(@, ['a', 'b'])", "is_member(@, 'a') || is_member(@, 'b') is expected"),
        ('is_member(@, `["a"]`)', "is_member(@, 'a') is expected"),
        ("@.is_member('x')", "is_member(@, 'x') is expected"),
        ("isMember(@, 'x')", "there is no isMember at position 0 (is_member?)"),
        ("email.endsWith(@, 'x')", "there is no endsWith at position 6 (ends_with?)"),
        ("is_member(@)", "is_member(object, string) is expected, not is_member(@)"),
        ("is_member(@, `123`)", "is_member(object, string) is expected, not is_member(@, `123`)"),
        ("consents(@, 'a', 'b')", "consents(@, 'a') || consents(@, 'b') is expected"),
        ("contains(tags)", "contains(array or string, anything) is expected, not contains(tags)"),
        ("length(`1`) > `0`", "length(array or object or string) is expected, not length(`1`)"),
        ("length(a == b)", "length(array or object or string) is expected, not length(…)"),
        ("sort_by(a, b)", "sort_by(array, &expression) is expected, not sort_by(a, b)"),
        ("starts_with(to_number(zip), '9')", "starts_with(string, string) is expected"),
        ("not_null() == 'x'", "not_null(anything) is expected, not not_null()"),
    ],
)
def test_a_filter_that_can_never_be_evaluated_is_refused(predicate: str, expected: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(expected)):
        Destination(event_code="summit2027", filter=predicate)


@pytest.mark.parametrize("expression", ["first_word()", "rest(`1`)", "join(a, b == c)"])
def test_a_mapping_that_can_never_be_evaluated_is_refused(expression: str) -> None:
    text = json.dumps({"event_code": "summit2027", "mapping": {"city": expression}})
    with pytest.raises(ValidationError, match="is expected, not"):
        Destination.model_validate_json(text)


@pytest.mark.parametrize(
    "predicate",
    [
        "is_member(@, '59bd') && !has_opted_out(@, 'marketing.email')",
        "@ | is_member(@, '59bd')",
        "contains(tags, 'vip') || contains(not_null(tags, `[]`), `1`)",
        "length(emails[*].value) > `1`",
        "sort_by(a, &b)[0].c == 'x'",
        "max(a) > `1` && abs(max(a)) > `1`",
        "starts_with(a || '', 'x')",
        "join(',', [a, b]) == 'x,y'",
        "merge(a, b).c",
        "a[1:2] | length(@)",
        "map(&length(@), a) | sum(@)",
        "not_null(a, b, 'x') == 'x'",
        "a.length(@)",
    ],
)
def test_a_filter_that_can_be_evaluated_on_some_profile_is_taken(predicate: str) -> None:
    assert Destination(event_code="summit2027", filter=predicate).filter == predicate


PARTS = ["a", "c.d", "@", "'text'", "`1`", "`null`", "a[0]", "a[*]", "b > `1`", "[a]"]
CALLS = [
    f"{name}({', '.join([argument, *rest])})"
    for name, rest in {
        "abs": [],
        "contains": ["'a'"],
        "ends_with": ["b"],
        "is_member": ["'a'"],
        "length": [],
        "not_null": ["a"],
        "keys": [],
        "reverse": [],
        "sum": [],
        "to_number": [],
        "first_word": [],
    }.items()
    for argument in [*PARTS, *(f"{part} || {other}" for part in PARTS for other in PARTS[:4])]
]


def _is_refused(call: str) -> bool:
    try:
        function_calls.check(call, FilterFunctions)
    except ValueError:
        return True
    return False


def test_what_is_refused_fails_on_every_profile() -> None:
    refused = [call for call in CALLS if _is_refused(call)]
    assert len(refused) > 50
    for call in refused:
        node = jmespath.compile(call).parsed
        for profile in PROFILES:
            with pytest.raises(expressions.UNANSWERED):
                evaluation.evaluate(node, profile, FilterFunctions())


def test_a_value_has_one_of_the_types_that_were_inferred() -> None:
    for text in [*PARTS, *CALLS, "a && b", "!a", "a == b", "{x: a}", "a[]", "a.*", "a[:1]"]:
        node = jmespath.compile(text).parsed
        types = types_of(node, PROFILE)
        for profile in PROFILES:
            with contextlib.suppress(*expressions.UNANSWERED):
                value = evaluation.evaluate(node, profile, FilterFunctions())
                literal = {"type": "literal", "value": value, "children": []}
                assert types & types_of(literal, PROFILE), text


def test_positions_of_functions_that_do_not_exist_are_told() -> None:
    with pytest.raises(ValueError, match="there is no shout at position 0, whisper at position 12"):
        function_calls.check("shout(a) || whisper(a)")
