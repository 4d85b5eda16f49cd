"""The RainFocus simulator: what it stores, what it refuses, and the faults it can be given."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import requests
from pydantic import ValidationError

from local.simulator.calls import read_record
from local.simulator.client import SimulatorClient
from local.simulator.faults import Drip, Effect, Fault
from local.simulator.server import running
from local.simulator.settings import BodyRules, Environment, default_settings
from local.simulator.state import OrgTokens

pytestmark = pytest.mark.enable_socket

TIMEOUT = 10
EMAIL = "ada@example.com"
Outcome = tuple[int, str | None]


@dataclass(frozen=True)
class Speaker:
    """A client of RainFocus that speaks one dialect."""

    url: str
    session: requests.Session
    environment: str = "prod"
    org: str = "acme"
    version: str = "v3"
    oauth: bool = True
    basic: bool = False
    token_form: dict[str, str] = field(default_factory=dict)
    profile: str = "demo-client"
    profile_name: str = "apiProfile"
    profile_places: tuple[str, ...] = ("header",)
    event: str = "summit2026"
    event_key: str = "event"
    event_places: tuple[str, ...] = ("body",)
    body: str = "json"
    wrapped_under: str = "attendee"

    def request_token(self, secret: str = "demo-secret") -> requests.Response:
        form = {"grant_type": "client_credentials", **self.token_form}
        auth = None
        if self.basic:
            auth = ("demo-client", secret)
        else:
            form |= {"client_id": "demo-client", "client_secret": secret}
        url = f"{self.url}/{self.environment}/oauth/token"
        return self.session.post(url, data=form, auth=auth, timeout=TIMEOUT)

    def token(self) -> str:
        return str(self.request_token().json()["access_token"])

    def store(
        self, fields: dict[str, Any] | None = None, *, token: str | None = None
    ) -> requests.Response:
        record = {"email": EMAIL} if fields is None else fields
        if "body" in self.event_places:
            record = {self.event_key: self.event, **record}
        query = self._profile("query")
        if "query" in self.event_places:
            query[self.event_key] = self.event
        return self.session.post(
            self.api("attendee/store"),
            params=query,
            headers=self._headers(token),
            timeout=TIMEOUT,
            **self._body(record),
        )

    def info(self, *, token: str | None = None, **query: str) -> requests.Response:
        return self.session.get(
            self.api("attendeeInfo"),
            params=query | self._profile("query"),
            headers=self._headers(token),
            timeout=TIMEOUT,
        )

    def outcome(self) -> Outcome:
        """Fetch a token and store an attendee; return how the last answer received ended."""
        token = None
        if self.oauth:
            answer = self.request_token()
            if answer.status_code != 200:
                return answer.status_code, answer.json()["error"]
            token = answer.json()["access_token"]
        return ending(self.store(token=token))

    def api(self, call: str) -> str:
        return f"{self.url}/{self.environment}/api/{self.org}/{self.version}/{call}"

    def _profile(self, place: str) -> dict[str, str]:
        return {self.profile_name: self.profile} if place in self.profile_places else {}

    def _headers(self, token: str | None) -> dict[str, str]:
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        return bearer | self._profile("header")

    def _body(self, record: dict[str, Any]) -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "json": {"json": record},
            "form": {"data": record},
            "array": {"json": [record]},
            "wrapped": {"json": {self.wrapped_under: record}},
        }
        return bodies[self.body]


def ending(answer: requests.Response) -> Outcome:
    if "json" not in answer.headers["Content-Type"]:
        return answer.status_code, None
    return answer.status_code, answer.json()["responseCode"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
def simulator(url: str) -> Iterator[SimulatorClient]:
    with SimulatorClient(url) as client:
        client.reset()
        yield client


@pytest.fixture
def speaker(simulator: SimulatorClient) -> Iterator[Speaker]:
    with requests.Session() as session:
        yield Speaker(simulator.url, session)


# Storing and reading


def test_store_creates_an_attendee(simulator: SimulatorClient, speaker: Speaker) -> None:
    answer = speaker.store({"email": EMAIL, "firstname": "Ada"}, token=speaker.token())

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    document = answer.json()
    assert re.fullmatch(r"\d{16}[A-Za-z0-9]{4}", document["attendeeId"])
    assert document == {
        "responseCode": "0",
        "responseMessage": "Success",
        "attendeeId": document["attendeeId"],
    }
    [attendee] = simulator.attendees()
    assert attendee.attendee_id == document["attendeeId"]
    assert attendee.fields == {"email": EMAIL, "firstname": "Ada"}
    assert attendee.writes == 1


def test_store_updates_regardless_of_case_and_keeps_absent_fields(
    simulator: SimulatorClient, speaker: Speaker
) -> None:
    token = speaker.token()
    first = speaker.store({"email": EMAIL, "city": "Oslo", "zip": "1"}, token=token).json()
    second = speaker.store({"email": "ADA@example.com", "zip": ""}, token=token).json()

    assert second["attendeeId"] == first["attendeeId"]
    [attendee] = simulator.attendees()
    assert attendee.fields == {"email": "ADA@example.com", "city": "Oslo", "zip": ""}
    assert attendee.writes == 2
    assert attendee.updated_at > attendee.created_at


def test_events_and_environments_are_apart(simulator: SimulatorClient, speaker: Speaker) -> None:
    staging = replace(speaker, environment="stg")
    roadshow = replace(speaker, event="roadshow2026")
    ids = [
        caller.store(token=caller.token()).json()["attendeeId"] for caller in (speaker, roadshow)
    ]
    staging.store(token=staging.token())

    assert ids[0] != ids[1]
    assert [a.attendee_id for a in simulator.attendees()] == ids[:1]
    assert [a.attendee_id for a in simulator.attendees("roadshow2026")] == ids[1:]
    assert len(simulator.attendees(environment="stg")) == 1
    assert simulator.attendees(environment="dev") == []


def test_attendee_info_shows_a_stored_attendee(speaker: Speaker) -> None:
    token = speaker.token()
    fields = {"email": EMAIL, "firstname": "Ada", "diet": "none"}
    stored = speaker.store(fields, token=token).json()

    answer = speaker.info(token=token, event="summit2026", email=EMAIL.upper())

    assert ending(answer) == (200, "0")
    attendee = answer.json()["attendee"]
    assert attendee["attendeeId"] == stored["attendeeId"]
    assert attendee["firstname"] == "Ada"
    assert attendee["lastname"] == ""
    [attribute] = attendee["attributes"]
    assert (attribute["code"], attribute["value"]) == ("diet", "none")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"event": "summit2026", "email": "other@example.com"}, (200, "903")),
        ({"event": "nosuch", "email": EMAIL}, (200, "902")),
        ({"email": EMAIL}, (400, "103")),
        ({"event": "summit2026"}, (400, "103")),
    ],
)
def test_attendee_info_refuses(speaker: Speaker, query: dict[str, str], expected: Outcome) -> None:
    token = speaker.token()
    speaker.store(token=token)
    assert ending(speaker.info(token=token, **query)) == expected


def test_connections_are_kept_alive(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    for _ in range(5):
        speaker.store(token=token)
    assert simulator.counts().connections_opened == 1

    with requests.Session() as session:
        replace(speaker, session=session).store(token=token)
    assert simulator.counts().connections_opened == 2


# Refusals


def test_missing_api_profile_needs_no_token_to_be_refused(speaker: Speaker) -> None:
    answer = replace(speaker, profile_places=()).store()
    assert answer.status_code == 400
    assert answer.json() == {
        "responseCode": "103",
        "responseMessage": "Required parameter missing: apiProfile",
    }


@pytest.mark.parametrize(
    ("fields", "expected", "message"),
    [
        ({"firstname": "Ada"}, (400, "103"), "Required parameter missing: email"),
        ({"email": ""}, (400, "103"), "Required parameter missing: email"),
        ({"email": 7}, (400, "103"), "Required parameter missing: email"),
        ({"email": EMAIL, "event": ""}, (400, "103"), "Required parameter missing: event"),
        ({"email": EMAIL, "event": "nosuch"}, (200, "902"), "Event not found"),
        ({"email": EMAIL, "event": 1}, (200, "902"), "Event not found"),
        ({"email": EMAIL, "city": {"name": "Oslo"}}, (400, "905"), "Invalid value for field: city"),
    ],
)
def test_bad_records_are_refused(
    simulator: SimulatorClient,
    speaker: Speaker,
    fields: dict[str, Any],
    expected: Outcome,
    message: str,
) -> None:
    answer = speaker.store(fields, token=speaker.token())
    assert ending(answer) == expected
    assert answer.json()["responseMessage"] == message
    assert simulator.attendees() == []


def test_attendee_store_can_be_disabled(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.change_organisation({"attendee_store_enabled": False})
    answer = speaker.store(token=speaker.token())
    assert answer.status_code == 200
    assert answer.json() == {
        "responseCode": "124",
        "responseMessage": "Access to API endpoint attendee/store denied.",
    }


def test_unknown_paths_are_html_404s(simulator: SimulatorClient, speaker: Speaker) -> None:
    store = speaker.api("attendee/store")
    paths = (
        store.replace("v3", "v2"),
        store.replace("v3", "v4"),
        store.replace("acme", "other"),
        store.replace("/prod/", "/qa/"),
        store.replace("store", "search"),
        f"{simulator.url}/",
    )
    profile = {"apiProfile": "demo-client"}
    for path in paths:
        answer = speaker.session.post(path, json={}, headers=profile, timeout=TIMEOUT)
        assert (answer.status_code, answer.text) == (404, "Error"), path
        assert answer.headers["Content-Type"] == "text/html"
    answer = speaker.session.get(store, headers=profile, timeout=TIMEOUT)
    assert (answer.status_code, answer.text) == (404, "Error")


def test_bodies_are_limited(simulator: SimulatorClient, speaker: Speaker) -> None:
    answer = speaker.store({"email": EMAIL, "city": "x" * 1024 * 1024}, token=speaker.token())
    assert ending(answer) == (413, "907")
    assert simulator.attendees() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[1]", b"\xff", b'{"zip":NaN}', b'{"zip":"\\ud800"}', b"[" * 9999],
)
def test_bodies_that_are_no_object_are_refused(speaker: Speaker, body: bytes) -> None:
    answer = speaker.session.post(
        speaker.api("attendee/store"),
        data=body,
        headers={
            "apiProfile": "demo-client",
            "Authorization": f"Bearer {speaker.token()}",
            "Content-Type": "application/json",
        },
        timeout=TIMEOUT,
    )
    assert ending(answer) == (400, "904")


# Tokens


def test_token_answer_is_oauth(speaker: Speaker) -> None:
    answer = speaker.request_token()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.json()
    assert document.pop("access_token") != speaker.token()
    assert document == {"token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": None}, (400, "invalid_request")),
        ({"grant_type": ["client_credentials"] * 2}, (400, "invalid_request")),
        ({"client_secret": "wrong"}, (400, "invalid_client")),
        ({"client_id": "wrong"}, (400, "invalid_client")),
        ({"client_secret": None}, (400, "invalid_client")),
        ({"scope": "all"}, (400, "invalid_scope")),
    ],
)
def test_token_requests_are_refused(
    simulator: SimulatorClient, changes: dict[str, Any], expected: Outcome
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "demo-client",
        "client_secret": "demo-secret",
    }
    answer = requests.post(simulator.token_url(), data=form | changes, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["error"]) == expected
    assert sum(org.refused for org in simulator.tokens().organisations) == 1


def test_token_request_must_be_a_form(simulator: SimulatorClient) -> None:
    document = {"grant_type": "client_credentials"}
    answer = requests.post(simulator.token_url(), json=document, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_wrong_basic_credentials_are_challenged(speaker: Speaker) -> None:
    answer = replace(speaker, basic=True).request_token("wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_basic_credentials_are_decoded_as_oauth_says(
    simulator: SimulatorClient, speaker: Speaker
) -> None:
    simulator.change_organisation({"client_secret": "a+b %"})
    caller = replace(speaker, basic=True)
    assert caller.request_token("a%2Bb+%25").status_code == 200
    assert caller.request_token("a+b %").status_code == 401


def test_two_ways_of_client_authentication_are_refused(simulator: SimulatorClient) -> None:
    form = {"grant_type": "client_credentials", "client_secret": "demo-secret"}
    auth = ("demo-client", "demo-secret")
    answer = requests.post(simulator.token_url(), data=form, auth=auth, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_tokens_expire(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.change_organisation({"token": {"lifetime_seconds": 0.3}})
    token = speaker.token()
    assert ending(speaker.store(token=token)) == (200, "0")
    time.sleep(0.35)
    assert ending(speaker.store(token=token)) == (401, "901")


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense", "Basic {token}"])
def test_calls_without_a_token_are_refused(speaker: Speaker, authorization: str | None) -> None:
    headers = {"apiProfile": "demo-client"}
    if authorization is not None:
        headers["Authorization"] = authorization.format(token=speaker.token())
    answer = speaker.session.post(
        speaker.api("attendee/store"), json={}, headers=headers, timeout=TIMEOUT
    )
    assert ending(answer) == (401, "901")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_tokens_belong_to_one_environment(speaker: Speaker) -> None:
    staging = replace(speaker, environment="stg")
    token = staging.token()
    assert ending(staging.store(token=token)) == (200, "0")
    assert ending(speaker.store(token=token)) == (401, "901")


def test_tokens_belong_to_one_organisation(simulator: SimulatorClient, speaker: Speaker) -> None:
    other = {
        "client_id": "other-client",
        "client_secret": "other-secret",
        "profile_token": "other-profile",
        "events": ["summit2026"],
    }
    simulator.change_organisation(other, org="other")
    caller = replace(speaker, org="other", profile="other-client")
    assert ending(caller.store(token=speaker.token())) == (401, "901")


def test_revoked_tokens_are_refused(simulator: SimulatorClient, speaker: Speaker) -> None:
    staging = replace(speaker, environment="stg")
    token, other = speaker.token(), staging.token()

    assert simulator.revoke_tokens(environment="stg") == 1
    assert ending(staging.store(token=other)) == (401, "901")
    assert ending(speaker.store(token=token)) == (200, "0")
    assert simulator.revoke_tokens(org="nosuch") == 0
    assert simulator.revoke_tokens() == 1
    assert ending(speaker.store(token=token)) == (401, "901")


def test_token_requests_are_counted(simulator: SimulatorClient, speaker: Speaker) -> None:
    speaker.token()
    speaker.request_token("wrong")
    replace(speaker, environment="dev").token()
    simulator.add_fault(Fault(call="token", effect=Effect(status=503)))
    speaker.request_token()

    tokens = simulator.tokens()
    assert tokens.requests == 4
    prod, dev = tokens.organisations
    assert prod == OrgTokens(prod.environment, "acme", issued=1, refused=1)
    assert dev == OrgTokens(dev.environment, "acme", issued=1, refused=0)
    assert (prod.environment, dev.environment) == ("prod", "dev")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"lifetime_seconds": 90}, {"expires_in": 90}),
        ({"lifetime_seconds": 90, "expires_in": "text"}, {"expires_in": "90"}),
        ({"expires_in": "absent"}, {}),
        ({"expires_in": "raw", "expires_in_raw": "soon"}, {"expires_in": "soon"}),
        ({"expires_in": "raw", "expires_in_raw": -1}, {"expires_in": -1}),
        ({"expires_in": "raw"}, {"expires_in": None}),
    ],
)
def test_shape_of_expires_in(
    simulator: SimulatorClient, speaker: Speaker, rules: dict[str, Any], expected: dict[str, Any]
) -> None:
    simulator.change_organisation({"token": rules})
    document = speaker.request_token().json()
    assert {key: document[key] for key in document if key == "expires_in"} == expected


# Dialects


@dataclass(frozen=True)
class Dialect:
    """What the organisation insists on, a client that speaks alike, and one that does not."""

    rules: dict[str, Any]
    alike: dict[str, Any]
    different: dict[str, Any]
    refusal: Outcome


DIALECTS = [
    Dialect({"version": "v2"}, {"version": "v2"}, {}, (404, None)),
    Dialect({"oauth": False}, {"oauth": False}, {}, (400, "invalid_client")),
    Dialect({}, {}, {"oauth": False}, (401, "901")),
    Dialect({"token": {"client_auth": "basic"}}, {"basic": True}, {}, (400, "invalid_client")),
    Dialect({"token": {"client_auth": "body"}}, {}, {"basic": True}, (401, "invalid_client")),
    Dialect(
        {"token": {"scope": "attendee"}},
        {"token_form": {"scope": "attendee"}},
        {},
        (400, "invalid_scope"),
    ),
    Dialect(
        {"token": {"parameters": {"audience": "api"}}},
        {"token_form": {"audience": "api"}},
        {"token_form": {"audience": "other"}},
        (400, "invalid_request"),
    ),
    Dialect({"api_profile": {"place": "off"}}, {"profile_places": ()}, {}, (400, "101")),
    Dialect({}, {}, {"profile_places": ()}, (400, "103")),
    Dialect({}, {}, {"profile": "wrong"}, (400, "101")),
    Dialect({}, {}, {"profile_places": ("header", "query")}, (400, "101")),
    Dialect({"api_profile": {"place": "query"}}, {"profile_places": ("query",)}, {}, (400, "103")),
    Dialect(
        {"api_profile": {"place": "both"}},
        {"profile_places": ("header", "query")},
        {"profile_places": ("query",)},
        (400, "103"),
    ),
    Dialect(
        {"api_profile": {"name": "rfApiProfileId"}},
        {"profile_name": "rfApiProfileId"},
        {},
        (400, "103"),
    ),
    Dialect(
        {"api_profile": {"value": "profile_token"}},
        {"profile": "demo-profile-token"},
        {},
        (400, "101"),
    ),
    Dialect({"event": {"key": "eventCode"}}, {"event_key": "eventCode"}, {}, (400, "103")),
    Dialect({"event": {"place": "query"}}, {"event_places": ("query",)}, {}, (400, "103")),
    Dialect({}, {}, {"event_places": ("query",)}, (400, "103")),
    Dialect({}, {}, {"event_places": ("body", "query")}, (400, "906")),
    Dialect(
        {"event": {"place": "query"}},
        {"event_places": ("query",)},
        {"event_places": ("body", "query")},
        (400, "906"),
    ),
    Dialect({"event": {"place": "both"}}, {"event_places": ("body", "query")}, {}, (400, "103")),
    Dialect({"body": {"kind": "form"}}, {"body": "form"}, {}, (400, "904")),
    Dialect({}, {}, {"body": "form"}, (400, "904")),
    Dialect({"body": {"kind": "array"}}, {"body": "array"}, {}, (400, "904")),
    Dialect({}, {}, {"body": "array"}, (400, "904")),
    Dialect({"body": {"kind": "wrapped"}}, {"body": "wrapped"}, {}, (400, "904")),
    Dialect(
        {"body": {"kind": "wrapped", "wrapped_under": "profile"}},
        {"body": "wrapped", "wrapped_under": "profile"},
        {"body": "wrapped"},
        (400, "904"),
    ),
    Dialect({}, {}, {"org": "other"}, (404, None)),
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: f"{dialect.rules or 'default'}")
def test_dialect(simulator: SimulatorClient, speaker: Speaker, dialect: Dialect) -> None:
    simulator.change_organisation(dialect.rules)

    assert replace(speaker, **dialect.different).outcome() == dialect.refusal
    assert simulator.attendees() == []
    assert replace(speaker, **dialect.alike).outcome() == (200, "0")
    [attendee] = simulator.attendees()
    assert attendee.fields == {"email": EMAIL}


def test_token_is_refused_without_oauth(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    simulator.change_organisation({"oauth": False})
    assert ending(speaker.store(token=token)) == (401, "901")
    assert ending(speaker.store()) == (200, "0")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("array", b"[]"),
        ("array", b'[{"email":"a@example.com"},{"email":"b@example.com"}]'),
        ("array", b'["a@example.com"]'),
        ("wrapped", b'{"attendee":{"email":"a@example.com"},"event":"summit2026"}'),
        ("wrapped", b'{"attendee":"a@example.com"}'),
    ],
)
def test_body_holds_one_record(kind: Literal["array", "wrapped"], body: bytes) -> None:
    assert read_record(body, "application/json", BodyRules(kind=kind)) is None


def test_event_must_agree_in_both_places(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.change_organisation({"event": {"place": "both"}})
    caller = replace(speaker, event_places=("body", "query"))
    fields = {"email": EMAIL, "event": "roadshow2026"}
    assert ending(caller.store(fields, token=caller.token())) == (400, "906")


@pytest.mark.parametrize(
    ("rules", "fields", "expected"),
    [
        ({}, {"diet": "none"}, (200, "0")),
        ({"unknown": "reject"}, {"diet": "none"}, (200, "905")),
        ({"unknown": "reject"}, {"city": "Oslo", "clientId": "7"}, (200, "0")),
        ({"unknown": "reject", "custom": ["diet"]}, {"diet": "none"}, (200, "0")),
        ({"renames": {"state": "stateId"}}, {"stateId": "WA"}, (200, "0")),
        ({"renames": {"state": "stateId"}}, {"state": "WA"}, (200, "905")),
        ({"renames": {"state": "stateId"}, "unknown": "reject"}, {"stateId": "WA"}, (200, "0")),
    ],
)
def test_field_names(
    simulator: SimulatorClient,
    speaker: Speaker,
    rules: dict[str, Any],
    fields: dict[str, Any],
    expected: Outcome,
) -> None:
    simulator.change_organisation({"fields": rules})
    answer = speaker.store({"email": EMAIL, **fields}, token=speaker.token())
    assert ending(answer) == expected
    assert [a.fields for a in simulator.attendees()] == (
        [{"email": EMAIL, **fields}] if expected == (200, "0") else []
    )


def test_email_can_be_renamed(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.change_organisation({"fields": {"renames": {"email": "emailAddress"}}})
    token = speaker.token()
    assert ending(speaker.store({"email": EMAIL}, token=token)) == (400, "103")
    assert ending(speaker.store({"emailAddress": EMAIL}, token=token)) == (200, "0")
    assert simulator.log()[-1].email == EMAIL


def test_match_key_tells_attendees_apart(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.change_organisation({"match_key": "clientId"})
    token = speaker.token()
    assert ending(speaker.store({"email": EMAIL}, token=token)) == (400, "103")
    for fields in ({"clientId": "a"}, {"clientId": "A"}, {"clientId": "a", "email": EMAIL}):
        assert ending(speaker.store(fields, token=token)) == (200, "0")
    assert [a.writes for a in simulator.attendees()] == [2, 1]
    answer = speaker.info(token=token, event="summit2026", clientId="a")
    assert answer.json()["attendee"]["email"] == EMAIL


# Settings


def test_settings_are_merged(simulator: SimulatorClient) -> None:
    patch = {"stg": {"acme": {"version": "v2", "events": ["one"]}}, "dev": {"acme": None}}
    changed = simulator.change_settings({"environments": patch})

    assert simulator.settings() == changed
    acme = default_settings().environments[Environment.PROD]["acme"]
    assert changed.environments == {
        "prod": {"acme": acme},
        "stg": {"acme": acme.model_copy(update={"version": "v2", "events": ["one"]})},
        "dev": {},
    }


def test_null_brings_a_default_back(simulator: SimulatorClient) -> None:
    simulator.change_organisation({"token": {"scope": "all", "lifetime_seconds": 1}})
    simulator.change_organisation({"token": {"scope": None}})
    rules = simulator.settings().environments[Environment.PROD]["acme"].token
    assert (rules.scope, rules.lifetime_seconds) == (None, 1)


@pytest.mark.parametrize(
    "body",
    [
        "nonsense",
        "[]",
        '{"unknown": 1}',
        '{"environments": {"qa": {}}}',
        '{"environments": {"prod": {"acme": {"version": "v9"}}}}',
        '{"environments": {"prod": {"acme": {"token": {"lifetime_seconds": 0}}}}}',
        '{"environments": {"prod": {"acme": {"client_id": null}}}}',
        '{"environments": {"prod": {"a/b": {}}}}',
        '{"environments": {"prod": {"twin": {"client_id": "demo-client", "client_secret": "x",'
        ' "profile_token": "x", "events": []}}}}',
    ],
)
def test_bad_settings_are_refused(simulator: SimulatorClient, body: str) -> None:
    answer = requests.put(f"{simulator.url}/_sim/settings", data=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert "demo-secret" not in answer.text
    assert simulator.settings() == default_settings()


def test_of_many_the_last_can_be_asked_for(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    for n in range(4):
        speaker.store({"email": f"p{n}@example.com"}, token=token)
    speaker.store({"email": "p1@example.com", "zip": "84043"}, token=token)
    event = {"environment": "prod", "org": "acme", "event": "summit2026"}

    def last(call: str, count: int, **asked: str) -> list[dict[str, Any]]:
        url = f"{simulator.url}/_sim/{call}"
        asked["last"] = str(count)
        return list(requests.get(url, asked, timeout=TIMEOUT).json())

    assert [each["email"] for each in last("log", 2)] == ["p3@example.com", "p1@example.com"]
    stored = [each["fields"]["email"] for each in last("attendees", 2, **event)]
    assert stored == ["p3@example.com", "p1@example.com"]
    assert len(last("attendees", 100, **event)) == 4


def test_reset_empties_everything(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.change_organisation({"events": ["summit2026"]})
    simulator.add_fault(Fault(email="x@example.com", effect=Effect(status=500)))
    token = speaker.token()
    speaker.store(token=token)
    simulator.reset()

    assert simulator.settings() == default_settings()
    assert simulator.attendees() == []
    assert simulator.log() == []
    assert simulator.faults() == []
    assert simulator.counts().calls == []
    assert simulator.tokens().requests == 0
    assert ending(speaker.store(token=token)) == (401, "901")


# Faults


def test_fault_replaces_the_answer(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    effect = Effect(status=429, code="7", message="Slow down", retry_after=3)
    simulator.add_fault(Fault(call="attendee/store", times=1, effect=effect))

    answer = speaker.store(token=token)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3"
    assert answer.json() == {"responseCode": "7", "responseMessage": "Slow down"}
    assert simulator.attendees() == []
    assert ending(speaker.store(token=token)) == (200, "0")
    [armed] = simulator.faults()
    assert (armed.id, armed.fired, armed.fault.effect) == (1, 1, effect)


def test_fault_can_come_after_the_upsert(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    simulator.add_fault(Fault(effect=Effect(status=503, apply=True)))

    assert ending(speaker.store({"firstname": "Ada"}, token=token)) == (400, "103")
    assert simulator.faults()[0].fired == 0, "a refused call is not applied"
    assert ending(speaker.store(token=token)) == (503, "503")
    assert len(simulator.attendees()) == 1


def test_fault_with_a_raw_body(simulator: SimulatorClient, speaker: Speaker) -> None:
    effect = Effect(status=502, body="<p>Bad gateway</p>", content_type="text/html; charset=utf-8")
    simulator.add_fault(Fault(effect=effect))
    answer = speaker.store()
    assert (answer.status_code, answer.text) == (502, "<p>Bad gateway</p>")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_fault_with_a_date_to_retry_after(simulator: SimulatorClient, speaker: Speaker) -> None:
    date = "Fri, 31 Dec 2100 23:59:59 GMT"
    simulator.add_fault(Fault(effect=Effect(status=503, retry_after=date)))
    assert speaker.store().headers["Retry-After"] == date


def test_token_fault_is_an_oauth_error(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.add_fault(Fault(call="token", times=1, effect=Effect(status=503, code="busy")))
    answer = speaker.request_token()
    assert (answer.status_code, answer.json()["error"]) == (503, "busy")
    assert speaker.request_token().status_code == 200


@pytest.mark.parametrize(("apply", "stored"), [(False, 0), (True, 1)])
def test_connection_is_reset_before_or_after_storing(
    simulator: SimulatorClient, speaker: Speaker, apply: bool, stored: int
) -> None:
    token = speaker.token()
    simulator.add_fault(Fault(times=1, effect=Effect(reset=True, apply=apply)))
    with pytest.raises(requests.ConnectionError):
        speaker.store(token=token)
    assert len(simulator.attendees()) == stored
    assert simulator.log()[-1].status is None
    assert ending(speaker.store(token=token)) == (200, "0")


def test_latency_delays_the_answer(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    simulator.add_fault(Fault(effect=Effect(latency_seconds=0.2)))
    started = time.monotonic()
    assert ending(speaker.store(token=token)) == (200, "0")
    assert time.monotonic() - started >= 0.2
    assert simulator.log()[-1].milliseconds >= 200


def test_body_drips(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    drip = Drip(chunk_bytes=20, pause_seconds=0.05)
    simulator.add_fault(Fault(effect=Effect(drip=drip)))
    started = time.monotonic()
    answer = speaker.store(token=token)
    assert ending(answer) == (200, "0")
    assert time.monotonic() - started >= 0.05 * (len(answer.content) // 20)


def test_body_is_truncated(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    simulator.add_fault(Fault(times=1, effect=Effect(truncate_at_bytes=10)))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="10 bytes read"):
        speaker.store(token=token)
    assert len(simulator.attendees()) == 1
    assert ending(speaker.store(token=token)) == (200, "0")


def test_body_is_huge(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    simulator.add_fault(Fault(effect=Effect(pad_to_bytes=3_000_000)))
    answer = speaker.store(token=token)
    assert len(answer.content) == 3_000_000
    assert ending(answer) == (200, "0")


def test_fault_strikes_once_per_email(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    fault = Fault(call="attendee/store", times=1, per_email=True, effect=Effect(status=500))
    simulator.add_fault(fault)
    emails = ("a@example.com", "b@example.com", "A@example.com", "b@example.com")
    statuses = [speaker.store({"email": email}, token=token).status_code for email in emails]
    assert statuses == [500, 500, 200, 200]
    assert simulator.faults()[0].fired == 2


@pytest.mark.parametrize(
    "conditions",
    [
        {"call": "attendeeInfo"},
        {"call": "token"},
        {"org": "other"},
        {"event": "roadshow2026"},
        {"email": "bob@example.com"},
        {"email_regex": "^bob@"},
    ],
)
def test_fault_leaves_other_calls_alone(
    simulator: SimulatorClient, speaker: Speaker, conditions: dict[str, Any]
) -> None:
    token = speaker.token()
    simulator.add_fault(Fault.model_validate({**conditions, "effect": {"status": 500}}))
    assert ending(speaker.store(token=token)) == (200, "0")


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"call": "attendee/store", "org": "acme", "event": "summit2026"},
        {"email": EMAIL.upper()},
        {"email_regex": "@example[.]com$"},
    ],
)
def test_fault_strikes_calls_that_match(
    simulator: SimulatorClient, speaker: Speaker, conditions: dict[str, Any]
) -> None:
    token = speaker.token()
    simulator.add_fault(Fault.model_validate({**conditions, "effect": {"status": 500}}))
    assert ending(speaker.store(token=token)) == (500, "500")


def test_probability_is_repeatable(simulator: SimulatorClient, speaker: Speaker) -> None:
    fault = Fault(probability=0.5, seed=7, effect=Effect(status=500))
    token = speaker.token()
    runs = []
    for _ in range(2):
        simulator.clear_faults()
        simulator.add_fault(fault)
        runs.append([speaker.store(token=token).status_code for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_fault_lets_by_what_comes_within_a_rate(
    simulator: SimulatorClient, speaker: Speaker
) -> None:
    token = speaker.token()
    simulator.add_fault(Fault(beyond_per_second=0.001, effect=Effect(status=429)))
    assert [speaker.store(token=token).status_code for _ in range(3)] == [200, 429, 429]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"effect": {}},
        {"effect": {"apply": True}},
        {"effect": {"status": 99}},
        {"effect": {"reset": True, "status": 500}},
        {"effect": {"body": "x", "code": "1"}},
        {"effect": {"content_type": "text/plain"}},
        {"effect": {"status": 500, "retry_after": "1\r\nX: y"}},
        {"effect": {"status": 500}, "per_email": True},
        {"effect": {"status": 500}, "times": 0},
        {"effect": {"status": 500}, "beyond_per_second": 0},
        {"effect": {"status": 500}, "email_regex": "("},
        {"effect": {"status": 500}, "unknown": 1},
    ],
)
def test_bad_faults_are_refused(simulator: SimulatorClient, document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(document)
    answer = requests.post(f"{simulator.url}/_sim/faults", json=document, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert simulator.faults() == []


def test_fault_leaves_unknown_paths_alone(simulator: SimulatorClient) -> None:
    simulator.add_fault(Fault(effect=Effect(status=500)))
    assert requests.get(simulator.base_url(), timeout=TIMEOUT).status_code == 404


# Log and counts


def test_log_tells_each_call(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    speaker.session.headers["traceparent"] = (
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    )
    speaker.store(token=token)
    speaker.info(token=token, event="nosuch", email=EMAIL)

    first, second, third = simulator.log()
    assert [entry.number for entry in (first, second, third)] == [1, 2, 3]
    assert (first.call, first.org, first.event, first.email) == ("token", "acme", None, None)
    assert (second.environment, second.org, second.call) == ("prod", "acme", "attendee/store")
    assert (second.event, second.email) == ("summit2026", EMAIL)
    assert (second.status, second.response_code, second.response_message) == (200, "0", "Success")
    assert second.traceparent == speaker.session.headers["traceparent"]
    assert second.milliseconds >= 0
    assert (third.call, third.response_code) == ("attendeeInfo", "902")
    assert simulator.log(since=2) == [third]


def test_log_uses_the_names_of_rainfocus(simulator: SimulatorClient, speaker: Speaker) -> None:
    speaker.outcome()
    [_, entry] = requests.get(f"{simulator.url}/_sim/log", timeout=TIMEOUT).json()
    assert (entry["responseCode"], entry["responseMessage"]) == ("0", "Success")
    query = {"environment": "prod", "org": "acme", "event": "summit2026"}
    answer = requests.get(f"{simulator.url}/_sim/attendees", params=query, timeout=TIMEOUT)
    assert set(answer.json()[0]) == {"attendeeId", "fields", "created_at", "updated_at", "writes"}


def test_counts_sum_calls_up(simulator: SimulatorClient, speaker: Speaker) -> None:
    token = speaker.token()
    speaker.store(token=token)
    speaker.store(token=token)
    speaker.store(token="wrong")
    counts = simulator.counts()
    assert {(c.call, c.status, c.response_code): c.count for c in counts.calls} == {
        ("token", 200, None): 1,
        ("attendee/store", 200, "0"): 2,
        ("attendee/store", 401, "901"): 1,
    }
    assert counts.max_in_flight == 1


def test_counts_tell_calls_in_flight(simulator: SimulatorClient, speaker: Speaker) -> None:
    simulator.add_fault(Fault(effect=Effect(status=500, latency_seconds=0.5)))
    together = threading.Barrier(4)

    def store(_: int) -> int:
        with requests.Session() as session:
            together.wait(TIMEOUT)
            return replace(speaker, session=session).store().status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(store, range(4))) == [500] * 4
    assert simulator.counts().max_in_flight == 4


@pytest.mark.parametrize(
    "path", ["attendees", "attendees?environment=qa&org=acme&event=x", "log?since=-1", "log?x=1"]
)
def test_bad_control_queries_are_refused(simulator: SimulatorClient, path: str) -> None:
    answer = requests.get(f"{simulator.url}/_sim/{path}", timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_unknown_control_calls_are_refused_and_not_logged(simulator: SimulatorClient) -> None:
    answer = requests.get(f"{simulator.url}/_sim/nosuch", timeout=TIMEOUT)
    assert answer.status_code == 404
    assert simulator.log() == []


# The command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_prints_nothing_else_and_stops(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "local.simulator", "--port", "0"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(  # noqa: S603
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            with requests.Session() as session:
                assert Speaker(url, session).outcome() == (200, "0")
                send_nonsense(url)
                leave_during_answer(url)
                process.send_signal(number)
                output, errors = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (0, "", "")


def send_nonsense(url: str) -> None:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), TIMEOUT) as connection:
        connection.sendall(f"{EMAIL} is no HTTP\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.0 400")


def leave_during_answer(url: str) -> None:
    with SimulatorClient(url) as simulator:
        simulator.add_fault(Fault(effect=Effect(status=500, pad_to_bytes=50_000_000)))
        with requests.post(simulator.token_url(), stream=True, timeout=TIMEOUT) as answer:
            assert answer.headers["Content-Length"] == "50000000"
        simulator.clear_faults()
