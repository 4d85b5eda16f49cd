import hashlib
import json
import uuid
from typing import Any

import pytest
import requests

from attendee_sync.http_client import HttpAnswer
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import answers
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from tests.support import fakes
from tests.support.stack import CONNECTION, CREDENTIALS, changed, token

ATTENDEE = {
    "email": "ada@example.com",
    "firstname": "Augusta",
    "lastname": "King (Noel)",
    "phone": "+1 555 0100",
    "state": "UT",
}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


LARGE = json.dumps({"responseCode": "0", "padding": "x" * 10_000_000}).encode()


def store(
    reply: fakes.Reply,
    connection: Connection = CONNECTION,
    fields: dict[str, str] = ATTENDEE,
    **shown: str,
) -> tuple[Answer, fakes.Call]:
    other_end = fakes.Http(reply)
    client = RainFocusClient(other_end.session())
    answer = client.store(connection, token(**shown), Attendee("summit2027", fields), TRACE)
    [call] = other_end.calls
    return answer, call


# --- what an answer means -----------------------------------------------------------------------

HTML = {"Content-Type": "text/html"}
STORED, TRANSIENT, TOKEN = AnswerKind.STORED, AnswerKind.TRANSIENT, AnswerKind.TOKEN
CONFIGURATION, PROFILE = AnswerKind.CONFIGURATION, AnswerKind.PROFILE


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (fakes.envelope("0"), STORED),
        (fakes.envelope(0), STORED),
        (fakes.envelope("0", status=201), STORED),
        (fakes.envelope("0", status=299), STORED),
        (fakes.Reply(200, b'\n {"responseCode": "0"}\r\n', HTML), STORED),
        (fakes.Reply(200, b'\xef\xbb\xbf{"responseCode": "0"}'), STORED),
        (fakes.envelope("00"), PROFILE),
        (fakes.envelope("0.0"), PROFILE),
        (fakes.envelope(0.0), PROFILE),
        (fakes.envelope(False), PROFILE),
        (fakes.envelope(None), PROFILE),
        (fakes.envelope(""), PROFILE),
        (fakes.envelope("1"), PROFILE),
        (fakes.envelope("13"), PROFILE),
        (fakes.envelope("103", "A valid email is required."), PROFILE),
        (fakes.envelope("103", "Required parameter missing: event", status=400), PROFILE),
        (fakes.envelope("103", "A valid apiProfile is required."), CONFIGURATION),
        (
            fakes.envelope("103", "Required parameter missing: apiProfile", status=400),
            CONFIGURATION,
        ),
        (fakes.envelope("103", "No APIPROFILE", status=400), CONFIGURATION),
        (fakes.envelope(103, "apiProfile", status=404), CONFIGURATION),
        (fakes.envelope("7", "apiProfile", status=400), PROFILE),
        (fakes.envelope("101", "Invalid API Profile", status=400), CONFIGURATION),
        (fakes.envelope("124", "Access to API endpoint denied."), CONFIGURATION),
        (fakes.envelope(124), CONFIGURATION),
        (fakes.envelope("124", status=404), CONFIGURATION),
        (fakes.envelope("0", status=403), CONFIGURATION),
        (fakes.Reply(403, b"<html>", HTML), CONFIGURATION),
        *((fakes.Reply(status), CONFIGURATION) for status in (300, 301, 302, 304, 307, 308, 399)),
        (fakes.envelope("0", status=302), CONFIGURATION),
        (fakes.envelope("0", status=401), TOKEN),
        (fakes.envelope("124", status=401), TOKEN),
        (fakes.Reply(401), TOKEN),
        (fakes.envelope("0", status=400), PROFILE),
        (fakes.Reply(400), PROFILE),
        (fakes.Reply(404, b"Error", HTML), PROFILE),
        *((fakes.Reply(status), PROFILE) for status in (402, 405, 410, 413, 422, 451)),
        *((fakes.Reply(status), TRANSIENT) for status in (409, 420, 430)),
        (fakes.envelope("0", status=409), TRANSIENT),
        (fakes.Reply(501), PROFILE),
        (fakes.envelope("0", status=501), PROFILE),
        (fakes.Reply(199), PROFILE),
        (fakes.Reply(200), PROFILE),
        (fakes.Reply(201), PROFILE),
        (fakes.Reply(204), PROFILE),
        (fakes.Reply(200, b"Success"), PROFILE),
        (fakes.Reply(200, b"<!doctype html><title>Sign in</title>", HTML), PROFILE),
        (fakes.Reply(200, b'{"responseCode": "0", "responseMess'), PROFILE),
        (fakes.Reply(200, b"[]"), PROFILE),
        (fakes.Reply(200, b"null"), PROFILE),
        (fakes.Reply(200, b'"0"'), PROFILE),
        (fakes.Reply(200, b"0"), PROFILE),
        (fakes.Reply(200, b"{}"), PROFILE),
        (fakes.Reply(200, b'{"responsecode": "0"}'), PROFILE),
        (fakes.Reply(200, b'[{"responseCode": "0"}]'), PROFILE),
        (fakes.Reply(200, b"[" * 60_000), PROFILE),
        (fakes.Reply(200, b'{"responseCode": ' + b"9" * 5_000 + b"}"), PROFILE),
        (fakes.Reply(200, b"\xff\xfe"), PROFILE),
        (fakes.Reply(200, LARGE), PROFILE),
        (fakes.Reply(200, b'{"responseCode": "0"}' + b" " * 70_000), PROFILE),
        (fakes.Reply(503, LARGE), TRANSIENT),
        *((fakes.Reply(status), TRANSIENT) for status in (408, 423, 425, 429)),
        *((fakes.Reply(status), TRANSIENT) for status in (500, 502, 503, 504, 520, 599)),
        (fakes.envelope("0", status=429), TRANSIENT),
        (fakes.envelope("0", status=500), TRANSIENT),
        (fakes.envelope("124", status=503), TRANSIENT),
        (fakes.Reply(error=requests.ConnectionError("x")), TRANSIENT),
        (fakes.Reply(error=requests.ConnectTimeout("x")), TRANSIENT),
        (fakes.Reply(error=requests.ReadTimeout("x")), TRANSIENT),
        (fakes.Reply(error=requests.exceptions.SSLError("x")), TRANSIENT),
        (fakes.Reply(error=requests.exceptions.ChunkedEncodingError("x")), TRANSIENT),
        (fakes.Reply(error=requests.exceptions.InvalidHeader("x")), TRANSIENT),
    ],
)
def test_each_answer_has_its_meaning(reply: fakes.Reply, meaning: AnswerKind) -> None:
    answer, _ = store(reply)
    assert answer.kind is meaning
    assert answer.status == (None if reply.error else reply.status)
    assert (answer.attendee_id, answer.retry_after) == ("", None)


