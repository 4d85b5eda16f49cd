"""Stacks side by side: what samconfig.toml says of dev, stg and prod, and what make takes of it."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from local import answers as local_answers
from tests.support.template import ROOT, TEMPLATE, refused

ENVIRONMENTS = ["dev", "stg", "prod"]
TEXT = (ROOT / "samconfig.toml").read_text()
CONFIG: dict[str, Any] = tomllib.loads(TEXT)


def test_each_environment_is_a_stack_of_its_own() -> None:
    names = [CONFIG[each]["global"]["parameters"]["stack_name"] for each in ENVIRONMENTS]
    assert names == ["attendee-sync-dev", "attendee-sync-stg", "attendee-sync-prod"]
    assert CONFIG["default"]["global"]["parameters"]["stack_name"] == "attendee-sync"


def test_each_environment_is_rainfocus_s_of_the_same_name_unless_answered_otherwise() -> None:
    assert TEMPLATE["Parameters"]["Environment"]["AllowedValues"] == ["prod", "stg", "dev"]
    for each in ENVIRONMENTS:
        given = CONFIG[each]["deploy"]["parameters"]["parameter_overrides"]
        assert given == f'Environment="{each}"'


def test_environments_are_deployed_alike() -> None:
    """The SAM CLI takes nothing of `default` for another environment."""
    expected = dict(CONFIG["default"]["deploy"]["parameters"])
    for each in ENVIRONMENTS:
        own = dict(CONFIG[each]["deploy"]["parameters"])
        assert own.pop("parameter_overrides")
        assert own.pop("tags") == f'environment="{each}"'
        assert own == expected
        assert CONFIG[each]["build"] == CONFIG["default"]["build"]


def test_nobody_s_answers_are_in_it() -> None:
    answers = set(TEMPLATE["Parameters"]) - {"Environment"}
    assert not answers & set(re.findall(r"\w+", TEXT))
    assert not re.search(r"@|https?:|arn:|\d{12}|region", TEXT)


def deploying(folder: Path, *arguments: str) -> tuple[str, str]:
    """Return what `make deploy` would run: of sam, and the stack whose lanes are upgraded."""
    # -o: as if it were built, and the tools installed.
    command = ["make", "-n", "-o", "build", "-o", ".venv/.installed", "deploy", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603
    *asks, sam, upgrade = done.stdout.splitlines()
    sam = "; ".join(each.strip() for each in (*asks[1:], sam) if each.strip())
    [name] = re.findall(r'--stack "\$\((.*)\)"', upgrade)
    shell = ["sh", "-c", name]
    found = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603
    return sam.rstrip(), found.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Makefile", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("environment", ["default", *ENVIRONMENTS])
def test_make_asks_the_first_time(folder: Path, environment: str) -> None:
    sam, stack = deploying(folder, f"ENV={environment}")
    assert asks(sam) == environment
    assert sam.endswith(f"sam deploy --config-env {environment}")
    assert stack == CONFIG[environment]["global"]["parameters"]["stack_name"]


def test_make_asks_for_one_environment_though_another_was_answered(folder: Path) -> None:
    """As the SAM CLI writes answers, with the stack's name as it was answered."""
    saved = TEXT.replace(
        'parameter_overrides = "Environment=\\"stg\\""',
        'parameter_overrides = "Environment=\\"stg\\" OrgId=\\"acme\\""\nstack_name = "events-stg"',
    )
    assert saved != TEXT
    (folder / "samconfig.toml").write_text(saved)
    sam, stack = deploying(folder, "ENV=stg")
    assert not asks(sam)
    assert sam.endswith("sam deploy --config-env stg")
    assert stack == "events-stg"
    assert asks(deploying(folder, "ENV=prod")[0]) == "prod"
    assert asks(deploying(folder)[0]) == "default"


def test_make_has_the_sam_cli_ask_for_everything_if_told_to(folder: Path) -> None:
    sam, _ = deploying(folder, "ENV=stg", "ASK=all")
    assert not asks(sam)
    assert sam.endswith("sam deploy --config-env stg --guided")


ANSWERS = ("", "acme", "summit2027", "", "", "https://token.example.com/oauth/token")


def answered(folder: Path, environment: str, *answers: str) -> Result:
    """Return how it went to answer the questions, with the template beside samconfig.toml."""
    shutil.copy(ROOT / "template.yaml", folder)
    app = typer.Typer()
    app.command()(lambda: local_answers.main(environment, folder))
    return CliRunner().invoke(app, input="".join(f"{each}\n" for each in answers))


