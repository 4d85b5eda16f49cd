import json
from pathlib import Path
from typing import Any

import pytest

from attendee_sync.attendee import FIELDS
from tests.support.command_line import CommandLine, cells
from tests.support.stack import CONNECTION, PUSH_URL, STACK

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
    assert found[1] == ["default", "summit2027", "default", "shared", "on", "ignore", "valid"]
    assert found[2] == ["emea", "emea2027", "default", "shared", "on", "yes", "ignore", "valid"]


def test_the_list_of_destinations_fits_80_columns(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.aws.set_destination("partners-2027-north-america", event_code="s27", filter="vip")
    monkeypatch.setitem(line._runner.env, "COLUMNS", "80")
    found = cells(line.succeed("destinations", "list"))
    assert found[0][:4] == ["destination", "event", "connection", "lane"]
    assert ["partners-", "s27", "default", "shared", "on", "yes", "ignore", "valid"] in found
    assert ["america"] in found


def test_required_consents_are_listed_as_a_filter(line: CommandLine) -> None:
    line.aws.set_destination("emea", event_code="e1", required_consents=["share"])
    found = cells(line.succeed("destinations", "list"))
    assert ["emea", "e1", "default", "shared", "on", "yes", "ignore", "valid"] in found
    [emea] = [row for row in line.json("destinations", "list") if row["destination"] == "emea"]
    assert (emea["required_consents"], emea["filter"]) == (["share"], None)


def test_destinations_are_listed_for_programs(line: CommandLine) -> None:
    line.aws.ssm.parameters[f"/{STACK}/destinations/broken"] = "{"
    line.aws.set_destination("lost", connection="nowhere", event_code="lost")
    broken, default, lost = line.json("destinations", "list")
    assert broken == {
        "destination": "broken",
        "name": None,
        "event_code": None,
        "connection": None,
        "lane": None,
        "required_consents": None,
        "filter": None,
        "exits": None,
        "valid": False,
        "delivering": True,
        "paused_since": None,
        "resumes_at": None,
    }
    assert default["valid"]
    assert (lost["connection"], lost["valid"]) == ("nowhere", False)
    assert "destinations show lost` tells what is not valid" in line.succeed("destinations", "list")


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


def test_settings_are_shown_as_they_are_written(line: CommandLine) -> None:
    shown = cells(line.succeed("destinations", "show", "default"))
    assert ["setting", "value", "origin"] in shown
    assert ["email_falls_back", "true", "default"] in shown


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
        ("{", "as a whole: given what is no JSON"),
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
    assert json.loads(line.aws.ssm.parameters[EMEA]) == {**SETTINGS, "lane": "own"}
    assert "Destination emea is new" in said
    assert ["mapping.source.value", "web"] in cells(said)
    assert PUSH_URL.replace("/default/", "/emea/") in said
    assert "Next: attendee-sync preview emea FILE" in said


@pytest.mark.parametrize(
    ("name", "lane", "told"),
    [
        ("emea", "shared", "`lane` is left out: a new destination gets a lane of its own."),
        ("emea", "own", ""),
        ("default", "own", "`lane` is left out: default stays in the shared lane."),
        ("default", "shared", ""),
    ],
)
def test_a_lane_that_settings_ask_for_in_vain_is_told(
    line: CommandLine, name: str, lane: str, told: str
) -> None:
    given = json.dumps({**SETTINGS, "lane": lane})
    result = line.run("destinations", "set", name, "-", "--yes", given=given)
    assert result.exit_code == 0
    assert told in " ".join(result.stderr.split())
    assert ("lane" in result.stderr) is bool(told)


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


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        (["event_code=2028"], {"event_code": "2028"}),
        (["mapping.phone=mobil", "description=a=b"], {"description": "a=b"}),
        (["mapping.zip=plz"], {"mapping": {**SETTINGS["mapping"], "zip": "plz"}}),
        (["filter=country == 'US'"], {"filter": "country == 'US'"}),
        (["filter=null"], {"filter": None}),
        (['names.companyname=["firm"]'], {"names": {"companyname": ["firm"]}}),
        (["not_normalised=null"], {}),
    ],
)
def test_settings_are_changed_one_by_one(
    line: CommandLine, assignments: list[str], expected: dict[str, Any]
) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    line.succeed("destinations", "set", "emea", *assignments, "--yes")
    after = json.loads(line.aws.ssm.parameters[EMEA])
    assert after.items() >= expected.items()
    assert after["mapping"].items() >= SETTINGS["mapping"].items()
    assert ("not_normalised" in after) == (assignments != ["not_normalised=null"])