@pytest.mark.parametrize(
    ("rule", "reply", "meaning"),
    [
        ({"success_codes": ["0", "ok"]}, fakes.envelope("ok"), STORED),
        ({"success_codes": ["200"]}, fakes.envelope(200), STORED),
        ({"success_codes": ["200"]}, fakes.envelope("0"), PROFILE),
        ({"success_codes": []}, fakes.envelope("0"), PROFILE),
        ({"success_codes": ["0", "ok"]}, fakes.envelope("ok", status=400), PROFILE),
        ({"transient_codes": ["5"]}, fakes.envelope("5"), TRANSIENT),
        ({"transient_codes": ["5"]}, fakes.envelope("5", status=400), TRANSIENT),
        ({"transient_codes": ["5"]}, fakes.envelope("5", status=403), TRANSIENT),
        ({"transient_codes": ["5"]}, fakes.envelope("5", status=401), TRANSIENT),
        ({"configuration_codes": ["5"]}, fakes.envelope("5"), CONFIGURATION),
        ({"configuration_codes": ["5"]}, fakes.envelope("5", status=400), CONFIGURATION),
        ({"configuration_codes": ["5"]}, fakes.envelope("5", status=401), TOKEN),
        ({"configuration_codes": ["5"]}, fakes.envelope("5", status=503), TRANSIENT),
        ({"configuration_codes": ["5"]}, fakes.envelope("124"), PROFILE),
        ({"configuration_codes": []}, fakes.envelope("103", "apiProfile"), CONFIGURATION),
        ({"profile_codes": ["5"]}, fakes.envelope("5", status=403), PROFILE),
        ({"profile_codes": ["103"]}, fakes.envelope("103", "apiProfile"), PROFILE),
        ({"profile_codes": ["5"]}, fakes.envelope("5", status=503), TRANSIENT),
    ],
)
def test_what_codes_mean_can_be_set(
    rule: dict[str, object], reply: fakes.Reply, meaning: AnswerKind
) -> None:
    answer, _ = store(reply, changed(answers=rule))
    assert answer.kind is meaning


