"""The doctor, where a simulator does not come to."""

import itertools
import json
import ssl
from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
import requests

from attendee_sync.attendee import FIELDS
from attendee_sync.rainfocus import access_token, token_endpoint
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import calls, changes, examination, experiments, hints, search, signs
from attendee_sync_cli.doctor.answers import Seen, Stage
from attendee_sync_cli.doctor.network import Network
from attendee_sync_cli.doctor.report import Case, Check, Report, Step, StepState
from tests.support import fakes
from tests.support.network import Reach
from tests.support.stack import CONNECTION, CREDENTIALS, TOKEN_URL, changed

type Answers = Callable[[fakes.Call], fakes.Reply]

ADDRESS = "doctor@example.com"


def granted(_: fakes.Call) -> fakes.Reply:
    return fakes.Reply(200, b'{"access_token": "not-a-real-access-token", "expires_in": 3600}')


def examined(  # noqa: PLR0913
    answers: Answers | fakes.Reply,
    *,
    settings: dict[str, Any] | str | None = None,
    token: Answers = granted,
    reach: Network | None = None,
    credentials: Credentials = CREDENTIALS,
    destination: str | None = '{"event_code": "summit2027"}',
    write_test: str = "",
) -> Report:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL:
            return token(call)
        return answers(call) if callable(answers) else answers

    text = settings if isinstance(settings, str) else changed(**settings or {}).model_dump_json()
    case = Case(
        "default", text, credentials, "summit" if destination else "", destination or "", write_test
    )
    report = examination.examine(
        case, fakes.Http(reply).session(), reach or Reach(), sleep=lambda _: None
    )
    assert [step.check for step in report.steps] == list(Check)
    return report


def failure_of(report: Report) -> Step:
    assert report.failure is not None, report.steps
    return report.failure


def step_of(report: Report, check: Check) -> Step:
    return next(step for step in report.steps if step.check is check)


def by_event(known: fakes.Reply, unknown: fakes.Reply) -> Answers:
    return lambda call: known if "summit2027" in call.url else unknown


# --- settings, hosts, TLS ---


def test_all_faults_of_the_settings_are_told() -> None:
    report = examined(fakes.stored(), settings='{"environment": "production", "version": "v4"}')
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.SETTINGS, "environment")
    assert "version: given \"v4\"; expected 'v3' or 'v2'" in failure.words
    assert {step.state for step in report.steps[1:]} == {StepState.UNKNOWN}
    assert {step.words for step in report.steps[1:]} == {"not tried"}


def test_a_fault_of_the_destination_is_told() -> None:
    failure = failure_of(examined(fakes.stored(), destination='{"event_code": "a b"}'))
    assert (failure.check, failure.setting) == (Check.SETTINGS, "destination.event_code")
    assert "destination summit: event_code: given a text of 3 characters" in failure.words


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("base_url", "https://a.example:99999"),
        ("base_url", "https://[a"),
        ("auth.token_url", "https://a.example:0x/t"),
    ],
)
def test_an_address_that_is_none_is_told(setting: str, url: str) -> None:
    settings = {"auth": {"token_url": url}} if "auth" in setting else {setting: url}
    text = json.dumps({"org_id": "acme", **settings})
    failure = failure_of(examined(fakes.stored(), settings=text))
    assert (failure.check, failure.setting) == (Check.SETTINGS, setting)


@pytest.mark.parametrize(
    ("settings", "host", "setting"),
    [
        ({}, "events.rainfocus.com", "environment"),
        ({"base_url": "https://rf.example.com/x"}, "rf.example.com", "base_url"),
        ({}, "token.example.com", "auth.token_url"),
    ],
)
def test_a_host_that_does_not_resolve(settings: dict[str, Any], host: str, setting: str) -> None:
    reach = Reach({host: OSError(-2, "Name not known")})
    failure = failure_of(examined(fakes.stored(), settings=settings, reach=reach))
    assert (failure.check, failure.setting, failure.sure) == (Check.HOST, setting, False)
    assert failure.words == f"{host}: Name not known"


