import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import fakes
from tests.support.command_line import CommandLine
from tests.support.stack import CONNECTION, STACK, changed

PARAMETER = f"/{STACK}/connections/default"
SETTINGS: dict[str, Any] = {"org_id": "acme", "auth": {"token_url": "https://t.example.com/token"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "emea.json"
    path.write_text(json.dumps(SETTINGS))
    return path


# --- list ---


def test_connections_are_listed_with_the_destinations_that_use_them(line: CommandLine) -> None:
    line.aws.set_connection("emea", changed(environment="stg", version="v2"))
    line.aws.set_destination("b", connection="emea", event_code="b")
    line.aws.set_destination("a", connection="emea", event_code="a")
    rows = line.succeed("connections", "list").splitlines()
    assert rows[1].split() == [
        "default",
        "https://events.rainfocus.com/api/acme/v3/",
        "oauth",
        "default",
        "valid",
    ]
    assert "https://events-stg.rainfocus.com/api/acme/v2/" in rows[2]
    assert "a, b" in rows[2]


def test_connections_are_listed_for_programs(line: CommandLine) -> None:
    line.aws.ssm.parameters[f"/{STACK}/connections/broken"] = "{"
    assert line.json("connections", "list") == [
        {
            "connection": "broken",
            "url": None,
            "auth": None,
            "destinations": [],
            "valid": False,
        },
        {
            "connection": "default",
            "url": "https://events.rainfocus.com/api/acme/v3/",
            "auth": "oauth",
            "destinations": ["default"],
            "valid": True,
        },
    ]
    assert "not valid" in line.succeed("connections", "list")


def test_a_stack_without_connections_is_asked_for_by_another_name(line: CommandLine) -> None:
    assert "Stack nowhere has no connections" in line.fail(
        "--stack", "nowhere", "connections", "list"
    )
    assert line.json("--stack", "nowhere", "connections", "list") == []


def test_more_connections_than_one_page_are_all_listed(line: CommandLine) -> None:
    for number in range(23):
        line.aws.set_connection(f"c{number}", CONNECTION)
    assert len(line.json("connections", "list")) == 24


# --- show ---


def test_settings_are_shown_with_their_defaults(line: CommandLine) -> None:
    shown = [row.split() for row in line.succeed("connections", "show", "default").splitlines()]
    assert ["org_id", "acme", "set"] in shown
    assert ["auth.token_url", CONNECTION.auth.token_url, "set"] in shown
    assert ["auth.client_auth", "body", "default"] in shown
    assert ["answers.configuration", "101,", "124", "default"] in shown


def test_settings_are_shown_for_programs_as_they_are_stored(
    line: CommandLine, tmp_path: Path
) -> None:
    stored = line.succeed("connections", "show", "default", "--json")
    assert json.loads(stored) == json.loads(line.aws.ssm.parameters[PARAMETER])
    (tmp_path / "again.json").write_text(stored)
    said = line.succeed("connections", "set", "default", str(tmp_path / "again.json"))
    assert "Nothing changes." in said


def test_settings_that_are_not_valid_are_shown_with_all_faults(line: CommandLine) -> None:
    line.aws.ssm.parameters[PARAMETER] = '{"environment": "production", "version": "v4"}'
    told = line.fail("connections", "show", "default")
    assert "environment: given \"production\"; expected 'prod', 'stg' or 'dev'" in told
    assert "version: given \"v4\"; expected 'v3' or 'v2'" in told
    assert "org_id: given nothing; expected letters, digits, _ and -, 1 to 64 of them" in told


@pytest.mark.parametrize(
    "command",
    [
        ["connections", "show"],
        ["connections", "remove"],
        ["credentials", "set"],
        ["token", "show"],
        ["token", "refresh"],
        ["doctor"],
    ],
)
def test_an_unknown_connection_is_a_failure(line: CommandLine, command: list[str]) -> None:
    assert "There is no connection emea in stack attendee-sync" in line.fail(*command, "emea")
    assert line.aws.functions.payloads == []


@pytest.mark.parametrize(
    "command",
    [
        ["connections", "show"],
        ["connections", "remove"],
        ["credentials", "set"],
        ["token", "show"],
        ["doctor"],
    ],
)
@pytest.mark.parametrize("name", ["Default", "a/b", "-a", "", "a" * 65])
def test_a_name_that_is_none_is_a_usage_error(
    line: CommandLine, command: list[str], name: str
) -> None:
    line.fail(*command, "--", name, code=2)


# --- set ---


def test_a_new_connection_is_stored_with_its_two_secrets(line: CommandLine, file: Path) -> None:
    said = line.succeed("connections", "set", "emea", str(file), "--yes")
    assert json.loads(line.aws.ssm.parameters[f"/{STACK}/connections/emea"]) == SETTINGS
    assert line.aws.secrets.versions[f"{STACK}/api-profile/emea"] == ["{}"]
    [credentials] = line.aws.secrets.versions[f"{STACK}/credentials/emea"]
    assert json.loads(credentials) == {"client_id": "", "client_secret": ""}
    assert "Connection emea is new" in said
    assert "Next: attendee-sync credentials set emea" in said


def test_the_settings_are_read_from_standard_input(line: CommandLine) -> None:
    line.succeed("connections", "set", "emea", "-", "--yes", given=json.dumps(SETTINGS))
    assert f"/{STACK}/connections/emea" in line.aws.ssm.parameters


def test_with_standard_input_there_is_nobody_to_ask(line: CommandLine) -> None:
    told = line.fail("connections", "set", "emea", "-", given=json.dumps(SETTINGS), code=2)
    assert "--yes" in told
    assert line.aws.ssm.count("PutParameter") == 0


def test_what_changes_is_shown_before_it_is_asked_for(line: CommandLine, file: Path) -> None:
    file.write_text(json.dumps(SETTINGS | {"api_profile": {"place": "query"}}))
    before = dict(line.aws.ssm.parameters)
    result = line.run("connections", "set", "default", str(file), given="n\n")
    assert result.exit_code == 1
    assert line.aws.ssm.parameters == before
    rows = [row.split() for row in result.stdout.splitlines()]
    assert ["api_profile.place", "header", "query"] in rows
    assert ["auth.token_url", CONNECTION.auth.token_url, "https://t.example.com/token"] in rows
    assert not [row for row in rows if "org_id" in row]
    line.succeed("connections", "set", "default", str(file), given="y\n")
    assert json.loads(line.aws.ssm.parameters[PARAMETER])["api_profile"] == {"place": "query"}
    assert line.aws.secrets.count("CreateSecret") == 0


def test_settings_that_are_not_valid_can_be_replaced(line: CommandLine, file: Path) -> None:
    line.aws.ssm.parameters[PARAMETER] = '{"environment": "production"}'
    said = line.succeed("connections", "set", "default", str(file), "--yes")
    assert "production" in said
    assert json.loads(line.aws.ssm.parameters[PARAMETER]) == SETTINGS


def test_a_repeated_set_makes_the_secrets_that_are_missing(line: CommandLine, file: Path) -> None:
    line.aws.ssm.parameters[f"/{STACK}/connections/emea"] = json.dumps(SETTINGS)
    line.succeed("connections", "set", "emea", str(file))
    assert line.aws.ssm.count("PutParameter") == 0
    assert f"{STACK}/credentials/emea" in line.aws.secrets.versions


def test_all_faults_are_told_at_once_and_nothing_that_could_be_a_secret(
    line: CommandLine, file: Path
) -> None:
    hidden = "hunter2-hunter2"
    file.write_text(
        json.dumps(
            {
                "enviroment": "prod",
                "environment": hidden,
                "org_id": f"{hidden}!",
                "client_secret": hidden,
                "path": "/api/{org}/x",
                "auth": {"client_auth": "Basic", "token_url": hidden, "lifetime": 1},
                "api_profile": {"name": f"{hidden}?"},
                "fields": {
                    "names": {"state": f"{hidden}<x", f"{hidden}<y": "z"},
                    "match_key": "k" * 65,
                },
                "body": [hidden],
                "limits": {"read_timeout": 99, "concurrency": "many"},
                "answers": {"success_codes": ["0"], "transient_codes": ["0"]},
            }
        )
    )
    told = line.fail("connections", "set", "emea", str(file), "--yes")
    assert hidden not in told
    assert {row.strip() for row in told.splitlines()[1:]} == {
        "enviroment: there is no such setting; did you mean environment?",
        "environment: given a text of 15 characters; expected 'prod', 'stg' or 'dev'",
        "org_id: given a text of 16 characters; expected letters, digits, _ and -, 1 to 64 of them",
        "client_secret: there is no such setting; Client secret is a credential: "
        "`attendee-sync credentials set` stores it",
        "path: given a text of 12 characters; "
        "expected only {org_id}, {version} and {call} can stand in braces",
        'auth.client_auth: given "Basic"; '
        "expected 'body', 'basic', 'basic_plain', 'json' or 'query'",
        "auth.token_url: given a text of 15 characters; expected an https URL, or an empty text",
        "auth.lifetime: there is no such setting; did you mean assumed_lifetime?",
        "api_profile.name: given a text of 16 characters; "
        "expected letters, digits, _, . and -, 1 to 64 of them",
        "fields.names.state: given a text of 17 characters; "
        "expected a name of 1 to 64 letters, digits, blanks and any of _.:@$()[]/-",
        "fields.names.(not a key).(its key): given a text of 17 characters; "
        "expected a name of 1 to 64 letters, digits, blanks and any of _.:@$()[]/-",
        "fields.match_key: given a text of 65 characters; expected at most 64 characters",
        "body: given an array; expected a JSON object",
        "limits.read_timeout: given 99; expected less than or equal to 20",
        "limits.concurrency: given a text of 4 characters; expected a whole number",
        "answers: given an object; expected a code can have one meaning only",
    }
    assert line.aws.ssm.count("PutParameter") == 0


@pytest.mark.parametrize("text", ["", "client-secret", "[1]", "null", '"text"', "{", '{"a": 1'])
def test_what_is_no_json_object_is_a_fault(line: CommandLine, file: Path, text: str) -> None:
    file.write_text(text)
    told = line.fail("connections", "set", "emea", str(file), "--yes")
    assert "as a whole: given " in told
    assert "a JSON object" in told
    assert "client-secret" not in told


def test_what_is_no_text_is_a_failure(line: CommandLine, file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in line.fail("connections", "set", "emea", str(file), "--yes")


def test_settings_too_long_for_a_parameter_are_refused(line: CommandLine, file: Path) -> None:
    constants = {f"constant{number}": "x" * 100 for number in range(50)}
    file.write_text(json.dumps(SETTINGS | {"fields": {"constants": constants}}))
    assert "4096 bytes" in line.fail("connections", "set", "emea", str(file), "--yes")


def test_nothing_is_stored_for_a_stack_that_is_not_there(line: CommandLine, file: Path) -> None:
    told = line.fail("--stack", "mistyped", "connections", "set", "emea", str(file), "--yes")
    assert "There is no stack mistyped in this account and region" in told
    assert line.aws.ssm.count("PutParameter") == 0
    assert line.aws.secrets.count("CreateSecret") == 0


def test_a_file_that_is_not_there_is_a_usage_error(line: CommandLine, tmp_path: Path) -> None:
    line.fail("connections", "set", "emea", str(tmp_path / "nowhere.json"), code=2)


# --- remove ---


def test_a_connection_is_removed_with_its_two_secrets(line: CommandLine, file: Path) -> None:
    line.succeed("connections", "set", "emea", str(file), "--yes")
    said = line.succeed("connections", "remove", "emea", "--yes")
    assert f"/{STACK}/connections/emea" not in line.aws.ssm.parameters
    assert set(line.aws.secrets.deleted) == {
        f"{STACK}/credentials/emea",
        f"{STACK}/api-profile/emea",
    }
    assert "is deleted in 30 days, on 2027-01-31; until then it can be restored" in said


def test_what_was_removed_is_restored_when_it_is_stored_again(
    line: CommandLine, file: Path
) -> None:
    line.succeed("connections", "set", "emea", str(file), "--yes")
    line.succeed("connections", "remove", "emea", "--yes")
    said = line.succeed("connections", "set", "emea", str(file), "--yes")
    assert line.aws.secrets.deleted == {}
    assert said.count("it is restored with what it held") == 2


def test_a_connection_without_secrets_is_removed(line: CommandLine) -> None:
    line.aws.set_connection("emea", CONNECTION)
    line.succeed("connections", "remove", "emea", "--yes")
    assert f"/{STACK}/connections/emea" not in line.aws.ssm.parameters


@pytest.mark.parametrize(
    "destination",
    [
        '{"event_code": "summit", "connection": "emea"}',
        '{"connection": "emea"}',
        '{"unknown": true, "event_code": "summit", "connection": "emea"}',
    ],
)
def test_a_connection_in_use_is_not_removed(line: CommandLine, destination: str) -> None:
    line.aws.set_connection("emea", CONNECTION)
    line.aws.ssm.parameters[f"/{STACK}/destinations/summit"] = destination
    told = line.fail("connections", "remove", "emea", "--yes")
    assert "Connection emea is used by summit: not removed" in told
    assert f"/{STACK}/connections/emea" in line.aws.ssm.parameters
    assert line.aws.secrets.deleted == {}


def test_a_destination_that_names_no_connection_uses_the_default_one(line: CommandLine) -> None:
    line.aws.ssm.parameters[f"/{STACK}/destinations/default"] = '{"event_code": "summit"}'
    assert "is used by default" in line.fail("connections", "remove", "default", "--yes")


def test_the_template_s_connection_is_not_removed(line: CommandLine) -> None:
    del line.aws.ssm.parameters[f"/{STACK}/destinations/default"]
    told = line.fail("connections", "remove", "default", "--yes")
    assert "it goes when the stack is deleted" in told
    assert PARAMETER in line.aws.ssm.parameters


def test_removing_is_asked_for(line: CommandLine) -> None:
    line.aws.set_connection("emea", CONNECTION)
    line.fail("connections", "remove", "emea", given="n\n")
    assert f"/{STACK}/connections/emea" in line.aws.ssm.parameters
    line.run("connections", "remove", "emea", given="y\n")
    assert f"/{STACK}/connections/emea" not in line.aws.ssm.parameters


# --- AWS ---


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            fakes.denied("AccessDeniedException", "GetParameter"),
            "AWS: GetParameter failed with AccessDeniedException: made up",
        ),
        (fakes.unreachable(), "AWS: Could not connect to the endpoint URL"),
        (fakes.timed_out(), "AWS: Read timeout"),
    ],
)
def test_a_failure_of_aws_is_told(line: CommandLine, failure: Exception, told: str) -> None:
    line.aws.ssm.always = failure
    assert told in line.fail("connections", "show", "default")


