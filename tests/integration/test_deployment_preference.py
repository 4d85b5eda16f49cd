"""Versions of ingest and delivery behind aliases, deploy after deploy.

The local cloud has no CodeDeploy: an alias has its new version at once, and no alarm is asked.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from local import build_digest
from local.machine import stack as stacks
from local.machine.cloud import LocalCloud
from local.machine.environment import CLIENT_ID, CLIENT_SECRET
from local.machine.stack import LocalStack, StackError
from tests.support.local import Local

_NAME: Final = "attendee-sync-shifted"
_FUNCTIONS: Final = ("IngestFunction", "DeliveryFunction")
_LAYER_CODE: Final = Path("SharedLayer/python/attendee_sync/ingest/api.py")


@pytest.fixture
def build(local: Local, tmp_path: Path) -> Iterator[Path]:
    """Return what was built for the local stack, as `sam build` left it, to be changed."""
    folder = tmp_path / "build"
    shutil.copytree(local.running.build, folder)
    yield folder
    local.stack.client("cloudformation").delete_stack(StackName=_NAME)


def deploy(local: Local, build: Path, preference: str, *, with_digest: bool = True) -> LocalStack:
    """Deploy a copy of what was built, as `make deploy` does."""
    folder = build.with_name("deployed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(build, folder)
    if with_digest:
        build_digest.write(folder)
    cloud = LocalCloud(int(local.stack.endpoint_url.rsplit(":", 1)[-1]), folder)
    options = {"DeploymentPreference": preference, "OAuthDomain": ""}
    parameters = {**local.running.parameters, **options}
    return stacks.deploy(cloud, _NAME, parameters, template=folder / "template.yaml")


def live(stack: LocalStack) -> list[dict[str, Any]]:
    """Return the configurations of the versions that the aliases invoke."""
    client: Any = stack.client("lambda")
    names = [stack.resources[each] for each in _FUNCTIONS]
    return [client.get_function_configuration(FunctionName=n, Qualifier="live") for n in names]


def versions(found: Sequence[dict[str, Any]]) -> list[int]:
    return [int(each["Version"]) for each in found]


def pushed(stack: LocalStack, destination: str, email: str) -> requests.Response:
    url, headers = stack.push_url(destination)
    headers["Authorization"] = f"Bearer {stack.ingest_token()}"
    return requests.post(url, json={"email": email}, headers=headers, timeout=30)


def delivers(stack: LocalStack) -> str:
    """Return what the shared lane's profiles are given to."""
    client: Any = stack.client("lambda")
    queue = stack.outputs["ProfileQueueName"]
    [found] = [
        str(each["FunctionArn"])
        for each in client.list_event_source_mappings()["EventSourceMappings"]
        if each["EventSourceArn"].endswith(f":{queue}")
    ]
    return found


def test_a_change_of_the_layer_alone_reaches_who_pushes(local: Local, build: Path) -> None:
    with pytest.raises(StackError, match="make build"):
        deploy(local, build, "AllAtOnce", with_digest=False)
    stack = deploy(local, build, "off")  # as stacks are now
    stack = deploy(local, build, "AllAtOnce")
    first = live(stack)

    stack = deploy(local, build, "AllAtOnce")
    assert versions(live(stack)) == versions(first)  # nothing changed

    code = build / _LAYER_CODE
    code.write_text(code.read_text().replace("unknown destination", "no such destination"))
    for compiled in code.parent.glob("__pycache__/api.*"):
        compiled.unlink()
    stack = deploy(local, build, "AllAtOnce")
    second = live(stack)
    assert all(new > old for old, new in zip(versions(first), versions(second), strict=True))
    assert [each["CodeSha256"] for each in first] == [each["CodeSha256"] for each in second]
    assert "no such destination" in pushed(stack, "nowhere", "ada@example.com").text

    stack.store_credentials("default", CLIENT_ID, CLIENT_SECRET)
    stack.refresh_token()
    assert delivers(stack).endswith(":live")
    assert pushed(stack, "default", "shifted@example.com").status_code == 202
    local.wait_for_attendee("shifted@example.com")

    stack = deploy(local, build, "off")
    assert not delivers(stack).endswith(":live")
    assert pushed(stack, "default", "in-place@example.com").status_code == 202
    local.wait_for_attendee("in-place@example.com")
