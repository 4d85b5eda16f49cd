import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from attendee_sync import attendee
from attendee_sync_cli.stack import person_trace
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import DELIVERY_LOG, HASH_KEY, INGEST_LOG, STACK, Clock, changed

ADA = {"email": " Ada@Example.com", "firstname": "Ada", "zip": "84043"}
SHA256 = attendee.sha256_of("ada@example.com")
KEY = attendee.key(HASH_KEY, "default", SHA256)
REFUSED = fakes.envelope("105", "zip is not known", status=400)


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    line.hidden = ("Ada", "ada@", "84043", SHA256)
    return line


def look(line: CommandLine, *arguments: str) -> dict[str, Any]:
    """Return what is told of the only destination."""
    [found] = line.json("lookup", "ada@example.com", *arguments)["destinations"]
    return dict(found)


def test_what_was_delivered_is_told(line: CommandLine, harness: DeliveryHarness) -> None:
    before = int(time.time())
    harness.push(ADA)
    harness.work()
    found = look(line)
    assert before <= datetime.fromisoformat(found["delivered_at"]).timestamp()
    assert found["settled_at"] == found["delivered_at"]
    assert found | {"delivered_at": "", "settled_at": ""} == {
        "destination": "default",
        "attendee": KEY,
        "known": True,
        "outcome": "delivered",
        "settled_at": "",
        "delivered_at": "",
        "status": 200,
        "code": "0",
        "attendee_id": "1700000000000001abcd",
        "todays_mapping": True,
        "fields": ["email", "firstname", "zip"],
        "dead_letters": [],
        "trace": [],
    }
    shown = cells(line.succeed("lookup", "ada@example.com"))
    assert ["attendee", KEY] in shown
    assert ["fields", "email, firstname, zip"] in shown
    assert ["by mapping", "today's"] in shown


@pytest.mark.parametrize("given", [" ADA@example.COM ", SHA256, SHA256.upper()])
@pytest.mark.parametrize("by", ["argument", "standard input"])
def test_a_person_is_found_by_address_or_hash(
    line: CommandLine, harness: DeliveryHarness, given: str, by: str
) -> None:
    harness.push(ADA)
    harness.work()
    if by == "argument":
        shown = line.succeed("lookup", given)
    else:
        shown = line.succeed("lookup", "-", given=f"{given}\n")
    assert ["RainFocus's id", "1700000000000001abcd"] in cells(shown)


@pytest.mark.parametrize("given", ["ada", "ada@", "", "f" * 63, "ada@example.com ben"])
def test_what_is_no_address_is_a_usage_error_that_does_not_repeat_it(
    line: CommandLine, given: str
) -> None:
    told = line.fail("lookup", given, code=2)
    assert "expected an e-mail address" in told
    assert not given or given not in told
    assert "expected an e-mail address" in line.fail("lookup", "-", given=given, code=2)


def test_who_is_not_known_is_told_by_destination(line: CommandLine) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    found = line.json("lookup", "ada@example.com")["destinations"]
    assert [(each["destination"], each["known"]) for each in found] == [
        ("default", False),
        ("summit", False),
    ]
    assert found[0]["attendee"] != found[1]["attendee"]
    shown = line.succeed("lookup", "ada@example.com")
    assert "Nothing is known of this person at default, summit." in shown
    assert "--trace" in shown


def test_one_destination_can_be_chosen(line: CommandLine, harness: DeliveryHarness) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA, destination="summit")
    harness.work()
    assert look(line, "--destination", "summit")["known"]
    assert not look(line, "--destination", "default")["known"]


def test_a_destination_that_is_gone_may_be_known_yet(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA, destination="summit")
    harness.work()
    del line.aws.ssm.parameters[f"/{STACK}/destinations/summit"]
    found = look(line, "--destination", "summit")
    assert (found["outcome"], found["todays_mapping"]) == ("delivered", False)


