"""Profiles of all shapes are read in one: attributes, identities and audiences."""

import json
from typing import Any

import pytest

from attendee_sync.profile import memberships, reader

READ_TOO = ("address", "identityMap", "segmentMembership")  # they are there in any case


@pytest.mark.parametrize(
    ("document", "read"),
    [
        ({"a": 1}, {"a": 1}),
        ({"attributes": {"firstName": "Ada"}}, {"firstName": "Ada"}),
        ({"attributes": {"firstName": {"value": "Ada"}}}, {"firstName": "Ada"}),
        ({"attributes": {"firstName": {}, "lastName": {"value": "B"}}}, {"lastName": "B"}),
        ({"attributes": {"firstName": {"value": None}}}, {"firstName": None}),
        ({"attributes": {"firstName": None}}, {"firstName": None}),
        ({"attributes": {"person": {"value": 1, "x": 2}}}, {"person": {"value": 1, "x": 2}}),
        ({"traits": {"email": "ada@example.com"}}, {"email": "ada@example.com"}),
        ({"email": "outer", "attributes": {"email": "inner"}}, {"email": "inner"}),
        ({"email": "outer", "traits": {"email": "inner"}}, {"email": "inner"}),
        ({"attributes": "text", "traits": None}, {"attributes": "text", "traits": None}),
        ({"entity": {"a": 1}}, {"a": 1}),
        ({"A2-1": {"entityId": "A2-1", "entity": {"a": 1}}}, {"entityId": "A2-1", "a": 1}),
        ({"a": {"entity": 1}}, {"a": {"entity": 1}}),
        ({"xdm": {"a": 1}}, {"a": 1}),
        ({"xdm": {"xdm:a": {"xdm:b": 1}}}, {"a": {"b": 1}}),
        ({"xdm:a": [{"xdm:b": 1}], "c": 2}, {"a": [{"b": 1}], "c": 2}),
        ({"a": {"xdm:b": 1}}, {"a": {"xdm:b": 1}}),
    ],
)
def test_attributes_are_read_from_every_shape(
    document: dict[str, Any], read: dict[str, Any]
) -> None:
    before = json.dumps(document)
    found = reader.read(document)
    assert {name: found[name] for name in found if name not in READ_TOO} == read
    assert json.dumps(document) == before


@pytest.mark.parametrize("traits", [{"a": "deep"}, {"a": {"value": "deep"}}])
def test_traits_in_the_context_count_where_nothing_else_is_said(traits: dict[str, Any]) -> None:
    assert reader.read({"context": {"traits": traits}})["a"] == "deep"
    assert reader.read({"a": "top", "context": {"traits": traits}})["a"] == "top"


@pytest.mark.parametrize(
    ("document", "address"),
    [
        ({}, {}),
        ({"address": {"city": "A"}, "workAddress": {"city": "B"}}, {"city": "A"}),
        ({"address": None, "workAddress": {"city": "B"}}, {"city": "B"}),
        ({"address": "1 Main Street"}, "1 Main Street"),
        ({"homeAddress": {"city": "A"}, "workAddress": {"city": "B"}}, {"city": "B"}),
        ({"homeAddress": {"city": "A"}, "mailingAddress": {"city": "B"}}, {"city": "B"}),
        ({"homeAddress": {"city": "A"}, "workAddress": {}}, {"city": "A"}),
        ({"homeAddress": {"city": "A"}, "workAddress": "text"}, {"city": "A"}),
        ({"shippingAddress": {"city": "A"}, "billingAddress": {"city": "B"}}, {"city": "B"}),
    ],
)
def test_one_address_is_chosen(document: dict[str, Any], address: object) -> None:
    assert reader.read(document)["address"] == address


# --- rows, entities and messages ----------------------------------------------------------------

ROW = {"email": "ada@example.com", "name": None}


