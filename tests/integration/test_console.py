"""The console in a real browser, on a stack of this machine."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from attendee_sync_cli.web_console.page import NAVIGATION
from local.machine.browser import NARROW, WIDE, BrowserError, chromium
from local.machine.environment import CLIENT_ID, CLIENT_SECRET, ORG_ID, LocalEnvironment
from local.machine.web_console import web_console
from local.simulator.faults import Effect, Fault
from tests.support import workbooks
from tests.support.chromium import Watched, barriers, overflow
from tests.support.local import Local, until

_LONG_MILLISECONDS = 120_000
_EVENT = "roadshow2026"
_ADA, _BEN = "console-ada@example.com", "console-ben@example.com"
_CLEO = "console-cleo@example.com"
_CY = "console-cy@example.com"
_STATE = Effect(status=400, code="105", message="<b>state</b> is not known")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as running:
            yield running
    except BrowserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def signed_in(_running: LocalEnvironment, browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which the console was opened."""
    with (
        web_console(_running.stack, _running.simulator.url) as address,
        browser.new_context() as context,
    ):
        context.set_default_timeout(_LONG_MILLISECONDS)
        context.new_page().goto(address)
        yield context


@pytest.fixture
def page(local: Local, signed_in: BrowserContext) -> Iterator[Page]:  # noqa: ARG001 - tidies up
    page = signed_in.new_page()
    watched = Watched(page)
    first = signed_in.pages[0]
    expect(first.get_by_role("heading", level=1)).to_have_text("Overview")
    page.goto(first.url)
    yield page
    page.close()
    assert watched.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_keeps_anybody_from_a_page(page: Page, size: tuple[int, int], scheme: str) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for entry in NAVIGATION:
        page.get_by_role("navigation").get_by_role("link", name=entry.title, exact=True).click()
        expect(page).to_have_url(re.compile(f"{entry.path}$"))
        page.wait_for_load_state("networkidle")
        assert barriers(page) == [], entry.title
        assert overflow(page) == 0, entry.title


def test_pages_are_reached_by_the_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for name in ("Attendee Sync", *(entry.title for entry in NAVIGATION[:2])):
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(NAVIGATION[1].title)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_reading_needs_no_javascript(local: Local, browser: Browser) -> None:
    with (
        web_console(local.stack, local.simulator.url) as address,
        browser.new_context(java_script_enabled=False) as context,
    ):
        page = context.new_page()
        page.set_default_timeout(_LONG_MILLISECONDS)
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        for entry in NAVIGATION:
            page.get_by_role("navigation").get_by_role("link", name=entry.title).first.click()
            expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)


