"""How a deploy reaches ingest and delivery: in place, or as versions to which work is shifted."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_dump, yaml_parse

from local import build_digest
from local.checks.transformed import EVERY_OPTION
from tests.support.template import GLOBALS, ROOT, TEMPLATE, holds, made, refused, resolved

GRADUALLY = {"DeploymentPreference": EVERY_OPTION["DeploymentPreference"]}
AT_ONCE = {"DeploymentPreference": "AllAtOnce"}
OAUTH = {"OAuthDomain": EVERY_OPTION["OAuthDomain"]}
PREFERENCES: list[str] = TEMPLATE["Parameters"]["DeploymentPreference"]["AllowedValues"]
NAMES = ("Ingest", "Delivery")
PUSHES = ("IngestFunctionPushPermissionprod", "OAuthPushPermission")


def of_type(kind: str, **given: str) -> dict[str, dict[str, Any]]:
    found = made(**given).items()
    return {name: each["Properties"] for name, each in found if each["Type"] == f"AWS::{kind}"}


def invoked(**given: str) -> set[str]:
    """Return what pushes and queued profiles are given to."""
    paths = made(**given)["Api"]["Properties"]["Body"]["paths"]
    uris = [each["post"]["x-amazon-apigateway-integration"]["uri"] for each in pushes(paths)]
    mapping = of_type("Lambda::EventSourceMapping", **given)["DeliveryFunctionProfiles"]
    permissions = of_type("Lambda::Permission", **given)
    return {
        *(re.sub(r".*/functions/(?:arn:)?(\w+)/.*", r"\1", uri) for uri in uris),
        *(permissions[name]["FunctionName"] for name in PUSHES if name in permissions),
        mapping["FunctionName"],
        resolved(TEMPLATE["Outputs"]["DeliveryFunctionArn"]["Value"], given).removeprefix("arn:"),
    }


def pushes(paths: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (operations for path, operations in paths.items() if path.endswith("/profiles"))


# --- off ----------------------------------------------------------------------------------------


def test_by_default_a_deploy_is_in_place_and_makes_nothing_for_it() -> None:
    assert TEMPLATE["Parameters"]["DeploymentPreference"]["Default"] == "off"
    kinds = {each["Type"] for each in made(**OAUTH).values()}
    assert not {"AWS::Lambda::Version", "AWS::Lambda::Alias"} & kinds
    assert not [kind for kind in kinds if "CodeDeploy" in kind]
    assert invoked(**OAUTH) == {"IngestFunction", "DeliveryFunction"}
    for function in of_type("Lambda::Function").values():
        assert "RELEASE" not in function["Environment"]["Variables"]


def test_what_it_adds_changes_nothing_else_of_the_stack() -> None:
    before, after = made(**OAUTH), made(**OAUTH, **GRADUALLY)
    assert {name for name in after.keys() - before.keys() if "ApiDeployment" not in name} == {
        *(f"{name}{kind}" for name in NAMES for kind in ("Version", "Alias", "Deployments")),
        *(f"{name}ReleaseAlarm" for name in NAMES),
        "Deployments",
        "DeploymentsRole",
    }
    assert not [name for name in before.keys() - after.keys() if "ApiDeployment" not in name]
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    assert changed - {"ApiprodStage"} == {  # which has a deployment of its own each time
        "Api",
        "IngestFunction",
        "DeliveryFunction",
        "DeliveryFunctionProfiles",
        "ResumeScheduleRole",
        "OperatorPolicy",
        "ManagerPolicy",
        *PUSHES,
    }


# --- on -----------------------------------------------------------------------------------------


def test_pushes_and_profiles_are_given_to_aliases() -> None:
    assert invoked(**OAUTH, **GRADUALLY) == {"IngestAlias", "DeliveryAlias"}


@pytest.mark.parametrize("name", NAMES)
def test_an_alias_invokes_the_version_of_its_function(name: str) -> None:
    alias = made(**GRADUALLY)[f"{name}Alias"]["Properties"]
    assert alias["FunctionName"] == f"{name}Function"
    assert alias["FunctionVersion"] == f"{name}Version.Version"
    version = made(**GRADUALLY)[f"{name}Version"]
    assert version["Properties"]["FunctionName"] == f"{name}Function"
    # The one before works on what it has begun; one that failed is not kept, or Lambda would
    # publish none where it is tried again.
    assert (version["UpdateReplacePolicy"], version["DeletionPolicy"]) == ("Retain", "Delete")


def test_who_reads_messages_is_shifted_before_who_writes_them() -> None:
    assert TEMPLATE["Resources"]["IngestAlias"]["DependsOn"] == "DeliveryAlias"


def test_commands_and_schedules_may_switch_lanes_of_function_and_alias() -> None:
    given = {name: each.get("Properties", {}) for name, each in made(**GRADUALLY).items()}
    [statement] = given["ResumeScheduleRole"]["Policies"][0]["PolicyDocument"]["Statement"]
    both = ["arn:DeliveryFunction", "DeliveryAlias"]
    assert statement["Condition"] == {"ArnEquals": {"lambda:FunctionArn": both}}
    found = [
        each["Condition"]
        for policy in ("OperatorPolicy", "ManagerPolicy")
        for each in given[policy]["PolicyDocument"]["Statement"]
        if "lambda:FunctionArn" in str(each.get("Condition"))
    ]
    assert found == [{"ArnEqualsIfExists": {"lambda:FunctionArn": both}}] * 3


@pytest.mark.parametrize("preference", [each for each in PREFERENCES if each != "off"])
@pytest.mark.parametrize("name", NAMES)
def test_codedeploy_shifts_as_asked_for_and_back_when_an_alarm_tells(
    name: str, preference: str
) -> None:
    group = resolved(
        TEMPLATE["Resources"][f"{name}Deployments"]["Properties"],
        {"DeploymentPreference": preference},
    )
    assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{preference}"
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    # What is deployed at once may be the cure of what an alarm tells.
    assert group["AlarmConfiguration"]["Enabled"] is (preference != "AllAtOnce")
    policy = resolved(TEMPLATE["Resources"][f"{name}Alias"]["UpdatePolicy"], AT_ONCE)
    assert policy == {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": "Deployments",
            "DeploymentGroupName": f"{name}Deployments",
        }
    }


def test_the_alarms_that_are_asked_are_the_stack_s_own() -> None:
    asked = {
        name: [alarm["Name"] for alarm in each["AlarmConfiguration"]["Alarms"]]
        for name, each in of_type("CodeDeploy::DeploymentGroup", **GRADUALLY).items()
    }
    assert asked == {
        "IngestDeployments": ["IngestReleaseAlarm", "PushErrorsAlarm"],
        "DeliveryDeployments": ["DeliveryReleaseAlarm", "FailedRateAlarm"],
    }
    assert {each for names in asked.values() for each in names} <= made(**GRADUALLY).keys()


def test_no_shift_of_both_takes_longer_than_the_sam_cli_waits() -> None:
    def minutes(preference: str) -> int:
        found = re.fullmatch(r"(Canary|Linear)10Percent(?:Every)?(\d+)Minutes?", preference)
        return int(found[2]) * (1 if found[1] == "Canary" else 10) if found else 0

    assert max(2 * minutes(each) for each in PREFERENCES) < 60


def test_codedeploy_may_change_these_aliases_and_look_at_alarms() -> None:
    role = made(**GRADUALLY)["DeploymentsRole"]["Properties"]
    [change, look] = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert change["Resource"] == [
        text for name in NAMES for text in (f"arn:{name}Function", f"arn:{name}Function:*")
    ]
    assert look["Action"] == "cloudwatch:DescribeAlarms"


# --- what makes a new version -------------------------------------------------------------------


def description(name: str, **given: str) -> str:
    version = TEMPLATE["Resources"][f"{name}Version"]["Properties"]
    return str(resolved(version["Description"], GRADUALLY | given))


def function(name: str, **given: str) -> dict[str, Any]:
    """Return what a version has of a function, but for what is there to make it differ."""
    own = TEMPLATE["Resources"][f"{name}Function"]["Properties"]
    found: dict[str, Any] = resolved({**GLOBALS, "own": own}, GRADUALLY | given)
    found["own"]["Environment"]["Variables"].pop("RELEASE")
    found["own"].pop("ReservedConcurrentExecutions", None)  # which versions share
    return found


def another(parameter: str) -> str:
    """Return a value of a parameter that is not its default."""
    known = TEMPLATE["Parameters"][parameter]
    default = str(known.get("Default", ""))
    allowed = [each for each in map(str, known.get("AllowedValues", [])) if each != default]
    if allowed:
        return allowed[0]
    return EVERY_OPTION.get(parameter, f"{default}1")


@pytest.mark.parametrize("name", NAMES)
def test_a_version_is_published_whenever_a_parameter_changes_its_function(name: str) -> None:
    values = {parameter: another(parameter) for parameter in TEMPLATE["Parameters"]}
    del values["DeploymentPreference"]
    before = function(name)
    changing = {each for each in values if function(name, **{each: values[each]}) != before}
    assert {"LogLevel", "Architecture", "AwsEndpointUrl"} <= changing
    said = {
        each for each in values if description(name, **{each: values[each]}) != description(name)
    }
    assert changing <= said
    assert len(said) == 7  # a version more for other parameters would shift for nothing


@pytest.mark.parametrize("name", NAMES)
def test_a_function_differs_whenever_a_version_is_published(name: str) -> None:
    """Else Lambda refuses: A version for this Lambda function exists."""
    for given in (GRADUALLY, GRADUALLY | {"LogLevel": "DEBUG"}, EVERY_OPTION):
        variables = made(**given)[f"{name}Function"]["Properties"]["Environment"]["Variables"]
        published = made(**given)[f"{name}Version"]["Properties"]["Description"]
        assert variables["RELEASE"] == published == description(name, **given)


def test_a_description_is_no_longer_than_lambda_takes() -> None:
    largest = {"Architecture": "x86_64", "LogLevel": "DEBUG", "MaximumConcurrency": "1000"}
    network = {
        "SubnetIds": ",".join([f"subnet-{'0' * 17}"] * 7),
        "SecurityGroupIds": ",".join([f"sg-{'0' * 17}"] * 5),
    }
    text = description("Ingest", **largest, **network)
    assert len(text) - len("none") + 12 <= 256


# --- the digest of what was built ---------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Return what `sam build` leaves, with little code in it."""
    folder = tmp_path / "build"
    for name in ("SharedLayer/python/attendee_sync", "IngestFunction", "DeliveryFunction"):
        (folder / name).mkdir(parents=True)
        (folder / name / "code.py").write_text("x = 1\n")
    template = yaml_parse((ROOT / "template.yaml").read_text())
    (folder / "template.yaml").write_text(yaml_dump(template))
    return folder


