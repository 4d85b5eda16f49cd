"""The stack in a local cloud: built and deployed with the SAM CLI, as on AWS."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from attendee_sync.aws import fifo_queue, settings
from attendee_sync.aws.fifo_queue import QueueCount
from attendee_sync.messaging import lanes
from attendee_sync.messaging.dead_letters import DeadLetter, from_sqs
from local.machine.cloud import REGION, ROOT, TEST_KEY, LocalCloud, aws_environment

_BIN = Path(sys.executable).parent
_SAM_SECONDS = 300.0
_COMMAND_SECONDS = 400.0  # the removal of a lane waits for settings, counts and a stack
_OUTPUT_LINES = 40
_STAGE = "prod"
_LOG_EVENTS = 10_000
_VISIBILITY_TIMEOUT = "VisibilityTimeout"
# While dead letters are looked through, in seconds; then each is put back.
_LOOK_SECONDS = 30


class StackError(Exception):
    """The stack could not be built, deployed or asked. The text holds no secret."""


@dataclass(frozen=True)
class LocalStack:
    """A stack deployed to a local cloud."""

    name: str
    endpoint_url: str
    outputs: Mapping[str, str]
    """The stack's outputs."""
    resources: Mapping[str, str]
    """Physical ids by the logical ids of template.yaml."""
    command_line: tuple[Path, ...] = field(default=(), kw_only=True)
    """Where the operator's command line is imported from, if it is another version's."""

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, made once. It waits a minute and never retries."""
        return _client(self.endpoint_url, service)

    # --- the API ---

    def api_url(self, path: str) -> tuple[str, dict[str, str]]:
        """Return the URL of a path such as /v1/health, and the headers that it must be sent with.

        An API's own host name does not resolve here, so the address is the machine's and the
        Host header says which API is meant.
        """
        host = f"{self.resources['Api']}.execute-api.localhost"
        return f"{self.endpoint_url}/{_STAGE}{path}", {"Host": host}

    def push_url(self, destination: str = "default") -> tuple[str, dict[str, str]]:
        """Return the URL to which profiles of a destination are posted, and its headers.

        The bearer token is not among them.
        """
        return self.api_url(f"/v1/destinations/{destination}/profiles")

    def ingest_token(self) -> str:
        """Return the bearer token for senders. A secret: don't print it."""
        answer = self.client("secretsmanager").get_secret_value(
            SecretId=self.outputs["IngestTokenSecret"]
        )
        return str(answer["SecretString"])

    def put_destination(self, name: str, destination: Mapping[str, Any]) -> None:
        """Add a destination, or change it."""
        self._put_settings(settings.DESTINATIONS, name, destination)

    def put_connection(self, name: str, connection: Mapping[str, Any]) -> None:
        """Add a connection with the secrets that go with it, or change it."""
        self._put_settings(settings.CONNECTIONS, name, connection)
        shown = settings.secret_id(self.name, settings.api_profile_of(name))
        if not self._has_secret(shown):
            self.client("secretsmanager").create_secret(Name=shown, SecretString="{}")

    def delete_connection(self, name: str) -> None:
        """Remove a connection that was added; its secrets stay."""
        self.client("ssm").delete_parameter(
            Name=settings.parameter_of(self.name, settings.CONNECTIONS, name)
        )

    def _put_settings(self, kind: str, name: str, value: Mapping[str, Any]) -> None:
        parameter = settings.parameter_of(self.name, kind, name)
        self.client("ssm").put_parameter(
            Name=parameter, Value=json.dumps(value), Type="String", Overwrite=True
        )

    def operate(self, *arguments: str, given: str = "") -> Any:
        """Run a command of the operator's command line, and return the JSON that it prints.

        `given` is its standard input.
        Raises StackError if it fails.
        """
        return json.loads(self.run_command(*arguments, "--json", given=given))

    def command(self, *arguments: str) -> list[str]:
        """Return what starts a command of the operator's command line, with its arguments."""
        return [str(_BIN / "attendee-sync"), "--stack", self.name, *arguments]

    def run_command(self, *arguments: str, given: str = "") -> str:
        """Run a command of the operator's command line likewise, and return what it says.

        Raises StackError if it fails.
        """
        result = subprocess.run(
            self.command(*arguments),
            env=aws_environment(self.endpoint_url) | self._command_line_path(),
            input=given,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            text=True,
            check=False,
        )
        if result.returncode:
            raise StackError(f"attendee-sync {arguments[0]} failed: {result.stderr.strip()}")
        return result.stdout

    def _command_line_path(self) -> dict[str, str]:
        return {"PYTHONPATH": os.pathsep.join(map(str, self.command_line))}

    # --- RainFocus's tokens ---

    def store_credentials(self, connection: str, client_id: str, client_secret: str) -> None:
        """Store a connection's credentials, in a new secret if it is a new one."""
        credentials = {"client_id": client_id, "client_secret": client_secret}
        name = settings.secret_id(self.name, settings.credentials_of(connection))
        client = self.client("secretsmanager")
        if self._has_secret(name):
            client.put_secret_value(SecretId=name, SecretString=json.dumps(credentials))
            return
        client.create_secret(Name=name, SecretString=json.dumps(credentials))

    def refresh_token(self) -> None:
        """Have the access tokens of all connections renewed.

        Raises StackError if the function fails, or a connection got no token.
        """
        results = self.invoke("TokenRefreshFunction", {})["results"]
        failed = [result for result in results if result["state"] == "failed"]
        if failed:
            reasons = "; ".join(f"{each['connection']}: {each['reason']}" for each in failed)
            raise StackError(f"No access token was granted to {reasons}")

    def _has_secret(self, name: str) -> bool:
        filters = [{"Key": "name", "Values": [name]}]  # gives what begins with the name
        answer = self.client("secretsmanager").list_secrets(Filters=filters)
        return any(secret["Name"] == name for secret in answer["SecretList"])

    # --- the functions ---

    def invoke(self, function: str, event: object) -> Any:
        """Invoke a function, named as in template.yaml, and return its parsed answer.

        Raises StackError if the handler raised.
        """
        answer = self.client("lambda").invoke(
            FunctionName=self.resources[function], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" not in answer:
            return payload
        kind = payload.get("errorType", "error") if isinstance(payload, dict) else "error"
        raise StackError(f"{function} failed with {kind}; function_logs({function!r}) has more")

    def set_variables(self, function: str, **values: str) -> None:
        """Change environment variables of a function, named as in template.yaml.

        Its processes end, and new ones start with the next invocation: also if nothing changes.
        """
        client, name = self.client("lambda"), self.resources[function]
        before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": before | values}
        )
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    def function_logs(self, function: str, since: float = 0.0) -> list[str]:
        """Return the log lines of a function, named as in template.yaml, oldest first.

        `since` is an epoch time in seconds.
        """
        configuration = self.client("lambda").get_function_configuration(
            FunctionName=self.resources[function]
        )
        return self.logs(configuration["LoggingConfig"]["LogGroup"], since)

    def logs(self, group: str, since: float = 0.0) -> list[str]:
        """Return the lines of a log group since an epoch time in seconds, oldest first."""
        client = self.client("logs")
        start = int(since * 1000)
        lines: list[str] = []
        while True:
            page = client.filter_log_events(logGroupName=group, startTime=start)["events"]
            # The local cloud answers so many at most, and with no token for the rest.
            if len(page) < _LOG_EVENTS:
                return lines + [str(event["message"]) for event in page]
            start = page[-1]["timestamp"]
            lines += [str(event["message"]) for event in page if event["timestamp"] < start]

    def log_groups(self) -> list[str]:
        """Return the names of all log groups, those of the API among them."""
        pages = self.client("logs").get_paginator("describe_log_groups").paginate()
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    # --- the ledger ---

    def ledger(self) -> list[dict[str, Any]]:
        """Return the items of the ledger table, as DynamoDB writes them."""
        pages = self.client("dynamodb").get_paginator("scan")
        table = self.outputs["LedgerTableName"]
        return [item for page in pages.paginate(TableName=table) for item in page["Items"]]

    # --- the queues ---

    def profile_queue(self) -> QueueCount:
        """Count the messages of the profile queue."""
        return self._count(self.resources["ProfileQueue"])

    def waiting(self) -> int:
        """Count the messages of all lanes."""
        return sum(each.total for each in self._lanes())

    def due(self) -> int:
        """Count those of them that are to be had now."""
        return sum(each.visible for each in self._lanes())

    def _lanes(self) -> list[QueueCount]:
        urls = self.client("sqs").list_queues(QueueNamePrefix=f"{self.name}{lanes.MARK}")
        return [self.profile_queue(), *map(self._count, urls.get("QueueUrls", []))]

    def move_to_own_lane(self, destination: str) -> None:
        """Give a destination that nobody pushed to yet a lane of its own."""
        name = settings.parameter_of(self.name, settings.DESTINATIONS, destination)
        ssm = self.client("ssm")
        text = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        ssm.delete_parameter(Name=name)  # so that it is new, and nothing is waited for
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text)
            file.flush()
            self.run_command("destinations", "set", destination, file.name, "--yes")

    def remove_with_lane(self, destination: str) -> None:
        """Remove a destination that has a lane of its own, with all that is in it."""
        self.client("ssm").delete_parameter(
            Name=settings.parameter_of(self.name, settings.DESTINATIONS, destination)
        )
        client, name = self.client("cloudformation"), f"{self.name}-lane-{destination}"
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    def dead_letter_queue(self) -> QueueCount:
        """Count the messages of the dead-letter queue."""
        return self._count(self.resources["DeadLetterQueue"])

    def visibility_timeout(self) -> int:
        """Return the seconds after which the profile queue gives out a message again."""
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=self.resources["ProfileQueue"], AttributeNames=[_VISIBILITY_TIMEOUT]
        )
        return int(answer["Attributes"][_VISIBILITY_TIMEOUT])

    def set_visibility_timeout(self, seconds: int) -> None:
        """Change these seconds for what is received from now on."""
        self.client("sqs").set_queue_attributes(
            QueueUrl=self.resources["ProfileQueue"],
            Attributes={_VISIBILITY_TIMEOUT: str(seconds)},
        )

    def read_dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters and leave them on the queue, as dead_letter_messages() does."""
        return [from_sqs(message) for message in self.dead_letter_messages()]

    def dead_letter_messages(self) -> list[dict[str, Any]]:
        """Return the dead letters as SQS gives them out, and leave them on the queue.

        Of each message group these are the ten oldest at most: a FIFO queue gives out no more
        until they are deleted.
        """
        client = self.client("sqs")
        url = self.resources["DeadLetterQueue"]
        messages: list[dict[str, Any]] = []
        while batch := _receive(client, url):
            messages += batch
        for message in messages:
            client.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return messages

    def _count(self, url: str) -> QueueCount:
        return fifo_queue.count(self.client("sqs"), url)  # exact in the local cloud


def build(
    folder: Path, *, sources: Path = ROOT, for_aws: bool = False, verbose: bool = False
) -> Path:
    """Build the functions and the layer into a folder, and return the built template.

    `sources` is a folder with the template and what it names. Unless it is built for AWS, the
    layer gets the packages of this machine, since the local cloud runs functions on it.
    Raises StackError with the end of SAM's output.
    """
    environment = dict(os.environ) if for_aws else os.environ | {"LAYER_MACHINES": ""}
    template = sources / "template.yaml"
    command = ["build", "--template", str(template), "--build-dir", str(folder)]
    sam(command, environment, verbose=verbose)
    return folder / "template.yaml"


def deploy(
    cloud: LocalCloud,
    name: str,
    parameters: Mapping[str, str],
    *,
    template: Path,
    verbose: bool = False,
) -> LocalStack:
    """Deploy a built template, or update the stack of that name, and return the stack.

    parameters are those of template.yaml; AwsEndpointUrl is added. Never put a secret there.
    Raises StackError with the end of SAM's output.
    """
    chosen = {**parameters, "AwsEndpointUrl": cloud.endpoint_url}
    command = deploy_command(name, chosen, template=template, region=REGION)
    sam(command, cloud.environment() | {"SAM_CLI_POLL_DELAY": "0.5"}, verbose=verbose)
    return find(cloud, name)


def deploy_command(
    name: str, parameters: Mapping[str, str], *, template: Path, region: str
) -> list[str]:
    """Return the arguments with which the SAM CLI deploys a built template and asks nothing."""
    overrides = [f"{key}={_quoted(value)}" for key, value in parameters.items()]
    options = ["--stack-name", name, "--region", region, "--capabilities", "CAPABILITY_IAM"]
    options += ["--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command = ["deploy", "--template-file", str(template), *options]
    return [*command, "--parameter-overrides", *overrides]


def find(cloud: LocalCloud, name: str) -> LocalStack:
    """Return a stack that is deployed already."""
    return LocalStack(
        name, cloud.endpoint_url, *described(_client(cloud.endpoint_url, "cloudformation"), name)
    )


def described(cloudformation: Any, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return a stack's outputs, and its physical ids by logical ids."""
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    return (
        {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]},
        {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
        },
    )