@pytest.mark.parametrize(
    ("missing", "meaning"),
    [("rfApiProfileId", CONFIGURATION), ("apiProfile", CONFIGURATION), ("profile", PROFILE)],
)
def test_103_about_the_api_profile_is_known_by_its_name(missing: str, meaning: AnswerKind) -> None:
    reply = fakes.envelope("103", f"Required parameter missing: {missing}", status=400)
    answer, _ = store(reply, changed(api_profile={"name": "rfApiProfileId"}))
    assert answer.kind is meaning


@pytest.mark.parametrize(
    ("key", "attendee_id"), [("attendeeId", "17a"), ("id", "9"), ("responseCode", "0"), ("x", "")]
)
def test_where_the_attendees_id_stands_can_be_set(key: str, attendee_id: str) -> None:
    reply = fakes.Reply(200, b'{"responseCode": "0", "attendeeId": "17a", "id": 9}')
    answer, _ = store(reply, changed(answers={"attendee_id": key}))
    assert answer.attendee_id == attendee_id


def test_a_refusal_tells_status_code_and_message() -> None:
    answer, _ = store(fakes.envelope("103", "A zip is required.", status=400))
    assert answer == Answer(PROFILE, 400, "103", "A zip is required.", is_apis_own=True)
    answer, _ = store(fakes.Reply(404, b"Error", HTML))
    assert answer == Answer(PROFILE, 404, "", "HTTP 404 without RainFocus's envelope")


def test_a_stored_attendee_has_the_id_that_rainfocus_gave() -> None:
    answer, _ = store(fakes.stored())
    assert answer == Answer(AnswerKind.STORED, 200, "0", "", "1700000000000001abcd")


def test_the_attendee_is_posted_to_the_connections_address() -> None:
    _, call = store(fakes.stored())
    assert call.method == "POST"
    assert call.url == "https://events.rainfocus.com/api/acme/v3/attendee/store"
    assert call.json == {"event": "summit2027", **ATTENDEE}
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Accept"] == "application/json"
    assert call.headers["Authorization"] == f"Bearer {token().value}"
    assert call.headers["traceparent"] == TRACE
    assert call.headers["apiProfile"] == CREDENTIALS.client_id
    assert call.timeout == (CONNECTION.limits.connect_timeout, CONNECTION.limits.read_timeout)


# --- how it is asked ----------------------------------------------------------------------------

PERSON = {"email": "ada@example.com", "firstname": "Ada Lé", "state": "UT"}
HASH = hashlib.sha256(b"ada@example.com").hexdigest()
URL = "https://events.rainfocus.com/api/acme/v3/attendee/store"
BEARER = {"Authorization": f"Bearer {token().value}"}
CLIENT = CREDENTIALS.client_id
AS_JSON = BEARER | {"apiProfile": CLIENT, "Content-Type": "application/json"}
FLAT = {"event": "summit2027"} | PERSON


def without(members: dict[str, str], *names: str) -> dict[str, str]:
    return {name: each for name, each in members.items() if name not in names}


