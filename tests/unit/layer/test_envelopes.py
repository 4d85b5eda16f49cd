"""Profiles are found in what senders put around them, and a person who has a list is no list."""

import json
from typing import Any

import pytest

from attendee_sync.mapping import mapper
from attendee_sync.profile import bodies, envelopes
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync.profile.pieces import TooManyProfilesError
from tests.support.processor import seconds

ADA: dict[str, Any] = {"email": "ada@example.com", "firstName": "Ada"}
BEN: dict[str, Any] = {"email": "ben@example.com", "firstName": "Ben"}
NOBODY = {"type": "track", "event": "Opened"}
ATTRIBUTES = [{"name": "email", "value": "ada@example.com"}, {"name": "city", "value": "Lehi"}]


def profiles(document: object, place: str = "") -> list[dict[str, Any] | None]:
    """Return the profiles of a body, each without its envelope."""
    pushed = bodies.split(json.dumps(document), place=place)
    for each in pushed:
        if each.profile is not None:
            assert json.loads(each.text) == each.profile
    return [
        each.profile
        and {name: value for name, value in each.profile.items() if name != envelopes.NAME}
        for each in pushed
    ]


def envelopes_of(document: object) -> list[Any]:
    pushed = bodies.split(json.dumps(document))
    return [(each.profile or {}).get(envelopes.NAME) for each in pushed]


@pytest.mark.parametrize(
    "name",
    [
        *("profiles", "batch", "data", "result", "results", "records", "rows", "items", "contacts"),
        *("attendees", "messages", "attributes", "users", "value", "Resources", "leads", "guests"),
        *("registrants", "members", "subscribers", "customers", "entities", "hits", "Records"),
        *("PROFILES", "_embedded", "people", "participants"),
    ],
)
@pytest.mark.parametrize("beside", [{}, {"total": 2}, {"sentAt": "2026-11-20", "meta": {"a": [1]}}])
def test_a_list_under_a_name_that_senders_use_holds_the_profiles(
    name: str, beside: dict[str, Any]
) -> None:
    assert profiles({**beside, name: [ADA, BEN]}) == [ADA, BEN]
    assert profiles({name: [ADA, BEN], **beside}) == [ADA, BEN]
    assert envelopes_of({name: [ADA, BEN], **beside}) == [beside or None] * 2


@pytest.mark.parametrize(
    "document",
    [
        [{"type": "attendee", "data": [ADA, BEN]}],
        [{"data": [ADA]}, {"contacts": [BEN]}],
        [ADA, {"contacts": [BEN]}],
        [{"result": {"records": [ADA]}}, BEN],
        {"data": {"contacts": [ADA, BEN]}},
        {"response": {"data": {"users": [ADA, BEN]}}},
        {"record": {"id": 1, "profiles": [ADA, BEN]}},
        {"form": {"submission": {"attendee": [ADA, BEN]}}},
        {"profiles": [{"type": "page", "items": [ADA]}, {"items": [BEN]}]},
        {"specversion": "1.0", "type": "people", "data": [ADA, BEN]},
        {"detail-type": "people", "region": "us-east-1", "detail": {"profiles": [ADA, BEN]}},
        {"data": {"type": "job", "attributes": {"profiles": {"data": [ADA, BEN]}}}},
        {"hits": {"total": 2, "hits": [ADA, BEN]}},
        {"_embedded": {"contacts": [ADA, BEN]}, "_links": {"self": {"href": "/contacts"}}},
    ],
)
def test_lists_are_found_within_objects_and_lists(document: object) -> None:
    assert profiles(document) == [ADA, BEN]


@pytest.mark.parametrize(
    "document",
    [
        {"id": "1", "detail-type": "person", "region": "us-east-1", "detail": ADA},
        {"header": {"imsOrgId": "1@AdobeOrg"}, "body": {"xdmMeta": {}, "xdmEntity": ADA}},
    ],
)
def test_one_profile_is_taken_out_of_what_says_other_things(document: dict[str, Any]) -> None:
    assert profiles(document) == [ADA]
    assert profiles([document, BEN]) == [ADA, BEN]


