"""Destinations' own lanes, as the command line makes, moves, pauses, upgrades and removes them."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from attendee_sync.delivery.pauses import Pause, Pauses
from attendee_sync_cli import console
from attendee_sync_cli.stack import lane, lane_move
from attendee_sync_cli.stack.stack import KNOWN_SECONDS, Stack
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import (
    DELIVERY_LOG,
    INGEST_LOG,
    PROFILE_QUEUE,
    RESUME_ROLE,
    RESUME_SCHEDULES,
    STACK,
    Aws,
    Clock,
)

DAY = 86_400
SUMMIT = f"/{STACK}/destinations/summit"
QUEUE = f"{STACK}_lane_summit.fifo"
URL = fakes.queue_url(QUEUE)
LANE_STACK = f"{STACK}-lane-summit"


@pytest.fixture(autouse=True)
def sleeping(monkeypatch: pytest.MonkeyPatch, wall: Clock) -> list[float]:
    """Let no test sleep: time passes at once. Gives the seconds that were slept."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        wall.now += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    return slept


def create(line: CommandLine) -> None:
    line.succeed("destinations", "create", "summit", "--event", "summit2028", "--yes")


def share(aws: Aws, at: float) -> None:
    """Have a destination in the shared lane, written at that time."""
    aws.set_destination("summit", event_code="summit2028")
    aws.ssm.modified[SUMMIT] = datetime.fromtimestamp(at, UTC)


def lane_of(aws: Aws) -> str:
    return str(json.loads(aws.ssm.parameters[SUMMIT]).get("lane", "shared"))


def parameters(aws: Aws) -> dict[str, str]:
    made = aws.stacks.made[LANE_STACK]["Parameters"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in made}


def fill(aws: Aws, url: str, count: int = 1) -> None:
    aws.sqs.queues[url] += [fakes.Sent("{}", str(n), str(n), {}) for n in range(count)]


# --- making one ---


def test_a_lane_and_secrets_are_encrypted_with_the_stack_s_key(line: CommandLine) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    line.aws.stacks.parameters["KmsKeyArn"] = key
    create(line)
    assert parameters(line.aws)["KmsKeyArn"] == key
    line.succeed("connections", "set", "emea", "org_id=acme", "environment=prod", "--yes")
    made = [request for call, request in line.aws.secrets.calls if call == "CreateSecret"]
    assert {request["KmsKeyId"] for request in made} == {key}
    assert len(made) == 2  # credentials, and what of them is shown


def test_a_new_destination_gets_a_lane_like_the_stack_s(line: CommandLine) -> None:
    create(line)
    assert parameters(line.aws) == {
        "MaximumConcurrency": "5",
        "AwsEndpointUrl": "",
        "QueueName": QUEUE,
        "DeliveryFunctionArn": line.aws.stacks.outputs[STACK]["DeliveryFunctionArn"],
        "DeadLetterQueueArn": line.aws.stacks.outputs[STACK]["DeadLetterQueueArn"],
        "Delivers": "true",
        "AlertTopics": "",
    }
    tags = {each["Key"]: each["Value"] for each in line.aws.stacks.made[LANE_STACK]["Tags"]}
    assert tags == {
        "team": "events",  # the stack's own
        "attendee-sync:stack": STACK,
        "attendee-sync:destination": "summit",
    }
    assert lane_of(line.aws) == "own"


def test_a_lane_s_alarms_tell_whom_the_stack_s_tell(line: CommandLine) -> None:
    ours, theirs = "arn:aws:sns:us-east-1:1:ours", "arn:aws:sns:us-east-1:1:theirs"
    line.aws.stacks.outputs[STACK]["AlertTopicArn"] = ours
    line.aws.stacks.parameters["AlertTopicArn"] = theirs
    create(line)
    assert parameters(line.aws)["AlertTopics"] == f"{ours},{theirs}"


def test_no_other_template_takes_a_lanes_queue_away(line: CommandLine) -> None:
    create(line)
    made = line.aws.stacks.made[LANE_STACK]
    denied = [
        (each["Action"], each["Resource"])
        for each in json.loads(made["StackPolicyBody"])["Statement"]
        if each["Effect"] == "Deny"
    ]
    assert denied == [(["Update:Replace", "Update:Delete"], "LogicalResourceId/ProfileQueue")]
    assert "\n  ProfileQueue:\n" in made["TemplateBody"]


def test_nothing_is_stored_without_its_lane(line: CommandLine) -> None:
    line.aws.stacks.fault = "The function is not there"
    told = line.fail("destinations", "create", "summit", "--event", "e1", "--yes")
    assert "Delivery: The function is not there" in told
    assert SUMMIT not in line.aws.ssm.parameters


