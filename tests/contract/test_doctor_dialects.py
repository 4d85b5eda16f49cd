"""The doctor at APIs of many dialects: it leads to delivery, and is never sure of what is wrong.

Each dialect deviates in one way from what the settings say, or in two at once. They are made by
rules; the stand-in takes nothing but its own way.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import pytest
import requests

from attendee_sync.attendee import FIELDS
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync_cli.doctor import examination, search
from attendee_sync_cli.doctor.report import Case, Report
from tests.support import fakes, stand_in
from tests.support.fakes import Reply
from tests.support.network import Reach
from tests.support.stand_in import (
    CLIENT,
    EMAIL,
    EVENT,
    HOST,
    PROFILE_TOKEN,
    SECRET,
    TOKEN_URL,
    Dialect,
    Envelope,
    StandIn,
)

CREDENTIALS = Credentials(CLIENT, SECRET, PROFILE_TOKEN)
BASE: dict[str, Any] = {"org_id": "acme", "base_url": HOST, "auth": {"token_url": TOKEN_URL}}
MOST_ROUNDS = 4
OTHER_CALLS = 60  # beside the search: to compare, and to read back under other names


def _tokens() -> Iterator[Dialect]:
    for scheme in ("Token ", "OAuth ", ""):
        yield Dialect(f"authorization: {scheme}…", token=("header", "authorization", scheme))
    for name in ("x-auth-token", "rfauthtoken", "x-rf-session"):
        yield Dialect(f"token in header {name}", token=("header", name, ""))
    yield Dialect("Bearer in header x-rf-access", token=("header", "x-rf-access", "Bearer "))
    for name in ("access_token", "authToken", "jwt"):
        yield Dialect(f"token in parameter {name}", token=("query", name, ""))


def _profiles() -> Iterator[Dialect]:
    yield Dialect("profile in the query", profile=("query", "apiProfile", CLIENT))
    yield Dialect("profile under its other name", profile=("header", "rfapiprofileid", CLIENT))
    yield Dialect("profile token", profile=("header", "apiprofile", PROFILE_TOKEN))
    yield Dialect("profile in header x-api-key", profile=("header", "x-api-key", CLIENT))
    yield Dialect("organisation in a header", profile=("header", "x-gw-ims-org-id", "acme"))
    yield Dialect(
        "subscription key", profile=("header", "ocp-apim-subscription-key", PROFILE_TOKEN)
    )
    yield Dialect(
        "no OAuth, profile token", token=None, profile=("header", "apiprofile", PROFILE_TOKEN)
    )
    yield Dialect(
        "no OAuth, profile token in the query, v2",
        token=None,
        profile=("query", "apiProfile", PROFILE_TOKEN),
        path="/api/acme/v2/attendee/store",
    )


def _paths() -> Iterator[Dialect]:
    for path in (
        "/api/acme/v2/attendee/store",
        "/api/v3/acme/attendee/store",
        "/api/v2/attendee/store",
        "/acme/v3/attendee/store",
        "/attendee/store",
        "/acme/api/v3/attendee/store",
        "/api/acme/v3/attendees",
        "/api/v3/events/{event}/attendees",
        "/api/acme/v3/attendees/{email}",
    ):
        yield Dialect(f"path {path}", path=path)
    yield Dialect("PUT", method="PUT")
    yield Dialect("PATCH by e-mail", method="PATCH", path="/api/v3/attendees/{email}")


def _events() -> Iterator[Dialect]:
    yield Dialect("event in the query", event=("query", "event"))
    yield Dialect("event as eventCode", event=("body", "eventCode"))
    yield Dialect("event as eventId in the query", event=("query", "eventId"))
    yield Dialect("event in header x-event", event=("header", "x-event"))
    yield Dialect("event as show", event=("body", "show"))


def _bodies() -> Iterator[Dialect]:
    for body in (
        ("form",),
        ("array",),
        ("wrapped", "attendee"),
        ("wrapped", "registrant"),
        ("wrapped", "guest"),
        ("list", "attendees"),
        ("list", "people"),
        ("beside", "contact"),
        ("pairs", "attributes", "code", "value"),
        ("xml",),
    ):
        yield Dialect(f"body {' '.join(body)}", body=body)


def _fields() -> Iterator[Dialect]:
    camel = {"firstname": "firstName", "lastname": "lastName", "companyname": "companyName"}
    yield Dialect("names in camel case, strict", names=camel, is_strict=True)
    yield Dialect("names in camel case", names=camel)
    yield Dialect("stateId and countryId", names={"state": "stateId", "countryid": "countryId"})
    yield Dialect("emailAddress", names={"email": "emailAddress"}, match="emailAddress")
    yield Dialect("matched by externalId", match="externalId")
    yield Dialect("names of a directory", names={"email": "mail", "lastname": "sn"}, match="mail")
    yield Dialect("strict country", names={"countryid": "country"}, is_strict=True)


def _answers() -> Iterator[Dialect]:
    for envelope in get_args(Envelope.__value__)[1:]:  # the first is what settings speak unasked
        yield Dialect(f"answers: {envelope}", envelope=envelope)


def _token_calls() -> Iterator[Dialect]:
    for ask in (
        ("basic",),
        ("basic_plain",),
        ("json", "client_id", "client_secret"),
        ("query", "client_id", "client_secret"),
        ("get", "client_id", "client_secret"),
        ("json", "clientId", "clientSecret"),
        ("form", "apiKey", "apiSecret"),
        ("json", "username", "password"),
        ("header", "x-client-id", "x-client-secret"),
        ("json", "user", "pass"),
        ("query", "clientId", "clientSecret"),
        ("get", "apiKey", "apiSecret"),
    ):
        yield Dialect(f"token asked for by {' '.join(ask)}", ask=ask)
    for grant in ("camel", "jwt", "moment", "created", "text", "header", "ticket", "list"):
        yield Dialect(f"token granted as {grant}", grant=grant)
    yield Dialect("token URL redirects", token_redirect="/v2/oauth/token")
    yield Dialect("a scope that is told", scope="attendee.write")


def _redirects() -> Iterator[Dialect]:
    yield Dialect(
        "redirect to a path",
        redirect="/api/v9/acme/attendee/store",
        path="/api/v9/acme/attendee/store",
    )


SINGLES = [
    *_tokens(),
    *_profiles(),
    *_paths(),
    *_events(),
    *_bodies(),
    *_fields(),
    *_answers(),
    *_token_calls(),
    *_redirects(),
]


def _merged(one: Dialect, other: Dialect) -> Dialect:
    usual = Dialect()
    changed = {
        name: value
        for name, value in vars(other).items()
        if value != getattr(usual, name) and name != "name"
    }
    return replace(one, name=f"{one.name} + {other.name}", **changed)


def _pairs() -> list[Dialect]:
    """Of each two families the members in turn: so many pairs as the longer one has members."""
    families = [
        list(each())
        for each in (_tokens, _profiles, _paths, _events, _bodies, _fields, _answers, _token_calls)
    ]
    made = []
    for one, other in itertools.combinations(families, 2):
        for number in range(2):
            left = one[(number * 3 + len(other)) % len(one)]
            right = other[(number * 5 + len(one)) % len(other)]
            made.append(_merged(left, right))
    return made


PAIRS = _pairs()


@dataclass(frozen=True)
class Treated:
    """What came of `doctor --apply --write-test` in a dialect."""

    report: Report  # the last one
    stand_in: StandIn
    has_changed: bool
    was_sure: bool  # of each change
    settings: dict[str, Any]
    most_calls: int  # of one examination


def treated(dialect: Dialect, write_test: str = EMAIL) -> Treated:
    """Examine, and take over what helps, as the command does, until nothing is to be changed."""
    server = StandIn(dialect)
    http = fakes.Http(server.reply)
    settings, has_changed, was_sure, most_calls = BASE, False, True, 0
    for _ in range(MOST_ROUNDS):
        event = json.dumps({"event_code": EVENT})
        case = Case("default", json.dumps(settings), CREDENTIALS, "summit", event, write_test)
        before = len(http.calls)
        report = examination.examine(case, http.session(), Reach(), sleep=lambda _: None)
        most_calls = max(most_calls, len(http.calls) - before)
        if not report.changes or report.failure is None:
            break
        has_changed, was_sure = True, was_sure and report.failure.sure
        settings = json.loads(report.settings)
    return Treated(report, server, has_changed, was_sure, settings, most_calls)


def is_delivered(done: Treated) -> bool:
    """Tell whether the stand-in has the attendee, and with the settings that are found for sure."""
    return done.report.is_delivered and EMAIL in done.stand_in.stored


def test_there_are_many_dialects() -> None:
    names = [each.name for each in SINGLES + PAIRS]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("dialect", SINGLES + PAIRS, ids=str)
def test_the_doctor_leads_to_delivery(dialect: Dialect) -> None:
    done = treated(dialect)
    assert is_delivered(done), done.report.failure
    assert done.was_sure
    assert done.most_calls <= search.MAX_CALLS + OTHER_CALLS
    # Nothing that RainFocus has a field for is lost under a passed test.
    kept = done.stand_in.stored[EMAIL]
    assert {"lastname", "firstname"} <= {
        ours for ours in FIELDS if dialect.names.get(ours, ours) in kept
    }


def test_what_is_told_only_by_a_number_of_each_person_s_own_is_no_sign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def own(_: Envelope, *, is_new: bool, number: int) -> Reply:
        return Reply(200, json.dumps({"result": f"{number + is_new:08}"}).encode())

    monkeypatch.setattr(stand_in, "_success", own)
    done = treated(Dialect(envelope="one"))
    assert done.report.failure is not None
    assert not done.report.failure.sure
    assert not done.has_changed
    assert "as a read shows" in done.report.failure.words
    assert done.most_calls < OTHER_CALLS  # nothing else is amiss, so nothing else is tried


@pytest.mark.parametrize("envelope", ["first_word", "said_in_header"])
def test_a_word_of_success_is_a_sign_wherever_it_stands(envelope: Envelope) -> None:
    done = treated(Dialect(envelope=envelope, reads=False))
    assert is_delivered(done)
    assert done.was_sure


@pytest.mark.parametrize("envelope", ["wordless", "empty_list", "echoed"])
def test_what_only_refusals_have_words_for_is_offered_but_not_for_sure(envelope: Envelope) -> None:
    done = treated(Dialect(envelope=envelope, reads=False))
    assert is_delivered(done)
    assert not done.was_sure


def test_a_field_that_takes_an_address_for_a_name_is_not_surely_the_key() -> None:
    done = treated(Dialect(names={"lastname": "zzname"}, reads=False))
    assert done.settings["fields"] == {"match_key": "zzname"}
    assert not done.was_sure


@pytest.mark.parametrize("dialect", SINGLES, ids=str)
def test_with_a_read_alone_the_doctor_is_sure_of_tokens_only(dialect: Dialect) -> None:
    done = treated(dialect, write_test="")
    assert done.stand_in.writes == 0
    failure = done.report.failure
    assert failure is None or not failure.sure or failure.setting == "auth.client_auth"


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(503, b"<html><title>Maintenance</title>"),
        Reply(500, b'{"error": "oops"}'),
        Reply(502),
        Reply(429, b"{}", {"Retry-After": "30"}),
        Reply(408),
        Reply(error=requests.ConnectionError()),
        Reply(error=requests.ReadTimeout()),
    ],
    ids=lambda reply: str(reply.error or reply.status),
)
def test_in_an_outage_nothing_is_changed(trouble: Reply) -> None:
    done = treated(Dialect(trouble=trouble))
    failure = done.report.failure
    assert failure is not None
    assert (failure.is_later, failure.setting, done.has_changed) == (True, "", False)
    assert done.stand_in.calls <= 2


@pytest.mark.parametrize(
    "dialect",
    [
        Dialect("another organisation", path="/api/other/v3/attendee/store"),
        Dialect("another credential", ask=("form", "client_id", "unknown")),
        Dialect("another profile", profile=("header", "apiprofile", "another-client")),
        Dialect("a name nobody says", names={"lastname": "zzname"}, is_silent=True),
        Dialect(
            "mute, and a name nobody says",
            names={"lastname": "zzname"},
            envelope="one",
            is_mute=True,
        ),
        Dialect(
            "mute, another profile",
            profile=("header", "apiprofile", "another-client"),
            envelope="letters",
            is_mute=True,
        ),
        Dialect("mute, no reads", envelope="letters", is_mute=True, reads=False),
        Dialect("mute, no reads, in numbers", envelope="wordless", is_mute=True, reads=False),
        Dialect("a web page", trouble=Reply(200, b"<html><title>Welcome</title>")),
        Dialect("yes to everything", trouble=Reply(200, b'{"status": "ok", "id": "7"}')),
        Dialect("an empty yes", trouble=Reply(204)),
        Dialect("a sign-in elsewhere", trouble=Reply(302, b"", {"Location": "https://id.example"})),
    ],
    ids=str,
)
def test_of_what_no_setting_mends_the_doctor_is_not_sure(dialect: Dialect) -> None:
    done = treated(dialect)
    failure = done.report.failure
    assert failure is not None
    assert not failure.sure
    assert not done.has_changed
    assert done.most_calls <= search.MAX_CALLS + OTHER_CALLS
