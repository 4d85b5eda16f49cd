"""The template as CloudFormation gets it: `python -m local.transformed` prints it as JSON.

The SAM transform adds resources, roles and permissions that template.yaml does not show. On AWS it
runs in CloudFormation; here the SAM CLI's own copy of it does, with nobody's account.
"""

import json
import logging
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.machine.cloud import REGION, ROOT

# Of the code, which is uploaded before the transform: any address will do.
_UPLOADED = "s3://bucket/key"


def transformed(template: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """Return a template after the SAM transform, its parameters at their defaults.

    Raises samtranslator's InvalidDocumentException.
    """
    source = yaml_parse(template.read_text())
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        properties |= dict.fromkeys({"CodeUri", "ContentUri"} & properties.keys(), _UPLOADED)
    session: Any = boto3.Session(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)  # {}: no managed policy is named
    result: dict[str, Any] = translator.translate(source, {})
    return result


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of feature toggles that only AWS has
    print(json.dumps(transformed(), indent=2))  # noqa: T201 - what it is for
