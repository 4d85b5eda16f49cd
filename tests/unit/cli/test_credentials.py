import json

import pytest

from tests.support import fakes
from tests.support.command_line import CommandLine
from tests.support.stack import CONNECTION, CREDENTIALS, STACK, Aws

SECRET = f"{STACK}/credentials/default"
NEW = {
    "client_id": "new-client",
    "client_secret": "new-client-secret",
    "profile_token": "new-profile-token",
}


@pytest.fixture
def line(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    made = CommandLine(aws, monkeypatch)
    made.refresh_gives("refreshed")
    return made


def stored(aws: Aws) -> dict[str, str]:
    members: dict[str, str] = json.loads(aws.secrets.versions[SECRET][-1])
    return members


@pytest.mark.parametrize(
    "given",
    [
        json.dumps(NEW),
        f"\n {json.dumps(NEW, indent=2)}\n",
        "new-client\nnew-client-secret\nnew-profile-token",
        "  new-client \r\nnew-client-secret\r\nnew-profile-token\r\n",
    ],
)
@pytest.mark.parametrize("options", [[], ["--stdin"]])
def test_credentials_are_read_from_standard_input(
    line: CommandLine, given: str, options: list[str]
) -> None:
    said = line.succeed("credentials", "set", "default", *options, given=given)
    assert stored(line.aws) == NEW
    assert "Stored in the secret attendee-sync/credentials/default" in said
    assert "client_id set, client_secret set, profile_token set" in said
    assert "A new token was fetched." in said
    assert line.aws.functions.payloads == [{"connection": "default"}]


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ('{"client_secret": "new-client-secret"}', {"client_secret": "new-client-secret"}),
        (
            '{"client_id": "", "profile_token": null, "client_secret": "new-client-secret"}',
            {"client_secret": "new-client-secret"},
        ),
        ("\nnew-client-secret\n", {"client_secret": "new-client-secret"}),
        ("new-client", {"client_id": "new-client"}),
        ("\n\nnew-profile-token", {"profile_token": "new-profile-token"}),
    ],
)
def test_what_is_not_given_is_kept(line: CommandLine, given: str, changed: dict[str, str]) -> None:
    line.succeed("credentials", "set", "default", given=given)
    assert (
        stored(line.aws)
        == {
            "client_id": CREDENTIALS.client_id,
            "client_secret": CREDENTIALS.client_secret,
            "profile_token": "",
        }
        | changed
    )


@pytest.mark.parametrize(
    "given", ["", "\n\n\n", "{}", json.dumps({"client_secret": CREDENTIALS.client_secret})]
)
def test_what_is_not_new_is_not_stored(line: CommandLine, given: str) -> None:
    said = line.succeed("credentials", "set", "default", given=given)
    assert "Nothing new was given" in said
    assert line.aws.secrets.count("PutSecretValue") == 0
    assert line.aws.functions.payloads == [{"connection": "default"}]
    assert "A new token was fetched." in said


@pytest.mark.parametrize(
    "given",
    [
        "a\nnew-client-secret\nnew-profile-token\nnew-client-secret",
        '{"client_secret": ["new-client-secret"]}',
        '{"new-client-secret": "new-client-secret"}',
        '{"client_secret": "new-client-secret"',
        "a\nnew-client-secret\x00",
        '{"client_secret": "new-client-secret\\u0007"}',
        "new-client-secret" * 5_000,
    ],
)
def test_what_is_not_understood_is_refused_and_not_repeated(line: CommandLine, given: str) -> None:
    line.fail("credentials", "set", "default", given=given, code=2)
    assert line.aws.secrets.count("PutSecretValue") == 0


def test_a_person_is_asked_with_hidden_input(line: CommandLine) -> None:
    line.sit_at_terminal()
    given = "new-client\nnew-client-secret\n\n"
    said = line.succeed("credentials", "set", "default", given=given)
    assert "Client secret (hidden)" in said
    assert "Profile token, if there is one (hidden)" in said
    assert stored(line.aws) == NEW | {"profile_token": ""}


def test_empty_answers_keep_what_is_stored(line: CommandLine) -> None:
    line.sit_at_terminal()
    said = line.succeed("credentials", "set", "default", given="\n\n\n")
    assert "the stored credentials stay as they are" in said
    assert CREDENTIALS.client_id not in said


def test_with_stdin_nobody_is_asked(line: CommandLine) -> None:
    line.sit_at_terminal()
    said = line.succeed("credentials", "set", "default", "--stdin", given=json.dumps(NEW))
    assert "Client secret" not in said


def test_secrets_that_are_missing_are_made(line: CommandLine) -> None:
    line.aws.set_connection("emea", CONNECTION)
    line.succeed("credentials", "set", "emea", given=json.dumps(NEW))
    assert json.loads(line.aws.secrets.versions[f"{STACK}/credentials/emea"][-1]) == NEW
    assert line.aws.secrets.versions[f"{STACK}/api-profile/emea"] == ["{}"]


def test_credentials_that_are_being_deleted_are_replaced(line: CommandLine) -> None:
    line.aws.secrets.delete_secret(SecretId=SECRET, RecoveryWindowInDays=30)
    line.succeed("credentials", "set", "default", given=json.dumps(NEW))
    assert line.aws.secrets.deleted == {}
    assert stored(line.aws) == NEW


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("network", "No token: network. The token endpoint can't be reached"),
        ("credentials", "No token: credentials. RainFocus does not take the stored credentials"),
        ("token_url", "No token: token_url. What answers at auth.token_url is no token endpoint"),
        ("settings", "No token: settings. The way of asking is not right"),
    ],
)
def test_a_token_that_is_not_granted_is_a_failure(line: CommandLine, cause: str, told: str) -> None:
    line.refresh_gives("failed", cause, "HTTP 400 in words")
    result = line.run("credentials", "set", "default", given=json.dumps(NEW))
    assert result.exit_code == 1
    assert "Stored" in result.stdout
    assert told in result.stderr
    assert "HTTP 400 in words" in result.stderr
    assert "attendee-sync doctor default" in result.stderr
    assert stored(line.aws) == NEW


def test_a_secret_that_cannot_be_written_is_told_without_it(line: CommandLine) -> None:
    line.aws.secrets.failures = [
        None,
        None,
        fakes.denied("AccessDeniedException", "PutSecretValue"),
    ]
    told = line.fail("credentials", "set", "default", given=json.dumps(NEW))
    assert told.startswith("AWS: PutSecretValue failed with AccessDeniedException. docs")


def test_words_of_others_for_credentials_are_told_without_what_was_given(
    line: CommandLine,
) -> None:
    given = json.dumps({"Client ID": "hunter2", "API secret": "hunter2", "hunter2": ""})
    told = line.fail("credentials", "set", "default", "--stdin", given=given, code=2)
    told = " ".join(told.replace("│", " ").split())
    assert "API secret is called client_secret here; Client ID is called client_id here" in told
    assert "hunter2" not in told
