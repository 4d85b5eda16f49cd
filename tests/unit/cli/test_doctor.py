"""The doctor, where a simulator does not come to."""

import json
import ssl
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
import requests

from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync_cli.doctor import examination, experiments
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
    report = examination.examine(case, fakes.Http(reply).session(), reach or Reach())
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
@pytest.mark.parametrize("error", [TimeoutError("no answer"), OSError(-2, "Name not known")])
def test_a_host_that_does_not_resolve(
    settings: dict[str, Any], host: str, setting: str, error: OSError
) -> None:
    report = examined(fakes.stored(), settings=settings, reach=Reach({host: error}))
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.HOST, setting)
    assert failure.words in (f"{host}: no answer", f"{host}: Name not known")


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
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_tls_that_fails(error: OSError, words: str) -> None:
    reach = Reach({"events.rainfocus.com:443": error})
    failure = failure_of(examined(fakes.stored(), reach=reach))
    assert (failure.check, failure.setting) == (Check.TLS, "environment")
    assert failure.words == f"events.rainfocus.com:443: {words}"


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


@pytest.mark.parametrize(
    ("answer", "check", "setting"),
    [
        (fakes.Reply(error=requests.ConnectTimeout()), Check.API, "environment"),
        (fakes.Reply(503), Check.API, "environment"),
        (fakes.Reply(301), Check.API, "environment"),
        (fakes.Reply(200, b"<html>"), Check.API, "environment"),
        (fakes.Reply(404, b"Error"), Check.API, "org_id"),
        (fakes.Reply(403, b"<html>"), Check.API_PROFILE, "environment"),
        (fakes.Reply(401), Check.API_PROFILE, "auth.token_url"),
        (fakes.envelope("101", "Nope"), Check.API_PROFILE, "api_profile.value"),
        (fakes.envelope("77", "Invalid API Profile"), Check.API_PROFILE, "api_profile.value"),
        (
            fakes.envelope("103", "Required parameter missing: apiProfile", 400),
            Check.API_PROFILE,
            "api_profile.name",
        ),
    ],
)
def test_what_no_change_helps_with_is_named_but_not_sure(
    answer: fakes.Reply, check: Check, setting: str
) -> None:
    report = examined(answer)
    failure = failure_of(report)
    assert (failure.check, failure.setting, failure.sure) == (check, setting, False)
    assert report.experiments <= experiments.MAX_EXPERIMENTS


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


def test_a_test_attendee_has_all_fields_and_is_plainly_made_up() -> None:
    bodies: list[dict[str, str]] = []

    def store(call: fakes.Call) -> fakes.Reply:
        bodies.append(call.json)
        return fakes.stored()

    report = examined(store, write_test=ADDRESS)
    assert {step.state for step in report.steps} == {StepState.PASSED}
    [body] = bodies
    assert body["email"] == ADDRESS
    assert len(body) == 13
    assert "Made-up" in body["firstname"]


@pytest.mark.parametrize(
    ("message", "check", "setting"),
    [
        ("Unknown field: state", Check.TEST_ATTENDEE, "fields.names.state"),
        ("The body can't be read", Check.TEST_ATTENDEE, "body.kind"),
        ("Malformed JSON", Check.TEST_ATTENDEE, "body.kind"),
        ("This event is closed", Check.EVENT_CODE, "destination.event_code"),
        ("Success", Check.TEST_ATTENDEE, "answers.success_codes"),
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
    assert report.experiments <= experiments.MAX_EXPERIMENTS + 1


def test_a_field_is_named_for_sure_when_the_attendee_is_stored_without_it() -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.method == "POST" and "zip" in call.body:
            return fakes.envelope("77", "Unknown field: zip")
        return fakes.stored()

    failure = failure_of(examined(reply, write_test=ADDRESS))
    assert (failure.setting, failure.sure) == ("fields.names.zip", True)
    assert "Without zip RainFocus stores the attendee" in failure.words


@pytest.mark.parametrize("refusal", [fakes.Reply(403, b"<html>"), fakes.envelope("101", "No")])
def test_attendee_store_is_named_where_only_the_write_is_refused(refusal: fakes.Reply) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        return refusal if call.method == "POST" else fakes.envelope("8", "No attendee")

    report = examined(reply, write_test=ADDRESS)
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.ATTENDEE_STORE, "Attendee Store")
    assert not failure.sure
    assert step_of(report, Check.API_PROFILE).state is StepState.PASSED


# --- trials ---


def test_every_change_is_valid_new_and_tried_once() -> None:
    messages = [
        "Required parameter missing: emailSha",
        "Unknown field: state, event",
        "",
        "missing",
    ]
    for message in messages:
        changes = [
            *experiments.for_content(CONNECTION, message),
            *experiments.for_access(CONNECTION, CREDENTIALS, message),
        ]
        made = [each for each in (change.applied(CONNECTION) for change in changes) if each]
        assert CONNECTION not in made
    assert experiments.of("api_profile.name", "no header").applied(CONNECTION) is None
    assert experiments.of("version", "v3").applied(CONNECTION) is None


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
    assert experiments.missing_parameter(message) == named


def test_a_change_is_told_with_what_is_set_now() -> None:
    change = experiments.of("fields.names", {"state": "stateId"})
    assert change.before(CONNECTION) == "(empty)"
    assert experiments.of("api_profile.place", "query").accepted_words(CONNECTION) == (
        "RainFocus accepts the call with api_profile.place = query; api_profile.place is header now"
    )


def test_trials_end_when_their_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "MAX_SECONDS", -1.0)
    report = examined(fakes.envelope("101", "Nope"))
    assert failure_of(report).setting == "api_profile.value"
    assert report.experiments == 0
