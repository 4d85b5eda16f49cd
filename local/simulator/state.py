"""What the simulator remembers, in memory only."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, JsonValue

from local.simulator.answers import Answer
from local.simulator.calls import CallName, Subject
from local.simulator.faults import FaultBook
from local.simulator.settings import Environment, Settings, default_settings

LOG_ENTRIES_KEPT = 100_000


@dataclass(slots=True)
class Attendee:
    """A stored attendee. Times are ISO 8601 in UTC; `writes` counts the store calls."""

    attendee_id: Annotated[str, Field(alias="attendeeId")]
    fields: dict[str, JsonValue]
    created_at: str
    updated_at: str
    writes: int


@dataclass(frozen=True, slots=True)
class Token:
    """An issued access token's owner and end, in seconds of the monotonic clock."""

    environment: Environment
    org: str
    client_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One call in the log. `status` is null if the connection was reset in place of an answer.

    `number` counts from 1. `response_code` is the OAuth error for a refused token request.
    """

    number: int
    time: str
    environment: Environment | None
    org: str | None
    call: CallName
    event: str | None
    email: str | None
    status: int | None
    response_code: Annotated[str | None, Field(alias="responseCode")]
    response_message: Annotated[str | None, Field(alias="responseMessage")]
    milliseconds: float
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class CallCount:
    """How many calls ended alike."""

    call: CallName
    status: int | None
    response_code: Annotated[str | None, Field(alias="responseCode")]
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls by their end, the most calls in flight at once, and the connections they came by."""

    calls: list[CallCount]
    max_in_flight: int
    connections_opened: int


@dataclass(slots=True)
class OrgTokens:
    """Token requests of one organisation. `org` is null where no client id was recognised."""

    environment: Environment
    org: str | None
    issued: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Tokens:
    """All token requests received, those answered by a fault included, and what became of them."""

    requests: int
    organisations: list[OrgTokens]


@dataclass(slots=True)
class State:
    """Everything that a reset empties."""

    settings: Settings = field(default_factory=default_settings)
    faults: FaultBook = field(default_factory=FaultBook)
    attendees: dict[tuple[Environment, str, str], dict[str, Attendee]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    token_requests: int = 0
    org_tokens: dict[tuple[Environment, str | None], OrgTokens] = field(default_factory=dict)
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=LOG_ENTRIES_KEPT))
    calls: Counter[tuple[CallName, int | None, str | None]] = field(default_factory=Counter)
    in_flight: int = 0
    max_in_flight: int = 0
    connections_opened: int = 0

    @contextmanager
    def call_in_flight(self) -> Iterator[None]:
        """Count a call as in flight."""
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def counts(self) -> Counts:
        """Return the calls so far, summed up."""
        calls = [CallCount(*ending, count=count) for ending, count in self.calls.items()]
        return Counts(calls, self.max_in_flight, self.connections_opened)

    def tokens_of(self, environment: Environment, org: str | None) -> OrgTokens:
        """Return the count of one organisation's token requests, to be added to."""
        return self.org_tokens.setdefault((environment, org), OrgTokens(environment, org))

    def revoke_tokens(self, environment: Environment | None, org: str | None) -> int:
        """Forget all tokens, or those of an environment or an org id; return how many."""
        kept = {
            value: token
            for value, token in self.tokens.items()
            if environment not in (None, token.environment) or org not in (None, token.org)
        }
        revoked = len(self.tokens) - len(kept)
        self.tokens = kept
        return revoked

    def record_call(
        self,
        *,
        call: CallName,
        subject: Subject,
        answer: Answer | None,
        milliseconds: float,
        traceparent: str | None,
    ) -> None:
        """Add a call to the log and to the counts; `answer` is None if none was given."""
        status = answer.status if answer else None
        code = answer.code if answer else None
        self.calls[call, status, code] += 1
        entry = LogEntry(
            number=self.calls.total(),
            time=now(),
            environment=subject.environment,
            org=subject.org,
            call=call,
            event=subject.event,
            email=subject.email,
            status=status,
            response_code=code,
            response_message=answer.message if answer else None,
            milliseconds=milliseconds,
            traceparent=traceparent,
        )
        self.log.append(entry)


def now() -> str:
    """Return the time in ISO 8601 and UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