@pytest.mark.parametrize("inner", [ADA, {"profiles": [ADA]}, {"detail": ADA, "id": 1}])
def test_json_in_the_text_of_a_message_is_read(inner: dict[str, Any]) -> None:
    text = json.dumps(inner)
    assert profiles({"Type": "Notification", "Message": text, "MessageId": "m"}) == [ADA]
    records = [{"messageId": "m", "body": text, "eventSource": "aws:sqs"}]
    assert profiles({"Records": [*records, *records]}) == [ADA, ADA]


@pytest.mark.parametrize(
    "text", ["{", "{}", "{{name}}, hello", '{"a": 1}', '{"a": NaN}', "[1]", ""]
)
def test_a_message_is_mostly_a_text(text: str) -> None:
    for document in ({"message": text, "userName": "ada"}, {**ADA, "message": text}):
        assert profiles(document) == [document]


def test_entities_by_id_are_each_a_profile() -> None:
    ada, ben = {"entityId": "1", "entity": ADA}, {"entityId": "2", "entity": BEN}
    assert profiles({"1": ada, "2": ben}) == [ada, ben]
    assert envelopes_of({"1": ada, "total": 2, "2": ben}) == [{"total": 2}] * 2
    assert profiles({"1": ada, "x": None, "y": {}, "2": {"Entity": BEN}}) == [ada, {"Entity": BEN}]
    assert profiles({"1": ada}) == [ada]


@pytest.mark.parametrize(
    "document",
    [
        {**ADA, "profiles": [{"type": "linkedin", "url": "https://social.example/ada"}]},
        {"profiles": [{"type": "linkedin"}], **ADA},
        {**ADA, "contacts": [BEN]},
        {"contacts": [BEN], **ADA},
        {"identityMap": {"Email": [{"id": "ada@example.com"}]}, "data": [{"a": 1}]},
        {"data": [{"a": 1}], "identities": [{"type": "email", "id": "ada@example.com"}]},
        {"items": [{"sku": "1"}], "traits": ADA},
        {"items": [{"sku": "1"}], "customer": ADA},
        {"customer": {"contact": ADA}, "items": [{"sku": "1"}]},
        {"firstName": "Ada", "contacts": [BEN]},
        {"attributes": ATTRIBUTES},
        {"data": ATTRIBUTES, "id": 5},
        {"data": ["ada@example.com"], "items": [1, 2]},
        {"data": ADA, "type": "person"},
        {"profiles": {}},
    ],
)
def test_a_person_who_has_a_list_is_no_envelope(document: dict[str, Any]) -> None:
    assert profiles(document) == [document]
    assert profiles([document, BEN]) == [document, BEN]


@pytest.mark.parametrize("empty", [None, "", []])
def test_a_name_without_a_value_makes_no_person(empty: object) -> None:
    assert profiles({"email": empty or None, "data": [ADA, BEN]}) == [ADA, BEN]


@pytest.mark.parametrize(
    "document",
    [
        {"contacts": [ADA], "leads": [BEN]},
        {"Contacts": [ADA], "contacts": [BEN]},
        {"attendee": ADA, "leads": [BEN]},
        {"leads": [BEN], "attendee": ADA},
        {"data": {"contacts": [ADA]}, "result": {"leads": [BEN]}},
    ],
)
def test_where_two_may_be_meant_neither_is_taken(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableBodyError, match="can't be told") as caught:
        bodies.split(json.dumps(document))
    assert "@" not in str(caught.value)
    [first, second] = bodies.split(json.dumps([document, BEN]))
    assert first.fault
    assert "can't be told" in first.fault.detail
    assert second.profile == BEN