@pytest.mark.parametrize(
    ("settings", "url", "headers", "body"),
    [
        ({}, URL, AS_JSON, FLAT),
        # where it is
        ({"environment": "stg"}, URL.replace("events", "events-stg"), AS_JSON, FLAT),
        ({"environment": "dev"}, URL.replace("events", "events-dev"), AS_JSON, FLAT),
        (
            {"base_url": "https://rf.example.com/x/"},
            "https://rf.example.com/x" + URL[28:],
            AS_JSON,
            FLAT,
        ),
        ({"org_id": "Other_1"}, URL.replace("acme", "Other_1"), AS_JSON, FLAT),
        ({"version": "v2"}, URL.replace("v3", "v2"), AS_JSON, FLAT),
        ({"path": "/{version}/{call}.do"}, URL[:28] + "/v3/attendee/store.do", AS_JSON, FLAT),
        ({"path": "/rest/{call}"}, URL[:28] + "/rest/attendee/store", AS_JSON, FLAT),
        # apiProfile
        ({"api_profile": {"place": "off"}}, URL, without(AS_JSON, "apiProfile"), FLAT),
        (
            {"api_profile": {"place": "query"}},
            f"{URL}?apiProfile={CLIENT}",
            without(AS_JSON, "apiProfile"),
            FLAT,
        ),
        ({"api_profile": {"place": "both"}}, f"{URL}?apiProfile={CLIENT}", AS_JSON, FLAT),
        (
            {"api_profile": {"place": "both", "name": "rfApiProfileId"}},
            f"{URL}?rfApiProfileId={CLIENT}",
            without(AS_JSON, "apiProfile") | {"rfApiProfileId": CLIENT},
            FLAT,
        ),
        (
            {"api_profile": {"value": "profile_token", "place": "both"}},
            f"{URL}?apiProfile=pro%26file",
            AS_JSON | {"apiProfile": "pro&file"},
            FLAT,
        ),
        # event
        ({"event": {"key": "eventCode"}}, URL, AS_JSON, PERSON | {"eventCode": "summit2027"}),
        ({"event": {"place": "query"}}, f"{URL}?event=summit2027", AS_JSON, PERSON),
        ({"event": {"place": "both"}}, f"{URL}?event=summit2027", AS_JSON, FLAT),
        (
            {"event": {"place": "query", "key": "e"}, "api_profile": {"place": "query"}},
            f"{URL}?apiProfile={CLIENT}&e=summit2027",
            without(AS_JSON, "apiProfile"),
            PERSON,
        ),
        # body
        ({"body": {"kind": "array"}}, URL, AS_JSON, [FLAT]),
        ({"body": {"kind": "wrapped"}}, URL, AS_JSON, {"attendee": FLAT}),
        ({"body": {"kind": "wrapped", "wrapped_under": "a"}}, URL, AS_JSON, {"a": FLAT}),
        (
            {"body": {"kind": "wrapped"}, "event": {"place": "query"}},
            f"{URL}?event=summit2027",
            AS_JSON,
            {"attendee": PERSON},
        ),
        (
            {"body": {"kind": "form"}},
            URL,
            AS_JSON | {"Content-Type": "application/x-www-form-urlencoded"},
            "email=ada%40example.com&firstname=Ada+L%C3%A9&state=UT&event=summit2027",
        ),
        # fields
        (
            {"fields": {"names": {"state": "stateId", "zip": "postcode"}}},
            URL,
            AS_JSON,
            without(FLAT, "state") | {"stateId": "UT"},
        ),
        (
            {"fields": {"names": {"state": "firstname", "firstname": "state"}}},
            URL,
            AS_JSON,
            FLAT | {"state": "Ada Lé", "firstname": "UT"},
        ),
        (
            {"fields": {"constants": {"source": "cdp", "firstname": "x"}}},
            URL,
            AS_JSON,
            FLAT | {"source": "cdp", "firstname": "x"},
        ),
        (
            {"fields": {"match_key": "externalId"}},
            URL,
            AS_JSON,
            FLAT | {"externalId": "ada@example.com"},
        ),
        (
            {"fields": {"match_key": "externalId", "match_value": "email_sha256"}},
            URL,
            AS_JSON,
            FLAT | {"externalId": HASH},
        ),
        (
            {"fields": {"names": {"email": "emailAddress"}}},
            URL,
            AS_JSON,
            without(FLAT, "email") | {"emailAddress": "ada@example.com"},
        ),
        ({"fields": {"match_value": "email_sha256"}}, URL, AS_JSON, FLAT | {"email": HASH}),
    ],
)
def test_each_setting_changes_what_is_sent(
    settings: dict[str, object], url: str, headers: dict[str, str], body: object
) -> None:
    _, call = store(fakes.stored(), changed(**settings), PERSON, profile_token="pro&file")
    assert (call.method, call.url) == ("POST", url)
    names = {"Authorization", "apiProfile", "rfApiProfileId", "Content-Type"}
    assert {name: each for name, each in call.headers.items() if name in names} == headers
    assert (call.body if isinstance(body, str) else call.json) == body


