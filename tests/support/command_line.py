"""The command line as an operator runs it, on a stack made of fakes."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from attendee_sync_cli.commands import credentials
from attendee_sync_cli.main import app
from attendee_sync_cli.stack import stack
from tests.support.stack import CREDENTIALS, INGEST_TOKEN, STACK, Aws, token

# Whatever is said, these are not.
SECRETS = (
    CREDENTIALS.client_secret,
    token().value,
    INGEST_TOKEN,
    "new-client-secret",
    "new-profile-token",
)


def cells(shown: str) -> list[list[str]]:
    """Return the rows of tables, without empty cells; two blanks stand between cells."""
    return [
        [cell.strip() for cell in row.split("  ") if cell.strip()] for row in shown.splitlines()
    ]


class CommandLine:
    """Runs commands, and sees to it that no secret is ever shown."""

    def __init__(self, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
        self.aws = aws
        self.hidden: tuple[str, ...] = ()  # more that is never shown
        self._monkeypatch = monkeypatch
        self._runner = CliRunner(env={"COLUMNS": "300", "ATTENDEE_SYNC_STACK": STACK})
        monkeypatch.setattr(stack, "client", aws.client)

    def run(self, *arguments: str, given: str | None = None) -> Result:
        result = self._runner.invoke(app, list(arguments), input=given)
        assert not [each for each in SECRETS + self.hidden if each in result.output]
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def succeed(self, *arguments: str, given: str | None = None) -> str:
        """Run a command that succeeds, and return what it shows."""
        result = self.run(*arguments, given=given)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    def fail(self, *arguments: str, given: str | None = None, code: int = 1) -> str:
        """Run a command that fails, and return what it says on standard error."""
        result = self.run(*arguments, given=given)
        assert result.exit_code == code, result.output
        return result.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.succeed(*arguments, "--json"))

    def sit_at_terminal(self) -> None:
        self._monkeypatch.setattr(credentials, "_is_terminal", lambda: True)

    def refresh_gives(self, state: str, cause: str = "", reason: str = "") -> None:
        """Let the token-refresh function answer so."""
        result = {"connection": "default", "state": state, "cause": cause, "reason": reason}
        self.aws.functions.answer = {"results": [result]}


def commands() -> list[list[str]]:
    """Return the words of every command of the app, groups before their commands."""
    found: list[list[str]] = []
    to_see: list[tuple[list[str], Any]] = [([], typer.main.get_command(app))]
    while to_see:
        words, command = to_see.pop(0)
        below = getattr(command, "commands", {})
        to_see += [([*words, name], each) for name, each in below.items()]
        if not below:
            found.append(words)
    return found
