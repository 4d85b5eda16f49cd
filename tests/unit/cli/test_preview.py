import json
from pathlib import Path
from typing import Any

import pytest

from attendee_sync.ingest.api import HttpRequest
from attendee_sync.ingest.preview import Preview
from tests.support.command_line import CommandLine, cells
from tests.support.stack import INGEST_TOKEN, STACK, changed

ADA = {"email": "Ada@Example.com", "firstname": "Ada", "countryid": "USA", "state": "Nowhere"}
BEN = {"email": "ben@example.org"}
NOBODY = {"firstname": "Nobody"}
READ_CALLS = {"GetParameter"}


def lines(*profiles: object) -> str:
    return "\n".join(map(json.dumps, profiles))


def destination(line: CommandLine, **settings: Any) -> None:
    line.aws.ssm.parameters[f"/{STACK}/destinations/default"] = json.dumps(
        {"event_code": "summit2027", **settings}
    )


def attendees(line: CommandLine, *arguments: str, given: str | None = None) -> list[dict[str, str]]:
    shown = line.run("preview", "default", *arguments, "--json", given=given)
    return [each.get("attendee", {}) for each in json.loads(shown.stdout)["profiles"]]


# --- what is shown ---


def test_a_profile_is_shown_with_what_gave_each_field(line: CommandLine) -> None:
    shown = line.succeed("preview", "default", "-", given=json.dumps(ADA))
    found = cells(shown)
    assert found[0] == ["profile 0: delivered, if RainFocus takes it"]
    assert found[1] == ["field", "value", "from", "remarks"]
    assert ["email", "ada@example.com", "the e-mail rule"] in [row[:3] for row in found]
    assert ["firstname", "Ada", "firstname"] in found
    assert ["countryid", "US", "countryid", "normalised"] in found
    [state] = [row for row in found if row[:1] == ["state"]]
    assert state[1].startswith("left out: ")
    assert found[-1] == ["1 of 1 delivered, if RainFocus takes it"]
    assert "POST" not in shown


def test_the_outcomes_are_shown_and_counted(line: CommandLine) -> None:
    destination(
        line, filter="vip", exits={"action": "set", "fields": {"left": "yes"}}, description="d"
    )
    left = {"ups": {"a": {"status": "exited"}}}
    given = lines({**ADA, "vip": True}, BEN, {**BEN, "segmentMembership": left}, {**BEN, "vip": 1})
    shown = line.succeed("preview", "default", "-", given=given)
    assert "line 2: filtered: filter: the filter does not hold" in shown
    assert "line 3: delivered, if the attendee was delivered before; else filtered" in shown
    assert ["left", "yes", "exits"] in cells(shown)
    assert shown.splitlines()[-3:] == [
        "2 of 4 delivered, if RainFocus takes it",
        "1 of 4 filtered",
        "1 of 4 delivered, if the attendee was delivered before; else filtered",
    ]


def test_a_filter_that_cannot_be_evaluated_is_told(line: CommandLine) -> None:
    destination(line, filter="length(age) > `1`")
    shown = line.succeed("preview", "default", "-", given=json.dumps({**BEN, "age": 5}))
    assert "waits until the destination's filter is mended: filter_failed" in shown


@pytest.mark.parametrize("form", ["{}", "[{}]", "{0}\n{0}"])
def test_profiles_are_where_the_settings_say(line: CommandLine, form: str) -> None:
    destination(line, profiles_at="payload.Leute")
    text = json.dumps({"payload": {"Leute": [ADA, BEN]}, "page": 1})
    given = form.format(text) if "0" in form else form.replace("{}", text)
    emails = [each["email"] for each in attendees(line, "-", given=given)]
    assert emails == ["ada@example.com", "ben@example.org"] * (1 + given.count("\n"))


def test_the_request_is_shown_without_secrets(line: CommandLine) -> None:
    shown = line.succeed("preview", "default", "-", "--request", given=json.dumps(BEN))
    said = [row.strip() for row in shown.splitlines()]
    assert "POST https://events.rainfocus.com/api/acme/v3/attendee/store" in said
    assert "Authorization: Bearer <access token>" in said
    assert "apiProfile: <client id>" in said
    body = shown[shown.index("{") : shown.rindex("}") + 1]
    assert json.loads(body) == {"email": "ben@example.org", "event": "summit2027"}


