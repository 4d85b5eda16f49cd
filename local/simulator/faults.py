"""Faults: answers and disturbances that a test or the demo orders in advance."""

import random
import re
import time
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from local.simulator.answers import Answer, failure, oauth_failure
from local.simulator.calls import CallName, Subject

MAX_PADDING_BYTES = 100 * 1024 * 1024
Seconds = Annotated[float, Field(ge=0, le=300)]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drip(_Model):
    """An answer's body is sent in chunks of so many bytes, with a pause in seconds after each."""

    chunk_bytes: int = Field(ge=1)
    pause_seconds: Seconds


class Effect(_Model):
    """What a fault does.

    `status`, `code`, `message` (or a raw `body` with its `content_type`) and `reset` replace the
    answer: the call is not carried out, unless `apply` says that it is carried out first. With
    `apply`, the fault meets only calls that succeed. All else changes how the answer is sent:
    `retry_after` is a header in seconds or as text, `pad_to_bytes` lengthens the body with
    spaces, `truncate_at_bytes` ends the connection after so many bytes of it.
    """

    apply: bool = False
    status: int | None = Field(default=None, ge=200, le=599)
    code: str | None = None
    message: str | None = None
    body: str | None = None
    content_type: HeaderValue | None = None
    reset: bool = False
    retry_after: int | HeaderValue | None = None
    latency_seconds: Seconds = 0
    drip: Drip | None = None
    pad_to_bytes: int | None = Field(default=None, ge=1, le=MAX_PADDING_BYTES)
    truncate_at_bytes: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if not (self.reset or self.latency_seconds or self._sends_something()):
            raise ValueError("the effect is empty")
        if self.body is not None and (self.code is not None or self.message is not None):
            raise ValueError("body excludes code and message")
        if self.body is None and self.content_type is not None:
            raise ValueError("content_type needs a body")
        if self.reset and self._sends_something():
            raise ValueError("reset excludes an answer")
        return self

    @property
    def replaces_answer(self) -> bool:
        """Tell whether the usual answer is not given."""
        return self.reset or self._has_answer()

    @property
    def shapes_body(self) -> bool:
        """Tell whether the body is not just sent as it is."""
        return bool(self.drip or self.pad_to_bytes) or self.truncate_at_bytes is not None

    def answer(self, call: CallName) -> Answer:
        """Return the answer given in place of the usual one. The code defaults to the status."""
        status = self.status or 200
        if self.body is not None:
            return Answer(status, self.body.encode(), self.content_type or "text/html")
        code = str(status) if self.code is None else self.code
        message = "Injected fault" if self.message is None else self.message
        if call == "token":
            return oauth_failure(status, code, message)
        return failure(status, code, message)

    def _has_answer(self) -> bool:
        parts = (self.status, self.code, self.message, self.body)
        return any(part is not None for part in parts)

    def _sends_something(self) -> bool:
        return self._has_answer() or self.shapes_body or self.retry_after is not None


class Fault(_Model):
    """Which calls meet the effect, and how often. Unknown paths never do.

    `times` is without limit if null. With `per_email` it is counted for each e-mail apart.
    `email` is compared regardless of case; `email_regex` is searched in the e-mail as sent.
    With `beyond_per_second` it meets only calls above that rate, a second's worth at once let by.
    """

    call: Literal["token", "attendee/store", "attendeeInfo", "any"] = "any"
    org: str | None = None
    event: str | None = None
    email: str | None = None
    email_regex: re.Pattern[str] | None = None
    times: int | None = Field(default=None, ge=1)
    per_email: bool = False
    probability: float = Field(default=1, gt=0, le=1)
    seed: int = 0
    beyond_per_second: float | None = Field(default=None, gt=0)
    effect: Effect

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.per_email and self.times is None:
            raise ValueError("per_email needs times")
        return self

    def matches(self, call: CallName, subject: Subject) -> bool:
        """Tell whether a call is one that the fault is meant for."""
        if call == "unknown" or self.call not in ("any", call):
            return False
        if self.org not in (None, subject.org) or self.event not in (None, subject.event):
            return False
        return self._matches_email(subject.email)

    def _matches_email(self, email: str | None) -> bool:
        if email is None:
            return self.email is None and self.email_regex is None and not self.per_email
        if self.email is not None and self.email.lower() != email.lower():
            return False
        return self.email_regex is None or self.email_regex.search(email) is not None


@dataclass(slots=True)
class ArmedFault:
    """A fault that was added, and how often it has struck. `id` counts from 1."""

    id: int
    fault: Fault
    fired: int = 0


@dataclass(slots=True)
class _Memory:
    random: random.Random
    fired_by_email: dict[str, int] = field(default_factory=dict)
    free_at: float = 0.0  # when a call within the rate may come, in seconds of the monotonic clock


@dataclass(slots=True)
class FaultBook:
    """The faults in force, in the order they were added."""

    armed: list[ArmedFault] = field(default_factory=list)
    _memories: list[_Memory] = field(default_factory=list)

    def add(self, fault: Fault) -> ArmedFault:
        """Put a fault in force."""
        armed = ArmedFault(len(self.armed) + 1, fault)
        self.armed.append(armed)
        self._memories.append(_Memory(random.Random(fault.seed)))  # noqa: S311
        return armed

    def clear(self) -> None:
        """Take all faults out of force."""
        self.armed.clear()
        self._memories.clear()

    def take(self, call: CallName, subject: Subject, *, applied: bool) -> Effect | None:
        """Return the effect of the first fault that strikes, and count it, or None.

        `applied` asks for the faults that come after the call was carried out.
        """
        for armed, memory in zip(self.armed, self._memories, strict=True):
            fault = armed.fault
            if fault.effect.apply is not applied or not fault.matches(call, subject):
                continue
            if _used_up(armed, memory, subject) or memory.random.random() >= fault.probability:
                continue
            if _within_rate(fault.beyond_per_second, memory):
                continue
            email = _email_key(subject)
            armed.fired += 1
            memory.fired_by_email[email] = memory.fired_by_email.get(email, 0) + 1
            return fault.effect
        return None


def _used_up(armed: ArmedFault, memory: _Memory, subject: Subject) -> bool:
    if armed.fault.times is None:
        return False
    if not armed.fault.per_email:
        return armed.fired >= armed.fault.times
    return memory.fired_by_email.get(_email_key(subject), 0) >= armed.fault.times


def _within_rate(per_second: float | None, memory: _Memory) -> bool:
    """Tell whether a call is let by for its rate, and count it then."""
    if per_second is None:
        return False
    now = time.monotonic()
    free_at = max(memory.free_at, now - 1.0)
    if free_at > now:
        return False
    memory.free_at = free_at + 1 / per_second
    return True


def _email_key(subject: Subject) -> str:
    return (subject.email or "").lower()
