import base64
import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote_plus

import pytest
import requests

from attendee_sync.rainfocus import access_token, token_endpoint
from attendee_sync.rainfocus.access_token import (
    AccessToken,
    Credentials,
    TokenFault,
    TokenNotGrantedError,
)
from attendee_sync.rainfocus.connection import Connection
from tests.support import fakes
from tests.support.stack import CONNECTION, CREDENTIALS, TOKEN_URL, Clock, changed, token

HTML = b"<!doctype html><title>Error</title>"
OUT_OF_ORDER = "the token endpoint is out of order: "
REFUSED = "the credentials are refused: "
WRONG_WAY = "the way of asking is refused: "
NO_TOKEN = "no access token in the answer; is auth.token_url right? "
UNREACHABLE = "the token endpoint can't be reached: "


def grant(**members: object) -> fakes.Reply:
    return fakes.Reply(200, json.dumps({"access_token": "granted"} | members).encode())


def refusal(status: int, error: object) -> fakes.Reply:
    return fakes.Reply(status, json.dumps({"error": error}).encode())


def obtain(
    reply: fakes.Reply,
    connection: Connection = CONNECTION,
    credentials: Credentials = CREDENTIALS,
) -> tuple[AccessToken, str, fakes.Call]:
    other_end = fakes.Http(reply)
    obtained, remark = token_endpoint.obtain(other_end.session(), connection, credentials)
    [call] = other_end.calls
    return obtained, remark, call


def asked(call: fakes.Call) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(call.body).items()}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.05)
    return 1_800_000_000


# --- asking for one -----------------------------------------------------------------------------


def test_credentials_are_exchanged_for_a_token(now: int) -> None:
    obtained, remark, call = obtain(grant(expires_in=3_600, token_type="Bearer"))
    assert (call.method, call.url) == ("POST", TOKEN_URL)
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.headers["Accept"] == "application/json"
    assert call.timeout == (CONNECTION.limits.connect_timeout, CONNECTION.limits.read_timeout)
    assert obtained == token("granted", expires_at=now + 3_600, issued_at=now)
    assert remark == ""


BODY = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}


@pytest.mark.parametrize(
    ("auth", "form"),
    [
        ({}, BODY),
        ({"scope": "a b"}, BODY | {"scope": "a b"}),
        ({"parameters": {"audience": "rf", "x": "y&z"}}, BODY | {"audience": "rf", "x": "y&z"}),
        ({"client_auth": "basic"}, {}),
        ({"client_auth": "basic", "scope": "a"}, {"scope": "a"}),
    ],
)
def test_a_token_is_asked_for_as_the_connection_says(
    auth: dict[str, object], form: dict[str, str]
) -> None:
    _, _, call = obtain(grant(), changed(auth={"token_url": TOKEN_URL, **auth}))
    assert asked(call) == {"grant_type": "client_credentials", **form}
    assert ("Authorization" in call.headers) == (auth.get("client_auth") == "basic")


@pytest.mark.parametrize(
    ("client_id", "client_secret", "pair"),
    [
        ("client", "secret", "client:secret"),
        ("a:b", "c:d", "a%3Ab:c%3Ad"),
        ("a b", "c+d", "a+b:c%2Bd"),
        ("a%b", "é€", "a%25b:%C3%A9%E2%82%AC"),
        ("a-b_c.d~e", "/=?&", "a-b_c.d~e:%2F%3D%3F%26"),
    ],
)
def test_basic_authentication_is_form_encoded_first(
    client_id: str, client_secret: str, pair: str
) -> None:
    """https://datatracker.ietf.org/doc/html/rfc6749#section-2.3.1"""
    connection = changed(auth={"token_url": TOKEN_URL, "client_auth": "basic"})
    _, _, call = obtain(grant(), connection, Credentials(client_id, client_secret))
    scheme, _, encoded = call.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(encoded).decode()) == ("Basic", pair)
    assert list(map(unquote_plus, pair.split(":"))) == [client_id, client_secret]


def test_a_token_url_can_have_a_query() -> None:
    _, _, call = obtain(grant(), changed(auth={"token_url": f"{TOKEN_URL}?realm=a"}))
    assert call.url == f"{TOKEN_URL}?realm=a"


