"""A destination with a mapping, a filter and an exit rule of its own, on the deployed stack."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.traffic.people import AUDIENCE, as_xdm, exit_of, opted_out, people
from tests.support.local import Local, until

_SETTINGS = {
    "event_code": "roadshow2026",
    "mapping": {
        "origin": {"value": "AEP", "write": "constant"},
        "phone": {"value": "workPhone.number", "write": "clear_on_null"},
    },
    "filter": f"is_member(@, '{AUDIENCE}') && !has_opted_out(@, 'marketing.email')",
    "exits": {"action": "set", "fields": {"audience": "left"}},
}


@pytest.fixture
def own(local: Local) -> Iterator[Local]:
    local.stack.put_destination("own", _SETTINGS)
    yield local
    local.wait_until_idle()


def _stored(local: Local) -> dict[str, dict[str, Any]]:
    attendees = local.simulator.attendees("roadshow2026")
    return {str(each.fields["email"]): dict(each.fields) for each in attendees}


def _preview(local: Local, profile: object) -> requests.Response:
    url, headers = local.stack.api_url("/v1/destinations/own/preview")
    headers["Authorization"] = f"Bearer {local.stack.ingest_token()}"
    return requests.post(url, json=profile, headers=headers, timeout=30)


def test_who_is_sent_and_as_what(own: Local) -> None:
    stays, silent, leaves, never_came = people(4, seed=4)
    everything = [as_xdm(stays), opted_out(silent), as_xdm(leaves)]
    assert own.push(everything, destination="own").json()["accepted"] == 3
    until(lambda: leaves.attendee["email"] in _stored(own), "those who stay are stored")

    without_phone = {**as_xdm(stays), "workPhone": {"number": None}}
    own.push([exit_of(leaves), exit_of(never_came), without_phone], destination="own")

    until(lambda: _stored(own)[stays.attendee["email"]]["phone"] == "", "the phone is blanked")
    until(lambda: "audience" in _stored(own)[leaves.attendee["email"]], "the exit is set")
    own.wait_until_idle()
    assert _stored(own) == {
        stays.attendee["email"]: {**stays.attendee, "origin": "AEP", "phone": ""},
        leaves.attendee["email"]: {**leaves.attendee, "origin": "AEP", "audience": "left"},
    }


def test_a_preview_shows_what_would_be_sent_and_sends_nothing(own: Local) -> None:
    person, silent = people(2, seed=5)
    calls_before = own.simulator.counts().calls

    answer = _preview(own, [as_xdm(person), opted_out(silent), {"firstname": "Nobody"}])

    assert answer.status_code == 200
    sent, filtered, rejected = answer.json()["profiles"]
    assert sent["attendee"] == {**person.attendee, "origin": "AEP"}
    assert sent["request"]["url"].endswith("/api/acme/v3/attendee/store")
    assert sent["request"]["body"] == {"event": "roadshow2026", **sent["attendee"]}
    assert "demo-client" not in answer.text
    assert (filtered["outcome"], filtered["reason"]) == ("filtered", "no_consent")
    assert (rejected["outcome"], rejected["reason"]) == ("rejected", "missing_email")
    own.wait_until_idle()
    assert own.simulator.counts().calls == calls_before


def test_a_preview_needs_the_ingest_token(own: Local) -> None:
    url, headers = own.stack.api_url("/v1/destinations/own/preview")

    answer = requests.post(url, json={}, headers=headers, timeout=30)

    assert answer.status_code == 401
