"""Every dialect of the simulator: spoken alike it delivers; else the doctor names the switch."""

import socket
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
import requests

from attendee_sync import http_client
from attendee_sync.attendee import FIELDS
from attendee_sync.outcome import AnswerKind
from attendee_sync.rainfocus import token_endpoint
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import calls, examination
from attendee_sync_cli.doctor.calls import made_up_attendee
from attendee_sync_cli.doctor.report import Case, Check, Report, Step, StepState
from local.simulator.client import SimulatorClient
from local.simulator.faults import Effect, Fault
from local.simulator.server import running

pytestmark = pytest.mark.enable_socket

CREDENTIALS = Credentials("demo-client", "demo-secret", "demo-profile-token")
EVENT = "summit2026"
EMAIL = "doctor@example.com"
TRACE_PARENT = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
SECRETS = ("demo-client", "demo-secret", "demo-profile-token")

type Settings = dict[str, Any]


@dataclass(frozen=True)
class Switch:
    """One switch: how the simulator is set, and the connection when it is set alike or not."""

    name: str
    setting: str  # what the doctor names
    simulator: Settings = field(default_factory=dict)
    alike: Settings = field(default_factory=dict)
    different: Settings = field(default_factory=dict)
    check: Check = Check.API_PROFILE
    sure: bool = True
    found_by_read: bool = False

    def __str__(self) -> str:
        return self.name


def profile(**settings: str) -> Settings:
    return {"api_profile": settings}


def auth(**settings: Any) -> Settings:
    return {"auth": settings}


def fields(**settings: Any) -> Settings:
    return {"fields": settings}


def body(**settings: str) -> Settings:
    return {"body": settings}


def event(**settings: str) -> Settings:
    return {"event": settings}


def _places() -> list[Switch]:
    return [
        Switch(
            f"apiProfile in {theirs}, sent in {ours}",
            "api_profile.place",
            profile(place=theirs),
            profile(place=theirs),
            profile(place=ours),
            found_by_read=True,
        )
        for theirs in ("header", "query", "both", "off")
        for ours in ("header", "query", "both", "off")
        if ours != theirs
    ]


def _event_places() -> list[Switch]:
    return [
        Switch(
            f"event in {theirs}, sent in {ours}",
            "event.place",
            event(place=theirs),
            event(place=theirs),
            event(place=ours),
            Check.TEST_ATTENDEE,
        )
        for theirs in ("body", "query", "both")
        for ours in ("body", "query", "both")
        if ours != theirs
    ]


def _bodies() -> list[Switch]:
    return [
        Switch(
            f"body {theirs}, sent as {ours}",
            "body.kind",
            body(kind=theirs),
            body(kind=theirs),
            body(kind=ours),
            Check.TEST_ATTENDEE,
        )
        for theirs in ("json", "form", "array", "wrapped")
        for ours in ("json", "form", "array", "wrapped")
        if ours != theirs
    ]


def _renames() -> list[Switch]:
    """Of the known names the doctor finds some out; of others it finds out which field it is."""
    names = {name: f"attribute{number}" for number, name in enumerate(FIELDS)}
    names |= {"state": "stateId", "countryid": "countryId", "email": "emailAddress"}
    return [
        Switch(
            f"{name} is {wire_name}, unknown fields are refused",
            f"fields.names.{name}",
            {"fields": {"renames": {name: wire_name}, "unknown": "reject"}},
            fields(names={name: wire_name}),
            check=Check.TEST_ATTENDEE,
            sure=not wire_name.startswith("attribute"),
            found_by_read=name == "email",
        )
        for name, wire_name in names.items()
    ]