def test_each_call_can_have_an_id_of_its_own() -> None:
    connection = changed(call={"headers": {"Idempotency-Key": "{call_id}"}})
    keys = {store(fakes.stored(), connection)[1].headers["Idempotency-Key"] for _ in range(3)}
    assert {uuid.UUID(key).version for key in keys} == {4}
    assert len(keys) == 3


def test_a_profile_token_alone_goes_without_authorization() -> None:
    connection = changed(
        auth={"kind": "profile_token"}, api_profile={"value": "profile_token", "place": "both"}
    )
    _, call = store(fakes.stored(), connection, value="", profile_token="profile")
    assert "Authorization" not in call.headers
    assert call.headers["apiProfile"] == "profile"
    assert call.url == f"{URL}?apiProfile=profile"


@pytest.mark.parametrize("kind", ["json", "form", "array", "wrapped"])
def test_any_text_can_be_sent(kind: str) -> None:
    """Half a character can stand in JSON, but in no UTF-8."""
    person = {"email": "a\ud800@example.com", "firstname": "\ud800 & \0 = 😀"}
    connection = changed(
        body={"kind": kind}, fields={"match_key": "k", "match_value": "email_sha256"}
    )
    answer, _ = store(fakes.stored(), connection, person)
    assert answer.kind is STORED


def test_the_timeouts_are_the_connections() -> None:
    connection = changed(limits={"connect_timeout": 1.5, "read_timeout": 2.5})
    _, call = store(fakes.stored(), connection)
    assert call.timeout == (1.5, 2.5)
    assert connection.limits.longest_call == 4


# --- reading an attendee ------------------------------------------------------------------------


def read(
    reply: fakes.Reply, connection: Connection = CONNECTION
) -> tuple[Answer, dict[str, Any], fakes.Call]:
    other_end = fakes.Http(reply)
    client = RainFocusClient(other_end.session())
    answer, found = client.read(connection, token(), "summit2027", "ada+x@example.com")
    [call] = other_end.calls
    return answer, found, call


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "attendeeInfo?event=summit2027&email=ada%2Bx%40example.com"),
        ({"event": {"key": "e"}}, "attendeeInfo?e=summit2027&email=ada%2Bx%40example.com"),
        (
            {"api_profile": {"place": "query"}},
            f"attendeeInfo?apiProfile={CLIENT}&event=summit2027&email=ada%2Bx%40example.com",
        ),
        (
            {"fields": {"names": {"email": "mail"}, "match_key": "id", "constants": {"a": "b"}}},
            "attendeeInfo?event=summit2027&mail=ada%2Bx%40example.com&id=ada%2Bx%40example.com",
        ),
        (
            {"fields": {"match_value": "email_sha256"}},
            f"attendeeInfo?event=summit2027&email={hashlib.sha256(b'ada+x@example.com').hexdigest()}",
        ),
    ],
)
def test_an_attendee_is_looked_up_by_the_query(settings: dict[str, object], url: str) -> None:
    answer, found, call = read(
        fakes.Reply(200, b'{"responseCode": "0", "attendee": {"a": "b"}}'), changed(**settings)
    )
    assert (call.method, call.url) == ("GET", URL.replace("attendee/store", url))
    assert call.headers["Authorization"] == BEARER["Authorization"]
    assert call.body == ""
    assert (answer.kind, found) == (STORED, {"a": "b"})


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (fakes.envelope("0"), STORED),
        (fakes.Reply(200, b'{"responseCode": "0", "attendee": []}'), STORED),
        (fakes.envelope("124", "ada+x@example.com"), CONFIGURATION),
        (fakes.Reply(401), TOKEN),
        (fakes.Reply(200, b"<html>"), PROFILE),
        (fakes.Reply(error=requests.ReadTimeout("ada+x@example.com")), TRANSIENT),
    ],
)
def test_an_attendee_that_is_not_found_is_empty(reply: fakes.Reply, meaning: AnswerKind) -> None:
    answer, found, _ = read(reply)
    assert (answer.kind, found) == (meaning, {})
    assert "example.com" not in str(answer)


