"""From opening the console to the cause of a failure in three clicks, to its cure in five.

Dead letters that a mended setting leaves behind are redriven by three clicks more.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests

from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness
from tests.support.rainfocus import RainFocus
from tests.support.stack import DELIVERY_LOG, STACK, TOKEN_URL, Aws, Clock, token
from tests.support.visitor import Visitor
from tests.support.web_browser import WebBrowser

TO_CAUSE, TO_CURE, NEVER = 3, 5, 1_000
PEOPLE = 6  # as many as pause a connection


@dataclass
class Scene:
    """A stack where something is wrong, and who looks for it."""

    aws: Aws
    harness: DeliveryHarness
    rainfocus: RainFocus  # as the doctor meets it
    log: Callable[[], str]
    browser: WebBrowser
    wall: Clock

    def push(self, **attributes: object) -> None:
        for n in range(PEOPLE):
            self.harness.push({**attributes, "email": f"p{n}@example.com"})
        self.harness.work()
        self.aws.logs.write(DELIVERY_LOG, self.log())

    def answers(self, reply: Callable[[fakes.Call], fakes.Reply]) -> None:
        """Let RainFocus answer so, whoever asks."""
        self.harness.rainfocus.reply = self.rainfocus.http.reply = reply

    @property
    def connection(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            self.aws.ssm.parameters[f"/{STACK}/connections/default"]
        )
        return found

    @property
    def destination(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            self.aws.ssm.parameters[f"/{STACK}/destinations/default"]
        )
        return found


class Way:
    """What a person clicks, and how many clicks it took to the cause and to the cure."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._visitor: Visitor | None = None
        self.to_cause = self.to_cure = NEVER

    def opens(self) -> Visitor:
        self._visitor = Visitor(self.scene.browser)
        return self._visitor

    def sees_cause(self, words: str) -> None:
        self.to_cause = self._clicks_until(words)

    def has_cured(self, words: str = "") -> None:
        self.to_cure = self._clicks_until(words)

    def _clicks_until(self, words: str) -> int:
        assert self._visitor
        assert words in self._visitor.text
        return self._visitor.clicks


def enter_rule(visitor: Visitor, field: str, expression: str, profile: object) -> None:
    """Edit an expression of the mapping on a profile; the preview follows by itself."""
    form = visitor.form("Preview")
    form.enter("profile", json.dumps(profile))
    [row] = [name.removesuffix("field") for name, value in form.fields if value == field]
    form.enter(f"{row}value", expression)
    form.enter(f"{row}write", "overwrite" if expression else "")
    visitor.type("Preview")


# --- the failures, each with the way to its cause and on to its cure ---


def wrong_secret(way: Way) -> None:
    aws = way.scene.aws
    aws.set_token(token(expires_at=1_700_000_600))
    failed = {"connection": "default", "state": "failed", "cause": "credentials", "reason": ""}
    aws.functions.answer = {"results": [failed]}
    visitor = way.opens()
    assert "the token of connection default is expired" in visitor.text
    visitor.follow("Doctor")
    visitor.send("Renew the token")
    way.sees_cause("RainFocus does not take the stored credentials.")
    visitor.follow("page of the account")
    visitor.form("Store, and ask for a token").enter("client_secret", "new-client-secret")
    aws.functions.answer = {"results": [{**failed, "state": "refreshed", "cause": ""}]}
    visitor.send("Store, and ask for a token")
    way.has_cured("Stored in the secret")
    [*_, stored] = aws.secrets.versions[f"{STACK}/credentials/default"]
    assert "new-client-secret" in stored


def wrong_org(way: Way) -> None:
    scene = way.scene

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL or "/api/" not in call.url or "/better/" in call.url:
            return RainFocus().reply(call)
        return fakes.envelope("124", "This organization is not yours.", status=403)

    scene.answers(reply)
    scene.push()
    visitor = way.opens()
    assert "connection default is paused" in visitor.text
    visitor.follow("Doctor")
    visitor.send("Examine")
    way.sees_cause("This organization is not yours.")
    visitor.follow("account default")
    visitor.form("Show what changes").enter("org_id", "better")
    visitor.send("Show what changes")
    visitor.send("Store this")
    way.has_cured()
    assert scene.connection["org_id"] == "better"


def wrong_event_code(way: Way) -> None:
    scene = way.scene
    scene.answers(lambda _: fakes.envelope("9", "No such event", status=400))
    scene.push()
    visitor = way.opens()
    visitor.follow("Failures")
    way.sees_cause("No such event")
    visitor.follow("Destination default")
    visitor.form("Show what changes").enter("event_code", "summit2028")
    visitor.send("Show what changes")
    visitor.send("Store this")
    way.has_cured()
    assert scene.destination["event_code"] == "summit2028"
    visitor.follow("Failures")
    visitor.send("Plan a redrive", near="All of these")
    visitor.send(f"Redrive {PEOPLE}")
    assert visitor.clicks == way.to_cure + 3
    assert len(scene.aws.sqs.profiles) == PEOPLE


def rejected_field(way: Way) -> None:
    scene = way.scene
    scene.answers(lambda _: fakes.envelope("105", "jobtitle is too long", status=400))
    scene.push(jobtitle="Head of " * 20, role="Head")
    visitor = way.opens()
    visitor.follow("Failures")
    way.sees_cause("jobtitle is too long")
    visitor.follow("Mapping, with a preview")
    enter_rule(visitor, "jobtitle", "role", {"email": "p@example.com", "role": "Head"})
    visitor.send("Save…")
    visitor.send("Store this")
    way.has_cured()
    assert scene.destination["mapping"] == {"jobtitle": "role"}