ALL = [
    Switch(
        "v2", "version", {"version": "v2"}, {"version": "v2"}, check=Check.API, found_by_read=True
    ),
    Switch("v3", "version", {}, {}, {"version": "v2"}, check=Check.API, found_by_read=True),
    Switch(
        "no OAuth, the client id as API profile",
        "auth.kind",
        {"oauth": False},
        auth(kind="profile_token"),
        check=Check.TOKEN,
        found_by_read=True,
    ),
    Switch(
        "no OAuth, a profile token",
        "auth.kind",
        {"oauth": False, **profile(value="profile_token")},
        auth(kind="profile_token") | profile(value="profile_token"),
        check=Check.TOKEN,
        found_by_read=True,
    ),
    Switch("OAuth", "auth.kind", {}, {}, auth(kind="profile_token"), found_by_read=True),
    Switch(
        "client authentication in the body",
        "auth.client_auth",
        {"token": {"client_auth": "body"}},
        auth(client_auth="body"),
        auth(client_auth="basic"),
        Check.TOKEN,
        found_by_read=True,
    ),
    Switch(
        "client authentication as Basic",
        "auth.client_auth",
        {"token": {"client_auth": "basic"}},
        auth(client_auth="basic"),
        auth(client_auth="body"),
        Check.TOKEN,
        found_by_read=True,
    ),
    Switch(
        "a scope",
        "auth.scope",
        {"token": {"scope": "attendee.write"}},
        auth(scope="attendee.write"),
        check=Check.TOKEN,
        sure=False,
        found_by_read=True,
    ),
    Switch(
        "no scope",
        "auth.scope",
        {},
        {},
        auth(scope="attendee.write"),
        Check.TOKEN,
        found_by_read=True,
    ),
    Switch(
        "extra parameters",
        "auth.parameters",
        {"token": {"parameters": {"audience": "rainfocus"}}},
        auth(parameters={"audience": "rainfocus"}),
        check=Check.TOKEN,
        sure=False,
        found_by_read=True,
    ),
    *_places(),
    Switch(
        "apiProfile under the attendee-side name",
        "api_profile.name",
        profile(name="rfApiProfileId"),
        profile(name="rfApiProfileId"),
        found_by_read=True,
    ),
    Switch(
        "apiProfile under another name",
        "api_profile.name",
        profile(name="X-Caller"),
        profile(name="X-Caller"),
        found_by_read=True,
    ),
    Switch(
        "apiProfile under another name in the query",
        "api_profile.name",
        profile(name="caller", place="query"),
        profile(name="caller", place="query"),
        profile(place="query"),
        found_by_read=True,
    ),
    Switch(
        "apiProfile under the usual name",
        "api_profile.name",
        {},
        {},
        profile(name="rfApiProfileId"),
        found_by_read=True,
    ),
    Switch(
        "the profile token as API profile",
        "api_profile.value",
        profile(value="profile_token"),
        profile(value="profile_token"),
        found_by_read=True,
    ),
    Switch(
        "the client id as API profile",
        "api_profile.value",
        {},
        {},
        profile(value="profile_token"),
        found_by_read=True,
    ),
    Switch(
        "event under another key",
        "event.key",
        event(key="eventCode"),
        event(key="eventCode"),
        check=Check.EVENT_CODE,
        found_by_read=True,
    ),
    Switch(
        "event under another key in the query",
        "event.key",
        event(key="show", place="query"),
        event(key="show", place="query"),
        event(place="query"),
        Check.EVENT_CODE,
        found_by_read=True,
    ),
    Switch(
        "event under the usual key",
        "event.key",
        {},
        {},
        event(key="eventCode"),
        Check.EVENT_CODE,
        found_by_read=True,
    ),
    *_event_places(),
    *_bodies(),
    Switch(
        "wrapped under a usual key",
        "body.wrapped_under",
        body(kind="wrapped", wrapped_under="data"),
        body(kind="wrapped", wrapped_under="data"),
        body(kind="wrapped"),
        Check.TEST_ATTENDEE,
    ),
    Switch(
        "wrapped under an unusual key",
        "body.wrapped_under",
        body(kind="wrapped", wrapped_under="envelope"),
        body(kind="wrapped", wrapped_under="envelope"),
        body(kind="wrapped"),
        Check.TEST_ATTENDEE,
        sure=False,
    ),
    *_renames(),
    *(
        Switch(
            f"matched by {key}",
            "fields.match_key",
            {"match_key": key},
            fields(match_key=key),
            check=Check.TEST_ATTENDEE,
            found_by_read=True,
        )
        for key in ("clientId", "externalId")
    ),
    Switch(
        "matched by a hash of the e-mail address",
        "fields.match_key",
        {"match_key": "email_lc_sha256"},
        fields(match_key="email_lc_sha256", match_value="email_sha256"),
        check=Check.TEST_ATTENDEE,
        found_by_read=True,
    ),
]


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
def session() -> Iterator[requests.Session]:
    with http_client.session(pool_size=1) as made:
        yield made


def connection_of(simulator: SimulatorClient, *changes: Settings) -> Connection:
    document: Settings = {
        "org_id": "acme",
        "base_url": simulator.base_url(),
        "auth": {"token_url": simulator.token_url()},
        "limits": {"connect_timeout": 2, "read_timeout": 5},
    }
    for change in changes:
        for section, settings in deepcopy(change).items():
            if isinstance(settings, dict):
                document[section] = {**document.get(section, {}), **settings}
            else:
                document[section] = settings
    return Connection.model_validate(document)


