"""A second stack in the same account, and what a deploy leaves alone."""

import json
from collections.abc import Iterator

import pytest

from local.machine import stack as stacks
from local.machine.cloud import LocalCloud
from local.machine.stack import LocalStack
from tests.support.local import Local

EDITED = {"connection": "default", "event_code": "mine2026", "mapping": {"city": "town"}}


@pytest.fixture(scope="module")
def second() -> Iterator[list[LocalStack]]:
    made: list[LocalStack] = []
    yield made
    for stack in made[:1]:
        stack.client("cloudformation").delete_stack(StackName=stack.name)


def deploy(local: Local, **parameters: str) -> LocalStack:
    """Deploy a second stack beside the first, or update it."""
    port = int(local.stack.endpoint_url.rsplit(":", 1)[-1])
    cloud = LocalCloud(port, local.running.build.parent)
    template = local.running.build / "template.yaml"
    return stacks.deploy(cloud, "attendee-sync-second", parameters, template=template)


def setting(stack: LocalStack, kind: str) -> dict[str, object]:
    """Return the settings that are in force, as the command line shows them."""
    shown = stack.operate(kind, "show", "default")
    assert isinstance(shown, dict)
    return shown


def test_what_people_edited_outlives_a_deploy(local: Local, second: list[LocalStack]) -> None:
    stack = deploy(local, OrgId="acme", EventCode="first2026")
    second.append(stack)
    assert "first2026" in json.dumps(setting(stack, "destinations"))
    stack.put_destination("default", EDITED)

    stack = deploy(local, OrgId="other", EventCode="next2027")

    destination = json.dumps(setting(stack, "destinations"))
    assert "mine2026" in destination
    assert "town" in destination
    assert "next2027" not in destination
    assert "other" in json.dumps(setting(stack, "connections"))  # which nobody edited
    shared = set(stack.resources.values()) & set(local.stack.resources.values())
    assert shared <= {"prod"}  # the stage of each stack's own API
