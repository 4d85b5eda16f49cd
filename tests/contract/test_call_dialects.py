"""Calls in dialects that only templates can speak: a stand-in takes nothing but the one it knows.

The dialects are made by rules: each place that a token, an event or a record may stand in, and each
way to ask for a token.
"""

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pydantic import ValidationError

from attendee_sync.outcome import AnswerKind
from attendee_sync.rainfocus import token_endpoint
from attendee_sync.rainfocus.access_token import AccessToken, Credentials
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from tests.support import fakes

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CREDENTIALS = Credentials("an id", "a:secret/ö", "a-profile-token")
TOKEN = "not-a-real-token"
GRANTED = {"access_token": TOKEN}
RECORD = {"email": "ada@example.com", "lastname": "King & <Noel>"}
ALL_OF_IT = {**RECORD, "event": "summit2027"}
ALL_OF_IT_BUT_LASTNAME = {"email": RECORD["email"], "event": "summit2027"}
BASE = {
    "org_id": "acme",
    "base_url": "https://rf.example",
    "auth": {"token_url": "https://rf.example/t"},
}

type Members = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """A way to speak: settings, and what must stand where, by place and name."""

    name: str
    settings: Members
    asks: Members = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def seen(call: fakes.Call) -> Members:
    """Return what stands where in a call."""
    url = urlsplit(call.url)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    kind = call.headers.get("Content-Type", "")
    body: Any = call.body
    if "json" in kind:
        body = json.loads(call.body)
    elif "form" in kind:
        body = {name: values[0] for name, values in parse_qs(call.body).items()}
    return {
        "method": call.method,
        "url": f"{url.scheme}://{url.netloc}{unquote(url.path)}",
        "body": body,
        **{f"query.{name}": value for name, value in query.items()},
        **{f"header.{name.lower()}": value for name, value in call.headers.items()},
    }


def _tokens() -> Iterator[Dialect]:
    """The token under other names, in other places, with other words before it."""
    for scheme in ("RF-Token {}", "Token {}", "OAuth {}", "{}", 'Token token="{}"'):
        yield Dialect(
            f"Authorization: {scheme}",
            {"call": {"headers": {"Authorization": scheme.format("{access_token}")}}},
            {"header.authorization": scheme.format(TOKEN)},
        )
    for name in ("X-Auth-Token", "rfAuthToken", "authToken"):
        yield Dialect(
            f"the token as {name}",
            {"call": {"headers": {name: "{access_token}", "Authorization": ""}}},
            {f"header.{name.lower()}": TOKEN, "header.authorization": None},
        )
    for name in ("access_token", "authToken"):
        yield Dialect(
            f"the token as parameter {name}",
            {"call": {"query": {name: "{access_token}"}, "headers": {"Authorization": ""}}},
            {f"query.{name}": TOKEN, "header.authorization": None},
        )
    yield Dialect(
        "the token in the body",
        {"call": {"body": {"auth": {"token": "{access_token}"}, "attendee": "{record}"}}},
        {"body": {"auth": {"token": TOKEN}, "attendee": ALL_OF_IT}},
    )
    for name in ("JSESSIONID", "rf_session", "rf.sid"):
        yield Dialect(
            f"the token as cookie {name}",
            {"call": {"headers": {"Cookie": f"{name}={{access_token}}", "Authorization": ""}}},
            {"header.cookie": f"{name}={TOKEN}", "header.authorization": None},
        )
    yield Dialect(
        "id and profile token as two headers",
        {"call": {"headers": {"X-Client-Id": "{client_id}", "X-Api-Key": "{profile_token}"}}},
        {"header.x-client-id": "an id", "header.x-api-key": "a-profile-token"},
    )


def _addresses() -> Iterator[Dialect]:
    """Other methods and addresses, with the event or the person in them."""
    for method, path in itertools.product(
        ("POST", "PUT", "PATCH"),
        ("/events/{event}/attendees", "/rest/{org_id}/people/{record.email}", "/x/{call}"),
    ):
        called = path.replace("{event}", "summit2027").replace("{org_id}", "acme")
        called = called.replace("{record.email}", "ada@example.com")
        yield Dialect(
            f"{method} {path}",
            {"call": {"method": method, "url": "{base}" + path}},
            {
                "method": method,
                "url": "https://rf.example" + called.replace("{call}", "attendee/store"),
            },
        )
    yield Dialect(
        "another host",
        {"call": {"url": "https://api.example/{org_id}/attendees"}},
        {"url": "https://api.example/acme/attendees"},
    )
    yield Dialect(
        "all in the query",
        {
            "call": {
                "method": "GET",
                "query": {"mail": "{record.email}", "last": "{record.lastname}"},
            }
        },
        {
            "method": "GET",
            "query.mail": RECORD["email"],
            "query.last": RECORD["lastname"],
            "body": "",
        },
    )
    yield Dialect(
        "the event in a header",
        {"event": {"place": "query"}, "call": {"headers": {"X-Event": "{event}"}}},
        {"header.x-event": "summit2027", "body": RECORD},
    )


