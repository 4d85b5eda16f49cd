"""The doctor's steps at the token endpoint."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import requests

from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import AccessToken, TokenFault, TokenNotGrantedError
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import experiments
from attendee_sync_cli.doctor.experiments import Change
from attendee_sync_cli.doctor.report import Check, FailedError, Findings

CREDENTIALS = "credentials"
_TOKEN_URL = "auth.token_url"  # noqa: S105
_OAUTH_ERROR = re.compile(r"HTTP \d+ \w")

type Accepts = Callable[[Connection, AccessToken], bool]


@dataclass(frozen=True)
class TokenChecks:
    """Asks for a token, and for tokens with changed settings. Stores none."""

    findings: Findings
    http: requests.Session
    connection: Connection

    def check(self, accepts: Accepts) -> AccessToken:
        """Return a token; `accepts` tells whether RainFocus's API takes one with a connection.

        Raises FailedError.
        """
        auth = self.connection.auth
        self.findings.progress("asking for a token")
        try:
            token, remark = self._obtain(self.connection)
        except TokenNotGrantedError as error:
            self._explain(error, accepts)
        if auth.kind == "profile_token":
            self.findings.passed(Check.TOKEN_ENDPOINT, "not needed with a profile token")
            self.findings.passed(Check.TOKEN, "a profile token is stored")
            return token
        self.findings.passed(Check.TOKEN_ENDPOINT, auth.token_url)
        life = f"good for {round(token.seconds_left() / 60)} minutes"
        self.findings.passed(Check.TOKEN, f"{life}; {remark}" if remark else life)
        return token

    def token_for(self, changed: Connection) -> AccessToken | None:
        """Return a token for changed settings, or None if none is granted."""
        try:
            return self._obtain(changed)[0]
        except TokenNotGrantedError:
            return None

    def _obtain(self, connection: Connection) -> tuple[AccessToken, str]:
        token, remark = access_token.obtain(self.http, connection, self.findings.case.credentials)
        self.findings.tokens.add(token.value)
        return token, remark

    def _explain(self, error: TokenNotGrantedError, accepts: Accepts) -> NoReturn:
        told = str(error)
        if error.cause is TokenFault.NETWORK:
            raise FailedError(Check.TOKEN_ENDPOINT, told, _TOKEN_URL, sure=False)
        if error.cause is TokenFault.TOKEN_URL and self.connection.auth.token_url:
            raise FailedError(Check.TOKEN_ENDPOINT, told, _TOKEN_URL)
        if self._is_complete() and error.cause is not TokenFault.TOKEN_URL:
            self.findings.passed(Check.TOKEN_ENDPOINT, self.connection.auth.token_url)
            self._try(experiments.for_token(self.connection), lambda *_: True, told)
        kinds = experiments.for_kind(self.connection, self.findings.case.credentials)
        self._try(kinds, accepts, told)
        if error.cause is TokenFault.TOKEN_URL:
            raise FailedError(Check.TOKEN_ENDPOINT, told, _TOKEN_URL)
        setting, sure = self._setting(error)
        raise FailedError(Check.TOKEN, told, setting, sure=sure)

    def _is_complete(self) -> bool:
        """Tell whether the token endpoint was asked at all."""
        credentials = self.findings.case.credentials
        return bool(credentials.client_id and credentials.client_secret)

    def _try(self, changes: list[Change], accepts: Accepts, told: str) -> None:
        """Raise FailedError if a change leads to a token that is accepted."""

        def grants(_: Change, changed: Connection) -> bool:
            token = self.token_for(changed)
            return token is not None and accepts(changed, token)

        change = experiments.run(self.connection, changes, grants, self.findings)
        if change:
            words = f"{told}. {change.accepted_words(self.connection)}"
            raise FailedError(Check.TOKEN, words, change.setting)

    def _setting(self, error: TokenNotGrantedError) -> tuple[str, bool]:
        """Return the setting that a refusal is about, and whether that is sure."""
        told = str(error)
        if error.cause is TokenFault.CREDENTIALS:
            # A page that is no token endpoint's could answer with the status alone.
            return CREDENTIALS, not self._is_complete() or bool(_OAUTH_ERROR.search(told))
        if "invalid_scope" in told:
            return "auth.scope", True
        return "auth.parameters", False
