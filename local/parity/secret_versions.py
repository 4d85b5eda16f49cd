"""What is taken for granted of Secrets Manager, asked of secrets that are gone afterwards."""

import contextlib
import json
import secrets
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from local.parity.answers import Answer, equal
from local.parity.place import Place

_CURRENT, _PREVIOUS, _PROPOSED = "AWSCURRENT", "AWSPREVIOUS", "PROPOSED"
_MOST_VERSIONS = 100


@contextlib.contextmanager
def _secret(place: Place) -> Iterator[tuple[Any, str, str]]:
    """Yield the client, a secret's name, and the id of its first version."""
    client = place.client("secretsmanager")
    name = f"{place.stack}/parity-{secrets.token_hex(3)}"
    version = client.create_secret(Name=name, SecretString="0")["VersionId"]
    try:
        yield client, name, version
    finally:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def _text(client: Any, name: str, stage: str) -> str:
    return str(client.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"])


def _refusal(call: Any, **arguments: Any) -> str:
    """Return the code with which a call is refused, or `taken`."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "taken"


def check_the_version_before_stays_readable(place: Place) -> Answer:
    """Ask whether after two changes the last value is current, and that before it the previous."""
    with _secret(place) as (client, name, _):
        for text in ("1", "2"):
            client.put_secret_value(SecretId=name, SecretString=text)
        found = {stage: _text(client, name, stage) for stage in (_CURRENT, _PREVIOUS)}
    return equal("current 2, previous 1", f"current {found[_CURRENT]}, previous {found[_PREVIOUS]}")


def check_a_version_can_wait_under_a_stage_of_its_own(place: Place) -> Answer:
    """Ask whether a version of another stage is not current until that stage is moved."""
    with _secret(place) as (client, name, first):
        version = client.put_secret_value(
            SecretId=name, SecretString="1", VersionStages=[_PROPOSED]
        )["VersionId"]
        before = _text(client, name, _CURRENT)
        client.update_secret_version_stage(
            SecretId=name,
            VersionStage=_CURRENT,
            RemoveFromVersionId=first,
            MoveToVersionId=version,
        )
        after = _text(client, name, _CURRENT)
    return equal("current 0 before, 1 after", f"current {before} before, {after} after")


def check_a_stage_is_not_moved_from_a_version_that_lost_it(place: Place) -> Answer:
    """Ask whether moving a stage from a version that has lost it is refused."""
    with _secret(place) as (client, name, first):
        late = client.put_secret_value(SecretId=name, SecretString="1", VersionStages=[_PROPOSED])
        client.put_secret_value(SecretId=name, SecretString="2")
        code = _refusal(
            client.update_secret_version_stage,
            SecretId=name,
            VersionStage=_CURRENT,
            RemoveFromVersionId=first,
            MoveToVersionId=late["VersionId"],
        )
        current = _text(client, name, _CURRENT)
    codes = ("InvalidParameterException", "InvalidRequestException")
    return Answer(
        f"{' or '.join(codes)}, current 2",
        f"{code}, current {current}",
        code in codes and current == "2",
    )


def check_a_resource_policy_refuses_even_the_owner(place: Place) -> Answer:
    """Ask whether a secret's own policy is obeyed, also for who may do everything."""
    with _secret(place) as (client, name, _):
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:PutSecretValue",
            "Resource": "*",
        }
        client.put_resource_policy(
            SecretId=name,
            ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        code = _refusal(client.put_secret_value, SecretId=name, SecretString="1")
    return equal("AccessDeniedException", code)


def check_versions_of_a_day_are_limited(place: Place) -> Answer:
    """Ask whether a secret takes no more than about a hundred versions a day."""
    with _secret(place) as (client, name, _):
        for n in range(1, _MOST_VERSIONS * 2):
            code = _refusal(client.put_secret_value, SecretId=name, SecretString=str(n))
            if code != "taken":
                break
    return Answer(
        f"LimitExceededException near {_MOST_VERSIONS}",
        f"{code} at {n + 1}",
        code == "LimitExceededException" and n + 1 <= _MOST_VERSIONS + 5,
    )


CHECKS = (
    check_the_version_before_stays_readable,
    check_a_version_can_wait_under_a_stage_of_its_own,
    check_a_stage_is_not_moved_from_a_version_that_lost_it,
    check_a_resource_policy_refuses_even_the_owner,
    check_versions_of_a_day_are_limited,
)
