"""What is taken for granted of EventBridge: changes of settings, and schedules that run once."""

import json
import time
from datetime import UTC, datetime

from attendee_sync.aws import settings
from local.parity.answers import Answer, equal
from local.parity.place import Json, Place, within

_EVENT_SECONDS = 90.0
_SCHEDULE_SECONDS = 150.0
_NAME = "parity-event"


def check_a_changed_setting_is_told_in_the_log(place: Place) -> Answer:
    """Ask whether SSM tells EventBridge of a changed parameter, and that the stack's log."""
    started = time.time()
    parameter = settings.parameter_of(place.stack, settings.DESTINATIONS, _NAME)
    ssm = place.client("ssm")
    ssm.put_parameter(Name=parameter, Value="parity-value", Type="String")
    wanted = "Parameter Store Change"

    def lines() -> list[str]:
        return [
            each for each in place.lines("SettingsLogGroup", started, wanted) if parameter in each
        ]

    within(_EVENT_SECONDS if not place.is_local else 5.0, lambda: bool(lines()))
    told = lines()
    ssm.delete_parameter(Name=parameter)
    with_value = any("parity-value" in each for each in told)
    return equal(
        "told, without the value",
        f"{'told' if told else 'not told'}, {'with' if with_value else 'without'} the value",
    )


def check_a_schedule_runs_once_and_is_gone(place: Place) -> Answer:
    """Ask whether a one-time schedule switches a lane on, and deletes itself."""
    functions, scheduler = place.client("lambda"), place.client("scheduler")
    [mapping] = functions.list_event_source_mappings(
        FunctionName=place.resources["DeliveryFunction"]
    )["EventSourceMappings"]
    uuid = mapping["UUID"]
    functions.update_event_source_mapping(UUID=uuid, Enabled=False)

    def state() -> str:
        return str(functions.get_event_source_mapping(UUID=uuid)["State"])

    off = within(_SCHEDULE_SECONDS, lambda: state() == "Disabled")
    group = place.outputs["ResumeScheduleGroupName"]
    scheduler.create_schedule(**_once(place, uuid))
    patience = _SCHEDULE_SECONDS if not place.is_local else 10.0
    on = within(patience, lambda: state() == "Enabled")
    gone = within(
        patience if on else 0.0, lambda: not scheduler.list_schedules(GroupName=group)["Schedules"]
    )
    if not on:
        functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    if not gone:
        scheduler.delete_schedule(GroupName=group, Name=_NAME)
    words = [
        f"the lane was {'off' if off else 'never off'}",
        f"was {'' if on else 'not '}switched on",
        f"the schedule is {'gone' if gone else 'there still'}",
    ]
    return equal("the lane was off, was switched on, the schedule is gone", ", ".join(words))


def _once(place: Place, uuid: str) -> Json:
    """Return the schedule by which a mapping is switched on in a moment."""
    role = place.outputs["ResumeScheduleRoleArn"]
    at = datetime.fromtimestamp(time.time() + 5, UTC)
    return {
        "GroupName": place.outputs["ResumeScheduleGroupName"],
        "Name": _NAME,
        "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": f"arn:{role.split(':')[1]}:scheduler:::aws-sdk:lambda:updateEventSourceMapping",
            "RoleArn": role,
            "Input": json.dumps({"Uuid": uuid, "Enabled": True}),
        },
    }


CHECKS = (check_a_changed_setting_is_told_in_the_log, check_a_schedule_runs_once_and_is_gone)
