"""What CloudWatch makes of metrics: the alarms of the template, by a clock of their own.

The local cloud makes no metrics of log lines and queues. Of alarms it can't make those of queries
and sums, nor composites, and in the others it looks neither at dimensions nor for missing data. So
the template's alarms are judged here as AWS documents it, and only what they tell goes through the
local cloud. Not played: how late metrics come, and a composite's waits for its suppressor.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.machine.cloud import ROOT
from local.machine.stack import LocalStack

TEMPLATE = ROOT / "template.yaml"
# Those whose metrics there are locally: of log lines and of dead letters.
_LOCAL = (
    "FailedRateAlarm",
    "SkippedRateAlarm",
    "DeadLettersAlarm",
    "ConnectionPausedAlarm",
    "TokenNotRenewedAlarm",
    "TokenEndsSoonAlarm",
    "MissingAlarm",
    "NewDeadLettersAlarm",
)
_MINUTES_PLAYED = 75  # an alarm lasts for an hour after the last trouble
_FUNCTIONS = ("IngestFunction", "DeliveryFunction", "TokenRefreshFunction", "AccountingFunction")
_METRIC_ALARM, _COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
_QUERY = re.compile(
    r"SELECT (?P<function>\w+)\((?P<name>\w+)\) "
    r'FROM SCHEMA\("(?P<namespace>[\w/]+)", (?P<schema>[\w", ]+)\) '
    r'WHERE (?P<where>.+) GROUP BY "(?P<group>\w+)"'
)
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "SampleCount": len,
    "Minimum": min,
    "Sum": sum,
    "SUM": sum,
    "Average": fmean,
    "AVG": fmean,
    "Maximum": max,
    "MAX": max,
}
_COMPARISONS = {
    "GreaterThanThreshold": float.__gt__,
    "LessThanThreshold": float.__lt__,
}


@dataclass(frozen=True)
class Point:
    """One value of a metric."""

    at: float  # epoch seconds
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Change:
    """An alarm that went into ALARM or came out of it.

    One of a query does so for each of its contributors, as destinations are, and tells each.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
    """

    alarm: str  # logical id
    is_alarm: bool
    contributor: str = ""
    is_told: bool = True


@dataclass
class CloudWatch:
    """The alarms of a template, all of them OK at first."""

    alarms: Mapping[str, Mapping[str, Any]]
    in_alarm: dict[str, frozenset[str]] = field(default_factory=dict)

    def evaluate(self, points: Iterable[Point], now: float) -> list[Change]:
        """Return what changes at a moment, as CloudWatch looks once a minute."""
        known = list(points)
        before = self.in_alarm
        self.in_alarm = {}
        for name, alarm in self.alarms.items():
            is_composite = "AlarmRule" in alarm
            self.in_alarm[name] = (
                self._of_others(alarm) if is_composite else _breaching(alarm, known, now)
            )
            if not is_composite and _is_ignored(alarm, known, now):
                self.in_alarm[name] = before.get(name, frozenset())
        return [
            Change(name, contributor in bad, contributor, self._tells(name))
            for name, bad in self.in_alarm.items()
            for contributor in sorted(bad ^ before.get(name, frozenset()))
        ]

    def _of_others(self, composite: Mapping[str, Any]) -> frozenset[str]:
        children = re.findall(r'ALARM\("(\w+)"\)', composite["AlarmRule"])
        return frozenset({""} if any(self.in_alarm.get(each) for each in children) else ())

    def _tells(self, name: str) -> bool:
        alarm = self.alarms[name]
        is_suppressed = self.in_alarm.get(alarm.get("ActionsSuppressor", ""))
        return "AlarmActions" in alarm and not is_suppressed


@dataclass(frozen=True)
class Episode:
    """An alarm that told of trouble, and of its end."""

    alarm: str  # its name
    about: str  # its contributor, as a destination
    description: str
    ended: int | None  # minutes later


def play(cloudwatch: CloudWatch, points: Sequence[Point], now: float) -> list[Episode]:
    """Return what alarms tell now, and of its end in the hour after, in which nothing comes."""
    looked_at = str(cloudwatch.alarms)
    names = {name for name in {each.name for each in points} if name in looked_at}
    known = [each for each in points if each.name in names]
    told = [each for each in cloudwatch.evaluate(known, now) if each.is_told and each.is_alarm]
    ended: dict[tuple[str, str], int] = {}
    for minute in range(1, _MINUTES_PLAYED):
        if len(ended) == len(told):
            break
        for each in cloudwatch.evaluate(known, now + 60.0 * minute):
            if (each.alarm, each.contributor) in {(one.alarm, one.contributor) for one in told}:
                ended.setdefault((each.alarm, each.contributor), minute)
    return [
        Episode(
            cloudwatch.alarms[each.alarm]["AlarmName"],
            each.contributor,
            cloudwatch.alarms[each.alarm]["AlarmDescription"],
            ended.get((each.alarm, each.contributor)),
        )
        for each in told
    ]


@functools.cache
def parsed(template: Path) -> dict[str, Any]:
    """Return a template as CloudFormation reads it, short forms as long ones."""
    found: dict[str, Any] = yaml_parse(template.read_text())
    return found


def alarms_of(template: Path, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the properties of a template's alarms by logical id, composites last.

    `names` are those of resources, where they are not the logical ids, and of parameters and
    `AWS::StackName`, where they have not their defaults.
    """
    document = parsed(template)
    resources = document["Resources"]
    parameters = {key: each.get("Default", "") for key, each in document["Parameters"].items()}
    known = {**{key: key for key in resources}, **parameters, **names}
    # A composite names alarms by their logical ids here, whatever they are called.
    known |= {key: key for key, each in resources.items() if each["Type"] == _METRIC_ALARM}
    return {
        key: _resolved(each["Properties"], known)
        for kind in (_METRIC_ALARM, _COMPOSITE)
        for key, each in resources.items()
        if each["Type"] == kind
    }