def test_of_a_profile_that_is_not_sent_no_request_is_shown(line: CommandLine) -> None:
    destination(line, filter="vip")
    shown = line.succeed("preview", "default", "-", "--request", given=json.dumps(BEN))
    assert "POST" not in shown


def test_the_request_is_that_of_the_connection(line: CommandLine) -> None:
    line.aws.set_connection("default", changed(version="v2", body={"kind": "form"}))
    shown = line.succeed("preview", "default", "-", "--request", given=json.dumps(BEN))
    assert "/api/acme/v2/attendee/store" in shown
    assert '"email": "ben@example.org"' in shown


def test_no_text_of_a_profile_can_steer_the_terminal(line: CommandLine) -> None:
    destination(line, mapping={"custom": "custom"})
    profile = {**BEN, "custom": "a\x1b[31m\x9b1m\r\n\ud800b"}
    shown = line.succeed("preview", "default", "-", "--request", given=json.dumps(profile))
    assert not [each for each in shown if not each.isprintable() and each != "\n"]
    [attendee] = attendees(line, "-", given=json.dumps(profile))
    assert attendee["custom"] == profile["custom"]


@pytest.mark.parametrize(
    "given",
    [
        json.dumps(ADA),
        json.dumps([ADA, NOBODY, "no object"]),
        json.dumps({"profiles": [ADA, BEN]}),
        lines(ADA, BEN, 3),
    ],
)
def test_for_programs_it_is_what_the_http_interface_answers(line: CommandLine, given: str) -> None:
    shown = json.loads(line.run("preview", "default", "-", "--json", given=given).stdout)
    places = [each.pop("line", None) for each in shown["profiles"]]
    assert places == (
        [1, 2, 3] if given.startswith("{") and "\n" in given else [None] * len(places)
    )
    headers = {"authorization": f"Bearer {INGEST_TOKEN}"}
    request = HttpRequest(request_id="", destination="default", headers=headers, body=given)
    assert shown == Preview(line.aws.settings()).preview(request).body


# --- the whole of a file ---

TABLE = (
    "Attendees\nemail,firstname,countryid,state\nada@example.com,Ada,USA,UT\n,Nobody,,\n"
    "ben@example.org,Ben,US,Nowhere\nn/a,Cleo,,\n"
)


def test_a_summary_counts_outcomes_and_remarks_and_tells_no_value(line: CommandLine) -> None:
    line.hidden = ("ada@", "Ada", "Nobody", "Nowhere", "Cleo")
    result = line.run("preview", "default", "-", "--summary", given=TABLE)
    assert result.exit_code == 1
    found = cells(result.stdout)
    assert found[:2] == [
        ["profiles", "outcome", "reason", "lines in the file"],
        ["2", "delivered, if RainFocus takes it"],
    ]
    assert found[2][:2] == ["2", "rejected"]
    assert found[2][-1] == "4, 6"
    assert ["profiles", "field", "remark", "lines in the file"] in found
    assert ["1", "countryid", "normalised"] in found
    [state] = [row for row in found if row[1:2] == ["state"]]
    assert state[2].startswith("left out: ")
    assert state[3] == "5"


def test_a_summary_for_programs(line: CommandLine) -> None:
    result = line.run("preview", "default", "-", "--summary", "--json", given=TABLE)
    shown = json.loads(result.stdout)
    assert shown["profiles"] == 4
    outcomes = {each["outcome"]: (each["count"], each["lines"]) for each in shown["outcomes"]}
    assert outcomes == {"delivered, if RainFocus takes it": (2, [3, 5]), "rejected": (2, [4, 6])}
    assert {each["field"]: each["lines"] for each in shown["remarks"]} == {
        "countryid": [3],
        "state": [5],
    }


