"""Who is in an audience, and who has left, is read in every shape that Adobe's templates make."""

import json
from typing import Any

import pytest

from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Verdict
from attendee_sync.profile import bodies, memberships, reader

ADA = {"email": "ada@example.com"}
ANYBODY = mapper.mapper('{"event_code": "summit2027"}')
MEMBERS = mapper.mapper('{"event_code": "summit2027", "filter": "is_member(@, \'a1\')"}')


def told(document: object) -> list[str]:
    """Return of each profile of a body whether it is a member, has left, or is just somebody."""
    found = []
    for each in bodies.split(json.dumps(document)):
        assert each.profile
        decision = ANYBODY.decide(each.profile)
        if decision.verdict is Verdict.FILTER:
            assert decision.reason == "left_audience"
            found.append("left")
        else:
            assert decision.verdict is Verdict.SEND
            is_member = MEMBERS.decide(each.profile).verdict is Verdict.SEND
            found.append("member" if is_member else "somebody")
    return found


@pytest.mark.parametrize(
    "name",
    [
        "audiences",
        "segments",
        "AdobeExperiencePlatformSegments",
        "AudienceMembership",
        "segmentMembership",
        "segment_membership",
        "x",
    ],
)
@pytest.mark.parametrize(
    ("added", "removed"), [("add", "remove"), ("added", "removed"), ("Add", "Remove")]
)
@pytest.mark.parametrize("listed", [["a1"], [{"id": "a1"}], [{"segmentId": "a1", "name": "VIP"}]])
def test_lists_of_what_was_added_and_removed(
    name: str, added: str, removed: str, listed: list[object]
) -> None:
    for within in ({}, {"attributes": {"firstName": "Ada"}}):
        person = {**ADA, **within}
        assert told({**person, name: {added: listed, removed: []}}) == ["member"]
        assert told({**person, name: {added: [], removed: listed}}) == ["left"]
        assert told({**person, name: {removed: listed}}) == ["left"]
        assert told({**person, name: {added: ["a2"], removed: listed}}) == ["somebody"]
        assert told({**person, name: {added: [], removed: []}}) == ["somebody"]


@pytest.mark.parametrize("flag", ["in_segment", "inAudience", "is_in_cohort", "is_member"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "member"), ("TRUE", "member"), (False, "left"), ("FALSE", "left"), ("x", "member")],
)
def test_a_flag_beside_an_audience(flag: str, value: object, expected: str) -> None:
    assert told({"cohort_id": "a1", flag: value, "users": [ADA]}) == [expected]
    assert told({**ADA, "cohort_id": "a1", flag: value}) == [expected]


def test_a_flag_without_an_audience_counts_if_it_names_one() -> None:
    assert told({**ADA, "in_segment": False}) == ["left"]
    assert told({**ADA, "is_member": False}) == ["somebody"]
    assert told({**ADA, "in_segment": ["a1"]}) == ["member"]


@pytest.mark.parametrize(
    ("added", "removed"),
    [
        ("addedSegments", "removedSegments"),
        ("segments_added", "segments_removed"),
        ("audiencesToAdd", "audiencesToRemove"),
        ("enteredAudiences", "exitedAudiences"),
    ],
)
def test_flat_lists_of_what_was_added_and_removed(added: str, removed: str) -> None:
    assert told({**ADA, added: ["a1"], removed: []}) == ["member"]
    assert told({**ADA, added: [], removed: ["a1"]}) == ["left"]
    assert told({**ADA, added: ["a1"], removed: ["a2"]}) == ["member"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("realized", "member"),
        ("existing", "member"),
        ("REALIZED", "member"),
        ("added", "member"),
        ("exited", "left"),
        ("Exiting", "left"),
        ("removed", "left"),
    ],
)
@pytest.mark.parametrize("name", ["segments", "audiences", "audience_memberships", "cohorts"])
@pytest.mark.parametrize(
    "around",
    [
        lambda state: [{"id": "a1", "status": state}],
        lambda state: [{"segmentId": "a1", "status": state, "name": "VIP"}],
        lambda state: [{"audience_id": "a1", "audience_status": state}],
        lambda state: [{"ID": {"_id": "a1", "namespace": {"code": "AAM"}}, "status": state}],
        lambda state: {"a1": state},
        lambda state: {"a1": {"status": state, "lastQualificationTime": "2026-01-02"}},
        lambda state: {"ups": {"a1": {"status": state}}},
        lambda state: {"ups": [{"id": "a1", "status": state}]},
        lambda state: {"id": "a1", "status": state},
    ],
)
def test_audiences_with_their_states(name: str, around: Any, state: str, expected: str) -> None:
    assert told({**ADA, name: around(state)}) == [expected]
    assert told({"page": 1, "profiles": [{**ADA, name: around(state)}]}) == [expected]


