"""Calling: all that stands between an attendee and the call that stores it.

The connection's settings, its token, its pace, its pause, and the time that is left.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from attendee_sync import observability
from attendee_sync.aws.settings import CACHE_SECONDS
from attendee_sync.observability import LogEvent
from attendee_sync.outcome import Answer, AnswerKind, Reason, Retry, RetryLaterError
from attendee_sync.rainfocus.access_token import TOKEN_MARGIN, AccessToken
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.guards import MARGIN, NO_TIME, Guards
from attendee_sync.rainfocus.token_store import TokenStore

_NEW_TOKEN_SECONDS = 60.0
_DOUBT_AGAIN_SECONDS = 600.0
_MAX_REFUSED = 1_000
_CONCLUSIVE = frozenset({AnswerKind.STORED, AnswerKind.PROFILE})


@dataclass(frozen=True)
class _Order:
    """One attendee to store over a connection, in the time that is left."""

    connection: Connection
    attendee: Attendee
    trace_parent: str
    seconds_left: Callable[[], float]


@dataclass(frozen=True)
class GuardedClient:
    """Calls RainFocus over the connections of one stack."""

    tokens: TokenStore
    rainfocus: RainFocusClient
    guards: Guards
    # Gets a connection's name and the digest of its token that was refused.
    ask_for_token: Callable[[str, str], None]
    # When a token was first refused, by its digest.
    _refused: dict[str, float] = field(default_factory=dict)
    # By connection, status and code of a refusal: with which token, and when it was doubted first.
    _doubted: dict[tuple[str, int | None, str], tuple[str, float]] = field(default_factory=dict)
    # By connection: the digest of the token with which a call got through last.
    _worked: dict[str, str] = field(default_factory=dict)

    def store(
        self,
        connection: Connection,
        attendee: Attendee,
        trace_parent: str,
        seconds_left: Callable[[], float],
        lane: str = "",
    ) -> Answer:
        """Store an attendee over a connection, whose pace is shared by the lanes that call.

        Raises RetryLaterError, SettingsUnavailableError, and botocore's errors.
        """
        token = self._token(connection)
        order = _Order(connection, attendee, trace_parent, seconds_left)
        return self.guards.call(
            connection,
            seconds_left,
            lambda limited: self._call(replace(order, connection=limited), token),
            lane,
        )

    def _call(self, order: _Order, token: AccessToken) -> Answer:
        """Call; if the token is refused, call again with a newer one or have one fetched."""
        connection = order.connection
        if order.seconds_left() < connection.limits.longest_call + MARGIN:
            raise RetryLaterError(Reason.NO_TIME, NO_TIME)
        answer = self.rainfocus.store(connection, token, order.attendee, order.trace_parent)
        _note(connection.name, answer, order.trace_parent)
        is_doubtful = self._may_help(connection.name, answer, token)
        if answer.kind in _CONCLUSIVE and not is_doubtful:
            self._worked[connection.name] = token.digest
        if answer.kind is not AnswerKind.TOKEN and not is_doubtful:
            return answer
        newer = self._token(connection, max_age=0)
        if newer.digest != token.digest:
            return self._call(order, newer)
        if is_doubtful:
            self.ask_for_token(connection.name, token.digest)
            is_profile = answer.kind is AnswerKind.PROFILE  # it waits for the new one
            return replace(answer, kind=AnswerKind.TOKEN) if is_profile else answer
        return replace(answer, kind=self._fault_of_refusal(connection.name, token))

    def _may_help(self, name: str, answer: Answer, token: AccessToken) -> bool:
        """Tell whether a new token is to be tried for a refusal that says so, or may mean it.

        It is for a minute, in which a token must have come; then such a refusal means what it
        says, and is doubted again after ten minutes.
        """
        if not (answer.may_be_token and token.value):
            return False
        now = time.time()
        refusal = (name, answer.status, answer.code)
        digest, since = self._doubted.get(refusal, ("", 0.0))
        if now - since > _DOUBT_AGAIN_SECONDS:
            if len(self._doubted) >= _MAX_REFUSED:
                self._doubted.clear()
            self._doubted[refusal] = (token.digest, now)
            return True
        return digest == token.digest and now - since < _NEW_TOKEN_SECONDS

    def _fault_of_refusal(self, name: str, token: AccessToken) -> AnswerKind:
        """Return whose fault it is that a token is refused; have it renewed if that may help.

        The connection is, if there is no OAuth token to renew, or a token never worked that was
        fetched just now because the last one was refused. It also counts as that if a token was
        refused a minute ago and could not be renewed since; then each probe asks once more.
        """
        now = time.time()
        if len(self._refused) >= _MAX_REFUSED:
            self._refused.clear()
        first_refused = self._refused.setdefault(token.digest, now)
        is_new = bool(token.replaces) and now - token.issued_at < _NEW_TOKEN_SECONDS
        if not token.value or (is_new and self._worked.get(name) != token.digest):
            return AnswerKind.CONFIGURATION
        observability.diagnosis().warning(LogEvent.ACCESS_TOKEN_REFUSED, extra={"connection": name})
        self.ask_for_token(name, token.digest)
        is_old = now - first_refused > _NEW_TOKEN_SECONDS
        return AnswerKind.CONFIGURATION if is_old else AnswerKind.TOKEN

    def _token(self, connection: Connection, max_age: float = CACHE_SECONDS) -> AccessToken:
        """Return a connection's token if there is a good one; else ask for one and wait."""
        token = self.tokens.usable(connection, max_age)
        if token and token.seconds_left() > TOKEN_MARGIN:
            return token
        if max_age > TOKEN_MARGIN:
            return self._token(connection, max_age=TOKEN_MARGIN)
        self.ask_for_token(connection.name, token.digest if token else "")
        raise RetryLaterError(Reason.NO_TOKEN, "no access token", Retry(is_fault_of_settings=True))


def _note(connection: str, answer: Answer, trace_parent: str) -> None:
    """Log one answer for diagnosis: a profile's own line tells only of the last one."""
    observability.diagnosis().debug(
        LogEvent.RAINFOCUS_ANSWERED,
        extra={
            "connection": connection,
            "meaning": answer.kind.value,
            "status": answer.status,
            "code": answer.code,
            "answer": answer.message,
            "retry_after": answer.retry_after,
            "trace_id": observability.trace_id(trace_parent),
        },
    )