def test_why_a_lane_is_not_upgraded_is_not_why_it_was_not_before(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(line)
    told = [
        ("UPDATE_FAILED", "the second"),
        ("UPDATE_FAILED", "what is amiss now"),
        ("UPDATE_IN_PROGRESS", "User Initiated"),
        ("UPDATE_FAILED", "what was amiss last year"),
    ]
    events = [
        {"LogicalResourceId": "Delivery", "ResourceStatus": status, "ResourceStatusReason": why}
        for status, why in told
    ]
    monkeypatch.setattr(
        line.aws.stacks, "describe_stack_events", lambda **_: {"StackEvents": events}
    )
    monkeypatch.setattr(
        line.aws.stacks, "update_stack", lambda **request: {"StackId": request["StackName"]}
    )
    assert "what is amiss now" in line.fail("destinations", "upgrade", "--yes")


def test_a_lane_whose_maker_was_interrupted_is_used(line: CommandLine) -> None:
    create(line)
    del line.aws.ssm.parameters[SUMMIT]
    create(line)
    assert lane_of(line.aws) == "own"
    assert len(line.aws.stacks.made) == 1


def test_a_stack_of_that_name_that_is_another_s_is_left_alone(line: CommandLine) -> None:
    """The lane of b-lane-c in a stack a, and that of c in a stack a-lane-b, say."""
    line.aws.stacks.outputs[LANE_STACK] = {}
    told = line.fail("destinations", "create", "summit", "--event", "e1", "--yes")
    assert LANE_STACK in told
    assert "another's" in told
    assert SUMMIT not in line.aws.ssm.parameters
    assert "another's" in line.fail("destinations", "remove", "summit", "--yes")
    assert line.aws.stacks.count("DeleteStack") == 0


def test_a_stack_of_an_earlier_version_is_to_be_upgraded_first(line: CommandLine) -> None:
    del line.aws.stacks.outputs[STACK]["DeliveryFunctionArn"]
    told = line.fail("destinations", "create", "summit", "--event", "e1", "--yes")
    assert "`make deploy` upgrades it" in told
    assert SUMMIT not in line.aws.ssm.parameters
    assert ["shared lane", "0", "0", "0"] in cells(line.succeed("status"))


@pytest.mark.parametrize("lane", [None, "shared", "moving", "own"])
@pytest.mark.parametrize("given", [None, "shared", "own"])
def test_a_file_of_settings_does_not_change_the_lane(
    line: CommandLine, lane: str | None, given: str | None
) -> None:
    before = {"event_code": "e1"} | ({"lane": lane} if lane else {})
    line.aws.set_destination("summit", **before)
    file = json.dumps({"event_code": "e2"} | ({"lane": given} if given else {}))
    result = line.run("destinations", "set", "summit", "-", "--yes", given=file)
    assert result.exit_code == 0
    differs = (given or lane or "shared") != (lane or "shared")
    assert ("`destinations move summit` changes it" in result.stderr) == differs
    stored = json.loads(line.aws.ssm.parameters[SUMMIT])
    assert (stored["event_code"], stored.get("lane", "shared")) == ("e2", lane or "shared")
    assert line.aws.stacks.made == {}


# --- pausing ---


def test_a_paused_destination_is_not_delivered_and_resumed(line: CommandLine, wall: Clock) -> None:
    create(line)
    off = f"off since {console.moment(wall.now)}"
    line.succeed("destinations", "pause", "summit")
    assert line.aws.functions.mappings == {PROFILE_QUEUE: True, QUEUE: False}
    fill(line.aws, URL, 3)
    assert ["lane summit", "3", "0", "0", off] in cells(line.succeed("status"))
    listed = cells(line.succeed("destinations", "list"))
    assert ["summit", "summit2028", "default", "own", "off", "ignore", "valid"] in listed
    assert [f"Delivery to summit is {off}."] in listed
    line.succeed("destinations", "resume", "summit")
    assert line.aws.functions.mappings == {PROFILE_QUEUE: True, QUEUE: True}


def schedules(aws: Aws) -> dict[str, str]:
    """Return when lanes are switched on again, by the names of their schedules."""
    return {
        name: str(each["ScheduleExpression"])
        for (group, name), each in aws.scheduler.schedules.items()
        if group == RESUME_SCHEDULES
    }


def pause_of(aws: Aws) -> Pause:
    found = Pauses(aws.dynamodb, fakes.TABLE).get("summit")
    assert found
    return found


@pytest.mark.parametrize(
    ("until", "seconds"),
    [("90m", 5_400), ("12 h", 43_200), ("3d", 3 * DAY), ("2027-01-15T10:00+01:00", 3_600)],
)
def test_a_pause_ends_at_its_time_by_a_schedule(
    line: CommandLine, wall: Clock, until: str, seconds: int
) -> None:
    create(line)
    resumes_at = int(wall.now) + seconds
    told = line.succeed("pause", "summit", "--until", until)
    assert f"go on at {console.moment(resumes_at)}" in told
    [request] = line.aws.scheduler.schedules.values()
    assert request["ScheduleExpression"] == f"at({console.moment(resumes_at)[:19]})"
    assert request["ActionAfterCompletion"] == "DELETE"
    target = request["Target"]
    assert target["Arn"] == "arn:aws:scheduler:::aws-sdk:lambda:updateEventSourceMapping"
    mapping = line.aws.functions.list_event_source_mappings()["EventSourceMappings"][1]
    assert mapping["EventSourceArn"].endswith(QUEUE)
    assert json.loads(target["Input"]) == {"Uuid": mapping["UUID"], "Enabled": True}
    assert target["RoleArn"] == RESUME_ROLE
    fill(line.aws, URL)
    off = f"off until {console.moment(resumes_at)}"
    assert ["lane summit", "1", "0", "0", off] in cells(line.succeed("status"))
    [shown] = [each for each in line.json("status")["lanes"] if each["lane"] == "summit"]
    assert shown["resumes_at"] == console.moment(resumes_at)
    assert line.succeed("status", "--check") == "Nothing needs a person.\n"


def test_a_lane_that_did_not_go_on_at_its_time_needs_a_person(
    line: CommandLine, wall: Clock
) -> None:
    create(line)
    resumes_at = int(wall.now) + 3_600
    line.succeed("pause", "summit", "--until", "1h")
    fill(line.aws, URL)
    wall.now += 3_700
    told = line.run("status", "--check")
    assert told.exit_code == 1
    assert "attendee-sync destinations resume summit" in told.stdout
    off = f"off and should be on since {console.moment(resumes_at)}"
    assert ["lane summit", "1", "0", "0", off] in cells(line.succeed("status"))


def test_a_pause_is_prolonged_shortened_and_ended(line: CommandLine, wall: Clock) -> None:
    create(line)
    started = int(wall.now)
    line.succeed("pause", "summit", "--until", "12h")
    wall.now += 3_600
    line.succeed("pause", "summit", "--until", "1d")
    assert schedules(line.aws) == {"summit": f"at({console.moment(wall.now + DAY)[:19]})"}
    assert pause_of(line.aws) == Pause(started, started, int(wall.now) + DAY)
    line.succeed("pause", "summit")
    assert schedules(line.aws) == {}
    assert pause_of(line.aws) == Pause(started, started)
    line.succeed("pause", "summit", "--until", "1d")
    resumed_at = int(wall.now)
    line.succeed("resume", "summit")
    assert schedules(line.aws) == {}
    assert pause_of(line.aws) == Pause(started, started, resumed_at)
    assert line.aws.functions.mappings[QUEUE]


@pytest.mark.parametrize(
    "until",
    ["yesterday", "1", "3 weeks", "-3d", "4m", "2027-01-15T08:01Z", "999999d", "2027-13-01"],
)
def test_what_is_no_time_to_come_is_refused_before_anything_is_done(
    line: CommandLine, wall: Clock, until: str
) -> None:
    assert console.moment(wall.now).startswith("2027-01-15T08:00")
    create(line)
    told = line.fail("pause", "summit", f"--until={until}", code=1 if until == "999999d" else 2)
    assert "--until" in told
    assert line.aws.functions.mappings[QUEUE]
    assert line.aws.scheduler.schedules == {}


def test_a_pause_until_a_time_that_is_over_says_so(line: CommandLine) -> None:
    create(line)
    told = line.fail("pause", "summit", "--until", "2027-01-15", code=2)
    assert "2027-01-15T00:00:00Z is over" in told
    assert line.aws.functions.mappings[QUEUE]


@pytest.mark.parametrize(
    ("waiting", "until", "is_taken"),
    [(0, "13d", True), (0, "14d", False), (1, "10d", True), (1, "11d", False)],
)
def test_a_pause_by_whose_end_something_may_be_lost_is_refused(
    line: CommandLine, waiting: int, until: str, is_taken: bool
) -> None:
    """What waits in a lane that is delivered has waited for three days at most."""
    create(line)
    fill(line.aws, URL, waiting)
    if is_taken:
        line.succeed("pause", "summit", "--until", until)
    else:
        assert "SQS keeps what waits for 14 days" in line.fail("pause", "summit", "--until", until)
    assert line.aws.functions.mappings[QUEUE] is not is_taken


def test_what_an_earlier_pause_left_waiting_counts_for_the_next(
    line: CommandLine, wall: Clock
) -> None:
    create(line)
    started = int(wall.now)
    line.succeed("pause", "summit")
    wall.now += 9 * DAY
    line.succeed("resume", "summit")
    fill(line.aws, URL)
    wall.now += DAY
    shown = line.json("pause", "summit")
    assert shown["kept_until"] == console.moment(started + 14 * DAY)
    line.succeed("resume", "summit")
    wall.now += 4 * DAY  # by now what waited then has come to an end
    again = int(wall.now)
    shown = line.json("pause", "summit")
    assert shown["kept_until"] == console.moment(again + 11 * DAY)


def test_until_when_what_waits_is_kept_is_told(line: CommandLine, wall: Clock) -> None:
    create(line)
    kept_until = console.moment(int(wall.now) + 14 * DAY)
    assert f"kept until {kept_until}: resume well before" in line.succeed("pause", "summit")
    assert "kept until" not in line.succeed("status")  # nothing waits
    fill(line.aws, URL)
    assert f"What waits in lane summit is kept until {kept_until}" in line.succeed("status")
    told = line.run("status", "--check").stdout
    assert f"1 profile in it, kept until {kept_until}" in told


def test_a_removed_destination_leaves_no_schedule(line: CommandLine) -> None:
    create(line)
    line.succeed("pause", "summit", "--until", "3d")
    assert line.run("destinations", "remove", "summit", "--yes").exit_code == 0
    assert line.aws.scheduler.schedules == {}


def test_a_stack_of_an_earlier_version_is_paused_without_a_time_only(line: CommandLine) -> None:
    create(line)
    for name in ("ResumeScheduleGroupName", "ResumeScheduleRoleArn"):
        del line.aws.stacks.outputs[STACK][name]
    assert "`make deploy` upgrades it" in line.fail("pause", "summit", "--until", "3d")
    assert line.aws.functions.mappings[QUEUE]
    line.succeed("pause", "summit")
    line.succeed("resume", "summit")


def test_a_switch_is_waited_for_that_lambda_shows_late(
    line: CommandLine, sleeping: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    create(line)
    states = ["Enabled", "Disabling", "Disabling", "Disabled"]
    functions = line.aws.functions
    shown = functions.list_event_source_mappings()["EventSourceMappings"]
    monkeypatch.setattr(
        functions, "list_event_source_mappings", lambda **_: {"EventSourceMappings": shown}
    )
    monkeypatch.setattr(functions, "get_event_source_mapping", lambda **_: {"State": states.pop(0)})
    slept = sum(sleeping)
    line.succeed("destinations", "pause", "summit")
    assert sum(sleeping) - slept >= 8
    assert not functions.mappings[QUEUE]


def test_who_shares_a_lane_is_not_paused_with_another(line: CommandLine, wall: Clock) -> None:
    share(line.aws, wall.now)
    told = line.fail("destinations", "pause", "summit")
    assert "shares its lane with default" in told
    assert "`attendee-sync destinations move summit`" in told
    assert "shared with summit" in line.fail("destinations", "pause", "default")
    del line.aws.ssm.parameters[SUMMIT]
    line.succeed("destinations", "pause", "default")
    assert line.aws.functions.mappings == {PROFILE_QUEUE: False}


def test_the_shared_lane_is_not_paused_under_a_move(line: CommandLine) -> None:
    line.aws.set_destination("summit", event_code="e1", lane="moving", lane_from=5)
    told = line.fail("destinations", "pause", "default")
    assert "`attendee-sync destinations move summit`" in told
    assert line.aws.functions.mappings[PROFILE_QUEUE]
    line.succeed("destinations", "resume", "default")  # the move may be waiting for that


# --- moving ---


def test_a_move_waits_for_the_functions_and_for_what_came_before(
    line: CommandLine, wall: Clock, sleeping: list[float]
) -> None:
    share(line.aws, wall.now - 3600)
    fill(line.aws, fakes.PROFILES_URL)
    seen: list[tuple[str, bool]] = []

    def look() -> None:
        """Empty the shared lane once it was waited for."""
        seen.append((lane_of(line.aws), line.aws.functions.mappings.get(QUEUE, False)))
        if sum(sleeping) > KNOWN_SECONDS:
            line.aws.sqs.queues[fakes.PROFILES_URL].clear()

    line.aws.sqs.on_call = look
    result = line.run("destinations", "move", "summit", "--yes")
    assert result.exit_code == 0, result.output
    assert seen
    assert set(seen) == {("moving", False)}
    assert sum(sleeping) > KNOWN_SECONDS
    assert lane_of(line.aws) == "own"
    assert line.aws.functions.mappings[QUEUE]


def test_a_move_does_not_go_by_this_machine_s_clock(
    line: CommandLine, sleeping: list[float]
) -> None:
    share(line.aws, 0)
    behind = {SUMMIT: datetime.fromtimestamp(0, UTC)}  # SSM's clock, as far as is seen here
    line.aws.ssm.on_call = lambda: line.aws.ssm.modified.update(behind)
    assert line.run("destinations", "move", "summit", "--now", "--yes").exit_code == 0
    assert sum(sleeping) >= KNOWN_SECONDS


def test_no_function_puts_anything_in_the_new_lane_before_all_know_it(
    line: CommandLine, wall: Clock
) -> None:
    """Else two pushes for one attendee could be told from which lane only by their luck."""
    share(line.aws, wall.now - 3600)
    seen: list[tuple[float, str]] = []
    # Whoever reads settings keeps them for a minute: the last that knew another state.
    line.aws.ssm.on_call = lambda: seen.append((wall.now, line.aws.ssm.parameters[SUMMIT]))
    assert line.run("destinations", "move", "summit", "--yes").exit_code == 0
    since = [json.loads(text).get("lane_from") for _, text in seen]
    [moved_at] = {each for each in since if each}
    stale = max(now for now, text in seen if "lane_from" not in text and '"own"' not in text)
    assert stale + 60.0 <= moved_at
    for now, text in seen:
        is_own = json.loads(text).get("lane") == "own"
        assert not is_own or now >= moved_at  # when all go by it, it changes nothing any more
    assert "lane_from" not in line.aws.ssm.parameters[SUMMIT]


def test_settings_that_are_changed_during_a_move_keep_its_time(line: CommandLine) -> None:
    line.aws.set_destination("summit", event_code="e1", lane="moving", lane_from=5)
    line.succeed("destinations", "set", "summit", "event_code=e2", "--yes")
    stored = json.loads(line.aws.ssm.parameters[SUMMIT])
    assert (stored["event_code"], stored["lane"], stored["lane_from"]) == ("e2", "moving", 5)


def test_an_interrupted_move_goes_on(line: CommandLine, wall: Clock) -> None:
    share(line.aws, wall.now - 3600)
    fill(line.aws, fakes.PROFILES_URL)
    line.aws.logs.calls_to_interruption = 0
    assert line.run("destinations", "move", "summit", "--yes").exit_code == 130
    assert lane_of(line.aws) == "moving"
    assert not line.aws.functions.mappings[QUEUE]
    for command in ("resume", "pause"):
        assert "is being moved" in line.fail("destinations", command, "summit")
    line.aws.sqs.queues[fakes.PROFILES_URL].clear()
    assert line.run("destinations", "move", "summit").exit_code == 0
    assert lane_of(line.aws) == "own"
    assert line.aws.functions.mappings[QUEUE]
    assert "already" in line.fail("destinations", "move", "summit")


@pytest.mark.parametrize(
    ("oldest_age", "reason", "is_through"),
    [
        (10.0, "", True),
        (10.0, "not_tried", True),  # it is in the new lane, whose delivery is off
        (10.0, "busy", False),  # what was put back does not count in CloudWatch's age
        (3_700.0, "", False),
        (None, "", False),  # CloudWatch does not know
    ],
)
def test_a_shared_lane_that_is_never_empty_is_told_by_age_and_log(
    line: CommandLine, wall: Clock, oldest_age: float | None, reason: str, is_through: bool
) -> None:
    aws = line.aws
    share(aws, wall.now - 3_600)
    fill(aws, fakes.PROFILES_URL)
    if oldest_age is not None:
        aws.cloudwatch.ages[PROFILE_QUEUE] = oldest_age
    known: dict[str, object] = {"destination": "summit", "request_id": "a"}
    if reason == "not_tried":
        told = known | {"message": "push accepted", "accepted": 1}
        aws.logs.write(INGEST_LOG, json.dumps(told), wall.now - 60)
    elif reason:
        told = known | {"message": "profile put back", "index": "0", "attempt": 1, "age_ms": 5}
        aws.logs.write(DELIVERY_LOG, json.dumps(told | {"reason": reason}), wall.now - 60)
    found = lane_move.remainder(Stack(STACK), "summit", moved_at=wall.now - 3_500)
    assert found.is_through == is_through


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (
            lane_move.Remainder(1, 0, is_oldest_newer=False),
            "1 profile in the shared lane; of this destination none was put back, "
            "some may not have been tried yet",
        ),
        (
            lane_move.Remainder(9, 2, is_oldest_newer=True),
            "9 profiles in the shared lane; of this destination 2 were put back, all were tried",
        ),
        (
            lane_move.Remainder(2, None, is_oldest_newer=True),
            "2 profiles in the shared lane; of this destination it is unknown how many were "
            "put back, all were tried",
        ),
    ],
)
def test_what_a_move_waits_for_is_told_in_words(left: lane_move.Remainder, words: str) -> None:
    assert left.words == words


