"""Candidates: what a profile says of each field, from one place where it must be."""

import json
from typing import Any

import pytest

from attendee_sync.profile import candidates

ADA = {"email": "ada@example.com"}
PHONES = [{"id": 1, "value": "1"}, {"id": 2, "value": "2"}]


def values(profile: dict[str, Any]) -> dict[str, Any]:
    """Return the best value of each field."""
    best = candidates.find(profile).best
    return {field: value for field, value in best.items() if " " not in field}


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        ({"firstName": None, "first_name": "Ada"}, {"firstname": "Ada"}),
        ({"companyName": " ", "company": "Engines"}, {"companyname": "Engines"}),
        ({"lastName": "null", "jobTitle": "undefined", "company": "N/A", "zip": "-"}, {}),
        ({"firstName": "{{profile.firstName}}", "lastName": "*|LNAME|*", "city": "%%City%%"}, {}),
        ({"company": {"id": 5}, "b2b": {"companyName": "Engines"}}, {"companyname": "Engines"}),
        ({"phone": {"number": "1"}}, {"phone": "1"}),
        (
            {"sn": ["Lovelace"], "l": ["Lehi"], "o": "A"},
            {"lastname": "Lovelace", "city": "Lehi", "companyname": "A"},
        ),
        ({"l": "en", "o": "A", "c": "US", "st": "UT"}, {}),
        ({"email": "a@b.example", "post": "A post"}, {"email": "a@b.example"}),
        ({"soap:Body": {"ns:firstName": {"_": "Ada"}}}, {"firstname": "Ada"}),
        ({"role": "ROLE_USER", "roles": [{"name": "student"}]}, {}),
        ({"role": "Analyst"}, {"jobtitle": "Analyst"}),
        ({"title": "Editor", "role": "editor"}, {"jobtitle": "Editor"}),
        (
            {"address": "1 Ring Road", "address_city": "Lehi"},
            {"address1": "1 Ring Road", "city": "Lehi"},
        ),
        ({"address_other_city": "Oslo", "address_mail_city": "Lehi"}, {"city": "Lehi"}),
        ({"identifiers": [{"type": "phone", "id": "+15550100"}]}, {"phone": "+15550100"}),
        ({"identifiers": [{"type": "phone", "id": "4711"}, {"type": "company", "id": "1"}]}, {}),
        (
            {"address": {"email": "a@b.example", "name": "Ada"}},
            {"email": "a@b.example", "fullname": "Ada"},
        ),
        ({"createContactRequest": {"city": "Lehi"}, "createUser": {"zip": "1"}}, {"city": "Lehi"}),
        (
            {"address": '{"street": "1 Ring Road", "city": "Lehi"}'},
            {"address1": "1 Ring Road", "city": "Lehi"},
        ),
        ({"city": "{Lehi", "zip": '{"id": 5}'}, {"city": "{Lehi"}),
        ({"city": {"en-US": "Lehi", "de-DE": "Leihe"}}, {"city": "Lehi"}),
        ({"tel-123": "1", "text-456": "2"}, {"phone": "1"}),
        ({"workInfo": {"employer": "A", "title": "B"}}, {"companyname": "A", "jobtitle": "B"}),
        ({"companyDetails": {"name": "A"}, "company_info": "B"}, {"companyname": "A"}),
        (
            {"custom_company": "A", "addressInfo": {"city": "Lehi"}},
            {"companyname": "A", "city": "Lehi"},
        ),
        (
            {"_parentcustomerid_value@OData.Community.Display.V1.FormattedValue": "A"},
            {"companyname": "A"},
        ),
        ({"_ownerid_value@OData.Community.Display.V1.FormattedValue": "Bob"}, {}),
        ({"answers": [{"name": "a1", "text": "City", "answer": "Lehi"}]}, {"city": "Lehi"}),
        ({"work_address_id": {"line_1": "1 Ring Road"}}, {"address1": "1 Ring Road"}),
        ({"company_id": {"id": "5", "name": "Engines"}}, {"companyname": "Engines"}),
        ({"work_address_id": "12", "company_id": 5, "phone_id": "3"}, {}),
        ({"answers": {"3": {"name": "city", "answer": "Lehi"}, "4": {"id": 1}}}, {"city": "Lehi"}),
        ({"Name": {"value": {"first": "Ada"}}, "zip": {"int": 5}}, {"firstname": "Ada", "zip": 5}),
        (
            {"company": {"type": "rich_text", "rich_text": [{"plain_text": "A"}]}},
            {"companyname": "A"},
        ),
        ({"fields": [["city", "Lehi"], ["zip"], [1, 2]]}, {"city": "Lehi"}),
        ({"fields": [{"attrKey": "city", "attrVal": "Lehi"}]}, {"city": "Lehi"}),
        ({"fields": [{"inputLabel": "City", "value": "Lehi"}]}, {"city": "Lehi"}),
        (
            {"fields": {"a1": {"title": "City", "value": "Lehi"}, "b": {"label": "Zip"}, "c": 1}},
            {"city": "Lehi"},
        ),
        (
            {"fields": {"city": {"label": "Zip", "value": "Lehi"}, "a1": {"note": "City"}}},
            {"zip": "Lehi"},
        ),
        ({"fields": {"owner": {"title": "City", "value": "Lehi"}}}, {}),
        ({"phones": PHONES, "primaryPhoneId": 2}, {"phone": "2"}),
        ({"phones": PHONES, "primary_group_id": 2}, {"phone": "1"}),
        ({"phones": PHONES, "primary_phone_id": 7}, {"phone": "1"}),
        (
            {"answers": [{"ref": "x", "text": "Lehi"}], "form": [{"id": "x", "title": "City"}]},
            {"city": "Lehi"},
        ),
        (
            {"fields": [{"key": "city", "value": ["o"], "options": [{"id": "o", "text": "Lehi"}]}]},
            {"city": "Lehi"},
        ),
        ({"address": {"city": "Lehi", "phone": "1"}}, {"city": "Lehi", "phone": "1"}),
        ({"address": {"city": "Lehi", "phone": "1"}, "tel": "2"}, {"city": "Lehi", "phone": "2"}),
        ({"data": [{"city": "Lehi"}, {"zip": "1"}]}, {"city": "Lehi", "zip": "1"}),
        ({"guest": [{"city": "Lehi"}, {"city": "Oslo"}]}, {}),
        (
            {"personComponents": [{"city": "Lehi"}, {"city": "Oslo", "phone": "1"}]},
            {"city": "Lehi", "phone": "1"},
        ),
        (
            {"phone": [{"type": "fax"}, {"value": "1", "primary": False}, {"value": "2"}]},
            {"phone": "1"},
        ),
        ({"phones": [{"value": "1"}, {"value": "2", "primary": True}]}, {"phone": "2"}),
        ({"country": {"code": "US", "name": "United States"}}, {"countryid": "US"}),
        ({"firstName": True, "lastName": float("nan"), "city": ["", "Lehi"]}, {"city": "Lehi"}),
        ({"title": "Ms.", "role": "Analyst"}, {"jobtitle": "Analyst"}),
        ({"country_id": [233, "United States"]}, {"countryid": "United States"}),
        ({"country": [233], "state": [7]}, {}),
        ({"function": "Analyst"}, {"jobtitle": "Analyst"}),
        ({"function": "Analyst", "jobTitle": "Engineer"}, {"jobtitle": "Engineer"}),
        (
            {"fields": {"Work Email": {"value": "ada@example.com"}, "City": {"VALUE": "Lehi"}}},
            {"email": "ada@example.com", "city": "Lehi"},
        ),
        ({"ADDRESS": {"VALUE": "1 Main Street"}}, {"address1": "1 Main Street"}),
        (
            {"ANSWERS": [{"TEXT": "Ada", "TYPE": "text", "FIELD": {"REF": "first_name"}}]},
            {"firstname": "Ada"},
        ),
        ({"EVENT": "Clicked", "PROPERTIES": {"TITLE": "Intro", "CITY": "Berlin"}}, {}),
        ({"role": "Analyst", "jobTitle": "Engineer"}, {"jobtitle": "Engineer"}),
        ({"username": "ada", "upn": "ada@example.com"}, {"email": "ada@example.com"}),
        ({"lastName": "Nan", "firstName": "Nina"}, {"firstname": "Nina", "lastname": "Nan"}),
        (
            {"street": ["1 Main Street", "Suite 5"]},
            {"address1": "1 Main Street", "address2": "Suite 5"},
        ),
    ],
)
def test_the_first_usable_value_wins(profile: dict[str, Any], found: dict[str, Any]) -> None:
    assert values(profile) == found


