import json

import pytest

from attendee_sync import attendee
from attendee_sync_cli import console
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness, kinds
from tests.support.stack import HASH_KEY, STACK, Clock

ADA = {"email": " Ada@Example.com", "firstname": "Ada", "zip": "84043"}
BEN = {"email": "ben@example.org"}
SHA256 = attendee.sha256_of("ada@example.com")
PERSON = attendee.person_key(HASH_KEY, SHA256)
REFUSED = fakes.envelope("105", "zip is not known", status=400)


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    line.hidden = ("Ada", "ada@", "84043", SHA256)
    return line


def key_at(destination: str) -> str:
    return f"attendee#{attendee.key(HASH_KEY, destination, SHA256)}"


def test_what_is_held_of_a_person_is_removed_and_nobody_else_s(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA, BEN)
    harness.push(ADA, destination="summit")
    harness.work()
    harness.rainfocus.reply = REFUSED
    harness.push(ADA | {"zip": "1"}, BEN | {"zip": "2"})
    harness.work()
    delivered_at = console.moment(int(harness.noted[key_at("default")]["delivered_at"]["N"]))
    result = line.run("erase", "ada@example.com", "--yes", "--json")
    record = json.loads(result.stdout)
    assert record["person"] == PERSON
    assert record["destinations"] == [
        {
            "destination": name,
            "attendee": key_at(name).removeprefix("attendee#"),
            "event_code": event,
            "ledger_entries": 1,
            "dead_letters": dead,
            "attendee_id": "1700000000000001abcd",
            "delivered_at": record["destinations"][n]["delivered_at"],
        }
        for n, (name, event, dead) in enumerate(
            [("default", "summit2027", 1), ("summit", "summit2028", 0)]
        )
    ]
    assert record["destinations"][0]["delivered_at"] == delivered_at
    assert record["left_to_do"][0] == (
        "in RainFocus, delete the attendee 1700000000000001abcd of event summit2027, "
        f"delivered to default on {delivered_at}"
    )
    assert len(harness.noted) == 1  # the other's
    [left] = harness.aws.sqs.dead_letters
    assert "ben@example.org" in left.body