# --- set KEY=VALUE ---


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        (["version=v2"], {"version": "v2"}),
        (["auth.client_auth=basic", "limits.concurrency=3"], {"limits": {"concurrency": 3}}),
        (["org_id=007"], {"org_id": "007"}),
        (["org_id=7"], {"org_id": "7"}),
        (["org_id=true"], {"org_id": "true"}),
        (["auth.scope=a b"], {"auth": {"scope": "a b"}}),
        (["answers.success=status == `204`"], {"answers": {"success": "status == `204`"}}),
        (['answers.transient=[403, "17"]'], {"answers": {"transient": [403, "17"]}}),
        (['call.headers={"X-A": "{event}"}'], {"call": {"headers": {"X-A": "{event}"}}}),
        (["call.headers.X-A=1"], {"call": {"headers": {"X-A": "1"}}}),
    ],
)
def test_settings_are_changed_one_by_one(
    line: CommandLine, assignments: list[str], expected: dict[str, Any]
) -> None:
    before = json.loads(line.aws.ssm.parameters[PARAMETER])
    line.succeed("connections", "set", "default", *assignments, "--yes")
    after = json.loads(line.aws.ssm.parameters[PARAMETER])
    shown = changed(**after).model_dump(mode="json")
    assert after["auth"]["token_url"] == before["auth"]["token_url"]
    for name, value in expected.items():
        held = shown[name]
        assert held == value if isinstance(value, str) else held.items() >= value.items()


