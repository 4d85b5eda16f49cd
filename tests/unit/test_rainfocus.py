import json
from typing import Any

import pytest
import requests

from attendee_sync import http, rainfocus
from attendee_sync.connection import Connection
from attendee_sync.http import Received
from attendee_sync.rainfocus import Answer, Attendee, Meaning, RainFocus
from tests import fakes
from tests.stack import CONNECTION, CREDENTIALS, changed, token

ATTENDEE = {
    "email": "ada@example.com",
    "firstname": "Augusta",
    "lastname": "King (Noel)",
    "phone": "+1 555 0100",
    "state": "UT",
}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def store(reply: fakes.Reply, connection: Connection = CONNECTION) -> tuple[Answer, fakes.Call]:
    other_end = fakes.Http(reply)
    client = RainFocus(other_end.session())
    answer = client.store(connection, token(), Attendee("summit2027", ATTENDEE), TRACE)
    [call] = other_end.calls
    return answer, call


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (fakes.envelope("0"), Meaning.STORED),
        (fakes.envelope(0), Meaning.STORED),
        (fakes.envelope("0", status=201), Meaning.STORED),
        (fakes.envelope("0", status=299), Meaning.STORED),
        (fakes.envelope("00"), Meaning.PROFILE),
        (fakes.envelope(False), Meaning.PROFILE),
        (fakes.envelope(None), Meaning.PROFILE),
        (fakes.envelope("1"), Meaning.PROFILE),
        (fakes.envelope("13"), Meaning.PROFILE),
        (fakes.envelope("103", "A valid email is required."), Meaning.PROFILE),
        (fakes.envelope("103", "A valid apiProfile is required."), Meaning.CONFIGURATION),
        (fakes.envelope("103", "No APIPROFILE", status=400), Meaning.CONFIGURATION),
        (fakes.envelope("101", "Invalid API Profile", status=400), Meaning.CONFIGURATION),
        (fakes.envelope("124", "Access to API endpoint denied."), Meaning.CONFIGURATION),
        (fakes.envelope("0", status=403), Meaning.CONFIGURATION),
        (fakes.Reply(403, b"<html>"), Meaning.CONFIGURATION),
        (fakes.envelope("0", status=401), Meaning.TOKEN),
        (fakes.Reply(401), Meaning.TOKEN),
        (fakes.envelope("0", status=400), Meaning.PROFILE),
        (fakes.Reply(400), Meaning.PROFILE),
        (fakes.Reply(404, b"Error", {"Content-Type": "text/html"}), Meaning.PROFILE),
        (fakes.Reply(409), Meaning.PROFILE),
        (fakes.Reply(422), Meaning.PROFILE),
        (fakes.Reply(501), Meaning.PROFILE),
        (fakes.Reply(200), Meaning.PROFILE),
        (fakes.Reply(204), Meaning.PROFILE),
        (fakes.Reply(200, b"Success"), Meaning.PROFILE),
        (fakes.Reply(200, b"[]"), Meaning.PROFILE),
        (fakes.Reply(200, b'"0"'), Meaning.PROFILE),
        (fakes.Reply(200, b"{}"), Meaning.PROFILE),
        (fakes.Reply(200, b"[" * 60_000), Meaning.PROFILE),
        (fakes.Reply(200, b"\xff\xfe"), Meaning.PROFILE),
        *((fakes.Reply(status), Meaning.PASSING) for status in (408, 423, 425, 429)),
        *((fakes.Reply(status), Meaning.PASSING) for status in (500, 502, 503, 504, 520, 599)),
        (fakes.envelope("0", status=500), Meaning.PASSING),
        (fakes.envelope("124", status=503), Meaning.PASSING),
        (fakes.Reply(error=requests.ConnectionError("x")), Meaning.PASSING),
        (fakes.Reply(error=requests.ConnectTimeout("x")), Meaning.PASSING),
        (fakes.Reply(error=requests.ReadTimeout("x")), Meaning.PASSING),
        (fakes.Reply(error=requests.exceptions.SSLError("x")), Meaning.PASSING),
        (fakes.Reply(error=requests.exceptions.ChunkedEncodingError("x")), Meaning.PASSING),
    ],
)
def test_each_answer_has_its_meaning(reply: fakes.Reply, meaning: Meaning) -> None:
    answer, _ = store(reply)
    assert answer.meaning is meaning
    assert answer.status == (None if reply.error else reply.status)


