import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from attendee_sync.ingest.api import HttpRequest, HttpResponse, to_lambda
from attendee_sync.ingest.preview import Preview
from attendee_sync.rainfocus.connection import Connection
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, delivery_harness, message
from tests.support.shapes import ADA, SHAPES, without
from tests.support.stack import CREDENTIALS, HASH_KEY, INGEST_TOKEN, STACK, Aws, changed, token

HEADERS = {"authorization": f"Bearer {INGEST_TOKEN}", "content-type": "application/json"}
TAKEN = "delivered, if RainFocus takes it"
LEFT = {"ups": {"audience-1": {"status": "exited"}}}
MEMBER = {"ups": {"audience-1": {"status": "realized"}}}
HASH_ONLY = {"identityMap": {"email_lc_sha256": [{"id": "5" * 64}]}}
OWN: dict[str, Any] = {
    "event_code": "summit2027",
    "mapping": {
        "email": "contact || email",
        "jobtitle": {"write": "omit"},
        "phone": {"value": "phone", "write": "clear_on_null"},
        "source": {"value": "AEP", "write": "constant"},
        "custom.tier": "loyalty.tier",
    },
    "not_normalised": ["city"],
    "hashes": {"only": "send", "field": "hashedEmail"},
    "filter": "!has_opted_out(@, 'marketing.email') && country != 'XX'",
    "exits": {"action": "set", "fields": {"status": "left"}},
}
FOREIGN = ADA | {"countryid": "DE", "state": "Bavaria", "city": " München  "}
PROFILES: list[dict[str, Any]] = [
    *SHAPES.values(),
    FOREIGN,
    {"contact": "BEN@example.com ", "phone": None, "loyalty": {"tier": 3}},
    {"email": "ben@example.com", "firstName": " B ", "country": "Ruritania", "city": "  "},
    {"firstName": "Nobody"},
    {"email": "ben@example.invalid"},
    {"email": "ben@example.com", "segmentMembership": LEFT},
    {"email": "ben@example.com", "consents": {"marketing": {"email": {"val": "n"}}}},
    {"email": "ben@example.com", "firstName": "half a \ud800 character"},
    HASH_ONLY,
    HASH_ONLY | {"firstName": "Ben"},
]


@pytest.fixture
def preview(aws: Aws) -> Preview:
    return Preview(aws.settings())


@pytest.fixture
def harness(aws: Aws) -> Iterator[DeliveryHarness]:
    with delivery_harness(aws) as made:
        yield made


def request(*profiles: object, **changes: Any) -> HttpRequest:
    return replace(HttpRequest("push", "default", HEADERS, json.dumps(profiles)), **changes)


def foreseen(answer: HttpResponse) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = json.loads(json.dumps(answer.body))["profiles"]
    return found


# --- what it shows ------------------------------------------------------------------------------


def test_it_shows_all_that_leads_to_an_attendee(preview: Preview) -> None:
    [shown] = foreseen(preview.preview(request({"email": " Ada@Example.com", "country": "usa"})))
    attendee = {"email": "ada@example.com", "countryid": "US"}
    assert shown == {
        "index": 0,
        "outcome": TAKEN,
        "reason": "",
        "detail": "",
        "attendee": attendee,
        "sources": {
            "email": "the e-mail rule",
            "countryid": "country",
        },
        "remarks": [{"field": "countryid", "text": "normalised"}],
        "unread": [],
        "request": {
            "method": "POST",
            "url": "https://events.rainfocus.com/api/acme/v3/attendee/store",
            "headers": {
                "Accept": "application/json",
                "Authorization": "Bearer <access token>",
                "apiProfile": "<client id>",
            },
            "body": {"event": "summit2027", **attendee},
        },
    }


def test_each_field_says_what_gave_it(aws: Aws, preview: Preview) -> None:
    aws.set_destination("default", **OWN)
    aws.set_connection("default", changed(fields={"foreign_state": "foreignstate"}))
    profiles = [FOREIGN, {"email": "ada@example.com", "segmentMembership": LEFT}, HASH_ONLY]
    found = [each["sources"] for each in foreseen(preview.preview(request(*profiles)))]
    assert (
        found[0].items()
        >= {
            "email": "contact || email",
            "source": "a constant",
            "city": "city",
            "foreignstate": "state",
        }.items()
    )
    assert found[1] == {"email": "contact || email", "status": "exits"}
    assert found[2] == {
        "hashedEmail": "the hash of the e-mail address that was pushed",
        "source": "a constant",
    }


