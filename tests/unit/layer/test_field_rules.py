"""What is made of two attributes, or of one for two fields, at the limits of each rule."""

import json
from typing import Any

import pytest

from attendee_sync.mapping import mapper

EMAIL = {"email": "ada@example.com"}


def made(document: dict[str, Any], **rules: object) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Return the fields of a profile, beside the e-mail address, and the remarks on them."""
    text = json.dumps({"event_code": "summit2027", "mapping": rules})
    decision = mapper.mapper(text).decide(EMAIL | document)
    fields = {name: text for name, text in decision.fields.items() if name != "email"}
    return fields, set(decision.remarks)


@pytest.mark.parametrize(
    ("pushed", "country", "sent"),
    [
        (501, "US", "00501"),
        (2134, "US", "02134"),
        (794, "PR", "00794"),
        (84101, "US", "84101"),
        (12, "US", "12"),
        (501, "DE", "501"),
        ("501", "US", "501"),
    ],
)
def test_a_number_gets_the_zeros_back_that_a_zip_of_the_united_states_has(
    pushed: object, country: str, sent: str
) -> None:
    fields, remarks = made({"zip": pushed, "country": country})
    assert fields == {"zip": sent, "countryid": country}
    told = ("zip", "a number that had lost its first zeros")
    assert (told in remarks) is (sent != str(pushed))


@pytest.mark.parametrize(
    ("country", "number", "sent"),
    [
        ("GB", "12", "12 High Street"),
        ("DE", "12", "High Street 12"),
        (None, 12, "High Street 12"),
        ("GB", "x" * 2_001, "High Street"),
    ],
)
def test_a_house_number_stands_where_the_country_has_it(
    country: str | None, number: object, sent: str
) -> None:
    document = {"street": "High Street", "houseNumber": number, "country": country}
    fields, remarks = made(document)
    assert fields["address1"] == sent
    told = ("address1", "with the house number from another attribute")
    assert (told in remarks) is (sent != "High Street")


def test_a_house_number_that_the_street_has_is_not_written_twice() -> None:
    document = {"street": "High Street 12", "houseNumber": "12", "country": "GB"}
    assert made(document) == ({"address1": "High Street 12", "countryid": "GB"}, set())


def test_a_house_number_without_a_street_is_left_out() -> None:
    fields, remarks = made({"houseNumber": "12"})
    assert fields == {}
    assert ("address1", "left out: a house number without a street") in remarks


@pytest.mark.parametrize(
    ("last", "particle", "sent"),
    [
        ("Berg", "van", "van Berg"),
        ("Berg", "Van Den", "Van Den Berg"),
        ("Berg", "op de van der", "op de van der Berg"),
        ("Berg", "op de van der van", "Berg"),
        ("Berg", "Dr.", "Berg"),
        ("van den Berg", "Van Den", "van den Berg"),
        ("vandermeer", "van", "van vandermeer"),
    ],
)
def test_a_last_name_gets_the_particles_it_begins_with(last: str, particle: str, sent: str) -> None:
    fields, remarks = made({"lastName": last, "tussenvoegsel": particle})
    assert fields == {"lastname": sent}
    assert (("lastname", "with the particle from another attribute") in remarks) is (sent != last)


def test_particles_without_a_last_name_are_nothing() -> None:
    assert made({"tussenvoegsel": "van"})[0] == {}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (float("inf"), None),
        ("  ", None),
        (["a"], None),
    ],
)
def test_what_an_expression_gives_is_sent_if_it_is_a_single_value(
    value: object, sent: str | None
) -> None:
    fields, remarks = made({"a": value}, city="a")
    assert fields == ({"city": sent} if sent else {})
    assert sent or not remarks


def source(field: str, document: dict[str, Any], **rules: object) -> str:
    """Return what gave a field its value."""
    made_by = mapper.mapper(json.dumps({"event_code": "summit2027", "mapping": rules}))
    return made_by.source_of(field, made_by.decide(EMAIL | document, "province"))


def test_what_gave_a_field_its_value_is_told() -> None:
    assert source("city", {"address": {"city": "Paris"}}) == "address.city"
    assert source("state", {"region": "UT", "country": "US"}, state="region") == "region"
    assert source("province", {"region": "Bayern", "country": "DE"}, state="region") == "region"
    assert source("firstname", {"fullName": "Ada King"}) == "fullName"
    assert source("city", {}, city={"write": "constant", "value": "Paris"}) == "a constant"
    lines = {"street": "1 Main Street\nFloor 2", "city": "Boston"}
    assert source("address2", lines) == "street"
    assert source("city", {"postalCode": "80331 Munich"}) == "postalCode"
    assert source("city", {"a": "80331 Munich"}, zip="a") == "a"
    null = {"value": "zip", "write": "clear_on_null"}
    assert source("zip", {"zip": None}, zip=null) == "zip"
    assert made({"zip": None}, zip=null) == ({"zip": ""}, {("zip", "blanked by an explicit null")})


def test_a_number_that_was_written_with_an_exponent_is_remarked() -> None:
    remark = "a number, written with its digits alone"
    assert made({"a": 1e20}, city="a") == ({"city": "1" + "0" * 20}, {("city", remark)})


FLOOR = "1 Main Street\n\n Floor  2 "
BOSTON = {"city": "Boston"}
LONG = f"1\n{'x' * 1_997}"
SECOND_LINE = ("address2", "with the further lines of the street")


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (BOSTON | {"street": FLOOR}, ("1 Main Street", "Floor 2")),
        ({"street": FLOOR, "zip": "02134"}, ("1 Main Street", "Floor 2")),
        (BOSTON | {"street": f"{FLOOR}\nRoom 3"}, ("1 Main Street", "Floor 2, Room 3")),
        (BOSTON | {"street": FLOOR, "address2": "Room 3"}, ("1 Main Street", "Floor 2, Room 3")),
        (BOSTON | {"street": LONG}, ("1", "x" * 1_997)),
        (BOSTON | {"street": LONG, "address2": "y"}, ("1", f"{'x' * 1_997}, y")),
    ],
)
def test_the_further_lines_of_a_street_are_the_second_line_of_an_address(
    document: dict[str, Any], lines: tuple[str, str]
) -> None:
    fields, remarks = made(document)
    assert (fields["address1"], fields["address2"]) == lines
    assert fields.get("city") == document.get("city")
    assert SECOND_LINE in remarks


@pytest.mark.parametrize(
    ("document", "street"),
    [
        ({"street": FLOOR}, "1 Main Street Floor 2"),  # maybe a whole address
        (BOSTON | {"street": "1 Main Street\n \n"}, "1 Main Street"),
        (BOSTON | {"street": LONG, "address2": "yy"}, f"1 {'x' * 1_997}"),  # they are too long
    ],
)
def test_a_street_whose_lines_are_no_second_line_stays_together(
    document: dict[str, Any], street: str
) -> None:
    fields, remarks = made(document)
    assert (fields["address1"], fields.get("address2")) == (street, document.get("address2"))
    assert SECOND_LINE not in remarks


def test_lines_of_a_street_stay_together_where_one_of_them_has_a_rule() -> None:
    for rules in ({"address2": "floor"}, {"address1": "street"}):
        fields, remarks = made(BOSTON | {"street": FLOOR}, **rules)
        assert fields["address1"] == "1 Main Street Floor 2"
        assert SECOND_LINE not in remarks


def test_a_city_behind_a_zip_is_the_city_if_there_is_no_other() -> None:
    without = ("zip", "without the city behind it")
    taken = ("city", "taken from behind the zip")
    pushed = {"zip": "80331 Munich"}
    assert made(pushed) == ({"zip": "80331", "city": "Munich"}, {without, taken})
    assert made(BOSTON | pushed) == ({"zip": "80331", "city": "Boston"}, {without})


def test_a_full_name_in_the_other_order_is_split() -> None:
    assert made({"familyNameFirst": "King Ada"})[0] == {"firstname": "Ada", "lastname": "King"}


def test_the_first_state_that_is_one_is_taken() -> None:
    for first in ("Nowhere", 5):
        document = {"state": first, "stateCode": "UT", "country": "US"}
        assert made(document) == ({"state": "UT", "countryid": "US"}, set())
    fields, remarks = made({"state": 5, "country": "US"})
    assert "state" not in fields
    assert ("state", "left out: not a state of its country, by code or name") in remarks


def test_a_particle_that_cannot_be_seen_is_none() -> None:
    assert made({"lastName": "Berg", "tussenvoegsel": "\u200b"})[0] == {"lastname": "Berg"}


NOT_SPLIT = "left out: only a full name of two words is split; map it, by first_word and rest for"
CONTRADICTED = "left out: the full name does not begin with the first name"


@pytest.mark.parametrize(
    ("document", "fields", "remark"),
    [
        (
            {"fullName": "Ada King"},
            {"firstname": "Ada", "lastname": "King"},
            "taken from a full name",
        ),
        ({"fullName": "Ada Augusta King"}, {}, f"{NOT_SPLIT} instance"),
        ({"fullName": 5}, {}, f"{NOT_SPLIT} instance"),
        (
            {"Vorname": "Ada", "Name": "King"},
            {"firstname": "Ada", "lastname": "King"},
            "taken from a full name",
        ),
        ({"firstName": "Ada", "fullName": "King"}, {"firstname": "Ada"}, CONTRADICTED),
        ({"firstName": "Ada", "fullName": "king@example.com"}, {"firstname": "Ada"}, ""),
    ],
)
def test_a_full_name_gives_what_is_missing_or_says_why_it_does_not(
    document: dict[str, Any], fields: dict[str, str], remark: str
) -> None:
    found, remarks = made(document)
    assert found == fields
    assert {text for _, text in remarks} == ({remark} if remark else set())
    assert {name for name, _ in remarks} <= {"firstname", "lastname"}


def test_what_gave_a_field_its_value_is_told_of_a_shape_that_was_seen_before() -> None:
    for _ in range(2):
        assert source("firstname", {"firstName": "Ada", "lastName": "King"}) == "firstName"
