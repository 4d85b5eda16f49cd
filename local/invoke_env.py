"""Writes build/env.json, with which `sam local invoke` runs a function as a stack has it.

The SAM CLI can't know what a template's references have become; the deployed functions do.
"""

import json
import sys
from typing import Any

import boto3
from rich.console import Console

from local.cloud import ROOT

_FILE = ROOT / "build" / "env.json"


def variables(stack: str, cloudformation: Any, lambda_: Any) -> dict[str, dict[str, str]]:
    """Return the environment variables of each of a stack's functions, by logical id."""
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    functions = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::Lambda::Function"
    }
    return {
        logical_id: lambda_.get_function_configuration(FunctionName=name)
        .get("Environment", {})
        .get("Variables", {})
        for logical_id, name in functions.items()
    }


def main(stack: str) -> None:
    """Write the file for a stack of the account, or local cloud, that boto3 is set up for."""
    found = variables(stack, boto3.client("cloudformation"), boto3.client("lambda"))
    _FILE.parent.mkdir(exist_ok=True)
    _FILE.write_text(json.dumps(found, indent=2) + "\n")
    Console(stderr=True).print(f"Wrote the variables of {len(found)} functions to {_FILE}")


if __name__ == "__main__":
    main(sys.argv[1])
