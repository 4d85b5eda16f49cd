"""Shapes: what was learnt of one profile must change nothing in how another is read."""

import dataclasses
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendee_sync.mapping import mapper
from attendee_sync.profile import identity, names, reader, shapes
from tests.support.shapes import ADA as PERSON
from tests.support.shapes import SHAPES, XDM

ADA: dict[str, Any] = {"email": "ada@example.com", "firstName": "Ada"}
ODD: list[Any] = [
    *(None, "", "N/A", " null ", "Mr.", "-", "{{x}}", "a\nb", "a  b", " a ", "7.0", "Jos\u00e9"),
    *("x" * 2_001, 5, 4043, 7.5, float("nan"), True, ["a"], {"value": "a"}, {}, "not@valid"),
]
KINDS: list[Any] = [
    *(None, "Mr.", "-", " null ", "1 Main Street", "exited", 5, True, [], ["a"], {}),
    *([{"name": "city", "value": "Lehi"}], [{"id": "a", "status": "exited"}]),
    *({"title": "City", "value": None}, {"title": "City", "value": "Lehi"}),
    *({"value": "x"}, {"number": {"raw": "1"}}, {"number": "1"}, {"email": ADA["email"]}),
    *({"firstName": "Bo", "city": "Lehi"}, {"firstName": None, "city": "Lehi"}),
    {"name": "Engines", "email": "bo@example.com", "address": {"city": "Lehi"}},
    *({"added": ["a"]}, {"removed": ["a"]}, {"removed": "a"}, {"entity": {"email": "b@c.de"}}),
    *({"status": "exited"}, {"a": "exited"}, {"a": {"status": "exited"}}),
    {"segmentMembership": {"ups": {"a": {"status": "exited"}}}},
    *({"identities": [{"id": "b@c.de", "type": "email"}]}, {"traits": {"city": "Lehi"}}),
    *({"xdm:city": "Lehi"}, {"segments": ["a"]}, {"consents": {"marketing": {"val": "n"}}}),
]
NAMES = [
    *("person", "customer", "b2b", "phone", "title", "address", "workAddress", "billing", "event"),
    *("company", "_acme", "topics", "context", "traits", "entity", "xdm", "type", "status"),
    *("segments", "identityMap", "identity_map", "identities", "segmentMembership", "_envelope"),
    *("consents", "xdm:city", "attributes", "removed", "value"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("beside", [{}, ADA, {**ADA, "properties": {"city": "Lehi"}}])
def test_a_profile_is_read_as_if_none_with_the_same_names_had_come_before(
    name: str, beside: dict[str, Any]
) -> None:
    table = names.Names()
    rule = identity.EmailRule(table=table)
    documents = [
        *({**beside, name: value} for value in KINDS),
        *({**beside, "user": {"lastName": "Lovelace", name: value}} for value in KINDS),
    ]
    alone = []
    for document in documents:
        table.shapes.clear()
        alone.append(identity.identify(document, rule))
    learnt: list[object] = []
    for earlier in documents:
        table.shapes.clear()
        identity.identify(earlier, rule)
        kept = [(key, shape, dict(shape.readings)) for key, shape in table.shapes.items()]
        if kept in learnt:
            continue  # what comes of it is known
        learnt.append(kept)
        for later, expected in zip(documents, alone, strict=True):
            if kept and tuple(later) == tuple(earlier):
                table.shapes.clear()
                table.shapes.update(
                    {
                        key: dataclasses.replace(shape, readings=dict(readings))
                        for key, shape, readings in kept
                    }
                )
                assert identity.identify(later, rule) == expected


values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "N/A", " null ", "Mr.", "admin", "-", "José", " Lehi ", "1\n2", "7.0"]),
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers() | st.floats(),
    st.just([]) | st.just({"number": "1", "value": "x"}),
)
members = st.sampled_from(
    [
        "email",
        "E-mail",
        "firstName",
        "lastName",
        "title",
        "jobTitle",
        "phone",
        "zip",
        "country",
        "state",
        "city",
        "street",
    ]
)
flat = st.dictionaries(members, values, max_size=8)
documents = st.fixed_dictionaries(
    {"email": st.just(ADA["email"]) | values},
    optional={
        "workAddress": flat,
        "billing": flat,
        "customer": flat,
        "attributes": flat,
        "traits": flat,
        "address": st.none() | flat,
        "phone": values,
        "company": values,
        "title": values,
        "name": values,
        "billingCity": values,
    },
)


