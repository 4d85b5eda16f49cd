"""Pauses: when a person had deliveries to a destination wait, and from when on they go on.

Each is one small item of the ledger table, written by the command line. Delivery reads it only
before a profile would expire, so that a destination that nobody pauses costs no read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEY = "pause#"
_KEPT_SECONDS = 60 * 86_400  # after the pause; no profile waits for longer than 14 days


@dataclass(frozen=True)
class Pause:
    """A pause of deliveries to one destination. Times are epoch seconds."""

    paused_at: int
    oldest_at: int  # what waits there came then at the earliest
    resumes_at: int = 0  # when deliveries go on, or went on; 0: nobody has said

    @property
    def counts_from(self) -> int:
        """From when on waiting counts, of what had to wait for a person."""
        return self.resumes_at or self.paused_at


class Pauses:
    """The pauses of a stack's destinations. Its methods raise botocore's errors."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, destination: str) -> Pause | None:
        """Return a destination's last pause, if one is known."""
        answer = self._client.get_item(
            TableName=self._table,
            Key={"key": {"S": f"{_KEY}{destination}"}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        if not item:
            return None
        return Pause(
            paused_at=_number(item, "paused_at"),
            oldest_at=_number(item, "oldest_at"),
            resumes_at=_number(item, "resumes_at"),
        )

    def put(self, destination: str, pause: Pause) -> None:
        """Note a destination's pause in the place of an earlier one."""
        numbers = {
            "paused_at": pause.paused_at,
            "oldest_at": pause.oldest_at,
            "resumes_at": pause.resumes_at,
            "expires_at": pause.counts_from + _KEPT_SECONDS,
        }
        item = {name: {"N": str(number)} for name, number in numbers.items()}
        self._client.put_item(
            TableName=self._table, Item={"key": {"S": f"{_KEY}{destination}"}, **item}
        )


def _number(item: Mapping[str, Any], name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
