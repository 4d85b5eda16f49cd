"""What the pages about connections show, and what they store."""

import json

from tests.support.stack import CREDENTIALS, STACK, TOKEN_URL, Aws, changed
from tests.support.web_browser import Page, WebBrowser
from tests.unit.cli.web_console.test_destination_form import sent

SECRET = f"{STACK}/credentials/default"


def stored(aws: Aws, name: str = "default") -> dict[str, object]:
    found: dict[str, object] = json.loads(aws.ssm.parameters[f"/{STACK}/connections/{name}"])
    return found


def planned(browser: WebBrowser, **fields: str) -> Page:
    form = sent(browser.get("/connections/default").html)
    given = {key.replace("__", "."): value for key, value in fields.items()}
    return browser.post("/connections/default/settings", {**form, **given})


def refresh_gives(aws: Aws, state: str, cause: str = "") -> None:
    result = {"connection": "default", "state": state, "cause": cause, "reason": ""}
    aws.functions.answer = {"results": [result]}


def test_an_account_shows_its_settings_and_leads_to_the_doctor(browser: WebBrowser) -> None:
    page = browser.get("/connections/default")
    assert page.status == 200
    assert 'value="acme"' in page.html
    assert f'value="{TOKEN_URL}"' in page.html
    assert "/doctor/default" in page.links()
    assert "/destinations/default" in page.links()
    assert '<a href="/destinations" aria-current="page">' in page.html


def test_a_form_that_nobody_touched_changes_nothing(browser: WebBrowser, aws: Aws) -> None:
    aws.set_connection("default", changed(version="v2", answers={"transient": [403]}))
    before = stored(aws)
    plan = planned(browser)
    assert "Nothing changes." in plan.text
    assert json.loads(plan.hidden()["settings"]) == before


def test_what_changes_and_its_effect_are_shown_before_it_is_stored(
    browser: WebBrowser, aws: Aws
) -> None:
    plan = planned(browser, environment="stg", limits__requests_per_second="5")
    assert "2 settings change" in plan.text
    assert "environment prod stg" in plan.text
    assert "limits.requests_per_second 0.0 5.0" in plan.text
    assert "who was delivered before is delivered again" in plan.text
    assert "environment" not in stored(aws)
    page = browser.post("/connections/default/store", plan.hidden())
    assert "Stored." in page.text
    assert stored(aws)["environment"] == "stg"
    back = planned(browser, environment="prod", limits__requests_per_second="0")
    browser.post("/connections/default/store", back.hidden())
    assert "environment" not in stored(aws)


def test_a_limit_alone_has_nobody_delivered_again(browser: WebBrowser) -> None:
    plan = planned(browser, limits__requests_per_second="5")
    assert "1 setting changes" in plan.text
    assert "delivered again" not in plan.text


def test_faults_stand_beside_their_fields_and_what_was_entered_is_kept(
    browser: WebBrowser, aws: Aws
) -> None:
    before = dict(aws.ssm.parameters)
    page = planned(
        browser, org_id="a c m e", base_url="http://example.com", limits__requests_per_second="x"
    )
    assert page.status == 422
    assert 'value="a c m e"' in page.html
    assert "expected https://" in page.text
    assert "expected a number" in page.text or "expected a valid number" in page.text
    assert aws.ssm.parameters == before


def test_what_looks_like_a_secret_is_neither_shown_nor_lost(browser: WebBrowser, aws: Aws) -> None:
    url = "https://token.example.com/t?key=9f86d081884c7d659a2feaa0c55ad015"
    browser.hidden = ("9f86d081884c7d659a2feaa0c55ad015",)
    members = {"org_id": "acme", "auth": {"token_url": url}}
    aws.ssm.parameters[f"/{STACK}/connections/default"] = json.dumps(members)
    page = browser.get("/connections/default")
    assert "looks like a secret; not shown" in page.text
    refused = planned(browser, environment="stg")
    assert refused.status == 400
    assert "What looks like a secret is no setting" in refused.text
    assert stored(aws) == members


def test_what_somebody_else_stored_meanwhile_is_not_overwritten(
    browser: WebBrowser, aws: Aws
) -> None:
    plan = planned(browser, environment="stg")
    aws.set_connection("default", changed(version="v2"))
    page = browser.post("/connections/default/store", plan.hidden())
    assert page.status == 400
    assert "Somebody else has stored these settings meanwhile" in page.text


def test_an_account_is_made_with_its_secrets(browser: WebBrowser, aws: Aws) -> None:
    form = sent(browser.get("/connections/new").html)
    refused = browser.post("/connections/new", {**form, "name": "emea"})
    assert refused.status == 422
    assert "Org ID : given nothing" in refused.text
    plan = browser.post("/connections/new", {**form, "name": "emea", "org_id": "acme-emea"})
    assert plan.status == 200, plan.text
    browser.post("/connections/emea/store", plan.hidden())
    assert stored(aws, "emea") == {"org_id": "acme-emea"}
    assert f"{STACK}/credentials/emea" in aws.secrets.versions
    again = browser.post("/connections/new", {**form, "name": "default", "org_id": "x"})
    assert "there is a connection of that name already" in again.text


def test_settings_go_back_to_a_version(browser: WebBrowser, aws: Aws) -> None:
    for version in ("v2", "v3"):
        browser.post("/connections/default/store", planned(browser, version=version).hidden())
    plan = browser.post("/connections/default/rollback", {"version": "1"})
    assert "version v3 v2" in plan.text
    browser.post("/connections/default/store", plan.hidden())
    assert stored(aws)["version"] == "v2"


def test_credentials_go_into_the_secret_and_are_never_shown(browser: WebBrowser, aws: Aws) -> None:
    refresh_gives(aws, "refreshed")
    page = browser.get("/connections/default")
    assert page.html.count('type="password"') == 3
    assert CREDENTIALS.client_id not in page.html
    job = browser.post("/connections/default/credentials", {"client_secret": "new-client-secret"})
    page = browser.settled(job)
    assert "client_secret set" in page.text
    assert "A new token was fetched." in page.text
    kept = json.loads(aws.secrets.versions[SECRET][-1])
    assert kept["client_id"] == CREDENTIALS.client_id
    assert kept["client_secret"] == "new-client-secret"


def test_a_token_that_is_not_granted_leads_to_the_doctor(browser: WebBrowser, aws: Aws) -> None:
    refresh_gives(aws, "failed", "credentials")
    job = browser.post("/connections/default/credentials", {"client_id": "another-client"})
    page = browser.settled(job)
    assert "No token was granted." in page.text
    assert "/doctor/default" in page.links()


def test_credentials_that_are_none_change_nothing(browser: WebBrowser, aws: Aws) -> None:
    before = list(aws.secrets.versions[SECRET])
    assert browser.post("/connections/default/credentials").status == 400
    page = browser.post("/connections/default/credentials", {"client_secret": "new-\x07secret"})
    assert page.status == 400
    assert "control characters" in page.text
    assert aws.secrets.versions[SECRET] == before


def test_who_only_reads_stores_nothing(reader: WebBrowser, aws: Aws) -> None:
    assert 'type="password"' not in reader.get("/connections/default").html
    before = list(aws.secrets.versions[SECRET])
    for path in ("store", "credentials"):
        page = reader.post(f"/connections/default/{path}", {"client_id": "another"})
        assert page.status == 403
    assert aws.secrets.versions[SECRET] == before
