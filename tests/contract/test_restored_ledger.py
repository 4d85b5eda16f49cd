"""The script of docs/account.md that copies what is missing from a restored ledger."""

import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from tests.support.template import ROOT


class ConditionalCheckFailedError(Exception):
    """As boto3 makes one of the service's own description."""


class Tables:
    """What the script calls of DynamoDB, over items by table and key."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedError)

    def __init__(self, **tables: dict[str, str]) -> None:
        self.tables = tables

    def get_paginator(self, name: str) -> "Tables":
        assert name == "scan"
        return self

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        for key, text in self.tables[request["TableName"]].items():
            version = {"mapping_version": {"S": "v1"}} if key.startswith("attendee#") else {}
            yield {"Items": [{"key": {"S": key}, "text": {"S": text}, **version}]}

    def put_item(self, **request: Any) -> None:
        assert request["ConditionExpression"] == "attribute_not_exists(#key)"
        assert request["ExpressionAttributeNames"] == {"#key": "key"}
        table, key = self.tables[request["TableName"]], request["Item"]["key"]["S"]
        if key in table:
            raise ConditionalCheckFailedError
        assert request["Item"].get("mapping_version", {"S": ""}) == {"S": ""}
        table[key] = request["Item"]["text"]["S"]


def test_what_is_missing_is_copied_and_what_is_newer_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "account.md").read_text()
    [script] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    tables = Tables(
        restored={
            "attendee#1": "then",
            "attendee#2": "then",
            "erased#3": "then",
            "pause#default": "then",
            "circuit#default": "then",
        },
        ledger={"attendee#2": "now"},
    )
    monkeypatch.setattr(boto3, "client", lambda _: tables)
    monkeypatch.setattr(sys, "argv", ["copy_ledger.py", "restored", "ledger"])
    exec(compile(script, "copy_ledger.py", "exec"), {})  # noqa: S102
    expected = {"attendee#1": "then", "attendee#2": "now", "erased#3": "then"}
    assert tables.tables["ledger"] == expected
