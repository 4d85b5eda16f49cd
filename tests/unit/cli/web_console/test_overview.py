import json
import re
import time
from collections.abc import Callable

import pytest

from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, PROFILE_QUEUE, STACK, Aws, Clock, token
from tests.support.web_browser import WebBrowser

HOUR = 3_600
NOW = 1_800_000_000 // HOUR * HOUR + 1_830.0  # in the middle of an hour
REFUSED = fakes.envelope("105", "zip is not known", status=400)
PAUSED = fakes.envelope("124", "denied", status=403)


@pytest.fixture
def now(wall: Clock) -> Clock:
    wall.now = NOW
    return wall


def put(aws: Aws, name: str, values: list[float], ago: float, **dimensions: str) -> None:
    aws.cloudwatch.put(name, {"stack": STACK, **dimensions}, values, NOW - ago)


def received(aws: Aws, count: int, ago: float, destination: str = "default") -> None:
    put(aws, "Received", [count], ago, destination=destination, service="ingest")


def ended(aws: Aws, outcome: str, count: int, ago: float) -> None:
    where = {"destination": "default", "outcome": outcome, "service": "delivery"}
    put(aws, "Profiles", [count], ago, **where)


def stages(browser: WebBrowser, span: str) -> dict[str, tuple[str, str]]:
    """Return the funnel: of each stage the count, and what is said of the time before."""
    html = browser.get(f"/?part=outcomes&span={span}").html
    found = re.findall(r"<dt>(\w+)</dt><dd>([\d,]+).*?<small>(.*?)</small>", html)
    return {name: (count, before) for name, count, before in found}


def bury(harness: DeliveryHarness, count: int) -> None:
    harness.push(*({"zip": str(n)} for n in range(count)))


# --- at once ---


def test_a_stack_that_is_well_needs_nobody(browser: WebBrowser) -> None:
    page = browser.get("/")
    assert page.status == 200
    assert "Nothing, as far as queues, lanes, connections and tokens tell." in page.text
    assert "None is firing." in page.text
    assert "shared lane 0 0 0 on" in page.text
    assert "default good go through good, ends 2096-10-02" in page.text
    assert 'aria-current="page">Overview' in page.html


def test_what_takes_longer_comes_later_the_figures_before_what_waits(browser: WebBrowser) -> None:
    page = browser.get("/")
    links = page.links()
    assert links.index("/?part=outcomes&span=24h") < links.index("/?part=waiting")
    for path in ("/?part=outcomes&span=24h", "/?part=waiting"):
        alone = browser.get(path)
        assert "<h1>Overview</h1>" in alone.html
        assert browser.get(path, **{"HX-Request": "true"}).html.lstrip() in alone.html


def test_the_first_page_reads_no_log_no_metric_and_no_dead_letter(
    browser: WebBrowser, aws: Aws, harness: DeliveryHarness
) -> None:
    bury(harness, 3)
    aws.sqs.calls.clear()
    assert "3 dead letters" in browser.get("/").text
    assert not aws.sqs.count("ReceiveMessage")
    assert not aws.logs.calls
    assert {name for name, _ in aws.cloudwatch.calls} == {"DescribeAlarms"}


