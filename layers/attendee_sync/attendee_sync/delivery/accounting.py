"""Accounting: the log line of each profile that was worked on, and the metrics of all of them."""

from collections import Counter
from collections.abc import Iterable

from aws_lambda_powertools.metrics import MetricUnit

from attendee_sync import observability
from attendee_sync.delivery.settled import Settled
from attendee_sync.mapping.field_rules import LEFT_OUT
from attendee_sync.observability import LogEvent, Metric
from attendee_sync.outcome import SKIPPED, OutcomeKind


def account(settled: Iterable[Settled]) -> None:
    """Write what is new of some profiles to the log, and as metrics."""
    by_outcome: dict[tuple[str, str], list[Settled]] = {}
    undelivered: Counter[tuple[str, str, str]] = Counter()
    left_out: Counter[tuple[str, str, str]] = Counter()
    ends: dict[str, list[tuple[bool, bool]]] = {}
    for each in settled:
        if not each.is_news:
            continue
        _log(each)
        outcome, destination = each.outcome, each.message.destination
        by_outcome.setdefault((destination, outcome.kind.value), []).append(each)
        if outcome.kind not in (OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED):
            undelivered[destination, outcome.kind.value, outcome.reason.value] += 1
        if outcome.kind.is_final:
            end = (outcome.kind.goes_to_dead_letters, outcome.reason in SKIPPED)
            ends.setdefault(destination, []).append(end)
        if outcome.kind is OutcomeKind.DELIVERED:
            texts = ((field, text) for field, text in outcome.remarks if text.startswith(LEFT_OUT))
            left_out.update((destination, field, text) for field, text in texts)
    for (destination, kind), some in by_outcome.items():
        _measure({"destination": destination, "outcome": kind}, some)
    for destination, of_one in ends.items():
        observability.count_ends(destination, of_one)
    observability.count_undelivered(undelivered)
    observability.count(Metric.FIELDS_LEFT_OUT, left_out, ("destination", "field", "reason"))


def _measure(dimensions: dict[str, str], settled: list[Settled]) -> None:
    """Write how many profiles had an outcome, how old they were, and RainFocus's latency."""
    values = [(Metric.PROFILES, MetricUnit.Count, float(len(settled)))]
    values += [(Metric.AGE, MetricUnit.Seconds, round(each.message.age, 3)) for each in settled]
    values += [
        (Metric.RAINFOCUS_LATENCY, MetricUnit.Milliseconds, round(each.outcome.latency * 1000, 1))
        for each in settled
        if each.outcome.latency is not None
    ]
    observability.measure(dimensions, values)


def _log(settled: Settled) -> None:
    """Write the line of one profile, without what is empty: lines are billed by the byte."""
    is_final = settled.outcome.kind.is_final
    observability.logger().info(
        LogEvent.PROFILE_SETTLED if is_final else LogEvent.PROFILE_PUT_BACK,
        extra={name: value for name, value in _members(settled).items() if value or value == 0},
    )


def _members(settled: Settled) -> dict[str, object]:
    plan, message, outcome = settled.plan, settled.message, settled.outcome
    answer = outcome.answer
    return {
        "destination": message.destination,
        "request_id": message.request_id,
        "index": message.index,
        "sender": message.sender,
        "attendee": plan.attendee or message.group,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "status": answer.status if answer else None,
        "code": answer.code if answer else "",
        "answer": answer.message if answer else "",
        "remarks": [f"{field}: {text}" for field, text in outcome.remarks],
        "latency_ms": None if outcome.latency is None else round(outcome.latency * 1000),
        "age_ms": round(message.age * 1000),
        "attempt": message.attempt,
        "retry_in_s": settled.retry_in,
        "mapping_version": plan.target.mapping_version if plan.target else "",
        "trace_id": observability.trace_id(message.trace_parent),
    }
