import time
from datetime import datetime
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.stack import CREDENTIALS, STACK, changed, token

# --- show ---


def test_a_token_is_shown_without_itself(line: CommandLine) -> None:
    now = int(time.time())
    line.aws.set_token(token(issued_at=now - 600, expires_at=now + 3_000))
    shown = line.succeed("token", "show", "default")
    assert "good: it matches today's settings and credentials" in shown
    assert "https://events.rainfocus.com/acme" in shown
    assert "(10 min ago)" in shown
    assert "(in 50 min)" in shown
    assert CREDENTIALS.client_id not in shown


def test_a_token_is_shown_for_programs(line: CommandLine) -> None:
    line.aws.set_token(token(issued_at=1_700_000_000, expires_at=4_000_000_000))
    shown = line.json("token", "show", "default")
    assert shown == {
        "connection": "default",
        "state": "good",
        "words": "it matches today's settings and credentials",
        "kind": "OAuth access token",
        "granted_for": "https://events.rainfocus.com/acme",
        "issued_at": "2023-11-14T22:13:20Z",
        "expires_at": "2096-10-02T07:06:40Z",
    }
    assert datetime.fromisoformat(shown["expires_at"]).timestamp() == 4_000_000_000


@pytest.mark.parametrize(
    ("made", "state", "words"),
    [
        ({"expires_at": 1_700_000_600}, "expired", "it has run out"),
        ({"replaces": "digest"}, "good", "RainFocus refused the one before"),
        ({"granted_to": "another"}, "outdated", "have changed since"),
        (
            {"audience": "https://events-stg.rainfocus.com/acme"},
            "mismatch",
            "the settings say https://events.rainfocus.com/acme now",
        ),
    ],
)
def test_what_is_wrong_with_a_token_is_told(
    line: CommandLine, made: dict[str, Any], state: str, words: str
) -> None:
    line.aws.set_token(token(**made))
    shown = line.json("token", "show", "default")
    assert shown["state"] == state
    assert words in shown["words"]
    assert words in line.succeed("token", "show", "default")


def test_a_token_of_changed_settings_is_outdated(line: CommandLine) -> None:
    line.aws.set_connection("default", changed(auth={"token_url": "https://t.example.com"}))
    assert line.json("token", "show", "default")["state"] == "outdated"


def test_a_profile_token_never_ends(line: CommandLine) -> None:
    line.aws.set_token(token("", expires_at=None, profile_token="new-profile-token"))
    assert line.json("token", "show", "default")["expires_at"] is None
    shown = line.succeed("token", "show", "default")
    assert "never" in shown
    assert "profile token, without OAuth" in shown


@pytest.mark.parametrize(
    "text", ["{}", "", "no JSON", '{"value": "new-client-secret"}', "[]", "null"]
)
def test_a_token_that_is_not_there_is_a_failure(line: CommandLine, text: str) -> None:
    line.aws.set_token_text(text)
    assert "has no token yet" in line.fail("token", "show", "default")


def test_a_table_without_a_token_holds_none(line: CommandLine) -> None:
    line.aws.remove_token()
    assert "has no token yet" in line.fail("token", "show", "default")


def test_a_token_of_settings_that_are_not_valid_cannot_be_judged(line: CommandLine) -> None:
    line.aws.ssm.parameters[f"/{STACK}/connections/default"] = '{"version": "v4"}'
    assert "are not valid: " in line.fail("token", "show", "default")


# --- refresh ---


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("refreshed", "", "A new token was fetched.\n"),
        (
            "refreshed",
            "no usable lifetime in the answer; 600 s are assumed",
            "A new token was fetched (no usable lifetime in the answer; 600 s are assumed).\n",
        ),
        ("good", "", "The token is still good and was left as it is.\n"),
        (
            "good",
            "it is being renewed just now",
            "The token is still good and was left as it is (it is being renewed just now).\n",
        ),
    ],
)
def test_what_became_of_a_token_is_told(
    line: CommandLine, state: str, reason: str, said: str
) -> None:
    line.refresh_gives(state, reason=reason)
    assert line.succeed("token", "refresh", "default") == said
    [(_, request)] = line.aws.functions.calls
    assert request["FunctionName"] == "attendee-sync-token-refresh"
    assert line.aws.functions.payloads == [{"connection": "default"}]


def test_a_token_is_renewed_by_force(line: CommandLine) -> None:
    line.refresh_gives("refreshed")
    line.succeed("token", "refresh", "default", "--force")
    assert line.aws.functions.payloads == [{"connection": "default", "force": True}]


def test_a_failed_refresh_ends_with_1(line: CommandLine) -> None:
    line.refresh_gives("failed", "credentials", "the credentials are refused: HTTP 401")
    told = line.fail("token", "refresh", "default")
    assert "(the credentials are refused: HTTP 401)" in told


def test_what_became_of_a_token_is_told_to_programs(line: CommandLine) -> None:
    line.refresh_gives("refreshed")
    assert line.json("token", "refresh", "default") == {
        "connection": "default",
        "state": "refreshed",
        "cause": "",
        "reason": "",
    }
    line.refresh_gives("failed", "network", "HTTP 503")
    result = line.run("token", "refresh", "default", "--json")
    assert result.exit_code == 1
    assert '"cause": "network"' in result.stdout


@pytest.mark.parametrize("answer", [{}, {"results": []}, [], "text", {"results": [{"state": "x"}]}])
def test_an_answer_that_is_none_is_a_failure(line: CommandLine, answer: object) -> None:
    line.aws.functions.answer = answer
    assert "gave no answer to read" in line.fail("token", "refresh", "default")


def test_a_function_that_fails_is_a_failure(line: CommandLine) -> None:
    line.aws.functions.fails = True
    line.aws.functions.answer = {"errorMessage": "new-client-secret"}
    assert "its log tells why" in line.fail("token", "refresh", "default")


def test_a_stack_that_is_not_there_is_a_failure(line: CommandLine) -> None:
    line.aws.stacks.outputs = {}
    told = line.fail("token", "refresh", "default")
    assert "There is no stack attendee-sync in this account and region" in told


def test_a_stack_without_the_function_is_a_failure(line: CommandLine) -> None:
    line.aws.stacks.outputs = {STACK: {"PushUrl": "https://example.com"}}
    assert "has no output TokenRefreshFunctionName" in line.fail("token", "refresh", "default")
