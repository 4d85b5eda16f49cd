import dataclasses
import json
import time
from urllib.parse import parse_qs

import pytest
import requests

from attendee_sync import access_token
from attendee_sync.access_token import Credentials, TokenNotGrantedError
from attendee_sync.connection import Connection
from tests import fakes
from tests.stack import CONNECTION, CREDENTIALS, TOKEN_URL, token


def grant(**members: object) -> fakes.Reply:
    return fakes.Reply(200, json.dumps({"access_token": "granted"} | members).encode())


def fetch(reply: fakes.Reply) -> tuple[access_token.AccessToken, fakes.Call]:
    other_end = fakes.Http(reply)
    fetched = access_token.fetch(other_end.session(), CONNECTION, CREDENTIALS)
    [call] = other_end.calls
    return fetched, call


def test_credentials_are_exchanged_for_a_token() -> None:
    before = int(time.time())
    fetched, call = fetch(grant(expires_in=3_600, token_type="Bearer"))
    assert (call.method, call.url) == ("POST", TOKEN_URL)
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(call.body) == {
        "grant_type": ["client_credentials"],
        "client_id": [CREDENTIALS.client_id],
        "client_secret": [CREDENTIALS.client_secret],
    }
    assert isinstance(call.timeout, tuple)
    assert all(call.timeout)
    assert before + 3_600 <= fetched.expires_at <= int(time.time()) + 3_600
    assert fetched == token("granted", expires_at=fetched.expires_at)


@pytest.mark.parametrize(
    ("members", "lifetime"),
    [
        ({"expires_in": 60}, 60),
        ({"expires_in": "60"}, 60),
        ({"expires_in": 59.9}, 59.9),
        ({}, 600),
        ({"expires_in": None}, 600),
        ({"expires_in": "soon"}, 600),
        ({"expires_in": 0}, 600),
        ({"expires_in": -5}, 600),
        ({"expires_in": float("nan")}, 600),
        ({"expires_in": float("inf")}, 600),
        ({"expires_in": 10**12}, 600),
        ({"expires_in": [60]}, 600),
        ({"expires_in": True}, 600),
    ],
)
def test_a_lifetime_that_makes_no_sense_gives_the_default(
    members: dict[str, object], lifetime: float
) -> None:
    before = int(time.time())
    fetched, _ = fetch(grant(**members))
    assert before + int(lifetime) <= fetched.expires_at <= time.time() + lifetime


@pytest.mark.parametrize(
    ("reply", "cause", "message"),
    [
        (
            fakes.Reply(401, b'{"error": "invalid_client", "error_description": "not-a-real-c"}'),
            "credentials",
            "HTTP 401 invalid_client",
        ),
        (fakes.Reply(400, b'{"error": "invalid_scope"}'), "credentials", "HTTP 400 invalid_scope"),
        (fakes.Reply(403, b"<html>"), "credentials", "HTTP 403"),
        (fakes.Reply(401, b'{"error": "no such not-a-real-client"}'), "credentials", "HTTP 401"),
        (fakes.Reply(401, b'{"error": {"a": 1}}'), "credentials", "HTTP 401"),
        (fakes.Reply(401, b"[" * 60_000), "credentials", "HTTP 401"),
        (fakes.Reply(404), "token_url", "HTTP 404 without an access token"),
        (fakes.Reply(302), "token_url", "HTTP 302 without an access token"),
        (fakes.Reply(429), "token_url", "HTTP 429 without an access token"),
        (fakes.Reply(500), "network", "HTTP 500 without an access token"),
        (fakes.Reply(503, b'{"access_token": "x"}'), "network", "HTTP 503 without an access token"),
        (fakes.Reply(200), "token_url", "HTTP 200 without an access token"),
        (fakes.Reply(200, b"null"), "token_url", "HTTP 200 without an access token"),
        (grant(access_token=""), "token_url", "HTTP 200 without an access token"),
        (grant(access_token=5), "token_url", "HTTP 200 without an access token"),
        (
            fakes.Reply(error=requests.ConnectTimeout("not-a-real-client-secret")),
            "network",
            "token_url: ConnectTimeout",
        ),
        (
            fakes.Reply(error=requests.exceptions.SSLError("x")),
            "network",
            "token_url: SSLError",
        ),
    ],
)
def test_no_token_is_explained_by_codes_alone(reply: fakes.Reply, cause: str, message: str) -> None:
    with pytest.raises(TokenNotGrantedError) as caught:
        fetch(reply)
    assert (caught.value.cause, str(caught.value)) == (cause, message)


def test_without_a_token_url_nothing_is_called() -> None:
    other_end = fakes.Http()
    with pytest.raises(TokenNotGrantedError) as caught:
        access_token.fetch(other_end.session(), Connection(org_id="acme"), CREDENTIALS)
    assert caught.value.cause == "token_url"
    assert other_end.calls == []


def test_a_token_is_read_as_it_was_written() -> None:
    assert access_token.parse(access_token.dump(token()), CONNECTION) == token()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{}",
        "not JSON",
        "[]",
        "null",
        '{"value": "x"}',
        json.dumps(dataclasses.asdict(token()) | {"more": 1}),
        json.dumps(dataclasses.asdict(token()) | {"value": ""}),
    ],
)
def test_a_secret_without_a_token_holds_none(text: str | None) -> None:
    assert access_token.parse(text, CONNECTION) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "stg"},
        {"org_id": "other"},
        {"base_url": "https://rf.example.com"},
    ],
)
def test_a_token_of_another_api_is_none(changes: dict[str, str]) -> None:
    other = CONNECTION.model_copy(update=changes)
    assert access_token.parse(access_token.dump(token()), other) is None


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ('{"client_id": "a", "client_secret": "b"}', Credentials("a", "b")),
        ('{"client_id": "a", "client_secret": "b", "more": 1}', Credentials("a", "b")),
        ('{"client_id": "", "client_secret": ""}', None),
        ('{"client_id": "a", "client_secret": ""}', None),
        ('{"client_id": "", "client_secret": "b"}', None),
        ('{"client_id": "a"}', None),
        ("[]", None),
        ("a:b", None),
        ("", None),
        (None, None),
    ],
)
def test_credentials_are_read_once_both_are_there(
    text: str | None, credentials: Credentials | None
) -> None:
    assert access_token.parse_credentials(text) == credentials


def test_digests_differ_and_give_nothing_away() -> None:
    digests = {
        token().digest,
        token("other").digest,
        CREDENTIALS.digest,
        Credentials("not-a-real", "clientnot-a-real-client-secret").digest,
        Credentials(CREDENTIALS.client_id, "other").digest,
    }
    assert len(digests) == 5
    assert not any("real" in each for each in digests)
