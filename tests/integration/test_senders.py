"""Senders on the deployed stack: tokens made, limited, rotated, removed; and one by OAuth 2."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.machine.cloud import aws_environment
from local.traffic.people import people
from tests.support.local import Local, until

_NAMES = ("crm", "forms", "aep")


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


def _access_token(local: Local, **shown: Any) -> requests.Response:
    """Ask the pool for an access token as AEP does: with the credentials in the body, or Basic.

    The domain's own address doesn't resolve here, so the address is the local cloud's.
    """
    basic = shown.pop("basic", None)
    return requests.post(
        f"{local.stack.endpoint_url}/oauth2/token",
        data={"grant_type": "client_credentials", **shown},
        auth=basic,
        timeout=30,
    )


def _by_oauth2(local: Local, authorization: str, destination: str, profile: object) -> int:
    url, headers = local.stack.api_url(f"/v1/oauth2/destinations/{destination}/profiles")
    headers["Authorization"] = authorization
    return requests.post(url, json=profile, headers=headers, timeout=30).status_code


def test_a_sender_gets_an_access_token_and_pushes_with_it_where_it_may(
    local: Local, senders: Callable[..., str]
) -> None:
    [person] = people(1, seed=733)
    made = json.loads(senders("add", "aep", "--oauth2", "--destination", "default", "--json"))
    client, secret = made["client_id"], made["client_secret"]
    assert made["token_url"] == local.stack.outputs["OAuthTokenUrl"]
    assert local.stack.api_url("/v1/oauth2/destinations/default/profiles")[0] == made["push_url"]

    in_body = _access_token(local, client_id=client, client_secret=secret).json()
    by_basic = _access_token(local, basic=(client, secret)).json()
    for given in (in_body, by_basic):
        assert (given["token_type"], given["expires_in"]) == ("Bearer", 3_600)
    assert _access_token(local, basic=(client, "wrong")).status_code == 400
    wider = _access_token(local, basic=(client, secret), scope="attendee-sync/more")
    assert wider.status_code == 400

    token = in_body["access_token"]
    shown = f"Bearer {token}"
    until(
        lambda: _by_oauth2(local, shown, "default", person.attendee) == 202, "the client is known"
    )
    also = f"Bearer {by_basic['access_token']}"
    assert _by_oauth2(local, also, "default", person.attendee) == 202
    assert _by_oauth2(local, shown, "fair", person.attendee) == 403
    local.wait_for_attendee(person.attendee["email"])

    # What is no access token of this pool does not get to ingest, and each path takes its own.
    head, claims, signature = token.split(".")
    forged = ".".join((head, claims[:-4] + "AAAA", signature))
    others = [f"Bearer {each}" for each in (forged, secret, client, local.stack.ingest_token())]
    assert [_by_oauth2(local, each, "default", {}) for each in (*others, "")] == [401] * 5
    assert _status(local, token, "default", {}) == 403
    assert local.push(person.attendee).status_code == 202

    local.wait_until_idle()
    told = [_sender_of(line) for line in local.logs().splitlines()]
    assert {("push accepted", "aep"), ("profile settled", "aep")} <= set(told)
    assert ("request refused", "aep") in told

    senders("remove", "aep", "--yes")
    assert _access_token(local, basic=(client, secret)).status_code == 400
    until(
        lambda: _by_oauth2(local, shown, "default", person.attendee) == 403, "its token is refused"
    )
    hidden = (token, signature, by_basic["access_token"], secret)
    assert not [each for each in hidden if each in local.logs()]


def _sender_of(line: str) -> tuple[Any, Any]:
    try:
        members = json.loads(line)
    except ValueError:
        return None, None
    return members.get("message"), members.get("sender")