def test_who_is_erased_is_filtered_until_that_is_lifted(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    assert line.run("erase", "-", "--yes", given="ada@example.com\n").exit_code == 0
    harness.push(ADA)
    assert kinds(harness.work()) == ["filtered"]
    assert line.json("lookup", "ada@example.com")["blocked_since"]
    assert "Erased and blocked since" in line.succeed("lookup", "ada@example.com")
    assert line.succeed("erase", SHA256, "--lift", "--yes") == "Lifted.\n"
    assert "not blocked" in line.succeed("erase", SHA256, "--lift", "--yes")
    harness.push(ADA)
    assert kinds(harness.work()) == ["delivered"]
    assert line.json("lookup", "ada@example.com")["blocked_since"] is None


def test_a_second_run_keeps_the_time_of_the_first_and_finds_nothing(
    line: CommandLine, harness: DeliveryHarness, wall: Clock, slept: list[float]
) -> None:
    harness.push(ADA)
    harness.work()
    since = console.moment(wall.now)
    assert f"Blocked since {since}" in line.run("erase", SHA256, "--yes").stdout
    assert slept == [65.0]
    wall.now += 3_600
    shown = line.succeed("erase", SHA256, "--yes")
    assert slept == [65.0]  # who is blocked for long is no more at work
    assert f"Blocked since {since}" in shown
    assert ["default", "0", "0"] in cells(shown)
    assert "in RainFocus, delete the person's attendees, if there are any" in shown


def test_an_interrupted_run_has_blocked_and_goes_on(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    harness.push(ADA)
    harness.work()
    line.aws.sqs.calls_to_interruption = 1
    broken_off = line.run("erase", SHA256, "--yes", "--json")
    assert broken_off.exit_code == 130
    record = json.loads(broken_off.stdout)
    assert record["complete"] is False
    assert record["left_to_do"][-1].startswith("run this again: it was broken off")
    assert key_at("default") in harness.noted
    harness.push(ADA | {"zip": "1"})
    assert kinds(harness.work()) == ["filtered"]
    line.aws.sqs.calls_to_interruption = -1
    record = json.loads(line.run("erase", SHA256, "--yes", "--json").stdout)
    assert record["complete"] is True
    assert not [each for each in record["left_to_do"] if "run this again" in each]
    assert harness.noted == {}


def test_a_redriven_dead_letter_of_an_erased_person_does_not_come_back(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    """It came while the block was made, say."""
    harness.rainfocus.reply = REFUSED
    harness.push(ADA)
    harness.work()
    dead_letters = list(harness.aws.sqs.dead_letters)
    line.run("erase", SHA256, "--yes")
    harness.aws.sqs.queues[fakes.DEAD_LETTERS_URL] += dead_letters
    assert line.json("redrive", "--dry-run")["outcomes"]["filtered"] == 1
    line.succeed("redrive", "--yes")
    assert kinds(harness.work()) == ["filtered"]
    assert harness.aws.sqs.dead_letters == []
    assert len(harness.rainfocus.calls) == 1


@pytest.mark.parametrize("named", [(), ("--destination", "summit")])
def test_a_removed_destination_is_known_by_its_dead_letters_or_by_name(
    line: CommandLine, harness: DeliveryHarness, named: tuple[str, ...]
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA, destination="summit")
    harness.work()
    if not named:
        harness.rainfocus.reply = REFUSED
        harness.push(ADA | {"zip": "1"}, destination="summit")
        harness.work()
    del line.aws.ssm.parameters[f"/{STACK}/destinations/summit"]
    assert line.run("erase", SHA256, "--yes", *named).exit_code == 0
    assert harness.noted == {}
    assert harness.aws.sqs.dead_letters == []


def test_a_dead_letter_is_known_by_the_address_that_is_mapped(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    line.aws.set_destination("default", event_code="e1", mapping={"email": "work.address"})
    harness.rainfocus.reply = REFUSED
    harness.push({"email": "other@example.org", "work": {"address": "ada@example.com"}})
    harness.work()
    assert harness.aws.sqs.dead_letters
    line.run("erase", SHA256, "--yes")
    assert harness.aws.sqs.dead_letters == []


@pytest.mark.parametrize("is_removed", [True, False])
def test_a_dead_letter_that_only_a_hash_tells_is_known_where_no_settings_do(
    line: CommandLine, harness: DeliveryHarness, is_removed: bool
) -> None:
    """Ingest rejected it, so that its group is no attendee's."""
    line.aws.set_destination("summit", event_code="e1", connection="gone")
    of_another = {"email_lc_sha256": attendee.sha256_of("ben@example.org")}
    harness.push({"email_lc_sha256": SHA256, "firstname": "Ada"}, of_another, destination="summit")
    assert len(harness.aws.sqs.dead_letters) == 2
    if is_removed:
        del line.aws.ssm.parameters[f"/{STACK}/destinations/summit"]
    assert line.run("erase", "ada@example.com", "--yes").exit_code == 0
    [left] = harness.aws.sqs.dead_letters
    assert "Ada" not in left.body


def test_lanes_that_may_hold_something_of_the_person_are_told(line: CommandLine) -> None:
    line.succeed("destinations", "create", "summit", "--event", "e1", "--yes")
    until = line.json("pause", "summit", "--until", "3d")["resumes_at"]
    url = fakes.queue_url(f"{STACK}_lane_summit.fifo")
    line.aws.sqs.queues[url].append(fakes.Sent("{}", "group", "id", {}))
    result = line.run("erase", SHA256, "--yes")
    assert "nothing in the lane summit, which is off" in result.stdout
    assert f"{until} at the latest" in result.stdout
    assert "shared lane" not in result.stdout  # it is empty


def test_nobody_is_erased_unasked(line: CommandLine) -> None:
    assert line.run("erase", SHA256, given="n\n").exit_code == 1
    assert "add --yes" in line.fail("erase", SHA256, "--json", code=2)
    assert "add --yes" in line.fail("erase", "-", given="ada@example.com\n", code=2)
    assert "expected an e-mail address" in line.fail("erase", "ada@", "--yes", code=2)
    assert not [key for key in line.aws.dynamodb.items if key.startswith("erased#")]


def test_all_dead_letters_of_a_person_are_removed_although_sqs_shows_ten_at_a_time(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    for some in range(5):
        harness.push(*(ADA | {"zip": f"84043-{some}-{number}"} for number in range(5)), BEN)
        harness.rainfocus.reply = REFUSED
        harness.work()
        harness.rainfocus.reply = fakes.stored()  # that calls go through
        harness.push({"email": f"fine{some}@example.com"})
        harness.work()
    before = len(harness.aws.sqs.dead_letters)
    record = line.json("erase", "ada@example.com", "--yes")
    assert before == 30
    assert sum(each["dead_letters"] for each in record["destinations"]) == 25
    assert (record["unseen"], len(harness.aws.sqs.dead_letters)) == (0, 5)
