"""A crowd that waits over one connection, and how another destination fares beside it.

Played with the real ingest, delivery and token refresh, and no faults but that RainFocus refuses
all that comes over the crowd's connection: python -m tests.simulation --crowd 150000
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from attendee_sync.aws.settings import credentials_of, parameter_of, secret_id
from attendee_sync.delivery.ledger import AttemptNote, Ledger
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.messaging.lanes import queue_name
from tests.simulation.aws import EventSourceMapping, Lambda
from tests.simulation.faults import Faults
from tests.simulation.network import Network
from tests.simulation.patches import patched
from tests.simulation.queues import MOST_IN_FLIGHT, PROFILES_URL, Queues
from tests.simulation.rainfocus import CLIENT_ID, TOKEN_URL, Answer, RainFocus
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.stores import Parameters, Secrets, Tables
from tests.support import fakes
from tests.support.stack import STACK

CROWD, OTHER = "crowd", "default"  # destinations, with a connection of that name each
_TOKEN = "secret-of-the-simulation-for-senders"
_OWN_URL = f"{PROFILES_URL.rpartition('/')[0]}/{queue_name(STACK, CROWD)}"
_PER_PUSH = 1_000
_SETTLING_SECONDS = 60.0  # in which the connection is paused, if it was not
_OTHERS = 100
_APART_SECONDS = 0.5
_PATIENCE_SECONDS = 120.0
_HOUR = 3600.0
_VARIABLES = {"MAX_AGE_HOURS": "24"}
_WAIT_IN_OUTAGE = 600  # at most
_RECEIVES = 100  # of what has waited for hours


@dataclass(frozen=True)
class Crowd:
    """A crowd, and where it waits."""

    size: int
    has_own_lane: bool
    waited: float = 0.0  # seconds, by when most of it is in flight
    most_in_flight: int = MOST_IN_FLIGHT


@dataclass
class Fared:
    """How the other destination fared."""

    in_flight: int  # messages of the crowd's lane, when the last of the others was pushed
    seconds: list[float] = field(default_factory=list)  # from a push until RainFocus answered

    @property
    def p95(self) -> float:
        """Seconds that 95 of 100 stay within; infinite if too many were not delivered."""
        late = [math.inf] * (_OTHERS - len(self.seconds))
        return sorted([*self.seconds, *late])[math.ceil(0.95 * _OTHERS) - 1]


@dataclass(frozen=True)
class Outage:
    """What an hour without RainFocus cost those who waited."""

    failed_calls: int
    receives: float  # of each profile, on average
    last: float  # seconds from RainFocus's return until nothing waited any more
    stored: int  # attendees, in the end


def told(size: int) -> Iterator[str]:
    """Play crowds of that size, and tell how the other destination fared."""
    few = min(size, _WAIT_IN_OUTAGE)
    outage = play_outage(few)
    yield (
        f"{few:,} wait for an hour in which RainFocus answers 503: {outage.failed_calls} failed "
        f"calls, {outage.receives:.0f} receives each, {outage.stored:,} delivered, the last "
        f"{outage.last:.0f} s after its return"
    )
    idle = play(Crowd(0, has_own_lane=False)).p95
    yield f"p95 from a push until RainFocus answered, with no crowd: {idle:.2f} s"
    for waited in (0.0, 6 * _HOUR):
        for has_own_lane in (True, False):
            fared = play(Crowd(size, has_own_lane, waited))
            lane = "a lane of its own" if has_own_lane else "the shared lane"
            where = f"beside {size:,} that wait in {lane} for {waited / _HOUR:.0f} h"
            yield (
                f"{where} ({fared.in_flight:,} in flight): {len(fared.seconds)} of {_OTHERS} "
                f"delivered, p95 {fared.p95:.2f} s, {fared.p95 / idle:.1f} times that"
            )


def play(crowd: Crowd) -> Fared:
    """Let a crowd wait, push others beside it, and return how these fared."""
    return _World(crowd).play()


def play_outage(size: int) -> Outage:
    """Have RainFocus away for an hour while a crowd waits in a lane of its own."""
    return _World(Crowd(size, has_own_lane=True)).play_outage()


class _RainFocus(RainFocus):
    """Refuses whatever comes over the crowd's connection."""

    status = 403  # 0 once it refuses nothing any more
    refused = 0

    def _judged(self, fields: Mapping[str, str], token: str) -> Answer:
        if fields["event"] == CROWD and self.status:
            self.refused += 1
            return self.status, {"responseCode": "403", "responseMessage": "forbidden"}, {}
        return super()._judged(fields, token)


class _Nobody:
    """Who is told of deliveries, and makes nothing of it."""

    def delivery_began(self) -> None:
        pass

    def invocation_ended(self, profiles: Any, *, is_clean: bool, is_dead: bool) -> None:
        pass