def _submit(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def _wait_for_end(page: Page) -> None:
    """Wait until a job is over, as its page tells by itself."""
    expect(page.get_by_text("Done.", exact=True)).to_be_visible(timeout=_LONG_MILLISECONDS)


def test_an_operator_goes_the_whole_way_by_the_pages_alone(local: Local, page: Page) -> None:
    start = page.url.rstrip("/")

    # A destination, created by the form; its name has what would be a script.
    page.goto(f"{start}/destinations/new")
    page.get_by_label("Name in the push URL").fill("console")
    page.get_by_label("Name", exact=True).fill("<script>alert('name')</script>")
    page.get_by_label("Event ID (event code)").fill(_EVENT)
    _submit(page, "Show what is created")
    expect(page.get_by_role("table", name="Settings of destination console")).to_contain_text(
        _EVENT
    )
    _submit(page, "Create this")
    _wait_for_end(page)

    # A spreadsheet, previewed and then pushed as its rows.
    page.goto(f"{start}/mapping/console")
    sheet = workbooks.workbook(
        [["E-mail", "First name", "Employer"], [_ADA, "Ada", "Analytical Engines"]]
    )
    page.get_by_label("Or a file").set_input_files(
        {"name": "people.xlsx", "mimeType": _XLSX, "buffer": sheet}
    )
    page.get_by_label("companyname: expression or text").fill("Employer")
    expect(page.locator("#result")).to_contain_text("Analytical Engines")
    expect(page.locator("#result")).to_contain_text(_ADA)
    _submit(page, "Save…")
    _submit(page, "Store this")
    row = {"E-mail": _ADA, "First name": "Ada", "Employer": "Analytical Engines"}
    until(
        lambda: _push_and_read(local, row).get("companyname") == "Analytical Engines",
        "the new mapping counts",
    )

    # RainFocus breaks; why is seen, it is mended, and what failed is redriven.
    local.simulator.add_fault(
        Fault(call="attendee/store", email_regex="console-ben", effect=_STATE)
    )
    before = local.stack.dead_letter_queue().total
    assert local.push([{"email": _BEN}], destination="console").status_code == 202
    until(lambda: local.stack.dead_letter_queue().total > before, "the dead letter is there")
    page.goto(start)
    page.get_by_role("main").get_by_role("link", name="Failures").first.click()
    page.get_by_label("Destination").select_option("console")
    _submit(page, "Show")
    expect(page.get_by_text('"<b>state</b> is not known"').first).to_be_visible()
    local.simulator.clear_faults()
    page.get_by_role("button", name="Plan a redrive").first.click()
    _wait_for_end(page)
    page.get_by_role("button", name=re.compile(r"^Redrive \d+$")).click()
    _wait_for_end(page)
    until(lambda: _BEN in _stored(local), "the redriven profile is delivered")

    # The person is looked up, and erased.
    page.goto(f"{start}/person")
    page.get_by_label("E-mail address").fill(_BEN)
    _submit(page, "Look up")
    _wait_for_end(page)
    expect(page.get_by_role("heading", name="Destination console")).to_be_visible()
    _submit(page, "What would be removed?")
    _wait_for_end(page)
    _submit(page, "Remove it, and block this person")
    _wait_for_end(page)
    assert local.push([{"email": _BEN, "zip": "1"}], destination="console").status_code == 202
    local.wait_until_idle()
    assert _stored(local)[_BEN].get("zip") is None
    assert _BEN not in page.url


def test_a_connection_is_mended_by_the_doctor_s_page(local: Local, page: Page) -> None:
    connection = {
        "org_id": ORG_ID,
        "base_url": local.simulator.base_url(),
        "auth": {"token_url": local.simulator.token_url()},
        "path": "/rest/{org_id}/{version}/{call}",
    }
    local.stack.put_connection("misspelt", connection)
    local.stack.store_credentials("misspelt", CLIENT_ID, CLIENT_SECRET)
    start = page.url.rstrip("/")
    try:
        page.goto(f"{start}/doctor")
        page.get_by_role("link", name="misspelt").click()
        _submit(page, "Examine")
        _wait_for_end(page)
        helps = page.get_by_role("table", name="Settings of connection misspelt")
        expect(helps).to_contain_text("/api/{org_id}/{version}/{call}")
        for size in (WIDE, NARROW):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert barriers(page) == []
            assert overflow(page) == 0
        _submit(page, "Store this, and look again")
        _wait_for_end(page)
        expect(page.get_by_text("Stored. The functions take it up")).to_be_visible()
        expect(page.get_by_text("failed", exact=True)).to_have_count(0)
    finally:
        local.stack.delete_connection("misspelt")


def test_a_destination_is_changed_rolled_back_paused_and_resumed_on_its_page(
    local: Local, page: Page
) -> None:
    start = page.url.rstrip("/")
    page.goto(f"{start}/destinations/new")
    assert barriers(page) == []
    page.get_by_label("Name in the push URL").fill("desk")
    page.get_by_label("Event ID (event code)").fill(_EVENT)
    _submit(page, "Show what is created")
    _submit(page, "Create this")
    _wait_for_end(page)
    page.get_by_role("link", name="Destination desk").click()

    # Settings, shown with their difference, and back.
    page.get_by_label("Audiences", exact=True).fill("vip\nspeakers")
    page.get_by_label("companyname: expression or text").fill("employer.name")
    _submit(page, "Show what changes")
    assert barriers(page) == []
    changes = page.get_by_role("table", name="Settings of destination desk")
    expect(changes).to_contain_text("is_member(@, 'vip') || is_member(@, 'speakers')")
    _submit(page, "Store this")
    expect(page.get_by_role("status")).to_contain_text("Stored.")
    expect(page.get_by_label("Audiences", exact=True)).to_have_value("vip\nspeakers")
    page.get_by_role("button", name="Go back to version 1").click()
    _submit(page, "Store this")
    expect(page.get_by_label("Audiences", exact=True)).to_have_value("")
    assert barriers(page) == []

    # Deliveries, off and on.
    _submit(page, "Pause")
    expect(page.get_by_role("heading", name="0 profiles in its lane")).to_be_visible()
    _submit(page, "Pause")
    _wait_for_end(page)
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("Deliveries are off since")).to_be_visible()
    assert local.push([{"email": _CLEO}], destination="desk").status_code == 202
    _submit(page, "Resume")
    _submit(page, "Resume")
    _wait_for_end(page)
    until(lambda: _CLEO in _stored(local), "what waited is delivered")


