"""Measure, print a table and write build/bench.json: run it with `make bench`.

Each figure but two is a ratio of two things measured in the same run, because machines differ and
are noisy.
"""

import argparse
import contextlib
import io
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import cold_start, delivery, mapping, outage, queueing, web_console

_RESULT = Path(__file__).parent.parent / "build" / "bench.json"


@dataclass(frozen=True)
class Figure:
    """A figure, how it is measured, and what it aims at and must not exceed."""

    name: str
    measure: Callable[[], float]
    aim: float
    limit: float


_FIGURES = (
    Figure("ingest_cold_start_ratio", cold_start.ingest_cold_start_ratio, 1.10, 1.25),
    Figure("delivery_cold_start_ratio", cold_start.delivery_cold_start_ratio, 1.6, 1.9),
    Figure("batch_of_ten_latencies", delivery.batch_of_ten_latencies, 1.15, 1.30),
    Figure("mapping_ratio", mapping.mapping_ratio, 1.0, 2.0),
    Figure("peer_mapping_ratio", mapping.peer_mapping_ratio, float("inf"), float("inf")),
    Figure("sqs_calls_per_profile", queueing.sqs_calls_per_profile, 0.10, 0.10),
    Figure(
        "outage_failed_calls_per_profile",
        outage.outage_failed_calls_per_profile,
        0.10,
        0.10,
    ),
    Figure(
        "outage_last_after_recovery_seconds",
        outage.outage_last_after_recovery_seconds,
        45.0,
        45.0,
    ),
    Figure("neighbour_p95_ratio", outage.neighbour_p95_ratio, 2.0, 3.0),
    Figure("console_first_page_seconds", web_console.console_first_page_seconds, 1.0, 1.0),
)


def main() -> int:
    """Measure all figures; return 0 if none exceeds its limit."""
    chosen = _chosen()
    console = Console(highlight=False)
    table = Table("figure", "measured", "aim", "limit")
    measured: dict[str, float] = {}
    for figure in chosen:
        console.print(f"Measuring {figure.name}", end="")
        started = time.monotonic()
        # The functions log while they are measured, but not onto the table.
        with contextlib.redirect_stdout(io.StringIO()):
            measured[figure.name] = round(figure.measure(), 3)
        console.print(f": {measured[figure.name]} ({time.monotonic() - started:.0f} s)")
        table.add_row(
            figure.name,
            f"{measured[figure.name]:.3f}",
            _bound(figure.aim),
            _bound(figure.limit),
        )
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    console.print(table)
    return int(any(measured[figure.name] > figure.limit for figure in chosen))


def _chosen() -> list[Figure]:
    names = [figure.name for figure in _FIGURES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="NAME",
        help=f"the figures to measure: {', '.join(names)} (all by default)",
    )
    only = parser.parse_args().only
    return [figure for figure in _FIGURES if figure.name in only]


def _bound(value: float) -> str:
    return f"≤ {value:.2f}" if value < float("inf") else "to compare"


if __name__ == "__main__":
    sys.exit(main())
