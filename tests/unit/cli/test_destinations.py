import json
from pathlib import Path
from typing import Any

import pytest

from attendee_sync.attendee import FIELDS
from tests.support.command_line import CommandLine, cells
from tests.support.stack import CONNECTION, STACK

PARAMETER = f"/{STACK}/destinations/default"
EMEA = f"/{STACK}/destinations/emea"
SETTINGS: dict[str, Any] = {
    "event_code": "emea2027",
    "mapping": {
        "companyname": "employer.name",
        "state": {"write": "omit"},
        "source": {"value": "web", "write": "constant"},
    },
    "not_normalised": ["phone"],
    "filter": "is_member(@, 'vip')",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "emea.json"
    path.write_text(json.dumps(SETTINGS))
    return path


# --- list ---


def test_destinations_are_listed(line: CommandLine) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    found = cells(line.succeed("destinations", "list"))
    assert found[1] == ["default", "summit2027", "default", "ignore", "valid"]
    assert found[2] == [
        "emea",
        "emea2027",
        "default",
        "is_member(@, 'vip')",
        "ignore",
        "valid",
    ]


def test_destinations_are_listed_for_programs(line: CommandLine) -> None:
    line.aws.ssm.parameters[f"/{STACK}/destinations/broken"] = "{"
    line.aws.set_destination("lost", connection="nowhere", event_code="lost")
    broken, default, lost = line.json("destinations", "list")
    assert broken == {
        "destination": "broken",
        "name": None,
        "event_code": None,
        "connection": None,
        "filter": None,
        "exits": None,
        "valid": False,
    }
    assert default["valid"]
    assert (lost["connection"], lost["valid"]) == ("nowhere", False)
    assert "not valid: `destinations show` tells why" in line.succeed("destinations", "list")


def test_a_stack_without_destinations_is_asked_for_by_another_name(line: CommandLine) -> None:
    told = line.fail("--stack", "nowhere", "destinations", "list")
    assert "Stack nowhere has no destinations" in told
    assert line.json("--stack", "nowhere", "destinations", "list") == []


# --- show ---


def test_the_default_mapping_is_shown(line: CommandLine) -> None:
    found = cells(line.succeed("destinations", "show", "default"))
    assert ["event_code", "summit2027", "set"] in found
    assert ["exits.action", "ignore", "default"] in found
    assert ["email", "the e-mail rule", "overwrite", "yes", "default"] in found
    for field in FIELDS.keys() - {"email"}:
        assert [field, "the usual names", "overwrite", "yes", "default"] in found


def test_the_effective_mapping_is_shown(line: CommandLine) -> None:
    mapping = {**SETTINGS["mapping"], "email": "mail", "zip": {"value": "z"}}
    line.aws.ssm.parameters[EMEA] = json.dumps({**SETTINGS, "mapping": mapping})
    found = cells(line.succeed("destinations", "show", "emea"))
    assert ["companyname", "employer.name", "overwrite", "yes", "set"] in found
    assert ["email", "mail", "overwrite", "yes", "set"] in found
    assert ["state", "omit", "yes", "set"] in found
    assert ["source", '"web"', "constant", "no", "set"] in found
    assert ["zip", "z", "overwrite", "yes", "set"] in found
    assert ["phone", "the usual names", "overwrite", "no", "default"] in found
    assert ["city", "the usual names", "overwrite", "yes", "default"] in found
    assert len([row for row in found if row and row[0] == "email"]) == 1


def test_settings_are_shown_for_programs_as_they_are_stored(
    line: CommandLine, tmp_path: Path
) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    stored = line.succeed("destinations", "show", "emea", "--json")
    assert json.loads(stored) == SETTINGS
    (tmp_path / "again.json").write_text(stored)
    said = line.succeed("destinations", "set", "emea", str(tmp_path / "again.json"))
    assert said == "Nothing changes.\n"
    assert line.aws.ssm.count("PutParameter") == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "the whole: given no JSON"),
        ('{"event_code": "a", "filter": "a ||"}', 'filter: given "a ||"'),
        ('{"event_code": "a", "connection": "emea"}', 'connection: given "emea"; expected one'),
    ],
)
def test_settings_that_are_not_valid_are_shown_with_all_faults(
    line: CommandLine, text: str, told: str
) -> None:
    line.aws.ssm.parameters[PARAMETER] = text
    assert told in line.fail("destinations", "show", "default")


