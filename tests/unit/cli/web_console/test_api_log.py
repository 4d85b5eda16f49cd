import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from attendee_sync_cli.operations import api_calls
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness
from tests.support.http_server import Server, serving
from tests.support.stack import DELIVERY_LOG, Aws
from tests.support.web_browser import WebBrowser

REFUSED = fakes.envelope("105", "zip is not known", status=400)
BUSY = fakes.Reply(503)


def write(aws: Aws, at: float | None = None, **members: Any) -> None:
    line = {
        "message": "profile settled",
        "destination": "default",
        "request_id": "a",
        "index": "0",
        "outcome": "delivered",
        "status": 200,
        "code": "0",
        "latency_ms": 87,
        "attempt": 1,
        **members,
    }
    aws.logs.write(DELIVERY_LOG, json.dumps(line), at)


def rows(browser: WebBrowser, query: str = "") -> str:
    """Return what is read of the calls."""
    text = browser.get(f"/api-log?{query}").text
    return text.partition("words and line")[2].partition("As RainFocus's own")[0].strip()


def test_calls_are_shown_as_delivery_wrote_them_and_nobody_s_data(
    browser: WebBrowser, aws: Aws, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    browser.hidden = ("@example.com", "84043")
    harness.rainfocus.reply = lambda call: {"b": BUSY, "c": REFUSED}.get(
        call.json["email"][0], fakes.stored()
    )
    people = [{"email": f"{name}@example.com", "zip": "84043"} for name in ("ada", "ben", "cy")]
    harness.push(*people, {"zip": "84043"})
    harness.work()
    aws.logs.write(DELIVERY_LOG, output())
    shown = rows(browser)
    assert shown.count("default default summit2027 attendee/store") == 3
    assert "400 105 " in shown
    assert 'refused: RainFocus does not take this profile ("zip is not' in shown
    assert "1 retry unavailable" in shown
    assert "1 delivered" in shown
    assert "missing_email" not in shown


def test_a_call_of_several_updates_is_one(
    browser: WebBrowser, aws: Aws, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    ada = [{"email": "ada@example.com", "zip": str(n)} for n in range(3)]
    harness.push(*ada)
    harness.work()
    harness.rainfocus.reply = BUSY
    harness.push(*({**each, "city": "Boston"} for each in ada))
    harness.work()
    aws.logs.write(DELIVERY_LOG, output())
    shown = rows(browser)
    assert shown.count("attendee/store") == 2
    assert shown.count("503") >= 1


def test_an_empty_log_is_told(browser: WebBrowser) -> None:
    page = browser.get("/api-log")
    assert "No call of this choice." in page.text
    assert 'aria-current="page">API log' in page.html


def test_the_newest_comes_first_and_each_has_its_line(browser: WebBrowser, aws: Aws) -> None:
    now = time.time()
    write(aws, now - 100, code="old")
    write(aws, now - 50, code="new", attempt=4, trace_id="abc")
    shown = rows(browser)
    assert shown.index("200 new 87 ms 4 delivered") < shown.index("200 old 87 ms 1 delivered")
    assert '"trace_id": "abc"' in shown


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", {"0", "105", "down", "gone", "lost"}),
        ("destination=summit", {"105"}),
        ("connection=emea", {"105"}),
        ("outcome=rejected", {"105"}),
        ("outcome=retry&status=5xx", {"down"}),
        ("status=2xx", {"0"}),
        ("status=none", {"lost"}),
        ("status=4xx&destination=default", {"gone"}),
        ("hours=72", {"0", "105", "down", "gone", "lost", "past"}),
        (
            "status=7xx&outcome=x&hours=9&destination=%3Cscript%3E",
            {"0", "105", "down", "gone", "lost"},
        ),
    ],
)
def test_calls_are_looked_for(browser: WebBrowser, aws: Aws, query: str, codes: set[str]) -> None:
    aws.set_destination("summit", event_code="summit2028", connection="emea")
    write(aws)
    write(aws, destination="summit", status=400, code="105", outcome="rejected")
    write(aws, message="profile put back", status=503, code="down", outcome="retry")
    write(aws, status=404, code="gone", outcome="retry")
    write(aws, status=None, code="lost", outcome="retry")
    write(aws, time.time() - 48 * 3_600, code="past", status=302)
    write(aws, code="uncalled", latency_ms=None, status=None, outcome="filtered")
    write(aws, code="behind", reason="behind", outcome="retry")
    write(aws, code="merged", reason="merged", latency_ms=None)
    shown = rows(browser, query)
    known = {"0", "105", "down", "gone", "lost", "past", "uncalled", "behind", "merged"}
    assert {code for code in known if f'"code": "{code}"' in shown} == codes


def test_calls_of_a_destination_that_was_removed_are_found(browser: WebBrowser, aws: Aws) -> None:
    write(aws, destination="gone")
    page = browser.get("/api-log?destination=gone")
    assert '<option value="gone" selected>' in page.html
    assert "summit2027" not in rows(browser, "destination=gone")
    assert "gone attendee/store 200" in rows(browser, "destination=gone")


