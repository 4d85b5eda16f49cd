"""CloudWatch Logs."""

import time
from typing import Any

from tests.support.fakes.base import Fake


class Logs(Fake):
    """Log groups, whose filters let all lines through as the local cloud's do."""

    service = "logs"

    def __init__(self, page_size: int = 1_000) -> None:
        super().__init__()
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self.page_size = page_size
        self.gives_tokens = True  # the local cloud gives none

    def write(self, group: str, lines: str, at: float | None = None) -> None:
        """Add lines to a log group, at a time in epoch seconds or else now."""
        timestamp = int((at or time.time()) * 1000)
        events = self.groups.setdefault(group, [])
        for line in lines.splitlines():
            events.append({"timestamp": timestamp, "message": line})
        events.sort(key=lambda event: event["timestamp"])

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self._called("FilterLogEvents", request)
        events = [
            event
            for event in self.groups.get(request["logGroupName"], [])
            if request["startTime"] <= event["timestamp"] <= request["endTime"]
        ]
        start = int(request.get("nextToken", "0"))
        end = start + self.page_size
        has_more = end < len(events) and self.gives_tokens
        return {"events": events[start:end]} | ({"nextToken": str(end)} if has_more else {})
