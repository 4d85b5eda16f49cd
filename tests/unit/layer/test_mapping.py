import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from attendee_sync import attendee
from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Decision, Verdict
from attendee_sync.outcome import Reason
from attendee_sync.profile import email_address
from tests.support.shapes import ADA, SHAPES, XDM

EMAIL = {"email": "ada@example.com"}
HASH = hashlib.sha256(b"ada@example.com").hexdigest()
ONLY_HASH = {"identityMap": {"email_lc_sha256": [{"id": HASH}]}}


def decide(document: dict[str, Any], foreign_state: str = "", /, **destination: object) -> Decision:
    rules = mapper.mapper(json.dumps({"event_code": "summit2027", **destination}))
    return rules.decide(document, foreign_state)


def fields(document: dict[str, Any], **rules: object) -> Mapping[str, str]:
    """Return what becomes of a profile, beside the e-mail address, under such rules."""
    decision = decide(EMAIL | document, mapping=rules)
    assert decision.verdict is Verdict.SEND
    return {name: text for name, text in decision.fields.items() if name != "email"}


# --- from every shape ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_all_twelve_fields(shape: str) -> None:
    decision = decide(SHAPES[shape])
    assert decision.fields == ADA
    assert set(ADA) == set(attendee.FIELDS)
    assert decision.verdict is Verdict.SEND
    assert decision.email_hash == HASH


@pytest.mark.parametrize("shape", SHAPES)
def test_a_profile_is_not_changed(shape: str) -> None:
    before = json.dumps(SHAPES[shape])
    decide(SHAPES[shape])
    assert json.dumps(SHAPES[shape]) == before


def nested(path: str, value: object) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)
    return value


SOURCES = {
    "address1": ["address1", "address.street1", "address.street"],
    "address2": ["address2", "address.street2"],
    "city": ["city", "address.city"],
    "companyname": ["companyname", "companyName", "company.name", "company", "b2b.companyName"],
    "firstname": ["firstname", "firstName", "first_name", "person.name.firstName"],
    "lastname": ["lastname", "lastName", "last_name", "person.name.lastName"],
    "jobtitle": [
        "jobtitle",
        "jobTitle",
        "job_title",
        "extendedWorkDetails.jobTitle",
        "title",
    ],
    "phone": ["phone", "mobilePhone.number", "workPhone.number", "homePhone.number"],
    "zip": ["zip", "postalCode", "address.postalCode", "address.zip"],
}
COUNTRIES = ["countryid", "countryId", "address.countryCode", "address.country", "country"]
STATES = ["state", "address.stateProvince", "address.state", "address.region"]


@pytest.mark.parametrize(
    ("field", "path"), [(field, path) for field, paths in SOURCES.items() for path in paths]
)
def test_each_field_has_its_sources(field: str, path: str) -> None:
    assert fields(nested(path, "text")) == {field: "text"}


@pytest.mark.parametrize("path", COUNTRIES)
def test_the_country_has_its_sources(path: str) -> None:
    assert fields(nested(path, "Germany")) == {"countryid": "DE"}


@pytest.mark.parametrize("path", STATES)
def test_the_state_has_its_sources(path: str) -> None:
    assert fields(nested(path, "US-CA")) == {"state": "CA"}


def test_an_address_is_normalised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def plain(text: str) -> str:
        seen.append(text)
        return "ada@example.com"

    monkeypatch.setattr(email_address, "plain", plain)
    mapper.mapper('{"event_code": "summit26"}').decide({"email": " ADA@Example.com"})
    assert seen == [" ADA@Example.com"]


@pytest.mark.parametrize("field", SOURCES)
def test_of_several_sources_the_first_counts(field: str) -> None:
    for n, path in enumerate(SOURCES[field][:-1]):
        for later in SOURCES[field][n + 1 :]:
            if path.partition(".")[0] != later.partition(".")[0]:
                document = nested(path, "first") | nested(later, "later")
                assert fields(document) == {field: "first"}


@pytest.mark.parametrize(
    "where", ["workAddress", "mailingAddress", "homeAddress", "billingAddress", "shippingAddress"]
)
def test_each_of_xdms_addresses_is_known(where: str) -> None:
    assert decide({**XDM, "workAddress": None, where: XDM["workAddress"]}).fields == ADA


