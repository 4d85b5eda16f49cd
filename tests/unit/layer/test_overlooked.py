"""Overlooked: a field in an object that nothing says to be the person's is told, not taken."""

import json
from typing import Any

import pytest

from attendee_sync.mapping import mapper

ADA = {"email": "ada@example.com"}
TOLD = "left out: a name like it is only where it may be somebody else's; map it if it is not"


def told(document: dict[str, Any], **mapping: str) -> set[str]:
    """Return the fields of which it is told that they were overlooked."""
    text = json.dumps({"event_code": "summit2027", "mapping": mapping})
    return {field for field, text in mapper.mapper(text).decide(document).remarks if text == TOLD}


@pytest.mark.parametrize(
    ("members", "fields"),
    [
        ({"zork": {"firstName": "Ada", "phone": "1"}}, {"firstname", "phone"}),
        ({"zork": {"frob": {"jobTitle": "Engineer"}}}, {"jobtitle"}),
        ({"zork": {"fullName": "Ada King"}}, {"firstname", "lastname"}),
        ({"context": {"firstName": "Ada"}}, {"firstname"}),
        ({"phone_numbers": [{"sanitised": "+1555", "kind": "mobile"}]}, {"phone"}),
    ],
)
def test_a_field_that_was_not_found_is_told_where_it_may_be_somebody_elses(
    members: dict[str, Any], fields: set[str]
) -> None:
    assert told(ADA | members) == fields


@pytest.mark.parametrize(
    "members",
    [
        {"firstName": "Ada", "zork": {"firstName": "Ben"}},  # the person has one
        {"fullName": "Ada King", "zork": {"firstName": "Ben"}},
        {"zork": {"firstName": None, "lastName": " "}},
        {"manager": {"firstName": "Ben"}},  # surely another's
        {"zork": {"city": "Paris", "phone": "1"}},  # nobody: a shop, a hall
        {"phone_numbers": [], "phones": [{"id": 5}]},
    ],
)
def test_nothing_is_told_where_nothing_of_the_person_is_lost(members: dict[str, Any]) -> None:
    assert told(ADA | members) == set()


def test_what_a_destination_maps_itself_is_not_told() -> None:
    assert told(ADA | {"zork": {"firstName": "Ada"}}, firstname="zork.firstName") == set()


def test_profiles_of_one_shape_are_told_of_by_what_each_holds() -> None:
    for name, fields in ((None, set()), ("Ada", {"firstname"}), ("", set()), ("Bo", {"firstname"})):
        assert told(ADA | {"company": "Engines", "zork": {"firstName": name}}) == fields


def test_an_accounts_name_with_a_blank_is_a_persons() -> None:
    text = json.dumps({"event_code": "summit2027"})
    for name, fields in (
        ("ada_king", {}),
        ("Ada King", {"firstname": "Ada", "lastname": "King"}),
        ("bo", {}),
    ):
        decision = mapper.mapper(text).decide({"user_name": name, "user_email": "ada@example.com"})
        assert {**decision.fields} == {"email": "ada@example.com"} | fields
