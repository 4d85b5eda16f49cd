import json
from typing import Any

import pytest
import requests

from local.simulator.faults import Effect, Fault
from local.traffic.people import people, pushes
from tests.support.local import Local, until


def _profile(email: str, **attributes: Any) -> dict[str, Any]:
    return {"email": email, **attributes}


def test_health_answers_without_a_token(local: Local) -> None:
    url, headers = local.stack.api_url("/v1/health")

    answer = requests.get(url, headers=headers, timeout=30)

    # The local cloud leaves out the body of a mock integration; the template's is a contract test.
    assert answer.status_code == 200


def test_every_shape_becomes_the_attendee_that_was_pushed(local: Local) -> None:
    everyone = people(62, seed=7)
    expected = {each.attendee["email"]: each.attendee for each in everyone if not each.reason}

    answers = [local.push(push.body) for push in pushes(everyone)]

    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == len(expected)
    until(lambda: expected.keys() <= local.attendees().keys(), "all attendees are stored")
    stored = local.attendees()
    assert {email: stored[email].fields for email in expected} == expected


def test_newline_delimited_json_is_taken_line_by_line(local: Local) -> None:
    body = '{"email": "line-1@example.com"}\nnot JSON\n{"email": "line-2@example.com"}\n'

    answer = local.push(body, content_type="application/x-ndjson")

    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [each["index"] for each in answer.json()["rejected"]] == [1]
    local.wait_for_attendee("line-1@example.com")
    local.wait_for_attendee("line-2@example.com")
    assert local.wait_for_dead_letter(answer.json()["requestId"]).message.body == "not JSON"


def test_an_unusable_profile_does_not_spoil_the_others(local: Local) -> None:
    unusable = {"firstname": "Nobody", "identityMap": {"ecid": [{"id": "0813"}]}}

    answer = local.push([_profile("good@example.com"), unusable, "a string"])

    assert answer.status_code == 202
    assert answer.json()["rejected"] == [
        {
            "index": 1,
            "reason": "missing_email",
            "detail": "no e-mail address under email, email address"
            " or a name like them, nor in identityMap",
        },
        {
            "index": 2,
            "reason": "malformed",
            "detail": "a profile is a JSON object, not a string",
        },
    ]
    local.wait_for_attendee("good@example.com")
    dead_letter = local.wait_for_dead_letter(answer.json()["requestId"])
    assert (dead_letter.message.body, dead_letter.reason) in (
        (json.dumps(unusable), "missing_email"),
        ('"a string"', "malformed"),
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("[]", 400),
        ("7", 400),
        ('"a string"', 400),
        ("{not JSON", 400),
        (b"\xff\xfe", 400),
        ("[" * 100_000, 400),
        (json.dumps([{"email": "a@example.com"}] * 10_000), 413),
        (json.dumps({"email": "a@example.com", "padding": "x" * 6_000_000}), 413),
    ],
    ids=["empty", "[]", "number", "string", "not JSON", "not UTF-8", "deep", "10,000", "6 MB"],
)
def test_a_body_without_profiles_is_refused(local: Local, body: str | bytes, status: int) -> None:
    answer = local.push(body)

    assert answer.status_code == status
    assert answer.json()["message"]


def test_who_may_push_where(local: Local) -> None:
    profile = _profile("nobody@example.com")

    assert local.push(profile, authorization=None).status_code == 401
    assert local.push(profile, authorization="Basic abc").status_code == 401
    assert local.push(profile, authorization="Bearer wrong").status_code == 403
    assert local.push(profile, destination="unknown").status_code == 404
    assert local.push(profile, destination="Odd_Näme").status_code == 404
    assert local.push(profile, content_type="text/csv").status_code == 415
    local.wait_until_idle()
    assert "nobody@example.com" not in local.attendees()


def test_the_ingest_token_can_be_rotated_without_losing_a_push(local: Local) -> None:
    before = local.stack.ingest_token()
    local.stack.client("secretsmanager").put_secret_value(
        SecretId=local.stack.outputs["IngestTokenSecret"], SecretString="a-new-ingest-token"
    )

    with_old = local.push(_profile("old@example.com"), authorization=f"Bearer {before}")
    until(
        lambda: local.push(_profile("new@example.com")).status_code == 202,
        "the new token is taken",
    )

    assert with_old.status_code == 202
    assert local.push(_profile("old@example.com"), authorization=f"Bearer {before}").ok


def test_a_persons_updates_take_effect_in_order(local: Local) -> None:
    for push in range(3):
        updates = [_profile("ordered@example.com", city=f"{push}-{n}") for n in range(12)]
        assert local.push([*updates, _profile(f"other-{push}@example.com")]).status_code == 202

    until(
        lambda: (
            "ordered@example.com" in local.attendees()
            and local.attendees()["ordered@example.com"].fields["city"] == "2-11"
        ),
        "the last update is stored",
    )
    local.wait_until_idle()
    assert local.attendees()["ordered@example.com"].fields["city"] == "2-11"


