"""The stack that `make local` keeps running, found from the project's folder."""

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from pydantic import AliasGenerator, BaseModel, ConfigDict, ValidationError

from attendee_sync_cli.console import FailureError

# Written by `make local`, and removed when it ends.
FILE = Path("build", "local-stack.json")
_SECONDS = 2.0
# Every other AWS_ variable may choose an account, a region or an endpoint.
_SAYS_NO_ACCOUNT = frozenset(
    {"AWS_CA_BUNDLE", "AWS_DEFAULT_OUTPUT", "AWS_EC2_METADATA_DISABLED", "AWS_PAGER"}
)


class LocalStack(BaseModel):
    """How a local stack is reached: the variables with which a shell would choose it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=AliasGenerator(validation_alias=str.upper)
    )

    aws_endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_region: str
    aws_default_region: str
    attendee_sync_stack: str
    attendee_sync_simulator_url: str = ""  # of what stands in for RainFocus

    def environment(self) -> dict[str, str]:
        """Return the variables that choose it, and no other account whatever is configured."""
        host = urlsplit(self.aws_endpoint_url).hostname or ""
        shown = {name.upper(): value for name, value in self.model_dump().items() if value}
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return {**shown, **nowhere, "NO_PROXY": host, "no_proxy": host}


def find(stack: str | None, environment: Mapping[str, str]) -> LocalStack | None:
    """Return the local stack of this folder, or None where the shell chooses an account.

    `stack` is the name that the operator gave, if any: another name is another stack. Raises
    FailureError where the stack does not run any more, or a default profile may be meant.
    """
    named = {name for name in environment if name.startswith("AWS_")} - _SAYS_NO_ACCOUNT
    if named or not _is_ours(FILE):
        return None
    try:
        found = LocalStack.model_validate_json(FILE.read_bytes())
        parts = urlsplit(found.aws_endpoint_url)
        address = (parts.hostname or "", parts.port or 0)
    except (OSError, ValueError, ValidationError):
        raise FailureError(f"{FILE} can't be read; `make local` writes it anew.") from None
    if stack not in (None, found.attendee_sync_stack):
        return None
    simulator = urlsplit(found.attendee_sync_simulator_url).hostname or address[0]
    if not all(map(_is_this_machine, (address[0], simulator))):
        raise FailureError(f"{FILE} names another machine; `make local` writes it anew.")
    try:
        socket.create_connection(address, _SECONDS).close()
    except OSError:
        raise FailureError(
            f"The local stack that {FILE} names runs no more: start it with `make local`, or "
            "remove the file."
        ) from None
    if "default" in boto3.Session().available_profiles:
        raise FailureError(
            f"Which stack is meant? `make local` runs {found.attendee_sync_stack} here, and AWS "
            "has a default profile: --profile default means that one, and the lines that `make "
            "local` prints mean the local stack."
        )
    return found


def _is_ours(path: Path) -> bool:
    """Tell whether a file is there that nobody else can have written for us to obey."""
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _is_this_machine(host: str) -> bool:
    """Tell whether an address is one of this machine, on which only it can listen."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True
