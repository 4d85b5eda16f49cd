"""Where questions are asked: a stack of this project, in an AWS account or in a local cloud."""

import contextlib
import functools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from local.machine import stack as stacks
from local.machine.cloud import local_cloud
from local.machine.stack import LocalStack, StackError

_STACK = "attendee-sync-parity"
# RainFocus is not asked: without a URL no token is fetched, so what would be delivered waits.
_PARAMETERS = {
    "OrgId": "parity",
    "EventCode": "parity",
    "MaximumConcurrency": "2",  # a new account has ten executions in all
    "LogRetentionDays": "1",
    "RequestsPerSecond": "20",
    "RequestBurst": "20",
}
_AWS_SECONDS = 900.0  # of a deploy
_HTTP_SECONDS = 30.0
_POLL_SECONDS = 1.0

type Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A deployed stack and how it is reached."""

    stack: str
    is_local: bool
    client: Callable[[str], Any]
    """Returns boto3's client of a service."""
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Physical ids by the logical ids of template.yaml."""
    url: str
    """Of the API's stage, without a slash at its end."""
    headers: Mapping[str, str]
    update: Callable[[Mapping[str, str]], None]
    """Deploys once more, with these parameters instead."""

    # --- the API ---

    def health(self) -> int:
        """Ask whether the API is up, and return the HTTP status."""
        return self._send("GET", "/v1/health").status_code

    def statuses(self, count: int) -> list[int]:
        """Return the statuses of as many such questions, made at the same time."""
        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(lambda _: self.health(), range(count)))

    def push(self, profiles: list[Json], destination: str = "default") -> int:
        """Push profiles, and return the HTTP status."""
        token = self.client("secretsmanager").get_secret_value(
            SecretId=self.outputs["IngestTokenSecret"]
        )["SecretString"]
        return self._send(
            "POST",
            f"/v1/destinations/{destination}/profiles",
            headers={"Authorization": f"Bearer {token}"},
            json=profiles,
        ).status_code

    def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, json: Any = None
    ) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = not self.is_local
            return session.request(
                method,
                self.url + path,
                headers={**self.headers, **(headers or {})},
                json=json,
                timeout=_HTTP_SECONDS,
            )

    # --- functions ---

    def configuration(self, function: str) -> Json:
        """Return the configuration of a function, named as in template.yaml."""
        found: Json = self.client("lambda").get_function_configuration(
            FunctionName=self.resources[function]
        )
        return found

    def configure(self, function: str, **changes: Any) -> None:
        """Change the configuration of a function, and wait until it is so."""
        client, name = self.client("lambda"), self.resources[function]
        client.update_function_configuration(FunctionName=name, **changes)
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    # --- logs ---

    def lines(self, group: str, since: float, word: str) -> list[str]:
        """Return the lines with a word in a log group since an epoch time in seconds.

        The group is named as in template.yaml.
        """
        pages = self.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(
            logGroupName=self.resources[group],
            startTime=int(since * 1000),
            filterPattern=json.dumps(word),
        )
        texts = [str(each["message"]) for page in found for each in page["events"]]
        return [line for text in texts for line in text.splitlines() if word in line]


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Tell whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


@contextlib.contextmanager
def local_place(report: Callable[[str], None]) -> Iterator[Place]:
    """Deploy to a local cloud of its own, which is gone afterwards."""
    report("Starting the local cloud")
    with local_cloud() as cloud:
        report("Building and deploying the stack")
        template = stacks.build(cloud.folder / "build")

        def deploy(changes: Mapping[str, str]) -> LocalStack:
            return stacks.deploy(cloud, _STACK, {**_PARAMETERS, **changes}, template=template)

        def update(changes: Mapping[str, str]) -> None:
            deploy(changes)

        stack = deploy({})
        yield place_of(stack, update)


def place_of(stack: LocalStack, update: Callable[[Mapping[str, str]], None]) -> Place:
    """Return a stack in a local cloud as a place to ask in."""
    url, headers = stack.api_url("")
    return Place(
        stack.name, True, stack.client, stack.outputs, stack.resources, url, headers, update
    )


@contextlib.contextmanager
def aws_place(session: Any, report: Callable[[str], None]) -> Iterator[Place]:
    """Deploy to the account of a boto3 session, and remove everything however the block ends.

    Raises StackError if it can't be deployed, or can't be removed: then it says what is left.
    """
    name, region = f"{_STACK}-{secrets.token_hex(3)}", str(session.region_name)
    environment = _environment(session)
    client = functools.cache(session.client)
    has_log_role = bool(client("apigateway").get_account().get("cloudwatchRoleArn"))
    usual = {**_PARAMETERS, "AccessLog": "on" if has_log_role else "off"}
    with tempfile.TemporaryDirectory(prefix="attendee-sync-") as folder:
        report("Building the stack")
        template = stacks.build(Path(folder), for_aws=True)

        def update(changes: Mapping[str, str]) -> None:
            chosen = {**usual, **changes}
            command = stacks.deploy_command(name, chosen, template=template, region=region)
            stacks.sam(command, environment, seconds=_AWS_SECONDS)

        try:
            report(f"Deploying {name} (about three minutes)")
            update({})
            outputs, resources = stacks.described(client("cloudformation"), name)
            url = outputs["HealthUrl"].removesuffix("/v1/health")
            yield Place(name, False, client, outputs, resources, url, {}, update)
        finally:
            report(f"Removing {name}")
            _remove(name, region, environment)


def _environment(session: Any) -> dict[str, str]:
    """Return the environment in which other programs act on a session's account."""
    chosen = {"AWS_REGION": session.region_name, "AWS_DEFAULT_REGION": session.region_name}
    if session.profile_name != "default":
        chosen["AWS_PROFILE"] = session.profile_name
    return {**os.environ, **chosen}


def _remove(name: str, region: str, environment: Mapping[str, str]) -> None:
    command_line = str(Path(sys.executable).parent / "attendee-sync")
    uninstall = [command_line, "--stack", name, "uninstall", "--force", "--yes"]
    try:
        stacks.sam(
            ["delete", "--stack-name", name, "--region", region, "--no-prompts"],
            environment,
            seconds=_AWS_SECONDS,
        )
        subprocess.run(uninstall, env=environment, capture_output=True, timeout=300, check=True)
    except (StackError, subprocess.SubprocessError):
        raise StackError(
            f"{name} could not be removed wholly. Remove it by hand:\n"
            f"sam delete --stack-name {name} --region {region}\n"
            f"attendee-sync --stack {name} --region {region} uninstall --force"
        ) from None
