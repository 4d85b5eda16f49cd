"""A deployed stack by its name: its outputs, settings, secrets, ledger and functions."""

import functools
import json
import os
import re
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, TypeAdapter, ValidationError

from attendee_sync.aws import settings
from attendee_sync.aws.settings import (
    CACHE_SECONDS,
    CONNECTIONS,
    DEFAULT,
    DESTINATIONS,
    Settings,
    parameter_of,
    parameters_of,
)
from attendee_sync.delivery.blocks import Blocks
from attendee_sync.delivery.ledger import Ledger
from attendee_sync.delivery.pauses import Pauses
from attendee_sync.rainfocus.access_token import TokenFault
from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync.rainfocus.token_store import TokenStore
from attendee_sync_cli.console import FailureError

RECOVERY_DAYS = 30
TEMPLATE = "template"
MAX_PARAMETER_BYTES = 4_096  # of a standard parameter
KNOWN_SECONDS = CACHE_SECONDS + 5.0  # by then each function has read a setting anew
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 15.0
# The token-refresh function answers within a minute. It is never asked twice by botocore.
_INVOKE_SECONDS = 70.0
_ATTEMPTS = 3
_ARN_ENDS = re.compile("[/:]")


class Refreshed(BaseModel):
    """What token_refresh says became of one connection's token."""

    connection: str
    state: TokenState
    cause: TokenFault | Literal[""] = ""
    reason: str = ""


class _Answer(BaseModel):
    results: list[Refreshed]


_ANSWER = TypeAdapter(_Answer)


_chosen: dict[str, str | None] = {}


def choose_account(profile: str | None, region: str | None) -> None:
    """Let clients be for this profile and region, before those that the shell names."""
    _chosen.update(profile_name=profile, region_name=region)


@functools.cache
def client(service: str) -> Any:
    """Return the boto3 client of a service, made once, for the account that was chosen.

    Raises BadParameter if an endpoint URL in the environment or in AWS's configuration is none.
    """
    invokes = service == "lambda"
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_INVOKE_SECONDS if invokes else _READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1 if invokes else _ATTEMPTS},
    )
    # boto3 knows AWS_DEFAULT_REGION only; in the AWS CLI, AWS_REGION comes before it:
    # https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
    region = _chosen.get("region_name") or os.environ.get("AWS_REGION") or None
    session: Any = boto3.Session(profile_name=_chosen.get("profile_name"), region_name=region)
    try:
        made = session.client(service, config=config)
    except BotoCoreError:  # some of these are ValueErrors too
        raise
    except ValueError:
        raise _no_endpoint() from None
    if not made.meta.endpoint_url.startswith(("http://", "https://")):
        raise _no_endpoint()
    return made


def _no_endpoint() -> typer.BadParameter:
    return typer.BadParameter("AWS_ENDPOINT_URL must begin with http:// or https://")


@dataclass(frozen=True)
class SettingVersion:
    """A setting as it was stored once."""

    number: int | str  # or TEMPLATE, as it was deployed last
    text: str
    stored_at: datetime
    stored_by: str  # the last part of an ARN: a user, `root`, or a role's session


