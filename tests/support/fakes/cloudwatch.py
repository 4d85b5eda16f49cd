"""CloudWatch's metrics."""

import statistics
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.fakes.base import Fake


class CloudWatch(Fake):
    """What was written as metrics, and the age of queues' oldest message as it was a minute ago."""

    service = "cloudwatch"

    def __init__(self) -> None:
        super().__init__()
        self.ages: dict[str, float] = {}  # seconds, by the names of queues
        self.page_size = 500
        self.lists_new = True  # which it does some minutes late
        self.alarms: dict[str, dict[str, Any]] = {}  # that are firing, by name
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], dict[float, list[float]]] = {}

    def put(self, name: str, dimensions: dict[str, str], values: list[float], at: float) -> None:
        """Let a metric have values at a time in epoch seconds."""
        series = self._values.setdefault((name, frozenset(dimensions.items())), defaultdict(list))
        series[at] += values

    def list_metrics(self, **request: Any) -> dict[str, Any]:
        self._called("ListMetrics", request)
        wanted = {(each["Name"], each["Value"]) for each in request["Dimensions"]}
        found = [
            {
                "MetricName": name,
                "Dimensions": [{"Name": each, "Value": value} for each, value in dimensions],
            }
            for name, dimensions in self._values
            if wanted <= dimensions and self.lists_new
        ]
        return _page("Metrics", found, request, self.page_size)

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        self._called("GetMetricData", request)
        assert len(request["MetricDataQueries"]) <= 500
        found = [self._result(each, request) for each in request["MetricDataQueries"]]
        return _page("MetricDataResults", found, request, self.page_size)

    def _result(self, query: dict[str, Any], request: Any) -> dict[str, Any]:
        asked = query["MetricStat"]
        metric, period = asked["Metric"], asked["Period"]
        dimensions = frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
        by_period: dict[float, list[float]] = defaultdict(list)
        for at, values in self._values.get((metric["MetricName"], dimensions), {}).items():
            begins = at // period * period
            if request["StartTime"].timestamp() <= begins < request["EndTime"].timestamp():
                by_period[begins] += values
        statistic: Any = {
            "Sum": sum,
            "SampleCount": len,
            "Maximum": max,
            "p50": statistics.median,
            "p95": lambda values: sorted(values)[round(0.95 * (len(values) - 1))],
        }[asked["Stat"]]
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at in by_period],
            "Values": [float(statistic(values)) for values in by_period.values()],
        }

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeAlarms", request)
        assert len(request["AlarmNames"]) <= 100
        asked = set(request["AlarmNames"]) & self.alarms.keys()
        return {"MetricAlarms": [self.alarms[name] for name in sorted(asked)]}

    def fire(self, name: str, words: str, at: float) -> None:
        """Let an alarm fire since a time in epoch seconds."""
        since = datetime.fromtimestamp(at, UTC)
        self.alarms[name] = {
            "AlarmName": name,
            "AlarmDescription": words,
            "StateUpdatedTimestamp": since,
        }

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        self._called("GetMetricStatistics", request)
        [dimension] = request["Dimensions"]
        if dimension["Value"] not in self.ages:
            return {"Datapoints": []}
        at = request["EndTime"] - timedelta(minutes=1)
        return {"Datapoints": [{"Timestamp": at, "Maximum": self.ages[dimension["Value"]]}]}


def _page(name: str, found: list[Any], request: Any, size: int) -> dict[str, Any]:
    start = int(request.get("NextToken", "0"))
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {name: found[start : start + size], **more}