def test_of_a_name_service_that_does_not_answer_nothing_is_to_be_changed() -> None:
    reach = Reach({"events.rainfocus.com": TimeoutError("no answer")})
    failure = failure_of(examined(fakes.stored(), reach=reach))
    assert (failure.check, failure.setting, failure.is_later) == (Check.HOST, "", True)


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("made up")
    error.verify_message = "self-signed certificate"
    return error


def tls_error() -> ssl.SSLError:
    error = ssl.SSLError("made up")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (certificate_error(), "its certificate is not trusted: self-signed certificate"),
        (tls_error(), "it does not speak TLS as it should: wrong version number"),
        (ssl.SSLError("x"), "it does not speak TLS as it should: the handshake failed"),
    ],
)
def test_tls_that_fails(error: OSError, words: str) -> None:
    reach = Reach({"events.rainfocus.com:443": error})
    failure = failure_of(examined(fakes.stored(), reach=reach))
    assert (failure.check, failure.setting) == (Check.TLS, "environment")
    assert failure.words == f"events.rainfocus.com:443: {words}"


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "Refused"), TimeoutError()])
def test_of_a_host_that_is_away_nothing_is_to_be_changed(error: OSError) -> None:
    failure = failure_of(examined(fakes.stored(), reach=Reach({"events.rainfocus.com:443": error})))
    assert (failure.check, failure.setting, failure.is_later) == (Check.TLS, "", True)
    assert "If it stays so, look at environment" in failure.words


def test_each_host_is_connected_to_as_calls_are() -> None:
    reach = Reach()
    report = examined(fakes.stored(), settings={"base_url": "http://127.0.0.1:81/x"}, reach=reach)
    assert reach.asked == [
        ("resolve", "127.0.0.1"),
        ("resolve", "token.example.com"),
        ("connect", "127.0.0.1:81"),
        ("handshake", "token.example.com:443"),
    ]
    step = step_of(report, Check.TLS)
    assert step.state is StepState.UNKNOWN
    assert "http in base_url" in step.words


def test_without_oauth_there_is_no_token_endpoint() -> None:
    reach = Reach()
    report = examined(
        fakes.stored(),
        settings={"auth": {"kind": "profile_token", "token_url": TOKEN_URL}},
        credentials=Credentials("client", "", "profile-token"),
        reach=reach,
    )
    assert report.failure is None
    assert ("resolve", "token.example.com") not in reach.asked
    assert step_of(report, Check.TOKEN_ENDPOINT).words == "not needed with a profile token"


@pytest.mark.enable_socket  # though it does not come to that
@pytest.mark.parametrize("host", ["a..example", "a" * 64])
def test_a_host_name_that_is_none_does_not_resolve(host: str) -> None:
    with pytest.raises(OSError, match="it is no host name"):
        Network().resolve(host, 1.0)


def test_a_name_service_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Thread, "start", lambda _: None)
    monkeypatch.setattr(Thread, "join", lambda *_: None)
    with pytest.raises(TimeoutError):
        Network().resolve("a.example", 0.01)


# --- what reads tell ---


@pytest.mark.parametrize(
    ("known", "unknown", "state"),
    [
        (fakes.envelope("0"), fakes.envelope("9", "No event"), StepState.PASSED),
        (fakes.envelope("8", "No attendee"), fakes.envelope("9", "No event"), StepState.PASSED),
        (fakes.envelope("9", "No event"), fakes.envelope("9", "No event"), StepState.FAILED),
        (
            fakes.envelope("9", "No event SUMMIT2027"),
            fakes.envelope("9", "No event "),
            StepState.FAILED,
        ),
        (fakes.envelope("8", "No attendee"), fakes.envelope("8", "No attendee"), StepState.UNKNOWN),
        (fakes.envelope("8", "No attendee"), fakes.Reply(503), StepState.UNKNOWN),
        (
            fakes.envelope("124", "Access to API endpoint attendeeInfo denied."),
            fakes.envelope("124", "Access to API endpoint attendeeInfo denied."),
            StepState.UNKNOWN,
        ),
    ],
)
def test_an_event_code_is_judged_by_comparison(
    known: fakes.Reply, unknown: fakes.Reply, state: StepState
) -> None:
    report = examined(by_event(known, unknown))
    assert step_of(report, Check.EVENT_CODE).state is state
    assert step_of(report, Check.API_PROFILE).state is StepState.PASSED
    if state is StepState.FAILED:
        assert failure_of(report).setting == "destination.event_code"


