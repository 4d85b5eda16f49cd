"""What must hold for any profile at all."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from attendee_sync import attendee
from attendee_sync.ingest.api import HttpRequest
from attendee_sync.ingest.preview import Preview
from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Decision, Verdict
from attendee_sync.messaging import messages
from attendee_sync.outcome import OutcomeKind, Reason
from attendee_sync.profile import bodies, memberships, reader, texts
from tests.support.delivery_harness import DeliveryHarness, delivery_harness, message
from tests.support.shapes import prefixed
from tests.support.stack import HASH_KEY, INGEST_TOKEN, Aws

HEADERS = {"authorization": f"Bearer {INGEST_TOKEN}"}
OWN: dict[str, Any] = {
    "event_code": "summit2027",
    "mapping": {
        "email": "contact || email",
        "phone": {"value": "phone || nick", "write": "clear_on_null"},
        "nick": "join('-', sort(keys(@)))",
        "count": "length(identities) || contains(nick, phone) || sum(traits)",
        "first": "max_by(identities, &id).id || to_string(@)",
        "source": {"value": "AEP", "write": "constant"},
    },
    "not_normalised": ["zip"],
    "hashes": {"only": "send"},
    "filter": "!has_opted_out(@, 'marketing.email') && (is_member(@, 'a') || !ends_with(zip,'0'))",
    "exits": {"action": "set", "fields": {"status": "left"}},
}
MAPPED = {
    "event_code": "summit2027",
    "mapping": {"email": "contact || email || personalEmail || workEmail.address"},
    "hashes": {"only": "send"},
}
DESTINATIONS = {"default": {"event_code": "summit2027"}, "own": OWN, "mapped": MAPPED}
DEEP = json.loads('{"a":' * 5_000 + "1" + "}" * 5_000)

# Names that mean something, so that what is made up reaches further than the first look.
NAMES = st.sampled_from(
    [
        *attendee.FIELDS,
        *("address", "attributes", "consents", "contact", "context", "entity", "identities"),
        *("identityMap", "Email", "email_lc_sha256", "id", "val", "value", "namespace", "type"),
        *("code", "marketing", "nick", "optInOut", "_channels", "person", "personalEmail"),
        *("primary", "segmentMembership", "status", "traits", "ups", "workAddress", "xdm"),
        *("xdm:identityMap", "xdm:email", "street1", "name", "firstName", "profiles"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**1024, 2**1030)
    | st.sampled_from([10**400, -(10**400), 10**2_000, 10**4_299, 1e308, -1e308, 5e-324, 10**20])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        [
            *("ada@example.com", "a@b@example.com", "a\ud800@example.com", "0" * 64, "n"),
            *("realized", "exited", "US-CA", "US", "Germany", " ", "\u200b", "\u0130"),
        ]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=15,
)
DOCUMENTS = st.dictionaries(NAMES | st.text(max_size=4), VALUES, max_size=6)
any_json = settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def decided(document: dict[str, Any], destination: str = "default") -> Decision:
    return mapper.mapper(json.dumps(DESTINATIONS[destination])).decide(document, "foreignstate")


@pytest.fixture
def stack(aws: Aws) -> Aws:
    for name, members in DESTINATIONS.items():
        aws.set_destination(name, **members)
    return aws


@pytest.fixture
def harness(stack: Aws) -> Iterator[DeliveryHarness]:
    with delivery_harness(stack) as made:
        yield made


# --- never an uncaught error --------------------------------------------------------------------


@any_json
@given(DOCUMENTS, st.sampled_from(sorted(DESTINATIONS)))
def test_any_profile_is_decided(document: dict[str, Any], destination: str) -> None:
    before = json.dumps(document)
    decision = decided(document, destination)
    assert json.dumps(document) == before
    assert (decision.verdict in (Verdict.SEND, Verdict.EXIT)) == bool(decision.fields)
    assert all(isinstance(text, str) for text in decision.fields.values())
    assert decision.email_hash or decision.verdict is Verdict.REJECT
    audiences = memberships.by_audience(reader.read(document))
    assert all(states for states in audiences.values())


HUGE = [10**400, -(10**400), 10**1_999, 10**4_299, 10**5_000, math.inf, math.nan, DEEP, [DEEP]]
PLACES: list[Callable[[Any], dict[str, Any]]] = [
    *[lambda value, name=name: {"email": "a@b.de", name: value} for name in attendee.FIELDS],
    lambda value: {"email": "a@b.de", "traits": {"zip": value}, "nick": value},
    lambda value: {"email": "a@b.de", "traits": [value, value]},
    lambda value: {"email": "a@b.de", "address": {"street1": value}},
    lambda value: {"email": "a@b.de", "identities": [{"namespace": {"code": value}, "id": 1}]},
    lambda value: {"email": "a@b.de", "identities": [{"type": value, "id": value}]},
    lambda value: {"identityMap": {"Email": [{"id": value, "primary": value}, value]}},
    lambda value: {"email": "a@b.de", "segmentMembership": {"ups": {"a": {"status": value}}}},
    lambda value: {"email": "a@b.de", "segmentMembership": {"ups": {"a": value}, "b": value}},
    lambda value: {"email": "a@b.de", "consents": {"marketing": {"email": {"val": value}}}},
    lambda value: {"email": "a@b.de", "optInOut": {"_channels": value, "globalOptout": value}},
]


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("value", HUGE, ids=range(len(HUGE)))
def test_whatever_a_number_or_a_depth_is_it_is_decided_in_any_place(
    destination: str, value: Any
) -> None:
    for place in PLACES:
        assert decided(place(value), destination).verdict in Verdict


def test_a_number_above_all_floats_is_sent_as_its_digits() -> None:
    assert decided({"email": "a@b.de", "zip": 10**309}).fields["zip"] == "1" + "0" * 309


def test_a_number_of_more_digits_than_a_field_has_characters_is_left_out_with_a_remark() -> None:
    for number in (10**2_000, -(10**2_000), 10**5_000):
        decision = decided({"email": "a@b.de", "zip": number})
        assert decision.remarks == (("zip", "left out: longer than 2000 characters"),)
        assert decision.fields == {"email": "a@b.de"}


FILTERS = ["traits[?is_member(@, 'a')]", "consents(optInOut, 'a')", "is_member(consents, 'a')"]


@pytest.mark.parametrize("text", FILTERS)
def test_a_filters_function_on_what_is_no_profile_has_no_answer(text: str) -> None:
    rules = mapper.mapper(json.dumps({"event_code": "x", "filter": text}))
    document = {"email": "a@b.de", "traits": [{"a": 1}], "consents": {"segmentMembership": [1]}}
    assert rules.decide(document).verdict is Verdict.WAIT


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_deep_profile_is_decided(destination: str) -> None:
    documents = [
        {"email": "ada@example.com", "traits": DEEP},
        {"email": "ada@example.com", "xdm:identities": [DEEP], "consents": DEEP},
        {"email": DEEP, "identityMap": {"email": [DEEP, {"id": DEEP}]}, "address": DEEP},
    ]
    for document in documents:
        decided(document, destination)


@any_json
@given(
    DOCUMENTS.map(json.dumps)
    | st.lists(VALUES, max_size=3).map(json.dumps)
    | VALUES.map(json.dumps)
    | st.lists(DOCUMENTS, max_size=3).map(lambda found: "\n".join(map(json.dumps, found)))
    | st.lists(DOCUMENTS, max_size=3).map(lambda found: json.dumps({"profiles": found}))
    | st.text(max_size=20),
    st.sampled_from(sorted(DESTINATIONS)),
)
def test_any_body_is_answered(stack: Aws, body: str, destination: str) -> None:
    stack.sqs.profiles.clear()
    stack.sqs.dead_letters.clear()
    number = str(len(stack.sqs.calls))  # else the queue would take it for the same push again
    request = HttpRequest(f"push-{number}", destination, HEADERS, body)
    pushed = stack.ingest().push(request)
    shown = Preview(stack.settings()).preview(request)
    json.dumps(shown.body)
    assert (pushed.status, shown.status) in [(202, 200), (400, 400)]
    if pushed.status == 202:
        queued = len(stack.sqs.profiles) + len(stack.sqs.dead_letters)
        profiles = shown.body["profiles"]
        assert isinstance(profiles, list)
        assert len(profiles) == queued


@any_json
@given(
    st.lists(
        DOCUMENTS.map(json.dumps) | VALUES.map(json.dumps) | st.text(max_size=20), max_size=10
    ),
    st.sampled_from(sorted(DESTINATIONS)),
)
def test_any_message_has_an_outcome(
    harness: DeliveryHarness, bodies: list[str], destination: str
) -> None:
    batch = [
        replace(message(n, destination=destination), body=messages.escape_for_sqs(body) or " ")
        for n, body in enumerate(bodies)
    ]
    harness.aws.dynamodb.items.clear()  # or what was delivered for the last example is unchanged
    outcomes = harness.deliver(*batch)
    assert len(outcomes) == len(batch)
    for each in outcomes:
        is_waiting = each.kind is OutcomeKind.RETRY and each.reason is Reason.FILTER_FAILED
        is_settled = each.kind in (
            OutcomeKind.DELIVERED,
            OutcomeKind.FILTERED,
            OutcomeKind.REJECTED,
        )
        assert is_settled or is_waiting, each.reason


# --- one spelling -------------------------------------------------------------------------------

FLAT = st.fixed_dictionaries(
    {"email": st.sampled_from(["ada@example.com", " Ada@Example.COM ", "JOSE\u0301@example.com"])},
    optional={
        name: st.text(max_size=12) | st.sampled_from(["US", "Germany", "US-CA", "Utah", " a  b "])
        for name in attendee.FIELDS
        if name != "email"
    },
)


@any_json
@given(FLAT | DOCUMENTS, st.sampled_from(["", "state"]))
def test_normalising_twice_changes_nothing(document: dict[str, Any], foreign_state: str) -> None:
    rules = mapper.mapper(json.dumps({"event_code": "x", "hashes": {"only": "send"}}))
    once = rules.decide(document, foreign_state)
    if once.verdict is not Verdict.SEND:
        return
    fields = dict(once.fields)
    if "countryid" not in fields:
        fields.pop("state", None)  # which country's it is was told by its ISO 3166-2 code alone
    twice = rules.decide(fields, foreign_state)
    assert twice.fields == fields
    assert twice.email_hash == once.email_hash
    assert not [text for _, text in twice.remarks if not text.startswith("sent as")]


# Texts that say nothing, and salutations, are tested by themselves: see test_candidates.py.
TIDY = st.text(
    st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12
).filter(lambda text: texts.is_text(text) and not texts.is_salutation(text))


@any_json
@given(
    st.fixed_dictionaries(
        {"email": st.just("ada@example.com"), "countryid": st.just("US"), "state": st.just("UT")}
        | {name: TIDY for name in attendee.FIELDS if name not in ("email", "countryid", "state")}
    )
)
def test_a_flat_profile_with_the_twelve_fields_comes_out_as_it_went_in(
    document: dict[str, str],
) -> None:
    decision = decided(document)
    assert decision.fields == document
    assert decision.remarks == ()


@any_json
@given(FLAT)
def test_a_flat_profile_only_gains_spelling(document: dict[str, str]) -> None:
    decision = decided(document)
    assert decision.verdict is Verdict.SEND
    assert decision.fields.keys() <= {*document, "foreignstate"}
    told = {name for name, _ in decision.remarks} | {"email", "foreignstate"}
    for name, text in decision.fields.items():
        assert name in told or text == document[name]


# --- one person, one group ----------------------------------------------------------------------

SPELLINGS = [
    "jos\u00e9@example.com",
    " JOS\u00c9@Example.COM\n",
    "jose\u0301@example.com",
    "\tJOSE\u0301@EXAMPLE.com ",
]
EMAIL_HASH = attendee.sha256_of("jos\u00e9@example.com")
FORMS: list[Any] = [
    lambda address: {"email": address},
    lambda address: {"contact": address, "email": "somebody.else@example.com"},
    lambda address: {"attributes": {"email": {"value": address}}},
    lambda address: {"xdm:personalEmail": {"xdm:address": address}},
    lambda address: {"xdm": prefixed({"workEmail": {"address": address}})},
    lambda address: {"entity": {"identityMap": {"EMAIL": [{"id": address}]}}},
    lambda address: {"identities": [{"namespace": {"code": "Email"}, "value": address}]},
    lambda address: {"context": {"traits": {"email": address}}},
    lambda address: {
        "identityMap": {
            "Email": [{"id": "other@example.com"}, {"id": address, "primary": True}],
            "email_lc_sha256": [{"id": "0" * 64}],
        }
    },
]
ONE_PERSON = [
    *[form(address) for form in FORMS for address in SPELLINGS],
    {"email": EMAIL_HASH},
    {"email": f" {EMAIL_HASH.upper()}"},
    {"contact": EMAIL_HASH},
    {"identityMap": {"Email_LC_SHA256": [{"id": EMAIL_HASH}]}},
    {"identities": [{"type": "email_lc_sha256", "id": EMAIL_HASH}]},
    {"attributes": {"email_lc_sha256": EMAIL_HASH}},
]


@pytest.mark.parametrize("n", range(len(ONE_PERSON)))
def test_one_person_has_one_group_in_ingest_and_one_key_in_the_ledger(
    stack: Aws, harness: DeliveryHarness, n: int
) -> None:
    ingest = stack.ingest()
    body = json.dumps(ONE_PERSON[n])
    assert ingest.push(HttpRequest("push", "mapped", HEADERS, body)).status == 202
    [sent] = stack.sqs.profiles
    [outcome] = harness.deliver(message(n, destination="mapped", body=sent.body))
    assert outcome.kind is OutcomeKind.DELIVERED
    key = attendee.key(HASH_KEY, "mapped", EMAIL_HASH)
    assert sent.group == key
    assert harness.noted.keys() == {f"attendee#{key}"}


@any_json
@given(DOCUMENTS, st.sampled_from(sorted(DESTINATIONS)))
@example({"address1": [{"personalEmail": "ada@example.com"}]}, "default")
@example({"": [{"email": "ada@example.com"}, {"email": "bob@example.com"}]}, "default")
def test_ingest_and_delivery_agree_on_who_anybody_is(
    stack: Aws, document: dict[str, Any], destination: str
) -> None:
    stack.sqs.profiles.clear()
    ingest = stack.ingest()
    number = str(len(stack.sqs.calls))
    answer = ingest.push(
        HttpRequest(f"push-{number}", destination, HEADERS, json.dumps([document]))
    )
    maps_email = "mapping" in DESTINATIONS[destination]
    pieces = bodies.split(json.dumps([document]), maps_email=maps_email)
    decisions = [decided(each.profile, destination) for each in pieces if each.profile is not None]
    deliverable = [each for each in decisions if each.verdict is not Verdict.REJECT]
    assert answer.body.get("accepted") == len(deliverable)
    for sent, decision in zip(stack.sqs.profiles, deliverable, strict=True):
        key = attendee.key(HASH_KEY, destination, decision.email_hash)
        assert sent.group == key
