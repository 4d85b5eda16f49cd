"""What the page about a person tells, and what it removes."""

import json
import time
from collections.abc import Callable

import pytest

from attendee_sync import attendee
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, kinds
from tests.support.stack import DELIVERY_LOG, INGEST_LOG
from tests.support.web_browser import Page, WebBrowser

ADA = {"email": " Ada@Example.com", "firstname": "Ada", "zip": "84043"}
SHA256 = attendee.sha256_of("ada@example.com")
REFUSED = fakes.envelope("105", "zip is not known", status=400)
NOBODY = "Nothing is known of this person here"


@pytest.fixture(autouse=True)
def _hidden(request: pytest.FixtureRequest) -> None:
    """Let no page repeat who was looked up."""
    for each in {"browser", "reader"}.intersection(request.fixturenames):
        request.getfixturevalue(each).hidden = ("Ada", "ada@", "84043")


def look(browser: WebBrowser, **fields: str) -> Page:
    return browser.settled(browser.post("/person", {"email": "ada@example.com", **fields}))


def plan(browser: WebBrowser, **fields: str) -> Page:
    fields = {"person": SHA256, **fields}
    return browser.settled(browser.post("/person/erase/plan", fields))


def log(harness: DeliveryHarness, output: Callable[[], str]) -> None:
    """Write to each function's log what it wrote."""
    for text in output().splitlines():
        is_ingest = json.loads(text).get("message") == "push accepted"
        harness.aws.logs.write(INGEST_LOG if is_ingest else DELIVERY_LOG, text)


def test_the_form_offers_each_destination(browser: WebBrowser, harness: DeliveryHarness) -> None:
    harness.aws.set_destination("summit", event_code="summit2028")
    page = browser.get("/person")
    assert page.status == 200
    assert "<option>default</option>" in page.html
    assert "<option>summit</option>" in page.html


