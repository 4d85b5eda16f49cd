"""A report's figures from CloudWatch's metrics: seconds, whatever the number of profiles.

Metrics are there as soon as they have a value, but CloudWatch lists new ones some minutes later:
those of the destinations that there are, whose names are known, are asked for in any case.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from attendee_sync.observability import NAMESPACE, NO_VALUE, Metric
from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli.stack.figures import HOUR, Durations, Figures, Place, Spread, Spreads

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_MAX_QUERIES = 250  # of 500, so that an answer has all hours of two weeks
# Beside the stack's. What has fewer is a sum over others.
_DIMENSIONS: Mapping[str, frozenset[str]] = {
    Metric.RECEIVED: frozenset({"service", "destination"}),
    Metric.PROFILES: frozenset({"service", "destination", "outcome"}),
    Metric.AGE: frozenset({"service", "destination", "outcome"}),
    Metric.UNDELIVERED: frozenset({"service", "destination", "outcome", "reason"}),
}
_SUM, _COUNT, _MAXIMUM = "Sum", "SampleCount", "Maximum"
_P50, _P95 = "p50", "p95"
_IN_SECONDS = {Metric.AGE: 1.0, Metric.RAINFOCUS_LATENCY: 0.001}  # what a unit of each is
_ENDS = [kind.value for kind in OutcomeKind if kind.is_final]


@dataclass(frozen=True)
class _Series:
    """One metric of a stack, and one statistic of it."""

    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = _SUM

    def value_of(self, dimension: str) -> str:
        return dict(self.dimensions).get(dimension, "").removeprefix(NO_VALUE)


def read(
    client: Any, stack: str, destinations: Collection[str], since: int, step: int = HOUR
) -> Figures | None:
    """Count since a time in epoch seconds, by steps in seconds; None if there are no metrics.

    `client` is CloudWatch's; the time is the beginning of a step, and a step whole minutes.
    Raises botocore's errors.
    """
    wanted = {*_of_destinations(destinations), *_listed(client, stack)}
    series = sorted({each for one in wanted for each in _statistics(one)}, key=repr)
    figures = Figures("metrics", since)
    for each, start, value in _values(client, stack, series, since, step):
        _count(figures, each, Place(each.value_of("destination"), start), value)
    return figures if figures.places() else None


def read_spreads(client: Any, stack: str, since: int, step: int) -> Spreads:
    """Return how ages and RainFocus's latencies of the whole stack spread, by steps in seconds.

    They are of each profile that was worked on, and of each call. Raises botocore's errors.
    """
    series = [_Series(metric, (), each) for metric in _IN_SECONDS for each in (_P50, _P95)]
    found = {
        (Metric(each.metric), start, each.statistic): value * _IN_SECONDS[Metric(each.metric)]
        for each, start, value in _values(client, stack, series, since, step)
    }
    return {
        (metric, start): Spread(value, found.get((metric, start, _P95), value))
        for (metric, start, statistic), value in found.items()
        if statistic == _P50
    }


def _of_destinations(destinations: Iterable[str]) -> Iterator[_Series]:
    for name in destinations:
        yield _series(Metric.RECEIVED, destination=name, service="ingest")
        for outcome in _ENDS:
            yield _series(Metric.PROFILES, destination=name, outcome=outcome, service="delivery")
        at_once, delivered = OutcomeKind.REJECTED.value, OutcomeKind.DELIVERED.value
        yield _series(Metric.PROFILES, destination=name, outcome=at_once, service="ingest")
        yield _series(Metric.AGE, destination=name, outcome=delivered, service="delivery")


def _series(metric: str, **dimensions: str) -> _Series:
    return _Series(metric, tuple(sorted(dimensions.items())))


def _listed(client: Any, stack: str) -> Iterator[_Series]:
    """Yield the metrics of a stack that CloudWatch lists: those of two weeks."""
    pages = client.get_paginator("list_metrics").paginate(
        Namespace=NAMESPACE, Dimensions=[{"Name": "stack", "Value": stack}]
    )
    for page in pages:
        for each in page["Metrics"]:
            found = {one["Name"]: one["Value"] for one in each["Dimensions"]}
            found.pop("stack")
            if _DIMENSIONS.get(each["MetricName"]) == found.keys():
                yield _series(each["MetricName"], **found)


def _statistics(one: _Series) -> Iterator[_Series]:
    """Yield what is asked of a metric: nothing of what goes back to the queue, which is no end."""
    outcome = one.value_of("outcome")
    if one.metric == Metric.AGE:
        if outcome == OutcomeKind.DELIVERED:
            for statistic in (_SUM, _COUNT, _MAXIMUM):
                yield _Series(one.metric, one.dimensions, statistic)
    elif outcome != OutcomeKind.RETRY:
        yield one


def _values(
    client: Any, stack: str, series: Sequence[_Series], since: int, step: int
) -> Iterator[tuple[_Series, int, float]]:
    """Yield the values of each series by the beginning of each step."""
    pages = client.get_paginator("get_metric_data")
    start, end = (datetime.fromtimestamp(each, UTC) for each in (since, time.time()))
    for some in batched(series, _MAX_QUERIES, strict=False):
        queries = [_query(f"m{n}", stack, each, step) for n, each in enumerate(some)]
        for page in pages.paginate(MetricDataQueries=queries, StartTime=start, EndTime=end):
            for found in page["MetricDataResults"]:
                of = some[int(found["Id"][1:])]
                for at, value in zip(found["Timestamps"], found["Values"], strict=True):
                    yield of, int(at.timestamp()) // step * step, value


def _query(name: str, stack: str, one: _Series, step: int) -> dict[str, Any]:
    dimensions = (("stack", stack), *one.dimensions)
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": str(one.metric),
        "Dimensions": [{"Name": each, "Value": value} for each, value in dimensions],
    }
    return {
        "Id": name,
        "MetricStat": {"Metric": metric, "Period": step, "Stat": one.statistic},
    }


def _count(figures: Figures, of: _Series, place: Place, value: float) -> None:
    outcome = of.value_of("outcome")
    match of.metric, of.statistic:
        case Metric.RECEIVED, _:
            figures.received[place] += round(value)
        case Metric.PROFILES, _:
            figures.ends[place, outcome] += round(value)
        case Metric.UNDELIVERED, _:
            figures.reasons[place, outcome, of.value_of("reason")] += round(value)
        case _, "Sum":
            figures.took(place, Durations(total=value))
        case _, "SampleCount":
            figures.took(place, Durations(count=value))
        case _:
            figures.took(place, Durations(longest=value))