def test_the_shared_lane_is_the_default_destination_s(line: CommandLine) -> None:
    assert "shared lane" in line.fail("destinations", "move", "default")


def test_who_does_not_want_to_wait_does_not(line: CommandLine, wall: Clock) -> None:
    share(line.aws, wall.now - 3600)
    fill(line.aws, fakes.PROFILES_URL)
    assert line.run("destinations", "move", "summit", "--now", "--yes").exit_code == 0
    assert lane_of(line.aws) == "own"


# --- upgrading ---


def test_lanes_are_upgraded_as_they_are(line: CommandLine) -> None:
    create(line)
    line.succeed("destinations", "pause", "summit")
    line.aws.stacks.parameters["MaximumConcurrency"] = "9"
    fill(line.aws, URL, 2)
    assert "The lane of summit" in line.succeed("destinations", "upgrade", "--yes")
    assert parameters(line.aws)["MaximumConcurrency"] == "9"
    assert not line.aws.functions.mappings[QUEUE]
    assert len(line.aws.sqs.queues[URL]) == 2


@pytest.mark.parametrize(("state", "delivers"), [("own", True), ("moving", False)])
def test_a_lane_that_is_missing_is_made_again(
    line: CommandLine, state: str, delivers: bool
) -> None:
    """As after its stack was deleted by hand, or settings were restored in another stack."""
    line.aws.set_destination("summit", event_code="e1", lane=state)
    line.succeed("destinations", "upgrade", "--yes")
    assert line.aws.functions.mappings[QUEUE] == delivers
    assert lane_of(line.aws) == state


