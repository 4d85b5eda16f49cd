"""Count what a million profiles are billed for, price it, print a table and write build/cost.json.

Run it with `make cost`. Prices, with their day and sources, are in prices.json.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.cost import scenarios
from benchmarks.cost.bill import SERVICES, Bill, bill, load_prices

_RESULT = Path(__file__).parents[2] / "build" / "cost.json"
_BACK_FILL = 1_000_000 / 3_600  # a million in an hour, as AEP sends a new audience


def main() -> int:
    """Print what each scenario costs."""
    given = _parser().parse_args()
    bills = {
        each.name: bill(scenarios.million(each)) for each in scenarios.scenarios(given.per_second)
    }
    text = json.dumps(_report(bills, given.per_second), indent=2) + "\n"
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(text, encoding="utf-8")
    if given.json:
        sys.stdout.write(text)
    else:
        _print(bills, given.per_second)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make cost",
        description="Count what a million profiles are billed for, price it by service, and write "
        "build/cost.json. docs/capacity-and-cost.md says what each column is.",
        epilog="examples: make cost COST='--per-second 20', make cost COST=--json",
    )
    parser.add_argument(
        "--per-second",
        type=_rate,
        default=_BACK_FILL,
        metavar="RATE",
        help="profiles that are pushed in a second (278: a million in an hour)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print what build/cost.json has, with the units"
    )
    return parser


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0: {text}")
    return rate


def _report(bills: Mapping[str, Bill], per_second: float) -> dict[str, Any]:
    prices = load_prices()
    return {
        "region": prices["region"],
        "prices_noted_on": prices["noted_on"],
        "profiles_per_second": round(per_second, 1),
        "seconds": {
            "ingest": scenarios.INGEST_SECONDS,
            "delivery_of_a_batch": scenarios.BATCH_SECONDS,
            "delivery_of_a_profile": scenarios.PROFILE_SECONDS,
            "rainfocus": scenarios.RAINFOCUS_SECONDS,
        },
        "dollars_per_million": {
            name: {
                "total": round(each.total, 2),
                "with_vpc": round(each.with_vpc, 2),
                "with_own_key": round(each.with_own_key(per_second), 2),
                "services": {name: round(dollars, 3) for name, dollars in each.services.items()},
                "units": {name: round(each.used[name], 6) for name in sorted(each.used)},
            }
            for name, each in bills.items()
        },
    }


def _print(bills: Mapping[str, Bill], per_second: float) -> None:
    prices = load_prices()
    console = Console(highlight=False)
    table = Table("dollars", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in bills:
        table.add_column(name, justify="right", min_width=9)  # as long as their longest word
    for name in SERVICES:
        table.add_row(name, *(f"{each.services[name]:.2f}" for each in bills.values()))
    table.add_section()
    table.add_row("all", *(f"{each.total:.2f}" for each in bills.values()))
    table.add_row("with a VPC", *(f"{each.with_vpc:.2f}" for each in bills.values()))
    table.add_row(
        "with own key",
        *(f"{each.with_own_key(per_second):.2f}" for each in bills.values()),
    )
    console.print(table)
    console.print(
        "A million profiles, pushed one by one (one a second, or as fast as the others) or by ten, "
        "and delivered; by ten, and unchanged, filtered, or delivered after RainFocus was away for "
        "an hour. "
        f"{prices['region']}, list prices noted on {prices['noted_on']}; {per_second:.0f} profiles "
        f"a second; RainFocus answers in {scenarios.RAINFOCUS_SECONDS * 1000:.0f} ms. NAT gateways "
        "and keys cost by the month as well: docs/capacity-and-cost.md."
    )


if __name__ == "__main__":
    sys.exit(main())
