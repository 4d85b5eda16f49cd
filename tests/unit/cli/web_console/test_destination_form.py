"""A destination's settings as a form: what is stored comes back as it is."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.settings import descriptions
from attendee_sync_cli.web_console import destination_form
from tests.support.stack import STACK, Aws
from tests.support.web_browser import WebBrowser

EVERYTHING: dict[str, Any] = {
    "name": 'Summit "2027" <b>',
    "description": "For the event's team\nin two lines",
    "event_code": "summit2027",
    "mapping": {
        "companyname": "employer.name || b2b.companyName",
        "phone": {"value": "mobilePhone.number", "write": "clear_on_null"},
        "source": {"value": "AEP, <new> & 'old'", "write": "constant"},
        "jobtitle": {"write": "omit"},
    },
    "names": {"zip": ["Postfach", "PLZ, Ort: beides"], "city": ["Stadt"]},
    "not_normalised": ["phone", "zip"],
    "email_falls_back": False,
    "hashes": {"only": "send", "field": "email_hash"},
    "profiles_at": "payload.people",
    "filter": "is_member(@, 'vip') &&\n  state == 'CA'",
    "exits": {"action": "set", "fields": {"audience": "left: yes", "note": ""}},
    "required_consents": ["marketing.email", "share"],
    "marketing_actions": ["analytics", "email_targeting"],
    "labels": {"source": ["C2", "I1"]},
    "policies": {"email_targeting": ["C3", "C8"], "analytics": []},
}


class _Fields(HTMLParser):
    """What a browser sends of a page's form for settings."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._is_meant = False
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_meant = given.get("action", "").endswith(("/settings", "/new"))
        if not self._is_meant:
            return
        name = given.get("name", "")
        if tag == "textarea":
            self._area = name
            self.fields[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = [given["value"]]
        elif tag == "input" and given.get("type") == "checkbox":
            if "checked" in given:
                self.fields.setdefault(name, []).append(given["value"])
        elif tag == "input" and given.get("type") != "file":
            self.fields[name] = [given.get("value", "")]

    def handle_data(self, data: str) -> None:
        if self._area:
            # A browser drops the first line break, and sends each as two characters.
            self.fields[self._area] = [data.removeprefix("\n").replace("\n", "\r\n")]
            self._area = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


def sent(html: str) -> dict[str, list[str]]:
    parser = _Fields()
    parser.feed(html)
    return parser.fields


@pytest.mark.parametrize(
    "settings", [{"event_code": "e1"}, EVERYTHING], ids=["least", "everything"]
)
def test_a_form_that_nobody_touched_changes_nothing(
    browser: WebBrowser, aws: Aws, settings: dict[str, Any]
) -> None:
    aws.set_destination("default", **settings)
    page = browser.get("/destinations/default")
    plan = browser.post("/destinations/default/settings", sent(page.html))
    assert plan.status == 200, plan.text
    assert "Nothing changes." in plan.text
    assert Destination(**json.loads(plan.hidden()["settings"])) == Destination(**settings)


@pytest.mark.parametrize("member", [each for each in EVERYTHING if each != "event_code"])
def test_each_setting_goes_through_the_form(browser: WebBrowser, aws: Aws, member: str) -> None:
    settings = {"event_code": "e1", member: EVERYTHING[member]}
    aws.set_destination("default", **settings)
    fields = sent(browser.get("/destinations/default").html)
    aws.set_destination("default", event_code="e1")
    known = browser.get("/destinations/default").hidden()["known"]
    plan = browser.post("/destinations/default/settings", {**fields, "known": known})
    assert plan.status == 200, plan.text
    assert Destination(**json.loads(plan.hidden()["settings"])) == Destination(**settings)


FIELDS = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
LINE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
LABELS = st.lists(st.sampled_from(["C1", "C12", "S2"]), max_size=3, unique=True)
RULES = st.one_of(
    LINE.map(lambda text: {"value": text, "write": "constant"}),
    st.sampled_from(["a.b", "a || b", {"write": "omit"}, {"value": "a", "write": "clear_on_null"}]),
)
SETTINGS = st.fixed_dictionaries(
    {"event_code": st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)},
    optional={
        "name": LINE,
        "mapping": st.dictionaries(FIELDS.filter(lambda name: name != "email"), RULES, max_size=4),
        "names": st.dictionaries(
            st.sampled_from(["zip", "city"]), st.lists(LINE, min_size=1, max_size=3)
        ),
        "email_falls_back": st.booleans(),
        "exits": st.dictionaries(FIELDS, LINE, min_size=1, max_size=3).map(
            lambda fields: {"action": "set", "fields": fields}
        ),
        "labels": st.dictionaries(FIELDS, LABELS, max_size=3),
        "marketing_actions": st.lists(
            st.sampled_from(["analytics", "data_science"]), max_size=2, unique=True
        ).map(sorted),
    },
)


