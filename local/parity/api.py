"""What is taken for granted of API Gateway: limits, the access log, and who may call."""

import json
import time
from collections import Counter
from http import HTTPStatus

from local.parity.answers import Answer, equal, not_asked
from local.parity.place import Place, within

_BURST = 20  # that the stack is deployed with
_AT_ONCE = 100
_LOG_SECONDS = 90.0
_POLICY_SECONDS = 60.0
_NOBODY = "192.0.2.0/24"  # of documentation: RFC 5737
# What is pushed must not be in the access log, nor who may push.
_FIELDS = frozenset(
    {"apiRequestId", "requestId", "time", "method", "resource", "status", "bytesOut", "latencyMs",
     "integrationLatencyMs", "sourceIp", "error"}
)  # fmt: skip


def check_calls_beyond_the_limit_are_refused(place: Place) -> Answer:
    """Ask whether of a burst beyond the stage's limit some calls are answered 429."""
    counts: Counter[int] = Counter()
    for _ in range(3):
        counts.update(place.statuses(_AT_ONCE))
    told = ", ".join(str(status) for status in sorted(counts))
    return equal("200, 429", told)


def check_the_access_log_has_its_fields_and_no_other(place: Place) -> Answer:
    """Ask whether a call is a line of the access log, with the fields of the template alone."""
    stage = place.client("apigateway").get_stage(restApiId=place.resources["Api"], stageName="prod")
    if not stage.get("accessLogSettings", {}).get("destinationArn"):
        return not_asked(
            "the stage has no access log; on AWS, since API Gateway has no role in the account"
        )
    started = time.time()
    place.health()
    within(_LOG_SECONDS, lambda: bool(place.lines("ApiLogGroup", started, "/v1/health")))
    lines = place.lines("ApiLogGroup", started, "/v1/health")
    fields = set(json.loads(lines[0])) if lines else set()
    got = "the template's" if fields == _FIELDS else f"{len(fields)} fields, of {len(lines)} lines"
    return equal("the template's", got)


def check_who_may_call_is_changed_by_a_deploy(place: Place) -> Answer:
    """Ask whether after a deploy with other AllowedCidrs the API refuses this machine."""
    before = place.health()
    place.update({"AllowedCidrs": _NOBODY})
    within(
        _POLICY_SECONDS if not place.is_local else 3.0,
        lambda: place.health() == HTTPStatus.FORBIDDEN,
    )
    return equal("HTTP 200 before, 403 after", f"HTTP {before} before, {place.health()} after")


CHECKS = (
    check_calls_beyond_the_limit_are_refused,
    check_the_access_log_has_its_fields_and_no_other,
)
# Nothing can be pushed after it.
LAST = (check_who_may_call_is_changed_by_a_deploy,)