def examined(
    session: requests.Session,
    connection: Connection,
    *,
    write_test: str = EMAIL,
    credentials: Credentials = CREDENTIALS,
    event_code: str = EVENT,
) -> Report:
    case = Case(
        "default",
        connection.model_dump_json(),
        credentials,
        "summit",
        f'{{"event_code": "{event_code}"}}',
        write_test,
    )
    report = examination.examine(case, session, sleep=lambda _: None)
    shown = " ".join(step.words for step in report.steps)
    assert not [secret for secret in SECRETS if secret in shown]
    return report


def failure_of(report: Report) -> Step:
    assert report.failure is not None, report.steps
    return report.failure


def states(report: Report) -> dict[Check, StepState]:
    return {step.check: step.state for step in report.steps}


@pytest.mark.parametrize("switch", ALL, ids=str)
def test_spoken_alike_an_attendee_is_delivered(
    simulator: SimulatorClient, session: requests.Session, switch: Switch
) -> None:
    simulator.change_organisation(switch.simulator)
    connection = connection_of(simulator, switch.alike)
    token, _ = token_endpoint.obtain(session, connection, CREDENTIALS)
    attendee = Attendee(EVENT, made_up_attendee(EMAIL))
    answer = RainFocusClient(session).store(connection, token, attendee, TRACE_PARENT)
    assert answer.kind is AnswerKind.STORED, answer
    [stored] = simulator.attendees()
    assert stored.attendee_id == answer.attendee_id
    names = connection.fields.names
    sent = {names.get(name, name): text for name, text in attendee.fields.items()}
    assert stored.fields.items() >= sent.items()


@pytest.mark.parametrize("switch", ALL, ids=str)
def test_spoken_alike_the_doctor_finds_nothing(
    simulator: SimulatorClient, session: requests.Session, switch: Switch
) -> None:
    simulator.change_organisation(switch.simulator)
    connection = connection_of(simulator, switch.alike)
    written = examined(session, connection)
    assert written.failure is None, written.steps
    assert states(written)[Check.READ_BACK] in (StepState.PASSED, StepState.UNKNOWN)
    assert set(states(written).values()) - {StepState.PASSED} <= {StepState.UNKNOWN}
    assert states(written)[Check.TEST_ATTENDEE] is StepState.PASSED
    read = examined(session, connection, write_test="")
    assert read.failure is None, read.steps
    assert states(read)[Check.EVENT_CODE] is StepState.PASSED
    assert states(read)[Check.ATTENDEE_STORE] is StepState.UNKNOWN
    assert read.experiments == written.experiments == 0
    assert len(simulator.attendees()) == 1


@pytest.mark.parametrize("switch", ALL, ids=str)
def test_set_differently_the_doctor_names_the_switch(
    simulator: SimulatorClient, session: requests.Session, switch: Switch
) -> None:
    simulator.change_organisation(switch.simulator)
    failure = failure_of(examined(session, connection_of(simulator, switch.different)))
    assert (failure.setting, failure.check) == (switch.setting, switch.check), failure.words
    assert failure.sure is switch.sure


@pytest.mark.parametrize("switch", ALL, ids=str)
def test_set_differently_a_read_finds_what_it_can(
    simulator: SimulatorClient, session: requests.Session, switch: Switch
) -> None:
    simulator.change_organisation(switch.simulator)
    report = examined(session, connection_of(simulator, switch.different), write_test="")
    found = report.failure.setting if report.failure else None
    assert found == (switch.setting if switch.found_by_read else None), report.steps
    assert simulator.attendees() == []


# --- what is no dialect ---


def test_attendee_store_that_is_not_enabled_is_named_with_rainfocus_s_words(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    simulator.change_organisation({"attendee_store_enabled": False})
    report = examined(session, connection_of(simulator))
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.ATTENDEE_STORE, "Attendee Store")
    assert "Access to API endpoint attendee/store denied." in failure.words
    assert states(report)[Check.API_PROFILE] is StepState.PASSED
    assert states(report)[Check.EVENT_CODE] is StepState.PASSED
    assert states(report)[Check.TEST_ATTENDEE] is StepState.UNKNOWN
    assert (
        states(examined(session, connection_of(simulator), write_test=""))[Check.ATTENDEE_STORE]
        is StepState.UNKNOWN
    )