@functools.cache
def _client(endpoint_url: str, service: str) -> Any:
    # The longest wait is for an invoked function, which gets at most a minute itself.
    config = Config(
        connect_timeout=5, read_timeout=70, retries={"total_max_attempts": 1}, proxies={}
    )
    session: Any = boto3.Session(TEST_KEY, TEST_KEY, region_name=REGION)
    return session.client(service, endpoint_url=endpoint_url, config=config)


def sam(
    arguments: list[str],
    environment: Mapping[str, str],
    *,
    seconds: float = _SAM_SECONDS,
    verbose: bool = False,
) -> None:
    """Run the SAM CLI. Raises StackError with the end of its output."""
    try:
        result = subprocess.run(
            [str(_BIN / "sam"), *arguments],
            cwd=ROOT,
            env=_sam_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=None if verbose else subprocess.PIPE,
            stderr=None if verbose else subprocess.STDOUT,
            timeout=seconds,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise StackError("The SAM CLI is missing here: run this through `make`") from None
    except subprocess.TimeoutExpired:
        raise StackError(f"`sam {arguments[0]}` took over {seconds:.0f} s") from None
    if result.returncode == 0:
        return
    tail = "\n".join((result.stdout or "").splitlines()[-_OUTPUT_LINES:])
    raise StackError(f"`sam {arguments[0]}` failed ({result.returncode}):\n{tail}")


def _sam_environment(environment: Mapping[str, str]) -> dict[str, str]:
    # The layer is built with the python3.13 that stands beside sam, which has pip.
    path = f"{_BIN}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return {**environment, "PATH": path, "SAM_CLI_TELEMETRY": "0"}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _receive(client: Any, url: str) -> list[dict[str, Any]]:
    answer = client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=_LOOK_SECONDS,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    received: list[dict[str, Any]] = answer.get("Messages", [])
    return received
