"""The command line finds what `make local` runs, and mistakes it for no account."""

import json
import os
import socket
from pathlib import Path
from typing import Any, Self

import boto3
import pytest
from typer.testing import CliRunner

from attendee_sync_cli.console import FailureError
from attendee_sync_cli.main import app
from attendee_sync_cli.stack import local_stack, stack
from tests.support.stack import Aws

SETTINGS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "ATTENDEE_SYNC_STACK": "attendee-sync-local",
}
NOTICE = "This is the local stack attendee-sync-local at http://127.0.0.1:4566.\n"


class Socket:
    """A socket of a machine on which only 127.0.0.1 is its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def bind(self, address: tuple[str, int]) -> None:
        if address[0] != "127.0.0.1":
            raise OSError(99, "Cannot assign requested address")

    def close(self) -> None:
        pass


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that `make local` writes, in the folder where commands run; the stack answers."""
    path = tmp_path / local_stack.FILE
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_text(json.dumps(SETTINGS))
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith(("AWS_", "ATTENDEE_SYNC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    # What a command sets is gone after the test.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(socket, "socket", Socket)
    monkeypatch.setattr(socket, "create_connection", lambda *_: Socket())
    return path


def find(named: str | None = None) -> str | None:
    found = local_stack.find(named, os.environ)
    return found.attendee_sync_stack if found else None


@pytest.mark.usefixtures("file")
def test_the_local_stack_is_found_where_nothing_says_otherwise() -> None:
    assert find() == "attendee-sync-local"
    assert find("attendee-sync-local") == "attendee-sync-local"


def test_who_uses_it_finds_its_simulator(file: Path) -> None:
    url = "http://127.0.0.1:4600"
    file.write_text(json.dumps({**SETTINGS, "ATTENDEE_SYNC_SIMULATOR_URL": url}))
    found = local_stack.find(None, os.environ)
    assert found
    assert found.environment()["ATTENDEE_SYNC_SIMULATOR_URL"] == url
    elsewhere = {**SETTINGS, "ATTENDEE_SYNC_SIMULATOR_URL": "http://example.com:4600"}
    file.write_text(json.dumps(elsewhere))
    with pytest.raises(FailureError, match="another machine"):
        find()


@pytest.mark.usefixtures("file")
def test_another_stack_is_not_the_local_one() -> None:
    assert find("attendee-sync") is None


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    "name",
    [
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_CONFIG_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_OF_THE_FUTURE",
    ],
)
def test_any_aws_setting_of_the_shell_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "set")
    assert find() is None


@pytest.mark.usefixtures("file")
def test_a_setting_that_names_no_account_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ssl/ca.pem")
    monkeypatch.setenv("AWS_PAGER", "")
    assert find() == "attendee-sync-local"


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("name", ["config", "credentials"])
def test_with_a_default_profile_it_must_be_said_which_is_meant(tmp_path: Path, name: str) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / name).write_text("[default]\naws_access_key_id = real\n")
    with pytest.raises(FailureError, match="Which stack is meant"):
        find()


@pytest.mark.usefixtures("file")
def test_a_stack_that_runs_no_more_leads_to_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(FailureError, match="runs no more"):
        find()


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_file_that_others_may_use_is_not_obeyed(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert find() is None


@pytest.mark.parametrize("host", ["192.0.2.1", "sqs.example.com"])
def test_a_file_leads_to_no_other_machine(file: Path, host: str) -> None:
    file.write_text(json.dumps(SETTINGS | {"AWS_ENDPOINT_URL": f"http://{host}:80"}))
    with pytest.raises(FailureError, match="names another machine"):
        find()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", json.dumps(SETTINGS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:x"})],
)
def test_a_file_that_is_none_of_ours_is_told(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(FailureError, match="can't be read"):
        find()


@pytest.mark.usefixtures("file")
def test_a_command_says_that_it_talks_to_the_local_stack(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "client", aws.client)
    result = CliRunner().invoke(app, ["connections", "list"])
    assert result.stderr.startswith(NOTICE)
    asked = [str(request.get("Path") or request["Name"]) for _, request in aws.ssm.calls]
    assert {path.split("/")[1] for path in asked} == {"attendee-sync-local"}
    session: Any = boto3.Session()
    assert session.available_profiles == []
    assert session.client("sqs").meta.endpoint_url == "http://127.0.0.1:4566"


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("option", ["--profile", "--region"])
def test_an_option_that_names_an_account_says_otherwise(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr(stack, "client", aws.client)
    result = CliRunner().invoke(app, [option, "eu-west-1", "connections", "list"])
    assert result.stderr == ""
    assert {request["Path"].split("/")[1] for _, request in aws.ssm.calls} == {"attendee-sync"}
    assert "AWS_ENDPOINT_URL" not in os.environ
