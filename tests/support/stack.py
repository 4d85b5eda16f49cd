"""A deployed stack as the functions see it, made of fakes."""

import dataclasses
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from attendee_sync.aws.clients import HASTY, PATIENT, Timeouts
from attendee_sync.aws.fifo_queue import FifoQueue
from attendee_sync.aws.settings import Settings
from attendee_sync.ingest.ingest import Ingest
from attendee_sync.messaging.lanes import Lanes
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import AccessToken, Credentials
from attendee_sync.rainfocus.connection import Auth, Connection
from attendee_sync.rainfocus.token_store import TokenStore
from tests.support import fakes

STACK = "attendee-sync"
PROFILE_QUEUE = "profiles.fifo"
TOKEN_REFRESH = "attendee-sync-token-refresh"
INGEST_LOG = "ingest-log"
DELIVERY_LOG = "delivery-log"
RESUME_SCHEDULES = "resume-schedules"
RESUME_ROLE = "arn:aws:iam::123456789012:role/resume"
INGEST_TOKEN = "not-a-real-ingest-token"
PUSH_URL = (
    "https://abc123.execute-api.eu-west-1.amazonaws.com/prod/v1/destinations/default/profiles"
)
HASH_KEY = "not-a-real-hash-key"
CREDENTIALS = Credentials("not-a-real-client", "not-a-real-client-secret")
TOKEN_URL = "https://token.example.com/oauth/token"
ISSUED_AT = 1_700_000_000
CONNECTION = Connection(org_id="acme", auth=Auth(token_url=TOKEN_URL)).named("default")


class Clock:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self._read = threading.local()

    def __call__(self) -> float:
        self._read.at = self.now
        return self.now

    def wait(self, seconds: float) -> None:
        """Let a call of this thread take so long, at the same time as those of other threads.

        It begins when the thread looked at the clock last.
        """
        self.now = max(self.now, getattr(self._read, "at", self.now) + seconds)


