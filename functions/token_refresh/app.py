"""Token refresh: renews the access tokens of all connections, on schedule or when asked."""

import functools
import os
from collections import Counter
from typing import Any

from attendee_sync import aws, http, observability
from attendee_sync.ledger import Ledger
from attendee_sync.settings import Settings
from attendee_sync.token_refresh import Result, TokenRefresh


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Renew tokens and tell what became of each.

    The event may name one `connection`, and in `refused` the digest of its token that RainFocus
    did not take; any other event is the schedule's and means all connections.
    """
    results = _token_refresh().run(str(event.get("connection", "")), str(event.get("refused", "")))
    counts = Counter((result.connection, result.state.value) for result in results)
    observability.count("AccessTokens", counts, ("connection", "state"))
    for result in results:
        observability.logger().info("access token", extra=_members(result))
    return {"results": [_members(result) for result in results]}


def _members(result: Result) -> dict[str, str]:
    return {
        "connection": result.connection,
        "state": result.state.value,
        "cause": result.cause.value if result.cause else "",
        "reason": result.reason,
    }


@functools.cache
def _token_refresh() -> TokenRefresh:
    return TokenRefresh(
        Settings.of_stack(os.environ["STACK_NAME"]),
        Ledger(aws.client("dynamodb"), os.environ["LEDGER_TABLE"]),
        http.session(pool_size=1),
        interval=60.0 * int(os.environ["REFRESH_INTERVAL_MINUTES"]),
    )
