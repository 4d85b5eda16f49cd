"""Calls to AWS, with few imports and short waits.

botocore is used directly: ingest must start within a push's two seconds, and boto3's resource
layer would cost a third of that again.
"""

import functools
import gc
import gzip
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import JSONFileLoader, Loader

from attendee_sync import library_logs
from attendee_sync.version import VERSION

# All that there are clients of.
_SERVICES = ["dynamodb", "lambda", "logs", "secretsmanager", "sqs", "ssm"]
CONDITION_FAILED = "ConditionalCheckFailedException"  # DynamoDB's word


@dataclass(frozen=True)
class Timeouts:
    """How long a call waits, in seconds."""

    connect: float
    read: float

    @property
    def total(self) -> float:
        """How long a call takes that is never answered."""
        return self.connect + self.read


PATIENT = Timeouts(connect=0.5, read=1.0)
# Of a push, whose sender waits no longer than two seconds for all its calls.
HASTY = Timeouts(connect=0.2, read=0.5)
# Of calls that look through much, for which nobody waits.
LASTING = Timeouts(connect=1.0, read=10.0)


@dataclass(frozen=True)
class Deadline:
    """When the calls of one push must have ended."""

    at: float = math.inf
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Self:
        """Return the deadline so many seconds from now."""
        return cls(clock() + seconds, clock)

    def allows(self, calls: int = 1) -> bool:
        """Tell whether so many hasty calls end in time even if none is answered."""
        return self.clock() + calls * HASTY.total <= self.at


NO_DEADLINE = Deadline()


class _ModelReader(JSONFileLoader):
    """Reads the models of services into plain dicts, which keep their order as well.

    botocore's OrderedDict takes twice as long: a twelfth of ingest's cold start.
    """

    def load_file(self, file_path: str) -> Any:
        """Return what is in a file, whose path comes without its extension; None if it is none."""
        text, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if text.is_file():
            return json.loads(text.read_bytes())
        return json.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


class _Loader(Loader):
    """Loads the models of services by their names.

    botocore's looks into each of 400 folders, twice, whether a client's service is among them:
    a twentieth of ingest's cold start.
    """

    FILE_LOADER_CLASS = _ModelReader

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        return _SERVICES


@functools.cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session


@functools.cache
def client(service: str, timeouts: Timeouts = PATIENT) -> Any:
    """Return the botocore client of a service, made once.

    It does not retry: botocore sleeps between attempts, and each caller here has a better answer
    than sleeping.
    """
    library_logs.silence()
    config = Config(
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.read,
        retries={"total_max_attempts": 1},
        max_pool_connections=16,
        parameter_validation=False,  # half of a call's CPU, and the services validate too
        tcp_keepalive=True,
        user_agent=f"attendee-sync/{VERSION}",  # botocore's own takes a fifth of a call's CPU
    )
    # A service's model is a great many objects, none of them garbage: to look for some among
    # them takes a tenth of ingest's cold start.
    gc.disable()
    try:
        return _session().create_client(service, config=config)
    finally:
        gc.enable()


def cause(error: BotoCoreError | ClientError) -> str:
    """Return what went wrong in a call as one word, AWS's or botocore's."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
