"""What an account may ask for: a boundary of all roles, data that stays, a share of concurrency."""

import json
import re
from typing import Any

import pytest

from local.checks.transformed import EVERY_OPTION
from tests.support.template import ROOT, made, refused

BOUNDARY = EVERY_OPTION["PermissionsBoundaryArn"]
DATA = {"LedgerTable", "HashKey", "DeadLetterQueue"}


def roles(**given: str) -> dict[str, dict[str, Any]]:
    found = {
        name: each["Properties"]
        for name, each in made(AccessLog="on-and-set-role", **given).items()
        if each["Type"] == "AWS::IAM::Role"
    }
    assert found
    return found


def actions_of(role: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                actions = statement["Action"]
                found |= {actions} if isinstance(actions, str) else set(actions)
    return found


def test_no_role_has_a_boundary_by_default() -> None:
    assert not any("PermissionsBoundary" in role for role in roles().values())


def test_every_role_has_the_boundary_where_one_is_asked_for() -> None:
    found = {
        role.get("PermissionsBoundary") for role in roles(PermissionsBoundaryArn=BOUNDARY).values()
    }
    assert found == {BOUNDARY}


def test_the_page_names_every_action_that_a_boundary_must_allow() -> None:
    text = (ROOT / "docs" / "account.md").read_text()
    section = text.partition("## A boundary of all roles")[2].partition("\n## ")[0]
    named = {
        f"{service}:{action}"
        for service, actions in re.findall(r"^\| `([a-z0-9]+)` \| (.*) \|$", section, re.MULTILINE)
        for action in re.findall(r"`(\w+)`", actions)
    }
    needed = {action for role in roles(**EVERY_OPTION).values() for action in actions_of(role)}
    assert named == needed


def test_data_goes_with_the_stack_by_default() -> None:
    resources = made()
    assert {resources[name]["DeletionPolicy"] for name in DATA} == {"Delete"}
    assert resources["LedgerTable"]["Properties"]["DeletionProtectionEnabled"] is False


def test_data_outlives_the_stack_where_it_is_to_be_retained() -> None:
    """A first deploy that fails leaves no secret, or its name would be taken for the second."""
    resources = made(DataRetention="Retain")
    policies = {name: each.get("DeletionPolicy", "") for name, each in resources.items()}
    assert {name for name, policy in policies.items() if policy.startswith("Retain")} == DATA
    assert policies["HashKey"] == policies["DeadLetterQueue"] == "RetainExceptOnCreate"
    # Which could not be deleted, as it is protected.
    assert policies["LedgerTable"] == "Retain"
    assert resources["LedgerTable"]["Properties"]["DeletionProtectionEnabled"] is True


def test_ingest_has_a_share_of_its_own_only_if_asked_for() -> None:
    def share(**given: str) -> Any:
        return made(**given)["IngestFunction"]["Properties"].get("ReservedConcurrentExecutions")

    assert share(IngestConcurrency="0") is None
    assert share(IngestConcurrency="20") == "20"
    assert (
        made()["DeliveryFunction"]["Properties"].keys()
        == made(IngestConcurrency="20")["DeliveryFunction"]["Properties"].keys()
    )


@pytest.mark.parametrize(
    "wrong", ["boundary", "arn:aws:iam::123456789012:role/boundary", "arn:aws:iam::1:policy/x"]
)
def test_what_is_no_managed_policy_is_refused(wrong: str) -> None:
    assert refused(PermissionsBoundaryArn=BOUNDARY) == []
    assert refused(PermissionsBoundaryArn=wrong)


def test_nothing_is_made_for_an_option_that_is_empty() -> None:
    """A default deploy makes what it made before there were options."""
    text = json.dumps(made())
    ids = [value for value in EVERY_OPTION.values() if not value.isalnum()]
    assert ids
    assert not [value for value in ids if value in text]