def test_a_street_is_never_paired_with_another_addresss_city() -> None:
    document = {
        "workAddress": {"street1": "1 Main Street", "postalCode": "84043"},
        "homeAddress": {"street1": "2 Side Street", "city": "Lehi", "countryCode": "US"},
    }
    assert fields(document) == {"address1": "1 Main Street", "zip": "84043"}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({}, {}),
        ({"firstName": ""}, {}),
        ({"firstName": "  "}, {}),
        ({"firstName": "\u200b"}, {}),
        ({"firstName": None}, {}),
        ({"firstName": " Ada "}, {"firstname": "Ada"}),
        ({"firstName": "ADA  mac\u0301  Byron\x00"}, {"firstname": "ADA ma\u0107 Byron"}),
        ({"firstName": ["Ada"]}, {"firstname": "Ada"}),
        ({"firstName": {"a": 1}}, {}),
        ({"zip": 84043}, {"zip": "84043"}),
        ({"zip": 0}, {"zip": "0"}),
        ({"zip": 1.5}, {"zip": "1.5"}),
        ({"zip": 94107.0}, {"zip": "94107"}),
        ({"zip": "94107.0"}, {"zip": "94107"}),
        ({"phone": 1e20}, {"phone": "100000000000000000000"}),
        ({"phone": 1.5e-7}, {"phone": "0.00000015"}),
        ({"zip": 2134, "country": "US"}, {"zip": "02134", "countryid": "US"}),
        ({"zip": "2134", "country": "US"}, {"zip": "2134", "countryid": "US"}),
        ({"zip": 2134, "country": "DK"}, {"zip": "2134", "countryid": "DK"}),
        ({"name": "Ada Lovelace"}, {"firstname": "Ada", "lastname": "Lovelace"}),
        ({"full_name": "Lovelace, Ada"}, {"firstname": "Ada", "lastname": "Lovelace"}),
        ({"name": "Dr. Ada Lovelace"}, {"firstname": "Ada", "lastname": "Lovelace"}),
        ({"name": "Ada Lovelace", "lastName": "King"}, {"lastname": "King"}),
        (
            {"name": "Ada de Ayala", "firstName": "Ada"},
            {"firstname": "Ada", "lastname": "de Ayala"},
        ),
        ({"Name": "Lovelace", "Vorname": "Ada"}, {"firstname": "Ada", "lastname": "Lovelace"}),
        ({"name": "Ada King Lovelace"}, {}),
        ({"name": "Ada"}, {}),
        ({"name": "ADA KING", "firstName": "Ada"}, {"firstname": "Ada", "lastname": "KING"}),
        ({"name": "Bob King", "firstName": "Ada"}, {"firstname": "Ada"}),
        ({"name": "Ada King", "lastName": "Lee"}, {"lastname": "Lee"}),
        ({"PLZ / Ort": "10115 Berlin"}, {"zip": "10115", "city": "Berlin"}),
        ({"zip": "1016 DW Amsterdam", "city": "A"}, {"zip": "1016 DW", "city": "A"}),
        ({"zip": "114 55 Åre"}, {"zip": "114 55", "city": "Åre"}),
        ({"zip": "1016 DW"}, {"zip": "1016 DW"}),
        ({"zip": "SW1A 1AA"}, {"zip": "SW1A 1AA"}),
        ({"street": "Ring", "house_number": 5.0}, {"address1": "Ring 5"}),
        ({"street": "Ring", "Hausnr.": "5", "state": "CA"}, {"address1": "Ring 5"}),
        ({"house_number": "5", "city": "Lehi"}, {"city": "Lehi"}),
        ({"street": "Ring 5", "house_number": "5"}, {"address1": "Ring 5"}),
        ({"country": "Atlantis", "countryName": "Germany"}, {"countryid": "DE"}),
        ({"zip": float("inf")}, {}),
        ({"zip": float("nan")}, {}),
        ({"companyName": True}, {}),
        ({"company": {"name": "A", "id": 5}}, {"companyname": "A"}),
        ({"company": "A", "b2b": {"companyName": "B"}}, {"companyname": "A"}),
        ({"person": {"name": "Ada"}}, {}),
        ({"countryId": "gb"}, {"countryid": "GB"}),
        ({"country": "Atlantis"}, {}),
        ({"state": "California", "country": "USA"}, {"state": "CA", "countryid": "US"}),
        ({"state": "California"}, {}),
        ({"unknown": "field"}, {}),
    ],
)
def test_values_become_fields(document: dict[str, Any], found: dict[str, str]) -> None:
    assert fields(document) == found


def test_names_that_contradict_each_other_are_remarked() -> None:
    decision = decide({"email": "ada@example.com", "firstName": "Ada", "name": "Bob King"})
    why = "left out: the full name does not begin with the first name"
    assert decision.remarks == (("lastname", why),)
    decision = decide({"email": "ada@example.com", "firstName": "Ada", "name": "Ada"})
    assert decision.remarks == ()