def test_a_setting_s_default_comes_back(line: CommandLine) -> None:
    line.succeed("connections", "set", "default", "version=v2", "auth.scope=x", "--yes")
    said = line.succeed("connections", "set", "default", "version=null", "--yes")
    assert ["version", "v2", "v3"] in [row.split() for row in said.splitlines()]
    stored = json.loads(line.aws.ssm.parameters[PARAMETER])
    assert "version" not in stored
    assert stored["auth"]["scope"] == "x"


@pytest.mark.parametrize(
    ("assignments", "told", "code"),
    [
        (["version=v4"], "version: given", 1),
        (["nothing=1"], "nothing: there is no such setting; ", 1),
        (
            ["auth.client_secret=x"],
            "auth.client_secret: there is no such setting; Client secret is a credential: "
            "`attendee-sync credentials set` stores it",
            1,
        ),
        (["auth=1"], "auth: given", 1),
        (["answers.transient=403"], "answers.transient", 1),
        (["version=v2", "v3"], "KEY=VALUE", 2),
        (["=v2", "x=1"], "KEY=VALUE", 2),
        (["nowhere"], "no such file", 2),
    ],
)
def test_what_can_t_be_set_is_told(
    line: CommandLine, assignments: list[str], told: str, code: int
) -> None:
    assert told in line.fail("connections", "set", "default", *assignments, "--yes", code=code)


