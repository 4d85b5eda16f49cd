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
    assert all(row[1] == "2026-11-27T09:00:00Z" for row in shown[1:])
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
    [*_, second, third] = line.json("connections", "history", "default")
    assert second["changed"] == third["changed"] == ["version"]


@pytest.fixture
def deployed(line: CommandLine) -> CommandLine:
    """A stack whose default connection and destination are as the template deploys them."""
    ssm = line.aws.ssm
    for kind in ("connections", "destinations"):
        text = ssm.parameters.pop(f"/{STACK}/{kind}/default")
        name = f"/{STACK}/template/{kind}/default"
        ssm.put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
    return line


@pytest.mark.parametrize(
    ("kind", "setting"), [("connections", "version"), ("destinations", "event_code")]
)
def test_there_is_a_way_back_to_what_was_deployed(
    deployed: CommandLine, kind: str, setting: str
) -> None:
    told = deployed.fail(kind, "rollback", "default", "1", "--yes")
    assert told == "Nobody changed it since it was deployed.\n"
    before = json.loads(deployed.aws.ssm.parameters[f"/{STACK}/template/{kind}/default"])
    deployed.succeed(kind, "set", "default", f"{setting}=v2", "--yes")
    found = deployed.json(kind, "history", "default")
    assert [(each["version"], each["changed"]) for each in found] == [
        ("template", []),
        (1, [setting]),
    ]
    told = deployed.fail(kind, "rollback", "default", "7", "--yes")
    assert "There is no version 7; there are: template, 1." in told
    stored = deployed.json(kind, "rollback", "default", "template", "--yes")
    assert stored["stored"]
    assert [each["setting"] for each in stored["changes"]] == [setting]
    assert json.loads(deployed.aws.ssm.parameters[f"/{STACK}/{kind}/default"]) == before


def test_what_the_first_version_that_is_kept_changed_is_not_known(deployed: CommandLine) -> None:
    deployed.succeed("connections", "set", "default", "version=v2", "--yes")
    deployed.succeed("connections", "set", "default", "version=v3", "--yes")
    del deployed.aws.ssm.history[f"/{STACK}/connections/default"][0]  # SSM keeps a hundred
    found = deployed.json("connections", "history", "default")
    assert [(each["version"], each["changed"]) for each in found] == [("template", []), (2, [])]


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        ("arn:aws:iam::123456789012:root", "root"),
        ("arn:aws:iam::123456789012:user/ops/ada", "ada"),
        ("", ""),
    ],
)
def test_of_who_stored_it_the_name_is_told(line: CommandLine, arn: str, shown: str) -> None:
    line.aws.ssm.history[SUMMIT][0]["LastModifiedUser"] = arn
    assert line.json("destinations", "history", "summit")[0]["stored_by"] == shown


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
