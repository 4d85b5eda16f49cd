"""Every event in events/ goes through its real handler, with fakes around it."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from tests.support import fakes
from tests.support.functions import EVENTS, Context, Handle, event_of
from tests.support.stack import CONNECTION, STACK, Aws, token

pytestmark = pytest.mark.usefixtures("at_the_time_of_the_events", "no_sockets", "output")


@dataclass(frozen=True)
class Push:
    """What ingest must make of an event."""

    status: int
    queued: int = 0
    dead: list[str] = field(default_factory=list)
    message: str = ""


@dataclass(frozen=True)
class Preview:
    """What preview must make of an event."""

    status: int
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    message: str = ""


@dataclass(frozen=True)
class Batch:
    """What delivery must make of an event."""

    stored: list[str]
    dead: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Refresh:
    """What token_refresh must make of an event."""

    state: str
    fetched: int


@dataclass(frozen=True)
class Balance:
    """What accounting must tell."""

    without_end: int
    in_lanes: int


EXPECTED: dict[str, Push | Preview | Batch | Refresh | Balance] = {
    "ingest-object": Push(202, queued=1),
    "ingest-array": Push(202, queued=3),
    "ingest-profiles": Push(202, queued=2),
    "ingest-ndjson-base64": Push(202, queued=2),
    "ingest-some-unusable": Push(
        202,
        queued=2,
        dead=[
            "missing_email",
            "malformed",
            "malformed",
        ],
    ),
    "ingest-not-json": Push(400, message="not JSON: Expecting value (line 2, column 15)"),
    "ingest-empty": Push(400, message="the body is empty"),
    "ingest-wrong-content-type": Push(
        415, message="Content-Type must be application/json or application/x-ndjson"
    ),
    "ingest-unauthorised": Push(
        401, message="an Authorization header with the ingest token is missing"
    ),
    "ingest-wrong-token": Push(403, message="the ingest token is wrong"),
    "ingest-unknown-destination": Push(404, message="unknown destination: nowhere"),
    "ingest-health": Push(200),
    "preview-object": Preview(200, [("delivered, if RainFocus takes it", "")]),
    "preview-each-outcome": Preview(
        200,
        [
            ("delivered, if RainFocus takes it", ""),
            ("rejected", "missing_email"),
            ("filtered", "left_audience"),
            ("rejected", "only_hash"),
            ("rejected", "malformed"),
        ],
    ),
    "preview-not-json": Preview(400, message="not JSON: Expecting value (line 2, column 15)"),
    "preview-unauthorised": Preview(
        401, message="an Authorization header with the ingest token is missing"
    ),
    "preview-wrong-token": Preview(403, message="the ingest token is wrong"),
    "preview-unknown-destination": Preview(404, message="unknown destination: nowhere"),
    "delivery-batch": Batch(
        stored=[
            "ada.marlow@example.com",
            "ben.ohara@example.org",
            "dana.okafor@example.com",
            "finn.reyes@example.com",
        ]
    ),
    "delivery-undecodable": Batch(stored=["finn.reyes@example.com"], dead=["malformed"]),
    "delivery-unusable": Batch(stored=[], dead=["missing_email", "unknown_destination"]),
    "token-refresh-schedule": Refresh("good", fetched=0),
    "token-refresh-asked": Refresh("refreshed", fetched=1),
    "accounting-schedule": Balance(without_end=0, in_lanes=0),
}


def names(kind: type) -> list[str]:
    return [name for name, each in EXPECTED.items() if isinstance(each, kind)]


def test_every_event_has_an_expectation() -> None:
    assert {path.stem for path in EVENTS.iterdir()} == set(EXPECTED)


def answered(answer: dict[str, Any], status: int) -> dict[str, Any]:
    """Return the body of an answer of that status."""
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/json"
    assert ("WWW-Authenticate" in answer["headers"]) == (status == 401)
    body: dict[str, Any] = json.loads(answer["body"])
    return body


@pytest.mark.parametrize("name", names(Push))
def test_ingest_answers(aws: Aws, handle: Handle, name: str) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Push)
    context = Context()
    body = answered(handle(name, context), expected.status)
    assert body.get("message", "").endswith(expected.message)
    assert len(aws.sqs.profiles) == expected.queued
    assert [
        dead_letter.attributes["reason"] for dead_letter in aws.sqs.dead_letters
    ] == expected.dead
    if expected.status == 202:
        assert body["accepted"] == expected.queued
        assert [each["reason"] for each in body["rejected"]] == expected.dead
    if name != "ingest-health":
        assert body["requestId"] == context.aws_request_id


def test_a_second_push_is_queued_though_the_api_gives_it_the_same_request_id(
    aws: Aws, handle: Handle
) -> None:
    """`sam local start-api` never changes it, and on AWS a sender can set it by a header.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-access-logging.html
    """
    for _ in range(2):
        assert handle("ingest-object")["statusCode"] == 202
    assert len({sent.deduplication_id for sent in aws.sqs.profiles}) == 2


def test_an_invocation_that_lambda_runs_again_queues_its_profiles_once(
    aws: Aws, handle: Handle
) -> None:
    again = Context()
    for _ in range(2):
        assert handle("ingest-object", again)["statusCode"] == 202
    assert len(aws.sqs.profiles) == 1


@pytest.mark.parametrize("name", [name for name in names(Push) if name != "ingest-health"])
def test_what_is_queued_is_what_was_pushed(aws: Aws, handle: Handle, name: str) -> None:
    event = event_of(name)
    body = event["body"] or ""
    text = base64.b64decode(body).decode() if event["isBase64Encoded"] else body
    handle(name)
    assert all(sent.body in text for sent in aws.sqs.profiles + aws.sqs.dead_letters)


def test_health_needs_nothing_of_aws(aws: Aws, handle: Handle) -> None:
    answer = handle("ingest-health")
    assert json.loads(answer["body"]) == {"status": "ok"}
    assert not aws.ssm.calls
    assert not aws.secrets.calls


@pytest.mark.parametrize("name", names(Preview))
def test_preview_answers(aws: Aws, rainfocus: fakes.Http, handle: Handle, name: str) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Preview)
    context = Context()
    body = answered(handle(name, context), expected.status)
    assert body["requestId"] == context.aws_request_id
    assert body.get("message", "").endswith(expected.message)
    profiles = body.get("profiles", [])
    assert [(each["outcome"], each["reason"]) for each in profiles] == expected.outcomes
    assert [each["index"] for each in profiles] == list(range(len(expected.outcomes)))
    assert rainfocus.calls == []
    assert not aws.sqs.calls
    assert not aws.dynamodb.calls


@pytest.mark.parametrize("name", names(Batch))
def test_delivery_stores(aws: Aws, rainfocus: fakes.Http, handle: Handle, name: str) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Batch)
    assert handle(name) == {"batchItemFailures": []}
    assert sorted(call.json["email"] for call in rainfocus.calls) == expected.stored
    reasons = sorted(dead_letter.attributes["reason"] for dead_letter in aws.sqs.dead_letters)
    assert reasons == expected.dead
    assert aws.sqs.hidden == {}


def test_of_one_persons_two_profiles_the_later_wins(rainfocus: fakes.Http, handle: Handle) -> None:
    handle("delivery-batch")
    cities = [
        call.json["city"]
        for call in rainfocus.calls
        if call.json["email"] == "ada.marlow@example.com"
    ]
    assert cities == ["Provo"]


def test_only_what_must_be_received_again_is_reported(
    aws: Aws, rainfocus: fakes.Http, handle: Handle
) -> None:
    rainfocus.reply = lambda call: fakes.Reply(503) if "ada" in call.body else fakes.stored()
    records = event_of("delivery-batch")["Records"]
    failed = [records[0], records[4]]
    assert handle("delivery-batch")["batchItemFailures"] == [
        {"itemIdentifier": each["messageId"]} for each in failed
    ]
    assert set(aws.sqs.hidden) == {each["receiptHandle"] for each in failed}


def test_outcomes_are_counted_by_destination(handle: Handle, output: Callable[[], str]) -> None:
    handle("delivery-unusable")
    metrics = [line for line in map(json.loads, output().splitlines()) if "_aws" in line]
    counted = {
        (line["destination"], line["outcome"]): line["Profiles"]
        for line in metrics
        if "Profiles" in line
    }
    assert counted == {("default", "rejected"): [1.0], ("nowhere", "rejected"): [1.0]}
    undelivered = {
        (line["destination"], line["outcome"], line["reason"]): line["Undelivered"]
        for line in metrics
        if "Undelivered" in line
    }
    assert undelivered == {
        ("default", "rejected", "missing_email"): [1.0],
        ("nowhere", "rejected", "unknown_destination"): [1.0],
    }


def test_how_old_profiles_are_and_how_long_rainfocus_takes_is_measured(
    handle: Handle, output: Callable[[], str]
) -> None:
    handle("delivery-batch")
    metrics = [line for line in map(json.loads, output().splitlines()) if "Profiles" in line]
    assert {line["outcome"] for line in metrics} == {"delivered"}
    for line in metrics:
        assert len(line["Age"]) == line["Profiles"][0]
        assert all(age > 0 for age in line["Age"])
    calls = [latency for line in metrics for latency in line["RainFocusLatency"]]
    assert len(calls) == 4  # two of one attendee went together
    assert all(latency > 0 for latency in calls)


def test_fields_that_are_left_out_are_counted_with_their_reason(
    aws: Aws, handle: Handle, output: Callable[[], str]
) -> None:
    country = {"value": "Atlantis", "write": "constant"}
    aws.set_destination("default", event_code="summit2027", mapping={"countryid": country})
    handle("delivery-batch")
    metrics = [line for line in map(json.loads, output().splitlines()) if "_aws" in line]
    left_out = [line for line in metrics if "FieldsLeftOut" in line]
    assert sum(line["FieldsLeftOut"][0] for line in left_out) == 5
    assert {(line["destination"], line["field"]) for line in left_out} == {("default", "countryid")}
    reason = "left out: not a country of ISO 3166-1, by code or name"
    assert {line["reason"] for line in left_out} == {reason}
    assert "Atlantis" not in json.dumps(metrics)


@pytest.mark.parametrize("name", names(Refresh))
def test_token_refresh_looks_after_tokens(
    aws: Aws, rainfocus: fakes.Http, handle: Handle, name: str
) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Refresh)
    members = {"connection": "default", "state": expected.state, "cause": "", "reason": ""}
    assert handle(name) == {"results": [members]}
    assert len(rainfocus.calls) == expected.fetched
    assert aws.stored_token().value == ("granted" if expected.fetched else token().value)


@pytest.mark.parametrize("name", names(Balance))
def test_accounting_tells_the_balance(handle: Handle, name: str) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Balance)
    told = handle(name)
    assert told.pop("since")
    assert told == {"missing": 0, **asdict(expected)}


def test_tokens_are_counted_by_what_became_of_them(
    aws: Aws, handle: Handle, output: Callable[[], str]
) -> None:
    for name in ("new", "bad"):
        aws.set_connection(name, CONNECTION)
        aws.secrets.versions[f"{STACK}/credentials/{name}"] = ["{}"]
    text = aws.secrets.versions[f"{STACK}/credentials/default"][-1]
    aws.secrets.rotate(f"{STACK}/credentials/new", text)
    results = handle("token-refresh-schedule")["results"]
    assert [(each["connection"], each["state"], each["cause"]) for each in results] == [
        ("bad", "failed", "credentials"),
        ("default", "good", ""),
        ("new", "refreshed", ""),
    ]
    metrics = [line for line in map(json.loads, output().splitlines()) if "_aws" in line]
    counted = {
        (line["connection"], line["state"]): line["AccessTokens"]
        for line in metrics
        if "AccessTokens" in line
    }
    assert counted == {
        ("bad", "failed"): [1.0],
        ("default", "good"): [1.0],
        ("new", "refreshed"): [1.0],
    }
    ends = {line["connection"]: line for line in metrics if "TokenSecondsLeft" in line}
    assert set(ends) == {"default", "new"}  # of the other no token is known
    assert all(line["TokenSecondsLeft"][0] > 0 for line in ends.values())
    assert {line["TokenEndsSoon"][0] for line in ends.values()} == {0.0}


@pytest.mark.parametrize(
    "name",
    [
        "delivery-batch",
        "delivery-unusable",
        "ingest-array",
        "ingest-unauthorised",
        "token-refresh-schedule",
    ],
)
def test_every_metric_is_one_of_its_stack(
    handle: Handle, output: Callable[[], str], name: str
) -> None:
    handle(name)
    metrics = [line for line in map(json.loads, output().splitlines()) if "_aws" in line]
    assert metrics
    for line in metrics:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        own, whole = directive["Dimensions"]
        assert {"stack", "service"} < set(own)
        assert whole == ["stack"]
        assert line["stack"] == STACK


def test_the_average_of_the_percents_is_the_rate(
    aws: Aws, handle: Handle, output: Callable[[], str]
) -> None:
    aws.set_destination("default", event_code="summit2027", filter="consents")
    handle("delivery-batch")
    lines = [json.loads(line) for line in output().splitlines()]
    ended = [line for line in lines if line.get("message") == "profile settled"]
    failed = [value for line in lines for value in line.get("FailedPercent", [])]
    skipped = [value for line in lines for value in line.get("SkippedPercent", [])]
    assert {line["outcome"] for line in ended} == {"filtered"}
    # What a filter leaves out is left out on purpose.
    assert (len(failed), set(failed), set(skipped)) == (len(ended), {0.0}, {0.0})


def test_delivery_asks_with_an_event_like_the_example(
    aws: Aws, rainfocus: fakes.Http, handle: Handle
) -> None:
    rainfocus.reply = fakes.Reply(401)
    handle("delivery-batch")
    assert aws.functions.payloads == [event_of("token-refresh-asked")]


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)
    elif isinstance(value, str):
        try:
            yield from strings(json.loads(value))
        except ValueError:
            yield from value.split()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_nothing_personal_of_an_event_is_logged(
    handle: Handle, output: Callable[[], str], name: str
) -> None:
    event = event_of(name)
    bodies = [record["body"] for record in event.get("Records", [event]) if record.get("body")]
    if event.get("isBase64Encoded"):
        bodies = [line for body in bodies for line in base64.b64decode(body).decode().splitlines()]
    # Short numbers could stand in a time or a trace id by chance.
    private = {
        text
        for body in bodies
        for text in strings(body)
        if len(text) > 12 or (len(text) > 3 and re.search("[g-zA-Z]", text))
    }
    assert private or not bodies
    handle(name)
    written = output()
    found = {text for text in private if text in written}
    assert found <= {"realized"}
    assert "not-a-real" not in written


@pytest.mark.parametrize("name", names(Push) + names(Preview))
def test_requests_have_the_format_of_api_gateway(name: str) -> None:
    event = event_of(name)
    context = event["requestContext"]
    assert event["resource"] == context["resourcePath"]
    assert event["httpMethod"] == context["httpMethod"]
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})
    assert context["path"] == f"/{context['stage']}{event['path']}"
    assert event["multiValueHeaders"] == {
        header: [value] for header, value in event["headers"].items()
    }
    assert isinstance(event["isBase64Encoded"], bool)


@pytest.mark.parametrize("name", names(Batch))
def test_delivery_events_have_the_format_of_a_fifo_queue(name: str) -> None:
    records = event_of(name)["Records"]
    for record in records:
        assert record["eventSource"] == "aws:sqs"
        assert record["eventSourceARN"].endswith(".fifo")
        assert {"messageId", "receiptHandle", "md5OfBody", "awsRegion"} <= record.keys()
        assert record["attributes"].keys() == {
            "ApproximateReceiveCount",
            "ApproximateFirstReceiveTimestamp",
            "MessageDeduplicationId",
            "MessageGroupId",
            "SenderId",
            "SentTimestamp",
            "SequenceNumber",
        }
        assert all(isinstance(each, str) for each in record["attributes"].values())
    sequences = [int(record["attributes"]["SequenceNumber"]) for record in records]
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize("name", names(Batch))
def test_delivery_events_carry_the_attributes_that_ingest_sets(
    aws: Aws, handle: Handle, name: str
) -> None:
    handle("ingest-object")
    [sent] = aws.sqs.profiles
    for record in event_of(name)["Records"]:
        assert record["messageAttributes"].keys() == sent.attributes.keys()
