"""What the SAM transform makes of the template: the roles and resources that it adds, too."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.checks.transformed import transformed
from tests.support.functions import FUNCTIONS

# By logical id: the role that API Gateway takes for all APIs of an account, made only where asked.
MANAGED = {
    "ApiLogRole": [
        {
            "Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/"
            "AmazonAPIGatewayPushToCloudWatchLogs"
        }
    ]
}
# X-Ray has no resources to name, nor has EC2 where something is described.
UNSCOPED = (
    {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"},
    {"sqs:ListQueues"},  # of which it gets names alone
)


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = transformed()["Resources"]
    return found


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _with_option(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["Fn::If"][1] if "Fn::If" in value else value
    return found


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role, those that only an option brings among them."""
    for each in role["Properties"].get("Policies", []):
        for statement in listed(_with_option(each)["PolicyDocument"]["Statement"]):
            yield _with_option(statement)


def test_the_roles_are_those_of_the_template_and_no_others(
    resources: dict[str, dict[str, Any]],
) -> None:
    assert set(of_type(resources, "AWS::IAM::Role")) == {
        "ApiLogRole",
        "IngestRole",
        "PreviewRole",
        "DeliveryRole",
        "TokenRefreshRole",
        "TokenRefreshScheduleRole",
        "AccountingRole",
        "AccountingScheduleRole",
        "ResumeScheduleRole",
        "DeploymentsRole",
    }


def test_no_role_has_a_managed_policy_but_api_gateway_s(
    resources: dict[str, dict[str, Any]],
) -> None:
    managed = {
        name: role["Properties"]["ManagedPolicyArns"]
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        if role["Properties"].get("ManagedPolicyArns")
    }
    assert managed == MANAGED
    assert resources["ApiLogRole"]["Condition"] == "SetsApiGatewayLogRole"


def test_nothing_is_allowed_on_everything_but_to_x_ray_and_to_look(
    resources: dict[str, dict[str, Any]],
) -> None:
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for statement in statements(role):
            actions = set(map(str, listed(statement["Action"])))
            assert "*" not in "".join(actions), name
            if statement["Effect"] == "Allow" and "*" in listed(statement["Resource"]):
                assert actions in UNSCOPED, name


def test_functions_run_with_the_roles_of_the_template(
    resources: dict[str, dict[str, Any]],
) -> None:
    roles = {
        name: each["Properties"]["Role"]["Fn::GetAtt"][0]
        for name, each in of_type(resources, "AWS::Lambda::Function").items()
    }
    assert roles == {name: name.replace("Function", "Role") for name in FUNCTIONS}


def test_api_gateway_may_invoke_for_this_api_only(resources: dict[str, dict[str, Any]]) -> None:
    permissions = of_type(resources, "AWS::Lambda::Permission")
    assert permissions
    for permission in permissions.values():
        assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        assert re.search(
            r"\$\{(__ApiId__|Api)\}", json.dumps(permission["Properties"]["SourceArn"])
        )


def test_nothing_depends_on_what_may_be_missing(resources: dict[str, dict[str, Any]]) -> None:
    for name, each in resources.items():
        for other in listed(each.get("DependsOn", [])):
            assert resources[other].get("Condition") in (None, each.get("Condition")), name


def test_two_stacks_give_nothing_the_same_name(resources: dict[str, dict[str, Any]]) -> None:
    """Names are CloudFormation's own, or the stack's name stands in them."""
    named = {
        (name, key): value
        for name, each in resources.items()
        for key, value in each.get("Properties", {}).items()
        if re.fullmatch(r"Name|\w+Name", key)
        and key not in ("StageName", "FunctionName", "MetricName", "DeploymentConfigName")
        # Which people give each stack; an alias's is its function's own.
        and name not in ("CustomDomain", "DomainMapping", "DomainRecord")
        and each["Type"] != "AWS::Lambda::Alias"
        and "Ref" not in value
    }
    assert {("SharedLayer", "LayerName"), ("TokenRefreshFunctionSchedule", "Name")} <= {
        (re.sub(r"[0-9a-f]{10}$", "", name), key) for name, key in named
    }
    for place, value in named.items():
        assert "${AWS::StackName}" in json.dumps(value), place


def test_a_stack_sets_nothing_of_the_whole_account_unless_asked(
    resources: dict[str, dict[str, Any]],
) -> None:
    assert transformed()["Parameters"]["AccessLog"]["Default"] == "off"
    [account] = of_type(resources, "AWS::ApiGateway::Account").values()
    assert account["Condition"] == "SetsApiGatewayLogRole"
    assert account["DeletionPolicy"] == account["UpdateReplacePolicy"] == "Retain"