def test_a_single_setting_is_tried_like_a_file_of_them(line: CommandLine) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    told = line.fail("destinations", "set", "emea", "filter=is_member('vip')", "--yes")
    assert "filter" in told
    assert "no such file" in line.fail("destinations", "set", "emea", "nowhere", code=2)
    assert json.loads(line.aws.ssm.parameters[EMEA]) == SETTINGS


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
    by_setting = dict(row.replace(": given ", ": ", 1).split(": ", 1) for row in lines)
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
    assert "as a whole: given " in told
    assert "a JSON object" in told
    assert "client-secret" not in told


def test_what_is_no_text_is_a_failure(line: CommandLine, file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in line.fail("destinations", "set", "emea", str(file), "--yes")


def test_settings_too_long_for_a_parameter_are_refused(line: CommandLine, file: Path) -> None:
    constants = {f"c{n}": {"value": "x" * 100, "write": "constant"} for n in range(50)}
    file.write_text(json.dumps({**SETTINGS, "mapping": constants}))
    assert "4096 bytes" in line.fail("destinations", "set", "emea", str(file), "--yes")


def test_what_is_called_otherwise_elsewhere_is_told(line: CommandLine, file: Path) -> None:
    hidden = "hunter2-hunter2"
    words = ["Event ID", "event-id", "Org ID", "Client Secret", "Account", "Identity namespace"]
    file.write_text(json.dumps(dict.fromkeys([*words, "Destination details", hidden], hidden)))
    told = line.fail("destinations", "set", "emea", str(file), "--yes")
    assert hidden in told  # a word that may be a setting's name
    assert told.count(hidden) == 1
    assert "Event ID is called event_code here" in told
    assert "Org ID: there is no such setting; " in told
    assert "org_id is a setting of a connection: `attendee-sync connections set`" in told
    assert "Client secret is a credential: `attendee-sync credentials set` stores it" in told
    assert "Account is called connection here" in told
    assert "Identity namespace is called mapping.email here" in told
    assert "as `attendee-sync destinations create` takes them" in told


@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        ("is_member('59bd')", "expected is_member(@, '59bd'): is_member takes the profile and a"),
        ('state == "CA"', "expected 'CA', in single quotes"),
        ("state = 'CA' AND city", "from position 6 on; == compares; && is and"),
        ("state <> 'CA'", "!= is unequal"),
        ("state in ('CA', 'NY')", "one of several: contains("),
        ("age > 18", "a number stands in backticks"),
        ("$.state == 'CA'", "names begin without $"),
        ("home state", "such a name stands in double quotes"),
        ("state == \u2018CA\u2019", "a text stands in straight single quotes"),
    ],
)
def test_a_filter_that_cannot_be_meant_so_is_refused(
    line: CommandLine, file: Path, predicate: str, told: str
) -> None:
    file.write_text(json.dumps({**SETTINGS, "filter": predicate}))
    said = line.fail("destinations", "set", "emea", str(file), "--yes")
    assert f'filter: given "{predicate}"; ' in said
    assert told in said
    assert line.aws.ssm.count("PutParameter") == 0


def test_a_doubt_is_told_and_stops_nothing(line: CommandLine, file: Path) -> None:
    file.write_text(json.dumps({**SETTINGS, "mapping": {"companyname": "emploier"}}))
    said = line.succeed("destinations", "set", "emea", str(file), "--yes")
    assert "Doubtful:\n  mapping.companyname: nothing that is known sends emploier; did" in said
    assert EMEA in line.aws.ssm.parameters


# --- trying settings on a sample ---


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(
        "email,First Name,employer,country\nada@example.com,Ada,Acme,US\n"
        "grace@example.com,Grace,,DE\nnobody,,,US\n"
    )
    return path


def test_settings_are_tried_on_a_sample(line: CommandLine, file: Path, people: Path) -> None:
    line.hidden = ("ada@example.com", "Acme")
    settings = {"event_code": "e1", "filter": "country == 'US'", "mapping": {"city": "employr"}}
    file.write_text(json.dumps(settings))
    arguments = ["destinations", "set", "emea", str(file), "--sample", str(people)]
    result = line.run(*arguments, given="n\n")
    assert (result.exit_code, line.aws.ssm.count("PutParameter")) == (1, 0)
    found = cells(result.stdout)
    assert ["1", "delivered, if RainFocus takes it"] in found
    assert ["1", "filtered", "filter: the filter does not hold", "3"] in found
    assert [row[1] for row in found if row[:1] == ["1"]].count("rejected") == 1
    assert "mapping.city: gives nothing for the 3 profiles of the sample" in result.stdout
    assert "did you mean employer?" in result.stdout
    assert line.run(*arguments, "--yes").exit_code == 0


