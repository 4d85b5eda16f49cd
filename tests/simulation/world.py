"""One run: a stack, people who use it, and all that goes wrong."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import clients
from attendee_sync.aws.fifo_queue import FifoQueue, QueueUnavailableError
from attendee_sync.aws.settings import credentials_of, parameter_of, secret_id
from attendee_sync.messaging import dead_letters, messages
from tests.simulation import faults as kinds_of
from tests.simulation.aws import EventSourceMapping, Lambda
from tests.simulation.faults import Faults
from tests.simulation.invariants import Judge
from tests.simulation.network import Network
from tests.simulation.patches import patched
from tests.simulation.people import MAPPINGS, State, people
from tests.simulation.queues import DEAD_LETTERS_URL, PROFILES_URL, Queues
from tests.simulation.rainfocus import CLIENT_ID, TOKEN_URL, RainFocus
from tests.simulation.scheduler import START, Process, Scheduler
from tests.simulation.stores import Parameters, Secrets, Tables
from tests.support.stack import STACK

_SENDERS = 2
_PATIENCE = 2.0  # seconds that a sender waits for an answer
_ATTEMPTS = 4  # of a sender with one push
_LONGEST_SETTLING = 4 * 3600.0
_HEARTBEAT_SECONDS = 300.0
# Seconds at most, of an episode; the longest, in which little happens, now and then only.
_LAST = (5.0, 5.0, 60.0, 60.0, 600.0, 600.0, 600.0, 3_600.0)
_BAD = {"firstName": "Nobody", "email": "no address"}
_FIRST_INGEST_TOKEN = "first-secret-of-the-simulation-for-senders"


@dataclass(frozen=True)
class Run:
    """What a run is made of: it comes out the same each time."""

    seed: int
    profiles: int
    kinds: frozenset[str]

    @classmethod
    def of_seed(cls, seed: int, profiles: int) -> "Run":
        """Return the run of a seed, with all faults that it draws."""
        return cls(seed, profiles, kinds_of.drawn(seed))


@dataclass(frozen=True)
class Result:
    """What became of a run."""

    violation: str  # the first one; empty if everything held
    history: str  # a digest of all that was seen
    accepted: int
    outcomes: Counter[str]
    calls: int
    faults: Counter[str]
    hours: float  # by the played clock
    events: int


def play(run: Run, tell: Callable[[str], object] | None = None) -> Result:
    """Play one run to its end, or to the first violation; `tell` gets all that is seen."""
    return _World(run, tell).play()


class _World:
    def __init__(self, run: Run, tell: Callable[[str], object] | None) -> None:
        self._run = run
        self._random = Random(f"{run.seed} world")
        self._scheduler = Scheduler(Random(f"{run.seed} order"))
        self._faults = Faults(run.seed, run.kinds)
        self._faults.spared = lambda name: name == "lambda"
        self._network = Network(self._scheduler, self._faults, Random(f"{run.seed} latency"))
        self._rainfocus = RainFocus(
            self._scheduler, self._network, self._faults, Random(f"{run.seed} rainfocus")
        )
        self._max_age = self._random.choice((1, 24))
        self._judge = Judge(self._scheduler, self._rainfocus, 3600.0 * self._max_age)
        self._queues = Queues(self._scheduler, self._faults)
        self._tables = Tables(self._scheduler, self._faults)
        self._parameters = Parameters(self._scheduler, self._faults)
        self._secrets = Secrets(self._scheduler, self._faults)
        self._functions = Lambda(
            self._scheduler, self._network, self._faults, Random(f"{run.seed} lambda")
        )
        self._mapping = EventSourceMapping(
            self._scheduler, self._functions, self._queues, self._faults, self._judge
        )
        self._ingest_token = _FIRST_INGEST_TOKEN
        self._steady: State | None = None  # of somebody whom RainFocus takes
        self._settling = False
        self._busy = 0  # senders and episodes that have not ended
        self._judge.tell = tell or self._judge.tell
        self._connect()
        self._set_up()

    def _connect(self) -> None:
        """Let the parts know each other, and the judge see them all."""
        judge, rainfocus = self._judge, self._rainfocus
        self._network.services = {
            "sqs": self._queues,
            "dynamodb": self._tables,
            "ssm": self._parameters,
            "secretsmanager": self._secrets,
            "lambda": self._functions,
        }
        self._network.on_fault = judge.fault
        self._queues.on_sent = self._sent
        self._tables.on_put = judge.written
        self._functions.on_error, self._functions.on_limit = judge.fail, judge.ran_out_of_time
        rainfocus.on_call, rainfocus.on_stored = judge.called, judge.stored
        rainfocus.on_heard, rainfocus.on_granting = judge.heard, judge.granting

    def _sent(self, url: str, message: Any) -> None:
        self._judge.sent(url, message)
        self._mapping.look()

    def _set_up(self) -> None:
        rainfocus, random = self._rainfocus, self._random
        rainfocus.lifetime = random.choice((600, 3_600, 86_400))
        rainfocus.has_one_token = random.random() < 0.5
        self._queues.most_in_flight = random.choice((120_000, 120_000, 30))
        connection = {"org_id": "acme", "auth": {"token_url": TOKEN_URL}}
        self._parameters.put(parameter_of(STACK, "connections", "default"), json.dumps(connection))
        self._remap(0)
        [secret] = rainfocus.secrets
        self._set_credentials(secret)
        self._secrets.put(secret_id(STACK, "ingest-token"), self._ingest_token)
        self._secrets.put(secret_id(STACK, "hash-key"), "secret-of-the-simulation-to-hash-with")
        self._secrets.put(secret_id(STACK, "api-profile/default"), "{}")

    def play(self) -> Result:
        """Play everything."""
        variables = {"MAX_AGE_HOURS": str(self._max_age)}
        chance = Random(f"{self._run.seed} chance")
        with patched(self._scheduler, self._network, self._rainfocus, chance, variables) as output:
            output.on_line = lambda text: self._judge.line(text, self._scheduler.task.process)
            self._begin()
            self._go_on_until(lambda: not self._busy, 7 * 86_400.0)
            self._end_faults()
            self._spawn("sender", self._push_steady)  # it is well, if these come to an end
            self._go_on_until(lambda: not self._busy, 3600.0)
            self._settle()
            if not self._judge.violations:
                self._rainfocus.refused_tags.clear()
                for _ in range(2):  # SQS shows some dead letters only once others are gone
                    self._spawn("operator", self._redrive_all)
                    self._go_on_until(lambda: not self._busy, 86_400.0)
                    self._settle()
                if not self._judge.violations:
                    self._judge.check_all_took_effect()
        return self._result()

    def _begin(self) -> None:
        lambda_, random = self._functions.itself, self._random
        self._scheduler.spawn(lambda_, self._functions.keep_schedule)
        self._mapping.begin()
        self._scheduler.spawn(Process("sender"), self._keep_pushing)
        crowd = people(max(1, self._run.profiles // random.choice((2, 4, 8))), random)
        tags = [state.tag for states in crowd for state in states]
        self._rainfocus.refused_tags = set(random.sample(tags, len(tags) // 12))
        # With a state that was not pushed before each time, since `unchanged` proves nothing.
        self._steady = people(len(crowd) + 1, random)[-1][-1]
        left = self._run.profiles
        for n in range(_SENDERS):
            count = left if n == _SENDERS - 1 else left // 2
            left -= count
            pushes = Random(f"{self._run.seed} sender {n}")
            self._spawn("sender", partial(self._push, crowd, count, pushes))
        for kind in sorted(self._run.kinds & set(kinds_of.EPISODES)):
            self._spawn("operator", partial(self._episodes, kind))

    def _spawn(self, name: str, work: Callable[[], object]) -> None:
        """Have somebody outside do something, which may fail, and then ends."""
        self._busy += 1

        def do() -> None:
            try:
                work()
            finally:
                self._busy -= 1

        self._scheduler.spawn(Process(name), do)

    def _go_on_until(self, is_over: Callable[[], bool], seconds: float) -> None:
        violations = self._judge.violations
        if not violations and not self._scheduler.run(
            lambda: bool(violations) or is_over(), seconds
        ):
            self._judge.fail("it does not come to an end")

    def _end_faults(self) -> None:
        self._faults.is_over = True
        self._faults.away.clear()
        self._set_mode("")
        self._mapping.is_enabled = True
        self._mapping.look()

    def _settle(self) -> None:
        """Let everything come to its end, and look at it."""
        if self._judge.violations:
            return
        self._settling = True
        limit = _LONGEST_SETTLING
        self._scheduler.run(lambda: bool(self._judge.violations or self._is_quiet()), limit)
        self._settling = False
        if not self._judge.violations:
            self._judge.check_at_end(len(self._queues.messages(PROFILES_URL)))

    def _keep_pushing(self) -> None:
        """Push somebody now and then: over a paused connection one refused alone proves nothing."""
        while True:
            self._scheduler.sleep(_HEARTBEAT_SECONDS)
            if self._settling:
                self._push_steady()

    def _push_steady(self) -> None:
        if self._steady:
            tag = f"{self._steady.tag}x{self._functions.new_request_id()}"
            profile = {**self._steady.profile, "jobTitle": tag}
            self._push_once([replace(self._steady, tag=tag, profile=profile)])

    def _is_quiet(self) -> bool:
        return not self._queues.messages(PROFILES_URL)

    # --- senders ------------------------------------------------------------------------------

    def _push(self, crowd: Sequence[Sequence[State]], count: int, random: Random) -> None:
        while count > 0:
            self._scheduler.sleep(random.choice((0.1, 1.0, 30.0, 120.0)) * random.random())
            size = min(count, random.choice((1, 2, 5, 12, 25)))
            count -= size
            few = random.sample(crowd, min(len(crowd), random.choice((1, 3, 12, 100))))
            states: list[State | None] = [random.choice(random.choice(few)) for _ in range(size)]
            if random.random() < 0.1:
                states[0] = None
            for _ in range(_ATTEMPTS):
                if self._push_once(states):
                    break
                self._scheduler.sleep(random.uniform(1, 20))

    def _push_once(self, states: Sequence[State | None]) -> bool:
        request_id = self._functions.new_request_id()
        self._judge.pushed(request_id, states)
        event = {
            "resource": "/v1/destinations/{destination}/profiles",
            "pathParameters": {"destination": "default"},
            "headers": {
                "Authorization": f"Bearer {self._ingest_token}",
                "Content-Type": "application/json",
            },
            "body": json.dumps([each.profile if each else _BAD for each in states]),
        }
        began = self._scheduler.now
        answer, _ = self._functions.run("ingest", event, request_id)
        if answer is None or answer["statusCode"] != 202:
            return False
        rejected = [each["index"] for each in json.loads(answer["body"])["rejected"]]
        self._judge.accepted(request_id, rejected)
        return self._scheduler.now - began <= _PATIENCE

    # --- what goes wrong for a while, and what operators do -----------------------------------

    def _episodes(self, kind: str) -> None:
        random = Random(f"{self._run.seed} {kind} episodes")
        for _ in range(random.choice((1, 1, 2, 4))):
            self._scheduler.sleep(random.choice((10, 60, 600)) * random.random())
            try:
                self._episode(kind, random)
            except (BotoCoreError, ClientError, QueueUnavailableError):
                continue  # an operator sees it, and tries again later

    def _episode(self, kind: str, random: Random) -> None:
        lasts = random.choice(_LAST) * random.random()
        match kind:
            case "outage" | "hang" | "lock-out" | "slow":
                self._have_mode(kind, lasts)
            case "revoked":
                self._rainfocus.tokens.clear()
            case "table-away" | "queue-away":
                self._have_away(kind.partition("-")[0], min(lasts, 600.0))
            case "idle":
                self._mapping.is_enabled = False
                self._scheduler.sleep(lasts)
                self._mapping.is_enabled = True
                self._mapping.look()
            case "redrive":
                self._redrive()
            case "remap":
                self._remap(random.randrange(len(MAPPINGS)))
            case "new-credentials":
                self._rotate_credentials(f"secret-of-the-simulation-{random.random()}")
            case "new-ingest-token":
                self._rotate_ingest_token(f"secret-of-the-simulation-{random.random()}")
            case "forced-token":
                self._functions.run("token-refresh", {"connection": "default", "force": True})

    def _have_mode(self, mode: str, seconds: float) -> None:
        if not self._rainfocus.mode:
            self._set_mode(mode)
            self._scheduler.sleep(seconds)
            self._set_mode("")

    def _set_mode(self, mode: str) -> None:
        self._rainfocus.mode = mode
        self._judge.pauses.see_mode(mode)

    def _have_away(self, kind: str, seconds: float) -> None:
        self._judge.pauses.see_table_away()
        self._faults.away.add(f"{kind}-refused")
        self._scheduler.sleep(seconds)
        self._faults.away.discard(f"{kind}-refused")

    def _redrive_all(self) -> None:
        self._scheduler.sleep(60.0)  # until all are to be seen
        self._redrive()

    def _redrive(self) -> None:
        """Put dead letters back on the profile queue as the command does, in its order."""
        client = clients.client("sqs")
        queue = FifoQueue(client, PROFILES_URL)
        for _ in range(100):
            found = client.receive_message(QueueUrl=DEAD_LETTERS_URL).get("Messages", [])
            if not found:
                return
            letters = [dead_letters.from_sqs(each) for each in found]
            due = [each.message for each in letters if each.message.attempt]  # not ingest's own
            queue.send(
                [
                    messages.requeue_message(each, each.group, f"redrive-{each.message_id}")
                    for each in due
                ]
            )
            entries = [{"Id": str(n), "ReceiptHandle": each.receipt} for n, each in enumerate(due)]
            if entries:
                client.delete_message_batch(QueueUrl=DEAD_LETTERS_URL, Entries=entries)

    def _remap(self, version: int) -> None:
        destination = {"event_code": "summit", "mapping": MAPPINGS[version]}
        name = parameter_of(STACK, "destinations", "default")
        self._parameters.put(name, json.dumps(destination))
        self._judge.remapped(version)

    def _set_credentials(self, secret: str) -> None:
        text = json.dumps({"client_id": CLIENT_ID, "client_secret": secret})
        self._secrets.put(secret_id(STACK, credentials_of("default")), text)

    def _rotate_credentials(self, secret: str) -> None:
        """Enter new credentials; RainFocus takes the old ones no more, nor their tokens."""
        self._rainfocus.secrets = {secret}
        self._rainfocus.tokens.clear()
        self._set_credentials(secret)
        self._functions.run("token-refresh", {"connection": "default", "force": True})

    def _rotate_ingest_token(self, token: str) -> None:
        """Make a new token for senders, who show it a minute later."""
        self._secrets.put(secret_id(STACK, "ingest-token"), token)
        self._scheduler.sleep(60.0)
        self._ingest_token = token

    def _result(self) -> Result:
        judge = self._judge
        return Result(
            violation=judge.violations[0] if judge.violations else "",
            history=judge.history.hexdigest(),
            accepted=sum(each.is_accepted for each in judge.stories.values()),
            outcomes=judge.outcomes,
            calls=judge.calls,
            faults=self._faults.struck,
            hours=(self._scheduler.now - START) / 3600,
            events=self._scheduler.events,
        )
