"""The table of permissions in docs/operations.md: what each command calls stands there."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import fakes
from tests.support.command_line import CommandLine
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import Aws, changed, token
from tests.support.template import listed, managed_policy

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
TABLE = PAGE.partition("| command | policy | permissions |")[2].partition("\n\n")[0]
# Each policy, and those that it needs.
POLICIES = {
    "Viewer": ("Viewer",),
    "Operator": ("Viewer", "Operator"),
    "Manager": ("Viewer", "Operator", "Manager"),
    "Privacy": ("Viewer", "Privacy"),
}
# What IAM calls by another name than the API does.
ACTIONS = {
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "Invoke": "InvokeFunction",
}
PROFILE = json.dumps({"email": "ada@example.com"})
SETTINGS = json.dumps({"event_code": "summit2028"})


@dataclass(frozen=True)
class Row:
    """What the table says of a command."""

    policy: str
    actions: set[str]  # such as sqs:SendMessage


def table() -> dict[str, Row]:
    """Return the rows of the table by command, such as `redrive`."""
    found: dict[str, Row] = {}
    for cell, policy, text in re.findall(r"^\| (.+?) \| (\w+) \| (.+) \|$", TABLE, re.MULTILINE):
        actions: set[str] = set()
        service = ""
        for named, action in re.findall(r"`(?:([a-z]+):)?([A-Z]\w+)`", text):
            service = named or service
            actions.add(f"{service}:{action}")
        group = ""
        for words in re.findall(r"`([^`]+)`", cell):
            names = [each for each in words.split() if each.islower()]
            group = names[0] if len(names) > 1 else group
            command = " ".join(names if len(names) > 1 or not group else [group, *names])
            found[command] = Row(policy, actions)
    return found


def permitted(policy: str) -> set[str]:
    """Return the actions that a policy of the template permits with those that it needs."""
    return {
        action
        for each in POLICIES[policy]
        for statement in managed_policy(f"{each}Policy")
        for action in listed(statement["Action"])
    }


def called(aws: Aws) -> set[str]:
    """Return the actions that were called, and forget them."""
    clients = (
        aws.sqs,
        aws.ssm,
        aws.secrets,
        aws.dynamodb,
        aws.functions,
        aws.logs,
        aws.cloudwatch,
        aws.scheduler,
    )
    actions = {
        f"{each.service}:{ACTIONS.get(name, name)}" for each in clients for name, _ in each.calls
    }
    for each in clients:
        each.calls.clear()
    return actions


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "profile.json").write_text(PROFILE)
    (tmp_path / "destination.json").write_text(SETTINGS)
    (tmp_path / "connection.json").write_text(json.dumps({"org_id": "acme"}))
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "failures",
        "failures --discard --yes",
        "status",
        "report",
        "erase ada@example.com --yes",
        "erase ada@example.com --lift --yes",
        "lookup ada@example.com",
        "lookup ada@example.com --trace",
        "redrive --yes",
        "preview default profile.json",
        "aep values default",
        "aep render default",
        "destinations list",
        "destinations show default",
        "destinations set default destination.json --yes",
        "destinations history default",
        "destinations rollback default 1 --yes",
        "connections history default",
        "connections rollback default 1 --yes",
        "destinations pause default",
        "destinations pause default --until 3d",
        "destinations resume default",
        "pause default",
        "resume default",
        "senders list",
        "senders add crm --destination default",
        "senders rotate aep --yes",
        "senders remove aep --yes",
        "connections list",
        "connections show default",
        "connections set emea connection.json --yes",
        "connections remove spare --yes",
        "credentials set default",
        "token show default",
        "token refresh default",
    ],
)
def test_what_a_command_calls_is_in_the_table(
    line: CommandLine,
    harness: DeliveryHarness,
    files: Path,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(files)
    line.refresh_gives("good")
    line.aws.set_connection("spare", changed(environment="stg"))
    line.aws.set_token(token())
    line.run("senders", "add", "aep")
    harness.rainfocus.reply = fakes.envelope("105", "countryid is not known", status=400)
    harness.push({"email": "ada@example.com"}, {"firstname": "Nobody"})
    harness.work()
    for name, text in list(line.aws.ssm.parameters.items()):  # so that there is a version 1
        line.aws.ssm.put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
    line.aws.set_destination("default", event_code="other")
    line.aws.set_connection("default", changed(version="v2"))
    called(line.aws)
    given = json.dumps({"client_secret": "new-client-secret"}) if "credentials" in words else None
    line.run(*words.split(), given=given)
    made = called(line.aws)
    [row] = [row for name, row in table().items() if words.startswith(name)]
    assert made
    assert made <= row.actions
    if words != "status":  # which tells a viewer less
        assert made <= permitted(row.policy)


@pytest.mark.parametrize("command", ["failures", "lookup"])
def test_who_looks_after_people_s_rights_may_show_what_is_held_of_them(command: str) -> None:
    assert table()[command].actions <= permitted("Privacy")


@pytest.mark.parametrize("policy", ["Viewer", "Operator", "Manager"])
def test_nobody_else_erases(policy: str) -> None:
    assert "dynamodb:DeleteItem" not in permitted(policy)


@pytest.mark.parametrize("command", table())
def test_a_command_s_policy_permits_what_it_needs(command: str) -> None:
    """For `status` that is OperatorPolicy and ManagerPolicy: it tells others less."""
    row = table()[command]
    policy = "Manager" if command == "status" else row.policy
    assert row.actions <= permitted(policy)
