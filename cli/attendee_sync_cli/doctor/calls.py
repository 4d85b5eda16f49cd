"""The calls of one examination: a token is asked for once, and no call comes too soon."""

import re
import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from attendee_sync.http_client import is_success
from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import AnswerKind
from attendee_sync.rainfocus import access_token, client, reading, token_endpoint
from attendee_sync.rainfocus.access_token import AccessToken, TokenNotGrantedError
from attendee_sync.rainfocus.answers import judge
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.masking import Sent
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import answers, words
from attendee_sync_cli.doctor.answers import Seen, Stage
from attendee_sync_cli.doctor.report import Case, Findings

# So often a secret that may be wrong is shown: accounts are locked for more.
MAX_REFUSALS: Final = 8
_WRONG_SECRET = re.compile(
    r"(?:invalid|wrong|incorrect|bad) (?:client[ _-]?)?(?:secret|password)|secret does not match"
    r"|\blocked\b|too many (?:failed|attempts)",
    re.IGNORECASE,
)
_BAD_REQUEST: Final = 400
_NOT_LOOKED_AT: Final = frozenset({*range(300, 400), 404, 405, 406, 415, 501})
# How fast an API of unknown limits is called by one who tries things out.
_CALLS_PER_SECOND: Final = 5.0


_ADDRESS = re.compile(r"https://[\w.-]{1,200}(?::\d{1,5})?(?:/[\w./-]{0,200})?")
_UNCLEAR: Final = (Stage.PATH, Stage.CONTENT, Stage.UNREAD)  # what others say is a refusal
_SHOWN_READS: Final = 2  # until what was written just now is shown
_SHOWN_SECONDS: Final = 1.0  # between them


