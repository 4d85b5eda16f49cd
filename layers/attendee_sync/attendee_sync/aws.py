"""Calls to AWS, with few imports and short waits.

botocore is used directly: ingest must start within a push's two seconds, and boto3's resource
layer would cost a third of that again.
"""

import functools
import gc
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import library_logs

CONDITION_FAILED = "ConditionalCheckFailedException"  # DynamoDB's word
_CONNECT_TIMEOUT = 0.5  # seconds
_READ_TIMEOUT = 1.0  # seconds; a sender of ours waits no longer than two


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def client(service: str) -> Any:
    """Return the botocore client of a service, made once.

    It waits at most 0.5 s for a connection and 1 s for an answer, and does not retry: botocore
    sleeps between attempts, and each caller here has a better answer than sleeping.
    """
    library_logs.silence()
    config = Config(
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"total_max_attempts": 1},
        max_pool_connections=16,
        parameter_validation=False,  # half of a call's CPU, and the services validate too
        tcp_keepalive=True,
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