def test_without_a_destination_no_event_code_is_judged() -> None:
    report = examined(fakes.envelope("8", "No attendee"), destination=None)
    step = step_of(report, Check.EVENT_CODE)
    assert (step.state, step.words) == (StepState.UNKNOWN, "no destination uses this connection")


@pytest.mark.parametrize("write_test", [ADDRESS, ""])
@pytest.mark.parametrize(
    "answer",
    [
        fakes.Reply(error=requests.ConnectTimeout()),
        fakes.Reply(error=requests.ReadTimeout()),
        fakes.Reply(503, b"<html><title>Maintenance</title>"),
        fakes.envelope("9", "Slow down", 429),
    ],
)
def test_of_rainfocus_away_or_busy_nothing_is_to_be_changed(
    answer: fakes.Reply, write_test: str
) -> None:
    report = examined(answer, write_test=write_test)
    failure = failure_of(report)
    assert (failure.check, failure.setting, failure.is_later) == (Check.API, "", True)
    assert report.experiments == 0


def test_a_search_ends_when_rainfocus_becomes_busy() -> None:
    calls = itertools.count()

    def reply(_: fakes.Call) -> fakes.Reply:
        return fakes.envelope("101", "Nope") if next(calls) < 5 else fakes.envelope("9", "", 429)

    report = examined(reply, write_test=ADDRESS)
    assert failure_of(report).is_later
    assert next(calls) == 6  # after the first that says so, none


def test_a_change_that_a_server_breaks_by_is_not_an_outage() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if "form" in call.headers.get("Content-Type", ""):
            return fakes.stored()
        return fakes.Reply(500) if call.body.startswith("[") else fakes.envelope("7", "No array")

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert (failure.setting, failure.sure) == ("body.kind", True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (fakes.Reply(301, b"", {"Location": "https://a.example/x?e=a%40b"}), "https://a.example/x"),
        (fakes.Reply(200, b"<html><head><title>Sign in</title>"), '"Sign in" (HTTP 200)'),
        (fakes.Reply(404, b"<html><p>Nothing</p> <b>to see"), '"Nothing to see" (HTTP 404)'),
        (fakes.Reply(404, b"Error"), '"Error" (HTTP 404)'),
    ],
)
@pytest.mark.parametrize("write_test", [ADDRESS, ""])
def test_a_server_s_words_and_where_it_leads_are_shown(
    answer: fakes.Reply, words: str, write_test: str
) -> None:
    step = step_of(examined(answer, write_test=write_test), Check.API)
    assert words in step.words
    assert "?" not in step.words
    # A read that fails alone may be one that this API does not have.
    assert step.state is (StepState.FAILED if write_test else StepState.UNKNOWN)
    assert not step.sure


def test_no_secret_is_taken_to_another_site() -> None:
    asked: list[str] = []

    def reply(call: fakes.Call) -> fakes.Reply:
        asked.append(call.url)
        return fakes.Reply(308, b"", {"Location": "https://elsewhere.example/api"})

    examined(reply, write_test=ADDRESS)
    assert not [url for url in asked if "elsewhere" in url]


@pytest.mark.parametrize("header", ["WWW-Authenticate", "Location"])
def test_no_change_is_tried_that_repeats_what_was_sent(header: str) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL:
            return granted(call)
        told = call.headers.get("Authorization", "").removeprefix("Bearer ")
        place = f"https://events.rainfocus.com/{quote(f'{told}/{ADDRESS}')}"
        return fakes.Reply(
            307 if header == "Location" else 401, b"", {"WWW-Authenticate": told, "Location": place}
        )

    tried: list[str] = []
    case = Case(
        "default",
        json.dumps({"org_id": "acme", "auth": {"token_url": TOKEN_URL}}),
        CREDENTIALS,
        write_test=ADDRESS,
    )
    http = fakes.Http(reply).session()
    examination.examine(case, http, Reach(), tried.append, lambda _: None)
    assert tried
    assert not [words for words in tried if "not-a-real" in words or "doctor%40" in words]