def made_up_attendee(address: str, number: int = 0) -> dict[str, str]:
    """Return a plainly made-up attendee with all twelve fields, under an e-mail address.

    Those of two numbers that follow each other differ in all but it, and no two have the same
    last name. Its words are none that RainFocus's messages use: what was sent is masked in them.
    """
    word, digit = ("Xyzzy", 0) if number % 2 == 0 else ("Plugh", 1)
    mark = "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
    country, state = ("US", "CA") if digit == 0 else ("CA", "ON")
    return {
        "address1": f"1 {word} Lane",
        "address2": f"{word} {digit}",
        "city": f"{word}ville",
        "companyname": f"{word} Ltd",
        "countryid": country,
        "email": address,
        "firstname": f"Made-up {word}",
        "lastname": f"{word}{mark}",
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
    refusals: int = 0  # of the secret
    addresses: list[str] = field(default_factory=list)  # others, that were given with a token
    _tokens: dict[str, AccessToken | Seen] = field(default_factory=dict)
    _remarks: dict[str, str] = field(default_factory=dict)
    _not_shown: set[tuple[object, ...]] = field(default_factory=set)
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
        if not self.case.write_test:
            return self.read(connection, token)[0]
        fields = made_up_attendee(self.case.write_test)
        seen = self.write(connection, token, fields)
        if not self._may_be_stored(seen):
            return seen
        is_shown = self.shows(connection, token, fields)
        if is_shown or self._is_silent(connection, token, seen):
            again = self.write(connection, token, fields)  # surely of one who was there
            of_new = self._write_new(connection, token).read
            unread = replace(again, stage=Stage.UNREAD, of_new=of_new)
            return replace(unread, is_shown=is_shown, is_silent=not is_shown)
        self._not_shown.add(seen.gist(self.event_code))
        return seen

    def _may_be_stored(self, seen: Seen) -> bool:
        """Tell whether an answer that is read as no success may be one, for all that is known."""
        if seen.stage not in _UNCLEAR or seen.gist(self.event_code) in self._not_shown:
            return False
        return seen.read is not None and is_success(seen.read.status)

    def _is_silent(self, connection: Connection, token: AccessToken, seen: Seen) -> bool:
        """Tell whether an answer has no words, where what must be refused for itself has some."""
        if seen.said:
            return False
        _, *to_be_refused = self._to_be_refused(token)
        refusals = (self.write(connection, token, sent, event) for _, sent, event in to_be_refused)
        return all(each.said and not each.is_later for each in refusals)

    def shows(
        self, connection: Connection, token: AccessToken, fields: Mapping[str, str], event: str = ""
    ) -> bool:
        """Tell whether a read shows what was written just now, wherever in its answer."""
        for number in range(_SHOWN_READS):
            if number:
                self.sleep(_SHOWN_SECONDS)
            seen, _ = self.read(connection, token, event, self.case.write_test)
            text = seen.read.text if seen.read else ""
            if fields["lastname"].casefold() in text.casefold():
                return True
        return False

    def token(self, connection: Connection) -> AccessToken | Seen:
        """Return a token for a connection, or how it was refused."""
        key = access_token.grant_digest(connection, self.case.credentials)
        if key not in self._tokens:
            self._tokens[key] = self._ask(connection, key)
        found = self._tokens[key]
        if isinstance(found, Seen):
            return found
        return replace(found, audience=access_token.audience(connection))

    @property
    def has_token(self) -> bool:
        """Tell whether a token was granted, so that the secret is right."""
        return any(isinstance(each, AccessToken) and each.value for each in self._tokens.values())

    def may_ask(self, connection: Connection) -> bool:
        """Tell whether a token may be asked for, if there is none yet for the connection."""
        key = access_token.grant_digest(connection, self.case.credentials)
        is_asking = connection.auth.kind == "oauth" and key not in self._tokens
        return not is_asking or self.has_token or self.refusals < MAX_REFUSALS

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

    def _write_new(self, connection: Connection, token: AccessToken) -> Seen:
        """Store somebody who was not there before: it may be answered otherwise."""
        local, _, domain = self.case.write_test.rpartition("@")
        fields = made_up_attendee(f"{local}-{secrets.token_hex(3)}@{domain}")
        return self.write(connection, token, fields)

    def written_new(self, connection: Connection) -> Seen:
        """Store somebody who was not there before, and return what is seen."""
        token = self.token(connection)
        return token if isinstance(token, Seen) else self._write_new(connection, token)

    def can_refuse(self, connection: Connection) -> bool:
        """Tell whether calls that must be refused are not read as successes, by the settings.

        They show a token that is none, an event that is none, and no e-mail address. What is
        refused by its status for the token, by a gateway say, tells nothing of other answers.
        Where reads show what was written, one that is read as a success must be shown; where they
        don't, one refusal will do.
        """
        token = self.token(connection)
        if isinstance(token, Seen):
            return False
        fields = made_up_attendee(self.case.write_test)
        has_reads = is_stored(self.write(connection, token, fields)) and self.shows(
            connection, token, fields
        )
        is_refused = False
        for shown, sent, event in self._to_be_refused(token):
            seen = self.write(connection, shown, sent, event)
            if not is_stored(seen):
                is_refused = is_refused or shown is token or is_success(seen.status or 0)
            elif has_reads and not self.shows(connection, token, sent, event):
                return False
            if is_refused and not has_reads:
                return True
        return is_refused

    def _to_be_refused(
        self, token: AccessToken
    ) -> Iterator[tuple[AccessToken, Mapping[str, str], str]]:
        """Yield tokens, fields and events with which nothing can be stored."""
        wrong = replace(
            token,
            value=made_up("token") if token.value else "",
            client_id=made_up("client"),
            profile_token=made_up("profile-token"),
        )
        fields = made_up_attendee(self.case.write_test)
        yield wrong, fields, ""
        yield token, {name: text for name, text in fields.items() if name != "email"}, ""
        yield token, made_up_attendee(self.case.write_test), made_up("event")

    def _called(
        self, connection: Connection, request: requests.Request, sent: Sent, token: AccessToken
    ) -> tuple[Seen, Reading | None]:
        self._wait(connection)
        received = RainFocusClient(self.http).send(connection, request)
        read = None if isinstance(received, Exception) else reading.read(received)
        answer = judge(received, connection, sent)
        return answers.seen(answer, read, sent, str(request.url), token), read

    def _ask(self, connection: Connection, key: str) -> AccessToken | Seen:
        credentials = self.case.credentials
        read: Reading | None = None
        try:
            if connection.auth.kind == "profile_token":
                return token_endpoint.obtain(self.http, connection, credentials)[0]
            token_endpoint.require(connection, credentials)
            self._wait(connection)
            now = int(time.time())
            read = token_endpoint.ask(self.http, connection, credentials)
            token, remark = token_endpoint.granted(read, connection, credentials, now)
        except TokenNotGrantedError as error:
            sent = Sent.of((), vars(credentials).values())
            seen = answers.refused_token(
                str(error), error.cause, read, sent, connection.auth.token_url
            )
            if read is not None and read.status not in _NOT_LOOKED_AT:
                self._count_refusal(words.said(read), read.status)
            return seen
        self.findings.tokens.add(token.value)
        self._remarks[key] = remark
        self.addresses += _addresses(read, connection)
        return token

    def _count_refusal(self, said: str, status: int) -> None:
        """Count an answer that may be about the secret, and not about what else is missing."""
        if _WRONG_SECRET.search(said):
            self.refusals = MAX_REFUSALS
        elif status != _BAD_REQUEST or not answers.MISSING.search(said):
            self.refusals += 1

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


def _addresses(read: Reading, connection: Connection) -> list[str]:
    """Return the sites that an answer with a token names, but for those that are called already."""
    known = {urlsplit(each).netloc for each in (connection.base, connection.auth.token_url)}
    texts = read.body.values() if isinstance(read.body, dict) else ()
    parts = [urlsplit(each) for each in texts if isinstance(each, str) and _ADDRESS.fullmatch(each)]
    return [f"https://{each.netloc}" for each in parts if each.netloc not in known]


def _trace_parent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