@pytest.mark.parametrize(
    "pushed",
    [
        {"ups": {"a1": {"status": "exited"}}},
        {"UPS": {"a1": {"status": "Exiting"}}, "AAM": {"a2": "EXITED"}},
        {"a1": {"status": "exited"}},
        {"a1": "exited"},
        {"Ups": {"A1": {"Status": "Exited"}}},
        {"UPS": {"A1": {"STATUS": "EXITED"}}},
        {"ups": [{"id": "a1", "status": "exited"}]},
        {"ups": [{"a1": {"status": "exited"}}]},
        {"ups": [{"a1": {"status": "exited"}, "a2": {"status": "removed"}}]},
        [{"a1": {"status": "exited"}}],
        [{"segmentID": {"_id": "a1"}, "status": "exited"}],
        {"status": "exited"},
    ],
)
@pytest.mark.parametrize("name", ["segmentMembership", "segment_membership", "SegmentMembership"])
def test_maps_of_who_has_left_however_they_are_written(name: str, pushed: object) -> None:
    assert told({**ADA, name: pushed}) == ["left"]
    assert told({"attributes": ADA, name: pushed}) == ["left"]
    for holder in ("data", "payload", "contact", "record", "attributes", "profile"):
        assert told({"email": "ada@example.com", holder: {name: pushed}}) == ["left"]
        assert told({"email": "ada@example.com", "data": {holder: {name: pushed}}}) == ["left"]


@pytest.mark.parametrize(
    "beside",
    [
        {"audienceId": "a1"},
        {"segmentId": "a1", "segmentNamespace": "ups", "segmentAlias": "vip"},
        {"audience": {"id": "a1", "name": "VIP"}},
        {"audience_id": "a1", "audience_name": "VIP"},
        {"segment": "a1"},
    ],
)
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "realized"}, "member"),
        ({"status": "exited"}, "left"),
        ({"segmentStatus": "exited"}, "left"),
        ({"action": "ADD"}, "member"),
        ({"action": "REMOVE"}, "left"),
        ({"operation": "remove_members"}, "left"),
        ({"event": "Audience Exited"}, "left"),
        ({}, "member"),
    ],
)
def test_a_state_beside_the_list_and_its_audience(
    beside: dict[str, Any], state: dict[str, Any], expected: str
) -> None:
    assert told({**beside, **state, "profiles": [ADA, ADA]}) == [expected] * 2
    assert told({**state, "data": {"profiles": [ADA]}, **beside}) == [expected]


def test_a_state_of_an_element_of_a_list_is_of_the_audience_beside_the_list() -> None:
    people = [{**ADA, "action": "add"}, {**ADA, "action": "remove"}, ADA]
    beside = {"audience": {"id": "a1", "name": "Summit"}}
    assert told({**beside, "members": people}) == ["member", "left", "member"]
    assert told({"campaign": {"id": "a1"}, "members": people}) == ["somebody"] * 3