@pytest.mark.parametrize("environment", ["default", *ENVIRONMENTS])
def test_six_answers_are_all_that_a_first_deploy_needs(folder: Path, environment: str) -> None:
    result = answered(folder, environment, *ANSWERS)
    assert result.exit_code == 0, result.output
    asked = re.findall(r"(?m)^(\w+)(?: \[[^\]]*\])?: ", result.output)
    assert asked == [*local_answers.ASKED]
    config = tomllib.loads((folder / "samconfig.toml").read_text())
    own = config[environment]["deploy"]["parameters"].pop("parameter_overrides")
    given = dict(re.findall(r'(\w+)="([^"]*)"', own))
    assert given == {
        "Environment": "prod" if environment == "default" else environment,
        "OrgId": "acme",
        "EventCode": "summit2027",
        "DestinationName": "Default",
        "DestinationDescription": "",
        "TokenUrl": "https://token.example.com/oauth/token",
    }
    assert refused(**given) == []
    needed = {name for name, each in TEMPLATE["Parameters"].items() if "Default" not in each}
    assert needed <= given.keys()
    assert not asks(deploying(folder, f"ENV={environment}")[0])


def test_the_answers_change_nothing_else_of_the_file(folder: Path) -> None:
    answered(folder, "stg", *ANSWERS)
    before, after = (
        [line for line in text.splitlines() if not line.startswith("parameter_overrides")]
        for text in (TEXT, (folder / "samconfig.toml").read_text())
    )
    assert after == before


def test_an_answer_that_cloudformation_would_refuse_is_asked_for_again(folder: Path) -> None:
    wrong = ("production", "", "not an id", "acme", "summit2027", 'A "name"', "", "", "token", "")
    result = answered(folder, "default", *wrong)
    assert result.exit_code == 0, result.output
    for told in ("none of them", "letters, digits, _ and -", "no quotation marks", "an https URL"):
        assert told in result.output
    assert 'OrgId=\\"acme\\"' in (folder / "samconfig.toml").read_text()


def test_who_stops_answering_has_changed_nothing(folder: Path) -> None:
    assert answered(folder, "default", "", "acme").exit_code
    assert (folder / "samconfig.toml").read_text() == TEXT


def asks(commands: str) -> str:
    """Return for which environment commands ask before they deploy; empty if they don't."""
    found = re.search(r"python -m local\.answers (\w+);", commands)
    return found[1] if found else ""


def test_a_mistyped_environment_is_refused_before_anything_is_built() -> None:
    command = ["make", "deploy", "ENV=prd"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode
    assert "samconfig.toml has no part for ENV=prd" in done.stderr
    assert not done.stdout


def test_the_docs_say_what_to_answer_in_the_order_in_which_it_is_asked() -> None:
    _, _, asked = (ROOT / "docs" / "deploy.md").read_text().partition("| asked |")
    names = re.findall(
        r"`(\w+)`", re.sub(r"(?m)^(\|[^|]*\|).*$", r"\1", asked.partition("\n\n")[0])
    )
    parameters = list(TEMPLATE["Parameters"])
    assert names == parameters[: parameters.index("SubnetIds") + 1]


# --- the pipeline that docs/deploy.md prints ----------------------------------------------------


def printed(kind: str, heading: str) -> str:
    section = (ROOT / "docs" / "deploy.md").read_text().partition(f"## {heading}\n")[2]
    [text] = re.findall(rf"```{kind}\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return str(text)


def test_the_printed_pipeline_deploys_each_environment_without_a_stored_key() -> None:
    workflow = yaml.safe_load(printed("yaml", "From a pipeline"))
    # YAML takes `on` for true.
    asked = workflow[True]["workflow_dispatch"]["inputs"]["environment"]
    assert asked["options"] == ENVIRONMENTS
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in printed("yaml", "From a pipeline")
    steps = workflow["jobs"]["deploy"]["steps"]
    runs = [each["run"] for each in steps if "run" in each]
    # What an input holds is a variable of the shell, never a part of a command.
    assert not any("${{" in each for each in runs)
    assert [each.split()[0] for each in runs] == [
        "make",
        ".venv/bin/sam",
        ".venv/bin/attendee-sync",
    ]
    assert "--no-confirm-changeset" in runs[1]  # which samconfig.toml asks people for


def test_the_printed_trust_is_for_one_environment_of_one_repository() -> None:
    [statement] = json.loads(printed("json", "From a pipeline"))["Statement"]
    conditions = statement["Condition"]["StringEquals"]
    issuer = "token.actions.githubusercontent.com"
    assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
    assert conditions == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": "repo:OWNER/REPOSITORY:environment:prod",
    }
