"""What the page about a destination's mapping shows of profiles, and what it stores."""

import json
import re

import pytest

from attendee_sync_cli.web_console import uploads
from tests.support import fakes
from tests.support.stack import STACK, Aws
from tests.support.web_browser import Page, WebBrowser
from tests.support.workbooks import workbook

ADA = {"email": "Ada@Example.com", "first name": "Ada", "shoeSize": 41, "country": "Sweden"}
PARAMETER = f"/{STACK}/destinations/default"


def entered(page: Page, **values: str) -> dict[str, str]:
    """Return the fields of the form as somebody leaves them, with expressions for some fields."""
    fields = page.hidden()
    for n, name in enumerate(page_fields(page)):
        fields[f"mapping.{n}.field"] = name
        fields[f"mapping.{n}.value"] = values.get(name, "")
        fields[f"mapping.{n}.write"] = values.get(f"{name}_write", "")
    return fields


def page_fields(page: Page) -> list[str]:
    return re.findall(r'name="mapping\.\d+\.field" value="([^"]+)"', page.html)


def preview(browser: WebBrowser, profile: object = ADA, **values: str) -> Page:
    """Paste a profile, with expressions for some fields."""
    text = profile if isinstance(profile, str) else json.dumps(profile)
    opened = browser.get("/mapping/default")
    return browser.post("/mapping/default", {**entered(opened, **values), "profile": text})


def test_destinations_are_listed(browser: WebBrowser, aws: Aws) -> None:
    aws.ssm.parameters[f"/{STACK}/destinations/summit"] = json.dumps(
        {"event_code": "summit2028", "name": "The summit"}
    )
    page = browser.get("/mapping")
    assert "summit The summit summit2028 default" in page.text
    assert "/mapping/summit" in page.links()
    assert browser.get("/mapping?destination=summit").path == "/mapping/summit"


def test_each_field_is_shown_with_its_expression(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination(
        "default",
        event_code="e",
        mapping={"companyname": "employer.name", "vip": {"value": "yes", "write": "constant"}},
    )
    page = browser.get("/mapping/default")
    assert {"companyname", "email", "vip", "zip"} <= set(page_fields(page))
    assert 'value="employer.name"' in page.html
    assert 'value="yes"' in page.html
    assert "Paste a profile" in page.text


def test_what_would_become_of_a_profile_is_told_field_by_field(browser: WebBrowser) -> None:
    text = preview(browser).text
    assert "delivered, if RainFocus takes it" in text
    assert "email ada@example.com" in text
    assert "countryid SE" in text
    assert "Read by nothing: shoeSize" in text
    assert "POST https://" in text
    assert "<access token>" in text


def test_an_edited_expression_shows_what_it_changes(browser: WebBrowser, aws: Aws) -> None:
    before = dict(aws.ssm.parameters)
    text = preview(browser, companyname="shoeSize", firstname="nickname").text
    assert "companyname 41 as stored: nothing" in text
    assert "mapping.companyname" in text  # of the difference
    assert aws.ssm.parameters == before
    assert "as stored" not in preview(browser).text


def test_a_field_that_is_left_out_shows_what_it_was(browser: WebBrowser) -> None:
    text = preview(browser, firstname_write="omit").text
    assert "firstname nothing as stored: Ada" in text


def test_a_field_can_be_added(browser: WebBrowser) -> None:
    page = browser.get("/mapping/default")
    n = len(page_fields(page))
    added = {f"mapping.{n}.field": "shoe_size", f"mapping.{n}.value": "shoeSize"}
    sent = {**entered(page), **added, "profile": json.dumps(ADA)}
    page = browser.post("/mapping/default", sent)
    assert "shoe_size 41 as stored: nothing" in page.text
    assert "shoe_size" in page_fields(page)


def test_a_field_that_is_mapped_twice_is_told(browser: WebBrowser) -> None:
    page = browser.get("/mapping/default")
    n = len(page_fields(page))
    twice = {f"mapping.{n}.field": "city", f"mapping.{n}.value": "town"}
    page = browser.post("/mapping/default", {**entered(page, city="a"), **twice})
    assert page.status == 200
    assert "The field city is mapped twice." in page.text


def test_what_is_no_expression_is_told_at_its_field(browser: WebBrowser) -> None:
    page = preview(browser, city="address.[")
    assert "The settings are not valid: mapping.city" in page.text
    assert 'aria-invalid="true"' in page.html
    assert 'value="address.["' in page.html  # what was entered stays


def test_doubts_are_told(browser: WebBrowser) -> None:
    text = preview(browser, city="adress.city").text
    assert "Doubtful" in text
    assert "mapping.city" in text


def test_a_table_is_counted_with_the_places_of_what_is_not_sent(browser: WebBrowser) -> None:
    rows = "email,firstname\nada@example.com,Ada\n,Ben\ncora@example.com,Cora\n"
    text = preview(browser, rows).text
    assert "Of 3 profiles" in text
    assert "2 delivered, if RainFocus takes it" in text
    assert "line 3 rejected: missing_email" in text


def test_a_spreadsheet_is_kept_while_expressions_are_edited(browser: WebBrowser) -> None:
    content = workbook([["email", "nickname"], ["ada@example.com", "Countess"]])
    opened = browser.get("/mapping/default")
    files = {"file": ("people.xlsx", content)}
    page = browser.post("/mapping/default", entered(opened), files=files)
    assert "row 2 delivered" in page.text
    assert "Kept: people.xlsx" in page.text
    again = browser.post("/mapping/default", entered(page, jobtitle="nickname"))
    assert "jobtitle Countess as stored: nothing" in again.text
    forgotten = browser.post("/mapping/default", {**entered(again), "forget": "yes"})
    assert "Countess" not in forgotten.text
    assert "Kept:" not in forgotten.text
    assert "choose it again" in browser.post("/mapping/default", entered(again)).text


def test_of_files_the_latest_are_kept() -> None:
    kept = uploads.Uploads()
    made = [kept.keep(f"{n}.csv", b"email\na@example.com\n") for n in range(5)]
    assert [each.id for each in made if each.id in kept._kept] == [each.id for each in made[-3:]]
    assert b"example" not in repr(made[-1]).encode()


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("<html></html>", "this is HTML or XML"),
        ('{"email": ', "what was pasted: "),
        ("email\n", "no profile"),
    ],
)
def test_what_can_t_be_read_is_told(browser: WebBrowser, profile: str, told: str) -> None:
    page = preview(browser, profile)
    assert page.status == 200
    assert told in page.text


