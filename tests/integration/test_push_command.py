"""The command that pushes files, on the deployed stack."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from attendee_sync_cli.main import app
from attendee_sync_cli.stack import stack
from local.machine.cloud import REGION, TEST_KEY
from local.traffic.people import Person, as_xdm, people
from tests.support.local import Local, until

_CSV = """\
email;firstname;workAddress.city;workAddress.stateProvince;workAddress.countryCode;workAddress.postalCode
csv-1@example.com;Ada;Boston;US-MA;US;02110
csv-2@example.com;"B;en";;;;
;Nobody;;;;
"""


@pytest.fixture
def operated(local: Local, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    """The stack as the command line finds it: by what the shell says."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", local.stack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", TEST_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TEST_KEY)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("ATTENDEE_SYNC_STACK", local.stack.name)
    stack.client.cache_clear()
    yield local
    stack.client.cache_clear()


def _push(path: Path) -> tuple[int, Any]:
    result = CliRunner().invoke(app, ["push", "default", str(path), "--wait", "--json"])
    return result.exit_code, json.loads(result.stdout)


def _ends(report: Any) -> dict[str, list[int]]:
    """Return the lines in the file by the outcomes that the command saw."""
    waited = report["waited"]
    assert (waited["fault"], waited["waiting"]) == (None, [])
    return {each["outcome"]: sorted(each["lines"]) for each in waited["outcomes"]}


def test_a_csv_file_becomes_attendees(operated: Local, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(_CSV)

    code, report = _push(path)

    assert code == 1
    assert report["accepted"] == 2
    assert _ends(report) == {"delivered": [2, 3]}
    [rejected] = report["not_accepted"]
    assert (rejected["reason"], rejected["lines"]) == ("missing_email", [4])
    assert operated.wait_for_dead_letter(report["request_ids"][0])
    assert operated.wait_for_attendee("csv-1@example.com").fields == {
        "email": "csv-1@example.com",
        "firstname": "Ada",
        "city": "Boston",
        "state": "MA",
        "countryid": "US",
        "zip": "02110",
    }
    assert operated.wait_for_attendee("csv-2@example.com").fields["firstname"] == "B;en"


def test_newline_delimited_json_becomes_attendees(operated: Local, tmp_path: Path) -> None:
    # Other tests push the same people to the same stack: these get addresses of their own.
    everyone = [
        {**person.attendee, "email": f"lines-{n}@example.com"}
        for n, person in enumerate(people(25, seed=11))
    ]
    path = tmp_path / "people.ndjson"
    path.write_text("\n".join(json.dumps(as_xdm(Person(attendee))) for attendee in everyone))

    code, report = _push(path)

    assert (code, report["accepted"], report["requests"]) == (0, 25, 3)
    assert _ends(report) == {"delivered": list(range(1, 26))}
    expected = {attendee["email"]: attendee for attendee in everyone}
    stored = operated.attendees()
    assert {email: stored[email].fields for email in expected} == expected


@pytest.mark.usefixtures("operated")
def test_what_became_of_a_push_is_told_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("email;firstname\ntold.afterwards@example.com;Ada\n")
    before = _json("report")["total"]

    assert _push(path)[0] == 0

    until(_is_whole, "its lines are in the log: ingest's may come behind delivery's")
    after = _json("report")["total"]
    assert after["received"] > before["received"]
    assert after["activated"] > before["activated"]


def _is_whole() -> bool:
    found = _json("lookup", "told.afterwards@example.com", "--destination", "default", "--trace")
    [trace] = found["destinations"][0]["trace"]
    assert trace["state"] == "delivered"
    return [each["event"] for each in trace["events"]] == ["accepted", "delivered"]


def _json(*words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