def test_it_tells_every_outcome(aws: Aws, preview: Preview) -> None:
    aws.set_destination("default", **OWN, description="")
    profiles = [
        {"email": "ben@example.com"},
        {"email": "ben@example.com", "segmentMembership": LEFT},
        {"email": "ben@example.com", "country": "XX"},
        {},
        7,
        {"email": "ben@example.com", "n": "x" * 1_000_000},
        {"email": "ben@example.com", "n": "\uffff" * 200_000},
    ]
    found = foreseen(preview.preview(request(body=json.dumps(profiles, ensure_ascii=False))))
    assert [(each["outcome"], each["reason"]) for each in found] == [
        (TAKEN, ""),
        ("delivered, if the attendee was delivered before; else filtered", "left_audience"),
        ("filtered", "filter"),
        ("rejected", "missing_email"),
        ("rejected", "malformed"),
        ("rejected", "too_large"),
        ("rejected", "too_large"),
    ]
    assert [each.get("request") is not None for each in found] == [True, True, *[False] * 5]


@pytest.mark.parametrize(
    "settings",
    [
        {"body": {"kind": "json"}, "event": {"place": "both"}},
        {"body": {"kind": "form"}, "event": {"place": "query"}},
        {"body": {"kind": "array"}, "api_profile": {"place": "query"}},
        {"body": {"kind": "wrapped"}, "api_profile": {"place": "both", "value": "profile_token"}},
        {"auth": {"kind": "profile_token"}, "api_profile": {"place": "header"}},
        {"fields": {"match_key": "clientId", "match_value": "email_sha256"}},
        {"fields": {"names": {"state": "stateId"}, "constants": {"lang": "en"}}},
    ],
)
@pytest.mark.parametrize(
    "destination",
    [{"event_code": "summit2027"}, OWN, {"event_code": "a", "required_consents": ["share"]}],
)
def test_it_shows_what_delivery_does(
    aws: Aws,
    harness: DeliveryHarness,
    preview: Preview,
    settings: dict[str, Any],
    destination: dict[str, Any],
) -> None:
    """One code decides, so that attendee, request and reason are the same."""
    fields = {"foreign_state": "foreignstate", **settings.get("fields", {})}
    connection = changed(**{**settings, "fields": fields})
    aws.set_connection("default", connection)
    aws.set_destination("default", **destination)
    for n, profile in enumerate(PROFILES):
        [shown] = foreseen(preview.preview(request(profile)))
        harness.rainfocus.calls.clear()
        for item in harness.noted.values():
            item["mapping_version"] = {"S": "an older one"}
        [outcome] = harness.deliver(message(n, body=json.dumps(profile)))
        if outcome.kind.value != "delivered":
            assert not harness.rainfocus.calls
            assert shown["outcome"].endswith(outcome.kind.value)
            assert outcome.reason == shown["reason"]
            continue
        assert shown["outcome"].startswith("delivered")
        [call] = harness.rainfocus.calls
        assert body_of(call, connection) == shown["request"]["body"]
        assert call.method == shown["request"]["method"]
        assert call.headers.keys() >= shown["request"]["headers"].keys()
        called, promised = urlsplit(call.url), urlsplit(shown["request"]["url"])
        assert called[:3] == promised[:3]
        assert names_in(called.query) == names_in(promised.query)
        told = {(remark["field"], remark["text"]) for remark in shown["remarks"]}
        assert told == set(outcome.remarks)


def names_in(query: str) -> set[str]:
    return set(parse_qs(query, keep_blank_values=True))


def body_of(call: fakes.Call, connection: Connection) -> object:
    if connection.body.kind == "form":
        parsed = parse_qs(call.body, keep_blank_values=True)
        return {name: value for name, [value] in parsed.items()}
    return call.json


# --- what it never does -------------------------------------------------------------------------


def test_it_only_reads(aws: Aws, preview: Preview) -> None:
    foreseen(preview.preview(request(*PROFILES)))
    assert {name for name, _ in aws.ssm.calls} == {"GetParameter"}
    assert {name for name, _ in aws.secrets.calls} == {"GetSecretValue"}
    assert {read["SecretId"] for _, read in aws.secrets.calls} == {f"{STACK}/ingest-token"}
    assert not aws.sqs.calls
    assert not aws.dynamodb.calls
    assert not aws.functions.calls


def test_it_shows_no_secret_and_logs_nobody(
    aws: Aws, preview: Preview, output: Callable[[], str]
) -> None:
    profile = {"place": "both", "value": "profile_token"}
    aws.set_connection("default", changed(api_profile=profile))
    answer = json.dumps(preview.preview(request(*PROFILES)).body)
    secrets = [INGEST_TOKEN, HASH_KEY, CREDENTIALS.client_id, CREDENTIALS.client_secret]
    assert not any(secret in answer for secret in [*secrets, token().value])
    assert "example" not in output()


