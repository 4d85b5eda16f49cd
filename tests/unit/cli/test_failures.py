import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters
from attendee_sync_cli.stack import dead_letter_scan
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import STACK, Aws

ADA = {"email": "ada@example.com", "firstname": "Ada", "phone": "+1 555 0100"}
BEN = {"email": "ben@example.org", "firstname": "Ben"}
NOBODY = {"firstname": "Nobody", "person": {"mail": "nobody@example.net"}}
PERSONAL = ("ada@", "Ada", "+1 555", "ben@", "Ben", "Nobody", "nobody@")
REFUSED = fakes.envelope("105", "countryid is not known", status=400)
SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.json"))


@pytest.fixture
def bench(bench: DeliveryHarness) -> DeliveryHarness:
    bench.rainfocus.reply = REFUSED
    return bench


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    line.hidden = PERSONAL
    return line


def bury(aws: Aws, *reasons: str, group: str = "") -> None:
    """Make a dead letter for each reason."""
    for n, reason in enumerate(reasons):
        attributes = {"destination": "default", "request_id": "old", "index": str(n)}
        was = Message(json.dumps(ADA), group or f"person-{n}", f"old-{n}", attributes)
        aws.dead_letter_queue().send([dead_letters.dead_letter_of(was, {"reason": reason})])


def left_as_they_were(aws: Aws) -> bool:
    return not aws.sqs.given_out


# --- what is shown ---


