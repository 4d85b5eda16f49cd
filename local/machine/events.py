"""The events of events/ as if they came now, and from somebody who knows the stack's token."""

import copy
import uuid
from datetime import datetime
from typing import Any

# What the events show as a token that is right, see events/. Those with another are to be refused.
MADE_UP_TOKEN = "not-a-real-ingest-token"  # noqa: S105 - opens nothing


def shows_token(event: dict[str, Any]) -> bool:
    """Tell whether the event shows the ingest token, and so needs the stack's own."""
    return MADE_UP_TOKEN in str((event.get("headers") or {}).values())


def fresh(event: dict[str, Any], token: str, now: datetime) -> dict[str, Any]:
    """Return a copy of an event with new ids and the time of now.

    `token` takes the place of the made-up ingest token. An event is one of API Gateway's REST
    proxy integration, of SQS, or of the schedule.
    """
    made = copy.deepcopy(event)
    if "requestContext" in made:
        _freshen_request(made, token, now)
    if "Records" in made:
        _freshen_batch(made["Records"], now)
    if "time" in made:
        made |= {"time": now.isoformat(timespec="seconds"), "id": str(uuid.uuid4())}
    return made


def _freshen_request(event: dict[str, Any], token: str, now: datetime) -> None:
    event["requestContext"] |= {
        "requestId": str(uuid.uuid4()),
        "extendedRequestId": uuid.uuid4().hex[:15] + "=",
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S %z"),
        "requestTimeEpoch": _milliseconds(now),
    }
    for name, value in event["headers"].items():
        event["headers"][name] = value.replace(MADE_UP_TOKEN, token)
    for name, values in event["multiValueHeaders"].items():
        event["multiValueHeaders"][name] = [value.replace(MADE_UP_TOKEN, token) for value in values]


def _freshen_batch(records: list[dict[str, Any]], now: datetime) -> None:
    """Make the records those of one new push."""
    request_id, sent_at = str(uuid.uuid4()), str(_milliseconds(now))
    for index, record in enumerate(records):
        record["messageId"] = str(uuid.uuid4())
        record["attributes"] |= {
            "SentTimestamp": sent_at,
            "ApproximateFirstReceiveTimestamp": sent_at,
            "MessageDeduplicationId": f"{request_id}-{index}",
        }
        ours = record["messageAttributes"]
        for name, value in {"request_id": request_id, "accepted_at": sent_at}.items():
            if name in ours:
                ours[name]["stringValue"] = value


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
