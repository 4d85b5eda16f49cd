import json
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters
from attendee_sync_cli import console
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.stack import dead_letter_scan
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import STACK, Aws

ADA = {"email": "ada@example.com", "firstname": "Ada", "phone": "+1 555 0100"}
BEN = {"email": "ben@example.org", "firstname": "Ben"}
NOBODY = {"firstname": "Nobody", "manager": {"mail": "nobody@example.net"}}
PERSONAL = ("ada@", "Ada", "+1 555", "ben@", "Ben", "Nobody", "nobody@")
REFUSED = fakes.envelope("105", "countryid is not known", status=400)
SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.json"))


@pytest.fixture
def harness(harness: DeliveryHarness) -> DeliveryHarness:
    harness.rainfocus.reply = REFUSED
    return harness


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    line.hidden = PERSONAL
    return line


def bury(aws: Aws, *reasons: str, group: str = "") -> None:
    """Make a dead letter for each reason."""
    for n, reason in enumerate(reasons):
        attributes = {"destination": "default", "request_id": "old", "index": str(n)}
        was = Message(json.dumps(ADA), group or f"person-{n}", f"old-{n}", attributes)
        why = {"reason": "refused", "detail": reason}
        aws.dead_letter_queue().send([dead_letters.dead_letter_of(was, why)])


def left_as_they_were(aws: Aws) -> bool:
    return not aws.sqs.given_out


# --- what is shown ---


