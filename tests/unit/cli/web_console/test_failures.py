"""The page of dead letters: why profiles failed, and putting them back or away."""

import json
import re
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters
from attendee_sync.outcome import Reason
from attendee_sync_cli.operations import cures, redrive
from attendee_sync_cli.web_console.pages import failures
from tests.support import fakes
from tests.support.stack import Aws
from tests.support.web_browser import Page, WebBrowser

PERSONAL = ("ada", "Ada", "555 0100")


@pytest.fixture
def browser(browser: WebBrowser) -> WebBrowser:
    browser.hidden = PERSONAL
    return browser


@pytest.fixture
def reader(reader: WebBrowser) -> WebBrowser:
    reader.hidden = PERSONAL
    return reader


def bury(
    aws: Aws, count: int = 1, reason: str = "refused", destination: str = "default", **why: str
) -> None:
    """Make dead letters of people of their own, with ids such as refused-0."""
    for n in range(count):
        origin = {"destination": destination, "request_id": f"{reason}", "index": str(n)}
        profile = {"email": f"ada{n}@example.com", "firstname": "Ada", "phone": "+1 555 0100"}
        name = f"{destination}-{reason}-{n}"
        was = Message(json.dumps(profile), name, f"{name}-{len(aws.sqs.dead_letters)}", origin)
        told = {"outcome": "rejected", "reason": reason, "detail": f"words of {reason}", **why}
        aws.dead_letter_queue().send([dead_letters.dead_letter_of(was, told)])


def left_as_they_were(aws: Aws, count: int) -> bool:
    return not aws.sqs.given_out and len(aws.sqs.dead_letters) == count


def planned(browser: WebBrowser, **fields: object) -> Page:
    page = browser.settled(browser.post("/failures/plan", fields))
    assert "Done." in page.text
    return page


# --- what is shown ---


def test_the_page_is_there_before_dead_letters_were_looked_at(
    browser: WebBrowser, aws: Aws
) -> None:
    bury(aws)
    page = browser.get("/failures?destination=default&hours=24")
    assert page.status == 200
    assert "attendee-sync failures --destination default" in page.text
    assert not [call for call, _ in aws.sqs.calls if call == "ReceiveMessage"]
    [later] = re.findall(r'hx-get="([^"]*)"', page.html)
    assert later.replace("&amp;", "&") == "/failures/found?destination=default&hours=24"


def test_without_javascript_a_link_leads_to_the_whole_page(browser: WebBrowser, aws: Aws) -> None:
    bury(aws)
    [link] = [each for each in browser.get("/failures").links() if "/found" in each]
    page = browser.get(link)
    assert "<h1>Failures</h1>" in page.html
    assert "1 dead letter of 1 looked at" in page.text
    part = browser.get(link, **{"HX-Request": "true"})
    assert "<h1>" not in part.html
    assert "1 dead letter of 1 looked at" in part.text