def test_a_house_number_is_joined_to_its_street_with_a_remark() -> None:
    joined = decide({"email": "ada@example.com", "street": "Ring", "house_number": "5"})
    assert joined.remarks == (("address1", "with the house number from another attribute"),)
    alone = decide({"email": "ada@example.com", "house_number": "5"})
    assert alone.remarks == (("address1", "left out: a house number without a street"),)


@pytest.mark.parametrize(
    ("particle", "last_name"),
    [("van der", "van der Berg"), ("Dr.", "Berg"), ("de " * 9, "Berg"), (7, "Berg")],
)
def test_a_particle_is_joined_to_the_last_name_with_a_remark(
    particle: object, last_name: str
) -> None:
    profile = {"email": "ada@example.com", "Achternaam": "Berg", "Tussenvoegsel": particle}
    decision = decide(profile)
    assert decision.fields["lastname"] == last_name
    joined = ("lastname", "with the particle from another attribute")
    assert decision.remarks == ((joined,) if last_name != "Berg" else ())


# --- who it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, Reason.MISSING_EMAIL),
        ({"firstName": "Ada"}, Reason.MISSING_EMAIL),
        ({"email": "ada"}, Reason.INVALID_EMAIL),
        ({"email": "ada@example.invalid"}, Reason.INVALID_EMAIL),
        ({"email": "a@example.com; b@example.com"}, Reason.SEVERAL_EMAILS),
        ({"identityMap": {"email_lc_sha256": [{"id": "6" * 34}]}}, Reason.MISSING_EMAIL),
        (ONLY_HASH, Reason.ONLY_HASH),
        ({"email": HASH}, Reason.ONLY_HASH),
    ],
)
def test_who_has_no_email_address_is_rejected(document: dict[str, Any], reason: Reason) -> None:
    decision = decide(document)
    assert (decision.verdict, decision.reason) == (Verdict.REJECT, reason)
    assert decision.detail
    assert decision.fields == {}


@pytest.mark.parametrize("document", [ONLY_HASH, {"email": HASH.upper()}])
@pytest.mark.parametrize(
    ("hashes", "field"),
    [
        ({"only": "send"}, "email_lc_sha256"),
        ({"only": "send", "field": "hashedEmail"}, "hashedEmail"),
    ],
)
def test_a_hash_is_sent_under_the_field_that_the_destination_names(
    document: dict[str, Any], hashes: dict[str, str], field: str
) -> None:
    decision = decide(document | {"firstName": "Ada"}, hashes=hashes)
    assert decision.verdict is Verdict.SEND
    assert decision.fields == {field: HASH, "firstname": "Ada"}
    assert decision.email_hash == HASH


def test_beside_an_address_no_hash_is_sent() -> None:
    assert decide(EMAIL | ONLY_HASH, hashes={"only": "send"}).fields == EMAIL


def test_the_destination_can_say_which_address_counts() -> None:
    document = EMAIL | {"contacts": {"business": " Ada@Work.example.com"}}
    decision = decide(document, mapping={"email": "contacts.business"})
    assert decision.fields == {"email": "ada@work.example.com"}
    assert decision.email_hash == hashlib.sha256(b"ada@work.example.com").hexdigest()
    elsewhere = decide(EMAIL, mapping={"email": "contacts.business"})
    assert elsewhere.fields == EMAIL
    assert elsewhere.remarks == (
        ("email", "from email, since what the destination maps gives no address"),
    )
    alone = decide(EMAIL, mapping={"email": "contacts.business"}, email_falls_back=False)
    assert alone.reason is Reason.MISSING_EMAIL
    assert decide(EMAIL, mapping={"email": "contacts.business || email"}).fields == EMAIL
    assert decide(EMAIL, mapping={"email": {"value": "length(contacts)"}}).fields == EMAIL


# --- write policies -----------------------------------------------------------------------------

CLEAR = {"value": "person.name.firstName || nick", "write": "clear_on_null"}


