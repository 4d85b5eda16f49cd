"""The command; what it finds is tested in test_doctor.py, and with a simulator elsewhere."""

import json

import pytest
import requests

from attendee_sync import http_client
from attendee_sync_cli.doctor import examination
from tests.support import fakes
from tests.support.command_line import CommandLine
from tests.support.network import Reach
from tests.support.stack import CONNECTION, STACK, TOKEN_URL, Aws, changed

ALL_TITLES = [
    "Settings valid",
    "Host resolves",
    "TLS",
    "Token endpoint answers",
    "Token granted",
    "API base answers",
    "apiProfile accepted",
    "Attendee Store enabled",
    "Event code known",
    "Test attendee stored",
]


class RainFocus:
    """Grants tokens, and knows the events it is told."""

    def __init__(self) -> None:
        self.events = {"summit2027"}
        self.denies_store = False
        self.http = fakes.Http(self.reply)

    def reply(self, call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL:
            return fakes.Reply(200, b'{"access_token": "new-client-secret", "expires_in": 3600}')
        if "attendee/store" in call.url:
            if self.denies_store:
                return fakes.envelope("124", "Access to API endpoint attendee/store denied.")
            return fakes.stored()
        if any(f"event={event}&" in call.url for event in self.events):
            return fakes.envelope("8", "No such attendee")
        return fakes.envelope("9", "No such event")


@pytest.fixture
def rainfocus(monkeypatch: pytest.MonkeyPatch) -> RainFocus:
    made = RainFocus()

    def session(pool_size: int) -> requests.Session:
        assert pool_size == 1
        return made.http.session()

    monkeypatch.setattr(http_client, "session", session)
    monkeypatch.setattr(examination, "Network", Reach)
    return made


@pytest.fixture
def line(aws: Aws, monkeypatch: pytest.MonkeyPatch, rainfocus: RainFocus) -> CommandLine:
    assert rainfocus
    return CommandLine(aws, monkeypatch)


def test_every_step_is_shown_in_order(line: CommandLine) -> None:
    rows = line.succeed("doctor", "default").splitlines()
    assert rows[0] == "Connection default, destination default"
    assert [
        title for row, title in zip(rows[1:11], ALL_TITLES, strict=True) if title in row
    ] == ALL_TITLES
    states = [row.split()[0] for row in rows[1:11]]
    assert states == ["passed"] * 7 + ["unknown", "passed", "unknown"]
    assert rows[11] == "Nothing failed; not all could be found out."


def test_a_write_test_finds_out_all(line: CommandLine, rainfocus: RainFocus) -> None:
    shown = line.succeed("doctor", "default", "--write-test", "Doctor@Example.com")
    assert "All is well." in shown
    [call] = [
        call for call in rainfocus.http.calls if call.method == "POST" and call.body[0] == "{"
    ]
    assert call.json["email"] == "doctor@example.com"
    assert len(call.json) == 13


def test_a_failed_step_ends_with_1_and_names_the_setting(
    line: CommandLine, rainfocus: RainFocus
) -> None:
    rainfocus.events = set()
    result = line.run("doctor")
    assert result.exit_code == 1
    assert "To change: destination.event_code." in result.stdout
    assert 'summit2027, in destination default: RainFocus says "No such event"' in result.stdout


def test_attendee_store_is_named(line: CommandLine, rainfocus: RainFocus) -> None:
    rainfocus.denies_store = True
    result = line.run("doctor", "default", "--write-test", "doctor@example.com")
    assert result.exit_code == 1
    assert "To change: Attendee Store." in result.stdout


def test_programs_get_the_same(line: CommandLine, rainfocus: RainFocus) -> None:
    rainfocus.events = set()
    result = line.run("doctor", "default", "--json")
    assert result.exit_code == 1
    [shown] = json.loads(result.stdout)["connections"]
    assert [step["title"] for step in shown["steps"]] == ALL_TITLES
    assert {key: shown[key] for key in ("connection", "destination", "failed", "setting")} == {
        "connection": "default",
        "destination": "default",
        "failed": True,
        "setting": "destination.event_code",
    }
    assert shown["sure"] is True
    rainfocus.events = {"summit2027"}
    [shown] = line.json("doctor", "default")["connections"]
    assert shown["failed"] is False
    assert shown["setting"] is None


def test_all_connections_are_examined_when_none_is_named(line: CommandLine) -> None:
    line.aws.set_connection("emea", changed(version="v2"))
    line.aws.ssm.parameters[f"/{STACK}/connections/broken"] = '{"org_id": "a", "version": "v4"}'
    result = line.run("doctor", "--json")
    assert result.exit_code == 1
    shown = {each["connection"]: each for each in json.loads(result.stdout)["connections"]}
    assert list(shown) == ["broken", "default", "emea"]
    assert [shown[name]["failed"] for name in shown] == [True, False, True]
    assert shown["broken"]["setting"] == "version"
    assert shown["emea"]["setting"] == "credentials"
    assert shown["emea"]["destination"] is None


def test_a_destination_leads_to_its_connection(line: CommandLine, rainfocus: RainFocus) -> None:
    line.aws.set_connection("emea", CONNECTION)
    line.aws.secrets.versions[f"{STACK}/credentials/emea"] = line.aws.secrets.versions[
        f"{STACK}/credentials/default"
    ]
    line.aws.set_destination("summit", connection="emea", event_code="expo")
    rainfocus.events = {"expo"}
    [shown] = line.json("doctor", "--destination", "summit")["connections"]
    assert (shown["connection"], shown["destination"]) == ("emea", "summit")
    [shown] = line.json("doctor", "default", "--destination", "summit")["connections"]
    assert (shown["connection"], shown["destination"]) == ("default", "summit")


def test_the_first_destination_that_uses_the_connection_is_taken(
    line: CommandLine, rainfocus: RainFocus
) -> None:
    line.aws.set_destination("another", connection="default", event_code="expo")
    rainfocus.events = {"expo"}
    [shown] = line.json("doctor", "default")["connections"]
    assert shown["destination"] == "another"


def test_without_an_event_nothing_is_written(line: CommandLine, rainfocus: RainFocus) -> None:
    line.aws.set_connection("emea", CONNECTION)
    told = line.fail("doctor", "emea", "--write-test", "doctor@example.com")
    assert "--destination names one" in told
    assert rainfocus.http.calls == []


def test_the_command_that_stores_credentials_is_named(line: CommandLine) -> None:
    del line.aws.secrets.versions[f"{STACK}/credentials/default"]
    result = line.run("doctor", "default")
    assert "To change: credentials: attendee-sync credentials set default." in result.stdout


def test_an_unknown_destination_is_a_failure(line: CommandLine) -> None:
    told = line.fail("doctor", "--destination", "nowhere")
    assert "There is no destination nowhere" in told


def test_a_stack_without_connections_is_a_failure(line: CommandLine) -> None:
    assert "has no connections" in line.fail("--stack", "nowhere", "doctor")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--write-test", "doctor@example.com"],
        ["default", "--write-test", "doctor"],
        ["--destination", "No"],
    ],
)
def test_what_is_not_understood_is_a_usage_error(line: CommandLine, arguments: list[str]) -> None:
    line.fail("doctor", *arguments, code=2)


def test_nothing_is_stored(line: CommandLine) -> None:
    line.succeed("doctor", "default", "--write-test", "doctor@example.com")
    writes = [
        name
        for fake in (line.aws.ssm, line.aws.secrets)
        for name, _ in fake.calls
        if not name.startswith("Get")
    ]
    assert writes == []
    assert line.aws.functions.calls == []