def entered(members: dict[str, Any]) -> FormData:
    """Return what a browser sends of a form that nobody touched."""
    fields: list[tuple[str, UploadFile | str]] = []
    for section in destination_form.sections(members, (), ("default",)):
        for n, row in enumerate(section.rows):
            parts = (("field", row.field), ("write", row.write), ("value", row.value))
            fields += [(f"mapping.{n}.{name}", value) for name, value in parts]
        for each in section.fields:
            if isinstance(each.value, bool):
                fields += [(each.path, "yes")] * each.value
            elif isinstance(each.value, str):
                fields.append((each.path, each.value.replace("\n", "\r\n")))
            else:
                fields += [(each.path, value) for value in each.value]
    return FormData(fields)


@given(SETTINGS)
def test_whatever_is_stored_comes_back_from_its_form(settings: dict[str, Any]) -> None:
    try:
        wanted = Destination(**settings)
    except ValidationError:
        assume(False)
    assert Destination(**destination_form.settings_in(entered(settings))) == wanted


def test_every_setting_that_people_change_is_in_the_form_and_explained() -> None:
    found = {
        field.path: field
        for section in destination_form.sections({}, (), ("default",))
        for field in section.fields
    }
    assert found.pop("audiences").help  # a part of the filter
    ours = {"lane", "lane_from", "mapping"}  # the command line's; a table of its own
    sections = {"hashes", "exits"}
    settings = Destination.model_fields.keys() - ours - sections
    assert found.keys() == settings | {
        *("hashes.only", "hashes.field", "exits.action", "exits.fields")
    }
    assert [field.path for field in found.values() if len(field.help) < 10] == []
    assert descriptions.description(Destination, "mapping")


def test_a_field_that_is_mapped_twice_is_refused(browser: WebBrowser) -> None:
    fields = sent(browser.get("/destinations/default").html)
    own = [name for name, value in fields.items() if name.endswith(".field") and value == [""]]
    for name in own[:2]:
        fields[name] = ["source"]
        fields[name.replace(".field", ".value")] = ["a"]
    page = browser.post("/destinations/default/settings", fields)
    assert (page.status, "The field source is mapped twice." in page.text) == (400, True)


def test_what_is_stored_and_not_valid_is_shown_as_it_is_with_its_faults(
    browser: WebBrowser, aws: Aws
) -> None:
    broken = {"event_code": 7, "mapping": [], "names": "x", "exits": "y", "conection": "default"}
    aws.ssm.parameters[f"/{STACK}/destinations/default"] = json.dumps(broken)
    page = browser.get("/destinations/default")
    assert page.status == 200
    assert "These settings can't be stored as they are" in page.text
    assert "conection: there is no such setting; did you mean connection?" in page.text
    assert '<a href="#event_code">Event ID (event code)</a>: given' in page.html


@pytest.mark.parametrize(
    ("condition", "audiences", "rest"),
    [
        ("is_member(@, 'vip')", "vip", ""),
        ("is_member(@, 'a') || is_member(@, 'b')", "a\nb", ""),
        ("is_member(@, 'a') && (state == 'CA')", "a", "state == 'CA'"),
        ("(is_member(@, 'a') || is_member(@, 'b')) && (x ||\ny)", "a\nb", "x ||\ny"),
        ("is_member(@, 'a') && state == 'CA'", "", "is_member(@, 'a') && state == 'CA'"),
        ("(is_member(@, 'a'))", "", "(is_member(@, 'a'))"),
        ("is_member(@, 'a') && (x) || (y)", "", "is_member(@, 'a') && (x) || (y)"),
    ],
)
def test_audiences_stand_apart_from_the_rest_of_a_filter(
    condition: str, audiences: str, rest: str
) -> None:
    found = {
        field.path: field.value
        for section in destination_form.sections({"filter": condition}, (), ())
        for field in section.fields
    }
    assert (found["audiences"], found["filter"]) == (audiences, rest)


def test_an_audience_is_chosen_by_its_id(browser: WebBrowser) -> None:
    fields = sent(browser.get("/destinations/default").html)
    chosen = {**fields, "audiences": "59bd2fbd-3c48\r\nvip", "filter": "state == 'CA'"}
    plan = browser.post("/destinations/default/settings", chosen)
    told = "(is_member(@, '59bd2fbd-3c48') || is_member(@, 'vip')) && (state == 'CA')"
    assert json.loads(plan.hidden()["settings"])["filter"] == told
    page = browser.post("/destinations/default/settings", {**fields, "audiences": "it's"})
    assert page.status == 400
    assert "without blanks and quotation marks" in page.text