@pytest.mark.parametrize("write_test", [EMAIL, ""])
@pytest.mark.parametrize("place", ["body", "query"])
def test_an_unknown_event_code_is_named(
    simulator: SimulatorClient, session: requests.Session, write_test: str, place: str
) -> None:
    simulator.change_organisation(event(place=place))
    connection = connection_of(simulator, event(place=place))
    report = examined(session, connection, event_code="summit2062", write_test=write_test)
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.EVENT_CODE, "destination.event_code")
    assert "summit2062, in destination summit" in failure.words
    assert "Event not found" in failure.words
    assert not failure.sure
    assert report.experiments <= 40


@pytest.mark.parametrize("client_auth", ["body", "basic"])
@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("demo-client", "another-secret"),
        Credentials("another-client", "demo-secret"),
        Credentials("demo-client", "another-secret", "demo-profile-token"),
    ],
)
def test_wrong_credentials_are_named(
    simulator: SimulatorClient,
    session: requests.Session,
    credentials: Credentials,
    client_auth: str,
) -> None:
    connection = connection_of(simulator, auth(client_auth=client_auth))
    report = examined(session, connection, credentials=credentials)
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.TOKEN, "credentials")
    assert not failure.sure  # another way of asking could be wanted
    assert "another" not in failure.words
    assert states(report)[Check.TOKEN_ENDPOINT] is StepState.PASSED
    assert states(report)[Check.API] is StepState.UNKNOWN
    assert simulator.tokens().requests <= calls.MAX_REFUSALS