def alarms_of_stack(stack: LocalStack) -> CloudWatch:
    """Return the alarms of a deployed stack whose metrics there are locally."""
    dead_letters = stack.outputs["DeadLetterQueueName"]
    every = alarms_of(TEMPLATE, {"AWS::StackName": stack.name, "DeadLetterQueue": dead_letters})
    return CloudWatch({name: every[name] for name in _LOCAL})


def measured(stack: LocalStack) -> list[Point]:
    """Return the metrics that these alarms look at, as AWS would make them."""
    lines = (line for each in _FUNCTIONS for line in stack.function_logs(each))
    return [*of_log(lines), *of_dead_letters(stack)]


def of_log(lines: Iterable[str]) -> Iterator[Point]:
    """Yield the metrics in log lines.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for line in lines:
        document = json.loads(line) if '"_aws"' in line else {}
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            for keys, metric in itertools.product(directive["Dimensions"], directive["Metrics"]):
                dimensions = {key: document[key] for key in keys}
                for value in document[metric["Name"]]:
                    at = document["_aws"]["Timestamp"] / 1000
                    yield Point(at, directive["Namespace"], metric["Name"], dimensions, value)


def of_dead_letters(stack: LocalStack) -> Iterator[Point]:
    """Yield what SQS counts of the messages that are on the dead-letter queue."""
    queue = {"QueueName": stack.outputs["DeadLetterQueueName"]}
    for message in stack.dead_letter_messages():
        at = int(message["Attributes"]["SentTimestamp"]) / 1000
        yield Point(at, "AWS/SQS", "NumberOfMessagesSent", queue, 1.0)


def tell(stack: LocalStack, alarm: Mapping[str, Any], change: Change) -> None:
    """Have the local cloud send what an alarm tells to the stack's topic."""
    client, topic = stack.client("cloudwatch"), [stack.resources["AlertTopic"]]
    name = f"{stack.name}-{change.alarm}"
    client.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=alarm["AlarmDescription"],
        Namespace="None",  # so that the local cloud has nothing to judge by itself
        MetricName="None",
        Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        AlarmActions=topic,
        OKActions=topic,
    )
    state = "ALARM" if change.is_alarm else "OK"
    reason = f"{state}: {change.contributor}"
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)