def test_a_new_connection_needs_no_file(line: CommandLine) -> None:
    line.succeed("connections", "set", "emea", "org_id=acme", "environment=stg", "--yes")
    stored = json.loads(line.aws.ssm.parameters[f"/{STACK}/connections/emea"])
    assert stored == {"org_id": "acme", "environment": "stg"}
    line.succeed("connections", "set", "emea", "preset=v2", "--yes")
    shown = [row.split() for row in line.succeed("connections", "show", "emea").splitlines()]
    assert ["version", "v2", "default"] in shown


def test_a_file_tells_what_it_resets(line: CommandLine, tmp_path: Path) -> None:
    line.succeed("connections", "set", "default", "auth.scope=x", "version=v2", "--yes")
    (tmp_path / "few.json").write_text('{"org_id": "acme"}')
    said = line.succeed("connections", "set", "default", str(tmp_path / "few.json"), "--yes")
    assert "Left out, so that the default counts: " in said
    assert {"auth.scope,", "version"} <= set(said.splitlines()[0].split()) | {"version"}
    assert "auth.token_url" in said.splitlines()[0]


@pytest.mark.parametrize(
    "assignment",
    [
        "auth.token_url=https://t.example.com/token?client_secret=hunter2",
        "auth.parameters.client_secret=hunter2",
        "auth.token_url=https://t.example.com/0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "call.headers.Authorization=Bearer hunter2",
        "token_call.body.password=hunter2",
    ],
)
def test_what_looks_like_a_secret_is_not_taken(line: CommandLine, assignment: str) -> None:
    line.hidden = ("hunter2", "0a1b2c3d4e5f")
    name = assignment.partition("=")[0].split(".")[1]
    before = line.aws.ssm.parameters[PARAMETER]
    told = line.fail("connections", "set", "default", assignment, "--yes")
    assert name in told
    assert line.aws.ssm.parameters[PARAMETER] == before


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/oauth2/v2.0/token",
        "https://id.example.com/auth/realms/summit2027/protocol/openid-connect/token",
    ],
)
def test_a_tenant_in_the_address_of_the_token_endpoint_is_no_secret(
    line: CommandLine, url: str
) -> None:
    line.succeed("connections", "set", "default", f"auth.token_url={url}", "--yes")
    assert line.json("connections", "show", "default")["auth"]["token_url"] == url


def test_what_looks_like_a_secret_and_is_stored_is_not_shown(line: CommandLine) -> None:
    line.hidden = ("hunter2",)
    stored = {
        "org_id": "acme",
        "auth": {
            "token_url": "https://t.example.com/token?client_secret=hunter2",
            "parameters": {"password": "hunter2", "audience": "rainfocus"},
        },
    }
    line.aws.ssm.parameters[PARAMETER] = json.dumps(stored)
    shown = line.succeed("connections", "show", "default")
    assert shown.count("(looks like a secret; not shown)") == 2
    assert "rainfocus" in shown
    for_programs = line.json("connections", "show", "default")
    assert for_programs["auth"]["parameters"] == {"password": "***", "audience": "rainfocus"}
    told = line.fail("connections", "set", "default", "version=v2", "--yes")
    assert "auth.parameters.password, auth.token_url" in told
    mended = ["auth.parameters={}", "auth.token_url=https://t.example.com/token"]
    said = line.succeed("connections", "set", "default", *mended, "--yes")
    assert "(looks like a secret; not shown)" in said
