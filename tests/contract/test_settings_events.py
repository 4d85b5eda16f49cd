"""A changed setting is an event in the log: what AWS documents of it fits the template."""

import json
from typing import Any

import pytest

from tests.support import insights
from tests.support.settings_event import NAME, settings_event
from tests.support.stack import STACK
from tests.support.template import TEMPLATE, resolved, resources

[RULE] = resources("AWS::Events::Rule").values()
GROUP = resolved(TEMPLATE["Resources"]["SettingsLogGroup"]["Properties"])
ARN = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP['LogGroupName']}"


def fits(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Tell whether EventBridge gives an event to a rule with so simple a pattern.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    for name, wanted in pattern.items():
        value = event.get(name)
        if isinstance(wanted, dict):
            if not isinstance(value, dict) or not fits(wanted, value):
                return False
        elif not any(
            str(value).startswith(each["prefix"]) if isinstance(each, dict) else value == each
            for each in wanted
        ):
            return False
    return True


@pytest.mark.parametrize("operation", ["Create", "Update", "Delete"])
@pytest.mark.parametrize(
    "name", [NAME, f"/{STACK}/connections/default", f"/{STACK}/template/connections/default"]
)
def test_each_change_of_a_setting_is_logged(name: str, operation: str) -> None:
    assert fits(resolved(RULE["EventPattern"]), settings_event(name, operation))


@pytest.mark.parametrize(
    "event",
    [
        settings_event(f"/{STACK}-two/destinations/summit"),
        settings_event("summit"),
        {**settings_event(), "source": "someone.else"},
        {**settings_event(), "detail-type": "Parameter Store Policy Action"},
    ],
    ids=["another stack", "no setting", "another source", "another event"],
)
def test_nothing_else_is_logged(event: dict[str, Any]) -> None:
    assert not fits(resolved(RULE["EventPattern"]), event)


def test_the_rule_writes_to_the_group_by_the_name_that_it_has() -> None:
    [target] = RULE["Targets"]
    place = {"Fn::Sub": target["Arn"]["Fn::Sub"].replace("${SettingsLogGroup}", "/GROUP")}
    assert resolved(place) == ARN.replace(GROUP["LogGroupName"], "/GROUP")
    assert "RoleArn" not in target  # for logs EventBridge goes by the group's own policy


def test_only_this_rule_may_write_there() -> None:
    make, write = GROUP["ResourcePolicyDocument"]["Statement"]
    assert (make["Action"], write["Action"]) == ("logs:CreateLogStream", "logs:PutLogEvents")
    assert make["Resource"] == write["Resource"] == f"{ARN}:*"
    rule = f"arn:aws:events:us-east-1:123456789012:rule/{resolved(RULE['Name'])}"
    assert write["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}


def test_the_dashboard_tells_which_setting_was_changed() -> None:
    widgets = json.loads(
        TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    )
    [query] = [
        each["properties"]["query"]
        for each in widgets["widgets"]
        if "SettingsLogGroup" in json.dumps(each)
    ]
    source, _, rest = query.partition(" | ")
    assert source == "SOURCE '${SettingsLogGroup}'"
    [line] = insights.run(rest, insights.lines_of(json.dumps(settings_event())))
    assert (line["detail.operation"], line["detail.name"]) == ("Update", NAME)
