"""Who gets into the console, and what its pages may do."""

import pytest
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from attendee_sync_cli.web_console import guard, jobs, page, site
from attendee_sync_cli.web_console.session import Session
from tests.support.web_browser import HOST, WebBrowser


def unknown(browser: WebBrowser) -> TestClient:
    """Return another browser, which is not signed in."""
    return TestClient(browser.site, base_url=browser.session.origin)


def test_an_address_signs_one_browser_in_once(browser: WebBrowser) -> None:
    address = browser.session.new_address()
    first, second = unknown(browser), unknown(browser)
    assert first.get(address).status_code == 200
    assert first.get("/jobs/none").status_code == 404
    assert second.get(address).status_code == 403
    assert second.get("/jobs/none").status_code == 403


def test_the_cookie_is_for_the_console_alone(browser: WebBrowser) -> None:
    cookie = unknown(browser).get(browser.session.new_address()).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age" not in cookie  # it ends with the browser
    assert cookie.startswith("attendee-sync-8700=")


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 10_000])
def test_another_token_signs_nobody_in(browser: WebBrowser, token: str) -> None:
    answer = unknown(browser).get("/", params={"token": token})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:8700", "127.0.0.1", "127.0.0.1:8701", "127.0.0.1:8700.x"]
)
def test_another_host_is_no_name_of_the_console(browser: WebBrowser, host: str) -> None:
    assert browser.get("/jobs/none", Host=host).status == 400


@pytest.mark.parametrize(
    "origin", ["", "null", "http://evil.example", "https://127.0.0.1:8700", "http://127.0.0.1"]
)
def test_a_form_of_another_site_is_refused(browser: WebBrowser, origin: str) -> None:
    assert browser.post("/jobs/none/cancel", Origin=origin).status == 403
    assert browser.post("/jobs/none/cancel").status == 404


@pytest.mark.parametrize("csrf", ["", "x", "é"])
def test_a_form_of_another_run_is_refused(browser: WebBrowser, csrf: str) -> None:
    answer = browser.post("/jobs/none/cancel", {"csrf": csrf})
    assert answer.status == 403
    assert "earlier run" in answer.text


def test_what_is_too_large_is_not_read(
    browser: WebBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MAX_BODY_BYTES", 1_000)
    assert browser.post("/jobs/none/cancel", {"x": "y" * 1_000}).status == 413


def test_a_body_is_as_long_as_it_is_and_not_as_it_says(
    browser: WebBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MAX_BODY_BYTES", 1_000)
    headers = {
        "Origin": browser.session.origin,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    sent = (b"x" * 100 for _ in range(100))
    assert (
        browser.client.post("/jobs/none/cancel", content=sent, headers=headers).status_code == 413
    )


@pytest.mark.parametrize("path", ["/jobs/none", "/static/style.css", "/?token=x"])
def test_each_answer_says_what_a_page_may_do(browser: WebBrowser, path: str) -> None:
    headers = browser.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_nothing_is_changed_unless_it_is_allowed() -> None:
    for may_change, status in ((False, 403), (True, 200)):
        browser = WebBrowser(may_change=may_change)
        browser.site.router.routes.insert(0, page.change("/x", lambda *_: HTMLResponse("y")))
        browser.sign_in()
        answer = browser.post("/x")
        assert answer.status == status
        assert ("--allow-changes" in answer.text) is not may_change


def test_each_form_of_the_site_is_looked_at_before_it_is_answered() -> None:
    checked = {page.query("/x", lambda *_: HTMLResponse("")).endpoint.__code__}
    made = site.make(WebBrowser().site.state.stack, Session(HOST, may_change=True))
    for route in made.routes:
        if "POST" in (getattr(route, "methods", None) or ()):
            assert route.endpoint.__code__ in checked, route  # type: ignore[attr-defined]


def test_what_a_job_tells_is_text(browser: WebBrowser) -> None:
    def work(job: jobs.Job) -> None:
        job.tell("<script>alert(1)</script>\x1b[31m")
        job.progress(3, 4)

    job = jobs.Job("Work", "/")
    browser.site.state.jobs.start(job, work)
    assert job.wait(10)
    shown = browser.get(f"/jobs/{job.id}")
    assert "<script>alert" not in shown.html
    assert "<script>alert(1)</script> [31m" in shown.text
    assert "Done." in shown.text