@pytest.mark.parametrize(
    "name",
    [
        *("employees", "user_profiles", "applicants", "staff", "activeMembers"),
        *("respondents", "audience_members", "events", "usersAdded", "updates"),
    ],
)
def test_a_word_for_people_names_a_list(name: str) -> None:
    assert profiles({name: [ADA, BEN]}) == [ADA, BEN]
    assert profiles({**ADA, name: [BEN]}) == [{**ADA, name: [BEN]}]


def test_who_came_and_who_went_are_told_by_the_envelope() -> None:
    document = {"id": 5, "add": [ADA, BEN], "remove": [BEN], "update": []}
    assert profiles(document) == [ADA, BEN, BEN]
    beside = {"id": 5, "update": []}
    assert envelopes_of(document) == [
        {**beside, "action": action} for action in ("add", "add", "remove")
    ]


def test_people_may_stand_by_their_ids() -> None:
    assert profiles({"users": {"-N1a": ADA, "-N2b": BEN}, "page": 1}) == [ADA, BEN]
    assert envelopes_of({"users": {"101": ADA}, "page": 1}) == [{"page": 1}]
    assert profiles({"101": ADA, "102": BEN}) == [ADA, BEN]
    for document in (
        {"users": {"ada": ADA, "ben": BEN}},
        {"users": {"101": ADA, "total": 2}},
        {"users": {"101": {"city": "Lehi"}}},
        {"billing_owner": ADA, "technical_owner": BEN},
    ):
        assert profiles(document) == [document]


def test_rows_without_names_are_told_as_such() -> None:
    table = {"columns": ["a"], "rows": [["ada@example.com"], ["ben@example.com"]]}
    with pytest.raises(UnreadableBodyError, match="the rows are arrays"):
        profiles(table)
    person = {"traits": ADA, "values": [[1], [2]]}
    assert profiles(person) == [person]


def test_a_list_without_people_does_not_stand_in_the_way() -> None:
    document = {"contacts": [ADA, BEN], "items": [{"sku": 1}], "messages": []}
    assert profiles(document) == [ADA, BEN]
    assert envelopes_of(document)[0] == {"items": [{"sku": 1}], "messages": []}


def test_who_is_nobody_keeps_the_place_in_the_list() -> None:
    assert profiles({"batch": [NOBODY, ADA, NOBODY, BEN]}) == [NOBODY, ADA, NOBODY, BEN]
    assert profiles({"batch": [NOBODY, NOBODY]}) == [NOBODY, NOBODY]


def test_an_element_that_is_empty_in_its_turn_is_not_lost() -> None:
    assert profiles([{"type": "page", "data": []}, ADA]) == [{"type": "page", "data": []}, ADA]


def test_newline_delimited_envelopes_are_opened() -> None:
    text = f"{json.dumps({'status': 'exited', 'data': [ADA, BEN]})}\n{json.dumps(ADA)}\n"
    pushed = bodies.split(text)
    beside = {"_envelope": {"status": "exited"}}
    assert [each.profile for each in pushed] == [{**beside, **ADA}, {**beside, **BEN}, ADA]


def test_what_stands_beside_and_around_the_list_travels_with_each_profile() -> None:
    document = {
        "id": "outer",
        "source": "cdp",
        "detail": {"id": "inner", "status": "exited", "profiles": [{"page": 1, "data": [ADA]}]},
    }
    [found] = bodies.split(json.dumps(document))
    expected = {"id": "inner", "source": "cdp", "status": "exited", "page": 1}
    assert found.profile == {"_envelope": expected, **ADA}
    assert json.loads(found.text) == found.profile


def test_a_profile_that_is_bad_keeps_what_stood_beside_it() -> None:
    body = '{"status": "exited", "profiles": [{"a": 1, "a": 2}, 7, {}, {"email": "a@b.de"}]}'
    [bad, number, empty, good] = bodies.split(body)
    assert (bad.text, bad.fault and bad.fault.detail) == (
        '{"_envelope":{"status":"exited"},"a": 1, "a": 2}',
        "an object has the same key twice",
    )
    assert number.text == "7"
    assert empty.text == '{"_envelope":{"status":"exited"}}'
    assert good.text == '{"_envelope":{"status":"exited"},"email": "a@b.de"}'


