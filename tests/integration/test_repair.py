"""An operator finds out what went wrong, mends it, and redrives."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from attendee_sync_cli.main import app
from attendee_sync_cli.stack import stack
from local.simulator.faults import Effect, Fault
from tests.support.local import Local, until

_EVENT = "roadshow2026"
_DESTINATION = "repair"


@pytest.fixture
def own(local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    local.stack.put_destination(_DESTINATION, {"event_code": _EVENT})
    monkeypatch.setattr(stack, "client", local.stack.client)
    return local


def _run(own: Local, *arguments: str) -> Any:
    command = ["--stack", own.stack.name, *arguments, "--destination", _DESTINATION, "--json"]
    if arguments[0] == "status":
        command = ["--stack", own.stack.name, "status", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "@example.com" not in result.output
    return json.loads(result.stdout)


def _push(own: Local, *profiles: dict[str, str]) -> None:
    assert own.push(list(profiles), destination=_DESTINATION).status_code == 202


def _stored(own: Local) -> dict[str, str]:
    """Return zip codes by e-mail of the people of this test."""
    attendees = {str(each.fields["email"]): each for each in own.simulator.attendees(_EVENT)}
    return {
        email: str(each.fields.get("zip"))
        for email, each in attendees.items()
        if email.startswith("repair-")
    }


def test_what_was_rejected_is_found_mended_and_redriven(own: Local) -> None:
    ada, ben = "repair-ada@example.com", "repair-ben@example.com"
    own.push([{"email": "works@example.com"}])  # or no refusal is a profile's fault
    own.wait_for_attendee("works@example.com")
    refusal = Effect(status=400, code="105", message="zip is not known")
    own.simulator.add_fault(Fault(call="attendee/store", email_regex="repair-", effect=refusal))
    _push(own, {"email": ada, "zip": "1"}, {"email": ben, "zip": "1"}, {"zip": "1"})
    until(lambda: bool(_run(own, "failures")["dead_letters"] == 3), "all are dead letters")

    causes = {each["reason"]: each for each in _run(own, "failures")["failures"]}
    refused = causes["refused"]
    assert (refused["count"], refused["code"]) == (2, "105")
    assert refused["example"]["shape"] == {"email": '"aaaaaa-aaa@aaaaaaa.aaa"', "zip": '"9"'}
    assert causes["missing_email"]["count"] == 1

    own.simulator.clear_faults()
    _push(own, {"email": ben, "zip": "2"})
    until(lambda: _stored(own).get(ben) == "2", "the newer state is stored")
    [before] = [
        each for each in _run(own, "status")["destinations"] if each["destination"] == _DESTINATION
    ]
    assert before["dead"] == 3
    assert before["outcomes"] == {"delivered": 1, "rejected": 3}
    assert before["waiting"] == []
    [dead_letter] = _run(own, "lookup", ada)["destinations"][0]["dead_letters"]
    assert dead_letter["outcome"] == "rejected"

    outcomes = _run(own, "redrive", "--dry-run")["outcomes"]
    assert {kind: n for kind, n in outcomes.items() if n} == {
        "refused_before": 1,  # what RainFocus does now is not to be seen from here
        "stale": 1,
        "rejected": 1,
    }
    done = _run(own, "redrive", "--yes")
    # `unseen` counts the whole queue, on which other tests may have left something.
    assert (done["redriven"], done["left"]) == (2, 1)
    until(lambda: ada in _stored(own), "the redriven one is stored")
    own.wait_until_idle()
    assert _stored(own) == {ada: "1", ben: "2"}
    assert _run(own, "failures")["dead_letters"] == 1
    [found] = _run(own, "lookup", ada)["destinations"]
    assert (found["outcome"], found["status"], found["dead_letters"]) == ("delivered", 200, [])
    assert f'"attendee":"{found["attendee"]}"' in own.logs()
