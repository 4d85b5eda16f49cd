"""The template's saved queries, run against what the functions log."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from attendee_sync import attendee
from attendee_sync.observability import LogEvent
from attendee_sync.outcome import OutcomeKind
from attendee_sync.rainfocus.token_refresh import TokenState
from tests.support import fakes, insights
from tests.support.delivery_harness import DeliveryHarness, delivery_harness
from tests.support.functions import Handle
from tests.support.insights import Line
from tests.support.settings_event import NAME, settings_event
from tests.support.stack import HASH_KEY, Aws, Clock, changed, token
from tests.support.template import ROOT, resources

QUERIES = {
    each["Name"]["Fn::Sub"].partition("/")[2]: each
    for each in resources("AWS::Logs::QueryDefinition").values()
}
ADA = attendee.key(HASH_KEY, "default", attendee.sha256_of("ada@example.com"))
REFUSED = fakes.envelope("105", "zip is not known", status=400)


@pytest.fixture
def harness(aws: Aws) -> Iterator[DeliveryHarness]:
    with delivery_harness(aws) as made:
        yield made


@pytest.fixture
def logged(
    aws: Aws, handle: Handle, harness: DeliveryHarness, wall: Clock, output: Callable[[], str]
) -> list[Line]:
    """Return the lines of a day on which something of everything happened."""
    replies = {"ada": fakes.stored(), "ben": REFUSED, "eve": fakes.Reply(503)}
    harness.rainfocus.reply = lambda call: replies[call.json["email"][:3]]
    harness.push(*({"email": f"{name}@example.com"} for name in replies), {"zip": "1"})
    harness.work()
    for n in range(6):  # so that the connection is paused
        harness.push({"email": f"eve{n}@example.com"})
    harness.work()
    wall.now += 30
    harness.push({"email": "ada2@example.com"})
    harness.work()
    aws.set_destination("default", event_code="summit2028", filter="vip")
    aws.clock.now += 3_600
    harness.push({"email": "ada3@example.com"})
    harness.work()
    handle("ingest-unauthorised")
    aws.set_connection("default", changed(auth={"token_url": ""}))
    aws.set_token(token(expires_at=0))
    handle("token-refresh-schedule")
    return insights.lines_of(f"{output()}\n{json.dumps(settings_event())}", at=wall.now)


def run(name: str, logged: list[Line], **places: str) -> list[Line]:
    """Run a saved query, with texts in the place of others."""
    query = QUERIES[name]["QueryString"]
    for place, text in places.items():
        assert place in query
        query = query.replace(place, text)
    return insights.run(query, logged)


def column(found: list[Line], *names: str) -> list[tuple[object, ...]]:
    return [tuple(line[name] for name in names) for line in found]


def test_there_are_some_and_each_is_told_in_the_docs() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    table = page.partition("| saved query | what it tells |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (.+?) \|", table, re.MULTILINE) == list(QUERIES)
    assert len(QUERIES) >= 8


@pytest.mark.parametrize("name", QUERIES)
def test_each_finds_something_of_what_the_functions_log(name: str, logged: list[Line]) -> None:
    query = QUERIES[name]["QueryString"]
    request_id = next(line["request_id"] for line in logged if "request_id" in line)
    texts = {"ATTENDEE": ADA, "REQUEST": request_id}
    assert run(name, logged, **{place: texts[place] for place in texts if place in query})


def test_one_persons_lines_are_found_from_the_push_to_the_end(logged: list[Line]) -> None:
    found = run("one person", logged, ATTENDEE=ADA)
    assert column(found, "message", "outcome") == [
        ("push accepted", None),
        ("profile settled", "delivered"),
    ]


def test_one_push_is_told_whole(logged: list[Line]) -> None:
    [first, *_] = [line for line in logged if line.get("message") == "push accepted"]
    found = run("one push", logged, REQUEST=first["request_id"])
    assert sorted(str(line["outcome"]) for line in found) == [
        "None",
        "delivered",
        "rejected",
        "rejected",
        "retry",
    ]


def test_failures_are_counted_with_rainfocus_words(logged: list[Line]) -> None:
    found = run("failures by reason", logged)
    assert sorted(column(found, "reason", "profiles")) == [("missing_email", 1), ("refused", 1)]
    assert {line["answer"] for line in found} == {None, "zip is not known"}
    [left_out] = run("what was left out on purpose", logged)
    assert (left_out["reason"], left_out["profiles"]) == ("filter", 1)


def test_what_waits_is_told_by_its_reason(logged: list[Line]) -> None:
    found = {line["reason"]: line["lines"] for line in run("what waits and why", logged)}
    assert found["unavailable"] >= 5
    assert found.keys() <= {"unavailable", "paused"}


def test_pushes_with_profiles_that_have_no_end_are_found(logged: list[Line]) -> None:
    found = run("accepted without an end", logged)
    first, *others = column(found, "queued", "at_once", "ended")
    assert first == (3, 1, 3)
    assert set(others) <= {(1, 0, 0)}
    assert len(others) >= 5


def test_a_changed_setting_is_told_by_its_name(logged: list[Line]) -> None:
    found = run("settings changes", logged)
    assert column(found, "detail.operation", "detail.name") == [("Update", NAME)]


def test_since_when_profiles_are_mapped_by_other_settings_is_seen(logged: list[Line]) -> None:
    found = run("mapping versions", logged)
    assert len({line["mapping_version"] for line in found}) == len(found) == 2
    assert found[0]["first"] > found[1]["last"]


def test_pauses_and_tokens_are_told(logged: list[Line]) -> None:
    found = run("connections paused and resumed", logged)
    assert column(found, "message", "cause") == [
        ("connection resumed", None),
        ("connection paused", "outage"),
    ]
    [failed] = run("tokens that could not be renewed", logged)
    assert (failed["connection"], failed["cause"]) == ("default", "token_url")


def test_what_is_compared_with_is_what_the_functions_say() -> None:
    """A query that compares with a word that nobody logs finds nothing, and nobody would know."""
    known = {*LogEvent, *OutcomeKind, *(state.value for state in TokenState), ""}
    for query in QUERIES.values():
        compared = re.findall(r"^filter .*$", query["QueryString"], re.MULTILINE)
        words = set(re.findall(r'"([^"]*)"', " ".join(compared)))
        assert words - {"ATTENDEE", "REQUEST"} <= known


@pytest.mark.parametrize("name", QUERIES)
def test_each_looks_into_logs_of_the_stack(name: str) -> None:
    groups = [group["Ref"] for group in QUERIES[name]["LogGroupNames"]]
    assert groups
    assert set(groups) <= resources("AWS::Logs::LogGroup").keys()
