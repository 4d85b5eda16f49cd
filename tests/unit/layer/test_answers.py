"""What an answer means, beside what test_client.py and the contract's dialects tell of it."""

import json
from typing import Any

import pytest

from attendee_sync.http_client import HttpAnswer
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import answers
from attendee_sync.rainfocus.masking import MASK, Sent
from tests.support.stack import changed


def judged(status: int, body: object, sent: Sent | None = None, **rules: Any) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    connection = changed(answers=rules)
    received = HttpAnswer(status, text.encode(), {})
    return answers.judge(received, connection, sent or Sent.of())


def envelope(code: object = "105", message: str = "countryid is not known") -> dict[str, object]:
    return {"responseCode": code, "responseMessage": message}


@pytest.mark.parametrize(
    ("status", "body", "is_own"),
    [
        (400, envelope(), True),
        (422, envelope(), True),
        (200, envelope(), True),
        (404, envelope(), False),
        (413, envelope(), False),
        (400, envelope(None), False),
        (400, envelope(" "), False),
        (400, envelope(5), True),
        (400, envelope("not the shape of a code"), True),
        (400, "countryid is not known", False),
        (400, envelope("503"), False),
        (400, envelope("404"), True),
        (400, envelope("1503"), True),
        (400, envelope(message="Internal error"), False),
        (400, envelope(message="The DATABASE is down for maintenance"), False),
        (400, envelope(message="x" * 2_000 + " internal error"), True),
    ],
)
def test_a_refusal_is_the_apis_own_if_it_gives_a_code_and_no_trouble_of_a_server(
    status: int, body: object, is_own: bool
) -> None:
    answer = judged(status, body)
    assert (answer.kind, answer.is_apis_own) == (AnswerKind.PROFILE, is_own)


def test_a_refusal_that_is_listed_as_a_profiles_is_the_apis_own_whatever_its_status() -> None:
    assert judged(404, envelope(), profile=["105"]).is_apis_own
    assert not judged(404, envelope(), profile=["106"]).is_apis_own


def test_a_text_that_is_no_envelope_has_no_code_that_only_resembles_one() -> None:
    assert not judged(400, "some words of a proxy", code="body").is_apis_own
    assert judged(400, "E-105", code="body").is_apis_own


@pytest.mark.parametrize(("code", "shown"), [("555", "555"), ("84", MASK), ("84101", MASK)])
def test_a_short_code_is_masked_only_if_it_repeats_a_whole_value(code: str, shown: str) -> None:
    sent = Sent.of(["+1 555 8410199", "84"])
    assert judged(400, envelope(code, ""), sent).code == shown


def test_a_refusal_without_words_says_so_and_an_outage_does_not() -> None:
    assert judged(400, "").message == "HTTP 400 without RainFocus's envelope"
    assert judged(503, "").message == ""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"responseMessage": "nothing was stored"}),
        (200, {"responseMessage": "nothing was stored", "results": "none"}),
        (400, {"responseMessage": "nothing was stored", "results": [{"responseCode": "7"}]}),
    ],
)
def test_where_results_are_missing_or_the_status_is_no_success_the_answer_itself_counts(
    status: int, body: object
) -> None:
    answer = judged(status, body, inner="body.results")
    assert (answer.kind, answer.message) == (AnswerKind.PROFILE, "nothing was stored")


def test_a_text_can_be_the_code_of_a_success() -> None:
    assert judged(200, "OK", code="body", success_codes=["OK"]).kind is AnswerKind.STORED


@pytest.mark.parametrize(("status", "is_busy"), [(429, True), (500, False)])
def test_who_asks_for_fewer_calls_says_when_to_come_again(status: int, is_busy: bool) -> None:
    received = HttpAnswer(status, b"", {"Retry-After": "7"})
    answer = answers.judge(received, changed())
    assert (answer.is_busy, answer.retry_after) == (is_busy, 7)


@pytest.mark.parametrize(
    "more",
    [
        {"responseMessage": "Dry run: all is well"},
        {"responseMessage": "Nothing was stored, validation only"},
        {"responseMessage": "The attendee has not been saved"},
        {"responseMessage": "Record was skipped"},
        {"dryRun": True},
        {"validate_only": "true"},
        {"mode": "dry-run"},
        {"stored": False},
        {"data": {"created": 0, "skipped": 1}},
    ],
    ids=str,
)
def test_a_success_that_says_it_stored_nothing_is_a_refusal(more: dict[str, object]) -> None:
    body = {"responseCode": "0", **more}
    assert judged(200, body).kind is AnswerKind.PROFILE
    assert judged(200, body, success="body.responseCode == '0'").kind is AnswerKind.STORED


@pytest.mark.parametrize(
    "more",
    [
        {"responseMessage": "Success"},
        {"responseMessage": "Attendee was stored; nothing else was changed"},
        {"responseMessage": "No changes were made"},
        {"dryRun": False, "mode": "live", "stored": True},
        {"data": {"updated": 1, "skipped": 0}},
        {"preview": "https://rf.example/attendees/1"},
    ],
    ids=str,
)
def test_other_words_of_a_success_leave_it_one(more: dict[str, object]) -> None:
    assert judged(200, {"responseCode": "0", **more}).kind is AnswerKind.STORED


def test_a_company_that_is_called_dry_run_is_stored() -> None:
    body = json.dumps({"responseCode": "0", "responseMessage": "Stored Dry Run Ltd"}).encode()
    answer = answers.judge(HttpAnswer(200, body, {}), changed(), Sent.of(["Dry Run Ltd"]))
    assert answer.kind is AnswerKind.STORED