# --- who may ask, and for what ------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": without(HEADERS, "authorization")},
        {"headers": HEADERS | {"authorization": "Bearer wrong"}},
        {"headers": HEADERS | {"authorization": f"Basic {INGEST_TOKEN}"}},
        {"headers": HEADERS | {"content-type": "text/html"}},
        {"destination": "nowhere"},
        {"destination": "../connections/default"},
        {"body": ""},
        {"body": '{"email": }'},
        {"body": "[]"},
        {"body": "[1]"},
        {"body": "not base64!", "is_base64": True},
        {"body": json.dumps([ADA] * 1_001)},
        {"body": json.dumps(ADA | {"n": "x" * 1_000_000})},
        {"body": "x" * 4_500_001},
    ],
)
def test_it_refuses_what_ingest_refuses(aws: Aws, preview: Preview, changes: Any) -> None:
    ingest = aws.ingest()
    answer = preview.preview(request(ADA, **changes))
    assert answer == ingest.push(request(ADA, **changes))
    assert 400 <= answer.status < 500


def test_the_token_before_the_last_rotation_still_works(aws: Aws, preview: Preview) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    assert preview.preview(request(ADA)).status == 200


def test_a_body_in_base64_is_taken(preview: Preview) -> None:
    body = base64.b64encode(json.dumps(ADA).encode()).decode()
    [shown] = foreseen(preview.preview(request(body=body, is_base64=True)))
    assert shown["attendee"] == ADA


@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_it_can_be_put_off(aws: Aws, preview: Preview, service: str) -> None:
    aws.client(service).always = fakes.denied("ThrottlingException")
    answer = preview.preview(request(ADA))
    assert (answer.status, answer.headers) == (503, {"Retry-After": "5"})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("destinations", "broken", ["Destination: Invalid JSON"]),
        ("destinations", "{}", ["event_code: Field required"]),
        (
            "destinations",
            '{"event_code": "x", "mapping": {"city": "a ||", "zip": "b["}, "filter": "no()"}',
            ["mapping.city: ", "position 4: a ||", "mapping.zip: ", "filter: ", "there is no no"],
        ),
        ("destinations", '{"event_code": "x", "connection": "gone"}', ["unknown connection: gone"]),
        ("connections", "{}", ["org_id: Field required"]),
        (
            "connections",
            '{"org_id": "a", "base_url": "https://*.example.com"}',
            ["no request can be made"],
        ),
        (
            "connections",
            '{"org_id": "a", "base_url": "http://rf.example.com"}',
            ["base_url: Value error, https://, since http:// shows the secrets"],
        ),
    ],
)
def test_bad_settings_are_told_with_all_their_faults(
    aws: Aws, preview: Preview, name: str, text: str, said: list[str]
) -> None:
    aws.ssm.parameters[f"/{STACK}/{name}/default"] = text
    answer = preview.preview(request(ADA))
    assert answer.status == 409
    assert all(each in str(answer.body["message"]) for each in said)
    assert "profiles" not in answer.body


LAMBDA_ANSWER = 6_291_556  # bytes
WIDE: dict[str, Any] = {"email": "ada@example.com", "firstName": "é" * 400, "city": '"' * 400}


@pytest.mark.parametrize(
    ("profiles", "detailed"),
    [
        ([{**WIDE, "email": f"p{n}@example.com"} for n in range(1_000)], range(1, 1_000)),
        ([{"email": "ada@example.com", "firstName": "é" * 490_000}, WIDE], range(1, 3)),
        ([{"email": "ada@example.com", "firstName": '"' * 490_000}, WIDE], range(1, 3)),
        ([WIDE], range(1, 2)),
    ],
    ids=["many", "one of accents", "one of quotation marks", "small"],
)
def test_an_answer_that_would_be_too_large_keeps_every_outcome(
    preview: Preview, profiles: list[dict[str, Any]], detailed: range
) -> None:
    body = json.dumps(profiles, ensure_ascii=False)
    given = preview.preview(request(body=body))
    assert len(json.dumps(to_lambda(given), ensure_ascii=False).encode()) <= LAMBDA_ANSWER
    found = foreseen(given)
    assert [each["index"] for each in found] == list(range(len(profiles)))
    assert all(each["outcome"] == TAKEN for each in found)
    whole = [each for each in found if "attendee" in each]
    assert len(whole) in detailed
    for each in found:
        assert ("details left out" in each.get("note", "")) is (each not in whole)
