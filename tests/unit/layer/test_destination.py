import json
from typing import Any

import pytest
from pydantic import ValidationError

from attendee_sync.mapping.destination import Destination, Rule

GOOD: dict[str, Any] = {
    "name": "Summit",
    "description": "Partners who asked for it",
    "connection": "default",
    "event_code": "summit2027",
    "mapping": {
        "email": "contacts.business || email",
        "firstname": {"value": "person.name.firstName", "write": "clear_on_null"},
        "custom.tier": "loyalty.tier",
        "source": {"value": "AEP", "write": "constant"},
        "phone": {"write": "omit"},
    },
    "not_normalised": ["zip"],
    "hashes": {"only": "send", "field": "hashedEmail"},
    "filter": "is_member(@, 'audience-1') && !has_opted_out(@, 'marketing.email')",
    "exits": {"action": "set", "fields": {"status": "left"}},
    "required_consents": ["marketing.email", "share"],
    "marketing_actions": ["email_targeting"],
    "labels": {"custom.tier": ["C2", "I1"]},
    "policies": {"email_targeting": ["C4", "S1"]},
}


def faults(members: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with a destination, by where it is."""
    with pytest.raises(ValidationError) as caught:
        Destination.model_validate_json(json.dumps({"event_code": "summit2027"} | members))
    return {".".join(map(str, each["loc"])): each["msg"] for each in caught.value.errors()}


def test_a_destination_is_read_whole() -> None:
    read = Destination.model_validate_json(json.dumps(GOOD))
    assert read.mapping["custom.tier"] == Rule(value="loyalty.tier")
    assert Destination.model_validate_json(read.model_dump_json()) == read
    assert Destination.model_validate(read.model_dump()) == read


def test_an_event_code_is_all_that_must_be_said() -> None:
    read = Destination(event_code="summit2027")
    assert (read.connection, read.hashes.only, read.exits.action) == ("default", "reject", "ignore")


def test_all_faults_are_told_at_once_with_field_expression_and_position() -> None:
    found = faults(
        {
            "connection": "Default!",
            "event_code": "summit 2027",
            "mapping": {
                "firstname": "person..name",
                "lastname": {"value": "a ||"},
                "city": {"value": "shout(city) || whisper(city)"},
                "zip": {"value": "zips[0]", "write": "clear_on_null"},
                "phone": {"value": "x", "write": "omit"},
                "state": {"write": "constant"},
                "email": {"write": "omit"},
                "no blanks": "x",
            },
            "not_normalised": ["email", "tier"],
            "hashes": {"only": "keep"},
            "filter": "is_membr(@, 'audience-1')",
            "exits": {"action": "ignore", "fields": {"email": "x"}},
            "evnet": 1,
        }
    )
    beginnings = {
        "connection": "String should match pattern",
        "event_code": "String should match pattern",
        "mapping.firstname": "Value error, a JMESPath expression is expected; not one at "
        "position 7: person..name",
        "mapping.lastname": "Value error, a JMESPath expression is expected; not one at "
        "position 4: a ||",
        "mapping.city": "Value error, a function of JMESPath is expected; there is no shout at "
        "position 0, whisper at position 15: shout(city) || whisper(city)",
        "mapping.zip": "Value error, only names, . and || can tell a null from what is absent",
        "mapping.phone": "Value error, omit takes no value",
        "mapping.state": "Value error, value is missing",
        "mapping.email": "Value error, the address is always sent; only its expression can change",
        "mapping.no blanks.[key]": "String should match pattern",
        "not_normalised": "Value error, not among RainFocus's fields: tier; the e-mail address is "
        "always normalised",
        "hashes.only": "Input should be 'reject' or 'send'",
        "filter": "Value error, a function of JMESPath is expected; there is no is_membr at "
        "position 0 (is_member?): is_membr(@, 'audience-1')",
        "exits": "Value error, fields are expected with set, and only there; email can't be set",
        "evnet": "Extra inputs are not permitted",
    }
    assert found.keys() == beginnings.keys()
    for place, beginning in beginnings.items():
        assert found[place].startswith(beginning), place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$", "position 0"),
        ("a b", "position 2"),
        ("a[", "position"),
        ("'open", "position 0"),
        ("length(", "position"),
        ("", "a JMESPath expression is expected"),
        (" ", "a JMESPath expression is expected"),
        ("!" * 1_999 + "a", "a JMESPath expression is expected"),
        ("a" * 2_001, "at most 2000 characters"),
        ("a && shout(b[?whisper(c)])", "there is no shout at position 5, whisper at position 14"),
    ],
)
def test_what_is_no_predicate_is_told(text: str, said: str) -> None:
    assert said in faults({"filter": text})["filter"]


@pytest.mark.parametrize("rule", ["!" * 1_999 + "a", "a" * 2_001])
def test_what_is_no_rule_is_told(rule: str) -> None:
    [place] = faults({"mapping": {"city": rule}})
    assert place.startswith("mapping.city")


def test_helpers_of_the_filter_are_for_filters() -> None:
    found = faults({"mapping": {"vip": "is_member(@, 'audience-1')"}})
    assert "there is no is_member" in found["mapping.vip"]


@pytest.mark.parametrize("rule", ["tags[0:2] | [0]", "sort(tags)[::-1] | [0]", "people[*].{a: b}"])
def test_each_part_of_the_language_can_be_used(rule: str) -> None:
    read = Destination(event_code="x", mapping={"vip": Rule(value=rule)}, filter=rule)
    assert read.filter == rule


@pytest.mark.parametrize(
    "exits",
    [
        {"action": "set"},
        {"action": "set", "fields": {}},
        {"action": "ignore", "fields": {"status": "left"}},
        {"fields": {"status": "left"}},
        {"action": "set", "fields": {"email": "a@example.com"}},
        {"action": "set", "fields": {"no blanks": "x"}},
        {"action": "delete"},
        {"action": "set", "fields": {"status": None}},
    ],
)
def test_bad_exits_are_refused(exits: dict[str, Any]) -> None:
    assert all(place.startswith("exits") for place in faults({"exits": exits}))


@pytest.mark.parametrize("write", ["omit", "constant", "clear_on_null"])
def test_the_email_address_is_always_sent(write: str) -> None:
    rule = {"write": write} | ({} if write == "omit" else {"value": "email"})
    assert faults({"mapping": {"email": rule}}).keys() == {"mapping.email"}
    if write != "omit":
        with pytest.raises(ValidationError, match="only its expression can change"):
            Destination(event_code="x", mapping={"email": Rule.model_validate(rule)})


def test_consents_labels_and_actions_are_in_adobes_words() -> None:
    found = faults(
        {
            "required_consents": ["consents.share.val", "marketing email", "share"],
            "marketing_actions": ["emailTargeting"],
            "labels": {"zip": ["c2"]},
            "policies": {"export_to_third_party": ["C13"]},
        }
    )
    assert found.keys() == {
        *("required_consents.0", "required_consents.1", "marketing_actions.0"),
        *("labels.zip.0", "policies.export_to_third_party.0"),
    }
    assert "a path within consents is expected, without val" in found["required_consents.0"]