def test_of_an_address_that_comes_with_the_token_rainfocus_is_asked() -> None:
    token = {"access_token": "not-a-real-access-token", "api_url": "https://eu.rf.example/x"}
    granted = fakes.Reply(200, json.dumps({**token, "expires_in": 900}).encode())
    refused = fakes.Reply(401, b'{"message": "Wrong place"}')
    failure = failure_of(examined(refused, token=lambda _: granted))
    assert (failure.setting, failure.is_asked, failure.sure) == ("base_url", True, False)
    assert "https://eu.rf.example:" in failure.words


def test_no_secret_that_a_redirect_repeats_becomes_a_setting() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if not call.url.startswith(TOKEN_URL):
            return fakes.stored()
        if "client_secret" not in call.url:
            return fakes.Reply(400, b'{"error": "invalid_request"}')
        if "/new" in call.url:
            return granted(call)
        return fakes.Reply(308, b"", {"Location": call.url.replace("/token?", "/token/new?")})

    report = examined(reply, token=reply)
    settings = json.loads(report.settings)
    assert settings["auth"]["token_url"] == f"{TOKEN_URL}/new"
    assert settings["auth"]["client_auth"] == "query"
    assert CREDENTIALS.client_secret not in report.settings


@pytest.mark.parametrize(
    ("answer", "setting"),
    [
        (fakes.Reply(403, b"<html>"), "environment"),
        (fakes.Reply(401), "auth.token_url"),
        (fakes.envelope("101", "Nope"), "api_profile.value"),
        (fakes.envelope("77", "Invalid API Profile"), "api_profile.value"),
        (fakes.envelope("103", "Required parameter missing: apiProfile", 400), "api_profile.name"),
    ],
)
def test_what_no_change_helps_with_is_named_but_not_sure(answer: fakes.Reply, setting: str) -> None:
    report = examined(answer)
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.API_PROFILE, setting)
    assert not failure.sure
    assert report.experiments > 0


def test_the_number_of_calls_is_bounded() -> None:
    made = itertools.count(1)

    def reply(_: fakes.Call) -> fakes.Reply:
        return fakes.envelope("77", f"Refused {'x' * next(made)}")  # always something new

    examined(reply, write_test=ADDRESS)
    assert next(made) <= search.MAX_CALLS + 10


def test_a_missing_parameter_that_nothing_supplies_leaves_a_read_without_result() -> None:
    report = examined(fakes.envelope("103", "Required parameter missing: userToken", 400))
    assert report.failure is None
    for check in (Check.API_PROFILE, Check.ATTENDEE_STORE, Check.EVENT_CODE):
        assert step_of(report, check).state is StepState.UNKNOWN


# --- what writes tell ---


def test_without_leave_nothing_is_written() -> None:
    def only_reads(call: fakes.Call) -> fakes.Reply:
        assert (call.method, call.body) == ("GET", "")
        assert "%40example.invalid" in call.url
        return fakes.Reply(401)

    examined(only_reads)


def test_test_attendees_have_all_fields_are_made_up_and_differ_in_all_of_them() -> None:
    bodies: list[dict[str, str]] = []

    def store(call: fakes.Call) -> fakes.Reply:
        if call.method == "POST":
            bodies.append(call.json)
            return fakes.stored()
        return fakes.envelope(attendee=bodies[-1])

    report = examined(store, write_test=ADDRESS)
    assert {step.state for step in report.steps} == {StepState.PASSED, StepState.UNKNOWN}
    assert step_of(report, Check.READ_BACK).state is StepState.PASSED
    first, second = bodies
    same = [name for name in first if first[name] == second[name]]
    assert (len(first), same) == (13, ["email", "event"])
    assert first["email"] == ADDRESS
    assert "Made-up" in first["firstname"]


