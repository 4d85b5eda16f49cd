"""Fixed addresses: the functions that call RainFocus in a VPC, and the network that has them."""

from typing import Any

import pytest
import yaml

from local.checks.transformed import EVERY_OPTION
from tests.support.template import ROOT, Loader, made, refused

VPC = {name: EVERY_OPTION[name] for name in ("SubnetIds", "SecurityGroupIds")}
CALL_RAINFOCUS = {"DeliveryFunction", "TokenRefreshFunction"}
INTERFACES = {
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}


def vpc_of_functions(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        name: each["Properties"].get("VpcConfig")
        for name, each in resources.items()
        if each["Type"] == "AWS::Lambda::Function"
    }


def on_ec2(resources: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the statements about EC2 of each role that has some."""
    found = {
        name: [
            statement
            for policy in each["Properties"].get("Policies", [])
            for statement in policy["PolicyDocument"]["Statement"]
            if str(statement["Action"]).count("ec2:")
        ]
        for name, each in resources.items()
        if each["Type"] == "AWS::IAM::Role"
    }
    return {name: statements for name, statements in found.items() if statements}


def test_by_default_no_function_is_in_a_vpc_and_no_role_knows_of_one() -> None:
    resources = made()
    assert set(vpc_of_functions(resources).values()) == {None}
    assert on_ec2(resources) == {}


def test_who_calls_rainfocus_does_so_from_the_subnets_and_nobody_else_is_there() -> None:
    subnets = {
        "SubnetIds": VPC["SubnetIds"].split(","),
        "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"],
    }
    assert vpc_of_functions(made(**VPC)) == {
        "IngestFunction": None,
        "PreviewFunction": None,
        "DeliveryFunction": subnets,
        "TokenRefreshFunction": subnets,
        "AccountingFunction": None,
    }


def test_lambda_may_make_network_interfaces_with_their_roles_and_their_code_may_not() -> None:
    resources = made(**VPC)
    assert set(on_ec2(resources)) == {name.replace("Function", "Role") for name in CALL_RAINFOCUS}
    for looks, makes, denies in on_ec2(resources).values():
        assert looks["Action"] == ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
        assert (makes["Effect"], set(makes["Action"])) == ("Allow", INTERFACES)
        assert makes["Resource"] == "arn:aws:ec2:us-east-1:123456789012:*/*"
        assert (denies["Effect"], set(denies["Action"])) == ("Deny", INTERFACES)
        [own] = denies["Condition"]["ArnLike"].values()
        assert own.endswith(":function:attendee-sync-*")


@pytest.mark.parametrize("only", VPC)
def test_subnets_without_security_groups_are_refused_and_the_reverse(only: str) -> None:
    [words] = refused(**{only: VPC[only]})
    assert "together" in words


def test_ids_of_something_else_and_blanks_are_refused() -> None:
    assert refused() == refused(**VPC) == []
    assert refused(**VPC | {"SubnetIds": "vpc-0a1b2c3d"})
    assert refused(**VPC | {"SubnetIds": "subnet-0a1b2c3d, subnet-0a1b2c3e"})
    assert refused(**VPC | {"SecurityGroupIds": "default"})


# --- network.yaml -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / "network.yaml").read_text(), Loader)  # noqa: S506
    return found


def test_the_network_tells_what_the_stack_and_rainfocus_need(network: dict[str, Any]) -> None:
    assert set(network["Outputs"]) == {*VPC, "RainFocusAllowList"}


def test_each_private_subnet_goes_out_by_a_fixed_address_of_its_own(
    network: dict[str, Any],
) -> None:
    def properties(name: str) -> dict[str, Any]:
        found: dict[str, Any] = network["Resources"][name]["Properties"]
        return found

    for zone, other in ("AB", "BA"):
        assert properties(f"PrivateSubnetRoutes{zone}") == {
            "RouteTableId": {"Ref": f"PrivateRoutes{zone}"},
            "SubnetId": {"Ref": f"PrivateSubnet{zone}"},
        }
        assert properties(f"PrivateRoute{zone}")["RouteTableId"] == {"Ref": f"PrivateRoutes{zone}"}
        assert properties(f"PrivateRoute{zone}")["NatGatewayId"] == {"Ref": f"NatGateway{zone}"}
        gateway = properties(f"NatGateway{zone}")
        assert gateway["AllocationId"] == {"Fn::GetAtt": [f"Address{zone}", "AllocationId"]}
        assert gateway["SubnetId"] == {"Ref": f"PublicSubnet{zone}"}
        zones = [
            properties(f"{kind}Subnet{zone}")["AvailabilityZone"] for kind in ("Public", "Private")
        ]
        assert zones[0] == zones[1] != properties(f"PrivateSubnet{other}")["AvailabilityZone"]


def test_the_addresses_outlive_a_mistake(network: dict[str, Any]) -> None:
    addresses = [each for each in network["Resources"].values() if each["Type"] == "AWS::EC2::EIP"]
    assert len(addresses) == 2
    for each in addresses:
        # Not those of a first deploy that failed, which nobody knows.
        assert each["DeletionPolicy"] == "RetainExceptOnCreate"
        assert each["UpdateReplacePolicy"] == "Retain"


def test_nobody_gets_in(network: dict[str, Any]) -> None:
    group = network["Resources"]["FunctionsSecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [each["FromPort"] for each in group["SecurityGroupEgress"]] == [443]
