"""The command line as a process of its own: its encoding, its signals, what it finds around it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from typer.testing import CliRunner

from attendee_sync_cli import entry, exit_codes
from attendee_sync_cli.main import app
from attendee_sync_cli.stack import stack
from tests.support import fakes
from tests.support.command_line import CommandLine

_FULL = Path("/dev/full")
ENTRY = [sys.executable, "-m", "attendee_sync_cli.entry"]


def run(
    *arguments: str, stdout: IO[bytes] | int = subprocess.PIPE, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "80", **variables}
    return subprocess.run(  # noqa: S603
        [*ENTRY, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
    )


@pytest.mark.skipif(not _FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("options", [["--version"], ["--help"], ["push", "--help", "--json"]])
def test_a_full_disk_is_told(options: list[str]) -> None:
    with _FULL.open("wb", buffering=0) as full:
        done = run(*options, stdout=full)
    told = "Reading or writing failed: No space left on device."
    expected = json.dumps({"error": told}) if "--json" in options else told
    assert (done.returncode, done.stderr.decode()) == (1, f"{expected}\n")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_what_a_terminal_cannot_show_is_escaped(encoding: str) -> None:
    done = run("żółć-日本", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"No such command" in done.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_json_is_json_in_every_encoding(
    monkeypatch: pytest.MonkeyPatch, line: CommandLine, encoding: str
) -> None:
    settings = {"event_code": "summit2028", "name": "Łódź 😀 \x81"}
    line.aws.ssm.parameters["/attendee-sync/destinations/summit"] = json.dumps(settings)
    monkeypatch.setattr(line, "_runner", CliRunner(charset=encoding))
    shown = line.run("--stack", "attendee-sync", "destinations", "list", "--json")
    names = [each["name"] for each in json.loads(shown.stdout_bytes.decode(encoding))]
    assert "Łódź 😀 \x81" in names


def test_ctrl_c_while_importing_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    # In the background of a script, tests are started with the signal ignored.
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{hear}; import sys; sys.path.insert(0, {str(tmp_path)!r}); {MAIN}"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"Interrupted.\n")


MAIN = "from attendee_sync_cli.entry import main; main()"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_ctrl_c_is_told(line: CommandLine, options: list[str]) -> None:
    line.aws.ssm.calls_to_interruption = 0
    told = line.fail("connections", "list", *options, code=exit_codes.INTERRUPTED)
    assert told == ('{"error": "Interrupted."}\n' if options else "Interrupted.\n")


def test_what_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setattr("attendee_sync_cli.main.app", lambda: None)
        monkeypatch.setattr(entry, "_show_whatever_comes", lambda: None)
        entry.main()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No account is known, nor a region."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    stack.client.cache_clear()


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "You must specify a region. Set AWS_REGION, or `region`"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "Unable to locate credentials. Log in"),
        ({"AWS_PROFILE": "gone"}, "could not be found. `aws configure list-profiles` shows"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_is_missing_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str, options: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["connections", "list", *options])
    stack.client.cache_clear()
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 1
    assert told in (json.loads(result.stderr)["error"] if options else result.stderr)
    assert result.stdout == ""


@pytest.mark.usefixtures("account")
def test_an_endpoint_that_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:4566")
    result = CliRunner().invoke(app, ["connections", "list", "--json"])
    stack.client.cache_clear()
    assert result.exit_code == 2
    assert "must begin with http:// or https://" in json.loads(result.stderr)["error"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing", "--json"], 2),
        (["--json"], 2),
        (["connections", "show", "--json"], 2),
        (["connections", "show", "Not A Name", "--json"], 2),
        (["connections", "show", "gone", "--json"], 1),
        (["status", "--hours", "0", "--json"], 2),
        (["redrive", "--json"], 2),
        (["push", "gone", "-", "--json"], 1),
    ],
)
def test_errors_are_json_where_answers_are(
    line: CommandLine, arguments: list[str], code: int
) -> None:
    result = line.run(*arguments, given="[]")
    assert result.exit_code == code
    assert result.stdout == ""
    [text] = json.loads(result.stderr).values()
    assert text


def test_errors_of_aws_are_json_too(line: CommandLine) -> None:
    line.aws.ssm.failures = [fakes.denied("ExpiredTokenException", "GetParametersByPath")]
    told = json.loads(line.fail("connections", "list", "--json"))
    assert told == {
        "error": "AWS: GetParametersByPath failed with ExpiredTokenException: made up. "
        "The credentials have run out: log in again, and run the command again."
    }
