"""Lambda."""

import io
import json
from typing import Any

from tests.support.fakes.base import Fake


class Lambda(Fake):
    """Notes what was asked of it."""

    service = "lambda"

    def __init__(self) -> None:
        super().__init__()
        self.payloads: list[dict[str, Any]] = []
        # What a function answers that is waited for, if one is, and whether it failed.
        self.answer: object = None
        self.fails = False

    def invoke(self, **request: Any) -> dict[str, Any]:
        self._called("Invoke", request)
        self.payloads.append(json.loads(request["Payload"]))
        if request["InvocationType"] == "Event":
            return {"StatusCode": 202}
        self._use(self.answer is not None or self.fails, "nobody waits for a function")
        payload = io.BytesIO(json.dumps(self.answer).encode())
        error = {"FunctionError": "Unhandled"} if self.fails else {}
        return {"StatusCode": 200, "Payload": payload} | error