def test_what_was_taken_out_of_an_envelope_is_pushed_again_as_it_is() -> None:
    pushed = bodies.split(json.dumps({"status": "exited", "profiles": [NOBODY, ADA]}))
    for each in pushed:
        assert bodies.split(each.text) == [each]
    assert bodies.split(f"[{','.join(each.text for each in pushed)}]") == pushed
    [again] = bodies.split(f'{{"page": 1, "data": [{pushed[1].text}]}}')
    assert again.profile == {"_envelope": {"page": 1, "status": "exited"}, **ADA}
    assert json.loads(again.text) == again.profile


def test_what_stands_beside_the_profiles_has_a_size() -> None:
    def beside(size: int) -> str:
        return json.dumps({"profiles": [ADA], "a": "x" * size})

    most = envelopes.MAX_BYTES - len('{"a":""}')
    assert len(bodies.split(beside(most))) == 1
    for size in (most + 1, 1_000_000):
        with pytest.raises(UnreadableBodyError, match="beside the profiles has more than 8,192"):
            bodies.split(beside(size))


@pytest.mark.parametrize("place", ["payload.people", "payload.Leute", "x", "data"])
def test_a_setting_names_any_other_place(place: str) -> None:
    document: Any = [ADA, BEN]
    for name in reversed(place.split(".")):
        document = {"email": "owner@example.com", name: document, "contacts": [{"email": "c@d.de"}]}
    assert profiles(document, place) == [ADA, BEN]
    assert profiles([document], place) == [ADA, BEN]
    assert profiles(ADA, place) == [ADA]
    assert profiles({"profiles": [ADA, BEN]}, place) == [ADA, BEN]


def test_the_place_may_be_of_one_profile() -> None:
    assert profiles({"who": {"is": ADA}, "email": "owner@example.com"}, "who.is") == [ADA]


def test_the_envelope_is_nobodys_address() -> None:
    text = json.dumps({"sender": "cdp", "region": "UT", "profiles": [{"email": "ada@example.com"}]})
    [pushed] = bodies.split(text)
    decision = mapper.mapper('{"event_code": "e", "mapping": {"source": "_envelope.sender"}}')
    assert pushed.profile
    fields = decision.decide(pushed.profile).fields
    assert fields == {"email": "ada@example.com", "source": "cdp"}


# --- under names that nobody knows ---------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        {"whatever": [ADA, BEN]},
        {"a": {"b": {"c": [ADA, BEN]}}, "total": 2},
        {"items": [{"sku": "1"}], "pilgrims": [ADA, BEN], "sums": [{"sum": 2}]},
        {"x.y_z": [ADA, {"id": 5}, BEN]},
        [{"xs": [ADA]}, {"ys": [BEN]}],
        {"pilgrims": [ADA, BEN], "speakers": [{"email": "joan@example.com"}]},
    ],
)
def test_the_only_list_of_people_is_the_profiles(document: Any) -> None:
    assert [each for each in profiles(document) if each != {"id": 5}] == [ADA, BEN]


def test_the_only_person_in_a_text_of_json_is_the_profile() -> None:
    document = {"id": 5, "anything": json.dumps(ADA), "note": "{not JSON}"}
    assert profiles(document) == [ADA]
    assert envelopes_of(document) == [{"id": 5, "note": "{not JSON}"}]


