"""Stacks side by side: what samconfig.toml says of dev, stg and prod, and what make takes of it."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.template import ROOT, TEMPLATE

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
    # -o: as if it were built.
    command = ["make", "-n", "-o", "build", "deploy", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603
    sam, upgrade = done.stdout.splitlines()[-2:]
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
    assert sam.endswith(f"sam deploy --config-env {environment} --guided")
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
    assert sam.endswith("sam deploy --config-env stg")
    assert stack == "events-stg"
    assert deploying(folder, "ENV=prod")[0].endswith("--guided")
    assert deploying(folder)[0].endswith("--config-env default --guided")


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
