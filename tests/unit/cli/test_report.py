import csv
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from attendee_sync_cli.outcome_words import REASONS
from attendee_sync_cli.stack import log_events
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, STACK, Clock

HOUR = 3_600
NOW = 1_800_000_000 // HOUR * HOUR + 1_800.0  # in the middle of an hour


@pytest.fixture(autouse=True)
def now(wall: Clock) -> Clock:
    wall.now = NOW
    return wall


def received(line: CommandLine, destination: str, count: int, hours_ago: float = 0.0) -> None:
    put(line, "Received", [count], hours_ago, destination=destination, service="ingest")


def ended(
    line: CommandLine, destination: str, outcome: str, ages: list[float], hours_ago: float = 0.0
) -> None:
    where = {"destination": destination, "outcome": outcome, "service": "delivery"}
    put(line, "Profiles", [len(ages)], hours_ago, **where)
    put(line, "Age", ages, hours_ago, **where)


def undelivered(line: CommandLine, outcome: str, reason: str, count: int) -> None:
    where = {"destination": "default", "outcome": outcome, "reason": reason}
    put(line, "Undelivered", [count], 0.0, **where, service="delivery")


def put(
    line: CommandLine, name: str, values: list[float], hours_ago: float, **dimensions: str
) -> None:
    at = NOW - hours_ago * HOUR
    line.aws.cloudwatch.put(name, {"stack": STACK, **dimensions}, values, at)


def row_of(found: dict[str, Any], name: str, key: str = "destination") -> dict[str, Any]:
    [row] = [row for row in found["rows"] if row[key] == name]
    return dict(row)


