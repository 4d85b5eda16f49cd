import json
from typing import Any

import pytest

from attendee_sync import attendee, mapping

EMAIL = {"email": "ada@example.com"}
FLAT = {
    "address1": "1 Main Street",
    "address2": "Floor 2",
    "city": "Lehi",
    "companyname": "Analytical Engines",
    "countryid": "US",
    "email": "ada@example.com",
    "firstname": "Ada",
    "lastname": "Lovelace",
    "jobtitle": "Analyst",
    "phone": "+1 555 0100",
    "state": "UT",
    "zip": "84043",
}
XDM = {
    "person": {"name": {"firstName": "Ada", "lastName": "Lovelace"}},
    "personalEmail": {"address": "ada@example.com"},
    "workAddress": {
        "street1": "1 Main Street",
        "street2": "Floor 2",
        "city": "Lehi",
        "stateProvince": "US-UT",
        "countryCode": "us",
        "postalCode": "84043",
    },
    "mobilePhone": {"number": "+1 555 0100"},
    "extendedWorkDetails": {"jobTitle": "Analyst"},
    "b2b": {"companyName": "Analytical Engines"},
}


@pytest.mark.parametrize(
    "document",
    [
        FLAT,
        XDM,
        {"attributes": FLAT},
        {"attributes": {name: {"value": value} for name, value in FLAT.items()}},
        {"traits": FLAT},
        {"attributes": XDM, "segmentMembership": {}, "identityMap": {}},
    ],
)
def test_every_shape_gives_all_twelve_fields(document: dict[str, Any]) -> None:
    assert mapping.attendee_of(document) == FLAT
    assert set(FLAT) == set(attendee.FIELDS)


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({}, {}),
        ({"firstName": ""}, {}),
        ({"firstName": "  "}, {}),
        ({"firstName": None}, {}),
        ({"firstName": " Ada "}, {"firstname": "Ada"}),
        ({"firstName": ["Ada"]}, {}),
        ({"firstName": {"a": 1}}, {}),
        ({"zip": 84043}, {"zip": "84043"}),
        ({"zip": 0}, {"zip": "0"}),
        ({"companyName": True}, {"companyname": "true"}),
        ({"companyName": "A"}, {"companyname": "A"}),
        ({"company": "A"}, {"companyname": "A"}),
        ({"firstname": "flat", "person": {"name": {"firstName": "xdm"}}}, {"firstname": "flat"}),
        ({"person": {"name": "Ada"}}, {}),
        ({"countryId": "gb"}, {"countryid": "GB"}),
        ({"state": "US-CA"}, {"state": "CA"}),
        ({"state": "us-ca"}, {"state": "CA"}),
        ({"state": "GB-ENG"}, {"state": "ENG"}),
        ({"state": "California"}, {"state": "California"}),
        ({"workPhone": {"number": "1"}, "homePhone": {"number": "2"}}, {"phone": "1"}),
        ({"unknown": "field"}, {}),
    ],
)
def test_values_become_fields(document: dict[str, Any], fields: dict[str, str]) -> None:
    assert mapping.attendee_of(EMAIL | document) == EMAIL | fields


def test_a_street_is_never_paired_with_another_addresss_city() -> None:
    document = EMAIL | {
        "workAddress": {"street1": "1 Main Street"},
        "homeAddress": {"street1": "2 Side Street", "city": "Lehi"},
    }
    assert mapping.attendee_of(document) == EMAIL | {"address1": "1 Main Street"}


def test_a_profile_without_an_email_address_makes_no_attendee() -> None:
    with pytest.raises(mapping.NoEmailError, match=r"^no e-mail address$"):
        mapping.attendee_of({"firstName": "Ada"})


def test_the_profile_is_not_changed() -> None:
    document = {"attributes": {"email": {"value": "ada@example.com"}}}
    before = json.dumps(document)
    mapping.attendee_of(document)
    assert json.dumps(document) == before
