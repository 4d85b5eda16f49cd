"""Accounting: tells by a schedule whether accepted profiles are missing."""

import itertools
import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync import balance, observability
from attendee_sync.aws import clients
from attendee_sync.balance import UnknownError
from attendee_sync.messaging.lanes import Lanes
from attendee_sync.observability import LogEvent, Metric

_MOST_NAMED = 20  # pushes, and profiles of each


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - all that is asked is known
    """Write one line with the balance, and a metric where it is known how many are missing."""
    told = _told()
    observability.logger().info(LogEvent.ACCOUNTED, extra=told)
    if "missing" in told:
        values = [(Metric.MISSING, MetricUnit.Count, float(told["missing"]))]
        observability.measure({}, values)
    return told


def _told() -> dict[str, Any]:
    lanes = Lanes(clients.client("sqs"), os.environ["STACK_NAME"], os.environ["QUEUE_URL"])
    groups = [os.environ["INGEST_LOG_GROUP"], os.environ["DELIVERY_LOG_GROUP"]]
    logs = clients.client("logs", clients.LASTING)
    try:
        found = balance.strike(lanes, logs, groups)
    except UnknownError as error:
        return {"unknown": str(error)}
    told = {
        "missing": found.missing,
        "without_end": found.without_end_count,
        "in_lanes": found.in_lanes,
        "since": datetime.fromtimestamp(found.since, UTC).isoformat(timespec="seconds"),
    }
    if not found.missing:
        return told
    named = dict(itertools.islice(found.without_end.items(), _MOST_NAMED))
    return told | {"pushes": {key: each[:_MOST_NAMED] for key, each in named.items()}}
