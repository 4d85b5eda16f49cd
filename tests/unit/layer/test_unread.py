"""Unread: what no source read leaves a trace in previews."""

import json
from typing import Any

import pytest

from attendee_sync.mapping import mapper
from attendee_sync.profile import bodies

ADA = {"email": "ada@example.com"}


def unread(profile: dict[str, Any], **settings: Any) -> list[tuple[str, str]]:
    rules = mapper.mapper(json.dumps({"event_code": "summit27", **settings}))
    return [(each.name, each.like) for each in rules.unread(rules.identify(profile))]


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        ({"firstName": "Ada", "data": {"company": "A"}, "workAddress": {"city": "Lehi"}}, []),
        ({"plan": "premium", "logins": None, "x": "", "y": []}, [("plan", "")]),
        (
            {"manager": {"email": "b@c.de", "age": 5}},
            [("manager.email", "email"), ("manager.age", "")],
        ),
        ({"company": {"id": 5, "name": "A"}}, [("company.id", "")]),
        ({"workPhoneExtension": "1"}, [("workPhoneExtension", "phone")]),
        ({"fields": [{"name": "company", "value": "A"}], "tags": ["a"]}, [("tags", "")]),
        (
            {"fields": {"k1": {"title": "City", "value": "A"}, "k2": {"title": "x", "value": 1}}},
            [("fields.k2.title", "jobtitle"), ("fields.k2.value", "")],
        ),
        ({"segmentMembership": {"ups": {}}, "consents": {"marketing": {"val": "y"}}}, []),
        ({"segments": ["a"], "user": {"audiences": {"removed": ["b"]}}, "x": {"added": ["a"]}}, []),
        (
            {"segmentNote": "a", "exitSegmentDate": "2026-01-02"},
            [("segmentNote", ""), ("exitSegmentDate", "")],
        ),
        ({"event": {"email": "b@c.de", "day": "1"}}, [("event.day", "")]),
        ({"guest": [{"city": "A"}, {"city": "B"}]}, [("guest", "")]),
        ({"guest": [{"city": "A"}], "data": [{"zip": "1"}, {"company": "B"}]}, []),
        (
            {"phone": [["1"]], "title": "Dr.", "zip": "n/a"},
            [("phone", "phone"), ("title", "jobtitle")],
        ),
        ({"phone": "1", "mobile": "2", "workAddress": {"city": "A"}, "zip": "1"}, []),
        ({"attributes": {"plan": {"value": "premium"}}}, [("plan", "")]),
    ],
)
def test_what_no_source_read_is_told(profile: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert unread({**ADA, **profile}) == found


def test_what_an_expression_reads_is_read() -> None:
    mapping = {"plan": "loyalty.plan", "zip": {"value": "code", "write": "clear_on_null"}}
    profile = {**ADA, "loyalty": {"plan": "A"}, "code": "1", "vip": True, "other": 1}
    assert unread(profile, mapping=mapping, filter="vip") == [("other", "")]
    assert unread({"Arbeitgeberin": "A"}, names={"companyname": ["arbeitgeberin"]}) == []


def test_no_more_than_fifty_are_told() -> None:
    assert len(unread({f"a{n}": n for n in range(100)})) == 50


def test_people_beside_the_list_of_profiles_leave_a_trace() -> None:
    body = {"contacts": [ADA], "speakers": [{"email": "b@example.org"}], "pages": [1], "page": {}}
    [pushed] = bodies.split(json.dumps(body))
    assert pushed.profile
    assert unread(pushed.profile) == [("_envelope.speakers", "email")]


def test_people_whom_somebody_brings_leave_a_trace() -> None:
    answers = [{"label": "Email", "value": "b@example.org"}]
    for registrant in ({"email": "b@example.org"}, {"id": 5, "data": answers}):
        order = {"billing": ADA, "data": {"registrants": [registrant]}, "tags": [{"id": 1}]}
        assert unread(order) == [("data.registrants", "email"), ("tags", "")]


def test_an_address_that_an_expression_names_and_the_reader_chose_is_read() -> None:
    profile = {**ADA, "workAddress": {"city": "Lehi"}}
    assert unread(profile, mapping={"zip": "address.zip"}) == []
