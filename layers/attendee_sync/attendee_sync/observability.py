"""Logs, metrics and trace ids. Nothing in them could tell who somebody is."""

import functools
import re
import secrets
from collections import Counter

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

_TRACE_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@functools.cache
def logger() -> Logger:
    """Return the function's JSON logger; its name and level come from POWERTOOLS_* variables."""
    return Logger(location=None)


def trace_parent(header: str | None) -> str:
    """Return a W3C `traceparent`: the sender's if it is well-formed, else a new one.

    Format: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    if header and _TRACE_PARENT.fullmatch(header.strip()):
        return header.strip()
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id(parent: str) -> str:
    """Return the 32 hex digits of a `traceparent` that all hops of one push share."""
    return parent.split("-")[1] if parent.count("-") == 3 else ""  # noqa: PLR2004


def count[Values: tuple[str, ...]](
    name: str, counts: Counter[Values], dimensions: tuple[str, ...]
) -> None:
    """Write one metric for each set of dimension values, in CloudWatch's embedded format."""
    for values, number in counts.items():
        with single_metric(name=name, unit=MetricUnit.Count, value=number) as metric:
            for dimension, value in zip(dimensions, values, strict=True):
                metric.add_dimension(name=dimension, value=value or "-")
