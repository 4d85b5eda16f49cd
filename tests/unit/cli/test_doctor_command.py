"""The command; what it finds is tested in test_doctor.py, and with a simulator elsewhere."""

import json
from dataclasses import dataclass

import pytest
import requests

from attendee_sync_cli.doctor import status_page
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.rainfocus import RainFocus
from tests.support.stack import CONNECTION, STACK, TOKEN_URL, Aws, changed, token

ALL_TITLES = [
    "Settings valid",
    "Host resolves",
    "TLS",
    "Token endpoint answers",
    "Token granted",
    "API base answers",
    "apiProfile accepted",
    "Stored token accepted",
    "Attendee Store enabled",
    "Event code known",
    "Test attendee stored",
    "Fields read back",
]


@pytest.fixture
def line(aws: Aws, monkeypatch: pytest.MonkeyPatch, rainfocus: RainFocus) -> CommandLine:
    assert rainfocus
    return CommandLine(aws, monkeypatch)


def test_every_step_is_shown_in_order(line: CommandLine) -> None:
    rows = line.succeed("doctor", "default").splitlines()
    assert rows[0] == "Connection default, destination default"
    assert [
        title for row, title in zip(rows[1:13], ALL_TITLES, strict=True) if title in row
    ] == ALL_TITLES
    states = [row.split()[0] for row in rows[1:13]]
    assert states == ["passed"] * 8 + ["unknown", "passed", "unknown", "unknown"]
    assert rows[13].startswith("Nothing failed; not found out: Attendee Store")


def test_a_write_test_finds_out_all(line: CommandLine, rainfocus: RainFocus) -> None:
    shown = line.succeed("doctor", "default", "--write-test", "Doctor@Example.com")
    assert ["passed", "Fields read back", "all fields are kept"] in cells(shown)
    assert "All is well." in shown
    # The first shows the stored token.
    _, first, second = [call.json for call in rainfocus.http.calls if "store" in call.url]
    assert first["email"] == second["email"] == "doctor@example.com"
    assert len(first) == 13


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("ada@customer.com", "ada+attendee-sync-test@customer.com"),
        ("ada+x@customer.com", "ada+x+attendee-sync-test@customer.com"),
        ("ada+attendee-sync-test@customer.com", "ada+attendee-sync-test@customer.com"),
        ("ada@example.com", "ada@example.com"),
        ("ada@our.example", "ada@our.example"),
        ("ada@notexample.com", "ada+attendee-sync-test@notexample.com"),
    ],
)
def test_a_write_test_overwrites_nobody(
    line: CommandLine, rainfocus: RainFocus, given: str, stored: str
) -> None:
    result = line.run("doctor", "default", "--write-test", given)
    assert {call.json["email"] for call in rainfocus.http.calls if "store" in call.url} == {stored}
    assert (stored in result.stderr) == (given != stored)


# --- --apply ---

WRITING = ("doctor", "default", "--write-test", "doctor@example.com")


def test_what_helps_is_named_with_the_command_that_stores_it(
    line: CommandLine, rainfocus: RainFocus
) -> None:
    rainfocus.wants = "form"
    before = dict(line.aws.ssm.parameters)
    result = line.run(*WRITING)
    assert result.exit_code == 1
    assert "To change: body.kind = form (changes tried: " in result.stdout
    assert "attendee-sync doctor default --apply --write-test EMAIL" in result.stdout
    assert line.aws.ssm.parameters == before


@pytest.mark.parametrize(("options", "given"), [(["--yes"], None), ([], "y\n")])
def test_what_helps_is_stored_and_looked_at_again(
    line: CommandLine, rainfocus: RainFocus, options: list[str], given: str | None
) -> None:
    rainfocus.wants = "form"
    result = line.run(*WRITING, "--apply", *options, given=given)
    assert result.exit_code == 0, result.output
    assert ["body.kind", "json", "form"] in cells(result.stdout)
    assert "All is well." in result.stdout
    assert "TokenUrl of the template no longer count" in result.stdout
    stored = json.loads(line.aws.ssm.parameters[f"/{STACK}/connections/default"])
    assert stored["body"] == {"kind": "form"}