def test_an_answer_too_large_to_read_is_no_success() -> None:
    body = json.dumps({"responseCode": "0", "padding": "x" * http.MAX_ANSWER_BYTES}).encode()
    answer, _ = store(fakes.Reply(200, body))
    assert answer.meaning is Meaning.PROFILE


def test_a_stored_attendee_has_the_id_that_rainfocus_gave() -> None:
    answer, _ = store(fakes.stored())
    assert answer == Answer(Meaning.STORED, 200, "0", "", "1700000000000001abcd")


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


def test_the_connections_settings_are_followed() -> None:
    connection = changed(
        base_url="https://rf.example.com",
        version="v2",
        api_profile={"place": "off"},
        limits={"connect_timeout": 1.5, "read_timeout": 2.5},
    )
    _, call = store(fakes.stored(), connection)
    assert call.url == "https://rf.example.com/api/acme/v2/attendee/store"
    assert call.timeout == (1.5, 2.5)
    assert "apiProfile" not in call.headers


def test_a_redirect_is_not_followed() -> None:
    answer, _ = store(fakes.Reply(302, headers={"Location": "https://elsewhere.example.com/"}))
    assert answer.status == 302
    assert answer.meaning is not Meaning.STORED


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
        ("100000", 900),
        ("9" * 4_000, 900),
        ("9" * 5_000, None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00", 0),
        ("Tue, 31 Dec 2999 23:59:59 GMT", 900),
        ("Tue, 31 Dec 2999 23:59:59 -0000", 900),
        ("Tue, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Tue, 31 Dec 2999 99:59:59 GMT", None),
        ("Tue, 31 Dec 2999 23:59:59 +999999", None),
    ],
)
def test_retry_after_is_read_from_a_number_or_a_date(
    header: str | None, seconds: int | None
) -> None:
    assert rainfocus.retry_after(header) == seconds


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Email ada@example.com is blocked.", "Email ***@*** is blocked."),
        ("Email <other@example.org> exists", "Email <***@***> exists"),
        ("augusta KING (NOEL) exists", "*** *** exists"),
        ("phone +1 555 0100 is wrong", "phone *** is wrong"),
        ("state UT is wrong", "state UT is wrong"),
        ("x" * 498 + "Augusta", "x" * 498 + "**"),
        ("x" * 497 + "Augusta", "x" * 497 + "***"),
        ("x" * 490 + " ada@example.com", "x" * 490 + " ***@***"),
        ("y" * 2_000, "y" * 500),
        (["a", "list"], "['a', 'list']"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 403, 503])
def test_a_message_repeats_nothing_of_the_profile(said: Any, kept: str, status: int) -> None:
    answer, _ = store(fakes.envelope("5", said, status=status))
    assert answer.message == kept


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
    assert answer.meaning is Meaning.PROFILE


@pytest.mark.parametrize("attendee_id", ["ada@example.com", "Augusta King", "x" * 100])
def test_what_is_no_id_is_not_kept(attendee_id: str) -> None:
    answer, _ = store(fakes.envelope(attendeeId=attendee_id))
    assert answer.meaning is Meaning.STORED
    assert answer.attendee_id == ""


def test_the_meaning_needs_no_call() -> None:
    received = Received(200, b'{"responseCode": "0"}', requests.structures.CaseInsensitiveDict())
    assert rainfocus.meaning(received, CONNECTION).meaning is Meaning.STORED
