"""Two senders with tokens of their own on the deployed stack: made, limited, rotated, removed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.machine.cloud import aws_environment
from local.traffic.people import people
from tests.support.local import Local, until

_NAMES = ("crm", "forms")


def _run(local: Local, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "attendee-sync"), "--stack", local.stack.name]
    return subprocess.run(
        [*command, "senders", *words],
        env=aws_environment(local.stack.endpoint_url) | {"PATH": os.defpath},
        capture_output=True,
        timeout=600,
        text=True,
        check=False,
    )


@pytest.fixture
def senders(local: Local) -> Iterator[Callable[..., str]]:
    """Run a command about senders, and return its standard output."""
    local.stack.put_destination("fair", {"event_code": "fair2026"})

    def run(*words: str) -> str:
        result = _run(local, *words)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    yield run
    for name in _NAMES:
        _run(local, "remove", name, "--yes")
    local.wait_until_idle()


def _status(local: Local, token: str, destination: str, profile: object) -> int:
    authorization = f"Bearer {token}"
    return local.push(profile, destination=destination, authorization=authorization).status_code


def test_two_senders_push_where_they_may_until_their_tokens_end(
    local: Local, senders: Callable[..., str]
) -> None:
    first, second = people(2, seed=731)
    limited, free = senders("add", "forms", "--destination", "fair"), senders("add", "crm")

    until(lambda: _status(local, free, "default", first.attendee) == 202, "crm is known")
    assert _status(local, limited, "fair", second.attendee) == 202
    refused = local.push({}, authorization=f"Bearer {limited}")
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "this sender may not push to this destination, but to: fair",
    )
    local.wait_for_attendee(first.attendee["email"])
    local.wait_until_idle()
    told = [_sender_of(line) for line in local.logs().splitlines()]
    assert {("push accepted", "crm"), ("profile settled", "crm")} <= set(told)
    assert ("profile settled", "forms") in told
    assert ("request refused", "forms") in told

    newer = senders("rotate", "forms", "--yes")
    until(lambda: _status(local, newer, "fair", second.attendee) == 202, "the new one is known")
    assert _status(local, limited, "fair", second.attendee) == 202
    newest = senders("rotate", "forms", "--overlap-hours", "0", "--yes")
    until(lambda: _status(local, newest, "fair", second.attendee) == 202, "the newest is known")
    assert [_status(local, each, "fair", second.attendee) for each in (limited, newer)] == [
        403,
        403,
    ]

    senders("remove", "crm", "--yes")
    until(lambda: _status(local, free, "default", first.attendee) == 403, "crm is removed")
    assert _status(local, newest, "fair", second.attendee) == 202
    assert [each["sender"] for each in json.loads(senders("list", "--json"))] == ["forms"]
    assert local.push(first.attendee).status_code == 202
    tokens = (limited, free, newer, newest)
    assert not [each for each in tokens if each in local.logs()]


def _sender_of(line: str) -> tuple[Any, Any]:
    try:
        members = json.loads(line)
    except ValueError:
        return None, None
    return members.get("message"), members.get("sender")