def test_a_field_that_is_lost_is_kept_under_the_name_that_rainfocus_has() -> None:
    stored = {"countryId": "US", "firstname": "of before"}

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "POST":
            kept = ("firstName", "lastname", "countryId", "companyname", "email")
            stored.update({name: text for name, text in call.json.items() if name in kept})
            return fakes.stored()
        return fakes.envelope(attendee=stored)

    report = examined(reply, write_test=ADDRESS)
    failure = failure_of(report)
    assert (failure.check, failure.sure) == (Check.READ_BACK, True)
    assert step_of(report, Check.TEST_ATTENDEE).state is StepState.PASSED
    names = json.loads(report.settings)["fields"]["names"]
    assert names == {"firstname": "firstName", "countryid": "countryId"}


def test_a_field_that_no_name_keeps_is_called_lost() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "POST":
            return fakes.stored()
        return fakes.envelope(attendee={"companyname": "of before"})

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert (failure.check, failure.setting) == (Check.READ_BACK, "fields.names.companyname")
    assert not failure.sure


@pytest.mark.parametrize("message", ["Invalid state", "This event is closed"])
def test_a_name_that_only_hides_what_is_refused_is_not_sure(message: str) -> None:
    wrong = "CA" if "state" in message else "summit2027"
    key = "state" if "state" in message else "event"

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method != "POST":
            return fakes.Reply(404, b"Error")
        sent = json.loads(call.body) if call.body[:1] == "{" else {key: wrong}
        return fakes.envelope("77", message) if sent.get(key) == wrong else fakes.stored()

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert not failure.sure


def test_without_a_read_it_stays_unknown_what_is_kept() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        return fakes.stored() if call.method == "POST" else fakes.Reply(404, b"Error")

    report = examined(reply, write_test=ADDRESS)
    assert report.failure is None
    assert report.is_delivered
    assert step_of(report, Check.READ_BACK).state is StepState.UNKNOWN


def test_no_sign_of_success_is_believed_that_a_refused_call_has_as_well() -> None:
    report = examined(fakes.Reply(200, b'{"status": "ok", "id": "7"}'), write_test=ADDRESS)
    failure = failure_of(report)
    assert (failure.setting, failure.sure) == ("answers.success", False)
    assert report.changes == ()


def test_no_sign_is_believed_because_a_gateway_refuses_a_wrong_token() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.headers["Authorization"] != "Bearer not-a-real-access-token":
            return fakes.Reply(401)
        return fakes.Reply(200, b'{"status": "ok", "id": "7"}')  # whatever is asked

    report = examined(reply, write_test=ADDRESS)
    assert not failure_of(report).sure
    assert report.changes == ()


def test_no_change_is_dropped_without_which_a_sign_of_success_tells_nothing() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        # Where it is sent no form, it takes everything for granted.
        is_right = "summit2027" in call.body and "email=" in call.body
        is_known = call.headers["Authorization"] == "Bearer not-a-real-access-token"
        if not call.body or call.body.startswith("{") or (is_right and is_known):
            return fakes.Reply(200, b'{"status": "ok"}')
        return fakes.Reply(200, b'{"status": "error", "message": "refused"}')

    report = examined(reply, write_test=ADDRESS)
    assert failure_of(report).sure
    settings = json.loads(report.settings)
    assert settings["body"]["kind"] == "form"
    assert settings["answers"]["code"] == "body.status"