def test_many_changes_are_told_as_a_table(
    line: CommandLine, rainfocus: RainFocus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method != "POST" or call.url == TOKEN_URL:
            return rainfocus.reply(call)
        is_known = call.headers["Authorization"] == "Bearer new-client-secret"
        code = "OK" if is_known else "REFUSED"
        return fakes.Reply(200, json.dumps({"result": {"code": code, "id": "7"}}).encode())

    monkeypatch.setattr(rainfocus.http, "reply", reply)
    result = line.run(*WRITING)
    assert "To change: 3 settings (changes tried: 1)." in result.stdout
    assert ["answers.code", "body.responseCode", "body.result.code"] in cells(result.stdout)


def test_with_a_no_nothing_is_stored(line: CommandLine, rainfocus: RainFocus) -> None:
    rainfocus.wants = "form"
    before = dict(line.aws.ssm.parameters)
    assert line.run(*WRITING, "--apply", given="n\n").exit_code == 1
    assert line.aws.ssm.parameters == before


def test_what_somebody_else_stored_meanwhile_stays(
    line: CommandLine, rainfocus: RainFocus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        line.aws.set_connection("default", changed(version="v2"))
        return rainfocus.reply(call)

    rainfocus.wants = "form"
    monkeypatch.setattr(rainfocus.http, "reply", reply)
    result = line.run(*WRITING, "--apply", "--yes")
    assert result.exit_code == 1
    assert "changed meanwhile" in result.stderr
    stored = json.loads(line.aws.ssm.parameters[f"/{STACK}/connections/default"])
    assert "body" not in stored


def test_without_a_question_only_what_is_sure_is_stored(
    line: CommandLine, rainfocus: RainFocus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if "/v2/" in call.url or call.url == TOKEN_URL:
            return rainfocus.reply(call)
        return fakes.Reply(404, b"<html>")

    monkeypatch.setattr(rainfocus.http, "reply", reply)
    before = dict(line.aws.ssm.parameters)
    result = line.run("doctor", "default", "--apply", "--yes")
    assert "Not sure, but most likely to change: version = v2" in result.stdout
    assert "Not stored, as it is not sure" in result.stderr
    assert line.aws.ssm.parameters == before
    asked = line.run("doctor", "default", "--apply", given="y\n")
    assert asked.exit_code == 0, asked.output
    assert "Attendee Store enabled" in asked.stdout.splitlines()[-3]


def test_programs_get_the_changes_and_store_them(line: CommandLine, rainfocus: RainFocus) -> None:
    rainfocus.wants = "form"
    [shown] = json.loads(line.run(*WRITING, "--json").stdout)["connections"]
    assert shown["changes"] == [{"setting": "body.kind", "to": "form"}]
    assert (shown["sure"], shown["try_later"]) == (True, False)
    [shown] = line.json(*WRITING, "--apply", "--yes")["connections"]
    assert (shown["failed"], shown["changes"]) == (False, [])
    assert "there is nobody to ask" in line.fail(*WRITING, "--apply", "--json", code=2)


def test_a_stored_token_that_is_refused_is_to_be_renewed(
    line: CommandLine, rainfocus: RainFocus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.headers.get("Authorization") == f"Bearer {token().value}":
            return fakes.Reply(401)
        return rainfocus.reply(call)

    line.aws.set_token(token())
    assert "passed   Stored token accepted" in line.succeed("doctor", "default")
    monkeypatch.setattr(rainfocus.http, "reply", reply)
    result = line.run("doctor", "default")
    assert result.exit_code == 1
    assert "To change: token: attendee-sync token refresh default --force." in result.stdout


# --- the status page ---


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            fakes.Reply(200, b'{"status": {"description": "Partial\x1b[2J Outage"}}'),
            "can't be read",
        ),
        (fakes.Reply(200, b'{"status": {"description": "Partial Outage"}}'), '"Partial Outage"'),
        (fakes.Reply(200, b"<html>"), "can't be read"),
        (fakes.Reply(503), "can't be read"),
        (fakes.Reply(error=requests.ConnectTimeout()), "can't be reached"),
    ],
)
def test_the_status_page_is_told_and_never_fails_anything(
    line: CommandLine, rainfocus: RainFocus, page: fakes.Reply, words: str
) -> None:
    rainfocus.page = page
    shown = line.succeed("doctor", "default")
    assert words in shown.splitlines()[-1]
    assert words in line.json("doctor", "default")["status_page"]


@pytest.mark.parametrize("options", [["--status-page", "off"], []])
def test_the_status_page_is_left_out_for_a_local_stack_or_when_asked(
    line: CommandLine, rainfocus: RainFocus, options: list[str]
) -> None:
    if not options:
        line.aws.set_connection("default", changed(base_url="http://127.0.0.1:9"))
    assert status_page.URL not in line.run("doctor", "default", *options).stdout
    assert not [call for call in rainfocus.http.calls if status_page.URL in call.url]


def test_a_failed_step_ends_with_1_and_names_the_setting(
    line: CommandLine, rainfocus: RainFocus
) -> None:
    rainfocus.events = set()
    result = line.run("doctor")
    assert result.exit_code == 1
    assert "Not sure, but most likely to change: destination.event_code (Event code)." in (
        result.stdout
    )
    assert 'summit2027, in destination default: RainFocus says "No such event"' in result.stdout


def test_attendee_store_is_named(line: CommandLine, rainfocus: RainFocus) -> None:
    rainfocus.denies_store = True
    result = line.run("doctor", "default", "--write-test", "doctor@example.com")
    assert result.exit_code == 1
    assert "Not sure, but most likely to change: Attendee Store." in result.stdout


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
    assert shown["sure"] is False
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
        ["--apply"],
        ["default", "--status-page", "http://status.example"],
        ["default", "--write-test", "doctor"],
        ["default", "--write-test", f"{'a' * 60}@customer.com"],
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


@dataclass(frozen=True)
class Wants:
    """What RainFocus wants of a call, and what is said of that."""

    name: str
    told: str
    is_asked: bool


@pytest.mark.parametrize(
    "wants",
    [
        Wants("X-Version", "Ask RainFocus for the value of call.headers.X-Version (changes", True),
        Wants("X-Signature", "No setting can say what RainFocus wants here", False),
    ],
    ids=lambda each: each.name,
)
def test_what_only_rainfocus_knows_and_what_no_setting_says_is_told(
    line: CommandLine, rainfocus: RainFocus, monkeypatch: pytest.MonkeyPatch, wants: Wants
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL:
            return rainfocus.reply(call)
        is_there = wants.name.lower() in {name.lower() for name in call.headers}
        return fakes.envelope("77", f"{wants.name} is {'wrong' if is_there else 'missing'}", 400)

    monkeypatch.setattr(rainfocus.http, "reply", reply)
    shown = line.run(*WRITING)
    assert wants.told in shown.stdout
    assert shown.exit_code == 1
    [found] = json.loads(line.run(*WRITING, "--json").stdout)["connections"]
    assert found["ask_rainfocus"] is wants.is_asked
    assert found["beyond_settings"] is not wants.is_asked
    assert found["changes"] == []