def test_each_reason_is_told_in_words_with_what_to_do_next(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("summit", event_code="summit2028", connection="partners")
    bury(aws, 3, status="400", code="105", message="countryid is not known")
    bury(aws, 2, detail="another")
    bury(aws, 1, "missing_email")
    bury(aws, 1, "token_refused", "summit", outcome="expired")
    page = browser.get("/failures/found")
    assert "default: refused 5 rejected" in page.text
    assert "RainFocus does not take this profile." in page.text
    assert 'words of refused (HTTP 400, code 105, "countryid is not known") 3' in page.text
    assert "RainFocus's words say which field" in page.text
    assert "attendee-sync redrive --destination default --reason refused" in page.text
    assert "--reason missing_email --export mend.csv --discard" in page.text
    assert "summit: token_refused 1 expired" in page.text
    assert "attendee-sync doctor partners" in page.text
    assert {"/doctor/partners", "/mapping/default", "/destinations/default"} <= set(page.links())
    assert left_as_they_were(aws, 7)


def test_ten_examples_are_shown_by_their_shape(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 12)
    page = browser.get("/failures/found")
    assert "10 examples" in page.text
    assert len(re.findall(r'type="checkbox"', page.html)) == 10
    assert len(re.findall(r'email "aaa99?@aaaaaaa.aaa"', page.text)) == 10


def test_every_reason_has_a_cure() -> None:
    for reason in Reason:
        for outcome in ("rejected", "expired", ""):
            cure = cures.of(outcome, reason)
            assert cure.words.endswith(".")
            assert cure.places


def test_the_choice_is_by_destination_words_and_time(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("summit", event_code="summit2028")
    bury(aws, 3)
    bury(aws, 2, "missing_email", "summit")
    bury(aws, 1, "refused", "summit", time="2020-01-01T00:00:00.000+00:00")
    assert "6 dead letters of 6" in browser.get("/failures/found").text
    assert "3 dead letters of 6" in browser.get("/failures/found?destination=summit").text
    assert "2 dead letters of 6" in browser.get("/failures/found?reason=MISSING").text
    assert "5 dead letters of 6" in browser.get("/failures/found?hours=24").text
    none = browser.get("/failures/found?reason=nothing+like+this").text
    assert "No dead letters of this choice; without it there may be others." in none


def test_a_destination_that_is_none_is_an_error_in_words(browser: WebBrowser) -> None:
    assert browser.get("/failures/found?destination=A!").status == 400
    page = browser.get("/failures/found?destination=sumit", **{"HX-Request": "true"})
    assert page.status == 400
    assert "There is no destination sumit" in page.text


def test_what_is_not_seen_is_told(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 15)
    aws.sqs.queues[fakes.DEAD_LETTERS_URL] = [
        replace(sent, group="one person") for sent in aws.sqs.dead_letters
    ]
    page = browser.get("/failures/found")
    assert "10 dead letters of 10 looked at" in page.text
    assert "5 more can't be seen now" in page.text


def test_a_look_ends_before_a_browser_gives_up(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(aws, 25)
    clock = iter(range(0, 10_000, 30))
    passed = SimpleNamespace(time=time.time, monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(failures, "time", passed)
    page = browser.get("/failures/found")
    assert "20 dead letters of 20 looked at" in page.text
    assert "5 more were not looked at." in page.text
    assert left_as_they_were(aws, 25)


def test_a_look_of_just_now_is_shown_again_unless_one_asks_anew(
    browser: WebBrowser, aws: Aws
) -> None:
    bury(aws)
    assert "1 dead letter of 1" in browser.get("/failures/found").text
    bury(aws, 2, "missing_email")
    assert "1 dead letter of 1" in browser.get("/failures/found").text
    assert "3 dead letters of 3" in browser.get("/failures/found?anew=1").text


def test_while_others_work_on_dead_letters_nobody_looks(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "_PATIENCE_SECONDS", 0.01)
    bury(aws)
    with browser.site.state.dead_letters.one_at_a_time("A redrive"):
        page = browser.get("/failures/found")
    assert page.status == 400
    assert "A redrive is going on, and hides dead letters from others." in page.text
    assert browser.get("/failures/found").status == 200


def test_words_of_others_are_text(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, detail="<script>alert(1)</script>", message='"><img src=x onerror=alert(1)>')
    html = browser.get("/failures/found?reason=<script>").html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)" in html


# --- redriving ---


def test_a_plan_tells_in_numbers_what_would_come_of_them(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("picky", event_code="summit2027", filter="vip")
    bury(aws, 3)
    bury(aws, 2, destination="picky")
    bury(aws, 1, destination="gone")
    page = planned(browser)
    assert "5 of 6 dead letters would be put back on the profile queue" in page.text
    assert "delivered, if RainFocus takes them 3" in page.text
    assert "filtered 2" in page.text
    assert "rejected again: they stay 1" in page.text
    assert "unknown_destination" in page.text
    assert left_as_they_were(aws, 6)
    assert not aws.sqs.profiles


def test_what_was_planned_is_redriven(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 3)
    page = planned(browser)
    bury(aws, 2, "came_later")
    done = browser.settled(
        browser.post("/failures/redrive", {**page.hidden(), "per_second": "1000"})
    )
    assert "3 of 3 are on the profile queue again" in done.text
    assert len(aws.sqs.profiles) == 3
    assert left_as_they_were(aws, 2)


def test_a_plan_is_carried_out_once(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 3)
    fields = {**planned(browser).hidden(), "per_second": "10"}
    browser.settled(browser.post("/failures/redrive", fields))
    again = browser.post("/failures/redrive", fields)
    assert again.status == 400
    assert "This plan was carried out, or is long ago" in again.text


def test_of_two_clicks_at_once_one_redrives(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(aws, 3)
    fields = {**planned(browser).hidden(), "per_second": "1000"}
    of_plan, second = redrive.of_plan, []

    def meanwhile(*given: Any) -> redrive.RedriveReport:
        second.append(browser.post("/failures/redrive", fields))
        return of_plan(*given)

    monkeypatch.setattr(redrive, "of_plan", meanwhile)
    done = browser.settled(browser.post("/failures/redrive", fields))
    assert "3 of 3 are on the profile queue again" in done.text
    assert [each.status for each in second] == [400]


def test_commands_are_shown_as_a_shell_takes_them(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 1, "x;rm", "y;rm")
    shown = browser.get("/failures/found").text
    assert "redrive --destination 'y;rm'" in shown
    shown = browser.get("/failures?destination=z%3Brm").text
    assert "--destination 'z;rm'" in shown


def test_what_would_change_by_now_is_not_redriven(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 3)
    page = planned(browser)
    aws.set_destination("default", event_code="another")
    answer = browser.post("/failures/redrive", {**page.hidden(), "per_second": "10"})
    assert answer.status == 400
    assert "Settings were changed since this was planned" in answer.text
    assert left_as_they_were(aws, 3)


@pytest.mark.parametrize("rate", ["", "0", "-1", "1001", "2.5", "x", "²", "٣", "9" * 5_000])
def test_a_rate_is_a_number_of_profiles(browser: WebBrowser, aws: Aws, rate: str) -> None:
    bury(aws, 1)
    answer = browser.post("/failures/redrive", {**planned(browser).hidden(), "per_second": rate})
    assert answer.status == 400
    assert "Profiles a second are 1 to 1,000" in answer.text
    assert left_as_they_were(aws, 1)


def test_a_redrive_keeps_to_its_rate(browser: WebBrowser, aws: Aws, slept: list[float]) -> None:
    bury(aws, 30)
    page = planned(browser)
    slept.clear()
    done = browser.settled(browser.post("/failures/redrive", {**page.hidden(), "per_second": "2"}))
    assert "30 of 30 are on the profile queue again" in done.text
    assert sum(slept) == pytest.approx(10)  # after the last ten nobody waits


def test_some_can_be_chosen_by_reason_or_one_by_one(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 3)
    bury(aws, 2, "refused_alone")
    of_all = planned(browser, destination="default", named="refused")
    assert "3 of 3 dead letters" in of_all.text
    page = planned(browser, destination="default", named="refused", id=["refused-0", "refused-2"])
    assert "2 of 2 dead letters" in page.text
    browser.settled(browser.post("/failures/redrive", {**page.hidden(), "per_second": "10"}))
    assert len(aws.sqs.profiles) == 2
    assert left_as_they_were(aws, 3)


def test_a_redrive_can_be_cancelled(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 30)
    page = planned(browser)
    sent, goes_on = threading.Event(), threading.Event()

    def stop() -> None:
        sent.set()
        goes_on.wait(10)

    aws.sqs.on_send = stop
    at_work = browser.post("/failures/redrive", {**page.hidden(), "per_second": "10"})
    assert sent.wait(10)
    browser.post(f"{at_work.path}/cancel")
    goes_on.set()
    done = browser.settled(at_work)
    assert "Cancelled. What was done by then stays done." in done.text
    assert "10 of 30 are on the profile queue again" in done.text
    assert len(aws.sqs.profiles) == 10
    assert left_as_they_were(aws, 20)


def test_how_far_a_redrive_came_is_told_where_it_fails(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 12)
    page = planned(browser)
    aws.sqs.refuse = lambda _: len(aws.sqs.profiles) >= 10
    done = browser.settled(
        browser.post("/failures/redrive", {**page.hidden(), "per_second": "1000"})
    )
    assert "The profile queue takes nothing now" in done.text
    assert "10 of 12 are on the profile queue again" in done.text
    assert left_as_they_were(aws, 2)


# --- who only reads ---


@pytest.mark.parametrize("path", ["/failures/redrive", "/failures/discard"])
def test_who_only_reads_changes_nothing(reader: WebBrowser, aws: Aws, path: str) -> None:
    bury(aws, 2)
    page = planned(reader)
    assert "2 of 2 dead letters would be put back" in page.text
    assert "--allow-changes" in page.text
    assert 'action="/failures/redrive"' not in page.html
    assert "Discard" not in reader.get("/failures/found").text
    assert reader.post(path, {"plan": "x"}).status == 403
    assert left_as_they_were(aws, 2)


def test_what_aws_denies_is_told(browser: WebBrowser, aws: Aws) -> None:
    aws.sqs.failures = [None, None, fakes.denied("AccessDenied", "ReceiveMessage")]
    page = browser.get("/failures/found")
    assert page.status == 403
    assert "ReceiveMessage failed with AccessDenied" in page.text


# --- taking them out ---


def test_discarding_asks_with_the_number(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 3)
    bury(aws, 1, "missing_email")
    page = browser.settled(browser.post("/failures/discard/plan", {"named": "refused"}))
    assert "3 dead letters would be deleted for good" in page.text
    assert "default 3" in page.text
    fields = page.hidden()
    refused = browser.post("/failures/discard", {**fields, "count": "4"})
    assert refused.status == 400
    assert "Nothing is discarded: enter 3" in refused.text
    assert left_as_they_were(aws, 4)
    bury(aws, 2, "refused_later")
    done = browser.settled(browser.post("/failures/discard", {**fields, "count": "3"}))
    assert "3 of 3 dead letters deleted." in done.text
    assert left_as_they_were(aws, 3)
    assert browser.post("/failures/discard", {**fields, "count": "3"}).status == 400


def test_an_export_is_a_file_of_what_was_chosen(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 2)
    bury(aws, 1, "missing_email")
    browser.hidden = ()  # it is personal data
    answer = browser.post("/failures/export", {"destination": "default", "named": "refused"})
    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="dead-letters-')
    assert answer.headers["cache-control"] == "no-store"
    found = [json.loads(each) for each in answer.html.splitlines()]
    assert sorted(each["email"] for each in found) == ["ada0@example.com", "ada1@example.com"]
    assert {each["dead_letter"]["reason"] for each in found} == {"refused"}
    assert left_as_they_were(aws, 3)


def test_an_export_is_asked_by_a_form_alone(browser: WebBrowser, aws: Aws) -> None:
    bury(aws)
    assert browser.get("/failures/export").status == 405
    assert browser.post("/failures/export", {"csrf": "another"}).status == 403


def test_without_dead_letters_there_is_no_file(browser: WebBrowser) -> None:
    answer = browser.post("/failures/export")
    assert answer.status == 400
    assert "No dead letters." in answer.text


def test_a_file_that_would_lack_some_is_none(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(aws, 25)
    clock = iter(range(0, 10_000, 30))
    passed = SimpleNamespace(monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(failures, "time", passed)
    browser.hidden = ()
    answer = browser.post("/failures/export")
    assert answer.status == 400
    assert "There is no file: 5 more were not looked at." in answer.text
    assert left_as_they_were(aws, 25)


def test_of_a_destination_that_was_removed_one_is_made(browser: WebBrowser, aws: Aws) -> None:
    bury(aws, 1, "unknown_destination", "gone")
    page = browser.get("/failures/found")
    assert "/destinations/new" in page.links()
    assert "/destinations/gone" not in page.links()
    assert "Make the destination again, or discard them" in page.text


def test_each_page_that_cures_is_there(browser: WebBrowser, aws: Aws) -> None:
    for reason in ("refused", "missing_email", "filter_failed", "token_refused", "only_hash"):
        bury(aws, 1, reason)
    links = {each for each in browser.get("/failures/found").links() if "/default" in each}
    assert links == {"/destinations/default", "/mapping/default", "/doctor/default"}
    assert {browser.get(each).status for each in links} == {200}
