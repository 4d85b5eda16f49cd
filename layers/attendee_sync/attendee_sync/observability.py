"""Logs, metrics and trace ids. Nothing in them could tell who somebody is."""

import functools
import itertools
import logging
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from attendee_sync.version import VERSION

# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
_LEVELS = frozenset({"DEBUG", "INFO", "WARN", "ERROR"})
_making = threading.Lock()  # Powertools can't set up one logger in two threads at once
# Powertools writes by itself what has a hundred values, and is then left with none to write.
_MOST_VALUES = 99
_TRACE_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


NAMESPACE = "AttendeeSync"  # of the metrics; the template's POWERTOOLS_METRICS_NAMESPACE
NO_VALUE = "-"  # CloudWatch takes no empty dimension


class LogEvent(StrEnum):
    """The messages of log lines that others look for: operators, alarms, the command line."""

    PUSH_ACCEPTED = "push accepted"
    REQUEST_REFUSED = "request refused"
    REQUEST_PUT_OFF = "request put off"
    PROFILE_SETTLED = "profile settled"
    PROFILE_PUT_BACK = "profile put back"
    RAINFOCUS_ANSWERED = "RainFocus answered"
    ACCESS_TOKEN = "access token"  # noqa: S105 - tells of one
    ACCESS_TOKEN_REFUSED = "access token refused; a new one is asked for"  # noqa: S105 - likewise
    CONNECTION_PAUSED = "connection paused"
    CONNECTION_RESUMED = "connection resumed"
    ACCOUNTED = "profiles accounted for"


class Metric(StrEnum):
    """The names of all metrics; beside each its dimensions, besides `stack` and `service`."""

    RECEIVED = "Received"  # destination: profiles that were queued or rejected at once
    RECEIVED_FROM_SENDER = "ReceivedFromSender"  # sender, with a token of its own: likewise
    PROFILES = "Profiles"  # destination, outcome
    AGE = "Age"  # destination, outcome: seconds since a profile was accepted
    RAINFOCUS_LATENCY = "RainFocusLatency"  # likewise
    UNDELIVERED = "Undelivered"  # destination, outcome, reason
    FAILED_PERCENT = "FailedPercent"  # destination
    SKIPPED_PERCENT = "SkippedPercent"  # destination
    FIELDS_LEFT_OUT = "FieldsLeftOut"  # destination, field, reason
    MISSING = "Missing"  # none: accepted profiles that have no end and are in no lane
    REFUSALS = "Refusals"  # status, of HTTP
    CONNECTION_PAUSED = "ConnectionPaused"  # connection
    ACCESS_TOKENS = "AccessTokens"  # connection, state
    TOKEN_SECONDS_LEFT = "TokenSecondsLeft"  # connection  # noqa: S105 - tells of one
    TOKEN_ENDS_SOON = "TokenEndsSoon"  # connection  # noqa: S105 - likewise


@functools.cache
def logger() -> Logger:
    """Return the function's JSON logger, for what the product accounts with, at any log level.

    Its name comes from POWERTOOLS_SERVICE_NAME; its level is always INFO.
    """
    with _making:
        made = Logger(location=None, level="INFO", version=VERSION)
    # Powertools lets the level of Lambda's advanced logging controls stand above the one given.
    logging.getLogger(made.name).setLevel(logging.INFO)
    return made


@functools.cache
def diagnosis() -> logging.Logger:
    """Return what logs, in the same form, only what helps to find a fault.

    Its level is POWERTOOLS_LOG_LEVEL, in Lambda's words; of another word, INFO.
    """
    made = logging.getLogger(f"{logger().name}.diagnosis")
    level = os.environ.get("POWERTOOLS_LOG_LEVEL", "").upper()
    made.setLevel(level if level in _LEVELS else logging.INFO)
    return made


def trace_parent(header: str | None) -> str:
    """Return a W3C `traceparent`: the sender's if it is well-formed, else a new one.

    Format: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    if header and _TRACE_PARENT.fullmatch(header.strip()):
        return header.strip()
    return child_of("")


def trace_id(parent: str) -> str:
    """Return the 32 hex digits of a `traceparent` that all hops of one push share."""
    return parent.split("-")[1] if parent.count("-") == 3 else ""  # noqa: PLR2004


def child_of(trace: str) -> str:
    """Return a `traceparent` that goes on with a trace, or begins one if there is none."""
    return f"00-{trace or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def count[Values: tuple[str, ...]](
    name: str, counts: Counter[Values], dimensions: tuple[str, ...]
) -> None:
    """Write one metric for each set of dimension values, in CloudWatch's embedded format."""
    for values, number in counts.items():
        measure(dict(zip(dimensions, values, strict=True)), [(name, MetricUnit.Count, number)])


def count_undelivered(counts: Counter[tuple[str, str, str]]) -> None:
    """Write how many profiles were not delivered, by destination, outcome and reason."""
    count(Metric.UNDELIVERED, counts, ("destination", "outcome", "reason"))


def count_ends(destination: str, ends: Iterable[tuple[bool, bool]]) -> None:
    """Write of each profile at its end whether it failed, and whether it was skipped.

    As percent, 100 or 0, so that the average of any time is its rate: what counts several
    destinations, as an alarm does, can average but not divide.
    """
    values = [
        (name, MetricUnit.Percent, 100.0 * is_so)
        for failed, skipped in ends
        for name, is_so in ((Metric.FAILED_PERCENT, failed), (Metric.SKIPPED_PERCENT, skipped))
    ]
    measure({"destination": destination}, values)


def measure(dimensions: Mapping[str, str], values: Iterable[tuple[str, MetricUnit, float]]) -> None:
    """Write the values of some metrics with the same dimensions, and those of the whole stack.

    CloudWatch sums up nothing by itself, and has percentiles of single metrics alone:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    """
    stack = os.environ.get("STACK_NAME") or NO_VALUE
    for some in itertools.batched(values, _MOST_VALUES, strict=False):
        metrics = EphemeralMetrics()
        for name, unit, value in some:
            metrics.add_metric(name, unit, value)
        for dimension, text in {**dimensions, "stack": stack}.items():
            metrics.add_dimension(dimension, text or NO_VALUE)
        metrics.add_dimensions(stack=stack)
        metrics.flush_metrics()
