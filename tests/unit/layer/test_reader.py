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