# --- what is taken of an answer -----------------------------------------------------------------


def test_a_redirect_is_not_followed() -> None:
    answer, _ = store(fakes.Reply(302, headers={"Location": "https://elsewhere.example.com/"}))
    assert answer.status == 302
    assert answer.kind is not AnswerKind.STORED


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_retry_after_header_is_kept(status: int) -> None:
    answer, _ = store(fakes.Reply(status, headers={"Retry-After": "7"}))
    assert answer.retry_after == 7


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 7 ", 7),
        ("100000", 86_400),
        ("9" * 4_000, 86_400),
        ("9" * 5_000, None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00", 0),
        ("Tue, 31 Dec 2999 23:59:59 GMT", 86_400),
        ("Tue, 31 Dec 2999 23:59:59 -0000", 86_400),
        ("Tue, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Tue, 31 Dec 2999 99:59:59 GMT", None),
        ("Tue, 31 Dec 2999 23:59:59 +999999", None),
    ],
)
def test_retry_after_is_read_from_a_number_or_a_date(
    header: str | None, seconds: int | None
) -> None:
    assert answers.retry_after(header) == seconds


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Email ada@example.com is blocked.", "Email ***@*** is blocked."),
        ("Email <other@example.org> exists", "Email <***@***> exists"),
        ("Email mary.o'hara+x@example.org exists", "Email ***@*** exists"),
        ("'other@example.org' exists", "***@***' exists"),
        ("augusta KING (NOEL) exists", "*** ***) exists"),
        ("phone +1 555 0100 is wrong", "phone *** is wrong"),
        ("state UT is wrong", "state UT is wrong"),
        ("x" * 497 + " Augusta", "x" * 497 + " **"),
        ("x" * 496 + " Augusta", "x" * 496 + " ***"),
        ("x" * 497 + "Augusta", "***"),
        ("x" * 490 + " ada@example.com", "x" * 490 + " ***@***"),
        ("y" * 2_000, "y" * 500),
        (["a", "list"], "['a', 'list']"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 403, 503])
def test_a_message_repeats_nothing_of_the_profile(said: Any, kept: str, status: int) -> None:
    answer, _ = store(fakes.envelope("5", said, status=status))
    assert answer.message == kept


def test_a_message_repeats_no_token() -> None:
    reply = fakes.envelope("5", f"Bearer {token().value} of profile-token", status=400)
    answer, _ = store(reply, profile_token="profile-token")
    assert answer.message == "Bearer *** of ***"


HASHED = changed(fields={"match_key": "emailHash", "match_value": "email_sha256"})


@pytest.mark.parametrize("code", ["Augusta", "ada", "example.com", "5550100"])
def test_a_code_repeats_nothing_of_the_profile(code: str) -> None:
    answer, _ = store(fakes.envelope(code, "no", status=400))
    assert (answer.kind, answer.code) == (PROFILE, "***")