def test_a_summary_tells_what_nothing_read(line: CommandLine) -> None:
    given = "email,Shoe size,Billing-Zip-Note\nben@example.org,43,x\nada@example.com,,y\n"
    shown = json.loads(line.succeed("preview", "default", "-", "--summary", "--json", given=given))
    told = {each["name"]: (each["count"], each["like"]) for each in shown["unread"]}
    assert told["Shoe size"] == (1, "")
    assert told["Billing-Zip-Note"][0] == 2
    assert "Shoe size" in line.succeed("preview", "default", "-", "--summary", given=given)


def test_no_key_that_may_tell_somebody_is_in_a_summary(line: CommandLine) -> None:
    line.hidden = ("cleo@", "43")
    given = json.dumps([{**BEN, "sizes": {"cleo@example.com": 43}}])
    assert "sizes.*" in line.succeed("preview", "default", "-", "--summary", given=given)


def test_of_many_places_the_first_are_told(line: CommandLine) -> None:
    given = "email,firstname\nben@example.org,Ben\n" + ",Nobody\n" * 1_100
    shown = line.run("preview", "default", "-", "--summary", given=given).stdout
    assert f"{', '.join(map(str, range(3, 23)))} and 1080 more" in shown
    told = json.loads(
        line.run("preview", "default", "-", "--summary", "--json", given=given).stdout
    )
    [rejected] = [each for each in told["outcomes"] if each["outcome"] == "rejected"]
    assert (rejected["count"], len(rejected["lines"])) == (1_100, 1_000)


def test_a_summary_shows_no_requests(line: CommandLine) -> None:
    line.fail("preview", "default", "-", "--summary", "--request", given="{}", code=2)


# --- what it does, and does not ---