def within(around: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return a document within objects, of which the first is the outermost."""
    for name in reversed(around.split(".") if around else []):
        document = {name: document}
    return document


@pytest.mark.parametrize("around", ["", "payload", "event.data", "detail.dynamodb"])
@pytest.mark.parametrize(
    "change",
    [
        {"before": ROW, "after": None},
        {"old_record": ROW, "record": None, "type": "DELETE"},
        {"old": ROW, "new": None},
        {"OldImage": ROW},
    ],
)
def test_a_row_that_was_deleted_is_read_as_that_of_one_who_left(
    change: dict[str, Any], around: str
) -> None:
    read = reader.read(within(around, change))
    assert {name: read[name] for name in read if name not in READ_TOO} == ROW | {"_deleted": True}
    assert memberships.tells_departure(read)


@pytest.mark.parametrize(
    "document",
    [
        {"before": ROW, "after": {"email": "b@example.com"}},
        {"before": ROW},
        {"before": {}, "after": None},
        {"before": "ada", "after": None},
        {"OldImage": ROW, "NewImage": ROW},
        within("payload.event.data.value", {"before": ROW, "after": None}),
        within("anything", {"before": ROW, "after": None}),
    ],
)
def test_a_row_that_is_there_yet_is_not_deleted(document: dict[str, Any]) -> None:
    assert "_deleted" not in reader.read(document)


def test_a_row_that_was_deleted_is_found_within_three_objects() -> None:
    change = within("payload.event.data", {"before": ROW, "after": None})
    assert reader.read(change)["_deleted"] is True


def entity(**attributes: object) -> list[dict[str, Any]]:
    """Return an entity as Dynamics has it in a list."""
    pairs = [{"key": name, "value": value} for name, value in attributes.items()]
    return [{"key": "Target", "value": {"Attributes": pairs}}]


def test_an_entity_of_dynamics_is_what_was_changed_and_then_what_it_is() -> None:
    pushed = {
        "MessageName": "Update",
        "_envelope": {"of": "the push"},
        "InputParameters": [{"key": 5}, "x", {"key": "Query"}, *entity(city="Rome", zip=None)],
        "PostEntityImages": entity(city="Paris", zip="1", last="King"),
    }
    read = reader.read(pushed)
    assert {name: read[name] for name in read if name not in READ_TOO} == {
        "city": "Rome",
        "zip": None,
        "last": "King",
        "_envelope": {"MessageName": "Update", "of": "the push"},
    }
    only = reader.read({"InputParameters": entity(city="Rome")})
    assert (only["city"], only["_envelope"]) == ("Rome", {})


@pytest.mark.parametrize("listed", [None, {}, [], "x", [{"key": "Target", "value": "x"}]])
def test_what_is_no_entity_of_dynamics_stays_as_it_is(listed: object) -> None:
    read = reader.read({"InputParameters": listed, "a": 1})
    assert (read["a"], read["InputParameters"]) == (1, listed)


def test_a_message_to_somebody_calls_them_in_its_context() -> None:
    context = {"firstName": "Ada", "lastName": "King", "zip": "1", "name": "VIP"}
    message = {"channelData": {"emailAddress": "ada@example.com"}, "context": context}
    read = reader.read(message)
    assert (read["firstName"], read["lastName"]) == ("Ada", "King")
    assert not {"zip", "name"} & read.keys()
    assert reader.read({"firstName": "Eve"} | message)["firstName"] == "Eve"
    assert "firstName" not in reader.read({"context": context})


def test_a_value_within_counts_unless_it_is_null() -> None:
    read = reader.read({"a": 1, "b": 2, "traits": {"a": None, "b": 3, "c": None}})
    assert (read["a"], read["b"], read["c"]) == (1, 3, None)


def test_prefixes_are_dropped_in_the_one_object_that_holds_the_person() -> None:
    assert reader.read({"customer": {"xdm:city": "Rome"}})["customer"] == {"city": "Rome"}
    assert reader.read({"customer": "x"})["customer"] == "x"


def test_prefixes_are_dropped_as_deep_as_any_schema_goes() -> None:
    def nested(name: str, depth: int) -> Any:
        return {name: nested(name, depth - 1)} if depth else 1

    assert reader.read({"b": 1, "xdm:a": nested("xdm:c", 20)})["a"] == nested("c", 20)
    for depth, name in ((19, "c"), (20, "xdm:c")):
        listed: Any = {"xdm:c": 1}
        for _ in range(depth):
            listed = [listed]
        assert f'"{name}"' in json.dumps(reader.read({"b": 1, "xdm:a": listed})["a"])
    deeper = reader.read({"b": 1, "xdm:a": nested("xdm:c", 40)})["a"]
    for _ in range(20):
        deeper = deeper["c"]
    assert deeper == nested("xdm:c", 20)


# --- identities ---------------------------------------------------------------------------------

ADDRESS = "ada@example.com"
OTHER = "b@example.org"


@pytest.mark.parametrize("namespace", ["email", "Email", "EMAIL"])
@pytest.mark.parametrize(
    "identities",
    [[{"id": ADDRESS}], [{"value": ADDRESS}], [ADDRESS], {"id": ADDRESS}, ADDRESS],
)
def test_identities_are_read_in_any_form(namespace: str, identities: object) -> None:
    read = reader.read({"identityMap": {namespace: identities}})
    assert [each["id"] for each in read["identityMap"]["email"]] == [ADDRESS]


@pytest.mark.parametrize(
    "identity",
    [
        {"namespace": {"code": "EMAIL"}, "id": ADDRESS},
        {"namespace": "Email", "value": ADDRESS},
        {"type": "email", "value": ADDRESS},
        {"Type": "EMAIL", "ID": ADDRESS},
        {"signInType": "email", "issuerAssignedId": ADDRESS},
        {"namespace": {"Code": "email"}, "type": "phone", "id": ADDRESS, "value": OTHER},
    ],
)
def test_an_identity_of_a_list_is_that_of_its_namespace(identity: dict[str, Any]) -> None:
    read = reader.read({"identities": ["x", identity]})["identityMap"]
    assert [(name, [each["id"] for each in some]) for name, some in read.items()] == [
        ("email", [ADDRESS])
    ]
    assert read["email"][0].items() >= identity.items()


@pytest.mark.parametrize("namespace", [5, None, {}, {"code": 5}])
def test_an_identity_of_no_namespace_is_nobody_s(namespace: object) -> None:
    identity = {"namespace": namespace, "id": ADDRESS}
    assert reader.read({"identities": [identity]})["identityMap"] == {"": [identity]}
    assert reader.read({"identities": [{"id": ADDRESS}]})["identityMap"] == {"": [{"id": ADDRESS}]}


def test_a_primary_identity_is_marked_whatever_its_spelling() -> None:
    listed = [{"Value": ADDRESS, "Primary": True}, {"Value": OTHER, "Primary": "true"}]
    read = reader.read({"identityMap": {"email": listed}})["identityMap"]["email"]
    assert [each.get("primary") for each in read] == [True, None]
    assert [each["id"] for each in read] == [ADDRESS, OTHER]


def test_identities_by_namespace_are_attributes_as_well() -> None:
    pushed = {"identities": {"email": ADDRESS, "phone": {"value": "1"}}}
    read = reader.read(pushed)
    assert (read["email"], read["phone"]) == (ADDRESS, "1")
    assert {name: each["id"] for name, [each] in read["identityMap"].items()} == {
        "email": ADDRESS,
        "phone": "1",
    }
    assert reader.read({"email": OTHER} | pushed)["email"] == OTHER


def test_identities_in_the_one_shape_are_taken_as_they_are() -> None:
    usual = {"email": [{"id": ADDRESS}], "phone": [{"id": "1", "primary": True}]}
    assert reader.read({"identityMap": usual})["identityMap"] is usual
    more = reader.read({"identityMap": usual, "identities": [{"type": "ECID", "id": "2"}]})
    assert more["identityMap"] == usual | {"ecid": [{"type": "ECID", "id": "2"}]}


def test_namespaces_that_differ_in_case_are_one() -> None:
    document = {"identityMap": {"Email": [{"id": OTHER}], "email": [{"id": ADDRESS}]}}
    read = reader.read(document | {"identities": [{"type": "EMAIL", "id": "c@example.com"}]})
    ids = [each["id"] for each in read["identityMap"]["email"]]
    assert ids == [OTHER, ADDRESS, "c@example.com"]


# --- audiences ----------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["ups", "UPS", "aam", "AAM", "Email", "a custom upload"])
@pytest.mark.parametrize(
    ("membership", "state"),
    [
        ({"status": "realized"}, "realized"),
        ({"status": "existing"}, "existing"),
        ({"status": "exited"}, "exited"),
        ({"status": "exiting"}, "exiting"),
        ({"status": "EXITED"}, "exited"),
        ({"status": None}, "realized"),
        ({}, "realized"),
        ({"lastQualificationTime": "2022-01-11T21:24:39Z", "status": "exited"}, "exited"),
        ({"lastQualificationTime": "2019-04-15T02:41:50+0000"}, "realized"),
        ({"lastQualificationTime": "2019-04-15T02:41:50.000+0000"}, "realized"),
        ({"lastQualificationTime": "2018-04-26T15:52:25+00:00"}, "realized"),
        ({"createdAt": 1648553325000, "mappingUpdatedAt": 1649856570000}, "realized"),
        ({"lastQualificationTime": None, "createdAt": "?", "status": "exited"}, "exited"),
    ],
)
def test_memberships_are_read_in_any_namespace(
    namespace: str, membership: dict[str, Any], state: str
) -> None:
    read = reader.read({"segmentMembership": {namespace: {"a1": membership}}})
    assert memberships.by_audience(read) == {"a1": {state}}
    assert read["segmentMembership"][namespace.lower()]["a1"] == membership | {"status": state}


def test_a_text_in_place_of_a_membership_is_its_state() -> None:
    read = reader.read({"segmentMembership": {"ups": {"a1": "Exited"}, "UPS": {"a2": "existing"}}})
    assert memberships.by_audience(read) == {"a1": {"exited"}, "a2": {"existing"}}


def test_an_audience_in_two_namespaces_has_the_states_of_both() -> None:
    found = {"ups": {"a1": {"status": "exited"}}, "aam": {"a1": {}, "a2": {"status": "existing"}}}
    read = reader.read({"segmentMembership": found})
    assert memberships.by_audience(read) == {"a1": {"exited", "realized"}, "a2": {"existing"}}


@pytest.mark.parametrize("pushed", [None, [], "ups", {"ups": []}, {"ups": {"a1": 5}}])
def test_what_is_no_membership_is_none(pushed: object) -> None:
    assert memberships.by_audience(reader.read({"segmentMembership": pushed})) == {}