def _bodies() -> Iterator[Dialect]:
    """Records in other shapes."""
    pairs = [{"name": name, "value": value} for name, value in ALL_OF_IT.items()]
    for name, template, body in (
        ("in an object", {"attendee": "{record}"}, {"attendee": ALL_OF_IT}),
        ("in two objects", {"a": {"b": "{record}"}}, {"a": {"b": ALL_OF_IT}}),
        ("in an array", {"attendees": ["{record}"]}, {"attendees": [ALL_OF_IT]}),
        ("an array", ["{record}"], [ALL_OF_IT]),
        (
            "beside constants",
            {"event": "{event}", "upsert": True, "count": 1, "list": ["{record}"]},
            {"event": "summit2027", "upsert": True, "count": 1, "list": [ALL_OF_IT]},
        ),
        ("pairs", {"attributes": [{"name": "{field}", "value": "{value}"}]}, {"attributes": pairs}),
        (
            "pairs of text",
            ["{field}={value}"],
            [f"{name}={value}" for name, value in ALL_OF_IT.items()],
        ),
        (
            "nested by hand, without what is missing",
            {"person": {"mail": "{record.email}", "name": {"first": "{record.firstname}"}}},
            {"person": {"mail": RECORD["email"], "name": {}}},
        ),
        ("as a text", {"data": "{record_json}"}, {"data": json.dumps(ALL_OF_IT)}),
        ("within a text", {"key": "{event}:{email}"}, {"key": "summit2027:ada@example.com"}),
        ("braces of its own", {"note": "{not a place} {}"}, {"note": "{not a place} {}"}),
        ("GraphQL", {"query": "mutation { store { id } }"}, {"query": "mutation { store { id } }"}),
        (
            "names with blanks",
            {"Last Name": "{record.lastname}"},
            {"Last Name": RECORD["lastname"]},
        ),
    ):
        yield Dialect(name, {"call": {"body": template}}, {"body": body})
    yield Dialect(
        "a form with the record as text",
        {"body": {"kind": "form"}, "call": {"body": {"event": "{event}", "data": "{record}"}}},
        {"body": {"event": "summit2027", "data": json.dumps(ALL_OF_IT)}},
    )
    yield Dialect(
        "fields whose names have blanks and brackets",
        {"fields": {"names": {"lastname": "attendee[last name]"}}},
        {"body": {"attendee[last name]": RECORD["lastname"]} | ALL_OF_IT_BUT_LASTNAME},
    )
    yield Dialect(
        "a parameter with brackets",
        {"call": {"query": {"filter[email]": "{email}"}}},
        {"query.filter[email]": RECORD["email"]},
    )
    for name in ("Content-Type", "content-type"):
        yield Dialect(
            f"lines of JSON by {name}",
            {"call": {"headers": {name: "text/plain"}, "body": '{"op": "put"}\n{record_json}\n'}},
            {
                f"header.{name.lower()}": "text/plain",
                "body": f'{{"op": "put"}}\n{json.dumps(ALL_OF_IT)}\n',
            },
        )
    yield Dialect(
        "JSON by hand",
        {"call": {"headers": {"Content-Type": "text/plain"}, "body": '{"l": "{record.lastname}"}'}},
        {"body": '{"l": "King & <Noel>"}'},
    )
    yield Dialect(
        "XML",
        {"event": {"place": "query"}, "call": {"body": "<a e='{event}'>{record}</a>"}},
        {
            "header.content-type": "application/xml; charset=utf-8",
            "body": "<a e='summit2027'><email>ada@example.com</email>"
            "<lastname>King &amp; &lt;Noel&gt;</lastname></a>",
        },
    )


CALLS = [*_tokens(), *_addresses(), *_bodies()]


def connection_of(*settings: Members) -> Connection:
    document: Members = dict(BASE)
    for each in settings:
        for name, value in each.items():
            both = isinstance(value, dict) and isinstance(document.get(name), dict)
            document[name] = {**document[name], **value} if both else value
    return Connection.model_validate(document)


