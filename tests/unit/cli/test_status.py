import itertools
import json
import time
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from attendee_sync.aws import log_pages
from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters, lanes, messages
from attendee_sync_cli.stack import dead_letter_scan, log_events
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, PROFILE_QUEUE, STACK, Clock, token

BUSY = fakes.Reply(503)
REFUSED = fakes.envelope("105", "zip is not known", status=400)
PAUSED = fakes.envelope("124", "denied", status=403)
HOUR = 3_600.0
type Output = Callable[[], str]


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    line.hidden = ("@example.com", "84043")
    return line


def profile(person: str) -> dict[str, str]:
    return {"email": f"{person}@example.com", "zip": "84043"}


def destination(line: CommandLine, name: str = "default", *options: str) -> dict[str, Any]:
    found = line.json("status", *options)["destinations"]
    [one] = [each for each in found if each["destination"] == name]
    return dict(one)


def entry(message: str, **members: object) -> str:
    return json.dumps({"message": message, "destination": "default", **members})


def put_back(request_id: str, index: int, reason: str, age: float = 0.0) -> str:
    members: dict[str, object] = {"request_id": request_id, "index": str(index), "reason": reason}
    return entry("profile put back", **members, attempt=1, age_ms=age * 1000)


def settled(request_id: str, index: int, outcome: str = "delivered", attempt: int = 1) -> str:
    members: dict[str, object] = {"request_id": request_id, "index": str(index)}
    return entry("profile settled", **members, outcome=outcome, attempt=attempt)


def accepted(request_id: str, count: int) -> str:
    return entry("push accepted", request_id=request_id, accepted=count)