@pytest.mark.parametrize(
    "holder",
    ["data", "attendee", "profile", "user_attributes", "properties", "contactInfo", "_acme"],
)
def test_what_holds_the_person_is_read(holder: str) -> None:
    assert values({holder: {"first_name": "Ada", "details": {"last_name": "B"}}}) == {
        "firstname": "Ada",
        "lastname": "B",
    }
    assert values({holder: {"firstName": "inner"}, "firstName": "outer"}) == {"firstname": "outer"}
    assert values({holder: {"firstName": "inner"}, "firstName": None}) == {"firstname": "inner"}


@pytest.mark.parametrize(
    "other", ["manager", "referrer", "owner", "sender", "company", "billing_agent"]
)
def test_somebody_elses_object_is_not_read(other: str) -> None:
    assert values({**ADA, other: {"email": "bob@example.com", "firstName": "Bob"}}) == ADA


@pytest.mark.parametrize(
    "listed",
    [
        [{"name": "firstname", "value": "Ada"}, {"name": "company", "value": "Engines"}],
        [
            {"name": "first_name", "values": ["Ada"]},
            {"name": "company_name", "values": ["Engines"]},
        ],
        [
            {"column_id": "FIRST_NAME", "string_value": "Ada", "column_name": "First Name"},
            {"column_id": "COMPANY_NAME", "string_value": "Engines"},
        ],
        [
            {"question": "Your first name", "answer": "Ada"},
            {"question": "Company", "answer": "Engines"},
        ],
        [
            {"type": "text", "text": "Ada", "field": {"ref": "first_name", "id": "x"}},
            {"type": "choice", "choice": {"label": "Engines"}, "field": {"title": "Company"}},
        ],
    ],
)
def test_lists_of_names_and_values_are_attributes(listed: list[dict[str, Any]]) -> None:
    assert values({"fields": listed}) == {"firstname": "Ada", "companyname": "Engines"}