@pytest.mark.parametrize(
    ("rule", "document", "found"),
    [
        ("nick", {"nick": "A"}, {"firstname": "A"}),
        ("nick", {"nick": None}, {}),
        ("nick", {"nick": ""}, {}),
        ("nick", {}, {}),
        ("nick", {"firstName": "not asked for"}, {}),
        ({"value": "nick", "write": "overwrite"}, {"nick": "A"}, {"firstname": "A"}),
        (CLEAR, {"nick": "A"}, {"firstname": "A"}),
        (CLEAR, {"person": {"name": {"firstName": "B"}}, "nick": "A"}, {"firstname": "B"}),
        (CLEAR, {"person": {"name": {"firstName": "B"}}, "nick": None}, {"firstname": "B"}),
        (CLEAR, {"person": {"name": {"firstName": None}}, "nick": "A"}, {"firstname": "A"}),
        (CLEAR, {"person": {"name": {"firstName": None}}}, {"firstname": ""}),
        (CLEAR, {"attributes": {"nick": {"value": None}}}, {"firstname": ""}),
        (CLEAR, {"nick": None}, {"firstname": ""}),
        (CLEAR, {"nick": ""}, {}),
        (CLEAR, {"nick": " "}, {}),
        (CLEAR, {"nick": []}, {}),
        (CLEAR, {"attributes": {"nick": {}}}, {}),
        (CLEAR, {"person": None}, {}),
        (CLEAR, {"person": {"name": None}}, {}),
        (CLEAR, {"person": "text"}, {}),
        (CLEAR, {}, {}),
        ({"value": "Guest", "write": "constant"}, {}, {"firstname": "Guest"}),
        ({"value": "Guest", "write": "constant"}, {"firstName": "A"}, {"firstname": "Guest"}),
        ({"write": "omit"}, {"firstName": "A"}, {}),
        ("nicks[0].name", {"nicks": [{"name": "A"}]}, {"firstname": "A"}),
        ("join(' ', [a, b])", {"a": "A", "b": "B"}, {"firstname": "A B"}),
        ("join(' ', [a, b])", {"a": "A"}, {}),
        ("contains(nick, `1`)", {"nick": "A"}, {}),
        ("ceil(n)", {"n": float("inf")}, {}),
        ('"first name"', {"first name": "A"}, {"firstname": "A"}),
    ],
)
def test_a_rule_says_what_is_written(
    rule: object, document: dict[str, Any], found: dict[str, str]
) -> None:
    assert fields(document, firstname=rule) == found


@pytest.mark.parametrize("field", sorted(set(attendee.FIELDS) - {"email"}))
@pytest.mark.parametrize("write", ["overwrite", "clear_on_null"])
def test_what_is_absent_never_blanks(field: str, write: str) -> None:
    rule = {"value": f"given || deep.{field}", "write": write}
    documents: list[dict[str, Any]] = [{}, {"deep": {}}, {"given": ""}, {"other": None}]
    for document in documents:
        assert fields(document, **{field: rule}) == {}


@pytest.mark.parametrize("field", sorted(set(attendee.FIELDS) - {"email"}))
def test_an_explicit_null_blanks_where_that_is_wanted(field: str) -> None:
    rule = {"value": f"given || deep.{field}", "write": "clear_on_null"}
    assert fields({"deep": {field: None}}, **{field: rule}) == {field: ""}


def test_custom_attributes_are_sent_as_they_are() -> None:
    found = fields(
        {"loyalty": {"tier": " Gold ", "points": 12}, "opted": False},
        **{"custom.tier": "loyalty.tier", "points": "loyalty.points", "opted_in": "opted"},
    )
    assert found == {"custom.tier": " Gold ", "points": "12", "opted_in": "false"}


# --- normalisation ------------------------------------------------------------------------------

MESSY = {
    "firstName": " Ada  Byron ",
    "countryId": "Germany",
    "state": "Bavaria",
    "phone": "+49  89 123",
}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], {"firstname": "Ada Byron", "countryid": "DE", "phone": "+49 89 123"}),
        (["firstname"], {"firstname": " Ada  Byron ", "countryid": "DE", "phone": "+49 89 123"}),
        (
            ["countryid", "phone", "state"],
            {
                "firstname": "Ada Byron",
                "countryid": "Germany",
                "phone": "+49  89 123",
                "state": "Bavaria",
            },
        ),
        (["countryid"], {"firstname": "Ada Byron", "countryid": "Germany", "phone": "+49 89 123"}),
    ],
)
def test_normalisation_is_switched_off_by_name(names: list[str], found: dict[str, str]) -> None:
    assert decide(EMAIL | MESSY, not_normalised=names).fields == EMAIL | found