def test_a_filter_that_lets_nobody_of_a_sample_through_is_doubted(
    line: CommandLine, file: Path, people: Path
) -> None:
    file.write_text(json.dumps(SETTINGS))
    arguments = ["destinations", "set", "emea", str(file), "--sample", str(people), "--yes"]
    found = line.json(*arguments)
    assert found["doubts"][-1]["doubt"] == "no profile of the sample would be delivered"
    assert found["sample"]["profiles"] == 3
    assert (found["destination"], found["stored"]) == ("emea", True)
    assert {"setting": "event_code", "from": "", "to": "emea2027"} in found["changes"]
    assert found["push_url"] == PUSH_URL.replace("/default/", "/emea/")
    again = line.json(*arguments)
    assert (again["stored"], again["changes"]) == (False, [])


def test_no_more_than_the_first_thousand_of_a_sample_are_tried(
    line: CommandLine, file: Path, people: Path
) -> None:
    people.write_text("email\n" + "ada@example.com\n" * 1_500)
    file.write_text('{"event_code": "e1"}')
    arguments = ["destinations", "set", "emea", str(file), "--sample", str(people), "--yes"]
    assert line.json(*arguments)["sample"]["profiles"] == 1_000


def test_a_sample_that_is_none_stores_nothing(line: CommandLine, file: Path, people: Path) -> None:
    people.write_text("<html>")
    told = line.fail("destinations", "set", "emea", str(file), "--sample", str(people), "--yes")
    assert "HTML" in told
    line.fail("destinations", "set", "emea", str(file), "--sample", "-", "--yes", code=2)
    assert line.aws.ssm.count("PutParameter") == 0


# --- create ---


def test_a_destination_is_created_without_a_file(line: CommandLine) -> None:
    options = ["--event", "emea2027", "--audience", "vip", "--audience", "press"]
    options += ["--filter", "country == 'US' || vip", "--field", "companyname=employer.name"]
    said = line.succeed("destinations", "create", "emea", *options, "--field", "a='b'", "--yes")
    assert json.loads(line.aws.ssm.parameters[EMEA]) == {
        "event_code": "emea2027",
        "mapping": {"companyname": "employer.name", "a": "'b'"},
        "filter": "(is_member(@, 'vip') || is_member(@, 'press')) && (country == 'US' || vip)",
        "lane": "own",
    }
    assert "Destination emea is new" in said
    assert PUSH_URL.replace("/default/", "/emea/") in said
    assert "the secret attendee-sync/ingest-token" in said


def test_an_event_is_all_that_a_destination_needs(line: CommandLine) -> None:
    line.aws.set_connection("other", CONNECTION)
    options = ["--event", "e1", "--connection", "other"]
    assert line.run("destinations", "create", "emea", *options, given="n\n").exit_code == 1
    assert EMEA not in line.aws.ssm.parameters
    assert line.run("destinations", "create", "emea", *options, given="y\n").exit_code == 0
    settings = {"event_code": "e1", "connection": "other", "lane": "own"}
    assert json.loads(line.aws.ssm.parameters[EMEA]) == settings


def test_a_destination_that_exists_is_not_created(line: CommandLine) -> None:
    told = line.fail("destinations", "create", "default", "--event", "e1", "--yes")
    assert "`attendee-sync destinations set default FILE` changes it" in told
    assert line.aws.ssm.count("PutParameter") == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--field", "companyname"],
        ["--field", "=a"],
        ["--field", "city=a", "--field", "city=b"],
        ["--audience", "it's"],
        ["--audience", ""],
        ["--connection", "No Name"],
        ["--json"],
    ],
)
def test_options_that_can_not_be_are_usage_errors(line: CommandLine, options: list[str]) -> None:
    yes = [] if "--json" in options else ["--yes"]
    line.fail("destinations", "create", "emea", "--event", "e1", *options, *yes, code=2)
    assert line.aws.ssm.count("PutParameter") == 0


def test_an_option_that_is_called_otherwise_elsewhere_is_told(line: CommandLine) -> None:
    told = line.fail("destinations", "create", "emea", "--event-id", "e1", code=2)
    assert "No such option: --event-id. Event ID is event_code of a destination" in told
    told = line.fail("connections", "set", "emea", "--org-id", "acme", "--json", code=2)
    assert "org_id is a setting of a connection: `attendee-sync connections set`." in told


@pytest.mark.parametrize("options", [["--filter", "is_member('x')"], ["--event", "a b"]])
def test_what_is_created_is_checked_as_what_is_set(line: CommandLine, options: list[str]) -> None:
    told = line.fail("destinations", "create", "emea", "--event", "e1", *options, "--yes")
    assert "The settings are not valid" in told
    assert line.aws.ssm.count("PutParameter") == 0


def test_where_senders_push_is_shown(line: CommandLine) -> None:
    line.aws.ssm.parameters[EMEA] = json.dumps(SETTINGS)
    assert PUSH_URL.replace("/default/", "/emea/") in line.succeed("destinations", "show", "emea")


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