@pytest.mark.parametrize("code", ["5", "103", "ERR_7", "12.4"])
def test_a_code_of_its_own_is_kept(code: str) -> None:
    answer, _ = store(fakes.envelope(code, "no", status=400))
    assert answer.code == code


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("1700000000000001abcd", "1700000000000001abcd"),
        ("attendee-17", "attendee-17"),
        ("Augusta.King", ""),
        ("15550100", ""),
        (hashlib.sha256(b"ada@example.com").hexdigest(), ""),
    ],
)
def test_an_id_repeats_nothing_of_the_profile(found: str, kept: str) -> None:
    answer, _ = store(fakes.envelope(attendeeId=found), HASHED)
    assert (answer.kind, answer.attendee_id) == (STORED, kept)


def test_the_hash_that_was_sent_and_fields_by_other_names_are_masked() -> None:
    connection = changed(
        fields={
            "match_key": "emailHash",
            "match_value": "email_sha256",
            "names": {"firstname": "givenName"},
            "constants": {"source": "Warehouse"},
        }
    )
    digest = hashlib.sha256(b"ada@example.com").hexdigest()
    said = f"givenName Augusta from warehouse, emailHash {digest[:9]} and event summit2027"
    answer, _ = store(fakes.envelope("5", said), connection)
    assert answer.message == "givenName *** from ***, emailHash *** and event summit2027"


def test_what_a_message_means_is_judged_before_it_is_masked() -> None:
    said = "Required parameter missing: apiProfile"
    answer, _ = store(fakes.envelope("103", said), fields={**ATTENDEE, "city": "apiProfile"})
    assert (answer.kind, answer.message) == (CONFIGURATION, "Required parameter missing: ***")


@pytest.mark.parametrize(
    "found",
    ["4111111111111111", "00000000000015550100", "0000000000084101", "1700000000000000lovelace"],
)
def test_an_id_of_many_digits_may_repeat_the_profile_too(found: str) -> None:
    fields = ATTENDEE | {"badge": "4111111111111111", "zip": "84101", "city": "Lovelace"}
    said = json.dumps({"responseCode": "0", "attendeeId": found}).encode()
    answer, _ = store(fakes.Reply(200, said), fields=fields)
    assert (answer.kind, answer.attendee_id) == (STORED, "")


def test_a_code_that_equals_a_value_is_masked_and_one_within_a_number_is_not() -> None:
    answer, _ = store(fakes.envelope("123"), fields={**ATTENDEE, "badge": "123"})
    assert answer.code == "***"
    answer, _ = store(fakes.envelope("100"))  # the phone number ends so
    assert answer.code == "100"


def test_a_header_that_cannot_be_sent_is_the_settings_fault() -> None:
    answer = RainFocusClient(fakes.Http().session()).store(
        CONNECTION, token(value="two\nlines"), Attendee("summit2027", ATTENDEE), TRACE
    )
    assert answer.kind is CONFIGURATION


def test_an_answer_with_a_repeated_name_is_none() -> None:
    answer, _ = store(fakes.Reply(200, b'{"responseCode": "5", "responseCode": "0"}'))
    assert answer.kind is PROFILE


@pytest.mark.parametrize("error", [requests.ConnectionError, requests.ReadTimeout])
def test_an_errors_text_is_not_repeated(error: type[Exception]) -> None:
    answer, _ = store(fakes.Reply(error=error(f"could not send {ATTENDEE}")))
    assert answer.message == error.__name__


@pytest.mark.parametrize(
    "code", ["ada@example.com", "12345 is not the zip", "x" * 100, "", {"a": 1}, ["0"], True]
)
def test_what_is_no_code_is_not_kept(code: object) -> None:
    answer, _ = store(fakes.envelope(code))
    assert answer.code == ""
    assert answer.kind is AnswerKind.PROFILE


@pytest.mark.parametrize("attendee_id", ["ada@example.com", "Augusta King", "x" * 100])
def test_what_is_no_id_is_not_kept(attendee_id: str) -> None:
    answer, _ = store(fakes.envelope(attendeeId=attendee_id))
    assert answer.kind is AnswerKind.STORED
    assert answer.attendee_id == ""


def test_the_meaning_needs_no_call() -> None:
    received = HttpAnswer(200, b'{"responseCode": "0"}', requests.structures.CaseInsensitiveDict())
    assert answers.judge(received, CONNECTION).kind is AnswerKind.STORED
