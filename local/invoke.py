"""Runs one function in a container with an event, as a part of a deployed stack.

`make invoke-…` calls it twice: what can be missing is looked for before the stack is built.
"""

import argparse
import ipaddress
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.machine import docker, events
from local.machine.cloud import ROOT
from local.machine.docker import DockerError

_FOLDER = ROOT / "build" / "invoke"
_EVENT = _FOLDER / "event.json"
_VARIABLES = _FOLDER / "env.json"
_SAM = Path(sys.executable).parent / "sam"


class InvokeError(Exception):
    """The function can't be invoked, or failed. The text says why in one sentence."""


def main(arguments: list[str]) -> int:
    """Run one of the two steps that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m local.invoke", description=__doc__)
    steps = parser.add_subparsers(required=True)
    first = steps.add_parser("prepare", help="look for all that is needed, and write it down")
    first.add_argument("function", help="as in template.yaml")
    first.add_argument("event", type=Path, help="a JSON file")
    first.add_argument("stack")
    first.set_defaults(step=lambda given: prepare(given.function, given.event, given.stack))
    second = steps.add_parser("run", help="invoke it, once the stack is built")
    second.add_argument("function")
    second.add_argument("options", nargs="*", help="more options of `sam local invoke`, after --")
    second.set_defaults(step=lambda given: run(given.function, given.options))
    given = parser.parse_args(arguments)
    try:
        given.step(given)
    except (InvokeError, DockerError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"AWS: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def prepare(function: str, event: Path, stack: str) -> None:
    """Write the function's variables and the event, with the stack's ingest token, to build/.

    Raises InvokeError, DockerError and botocore's errors if anything is missing.
    """
    read = _read(event)
    docker.check()
    session = _session()
    outputs = _outputs(session, stack)
    given = variables(stack, session.client("cloudformation"), session.client("lambda"))
    if function not in given:
        raise InvokeError(f"Stack {stack} has no function {function}.")
    _check_reachable(given[function].get("AWS_ENDPOINT_URL", ""))
    token = ""
    if events.shows_token(read):
        secret = session.client("secretsmanager").get_secret_value(
            SecretId=outputs["IngestTokenSecret"]
        )
        token = secret["SecretString"].strip()
    _write(_EVENT, events.fresh(read, token, datetime.now(UTC)))
    _write(_VARIABLES, given)


def variables(stack: str, cloudformation: Any, lambda_: Any) -> dict[str, dict[str, str]]:
    """Return the environment variables of each of a stack's functions, by logical id.

    The SAM CLI can't know what a template's references have become; the deployed functions do.
    """
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    functions = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::Lambda::Function"
    }
    return {
        logical_id: lambda_.get_function_configuration(FunctionName=name)
        .get("Environment", {})
        .get("Variables", {})
        for logical_id, name in functions.items()
    }


def run(function: str, options: list[str]) -> None:
    """Invoke the built function with what was prepared, and show what it answers.

    Raises InvokeError if it failed: the SAM CLI itself then ends with 0.
    """
    command = [str(_SAM), "local", "invoke", function, "--event", str(_EVENT)]
    command += ["--env-vars", str(_VARIABLES), "--region", _session().region_name, *options]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(result.stdout.rstrip("\n") + "\n")  # SAM ends the answer with none
    sys.stdout.flush()
    if result.returncode:
        raise InvokeError(f"`sam local invoke` ended with {result.returncode}.")
    reason = failure(result.stdout)
    if reason:
        raise InvokeError(f"{function} {reason}.")


def failure(shown: str) -> str:
    """Return how an invocation failed, by what the SAM CLI shows, or nothing if it did not.

    The last line is the function's answer, which for an error has an `errorMessage`:
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    lines = shown.split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    try:
        answer = json.loads(last)
    except ValueError:
        return "gave no answer: it ended, or its time was over"
    if isinstance(answer, dict) and "errorMessage" in answer:
        return f"failed with {answer.get('errorType', 'an error')}"
    return ""


def _read(event: Path) -> dict[str, Any]:
    try:
        read = json.loads(event.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvokeError(f"{event} can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise InvokeError(f"{event} is not JSON: {error}.") from None
    if not isinstance(read, dict):
        raise InvokeError(f"{event} is no JSON object.")
    return read


def _session() -> Any:
    """Return a session for the account that the shell chose, as the AWS CLI finds it."""
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    if not session.get_credentials():
        raise InvokeError(
            "No AWS credentials are set: name a profile in AWS_PROFILE, or paste the lines that "
            "`make local` prints."
        )
    if not session.region_name:
        raise InvokeError("No AWS region is set: name one in AWS_REGION.")
    return session


def _outputs(session: Any, stack: str) -> dict[str, str]:
    try:
        answer = session.client("cloudformation").describe_stacks(StackName=stack)
    except ValueError:
        raise InvokeError("AWS_ENDPOINT_URL must begin with http:// or https://.") from None
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise InvokeError(
            f"There is no stack {stack} in this account and region: STACK=name names another."
        ) from None
    return {each["OutputKey"]: each["OutputValue"] for each in answer["Stacks"][0]["Outputs"]}


def _check_reachable(endpoint_url: str) -> None:
    """Raise InvokeError if the stack is a local one that listens to this machine only."""
    try:
        is_loopback = ipaddress.ip_address(urlsplit(endpoint_url).hostname or "").is_loopback
    except ValueError:
        return
    if is_loopback:
        raise InvokeError(
            f"No container reaches the local stack at {endpoint_url}: "
            "start it with `make local ADDRESS=docker`."
        )


def _write(path: Path, value: object) -> None:
    """Write a file that only its owner may read: the event holds the ingest token."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
