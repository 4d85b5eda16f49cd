"""Each alarm of the template fires and recovers, and the operator finds what to do in the docs."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.observability import Metric
from attendee_sync_cli.operations import alarms
from local.machine.alarms import TEMPLATE as TEMPLATE_FILE
from local.machine.alarms import CloudWatch, Point, alarms_of, play
from tests.support.command_line import commands
from tests.support.stack import STACK
from tests.support.template import ROOT, TEMPLATE, holds, resolved, resources

NAMES = {"AWS::StackName": STACK, "QuietHours": "2"}
ALARMS = alarms_of(TEMPLATE_FILE, NAMES)
LANE_QUEUE = f"{STACK}_lane_summit.fifo"
LANE_FILE = ROOT / "cli" / "attendee_sync_cli" / "stack" / "lane.yaml"
LANE_ALARMS = alarms_of(LANE_FILE, {"QueueName": LANE_QUEUE})
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text()
START = 1_800_000_000.0
MINUTE = 60.0
TROUBLE = 15  # minutes after the start
MENDED = 40
END = 420
OURS = "AttendeeSync"


@dataclass(frozen=True)
class Fault:
    """What is broken, the metric that shows it, and its value before and meanwhile."""

    broken: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    well: float | None  # None: there is no value
    ill: float | None


def ours(broken: str, metric: Metric, ill: float, **own: str) -> Fault:
    service = {"service": "delivery"} if own else {}
    well = 0.0 if metric in (Metric.FAILED_PERCENT, Metric.SKIPPED_PERCENT, Metric.AGE) else None
    return Fault(broken, OURS, metric, {**own, **service, "stack": STACK}, well, ill)


def amazons(broken: str, where: str, metric: str, ill: float, well: float = 0.0) -> Fault:
    """Return what AWS measures itself of a queue, a function, a table or the API."""
    name, _, own = where.partition(":")
    dimensions = {
        "SQS": {"QueueName": own},
        "Lambda": {"FunctionName": own},
        "DynamoDB": {"TableName": own},
        "ApiGateway": {"ApiName": STACK, "Stage": "prod"},
    }[name]
    return Fault(broken, f"AWS/{name}", metric, dimensions, well, ill)


def of_newest(broken: str, name: str) -> Fault:
    """Return errors of the newest version that a function's alias invokes."""
    function = f"{name}Function"
    alias = {"FunctionName": function, "Resource": f"{function}:live"}
    version = {"ExecutedVersion": f"{name}Version"}
    return Fault(broken, "AWS/Lambda", "Errors", {**alias, **version}, 0, 1)


