"""The campaign's account: what must have become of each profile, and what did."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import requests

from attendee_sync.messaging.dead_letters import DeadLetter, from_sqs
from local.campaign import report
from local.campaign.flood import growth
from local.campaign.reconciliation import (
    Evidence,
    Expected,
    Figures,
    Refusal,
    at_least,
    at_most,
    equal,
    false_successes,
    mismatched,
    needed_calls,
    newest,
    reconcile,
)
from local.campaign.scenario import Result
from local.simulator.settings import Environment
from local.simulator.state import Attendee, LogEntry
from local.traffic.people import Person, Push
from local.traffic.traffic import Pushed

SENT_AT = 1_800_000_000.0  # 2027-01-15T08:00:00Z
LATER = "2027-01-15T08:00:01+00:00"
EARLIER = "2027-01-15T07:59:59+00:00"
TAKEN = "refused"


def _person(name: str = "ada", **fields: str) -> Person:
    return Person({"email": f"{name}@example.com", "city": "Oslo", **fields})


def _pushed(
    *people: Person,
    request_id: str = "r",
    rejected: Sequence[dict[str, Any]] = (),
    status: int = 202,
) -> Pushed:
    answer = requests.Response()
    answer.status_code = status
    accepted = len(people) - len(rejected)
    document = {"requestId": request_id, "accepted": accepted, "rejected": list(rejected)}
    answer._content = json.dumps(document).encode()
    return Pushed(Push("", people), SENT_AT, answer, attempts=1)


def _call(name: str = "ada", status: int | None = 200, code: str | None = "0") -> LogEntry:
    return LogEntry(
        number=1,
        time=LATER,
        environment=Environment.PROD,
        org="acme",
        call="attendee/store",
        event="summit",
        email=f"{name}@example.com",
        status=status,
        response_code=code,
        response_message="",
        milliseconds=1.0,
        traceparent=None,
    )


def _attendee(person: Person) -> Attendee:
    return Attendee("1", dict(person.attendee), LATER, LATER, writes=1)


def _end(outcome: str = "delivered", index: int = 0, request_id: str = "r") -> dict[str, Any]:
    return {"request_id": request_id, "index": index, "outcome": outcome}


def _letter(
    index: str = "0", reason: str = TAKEN, status: str = "400", code: str = "77"
) -> DeadLetter:
    attributes = {
        "destination": "summit",
        "reason": reason,
        "status": status,
        "code": code,
        "origin": json.dumps({"request_id": "r", "index": index}),
    }
    return from_sqs(
        {
            "MessageId": "id",
            "ReceiptHandle": "receipt",
            "Body": "{}",
            "Attributes": {"MessageGroupId": "group", "SentTimestamp": "0"},
            "MessageAttributes": {
                name: {"StringValue": text} for name, text in attributes.items() if text
            },
        }
    )


def _evidence(**parts: Any) -> Evidence:
    """What there is to see after one person was pushed and delivered, but for these parts."""
    person = _person()
    whole = Evidence(
        pushed=[_pushed(person)],
        ends=[_end()],
        calls=[_call()],
        attendees=[_attendee(person)],
        dead_letters=[],
        queued=0,
    )
    return replace(whole, **parts)


def _broken(evidence: Evidence, expected: Expected | None = None) -> list[str]:
    _, checks = reconcile(evidence, expected or Expected())
    return [check.what for check in checks if not check.holds]


def test_the_account_of_a_delivery_holds() -> None:
    figures, checks = reconcile(_evidence(), Expected())

    assert all(check.holds for check in checks)
    assert (figures.accepted, figures.outcomes) == (1, {"delivered": 1})
    assert (figures.calls, figures.needed) == (1, 1)


@pytest.mark.parametrize(
    ("parts", "broken"),
    [
        ({"ends": []}, ["accepted profiles that came to an end"]),
        ({"ends": [_end(), _end("unchanged")]}, ["further ends of a profile"]),
        ({"ends": [_end("expired")]}, ["profiles that expired"]),
        ({"dead_letters": [_letter()]}, ["dead letters"]),
        ({"attendees": []}, ["attendees", "attendees not as last pushed"]),
        ({"attendees": [_attendee(_person(city="Rome"))]}, ["attendees not as last pushed"]),
        ({"calls": [_call(), _call()]}, ["calls to RainFocus, of those needed"]),
        ({"calls": [_call(status=200, code="902")]}, ["profiles called delivered that are not"]),
        ({"calls": []}, ["profiles called delivered that are not"]),
        ({"queued": 1}, ["messages left on the profile queue"]),
        (
            {"pushed": [_pushed(_person()), _pushed(_person(), status=503)]},
            ["pushes that were not taken in the end"],
        ),
    ],
)
def test_the_account_does_not_hold(parts: dict[str, Any], broken: list[str]) -> None:
    assert _broken(_evidence(**parts)) == broken


def test_who_is_never_taken_must_be_a_dead_letter_with_its_reason() -> None:
    expected = Expected(refused={"ada@example.com": Refusal(TAKEN, "400", "77")})
    refused = _evidence(
        ends=[_end("rejected")], calls=[_call(status=400)], attendees=[], dead_letters=[_letter()]
    )

    assert _broken(refused, expected) == []
    assert _broken(replace(refused, dead_letters=[]), expected) == ["dead letters"]
    assert _broken(replace(refused, dead_letters=[_letter(code="78")]), expected) == [
        "dead letters"
    ]
    assert _broken(replace(refused, dead_letters=[_letter(index="1")]), expected) == [
        "dead letters"
    ]
    assert _broken(replace(refused, ends=[_end()]), expected) == [
        "profiles called delivered that are not"
    ]


def test_what_ingest_rejected_counts_as_accepted_and_is_a_dead_letter() -> None:
    rejected = {"index": 1, "reason": "missing_email"}
    evidence = _evidence(
        pushed=[_pushed(_person(), _person("nobody"), rejected=[rejected])],
        dead_letters=[_letter("1", "missing_email", "", "")],
    )

    figures, _ = reconcile(evidence, Expected())

    assert _broken(evidence) == []
    assert figures.accepted == 2
    assert figures.outcomes == {"delivered": 1, "rejected": 1}


def test_what_was_redriven_ends_anew_and_leaves_no_dead_letter() -> None:
    rejected = {"index": 0, "reason": "missing_email"}
    evidence = _evidence(pushed=[_pushed(_person(), rejected=[rejected])])

    assert _broken(evidence, Expected(redriven=True)) == []


def test_allowances_are_kept_to() -> None:
    twice = _evidence(ends=[_end(), _end()], calls=[_call(), _call()])

    assert _broken(twice, Expected(spare_calls=1, spare_ends=1)) == []
    assert _broken(twice, Expected(spare_ends=1)) == ["calls to RainFocus, of those needed"]


def test_the_end_of_a_push_that_was_not_answered_is_nobodys() -> None:
    evidence = _evidence(ends=[_end(), _end("unchanged", request_id="unanswered")])
    figures, checks = reconcile(evidence, Expected())
    assert all(check.holds for check in checks)
    assert figures.outcomes == {"delivered": 1}


def test_an_attendee_has_what_was_pushed_last_and_keeps_what_was_not_sent_again() -> None:
    state = newest([_person(zip="0150"), _person("bob"), _person(city="Rome")])
    assert state == {
        "ada@example.com": {"email": "ada@example.com", "city": "Rome", "zip": "0150"},
        "bob@example.com": {"email": "bob@example.com", "city": "Oslo"},
    }


def test_attendees_that_differ_are_missing_or_too_many_are_counted() -> None:
    state = newest([_person(), _person("bob"), _person("eve")])
    stored = [_attendee(_person()), _attendee(_person("bob", zip="1")), _attendee(_person("zoe"))]
    assert mismatched(state, stored) == 3


@pytest.mark.parametrize(
    ("cities", "calls", "expected", "needed"),
    [
        (["A", "A", "A"], [], Expected(), 1),
        (["A", "B", "A"], [], Expected(), 3),
        (["A", "B"], [_call(status=503), _call(status=None)], Expected(), 4),
        (["A"], [_call(status=200, code="902"), _call()], Expected(futile_calls=1), 1),
        (["A"], [_call(status=400)], Expected(refused={"ada@example.com": Refusal(TAKEN)}), 1),
    ],
)
def test_a_call_is_needed_for_each_change_and_for_each_that_failed(
    cities: list[str], calls: list[LogEntry], expected: Expected, needed: int
) -> None:
    people = [_person(city=city) for city in cities]
    assert needed_calls(people, calls, expected) == needed


def test_another_persons_changes_do_not_come_between() -> None:
    assert needed_calls([_person(), _person("bob"), _person()], [], Expected()) == 2


def test_a_success_from_before_the_push_does_not_count() -> None:
    before = replace(_call(), time=EARLIER)
    assert false_successes(_evidence(calls=[before])) == 1
    assert false_successes(_evidence(calls=[before, _call()])) == 0


def test_checks_tell_what_was_expected_and_why() -> None:
    assert (equal("n", 1_000, 1_000).expected, equal("n", 1, 2).holds) == ("1,000", False)
    assert (at_most("n", 5, 6, "so").expected, at_most("n", 5, 6).holds) == ("≤ 5: so", False)
    assert (at_least("n", 5, 5).expected, at_least("n", 5, 5).holds) == ("≥ 5", True)


@pytest.mark.parametrize(
    ("samples", "grown"),
    [([1, 1, 1], 1.0), ([9, 1, 1, 1, 2, 2], 2.0), ([1, 2], 1.0), ([], 1.0)],
)
def test_growth_compares_the_last_third_with_the_middle(samples: list[int], grown: float) -> None:
    assert growth(samples) == grown


def _result(**parts: Any) -> Result:
    whole = Result(
        name="mix",
        what="faults",
        started=SENT_AT,
        seconds=2.5,
        figures=Figures(
            accepted=1_000, outcomes={"delivered": 990, "rejected": 10}, calls=8, needed=4
        ),
        checks=[equal("attendees", 990, 990)],
    )
    return replace(whole, **parts)


def test_a_run_is_told_in_markdown() -> None:
    failed = _result(checks=[equal("attendees", 990, 989)])
    head, _, first, second = report.markdown([_result(), failed]).splitlines()
    assert head.startswith("| scenario | what happens |")
    assert first == (
        "| mix | faults | 1,000 | 990 delivered, 10 rejected | 8/4 = 2.00 | as expected |"
    )
    assert second.endswith("| NOT as expected |")


def test_a_run_is_told_with_all_its_numbers() -> None:
    told = report.document([_result(), _result(checks=[equal("attendees", 990, 989)])], scale=0.5)

    assert json.loads(json.dumps(told)) == told
    assert (told["agrees"], told["scale"], told["seconds"]) == (False, 0.5, 5.0)
    assert told["started"] == "2027-01-15T08:00:00+00:00"
    assert [scenario["agrees"] for scenario in told["scenarios"]] == [True, False]
    assert told["scenarios"][1]["checks"] == [
        {"what": "attendees", "expected": "990", "got": "989", "holds": False}
    ]
    assert told["machine"]["cpus"] > 0
