"""What became of the profiles of a pushed file. It tells places in the file, never a value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from attendee_sync.outcome import in_words
from attendee_sync_cli import console
from attendee_sync_cli.profiles.places import listed
from attendee_sync_cli.profiles.profile_files import Found, Profiles
from attendee_sync_cli.profiles.push_client import PushAnswer
from attendee_sync_cli.profiles.push_follower import PushFollower


@dataclass(frozen=True)
class PushFault:
    """Why a profile was not accepted: ingest rejected it, its request failed, or it is unfit."""

    result: Literal["rejected", "failed", "not sent"]
    detail: str
    status: int | None = None
    reason: str = ""  # an outcome.Reason, where the profile itself is at fault

    def __str__(self) -> str:
        status = f"HTTP {self.status}, " if self.status else ""
        return f"{self.result}: {status}{in_words(self.reason, self.detail)}"


@dataclass
class PushReport:
    """The report as far as it has come."""

    destination: str
    profiles: Profiles
    read: int = 0
    accepted: int = 0
    requests: int = 0
    repeats: int = 0
    seconds: float = 0.0
    ended: str = ""
    """Why it ended before the file did."""
    follower: PushFollower | None = None
    """Follows what was accepted, if that was asked for."""
    _places: dict[PushFault, list[int]] = field(default_factory=dict)
    _request_ids: list[str] = field(default_factory=list)

    @property
    def not_accepted(self) -> int:
        """How many profiles were done with and not accepted."""
        return sum(map(len, self._places.values()))

    @property
    def main_cause(self) -> str:
        """Why most were not accepted; empty if there are none."""
        return str(max(self._places, key=lambda cause: len(self._places[cause]), default=""))

    @property
    def done(self) -> int:
        """How many profiles were done with: so many from the beginning of the file."""
        return self.accepted + self.not_accepted

    @property
    def is_success(self) -> bool:
        """Whether every profile was accepted and, if that was followed, came to a good end."""
        is_pushed = not self.ended and not self.not_accepted
        return is_pushed and (self.follower is None or self.follower.is_success)

    def answered(self, answer: PushAnswer) -> None:
        """Count a push."""
        self.requests += 1
        self.repeats += answer.attempts - 1
        if answer.rejected:
            self._request_ids.append(answer.request_id)

    def settled(self, some: Sequence[Found], causes: Mapping[int, PushFault]) -> None:
        """Count profiles that are done with; `causes` has those of them that were not accepted."""
        for index, cause in sorted(causes.items()):
            self._places.setdefault(cause, []).append(some[index].place)
        self.accepted += len(some) - len(causes)

    def document(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "destination": self.destination,
            "ended": self.ended or None,
            "profiles": self.profiles.total,
            "read": self.read,
            "done": self.done,
            "accepted": self.accepted,
            "not_accepted": [
                {
                    "result": cause.result,
                    "status": cause.status,
                    "reason": cause.reason or None,
                    "detail": cause.detail,
                    "count": len(places),
                    self.profiles.places: places,
                }
                for cause, places in self._places.items()
            ],
            "requests": self.requests,
            "repeats": self.repeats,
            "seconds": round(self.seconds, 3),
            "request_ids": self._request_ids,
            "waited": self.follower.document(self.profiles.places) if self.follower else None,
        }

    def show(self) -> None:
        """Show the report to people."""
        console.say(
            f"{console.counted(self.read, 'profile')} read, {self.accepted} accepted, "
            f"{self.not_accepted} not accepted; "
            f"{console.counted(self.requests, 'request')}, "
            f"{console.counted(self.repeats, 'repeat')}, {self.seconds:.1f} s"
        )
        if self._places:
            console.table(
                ["not accepted", "profiles", f"{self.profiles.places} in the file"],
                [
                    [str(cause), str(len(places)), listed(places)]
                    for cause, places in self._places.items()
                ],
            )
        if self.follower:
            self.follower.show(self.profiles.places)
        if self._request_ids:
            console.say(f"Request ids of pushes with rejected ones: {listed(self._request_ids)}")
        for words in self._where_next():
            console.say(words)

    def _where_next(self) -> Iterator[str]:
        """Yield which command tells more of what was pushed."""
        if self.accepted and not self.follower:
            yield "Accepted means queued: `attendee-sync status` tells what comes of it."
        if self._request_ids or (self.follower and self.follower.has_failed):
            yield "`attendee-sync failures` tells of each rejected one why, and how to mend it."