LEHI = {"street": "1 Main Street", "city": "Lehi", "state": "UT", "zip": "84043", "country": "US"}
TOWN = {name: value for name, value in LEHI.items() if name != "street"}
FOUND = {
    "address1": "1 Main Street",
    "city": "Lehi",
    "state": "UT",
    "zip": "84043",
    "countryid": "US",
}


@pytest.mark.parametrize(
    "profile",
    [
        LEHI,
        {"address": LEHI},
        {"address": [LEHI]},
        {"addresses": [{"city": "Berlin", "type": "home"}, {**LEHI, "type": "work"}]},
        {"addresses": [{"city": "Berlin"}, {**LEHI, "primary": True}]},
        {"addresses": {"home": {"city": "Berlin"}, "work": LEHI}},
        {"workAddress": {"country": "DE"}, "homeAddress": LEHI},
        {"city": "Berlin", "country": "DE", "homeAddress": LEHI},
        {"address": None, "location": LEHI},
        {f"Business {name}": value for name, value in LEHI.items()},
        {f"home_{name}": value for name, value in LEHI.items()} | {"shipping_city": "Berlin"},
        {"address": "1 Main Street", **{k: v for k, v in LEHI.items() if k != "street"}},
        {"work_address_line_1": "1 Main Street", **{f"work_{k}": v for k, v in TOWN.items()}},
        {"work_address_line_1": "1 Main Street", **TOWN},
        {"home_address": "1 Main Street", **{f"home_{k}": v for k, v in TOWN.items()}},
        {"homeAddressLine1": "1 Main Street", **{f"homeAddress{k}": v for k, v in TOWN.items()}},
        {"mailing_street": "1 Main Street", **{f"mailing_address_{k}": v for k, v in TOWN.items()}},
        {name: {"value": value} for name, value in LEHI.items()},
        {"zip": "84043", "properties": {k: v for k, v in LEHI.items() if k != "zip"}},
        {"country": "US", "address": {k: v for k, v in LEHI.items() if k != "country"}},
    ],
)
def test_an_address_is_taken_whole_from_one_place(profile: dict[str, Any]) -> None:
    assert values(profile) == FOUND


def test_a_street_is_never_paired_with_another_addresss_city() -> None:
    work, home = {"street1": "2 Side Street", "postalCode": "1"}, {**LEHI, "state": None}
    assert values({"workAddress": work, "homeAddress": home}) == {
        "address1": "2 Side Street",
        "zip": "1",
    }


