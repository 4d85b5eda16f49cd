"""The template, and what it says once CloudFormation has resolved it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.stack import STACK

ROOT = Path(__file__).parents[2]
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (`!Ref x`) as its long ones (`{Ref: x}`)."""


def _long_form(loader: Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", _long_form)
TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: each.get("Properties", {})
        for name, each in TEMPLATE["Resources"].items()
        if each["Type"] == kind
    }


def resolved(value: Any) -> Any:
    """Return a value as it is on AWS, parameters at their defaults; ARNs as `arn:LogicalId`."""
    if isinstance(value, list):
        found = [resolved(each) for each in value]
        return [each for each in found if each is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name == "Ref" or name.startswith("Fn::"):
            return _function(name, argument)
    return {name: resolved(member) for name, member in value.items()}


def _function(name: str, argument: Any) -> Any:
    match name:
        case "Ref":
            return _reference(argument)
        case "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(_reference(found[1])), argument)
        case "Fn::GetAtt":
            assert argument[0] in TEMPLATE["Resources"]
            return f"arn:{argument[0]}" if argument[1] == "Arn" else ".".join(argument)
        case "Fn::If":
            condition, yes, no = argument
            return resolved(yes if holds(TEMPLATE["Conditions"][condition]) else no)
        case "Fn::Select":
            return resolved(argument[1][argument[0]])
        case "Fn::Split":
            return str(resolved(argument[1])).split(argument[0])
    raise NotImplementedError(name)


def holds(condition: dict[str, Any]) -> bool:
    [(name, argument)] = condition.items()
    if name == "Fn::Not":
        return not holds(argument[0])
    if name == "Condition":
        return holds(TEMPLATE["Conditions"][argument])
    assert name == "Fn::Equals"
    return bool(resolved(argument[0]) == resolved(argument[1]))


def _reference(name: str) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in PSEUDO:
        return PSEUDO[name]
    if name in TEMPLATE["Parameters"]:
        return TEMPLATE["Parameters"][name].get("Default", f"<{name}>")
    assert name in TEMPLATE["Resources"], name
    return name


def role_of(function: str) -> str:
    """Return the logical id of a function's role."""
    [role, attribute] = TEMPLATE["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(role)


def policy_statements(role: str) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role's policies."""
    for policy in TEMPLATE["Resources"][role]["Properties"]["Policies"]:
        yield from resolved(policy["PolicyDocument"]["Statement"])


def managed_policy(name: str) -> list[dict[str, Any]]:
    """Return the statements of a managed policy, as on AWS."""
    document = resources("AWS::IAM::ManagedPolicy")[name]["PolicyDocument"]
    statements: list[dict[str, Any]] = resolved(document["Statement"])
    return statements


def listed(value: Any) -> list[Any]:
    """Return what may be one or a list, as a list."""
    return value if isinstance(value, list) else [value]
