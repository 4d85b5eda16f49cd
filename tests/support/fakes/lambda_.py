"""Lambda."""

import io
import json
import uuid
from typing import Any

from tests.support.fakes.base import Fake

DELIVERY = "arn:aws:lambda:us-east-1:123456789012:function:delivery"


def _uuid_of(queue: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, queue))


class Lambda(Fake):
    """Notes what was asked of it."""

    service = "lambda"

    def __init__(self) -> None:
        super().__init__()
        self.payloads: list[dict[str, Any]] = []
        # What a function answers that is waited for, if one is, and whether it failed.
        self.answer: object = None
        self.fails = False
        # Event source mappings by the names of their queues: whether each is on.
        self.mappings: dict[str, bool] = {}
        # What they invoke, of each that does not invoke the function `delivery`.
        self.invoked: dict[str, str] = {}

    def list_event_source_mappings(self, **request: Any) -> dict[str, Any]:
        self._called("ListEventSourceMappings", request)
        found = [self._mapping(queue) for queue in self.mappings]
        return {"EventSourceMappings": found}

    def get_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        self._called("GetEventSourceMapping", request)
        return self._mapping(self._queue_of(request["UUID"]))

    def update_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        self._called("UpdateEventSourceMapping", request)
        queue = self._queue_of(request["UUID"])
        self.mappings[queue] = request["Enabled"]
        return self._mapping(queue)

    def _queue_of(self, mapping: str) -> str:
        [queue] = [queue for queue in self.mappings if _uuid_of(queue) == mapping]
        return queue

    def _mapping(self, queue: str) -> dict[str, Any]:
        return {
            "UUID": _uuid_of(queue),
            "EventSourceArn": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
            "FunctionArn": self.invoked.get(queue, DELIVERY),
            "State": "Enabled" if self.mappings[queue] else "Disabled",
        }

    def invoke(self, **request: Any) -> dict[str, Any]:
        self._called("Invoke", request)
        self.payloads.append(json.loads(request["Payload"]))
        if request["InvocationType"] == "Event":
            return {"StatusCode": 202}
        self._use(self.answer is not None or self.fails, "nobody waits for a function")
        payload = io.BytesIO(json.dumps(self.answer).encode())
        error = {"FunctionError": "Unhandled"} if self.fails else {}
        return {"StatusCode": 200, "Payload": payload} | error