def test_pages_stay_as_they_are_while_calls_go_on(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_calls, "PAGE_SIZE", 3)
    now = time.time()
    for n in range(7):
        write(aws, now - 100 - n, code=f"c{n}")
    first = browser.get("/api-log")
    [older] = [each for each in first.links() if "page=2" in each]
    asked = parse_qs(urlsplit(older).query)
    write(aws, float(asked["until"][0]) + 10, code="later")
    second = browser.get(older)
    assert [n for n in range(7) if f"&#34;c{n}&#34;" in first.html] == [0, 1, 2]
    assert [n for n in range(7) if f"&#34;c{n}&#34;" in second.html] == [3, 4, 5]
    [third] = [each for each in second.links() if "page=3" in each]
    last = browser.get(third)
    assert [n for n in range(7) if f"&#34;c{n}&#34;" in last.html] == [6]
    assert not [each for each in last.links() if "page=4" in each]
    assert [each for each in last.links() if "page=2" in each]


def test_where_there_is_much_to_read_a_page_is_found_in_the_last_of_it(
    browser: WebBrowser, aws: Aws
) -> None:
    now = time.time()
    for n in range(60):
        write(aws, now - n, code=f"c{n}")
    browser.get("/api-log")
    starts = [request["startTime"] / 1000 for _, request in aws.logs.calls]
    assert min(starts) > now - 3_600


def test_each_call_is_shown_once(browser: WebBrowser, aws: Aws) -> None:
    until = int(time.time())
    edge = until - 24 * 3_600 / 36  # up to which is read first
    for n, after in enumerate((-0.002, -0.001, 0.0, 0.001, 0.5)):
        write(aws, edge + after, code=f"c{n}")
    html = browser.get(f"/api-log?hours=24&until={until}").html
    assert [html.count(f"&#34;c{n}&#34;") for n in range(5)] == [1, 1, 1, 1, 1]


def test_no_more_than_a_stated_number_is_shown(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_calls, "PAGE_SIZE", 1)
    for n in range(25):
        write(aws, time.time() - n, code=f"c{n}")
    page = browser.get("/api-log?page=20")
    assert "No more than 1,000 calls are shown" in page.text
    assert not [each for each in page.links() if "page=21" in each]
    assert "&#34;c0&#34;" in browser.get("/api-log?page=21").html


def test_how_far_a_long_log_was_read_is_told(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendee_sync_cli.stack.log_events.MAX_ANSWERS", 2)
    write(aws)
    assert "The log is long: it was read back to" in browser.get("/api-log").text


def test_what_rainfocus_says_is_text(browser: WebBrowser, aws: Aws) -> None:
    write(aws, answer="<script>alert(1)</script>", outcome="rejected", status=400)
    page = browser.get("/api-log")
    assert "<script>alert(1)</script>" in page.text
    assert "<script>alert" not in page.html


# --- the simulator of a local stack ---


def test_no_simulator_is_asked_of_a_stack_on_aws(
    browser: WebBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTENDEE_SYNC_SIMULATOR_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert "Simulator" not in browser.get("/api-log").text


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setenv("ATTENDEE_SYNC_SIMULATOR_URL", server.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


CALL = {
    "number": 1,
    "time": "2027-01-15T08:00:00Z",
    "call": "attendee/store",
    "event": "summit2027",
    "email": "ada@example.com",
    "status": 200,
    "responseCode": "0",
    "responseMessage": "<i>stored</i>",
    "milliseconds": 1.234,
}
ATTENDEE = {
    "attendeeId": "a1",
    "fields": {"email": "ada@example.com", "zip": "84043"},
    "created_at": "2027-01-15T08:00:00Z",
    "updated_at": "2027-01-15T08:00:00Z",
    "writes": 2,
}


@pytest.mark.enable_socket
def test_of_a_local_stack_the_simulator_s_calls_and_attendees_are_shown(
    browser: WebBrowser, simulator: Server
) -> None:
    later = {**CALL, "time": "2027-01-15T09:00:00Z", "status": None, "email": None}
    simulator.answers = [
        (200, json.dumps([CALL, later]).encode()),
        (200, json.dumps([ATTENDEE]).encode()),
    ]
    page = browser.get("/api-log")
    assert [call.path for call in simulator.received] == [
        "/_sim/log?last=100",
        "/_sim/attendees?environment=prod&org=acme&event=summit2027&last=25",
    ]
    assert (
        "2027-01-15T08:00:00Z attendee/store summit2027 ada@example.com 200 0 <i>stored</i> 1.2 ms"
    ) in page.text
    assert "<i>" not in page.html
    assert page.text.index("2027-01-15T09:00:00Z attendee/store") < page.text.index("T08:00:00Z")
    assert 'a1 2027-01-15T08:00:00Z 2 ada@example.com { "email": "ada@example.com"' in page.text


@pytest.mark.enable_socket
@pytest.mark.parametrize("answer", [(500, b""), (200, b"<html>"), (200, b'[{"call": 1}]')])
def test_a_simulator_that_is_not_understood_leaves_the_rest(
    browser: WebBrowser, simulator: Server, answer: tuple[int, bytes]
) -> None:
    simulator.answers = [answer]
    page = browser.get("/api-log")
    assert page.status == 200
    assert f"The simulator at {urlsplit(simulator.url).netloc} gives no answer" in page.text
    assert "No call of this choice." in page.text