class _World:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        faults = Faults(0, ())
        self._scheduler = scheduler = Scheduler(Random("order"))
        self._network = Network(scheduler, faults, Random("latency"))
        self._rainfocus = _RainFocus(scheduler, self._network, faults, Random("rainfocus"))
        self._queues = Queues(scheduler, faults)
        self._queues.create(_OWN_URL)
        self._queues.most_in_flight = crowd.most_in_flight
        self._url = _OWN_URL if crowd.has_own_lane else PROFILES_URL
        self._tables = Tables(scheduler, faults)
        self._parameters = Parameters(scheduler, faults)
        self._secrets = Secrets(scheduler, faults)
        self._functions = Lambda(scheduler, self._network, faults, Random("lambda"))
        self._mappings = {
            url: EventSourceMapping(scheduler, self._functions, self._queues, faults, _Nobody())
            for url in (PROFILES_URL, _OWN_URL)
        }
        for url, mapping in self._mappings.items():
            mapping.url = url
        self._network.services = {
            "sqs": self._queues,
            "dynamodb": self._tables,
            "ssm": self._parameters,
            "secretsmanager": self._secrets,
            "lambda": self._functions,
        }
        self._pushed_at: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._set_up()

    def play_outage(self) -> Outage:
        """Play an hour without RainFocus, and its return."""
        rainfocus, scheduler = self._rainfocus, self._scheduler
        rainfocus.status = 503
        with patched(scheduler, self._network, rainfocus, Random("chance"), _VARIABLES):
            self._do(self._push_crowd)
            waiting = self._queues.messages(self._url)
            self._begin()
            scheduler.run(lambda: False, _HOUR)
            rainfocus.status = 0
            back = scheduler.now
            assert scheduler.run(lambda: not self._queues.messages(self._url), _HOUR)
        mean = sum(each.receives for each in waiting) / len(waiting)
        return Outage(rainfocus.refused, mean, scheduler.now - back, len(rainfocus.attendees))

    def play(self) -> Fared:
        """Play all of it."""
        with patched(self._scheduler, self._network, self._rainfocus, Random("chance"), _VARIABLES):
            self._do(self._push_crowd)
            self._wait_for_hours()
            self._begin()
            self._scheduler.run(lambda: False, _SETTLING_SECONDS)
            self._rainfocus.on_heard = self._heard
            self._do(self._push_others)
            fared = Fared(self._in_flight())
            self._scheduler.run(lambda: len(self._seconds) == _OTHERS, _PATIENCE_SECONDS)
            fared.seconds = list(self._seconds.values())
        return fared

    def _begin(self) -> None:
        """Have tokens renewed, and lanes delivered."""
        self._scheduler.spawn(self._functions.itself, self._functions.keep_schedule)
        self._queues.on_sent = lambda url, _message: self._mappings[url].look()
        for mapping in self._mappings.values():
            mapping.begin()

    def _set_up(self) -> None:
        for name in (CROWD, OTHER):
            connection = {"org_id": "acme", "auth": {"token_url": TOKEN_URL}}
            lane = "own" if name == CROWD and self._crowd.has_own_lane else "shared"
            destination = {"event_code": name, "connection": name, "lane": lane}
            self._put("connections", name, connection)
            self._put("destinations", name, destination)
            credentials = {"client_id": CLIENT_ID, "client_secret": min(self._rainfocus.secrets)}
            self._secrets.put(secret_id(STACK, credentials_of(name)), json.dumps(credentials))
            self._secrets.put(secret_id(STACK, f"api-profile/{name}"), "{}")
        self._secrets.put(secret_id(STACK, "ingest-token"), _TOKEN)
        self._secrets.put(secret_id(STACK, "hash-key"), "secret-of-the-simulation-to-hash-with")

    def _put(self, kind: str, name: str, settings: Mapping[str, Any]) -> None:
        self._parameters.put(parameter_of(STACK, kind, name), json.dumps(settings))

    def _do(self, work: Callable[[], object]) -> None:
        """Have a sender do something, to its end."""
        done: list[bool] = []

        def do() -> None:
            work()
            done.append(True)

        self._scheduler.spawn(Process("sender"), do)
        assert self._scheduler.run(lambda: bool(done), math.inf)

    def _push_crowd(self) -> None:
        everyone = range(self._crowd.size)
        for first in everyone[::_PER_PUSH]:
            some = everyone[first : first + _PER_PUSH]
            self._push(CROWD, [_profile(f"zqxqz{n}") for n in some])

    def _push_others(self) -> None:
        for n in range(_OTHERS):
            profile = _profile(f"zqxqz-other{n}")
            self._pushed_at[profile["email"]] = self._scheduler.now
            self._scheduler.spawn(Process("sender"), partial(self._push, OTHER, [profile]))
            self._scheduler.sleep(_APART_SECONDS)

    def _push(self, destination: str, profiles: list[dict[str, str]]) -> None:
        event = {
            "resource": "/v1/destinations/{destination}/profiles",
            "pathParameters": {"destination": destination},
            "headers": {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"},
            "body": json.dumps(profiles),
        }
        answer, _ = self._functions.run("ingest", event)
        assert answer["statusCode"] == 202, answer

    def _wait_for_hours(self) -> None:
        """Have the crowd be as it is after so long: given out often, put back, and noted so."""
        waited = self._crowd.waited
        self._scheduler.run(lambda: False, waited)
        if not waited:
            return
        ledger, random = Ledger(self._tables, fakes.TABLE), Random("waits")
        longest = min(
            RetryPolicy.long_wait + waited * RetryPolicy.waited_part, RetryPolicy.max_wait
        )
        while batch := self._queues.give_out(self._url):
            for each in batch:
                each.receives = _RECEIVES
            notes = {each.id: AttemptNote(put_back=_RECEIVES) for each in batch}
            ledger.note_put_back(notes)
            entries = [
                {"ReceiptHandle": each.receipt, "VisibilityTimeout": 1 + random.random() * longest}
                for each in batch
            ]
            self._queues.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def _in_flight(self) -> int:
        answer = self._queues.get_queue_attributes(QueueUrl=self._url)
        return int(answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"])

    def _heard(self, fields: Mapping[str, str], *_answer: object) -> None:
        email = fields["email"]
        if email in self._pushed_at:
            self._seconds[email] = self._scheduler.now - self._pushed_at[email]


def _profile(mark: str) -> dict[str, str]:
    return {"email": f"{mark}@example.com", "firstName": "Ann", "lastName": mark, "jobTitle": "t"}