@pytest.mark.parametrize(
    ("message", "check", "setting"),
    [
        ("Unknown field: state", Check.TEST_ATTENDEE, "fields.names.state"),
        ("The body can't be read", Check.TEST_ATTENDEE, "body.kind"),
        ("Malformed JSON", Check.TEST_ATTENDEE, "body.kind"),
        ("This event is closed", Check.EVENT_CODE, "destination.event_code"),
        ("Success", Check.TEST_ATTENDEE, "answers.success"),
        ("Required parameter missing: guid", Check.TEST_ATTENDEE, "fields.match_key"),
        ("No", Check.TEST_ATTENDEE, ""),
    ],
)
def test_the_most_likely_setting_is_named_by_the_words(
    message: str, check: Check, setting: str
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        found = fakes.envelope("8", "No attendee")
        return fakes.envelope("77", message) if call.method == "POST" else found

    report = examined(reply, write_test=ADDRESS)
    failure = failure_of(report)
    assert (failure.check, failure.setting, failure.sure) == (check, setting, False)
    assert f'RainFocus says "{message}"' in failure.words
    assert report.changes == ()


def test_a_field_is_named_when_the_attendee_is_stored_without_it() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "POST" and "0000" in call.body:
            return fakes.envelope("77", "Bad value for zip")
        return fakes.stored()

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert (failure.setting, failure.sure) == ("fields.names.zip", False)
    assert "Without zip RainFocus stores the attendee" in failure.words


def test_a_field_that_is_unknown_under_any_name_is_left_out_but_not_for_sure() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "POST" and "0000" in call.body:
            return fakes.envelope("77", "Unknown field: zip")
        return fakes.stored()

    report = examined(reply, write_test=ADDRESS)
    failure = failure_of(report)
    assert (failure.setting, failure.sure) == ("fields.names.zip", False)
    assert "zip is left out: ask RainFocus" in failure.words
    body = json.loads(report.settings)["call"]["body"]
    assert set(FIELDS) - body.keys() == {"zip"}


@pytest.mark.parametrize("refusal", [fakes.Reply(403, b"<html>"), fakes.envelope("101", "No")])
def test_attendee_store_is_named_where_only_the_write_is_refused(refusal: fakes.Reply) -> None:
    reads: list[str] = []

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "GET" and call.body == "":
            reads.append(call.url)
        return refusal if call.method == "POST" else fakes.envelope("8", "No attendee")

    report = examined(reply, write_test=ADDRESS)
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.ATTENDEE_STORE, "Attendee Store")
    assert not failure.sure
    assert step_of(report, Check.API_PROFILE).state is StepState.PASSED
    own = [url for url in reads[-2:] if "summit2027" in url]
    assert len(own) == 1  # the other is for an event that does not exist


# --- tokens ---


def stored_token(connection: Connection, value: str = "the-stored-token") -> str:
    asked = {"access_token": value, "expires_in": 3600}
    granting = fakes.Http(fakes.Reply(200, json.dumps(asked).encode()))
    made, _ = token_endpoint.obtain(granting.session(), connection, CREDENTIALS)
    return access_token.dump(made)


@pytest.mark.parametrize("write_test", [ADDRESS, ""])
@pytest.mark.parametrize(
    ("refused", "state"), [("Bearer the-stored-token", StepState.FAILED), ("", StepState.PASSED)]
)
def test_the_stored_token_is_tried_before_a_fresh_one_is_asked_for(
    refused: str, state: StepState, write_test: str
) -> None:
    order: list[str] = []

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL:
            order.append("asked")
            return granted(call)
        order.append(call.headers["Authorization"])
        return fakes.Reply(401) if call.headers["Authorization"] == refused else fakes.stored()

    case = Case("default", CONNECTION.model_dump_json(), CREDENTIALS, "summit")
    case = replace(case, destination_settings='{"event_code": "summit2027"}')
    case = replace(case, write_test=write_test, stored_token=stored_token(CONNECTION))
    report = examination.examine(case, fakes.Http(reply).session(), Reach(), sleep=lambda _: None)
    step = step_of(report, Check.STORED_TOKEN)
    assert step.state is state
    assert order[:2] == ["Bearer the-stored-token", "asked"]
    assert "the-stored-token" not in str(report.steps)
    if state is StepState.FAILED:
        assert (step.setting, step.sure) == ("token", True)


def test_credentials_that_are_missing_are_named_for_sure() -> None:
    failure = failure_of(examined(fakes.stored(), credentials=Credentials()))
    assert (failure.check, failure.setting, failure.sure) == (Check.TOKEN, "credentials", True)


def test_credentials_that_are_refused_are_shown_a_bounded_number_of_times() -> None:
    asked: list[fakes.Call] = []

    def refuse(call: fakes.Call) -> fakes.Reply:
        asked.append(call)
        return fakes.Reply(401, b'{"error": "invalid_client"}')

    failure = failure_of(examined(fakes.envelope("101", "No"), token=refuse, write_test=ADDRESS))
    assert (failure.setting, failure.sure) == ("credentials", False)
    assert 1 < len(asked) <= calls.MAX_REFUSALS


