"""The functions as Lambda runs them: their handlers, variables, context and events."""

import importlib
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support import fakes
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, STACK

type Handle = Callable[..., dict[str, Any]]

EVENTS = Path(__file__).parents[2] / "events"
# The folders of the functions, each by the logical id that the template gives it.
FUNCTIONS = {
    f"{app.parent.name.title().replace('_', '')}Function": app.parent.name
    for app in sorted((Path(__file__).parents[2] / "functions").glob("*/app.py"))
}
# By the prefix of their events' files.
HANDLERS: dict[str, ModuleType] = {
    folder.replace("_", "-"): importlib.import_module(f"functions.{folder}.app")
    for folder in FUNCTIONS.values()
}
VARIABLES = {
    "STACK_NAME": STACK,
    "QUEUE_URL": fakes.PROFILES_URL,
    "DEAD_LETTER_QUEUE_URL": fakes.DEAD_LETTERS_URL,
    "LEDGER_TABLE": fakes.TABLE,
    "TOKEN_TABLE": fakes.TOKEN_TABLE,
    "TOKEN_REFRESH_FUNCTION": "token-refresh",
    "INGEST_LOG_GROUP": INGEST_LOG,
    "DELIVERY_LOG_GROUP": DELIVERY_LOG,
    "MAXIMUM_CONCURRENCY": "20",
    "MAX_AGE_HOURS": "24",
    "REFRESH_INTERVAL_MINUTES": "5",
    "KMS_KEY_ARN": "",
}


class Context:
    """What is used of Lambda's context. Each is another invocation's."""

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def event_of(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def moments_of(event: dict[str, Any]) -> Iterator[float]:
    """Yield the times that an event names, in epoch seconds."""
    if "requestContext" in event:
        yield event["requestContext"]["requestTimeEpoch"] / 1000
    if "time" in event:
        yield datetime.fromisoformat(event["time"]).timestamp()
    for record in event.get("Records", []):
        yield int(record["attributes"]["SentTimestamp"]) / 1000


def forget() -> None:
    """Let the functions forget what they made once."""
    for app in HANDLERS.values():
        for each in vars(app).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
