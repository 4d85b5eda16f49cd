"""Token refresh: renews the access tokens of all connections, on schedule or when asked."""

import functools
import os
from collections import Counter
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync import http_client, observability
from attendee_sync.aws import clients
from attendee_sync.aws.settings import Settings
from attendee_sync.observability import LogEvent, Metric
from attendee_sync.rainfocus.token_refresh import TokenRefresh, TokenResult
from attendee_sync.rainfocus.token_store import TokenStore

_SCHEDULER = "aws.scheduler"


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Renew tokens and tell what became of each.

    The event may name one `connection`, and in `refused` the digest of its token that RainFocus
    did not take, or ask by `force` for a new token in any case; any other event means all
    connections. Only the schedule's may take minutes: see
    TokenRefresh.watch().
    """
    if event.get("source") == _SCHEDULER:
        results = _token_refresh().watch(
            lambda: context.get_remaining_time_in_millis() / 1000, _report
        )
    else:
        results = _token_refresh().run(
            str(event.get("connection", "")),
            str(event.get("refused", "")),
            is_forced=event.get("force") is True,
        )
        for result in results:
            _report(result)
    return {"results": [_members(result) for result in results]}


def _report(result: TokenResult) -> None:
    counts = Counter({(result.connection, result.state.value): 1})
    observability.count(Metric.ACCESS_TOKENS, counts, ("connection", "state"))
    if result.seconds_left is not None:
        observability.measure(
            {"connection": result.connection},
            [
                (Metric.TOKEN_SECONDS_LEFT, MetricUnit.Seconds, result.seconds_left),
                (Metric.TOKEN_ENDS_SOON, MetricUnit.Count, float(result.ends_soon)),
            ],
        )
    observability.logger().info(LogEvent.ACCESS_TOKEN, extra=_members(result))


def _members(result: TokenResult) -> dict[str, str]:
    return {
        "connection": result.connection,
        "state": result.state.value,
        "cause": result.cause.value if result.cause else "",
        "reason": result.reason,
    }


@functools.cache
def _token_refresh() -> TokenRefresh:
    settings = Settings.of_stack(os.environ["STACK_NAME"], kms_key=os.environ["KMS_KEY_ARN"])
    return TokenRefresh(
        settings,
        TokenStore(clients.client("dynamodb"), os.environ["TOKEN_TABLE"], settings),
        http_client.session(pool_size=1),
        interval=60.0 * int(os.environ["REFRESH_INTERVAL_MINUTES"]),
    )
