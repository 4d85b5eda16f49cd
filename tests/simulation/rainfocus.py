"""RainFocus: what it stores, what it answers, and what of that is heard."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Self

import requests
from requests.structures import CaseInsensitiveDict

from tests.simulation.faults import Faults
from tests.simulation.network import Network
from tests.simulation.scheduler import Scheduler

TOKEN_URL = "https://token.example.com/oauth/token"
CLIENT_ID = "client-of-the-simulation"
_LATE = 1.0  # seconds at most after which what was given up is carried out all the same

type Answer = tuple[int, Mapping[str, object] | str, Mapping[str, str]]
# An answer's status, what it says, and whether it may be a fault of the connection.


def _envelope(code: str, message: str, status: int = 200, **more: object) -> Answer:
    return status, {"responseCode": code, "responseMessage": message, **more}, {}


class _Response:
    """What of requests.Response is used."""

    def __init__(self, answer: Answer) -> None:
        self.status_code, told, headers = answer
        self.headers = CaseInsensitiveDict(headers)
        self._body = (told if isinstance(told, str) else json.dumps(told)).encode()
        self.raw = self

    def read1(self, _most: int, *, decode_content: bool) -> bytes:
        assert decode_content
        body, self._body = self._body, b""
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class RainFocus:
    """RainFocus at the other end of every HTTP session, which is this one.

    What of requests lies in between is played by tests of calls and of answers, without it.
    """

    def __init__(
        self, scheduler: Scheduler, network: Network, faults: Faults, random: Random
    ) -> None:
        self._scheduler = scheduler
        self._network = network
        self._faults = faults
        self._random = random
        self.attendees: dict[str, dict[str, str]] = {}
        self.refused_tags: set[str] = set()  # states that it does not take
        self.mode = ""  # an episode that goes on
        self.slowest = 6.0  # seconds that an answer takes then
        self.secrets = {"first-secret-of-the-simulation"}
        self.tokens: dict[str, float] = {}  # that live, and until when
        self.lifetime = 3_600
        self.has_one_token = False  # a new token ends those before it
        self.granted = 0
        self.granted_at = 0.0
        self._granting = 0
        self.on_call: Callable[[str, Mapping[str, str]], object] = lambda _email, _fields: None
        self.on_stored: Callable[[str, Mapping[str, str]], object] = lambda _email, _fields: None
        self.on_heard: Callable[[Mapping[str, str], int, str, float], object] = lambda *_: None
        self.on_trouble: Callable[[], object] = lambda: None  # with a token
        self.on_granted: Callable[[], object] = lambda: None
        self.on_granting: Callable[[int], object] = lambda _at_once: None

    def prepare_request(self, request: requests.Request) -> requests.Request:
        """Return a request as it is sent."""
        return request

    def send(self, request: requests.Request, **options: Any) -> _Response:
        """Answer a request. Raises requests' errors."""
        seconds = sum(options["timeout"])
        process = self._scheduler.task.process
        self._network.require_alive()
        if self._faults.strikes("kill", process.name):
            self._scheduler.die()
        if request.url == TOKEN_URL:
            return _Response(self._grant(request, seconds))
        return _Response(self._store(request, seconds))

    def _grant(self, request: requests.Request, seconds: float) -> Answer:
        """Answer a request for a token."""
        self._granting += 1
        self.on_granting(self._granting)
        try:
            if self.mode == "outage" or self._faults.strikes("token-error"):
                self.on_trouble()
                return 503, "", {}
            secret = request.data["client_secret"]
            answer = self._carry(lambda: self._new_token(secret), seconds)
            if self._faults.strikes("token-lost"):
                self.on_trouble()
                raise requests.ConnectionError
            return answer
        finally:
            self._granting -= 1

    def _new_token(self, secret: str) -> Answer:
        if secret not in self.secrets:
            return 401, {"error": "invalid_client"}, {}
        if self.has_one_token:
            self.tokens.clear()
        self.granted += 1
        self.granted_at = self._scheduler.now
        self.on_granted()
        token = f"token-of-the-simulation-{self.granted}"
        self.tokens[token] = self._scheduler.now + self.lifetime
        return 200, {"access_token": token, "expires_in": self.lifetime}, {}

    def _store(self, request: requests.Request, seconds: float) -> Answer:
        """Answer a call of attendee/store."""
        fields: Mapping[str, str] = request.json or {}
        shown = request.headers["Authorization"].removeprefix("Bearer ")
        self.on_call(fields["email"], fields)
        answer = self._answer(fields, shown, seconds)
        status, told, headers = answer
        code = told.get("responseCode", "") if isinstance(told, dict) else ""
        self.on_heard(fields, status, code, float(headers.get("Retry-After", 0)))
        return answer

    def _answer(self, fields: Mapping[str, str], token: str, seconds: float) -> Answer:
        def effect() -> Answer:
            return self._judged(fields, token)

        strikes = self._faults.strikes
        if self.mode == "hang" or strikes("api-unsent"):
            self._scheduler.sleep(seconds)
            raise requests.ReadTimeout

        def unheard() -> None:
            effect()
            if strikes("api-fickle"):
                self.refused_tags.add(fields["jobtitle"])

        if strikes("api-late"):
            self._scheduler.at(seconds + self._random.random() * _LATE, unheard)
            self._scheduler.sleep(seconds)
            raise requests.ReadTimeout
        if strikes("api-lost"):
            self._scheduler.at(self._network.latency(), unheard)
            self._scheduler.sleep(seconds)
            raise requests.ReadTimeout
        if self._faults.strikes("kill-after", self._scheduler.task.process.name):
            self._scheduler.at(self._network.latency(), unheard)
            self._scheduler.die()
        answer = self._carry(effect, seconds)
        if strikes("api-died"):
            raise requests.ConnectionError
        return (500, "", {}) if strikes("api-stored-error") else answer

    def _carry(self, effect: Callable[[], Answer], seconds: float) -> Answer:
        slow = (
            self._random.uniform(0.5, self.slowest)
            if self.mode == "slow"
            else self._random.random() / 5
        )
        answer: Answer | None = self._network.carry(effect, seconds)
        self._scheduler.sleep(min(slow, seconds))
        if answer is None or slow >= seconds:
            raise requests.ReadTimeout
        return answer

    def _judged(self, fields: Mapping[str, str], token: str) -> Answer:
        """Return what RainFocus does with a call that reaches it."""
        if trouble := self._trouble():
            return trouble
        if self.tokens.get(token, 0.0) <= self._scheduler.now:
            return 401, {"error": "invalid_token"}, {}
        if fields["jobtitle"] in self.refused_tags:
            told = f"{fields['email']} ({fields['lastname']}): countryid is not known"
            return _envelope("105", told, 400)
        self.attendees.setdefault(fields["email"], {}).update(
            {name: text for name, text in fields.items() if name != "event"}
        )
        self.on_stored(fields["email"], fields)
        return _envelope("0", "Success", attendeeId=f"id{len(self.attendees)}")

    def _trouble(self) -> Answer | None:
        """Return an answer that tells of nothing but RainFocus's own trouble, if it has some."""
        strikes = self._faults.strikes
        if self.mode == "outage" or strikes("api-error"):
            return 503, "", {}
        if self.mode == "lock-out" or strikes("api-forbidden"):
            return _envelope("403", "forbidden", 403)
        if strikes("api-busy"):
            return 429, "", {"Retry-After": str(self._random.randrange(1, 40))}
        if strikes("api-page"):
            return 200, "<html>hello</html>", {}
        if strikes("api-code"):
            return _envelope("503", "down for maintenance, try again")
        return None
