import re

import pytest
from pydantic import ValidationError

from attendee_sync.mapping.destination import Destination
from attendee_sync.rainfocus.connection import (
    Auth,
    Connection,
    Environment,
    connection_of,
    faults_of,
)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("prod", "https://events.rainfocus.com/api/acme/v3/attendee/store"),
        ("stg", "https://events-stg.rainfocus.com/api/acme/v3/attendee/store"),
        ("dev", "https://events-dev.rainfocus.com/api/acme/v3/attendee/store"),
    ],
)
def test_each_environment_has_its_host(environment: Environment, url: str) -> None:
    connection = Connection(environment=environment, org_id="acme")
    assert connection.url("attendee/store") == url


@pytest.mark.parametrize(
    ("base_url", "version", "url"),
    [
        ("https://rf.example.com", "v3", "https://rf.example.com/api/acme/v3/attendeeInfo"),
        ("https://rf.example.com/", "v2", "https://rf.example.com/api/acme/v2/attendeeInfo"),
        ("http://127.0.0.1:8080/x/", "v3", "http://127.0.0.1:8080/x/api/acme/v3/attendeeInfo"),
    ],
)
def test_another_address_or_version_can_be_set(base_url: str, version: str, url: str) -> None:
    connection = Connection.model_validate(
        {"org_id": "acme", "base_url": base_url, "version": version}
    )
    assert connection.url("attendeeInfo") == url


def test_what_a_deploy_writes_is_valid() -> None:
    text = '{"environment": "prod", "org_id": "acme", "base_url": "", "auth": {"token_url": ""}}'
    assert Connection.model_validate_json(text) == Connection(org_id="acme")


@pytest.mark.parametrize(
    "wrong",
    [
        {"org_id": ""},
        {"org_id": "acme/other"},
        {"org_id": "acme\n"},
        {"org_id": "a" * 65},
        {"environment": "production"},
        {"version": "v4"},
        {"base_url": "https://rf.example.com?x=1"},
        {"base_url": "https://rf.example.com/#x"},
        {"base_url": "https:// rf.example.com"},
        {"base_url": "https://[::1"},
        {"base_url": "https://:443"},
        {"base_url": "https://user:password"},
        {"base_url": "https://rf.example.com\\@evil.example"},
        {"path": "/api/{org}/{call}"},
        {"path": "/api/{org_id}"},
        {"path": "api/{call}"},
        {"path": "/api/{call"},
        {"path": "/api/{}/{call}"},
        {"path": "/api/{org_id.x}/{call}"},
        {"auth": {"kind": "password"}},
        {"auth": {"token_url": "ftp://token.example.com"}},
        {"auth": {"token_url": "token.example.com"}},
        {"auth": {"client_auth": "jwt"}},
        {"auth": {"parameters": {"a<b": "x"}}},
        {"auth": {"parameters": {"a ": "x"}}},
        {"auth": {"parameters": {"a\nb": "x"}}},
        {"fields": {"names": {"state": "a/><b"}}},
        {"fields": {"names": {"state": "x" * 65}}},
        {"auth": {"assumed_lifetime": 59}},
        {"auth": {"assumed_lifetime": 86_401}},
        {"api_profile": {"place": "body"}},
        {"api_profile": {"name": "api profile"}},
        {"api_profile": {"name": "x\r\ny"}},
        {"api_profile": {"value": "client_secret"}},
        {"event": {"place": "header"}},
        {"event": {"key": ""}},
        {"body": {"kind": "xml"}},
        {"body": {"wrapped_under": ""}},
        {"fields": {"names": {"state": ""}}},
        {"fields": {"constants": {"a": 1}}},
        {"fields": {"match_value": "md5"}},
        {"answers": {"success_codes": ["0", "124"]}},
        {"answers": {"transient_codes": ["5"], "profile_codes": ["5"]}},
        {"answers": {"success_codes": ["no code"]}},
        {"limits": {"read_timeout": 0}},
        {"limits": {"read_timeout": 21}},
        {"limits": {"connect_timeout": 11}},
        {"limits": {"requests_per_second": -1}},
        {"limits": {"concurrency": 0}},
        {"limits": {"concurrency": 11}},
        {"token_url": "https://token.example.com"},
        {"clientid": "typing mistake"},
    ],
)
def test_wrong_settings_of_a_connection_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Connection.model_validate({"org_id": "acme"} | wrong)
    assert {str(each["loc"][0]) for each in caught.value.errors()} == set(wrong)


@pytest.mark.parametrize(
    "url",
    [
        "http://rf.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com:81",
        "http://10.0.0.7:8080",
        "http://169.254.169.254",
        "http://172.17.0.1:4566",
        "http://0.0.0.0",
        "http://[::2]",
        "http://127.0.0.1@evil.example",
        "https://user:password@rf.example.com",  # pragma: allowlist secret
        "https://user@rf.example.com/x",
        "https://@rf.example.com",
    ],
)
def test_an_address_that_would_give_secrets_away_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for local_cloud in ("", "https://172.17.0.1:4566", "https://rf.example.com", "http://"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", local_cloud)
        for where in ({"base_url": url}, {"auth": {"token_url": url}}):
            with pytest.raises(ValidationError) as caught:
                Connection.model_validate({"org_id": "acme"} | where)
            told = faults_of(caught.value)
            assert re.match(r"(base_url|auth.token_url) must be (https://|a URL without)", told)
            assert "password" not in told.replace("a user or password", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.255.0.9",
        "http://[::1]:8080",
        "http://localhost:8080/x",
        "http://LOCALHOST",
        "https://rf.example.com/a@b",
    ],
)
def test_on_this_machine_plain_http_will_do(url: str) -> None:
    assert Connection(org_id="acme", base_url=url, auth=Auth(token_url=url)).base == url


def test_at_the_local_clouds_own_address_plain_http_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://172.17.0.1:4566")
    assert Connection(org_id="acme", base_url="http://172.17.0.1:4570").base
    with pytest.raises(ValidationError):
        Connection(org_id="acme", base_url="http://172.17.0.2:4570")


def test_a_destination_has_defaults() -> None:
    destination = Destination.model_validate_json('{"event_code": "summit2027"}')
    assert destination.connection == "default"


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_code": ""},
        {"event_code": "summit 2027"},
        {"event_code": "../other"},
        {"connection": "Default"},
        {"connection": "a/b"},
        {"connection": "-a"},
        {"eventcode": "typing mistake"},
    ],
)
def test_wrong_settings_of_a_destination_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Destination.model_validate({"event_code": "summit2027"} | wrong)
    assert {str(each["loc"][0]) for each in caught.value.errors()} == set(wrong)


def test_a_connection_knows_its_name_which_is_no_setting() -> None:
    named = connection_of("summit", '{"org_id": "acme"}')
    assert named.name == "summit"
    assert "summit" not in named.model_dump_json()
    with pytest.raises(ValidationError):
        connection_of("summit", '{"org_id": "acme", "name": "summit"}')