def test_the_way_of_a_profile_is_told(
    browser: WebBrowser, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    harness.push(ADA)
    harness.work()
    log(harness, output)
    text = look(browser).text
    assert text.index("accepted") < text.index("try 1: put back, unavailable: ")
    assert "waits until" in text
    harness.rainfocus.reply = fakes.stored()
    harness.aws.sqs.let_time_pass()
    harness.work()
    log(harness, output)
    text = look(browser, hours="72").text
    assert text.index("try 1: put back") < text.index("try 2: delivered, HTTP 200, code 0")
    assert "waits until" not in text
    assert "RainFocus's id 1700000000000001abcd" in text


def test_each_destination_is_told_of_or_the_one_that_is_chosen(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    harness.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA)
    harness.work()
    text = look(browser).text
    assert "Destination default" in text
    assert text.count(NOBODY) == 1
    text = look(browser, destination="summit").text
    assert "Destination default" not in text
    assert NOBODY in text


def test_dead_letters_are_told_with_a_way_to_what_cures_them(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    harness.rainfocus.reply = REFUSED
    harness.push(ADA)
    harness.work()
    page = look(browser)
    assert "rejected" in page.text
    assert "/failures?destination=default" in page.links()


@pytest.mark.parametrize("given", ["", "ada", "f" * 63])
def test_what_is_no_address_is_not_repeated(browser: WebBrowser, given: str) -> None:
    page = browser.post("/person", {"email": given})
    assert page.status == 400
    assert "expected an e-mail address" in page.text
    assert not given or given not in page.html


@pytest.mark.parametrize(
    "fields", [{"hours": "5"}, {"hours": "x"}, {"destination": "No Such"}, {"person": SHA256}]
)
def test_what_the_form_does_not_offer_is_refused(
    browser: WebBrowser, fields: dict[str, str]
) -> None:
    email = {} if "person" in fields else {"email": "ada@example.com"}
    assert browser.post("/person", {**email, **fields}).status == 400


def test_who_it_is_stands_in_no_address(browser: WebBrowser) -> None:
    page = look(browser)
    assert page.path.startswith("/jobs/")
    assert SHA256 not in "".join([page.path, *page.links()])


# --- erase ---


def test_what_would_be_removed_is_told_in_numbers_and_nothing_is(
    reader: WebBrowser, harness: DeliveryHarness
) -> None:
    harness.push(ADA, {"email": "ben@example.org"})
    harness.work()
    harness.rainfocus.reply = REFUSED
    harness.push(ADA | {"zip": "1"})
    harness.work()
    page = plan(reader)
    assert "ledger entries 1 dead letters 1 waiting in lanes, of anybody 0" in page.text
    assert "default 1 1" in page.text
    assert "attendee-sync erase EMAIL" in page.text
    assert "Remove it" not in page.text
    assert len(harness.noted) == 2
    assert len(harness.aws.sqs.dead_letters) == 1


def test_a_person_is_erased_with_a_record_of_it(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    harness.push(ADA)
    harness.work()
    harness.rainfocus.reply = REFUSED
    harness.push(ADA | {"zip": "1"})
    harness.work()
    page = browser.settled(browser.post("/person/erase", plan(browser).hidden()))
    assert "s for deliveries that began before" in page.text
    assert "default 1 1" in page.text
    assert "in RainFocus, delete the attendee 1700000000000001abcd of event summit2027" in page.text
    assert "run this again" not in page.text
    assert harness.noted == {}
    assert not harness.aws.sqs.dead_letters
    harness.rainfocus.reply = fakes.stored()
    harness.push(ADA)
    assert kinds(harness.work()) == ["filtered"]


def test_what_came_after_the_plan_is_removed_too(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    planned = plan(browser)
    harness.push(ADA)
    harness.work()
    browser.settled(browser.post("/person/erase", planned.hidden()))
    assert harness.noted == {}


def test_a_removed_destination_is_named(browser: WebBrowser, harness: DeliveryHarness) -> None:
    harness.aws.set_destination("summit", event_code="summit2028")
    harness.push(ADA, destination="summit")
    harness.work()
    del harness.aws.ssm.parameters["/attendee-sync/destinations/summit"]
    assert "summit" not in plan(browser).text
    planned = plan(browser, removed="summit, gone")
    assert "summit 1 0" in planned.text
    browser.settled(browser.post("/person/erase", planned.hidden()))
    assert harness.noted == {}


def test_an_erasure_that_fails_tells_what_it_did(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    planned = plan(browser)
    harness.aws.sqs.on_call = lambda: (_ for _ in ()).throw(fakes.timed_out())
    page = browser.settled(browser.post("/person/erase", planned.hidden()))
    assert "AWS: " in page.text
    assert "run this again: it was broken off, and not all is removed" in page.text


def test_an_erasure_that_is_cancelled_while_it_waits_has_blocked_and_removes_nothing(
    browser: WebBrowser, harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.push(ADA)
    harness.work()
    planned = plan(browser)
    monkeypatch.setattr(time, "sleep", lambda _: browser.site.state.jobs.cancel_all())
    page = browser.settled(browser.post("/person/erase", planned.hidden()))
    assert "Cancelled." in page.text
    assert "run this again: it was broken off, and not all is removed" in page.text
    assert len(harness.noted) == 1
    harness.push(ADA)
    assert kinds(harness.work()) == ["filtered"]


def test_looks_at_dead_letters_wait_for_each_other(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    assert harness
    desk = browser.site.state.dead_letters
    with desk.one_at_a_time("An export"):
        page = browser.post("/person", {"email": "ada@example.com"})
        [job] = browser.site.state.jobs.all()
        while not job.words:
            assert not job.wait(0.01)
        assert "Waiting for the end of other work: An export." in browser.get(page.path).text
    assert NOBODY in browser.settled(page).text


def test_a_block_is_lifted(browser: WebBrowser, harness: DeliveryHarness) -> None:
    browser.settled(browser.post("/person/erase", plan(browser).hidden()))
    found = look(browser)
    assert "Erased and blocked since" in found.text
    asked = browser.post("/person/lift/plan", {"person": SHA256})
    assert "1 person was erased and blocked since" in asked.text
    assert "Lifted" in browser.post("/person/lift", asked.hidden()).text
    harness.push(ADA)
    assert kinds(harness.work()) == ["delivered"]
    assert "This person is not blocked." in browser.post("/person/lift", asked.hidden()).text


@pytest.mark.parametrize("path", ["/person/erase", "/person/lift"])
def test_who_only_reads_erases_and_lifts_nothing(
    reader: WebBrowser, harness: DeliveryHarness, path: str
) -> None:
    harness.push(ADA)
    harness.work()
    page = reader.post(path, {"person": SHA256})
    assert page.status == 403
    assert "--allow-changes" in page.text
    assert len(harness.noted) == 1


def test_an_attendees_id_that_is_a_script_is_text(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    script = "<script>alert(1)</script>"
    harness.rainfocus.reply = fakes.envelope(attendeeId=script)
    harness.push(ADA)
    harness.work()
    assert script not in look(browser).html
