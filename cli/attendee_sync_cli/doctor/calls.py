"""The calls of one examination: a token is asked for once, and no call comes too soon."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import requests

from attendee_sync.http_client import is_success
from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import AnswerKind
from attendee_sync.rainfocus import access_token, client, reading
from attendee_sync.rainfocus.access_token import AccessToken, TokenNotGrantedError
from attendee_sync.rainfocus.answers import judge
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.masking import Sent
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import answers
from attendee_sync_cli.doctor.answers import Seen
from attendee_sync_cli.doctor.report import Case, Findings

# How fast an API of unknown limits is called by one who tries things out.
_CALLS_PER_SECOND: Final = 5.0


def made_up_attendee(address: str, number: int = 0) -> dict[str, str]:
    """Return a plainly made-up attendee with all twelve fields, under an e-mail address.

    Those of two numbers that follow each other differ in all but it. Its words are none that
    RainFocus's messages use: what was sent is masked in them.
    """
    word, digit = ("Xyzzy", 0) if number % 2 == 0 else ("Plugh", 1)
    country, state = ("US", "CA") if digit == 0 else ("CA", "ON")
    return {
        "address1": f"1 {word} Lane",
        "address2": f"{word} {digit}",
        "city": f"{word}ville",
        "companyname": f"{word} Ltd",
        "countryid": country,
        "email": address,
        "firstname": f"Made-up {word}",
        "lastname": word,
        "jobtitle": f"{word} of {word}",
        "phone": f"+1 555 010{digit}",
        "state": state,
        "zip": f"0000{digit}",
    }


@dataclass
class Calls:
    """Makes the calls of an examination, and keeps what was granted for them."""

    findings: Findings
    http: requests.Session
    destination: Destination | None
    sleep: Callable[[float], None] = time.sleep
    # Surely of no attendee.
    nobody: str = field(default_factory=lambda: f"{secrets.token_hex(8)}@example.invalid")
    made: int = 0
    _tokens: dict[str, AccessToken | Seen] = field(default_factory=dict)
    _remarks: dict[str, str] = field(default_factory=dict)
    _last: float = float("-inf")

    @property
    def case(self) -> Case:
        """What is examined."""
        return self.findings.case

    @property
    def event_code(self) -> str:
        """The event that calls are about."""
        return self.destination.event_code if self.destination else made_up("event")

    def attempt(self, connection: Connection) -> Seen:
        """Make the call by which all is judged: a write if that is allowed, else a read."""
        token = self.token(connection)
        if isinstance(token, Seen):
            return token
        if self.case.write_test:
            return self.write(connection, token, made_up_attendee(self.case.write_test))
        return self.read(connection, token)[0]

    def token(self, connection: Connection) -> AccessToken | Seen:
        """Return a token for a connection, or how it was refused."""
        key = access_token.grant_digest(connection, self.case.credentials)
        if key not in self._tokens:
            self._tokens[key] = self._ask(connection, key)
        found = self._tokens[key]
        if isinstance(found, Seen):
            return found
        return replace(found, audience=access_token.audience(connection))

    def remark(self, connection: Connection) -> str:
        """Return what there is to say of a granted token."""
        return self._remarks.get(access_token.grant_digest(connection, self.case.credentials), "")

    def write(
        self, connection: Connection, token: AccessToken, fields: Mapping[str, str], event: str = ""
    ) -> Seen:
        """Store a made-up attendee, and return what is seen."""
        attendee = Attendee(event or self.event_code, fields)
        request = client.store_request(connection, token, attendee)
        request.headers["traceparent"] = _trace_parent()
        sent = client.sent_to_store(connection, token, attendee)
        return self._called(connection, request, sent, token)[0]

    def read(
        self, connection: Connection, token: AccessToken, event: str = "", address: str = ""
    ) -> tuple[Seen, dict[str, Any]]:
        """Look an attendee up, and return what is seen, and the attendee if one is found."""
        address = address or self.nobody
        request = client.read_request(connection, token, event or self.event_code, address)
        sent = client.sent_to_read(connection, token, address)
        found, read = self._called(connection, request, sent, token)
        attendee = read.find("body.attendee") if read else None
        return found, attendee if isinstance(attendee, dict) else {}

    def can_refuse(self, connection: Connection) -> bool:
        """Tell whether calls that must be refused are not read as successes, by the settings.

        They show a token that is none, an event that is none, and no e-mail address. What is
        refused by its status for the token, by a gateway say, tells nothing of other answers.
        """
        token = self.token(connection)
        if isinstance(token, Seen):
            return False
        wrong = replace(
            token,
            value=made_up("token") if token.value else "",
            client_id=made_up("client"),
            profile_token=made_up("profile-token"),
        )
        fields = made_up_attendee(self.case.write_test)
        anonymous = {name: text for name, text in fields.items() if name != "email"}
        tries = ((wrong, fields, ""), (token, anonymous, ""), (token, fields, made_up("event")))
        for shown, sent, event in tries:
            seen = self.write(connection, shown, sent, event)
            if not is_stored(seen) and (shown is token or is_success(seen.status or 0)):
                return True
        return False

    def _called(
        self, connection: Connection, request: requests.Request, sent: Sent, token: AccessToken
    ) -> tuple[Seen, Reading | None]:
        self._wait(connection)
        received = RainFocusClient(self.http).send(connection, request)
        read = None if isinstance(received, Exception) else reading.read(received)
        answer = judge(received, connection, lambda: sent)
        return answers.seen(answer, read, sent, str(request.url), token), read

    def _ask(self, connection: Connection, key: str) -> AccessToken | Seen:
        credentials = self.case.credentials
        read: Reading | None = None
        try:
            if connection.auth.kind == "profile_token":
                return access_token.obtain(self.http, connection, credentials)[0]
            access_token.require(connection, credentials)
            self._wait(connection)
            now = int(time.time())
            read = access_token.ask(self.http, connection, credentials)
            token, remark = access_token.granted(read, connection, credentials, now)
        except TokenNotGrantedError as error:
            sent = Sent.of((), vars(credentials).values())
            return answers.refused_token(
                str(error), error.cause, read, sent, connection.auth.token_url
            )
        self.findings.tokens.add(token.value)
        self._remarks[key] = remark
        return token

    def _wait(self, connection: Connection) -> None:
        """Wait until the next call may be made."""
        self.made += 1
        allowed = connection.limits.requests_per_second or _CALLS_PER_SECOND
        due = self._last + 1 / min(allowed, _CALLS_PER_SECOND)
        self._last = max(due, time.monotonic())
        if due > time.monotonic():
            self.sleep(due - time.monotonic())


def made_up(what: str) -> str:
    """Return a name that is surely none."""
    return f"no-such-{what}-{secrets.token_hex(6)}"


def is_stored(seen: Seen) -> bool:
    """Tell whether an attendee was stored, as the settings have it."""
    return seen.answer is not None and seen.answer.kind is AnswerKind.STORED


def _trace_parent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