def test_an_upgrade_of_nothing_says_so(line: CommandLine) -> None:
    create(line)
    line.succeed("destinations", "upgrade", "--yes")
    line.succeed("destinations", "upgrade", "--yes")  # CloudFormation has nothing to update
    assert line.run("destinations", "remove", "summit", "--yes").exit_code == 0
    assert "No destination has a lane" in line.succeed("destinations", "upgrade")


# --- for programs ---


def test_each_command_about_lanes_answers_in_json(line: CommandLine, wall: Clock) -> None:
    share(line.aws, wall.now - 3600)
    moved = line.json("destinations", "move", "summit", "--yes")
    assert moved == {"destination": "summit", "lane": "own"}
    kept_until = console.moment(int(wall.now) + 14 * DAY)
    paused = line.json("destinations", "pause", "summit")
    assert paused == {
        "destination": "summit",
        "delivering": False,
        "resumes_at": None,
        "kept_until": kept_until,
    }
    resumed = line.json("destinations", "resume", "summit")
    assert resumed == {"destination": "summit", "delivering": True}
    assert line.json("destinations", "upgrade", "--yes") == {"upgraded": ["summit"]}
    removed = line.json("destinations", "remove", "summit", "--yes")
    assert removed == {"destination": "summit", "removed": True, "lane": True}
    assert line.json("destinations", "upgrade") == {"upgraded": []}
    share(line.aws, wall.now)
    removed = line.json("destinations", "remove", "summit", "--yes")
    assert removed == {"destination": "summit", "removed": True, "lane": False}


