"""Asking for a new access token: what delivery knows of the function that renews them."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

_ASK_SECONDS = 10.0


class TokenRequester:
    """Asks the token-refresh function, in the background, to renew a token.

    `client` makes the Lambda client once there is something to ask: hardly ever.
    """

    def __init__(self, client: Callable[[], Any], function: str) -> None:
        self._client = client
        self._function = function
        self._asked: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def __call__(self, connection: str, refused: str) -> None:
        """Ask once in ten seconds for the same connection and refused token.

        Raises botocore's errors.
        """
        now = time.monotonic()
        with self._lock:
            recent = {asked: at for asked, at in self._asked.items() if now - at < _ASK_SECONDS}
            if (connection, refused) in recent:
                return
            self._asked = recent | {(connection, refused): now}
            client = self._client()
        payload = json.dumps({"connection": connection, "refused": refused})
        client.invoke(FunctionName=self._function, InvocationType="Event", Payload=payload.encode())
