"""What the pages about destinations show, and what they store."""

import json

import pytest

from attendee_sync.ingest import senders
from attendee_sync.ingest.senders import Sender, SenderToken
from attendee_sync_cli.settings import sender_forms
from tests.support import fakes
from tests.support.stack import PROFILE_QUEUE, PUSH_URL, STACK, Aws, Clock, changed
from tests.support.web_browser import Page, WebBrowser
from tests.unit.cli.web_console.test_destination_form import sent

PARAMETER = f"/{STACK}/destinations/default"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
CSV = b"email,state\nada@example.com,CA\ngrace@example.com,NY\nnobody,NY\n"


def stored(aws: Aws, name: str = "default") -> dict[str, object]:
    found: dict[str, object] = json.loads(aws.ssm.parameters[f"/{STACK}/destinations/{name}"])
    return found


def planned(browser: WebBrowser, **fields: str) -> Page:
    """Return what answers the form of a destination, with some fields changed."""
    form = sent(browser.get("/destinations/default").html)
    return browser.post("/destinations/default/settings", {**form, **fields})


def created(browser: WebBrowser, name: str, **fields: str) -> Page:
    form = sent(browser.get("/destinations/new").html)
    return browser.post("/destinations/new", {**form, "destination": name, **fields})


# --- the list ---