def test_a_wrong_profile_token_is_named(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    simulator.change_organisation({"oauth": False, **profile(value="profile_token")})
    connection = connection_of(
        simulator, auth(kind="profile_token"), profile(value="profile_token")
    )
    wrong = Credentials("demo-client", "", "another-profile-token")
    failure = failure_of(examined(session, connection, credentials=wrong))
    assert (failure.check, failure.setting) == (Check.API_PROFILE, "credentials")
    assert "Invalid API Profile" in failure.words
    assert not failure.sure


def test_credentials_that_are_not_stored_are_named(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    report = examined(session, connection_of(simulator), credentials=Credentials())
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.TOKEN, "credentials")
    assert failure.sure
    assert states(report)[Check.TOKEN_ENDPOINT] is StepState.UNKNOWN
    assert simulator.tokens().requests == 0


@pytest.mark.parametrize("path", ["/prod/oauth/tokens", "/nowhere", ""])
def test_a_token_url_that_answers_a_page_is_named(
    simulator: SimulatorClient, session: requests.Session, path: str
) -> None:
    connection = connection_of(simulator, auth(token_url=f"{simulator.url}{path}"))
    failure = failure_of(examined(session, connection))
    assert (failure.check, failure.setting) == (Check.TOKEN_ENDPOINT, "auth.token_url")
    assert "HTTP 404" in failure.words


@pytest.mark.parametrize(
    ("status", "named"),
    [
        (200, (Check.TOKEN_ENDPOINT, "auth.token_url", False)),
        # A page could be a refusal as well.
        (403, (Check.TOKEN, "credentials", False)),
    ],
)
def test_a_page_in_place_of_a_token_is_named(
    simulator: SimulatorClient, session: requests.Session, status: int, named: object
) -> None:
    simulator.add_fault(Fault(call="token", effect=Effect(status=status, body="<html>")))
    failure = failure_of(examined(session, connection_of(simulator)))
    assert (failure.check, failure.setting, failure.sure) == named


def test_a_secret_or_control_character_that_rainfocus_repeats_is_not_shown(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    message = "No demo-secret,\x1b[2J demo-profile-token, demo-client or doctor@example.com"
    simulator.add_fault(Fault(effect=Effect(code="77", message=message), call="attendeeInfo"))
    simulator.add_fault(Fault(effect=Effect(code="77", message=message), call="attendee/store"))
    for write_test in (EMAIL, ""):
        report = examined(session, connection_of(simulator), write_test=write_test)
        shown = "".join(step.words for step in report.steps)
        assert 'RainFocus says "No ***, [2J ***, *** or ***@***"' in shown
        assert shown.isprintable()


def test_the_client_s_errors_hold_no_token(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    connection = connection_of(simulator)
    token, _ = token_endpoint.obtain(session, connection, CREDENTIALS)
    message = f"No {token.value} or demo-profile-token"
    simulator.add_fault(Fault(effect=Effect(code="77", message=message)))
    attendee = Attendee(EVENT, made_up_attendee(EMAIL))
    stored = RainFocusClient(session).store(connection, token, attendee, TRACE_PARENT)
    read, _ = RainFocusClient(session).read(connection, token, EVENT, EMAIL)
    assert stored.message == read.message == "No *** or ***"


def test_a_token_url_that_is_empty_is_named(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    failure = failure_of(examined(session, connection_of(simulator, auth(token_url=""))))
    assert (failure.check, failure.setting) == (Check.TOKEN_ENDPOINT, "auth.token_url")


def test_a_token_of_another_environment_is_named(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    connection = connection_of(simulator, {"base_url": simulator.base_url("stg")})
    failure = failure_of(examined(session, connection))
    assert (failure.check, failure.setting) == (Check.API_PROFILE, "auth.token_url")
    assert "Invalid access token" in failure.words
    assert not failure.sure


def test_an_unknown_organisation_is_named(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    failure = failure_of(examined(session, connection_of(simulator, {"org_id": "acne"})))
    assert (failure.check, failure.setting, failure.sure) == (Check.API, "org_id", False)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"base_url": "https://rainfocus.invalid"}, "base_url"),
        (auth(token_url="https://rainfocus.invalid/token"), "auth.token_url"),
    ],
)
def test_a_host_that_does_not_resolve_is_named(
    simulator: SimulatorClient, session: requests.Session, settings: Settings, named: str
) -> None:
    report = examined(session, connection_of(simulator, settings))
    failure = failure_of(report)
    assert (failure.check, failure.setting) == (Check.HOST, named)
    assert "rainfocus.invalid" in failure.words
    assert set(list(states(report).values())[2:]) == {StepState.UNKNOWN}


@pytest.mark.parametrize(
    ("section", "setting", "named"),
    [({}, "base_url", "base_url"), ({"auth": {}}, "token_url", "auth.token_url")],
)
def test_a_port_without_tls_is_named(
    simulator: SimulatorClient,
    session: requests.Session,
    section: Settings,
    setting: str,
    named: str,
) -> None:
    url = simulator.url.replace("http:", "https:")
    settings = {"auth": {setting: url}} if section else {setting: url}
    failure = failure_of(examined(session, connection_of(simulator, settings)))
    assert (failure.check, failure.setting) == (Check.TLS, named)
    assert "TLS" in failure.words


def test_a_closed_port_is_named(simulator: SimulatorClient, session: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    connection = connection_of(simulator, {"base_url": f"https://127.0.0.1:{port}"})
    failure = failure_of(examined(session, connection))
    assert (failure.check, failure.setting) == (Check.TLS, "")
    assert failure.is_later
    assert "look at base_url" in failure.words


@pytest.mark.parametrize(
    ("call", "check"),
    [
        ("token", Check.TOKEN_ENDPOINT),
        ("attendeeInfo", Check.API),
    ],
)
def test_of_what_is_out_of_order_nothing_is_to_be_changed(
    simulator: SimulatorClient,
    session: requests.Session,
    call: Literal["token", "attendeeInfo"],
    check: Check,
) -> None:
    simulator.add_fault(Fault(call=call, effect=Effect(status=503)))
    report = examined(session, connection_of(simulator), write_test="")
    failure = failure_of(report)
    assert (failure.check, failure.setting, failure.is_later) == (check, "", True)
    assert "503" in failure.words
    assert report.experiments == 0


def test_several_faults_at_once_are_found_together(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    simulator.change_organisation(
        {
            "fields": {"renames": {"state": "region", "zip": "postcode"}, "unknown": "reject"},
            "body": {"kind": "form"},
        }
    )
    report = examined(session, connection_of(simulator))
    failure = failure_of(report)
    assert failure.sure
    assert {change.setting for change in report.changes} == {
        "body.kind",
        "fields.names.state",
        "fields.names.zip",
    }
    mended = Connection.model_validate_json(report.settings)
    assert examined(session, mended).is_delivered


def test_the_progress_of_trials_is_told(
    simulator: SimulatorClient, session: requests.Session
) -> None:
    simulator.change_organisation(profile(place="query"))
    told: list[str] = []
    case = Case(
        "default",
        connection_of(simulator).model_dump_json(),
        CREDENTIALS,
        "summit",
        f'{{"event_code": "{EVENT}"}}',
    )
    report = examination.examine(case, session, progress=told.append, sleep=lambda _: None)
    failure = failure_of(report)
    assert "trying api_profile.place = query" in told
    assert "RainFocus accepts the call with api_profile.place = query" in failure.words
    assert "api_profile.place is header now" in failure.words
    assert "Required parameter missing: apiProfile" in failure.words
