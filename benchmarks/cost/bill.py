"""Prices: what usage costs by AWS's list prices, by service."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cost.usage import Usage

_PRICES = Path(__file__).with_name("prices.json")
SERVICES = {
    "API Gateway": ("api_requests",),
    "Lambda": ("lambda_requests", "lambda_gb_seconds"),
    "SQS": ("sqs_requests",),
    "DynamoDB": ("dynamodb_read_units", "dynamodb_write_units"),
    "Secrets": ("secret_reads", "parameter_reads"),
    "Logs": ("log_gb",),
    "X-Ray": ("traces",),
    "data out": ("data_out_gb",),
}
_MILLION = 1_000_000
# SQS and DynamoDB keep a data key for five minutes: for each of three queues (the profiles', the
# dead letters', and one for a lane) one is made and read by those that send and by Lambda, for the
# two tables one is read by ingest's, delivery's and token_refresh's connections.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
_KMS_REQUESTS_IN_FIVE_MINUTES = 3 * 5 + 2 * 3


@dataclass(frozen=True)
class Bill:
    """What a million profiles cost."""

    used: Usage
    services: dict[str, float]  # dollars by the names of SERVICES

    @property
    def total(self) -> float:
        """Dollars without any option."""
        return sum(self.services.values())

    @property
    def with_vpc(self) -> float:
        """Dollars where delivery's calls pass a NAT gateway, which costs by the hour as well."""
        return self.total + self.used["nat_gb"] * _price("nat_gb")

    def with_own_key(self, per_second: float) -> float:
        """Dollars where queues, tables and secrets have a KMS key, which costs a month as well."""
        spells = _MILLION / per_second / 300
        requests = self.used["secret_reads"] + spells * _KMS_REQUESTS_IN_FIVE_MINUTES
        return self.total + requests * _price("kms_requests")


def bill(used: Usage) -> Bill:
    """Return what usage costs."""
    dollars = {
        service: sum(used[unit] * _price(unit) for unit in units)
        for service, units in SERVICES.items()
    }
    return Bill(used, dollars)


@functools.cache
def load_prices() -> dict[str, Any]:
    """Return what prices.json holds."""
    prices: dict[str, Any] = json.loads(_PRICES.read_text(encoding="utf-8"))
    return prices


def _price(unit: str) -> float:
    return float(load_prices()["prices"][unit])