def test_dead_letters_are_grouped_by_destination_and_reason(
    line: CommandLine, bench: DeliveryHarness
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    first = bench.push(ADA, BEN, NOBODY)
    bench.push(ADA, destination="summit")
    bench.work()
    found = cells(line.succeed("failures"))
    said = 'RainFocus does not take this profile (HTTP 400, code 105, "countryid is not known")'
    assert [row[:4] for row in found[:4]] == [
        ["letters", "destination", "outcome", "reason"],
        ["2", "default", "rejected", said],
        ["1", "default", "rejected", "no e-mail address"],
        ["1", "summit", "rejected", said],
    ]
    assert [f"default, no e-mail address, such as {first}-2:"] in found
    assert ["person.mail", '"aaaaaa@aaaaaaa.aaa"'] in found
    assert left_as_they_were(line.aws)
    assert len(line.aws.sqs.dead_letters) == 4


def test_programs_get_the_same(line: CommandLine, bench: DeliveryHarness) -> None:
    request_id = bench.push(ADA, BEN)
    bench.work()
    times = [sent.attributes["time"] for sent in line.aws.sqs.dead_letters]
    [found] = (shown := line.json("failures"))["failures"]
    assert (shown["dead_letters"], shown["unseen"]) == (2, 0)
    assert found["example"]["id"] in (f"{request_id}-0", f"{request_id}-1")
    assert found["example"]["shape"]["email"] == '"aaa@aaaaaaa.aaa"'
    assert found | {"example": {}} == {
        "destination": "default",
        "outcome": "rejected",
        "reason": "RainFocus does not take this profile",
        "status": "400",
        "code": "105",
        "answer": "countryid is not known",
        "count": 2,
        "first": min(times),
        "last": max(times),
        "example": {},
    }
    assert datetime.fromisoformat(found["first"]).tzinfo


def test_what_sqs_gave_up_has_no_outcome(line: CommandLine) -> None:
    attributes = {"destination": "default", "request_id": "old", "index": "3"}
    line.aws.dead_letter_queue().send([Message("{}", "person", "id", attributes)])
    [found] = line.json("failures")["failures"]
    assert found["outcome"] is None
    assert found["reason"] == dead_letters.GIVEN_UP
    assert found["example"]["id"] == "old-3"
    assert "given up" in line.succeed("failures")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_of_what_senders_push_no_value_is_shown(line: CommandLine, path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    bury(line.aws, "no")
    [sent] = line.aws.sqs.dead_letters
    line.aws.sqs.queues[fakes.DEAD_LETTERS_URL] = [replace(sent, body=json.dumps(document))]
    line.hidden = ("john", "John", "acme", "abcd@", "-01-11T", "realized", "7841ba61", "145750")
    assert '"' in line.succeed("failures")
    line.json("failures")


def test_a_long_example_is_cut_for_people_alone(line: CommandLine, bench: DeliveryHarness) -> None:
    bench.push({f"name_{'x' * n}": n for n in range(30)})
    assert "and 10 more; --json shows them" in line.succeed("failures")
    [found] = line.json("failures")["failures"]
    assert len(found["example"]["shape"]) == 30


def test_without_dead_letters_there_is_nothing_to_show(line: CommandLine) -> None:
    assert line.succeed("failures") == "No dead letters.\n"
    assert line.json("failures") == {"dead_letters": 0, "unseen": 0, "failures": []}


@pytest.mark.parametrize(
    ("options", "letters"),
    [
        (["--destination", "default"], 3),
        (["--destination", "summit"], 1),
        (["--reason", "NO E-MAIL"], 1),
        (["--reason", "countryid"], 3),  # RainFocus's words
        (["--reason", "countryid", "--destination", "default"], 2),
    ],
)
def test_letters_can_be_chosen(
    line: CommandLine, bench: DeliveryHarness, options: list[str], letters: int
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    bench.push(ADA, BEN, NOBODY)
    bench.push(ADA, destination="summit")
    bench.work()
    assert line.json("failures", *options)["dead_letters"] == letters
    assert left_as_they_were(line.aws)


# --- one letter ---


def test_a_letter_is_shown_whole_on_request(line: CommandLine, bench: DeliveryHarness) -> None:
    request_id = bench.push(BEN, ADA)
    bench.work()
    line.hidden = ()
    shown = line.succeed("failures", "--show", f"{request_id}-1")
    assert json.dumps(ADA) in shown
    assert ["status", "400"] in cells(shown)
    assert "ben@example.org" not in shown
    found = line.json("failures", "--show", f"{request_id}-1")
    assert json.loads(found.pop("profile")) == ADA
    [sent] = [each for each in line.aws.sqs.dead_letters if "ada@" in each.body]
    assert found["id"] == f"{request_id}-1"
    assert found["group"] == sent.group
    assert found["trace_id"] == sent.attributes["trace_id"]
    assert found["time"] == sent.attributes["time"]
    assert found["attempts"] == "1"
    assert left_as_they_were(line.aws)


def test_no_letter_can_steer_the_terminal(line: CommandLine, bench: DeliveryHarness) -> None:
    request_id = bench.push({"a\x1b[31m": "\x9b1m\u202e"})
    bury(line.aws, "\x9b1m\u202e")
    for arguments in (["failures"], ["failures", "--show", f"{request_id}-0"]):
        shown = line.succeed(*arguments)
        assert not [each for each in shown if not each.isprintable() and each != "\n"]


def test_that_a_letter_is_personal_data_is_said(line: CommandLine) -> None:
    assert "personal data" in line.succeed("failures", "--help")


def test_a_letter_that_is_not_there_is_a_failure(line: CommandLine, bench: DeliveryHarness) -> None:
    bench.push(NOBODY)
    assert "There is no dead letter of this ID" in line.fail("failures", "--show", "none-0")
    assert left_as_they_were(line.aws)


# --- the walk ---


def test_of_one_attendee_the_ten_oldest_are_seen(line: CommandLine) -> None:
    bury(line.aws, *["no"] * 25, group="person")
    bury(line.aws, "yes")
    shown = line.json("failures")
    assert {each["reason"]: each["count"] for each in shown["failures"]} == {"no": 10, "yes": 1}
    assert shown["unseen"] == 15
    told = line.succeed("failures")
    assert "15 more can't be seen now: SQS shows an attendee's later letters only once" in told


def test_a_long_queue_is_walked_through(line: CommandLine) -> None:
    bury(line.aws, *["no"] * 137)
    assert line.json("failures")["dead_letters"] == 137
    assert left_as_they_were(line.aws)


@pytest.mark.parametrize(("empty", "seen"), [(0, 3), (2, 3), (3, 0)])
def test_an_empty_answer_is_no_empty_queue(line: CommandLine, empty: int, seen: int) -> None:
    bury(line.aws, *["no"] * 3)
    line.aws.sqs.empty_answers = empty
    shown = line.json("failures")
    assert (shown["dead_letters"], shown["unseen"]) == (seen, 3 - seen)


def test_a_look_ends(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter_scan, "_MAX_SECONDS", -1.0)
    bury(line.aws, *["no"] * 3)
    assert "3 more were not looked at" in line.succeed("failures")


@pytest.mark.parametrize("call", range(7))
def test_an_interruption_leaves_the_letters(line: CommandLine, call: int) -> None:
    bury(line.aws, *["no"] * 25)
    line.aws.sqs.calls_to_interruption = call
    line.fail("failures", code=130)
    assert left_as_they_were(line.aws)
    assert len(line.aws.sqs.dead_letters) == 25


def test_a_failure_of_aws_leaves_the_letters(line: CommandLine) -> None:
    bury(line.aws, *["no"] * 25)
    line.aws.sqs.failures = [None, None, None, fakes.denied("AccessDenied", "ReceiveMessage")]
    assert "ReceiveMessage failed with AccessDenied" in line.fail("failures")
    assert left_as_they_were(line.aws)


def test_on_a_terminal_it_tells_how_far_it_is(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(line.aws, "no")
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = line.run("failures", "--json")
    assert "Looking at dead letters" in result.stderr
    assert json.loads(result.stdout)["dead_letters"] == 1


def test_a_stack_that_is_not_there_is_a_failure(line: CommandLine) -> None:
    line.aws.stacks.outputs = {}
    assert f"There is no stack {STACK}" in line.fail("failures")