@pytest.mark.parametrize("words", ["Invalid client secret", "The account is locked"])
def test_a_secret_that_is_said_to_be_wrong_is_shown_once(words: str) -> None:
    asked: list[fakes.Call] = []

    def refuse(call: fakes.Call) -> fakes.Reply:
        asked.append(call)
        return fakes.Reply(401, json.dumps({"message": words}).encode())

    failure = failure_of(examined(fakes.envelope("101", "No"), token=refuse, write_test=ADDRESS))
    assert failure.setting == "credentials"
    assert len(asked) == 1


# --- signs of success ---


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("Attendee saved", True),
        ("Created.", True),
        ("Attendee was not stored", False),
        ("The event must be created first", False),
        ("Unsuccessful", False),
        ("Success: false", True),  # calls that must be refused tell
        ("", False),
    ],
)
def test_what_is_said_to_be_stored(text: str, is_said: bool) -> None:
    assert signs.says_stored(text) == is_said


def test_what_no_read_shows_and_nobody_says_is_no_success() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "GET":
            return fakes.envelope("8", "")
        known = "summit2027" in call.body and '"email"' in call.body
        return fakes.Reply(200, b'{"code": 5}' if known else b'{"code": 6}')

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert not failure.sure
    assert "accepts" not in failure.words


def test_of_an_answer_that_is_always_the_same_a_read_tells_that_it_stored() -> None:
    stored: list[str] = []

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "GET":
            return fakes.Reply(200, json.dumps({"people": stored[-1:]}).encode())
        stored.append(call.body)
        return fakes.Reply(200, b'{"code": 5}')

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert not failure.sure
    assert "as a read shows" in failure.words


# --- changes ---


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize(
    "message",
    ["Required parameter missing: emailSha", "Unknown field: state, event", "", "missing"],
)
def test_every_change_is_valid(message: str, stage: Stage) -> None:
    seen = Seen(stage, message, message, read=Reading(200, {}, {"status": "ok", "id": "7"}))
    document = json.loads(CONNECTION.model_dump_json())
    made = list(experiments.after(CONNECTION, CREDENTIALS, seen))
    assert made
    assert [
        change.words
        for change in made
        if changes.connection_of(change.applied(document), "default") is None
        and "apiProfile" not in change.words
    ] == []


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Required parameter missing: apiProfile", "apiProfile"),
        ("Required parameter missing: 'event.code'.", "event.code"),
        ("missing email", "email"),
        ("missing", ""),
        ("nothing", ""),
    ],
)
def test_a_missing_parameter_is_read_from_a_message(message: str, named: str) -> None:
    assert hints.missing_parameter(message) == named


def test_a_change_says_no_more_than_what_changes() -> None:
    change = changes.both(
        changes.of("api_profile.name", "apiProfile"), changes.of("api_profile.place", "query")
    )
    assert change.needed(CONNECTION).words == "api_profile.place = query"
    assert changes.now(CONNECTION, ("api_profile", "place")) == "header"
    assert changes.now(CONNECTION, ("fields", "names")) == "(empty)"


def test_trials_end_when_their_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_SECONDS", -1.0)
    report = examined(fakes.envelope("101", "Nope"))
    assert failure_of(report).setting == "api_profile.value"
    assert report.experiments == 0


@pytest.mark.parametrize(
    ("own", "target", "is_own"),
    [
        ("https://events.rainfocus.com", "https://api.rainfocus.com/x", True),
        ("https://events.acme.example", "https://events.acme.example/x", True),
        ("https://events.acme.example", "https://login.acme.example/x", False),
        ("https://events.rainfocus.com", "http://events.rainfocus.com/x", False),
        ("https://events.rainfocus.com", "https://rainfocus.com.evil.example/", False),
        ("http://127.0.0.1:80", "http://127.0.0.1:81/x", True),
        ("https://events.rainfocus.com", "", False),
    ],
)
def test_only_the_same_site_is_trusted(own: str, target: str, is_own: bool) -> None:
    assert hints.is_own_site(own, target) is is_own