@pytest.mark.parametrize("command", ["move", "remove", "upgrade"])
def test_with_json_nobody_is_asked(line: CommandLine, wall: Clock, command: str) -> None:
    share(line.aws, wall.now)
    if command == "upgrade":
        line.aws.set_destination("summit", event_code="e1", lane="own")
    arguments = [command] if command == "upgrade" else [command, "summit"]
    line.fail("destinations", *arguments, "--json", code=2)


# --- removing ---


def deliver(aws: Aws, after: list[float], seconds: float) -> Callable[[], None]:
    """Return what empties the lane once so long was slept."""

    def look() -> None:
        if sum(after) > seconds and URL in aws.sqs.queues:
            aws.sqs.queues[URL].clear()

    return look


def test_a_destination_with_nothing_in_its_lane_goes_with_it(
    line: CommandLine, sleeping: list[float]
) -> None:
    create(line)
    line.succeed("destinations", "pause", "summit")
    result = line.run("destinations", "remove", "summit", "--yes")
    assert result.exit_code == 0
    assert sum(sleeping) > KNOWN_SECONDS  # until nobody puts anything there
    assert SUMMIT not in line.aws.ssm.parameters
    assert line.aws.stacks.made == {}
    assert URL not in line.aws.sqs.queues


def test_what_waits_is_drained_while_the_destination_is_there(
    line: CommandLine, sleeping: list[float]
) -> None:
    create(line)
    fill(line.aws, URL, 3)
    line.aws.sqs.on_call = deliver(line.aws, sleeping, 5)
    settled: list[int] = []
    line.aws.ssm.on_call = lambda: settled.append(len(line.aws.sqs.queues.get(URL, [])))
    assert line.run("destinations", "remove", "summit", "--drain", "--yes").exit_code == 0
    assert settled[-1] == 0  # when the settings were deleted
    assert line.aws.stacks.made == {}