def test_a_state_without_an_audience_counts_if_it_is_adobes() -> None:
    assert told({"status": "exited", "profiles": [ADA]}) == ["left"]
    assert told({**ADA, "status": "exited"}) == ["left"]
    assert told({**ADA, "segmentStatus": "removed"}) == ["left"]
    assert told({"type": "com.acme.audience.exited", "data": [ADA]}) == ["left"]
    assert told({"eventType": "segment_exit", "user": ADA}) == ["left"]
    assert told({**ADA, "exitedSegment": "a1"}) == ["left"]
    assert told({**ADA, "audienceId": "a1", "status": "exited"}) == ["left"]


@pytest.mark.parametrize(
    "event",
    [
        *("user.deleted", "dsync.user.deleted", "contact.deletion", "contact.privacyDeletion"),
        *("com.okta.user.lifecycle.delete.initiated", "customers/delete", "DELETE_CONTACT"),
        *("deleteUser", "Contact was deleted", "deleted", "User Account Deleted"),
        *("webinar.registration_cancelled", "invitee.canceled", "BOOKING_CANCELLED"),
        *("unsubscribe", "contact.unsubscribed", "Email Opt-Out", "group_unsubscribe"),
    ],
)
@pytest.mark.parametrize(
    "name", ["event", "eventType", "type", "topic", "metric", "trigger_event", "subscriptionType"]
)
def test_who_was_deleted_cancelled_or_unsubscribed_has_left(name: str, event: str) -> None:
    assert told({name: event, "data": ADA}) == ["left"]
    assert told({name: event, "payload": {"object": {"registrant": ADA}}}) == ["left"]
    assert told({**ADA, name: event}) == ["left"]
    assert told({name: event, "data": [ADA, ADA]}) == ["left"] * 2
    assert told({"type": "notification", name: event, "data": {"item": ADA}}) == ["left"]


@pytest.mark.parametrize("mark", ["deleted", "is_deleted", "_fivetran_deleted", "__deleted"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "left"),
        ("true", "left"),
        ({"value": "true"}, "left"),
        ({"BOOL": True}, "left"),
        (False, "somebody"),
        ("false", "somebody"),
        ({"value": "false"}, "somebody"),
        ({"by": "Bob"}, "somebody"),
        ("", "somebody"),
    ],
)
def test_who_is_marked_as_deleted_has_left(mark: str, value: object, expected: str) -> None:
    assert told({**ADA, mark: value}) == [expected]
    assert told({"data": {**ADA, mark: value}}) == [expected]
    assert told([{mark: value, "fields": ADA}]) == [expected]


def test_what_is_to_be_done_with_somebody_may_be_a_deletion() -> None:
    assert told([{"action": "Deleted", "fields": ADA}, {"action": "Updated", "fields": ADA}]) == [
        "left",
        "somebody",
    ]
    assert told({"operation": "remove", "users": [ADA]}) == ["left"]


@pytest.mark.parametrize(
    ("came", "went"),
    [
        ("add", "remove"),
        ("added", "removed"),
        ("upserts", "deletes"),
        ("usersAdded", "usersRemoved"),
        ("members_to_add", "members_to_remove"),
        ("created", "DELETED"),
    ],
)
@pytest.mark.parametrize(
    "around", [lambda lists: lists, lambda lists: {"data": lists}, lambda lists: {"changes": lists}]
)
def test_lists_of_people_who_came_and_went(came: str, went: str, around: Any) -> None:
    assert told(around({came: [ADA, ADA], went: [ADA]})) == ["somebody"] * 2 + ["left"]
    assert told(around({went: [ADA], came: [ADA]})) == ["left", "somebody"]
    assert told(around({came: [], went: [ADA]})) == ["left"]
    assert told(around({came: [ADA]})) == ["somebody"]
    assert told({"audience_id": "a1", **around({came: [ADA], went: [ADA]})}) == ["member", "left"]
    assert told(around({came: {"users": [ADA]}, went: {"users": [ADA]}})) == ["somebody", "left"]