def test_a_redirect_is_not_followed() -> None:
    other_end = fakes.Http(fakes.Reply(307, headers={"Location": "https://elsewhere.example.com"}))
    with pytest.raises(TokenNotGrantedError):
        token_endpoint.obtain(other_end.session(), CONNECTION, CREDENTIALS)
    assert len(other_end.calls) == 1


# --- what it answers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "lifetime"),
    [
        ({"expires_in": 60}, 60),
        ({"expires_in": "3600"}, 3_600),
        ({"expires_in": " 60 "}, 60),
        ({"expires_in": 60.9}, 60),
        ({"expires_in": 365 * 86_400}, 365 * 86_400),
    ],
)
def test_a_lifetime_is_a_number_or_text(
    now: int, members: dict[str, object], lifetime: int
) -> None:
    obtained, remark, _ = obtain(grant(**members))
    assert (obtained.expires_at, remark) == (now + lifetime, "")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"expires_in": None},
        {"expires_in": ""},
        {"expires_in": "soon"},
        {"expires_in": 0},
        {"expires_in": "0"},
        {"expires_in": -5},
        {"expires_in": "-5"},
        {"expires_in": float("nan")},
        {"expires_in": float("inf")},
        {"expires_in": "inf"},
        {"expires_in": 10**12},
        {"expires_in": 10**400},
        {"expires_in": "9" * 400},
        {"expires_in": 1},
        {"expires_in": 0.001},
        {"expires_in": 9},
        {"expires_in": "1_0"},
        {"expires_in": "1_000"},
        {"expires_in": "\u0663\u0660\u0660"},
        {"expires_in": "1e3"},
        {"expires_in": [60]},
        {"expires_in": {"seconds": 60}},
        {"expires_in": True},
    ],
)
@pytest.mark.parametrize("assumed", [600, 60])
def test_a_lifetime_that_makes_no_sense_is_assumed_and_remarked(
    now: int, members: dict[str, object], assumed: int
) -> None:
    connection = changed(auth={"token_url": TOKEN_URL, "assumed_lifetime": assumed})
    obtained, remark, _ = obtain(grant(**members), connection)
    assert obtained.expires_at == now + assumed
    assert remark == f"no usable lifetime in the answer; {assumed} s are assumed"