@dataclass
class Aws:
    """A stack's AWS services, with the settings and secrets of one in use."""

    sqs: fakes.Sqs = field(default_factory=fakes.Sqs)
    ssm: fakes.Ssm = field(default_factory=fakes.Ssm)
    secrets: fakes.Secrets = field(default_factory=fakes.Secrets)
    dynamodb: fakes.DynamoDb = field(default_factory=fakes.DynamoDb)
    functions: fakes.Lambda = field(default_factory=fakes.Lambda)
    stacks: fakes.CloudFormation = field(default_factory=fakes.CloudFormation)
    logs: fakes.Logs = field(default_factory=fakes.Logs)
    cloudwatch: fakes.CloudWatch = field(default_factory=fakes.CloudWatch)
    scheduler: fakes.Scheduler = field(default_factory=fakes.Scheduler)
    sns: fakes.Sns = field(default_factory=fakes.Sns)
    cognito: fakes.Cognito = field(default_factory=fakes.Cognito)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.set_connection("default", CONNECTION)
        self.set_destination("default", connection="default", event_code="summit2027")
        self.stacks.outputs[STACK] = {
            "TokenRefreshFunctionName": TOKEN_REFRESH,
            "PushUrl": PUSH_URL,
            "ProfileQueueName": PROFILE_QUEUE,
            "DeliveryFunctionArn": fakes.DELIVERY,
            "DeadLetterQueueArn": "arn:aws:sqs:us-east-1:123456789012:dead-letter.fifo",
            "DeadLetterQueueName": "dead-letter.fifo",
            "LedgerTableName": fakes.TABLE,
            "TokenTableName": fakes.TOKEN_TABLE,
            "IngestLogGroupName": INGEST_LOG,
            "DeliveryLogGroupName": DELIVERY_LOG,
            "ResumeScheduleGroupName": RESUME_SCHEDULES,
            "ResumeScheduleRoleArn": RESUME_ROLE,
        }
        self.stacks.parameters = {"MaximumConcurrency": "5", "AwsEndpointUrl": ""}
        self.stacks.on_made, self.stacks.on_deleted = self._lane_made, self._lane_deleted
        self.functions.mappings = {PROFILE_QUEUE: True}
        self.secrets.versions = {
            f"{STACK}/ingest-token": [INGEST_TOKEN],
            f"{STACK}/senders": ["{}"],
            f"{STACK}/hash-key": [HASH_KEY],
            f"{STACK}/credentials/default": [json.dumps(dataclasses.asdict(CREDENTIALS))],
            f"{STACK}/api-profile/default": [access_token.dump_shown(CREDENTIALS)],
        }
        self.set_token(token())

    def _lane_made(self, parameters: dict[str, str]) -> None:
        name = parameters["QueueName"]
        self.sqs.queues.setdefault(fakes.queue_url(name), [])
        self.functions.mappings[name] = parameters["Delivers"] == "true"

    def _lane_deleted(self, parameters: dict[str, str]) -> None:
        name = parameters["QueueName"]
        del self.sqs.queues[fakes.queue_url(name)], self.functions.mappings[name]

    def set_connection(self, name: str, connection: Connection) -> None:
        text = connection.model_dump_json(exclude_defaults=True)
        self.ssm.parameters[f"/{STACK}/connections/{name}"] = text

    def set_destination(self, name: str, /, **members: object) -> None:
        self.ssm.parameters[f"/{STACK}/destinations/{name}"] = json.dumps(members)

    def set_token(self, made: AccessToken, connection: str = "default") -> None:
        shown = Credentials(made.client_id, "", made.profile_token)
        self.secrets.versions[f"{STACK}/api-profile/{connection}"] = [
            access_token.dump_shown(shown)
        ]
        self.set_token_text(access_token.dump(made), connection)

    def set_token_text(self, text: str, connection: str = "default") -> None:
        key = f"token#{connection}"
        self.dynamodb.token_items[key] = {"key": {"S": key}, "token": {"S": text}}

    def remove_token(self, connection: str = "default") -> None:
        del self.dynamodb.token_items[f"token#{connection}"]

    def stored_token(self, connection: str = "default") -> AccessToken:
        """Return the token that delivery would show."""
        stored = json.loads(self.dynamodb.token_items[f"token#{connection}"]["token"]["S"])
        shown = self.secrets.versions[f"{STACK}/api-profile/{connection}"][-1]
        completed = access_token.complete(
            AccessToken(**stored), access_token.parse_credentials(shown)
        )
        assert completed
        return completed

    def token_store(self, settings: Settings | None = None) -> TokenStore:
        return TokenStore(self.dynamodb, fakes.TOKEN_TABLE, settings or self.settings(), self.clock)

    def settings(self) -> Settings:
        return Settings(STACK, ssm=self.ssm, secrets=self.secrets, clock=self.clock)

    def fall_silent(self, *services: str) -> None:
        """Let services take calls and never answer, so that each lasts until it times out."""
        for service in services:
            self.client(service).on_call = self._time_out

    def _time_out(self) -> None:
        self.clock.wait(HASTY.total)
        raise fakes.timed_out()

    def ingest(self) -> Ingest:
        return Ingest(self.settings(), self.lanes(), self.dead_letter_queue(), clock=self.clock)

    def lanes(self) -> Lanes:
        return Lanes(self.sqs, STACK, fakes.PROFILES_URL)

    def profile_queue(self) -> FifoQueue:
        return FifoQueue(self.sqs, fakes.PROFILES_URL)

    def dead_letter_queue(self) -> FifoQueue:
        return FifoQueue(self.sqs, fakes.DEAD_LETTERS_URL)

    @property
    def clients(self) -> tuple[fakes.Fake, ...]:
        return (
            self.sqs,
            self.ssm,
            self.secrets,
            self.dynamodb,
            self.functions,
            self.stacks,
            self.logs,
            self.cloudwatch,
            self.scheduler,
            self.sns,
            self.cognito,
        )

    @property
    def misuses(self) -> list[str]:
        return [misuse for fake in self.clients for misuse in fake.misuses]

    def client(self, service: str, _timeouts: Timeouts = PATIENT) -> Any:
        return {
            "sqs": self.sqs,
            "ssm": self.ssm,
            "secretsmanager": self.secrets,
            "dynamodb": self.dynamodb,
            "lambda": self.functions,
            "cloudformation": self.stacks,
            "logs": self.logs,
            "cloudwatch": self.cloudwatch,
            "scheduler": self.scheduler,
            "sns": self.sns,
            "cognito-idp": self.cognito,
        }[service]


def changed(**settings: object) -> Connection:
    """Return the default connection with other settings."""
    made = Connection.model_validate({**CONNECTION.model_dump(), **settings})
    return made.named(CONNECTION.name)


def token(value: str = "not-a-real-access-token", **changes: Any) -> AccessToken:
    """Return an access token of the default connection, a young one that is good for decades."""
    made = AccessToken(
        value,
        expires_at=4_000_000_000,
        issued_at=ISSUED_AT,
        client_id=CREDENTIALS.client_id,
        profile_token=CREDENTIALS.profile_token,
        shown="",
        granted_to=access_token.grant_digest(CONNECTION, CREDENTIALS),
        audience=access_token.audience(CONNECTION),
    )
    made = dataclasses.replace(made, **changes)
    shown = access_token.shown_digest(Credentials(made.client_id, "", made.profile_token))
    return dataclasses.replace(made, shown=shown)
