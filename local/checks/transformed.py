"""The template as CloudFormation gets it: `python -m local.checks.transformed` prints it as JSON.

The SAM transform adds resources, roles and permissions that template.yaml does not show. On AWS it
runs in CloudFormation; here the SAM CLI's own copy of it does, with nobody's account. With
`--every-option`, the parameters that are empty by default have a value.
"""

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.machine.cloud import REGION, ROOT

# Of the code, which is uploaded before the transform: any address will do.
_UPLOADED = "s3://bucket/key"
# What a company's account may ask for, made up.
EVERY_OPTION = {
    "SubnetIds": "subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d4e5f60719",
    "SecurityGroupIds": "sg-0a1b2c3d4e5f60718",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "DataRetention": "Retain",
    "IngestConcurrency": "20",
    "DomainName": "push.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-4e5f",
    "HostedZoneId": "Z0123456789ABCDEF",
    "TruststoreUri": "s3://example-truststore/senders.pem",
    "AnonymousRequestLimit": "100",
    "OAuthDomain": "example-senders",
    "DeploymentPreference": "Canary10Percent5Minutes",
}


def transformed(
    template: Path = ROOT / "template.yaml", given: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a template after the SAM transform, parameters at their defaults or as they are given.

    These are the defaults of what is returned. Raises samtranslator's InvalidDocumentException.
    """
    source = yaml_parse(template.read_text())
    for name, value in (given or {}).items():
        source["Parameters"][name]["Default"] = value
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        properties |= dict.fromkeys({"CodeUri", "ContentUri"} & properties.keys(), _UPLOADED)
    session: Any = boto3.Session(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)  # {}: no managed policy is named
    result: dict[str, Any] = translator.translate(source, {})
    return result


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of feature toggles that only AWS has
    options = EVERY_OPTION if "--every-option" in sys.argv else None
    print(json.dumps(transformed(given=options), indent=2))  # noqa: T201 - what it is for
