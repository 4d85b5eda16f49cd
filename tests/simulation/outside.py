"""All that is outside of the code under test, put together: AWS, RainFocus, and who sees them."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from attendee_sync.aws.settings import credentials_of, parameter_of, secret_id
from tests.simulation.aws import EventSourceMapping, Lambda
from tests.simulation.faults import Faults
from tests.simulation.invariants import Judge
from tests.simulation.network import Network
from tests.simulation.people import MAPPINGS
from tests.simulation.queues import Queues
from tests.simulation.rainfocus import CLIENT_ID, TOKEN_URL, RainFocus
from tests.simulation.scheduler import Scheduler
from tests.simulation.stores import Parameters, Secrets, Stacks, Tables
from tests.support.stack import STACK

_FIRST_INGEST_TOKEN = "first-secret-of-the-simulation-for-senders"


class Outside:
    """The models of a run, and its stack's settings."""

    def __init__(self, seed: int, faults: Faults, tell: Callable[[str], object] | None) -> None:
        random = Random(f"{seed} world")
        self.scheduler = Scheduler(Random(f"{seed} order"))
        self.faults = faults
        self.network = Network(self.scheduler, faults, Random(f"{seed} latency"))
        self.rainfocus = RainFocus(
            self.scheduler, self.network, faults, Random(f"{seed} rainfocus")
        )
        self.max_age = random.choice((1, 24))  # hours
        self.judge = Judge(self.scheduler, self.rainfocus, 3600.0 * self.max_age)
        self.queues = Queues(self.scheduler, faults)
        self.tables = Tables(self.scheduler, faults)
        self.parameters = Parameters(self.scheduler, faults)
        self.secrets = Secrets(self.scheduler, faults)
        self.functions = Lambda(self.scheduler, self.network, faults, Random(f"{seed} lambda"))
        self.mapping = EventSourceMapping(
            self.scheduler, self.functions, self.queues, faults, self.judge
        )
        self.functions.mapping = lambda: self.mapping
        self.ingest_token = _FIRST_INGEST_TOKEN
        self.judge.tell = tell or self.judge.tell
        self._connect()
        self._set_up(random)

    def _connect(self) -> None:
        """Let the parts know each other, and the judge see them all."""
        judge, rainfocus = self.judge, self.rainfocus
        self.network.services = {
            "sqs": self.queues,
            "dynamodb": self.tables,
            "ssm": self.parameters,
            "secretsmanager": self.secrets,
            "lambda": self.functions,
            "cloudformation": Stacks(),
        }
        self.network.on_fault = judge.fault
        self.queues.on_sent = self._sent
        self.tables.on_put, self.tables.on_left_out = judge.written, judge.left_out
        self.functions.on_error, self.functions.on_limit = judge.fail, judge.ran_out_of_time
        rainfocus.on_call, rainfocus.on_stored = judge.called, judge.stored
        rainfocus.on_heard, rainfocus.on_granting = judge.heard, judge.granting
        rainfocus.on_granted = judge.granted
        rainfocus.on_trouble = self.functions.on_token_lost = judge.excuse_token

    def _sent(self, url: str, message: Any) -> None:
        self.judge.sent(url, message)
        self.mapping.look()

    def _set_up(self, random: Random) -> None:
        rainfocus = self.rainfocus
        rainfocus.lifetime = random.choice((600, 3_600, 86_400))
        rainfocus.has_one_token = random.random() < 0.5
        self.queues.most_in_flight = random.choice((120_000, 120_000, 30))
        rainfocus.slowest = random.choice((2.0, 6.0, 9.5))
        at_once = random.choice((1, 10, 10))
        limits = {"concurrency": at_once, "first_concurrency": min(3, at_once)}
        connection = {"org_id": "acme", "auth": {"token_url": TOKEN_URL}, "limits": limits}
        self.parameters.put(parameter_of(STACK, "connections", "default"), json.dumps(connection))
        self.remap(0)
        [secret] = rainfocus.secrets
        self.set_credentials(secret)
        self.secrets.put(secret_id(STACK, "ingest-token"), self.ingest_token)
        self.secrets.put(secret_id(STACK, "hash-key"), "secret-of-the-simulation-to-hash-with")
        self.secrets.put(secret_id(STACK, "api-profile/default"), "{}")

    def remap(self, version: int) -> None:
        """Have the destination mapped by a version of MAPPINGS."""
        destination = {"event_code": "summit", "mapping": MAPPINGS[version]}
        name = parameter_of(STACK, "destinations", "default")
        self.parameters.put(name, json.dumps(destination))
        self.judge.remapped(version)

    def set_credentials(self, secret: str) -> None:
        """Enter the credentials of the connection."""
        text = json.dumps({"client_id": CLIENT_ID, "client_secret": secret})
        self.secrets.put(secret_id(STACK, credentials_of("default")), text)

    def set_mode(self, mode: str) -> None:
        """Have RainFocus be in an episode, or in none."""
        self.rainfocus.mode = mode
        self.judge.pauses.see_mode(mode)
