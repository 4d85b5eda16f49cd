"""What is taken for granted of Lambda where it delivers: batches, their failures, and the log."""

import json
import time
from collections.abc import Sequence

from attendee_sync.aws import fifo_queue, settings
from attendee_sync.observability import LogEvent, Metric
from local.parity.answers import Answer, equal
from local.parity.place import Json, Place, within

_DESTINATION = "parity"
_STAYS, _GOES = 4, 6
_LOG_SECONDS = 60.0
_DELETION_SECONDS = 5.0
_LEVEL_SECONDS = 20.0  # in which a line comes, if it does
_METRIC_SECONDS = 180.0


def profiles(count: int, company: str, first: int = 0) -> list[Json]:
    """Return profiles of made-up people of a company."""
    return [
        {"email": f"parity-{first + n}@example.com", "firstName": "Ada", "company": company}
        for n in range(count)
    ]


def check_partial_batch_failures(place: Place) -> Answer:
    """Ask whether of a batch what the function names stays, and the rest is deleted."""
    place.client("ssm").put_parameter(
        Name=settings.parameter_of(place.stack, settings.DESTINATIONS, _DESTINATION),
        Value=json.dumps(
            {"connection": "default", "event_code": "parity", "filter": "company == 'stays'"}
        ),
        Type="String",
        Overwrite=True,
    )
    started = time.time()
    some = profiles(_GOES, "goes") + profiles(_STAYS, "stays", _GOES)
    status = place.push(some, _DESTINATION)
    settled = _until_lines(place, LogEvent.PROFILE_SETTLED, started, _GOES)
    put_back = _until_lines(place, LogEvent.PROFILE_PUT_BACK, started, _STAYS)
    time.sleep(_DELETION_SECONDS)  # Lambda deletes once the function has answered
    left = fifo_queue.count(place.client("sqs"), place.resources["ProfileQueue"]).total
    outcomes = {json.loads(each)["outcome"] for each in settled}
    return equal(
        f"HTTP 202; {_GOES} filtered, {_STAYS} put back, {_STAYS} left on the queue",
        f"HTTP {status}; {len(settled)} {'/'.join(sorted(outcomes))}, {len(put_back)} put back, "
        f"{left} left on the queue",
    )


def check_lines_reach_the_log_as_json(place: Place) -> Answer:
    """Ask whether a line of the function's own is in its log group, whole, as JSON with a level."""
    started = time.time()
    place.push(profiles(1, "goes", 20), _DESTINATION)
    [*lines] = _until_lines(place, LogEvent.PROFILE_SETTLED, started, 1)
    levels = sorted({str(json.loads(each).get("level")) for each in lines})
    return equal("1 line of level INFO", f"{len(lines)} line of level {', '.join(levels)}")


def check_lines_without_a_level_count_as_info(place: Place) -> Answer:
    """Ask whether Lambda takes a metric, which has no level, for INFO, and drops it above."""
    counts = {level: _metrics_at(place, level) for level in ("INFO", "WARN")}
    return equal(
        "1 metric at INFO, 0 at WARN", f"{counts['INFO']} metric at INFO, {counts['WARN']} at WARN"
    )


def _metrics_at(place: Place, level: str) -> int:
    """Return how many of ingest's metrics a push left in its log at this level of Lambda's own."""
    before = place.configuration("IngestFunction")["LoggingConfig"]
    place.configure("IngestFunction", LoggingConfig={**before, "ApplicationLogLevel": level})
    try:
        started = time.time()
        place.push(profiles(1, "goes", 30), _DESTINATION)
        wanted = Metric.RECEIVED
        within(
            _LEVEL_SECONDS,
            lambda: bool(place.lines("IngestLogGroup", started, wanted)),
        )
        return len(place.lines("IngestLogGroup", started, wanted))
    finally:
        place.configure("IngestFunction", LoggingConfig=before)


def check_metrics_are_made_of_log_lines(place: Place) -> Answer:
    """Ask whether CloudWatch makes metrics of the lines that carry them, with their dimensions."""
    client = place.client("cloudwatch")

    def names() -> set[str]:
        pages = client.get_paginator("list_metrics").paginate(
            Namespace="AttendeeSync", Dimensions=[{"Name": "stack", "Value": place.stack}]
        )
        return {each["MetricName"] for page in pages for each in page["Metrics"]}

    wanted = {Metric.RECEIVED, Metric.PROFILES}
    _push_with_a_rejected_one(place)
    within(_METRIC_SECONDS if not place.is_local else 3.0, lambda: wanted <= names())
    found = ", ".join(sorted(wanted & names())) or "none"
    return equal(", ".join(sorted(wanted)), found)


def check_an_alarm_of_a_query_fires(place: Place) -> Answer:
    """Ask whether an alarm on a query over these metrics fires once a profile was rejected."""
    client = place.client("cloudwatch")
    name = f"{place.stack}-failed-rate"

    def state() -> str:
        alarms = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarms[0]["StateValue"] if alarms else "no such alarm"

    _push_with_a_rejected_one(place)
    within(_METRIC_SECONDS * 2 if not place.is_local else 3.0, lambda: state() == "ALARM")
    return equal("ALARM", state())


def _push_with_a_rejected_one(place: Place) -> None:
    place.push([{"email": "nobody"}, *profiles(1, "goes", 40)], _DESTINATION)


def _until_lines(place: Place, event: str, since: float, count: int) -> Sequence[str]:
    """Return delivery's lines of a kind once there are as many, or what there is after a while."""

    def found() -> list[str]:
        return place.lines("DeliveryLogGroup", since, event)

    within(_LOG_SECONDS, lambda: len(found()) >= count)
    return found()


CHECKS = (
    check_partial_batch_failures,
    check_lines_reach_the_log_as_json,
    check_lines_without_a_level_count_as_info,
    check_metrics_are_made_of_log_lines,
)
# What it looks at came with the metrics, and takes its time.
LAST = (check_an_alarm_of_a_query_fires,)