@pytest.mark.parametrize(
    "document",
    [
        {"status": "Attending"},
        {"status": "confirmed", "registration_status": "confirmed"},
        {"status": "deleted"},
        {"status": "left"},
        {"status": "existing"},
        {"state": "removed"},
        {"action": "remove"},
        {"event": "Product Removed", "segment": "Enterprise"},
        {"segment": "Enterprise", "status": "removed"},
        {"tags": {"added": ["a1"], "removed": ["a2"]}},
        {"membershipId": "12", "membershipLevel": "Gold", "membership_status": "removed"},
        {"address": {"removed": "x"}},
        {"added": "2026-01-02", "removed": None, "deleted": False},
        {"cart": {"removed": ["a1"]}},
        {"interests": {"removed": ["a1"], "added": []}},
        {"segmentRemovedDate": "2026-01-02", "segment_exit_count": 3, "audience_exit_survey": "ok"},
        {"event": "Audience Exit Poll Submitted"},
        {"type": "removed"},
        {"event": "contact.tag.deleted"},
        {"type": "customer.subscription.deleted"},
        {"topic": "contact.resubscribed"},
        {"event": "Unsubscribe Page Viewed"},
        {"event": "Account Deleted Item"},
        {"trigger": "member removed from group"},
        {"deleted_at": None, "deleted": 0},
        {"segments": []},
        {"segments": [{"name": "VIP"}]},
        {"audiences": None, "segments": 5},
    ],
)
def test_what_says_other_things_makes_nobody_leave(document: dict[str, Any]) -> None:
    assert told({**ADA, **document}) == ["somebody"]


@pytest.mark.parametrize("listed", [["a1", "a2"], "a1", {"a1": True}, [{"id": "a1"}], ["A", "a1"]])
@pytest.mark.parametrize("name", ["segments", "audiences", "audienceIds"])
def test_a_list_without_states_tells_who_is_a_member(name: str, listed: object) -> None:
    assert told({**ADA, name: listed}) == ["member"]


def test_a_list_without_states_keeps_nobody_who_has_left() -> None:
    left = {"segmentMembership": {"ups": {"a1": {"status": "exited"}}}}
    assert told({**ADA, **left, "segments": ["Enterprise"]}) == ["left"]
    assert told({**ADA, **left, "segments": ["a1"]}) == ["left"]
    assert told({"audienceId": "a1", "profiles": [{**ADA, **left}]}) == ["left"]


@pytest.mark.parametrize("deep", ["[", '{"a":', '{"id":', '{"ups":[', '[{"status":"exited","id":'])
@pytest.mark.parametrize(
    "name", ["segmentMembership", "segments", "audienceIds", "removedSegments"]
)
def test_depth_is_no_membership(name: str, deep: str) -> None:
    value: Any = 10**5_000
    for _ in range(5_000):
        for each in reversed(deep):
            value = {"[": [value], "{": {"id": value, "status": "exited"}}.get(each, value)
    decision = ANYBODY.decide({**ADA, name: value})
    assert decision.verdict in (Verdict.SEND, Verdict.FILTER)


def test_who_is_in_another_audience_has_not_left() -> None:
    both = {"ups": {"a1": {"status": "exited"}, "a2": {"status": "realized"}}}
    assert told({**ADA, "segmentMembership": both}) == ["somebody"]


@pytest.mark.parametrize(
    "value", [None, 5, True, "", "x", [], [None, 5, [1]], {"": {}}, {"a": [{}]}]
)
@pytest.mark.parametrize(
    "name", ["segmentMembership", "segments", "audience", "addedSegments", "status", "action"]
)
def test_nonsense_tells_nothing_of_leaving(name: str, value: object) -> None:
    assert told({**ADA, name: value})[0] in ("somebody", "member")


def read(document: dict[str, Any]) -> dict[str, Any]:
    """Return the memberships of a profile, by namespace."""
    memberships_of: dict[str, Any] = reader.read(ADA | document)["segmentMembership"]
    return memberships_of


@pytest.mark.parametrize(("depth", "expected"), [(0, "left"), (3, "left"), (4, "somebody")])
def test_audiences_are_read_within_three_objects(depth: int, expected: str) -> None:
    audiences: dict[str, Any] = {"a1": "exited"}
    for n in range(depth):
        audiences = {f"k{n}": audiences}
    assert told({**ADA, "audiences": audiences}) == [expected]


