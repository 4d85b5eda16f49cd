"""What an examination is about, and what it found out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import quote_plus

from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync_cli.doctor.changes import Change

_MIN_SECRET = 8  # characters; what is shorter may be a word like another


class Check(StrEnum):
    """The steps, in their order."""

    SETTINGS = "settings"
    HOST = "host"
    TLS = "tls"
    TOKEN_ENDPOINT = "token_endpoint"  # noqa: S105
    TOKEN = "token"  # noqa: S105
    API = "api"
    API_PROFILE = "api_profile"
    STORED_TOKEN = "stored_token"  # noqa: S105
    ATTENDEE_STORE = "attendee_store"
    EVENT_CODE = "event_code"
    TEST_ATTENDEE = "test_attendee"
    READ_BACK = "read_back"


TITLES: dict[Check, str] = {
    Check.SETTINGS: "Settings valid",
    Check.HOST: "Host resolves",
    Check.TLS: "TLS",
    Check.TOKEN_ENDPOINT: "Token endpoint answers",
    Check.TOKEN: "Token granted",
    Check.API: "API base answers",
    Check.API_PROFILE: "apiProfile accepted",
    Check.STORED_TOKEN: "Stored token accepted",
    Check.ATTENDEE_STORE: "Attendee Store enabled",
    Check.EVENT_CODE: "Event code known",
    Check.TEST_ATTENDEE: "Test attendee stored",
    Check.READ_BACK: "Fields read back",
}


class StepState(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Step:
    """One step. A failed one names the setting to change, if it can, and how sure that is.

    Sure is what was tried and succeeded, or is seen without asking anybody.
    """

    check: Check
    state: StepState
    words: str
    setting: str = ""
    sure: bool = True
    is_later: bool = False  # nothing is to be changed: RainFocus is away or busy
    is_asked: bool = False  # RainFocus is to be asked for the setting's value
    is_beyond: bool = False  # no setting can say what RainFocus wants


@dataclass(frozen=True)
class Case:
    """What is examined: settings as they are stored, and the credentials."""

    connection: str
    settings: str
    credentials: Credentials
    destination: str = ""
    destination_settings: str = ""
    # Where a made-up attendee is stored under this address. Empty: only reads are made.
    write_test: str = ""
    stored_token: str | None = ""  # as the table holds it; None: it could not be read


@dataclass(frozen=True)
class Report:
    """All steps of an examination, in their order."""

    case: Case
    steps: list[Step]
    experiments: int  # calls that were made with a changed setting
    changes: tuple[Change, ...] = ()  # that lead to delivery, or to an answered read
    settings: str = ""  # as they are with these changes, in JSON

    @property
    def is_delivered(self) -> bool:
        """Tell whether the test attendee was stored with the settings as they are."""
        return any(
            step.check is Check.TEST_ATTENDEE and step.state is StepState.PASSED
            for step in self.steps
        )

    @property
    def failure(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.state is StepState.FAILED), None)


class FailedError(Exception):
    """A step failed; those that are still to do can't be done."""

    def __init__(self, check: Check, words: str, setting: str = "", *, sure: bool = False) -> None:
        super().__init__(words)
        self.step = Step(check, StepState.FAILED, words, setting, sure)


class AwayError(FailedError):
    """RainFocus is away or busy: there is nothing to change."""

    def __init__(self, check: Check, words: str) -> None:
        super().__init__(check, words)
        self.step = replace(self.step, is_later=True)


class AskError(FailedError):
    """A setting needs a value that only RainFocus knows."""

    def __init__(self, check: Check, words: str, setting: str) -> None:
        super().__init__(check, words, setting)
        self.step = replace(self.step, is_asked=True)


class BeyondError(FailedError):
    """RainFocus wants what no setting can say, as far as its words tell."""

    def __init__(self, check: Check, words: str) -> None:
        super().__init__(check, words)
        self.step = replace(self.step, is_beyond=True)


@dataclass
class Findings:
    """What is found out in the course of an examination."""

    case: Case
    progress: Callable[[str], None]
    steps: dict[Check, Step] = field(default_factory=dict)
    experiments: int = 0
    changes: tuple[Change, ...] = ()
    settings: str = ""
    tokens: set[str] = field(default_factory=set)  # obtained on the way; never shown

    def passed(self, check: Check, words: str) -> None:
        """Note that a step passed."""
        self._note(Step(check, StepState.PASSED, words))

    def failed(self, failure: FailedError) -> None:
        """Note that a step failed."""
        self._note(failure.step)

    def unknown(self, check: Check, words: str, setting: str = "") -> None:
        """Note that it can't be told whether a step passes, and what to look at if it does not."""
        self._note(Step(check, StepState.UNKNOWN, words, setting, sure=False))

    def _note(self, step: Step) -> None:
        self.steps[step.check] = step
        # Its words may have a secret yet that RainFocus repeated: report() takes it out.
        self.progress(f"{TITLES[step.check]}: {step.state}")

    def report(self) -> Report:
        """Return all steps, without any secret that RainFocus may have repeated."""
        untried = [Step(check, StepState.UNKNOWN, "not tried") for check in Check]
        steps = [self.steps.get(step.check, step) for step in untried]
        clean = [replace(step, words=self._without_secrets(step.words)) for step in steps]
        return Report(self.case, clean, self.experiments, self.changes, self.settings)

    def repeats(self, text: str) -> bool:
        """Tell whether a text has a secret in it, or who is stored."""
        credentials = self.case.credentials
        sent = {credentials.client_secret, credentials.profile_token, *self.tokens}
        return any(
            value in text
            for value in _with_quoted(sent | {self.case.write_test})
            if len(value) >= _MIN_SECRET
        )

    def _without_secrets(self, text: str) -> str:
        credentials = self.case.credentials
        values = _with_quoted({*vars(credentials).values(), *self.tokens})
        for value in sorted(values, key=len, reverse=True):
            text = text.replace(value, "***") if value else text
        return text


def _with_quoted(values: set[str]) -> set[str]:
    """Return texts, and what they are in an address."""
    return values | set(map(quote_plus, values))