@dataclass(frozen=True)
class Stack:
    """The stack of that name. Its methods raise FailureError and botocore's errors."""

    name: str

    def exists(self) -> bool:
        """Tell whether there is such a stack."""
        return describe_stack(self.name) is not None

    def output(self, key: str) -> str:
        """Return an output of the stack."""
        found = self.find_output(key)
        if found is None:
            raise FailureError(
                f"Stack {self.name} has no output {key}: an earlier version was deployed. "
                "`make deploy` upgrades it."
            )
        return found

    def find_output(self, key: str) -> str | None:
        """Return an output of the stack, or None if what is deployed has none of that name."""
        outputs = self.described().get("Outputs", [])
        return next(
            (str(each["OutputValue"]) for each in outputs if each["OutputKey"] == key), None
        )

    def parameters(self) -> dict[str, str]:
        """Return the parameters with which the stack was deployed."""
        found = self.described().get("Parameters", [])
        return {each["ParameterKey"]: each["ParameterValue"] for each in found}

    def described(self) -> dict[str, Any]:
        """Return what CloudFormation says of the stack."""
        found = describe_stack(self.name)
        if found is None:
            raise FailureError(
                f"There is no stack {self.name} in this account and region; --stack names another."
            )
        return found

    # --- settings ---

    def connections(self) -> dict[str, str]:
        """Return the JSON text of every connection by name."""
        return self._parameters(CONNECTIONS)

    def destinations(self) -> dict[str, str]:
        """Return the JSON text of every destination by name."""
        return self._parameters(DESTINATIONS)

    def connection(self, name: str) -> str | None:
        """Return the JSON text of a connection, or None if there is none of that name."""
        return self._setting(CONNECTIONS, name)

    def destination(self, name: str) -> str | None:
        """Return the JSON text of a destination, or None if there is none of that name."""
        return self._setting(DESTINATIONS, name)

    def known_connection(self, name: str) -> str:
        """Return the JSON text of a connection. Raises FailureError if there is none."""
        return self._known("connection", name, self.connection(name))

    def known_destination(self, name: str) -> str:
        """Return the JSON text of a destination. Raises FailureError if there is none."""
        return self._known("destination", name, self.destination(name))

    def no_such(self, kind: str, name: str) -> FailureError:
        """Return the error that a name is of no connection, or of no destination."""
        return FailureError(
            f"There is no {kind} {name} in stack {self.name}. "
            f"`attendee-sync {kind}s list` shows those there are."
        )

    def versions(self, kind: str, name: str) -> list[SettingVersion]:
        """Return a setting as people stored it, the oldest first: the last hundred, as SSM keeps.

        Before them stands what the template has deployed, if it has any of that name. There are
        none of one that is as it was deployed, nor of what stood there before a removal.
        """
        edited = _history(parameter_of(self.name, kind, name))
        if name != DEFAULT or not edited:
            return edited
        deployed = _history(parameter_of(self.name, kind, name, as_deployed=True))
        return [*(replace(each, number=TEMPLATE) for each in deployed[-1:]), *edited]

    def seconds_until_known(self, kind: str, name: str) -> float:
        """Return for how long functions may still go by what a setting was before."""
        # At most all of it, however much this machine's clock is off.
        return max(0.0, min(KNOWN_SECONDS, self.known_at(kind, name) - time.time()))

    def known_at(self, kind: str, name: str) -> float:
        """Return from when on functions go by a setting as it is now, in epoch seconds."""
        names = [parameter_of(self.name, kind, name)]
        if name == DEFAULT:
            names.append(parameter_of(self.name, kind, name, as_deployed=True))
        return max(map(self._changed_at, names)) + KNOWN_SECONDS

    def _changed_at(self, parameter: str) -> float:
        """Return when a parameter was written, in epoch seconds; 0 if that is not known."""
        try:
            answer = client("ssm").get_parameter(Name=parameter)
        except ClientError as error:
            if _code(error) == "ParameterNotFound":
                return 0.0
            raise
        changed: datetime | None = answer["Parameter"].get("LastModifiedDate")
        return changed.timestamp() if changed else 0.0

    def put_connection(self, name: str, text: str) -> None:
        """Store the JSON text of a connection."""
        self._put_setting(CONNECTIONS, name, text)

    def put_destination(self, name: str, text: str) -> None:
        """Store the JSON text of a destination."""
        self._put_setting(DESTINATIONS, name, text)

    def delete_connection(self, name: str) -> None:
        """Delete the settings of a connection."""
        self._delete_setting(CONNECTIONS, name)

    def delete_destination(self, name: str) -> None:
        """Delete the settings of a destination."""
        self._delete_setting(DESTINATIONS, name)

    def _setting(self, kind: str, name: str) -> str | None:
        text = self._parameter(parameter_of(self.name, kind, name))
        if text is None and name == DEFAULT:  # as deployed: nobody edited it
            return self._parameter(parameter_of(self.name, kind, name, as_deployed=True))
        return text

    def _parameter(self, name: str) -> str | None:
        try:
            answer = client("ssm").get_parameter(Name=name)
        except ClientError as error:
            if _code(error) == "ParameterNotFound":
                return None
            raise
        return str(answer["Parameter"]["Value"])

    def _put_setting(self, kind: str, name: str, text: str) -> None:
        parameter = parameter_of(self.name, kind, name)
        client("ssm").put_parameter(Name=parameter, Value=text, Type="String", Overwrite=True)

    def _delete_setting(self, kind: str, name: str) -> None:
        client("ssm").delete_parameter(Name=parameter_of(self.name, kind, name))

    def _known(self, kind: str, name: str, text: str | None) -> str:
        if text is None:
            raise self.no_such(kind, name)
        return text

    def _parameters(self, kind: str) -> dict[str, str]:
        found: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            path = parameters_of(self.name, kind)
            page = client("ssm").get_parameters_by_path(Path=path, **token)
            for parameter in page["Parameters"]:
                found[parameter["Name"].rsplit("/", 1)[-1]] = parameter["Value"]
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        if DEFAULT not in found and (text := self._setting(kind, DEFAULT)) is not None:
            found[DEFAULT] = text
        return found

    # --- secrets, by names such as credentials/default ---

    def secret(self, name: str) -> str | None:
        """Return a secret's text, or None if there is none of that name."""
        try:
            answer = client("secretsmanager").get_secret_value(
                SecretId=self._secret_id(name), VersionStage="AWSCURRENT"
            )
        except ClientError as error:
            # The second: it is scheduled for deletion.
            if _code(error) in ("ResourceNotFoundException", "InvalidRequestException"):
                return None
            raise
        return str(answer["SecretString"])

    def put_secret(self, name: str, text: str) -> None:
        """Store a secret's text; the secret is made if it is not there."""
        if self.make_secret(name, text) != "made":
            client("secretsmanager").put_secret_value(
                SecretId=self._secret_id(name), SecretString=text
            )

    def make_secret(self, name: str, text: str) -> Literal["made", "restored", "there"]:
        """Make a secret unless it is there, and say which; one being deleted is restored."""
        secret_id = self._secret_id(name)
        try:
            description = client("secretsmanager").describe_secret(SecretId=secret_id)
        except ClientError as error:
            if _code(error) != "ResourceNotFoundException":
                raise
            key = self.parameters().get("KmsKeyArn")
            client("secretsmanager").create_secret(
                Name=secret_id, SecretString=text, **({"KmsKeyId": key} if key else {})
            )
            return "made"
        if not description.get("DeletedDate"):
            return "there"
        client("secretsmanager").restore_secret(SecretId=secret_id)
        return "restored"

    def delete_secret(self, name: str) -> datetime | None:
        """Schedule a secret for deletion and return when; None if there is none.

        Until then, RECOVERY_DAYS from now, Secrets Manager can restore it.
        """
        try:
            answer = client("secretsmanager").delete_secret(
                SecretId=self._secret_id(name), RecoveryWindowInDays=RECOVERY_DAYS
            )
        except ClientError as error:
            if _code(error) in ("ResourceNotFoundException", "InvalidRequestException"):
                return None
            raise
        when: datetime = answer["DeletionDate"]
        return when

    def _secret_id(self, name: str) -> str:
        return settings.secret_id(self.name, name)

    # --- as the functions see it ---

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service."""
        return client(service)

    def seen_by_functions(self) -> Settings:
        """Return the settings and secrets as delivery reads them, kept for a minute."""
        return Settings(self.name, ssm=client("ssm"), secrets=client("secretsmanager"))

    def ledger(self) -> Ledger:
        """Return the ledger of the stack."""
        return Ledger(client("dynamodb"), self.output("LedgerTableName"))

    def blocks(self) -> Blocks:
        """Return the blocks of persons who were erased."""
        return Blocks(client("dynamodb"), self.output("LedgerTableName"))

    def pauses(self) -> Pauses:
        """Return the pauses of the stack's destinations."""
        return Pauses(client("dynamodb"), self.output("LedgerTableName"))

    def queue_url(self, output: str) -> str:
        """Return the URL of the queue whose name is an output of the stack."""
        answer = client("sqs").get_queue_url(QueueName=self.output(output))
        return str(answer["QueueUrl"])

    # --- tokens ---

    def stored_token(self, connection: str) -> str | None:
        """Return what is stored of a connection's token, to be shown to nobody."""
        table = self.output("TokenTableName")
        return TokenStore(client("dynamodb"), table, self.seen_by_functions()).text(connection)

    def refresh_token(self, connection: str, *, force: bool = False) -> Refreshed:
        """Have the token of a connection renewed, if it ends soon, and return what became of it.

        With `force` it is renewed in any case.
        """
        answer = client("lambda").invoke(
            FunctionName=self.output("TokenRefreshFunctionName"),
            InvocationType="RequestResponse",
            Payload=json.dumps(
                {"connection": connection} | ({"force": True} if force else {})
            ).encode(),
        )
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            raise FailureError("The token-refresh function failed; its log tells why.")
        try:
            [result] = _ANSWER.validate_json(payload).results
        except (ValidationError, ValueError):
            raise FailureError("The token-refresh function gave no answer to read.") from None
        return result


def _history(parameter: str) -> list[SettingVersion]:
    """Return the versions of a parameter, the oldest first; none if there is none of that name."""
    pages = client("ssm").get_paginator("get_parameter_history")
    try:
        found = [each for page in pages.paginate(Name=parameter) for each in page["Parameters"]]
    except ClientError as error:
        if _code(error) == "ParameterNotFound":
            return []
        raise
    return [
        SettingVersion(
            each["Version"],
            each["Value"],
            each["LastModifiedDate"],
            _ARN_ENDS.split(each.get("LastModifiedUser", ""))[-1],
        )
        for each in sorted(found, key=lambda each: each["Version"])
    ]


def describe_stack(name: str) -> dict[str, Any] | None:
    """Return what CloudFormation says of a stack, by name or id; None if there is none."""
    try:
        answer = client("cloudformation").describe_stacks(StackName=name)
    except ClientError as error:
        if _code(error) == "ValidationError":
            return None
        raise
    found: dict[str, Any] = answer["Stacks"][0]
    return found


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
