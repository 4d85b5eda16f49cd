"""What is published: the built template with its code in a bucket.

The local cloud has S3, but no Serverless Application Repository: `sam publish` is not run.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.machine.cloud import aws_environment
from tests.support.local import Local

_BUCKET = "acme-published"


def test_what_is_packaged_names_its_code_in_the_bucket(local: Local, tmp_path: Path) -> None:
    store: Any = local.stack.client("s3")
    store.create_bucket(Bucket=_BUCKET)
    written = tmp_path / "published.yaml"
    sam = str(Path(sys.executable).parent / "sam")
    built = local.running.build / "template.yaml"
    files = ("--template-file", str(built), "--output-template-file", str(written))
    packaged = subprocess.run(
        [sam, "package", "--s3-bucket", _BUCKET, "--s3-prefix", "attendee-sync", *files],
        cwd=tmp_path,
        env=aws_environment(local.stack.endpoint_url) | {"PATH": os.defpath},
        capture_output=True,
        timeout=200,
        text=True,
        check=False,
    )
    assert packaged.returncode == 0, packaged.stderr

    template = yaml_parse(written.read_text())
    assert "AWS::ServerlessRepo::Application" in template["Metadata"]
    uploaded = {
        each["Properties"][key]
        for each in template["Resources"].values()
        for key in ("CodeUri", "ContentUri")
        if key in each.get("Properties", {})
    }
    keys = {each["Key"] for each in store.list_objects_v2(Bucket=_BUCKET)["Contents"]}
    assert uploaded
    assert {each.removeprefix(f"s3://{_BUCKET}/") for each in uploaded} <= keys