def test_dead_letters_lead_to_the_page_of_failures(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    bury(harness, 2)
    page = browser.get("/")
    assert "2 dead letters. Failures attendee-sync failures" in page.text
    assert "/failures" in page.links()[7:]


def test_a_paused_connection_leads_to_the_doctor(
    browser: WebBrowser, harness: DeliveryHarness
) -> None:
    harness.rainfocus.reply = PAUSED
    for n in range(6):
        harness.push({"email": f"p{n}@example.com"})
    harness.work()
    page = browser.get("/")
    assert re.search(r"connection default is paused since 20\S+ .*: it is refused", page.text)
    assert "Doctor attendee-sync doctor default" in page.text
    assert "/doctor/default" in page.links()
    assert "default paused paused since 20" in page.text


def test_a_token_that_has_run_out_leads_to_the_doctor(browser: WebBrowser, aws: Aws) -> None:
    aws.set_token(token(expires_at=1_700_000_600))
    page = browser.get("/")
    assert "the token of connection default is expired: it has run out" in page.text
    assert "Doctor attendee-sync token refresh default" in page.text


def test_a_lane_that_is_off_leads_to_its_destination(
    browser: WebBrowser, aws: Aws, harness: DeliveryHarness
) -> None:
    aws.functions.mappings = {PROFILE_QUEUE: False}
    harness.push({"email": "ada@example.com"})
    page = browser.get("/")
    assert "delivery of shared lane is off, and 1 profile in it" in page.text
    assert "/destinations/default" in page.links()


def test_alarms_that_fire_are_told_with_the_page_to_go_to(browser: WebBrowser, aws: Aws) -> None:
    aws.cloudwatch.fire(f"{STACK}-failed-rate", "More failed. Next: failures", time.time() - 300)
    aws.cloudwatch.fire(f"{STACK}-other-failed-rate", "of another stack", time.time())
    page = browser.get("/")
    assert re.search(
        rf"firing {STACK}-failed-rate since 20\S+ \(5 min ago\): More failed. Next: failures "
        "Failures",
        page.text,
    )
    assert "of another stack" not in page.text


def test_who_may_not_see_alarms_sees_the_rest(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(**_: object) -> None:
        raise fakes.denied("AccessDenied", "DescribeAlarms")

    monkeypatch.setattr(aws.cloudwatch, "describe_alarms", deny)
    page = browser.get("/")
    assert page.status == 200
    assert "Alarms may be seen with the ViewerPolicy of this version." in page.text
    assert "shared lane" in page.text


# --- what came of profiles ---


@pytest.mark.usefixtures("now")
def test_the_funnel_counts_exactly_against_the_time_before(
    browser: WebBrowser, aws: Aws, harness: DeliveryHarness
) -> None:
    minute, day = 60, 24 * HOUR
    received(aws, 1_200, 10 * minute)
    received(aws, 7, 70 * minute)
    received(aws, 40, 30 * HOUR)
    received(aws, 500, 10 * day)
    ended(aws, "delivered", 1_000, 5 * minute)
    ended(aws, "delivered", 1_100, 90 * minute)
    ended(aws, "unchanged", 3, 3 * HOUR)
    ended(aws, "rejected", 2, 2 * minute)
    ended(aws, "retry", 99, 2 * minute)
    harness.push({"email": "ada@example.com"}, {"email": "ben@example.com"})
    last_hour = stages(browser, "1h")
    assert last_hour == {
        "received": ("1,200", "before: 7 (+1,193)"),
        "delivered": ("1,000", "before: 1,100 (-100)"),
        "unchanged": ("0", "before: 0 (+0)"),
        "filtered": ("0", "before: 0 (+0)"),
        "stale": ("0", "before: 0 (+0)"),
        "rejected": ("2", "before: 0 (+2)"),
        "expired": ("0", "before: 0 (+0)"),
        "waiting": ("2", "now, in all lanes"),
    }
    of_day = stages(browser, "24h")
    assert of_day["received"] == ("1,207", "before: 40 (+1,167)")
    assert (of_day["delivered"][0], of_day["unchanged"][0]) == ("2,100", "3")
    assert stages(browser, "7d")["received"] == ("1,247", "before: 500 (+747)")


@pytest.mark.usefixtures("now")
def test_a_time_that_there_is_not_is_a_day(browser: WebBrowser, aws: Aws) -> None:
    received(aws, 5, 2 * HOUR)
    assert stages(browser, "<script>")["received"][0] == "5"


@pytest.mark.usefixtures("now")
def test_charts_have_their_numbers_behind_them(browser: WebBrowser, aws: Aws) -> None:
    ended(aws, "delivered", 41, 60)
    ended(aws, "expired", 2, 60)
    put(aws, "Age", [1.0, 2.0, 30.0], 60)
    put(aws, "RainFocusLatency", [100.0, 200.0, 900.0], 60)
    page = browser.get("/?part=outcomes&span=1h")
    assert page.html.count('<svg viewBox="0 0 640 200" role="img"') == 3
    hours = time.strftime("%H", time.gmtime(NOW))
    assert f"{hours}:25 41 0 0 0 0 2" in page.text
    assert f"{hours}:25 2 30" in page.text
    assert f"{hours}:25 0.2 0.9" in page.text


@pytest.mark.usefixtures("now")
def test_destinations_are_told_apart(browser: WebBrowser, aws: Aws) -> None:
    received(aws, 5, 60)
    received(aws, 3, 60, "<b>summit</b>")
    page = browser.get("/?part=outcomes&span=1h")
    assert "default 5 0 0 0" in page.text
    assert "<b>summit</b> 3 0 0 0" in page.text
    assert "<b>summit" not in page.html


def test_without_metrics_the_log_tells_the_same(
    browser: WebBrowser, aws: Aws, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = lambda call: (
        REFUSED if call.json["email"].startswith("ben") else fakes.stored()
    )
    harness.push({"email": "ada@example.com"}, {"email": "ben@example.com"}, {"zip": "1"})
    harness.work()
    aws.logs.write(DELIVERY_LOG, output())
    found = stages(browser, "1h")
    assert [found[name][0] for name in ("received", "delivered", "rejected")] == ["3", "1", "2"]
    page = browser.get("/?part=outcomes&span=1h")
    assert "From the functions' logs" in page.text
    assert not [each for each in ("ada@", "ben@") if each in page.html]


def test_of_a_log_that_is_too_long_nothing_is_said_of_before(
    browser: WebBrowser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendee_sync_cli.stack.log_events.MAX_ANSWERS", 7)
    settled = {"message": "profile settled", "destination": "default", "request_id": "a"}
    aws.logs.write(DELIVERY_LOG, json.dumps({**settled, "outcome": "delivered", "attempt": 1}))
    assert stages(browser, "24h")["delivered"] == ("1", "before: not known")


# --- what waits ---


def test_what_waits_is_told_with_the_reason_and_until_when_it_is_tried(
    browser: WebBrowser, aws: Aws, now: Clock
) -> None:
    aws.stacks.parameters["MaxAgeHours"] = "24"
    line = {"message": "profile put back", "destination": "default", "request_id": "a"}
    busy = {**line, "index": "0", "reason": "busy", "attempt": 1, "age_ms": 7_200_000}
    aws.logs.write(DELIVERY_LOG, json.dumps(busy), now.now - 60)
    accepted = {**line, "message": "push accepted", "request_id": "b", "accepted": 3}
    aws.logs.write(INGEST_LOG, json.dumps(accepted), now.now - 30)
    page = browser.get("/?part=waiting")
    assert "a profile of default waits for 2 h 1 min: busy" in page.text
    assert re.search(
        r"default 1 busy RainFocus asks for fewer calls .*\(2 h 1 min ago\) .*\(in 21 h 59 min\)",
        page.text,
    )
    assert "default 3 not_tried not tried yet" in page.text


def test_what_is_missing_is_told(browser: WebBrowser, aws: Aws) -> None:
    assert "each accepted profile has an end, or is in a lane" in browser.get("/?part=waiting").text
    line = {"message": "push accepted", "destination": "default", "request_id": "b", "accepted": 3}
    aws.logs.write(INGEST_LOG, json.dumps(line), time.time() - 600)
    text = browser.get("/?part=waiting").text
    assert "3 accepted profiles missing: no end in the log, and in no lane. Failures" in text
    assert "each accepted profile has an end" not in text