def test_a_fault_stands_beside_its_field_in_a_browser(
    signed_in: BrowserContext, page: Page
) -> None:
    start = page.url.rstrip("/")
    other = signed_in.new_page()  # whose answers are 422, of which a browser complains
    other.goto(f"{start}/destinations/default")
    other.get_by_label("Filter", exact=True).fill('state == "CA"')
    other.get_by_label("Description", exact=True).fill("kept")
    _submit(other, "Show what changes")
    expect(other.get_by_label("Filter", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(other.get_by_label("Description", exact=True)).to_have_value("kept")
    expect(other.get_by_role("alert")).to_contain_text("Filter")
    assert barriers(other) == []
    other.goto(f"{start}/destinations/default")
    expect(other.get_by_label("Description", exact=True)).to_have_value("")
    other.close()


def test_an_account_takes_credentials_and_shows_none(page: Page) -> None:
    start = page.url.rstrip("/")
    page.goto(f"{start}/connections/default")
    assert barriers(page) == []
    secret = page.get_by_label("Client secret", exact=True)
    expect(secret).to_have_attribute("type", "password")
    expect(secret).to_have_value("")
    page.get_by_label("Calls a second").fill("50")
    _submit(page, "Show what changes")
    expect(page.get_by_role("table", name="Settings of connection default")).to_contain_text(
        "limits.requests_per_second"
    )
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Account default")


def test_what_was_pushed_is_counted_and_its_call_is_in_the_api_log(
    local: Local, page: Page
) -> None:
    assert local.push([{"email": _CY}]).status_code == 202
    local.wait_for_attendee(_CY)
    until(lambda: "profile settled" in local.logs(), "delivery's line is in the log")

    # The parts of the overview come by themselves, and another time is a click away.
    page.reload()
    expect(page.locator("#waiting")).to_contain_text("What waits, of the last 24 hours")
    outcomes = page.locator("#outcomes")
    outcomes.get_by_role("link", name="last hour").click()
    expect(outcomes).to_contain_text("The last hour, since")
    expect(outcomes.get_by_role("img")).to_have_count(3)
    count = outcomes.locator(".figures dt:text-is('delivered') + dd").inner_text().split()[0]
    assert int(count.replace(",", "")) >= 1

    # The call, by its line without anybody's data; the simulator knows whom it stored.
    page.get_by_role("navigation").get_by_role("link", name="API log").click()
    page.get_by_label("Destination").select_option("default")
    page.get_by_label("Outcome").select_option("delivered")
    page.get_by_label("HTTP status").select_option("2xx")
    _submit(page, "Show")
    calls = page.get_by_role("region", name="Calls, the newest first")
    calls.get_by_text("line", exact=True).first.click()
    expect(calls.locator("pre").first).to_contain_text('"outcome": "delivered"')
    expect(calls).not_to_contain_text("@example.com")
    expect(page.get_by_role("region", name="Calls that the simulator saw")).to_contain_text(_CY)
    expect(page.get_by_role("region", name="Attendees that were stored last")).to_contain_text(_CY)


def _stored(local: Local) -> dict[str, dict[str, Any]]:
    return {
        str(each.fields["email"]): dict(each.fields) for each in local.simulator.attendees(_EVENT)
    }


def _push_and_read(local: Local, row: dict[str, str]) -> dict[str, Any]:
    assert local.push([row], destination="console").status_code == 202
    local.wait_until_idle()
    return _stored(local).get(row["E-mail"], {})