def obtain(
    connection: Connection, reply: fakes.Reply | None = None
) -> tuple[AccessToken, fakes.Call]:
    granted = fakes.Reply(200, json.dumps({"access_token": TOKEN, "expires_in": 900}).encode())
    http = fakes.Http(reply or granted)
    token, _ = token_endpoint.obtain(http.session(), connection, CREDENTIALS)
    [call] = http.calls
    return token, call


def stands(call: fakes.Call, asks: Members) -> None:
    found = seen(call)
    assert {name: found.get(name) for name in asks} == asks


@pytest.mark.parametrize("dialect", CALLS, ids=str)
def test_an_attendee_is_stored_as_the_template_says(dialect: Dialect) -> None:
    http = fakes.Http()
    connection = connection_of(dialect.settings)
    token, _ = obtain(connection)
    attendee = Attendee("summit2027", RECORD)
    answer = RainFocusClient(http.session()).store(connection, token, attendee, TRACE)
    assert answer.kind is AnswerKind.STORED
    [call] = http.calls
    stands(call, dialect.asks)


PLAIN = base64.b64encode("an id:a:secret/ö".encode()).decode()
ENCODED = base64.b64encode(b"an+id:a%3Asecret%2F%C3%B6").decode()
PAIR = {"client_id": "an id", "client_secret": "a:secret/ö"}
GRANT = {"grant_type": "client_credentials"}
BY_HAND = {"apiKey": "{client_id}", "apiSecret": "{client_secret}"}

TOKEN_CALLS = [
    *(
        Dialect(f"client_auth {way}", {"auth": {"client_auth": way}}, asks)
        for way, asks in (
            ("body", {"body": GRANT | PAIR, "header.authorization": None}),
            ("json", {"body": GRANT | PAIR, "header.content-type": "application/json"}),
            ("basic", {"body": GRANT, "header.authorization": f"Basic {ENCODED}"}),
            ("basic_plain", {"body": GRANT, "header.authorization": f"Basic {PLAIN}"}),
            (
                "query",
                {"body": GRANT, "query.client_id": "an id", "query.client_secret": "a:secret/ö"},
            ),
        )
    ),
    Dialect(
        "id and secret under other names, in JSON",
        {"auth": {"client_auth": "json"}, "token_call": {"body": BY_HAND}},
        {"body": {"apiKey": "an id", "apiSecret": "a:secret/ö"}},
    ),
    Dialect(
        "id and secret under other names, in a form",
        {"token_call": {"body": BY_HAND}},
        {"body": {"apiKey": "an id", "apiSecret": "a:secret/ö"}},
    ),
    Dialect(
        "nested in JSON",
        {"auth": {"client_auth": "json"}, "token_call": {"body": {"credentials": [BY_HAND]}}},
        {"body": {"credentials": [{"apiKey": "an id", "apiSecret": "a:secret/ö"}]}},
    ),
    Dialect(
        "GET with all in the query",
        {"token_call": {"method": "GET"}},
        {"method": "GET", "query.grant_type": "client_credentials", "query.client_id": "an id"},
    ),
    Dialect(
        "a token by XML",
        {"token_call": {"body": "<login><id>{client_id}</id><key>{client_secret}</key></login>"}},
        {
            "header.content-type": "application/xml; charset=utf-8",
            "body": "<login><id>an id</id><key>a:secret/ö</key></login>",
        },
    ),
    Dialect(
        "PUT",
        {"token_call": {"method": "PUT"}},
        {"method": "PUT", "body": GRANT | PAIR},
    ),
    Dialect(
        "Basic under another name",
        {"token_call": {"headers": {"X-Authorization": "Basic {basic_plain}"}, "body": {}}},
        {"header.x-authorization": f"Basic {PLAIN}", "body": ""},
    ),
    Dialect(
        "id and profile token in headers",
        {"token_call": {"headers": {"apiProfile": "{profile_token}", "X-Id": "{client_id}"}}},
        {"header.apiprofile": "a-profile-token", "header.x-id": "an id"},
    ),
]


@pytest.mark.parametrize("dialect", TOKEN_CALLS, ids=str)
def test_a_token_is_asked_for_as_the_settings_say(dialect: Dialect) -> None:
    _, call = obtain(connection_of(dialect.settings))
    stands(call, dialect.asks)


COOKIES = f"sid={TOKEN}; Path=/; Expires=Wed, 21 Oct 2099 07:28:00 GMT, rf.sid={TOKEN}; HttpOnly"


