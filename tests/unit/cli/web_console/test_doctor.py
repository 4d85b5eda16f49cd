"""What the page about a connection shows, and what it stores."""

import json

import pytest

from tests.support import fakes
from tests.support.rainfocus import RainFocus
from tests.support.stack import STACK, Aws, changed
from tests.support.web_browser import Page, WebBrowser

ORDER = ["Settings valid", "Host resolves", "TLS", "Token granted", "Event code known"]


@pytest.fixture(autouse=True)
def _called(rainfocus: RainFocus) -> None:
    """Let no test call anybody else."""


def examined(browser: WebBrowser, **fields: str) -> Page:
    return browser.settled(browser.post("/doctor/default/examine", fields))


def job_of(page: Page) -> str:
    return page.path.removeprefix("/jobs/")


def write_test(browser: WebBrowser, email: str = "ada@customer.com") -> Page:
    fields = {"destination": "default", "email": email}
    plan = browser.post("/doctor/default/write-test/plan", fields)
    assert plan.status == 200, plan.text
    return browser.settled(browser.post("/doctor/default/write-test", plan.hidden()))


def test_connections_are_listed_with_who_uses_them(browser: WebBrowser, aws: Aws) -> None:
    aws.set_connection("other", changed(org_id="other"))
    page = browser.get("/doctor")
    assert page.status == 200
    assert "default default go through good" in page.text
    assert "other no destination go through Connection other has no token yet" in page.text
    assert "/doctor/other" in page.links()


def test_a_connections_page_tells_how_it_is(browser: WebBrowser) -> None:
    page = browser.get("/doctor/default")
    assert "Calls: go through" in page.text
    assert "Token: good, ends" in page.text
    assert "attendee-sync credentials set default" in page.text


def test_there_is_no_page_of_no_connection(browser: WebBrowser) -> None:
    page = browser.get("/doctor/none")
    assert page.status == 400
    assert "There is no connection none" in page.text


def test_steps_are_told_in_order_and_what_follows(browser: WebBrowser) -> None:
    page = examined(browser, destination="default")
    places = [page.text.rindex(title) for title in ORDER]
    assert places == sorted(places)
    assert "Host resolves: passed" in page.text  # as it ran
    assert "Nothing failed; not found out: Attendee Store" in page.text
    assert "What helps" not in page.text


def test_to_examine_changes_nothing(reader: WebBrowser, aws: Aws, rainfocus: RainFocus) -> None:
    before = dict(aws.ssm.parameters)
    assert "Settings valid: passed" in examined(reader).text
    assert aws.ssm.parameters == before
    assert not rainfocus.attendee


def test_a_write_test_shows_its_address_before_it_stores_it(
    browser: WebBrowser, rainfocus: RainFocus
) -> None:
    plan = browser.post("/doctor/default/write-test/plan", {"email": "ada@customer.com"})
    assert "1 made-up attendee" in plan.text
    assert "ada+attendee-sync-test@customer.com" in plan.text
    assert "in event summit2027 of destination default" in plan.text
    assert not rainfocus.attendee
    page = browser.settled(browser.post("/doctor/default/write-test", plan.hidden()))
    assert "All is well." in page.text
    assert rainfocus.attendee["email"] == "ada+attendee-sync-test@customer.com"


def test_a_write_test_overwrites_nobody_whatever_was_sent(
    browser: WebBrowser, rainfocus: RainFocus
) -> None:
    browser.settled(browser.post("/doctor/default/write-test", {"email": "ada@customer.com"}))
    assert rainfocus.attendee["email"] == "ada+attendee-sync-test@customer.com"


def test_an_address_that_is_none_is_not_repeated(browser: WebBrowser) -> None:
    page = browser.post("/doctor/default/write-test/plan", {"email": "ada at home"})
    assert page.status == 400
    assert "an e-mail address is expected" in page.text
    assert "ada at home" not in page.html


def test_what_helps_is_shown_and_stored_and_tried_again(
    browser: WebBrowser, aws: Aws, rainfocus: RainFocus
) -> None:
    rainfocus.wants = "form"
    page = write_test(browser)
    assert "To change: " in page.text
    assert "call.body" not in aws.ssm.parameters[f"/{STACK}/connections/default"]
    again = browser.settled(browser.post("/doctor/default/store", page.hidden()))
    assert "Stored. The functions take it up within a minute." in again.text
    assert "All is well." in again.text
    stored = json.loads(aws.ssm.parameters[f"/{STACK}/connections/default"])
    assert stored["org_id"] == "acme"
    assert stored != json.loads(changed().model_dump_json(exclude_defaults=True))


def test_nothing_is_stored_over_settings_that_changed_meanwhile(
    browser: WebBrowser, aws: Aws, rainfocus: RainFocus
) -> None:
    rainfocus.wants = "form"
    found = write_test(browser)
    aws.set_connection("default", changed(org_id="another"))
    page = browser.post("/doctor/default/store", found.hidden())
    assert page.status == 400
    assert "changed meanwhile; nothing is stored" in page.text
    assert json.loads(aws.ssm.parameters[f"/{STACK}/connections/default"])["org_id"] == "another"


def test_only_what_was_shown_is_stored(browser: WebBrowser, aws: Aws, rainfocus: RainFocus) -> None:
    well = examined(browser)
    assert browser.post("/doctor/default/store", {"job": job_of(well)}).status == 404
    assert browser.post("/doctor/default/store", {"job": "none"}).status == 404
    rainfocus.wants = "form"
    aws.set_connection("other", changed())
    before = dict(aws.ssm.parameters)
    page = browser.post("/doctor/other/store", write_test(browser).hidden())
    assert page.status == 404
    assert aws.ssm.parameters == before


@pytest.mark.parametrize("path", ["write-test", "store", "refresh-token"])
def test_who_only_reads_changes_nothing(
    reader: WebBrowser, rainfocus: RainFocus, aws: Aws, path: str
) -> None:
    page = reader.post(f"/doctor/default/{path}", {"email": "ada@example.com"})
    assert page.status == 403
    assert "--allow-changes" in page.text
    assert not rainfocus.http.calls
    assert not aws.functions.payloads


def test_who_only_reads_is_told_how_to_store_what_helps(
    reader: WebBrowser, rainfocus: RainFocus
) -> None:
    rainfocus.events = {"another"}
    page = examined(reader)
    assert "Event code known failed" in page.text
    assert "Store this" not in page.text


def test_an_examination_can_be_cancelled(browser: WebBrowser, rainfocus: RainFocus) -> None:
    def cancelling(call: fakes.Call) -> fakes.Reply:
        browser.site.state.jobs.cancel_all()
        return rainfocus.reply(call)

    rainfocus.http.reply = cancelling
    page = examined(browser)
    assert "Cancelled." in page.text
    assert "Steps" not in page.text


def test_a_token_is_renewed(browser: WebBrowser, aws: Aws) -> None:
    aws.functions.answer = {
        "results": [
            {"connection": "default", "state": "failed", "cause": "credentials", "reason": ""}
        ]
    }
    page = browser.post("/doctor/default/refresh-token", {"force": "yes"})
    assert "No token: credentials. RainFocus does not take the stored credentials." in page.text
    assert "attendee-sync credentials set default" in page.text


def test_what_rainfocus_says_is_text(browser: WebBrowser, rainfocus: RainFocus) -> None:
    script = "<script>alert(1)</script>"
    rainfocus.http.reply = lambda _: fakes.envelope("124", script)
    page = examined(browser)
    assert script not in page.html