def test_too_long_a_text_is_not_read(browser: WebBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_TEXT", 10)
    assert "More than 10 characters: choose a file" in preview(browser).text


def test_names_in_profiles_are_text(browser: WebBrowser) -> None:
    script = "<script>alert(1)</script>"
    page = preview(browser, {**ADA, "company": script, script: script})
    assert script not in page.html
    assert "companyname <script>alert(1)</script>" in page.text


def test_what_aws_refuses_is_told_beside_the_mapping(browser: WebBrowser, aws: Aws) -> None:
    fields = entered(browser.get("/mapping/default"), city="town")

    def refuse() -> None:
        raise fakes.denied("AccessDeniedException", "DescribeStacks")

    aws.stacks.on_call = refuse
    page = browser.post("/mapping/default", fields)
    assert "AWS: " in page.text
    assert 'value="town"' in page.html


# --- save ---


def plan(browser: WebBrowser, **values: str) -> Page:
    opened = browser.get("/mapping/default")
    return browser.post("/mapping/default/plan", {**entered(opened, **values)})


def test_a_mapping_is_stored_after_a_look_at_what_changes(browser: WebBrowser, aws: Aws) -> None:
    aws.set_destination("default", event_code="e", filter="vip", mapping={"city": "town"})
    opened = browser.get("/mapping/default")
    sent = {**entered(opened, companyname="employer.name"), "profile": json.dumps(ADA)}
    planned = browser.post("/mapping/default/plan", sent)
    assert "What would become of the sample: 1 profile" in planned.text
    assert "4 settings change" in planned.text
    assert json.loads(aws.ssm.parameters[PARAMETER])["mapping"] == {"city": "town"}
    stored = browser.post("/destinations/default/store", planned.hidden())
    assert "Stored. The functions take it up within a minute." in stored.text
    assert json.loads(aws.ssm.parameters[PARAMETER]) == {
        "event_code": "e",
        "filter": "vip",
        "mapping": {"companyname": "employer.name"},
    }


def test_what_is_not_valid_is_not_planned(browser: WebBrowser) -> None:
    page = plan(browser, city="address.[")
    assert "The settings are not valid" in page.text
    assert "Store this" not in page.text


def test_a_file_stays_where_the_expressions_are_not_valid(browser: WebBrowser) -> None:
    sent = entered(browser.get("/mapping/default"), city="address.[")
    files = {"file": ("people.csv", b"email\nada@example.com\n")}
    page = browser.post("/mapping/default/plan", sent, files=files)
    assert "The settings are not valid" in page.text
    mended = browser.post("/mapping/default", entered(page))
    assert "line 2 delivered" in mended.text


def test_settings_that_changed_since_the_page_was_opened_are_not_written_over(
    browser: WebBrowser, aws: Aws
) -> None:
    sent = entered(browser.get("/mapping/default"), city="town")
    aws.set_destination("default", event_code="another")
    page = browser.post("/mapping/default/plan", sent)
    assert "Somebody else has stored these settings" in page.text
    assert "Store this" not in page.text
    planned = browser.post("/mapping/default/plan", entered(page, city="town"))
    assert "2 settings change" in planned.text
    aws.set_destination("default", event_code="a-third")
    refused = browser.post("/destinations/default/store", planned.hidden())
    assert refused.status == 400
    assert "nothing was stored" in refused.text
    assert json.loads(aws.ssm.parameters[PARAMETER]) == {"event_code": "a-third"}


def test_settings_that_were_not_shown_are_tried_too(browser: WebBrowser, aws: Aws) -> None:
    fields = plan(browser, city="town").hidden()
    before = dict(aws.ssm.parameters)
    page = browser.post("/destinations/default/store", {**fields, "settings": '{"event_code": 1}'})
    assert page.status == 400
    assert aws.ssm.parameters == before


def test_who_only_reads_previews_and_stores_nothing(reader: WebBrowser, aws: Aws) -> None:
    before = dict(aws.ssm.parameters)
    page = preview(reader, companyname="shoeSize")
    assert "companyname 41" in page.text
    assert "Save" not in page.text
    planned = plan(reader, city="town")
    assert reader.post("/destinations/default/store", planned.hidden()).status == 403
    assert aws.ssm.parameters == before


def test_there_is_no_page_of_no_destination(browser: WebBrowser) -> None:
    assert browser.get("/mapping/none").status == 400
    assert browser.post("/mapping/none", {}).status == 400
