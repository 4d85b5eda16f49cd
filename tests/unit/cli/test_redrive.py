import contextlib
import io
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters
from attendee_sync.outcome import Outcome
from attendee_sync_cli.stack import dead_letter_scan, stack
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import STACK, Aws

# In turn, since a crowd that is refused alike is kept waiting.
REFUSALS = [fakes.envelope(code, "zip is not known", status=400) for code in ("105", "106")]
NOW = datetime(2026, 11, 27, tzinfo=UTC)
PERSONAL = ("@example.com", "Ada", "84043")


class RainFocus:
    """Stores attendees, but for those it is told to refuse."""

    def __init__(self) -> None:
        self.stored: dict[str, list[str]] = {}  # zip codes by e-mail, the latest last
        self.refuses = ""  # e-mails that contain it
        self._refusals = itertools.cycle(REFUSALS)

    def __call__(self, call: fakes.Call) -> fakes.Reply:
        email = call.json["email"]
        if self.refuses and self.refuses in email:
            return next(self._refusals)
        self.stored.setdefault(email.partition("@")[0], []).append(call.json.get("zip", ""))
        return fakes.stored()


@pytest.fixture
def rainfocus() -> RainFocus:
    return RainFocus()


@pytest.fixture
def harness(harness: DeliveryHarness, rainfocus: RainFocus) -> DeliveryHarness:
    harness.rainfocus.reply = rainfocus
    return harness


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    line.hidden = PERSONAL
    return line


def profile(person: str, state: int = 0) -> dict[str, Any]:
    return {"email": f"{person}@example.com", "zip": str(state)}


def bury(
    harness: DeliveryHarness,
    rainfocus: RainFocus,
    *profiles: dict[str, Any],
    destination: str = "default",
) -> None:
    """Have profiles refused by RainFocus."""
    rainfocus.refuses = "@"
    for each in profiles:
        harness.push(each, destination=destination)
    harness.work()
    rainfocus.refuses = ""
    harness.aws.sqs.calls.clear()


def deliver(harness: DeliveryHarness, *profiles: dict[str, Any]) -> None:
    for each in profiles:
        harness.push(each)
    harness.work()


def change_destination(aws: Aws, **settings: object) -> None:
    aws.set_destination("default", event_code="summit2027", **settings)
    aws.clock.now += 61  # the functions read settings once a minute


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.kind.value for outcome in outcomes))


def forecast(shown: dict[str, Any]) -> dict[str, int]:
    """Return the outcomes to come, by what RainFocus takes from now on."""
    outcomes = Counter({kind: n for kind, n in shown["outcomes"].items() if n})
    outcomes["delivered"] += outcomes.pop("refused_before", 0)
    return dict(+outcomes)


# --- what is forecast ---


def test_a_dry_run_tells_what_delivery_then_does(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("same"))
    line.aws.sqs.keep = lambda sent: "outcome" in sent.attributes
    assert line.json("redrive", "--yes")["left"] == 1  # it is queued again, but not removed
    harness.work()
    line.aws.sqs.keep = lambda _: False
    line.aws.sqs.let_time_pass()
    deliver(harness, profile("known", 1))
    bury(harness, rainfocus, profile("new"), profile("late", 1), profile("known", 2))
    bury(harness, rainfocus, {"zip": "84043"})
    deliver(harness, profile("late", 2))
    line.aws.set_destination("picky", event_code="summit2027")
    bury(harness, rainfocus, profile("unwanted"), destination="picky")
    line.aws.set_destination("picky", event_code="summit2027", filter="vip")
    line.aws.clock.now += 61  # the functions read settings once a minute

    shown = line.json("redrive", "--dry-run")
    assert (shown["dry_run"], shown["dead_letters"], shown["unseen"]) == (True, 6, 0)
    assert shown["outcomes"] == {
        "delivered": 0,
        "unchanged": 1,
        "filtered": 1,
        "stale": 1,
        "rejected": 1,
        "refused_before": 2,
    }
    assert shown["rejected"] == [
        {
            "destination": "default",
            "reason": "missing_email",
            "detail": "no e-mail address under email, email address"
            " or a name like them, nor in identityMap",
            "count": 1,
        }
    ]
    done = line.json("redrive", "--yes")
    assert (done["dead_letters"], done["redriven"], done["left"]) == (6, 5, 1)
    assert done["outcomes"] == shown["outcomes"]
    assert {**counts(harness.work()), "rejected": 1} == forecast(shown)
    assert rainfocus.stored == {"same": ["0"], "known": ["1", "2"], "new": ["0"], "late": ["2"]}
    assert [sent.body for sent in line.aws.sqs.dead_letters] == ['{"zip": "84043"}']


