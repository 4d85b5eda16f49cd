"""The command line as a whole."""

import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from typer.testing import CliRunner

from attendee_sync_cli import aws_errors, console
from attendee_sync_cli.main import app
from attendee_sync_cli.stack import local_stack, stack
from tests.support.command_line import CommandLine, commands
from tests.support.stack import Aws

COMMANDS = commands()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_teaches_itself_with_an_example(
    line: CommandLine, command: list[str]
) -> None:
    shown = line.succeed(*command, "--help")
    assert re.search(rf"Examples?:\s+attendee-sync {' '.join(command)}", shown)


def test_no_command_takes_a_secret_as_an_argument(line: CommandLine) -> None:
    shown = "".join(line.succeed(*command, "--help") for command in COMMANDS)
    options = set(re.findall(r"--[a-z-]+", shown))
    assert options <= {
        "--help",
        "--json",
        "--yes",
        "--stdin",
        "--destination",
        "--reason",
        "--require-consent",
        "--show",
        "--list",
        "--export",
        "--discard",
        "--summary",
        "--until",
        "--lift",
        "--wait",
        "--timeout",
        "--dry-run",
        "--hours",
        "--now",
        "--drain",
        "--bury",
        "--write-test",
        "--request",
        "--stack",
        "--force",
        "--column",
        "--encoding",
        "--apply",
        "--attempts",
        "--rate",
        "--failed",
        "--batch",
        "--event",
        "--connection",
        "--audience",
        "--filter",
        "--field",
        "--sample",
        "--status-page",
        "--by",
        "--check",
        "--max-wait",
        "--oauth",
        "--sender",
        "--trace",
        "--overlap-hours",
        "--out",
        "--output",
        "--in-batches",
        "--server",
        "--csv",
        "--port",
        "--allow-changes",
        "--browser",
        "--no-browser",
    }


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["connections", "list", "--nothing"], ["token"]]
)
def test_what_is_not_understood_is_a_usage_error(line: CommandLine, arguments: list[str]) -> None:
    line.fail(*arguments, code=2)


def test_the_stack_is_named_by_option_or_environment(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "client", aws.client)
    monkeypatch.delenv("ATTENDEE_SYNC_STACK", raising=False)
    monkeypatch.setattr(local_stack, "FILE", Path("no-local-stack-runs"))
    asked = ["connections", "list", "--json"]
    CliRunner().invoke(app, asked)
    CliRunner(env={"ATTENDEE_SYNC_STACK": "one"}).invoke(app, asked)
    CliRunner(env={"ATTENDEE_SYNC_STACK": "one"}).invoke(app, ["--stack", "two", *asked])
    paths = [
        request["Path"] for _, request in aws.ssm.calls if "/connections" in request.get("Path", "")
    ]
    assert paths == [f"/{name}/connections" for name in ("attendee-sync", "one", "two")]


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("service", ["ssm", "secretsmanager", "lambda", "cloudformation"])
def test_clients_have_timeouts_and_go_where_the_shell_says(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    made = stack.client.__wrapped__(service)
    assert made.meta.endpoint_url == "http://127.0.0.1:4566"
    assert made.meta.region_name == "eu-central-1"
    assert made.meta.config.connect_timeout <= 5
    assert made.meta.config.read_timeout <= 70
    assert made.meta.config.retries["total_max_attempts"] == (1 if service == "lambda" else 3)


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize(
    ("said", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "eu-west-3"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_PROFILE": "other"}, "eu-west-1"),
        ({"AWS_PROFILE": "other"}, "eu-north-1"),
    ],
)
def test_the_region_is_the_one_that_the_aws_cli_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: dict[str, str], region: str
) -> None:
    configured = "[default]\nregion = eu-west-3\n[profile other]\nregion = eu-north-1\n"
    (tmp_path / "config").write_text(configured)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert stack.client.__wrapped__("ssm").meta.region_name == region


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize(
    ("options", "region", "key"),
    [
        (["--region", "eu-south-1"], "eu-south-1", "made-up"),
        (["--profile", "other"], "eu-west-1", "of-other"),
        (["--profile", "other", "--region", "eu-south-1"], "eu-south-1", "of-other"),
    ],
)
def test_options_come_before_what_the_shell_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], region: str, key: str
) -> None:
    (tmp_path / "config").write_text(
        "[profile other]\nregion = eu-north-1\n"
        "aws_access_key_id = of-other\naws_secret_access_key = made-up\n"
    )
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(stack, "_chosen", {})
    made: list[Any] = []

    def client(service: str) -> Any:
        made.append(real(service))
        raise console.FailureError("that is all")

    real = stack.client.__wrapped__
    monkeypatch.setattr(stack, "client", client)
    CliRunner().invoke(app, [*options, "connections", "list"])
    [client_made] = made
    assert client_made.meta.region_name == region
    assert client_made._get_credentials().access_key == key


@pytest.mark.usefixtures("aws_environment")
def test_an_unknown_profile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_chosen", {})
    stack.client.cache_clear()
    result = CliRunner().invoke(app, ["--profile", "none-such", "connections", "list"])
    assert result.exit_code == 1
    assert "AWS: The config profile (none-such) could not be found. `aws" in result.stderr


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"])
@pytest.mark.parametrize(
    "url", ["localhost:4566", "127.0.0.1:4566", "http://", "//host", "http://[::1"]
)
def test_an_endpoint_url_that_is_none_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv(name, url)
    stack.client.cache_clear()
    result = CliRunner().invoke(app, ["connections", "list"])
    assert result.exit_code == 2
    assert "AWS_ENDPOINT_URL must begin with http:// or https://" in result.stderr
    assert isinstance(result.exception, SystemExit)


@pytest.mark.usefixtures("aws_environment")
def test_a_missing_region_is_told() -> None:
    stack.client.cache_clear()
    result = CliRunner().invoke(app, ["connections", "list"])
    assert result.exit_code == 1
    assert "AWS: You must specify a region. Set AWS_REGION, or `region` in your" in result.stderr


@pytest.mark.parametrize("call", ["CreateSecret", "PutSecretValue"])
def test_of_a_call_that_holds_a_secret_nothing_is_repeated(call: str) -> None:
    error = ClientError({"Error": {"Code": "ValidationException", "Message": "hunter2"}}, call)
    assert aws_errors.explain(error) == f"{call} failed with ValidationException"
    assert "hunter2" not in aws_errors.explain(ParamValidationError(report="hunter2"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (29, "29 s"),
        (-29, "29 s"),
        (60, "1 min"),
        (3_599, "1 h 0 min"),
        (7_500, "2 h 5 min"),
    ],
)
def test_a_span_of_time_is_told_in_words(seconds: float, words: str) -> None:
    assert console.duration(seconds) == words


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_terminal_breaks_no_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    url = f"https://example.com/{'long' * 30}"
    words = f"It is told at length, word for word, so that it takes more than a line: {url}\n  next"
    console.say(words)
    assert capsys.readouterr().out == f"{words}\n"  # a pipe has each line whole
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    console.say(words)
    *lines, link, last = capsys.readouterr().out.splitlines()
    assert (" ".join(lines), link, last) == (words.partition(" https")[0], url, "  next")
    assert max(map(len, lines)) <= int(columns)
    console.say_as_it_is(words)
    assert capsys.readouterr().out == f"{words}\n"