@pytest.mark.parametrize(
    ("reply", "cause", "said"),
    [
        (
            refusal(400, "invalid_client"),
            TokenFault.CREDENTIALS,
            f"{REFUSED}HTTP 400 invalid_client",
        ),
        (
            refusal(401, "invalid_client"),
            TokenFault.CREDENTIALS,
            f"{REFUSED}HTTP 401 invalid_client",
        ),
        (
            refusal(400, "unauthorized_client"),
            TokenFault.CREDENTIALS,
            f"{REFUSED}HTTP 400 unauthorized_client",
        ),
        (refusal(401, "no such not-a-real-client"), TokenFault.CREDENTIALS, f"{REFUSED}HTTP 401"),
        (refusal(401, {"a": 1}), TokenFault.CREDENTIALS, f"{REFUSED}HTTP 401"),
        (fakes.Reply(401), TokenFault.CREDENTIALS, f"{REFUSED}HTTP 401"),
        (fakes.Reply(401, b"[" * 60_000), TokenFault.CREDENTIALS, f"{REFUSED}HTTP 401"),
        (fakes.Reply(403, HTML), TokenFault.CREDENTIALS, f"{REFUSED}HTTP 403"),
        (refusal(400, "invalid_scope"), TokenFault.SETTINGS, f"{WRONG_WAY}HTTP 400 invalid_scope"),
        (
            refusal(400, "invalid_request"),
            TokenFault.SETTINGS,
            f"{WRONG_WAY}HTTP 400 invalid_request",
        ),
        (
            refusal(400, "unsupported_grant_type"),
            TokenFault.SETTINGS,
            f"{WRONG_WAY}HTTP 400 unsupported_grant_type",
        ),
        (fakes.Reply(404), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 404"),
        (fakes.Reply(404, HTML), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 404"),
        (fakes.Reply(405), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 405"),
        (fakes.Reply(302), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 302"),
        (fakes.Reply(200, HTML), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (fakes.Reply(200), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (fakes.Reply(204), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 204"),
        (fakes.Reply(200, b"null"), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (fakes.Reply(200, b'{"access_token": "cut'), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (fakes.Reply(200, b" " * 70_000), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (grant(access_token=""), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (grant(access_token=5), TokenFault.TOKEN_URL, f"{NO_TOKEN}HTTP 200"),
        (fakes.Reply(408), TokenFault.NETWORK, f"{OUT_OF_ORDER}HTTP 408"),
        (fakes.Reply(429, HTML), TokenFault.NETWORK, f"{OUT_OF_ORDER}HTTP 429"),
        (fakes.Reply(500, HTML), TokenFault.NETWORK, f"{OUT_OF_ORDER}HTTP 500"),
        (refusal(503, "temporarily_unavailable"), TokenFault.NETWORK, OUT_OF_ORDER + "HTTP 503 t"),
        (fakes.Reply(503, b'{"access_token": "x"}'), TokenFault.NETWORK, f"{OUT_OF_ORDER}HTTP 503"),
        (
            fakes.Reply(error=requests.ConnectTimeout("not-a-real-client-secret")),
            TokenFault.NETWORK,
            f"{UNREACHABLE}ConnectTimeout",
        ),
        (
            fakes.Reply(error=requests.exceptions.SSLError("x")),
            TokenFault.NETWORK,
            f"{UNREACHABLE}SSLError",
        ),
    ],
)
def test_a_refusal_says_whose_fault_it_is_by_codes_alone(
    reply: fakes.Reply, cause: TokenFault, said: str
) -> None:
    with pytest.raises(TokenNotGrantedError) as caught:
        obtain(reply)
    assert caught.value.cause is cause
    assert str(caught.value).removesuffix("emporarily_unavailable") == said


@pytest.mark.parametrize(
    "value",
    [
        "a.b-c_d~e+f/g==",
        "".join(map(chr, range(0x21, 0x7F))),  # more than RFC 6750 has, and harmless in a header
        "a" * 8_192,
    ],
)
def test_a_token_is_any_visible_ascii(value: str) -> None:
    assert obtain(grant(access_token=value))[0].value == value


NOT_ASCII = "not of visible ASCII characters alone"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("a\r\nX-More: b", NOT_ASCII),
        ("a\n", NOT_ASCII),
        ("a\rb", NOT_ASCII),
        ("a\x00b", NOT_ASCII),
        ("a\tb", NOT_ASCII),
        ("a b", NOT_ASCII),
        (" a", NOT_ASCII),
        ("a\x7f", NOT_ASCII),
        ("\xe4", NOT_ASCII),
        ("a\u2028b", NOT_ASCII),
        ("\ud800", NOT_ASCII),
        ("a" * 8_193, "longer than 8192 characters"),
        ("a" * 60_000, "longer than 8192 characters"),
    ],
)
def test_a_token_that_no_header_can_carry_is_refused_with_its_reason(
    value: str, wrong: str
) -> None:
    with pytest.raises(TokenNotGrantedError) as caught:
        obtain(grant(access_token=value, expires_in=60))
    assert caught.value.cause is TokenFault.TOKEN_URL
    assert str(caught.value) == f"the access token in the answer is {wrong}"


def test_a_token_is_never_taken_to_end_later_than_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(1_800_000_000.0)
    monkeypatch.setattr(time, "time", clock)

    def slow(_: fakes.Call) -> fakes.Reply:
        clock.now += 20
        return grant(expires_in=60)

    obtained, _ = token_endpoint.obtain(fakes.Http(slow).session(), CONNECTION, CREDENTIALS)
    assert (obtained.seconds_left(), obtained.lifetime) == (40, 60)


# --- what is missing ----------------------------------------------------------------------------

NO_TOKEN_URL = changed(auth={})
PROFILE_TOKEN_ONLY = changed(auth={"kind": "profile_token"})
PROFILE_TOKEN_TOO = changed(api_profile={"value": "profile_token"})


@pytest.mark.parametrize(
    ("connection", "credentials", "cause", "missing"),
    [
        (CONNECTION, Credentials(), TokenFault.CREDENTIALS, "client_id and client_secret"),
        (CONNECTION, Credentials("a", ""), TokenFault.CREDENTIALS, "client_id and client_secret"),
        (CONNECTION, Credentials("", "b"), TokenFault.CREDENTIALS, "client_id and client_secret"),
        (
            CONNECTION,
            Credentials("", "", "c"),
            TokenFault.CREDENTIALS,
            "client_id and client_secret",
        ),
        (NO_TOKEN_URL, CREDENTIALS, TokenFault.TOKEN_URL, "auth.token_url"),
        (PROFILE_TOKEN_ONLY, CREDENTIALS, TokenFault.CREDENTIALS, "profile_token"),
        (PROFILE_TOKEN_TOO, CREDENTIALS, TokenFault.CREDENTIALS, "profile_token"),
        (CONNECTION, Credentials("a\r\nb", "c"), TokenFault.CREDENTIALS, "client_id holds"),
        (CONNECTION, Credentials("\u20ac", "c"), TokenFault.CREDENTIALS, "client_id holds"),
        (
            PROFILE_TOKEN_ONLY,
            Credentials("", "", "a\x00"),
            TokenFault.CREDENTIALS,
            "profile_token holds",
        ),
    ],
)
def test_what_is_missing_is_told_and_nothing_is_called(
    connection: Connection, credentials: Credentials, cause: TokenFault, missing: str
) -> None:
    other_end = fakes.Http(grant())
    with pytest.raises(TokenNotGrantedError, match=missing) as caught:
        token_endpoint.obtain(other_end.session(), connection, credentials)
    assert caught.value.cause is cause
    assert other_end.calls == []


def test_a_profile_token_alone_needs_no_call(now: int) -> None:
    other_end = fakes.Http(grant())
    obtained, remark = token_endpoint.obtain(
        other_end.session(), PROFILE_TOKEN_ONLY, Credentials("", "", "profile")
    )
    assert (obtained.value, obtained.profile_token, obtained.issued_at) == ("", "profile", now)
    assert obtained.expires_at is None
    assert obtained.seconds_left() == float("inf")
    assert (remark, other_end.calls) == ("", [])


def test_a_profile_token_can_go_beside_an_oauth_token() -> None:
    obtained, _, call = obtain(grant(), PROFILE_TOKEN_TOO, Credentials("a", "b", "profile"))
    assert (obtained.value, obtained.profile_token) == ("granted", "profile")
    assert "profile" not in asked(call).values()


# --- keeping it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kept", [token(), token(expires_at=None), token("", profile_token="p", replaces="digest")]
)
def test_a_token_is_read_as_it_was_written(kept: AccessToken) -> None:
    shown = Credentials(kept.client_id, "not-a-real-secret", kept.profile_token)
    text, shown_text = access_token.dump(kept), access_token.dump_shown(shown)
    read = access_token.parse(text, CONNECTION)
    assert read
    assert access_token.complete(read, access_token.parse_credentials(shown_text)) == kept
    assert not {"client_id", "profile_token"} & json.loads(text).keys()
    assert "secret" not in shown_text


@pytest.mark.parametrize(
    "other", [{"client_id": "other"}, {"profile_token": "other"}, {"client_id": ""}]
)
def test_a_token_is_not_shown_with_what_others_credentials_show(other: dict[str, str]) -> None:
    assert access_token.complete(token(), CREDENTIALS) == token()
    assert access_token.complete(token(), dataclasses.replace(CREDENTIALS, **other)) is None


WRITTEN = json.loads(access_token.dump(token()))


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
        json.dumps(WRITTEN | {"more": 1}),
        json.dumps(WRITTEN | {"issued_at": None}),
        json.dumps(WRITTEN | {"expires_at": "soon"}),
        json.dumps({name: each for name, each in WRITTEN.items() if name != "audience"}),
    ],
)
def test_a_text_without_a_token_holds_none(text: str | None) -> None:
    assert access_token.parse(text, CONNECTION) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"environment": "stg"},
        {"environment": "dev"},
        {"org_id": "other"},
        {"base_url": "https://rf.example.com"},
    ],
)
def test_a_token_of_another_api_is_none(settings: dict[str, str]) -> None:
    assert access_token.parse(access_token.dump(token()), changed(**settings)) is None


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ('{"client_id": "a", "client_secret": "b"}', Credentials("a", "b")),
        ('{"client_id": " a\\n", "client_secret": "\\tb "}', Credentials("a", "b")),
        ('{"client_id": "a", "client_secret": "b", "more": 1}', Credentials("a", "b")),
        ('{"profile_token": "c"}', Credentials("", "", "c")),
        ('{"client_id": "a", "client_secret": "b", "profile_token": "c"}', ("a", "b", "c")),
        ('{"client_id": "", "client_secret": null}', Credentials()),
        ('{"client_id": 5}', Credentials("5")),
        ("[]", Credentials()),
        ("null", Credentials()),
        ("a:b", Credentials()),
        ("", Credentials()),
        (None, Credentials()),
    ],
)
def test_what_is_stored_of_the_credentials_is_read(
    text: str | None, credentials: Credentials | tuple[str, ...]
) -> None:
    wanted = credentials if isinstance(credentials, Credentials) else Credentials(*credentials)
    assert access_token.parse_credentials(text) == wanted


def test_tokens_differ_by_their_digest_which_gives_nothing_away() -> None:
    digests = {
        each.digest
        for each in (
            token(),
            token("other"),
            token(profile_token="other"),
            token(issued_at=1_700_000_001),  # an endpoint may grant the same text again
        )
    }
    assert len(digests) == 4
    assert token().digest == token(expires_at=None, replaces="x").digest
    assert not any("real" in each for each in digests)


@pytest.mark.parametrize(
    ("settings", "credentials", "is_the_same"),
    [
        ({}, {}, True),
        ({"limits": {"concurrency": 2}, "fields": {"constants": {"a": "b"}}}, {}, True),
        ({"token_call": {"method": "GET"}}, {}, False),
        ({}, {"client_id": "other"}, False),
        ({}, {"client_secret": "other"}, False),
        ({}, {"profile_token": "other"}, False),
        ({"auth": {"token_url": "https://other.example.com"}}, {}, False),
        ({"auth": {"token_url": TOKEN_URL, "scope": "a"}}, {}, False),
        ({"auth": {"token_url": TOKEN_URL, "client_auth": "basic"}}, {}, False),
        ({"auth": {"token_url": TOKEN_URL, "parameters": {"a": "b"}}}, {}, False),
        ({"auth": {"token_url": TOKEN_URL, "kind": "profile_token"}}, {}, False),
    ],
)
def test_a_token_is_asked_for_anew_when_what_it_depends_on_changes(
    settings: Mapping[str, object], credentials: Mapping[str, str], is_the_same: bool
) -> None:
    digest = access_token.grant_digest(
        changed(**settings), dataclasses.replace(CREDENTIALS, **credentials)
    )
    before = access_token.grant_digest(CONNECTION, CREDENTIALS)
    assert (digest == before) == is_the_same
    assert "real" not in digest


def test_an_upgrade_asks_for_no_token_anew() -> None:
    """What a connection does not say of the token's call is not in the digest, as before."""
    parts = [CONNECTION.auth.model_dump_json(), *dataclasses.astuple(CREDENTIALS)]
    as_before = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    assert access_token.grant_digest(CONNECTION, CREDENTIALS) == as_before


def test_half_a_character_has_a_digest_of_its_own() -> None:
    halves = [Credentials(client_secret=half) for half in ("\ud800", "\ud801")]
    assert len({access_token.grant_digest(CONNECTION, each) for each in halves}) == 2


def test_a_secret_with_half_a_character_is_the_credentials_fault() -> None:
    credentials = Credentials(client_id="id", client_secret="half \ud800")
    with pytest.raises(TokenNotGrantedError, match="client_secret holds") as told:
        token_endpoint.obtain(fakes.Http().session(), CONNECTION, credentials)
    assert told.value.cause is TokenFault.CREDENTIALS