def test_a_passing_fault_delays_and_loses_nothing(local: Local) -> None:
    effect = Effect(status=503, retry_after=1)
    local.simulator.add_fault(
        Fault(call="attendee/store", email="patient@example.com", times=2, effect=effect)
    )

    request_id = local.push(_profile("patient@example.com", city="Oslo")).json()["requestId"]

    assert local.wait_for_attendee("patient@example.com").fields["city"] == "Oslo"
    dead_letters = local.stack.read_dead_letters()
    assert request_id not in {each.message.request_id for each in dead_letters}


@pytest.mark.parametrize(("status", "code"), [(400, "77"), (200, "78")])
def test_what_rainfocus_does_not_take_is_a_dead_letter_with_its_words(
    local: Local, status: int, code: str
) -> None:
    local.push(_profile("works@example.com"))  # or no refusal is a profile's fault
    local.wait_for_attendee("works@example.com")
    email = f"refused-{status}@example.com"
    effect = Effect(status=status, code=code, message=f"Bad value for {email} in zip")
    local.simulator.add_fault(Fault(call="attendee/store", email=email, effect=effect))
    profile = _profile(email, zip="?")

    answer = local.push(profile)

    dead_letter = local.wait_for_dead_letter(answer.json()["requestId"])
    assert json.loads(dead_letter.message.body) == profile
    assert dead_letter.outcome == "rejected"
    assert dead_letter.status == str(status)
    assert dead_letter.code == code
    assert dead_letter.answer == "Bad value for ***@*** in zip"
    assert email not in local.attendees()


def test_an_undecodable_message_is_kept_whole(local: Local) -> None:
    local.stack.client("sqs").send_message(
        QueueUrl=local.stack.resources["ProfileQueue"],
        MessageBody="{this is not JSON",
        MessageGroupId="somebody",
        MessageDeduplicationId="undecodable-1",
        MessageAttributes={
            "destination": {"DataType": "String", "StringValue": "default"},
            "request_id": {"DataType": "String", "StringValue": "undecodable"},
        },
    )

    dead_letter = local.wait_for_dead_letter("undecodable")

    assert dead_letter.message.body == "{this is not JSON"
    assert dead_letter.reason == "malformed"


def test_a_message_without_attributes_is_a_dead_letter(local: Local) -> None:
    before = local.stack.dead_letter_queue().total
    local.stack.client("sqs").send_message(
        QueueUrl=local.stack.resources["ProfileQueue"],
        MessageBody="{}",
        MessageGroupId="somebody",
        MessageDeduplicationId="bare-1",
    )

    until(lambda: local.stack.dead_letter_queue().total == before + 1, "it is a dead letter")


def test_the_ledger_knows_the_delivery_and_nobody(local: Local) -> None:
    profile = _profile("ledger@example.com", firstname="Ledgerine", phone="+1 555 010 99 88")
    local.push(profile)
    attendee = local.wait_for_attendee("ledger@example.com")

    def entries() -> list[dict[str, Any]]:
        return [
            each
            for each in local.ledger()
            if each.get("attendee_id", {}).get("S") == attendee.attendee_id
        ]

    until(lambda: bool(entries()), "the delivery is in the ledger")
    assert entries()[0]["destination"] == {"S": "default"}
    assert entries()[0]["code"] == {"S": "0"}
    text = json.dumps(local.ledger())
    assert not [value for value in profile.values() if value in text]


def test_the_trace_of_a_push_reaches_rainfocus(local: Local) -> None:
    trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    url, headers = local.stack.push_url()
    headers |= {
        "Authorization": f"Bearer {local.stack.ingest_token()}",
        "traceparent": trace_parent,
    }

    requests.post(url, json=_profile("traced@example.com"), headers=headers, timeout=30)

    local.wait_for_attendee("traced@example.com")
    assert [
        each.traceparent for each in local.simulator.log() if each.email == "traced@example.com"
    ] == [trace_parent]


def test_a_function_that_is_asked_nothing_new_renews_nothing(local: Local) -> None:
    local.stack.refresh_token()

    results = local.stack.invoke("TokenRefreshFunction", {})["results"]

    assert results == [{"connection": "default", "state": "good", "cause": "", "reason": ""}]


def test_no_log_tells_who_anybody_is(local: Local) -> None:
    profile = _profile(
        "logged.person@example.com",
        firstname="Philippa",
        lastname="Loggerhead",
        phone="+1 555 777 66 55",
        address1="77 Unlogged Avenue",
    )
    local.push(profile)
    local.wait_for_attendee("logged.person@example.com")
    until(lambda: "profile settled" in local.logs(), "the delivery is logged")

    logs = local.logs()

    assert not [value for value in profile.values() if value.lower() in logs.lower()]
    assert local.stack.ingest_token() not in logs
    assert "@example.com" not in logs
    assert "demo-secret" not in logs