@pytest.mark.parametrize(
    ("settings", "reply", "lifetime"),
    [
        ({}, (200, {"access_token": TOKEN, "expires_in": 900}), 900),
        ({}, (201, {"access_token": TOKEN, "expires_in": "900"}), 900),
        ({"token": "token", "lifetime": "ttl"}, (200, {"token": TOKEN, "ttl": 900}), 900),
        ({}, (200, GRANTED | {"expires_in": "900s"}), 900),
        ({"lifetime_unit": "milliseconds"}, (200, GRANTED | {"expires_in": 900_000}), 900),
        ({"lifetime_unit": "milliseconds"}, (200, GRANTED | {"expires_in": "900500"}), 900),
        ({"lifetime_unit": "milliseconds"}, (200, GRANTED | {"expires_in": 900}), 600),
        ({"lifetime_unit": "minutes"}, (200, GRANTED | {"expires_in": 15}), 900),
        ({"lifetime_unit": "hours"}, (200, GRANTED | {"expires_in": "1.5"}), 5_400),
        ({"token": "d.jwt", "lifetime": "d.ttl"}, (200, {"d": {"jwt": TOKEN, "ttl": 99}}), 99),
        ({"token": "headers.\"x-token\""}, (200, {}), 600),
        ({"token": "headers.cookies.sid"}, (200, {}), 600),
        ({"token": "headers.cookies.\"rf.sid\""}, (200, {}), 600),
        ({"token": "body"}, (200, TOKEN), 600),
        ({"token": "body[0].t"}, (203, [{"t": TOKEN}]), 600),
        ({"token": "t", "expires_at": "until"}, (200, {"t": TOKEN, "until": "4102444800"}), None),
    ],
)  # fmt: skip
def test_where_token_and_lifetime_stand_can_be_set(
    settings: Members, reply: tuple[int, Any], lifetime: int | None
) -> None:
    status, value = reply
    body = value if isinstance(value, str) else json.dumps(value)
    answer = fakes.Reply(status, body.encode(), {"X-Token": TOKEN, "Set-Cookie": COOKIES})
    token, _ = obtain(connection_of({"token_call": settings}), answer)
    assert token.value == TOKEN
    assert token.expires_at is not None
    assert lifetime in (None, token.expires_at - token.issued_at)


@pytest.mark.parametrize(
    "until",
    [
        "2027-06-01T00:10:00Z",
        "2027-06-01 02:10:00+02:00",
        1811808600,
        "1811808600000",
        "Tue, 01 Jun 2027 00:10:00 GMT",
    ],
)
def test_a_lifetime_may_be_given_as_its_end(until: str | int, monkeypatch: Any) -> None:
    monkeypatch.setattr("time.time", lambda: 1811808000.0)  # 2027-06-01T00:00Z
    reply = fakes.Reply(200, json.dumps({"access_token": TOKEN, "until": until}).encode())
    token, _ = obtain(connection_of({"token_call": {"expires_at": "until"}}), reply)
    assert token.expires_at == 1811808600


SECRETS = [
    {"call": {"headers": {"Authorization": "Bearer abc123"}}},
    {"call": {"headers": {"Authorization": "hunter2"}}},
    {"call": {"headers": {"X-Api-Key": "0a1b2c"}}},
    {"call": {"headers": {"X-Anything": "eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxMjM0In0"}}},
    {"call": {"query": {"access_token": "abc{event}"}}},
    {"call": {"query": {"apiProfile": "0a1b2c"}}},
    {"call": {"url": "{base}/0a1b2c3d4e5f60718293a4b5c6d7e8f9/attendees"}},
    {"call": {"url": "{base}/hook/q83Zk/x9TbLm0vRw2/n4e"}},
    {"call": {"headers": {"X-Anything": "Zk3x9TbLm0vA7/Rw2n4eYq83Uc"}}},
    {"call": {"body": {"auth": [{"token": "abc"}], "attendee": "{record}"}}},
    {"token_call": {"body": {"client_secret": "hunter2"}}},
    {"token_call": {"headers": {"Cookie": "session=1"}}},
    {"call": {"headers": {"Cookie": "session=abc; key={access_token}"}}},
    {"call": {"headers": {"Authorization": "rf_hunter2={access_token}"}}},
    {"call": {"headers": {"Authorization": "***"}}},
]
UNSOUND = [
    {"call": {"body": "{client_secret}"}},
    {"call": {"headers": {"X-A": "{nothing}"}}},
    {"token_call": {"body": {"a": "{record}"}}},
    {"call": {"url": "http://rf.example/x"}},
    {"call": {"url": "{base}/x?a=b"}},
    {"call": {"url": "{event}/x"}},
    {"call": {"url": "https://user:word@rf.example/x"}},  # pragma: allowlist secret
    {"call": {"method": "DELETE"}},
    {"call": {"headers": {"X-A": 1}}},
]