@pytest.mark.parametrize("command", ["show", "remove"])
def test_an_unknown_destination_is_a_failure(line: CommandLine, command: str) -> None:
    told = line.fail("destinations", command, "emea")
    assert "There is no destination emea in stack attendee-sync" in told
    assert "`attendee-sync destinations list`" in told


@pytest.mark.parametrize("command", ["show", "remove"])
@pytest.mark.parametrize("name", ["Default", "a/b", "-a", "", "a" * 65])
def test_a_name_that_is_none_is_a_usage_error(line: CommandLine, command: str, name: str) -> None:
    line.fail("destinations", command, "--", name, code=2)


# --- put ---


def test_a_new_destination_is_stored(line: CommandLine, file: Path) -> None:
    said = line.succeed("destinations", "set", "emea", str(file), "--yes")
    assert json.loads(line.aws.ssm.parameters[EMEA]) == SETTINGS
    assert "Destination emea is new" in said
    assert ["mapping.source.value", "web"] in cells(said)
    assert "Senders push to /v1/destinations/emea/profiles." in said
    assert "Next: attendee-sync preview emea FILE" in said


def test_the_settings_are_read_from_standard_input(line: CommandLine) -> None:
    line.succeed("destinations", "set", "emea", "-", "--yes", given=json.dumps(SETTINGS))
    assert EMEA in line.aws.ssm.parameters


def test_with_standard_input_there_is_nobody_to_ask(line: CommandLine) -> None:
    told = line.fail("destinations", "set", "emea", "-", given=json.dumps(SETTINGS), code=2)
    assert "--yes" in told
    assert line.aws.ssm.count("PutParameter") == 0


def test_what_changes_is_shown_before_it_is_asked_for(line: CommandLine, file: Path) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    file.write_text(json.dumps({**SETTINGS, "mapping": {"companyname": "org"}}))
    before = dict(line.aws.ssm.parameters)
    result = line.run("destinations", "set", "emea", str(file), given="n\n")
    assert result.exit_code == 1
    assert line.aws.ssm.parameters == before
    found = cells(result.stdout)
    assert ["mapping.companyname.value", "employer.name", "org"] in found
    assert ["mapping.source.value", "web", "(none)"] in found
    assert not [row for row in found if row and row[0] in ("event_code", "filter")]
    line.succeed("destinations", "set", "emea", str(file), given="y\n")
    assert json.loads(line.aws.ssm.parameters[EMEA])["mapping"] == {"companyname": "org"}


def test_the_template_s_destination_can_be_changed(line: CommandLine, file: Path) -> None:
    said = line.succeed("destinations", "set", "default", str(file), "--yes")
    assert "Deploys keep this: EventCode" in said
    assert "Senders push to" not in said
    assert json.loads(line.aws.ssm.parameters[PARAMETER]) == SETTINGS


def test_settings_that_are_not_valid_can_be_replaced(line: CommandLine, file: Path) -> None:
    line.aws.ssm.parameters[EMEA] = '{"event": "one"}'
    said = line.succeed("destinations", "set", "emea", str(file), "--yes")
    assert ["event", "one", "(none)"] in cells(said)


def test_another_connection_that_exists_can_be_used(line: CommandLine, file: Path) -> None:
    line.aws.set_connection("emea", CONNECTION)
    file.write_text(json.dumps({**SETTINGS, "connection": "emea"}))
    line.succeed("destinations", "set", "emea", str(file), "--yes")