SUMMIT, DEFAULT = {"destination": "summit"}, {"connection": "default"}
# By the alarm that tells. A value stands for one minute.
FAULTS: dict[str, Fault] = {
    "FailedRateAlarm": ours(
        "RainFocus refuses every second profile", Metric.FAILED_PERCENT, 50, **SUMMIT
    ),
    "SkippedRateAlarm": ours(
        "every second profile is without consent", Metric.SKIPPED_PERCENT, 50, **SUMMIT
    ),
    "DeadLettersAlarm": amazons(
        "a profile is rejected", "SQS:DeadLetterQueue", "NumberOfMessagesSent", 1
    ),
    "ConnectionPausedAlarm": ours("RainFocus answers 403", Metric.CONNECTION_PAUSED, 1, **DEFAULT),
    "TokenNotRenewedAlarm": ours(
        "the token endpoint is away", Metric.ACCESS_TOKENS, 1, **DEFAULT, state="failed"
    ),
    "TokenEndsSoonAlarm": ours(
        "it is away for most of a token's life", Metric.TOKEN_ENDS_SOON, 1, **DEFAULT
    ),
    "OldestAgeAlarm": ours(
        "a profile waits for two hours", Metric.AGE, 7200, **SUMMIT, outcome="retry"
    ),
    "QueueAgeAlarm": amazons(
        "deliveries have stopped", "SQS:ProfileQueue", "ApproximateAgeOfOldestMessage", 7200
    ),
    "AgeP95Alarm": ours("RainFocus is slow", Metric.AGE, 1800),
    "InFlightAlarm": amazons(
        "100,000 profiles wait in flight",
        "SQS:ProfileQueue",
        "ApproximateNumberOfMessagesNotVisible",
        100_000,
    ),
    "QuietAlarm": Fault("the sender stops", OURS, Metric.RECEIVED, {"stack": STACK}, 3, None),
    "PushErrorsAlarm": amazons("ingest can't queue", "ApiGateway", "5XXError", 1),
    "PushRefusalsAlarm": amazons("a sender has an old token", "ApiGateway", "4XXError", 1),
    "PushLatencyAlarm": amazons("ingest is slow", "ApiGateway", "Latency", 2500, 80),
    "FunctionErrorsAlarm": amazons("delivery dies", "Lambda:DeliveryFunction", "Errors", 1),
    "IngestReleaseAlarm": of_newest("a deploy brings an ingest that dies", "Ingest"),
    "DeliveryReleaseAlarm": of_newest("a deploy brings a delivery that dies", "Delivery"),
    "FunctionThrottlesAlarm": amazons(
        "the account has no more executions", "Lambda:IngestFunction", "Throttles", 1
    ),
    "IngestDurationAlarm": amazons("ingest hangs", "Lambda:IngestFunction", "Duration", 9e3, 20),
    "DeliveryDurationAlarm": amazons(
        "delivery hangs", "Lambda:DeliveryFunction", "Duration", 5e4, 300
    ),
    "PreviewDurationAlarm": amazons(
        "preview hangs", "Lambda:PreviewFunction", "Duration", 19e3, 300
    ),
    "TableThrottlesAlarm": amazons(
        "a table is throttled", "DynamoDB:LedgerTable", "WriteThrottleEvents", 1
    ),
    "MissingAlarm": Fault(
        "a profile is deleted from its lane", OURS, Metric.MISSING, {"stack": STACK}, 0, 1
    ),
    "ScheduleAlarm": Fault(
        "the schedule is switched off",
        "AWS/Lambda",
        "Invocations",
        {"FunctionName": "TokenRefreshFunction"},
        1,
        None,
    ),
}
# Made of others, and what tells of them; silent while the suppressor's fault lasts.
COMPOSITES = {
    "NewDeadLettersAlarm": ("DeadLettersAlarm", "FailedRateAlarm"),
    "WaitingAlarm": ("OldestAgeAlarm", "ConnectionPausedAlarm"),
    "CauseAlarm": ("TokenNotRenewedAlarm", None),
}
# These need more than five minutes: the next run of a schedule or push may be so late as well.
SLOW = {"QuietAlarm": 2 * 3600.0, "ScheduleAlarm": 1200.0}


def points(fault: Fault) -> list[Point]:
    made = []
    for minute in range(-180, END):
        value = fault.ill if TROUBLE <= minute < MENDED else fault.well
        if value is not None:
            at = START + minute * MINUTE + 30
            made.append(Point(at, fault.namespace, fault.metric, fault.dimensions, float(value)))
    return made


def lasting(fault: Fault, minutes: int) -> list[Point]:
    """Return the fault's points where it lasts for so many minutes."""
    first = START + TROUBLE * MINUTE
    if minutes <= MENDED - TROUBLE:
        return points(fault)
    return [each for each in points(fault) if not first <= each.at < first + minutes * MINUTE]


@functools.cache
def times(alarm: str) -> tuple[float, float]:
    """Return the seconds from a fault to its alarm, and from its mending to the recovery."""
    return times_of(CloudWatch({alarm: ALARMS[alarm]}), FAULTS[alarm])