def test_xdms_map_is_read_once() -> None:
    ups = {"ups": {"a1": {"status": "exited"}}}
    assert read({"segmentMembership": ups}) == ups


@pytest.mark.parametrize(
    ("event", "expected"),
    [("audience.exited", "left"), ("exit", "left"), ("audience", "member"), ("opened", "member")],
)
def test_an_event_of_an_element_is_its_state_if_it_is_of_an_audience(
    event: str, expected: str
) -> None:
    assert told({**ADA, "audiences": [{"id": "a1", "event": event}]}) == [expected]


def test_a_list_without_states_adds_those_alone_of_which_nothing_else_is_told() -> None:
    ups = {"ups": {"a1": {"status": "exited"}}}
    listed = {"": {"a2": {"status": "listed"}}}
    assert read({"segmentMembership": ups, "segments": ["a1", "a2"]}) == ups | listed
    left = {"": {"a1": {"status": "exited"}}}
    assert read({"segments": ["a1"], "audiences": {"a1": "exited"}}) == left
    assert read({"audiences": {"a1": "exited"}, "segments": ["a1"]}) == left


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"ChangeEventHeader": {"changeType": "DELETE"}}, "left"),
        ({"ChangeEventHeader": {"changeType": "UPDATE"}}, "somebody"),
        ({"meta": {"object": "user", "event": "exit"}}, "left"),
        ({"meta": {"object": "User", "event": "exit"}}, "left"),
        ({"meta": {"object": "deal", "event": "exit"}}, "somebody"),
        ({"meta": {"event": "exit"}}, "somebody"),
    ],
)
def test_what_a_system_says_beside_somebody_makes_them_leave(
    document: dict[str, Any], expected: str
) -> None:
    assert told({**ADA, **document}) == [expected]


@pytest.mark.parametrize(
    ("of", "value", "expected"),
    [
        ("audience", True, "member"),
        ("audience", False, "left"),
        ("trait", False, "somebody"),
        ("audience", "x", "somebody"),
    ],
)
def test_a_trait_that_segment_computed_tells_of_its_audience(
    of: str, value: object, expected: str
) -> None:
    computed = {"computation_class": of, "computation_key": "a1"}
    document = {"traits": {**ADA, "a1": value}, "context": {"personas": computed}}
    assert told(document) == [expected]


def test_a_state_of_nothing_tells_of_no_audience() -> None:
    assert read({"status": "active", "action": "x"}) == {}
    assert read({"status": "exited"}) == {"": {"": {"status": "exited"}}}


def test_what_is_no_text_is_no_state() -> None:
    assert read({"segmentMembership": {"ups": {"a1": {"status": 5}}}})["ups"]["a1"]["status"] == ""


@pytest.mark.parametrize(("number", "audience"), [(10**39, f"1{'0' * 39}"), (10**40, "")])
def test_a_number_longer_than_any_id_names_no_audience(number: int, audience: str) -> None:
    assert read({"segments": [number]}) == {"": {audience: {"status": "listed"}}}


@pytest.mark.parametrize(
    ("name", "value", "is_read"),
    [
        ("addedSegments", ["a1"], True),
        ("addedSegments", {"id": "a1"}, True),
        ("addedSegments", "a1", True),
        ("segmentRemovedDate", "2026-01-02", False),
        ("segmentRemovedDate", ["a1"], True),
        ("audience_list", ["a1"], True),
        ("audience_list", "a1", False),
        ("audience", "a1", True),
        ("in_segment", True, True),
        ("status", "exited", False),
        ("segmentMembership", 5, True),
        ("AudienceMembership", 5, True),
        ("x", {"add": ["a1"]}, True),
        ("tags", {"add": ["a1"]}, False),
        ("x", ["a1"], False),
    ],
)
def test_it_is_known_what_is_read_for_audiences(name: str, value: object, is_read: bool) -> None:
    assert memberships.is_read(name, value) is is_read
