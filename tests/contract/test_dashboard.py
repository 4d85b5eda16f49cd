"""The dashboard shows each metric that the code writes, and none that it does not."""

import json
import re
from typing import Any

import pytest

from attendee_sync.observability import Metric
from attendee_sync.outcome import OutcomeKind
from tests.support.functions import FUNCTIONS
from tests.support.stack import STACK
from tests.support.template import ROOT, TEMPLATE, resources

[DASHBOARD] = resources("AWS::CloudWatch::Dashboard").values()
BODY: str = DASHBOARD["DashboardBody"]["Fn::Sub"]
WIDGETS: list[dict[str, Any]] = json.loads(BODY)["widgets"]
CHARTS = {
    each["properties"]["title"]: each["properties"] for each in WIDGETS if each["type"] == "metric"
}
ROWS = [row for chart in CHARTS.values() for row in chart["metrics"]]
EXPRESSIONS = [row[0]["expression"] for row in ROWS if isinstance(row[0], dict)]
SEARCHED = re.compile(r"\{AttendeeSync,([\w,]+)\} MetricName=\"(\w+)\" stack=")
# Each metric's own dimensions, as the docs' table has them, whose names a test compares.
OWN = {
    name: set(re.findall(r"`(\w+)`", dimensions))
    for name, dimensions in re.findall(
        r"^\| `(\w+)` \| ([^|]+) \|",
        (ROOT / "docs" / "operations.md").read_text().partition("| metric | own dimensions |")[2],
        re.MULTILINE,
    )
}


def test_every_metric_of_the_code_is_shown_and_no_other() -> None:
    searched = {name for text in EXPRESSIONS for _, name in SEARCHED.findall(text)}
    plain = {row[1] for row in ROWS if row[0] == "AttendeeSync"}
    assert searched | plain == set(Metric)


def test_what_is_searched_for_has_the_dimensions_of_its_metric() -> None:
    found = [match for text in EXPRESSIONS for match in SEARCHED.findall(text)]
    assert found
    for dimensions, name in found:
        assert set(dimensions.split(",")) == {*OWN[name], "service", "stack"}, name


def test_a_search_is_of_this_stack_alone() -> None:
    for text in EXPRESSIONS:
        if "AttendeeSync" in text:
            assert 'stack="${AWS::StackName}"' in text


def matches(name: str) -> bool:
    """Tell whether the dashboard's searches for queues find one, by SEARCH's rules.

    A term without quotes is found where its tokens are in a name one after the other:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    [term] = {each for text in EXPRESSIONS for each in re.findall(r"\(QueueName=.*?\)", text)}
    [(exact, beginning)] = re.findall(r'^\(QueueName="(.*)" OR QueueName=(.*)\)$', term)
    tokens = [re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", each) for each in (name, named(beginning))]
    whole, part = (f" {' '.join(each)} " for each in tokens)
    return name == named(exact) or part in whole


def named(text: str) -> str:
    """Return a text with names in the place of references."""
    text = text.replace("${AWS::StackName}", STACK)
    return text.replace("${ProfileQueue.QueueName}", f"{STACK}-ProfileQueue-1a2B.fifo")


@pytest.mark.parametrize(
    ("queue", "is_ours"),
    [
        (f"{STACK}-ProfileQueue-1a2B.fifo", True),
        (f"{STACK}_lane_summit.fifo", True),
        (f"{STACK}_lane_two-2027.fifo", True),
        (f"{STACK}-DeadLetterQueue-1a2B.fifo", False),
        (f"{STACK}-two_lane_summit.fifo", False),
        (f"{STACK}-two-ProfileQueue-1a2B.fifo", False),
    ],
)
def test_what_waits_is_searched_for_in_this_stack_s_lanes_alone(queue: str, is_ours: bool) -> None:
    assert matches(queue) == is_ours


@pytest.mark.parametrize("stack", [f"my-{STACK}", f"{STACK}-lane-b"])
def test_lanes_of_stacks_that_the_docs_name_are_found_as_well(stack: str) -> None:
    """SEARCH knows neither where a name begins nor a `-` from a `_`."""
    assert matches(f"{stack}_lane_summit.fifo")


def test_the_funnel_has_every_outcome() -> None:
    shown = re.findall(r'outcome="(\w+)"', json.dumps(EXPRESSIONS).replace("\\", ""))
    assert set(shown) == set(OutcomeKind)


def test_what_the_dashboard_names_is_in_the_template() -> None:
    for name in re.findall(r"\$\{([^}]+)\}", BODY):
        if not name.startswith("AWS::"):
            assert name.partition(".")[0] in TEMPLATE["Resources"], name


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_s_errors_and_duration_are_shown(function: str) -> None:
    shown = {row[1] for row in ROWS if f"${{{function}}}" in row}
    assert {"Errors", "Throttles", "Duration"} <= shown


def test_every_alarm_s_state_is_shown_first() -> None:
    [first] = [each for each in WIDGETS if each["type"] == "alarm"]
    shown = [arn.partition("${AWS::StackName}-")[2] for arn in first["properties"]["alarms"]]
    metric_alarms = [
        each["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for name, each in resources("AWS::CloudWatch::Alarm").items()
        # Those that most stacks have none of.
        if TEMPLATE["Resources"][name].get("Condition") not in ("ExpectsPushes", "ShiftsOnAws")
    ]
    assert sorted(shown) == sorted(metric_alarms)
    assert min(each["y"] for each in WIDGETS if each["type"] == "metric") > first["y"]


def test_no_two_widgets_lie_on_each_other_and_none_is_beyond_the_edge() -> None:
    taken = set()
    for each in WIDGETS:
        assert each["x"] + each["width"] <= 24
        for cell in ((x, y) for x in range(each["width"]) for y in range(each["height"])):
            place = (each["x"] + cell[0], each["y"] + cell[1])
            assert place not in taken
            taken.add(place)


def test_ids_are_once_in_a_chart_and_known() -> None:
    for title, chart in CHARTS.items():
        ids = [
            row[-1]["id"]
            for row in chart["metrics"]
            if isinstance(row[-1], dict) and "id" in row[-1]
        ]
        assert len(ids) == len(set(ids)), title


def test_what_is_calculated_with_is_in_the_chart() -> None:
    for title, chart in CHARTS.items():
        last = [row[-1] for row in chart["metrics"] if isinstance(row[-1], dict)]
        sums = [
            each["expression"] for each in last if "SEARCH" not in each.get("expression", "SEARCH")
        ]
        used = {name for text in sums for name in re.findall(r"\b[a-z]\w*\b", text)}
        assert used <= {each.get("id") for each in last}, title
