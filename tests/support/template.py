"""The template, and what it says once CloudFormation has resolved it."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from local import build_digest
from local.checks.transformed import transformed
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
NOTHING_GIVEN: Final[Mapping[str, str]] = {}


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


def resolved(value: Any, given: Mapping[str, str] = NOTHING_GIVEN) -> Any:
    """Return a value as it is on AWS, ARNs as `arn:LogicalId`.

    Parameters are as given, or at their defaults.
    """
    if isinstance(value, list):
        found = [resolved(each, given) for each in value]
        return [each for each in found if each is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name == "Ref" or name.startswith("Fn::"):
            return _function(name, argument, given)
    members = {name: resolved(member, given) for name, member in value.items()}
    return {name: member for name, member in members.items() if member is not NO_VALUE}


def _function(name: str, argument: Any, given: Mapping[str, str]) -> Any:  # noqa: PLR0911
    match name:
        case "Ref":
            return _reference(argument, given)
        case "Fn::Sub":
            return _substituted(argument, given)
        case "Fn::GetAtt":
            return f"arn:{argument[0]}" if argument[1] == "Arn" else ".".join(argument)
        case "Fn::If":
            condition, yes, no = argument
            return resolved(yes if holds(TEMPLATE["Conditions"][condition], given) else no, given)
        case "Fn::Select":
            return resolved(argument[1][argument[0]], given)
        case "Fn::Split":
            return str(resolved(argument[1], given)).split(argument[0])
        case "Fn::FindInMap":
            name, *keys = argument
            return TEMPLATE["Mappings"][name][keys[0]][keys[1]]
        case "Fn::Join":
            return str(argument[0]).join(map(str, resolved(argument[1], given)))
    raise NotImplementedError(name)


def holds(condition: dict[str, Any], given: Mapping[str, str] = NOTHING_GIVEN) -> bool:
    """Tell whether a condition, or an assertion of a rule, holds."""
    [(name, argument)] = condition.items()
    match name:
        case "Fn::Not":
            return not holds(argument[0], given)
        case "Fn::And":
            return all(holds(each, given) for each in argument)
        case "Fn::Or":
            return any(holds(each, given) for each in argument)
        case "Fn::Contains":
            return resolved(argument[1], given) in argument[0]
        case "Condition":
            return holds(TEMPLATE["Conditions"][argument], given)
    assert name == "Fn::Equals"
    one, other = (resolved(each, given) for each in argument)
    return str(one) == str(other)  # CloudFormation's numbers are texts


def _reference(name: str, given: Mapping[str, str]) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in PSEUDO:
        return PSEUDO[name]
    if name in TEMPLATE["Parameters"]:
        return given.get(name, TEMPLATE["Parameters"][name].get("Default", f"<{name}>"))
    return name


def _substituted(argument: Any, given: Mapping[str, str]) -> str:
    text, names = argument if isinstance(argument, list) else (argument, {})

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name in names:
            return str(resolved(names[name], given))
        if "." in name:
            return str(_function("Fn::GetAtt", name.split(".", 1), given))
        return str(_reference(name, given))

    return re.sub(r"\$\{([^}]+)\}", value, text)


def made(**given: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a stack on AWS with some parameters, as CloudFormation makes them.

    By logical ids, after the SAM transform, resolved; not to be changed. Fails if one refers to
    another that is not made.
    """
    return _made(frozenset(given.items()))


@functools.cache  # a transform takes a while
def _made(parameters: frozenset[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    given = dict(parameters)
    whole = transformed(given=given)["Resources"]
    found = {
        name: {key: resolved(part, given) for key, part in each.items() if key != "Condition"}
        for name, each in whole.items()
        if "Condition" not in each or holds({"Condition": each["Condition"]}, given)
    }
    missing = whole.keys() - found.keys()
    for name, each in found.items():
        refers = missing & set(re.findall(r"\w+", json.dumps(each.get("Properties", {}))))
        assert not refers, (name, refers)
    return found


def refused(**given: str) -> list[str]:
    """Return what CloudFormation says to parameters that it refuses, whole or by one's pattern."""
    patterns = [
        str(TEMPLATE["Parameters"][name]["ConstraintDescription"])
        for name, value in given.items()
        if not re.fullmatch(TEMPLATE["Parameters"][name].get("AllowedPattern", ".*"), value)
    ]
    return patterns + [
        str(each["AssertDescription"])
        for name, rule in TEMPLATE["Rules"].items()
        for each in rule["Assertions"]
        if name != build_digest.RULE  # which is not in what was built
        and not holds(each["Assert"], given)
    ]


def role_of(function: str) -> str:
    """Return the logical id of a function's role."""
    [role, attribute] = TEMPLATE["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(role)


def policy_statements(role: str) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role's policies."""
    for policy in resolved(TEMPLATE["Resources"][role]["Properties"]["Policies"]):
        yield from policy["PolicyDocument"]["Statement"]


def managed_policy(name: str) -> list[dict[str, Any]]:
    """Return the statements of a managed policy, as on AWS."""
    document = resources("AWS::IAM::ManagedPolicy")[name]["PolicyDocument"]
    statements: list[dict[str, Any]] = resolved(document["Statement"])
    return statements


def listed(value: Any) -> list[Any]:
    """Return what may be one or a list, as a list."""
    return value if isinstance(value, list) else [value]