def test_dead_letters_are_grouped_by_destination_and_reason(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    first = harness.push(ADA, BEN, NOBODY)
    harness.push(ADA, destination="summit")
    harness.work()
    found = cells(line.succeed("failures"))
    said = (
        "refused: RainFocus does not take this profile "
        '(HTTP 400, code 105, "countryid is not known")'
    )
    assert [row[:4] for row in found[:4]] == [
        ["dead letters", "destination", "outcome", "reason"],
        ["2", "default", "rejected", "refused"],
        ["1", "default", "rejected", "unclear_email"],
        ["1", "summit", "rejected", "refused"],
    ]
    assert [f"summit, {said}"] in found
    assert [
        "default, unclear_email: no e-mail address under a name that says it is the"
        " person's own, though one is there"
    ] in found
    assert any(" ".join(row).endswith(f"such as {first}-2:") for row in found)
    assert any(" ".join(row).startswith("Next: RainFocus's words say which") for row in found)
    assert ["manager.mail", '"aaaaaa@aaaaaaa.aaa"'] in found
    assert left_as_they_were(line.aws)
    assert len(line.aws.sqs.dead_letters) == 4


def test_causes_that_look_the_same_in_the_table_are_one_row_there(line: CommandLine) -> None:
    bury(line.aws, "not there", "not there", "too long")
    found = cells(line.succeed("failures"))
    assert found[1][:4] == ["3", "default", "given up", "refused"]
    assert found[2] == []
    assert ["default, refused: not there"] in found
    assert ["default, refused: too long"] in found
    told = [row[0] for row in found if row and " since " in row[0]]
    assert [each.partition(" ")[0] for each in told] == ["2", "1"]


def test_programs_get_the_same(line: CommandLine, harness: DeliveryHarness) -> None:
    request_id = harness.push(ADA, BEN)
    harness.work()
    times = [console.moment_of(sent.attributes["time"]) for sent in line.aws.sqs.dead_letters]
    [found] = (shown := line.json("failures"))["failures"]
    assert (shown["dead_letters"], shown["unseen"]) == (2, 0)
    assert found["example"]["id"] in (f"{request_id}-0", f"{request_id}-1")
    assert found["example"]["shape"]["email"] == '"aaa@aaaaaaa.aaa"'
    assert found | {"example": {}} == {
        "destination": "default",
        "outcome": "rejected",
        "reason": "refused",
        "detail": "RainFocus does not take this profile",
        "status": "400",
        "code": "105",
        "answer": "countryid is not known",
        "count": 2,
        "senders": {},
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
    assert (found["reason"], found["detail"]) == ("given_up", dead_letters.GIVEN_UP)
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


def test_a_long_example_is_cut_for_people_alone(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.push({f"name_{'x' * n}": n for n in range(30)})
    assert "and 10 more; --json shows them" in line.succeed("failures")
    [found] = line.json("failures")["failures"]
    assert len(found["example"]["shape"]) == 30


@pytest.mark.parametrize("command", [["failures"], ["failures", "--list"], ["redrive"]])
def test_where_none_is_of_the_choice_it_is_not_said_that_there_are_none(
    line: CommandLine, harness: DeliveryHarness, command: list[str]
) -> None:
    harness.push({"name": "no address"})
    told = line.succeed(*command, "--reason", "overtaken")
    assert told == "No dead letters of this choice; without it there may be others.\n"


def test_without_dead_letters_there_is_nothing_to_show(line: CommandLine) -> None:
    assert line.succeed("failures") == "No dead letters.\n"
    assert line.json("failures") == {"dead_letters": 0, "unseen": 0, "failures": []}


@pytest.mark.parametrize(
    ("options", "dead_letters"),
    [
        (["--destination", "default"], 3),
        (["--destination", "summit"], 1),
        (["--reason", "NO E-MAIL"], 1),
        (["--reason", "countryid"], 3),  # RainFocus's words
        (["--reason", "countryid", "--destination", "default"], 2),
        (["--hours", "1"], 4),
        (["--hours", "0"], 0),
    ],
)
def test_letters_can_be_chosen(
    line: CommandLine, harness: DeliveryHarness, options: list[str], dead_letters: int
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA, BEN, NOBODY)
    harness.push(ADA, destination="summit")
    harness.work()
    assert line.json("failures", *options)["dead_letters"] == dead_letters
    assert left_as_they_were(line.aws)


# --- one dead letter ---


def test_a_letter_is_shown_whole_on_request(line: CommandLine, harness: DeliveryHarness) -> None:
    request_id = harness.push(BEN, ADA)
    harness.work()
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
    assert found["trace_id"] == json.loads(sent.attributes["origin"])["trace_id"]
    assert found["time"] == console.moment_of(sent.attributes["time"])
    assert found["attempts"] == "1"
    assert left_as_they_were(line.aws)


def test_no_letter_can_steer_the_terminal(line: CommandLine, harness: DeliveryHarness) -> None:
    request_id = harness.push({"a\x1b[31m": "\x9b1m\u202e"})
    bury(line.aws, "\x9b1m\u202e")
    for arguments in (["failures"], ["failures", "--show", f"{request_id}-0"]):
        shown = line.succeed(*arguments)
        assert not [each for each in shown if not each.isprintable() and each != "\n"]


def test_that_a_letter_is_personal_data_is_said(line: CommandLine) -> None:
    assert "personal data" in line.succeed("failures", "--help")


def test_a_letter_that_is_not_there_is_a_failure(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.push(NOBODY)
    assert "There is no dead letter of this ID" in line.fail("failures", "--show", "none-0")
    assert left_as_they_were(line.aws)


# --- the walk ---


def test_of_one_attendee_the_ten_oldest_are_seen(line: CommandLine) -> None:
    bury(line.aws, *["no"] * 25, group="person")
    bury(line.aws, "yes")
    shown = line.json("failures")
    assert {each["detail"]: each["count"] for each in shown["failures"]} == {"no": 10, "yes": 1}
    assert shown["unseen"] == 15
    told = line.succeed("failures")
    assert "15 more can't be seen now: SQS shows an attendee's later dead letters only once" in told


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


# --- a line each ---


def test_each_dead_letter_has_a_line_without_personal_data(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    first = harness.push(ADA, NOBODY)
    second = harness.push(BEN, destination="summit")
    harness.work()
    shown = line.succeed("failures", "--list").splitlines()
    assert sorted((each.split()[:2] + each.split()[3:]) for each in shown) == [
        [f"{first}-0", "default", "refused"],
        [f"{first}-1", "default", "unclear_email"],
        [f"{second}-0", "summit", "refused"],
    ]
    [found] = line.json("failures", "--list", "--destination", "summit")["dead_letters"]
    assert (found["id"], found["code"], found["status"]) == (f"{second}-0", "105", "400")
    assert left_as_they_were(line.aws)


def test_without_dead_letters_a_list_is_empty(line: CommandLine) -> None:
    assert line.succeed("failures", "--list") == "No dead letters.\n"
    assert line.json("failures", "--list") == {"unseen": 0, "dead_letters": []}


# --- a file of them ---


@pytest.mark.parametrize("ending", [".csv", ".json", ".ndjson", ".JSONL"])
def test_an_export_can_be_mended_and_pushed_again(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path, ending: str
) -> None:
    nested = {"email": "cleo@example.net", "workAddress": {"city": 'Le"hi,\n'}, "phone": None}
    request_id = harness.push(ADA, BEN, nested)
    harness.work()
    path = tmp_path / f"mend{ending}"
    said = line.succeed("failures", "--export", str(path))
    assert f"{path} has 3 dead letters. It holds personal data; only you can read it." in said
    assert f"attendee-sync push default {path}" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(line.aws.sqs.dead_letters) == 3
    assert left_as_they_were(line.aws)
    with path.open("rb") as file:
        found = [each.pushed.profile or {} for each in profile_files.read(file).found]
    why = [each.pop("dead_letter") for each in found]
    assert [each["id"] for each in why] == [f"{request_id}-{n}" for n in range(3)]
    assert {each["answer"] for each in why} == {"countryid is not known"}
    line.hidden = ()  # a preview shows personal data
    shown = json.loads(line.run("preview", "default", str(path), "--json").stdout)["profiles"]
    assert [each["attendee"].get("city", "") for each in shown] == ["", "", 'Le"hi,']
    assert [each["attendee"].get("firstname", "") for each in shown] == ["Ada", "Ben", ""]
    kept = {name: each for name, each in nested.items() if each is not None}
    assert [{k: v for k, v in each.items() if v is not None} for each in found] == [ADA, BEN, kept]


def test_a_table_without_addresses_has_a_column_for_them(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path
) -> None:
    harness.push(NOBODY)
    harness.work()
    path = tmp_path / "mend.csv"
    line.succeed("failures", "--reason", "unclear_email", "--export", str(path))
    [header, _] = path.read_text("utf-8-sig").splitlines()
    assert header.split(",")[-1] == "email"
    told = line.fail("push", "default", str(path))
    assert "email is for e-mail addresses, but has none that can be used" in told
    assert "dead_letter." not in told


def test_two_spellings_of_a_name_are_told(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path
) -> None:
    harness.push({"email": "ada@example.com"}, {"Email": "ben@example.com"})
    harness.work()
    told = line.fail("failures", "--export", str(tmp_path / "mend.csv"))
    assert "such as email and Email" in told
    assert "--destination" in told


def test_what_is_no_profile_is_exported_as_its_text(line: CommandLine, tmp_path: Path) -> None:
    attributes = {"destination": "default", "request_id": "old", "index": "0"}
    line.aws.dead_letter_queue().send([Message("{no json", "person", "id", attributes)])
    path = tmp_path / "mend.ndjson"
    line.succeed("failures", "--export", str(path))
    assert json.loads(path.read_text())["dead_letter"]["text"] == "{no json"


@pytest.mark.parametrize(
    "profiles",
    [
        [{"email": "x@example.com", "identityMap": {"Email": [{"id": "x@example.com"}]}}],
        [{"email": "x@example.com", "a": {"b.c": "d"}}],
        [{"email": "x@example.com", "a": "b"}, {"email": "y@example.com", "a": {"b": "c"}}],
    ],
)
def test_what_no_table_holds_is_told_before_there_is_a_file(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path, profiles: list[object]
) -> None:
    harness.push(*profiles)
    harness.work()
    path = tmp_path / "mend.csv"
    assert ".ndjson" in line.fail("failures", "--export", str(path), "--discard", "--yes")
    assert not path.exists()
    assert len(line.aws.sqs.dead_letters) == len(profiles)


def test_only_what_is_chosen_is_exported(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path
) -> None:
    harness.push(ADA, NOBODY)
    harness.work()
    path = tmp_path / "mend.json"
    shown = line.json("failures", "--reason", "countryid", "--export", str(path))
    assert shown == {"dead_letters": 1, "exported": 1, "discarded": 0, "unseen": 0}
    [found] = json.loads(path.read_text())
    assert found["email"] == ADA["email"]


def test_without_dead_letters_no_file_is_made(line: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "mend.json"
    assert line.succeed("failures", "--export", str(path)) == "No dead letters.\n"
    assert not path.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--export", "mend.txt"],
        ["--show", "a-0", "--list"],
        ["--list", "--discard"],
        ["--show", "a-0", "--export", "mend.csv"],
        ["--discard", "--json"],
    ],
)
def test_options_that_make_no_sense_are_usage_errors(line: CommandLine, options: list[str]) -> None:
    line.fail("failures", *options, code=2)
    assert not line.aws.sqs.calls


def test_a_file_that_is_there_is_not_written_over(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path
) -> None:
    harness.push(NOBODY)
    path = tmp_path / "mend.json"
    path.write_text("mine")
    line.fail("failures", "--export", str(path), "--discard", "--yes", code=2)
    assert path.read_text() == "mine"
    assert len(line.aws.sqs.dead_letters) == 1


# --- away with them ---


def test_what_is_chosen_is_discarded_after_a_question(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.push(ADA, BEN, NOBODY)
    harness.work()
    options = ("failures", "--reason", "countryid", "--discard")
    result = line.run(*options, given="n\n")
    assert result.exit_code == 1
    assert "Delete 2 dead letters (2 of default) for good?" in result.stdout
    assert len(line.aws.sqs.dead_letters) == 3
    result = line.run(*options, given="y\n")
    assert "2 of 2 dead letters deleted." in result.stdout
    assert [json.loads(sent.body) for sent in line.aws.sqs.dead_letters] == [NOBODY]
    assert left_as_they_were(line.aws)


def test_what_is_exported_and_discarded_is_in_the_file_alone(
    line: CommandLine, harness: DeliveryHarness, tmp_path: Path
) -> None:
    harness.push(ADA, BEN)
    harness.work()
    path = tmp_path / "mend.ndjson"
    shown = line.json("failures", "--export", str(path), "--discard", "--yes")
    assert shown == {"dead_letters": 2, "exported": 2, "discarded": 2, "unseen": 0}
    assert len(path.read_text().splitlines()) == 2
    assert not line.aws.sqs.dead_letters


def test_what_nobody_was_asked_about_is_not_discarded(line: CommandLine) -> None:
    bury(line.aws, *["no"] * 25, group="person")
    shown = line.json("failures", "--discard", "--yes")
    assert shown == {"dead_letters": 10, "exported": 0, "discarded": 10, "unseen": 15}
    assert len(line.aws.sqs.dead_letters) == 15
    assert left_as_they_were(line.aws)


def test_what_can_not_be_deleted_is_not_said_to_be(line: CommandLine) -> None:
    bury(line.aws, *["no"] * 3)
    line.aws.sqs.keep = lambda sent: sent.group == "person-1"
    assert "2 of 3 dead letters deleted." in line.succeed("failures", "--discard", "--yes")