def test_destinations_are_listed_with_how_they_are(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("broken", event_code="")
    aws.set_destination("emea", event_code="e27", name="EMEA <b>", filter="vip")
    page = browser.get("/destinations")
    assert "default active summit2027 default on all" in page.text
    assert "broken not valid" in page.text
    assert "emea EMEA <b> active e27 default on some, by a filter" in page.text
    assert "/destinations/emea" in page.links()
    assert "/connections/default" in page.links()


def test_a_paused_destination_is_listed_as_that(browser: WebBrowser, aws: Aws) -> None:
    aws.functions.mappings[PROFILE_QUEUE] = False
    assert "default paused summit2027 default off" in browser.get("/destinations").text


def test_what_came_last_is_counted_apart(browser: WebBrowser, aws: Aws, wall: Clock) -> None:
    wall.now = 1_800_000_000.0

    def put(metric: str, count: int, hours_ago: int, **dimensions: str) -> None:
        where = {"stack": STACK, "destination": "default", **dimensions}
        aws.cloudwatch.put(metric, where, [count], wall.now - hours_ago * 3_600)

    put("Received", 48, 3, service="ingest")
    put("Profiles", 36, 3, service="delivery", outcome="delivered")
    put("Profiles", 12, 1, service="delivery", outcome="rejected")
    first = browser.get("/destinations")
    assert aws.cloudwatch.calls == []
    assert "/destinations?figures" in first.links()
    told = "default 48 2.0 75.0% rejected, in the hour from 2027-01-15T07:00:00Z"
    assert told in browser.get("/destinations?figures").text
    part = browser.get("/destinations?figures", **{"HX-Request": "true"})
    assert told in part.text
    assert "<html" not in part.html


# --- one destination ---


def test_a_destination_shows_its_settings_in_adobe_s_order(browser: WebBrowser) -> None:
    text = browser.get("/destinations/default").text
    order = [
        *("Authenticate", "Destination details", "Event ID", "Alerts", "Mapping and identity"),
        *("Audiences", "Governance and consent"),
    ]
    places = [text.index(each, text.index("Authenticate")) for each in order]
    assert places == sorted(places)


def test_a_destination_shows_what_its_senders_need(browser: WebBrowser) -> None:
    page = browser.get("/destinations/default")
    assert f"Push URL: {PUSH_URL}" in page.text
    assert "HTTP Endpoint" in page.text
    assert "Include Segment Names off" in page.text
    assert f"{STACK}/ingest-token" in page.text
    assert all(each.sender.lower() in page.text.lower() for each in sender_forms.FORMS)


def test_there_is_no_page_of_no_destination(browser: WebBrowser) -> None:
    page = browser.get("/destinations/none")
    assert page.status == 400
    assert "There is no destination none" in page.text


def test_senders_with_tokens_of_their_own_are_shown_where_they_may_push(
    browser: WebBrowser, aws: Aws
) -> None:
    assert "No sender has a token of its own" in browser.get("/destinations/default/senders").text
    token = SenderToken("0" * 64, 1_700_000_000)
    known = [Sender("aep", ("default",), (token,)), Sender("crm", ("other",), (token,))]
    aws.secrets.versions[f"{STACK}/senders"] = [senders.dump(known)]
    page = browser.get("/destinations/default/senders")
    assert "aep default 2023-11-14T22:13:20Z" in page.text
    assert "crm" not in page.text


def test_who_is_told_of_trouble_is_shown_without_their_addresses(
    browser: WebBrowser, aws: Aws
) -> None:
    aws.stacks.outputs[STACK]["AlertTopicArn"] = TOPIC
    aws.sns.subscribe(TOPIC, "email", "ada.lovelace@example.com", f"{TOPIC}:1")
    aws.sns.subscribe(TOPIC, "sms", "+15550100", "PendingConfirmation")
    aws.sns.subscribe(TOPIC, "https", "https://hooks.example.com/a?key=hidden", f"{TOPIC}:2")
    page = browser.get("/destinations/default/alerts")
    assert "email a…@example.com subscribed" in page.text
    assert "sms …00 not confirmed yet" in page.text
    assert "https https://hooks.example.com/a subscribed" in page.text
    assert "lovelace" not in page.html
    assert "hidden=" not in page.html
    assert f"--topic-arn {TOPIC}" in page.text


def test_where_nobody_is_told_it_says_how(browser: WebBrowser, aws: Aws) -> None:
    assert "Nobody is told" in browser.get("/destinations/default/alerts").text
    aws.stacks.parameters["AlertTopicArn"] = TOPIC
    assert "Nobody is subscribed." in browser.get("/destinations/default/alerts").text
    aws.sns.always = fakes.denied("AuthorizationError", "ListSubscriptionsByTopic")
    page = browser.get("/destinations/default/alerts")
    assert page.status == 200
    assert "sns:ListSubscriptionsByTopic" in page.text


# --- its settings ---


def test_what_changes_and_its_effect_are_shown_before_it_is_stored(
    browser: WebBrowser, aws: Aws
) -> None:
    aws.sqs.queues[fakes.PROFILES_URL] = []
    before = dict(aws.ssm.parameters)
    plan = planned(browser, event_code="summit2028", filter="state == 'CA'")
    assert "2 settings change" in plan.text
    assert "event_code summit2027 summit2028" in plan.text
    assert "filter (none) state == 'CA'" in plan.text
    assert "Waiting in the shared lane, of all destinations there: 0 profiles" in plan.text
    assert "attendees are stored for event summit2028" in plan.text
    assert aws.ssm.parameters == before
    page = browser.post("/destinations/default/store", plan.hidden())
    assert page.path == "/destinations/default"
    assert "Stored. The functions take it up within a minute." in page.text
    assert stored(aws) == {"event_code": "summit2028", "filter": "state == 'CA'"}


def test_a_lane_that_is_not_there_is_told_and_stops_no_change(
    browser: WebBrowser, aws: Aws
) -> None:
    aws.set_destination("default", event_code="e1", lane="shared")
    aws.sqs.queues.pop(fakes.PROFILES_URL, None)
    plan = planned(browser, event_code="e2")
    assert plan.status == 200
    assert "Its lane is not there" in plan.text


def test_a_mapping_is_entered_row_by_row(browser: WebBrowser, aws: Aws) -> None:
    form = sent(browser.get("/destinations/default").html)
    [row] = [name for name, value in form.items() if value == ["companyname"]]
    [own, *_] = [name for name, value in form.items() if name.endswith(".field") and value == [""]]
    plan = planned(
        browser,
        **{
            row.replace("field", "value"): "employer.name",
            own: "origin",
            own.replace("field", "write"): "constant",
            own.replace("field", "value"): "AEP",
        },
    )
    browser.post("/destinations/default/store", plan.hidden())
    assert stored(aws)["mapping"] == {
        "companyname": "employer.name",
        "origin": {"value": "AEP", "write": "constant"},
    }


def test_faults_stand_beside_their_fields_and_what_was_entered_is_kept(
    browser: WebBrowser, aws: Aws
) -> None:
    before = dict(aws.ssm.parameters)
    page = planned(
        browser,
        event_code="no such code",
        filter='state == "CA"',
        labels="phone: C12",
        name="Kept <i>",
    )
    assert page.status == 422
    assert "Given a text of 12 characters; expected letters, digits, _ and -" in page.text
    assert 'value="no such code"' in page.html
    assert "Kept &lt;i&gt;" in page.html
    assert page.html.count('aria-invalid="true"') >= 1
    assert aws.ssm.parameters == before
    page = planned(browser, filter='state == "CA"', labels="phone: C12")
    assert "'CA', in single quotes" in page.text
    assert "a field that is not sent" in page.text


def test_doubts_and_a_sample_are_shown_with_the_plan(browser: WebBrowser) -> None:
    form = sent(browser.get("/destinations/default").html)
    fields = {**form, "filter": "state == 'CA'"}
    plan = browser.post(
        "/destinations/default/settings", fields, files={"sample": ("people.csv", CSV)}
    )
    assert plan.status == 200, plan.text
    assert "What would become of the sample: 3 profiles" in plan.text
    assert "filtered filter" in plan.text
    assert "rejected invalid_email" in plan.text
    assert "ada@" not in plan.html
    assert "Doubtful" in planned(browser, filter="compny == 'x'").text


def test_a_sample_that_is_none_is_told_and_what_was_entered_is_kept(browser: WebBrowser) -> None:
    form = sent(browser.get("/destinations/default").html)
    fields = {**form, "name": "Kept"}
    page = browser.post(
        "/destinations/default/settings", fields, files={"sample": ("people.csv", b"")}
    )
    assert page.status == 422
    assert "people.csv" in page.text
    assert 'value="Kept"' in page.html


def test_what_somebody_else_stored_meanwhile_is_not_overwritten(
    browser: WebBrowser, aws: Aws
) -> None:
    form = sent(browser.get("/destinations/default").html)
    plan = planned(browser, event_code="mine")
    aws.set_destination("default", event_code="theirs")
    page = browser.post("/destinations/default/store", plan.hidden())
    assert page.status == 400
    assert "Somebody else has stored these settings meanwhile" in page.text
    again = browser.post("/destinations/default/settings", {**form, "event_code": ["mine"]})
    assert again.status == 422
    assert "somebody else has stored these settings" in again.text
    assert 'value="mine"' in again.html
    assert stored(aws)["event_code"] == "theirs"


def test_settings_go_back_to_a_version_as_they_are_set(browser: WebBrowser, aws: Aws) -> None:
    for code in ("e1", "e2"):
        plan = planned(browser, event_code=code)
        browser.post("/destinations/default/store", plan.hidden())
    page = browser.get("/destinations/default")
    assert "grace event_code as it is now" in page.text
    plan = browser.post("/destinations/default/rollback", {"version": "1"})
    assert "event_code e2 e1" in plan.text
    browser.post("/destinations/default/store", plan.hidden())
    assert stored(aws)["event_code"] == "e1"


@pytest.mark.parametrize("path", ["default/store", "default/pause", "default/resume"])
def test_who_only_reads_changes_nothing(reader: WebBrowser, aws: Aws, path: str) -> None:
    before = dict(aws.ssm.parameters)
    plan = planned(reader, event_code="e2")
    assert "attendee-sync console --allow-changes" in plan.text
    page = reader.post(f"/destinations/{path}", plan.hidden())
    assert page.status == 403
    assert aws.ssm.parameters == before
    assert aws.functions.count("UpdateEventSourceMapping") == 0


def test_what_is_sent_without_a_plan_is_tried_again_before_it_is_stored(
    browser: WebBrowser, aws: Aws
) -> None:
    plan = planned(browser, event_code="e2")
    forged = {**plan.hidden(), "settings": '{"event_code": "e 2"}'}
    page = browser.post("/destinations/default/store", forged)
    assert (page.status, stored(aws)["event_code"]) == (400, "summit2027")


# --- a new one ---


def test_a_destination_is_made_with_its_lane(browser: WebBrowser, aws: Aws) -> None:
    plan = created(browser, "emea", event_code="e27")
    assert plan.status == 200, plan.text
    assert "A lane of its own is made for it" in plan.text
    page = browser.settled(browser.post("/destinations/emea/store", plan.hidden()))
    assert PUSH_URL.replace("default", "emea") in page.text
    assert stored(aws, "emea") == {"event_code": "e27", "lane": "own"}
    assert f"{STACK}-lane-emea" in aws.stacks.made
    again = browser.post("/destinations/emea/store", plan.hidden())
    assert "Somebody else has stored these settings meanwhile" in again.text


@pytest.mark.parametrize(
    ("name", "told"),
    [("EMEA!", "a name has lower-case letters"), ("default", "There is a destination default")],
)
def test_a_name_that_can_t_be_is_told_beside_it(browser: WebBrowser, name: str, told: str) -> None:
    page = created(browser, name, event_code="kept27")
    assert page.status == 422
    assert told in page.text
    assert 'value="kept27"' in page.html


def test_a_destination_that_is_called_new_has_its_page(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("new", event_code="e27")
    assert "/destinations/new/settings" in browser.get("/destinations").links()
    assert "Destination new" in browser.get("/destinations/new/settings").text
    assert "New destination" in browser.get("/destinations/new").text


# --- pausing ---


def test_a_pause_shows_its_effect_and_is_resumed(browser: WebBrowser, aws: Aws) -> None:
    aws.sqs.queues[fakes.PROFILES_URL] = []
    plan = browser.post("/destinations/default/pause/plan", {"until": "12h"})
    assert "0 profiles in its lane" in plan.text
    assert "when they go on by themselves" in plan.text
    page = browser.settled(browser.post("/destinations/default/pause", plan.hidden()))
    assert "Paused. Deliveries go on at" in page.text
    assert not aws.functions.mappings[PROFILE_QUEUE]
    assert len(aws.scheduler.schedules) == 1
    assert "Deliveries are off until" in browser.get("/destinations/default").text
    plan = browser.post("/destinations/default/resume/plan")
    page = browser.settled(browser.post("/destinations/default/resume", plan.hidden()))
    assert "Resumed." in page.text
    assert aws.functions.mappings[PROFILE_QUEUE]


def test_what_is_no_time_is_told_before_anything_is_done(browser: WebBrowser) -> None:
    page = browser.post("/destinations/default/pause/plan", {"until": "tomorrow"})
    assert page.status == 400
    assert "expected a span such as 12h or 3d" in page.text


def test_deliveries_that_somebody_else_switched_meanwhile_are_left_alone(
    browser: WebBrowser, aws: Aws
) -> None:
    aws.sqs.queues[fakes.PROFILES_URL] = []
    plan = browser.post("/destinations/default/pause/plan")
    aws.functions.mappings[PROFILE_QUEUE] = False
    page = browser.post("/destinations/default/pause", plan.hidden())
    assert page.status == 400
    assert "Somebody else has switched deliveries off meanwhile" in page.text


def test_who_shares_a_lane_is_not_paused_with_another(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("emea", event_code="e27")
    page = browser.post("/destinations/default/pause/plan")
    assert page.status == 400
    assert "is shared with emea" in page.text


# --- another connection ---


def test_accounts_are_listed_with_what_marketing_knows_of_them(
    browser: WebBrowser, aws: Aws
) -> None:
    aws.set_connection("stage", changed(environment="stg", org_id="acme-test"))
    page = browser.get("/destinations")
    assert "default prod acme no limit default" in page.text
    assert "stage stg acme-test no limit no destination" in page.text


@pytest.mark.parametrize("settings", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, "\x00"])
def test_settings_that_no_parser_takes_are_refused_in_words(
    browser: WebBrowser, aws: Aws, settings: str
) -> None:
    answer = browser.post("/destinations/default/store", {"settings": settings})
    assert answer.status == 400
    assert not aws.ssm.count("put_parameter")


@pytest.mark.parametrize("until", ["²", "9" * 5_000, "-1", "nan"])
def test_a_time_that_is_none_pauses_nothing(browser: WebBrowser, aws: Aws, until: str) -> None:
    answer = browser.post("/destinations/default/pause", {"resumes_at": until, "were_on": "yes"})
    assert answer.status == 400
    assert aws.functions.mappings[PROFILE_QUEUE]


def test_halves_of_characters_are_shown_by_their_number(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("default", event_code="e", name="\ud800", description="\udfff")
    answer = browser.get("/destinations/default")
    assert answer.status == 200
    assert 'value="\\ud800"' in answer.html
