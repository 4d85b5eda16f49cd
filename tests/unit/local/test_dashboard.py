"""The picture of the dashboard shows what was measured, and no chart without a value."""

import re
from xml.etree import ElementTree as ET

from local.machine import dashboard
from local.machine.alarms import TEMPLATE, CloudWatch, Point, alarms_of

STACK = "attendee-sync-local"
NAMES = {"AWS::StackName": STACK}
WHOLE = {"stack": STACK}
SUMMIT = {"destination": "summit", "service": "delivery", "stack": STACK}


def drawn(*points: Point) -> tuple[str, list[str]]:
    """Return the picture and its texts."""
    every = alarms_of(TEMPLATE, NAMES)
    cloudwatch = CloudWatch({"FailedRateAlarm": every["FailedRateAlarm"]})
    cloudwatch.evaluate(points, 200.0)
    picture = dashboard.draw(STACK, points, cloudwatch, 1.0)
    root = ET.fromstring(picture)  # noqa: S314 - made here
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    return picture, [str(each.text) for each in texts]


def point(name: str, dimensions: dict[str, str], value: float, at: float = 100.0) -> Point:
    return Point(at, "AttendeeSync", name, dimensions, value)


def test_values_of_a_step_are_one_place_by_the_chart_s_statistic() -> None:
    picture, texts = drawn(
        point("Received", WHOLE, 3.0, 100.1),
        point("Received", WHOLE, 4.0, 100.9),
        point("Received", WHOLE, 2.0, 103.0),
    )
    assert "Received, and what became of it" in texts
    assert "9  received" in texts  # in all
    assert "7" in texts  # the most of a second
    [line] = re.findall(r'<polyline points="([^"]+)"', picture)
    [first, last] = ([int(each) for each in place.split(",")] for place in line.split())
    assert first[0] < last[0]
    assert first[1] < last[1]  # higher, which is less in SVG


def test_a_search_gives_a_line_for_each_destination() -> None:
    other = {**SUMMIT, "destination": "roadshow"}
    strange = {**SUMMIT, "stack": "another"}
    every = [point("FailedPercent", each, 50.0) for each in (SUMMIT, other, strange)]
    _, texts = drawn(*every)
    assert [each for each in texts if each in ("summit", "roadshow")] == ["roadshow", "summit"]


def test_a_chart_without_a_value_is_left_out() -> None:
    _, texts = drawn(point("Received", WHOLE, 3.0))
    assert "Errors and throttles" not in texts
    assert "Failed, % by destination" not in texts


def test_alarms_that_are_judged_are_told_from_others_by_their_colour() -> None:
    picture, texts = drawn(point("FailedPercent", SUMMIT, 50.0))
    colors = re.findall(r'<rect [^>]*fill="(#[a-f0-9]{3,6})"/><text [^>]*>([\w-]+)<', picture)
    found = {name: color for color, name in colors}
    assert found["failed-rate"] == "#f4b6b6"
    assert set(found.values()) == {"#f4b6b6", "#ddd"}
    assert "failed-rate" in texts