def times_of(cloudwatch: CloudWatch, fault: Fault) -> tuple[float, float]:
    lasts = 150 if fault.ill is None else MENDED - TROUBLE
    known = lasting(fault, lasts)
    fired = recovered = None
    for minute in range(END):
        for change in cloudwatch.evaluate(known, START + minute * MINUTE):
            if change.is_alarm:
                assert fired is None
                fired = (minute - TROUBLE) * MINUTE
            else:
                recovered = (minute - TROUBLE - lasts) * MINUTE
    assert fired is not None
    assert recovered is not None
    return fired, recovered


def test_every_alarm_is_broken_here_or_made_of_others() -> None:
    assert {*FAULTS, *COMPOSITES} == set(ALARMS)


@pytest.mark.parametrize("alarm", FAULTS)
def test_a_fault_raises_its_alarm_within_five_minutes_and_what_is_mended_ends_it(
    alarm: str,
) -> None:
    fired, recovered = times(alarm)
    assert 0 < fired <= SLOW.get(alarm, 300.0)
    assert 0 < recovered <= 3900


@pytest.mark.parametrize("alarm", LANE_ALARMS)
def test_an_own_lane_s_alarm_is_like_the_shared_lane_s(alarm: str) -> None:
    lane, shared = LANE_ALARMS[alarm], ALARMS[alarm]
    same = {"Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods"}
    assert {key: lane[key] for key in same} == {key: shared[key] for key in same}
    limit = {"InFlightAlarm": 0.8 * 120_000, "QueueAgeAlarm": 80 * 3600.0}[alarm]
    fault = amazons("a lane is in trouble", f"SQS:{LANE_QUEUE}", lane["MetricName"], limit + 1)
    assert times_of(CloudWatch({alarm: lane}), fault) == times(alarm)
    well = amazons("a lane is busy", f"SQS:{LANE_QUEUE}", lane["MetricName"], limit)
    assert CloudWatch({alarm: lane}).evaluate(points(well), START + MENDED * MINUTE) == []


def test_no_profile_that_is_delivered_is_as_old_as_a_lane_s_alarm_says() -> None:
    """What waits for its settings waits longest, and then until its next turn."""
    policy = RetryPolicy(max_age=3600.0 * TEMPLATE["Parameters"]["MaxAgeHours"]["MaxValue"])
    longest = max(policy.max_age, policy.max_age_for_settings) + policy.max_wait
    assert longest < LANE_ALARMS["QueueAgeAlarm"]["Threshold"]


@pytest.mark.parametrize("alarm", FAULTS)
def test_no_other_alarm_is_raised_by_a_fault(alarm: str) -> None:
    cloudwatch, known = CloudWatch(ALARMS), points(FAULTS[alarm])
    cloudwatch.evaluate(known, START)  # where nothing else has a value
    raised = {
        change.alarm
        for minute in range(TROUBLE, MENDED)
        for change in cloudwatch.evaluate(known, START + minute * MINUTE)
        if change.is_alarm
    }
    made_of_it = {name for name in COMPOSITES if alarm in ALARMS[name]["AlarmRule"]}
    silent = {"ScheduleAlarm", "QuietAlarm"}  # which nothing feeds here
    assert raised - silent == {alarm, *made_of_it} - silent


@pytest.mark.parametrize("alarm", COMPOSITES)
def test_one_incident_is_one_message(alarm: str) -> None:
    child, suppressor = COMPOSITES[alarm]
    alone = told(points(FAULTS[child]))
    if suppressor is None:
        assert alarm not in alone
        return
    assert alarm in alone
    assert child not in alone
    both = told([*points(FAULTS[child]), *points(FAULTS[suppressor])])
    assert alarm not in both
    assert suppressor in both


def told(known: list[Point]) -> list[str]:
    cloudwatch = CloudWatch(ALARMS)
    cloudwatch.evaluate(known, START)
    return [
        change.alarm
        for minute in range(TROUBLE, MENDED)
        for change in cloudwatch.evaluate(known, START + minute * MINUTE)
        if change.is_told
    ]