@pytest.mark.parametrize("settings", [*SECRETS, *UNSOUND], ids=str)
def test_a_template_that_holds_a_secret_or_can_t_be_filled_is_refused(settings: Members) -> None:
    with pytest.raises(ValidationError):
        connection_of(settings)


@pytest.mark.parametrize(
    "call",
    [
        {"url": "{base}/services/data/v59.0/sobjects/Contact/Email__c/{email}"},
        {"url": "{base}/v1/events/{event}/registrants/{email}"},
        {"url": "{base}/rest/v2Api/Summit2027/attendees/store"},
        {"body": "<store xmlns='https://rf.example/services/v2/attendee-store'>{record}</store>"},
    ],
    ids=str,
)
def test_a_path_with_numbers_is_taken_for_no_secret(call: Members) -> None:
    connection_of({"call": call})


def test_a_value_can_t_leave_its_place() -> None:
    """A record's texts come from people."""
    fields = {"email": "a@b.example/../x?y", "lastname": 'A"\r\nX-Evil: 1', "city": "Åbo"}
    settings = {
        "call": {
            "url": "{base}/p/{record.email}",
            "headers": {"X-Name": "{record.lastname} {record.city}"},
            "body": "<a>{record.email}{record.lastname}</a>",
        }
    }
    http = fakes.Http()
    connection = connection_of(settings)
    token, _ = obtain(connection)
    RainFocusClient(http.session()).store(connection, token, Attendee("s", fields), TRACE)
    [call] = http.calls
    assert call.url.split("?")[0] == "https://rf.example/p/a%40b.example%2F..%2Fx%3Fy"
    assert call.headers["X-Name"] == 'A"%0D%0AX-Evil: 1 %C3%85bo'
    json_body = {
        "headers": {"Content-Type": "application/json"},
        "body": '{"a": "{record.lastname}"}',
    }
    http = fakes.Http()
    connection = connection_of({"call": json_body})
    RainFocusClient(http.session()).store(connection, token, Attendee("s", fields), TRACE)
    assert http.calls[0].json == {"a": fields["lastname"]}


def test_a_body_can_be_multipart() -> None:
    fields = {"email": "a@b.example", "lastname": 'A"\r\n--x\r\nÅ'}
    for settings in (
        {"body": {"kind": "multipart"}},
        {"body": {"kind": "multipart"}, "call": {"body": {"a[email]": "{email}", "r": "{record}"}}},
    ):
        http = fakes.Http()
        connection = connection_of(settings)
        token, _ = obtain(connection)
        RainFocusClient(http.session()).store(connection, token, Attendee("s", fields), TRACE)
        [call] = http.calls
        kind = call.headers["Content-Type"]
        assert kind.startswith("multipart/form-data; boundary=")
        parts = call.body.split("--" + kind.partition("boundary=")[2])[1:-1]
        found = {}
        for part in parts:
            head, _, text = part.removeprefix("\r\n").removesuffix("\r\n").partition("\r\n\r\n")
            found[head.partition('name="')[2].rstrip('"')] = text
        record = fields | {"event": "s"}
        is_own = "call" in settings
        expected = {"a[email]": "a@b.example", "r": json.dumps(record)} if is_own else record
        assert found == expected


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("adobe-form", {"version": "v3"}),
        ("v2", {"version": "v2"}),
        ("v3-profile-token", {"version": "v3"}),
        ("attendee-side", {"version": "v2"}),
    ],
)
def test_a_preset_is_what_a_public_client_does(preset: str, expected: Members) -> None:
    connection = connection_of({"preset": preset})
    assert connection.model_dump(include=set(expected)) == expected
    assert connection.auth.kind == ("oauth" if preset == "adobe-form" else "profile_token")


def test_what_is_given_counts_before_the_preset() -> None:
    given = {"preset": "v2", "version": "v3", "fields": {"names": {"state": "region"}}}
    connection = connection_of(given)
    assert connection.version == "v3"
    assert connection.fields.names == {"state": "region", "countryid": "countryId"}
    assert connection.fields.foreign_state == "foreignstate"
    with pytest.raises(ValidationError):
        connection_of({"preset": "v4"})


def test_the_two_matrices_are_wide() -> None:
    names = [each.name for each in [*CALLS, *TOKEN_CALLS]]
    assert len(set(names)) == len(names) >= 40
