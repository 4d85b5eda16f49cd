"""The secret with the senders of a stack, changed so that nobody's change is lost."""

from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from attendee_sync.aws import clients, settings
from attendee_sync.aws.settings import SENDERS
from attendee_sync.ingest import senders
from attendee_sync.ingest.senders import Sender
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_MAX_BYTES = 65_536
_ATTEMPTS = 5
_CURRENT, _PROPOSED = "AWSCURRENT", "proposed"  # stages of versions
# Of a version that is no more the current one; which of the two AWS says is not documented.
_OUTRUN = frozenset({"InvalidParameterException", "InvalidRequestException"})

type Senders = Mapping[str, Sender]  # by name


def read(stack: Stack) -> Senders:
    """Return the senders of a stack. Raises FailureError if they can't be read."""
    return _read(stack)[0]


def change(stack: Stack, alter: Callable[[Senders], Senders]) -> Senders:
    """Store what a function makes of the senders of a stack, and return it.

    A version becomes the current one only in the place of that from which it was made:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
    If somebody else was faster, the function is asked again. Raises FailureError, also what the
    function raises.
    """
    proposed = ""
    for _ in range(_ATTEMPTS):
        known, version = _read(stack)
        if version == proposed:  # the answer was lost, and the call made again
            return known
        altered = alter(known)
        proposed = _propose(stack, senders.dump(altered.values()))
        if _make_current(stack, proposed, instead_of=version):
            return altered
    raise FailureError("Others change the senders at the same time; nothing was changed.")


def _read(stack: Stack) -> tuple[Senders, str]:
    """Return the senders, and the id of the version that has them."""
    secret_id = _secret_id(stack)
    try:
        answer = stack.client("secretsmanager").get_secret_value(
            SecretId=secret_id, VersionStage=_CURRENT
        )
    except ClientError as error:
        if clients.cause(error) != "ResourceNotFoundException":
            raise
        raise FailureError(
            f"There is no secret {secret_id}: no such stack, or an earlier version was deployed, "
            "which `make deploy` upgrades."
        ) from None
    try:
        found = senders.parse(answer["SecretString"])
    except ValueError as error:
        raise FailureError(f"The secret {secret_id} is not valid: {error}.") from None
    return {each.name: each for each in found}, answer["VersionId"]


def _propose(stack: Stack, text: str) -> str:
    """Store the text as a version that nobody reads yet, and return its id."""
    if len(text.encode()) > _MAX_BYTES:
        raise FailureError(
            f"Secrets Manager takes {_MAX_BYTES} bytes, and the senders of stack {stack.name} "
            "would have more. `attendee-sync senders remove NAME` makes room."
        )
    answer = stack.client("secretsmanager").put_secret_value(
        SecretId=_secret_id(stack), SecretString=text, VersionStages=[_PROPOSED]
    )
    return str(answer["VersionId"])


def _make_current(stack: Stack, version: str, *, instead_of: str) -> bool:
    """Let a version be the current one, and tell whether the one in its place still was."""
    try:
        stack.client("secretsmanager").update_secret_version_stage(
            SecretId=_secret_id(stack),
            VersionStage=_CURRENT,
            RemoveFromVersionId=instead_of,
            MoveToVersionId=version,
        )
    except ClientError as error:
        if clients.cause(error) not in _OUTRUN:
            raise
        return False
    return True


def _secret_id(stack: Stack) -> str:
    return settings.secret_id(stack.name, SENDERS)
