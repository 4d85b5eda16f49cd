"""Who gets into the console, and what its pages may do."""

import re
import threading
import time

import pytest
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from attendee_sync_cli.console import FailureError
from attendee_sync_cli.web_console import guard, jobs, page, server, site
from attendee_sync_cli.web_console.session import Session
from tests.support.stack import Aws
from tests.support.web_browser import HOST, WebBrowser

# ReceiveMessage hides messages for a while; ChangeMessageVisibility shows them again.
_READS = re.compile(r"Get|List|Describe|Filter|BatchGet|Query|ReceiveMessage|ChangeMessageVis")


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


@pytest.mark.parametrize("site", ["same-site", "cross-site", "else"])
def test_pages_of_other_ports_of_this_machine_are_other_sites(
    browser: WebBrowser, site: str
) -> None:
    sent = {"Sec-Fetch-Site": site}
    assert browser.get("/jobs/none", **sent).status == 403
    assert unknown(browser).get(browser.session.new_address(), headers=sent).status_code == 200
    for own in ("same-origin", "none"):
        assert browser.get("/jobs/none", **{"Sec-Fetch-Site": own}).status == 404


@pytest.mark.parametrize("length", ["9" * 5_000, "²", "x", "-1"])
def test_what_has_no_length_that_can_be_read_is_not_read(browser: WebBrowser, length: str) -> None:
    sent = [(b"Origin", browser.session.origin.encode()), (b"Content-Length", length.encode())]
    assert browser.client.post("/jobs/none/cancel", headers=sent).status_code == 413


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


@pytest.mark.parametrize("name", ["default:1", "-x", "x y", "<b>", "%00", "é", "x" * 65])
def test_what_can_be_no_name_is_looked_for_nowhere(
    browser: WebBrowser, aws: Aws, name: str
) -> None:
    # To SSM, default:1 is the first version of default.
    text = aws.ssm.parameters["/attendee-sync/destinations/default"]
    aws.ssm.parameters |= {
        f"/attendee-sync/{kind}/default:1": text for kind in ("destinations", "connections")
    }
    before = len(aws.ssm.calls)
    for route in browser.site.routes:
        path = getattr(route, "path", "")
        if "{name}" not in path:
            continue
        path = path.replace("{name}", name)
        is_read = "GET" in (getattr(route, "methods", None) or ())
        answer = browser.get(path) if is_read else browser.post(path)
        assert answer.status in (400, 404), path
    assert len(aws.ssm.calls) == before


def test_a_job_has_time_to_end(browser: WebBrowser) -> None:
    def work(job: jobs.Job) -> None:
        while not job.is_cancelled:
            time.sleep(0.01)
        job.tell("Handed back")

    job = jobs.Job("Work", "/")
    browser.site.state.jobs.start(job, work)
    browser.site.state.jobs.end_all(10)
    assert job.words == ["Handed back"]


def test_only_so_many_jobs_are_at_work(browser: WebBrowser) -> None:
    everyone, gate = browser.site.state.jobs, threading.Event()
    for _ in range(20):
        everyone.start(jobs.Job("Work", "/"), lambda _: gate.wait(10) and None)
    with pytest.raises(FailureError, match="20 jobs are at work"):
        everyone.start(jobs.Job("Work", "/"), lambda _: None)
    gate.set()
    for job in everyone.all():
        assert job.wait(10)
    everyone.start(jobs.Job("Work", "/"), lambda _: None)


def test_the_terminal_is_told_where_a_fault_is_and_not_its_words(
    browser: WebBrowser, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_: jobs.Job) -> None:
        raise ValueError("ada@example.com")

    job = jobs.Job("Work", "/")
    with server.faults_told():
        browser.site.state.jobs.start(job, work)
        assert job.wait(10)
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "test_guard.py" in told
    assert "ada" not in told
    assert job.error == "Internal error: ValueError"


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


def test_no_form_writes_to_aws_while_changes_are_not_allowed(reader: WebBrowser, aws: Aws) -> None:
    fields = {
        **reader.get("/destinations/default").hidden(),
        **{"event_code": "summit2028", "email": "ada@example.com", "person": "a" * 64},
        **{"hours": "24", "count": "0", "per_second": "1", "were_on": "yes", "settings": "{}"},
        **{"org_id": "acme", "client_id": "x", "plan": "x", "version": "1", "until": "12h"},
        "destination": "default",
    }
    forms = [
        route.path.replace("{name}", "default")
        for route in reader.site.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ]
    forms.remove("/doctor/default/examine")  # it calls the token endpoint
    statuses = [reader.post(path, fields).status for path in forms]
    for job in reader.site.state.jobs.all():
        assert job.wait(60)
    assert 200 in statuses
    assert {
        name for fake in aws.clients for name, _ in fake.calls if not _READS.match(name)
    } == set()


def test_a_command_in_words_is_marked_up_and_nothing_else_is(browser: WebBrowser) -> None:
    def work(job: jobs.Job) -> None:
        job.tell("<b> `attendee-sync status <i>` finds `18`")

    job = jobs.Job("Work", "/failures", remark=jobs.UNCHANGED)
    browser.site.state.jobs.start(job, work)
    assert job.wait(10)
    shown = browser.get(f"/jobs/{job.id}").html
    assert "&lt;b&gt; <code>attendee-sync status &lt;i&gt;</code> finds `18`" in shown
    assert "<strong>Done.</strong> Nothing was changed." in shown
    assert '<a href="/failures" aria-current="page">' in shown
