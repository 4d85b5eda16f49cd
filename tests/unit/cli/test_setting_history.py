"""Who changed settings, what they were before, and the way back."""

import json
from datetime import UTC, datetime

import pytest

from tests.support.command_line import CommandLine, cells
from tests.support.stack import STACK, Clock

SUMMIT = f"/{STACK}/destinations/summit"


@pytest.fixture
def line(line: CommandLine, wall: Clock) -> CommandLine:
    wall.now = datetime(2026, 11, 27, 9, tzinfo=UTC).timestamp()
    line.aws.set_destination("summit", event_code="e0")
    for change in ("event_code=e1", "filter=vip", "filter=null"):
        line.succeed("destinations", "set", "summit", change, "--yes")
    return line


def test_each_version_tells_who_stored_it_when_and_what_changed(line: CommandLine) -> None:
    shown = cells(line.succeed("destinations", "history", "summit"))
    assert [row[:1] + row[2:] for row in shown[1:]] == [
        ["1", "grace"],
        ["2", "grace", "filter"],
        ["3", "grace", "filter"],
    ]
    assert all("2026-11-27T09:00:00" in row[1] for row in shown[1:])
    document = line.json("destinations", "history", "summit")
    assert [each["settings"].get("filter") for each in document] == [None, "vip", None]


def test_settings_go_back_to_a_version(line: CommandLine) -> None:
    shown = line.succeed("destinations", "rollback", "summit", "2", "--yes")
    assert ["filter", "(none)", "vip"] in cells(shown)
    assert json.loads(line.aws.ssm.parameters[SUMMIT])["filter"] == "vip"
    assert len(line.json("destinations", "history", "summit")) == 4


def test_a_version_that_is_not_there_changes_nothing(line: CommandLine) -> None:
    before = line.aws.ssm.parameters[SUMMIT]
    told = line.fail("destinations", "rollback", "summit", "9", "--yes")
    assert "There is no version 9; there are: 1, 2, 3." in told
    assert line.aws.ssm.parameters[SUMMIT] == before


def test_a_version_that_is_not_valid_any_more_is_not_stored(line: CommandLine) -> None:
    versions = line.aws.ssm.history[SUMMIT]
    versions[1]["Value"] = json.dumps({"event_code": "e1", "filter": "is_member("})
    told = line.fail("destinations", "rollback", "summit", "2", "--yes")
    assert "The settings are not valid" in told
    assert ["2", "grace", "not valid"] in [
        row[:1] + row[2:] for row in cells(line.succeed("destinations", "history", "summit"))
    ]


def test_what_nobody_changed_has_no_history(line: CommandLine) -> None:
    text = line.aws.ssm.parameters.pop(f"/{STACK}/connections/default")
    line.aws.ssm.parameters[f"/{STACK}/template/connections/default"] = text
    assert "Nobody changed it" in line.succeed("connections", "history", "default")
    assert line.json("connections", "history", "default") == []


def test_a_connection_goes_back_and_its_secrets_stay(line: CommandLine) -> None:
    line.succeed("connections", "set", "default", "version=v2", "--yes")
    line.succeed("connections", "set", "default", "version=v3", "--yes")
    puts = line.aws.secrets.count("PutSecretValue")
    line.succeed("connections", "rollback", "default", "1", "--yes")
    stored = json.loads(line.aws.ssm.parameters[f"/{STACK}/connections/default"])
    assert stored["version"] == "v2"
    assert line.aws.secrets.count("PutSecretValue") == puts
    [_, second, third] = line.json("connections", "history", "default")
    assert second["changed"] == third["changed"] == ["version"]


def test_a_secret_in_an_old_version_is_not_shown(line: CommandLine) -> None:
    line.succeed("connections", "set", "default", "version=v2", "--yes")
    [version] = line.aws.ssm.history[f"/{STACK}/connections/default"]
    settings = {"org_id": "acme", "call": {"headers": {"x-api-key": "new-client-secret"}}}
    version["Value"] = json.dumps(settings)
    assert line.json("connections", "history", "default")  # which shows no secret, see CommandLine


@pytest.mark.parametrize("command", ["history", "rollback"])
@pytest.mark.parametrize("kind", ["connection", "destination"])
def test_names_are_known_ones(line: CommandLine, kind: str, command: str) -> None:
    number = ["1", "--yes"] if command == "rollback" else []
    assert f"There is no {kind} nowhere" in line.fail(f"{kind}s", command, "nowhere", *number)