def aggregated(statistic: str, values: Sequence[float]) -> float:
    """Return a statistic by CloudWatch's name for it, such as Sum or p95."""
    if percentile := re.fullmatch(r"p(\d+)", statistic):
        ordered = sorted(values)
        return ordered[min(int(len(ordered) * int(percentile[1]) / 100), len(ordered) - 1)]
    return _STATISTICS[statistic](values)


def _breaching(alarm: Mapping[str, Any], points: list[Point], now: float) -> frozenset[str]:
    """Return which of the series that an alarm looks at are beyond its threshold."""
    periods = int(alarm["EvaluationPeriods"])
    enough = int(alarm.get("DatapointsToAlarm", periods))
    compare = _COMPARISONS[alarm["ComparisonOperator"]]
    period = float(alarm.get("Period", 300))
    series = _series(alarm, [each for each in points if each.at >= now - periods * period])
    bad = set()
    for name, values in (series or {"": []}).items():
        breaches = 0
        for n in range(periods):
            end = now - n * period
            found = [each.value for each in values if end - period <= each.at < end]
            if not found:
                breaches += alarm["TreatMissingData"] == "breaching"
            else:
                breaches += compare(_statistic(alarm, found), float(alarm["Threshold"]))
        if breaches >= enough:
            bad.add(name)
    return frozenset(bad)


def _is_ignored(alarm: Mapping[str, Any], points: list[Point], now: float) -> bool:
    """Tell whether an alarm stays as it is, since there is nothing to judge it by."""
    if alarm["TreatMissingData"] != "ignore":
        return False
    since = now - int(alarm["EvaluationPeriods"]) * float(alarm["Period"])
    return not _of_metric(alarm, [each for each in points if since <= each.at < now])


def _series(alarm: Mapping[str, Any], points: list[Point]) -> dict[str, list[Point]]:
    """Return the points of each series that an alarm looks at, by what tells it from the others."""
    if "MetricName" in alarm:
        return {"": _of_metric(alarm, points)}
    query = _QUERY.fullmatch(alarm["Metrics"][0].get("Expression", "").strip())
    if not query:  # a sum
        stats = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
        return {"": [point for each in stats for point in _of_metric(each, points)]}
    schema = set(re.findall(r'"(\w+)"', query["schema"]))
    where = dict(re.findall(r""""(\w+)" = '([^']*)'""", query["where"]))
    series: dict[str, list[Point]] = {}
    for each in points:
        if (each.namespace, each.name) != (query["namespace"], query["name"]):
            continue
        if set(each.dimensions) == schema and where.items() <= each.dimensions.items():
            series.setdefault(each.dimensions[query["group"]], []).append(each)
    return series


def _of_metric(metric: Mapping[str, Any], points: list[Point]) -> list[Point]:
    dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    wanted = (metric["Namespace"], metric["MetricName"], dimensions)
    return [each for each in points if (each.namespace, each.name, each.dimensions) == wanted]


def _statistic(alarm: Mapping[str, Any], values: list[float]) -> float:
    query = _QUERY.fullmatch(alarm.get("Metrics", [{}])[0].get("Expression", "").strip())
    name = query["function"] if query else alarm.get("Statistic", "Sum")
    return aggregated(alarm.get("ExtendedStatistic", name), values)


def _resolved(value: Any, names: Mapping[str, Any]) -> Any:
    """Return a value with names in the place of references; conditions stay."""
    if isinstance(value, list):
        return [_resolved(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": str(name)}:
            return names.get(name, name)
        case {"Fn::GetAtt": [str(name), _]}:
            return names[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda found: str(names[found[1]]), text).strip()
    return {key: _resolved(each, names) for key, each in value.items()}
