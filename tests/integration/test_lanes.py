"""A destination with a lane of its own, made and removed by the command line."""

from typing import Any

from local.machine.environment import EVENT_CODE
from local.traffic.people import as_xdm, people
from tests.support.local import Local


def _lane(local: Local) -> dict[str, Any]:
    [lane] = [each for each in local.stack.operate("status")["lanes"] if each["lane"] == "lanes"]
    return dict(lane)


def _schedules(local: Local) -> list[dict[str, Any]]:
    """Return the schedules by which paused lanes go on."""
    group = local.stack.outputs["ResumeScheduleGroupName"]
    answer = local.stack.client("scheduler").list_schedules(GroupName=group)
    return list(answer["Schedules"])


def test_a_lane_is_made_paused_resumed_and_removed(local: Local) -> None:
    """Its profiles wait there alone, and what waits at the end is no loss but dead letters."""
    first, second, last = people(3, seed=9)
    local.stack.run_command("destinations", "create", "lanes", "--event", EVENT_CODE, "--yes")
    assert local.push([as_xdm(first)], destination="lanes").status_code == 202
    local.wait_for_attendee(first.attendee["email"])

    local.stack.run_command("pause", "lanes", "--until", "1h")
    [schedule] = _schedules(local)
    assert schedule["Name"] == "lanes"  # which the local cloud does not run
    assert local.push([as_xdm(second)], destination="lanes").status_code == 202
    lane = _lane(local)
    assert (lane["waiting"], lane["delivering"]) == (1, False)
    assert local.stack.profile_queue().total == 0

    local.stack.run_command("resume", "lanes")
    assert _schedules(local) == []
    local.wait_for_attendee(second.attendee["email"])

    local.stack.run_command("destinations", "pause", "lanes")
    push = local.push([as_xdm(last)], destination="lanes").json()
    local.stack.run_command("destinations", "upgrade", "--yes")
    assert not _lane(local)["delivering"]
    local.stack.run_command("destinations", "remove", "lanes", "--bury", "--yes")
    dead_letter = local.wait_for_dead_letter(push["requestId"])
    assert dead_letter.reason == "unknown_destination"
    assert "lanes" not in {each["lane"] for each in local.stack.operate("status")["lanes"]}