def test_a_viewer_sees_how_many_dead_letters_there_are_but_not_whose(
    line: CommandLine, harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.push({"firstname": "Nobody"})
    harness.work()

    def deny(**_: object) -> None:
        raise fakes.denied("AccessDeniedException", "ReceiveMessage")

    monkeypatch.setattr(line.aws.sqs, "receive_message", deny)
    monkeypatch.setattr(line.aws.secrets, "get_secret_value", deny)
    shown = line.succeed("status")
    assert ["dead letters", "1", "0", "0"] in cells(shown)
    assert "Whose the dead letters are may be seen with OperatorPolicy." in shown
    assert "may be seen with ManagerPolicy" in shown
    assert line.json("status")["destinations"][0]["dead"] is None


# --- queues and destinations ---


def test_it_tells_what_the_log_and_the_queues_say(
    line: CommandLine, harness: DeliveryHarness, output: Output
) -> None:
    harness.rainfocus.reply = lambda call: {"b": BUSY, "c": REFUSED}.get(
        call.json["email"][0], fakes.stored()
    )
    harness.push(profile("ada"), profile("ben"), profile("chris"), {"zip": "84043"})
    harness.work()
    harness.push(profile("dan"), profile("eve"))
    line.aws.logs.write(DELIVERY_LOG, output())
    shown = line.json("status")
    assert shown["profiles"] == {"waiting": 2, "in_flight": 1}
    assert shown["dead_letters"] == {
        "waiting": 2,
        "in_flight": 0,
        "looked_at": 2,
        "unseen": 0,
    }
    assert shown["log"]["complete"]
    [found] = shown["destinations"]
    assert found["outcomes"] == {"delivered": 1, "rejected": 2}
    assert found["dead"] == 2
    waiting = {each["reason"]: each["count"] for each in found["waiting"]}
    assert waiting == {"unavailable": 1, "not_tried": 2}
    rows = cells(line.succeed("status"))
    assert ["shared lane", "2", "1", "0", "on"] in rows
    assert ["dead letters", "2", "0", "0"] in rows
    [row] = [row for row in rows if row[:2] == ["default", "3"]]
    assert row[3:] == [
        "1 unavailable; 2 not_tried",
        "2",
        "2 rejected, 1 delivered",
    ]


def test_a_quiet_stack_has_nothing_to_tell(line: CommandLine) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    rows = cells(line.succeed("status"))
    assert ["default", "0", "0", "nothing"] in rows
    assert ["summit", "0", "0", "nothing"] in rows
    assert ["destination", "waiting", "oldest", "because", "dead", "last hour"] in rows


def test_what_waits_is_told_by_its_newest_line(line: CommandLine) -> None:
    now = time.time()
    logs = line.aws.logs
    logs.write(DELIVERY_LOG, put_back("a", 0, "busy"), now - 1_000)
    logs.write(DELIVERY_LOG, put_back("a", 0, "paused", age=400), now - 100)
    logs.write(DELIVERY_LOG, put_back("a", 1, "busy"), now - 1_000)
    logs.write(DELIVERY_LOG, settled("a", 1), now - 100)
    logs.write(DELIVERY_LOG, put_back("a", 2, "paused", age=100), now - 50)
    [waiting] = destination(line)["waiting"]
    assert (waiting["reason"], waiting["count"]) == ("paused", 2)
    assert datetime.fromisoformat(waiting["oldest"]).timestamp() == pytest.approx(now - 500, abs=2)
    rows = cells(line.succeed("status"))
    assert ["default", "2", "8 min", "2 paused", "0", "1 delivered"] in rows


def test_what_was_accepted_and_has_no_line_was_not_tried(line: CommandLine) -> None:
    now = time.time()
    logs = line.aws.logs
    logs.write(INGEST_LOG, accepted("a", 3), now - 300)
    logs.write(DELIVERY_LOG, "\n".join(settled("a", n) for n in range(3)), now - 299)
    logs.write(INGEST_LOG, accepted("b", 4), now - 200)
    logs.write(INGEST_LOG, settled("b", 4, "rejected", attempt=0), now - 200)
    logs.write(DELIVERY_LOG, "\n".join([settled("b", 0), settled("b", 0)]), now - 199)
    logs.write(DELIVERY_LOG, settled("b", 4), now - 198)  # it was redriven
    logs.write(DELIVERY_LOG, settled("c", 7), now - 197)  # accepted long ago
    found = destination(line)
    assert found["outcomes"] == {"delivered": 7, "rejected": 1}
    [waiting] = found["waiting"]
    assert (waiting["reason"], waiting["count"]) == ("not_tried", 3)
    assert datetime.fromisoformat(waiting["oldest"]).timestamp() == pytest.approx(now - 200, abs=2)


def test_more_hours_can_be_asked_for(line: CommandLine) -> None:
    line.aws.logs.write(DELIVERY_LOG, settled("a", 0), time.time() - 3 * HOUR)
    assert destination(line)["outcomes"] == {}
    assert destination(line, "default", "--hours", "4")["outcomes"] == {"delivered": 1}
    assert "last 4 hours" in line.succeed("status", "--hours", "4")
    line.fail("status", "--hours", "0", code=2)


@pytest.mark.parametrize("gives_tokens", [True, False])
def test_a_log_of_many_pages_is_read(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, gives_tokens: bool
) -> None:
    logs = line.aws.logs
    logs.page_size, logs.gives_tokens = 7, gives_tokens
    monkeypatch.setattr(log_pages, "_MAX_EVENTS", 7)
    now = time.time()
    for n in range(100):
        logs.write(DELIVERY_LOG, settled("a", n), now - 100 + n)
    assert destination(line)["outcomes"] == {"delivered": 100}


def test_of_a_log_that_is_too_long_the_newest_part_is_told(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_events, "MAX_ANSWERS", 8)
    line.aws.logs.page_size = 5
    now = time.time()
    for minutes in range(59):
        line.aws.logs.write(DELIVERY_LOG, settled("a", minutes), now - 60 * minutes - 30)
    shown = line.json("status")
    since = datetime.fromisoformat(shown["log"]["since"]).timestamp()
    count = shown["destinations"][0]["outcomes"]["delivered"]
    assert not shown["log"]["complete"]
    assert count == len([n for n in range(59) if now - 60 * n - 30 >= since])
    assert 0 < count < 59
    told = line.succeed("status")
    assert f"at least {count} delivered" in told
    assert "8 answers of CloudWatch reach back to" in told


def test_lines_of_others_are_passed_over(line: CommandLine) -> None:
    others = ["START RequestId: 1", "[1]", '{"message": "profile settled"}', entry("profile x")]
    line.aws.logs.write(DELIVERY_LOG, "\n".join([*others, settled("a", 0)]))
    assert destination(line)["outcomes"] == {"delivered": 1}


def test_dead_letters_are_counted_by_destination(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("gone", event_code="summit2028")
    harness.push({"zip": "84043"}, {"zip": "84043"})
    harness.push({"zip": "84043"}, destination="gone")
    del line.aws.ssm.parameters[f"/{STACK}/destinations/gone"]
    assert destination(line)["dead"] == 2
    assert destination(line, "gone")["dead"] == 1
    assert not line.aws.sqs.given_out
    assert len(line.aws.sqs.dead_letters) == 3


def test_dead_letters_that_cannot_be_seen_are_told(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.rainfocus.reply = REFUSED
    for n in range(12):
        harness.push({**profile("ada"), "city": str(n)})
    harness.work()
    assert line.json("status")["dead_letters"] == {
        "waiting": 12,
        "in_flight": 0,
        "looked_at": 10,
        "unseen": 2,
    }
    told = line.succeed("status")
    assert "Of the dead letters 10 were looked at, 2 more can't be seen now" in told


def bury(line: CommandLine, count: int) -> None:
    envelope = messages.push_attributes("default", "request", "", "")
    why = {"outcome": "rejected", "reason": "no"}
    line.aws.dead_letter_queue().send(
        [
            dead_letters.dead_letter_of(Message("{}", f"g{n}", str(n), envelope), why)
            for n in range(count)
        ]
    )
    line.aws.sqs.calls.clear()


def test_of_many_dead_letters_a_part_is_looked_at_and_not_hidden(line: CommandLine) -> None:
    bury(line, 1_000)
    assert line.json("status")["dead_letters"] == {
        "waiting": 1_000,
        "in_flight": 0,
        "looked_at": 200,
        "unseen": 800,
    }
    requests = [request for name, request in line.aws.sqs.calls if name == "ReceiveMessage"]
    assert len(requests) == 20
    assert max(request["VisibilityTimeout"] for request in requests) <= 30
    assert not line.aws.sqs.given_out
    told = line.succeed("status")
    assert "Of the dead letters 200 were looked at, 800 more were not looked at" in told
    assert "at least 200" in told


def test_a_look_at_dead_letters_takes_seconds(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(line, 100)
    passed = itertools.count(step=4.0)  # seconds, by each look at the clock
    monkeypatch.setattr(dead_letter_scan, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    assert line.json("status")["dead_letters"]["looked_at"] == 20
    assert not line.aws.sqs.given_out


# --- connections ---


def test_a_paused_connection_is_told(line: CommandLine, harness: DeliveryHarness) -> None:
    assert not line.json("status")["connections"][0]["paused"]
    assert "go through" in line.succeed("status")
    harness.rainfocus.reply = PAUSED
    for n in range(6):
        harness.push(profile(f"p{n}"))
    harness.work()
    before = time.time()
    [connection] = line.json("status")["connections"]
    assert connection["paused"]
    since = datetime.fromisoformat(connection["paused_since"]).timestamp()
    assert since == pytest.approx(before, abs=5)
    assert connection["cause"] == "configuration"
    told = line.succeed("status")
    assert "paused since 20" in told
    assert "it is refused; see `doctor`" in told


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("outage", "RainFocus is out of order"),
        ("timeout", "RainFocus does not answer"),
        ("busy", "RainFocus is busy"),
    ],
)
def test_a_pause_for_an_outage_is_not_told_as_a_fault_of_the_settings(
    line: CommandLine, cause: str, words: str
) -> None:
    line.aws.dynamodb.items["circuit#default"] = {
        "key": {"S": "circuit#default"},
        "state": {"S": "OPEN"},
        "cause": {"S": cause},
        "opened_at": {"N": "1800000000"},
        "expires_at": {"N": "4000000000"},
    }
    assert line.json("status")["connections"][0]["cause"] == cause
    told = line.succeed("status")
    assert words in told
    assert "doctor" not in told


def test_a_connection_that_is_probed_is_paused_yet(line: CommandLine) -> None:
    line.aws.dynamodb.items["circuit#default"] = {
        "key": {"S": "circuit#default"},
        "state": {"S": "HALF_OPEN"},
        "opened_at": {"N": "1800000000"},
        "expires_at": {"N": "4000000000"},
    }
    assert line.json("status")["connections"][0]["paused"]
    line.aws.dynamodb.items["circuit#default"]["state"]["S"] = "CLOSED"
    assert not line.json("status")["connections"][0]["paused"]


@pytest.mark.parametrize(
    ("made", "state", "told"),
    [
        ({}, "good", "good, ends 2096-10-02"),
        ({"expires_at": None}, "good", "good, ends never"),
        ({"expires_at": 1_700_000_600}, "expired", "expired, ends 2023-11-14"),
        ({"granted_to": "another"}, "outdated", "outdated, ends 2096"),
    ],
)
def test_when_tokens_end_is_told(
    line: CommandLine, made: dict[str, Any], state: str, told: str
) -> None:
    line.aws.set_token(token(**made))
    assert line.json("status")["connections"][0]["token"]["state"] == state
    assert told in line.succeed("status")


def test_why_there_is_no_token_is_told(line: CommandLine) -> None:
    line.aws.remove_token()
    line.aws.ssm.parameters[f"/{STACK}/connections/broken"] = '{"version": "v4"}'
    broken, default = line.json("status")["connections"]
    assert default["token"]["state"] == "none"
    assert "has no token yet" in default["token"]["words"]
    assert "are not valid" in broken["token"]["words"]
    assert "has no token yet" in line.succeed("status")


# --- what needs a person ---


def needs(line: CommandLine, *options: str) -> dict[str, str]:
    """Return what needs a person, with the next command."""
    return {each["what"]: each["next"] for each in line.json("status", *options)["needs"]}


def test_a_check_of_what_goes_well_succeeds(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.push(profile("ada"))
    harness.work()
    assert line.succeed("status", "--check") == "Nothing needs a person.\n"
    assert line.json("status", "--check")["needs"] == []


def test_dead_letters_need_a_person(line: CommandLine) -> None:
    bury(line, 3)
    assert needs(line) == {"3 dead letters": "attendee-sync failures"}
    result = line.run("status", "--check")
    assert (result.exit_code, result.stderr) == (1, "")
    assert ["3 dead letters", "attendee-sync failures"] in cells(result.stdout)
    assert "shared lane" not in result.stdout
    assert line.run("status").exit_code == 0


def test_a_paused_connection_needs_a_person(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = PAUSED
    for n in range(6):
        harness.push(profile(f"p{n}"))
    harness.work()
    [(what, command)] = needs(line).items()
    assert what.startswith("connection default is paused since ")
    assert command == "attendee-sync doctor default"
    line.fail("status", "--check", "--json")


def test_an_outage_needs_a_person_once_it_has_lasted(
    line: CommandLine, harness: DeliveryHarness, wall: Clock
) -> None:
    harness.rainfocus.reply = BUSY
    for n in range(6):
        harness.push(profile(f"p{n}"))
    harness.work()
    assert needs(line) == {}
    wall.now += HOUR + 60
    assert any("RainFocus is out of order" in each for each in needs(line))


@pytest.mark.parametrize(
    ("made", "what"),
    [
        ({"expires_at": 1_700_000_600}, "the token of connection default is expired: it has run"),
        ({"granted_to": "another"}, "the token of connection default is outdated: credentials"),
    ],
)
def test_a_token_that_is_not_renewed_needs_a_person(
    line: CommandLine, made: dict[str, Any], what: str
) -> None:
    line.aws.set_token(token(**made))
    [(told, command)] = needs(line).items()
    assert told.startswith(what)
    assert command == "attendee-sync token refresh default"
    line.aws.remove_token()
    [(told, command)] = needs(line).items()
    assert "has no token yet" in told
    assert command == "attendee-sync doctor default"


def test_who_waits_for_long_needs_a_person(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.push(profile("ada"))
    line.aws.logs.write(DELIVERY_LOG, put_back("a", 0, "busy", age=5_400), time.time() - 60)
    assert needs(line, "--max-wait", "100") == {}
    [(told, command)] = needs(line).items()
    assert told == "a profile of default waits for 1 h 31 min: busy"
    assert command == "attendee-sync status"


def test_a_check_looks_as_far_back_as_a_profile_may_wait(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.push(profile("ada"))
    line.aws.logs.write(INGEST_LOG, accepted("a", 1), time.time() - 150 * 60)
    assert "not_tried" in line.run("status", "--check", "--max-wait", "120").stdout
    assert line.run("status", "--check", "--max-wait", "180").exit_code == 0


def test_a_lane_that_is_off_needs_a_person_once_profiles_wait_in_it(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.functions.mappings = {PROFILE_QUEUE: False}
    assert needs(line) == {}
    harness.push(profile("ada"))
    assert needs(line) == {
        "delivery of shared lane is off, and 1 profile in it": (
            "attendee-sync destinations resume default"
        )
    }


def test_what_resumes_a_lane_is_its_destination_whose_name_may_be_longer(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    name = "summit-in-a-very-large-hall-with-a-name-that-is-longer-still"
    line.aws.set_destination(name, event_code="summit2028", lane="own")
    lane = lanes.own_lane(STACK, name)
    queue = lanes.queue_name(STACK, lane)
    line.aws.sqs.queues[fakes.queue_url(queue)] = []
    line.aws.functions.mappings[queue] = False
    harness.push(profile("ada"), destination=name)
    assert lane != name
    assert list(needs(line).values()) == [f"attendee-sync destinations resume {name}"]


def test_a_lane_that_is_moved_into_needs_the_move_to_go_on(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("summit", event_code="summit2028", lane="moving", lane_from=1)
    queue = lanes.queue_name(STACK, "summit")
    line.aws.sqs.queues[fakes.queue_url(queue)] = []
    line.aws.functions.mappings[queue] = False
    harness.push(profile("ada"), destination="summit")
    assert list(needs(line).values()) == ["attendee-sync destinations move summit"]


def test_a_lane_whose_queue_is_missing_needs_a_person(line: CommandLine) -> None:
    line.aws.set_destination("summit", event_code="summit2028", lane="own")
    assert needs(line) == {
        "the queue of lane summit is missing": "attendee-sync destinations upgrade"
    }


# --- accounting ---


def test_what_has_no_end_is_in_a_lane(line: CommandLine, harness: DeliveryHarness) -> None:
    line.aws.logs.write(INGEST_LOG, accepted("a", 3), time.time() - 600)
    line.aws.logs.write(DELIVERY_LOG, put_back("a", 0, "busy", age=300), time.time() - 300)
    line.aws.logs.write(DELIVERY_LOG, settled("a", 1), time.time() - 300)
    harness.push(profile("ada"), profile("ben"))
    assert line.json("status")["accounting"] == {"without_end": 2, "in_lanes": 2, "missing": 0}
    assert "missing" not in line.succeed("status")


def test_what_has_no_end_and_is_in_no_lane_is_missing(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    line.aws.logs.write(INGEST_LOG, accepted("a", 3), time.time() - 600)
    line.aws.logs.write(DELIVERY_LOG, settled("a", 1), time.time() - 300)
    assert line.json("status")["accounting"]["missing"] == 2
    told = "2 accepted profiles missing: no end in the log, and in no lane"
    assert f"Accounting: {told}" in line.succeed("status")
    assert needs(line) == {told: "attendee-sync failures"}
    assert not slept
    assert told in line.run("status", "--check").stdout
    assert slept == [60.0]


def test_a_line_of_the_log_that_is_late_is_waited_for(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_: float) -> None:
        line.aws.logs.write(DELIVERY_LOG, settled("a", 0))

    monkeypatch.setattr(time, "sleep", end)
    line.aws.logs.write(INGEST_LOG, accepted("a", 1), time.time() - 600)
    assert line.run("status", "--check").exit_code == 0


def test_what_came_just_now_may_not_be_counted_by_sqs_yet(line: CommandLine) -> None:
    line.aws.logs.write(INGEST_LOG, accepted("a", 1), time.time() - 60)
    assert line.json("status")["accounting"]["without_end"] == 0


def test_a_log_that_was_read_in_part_accounts_for_nothing(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_events, "MAX_ANSWERS", 1)
    line.aws.logs.write(INGEST_LOG, accepted("a", 1), time.time() - 600)
    assert line.json("status")["accounting"] is None


def test_nothing_is_written(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.push(profile("ada"))
    line.aws.dynamodb.calls.clear()
    line.succeed("status")
    assert {name for name, _ in line.aws.dynamodb.calls} == {"GetItem"}
    assert {name for name, _ in line.aws.ssm.calls} <= {"GetParameter", "GetParametersByPath"}
    assert len(line.aws.sqs.profiles) == 1