def said(rules: mapper.Mapper, document: dict[str, Any]) -> tuple[object, ...]:
    """Return what is decided of a profile, and what is said of it."""
    decision = rules.decide(document)
    sources = {field: rules.source_of(field, decision) for field in decision.fields}
    return decision.verdict, decision.reason, decision.fields, set(decision.remarks), sources


def _with_other_values(document: Any, drawn: st.DataObject) -> Any:
    """Return a document with the same names, in any order within it, and other values."""
    if not isinstance(document, dict):
        return drawn.draw(values)
    names_within = drawn.draw(st.permutations([*document]))
    return {name: _with_other_values(document[name], drawn) for name in names_within}


@given(document=documents, drawn=st.data())
def test_a_profile_of_the_same_names_is_mapped_as_if_it_were_alone(
    document: dict[str, Any], drawn: st.DataObject
) -> None:
    rules = mapper.mapper('{"event_code": "summit2027"}')
    table = names.standard()
    for _ in range(3):
        other = _with_other_values(document, drawn)
        known = said(rules, other)
        kept = dict(table.shapes)
        table.shapes.clear()
        assert said(rules, other) == known
        table.shapes.update(kept)


@pytest.mark.parametrize("field", PERSON)
def test_one_odd_value_among_plain_ones_is_read_as_if_it_were_alone(field: str) -> None:
    rules = mapper.mapper('{"event_code": "summit2027"}')
    for odd in ODD:
        document = {**PERSON, field: odd}
        names.standard().shapes.clear()
        alone = said(rules, document)
        names.standard().shapes.clear()
        rules.decide(PERSON)
        assert shapes.recall(PERSON, names.standard()) is not None
        assert said(rules, document) == alone, odd


def test_of_two_alike_the_first_counts_whatever_came_before() -> None:
    people = {"user": {"email": ADA["email"]}, "customer": {"email": "bo@example.com"}}
    turned = dict(reversed(people.items()))
    table = names.Names()
    rule = identity.EmailRule(table=table)
    for document, first in ((people, ADA["email"]), (turned, "bo@example.com")):
        assert identity.identify({"plan": "x", "data": document}, rule).email == first


@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_is_known_by_shape_is_read_as_before(shape: str) -> None:
    document = SHAPES[shape]
    table = names.Names()
    first = shapes.learn(document, table)
    assert (shapes.recall(document, table) or shapes.learn(document, table)) == first
    assert first[0] == reader.read(document)


def test_profiles_of_the_usual_shapes_are_known() -> None:
    table = names.Names()
    for document in (XDM, ADA, {**ADA, "phone": None}, {**ADA, "city": "", "zip": 84043}):
        shapes.learn(document, table)
        assert shapes.recall(document, table) is not None


def test_what_is_wrapped_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    table = names.Names()
    wrapped = {"attributes": ADA, "segmentMembership": {}}
    first = shapes.learn(wrapped, table)
    monkeypatch.delattr(shapes, "Search")
    assert shapes.learn(wrapped, table) == first


def test_few_ways_to_read_a_shape_are_kept() -> None:
    table = names.Names()
    columns = ["phone", "city", "company", "zip", "lastName", "street"]
    for filled in itertools.product(["x", None], repeat=len(columns)):
        shapes.learn({**ADA, **dict(zip(columns, filled, strict=True))}, table)
    [shape] = table.shapes.values()
    assert 0 < len(shape.readings) <= 32


def test_few_and_small_shapes_are_kept() -> None:
    table = names.Names()
    for n in range(1_000):
        shapes.learn({**ADA, f"name{n}": "x"}, table)
    assert len(table.shapes) <= 256
    table.shapes.clear()
    shapes.learn({**ADA, "x" * 5_000: "x"}, table)
    shapes.learn({**ADA, "topics": {str(n): "x" for n in range(300)}}, table)
    assert not table.shapes