def test_who_was_never_delivered_has_an_outcome_alone(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("default", event_code="summit2027", filter="vip")
    harness.push(ADA)
    harness.work()
    found = look(line)
    assert (found["outcome"], found["delivered_at"], found["fields"]) == ("filtered", None, [])
    assert found["todays_mapping"] is None
    assert ["delivered", "never"] in cells(line.succeed("lookup", "ada@example.com"))


@pytest.mark.parametrize("change", ["destination", "connection", "broken"])
def test_another_mapping_than_todays_is_told(
    line: CommandLine, harness: DeliveryHarness, change: str
) -> None:
    harness.push(ADA)
    harness.work()
    match change:
        case "destination":
            line.aws.set_destination("default", event_code="summit2028")
        case "connection":
            line.aws.set_connection("default", changed(org_id="other"))
        case _:
            line.aws.ssm.parameters[f"/{STACK}/destinations/default"] = "{}"
    assert look(line)["todays_mapping"] is False
    assert ["by mapping", "another than today's"] in cells(
        line.succeed("lookup", "ada@example.com")
    )


def test_dead_letters_of_the_person_are_told(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = REFUSED
    request_id = harness.push(ADA, {"email": "ben@example.org"}, {"firstname": "Ada"})
    harness.work()
    found = look(line)
    assert not found["known"]
    [dead_letter] = found["dead_letters"]
    assert dead_letter.pop("time")
    assert dead_letter == {
        "id": f"{request_id}-0",
        "outcome": "rejected",
        "reason": "refused",
        "detail": "RainFocus does not take this profile",
    }
    assert f"{request_id}-0: rejected" in line.succeed("lookup", "ada@example.com")
    assert not line.aws.sqs.given_out
    assert len(line.aws.sqs.dead_letters) == 3


def test_letters_that_cannot_be_seen_are_told(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = REFUSED
    for n in range(12):
        harness.push({**ADA, "city": str(n)})
    harness.work()
    shown = line.json("lookup", "ada@example.com")
    assert len(shown["destinations"][0]["dead_letters"]) == 10
    assert shown["unseen"] == 2
    assert "Of the dead letters 2 more can't be seen" in line.succeed("lookup", "ada@example.com")


def test_many_destinations_are_looked_up(line: CommandLine, harness: DeliveryHarness) -> None:
    for n in range(130):
        line.aws.set_destination(f"event-{n}", event_code=f"event{n}")
    harness.push(ADA, destination="event-129")
    harness.work()
    found = line.json("lookup", "ada@example.com")["destinations"]
    assert len(found) == 131
    assert [each["destination"] for each in found if each["known"]] == ["event-129"]


def test_what_is_missing_is_a_failure(line: CommandLine) -> None:
    line.aws.dynamodb.always = fakes.denied("AccessDenied", "BatchGetItem")
    assert "the ledger can't be read: AccessDenied" in line.fail("lookup", "ada@example.com")
    del line.aws.secrets.versions[f"{STACK}/hash-key"]
    assert "has no secret attendee-sync/hash-key" in line.fail("lookup", "ada@example.com")
    line.aws.ssm.parameters.clear()
    assert "has no destinations" in line.fail("lookup", "ada@example.com")


def test_a_destination_that_neither_is_nor_was_is_an_error(line: CommandLine) -> None:
    told = line.fail("lookup", "ada@example.com", "--destination", "defualt")
    assert "There is no destination defualt" in told


def test_what_a_removed_destination_delivered_is_still_told(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.push(ADA)
    harness.work()
    line.aws.ssm.parameters.clear()
    [found] = line.json("lookup", "ada@example.com", "--destination", "default")["destinations"]
    assert found["outcome"] == "delivered"


# --- what the logs tell ---


def trace(line: CommandLine, *options: str) -> list[dict[str, Any]]:
    return list(look(line, "--trace", *options)["trace"])


def events(traced: dict[str, Any], *members: str) -> list[tuple[Any, ...]]:
    return [tuple(each[name] for name in members) for each in traced["events"]]


def log(line: CommandLine, output: Callable[[], str]) -> None:
    """Write to each function's log what it wrote."""
    for text in output().splitlines():
        is_ingest = json.loads(text).get("message") == "push accepted"
        line.aws.logs.write(INGEST_LOG if is_ingest else DELIVERY_LOG, text)


def test_the_way_of_a_profile_is_told(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    request_id = harness.push({"email": "ben@example.com"}, ADA)
    harness.work()
    log(line, output)
    [waiting] = trace(line)
    assert (waiting["id"], waiting["state"]) == (f"{request_id}-1", "waiting")
    assert events(waiting, "event", "attempt", "reason", "status") == [
        ("accepted", 0, None, None),
        ("retry", 1, "unavailable", 503),
    ]
    retry_at = datetime.fromisoformat(waiting["events"][1]["retry_at"]).timestamp()
    assert time.time() - 2 <= retry_at <= time.time() + 60
    shown = line.succeed("lookup", "ada@example.com", "--trace")
    assert "try 1: put back, unavailable: " in shown
    assert "HTTP 503" in shown
    assert "waits" in shown
    harness.rainfocus.reply = fakes.stored()
    line.aws.sqs.let_time_pass()
    harness.work()
    log(line, output)
    [ended] = trace(line)
    assert ended["state"] == "delivered"
    assert events(ended, "event", "attempt", "status")[-1] == ("delivered", 2, 200)
    assert "try 2: delivered, HTTP 200, code 0" in line.succeed(
        "lookup", "ada@example.com", "--trace"
    )


def test_who_was_not_tried_yet_is_found(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.push(ADA)
    log(line, output)
    [waiting] = trace(line)
    assert (waiting["state"], events(waiting, "event")) == ("waiting", [("accepted",)])
    told = line.succeed("lookup", "ada@example.com", "--trace")
    assert "waits, and was not tried yet" in told


def test_a_profile_that_ended_before_its_push_was_logged_does_not_wait(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str], wall: Clock
) -> None:
    """A large push is logged once the last of it is queued."""
    harness.push(ADA)
    accepted = output()
    harness.work()
    log(line, output)
    wall.now += 1
    line.aws.logs.write(INGEST_LOG, accepted.splitlines()[0])
    [ended] = trace(line)
    assert ended["state"] == "delivered"


@pytest.mark.parametrize("state", ["rejected", "filtered"])
def test_why_a_profile_ended_is_told_in_rainfocus_words(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str], state: str
) -> None:
    harness.rainfocus.reply = REFUSED
    if state == "filtered":
        line.aws.set_destination("default", event_code="summit2027", filter="vip")
    harness.push(ADA)
    harness.work()
    log(line, output)
    [ended] = trace(line)
    assert ended["state"] == state
    shown = line.succeed("lookup", "ada@example.com", "--trace")
    words = {
        "rejected": 'does not take this profile, HTTP 400, code 105, "zip is not known"',
        "filtered": "try 1: filtered, filter: ",
    }
    assert words[state] in shown
    assert len(look(line, "--trace")["dead_letters"]) == (state == "rejected")


def test_what_was_left_out_of_the_attendee_is_told(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.push({**ADA, "country": "Atlantis"})
    harness.work()
    log(line, output)
    [ended] = trace(line)
    [remark] = ended["events"][-1]["remarks"]
    assert remark.startswith("countryid: ")
    assert remark in line.succeed("lookup", "ada@example.com", "--trace")


def test_a_try_whose_time_has_come_is_told_as_such(line: CommandLine, wall: Clock) -> None:
    members = {"attendee": KEY, "destination": "default", "request_id": "a", "index": "0"}
    put_back = {**members, "outcome": "retry", "reason": "busy", "attempt": 1, "retry_in_s": 9}
    text = json.dumps({"message": "profile put back", **put_back})
    line.aws.logs.write(DELIVERY_LOG, text, at=time.time())
    assert "waits until" in line.succeed("lookup", "ada@example.com", "--trace")
    wall.now += 60
    assert "tried again since" in line.succeed("lookup", "ada@example.com", "--trace")
    wall.now += 3 * 3_600
    assert trace(line, "--hours", "3") == []
    told = line.succeed("lookup", "ada@example.com", "--trace", "--hours", "3")
    assert "at default, nor in the logs of these hours." in told


def test_logs_that_take_too_long_are_told(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_trace, "_MAX_SECONDS", -1.0)
    line.aws.logs.write(DELIVERY_LOG, "{}")
    assert not line.json("lookup", "ada@example.com", "--trace")["trace_complete"]
    told = line.succeed("lookup", "ada@example.com", "--trace")
    assert "a part of them was not read" in told