def test_all_faults_are_told_at_once(line: CommandLine, file: Path) -> None:
    hidden = "hunter2-hunter2"
    file.write_text(
        json.dumps(
            {
                "conection": "default",
                "client_secret": hidden,
                "connection": "nowhere",
                "event_code": f"{hidden}!",
                "mapping": {
                    "companyname": "a ||",
                    "zip": {"value": "b[", "write": "clear_on_null"},
                    "city": {"value": "a[0]", "write": "clear_on_null"},
                    "source": {"write": "always", "vale": "web"},
                    "state": {"write": "omit", "value": "state"},
                    "no field": "a",
                    "phone": 3,
                },
                "filter": "a || foo(@)",
                "not_normalised": ["email"],
                "hashes": {"only": "keep", "fields": "a"},
                "exits": {"action": "set"},
            }
        )
    )
    told = line.fail("destinations", "set", "emea", str(file), "--yes")
    assert hidden not in told
    lines = [row.strip() for row in told.splitlines()[1:]]
    by_setting = dict(row.split(": given ", 1) for row in lines)
    assert by_setting["conection"].endswith("did you mean connection?")
    assert "`attendee-sync credentials set` stores" in by_setting["client_secret"]
    assert by_setting["connection"] == '"nowhere"; expected one that exists: default'
    assert by_setting["event_code"].startswith("a text of 16 characters; expected letters")
    assert by_setting["mapping.companyname"] == (
        '"a ||"; expected a JMESPath expression; it is none from position 4 on'
    )
    assert by_setting["mapping.zip"].endswith("it is none from position 2 on")
    assert by_setting["mapping.city"].startswith('"a[0]"; expected ')
    assert by_setting["mapping.source.write"].startswith("\"always\"; expected 'overwrite', ")
    assert by_setting["mapping.source.vale"].endswith("did you mean value?")
    assert by_setting["mapping.state"].startswith('"state"; expected ')
    assert "letters, digits" in by_setting["mapping.(not a key).(its key)"]
    assert by_setting["mapping.phone"] == "a number; expected a JSON object"
    assert by_setting["filter"].startswith('"a || foo(@)"; expected ')
    assert "foo" in by_setting["filter"].partition("expected")[2]
    assert "always normalised" in by_setting["not_normalised"]
    assert by_setting["hashes.only"] == "\"keep\"; expected 'reject' or 'send'"
    assert by_setting["hashes.fields"].endswith("did you mean field?")
    assert "exits" in by_setting
    assert len(by_setting) == len(lines) == 17
    assert line.aws.ssm.count("PutParameter") == 0


@pytest.mark.parametrize(
    ("connection", "told"),
    [("nowhere", 'given "nowhere"; expected one'), ("No Name", "expected the name of"), (3, "a ")],
)
def test_a_connection_amiss_is_told_once(
    line: CommandLine, file: Path, connection: object, told: str
) -> None:
    file.write_text(json.dumps({**SETTINGS, "connection": connection}))
    said = line.fail("destinations", "set", "emea", str(file), "--yes")
    assert said.count("connection: given") == 1
    assert told in said


def test_where_there_is_no_connection_that_is_told(line: CommandLine, file: Path) -> None:
    line.aws.ssm.parameters.clear()
    told = line.fail("destinations", "set", "emea", str(file), "--yes")
    assert 'connection: given "default"; expected one that exists: there is none yet' in told


@pytest.mark.parametrize("text", ["", "client-secret", "[1]", "null", '"text"', "{", '{"a": 1'])
def test_what_is_no_json_object_is_a_fault(line: CommandLine, file: Path, text: str) -> None:
    file.write_text(text)
    told = line.fail("destinations", "set", "emea", str(file), "--yes")
    assert "the whole: given " in told
    assert "a JSON object" in told
    assert "client-secret" not in told


def test_what_is_no_text_is_a_failure(line: CommandLine, file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in line.fail("destinations", "set", "emea", str(file), "--yes")


def test_settings_too_long_for_a_parameter_are_refused(line: CommandLine, file: Path) -> None:
    constants = {f"c{n}": {"value": "x" * 100, "write": "constant"} for n in range(50)}
    file.write_text(json.dumps({**SETTINGS, "mapping": constants}))
    assert "4096 bytes" in line.fail("destinations", "set", "emea", str(file), "--yes")


# --- remove ---


def test_removing_warns_and_asks(line: CommandLine) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    result = line.run("destinations", "remove", "emea", given="n\n")
    assert result.exit_code == 1
    assert "404" in result.stdout
    assert "dead letters" in result.stdout
    assert EMEA in line.aws.ssm.parameters
    assert line.run("destinations", "remove", "emea", given="y\n").exit_code == 0
    assert EMEA not in line.aws.ssm.parameters


def test_scripts_remove_without_being_asked(line: CommandLine) -> None:
    line.aws.ssm.parameters[EMEA] = "{"
    assert "Removed destination emea." in line.succeed("destinations", "remove", "emea", "--yes")
    assert EMEA not in line.aws.ssm.parameters


def test_the_template_s_destination_is_not_removed(line: CommandLine) -> None:
    told = line.fail("destinations", "remove", "default", "--yes")
    assert "it goes when the stack is deleted" in told
    assert PARAMETER in line.aws.ssm.parameters