def hour(hours_ago: int) -> str:
    return datetime.fromtimestamp(NOW // HOUR * HOUR - hours_ago * HOUR, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.fixture
def day(line: CommandLine) -> CommandLine:
    """A stack with the metrics of a day."""
    received(line, "default", 90)
    received(line, "default", 10, hours_ago=3)
    ended(line, "default", "delivered", [1.0, 2.0, 6.0] * 20)
    ended(line, "default", "unchanged", [1.0] * 20, hours_ago=3)
    ended(line, "default", "retry", [900.0] * 7)
    ended(line, "default", "filtered", [1.0] * 15)
    ended(line, "default", "stale", [1.0])
    ended(line, "default", "rejected", [1.0] * 3)
    ended(line, "default", "expired", [86_400.0])
    received(line, "gone", 4, hours_ago=23)
    ended(line, "gone", "delivered", [30.0] * 4, hours_ago=23)
    undelivered(line, "filtered", "no_consent", 15)
    undelivered(line, "stale", "-", 1)
    undelivered(line, "rejected", "missing_email", 3)
    undelivered(line, "expired", "unavailable", 1)
    undelivered(line, "retry", "unavailable", 7)
    return line


def test_adobes_columns_are_told_by_destination(day: CommandLine) -> None:
    found = day.json("report")
    assert (found["source"], found["complete"]) == ("metrics", True)
    assert [row["destination"] for row in found["rows"]] == ["default", "gone"]
    assert row_of(found, "default") == {
        "destination": "default",
        "received": 100,
        "activated": 80,
        "excluded": 16,
        "failed": 4,
        "activated_rate": 0.8,
        "excluded_rate": 0.16,
        "failed_rate": 0.04,
        "mean_seconds": 3.0,
        "longest_seconds": 6.0,
    }
    total = found["total"]
    assert (total["received"], total["activated"], total["longest_seconds"]) == (104, 84, 30.0)


@pytest.mark.parametrize(("hours", "is_told"), [("24", False), ("48", True)])
def test_that_there_were_no_metrics_before_is_told(
    day: CommandLine, hours: str, is_told: bool
) -> None:
    assert ("There are none before" in day.succeed("report", "--hours", hours)) == is_told


def test_people_read_a_table_and_a_bar_for_each_hour(day: CommandLine) -> None:
    shown = day.succeed("report")
    assert "from CloudWatch's metrics" in shown
    rows = cells(shown)
    assert ["destination", "received", "activated", "excluded", "failed", "longest"] in rows
    counts = rows.index(["default", "100", "80", "16", "4", "3 s,"])
    assert rows[counts + 1] == ["80.0%", "16.0%", "4.0%", "6 s"]
    assert ["all", "104", "84", "16", "4", "5 s,"] in rows
    [bars] = [row for row in rows if row[:1] == [hour(23)]]
    assert bars[1:] == ["▁" + "·" * 19 + "▁··█", "·" * 23 + "█"]


def test_at_80_columns_no_row_is_broken(day: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("summit-2027-north-america", "b"):
        received(day, name, 1_234_567)
        ended(day, name, "delivered", [45_000.0])
        for outcome, count in (("delivered", 1_034_567.0), ("filtered", 1e5), ("expired", 1e5)):
            where = {"destination": name, "outcome": outcome, "service": "delivery"}
            put(day, "Profiles", [count], 0.0, **where)
    monkeypatch.setitem(day._runner.env, "COLUMNS", "80")
    names = {"destination": "summit-2027-north-america ", "reason": "no_consent", "hour": hour(0)}
    for by, name in names.items():
        shown = day.succeed("report", "--by", by, "--hours", "100").splitlines()
        assert max(map(len, shown)) <= 80
        assert [row for row in shown if name in row], by


def test_hours_without_anything_are_told_too(day: CommandLine) -> None:
    found = day.json("report", "--by", "hour", "--hours", "5")
    assert [(row["hour"], row["received"]) for row in found["rows"]] == [
        (hour(4), 0),
        (hour(3), 10),
        (hour(2), 0),
        (hour(1), 0),
        (hour(0), 90),
    ]
    assert row_of(found, hour(3), "hour")["activated"] == 20


def test_reasons_are_told_with_their_part_of_all_ends(day: CommandLine) -> None:
    found = day.json("report", "--by", "reason")["rows"]
    assert found[0] == {
        "outcome": "filtered",
        "reason": "no_consent",
        "profiles": 15,
        "rate": round(15 / 104, 6),
    }
    told = {(row["outcome"], row["reason"]): row["profiles"] for row in found[1:]}
    assert told == {
        ("rejected", "missing_email"): 3,
        ("expired", "unavailable"): 1,
        ("stale", ""): 1,
    }
    shown = cells(day.succeed("report", "--by", "reason"))
    assert ["15", "filtered", "no_consent", REASONS["no_consent"]] in shown
    assert ["14.4%"] in shown
    assert ["1", "stale"] in shown


def test_that_a_redriven_profile_ends_twice_is_said_where_ends_are_more(line: CommandLine) -> None:
    received(line, "default", 2)
    ended(line, "default", "rejected", [1.0])
    ended(line, "default", "delivered", [2.0])
    assert "a redriven profile ends once more" not in line.succeed("report")
    ended(line, "default", "delivered", [3.0])
    assert "a redriven profile ends once more" in line.succeed("report")


def test_spreadsheets_get_csv(day: CommandLine) -> None:
    [first, second] = csv.DictReader(day.succeed("report", "--csv").splitlines())
    assert (first["destination"], first["received"], first["failed_rate"]) == (
        "default",
        "100",
        "0.04",
    )
    assert (second["destination"], second["mean_seconds"]) == ("gone", "30.0")
    assert "exclude each other" in day.fail("report", "--csv", "--json", code=2)


def test_what_a_report_can_be_about_is_told(line: CommandLine) -> None:
    told = line.fail("report", "--by", "day", code=2)
    assert "'day' is not one of" in told
    assert "Value error" not in told


def test_nothing_of_another_stack_counts(line: CommandLine) -> None:
    received(line, "default", 1)
    other = {"stack": "other", "destination": "default", "service": "ingest"}
    line.aws.cloudwatch.put("Received", other, [7.0], NOW)
    line.aws.cloudwatch.put("Received", {"stack": STACK}, [7.0], NOW)  # a sum of all
    assert line.json("report")["total"]["received"] == 1


def test_a_new_destinations_metrics_are_found_before_cloudwatch_lists_them(
    line: CommandLine,
) -> None:
    line.aws.cloudwatch.lists_new = False
    received(line, "default", 3)
    ended(line, "default", "expired", [1.0, 2.0])
    found = line.json("report")
    assert (found["source"], found["total"]["received"], found["total"]["failed"]) == (
        "metrics",
        3,
        2,
    )


def test_as_many_metrics_as_there_are_are_asked_for(line: CommandLine) -> None:
    line.aws.cloudwatch.page_size = 100
    for n in range(150):
        received(line, f"d{n}", n + 1)
    assert line.json("report")["total"]["received"] == 150 * 151 / 2


# --- from the log ---


def entry(message: str, **members: object) -> str:
    return json.dumps({"message": message, "destination": "default", **members})


def accepted(request_id: str, count: int, rejected: int = 0) -> str:
    return entry("push accepted", request_id=request_id, accepted=count, rejected=rejected)


def settled(outcome: str, reason: str = "", age: float = 1.0) -> str:
    members: dict[str, object] = {"outcome": outcome, "reason": reason, "age_ms": age * 1000}
    return entry("profile settled", request_id="a", index="0", attempt=1, **members)


def test_without_metrics_the_log_tells_the_same(line: CommandLine) -> None:
    logs = line.aws.logs
    logs.write(INGEST_LOG, accepted("a", 5, rejected=1), NOW - 60)
    logs.write(INGEST_LOG, settled("rejected", "missing_email"), NOW - 60)
    logs.write(DELIVERY_LOG, settled("delivered", age=2), NOW - 50)
    logs.write(DELIVERY_LOG, settled("delivered", age=4), NOW - 50)
    logs.write(DELIVERY_LOG, settled("unchanged"), NOW - 50)
    logs.write(DELIVERY_LOG, settled("filtered", "filter"), NOW - HOUR)
    logs.write(DELIVERY_LOG, settled("expired", "busy"), NOW - 30 * HOUR)
    found = line.json("report")
    assert found["source"] == "log"
    assert row_of(found, "default") == {
        "destination": "default",
        "received": 6,
        "activated": 3,
        "excluded": 1,
        "failed": 1,
        "activated_rate": 0.6,
        "excluded_rate": 0.2,
        "failed_rate": 0.2,
        "mean_seconds": 3.0,
        "longest_seconds": 4.0,
    }
    reasons = line.json("report", "--by", "reason")["rows"]
    assert {row["reason"] for row in reasons} == {"missing_email", "filter"}
    assert "from the functions' logs" in line.succeed("report")


def test_what_the_functions_write_is_what_is_counted(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    """The same profiles, once from the metrics and once from the log that the functions wrote."""
    harness.rainfocus.reply = lambda call: (
        fakes.envelope("105", "no", status=400)
        if call.json["email"].startswith("ben")
        else fakes.stored()
    )
    people = [{"email": f"{name}@example.com"} for name in ("ada", "ben", "chris")]
    harness.push(*people, {"zip": "1"})
    harness.work()
    written = output()
    line.aws.logs.write(DELIVERY_LOG, written)
    by_log = line.json("report")
    for text in written.splitlines():
        embedded = json.loads(text)
        if "_aws" not in embedded:
            continue
        [directive] = embedded["_aws"]["CloudWatchMetrics"]
        for metric, names in itertools.product(directive["Metrics"], directive["Dimensions"]):
            where = {name: embedded[name] for name in names}
            line.aws.cloudwatch.put(metric["Name"], where, embedded[metric["Name"]], NOW)
    by_metrics = line.json("report")
    assert (by_log.pop("source"), by_metrics.pop("source")) == ("log", "metrics")
    assert by_log["total"]["received"] == 4
    for one, other in zip(by_log["rows"], by_metrics["rows"], strict=True):
        assert one == pytest.approx(other, abs=0.01)


def test_a_log_that_is_too_long_is_told_as_such(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_events, "MAX_ANSWERS", 6)
    line.aws.logs.page_size = 2
    for hours in range(23):
        line.aws.logs.write(DELIVERY_LOG, settled("delivered"), NOW - hours * HOUR)
    found = line.json("report")
    assert not found["complete"]
    assert 0 < found["total"]["activated"] < 23
    assert "what came before that could not be read" in line.succeed("report")


def test_a_stack_without_any_has_an_empty_report(line: CommandLine) -> None:
    found = line.json("report")
    assert (found["rows"], found["total"]["received"]) == ([], 0)
    assert found["total"]["failed_rate"] is None
    assert line.json("report", "--by", "hour", "--hours", "1")["rows"][0]["failed_rate"] is None
    assert ["all", "0", "0", "0", "0"] in cells(line.succeed("report"))
    assert line.succeed("report", "--csv") == "destination\n"
    assert ["0"] in cells(line.succeed("report", "--by", "reason"))


def test_by_audience_destinations_are_added_up_that_send_the_same(line: CommandLine) -> None:
    filters = {
        "vips": "is_member(@, 'vips')",
        "vips-in-us": "is_member(@, 'vips') && (country == 'US')",
        "both": "is_member(@, 'vips') || is_member(@, 'press')",
        "other": "!is_member(@, 'vips')",
    }
    for name, text in filters.items():
        line.aws.set_destination(name, connection="default", event_code="x", filter=text)
    for count, name in enumerate([*filters, "default", "gone"], start=1):
        received(line, name, count)
        ended(line, name, "delivered", [1.0] * count)
    shown = line.json("report", "--by", "audience")
    assert {row["audience"]: row["activated"] for row in shown["rows"]} == {
        "vips": 1 + 2,
        "press or vips": 3,
        "no audience chosen": 4 + 5 + 6,
    }
    assert shown["total"]["activated"] == 21
    assert ["press or vips", "3", "3", "0", "0", "1 s,"] in cells(
        line.succeed("report", "--by", "audience")
    )