def test_a_lane_that_is_off_does_not_drain(line: CommandLine) -> None:
    create(line)
    fill(line.aws, URL)
    line.succeed("destinations", "pause", "summit")
    told = line.fail("destinations", "remove", "summit", "--drain", "--yes")
    assert "`attendee-sync destinations resume summit`" in told
    assert SUMMIT in line.aws.ssm.parameters


def test_what_waits_is_buried_by_delivery(line: CommandLine, sleeping: list[float]) -> None:
    """Which finds no destination of that name; a test of delivery has what it does then."""
    create(line)
    line.succeed("destinations", "pause", "summit")
    line.succeed("destinations", "resume", "summit")
    fill(line.aws, URL, 3)
    switched: list[tuple[bool, float]] = []
    line.aws.functions.on_call = lambda: switched.append(
        (line.aws.functions.mappings[QUEUE], sum(sleeping))
    )
    line.aws.sqs.on_call = deliver(line.aws, sleeping, KNOWN_SECONDS + 10)
    assert line.run("destinations", "remove", "summit", "--bury", "--yes").exit_code == 0
    # Off until no function knows the destination any more, or they would deliver to it.
    assert all(is_on or seconds >= KNOWN_SECONDS for is_on, seconds in switched[-2:])
    assert any(not is_on for is_on, _ in switched)
    assert line.aws.stacks.made == {}


