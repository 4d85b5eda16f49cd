"""Outcomes: what became of one profile, and why."""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum


class OutcomeKind(StrEnum):
    """The words for it in logs, metrics and dead letters."""

    DELIVERED = "delivered"
    UNCHANGED = "unchanged"  # RainFocus has it already: no call
    FILTERED = "filtered"  # the destination does not want it
    STALE = "stale"  # older than what became of a later one
    REJECTED = "rejected"
    EXPIRED = "expired"
    RETRY = "retry"  # no end: the profile goes back to the queue

    @property
    def is_final(self) -> bool:
        """Tell whether it is an end."""
        return self is not OutcomeKind.RETRY

    @property
    def goes_to_dead_letters(self) -> bool:
        """Tell whether the profile is kept, whole, with the reason."""
        return self in (OutcomeKind.REJECTED, OutcomeKind.EXPIRED)

    @property
    def advances_version(self) -> bool:
        """Tell whether what is older is stale after it. A rejected profile may yet be mended."""
        return self in (OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED, OutcomeKind.FILTERED)

    @property
    def label(self) -> str:
        """What people read of a profile that is not worked on yet."""
        return _LABELS[self]


_LABELS = {
    OutcomeKind.DELIVERED: "delivered, if RainFocus takes it",
    OutcomeKind.UNCHANGED: "unchanged: RainFocus has it already",
    OutcomeKind.FILTERED: "filtered: the destination does not want it",
    OutcomeKind.STALE: "stale: something newer of the attendee was settled",
    OutcomeKind.REJECTED: "rejected",
    OutcomeKind.EXPIRED: "expired",
    OutcomeKind.RETRY: "not to be told",
}


class Reason(StrEnum):
    """Why: names that never change, in logs, metrics, dead letters and answers to senders.

    An alarm or a report can count on them; the words beside them, the detail, may change.
    """

    NONE = ""
    # The profile as it was pushed
    MALFORMED = "malformed"  # not JSON, or nothing that a profile could be
    TOO_LARGE = "too_large"
    NOT_A_PERSON = "not_a_person"
    MISSING_EMAIL = "missing_email"
    UNCLEAR_EMAIL = "unclear_email"  # there is one, but nothing says that it is the person's
    INVALID_EMAIL = "invalid_email"
    SEVERAL_EMAILS = "several_emails"
    ONLY_HASH = "only_hash"
    # What its destination wants
    LEFT_AUDIENCE = "left_audience"
    NO_CONSENT = "no_consent"
    FILTER = "filter"
    # What the person wants
    ERASED = "erased"
    # What became of others of its attendee
    OVERTAKEN = "overtaken"
    MERGED = "merged"  # delivered in one call with a later one
    BEHIND = "behind"
    # The profile at RainFocus, or in our hands
    REFUSED = "refused"
    REFUSED_ALONE = "refused_alone"
    INTERNAL_ERROR = "internal_error"
    KILLED_INVOCATION = "killed_invocation"
    GIVEN_UP = "given_up"  # by SQS itself
    # The connection and RainFocus
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - tells of one
    NO_TOKEN = "no_token"  # noqa: S105 - likewise
    CONNECTION_REFUSED = "connection_refused"
    PAUSED = "paused"
    RATE_LIMITED = "rate_limited"
    # The invocation
    NO_TIME = "no_time"
    UNFINISHED = "unfinished"  # its call may have been made
    # The stack
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    DEAD_LETTERS_UNAVAILABLE = "dead_letters_unavailable"
    SETTINGS_UNAVAILABLE = "settings_unavailable"
    AWS_UNAVAILABLE = "aws_unavailable"  # another of its services
    SETTINGS_INVALID = "settings_invalid"
    FILTER_FAILED = "filter_failed"
    UNKNOWN_DESTINATION = "unknown_destination"
    UNKNOWN_CONNECTION = "unknown_connection"


# Those for which Adobe calls a profile skipped, as far as nobody wished it: what a filter or an
# audience leaves out is left out on purpose.
SKIPPED = frozenset({Reason.NO_CONSENT})


@dataclass(frozen=True)
class Fault:
    """Why a profile can't be used. The detail is for people and tells no value."""

    reason: Reason
    detail: str


def in_words(reason: str, detail: str) -> str:
    """Return a reason as people read it: its name, and what it means here."""
    return ": ".join(filter(None, (reason, detail)))


class AnswerKind(Enum):
    """What an answer says about the profile that was sent."""

    STORED = "stored"
    TRANSIENT = "passing"  # the same call may succeed later
    TOKEN = "token"  # the access token was refused  # noqa: S105
    CONFIGURATION = "configuration"  # no call of this connection can succeed
    PROFILE = "profile"  # this profile can't be stored


@dataclass(frozen=True)
class Answer:
    """RainFocus's answer to one call. Its message holds nothing of what was sent."""

    kind: AnswerKind
    status: int | None = None  # None: there was no answer
    code: str = ""  # responseCode
    message: str = ""  # responseMessage
    attendee_id: str = ""
    retry_after: int | None = None  # seconds
    may_be_token: bool = False  # a refusal that another access token could cure
    is_apis_own: bool = False  # a refusal in the API's own words, not by what stands before it
    is_busy: bool = False  # RainFocus wants fewer calls


@dataclass(frozen=True)
class Retry:
    """When what waits is to be tried again, as far as it matters to what it waits for."""

    after: int | None = None  # seconds, at least
    longest_wait: float | None = None  # seconds, if it is to be short
    is_fault_of_settings: bool = False  # it waits for its connection or destination to be mended


@dataclass(frozen=True)
class Outcome:
    """What became of one profile, and why. It holds no personal data."""

    kind: OutcomeKind
    reason: Reason = Reason.NONE
    detail: str = ""  # the reason in words
    answer: Answer | None = None  # RainFocus's, if it was called
    retry: Retry = Retry()
    # By field: what was left out, and why. Never a value.
    remarks: tuple[tuple[str, str], ...] = ()
    latency: float | None = None  # seconds that RainFocus took

    def as_kind(self, kind: OutcomeKind) -> "Outcome":
        """Return the outcome with another kind, and all else as it is."""
        return replace(self, kind=kind)


class RetryLaterError(Exception):
    """The call is not made now; the profile waits. The text says why."""

    def __init__(self, reason: Reason, detail: str, retry: Retry = Retry()) -> None:
        super().__init__(detail)
        self.outcome = Outcome(OutcomeKind.RETRY, reason, detail, retry=retry)