@pytest.mark.parametrize(
    ("profiles", "code"),
    [
        ([ADA], 0),
        ([ADA, NOBODY], 1),
        ([ADA, "no object"], 1),
        ([ADA, {"email_lc_sha256": "a" * 64}], 1),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_profile_that_would_be_rejected_is_told_by_the_exit_code(
    line: CommandLine, profiles: list[object], code: int, options: list[str]
) -> None:
    result = line.run("preview", "default", "-", *options, given=json.dumps(profiles))
    assert result.exit_code == code
    assert result.stderr == ""


def test_nothing_but_settings_is_read_and_nothing_is_written(line: CommandLine) -> None:
    line.succeed("preview", "default", "-", "--request", given=lines(ADA, BEN))
    assert {name for name, _ in line.aws.ssm.calls} == READ_CALLS
    for service in (line.aws.sqs, line.aws.secrets, line.aws.dynamodb, line.aws.functions):
        assert not service.calls


def test_that_it_shows_personal_data_is_said(line: CommandLine) -> None:
    assert "It shows personal data." in line.succeed("preview", "--help")


def test_how_far_it_is_is_told_to_people_alone(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = line.run("preview", "default", "-", "--json", given=lines(ADA, BEN, BEN))
    assert "Mapping" in result.stderr
    assert len(json.loads(result.stdout)["profiles"]) == 3


# --- files ---


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps([ADA, BEN])),
        ("a.json", "\ufeff" + json.dumps([ADA, BEN])),
        ("a.json", lines(ADA, BEN)),
        ("a.txt", json.dumps({"profiles": [ADA, BEN]})),
        ("a.ndjson", lines(ADA, BEN)),
        ("a.JSONL", lines(ADA, BEN) + "\n"),
        ("a.csv", "email,firstname\nAda@Example.com,Ada\nben@example.org,\n"),
        ("a.csv", "\ufeffemail,firstname\r\nAda@Example.com,Ada\r\n\r\nben@example.org,\r\n"),
        ("a", '"email","firstname"\nAda@Example.com,"Ada"\nben@example.org,""\n'),
    ],
)
def test_every_kind_of_file_is_read(
    line: CommandLine, tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    ada, ben = attendees(line, str(path))
    assert (ada["email"], ada["firstname"]) == ("ada@example.com", "Ada")
    assert ben == BEN


def test_one_profile_on_a_line_of_its_own_is_newline_delimited(
    line: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps({"profiles": [BEN], **ADA}))
    assert [each["email"] for each in attendees(line, str(path))] == ["ada@example.com"]


def test_dotted_names_of_csv_make_nested_objects(line: CommandLine) -> None:
    text = (
        "personalEmail.address,person.name.firstName,person.name.lastName,workAddress.city\n"
        'ada@example.com,Ada,"Marlow, ""the"" first",\n'
        "ben@example.org,,O'Hara,Lehi\n"
    )
    assert attendees(line, "-", given=text) == [
        {"email": "ada@example.com", "firstname": "Ada", "lastname": 'Marlow, "the" first'},
        {"email": "ben@example.org", "lastname": "O'Hara", "city": "Lehi"},
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "", "no profile: the file is empty"),
        ("a.csv", "email,city\n", "no profile: the file is empty, or has but a header line"),
        ("a.csv", "email,city\n\na,b,c\n", "line 3 has a value in column 3, which has no name"),
        ("a.csv", 'email,city\na,b\n"a"b,c\n', "line 3 is not CSV: "),
        ("a.csv", 'email,city\na,b\nc,"d\n', 'line 3 is not CSV: a quotation mark (")'),
        ("a.csv", "email,,city\na,b,c\n", "line 2 has a value in column 2, which has no name"),
        (
            "a.csv",
            "email,city,email\na,b,c\n",
            "line 1: columns 1 and 3 have the same name; rename one of them",
        ),
        ("a.xlsx", "PK\x03\x04 and no more", "a damaged spreadsheet, or a zip archive"),
        ("a.csv", "a.b,a\na,b\n", "line 1: column 2 can't stand beside column 1"),
        ("a.csv", "ada@example.com,Ada\n", "line 1 is no header line: in column 1"),
        ("a.json", "", "the body is empty"),
        ("a.json", "email,city\n", "not JSON: Expecting value (line 1, column 1)"),
        ("a.json", '{"email": }', "not JSON: Expecting value (line 1, column 11)"),
        ("a.json", "[]", "no profile in the body: the list is empty"),
        ("a.ndjson", "3\n4\n", "at line 1: a profile is a JSON object, not a number"),
        ("a.json", "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_file_is_told_with_its_place(
    line: CommandLine, tmp_path: Path, name: str, text: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    said = line.fail("preview", "default", str(path))
    assert said.startswith(f"{path}: ")
    assert told in said


def test_a_broken_line_rejects_that_profile_alone(line: CommandLine) -> None:
    result = line.run("preview", "default", "-", given=f"{json.dumps(BEN)}\n{{\n")
    assert result.exit_code == 1
    assert "line 2: rejected: malformed: not JSON: " in result.stdout
    assert "1 of 2 delivered, if RainFocus takes it" in result.stdout


def test_what_is_no_text_is_a_failure(line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"email\n\xff\xfe\n")
    told = line.fail("preview", "default", str(tmp_path / "a.csv"))
    assert "line 2 is not UTF-8 text" in told


def test_a_file_that_is_not_there_is_a_usage_error(line: CommandLine, tmp_path: Path) -> None:
    line.fail("preview", "default", str(tmp_path / "nowhere.json"), code=2)


# --- settings ---


def test_an_unknown_destination_is_a_failure(line: CommandLine) -> None:
    assert "There is no destination emea" in line.fail("preview", "emea", "-", given="{}")


def test_a_name_that_is_none_is_a_usage_error(line: CommandLine) -> None:
    line.fail("preview", "A B", "-", given="{}", code=2)


def test_a_connection_that_does_not_exist_is_a_failure(line: CommandLine) -> None:
    destination(line, connection="emea")
    told = line.fail("preview", "default", "-", given=json.dumps(ADA))
    assert "Destination default uses connection emea, which does not exist." in told


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("destinations", "The settings of destination default are not valid:"),
        ("connections", "The settings of connection default are not valid:"),
    ],
)
def test_settings_that_are_not_valid_are_told(line: CommandLine, kind: str, told: str) -> None:
    line.aws.ssm.parameters[f"/{STACK}/{kind}/default"] = '{"x": 1}'
    said = line.fail("preview", "default", "-", given=json.dumps(ADA))
    assert said.startswith(told)
    assert "x: there is no such setting" in said