@pytest.mark.parametrize("answers", ["y\ny\n", "n\ny\n"])
def test_it_asks_what_is_to_become_of_what_waits(
    line: CommandLine, sleeping: list[float], answers: str
) -> None:
    create(line)
    fill(line.aws, URL, 3)
    line.aws.sqs.on_call = deliver(line.aws, sleeping, 5)
    result = line.run("destinations", "remove", "summit", given=answers)
    assert result.exit_code == 0
    assert "Waiting in the lane of summit: 3 profiles" in result.stdout
    assert ("summit and make 3 dead letters?" in result.stdout) == answers.startswith("n")
    assert SUMMIT not in line.aws.ssm.parameters


def test_nobody_loses_what_waits_by_a_script_that_does_not_say(line: CommandLine) -> None:
    create(line)
    fill(line.aws, URL)
    told = line.fail("destinations", "remove", "summit", "--yes")
    assert "--drain or --bury" in told
    line.fail("destinations", "remove", "summit", "--drain", "--bury", code=2)
    assert SUMMIT in line.aws.ssm.parameters


def test_an_interrupted_removal_goes_on(line: CommandLine) -> None:
    create(line)
    del line.aws.ssm.parameters[SUMMIT]
    assert line.run("destinations", "remove", "summit", "--yes").exit_code == 0
    assert line.aws.stacks.made == {}
    line.fail("destinations", "remove", "summit", "--yes")


def test_a_lane_that_cloudformation_could_not_delete_whole_is_deleted(line: CommandLine) -> None:
    create(line)
    del line.aws.ssm.parameters[SUMMIT], line.aws.functions.mappings[QUEUE]
    line.aws.stacks.made[LANE_STACK]["StackStatus"] = "DELETE_FAILED"
    line.aws.stacks.on_deleted = lambda _: line.aws.sqs.queues.pop(URL)
    line.succeed("destinations", "remove", "summit", "--yes")
    assert line.aws.stacks.made == {}


def test_a_lane_is_made_anew_once_the_one_before_is_gone(
    line: CommandLine, sleeping: list[float]
) -> None:
    create(line)
    del line.aws.ssm.parameters[SUMMIT]
    line.aws.stacks.made[LANE_STACK]["StackStatus"] = "DELETE_IN_PROGRESS"

    def go() -> None:
        if sleeping:
            line.aws.stacks.made.clear()
            line.aws.stacks.on_call = lambda: None

    line.aws.stacks.on_call = go
    create(line)
    assert line.aws.stacks.made[LANE_STACK]["StackStatus"] == "CREATE_COMPLETE"
    assert lane_of(line.aws) == "own"