def test_a_dry_run_changes_nothing(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"), profile("b"))
    dead_letters = list(line.aws.sqs.dead_letters)
    known = dict(line.aws.dynamodb.items)
    line.json("redrive", "--dry-run")
    shown = line.succeed("redrive", "--dry-run")
    assert ["2", "default"] in [row[:2] for row in cells(shown)]
    assert shown.splitlines()[-1] == "2 of 2 can be redriven."
    assert line.aws.sqs.dead_letters == dead_letters
    assert not line.aws.sqs.given_out
    assert not line.aws.sqs.profiles
    assert line.aws.dynamodb.items == known


def test_what_was_refused_and_is_the_same_is_not_promised(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"), profile("b"))
    shown = line.json("redrive", "--dry-run")
    assert (shown["outcomes"]["delivered"], shown["outcomes"]["refused_before"]) == (0, 2)
    assert shown["destinations"] == {"default": {"refused_before": 2}}
    told = line.succeed("redrive", "--dry-run")
    assert "refused again, unless RainFocus changed: no setting did since it refused" in told
    assert "delivered" not in told
    assert "2 of 2 can be redriven." in told

    change_destination(line.aws, description="another one")  # decides nothing
    assert line.json("redrive", "--dry-run")["outcomes"]["refused_before"] == 2
    change_destination(line.aws, mapping={"city": "zip"})
    outcomes = line.json("redrive", "--dry-run")["outcomes"]
    assert (outcomes["delivered"], outcomes["refused_before"]) == (2, 0)
    assert line.json("redrive", "--yes")["redriven"] == 2


def bury_as_before_reasons_had_names(aws: Aws, n: int, origin: dict[str, str]) -> None:
    """Make a dead letter as versions did that kept the words in place of a reason's name."""
    attributes = {
        "destination": "default",
        "attempts": "1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "time": "2026-09-21T14:13:25.000+00:00",
        "origin": json.dumps({"request_id": "old", "index": str(n), **origin}),
        "outcome": "rejected",
        "reason": "RainFocus does not take this profile",
        "status": "400",
        "code": "105",
        "message": "zip is not known",
    }
    body = json.dumps(profile(f"old-{n}"))
    aws.dead_letter_queue().send([Message(body, f"group-{n}", f"old-{n}", attributes)])


def test_dead_letters_of_an_earlier_version_are_told_mended_and_redriven(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, tmp_path: Path
) -> None:
    accepted_at = str(int(line.aws.clock.now * 1000))
    origin = {"accepted_at": accepted_at, "sequence": "0", "mapping_version": "an-old-one"}
    bury_as_before_reasons_had_names(line.aws, 0, origin)
    bury_as_before_reasons_had_names(line.aws, 1, {})
    [found] = line.json("failures")["failures"]
    assert (found["count"], found["reason"], found["code"]) == (2, None, "105")
    assert found["detail"] == "RainFocus does not take this profile"
    listed = line.json("failures", "--list", "--reason", "does not take")["dead_letters"]
    assert [each["id"] for each in listed] == ["old-0", "old-1"]
    export = tmp_path / "mend.json"
    line.succeed("failures", "--export", str(export))
    assert [each["zip"] for each in json.loads(export.read_text())] == ["0", "0"]
    assert forecast(line.json("redrive", "--dry-run")) == {"delivered": 2}
    assert line.json("redrive", "--yes", "--reason", "does not take")["redriven"] == 2
    assert counts(harness.work()) == {"delivered": 2}
    assert rainfocus.stored.keys() == {"old-0", "old-1"}
    assert not line.aws.sqs.dead_letters


def test_a_mended_mapping_is_foreseen(line: CommandLine, harness: DeliveryHarness) -> None:
    harness.push({"manager": {"mail": "ada@example.com"}}, {"manager": {}})
    assert forecast(line.json("redrive", "--dry-run")) == {"rejected": 2}
    change_destination(line.aws, mapping={"email": "manager.mail"})
    assert forecast(line.json("redrive", "--dry-run")) == {"delivered": 1, "rejected": 1}
    assert line.json("redrive", "--yes")["redriven"] == 1
    assert counts(harness.work()) == {"delivered": 1}


def test_who_leaves_after_an_update_is_foreseen(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    change_destination(line.aws, exits={"action": "set", "fields": {"audience": "left"}})
    exit_ = {"segmentMembership": {"ups": {"a": {"status": "exited"}}}}
    harness.push(profile("ada"), {**profile("ada"), **exit_}, {**profile("ben"), **exit_})
    expired = [
        dead_letters.dead_letter_of(
            Message(sent.body, sent.group, sent.deduplication_id, sent.attributes),
            {"outcome": "expired", "reason": "unavailable"},
        )
        for sent in line.aws.sqs.profiles
    ]
    line.aws.sqs.profiles.clear()
    line.aws.dead_letter_queue().send(expired)
    shown = line.json("redrive", "--dry-run")
    assert forecast(shown) == {"delivered": 2, "filtered": 1}
    line.succeed("redrive", "--yes")
    assert counts(harness.work()) == forecast(shown)
    assert rainfocus.stored.keys() == {"ada"}


@pytest.mark.parametrize(
    "text", ['{"email": "ada@example.com", "n": NaN}', '{"email": "x", "email": "ada@example.com"}']
)
def test_what_ingest_refuses_stays_refused(
    line: CommandLine, harness: DeliveryHarness, text: str
) -> None:
    was = Message(text, "push-0", "push-0", {"destination": "default"})
    line.aws.dead_letter_queue().send([dead_letters.dead_letter_of(was, {"reason": "not JSON"})])
    assert line.json("redrive", "--yes")["left"] == 1
    assert not harness.work()


def test_what_has_no_destination_any_more_stays(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"))
    del line.aws.ssm.parameters[f"/{STACK}/destinations/default"]
    shown = line.json("redrive", "--yes")
    assert shown["rejected"] == [
        {
            "destination": "default",
            "reason": "unknown_destination",
            "detail": "there is no destination of this name",
            "count": 1,
        }
    ]
    assert shown["left"] == 1


def test_what_settings_give_no_answer_to_stays(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"))
    del line.aws.ssm.parameters[f"/{STACK}/connections/default"]
    shown = line.json("redrive", "--yes")
    assert (shown["redriven"], shown["left"]) == (0, 1)
    assert shown["undecided"] == [
        {
            "destination": "default",
            "reason": "unknown_connection",
            "detail": "there is no connection default",
            "count": 1,
        }
    ]
    told = cells(line.succeed("redrive", "--dry-run"))
    assert [
        "1",
        "default",
        "not to be told, so it stays: unknown_connection: there is no connection default",
    ] in told


@pytest.mark.parametrize("service", ["dynamodb", "secrets"])
def test_without_ledger_or_key_nothing_is_redriven(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, service: str
) -> None:
    bury(harness, rainfocus, profile("a"))
    getattr(line.aws, service).always = fakes.denied("AccessDenied")
    result = line.run("redrive", "--yes")
    assert "AccessDenied" in result.output
    assert len(line.aws.sqs.dead_letters) == 1
    assert not line.aws.sqs.given_out
    assert not line.aws.sqs.profiles


def test_that_nothing_would_change_is_said(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    harness.push({"zip": "84043"})
    assert "As things are, a redrive changes nothing" in line.succeed("redrive", "--dry-run")
    bury(harness, rainfocus, profile("a"))
    said = "No setting was changed since"
    assert said in line.succeed("redrive", "--dry-run")
    assert said in line.run("redrive", given="n\n").stdout
    change_destination(line.aws, mapping={"city": "zip"})
    assert said not in line.succeed("redrive", "--dry-run")


# --- settings that were changed just now ---


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> list[float]:
    """How long the command waited."""
    monkeypatch.setattr(stack, "time", SimpleNamespace(time=NOW.timestamp))
    return slept


@pytest.mark.parametrize(
    ("parameter", "age", "waited"),
    [
        ("destinations/default", 20, 45),
        ("connections/default", 5, 60),
        ("destinations/default", 65, 0),
        ("destinations/default", -900, 65),  # this machine's clock is off
        ("destinations/summit", 0, 0),  # no letter is for it
    ],
)
def test_a_redrive_waits_until_functions_know_the_settings(  # noqa: PLR0913, PLR0917
    line: CommandLine,
    harness: DeliveryHarness,
    rainfocus: RainFocus,
    waits: list[float],
    parameter: str,
    age: int,
    waited: int,
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n}") for n in range(12)])
    line.aws.set_destination("summit", event_code="summit2028")
    line.aws.ssm.modified[f"/{STACK}/{parameter}"] = NOW - timedelta(seconds=age)
    told = line.run("redrive", "--dry-run").stderr
    assert ("a redrive waits for that" in told) == bool(waited)
    assert waits == []
    result = line.run("redrive", "--yes")
    assert result.exit_code == 0
    assert ("Settings were changed lately" in result.stderr) == bool(waited)
    assert waits == ([pytest.approx(waited)] if waited else [])
    assert len(line.aws.sqs.profiles) == 12


def test_programs_are_not_told_of_a_wait(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, waits: list[float]
) -> None:
    bury(harness, rainfocus, profile("a"))
    line.aws.ssm.modified[f"/{STACK}/destinations/default"] = NOW
    assert line.json("redrive", "--yes")["redriven"] == 1
    assert len(waits) == 1


# --- what is done ---


def test_it_asks(line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus) -> None:
    bury(harness, rainfocus, profile("a"), profile("b"))
    asked = line.run("redrive", given="n\n")
    assert asked.exit_code == 1
    assert "Put 2 back on the profile queue?" in asked.stdout
    assert len(line.aws.sqs.dead_letters) == 2
    told = line.succeed("redrive", given="y\n")
    assert "2 of 2 are on the profile queue again; 0 stay dead letters." in told
    assert counts(harness.work()) == {"delivered": 2}


def test_a_redrive_keeps_to_a_rate(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, slept: list[float]
) -> None:
    bury(harness, rainfocus, *(profile(f"p{n}") for n in range(15)))
    assert line.json("redrive", "--yes", "--rate", "5")["redriven"] == 15
    assert sum(slept) == pytest.approx(3)
    line.fail("redrive", "--rate", "0.5", code=2)


def test_for_programs_there_is_nobody_to_ask(line: CommandLine) -> None:
    assert "add --yes or --dry-run" in line.fail("redrive", "--json", code=2)


def test_where_nothing_can_be_redriven_nothing_is_asked(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    assert line.succeed("redrive") == "No dead letters.\n"
    harness.push({"zip": "84043"})
    assert line.succeed("redrive").splitlines()[-1] == "0 of 1 can be redriven."


@pytest.mark.parametrize("command", [["redrive", "--dry-run"], ["redrive", "--yes"], ["failures"]])
def test_a_destination_that_is_not_there_is_told(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, command: list[str]
) -> None:
    bury(harness, rainfocus, profile("a"))
    told = line.fail(*command, "--destination", "sumit")
    assert "There is no destination sumit in stack attendee-sync" in told
    line.aws.set_destination("summit", event_code="summit2028")
    line.succeed(*command, "--destination", "summit")  # has none


@pytest.mark.parametrize("command", [["redrive", "--dry-run"], ["failures"]])
def test_a_removed_destinations_letters_can_be_chosen(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, command: list[str]
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    bury(harness, rainfocus, profile("a"), destination="summit")
    del line.aws.ssm.parameters[f"/{STACK}/destinations/summit"]
    assert line.json(*command, "--destination", "summit")["dead_letters"] == 1
    assert line.json(*command, "--destination", "summit", "--reason", "x")["dead_letters"] == 0


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_credentials_that_run_out_are_called_that(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, options: list[str]
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n}") for n in range(25)])
    expired = fakes.denied("ExpiredToken", "SendMessageBatch")
    line.aws.sqs.failures = [*[None] * 7, *[expired] * 99]
    result = line.run("redrive", "--yes", *options)
    assert result.exit_code == 1
    assert "The credentials have run out: log in again" in result.stderr
    if options:
        shown = json.loads(result.stdout)
        assert (shown["redriven"], shown["unseen"]) == (10, 5)
        assert set(json.loads(result.stderr)) == {"error"}
    else:
        assert "10 of the 20 looked at are on the profile queue again; 15 dead" in result.stdout


def test_letters_can_be_chosen(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    line.aws.set_destination("summit", event_code="summit2028")
    bury(harness, rainfocus, profile("a"), profile("b"))
    bury(harness, rainfocus, profile("a"), destination="summit")
    assert line.json("redrive", "--yes", "--reason", "e-mail")["redriven"] == 0
    chosen = ("--destination", "summit", "--reason", "ZIP IS")
    assert line.json("redrive", "--yes", *chosen)["redriven"] == 1
    assert [sent.attributes["destination"] for sent in line.aws.sqs.profiles] == ["summit"]
    assert len(line.aws.sqs.dead_letters) == 2


def test_a_redriven_letter_is_the_message_that_it_was(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    request_id = harness.push(profile("a"))
    [before] = line.aws.sqs.profiles
    rainfocus.refuses = "@"
    harness.work()
    line.succeed("redrive", "--yes")
    [after] = line.aws.sqs.profiles
    assert after.body == before.body
    assert after.group == before.group
    trace, own = before.attributes["trace_parent"], after.attributes["trace_parent"]
    assert trace.split("-")[1] == own.split("-")[1]
    assert after.attributes | {"trace_parent": trace} == before.attributes | {
        "sequence": before.sequence.zfill(40)
    }
    assert after.attributes["request_id"] == request_id


def test_an_attendees_letters_keep_their_order(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    states = [profile(person, n) for n in range(25) for person in ("a", "b", "c")]
    bury(harness, rainfocus, *states)
    assert line.json("redrive", "--dry-run")["unseen"] > 0  # behind the ten oldest of each
    shown = line.json("redrive", "--yes")
    assert (shown["redriven"], shown["left"], shown["unseen"]) == (75, 0, 0)
    bodies = [json.loads(sent.body) for sent in line.aws.sqs.profiles]
    for person in ("a", "b", "c"):
        own = [int(each["zip"]) for each in bodies if each["email"] == f"{person}@example.com"]
        assert own == list(range(25))
    harness.work()
    assert {person: zips[-1] for person, zips in rainfocus.stored.items()} == {
        "a": "24",
        "b": "24",
        "c": "24",
    }


def test_behind_letters_that_stay_others_are_not_seen(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, *[profile("a", n) for n in range(12)])
    shown = line.json("redrive", "--yes", "--reason", "another")
    assert (shown["dead_letters"], shown["unseen"]) == (0, 2)
    told = line.succeed("redrive", "--yes", "--reason", "another")
    assert "2 more can't be seen now" in told


def test_a_run_ends(
    line: CommandLine,
    harness: DeliveryHarness,
    rainfocus: RainFocus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n}") for n in range(3)])
    monkeypatch.setattr(dead_letter_scan, "_MAX_SECONDS", -1.0)
    assert line.json("redrive", "--yes")["unseen"] == 3


# --- what goes wrong on the way ---


def test_what_the_queue_refuses_holds_up_nobody_else(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n % 4}", n) for n in range(8)])
    line.aws.sqs.refuse = lambda sent: '"zip": "2"' in sent.body
    shown = line.json("redrive", "--yes")
    assert (shown["redriven"], shown["left"]) == (6, 2)
    assert {json.loads(sent.body)["zip"] for sent in line.aws.sqs.dead_letters} == {"2", "6"}
    line.aws.sqs.refuse = lambda _: False
    assert line.json("redrive", "--yes")["redriven"] == 2


def test_a_queue_that_is_down_ends_it(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"), profile("b"))
    line.aws.sqs.down = {fakes.PROFILES_URL}
    result = line.run("redrive", "--yes")
    assert result.exit_code == 1
    assert "The profile queue takes nothing now: ServiceUnavailable." in result.stderr
    assert "0 of the 2 looked at are on the profile queue again" in result.stdout
    assert len(line.aws.sqs.dead_letters) == 2
    assert not line.aws.sqs.given_out


# The calls of a run: GetQueueUrl twice, GetQueueAttributes, ReceiveMessage, SendMessageBatch,
# DeleteMessageBatch, and the last three again.
@pytest.mark.parametrize("how", ["interrupted", "denied", "answer lost"])
@pytest.mark.parametrize("call", range(9))
def test_wherever_it_ends_another_run_completes_it(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus, call: int, how: str
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n % 5}", n) for n in range(15)])
    deliver(harness, profile("p0", 90))
    line.aws.sqs.calls.clear()
    if how == "interrupted":
        line.aws.sqs.calls_to_interruption = call
    elif how == "denied":
        line.aws.sqs.failures = [*[None] * call, fakes.denied("AccessDenied")]
    else:
        line.aws.sqs.lost_answers = call
    first = line.run("redrive", "--yes")
    assert (first.exit_code == 130) is (how == "interrupted")
    line.aws.sqs.failures, line.aws.sqs.lost_answers = [], 0
    deliver(harness, profile("p1", 95))
    line.aws.sqs.let_time_pass()
    line.succeed("redrive", "--yes")
    harness.work()
    assert not line.aws.sqs.dead_letters
    assert not line.aws.sqs.profiles
    assert rainfocus.stored["p0"] == ["90"]  # nothing older came after it
    for person in range(1, 5):
        zips = [int(each) for each in rainfocus.stored[f"p{person}"]]
        assert zips == sorted(set(zips))  # nothing twice, nothing older after something newer
        assert zips[-1] == (95 if person == 1 else 10 + person)


def test_how_far_it_came_is_told(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n}") for n in range(15)])
    line.aws.sqs.calls_to_interruption = 6
    result = line.run("redrive", "--yes")
    assert result.exit_code == 130
    assert "10 of the 10 looked at are on the profile queue again" in result.stdout
    assert "5 dead letters are left" in result.stdout
    assert "Interrupted. The rest is as it was; run it again to go on." in result.stderr
    assert len(line.aws.sqs.dead_letters) == 5


def test_twice_within_five_minutes_adds_nothing(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"), profile("b"))
    line.aws.sqs.keep = lambda sent: "outcome" in sent.attributes
    for _ in range(2):
        assert line.json("redrive", "--yes")["left"] == 2
        assert len(line.aws.sqs.profiles) == 2


def test_what_is_rejected_again_can_be_redriven_again(
    line: CommandLine, harness: DeliveryHarness, rainfocus: RainFocus
) -> None:
    bury(harness, rainfocus, profile("a"))
    for _ in range(3):
        rainfocus.refuses = "@"
        assert line.json("redrive", "--yes")["redriven"] == 1
        assert counts(harness.work()) == {"rejected": 1}
    rainfocus.refuses = ""
    line.succeed("redrive", "--yes")
    assert counts(harness.work()) == {"delivered": 1}


def test_what_comes_back_at_once_is_redriven_once(
    line: CommandLine,
    harness: DeliveryHarness,
    rainfocus: RainFocus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bury(harness, rainfocus, *[profile(f"p{n}") for n in range(25)])
    rainfocus.refuses = "@"
    delete = line.aws.sqs.delete_message_batch

    def delete_and_deliver(**request: Any) -> dict[str, Any]:
        answer = delete(**request)
        if request["QueueUrl"] == fakes.DEAD_LETTERS_URL:
            with contextlib.redirect_stdout(io.StringIO()):  # of its metrics
                harness.work()
        return answer

    monkeypatch.setattr(line.aws.sqs, "delete_message_batch", delete_and_deliver)
    shown = line.json("redrive", "--yes")
    assert (shown["dead_letters"], shown["redriven"]) == (25, 25)
    assert len(line.aws.sqs.dead_letters) == 25