def test_a_town_belongs_to_no_street_where_there_are_two() -> None:
    streets = {"work_address_line_1": "2 Side Street", "home_address_line_1": "1 Main Street"}
    assert values({**streets, **TOWN}) == {"address1": "2 Side Street"}
    assert values({**streets, **{f"home_{name}": value for name, value in TOWN.items()}}) == {
        "address1": "2 Side Street"
    }


def test_a_profile_of_a_known_shape_is_looked_at_anew() -> None:
    shape = {"firstName": "Ada", "jobTitle": "Analyst", "workAddress": {"city": "Lehi"}}
    assert values(shape)["city"] == "Lehi"
    other = {"firstName": "N/A", "jobTitle": "Dr.", "workAddress": {"town": "Provo"}}
    assert values(other) == {"city": "Provo"}
    assert values({**shape, "workAddress": "none"}) == {"firstname": "Ada", "jobtitle": "Analyst"}


def test_work_is_bounded() -> None:
    wide = {f"a{n}": {"b": n} for n in range(20_000)}
    assert values({**wide, **ADA}) == {}
    assert values({**ADA, **wide}) == ADA
    deep: dict[str, Any] = {"email": "ada@example.com"}
    for _ in range(20):
        deep = {"data": deep}
    assert values(deep) == {}


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ('{"value":', "}"),
        ('{"M":', "}"),
        ('{"com.acme.Name":', "}"),
        ('{"type":"text","text":', "}"),
        ('{"en-US":', "}"),
        ('[{"value":', "}]"),
    ],
)
def test_wrappers_around_each_other_without_end_are_no_value_and_no_error(
    opening: str, closing: str
) -> None:
    deep = f'{{"email":"ada@example.com","firstname":{opening * 3_000}"Ada"{closing * 3_000}}}'
    assert values(json.loads(deep)) == ADA


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        (
            {"phones": [{"type": "fax", "value": "1"}, {"Type": "Work", "Value": "2"}]},
            {"phone": "2"},
        ),
        (
            {"Emails": [{"Value": "a@b.de"}, {"Value": "c@d.de", "Primary": True}]},
            {"email": "c@d.de"},
        ),
        ({"emails": {"home": "a@b.de", "work": "c@d.de"}}, {"email": "c@d.de"}),
        ({"country": [233, "United States"]}, {"countryid": "United States"}),
        ({"user": {"role": "end-user", "name": "Ada B"}}, {"fullname": "Ada B"}),
        (
            {"billing": {**LEHI, "company": "Engines", "phone": "1"}},
            {**FOUND, "companyname": "Engines", "phone": "1"},
        ),
        ({"shipping": {"address": {"city": "Berlin"}}, "address": LEHI}, FOUND),
        (
            {"Organization 1 - Name": "Engines", "Mobile No.": "1"},
            {"companyname": "Engines", "phone": "1"},
        ),
        ({"account": "acme", "company": {"display_value": "Engines"}}, {"companyname": "Engines"}),
        ({"event": "Clicked", "properties": {"name": "A course", "city": "Berlin"}, **ADA}, ADA),
        ({"event": "Signed up", "properties": {**ADA, "city": "Lehi"}}, {**ADA, "city": "Lehi"}),
        ({"event": {**ADA, "first_name": "Ada"}}, {**ADA, "firstname": "Ada"}),
        ({"event": {"name": "Summit", "city": "Berlin", "attendee": ADA}}, ADA),
        (
            {
                **{"manager:email": "bob@example.com", "owner:email": "bob@example.com", **ADA},
                **{"company:phone": "1", "assistant:firstName": "Bob", "og:title": "A page"},
            },
            ADA,
        ),
        (
            {"ns1:email": ADA["email"], "SOAP-ENV:phone": "1", "custom:company": "Engines"},
            {**ADA, "phone": "1", "companyname": "Engines"},
        ),
        ({**ADA, "auth": {"name": "Build key", "title": "Robot"}}, ADA),
        ({"auth": {**ADA, "first_name": "Ada"}}, {**ADA, "firstname": "Ada"}),
        (
            {**ADA, "jobInfo": {"name": "Senior Analyst", "employer": "Engines"}},
            {**ADA, "companyname": "Engines"},
        ),
        (
            {"jobDetails": {**ADA, "title": "Analyst", "first_name": "Ada"}},
            {**ADA, "jobtitle": "Analyst", "firstname": "Ada"},
        ),
    ],
)
def test_what_stands_beside_or_around_a_value_is_told_from_it(
    profile: dict[str, Any], found: dict[str, Any]
) -> None:
    assert values(profile) == found