def test_a_lane_is_empty_once_sqs_has_counted_nothing_for_a_minute(
    line: CommandLine, wall: Clock
) -> None:
    """Its counts may be late: nothing that a function put there last is to go with the queue."""
    create(line)
    began = wall.now

    def look() -> None:
        is_counted = KNOWN_SECONDS + 50 < wall.now - began < 150
        if URL in line.aws.sqs.queues:
            line.aws.sqs.queues[URL][:] = [fakes.Sent("{}", "1", "1", {})] * is_counted

    line.aws.sqs.on_call = look
    assert line.run("destinations", "remove", "summit", "--yes").exit_code == 0
    assert wall.now - began > 150 + 60 - 2


def test_what_can_t_be_drained_is_not_removed(line: CommandLine, wall: Clock) -> None:
    share(line.aws, wall.now)
    told = line.fail("destinations", "remove", "summit", "--drain", "--yes")
    assert "`attendee-sync destinations move summit`" in told
    assert SUMMIT in line.aws.ssm.parameters


# --- what else knows of lanes ---


def test_what_is_redriven_goes_to_its_destination_s_lane(
    line: CommandLine, harness: DeliveryHarness
) -> None:
    create(line)
    harness.rainfocus.reply = fakes.envelope("7", status=400)
    harness.push({"email": "ada@example.com"}, destination="summit")
    harness.push({"email": "ada@example.com"})
    harness.invoke(URL)
    harness.invoke()
    assert line.json("redrive", "--yes")["redriven"] == 2
    [own], [shared] = line.aws.sqs.queues[URL], line.aws.sqs.profiles
    assert (own.attributes["destination"], own.attributes["lane"]) == ("summit", "summit")
    assert shared.attributes["destination"] == "default"
    assert "lane" not in shared.attributes


def test_status_counts_every_lane_for_programs(line: CommandLine) -> None:
    create(line)
    fill(line.aws, URL, 2)
    fill(line.aws, fakes.PROFILES_URL)
    shown: dict[str, Any] = line.json("status")
    assert shown["profiles"] == {"waiting": 3, "in_flight": 0}
    on = {"delivering": True, "paused_since": None, "resumes_at": None, "kept_until": None}
    assert shown["lanes"] == [
        {"lane": None, "waiting": 1, "in_flight": 0, "delayed": 0, **on},
        {"lane": "summit", "waiting": 2, "in_flight": 0, "delayed": 0, **on},
    ]
    del line.aws.sqs.queues[URL]
    assert ["lane summit", "its queue is missing"] in cells(line.succeed("status"))


def test_uninstall_removes_the_lanes_of_a_stack_that_is_gone(line: CommandLine) -> None:
    create(line)
    other = "attendee-sync-2"
    line.aws.stacks.made["attendee-sync-2-lane-summit"] = {
        **line.aws.stacks.made[LANE_STACK],
        "StackName": "attendee-sync-2-lane-summit",
        "Tags": [
            {"Key": "attendee-sync:stack", "Value": other},
            {"Key": "attendee-sync:destination", "Value": "summit"},
        ],
    }
    del line.aws.stacks.outputs[STACK]
    assert line.json("uninstall", "--yes")["removed"]["lanes"] == ["summit"]
    assert list(line.aws.stacks.made) == ["attendee-sync-2-lane-summit"]


# --- by an alias: DeploymentPreference ----------------------------------------------------------


@pytest.mark.parametrize("delivers", [True, False])
@pytest.mark.parametrize(("before", "after"), [("", ":live"), (":live", ""), (":live", ":live")])
def test_an_upgrade_leaves_a_lane_on_or_off_whatever_delivered_it(
    line: CommandLine, delivers: bool, before: str, after: str
) -> None:
    """Its mapping has the alias, or not, until it is upgraded."""
    create(line)
    line.aws.functions.mappings[QUEUE] = delivers
    line.aws.functions.invoked[QUEUE] = f"{fakes.DELIVERY}{before}"
    line.aws.stacks.outputs[STACK]["DeliveryFunctionArn"] = f"{fakes.DELIVERY}{after}"
    line.succeed("destinations", "upgrade", "--yes")
    assert line.aws.functions.mappings[QUEUE] is delivers
    assert parameters(line.aws)["DeliveryFunctionArn"] == f"{fakes.DELIVERY}{after}"


def test_another_function_s_mappings_are_no_lanes_of_the_stack(line: CommandLine) -> None:
    line.aws.functions.mappings["theirs.fifo"] = True
    line.aws.functions.invoked["theirs.fifo"] = f"{fakes.DELIVERY}-of-others"
    assert len(lane.mappings(Stack(STACK))) == 1
