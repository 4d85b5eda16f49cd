"""Shapes: what was learnt of one profile must change nothing in how another is read."""

from typing import Any

import pytest

from attendee_sync.profile import identity, names, reader, shapes
from tests.support.shapes import SHAPES, XDM

ADA: dict[str, Any] = {"email": "ada@example.com", "firstName": "Ada"}
KINDS: list[Any] = [
    *(None, "Mr.", "-", " null ", "1 Main Street", "exited", 5, True, [], ["a"], {}),
    *([{"name": "city", "value": "Lehi"}], [{"id": "a", "status": "exited"}]),
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
    for earlier in documents:
        table.shapes.clear()
        identity.identify(earlier, rule)
        kept = dict(table.shapes)
        for later, expected in zip(documents, alone, strict=True):
            if tuple(later) in kept:
                table.shapes.clear()
                table.shapes.update(kept)
                assert identity.identify(later, rule) == expected


@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_is_known_by_shape_is_read_as_before(shape: str) -> None:
    document = SHAPES[shape]
    table = names.Names()
    first = shapes.learn(document, table)
    assert (shapes.recall(document, table) or first) == first
    assert first[0] == reader.read(document)


def test_profiles_of_the_usual_shapes_are_known() -> None:
    table = names.Names()
    for document in (XDM, ADA):
        shapes.learn(document, table)
        assert shapes.recall(document, table) is not None


def test_few_and_small_shapes_are_kept() -> None:
    table = names.Names()
    for n in range(1_000):
        shapes.learn({**ADA, f"name{n}": "x"}, table)
    assert len(table.shapes) <= 256
    table.shapes.clear()
    shapes.learn({**ADA, "x" * 5_000: "x"}, table)
    shapes.learn({**ADA, "topics": {str(n): "x" for n in range(300)}}, table)
    assert not table.shapes
