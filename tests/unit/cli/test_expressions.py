"""What is amiss, or doubtful, about expressions of a destination."""

from collections.abc import Mapping
from typing import Any

import pytest

from attendee_sync.mapping.destination import Destination
from attendee_sync.profile import reader
from attendee_sync_cli.settings import expression_doubts, expression_faults


def faults(**members: Any) -> list[str]:
    settings = Destination(event_code="summit2027", **members)
    return [each.expected for each in expression_faults.faults(settings)]


def doubts(*sample: Mapping[str, Any], **members: Any) -> list[str]:
    settings = Destination(event_code="summit2027", **members)
    documents = [reader.read(dict(each)) for each in sample]
    return [str(each) for each in expression_doubts.doubts(settings, documents)]


# --- faults ---


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ('state == "CA"', "'CA', in single quotes"),
        ('"CA" != state', "'CA', in single quotes"),
        ('segments[?id == "59bd-1"]', "'59bd-1', in single quotes"),
        ('is_member(@, "59bd-1")', "'59bd-1', in single quotes"),
        ('contains(tags, "vip")', "'vip', in single quotes"),
        ("is_member(@, vip)", "a text in single quotes"),
        ("is_member(identityMap, 'x')", "it takes the whole profile"),
        ("tags[?is_member(@, 'x')]", "it takes the whole profile"),
        ("state == 'CA' || 'NY'", "state == 'NY' in place of it alone"),
        ("is_member(@, 'x') && 'NY'", "by itself it asks nothing"),
        ("state == ('CA' || 'NY')", "only 'CA' counts"),
        ("'is_member'", "the same for everybody"),
        ("length('x') > `0`", "the same for everybody"),
        ("vip == true", "`true`, in backticks"),
        ("tags != null", "`null`, in backticks"),
        ("age > `true`", "two numbers or two texts around < and >"),
        ("is_member(@, 'x') > `1`", "two numbers or two texts around < and >"),
        ("is_member(@, 'x') == 'true'", "never equal"),
        ("has_opted_out(@, 'consents.marketing.email.val')", "'marketing.email'"),
    ],
)
def test_a_filter_that_says_the_same_for_everybody_is_a_fault(
    predicate: str, expected: str
) -> None:
    [found] = faults(filter=predicate)
    assert expected in found


@pytest.mark.parametrize(
    "predicate",
    [
        "\"e-mail\" == 'x'",
        'state == @."work-state"',
        "is_member(@, 'a') && country != 'US'",
        "age > `18` || age == `null`",
        "timestamp > '2026-01-01'",
        "consents(@, 'marketing.email')",
        "contains(tags || `[]`, 'vip')",
        "segments[?status == 'realized'] | [0]",
        "(state || 'CA') == 'CA'",
    ],
)
def test_a_filter_that_asks_something_has_no_fault(predicate: str) -> None:
    assert faults(filter=predicate) == []


@pytest.mark.parametrize("expression", ["tags[*].name", "{a: b}", "[a, b]", "a[:2]"])
def test_a_field_takes_no_list(expression: str) -> None:
    [found] = faults(mapping={"city": expression})
    assert found.startswith("a single value")
    assert faults(mapping={"email": expression}) == []  # the first address in it counts


# --- doubts without a sample ---


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        ("emploier == 'x'", "nothing that is known sends emploier; did you mean employer?"),
        ("country == CA", "nothing that is known sends CA; if it is a text, write 'CA'"),
        ("person.name.firstname == 'x'", "did you mean person.name.firstName?"),
        ("attributes.tier == 'gold'", "attributes.tier is read as tier"),
        ("\"xdm:person\".gender == 'x'", "xdm:person.gender is read as person.gender"),
        ("identityMap.Email[0].id == 'x'", "identityMap.email"),
        ("starts_with(email, 'a')", "not_null(email, '') in its place"),
        ("`3` <= loyalty.points", "to_number(loyalty.points) in its place"),
        ("length(emails) > `1`", "not_null(emails, `[]`) in its place"),
    ],
)
def test_what_is_doubtful_about_a_filter_is_told(predicate: str, told: str) -> None:
    [found] = doubts(filter=predicate)
    assert found.startswith("filter: ")
    assert told in found


@pytest.mark.parametrize(
    "predicate",
    [
        "is_member(@, 'a') && !has_opted_out(@, 'marketing.email')",
        "_acme.tier == 'gold' && _envelope.status == 'x'",
        "person.name.lastName != 'x' || workEmail.address || Country == 'US'",
        "email && starts_with(email, 'a')",
        "timestamp > '2026-01-01' && to_number(loyalty.points) > `3`",
        "emails[?contains(@, 'x')]",
        "identityMap.crmid[0].id != ''",
    ],
)
def test_names_that_are_known_are_not_doubted(predicate: str) -> None:
    assert doubts(filter=predicate) == []


def test_names_of_the_destination_s_own_are_known() -> None:
    assert doubts(names={"city": ["Wohnsitz"]}, filter="Wohnsitz == 'x'") == []
    assert doubts(filter="Wohnsitz == 'x'") != []


@pytest.mark.parametrize("field", ["companyName", "first_name", "country", "CountryId"])
def test_a_field_that_is_like_one_of_rainfocus_s_is_doubted(field: str) -> None:
    [found] = doubts(mapping={field: {"value": "x", "write": "constant"}})
    assert "RainFocus's own field is " in found


def test_a_custom_attribute_is_not_doubted() -> None:
    assert doubts(mapping={"custom.tier": {"value": "x", "write": "constant"}}) == []


# --- doubts with a sample ---

ADA = {"email": "ada@example.com", "firstName": "Ada", "attributes": {"tier": {"value": "gold"}}}


def test_a_mapping_that_gives_nothing_for_a_sample_is_doubted() -> None:
    nothing, name = doubts(ADA, ADA, mapping={"firstname": "first_name"})
    assert nothing == "mapping.firstname: gives nothing for the 2 profiles of the sample"
    assert name.endswith("no profile of the sample has first_name; did you mean firstName?")


def test_what_a_sample_has_is_not_doubted() -> None:
    grace = {"email": "grace@example.com", "tags": None}
    mapping = {"firstname": "first_name || firstName", "custom.tier": "tier"}
    assert doubts(ADA, grace, mapping=mapping, filter="tags != 'x'") == []


def test_a_sample_is_surer_than_what_is_known() -> None:
    [found] = doubts(ADA, filter="person.name.firstName == 'Ada'")
    assert found == "filter: no profile of the sample has person.name.firstName"
    assert doubts(ADA, filter="attributes.tier == 'gold'") == [
        "filter: attributes.tier is read as tier: what attributes holds is at the top"
    ]


def test_an_audience_that_no_profile_of_a_sample_is_in_is_doubted() -> None:
    ada = {"segmentMembership": {"ups": {"59bd": {"status": "exited"}}}}
    assert doubts(ada, filter="is_member(@, '59bd')") == []
    assert doubts(ada, filter="is_member(@, '59bd') || is_member(@, 'VIPs')") == [
        "filter: no profile of the sample has an audience with the id VIPs"
    ]


def test_a_name_that_may_be_an_address_is_never_suggested() -> None:
    consents: Any = {"idSpecific": {"email": {"ada@example.com": {"marketing": {}}}}}
    found = doubts({"consents": consents}, filter="\"ada.example.com\" == 'x'")
    assert not [each for each in found if "@" in each]
