"""The doctor's steps at RainFocus's API.

Where a call is refused, the same call is made with one setting changed at a time, and the change
is named that RainFocus accepts.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import requests

from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus.access_token import AccessToken
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import answers, experiments
from attendee_sync_cli.doctor.answers import Stage, describe, stage
from attendee_sync_cli.doctor.experiments import Change
from attendee_sync_cli.doctor.report import Check, FailedError, Findings
from attendee_sync_cli.doctor.token_checks import CREDENTIALS, TokenChecks

ATTENDEE_STORE = "Attendee Store"  # no setting of ours: a switch of RainFocus's API profile
EVENT_CODE = "destination.event_code"
_BY_WRITE = "only --write-test EMAIL finds out"
_API_SECTIONS = frozenset({"version", "path", "org_id", "base_url", "environment"})

type Accepted = Callable[[Change, Connection], bool]


def base_setting(connection: Connection) -> str:
    """Return the setting that says where the API is."""
    return "base_url" if connection.base_url else "environment"


def test_attendee(address: str) -> dict[str, str]:
    """Return a plainly made-up attendee with all twelve fields, under an e-mail address.

    Its words are none that RainFocus's messages use: what was sent is masked in them.
    """
    return {
        "address1": "1 Nowhere Lane",
        "address2": "Floor 0",
        "city": "Nowhere Town",
        "companyname": "Made-up Ltd",
        "countryid": "US",
        "email": address,
        "firstname": "Made-up",
        "lastname": "Made-up-Person",
        "jobtitle": "Made-up Doctor",
        "phone": "+1 555 0100",
        "state": "CA",
        "zip": "00000",
    }


@dataclass(frozen=True)
class ApiChecks:
    """Makes the calls of one examination. Writes only if the case allows it."""

    findings: Findings
    http: requests.Session
    connection: Connection
    destination: Destination | None
    # Surely of no attendee.
    address: str = field(default_factory=lambda: f"{secrets.token_hex(8)}@example.invalid")

    def check(self, token: AccessToken, tokens: TokenChecks) -> None:
        """Do the steps from the API base on. Raises FailedError."""
        self.findings.progress("calling RainFocus")
        answer = self._call(self.connection, token)
        self._check_base(token, answer)
        self._check_access(token, answer, tokens)
        if self.findings.case.write_test:
            self._check_write(token, answer)
        else:
            self._check_read(token, answer)

    def accepts(self, connection: Connection, token: AccessToken) -> bool:
        """Tell whether the API knows token and API profile."""
        return stage(self._call(connection, token)) > Stage.ACCESS

    # --- the address, and who calls ---

    def _check_base(self, token: AccessToken, answer: Answer) -> None:
        setting = base_setting(self.connection)
        reached = stage(answer)
        if reached is Stage.NOWHERE:
            raise FailedError(Check.API, describe(answer), setting, sure=False)
        if reached is not Stage.PATH:
            self.findings.passed(Check.API, self.connection.base)
            return
        self._try(
            experiments.for_path(self.connection),
            lambda _, changed: stage(self._call(changed, token)) > Stage.PATH,
            answer,
        )
        words = f"{describe(answer)}: not RainFocus's API. org_id, {setting} or path may be wrong"
        likely = "org_id" if answer.status == answers.NOT_FOUND else setting
        raise FailedError(Check.API, words, likely, sure=False)

    def _check_access(self, token: AccessToken, answer: Answer, tokens: TokenChecks) -> None:
        if stage(answer) is not Stage.ACCESS:
            return

        def accepted(change: Change, changed: Connection) -> bool:
            used = tokens.token_for(changed) if change.touches("auth") else token
            return used is not None and self.accepts(changed, used)

        credentials = self.findings.case.credentials
        self._try(
            experiments.for_access(self.connection, credentials, answer.message), accepted, answer
        )
        if self.findings.case.write_test:
            self._check_endpoint(token, answer)
        setting, hint = self._access_setting(answer)
        raise FailedError(Check.API_PROFILE, f"{describe(answer)}; {hint}", setting, sure=False)

    def _check_endpoint(self, token: AccessToken, answer: Answer) -> None:
        """Raise FailedError if only the write is refused, as where Attendee Store is off."""
        read = self._read(self.connection, token, self._event_code)
        if stage(read) > Stage.ACCESS:
            self.findings.passed(Check.API_PROFILE, f"for a read: {describe(read)}")
            words = f"{describe(answer)}, though a read is let through"
            raise FailedError(Check.ATTENDEE_STORE, words, ATTENDEE_STORE, sure=False)

    def _access_setting(self, answer: Answer) -> tuple[str, str]:
        """Return the setting that a refused access is most likely about, and why."""
        connection = self.connection
        if answer.status == answers.FORBIDDEN:
            return base_setting(connection), "RainFocus may not let this machine's address in"
        if answer.status == answers.UNAUTHORIZED and connection.auth.kind == "oauth":
            return "auth.token_url", "the token may be one of another environment"
        if answer.status == answers.UNAUTHORIZED:
            return "auth.kind", "an OAuth token may be wanted"
        if answer.code == answers.PARAMETER_MISSING:
            return "api_profile.name", "no place or name that was tried is accepted"
        has_token = bool(self.findings.case.credentials.profile_token)
        if connection.api_profile.value == "client_id" and not has_token:
            return "api_profile.value", "a profile token may be wanted, but none is stored"
        return CREDENTIALS, "they may be those of another API profile"

    # --- what the call is about, by a read ---

    def _check_read(self, token: AccessToken, answer: Answer) -> None:
        if stage(answer) is Stage.PARAMETER:
            self._explain_parameter(token, answer)
        else:
            self.findings.passed(Check.API_PROFILE, describe(answer))
            self.findings.unknown(Check.ATTENDEE_STORE, f"a read can't tell; {_BY_WRITE}")
            self.findings.unknown(Check.TEST_ATTENDEE, _BY_WRITE)
            self._check_event(token, answer)

    def _explain_parameter(self, token: AccessToken, answer: Answer) -> None:
        """Find out what a read lacks; what that is for a write, it can't tell."""
        changes = experiments.for_content(self.connection, answer.message)
        self._try(
            [change for change in changes if not change.touches("body")],
            lambda _, changed: stage(self._call(changed, token)) > Stage.PARAMETER,
            answer,
        )
        for check in (Check.API_PROFILE, Check.ATTENDEE_STORE, Check.EVENT_CODE):
            self.findings.unknown(check, f"{describe(answer)}: a read can't tell; {_BY_WRITE}")

    def _check_event(self, token: AccessToken, answer: Answer) -> None:
        """Judge the event code by a read's answer. Raises FailedError if RainFocus has none such.

        It is compared with the answer for an event that surely does not exist.
        """
        if self.destination is None:
            self.findings.unknown(Check.EVENT_CODE, "no destination uses this connection")
            return
        reached = stage(answer)
        if reached is Stage.STORED:
            self.findings.passed(Check.EVENT_CODE, describe(answer))
            return
        code, no_event = self.destination.event_code, _made_up("event")
        other = self._read(self.connection, token, no_event)
        if reached is not Stage.CONTENT or stage(other) is Stage.NOWHERE:
            self.findings.unknown(Check.EVENT_CODE, f"{describe(answer)}: a read can't tell")
        elif not answers.alike(answer, code, other, no_event):
            words = (
                f"{code}: {describe(answer)}; for an event that does not exist: {describe(other)}"
            )
            self.findings.passed(Check.EVENT_CODE, words)
        elif "event" in answer.message.lower():
            words = f"{code}, in destination {self.findings.case.destination}: {describe(answer)}"
            raise FailedError(Check.EVENT_CODE, words, EVENT_CODE)
        else:
            words = (
                f"{describe(answer)}, and so for an event that does not exist: a read can't tell"
            )
            self.findings.unknown(Check.EVENT_CODE, words)

    # --- the same by a write ---

    def _check_write(self, token: AccessToken, answer: Answer) -> None:
        if answer.kind is AnswerKind.STORED:
            for check in (Check.API_PROFILE, Check.ATTENDEE_STORE, Check.EVENT_CODE):
                self.findings.passed(check, "the test attendee was stored")
            words = "a made-up one, to be removed in RainFocus"
            self.findings.passed(
                Check.TEST_ATTENDEE, f"{words}: {answer.attendee_id or 'id unknown'}"
            )
            return
        self.findings.passed(Check.API_PROFILE, describe(answer))
        if stage(answer) is Stage.ENDPOINT:
            words = f"{describe(answer)}. Enable Attendee Store in the API profile, in RainFocus"
            self.findings.failed(FailedError(Check.ATTENDEE_STORE, words, ATTENDEE_STORE))
        else:
            self.findings.passed(Check.ATTENDEE_STORE, describe(answer))
        self._check_event(token, self._read(self.connection, token, self._event_code))
        if stage(answer) is not Stage.ENDPOINT:
            self._explain_content(token, answer)

    def _explain_content(self, token: AccessToken, answer: Answer) -> NoReturn:
        changes = experiments.for_content(self.connection, answer.message)
        self._try(changes, lambda _, changed: self._stores(changed, token), answer)
        for name in experiments.named_fields(self.connection, answer.message):
            self.findings.progress(f"trying without {name}")
            self.findings.experiments += 1
            if name != "email" and self._stores(self.connection, token, without=name):
                words = f"{describe(answer)}. Without {name} RainFocus stores the attendee"
                raise FailedError(Check.TEST_ATTENDEE, words, f"fields.names.{name}")
        setting = experiments.likely(self.connection, answer.message)
        words = f"{describe(answer)}; no single change that was tried helps"
        raise FailedError(_check_of(setting), words, setting, sure=False)

    # --- calls ---

    @property
    def _event_code(self) -> str:
        return self.destination.event_code if self.destination else _made_up("event")

    def _call(self, connection: Connection, token: AccessToken) -> Answer:
        """Make the call by which all is judged: a write if that is allowed, else a read."""
        if self.findings.case.write_test:
            return self._write(connection, token)
        return self._read(connection, token, self._event_code)

    def _read(self, connection: Connection, token: AccessToken, event_code: str) -> Answer:
        answer, _ = RainFocusClient(self.http).read(connection, token, event_code, self.address)
        return answer

    def _write(self, connection: Connection, token: AccessToken, without: str = "") -> Answer:
        fields = test_attendee(self.findings.case.write_test)
        fields.pop(without, None)
        attendee = Attendee(self._event_code, fields)
        return RainFocusClient(self.http).store(connection, token, attendee, _trace_parent())

    def _stores(self, connection: Connection, token: AccessToken, without: str = "") -> bool:
        return self._write(connection, token, without).kind is AnswerKind.STORED

    def _try(self, changes: list[Change], accepted: Accepted, answer: Answer) -> None:
        """Raise FailedError if a change is accepted."""
        change = experiments.run(self.connection, changes, accepted, self.findings)
        if change is None:
            return
        check = _check_of(change.setting)
        if check not in (Check.API, Check.API_PROFILE):
            self.findings.passed(Check.API_PROFILE, describe(answer))
        words = f"{describe(answer)}. {change.accepted_words(self.connection)}"
        raise FailedError(check, words, change.setting)


def _check_of(setting: str) -> Check:
    """Return the step that fails when a setting is wrong."""
    section = setting.partition(".")[0]
    if section in _API_SECTIONS:
        return Check.API
    if section in ("auth", "api_profile"):
        return Check.API_PROFILE
    if setting in ("event.key", EVENT_CODE):
        return Check.EVENT_CODE
    return Check.TEST_ATTENDEE


def _made_up(what: str) -> str:
    return f"no-such-{what}-{secrets.token_hex(6)}"


def _trace_parent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