def test_what_is_told_is_played_to_its_end() -> None:
    now = START + (TROUBLE + 1) * MINUTE
    known = [each for each in points(FAULTS["FailedRateAlarm"]) if each.at < now]
    [played] = play(CloudWatch({"FailedRateAlarm": ALARMS["FailedRateAlarm"]}), known, now)
    assert (played.alarm, played.about) == (f"{STACK}-failed-rate", "summit")
    assert played.ended == 60


def test_what_comes_and_goes_is_told_once_an_hour() -> None:
    """Ten minutes of failures, then ten without, for five hours."""
    fault = FAULTS["FailedRateAlarm"]
    known = [
        Point(each.at, each.namespace, each.name, each.dimensions, 100.0 * (n // 10 % 2))
        for n, each in enumerate(points(fault))
    ]
    cloudwatch = CloudWatch({"FailedRateAlarm": ALARMS["FailedRateAlarm"]})
    changes = [
        change
        for minute in range(300)
        for change in cloudwatch.evaluate(known, START + minute * MINUTE)
    ]
    assert [each.is_alarm for each in changes] == [True]


def test_another_destination_s_failures_are_told_although_one_fails_already() -> None:
    summit = FAULTS["FailedRateAlarm"]
    known = points(summit)
    other = {**summit.dimensions, "destination": "roadshow"}
    known += [
        Point(each.at + 600, each.namespace, each.name, other, each.value)
        for each in points(summit)
    ]
    cloudwatch = CloudWatch({"FailedRateAlarm": ALARMS["FailedRateAlarm"]})
    seen = [
        change.contributor
        for minute in range(MENDED)
        for change in cloudwatch.evaluate(known, START + minute * MINUTE)
    ]
    assert seen == ["summit", "roadshow"]


def test_another_stack_s_trouble_is_not_told() -> None:
    fault = FAULTS["FailedRateAlarm"]
    strange = {**fault.dimensions, "stack": f"{STACK}-2"}
    known = [
        Point(each.at, each.namespace, each.name, strange, each.value) for each in points(fault)
    ]
    cloudwatch = CloudWatch({"FailedRateAlarm": ALARMS["FailedRateAlarm"]})
    assert cloudwatch.evaluate(known, START + MENDED * MINUTE) == []


def rows() -> dict[str, tuple[str, float, float]]:
    """Return the docs' table of alarms: what is broken, and the minutes to fire and recover."""
    table = GUARANTEES.partition("| thing broken | alarm |")[2].partition("\n\n")[0]
    found = re.findall(r"^\| ([^|]+) \| `([a-z0-9-]+)` \| (\d+) \| (\d+) \|$", table, re.MULTILINE)
    return {alarm: (broken, float(a), float(b)) for broken, alarm, a, b in found}


def short(alarm: str) -> str:
    """Return an alarm's name without the stack's."""
    return str(ALARMS[alarm]["AlarmName"]).removeprefix(f"{STACK}-")


def test_the_table_of_alarms_is_what_is_measured() -> None:
    measured = {short(alarm): (fault.broken, *times(alarm)) for alarm, fault in FAULTS.items()}
    assert rows() == measured


def test_each_alarm_has_a_section_of_the_runbook_and_each_section_an_alarm() -> None:
    runbook = OPERATIONS.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    sections = re.findall(r"^#### (?:`([a-z0-9-]+)`.*)$", runbook, re.MULTILINE)
    assert sorted(sections) == sorted(short(alarm) for alarm in ALARMS)


@pytest.mark.parametrize("alarm", [name for name in ALARMS if name != "CauseAlarm"])
def test_each_alarm_says_what_it_means_and_what_to_do(alarm: str) -> None:
    description = ALARMS[alarm]["AlarmDescription"]
    assert re.search(r"\bNext: .", description)
    assert re.search(r"attendee|profile|people|push", description.lower())
    assert len(description) <= 1024


def test_names_in_queries_are_quoted_since_some_are_words_of_sql() -> None:
    """Such as `connection` and `state`:

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-reserved-keywords.html
    """
    queries = [
        each["Expression"]
        for alarm in ALARMS.values()
        for each in alarm.get("Metrics", [])
        if "SELECT" in each.get("Expression", "")
    ]
    assert len(queries) == 6
    for query in queries:
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", query)
        words = set(re.findall(r"\w+", bare)) - {"SELECT", "FROM", "SCHEMA", "WHERE", "AND"}
        assert words - {"GROUP", "BY", "AVG", "SUM", "MAX"} <= set(Metric)


def test_a_command_in_an_alarm_is_one_that_there_is() -> None:
    """Folded lines of YAML have a blank where they break, also behind a hyphen."""
    texts = [each["AlarmDescription"] for each in ALARMS.values()]
    assert not [text for text in texts if "- " in text]
    named = {command for text in texts for command in re.findall(r"attendee-sync (\w+)", text)}
    assert named
    assert named <= {words[0] for words in commands()}


def test_whatever_tells_trouble_tells_its_end() -> None:
    for alarm in ALARMS.values():
        assert alarm.get("AlarmActions") == alarm.get("OKActions")
        assert "InsufficientDataActions" not in alarm


def test_the_console_asks_for_each_alarm_that_tells_somebody() -> None:
    told = {each["AlarmName"] for each in ALARMS.values() if each.get("AlarmActions")}
    assert {f"{STACK}-{each}" for each in alarms.OF_STACK} == told
    of_lane = {each["AlarmName"] for each in LANE_ALARMS.values()}
    assert {f"{LANE_QUEUE}-{each}" for each in alarms.OF_LANE} == of_lane


def metrics_of(alarm: Mapping[str, Any]) -> set[str]:
    texts = [str(alarm.get("MetricName", "")) if alarm.get("Namespace") == OURS else ""]
    texts += [each.get("Expression", "") for each in alarm.get("Metrics", [])]
    return {name for name in Metric for text in texts if re.search(rf"\b{name}\b", text)}


def test_alarms_look_at_metrics_that_there_are() -> None:
    for name, alarm in ALARMS.items():
        if OURS in str(alarm):
            assert metrics_of(alarm), name


@pytest.mark.parametrize("function", ["IngestFunction", "DeliveryFunction", "PreviewFunction"])
def test_a_duration_is_told_at_four_fifths_of_the_limit(function: str) -> None:
    limit = TEMPLATE["Resources"][function]["Properties"]["Timeout"]
    [alarm] = [
        each
        for each in ALARMS.values()
        if each.get("MetricName") == "Duration" and each["Dimensions"][0]["Value"] == function
    ]
    assert alarm["Threshold"] == 0.8 * limit * 1000


# --- who is told --------------------------------------------------------------------------------


def test_only_cloudwatch_may_tell_and_only_of_this_stack_s_alarms_and_over_tls() -> None:
    [policy] = resources("AWS::SNS::TopicPolicy").values()
    allow, deny = policy["PolicyDocument"]["Statement"]
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    [own, lanes] = allow["Condition"]["ArnLike"]["aws:SourceArn"]
    assert own["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")
    assert lanes["Fn::Sub"].endswith(":alarm:${AWS::StackName}_lane_*")
    assert all(each["AlarmName"].startswith(f"{STACK}_lane_") for each in LANE_ALARMS.values())
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_topic_has_a_key_that_cloudwatch_may_use() -> None:
    [topic] = resources("AWS::SNS::Topic").values()
    assert resolved(topic["KmsMasterKeyId"]) == "AlertKey"
    [key] = resources("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    [_, cloudwatch] = key["KeyPolicy"]["Statement"]
    assert cloudwatch["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_without_an_address_there_is_no_topic_and_no_key() -> None:
    for name in ("AlertTopic", "AlertKey", "AlertTopicPolicy"):
        assert not holds({"Condition": TEMPLATE["Resources"][name]["Condition"]})
    for name in ("AlertEmail", "AlertTopicArn"):
        assert TEMPLATE["Parameters"][name]["Default"] == ""