def released(folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the descriptions of versions that a deploy of what was built publishes."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    build_digest.write(copy)
    mappings = yaml_parse((copy / "template.yaml").read_text())["Mappings"]
    shutil.rmtree(copy)
    monkeypatch.setitem(TEMPLATE, "Mappings", mappings)
    return {description(name) for name in NAMES}


def test_the_same_build_publishes_nothing(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert released(built, monkeypatch) == released(built, monkeypatch)


@pytest.mark.parametrize(
    "changed",
    ["SharedLayer/python/attendee_sync/code.py", "IngestFunction/code.py", "template.yaml"],
)
def test_a_change_of_the_layer_of_a_function_or_of_the_template_alone_is_published(
    built: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    before = released(built, monkeypatch)
    file = built / changed
    file.write_text(file.read_text().replace("x = 1", "x = 2").replace("1024", "2048"))
    assert not released(built, monkeypatch) & before


def test_a_file_under_another_name_is_another_build(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = released(built, monkeypatch)
    (built / "IngestFunction" / "code.py").rename(built / "IngestFunction" / "other.py")
    assert not released(built, monkeypatch) & before


def test_what_has_a_digest_keeps_it(built: Path) -> None:
    build_digest.write(built)
    once = (built / "template.yaml").read_text()
    build_digest.write(built)
    assert (built / "template.yaml").read_text() == once
    source, marked = (yaml_parse(each) for each in ((ROOT / "template.yaml").read_text(), once))
    source["Rules"].pop(build_digest.RULE)
    source["Mappings"] = marked["Mappings"]
    assert marked == source


def test_what_has_no_digest_is_deployed_in_place_alone() -> None:
    """Of sam build without make: what it changes might not be told from what was deployed."""
    [assertion] = TEMPLATE["Rules"][build_digest.RULE]["Assertions"]
    taken = [
        each for each in PREFERENCES if holds(assertion["Assert"], {"DeploymentPreference": each})
    ]
    assert taken == ["off"]
    assert refused(**GRADUALLY) == []  # with a digest


def test_make_writes_the_digest_after_it_has_built() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\nbuild: ")[2].partition("\n\n")[0]
    commands = re.findall(r"sam build|python -m local\.build_digest", recipe)
    assert commands == ["sam build", "python -m local.build_digest"]