@pytest.mark.parametrize(
    "document",
    [
        {**ADA, "whatever": [BEN]},
        {"_tenant": {"core": ADA}, "whatever": [BEN]},
        {"answers": ATTRIBUTES, "whatever": [BEN]},
        {"email": "no address", "whatever": [BEN]},
        {"profile": {"firstName": "Ada"}, "whatever": [BEN]},
        {"type": "company", "properties": {"name": "Engines"}, "whatever": [BEN]},
        {"speakers": [BEN]},
        {"issue": {"title": "Late", "assignees": [BEN]}, "watchers": [ADA]},
        {"contacts": [], "invalid": [BEN]},
        {"owner": {"whatever": [BEN]}},
        {"whatever": ["ada@example.com"], "count": 1},
        {"a": {"b": {"c": {"d": {"e": [BEN]}}}}},
        {"note": "{not JSON}", "other": '{"a": 1}'},
    ],
)
def test_who_is_somebody_or_has_no_list_of_people_stays_whole(document: dict[str, Any]) -> None:
    assert profiles(document) == [document]


def test_what_was_taken_out_of_an_envelope_is_nobodys_list() -> None:
    text = json.dumps({"_envelope": {"whatever": [BEN]}, "id": 5})
    assert [each.text for each in bodies.split(text)] == [text]


def test_two_lists_under_unknown_names_are_not_guessed_between() -> None:
    with pytest.raises(UnreadableBodyError, match=r'"early" and "late\.x" may be meant') as caught:
        bodies.split(json.dumps({"early": [ADA], "late": {"x": [BEN]}}))
    assert "@" not in str(caught.value)


def test_lists_under_peoples_addresses_or_names_are_refused_without_these() -> None:
    people = {"bob@example.com": [{"email": "bob@example.com"}]}
    body = json.dumps({**people, "Ada Lovelace": [{"email": "ada@example.com"}]})
    with pytest.raises(UnreadableBodyError, match=r'"\?" and "\?" may be meant'):
        bodies.split(body)


def test_where_a_destination_maps_the_address_no_list_is_looked_for() -> None:
    body = json.dumps({"whatever": [ADA]})
    assert len(bodies.split(body, maps_email=True)) == 1
    [alone] = bodies.split(body, maps_email=True)
    assert alone.profile == {"whatever": [ADA]}
    [line] = bodies.of_line(body, maps_email=True)
    assert line == alone


@pytest.mark.parametrize("name", ["lead_post_delete", "cancelledBookings", "unsubscribes"])
def test_a_lists_name_tells_that_its_people_are_gone(name: str) -> None:
    assert envelopes_of({name: [ADA]}) == [{"action": "remove"}]
    assert envelopes_of({f"not_{name}": [ADA]}) == [None]


# --- what it may cost -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        '{"data": [' + "{}," * 1_500_000 + "{}]}",
        '[{"data": [' + "{}," * 1_500_000 + "{}]}]",
        '{"data": {"items": [' + "{}," * 1_500_000 + "{}]}}",
        "[" + '{"data": [{},{}]},' * 250_000 + "{}]",
    ],
)
def test_more_than_are_taken_are_not_looked_at(body: str) -> None:

    def refused() -> None:
        with pytest.raises(TooManyProfilesError, match="more than 1000 profiles"):
            bodies.split(body, most=1_000)

    assert seconds(refused) < 20 * _decoding(body)


@pytest.mark.parametrize("piece", ['{"data":', '{"data":[', "[", '{"items":[{"data":'])
def test_depth_costs_no_more_than_length(piece: str) -> None:
    closing = {"{": "}", "[": "]"}
    body = piece * 20_000 + "1" + "".join(closing.get(c, "") for c in piece)[::-1] * 20_000

    def refused() -> None:
        with pytest.raises(UnreadableBodyError):
            bodies.split(body, most=1_000)

    assert seconds(refused) < 2


def test_opening_costs_a_few_readings_at_most() -> None:
    texts = [json.dumps({"type": "page", "data": [ADA] * 2}) for _ in range(450)]
    body = f'{{"total": 5, "batch": [{",".join(texts * 1)}]}}'
    assert len(bodies.split(body, most=1_000)) == 900
    assert seconds(lambda: bodies.split(body, most=1_000)) < 100 * _decoding(body)


def _decoding(body: str) -> float:
    return max(seconds(lambda: json.loads(body), runs=3), 0.001)