def missing_email(way: Way) -> None:
    scene = way.scene
    scene.harness.push({"reach": {"at": "ada@example.com"}})
    scene.harness.work()
    visitor = way.opens()
    visitor.follow("Failures")
    way.sees_cause("unclear_email")
    visitor.follow("Mapping, with a preview")
    enter_rule(visitor, "email", "reach.at", {"reach": {"at": "p@example.com"}})
    visitor.send("Save…")
    visitor.send("Store this")
    way.has_cured()
    assert scene.destination["mapping"] == {"email": "reach.at"}


def out_of_order(way: Way) -> None:
    scene = way.scene
    scene.answers(lambda _: fakes.Reply(503, b"<h1>Service Unavailable</h1>"))
    scene.push()
    visitor = way.opens()
    way.sees_cause("RainFocus is out of order")
    visitor.follow("Doctor")
    visitor.follow("default")
    scene.answers(RainFocus().reply)
    visitor.send("Examine")
    way.has_cured("Event code known passed")  # it is there again: what waits is tried by itself


def hangs(way: Way) -> None:
    scene = way.scene

    def reply(_: fakes.Call) -> fakes.Reply:
        scene.wall.wait(15.0)
        return fakes.Reply(error=requests.ReadTimeout("x"))

    scene.answers(reply)
    scene.push()
    visitor = way.opens()
    way.sees_cause("RainFocus does not answer")
    visitor.follow("Doctor")
    visitor.follow("default")
    scene.answers(RainFocus().reply)
    visitor.send("Examine")
    way.has_cured("Event code known passed")


def too_many_calls(way: Way) -> None:
    scene = way.scene
    scene.answers(lambda _: fakes.envelope("429", "Too many requests", status=429))
    scene.push()
    visitor = way.opens()
    way.sees_cause("RainFocus asks for fewer calls")
    visitor.follow("Doctor")
    visitor.follow("default")
    visitor.follow("page of the account")
    visitor.form("Show what changes").enter("limits.requests_per_second", "5")
    visitor.send("Show what changes")
    visitor.send("Store this")
    way.has_cured()
    assert scene.connection["limits"] == {"requests_per_second": 5.0}


def expired(way: Way) -> None:
    scene = way.scene
    scene.answers(lambda _: fakes.Reply(503))
    scene.harness.push({"email": "ada@example.com"})
    scene.wall.now += 90_000  # more than MaxAgeHours
    scene.harness.work()
    scene.answers(RainFocus().reply)
    visitor = way.opens()
    visitor.follow("Failures")
    way.sees_cause("unavailable")
    visitor.send("Plan a redrive", near="default: unavailable")
    visitor.send("Redrive 1")
    way.has_cured("1 of 1 are on the profile queue again")
    assert len(scene.aws.sqs.profiles) == 1


def filter_misses(way: Way) -> None:
    scene = way.scene
    scene.aws.set_destination("default", event_code="summit2027", filter="country == 'SE'")
    scene.push(country="Sweden")
    visitor = way.opens()
    visitor.follow("Mapping")
    visitor.follow("default")
    enter_rule(visitor, "zip", "", {"email": "p@example.com", "country": "Sweden"})
    way.sees_cause("filtered: filter: the filter does not hold")
    visitor.follow("destination default")
    visitor.form("Show what changes").enter("filter", "country == 'Sweden'")
    visitor.send("Show what changes")
    visitor.send("Store this")
    way.has_cured()
    assert scene.destination["filter"] == "country == 'Sweden'"


def wrong_expression(way: Way) -> None:
    scene = way.scene
    mapping = {"companyname": "employr.name"}
    scene.aws.set_destination("default", event_code="summit2027", mapping=mapping)
    profile = {"email": "p@example.com", "employer": {"name": "Acme"}}
    scene.push(**profile)
    visitor = way.opens()
    visitor.follow("Mapping")
    visitor.follow("default")
    enter_rule(visitor, "companyname", "employr.name", profile)
    way.sees_cause("no profile of the sample has employr.name; did you mean employer.name?")
    enter_rule(visitor, "companyname", "employer.name", profile)
    visitor.send("Save…")
    visitor.send("Store this")
    way.has_cured()
    assert scene.destination["mapping"] == {"companyname": "employer.name"}


FAILURES = [
    wrong_secret,
    wrong_org,
    wrong_event_code,
    rejected_field,
    missing_email,
    out_of_order,
    hangs,
    too_many_calls,
    expired,
    filter_misses,
    wrong_expression,
]


@pytest.fixture
def scene(  # noqa: PLR0913, PLR0917 - they are what it is made of
    aws: Aws,
    harness: DeliveryHarness,
    rainfocus: RainFocus,
    output: Callable[[], str],
    browser: WebBrowser,
    wall: Clock,
) -> Scene:
    return Scene(aws, harness, rainfocus, output, browser, wall)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: each.__name__)
def test_the_cause_is_three_clicks_away_and_the_cure_five(
    failure: Callable[[Way], None], scene: Scene
) -> None:
    way = Way(scene)
    failure(way)
    assert way.to_cause <= TO_CAUSE
    assert way.to_cure <= TO_CURE