@pytest.mark.parametrize(
    ("document", "foreign_state", "found", "remarks"),
    [
        (
            {"state": "Bavaria", "country": "DE"},
            "foreignstate",
            {"countryid": "DE", "foreignstate": "Bavaria"},
            [("state", "sent as foreignstate")],
        ),
        (
            {"state": "Bavaria", "country": "DE"},
            "",
            {"countryid": "DE"},
            [("state", "left out: RainFocus has no codes for this country")],
        ),
        ({"state": "CA", "country": "US"}, "foreignstate", {"countryid": "US", "state": "CA"}, []),
        (
            {"state": "Quebec", "country": "CA"},
            "foreignstate",
            {"countryid": "CA", "state": "QC"},
            [("state", "normalised")],
        ),
        (
            {"state": "Bavaria"},
            "foreignstate",
            {},
            [("state", "left out: a state without a country, and not a code of ISO 3166-2")],
        ),
        (
            {"state": "US-CA", "country": "DE"},
            "foreignstate",
            {"countryid": "DE"},
            [("state", "left out: a state of another country than the attendee's")],
        ),
        (
            {"state": "Bavaria", "country": "US"},
            "foreignstate",
            {"countryid": "US"},
            [("state", "left out: not a state of its country, by code or name")],
        ),
    ],
)
def test_a_state_goes_where_its_country_has_it(
    document: dict[str, Any],
    foreign_state: str,
    found: dict[str, str],
    remarks: list[tuple[str, str]],
) -> None:
    decision = decide(EMAIL | document, foreign_state)
    assert decision.fields == EMAIL | found
    assert list(decision.remarks) == remarks


@pytest.mark.parametrize(
    ("profile", "left_out"),
    [
        ({"zip": "94107", "workAddress": {"city": "Lehi"}}, ["zip"]),
        ({"MailingCity": "Lehi", "OtherState": "UT", "OtherCountry": "US"}, ["countryid", "state"]),
        ({"addresses": [{"type": "work", "city": "Lehi"}, {"zip": "1", "city": "B"}]}, ["zip"]),
        ({"street": "1 Main Street", "billing": {"zip": "1", "city": "B"}}, ["city", "zip"]),
        ({"country": "US", "workAddress": {"city": "Lehi"}}, []),
    ],
)
def test_a_part_of_an_address_at_another_place_is_left_out_with_a_remark(
    profile: dict[str, Any], left_out: list[str]
) -> None:
    decision = decide(EMAIL | profile)
    why = "left out: it stands at another place than the address that was taken"
    assert sorted(decision.remarks) == [(field, why) for field in left_out]
    assert not decision.fields.keys() & left_out
    omitted = {field: {"write": "omit"} for field in left_out}
    assert decide(EMAIL | profile, mapping=omitted).remarks == ()


def test_bad_optional_fields_are_left_out_all_with_their_reasons() -> None:
    decision = decide(
        EMAIL | {"country": "Ruritania", "state": "Streslau", "firstName": "  Rudolf "}
    )
    assert decision.verdict is Verdict.SEND
    assert decision.fields == EMAIL | {"firstname": "Rudolf"}
    assert dict(decision.remarks) == {
        "countryid": "left out: not a country of ISO 3166-1, by code or name",
        "state": "left out: a state without a country, and not a code of ISO 3166-2",
        "firstname": "normalised",
    }


@pytest.mark.parametrize("foreign_state", ["", "foreignstate"])
@pytest.mark.parametrize("country", ["US", "Private-country", "DE", ""])
def test_remarks_never_hold_a_value(country: str, foreign_state: str) -> None:
    pushed = {name: f" Private-{name} " for name in attendee.FIELDS} | EMAIL
    document = pushed | {"countryid": country, "nick": None}
    rule = {"value": "nick", "write": "clear_on_null"}
    decision = decide(document, foreign_state, mapping={"nickname": rule})
    assert decision.remarks
    told = decision.detail + "".join(text for _, text in decision.remarks)
    assert "private" not in told.lower()
    assert "example" not in told


def test_a_state_without_a_code_is_sent_in_no_field_of_its_own_unless_one_is_named() -> None:
    rules = mapper.mapper('{"event_code": "summit2027"}')
    decision = rules.decide(EMAIL | {"state": "Bavaria", "country": "DE"})
    assert decision.fields == EMAIL | {"countryid": "DE"}
    assert (
        rules.decide_on(rules.identify(EMAIL | {"state": "Bavaria", "country": "DE"})) == decision
    )


def test_whose_a_rejected_profile_is_stays_known() -> None:
    decision = decide(ONLY_HASH)
    assert (decision.verdict, decision.reason) == (Verdict.REJECT, Reason.ONLY_HASH)
    assert decision.email_hash == HASH
