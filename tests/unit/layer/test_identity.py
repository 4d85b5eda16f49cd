"""Who a profile is: the first valid address, or a hash; else why nobody."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import field_names
from attendee_sync.profile.candidates import Found
from attendee_sync.profile.identity import EmailRule, identify

ADDRESS = "ada@example.com"
OTHER = "b@example.org"
HASH = hashlib.sha256(ADDRESS.encode()).hexdigest()
DOCS_HASH = "655332b5fa2aea4498bf7a290cff017cb4"  # of Adobe's page: 34 digits
BAD = "none@none.invalid"


@pytest.mark.parametrize(
    "document",
    [
        {"email": ADDRESS},
        {"email": "Ada@Example.com "},
        {"email": "\tada@example.com"},
        {"email": "mailto:ada@example.com"},
        {"emailAddress": ADDRESS},
        {"personalEmail": {"address": ADDRESS}},
        {"workEmail": {"address": ADDRESS}},
        {"workEmail": ADDRESS},
        {"emails": [ADDRESS, OTHER]},
        {"emails": {"home": OTHER, "work": ADDRESS}},
        {"emails": [None, 5, "", " ", {"value": ADDRESS}]},
        {"emails": [{"value": OTHER}, {"value": ADDRESS, "primary": True}]},
        {"emails": [{"value": OTHER, "primary": "true"}, {"value": ADDRESS, "primary": True}]},
        {"emails": [{"value": BAD, "primary": True}, {"value": ADDRESS}]},
        {"email": [ADDRESS]},
        {"email": "not an address", "workEmail": {"address": ADDRESS}},
        {"email": HASH, "workEmail": {"address": ADDRESS}},
        {"email": {"address": ADDRESS}},
        {"email": {"address": "n/a", "value": ADDRESS}},
        {"email": BAD, "personalEmail": f"{ADDRESS}; {OTHER}", "workEmail": ADDRESS},
        {"email": None, "identityMap": {"Email": [{"id": ADDRESS}]}},
        {"identityMap": {"email": [{"id": OTHER, "primary": True}]}, "email": ADDRESS},
        {"identityMap": {"email": [{"id": OTHER}, {"id": ADDRESS, "primary": True}]}},
        {"identityMap": {"email": [{"id": BAD, "primary": True}, {"id": ADDRESS}]}},
        {"identityMap": {"email": [{"id": OTHER, "primary": "true"}, {"id": ADDRESS}]}}
        | {"workEmail": ADDRESS},
        {"identityMap": {"email": [{"id": ADDRESS}, {"id": OTHER, "primary": False}]}},
        {"identityMap": {"email": [{"id": HASH, "primary": True}, {"id": ADDRESS}]}},
        {"identityMap": {"email_lc_sha256": [{"id": OTHER}], "email": [{"id": ADDRESS}]}},
        {"identityMap": {"email": ["junk", {"id": 5}, {"id": ADDRESS}]}},
        {"identityMap": {"email": {"id": ADDRESS}}},
        {"identities": [{"type": "ECID", "id": "1"}, {"type": "Email", "id": ADDRESS}]},
    ],
)
def test_the_first_valid_address_is_found(document: dict[str, Any]) -> None:
    identity = identify(document)
    assert (identity.email, identity.email_hash, identity.fault) == (ADDRESS, HASH, None)


@pytest.mark.parametrize(
    ("document", "remarks"),
    [
        ({"email": ADDRESS, "workEmail": BAD}, ()),
        ({"email": " Ada@Example.com"}, ()),
        ({"email": "<Ada@Example.com>"}, ("brought to its one spelling",)),
        ({"email": "ada@xn--mnchen-3ya.example"}, ("brought to its one spelling",)),
        ({"email": None, "personalEmail": "N/A", "workEmail": ADDRESS}, ()),
        ({"email": HASH, "workEmail": ADDRESS}, ()),
        ({"email": "ada", "workEmail": ADDRESS}, ("passed over email: no @ in it",)),
        (
            {
                "email": f"{ADDRESS}, {OTHER}",
                "identityMap": {"Email": [{"id": BAD, "primary": True}, {"id": f"<{ADDRESS}>"}]},
            },
            (
                "passed over email: more than one address in a text",
                "passed over identityMap.Email: nobody receives mail under its domain",
                "brought to its one spelling",
            ),
        ),
    ],
)
def test_what_was_passed_over_is_remarked(
    document: dict[str, Any], remarks: tuple[str, ...]
) -> None:
    assert identify(document).remarks == remarks


MAPPED = EmailRule(lambda read: read.get("contact"))
MAPPED_ALONE = dataclasses.replace(MAPPED, falls_back=False)


@pytest.mark.parametrize("rule", [MAPPED, MAPPED_ALONE])
@pytest.mark.parametrize("contact", [ADDRESS, [BAD, ADDRESS], {"value": ADDRESS}])
def test_what_the_destination_maps_comes_first(rule: EmailRule, contact: object) -> None:
    pushed = {"email": OTHER, "contact": contact, "identityMap": {"Email": [{"id": OTHER}]}}
    assert identify(pushed, rule).email == ADDRESS


@pytest.mark.parametrize("contact", [None, "", "n/a", "ada", 5, HASH, [BAD]])
def test_a_mapping_that_finds_no_address_falls_back_on_the_usual_places(contact: object) -> None:
    identity = identify({"email": ADDRESS, "contact": contact}, MAPPED)
    assert identity.email == ADDRESS
    assert "from email, since what the destination maps gives no address" in identity.remarks


def test_a_destination_can_forbid_to_fall_back() -> None:
    pushed = {"email": ADDRESS, "email_lc_sha256": HASH, "identityMap": {"Email": [{"id": OTHER}]}}
    identity = identify(pushed, MAPPED_ALONE)
    assert (identity.email, identity.email_hash, identity.remarks) == ("", "", ())
    assert identity.fault == Fault(
        Reason.MISSING_EMAIL, "no e-mail address in what the destination maps"
    )
    assert identify({"contact": HASH}, MAPPED_ALONE).email_hash == HASH


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"email": 5},
        {"email": " "},
        {"email": "null"},
        {"email": [None]},
        {"personalEmail": "N/A"},
        {"identityMap": {"email_lc_sha256": [{"id": DOCS_HASH}]}},
        {"identityMap": {"ecid": [{"id": "14575006536349286404619648085736425115"}]}},
        {"identityMap": {"ecid": [{"id": HASH}]}},
        {"identityMap": [], "identities": {}},
        {"firstName": HASH},
        {"email_lc_sha256": 5},
        {"manager_email_hash": HASH},
        {"hash": HASH},
        {"x" * 70 + "email_hash": HASH},
    ],
)
def test_where_nothing_is_found_the_fault_says_where_was_looked(document: dict[str, Any]) -> None:
    identity = identify(document)
    fault = Fault(
        Reason.MISSING_EMAIL,
        "no e-mail address under email, email address or a name like them, nor in identityMap",
    )
    assert (identity.email, identity.email_hash, identity.fault) == ("", "", fault)


@pytest.mark.parametrize(
    "document",
    [
        {"contact": OTHER},
        {"owner": {"firstName": "Otto", "email": OTHER}},
        {"granddad": {"firstName": "Otto", "email": OTHER}},
        {"identityMap": {"email_lc_sha256": [{"id": ADDRESS}]}},
        {"identities": ["junk", {"id": ADDRESS}]},
        {"email": [[[[ADDRESS]]]]},
        {"firstName": "Ben", "contact": {"firstName": "Otto", "email": OTHER}},
        {"lastName": "Bauer", "contacts": [{"lastName": "Other", "email": OTHER}]},
    ],
)
def test_an_address_that_nothing_says_to_be_the_persons_is_told_and_not_taken(
    document: dict[str, Any],
) -> None:
    identity = identify(document)
    assert identity.fault is not None
    assert (identity.email, identity.fault.reason) == ("", Reason.UNCLEAR_EMAIL)
    assert OTHER not in identity.fault.detail


@pytest.mark.parametrize(
    "contact", [{"firstName": "ADA ", "email": ADDRESS}, {"email": ADDRESS, "title": "CTO"}]
)
def test_a_contact_of_the_same_name_or_none_is_the_person(contact: dict[str, Any]) -> None:
    assert identify({"firstName": "Ada", "lastName": "King", "contact": contact}).email == ADDRESS


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"email": "ada"}, Fault(Reason.INVALID_EMAIL, "email: no @ in it")),
        ({"email": HASH[:-1]}, Fault(Reason.INVALID_EMAIL, "email: no @ in it")),
        ({"email": f"{HASH}0"}, Fault(Reason.INVALID_EMAIL, "email: no @ in it")),
        ({"email": "g" * 64}, Fault(Reason.INVALID_EMAIL, "email: no @ in it")),
        (
            {"email": f"{'a' * 250}@example.com"},
            Fault(Reason.INVALID_EMAIL, "email: not an e-mail address"),
        ),
        (
            {"email": "n/a", "workEmail": {"address": BAD}},
            Fault(Reason.INVALID_EMAIL, "workEmail.address: nobody receives mail under its domain"),
        ),
        (
            {"email": "ada", "emails": f"{ADDRESS}, {OTHER}"},
            Fault(Reason.SEVERAL_EMAILS, "emails: more than one address in a text"),
        ),
        (
            {"identityMap": {"email": [{"id": "ada@localhost"}]}},
            Fault(Reason.INVALID_EMAIL, "identityMap.Email: nobody receives mail under its domain"),
        ),
    ],
)
def test_what_was_found_but_is_no_address_has_its_own_reason(
    document: dict[str, Any], fault: Fault
) -> None:
    assert identify(document).fault == fault
    assert identify(document).email_hash == ""


@pytest.mark.parametrize(
    "document",
    [
        {"email": HASH},
        {"email": f" {HASH.upper()} "},
        {"email": BAD, "email_lc_sha256": HASH},
        {"email_lc_sha256": [HASH]},
        {"personalEmail": {"address": HASH}},
        {"identityMap": {"Email": [{"id": HASH}]}},
        {"identityMap": {"email_lc_sha256": [{"id": HASH}]}},
        {"identityMap": {"Email_LC_SHA256": [{"id": HASH.upper()}]}},
        {"identityMap": {"emailsha256": HASH}},
        {"identityMap": {"email_lc_sha256": [{"id": DOCS_HASH}, {"id": HASH}]}},
        {"identityMap": {"email_lc_sha256": [{"id": "0" * 64}, {"id": HASH, "primary": True}]}},
        {"identities": [{"type": "email_lc_sha256", "id": HASH}]},
        {"identityMap": {"Emails (SHA256, lowercased)": [{"id": HASH}]}},
        {"hashedEmail": HASH},
        {"Email SHA256": HASH},
        {"emailSha256": HASH},
        {"sha256_email_address": HASH},
        {"attributes": {"email_lc_sha256": {"value": HASH}}},
    ],
)
def test_a_hash_is_known_as_one(document: dict[str, Any]) -> None:
    fault = Fault(Reason.ONLY_HASH, "only a hash of the e-mail address is known")
    identity = identify(document)
    assert (identity.email, identity.email_hash, identity.fault) == ("", HASH, fault)
    identity = identify(document, EmailRule(takes_hashes=True))
    assert (identity.email, identity.email_hash, identity.fault) == ("", HASH, None)


def test_no_more_than_ten_texts_are_looked_at() -> None:
    assert identify({"emails": [*["é@a.invalid"] * 9, ADDRESS]}).email == ADDRESS
    assert identify({"emails": [*["é@a.invalid"] * 10, ADDRESS]}).email == ""


@pytest.mark.parametrize("name", ["guest", "contact", "customerInfo", "user"])
@pytest.mark.parametrize("email", ["email", "emails", "workEmail"])
def test_two_people_are_never_made_one(name: str, email: str) -> None:
    other = {email: OTHER, "lastName": "B", "details": {"company": "C"}}
    for own in ({"email": ADDRESS, "firstName": "A"}, {"attendee": {"email": ADDRESS}}):
        identity = identify({**own, name: other})
        assert identity.email == ADDRESS
        assert not {"lastname", "companyname"} & identity.found.best.keys()
        assert any("somebody else's" in each for each in identity.remarks)


@pytest.mark.parametrize(
    "document",
    [
        {"lead": {"email": ADDRESS}, "contact": {"lastName": "B"}},
        {"lead": {"email": ADDRESS}, "contact": {"email": "ADA@example.com", "lastName": "B"}},
        {"user": {"email": ADDRESS, "work_email": OTHER, "lastName": "B"}},
        {"user": {"email": ADDRESS, "details": {"email": OTHER, "lastName": "B"}}},
        {"email": ADDRESS, "profile": {"email": OTHER, "lastName": "B"}},
        {"email": ADDRESS, "contact": {"email": "none", "lastName": "B"}},
    ],
)
def test_one_person_in_several_objects_or_with_several_addresses_stays_one(
    document: dict[str, Any],
) -> None:
    identity = identify(document)
    assert (identity.email, identity.found.best["lastname"]) == (ADDRESS, "B")
    assert not identity.remarks


def test_of_an_event_only_what_means_the_person_is_read() -> None:
    event = {"name": "Adobe Summit", "title": "Summit", "email": ADDRESS, "firstName": "Ada"}
    found = identify({"event": event}).found
    assert found.best == {
        "email": ADDRESS,
        "firstname": "Ada",
    }


@pytest.mark.parametrize("holder", ["data", "record", "payload"])
@pytest.mark.parametrize(
    "thing",
    [
        {"type": "group", "groupId": "7", "traits": {"name": "Engines", "email": OTHER}},
        {"type": "page", "properties": {"name": "Home", "email": OTHER}, "userId": "7"},
        {"type": "company", "attributes": {"name": "Engines", "email": OTHER}},
    ],
)
def test_what_is_no_person_is_none_in_another_object_either(
    holder: str, thing: dict[str, Any]
) -> None:
    for document in ({holder: thing}, {"id": 1, holder: {"data": thing}}):
        fault = identify(document).fault
        assert fault
        assert fault.reason is Reason.NOT_A_PERSON
    beside = identify({"email": ADDRESS, "firstName": "Ada", holder: thing})
    assert beside.email == ADDRESS
    assert beside.found.best.keys() == {"email", "firstname"}


@pytest.mark.parametrize("spell", [str, str.upper])
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_of_a_call_about_a_group_the_person_who_caused_it_is_read(
    spell: Callable[[str], str], is_wrapped: bool
) -> None:
    call = {
        spell("type"): "group",
        spell("groupId"): "7",
        spell("traits"): {spell("name"): "Engines", spell("email"): OTHER, spell("city"): "Provo"},
        spell("context"): {spell("traits"): {spell("email"): ADDRESS, spell("first_name"): "Ada"}},
    }
    identity = identify({"data": call} if is_wrapped else call)
    assert identity.email == ADDRESS
    assert identity.found.best == {
        "email": ADDRESS,
        "firstname": "Ada",
        "companyname": "Engines",
    }


@pytest.mark.parametrize(
    "event",
    [
        {"name": "Summit", "data": {"record": {"email": ADDRESS, "firstName": "Ada"}}},
        {"title": "Summit", "data": {"email": ADDRESS, "firstName": "Ada"}},
        {"name": "Summit", "context": {"traits": {"email": ADDRESS, "firstName": "Ada"}}},
        {"title": "Summit", "email": ADDRESS, "name": {"givenName": "Ada"}},
    ],
)
def test_a_person_some_objects_within_an_event_is_found(event: dict[str, Any]) -> None:
    found = identify({"event": event, "region": "eu"}).found
    assert (found.best["email"], found.best["firstname"]) == (ADDRESS, "Ada")
    assert not {"jobtitle", field_names.FULL_NAME} & found.best.keys()


def test_of_addresses_in_an_event_those_of_a_sort_are_the_persons() -> None:
    place = {"city": "Lehi"}
    for own in ({"workAddress": place}, {"homeAddress": place}, {"addresses": [place]}):
        assert identify({"event": {"email": ADDRESS, **own}}).found.best["city"] == "Lehi"
    assert "city" not in identify({"event": {"email": ADDRESS, "location": place}}).found.best


def test_a_wrapped_thing_is_told_after_a_person_with_the_same_names() -> None:
    def document(kind: str) -> dict[str, Any]:
        return {"id": "1", "data": {"type": kind, "userId": "7", "traits": {"email": ADDRESS}}}

    assert identify(document("identify")).email == ADDRESS
    fault = identify(document("group")).fault
    assert fault
    assert fault.reason is Reason.NOT_A_PERSON


DECLARATIONS: list[dict[str, Any]] = [
    {"@odata.type": "#microsoft.graph.group", "displayName": "Sales Team"},
    {"@type": "https://schema.org/Organization", "name": "Engines"},
    {"objectType": "COMPANY", "name": "Engines"},
    {"attributes": {"type": "Account", "url": "/services/data/v60.0/sobjects/Account/001"}},
]


@pytest.mark.parametrize("declared", DECLARATIONS)
def test_what_declares_a_type_that_is_no_persons_is_none(declared: dict[str, Any]) -> None:
    fault = identify({**declared, "email": ADDRESS}).fault
    assert fault
    assert fault.reason is Reason.NOT_A_PERSON
    assert identify({**declared, "email": ADDRESS, "LastName": "Lovelace"}).email == ADDRESS


@pytest.mark.parametrize(
    "declared",
    [
        {"@odata.type": "#microsoft.graph.user"},
        {"@type": "Person", "worksFor": {"@type": "Organization", "name": "Engines"}},
        {"objectType": "contact"},
        {"attributes": {"type": "Account"}},
    ],
)
def test_other_types_are_persons(declared: dict[str, Any]) -> None:
    assert identify({**declared, "email": ADDRESS}).email == ADDRESS


def within(count: int, wrap: Callable[[object], object]) -> object:
    value: object = ADDRESS
    for _ in range(count):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda value: {"qqzz": value}, lambda value: [value]])
def test_an_address_that_says_nothing_of_whose_it_is_is_looked_for_twelve_values_deep(
    wrap: Callable[[object], object],
) -> None:
    reasons = []
    for count in (1, 11, 12):
        fault = identify({"zzqq": within(count, wrap)}).fault
        assert fault
        reasons.append(fault.reason)
    assert reasons == [Reason.UNCLEAR_EMAIL, Reason.UNCLEAR_EMAIL, Reason.MISSING_EMAIL]


def test_a_text_with_an_at_sign_alone_is_no_address() -> None:
    fault = identify({"zzqq": "ask @ada"}).fault
    assert fault
    assert fault.reason is Reason.MISSING_EMAIL


def test_where_no_address_is_mapped_each_place_is_told_that_was_looked_at() -> None:
    fault = identify({"zzqq": "x"}, MAPPED).fault
    assert fault == Fault(
        Reason.MISSING_EMAIL,
        "no e-mail address in what the destination maps, under email, email address or a name "
        "like them, nor in identityMap",
    )
    unclear = identify({"zzqq": ADDRESS}, MAPPED).fault
    assert unclear
    assert unclear.reason is Reason.UNCLEAR_EMAIL


@pytest.mark.parametrize(
    ("name", "is_known"),
    [("email" * 6 + "hashed" * 5, True), ("email" * 5 + "hashed" * 6, False)],
)
def test_a_hash_is_known_by_a_name_of_sixty_characters_at_most(name: str, is_known: bool) -> None:
    assert bool(identify({name: HASH}).email_hash) == is_known


def test_a_name_that_senders_may_have_made_up_is_not_told() -> None:
    fault = identify({"E-Mail-Adresse privat": "nonsense"}).fault
    assert fault == Fault(Reason.INVALID_EMAIL, "an attribute: no @ in it")


@pytest.mark.parametrize("wrap", [lambda value: {"value": value}, lambda value: [value]])
def test_what_is_mapped_is_looked_at_three_values_deep(wrap: Callable[[object], object]) -> None:
    emails = [
        identify({}, EmailRule(lambda _read, n=n: within(n, wrap))).email  # type: ignore[misc]
        for n in (0, 3, 4)
    ]
    assert emails == [ADDRESS, ADDRESS, ""]


def test_empty_texts_do_not_count_as_texts_that_were_looked_at() -> None:
    assert identify({}, EmailRule(lambda _read: ["", *[" "] * 10, ADDRESS])).email == ADDRESS
    assert identify({}, EmailRule(lambda _read: [*[""] * 10, ADDRESS])).email == ADDRESS


def test_of_what_is_mapped_the_one_marked_primary_counts() -> None:
    listed = [{"address": OTHER}, {"address": ADDRESS, "primary": True}]
    assert identify({}, EmailRule(lambda _read: listed)).email == ADDRESS


def test_what_is_no_person_is_nobody_and_has_no_fields() -> None:
    document = {"@type": "Organization", "email": ADDRESS}
    identity = identify(document)
    assert identity.fault
    assert identity.fault.reason is Reason.NOT_A_PERSON
    assert (identity.email, identity.email_hash, identity.remarks) == ("", "", ())
    assert identity.found == Found.of({}, {})
    assert identity.profile["email"] == ADDRESS


@pytest.mark.parametrize("email", [ADDRESS, f"<{ADDRESS}>", "none"])
def test_a_profile_goes_with_who_it_is(email: str) -> None:
    identity = identify({"email": email, "address1": "1 Ring Road"})
    assert identity.profile["email"] == email
    assert identity.found.best["address1"] == "1 Ring Road"


def test_an_address_that_is_called_so_alone_is_an_e_mail_address_and_no_street() -> None:
    identity = identify({"address": ADDRESS})
    assert identity.email == ADDRESS
    assert "address1" not in identity.found.best


def test_behind_the_address_of_somebody_else_the_persons_own_is_found() -> None:
    contact = {"firstName": "Bob", "lastName": "Li", "email": OTHER}
    name = {"firstName": "Ada", "lastName": "King"}
    own = {"identityMap": {"Email": [{"id": ADDRESS}]}}
    identity = identify({**name, "contact": contact, **own})
    assert identity.email == ADDRESS


def test_where_what_is_mapped_is_none_that_is_the_first_remark() -> None:
    identity = identify({"contact": "none at all", "email": ADDRESS}, MAPPED)
    assert identity.remarks == (
        "from email, since what the destination maps gives no address",
        "passed over what the destination maps: no @ in it",
    )


def test_a_street_is_no_invalid_e_mail_address() -> None:
    fault = identify({"address": "1 Main Street"}).fault
    assert fault
    assert fault.reason is Reason.MISSING_EMAIL
