"""Dialects far from RainFocus's, made by rules, and what the doctor makes of them.

`python -m tests.support.far_dialects` prints in how many it leads to delivery.
"""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync_cli.doctor import examination
from attendee_sync_cli.doctor.report import Case, Report
from attendee_sync_cli.settings import setting_changes
from tests.support import fakes
from tests.support.far_stand_in import (
    CLIENT,
    EMAIL,
    EVENT,
    HOST,
    PROFILE_TOKEN,
    SECRET,
    TOKEN_URL,
    VOICES,
    Far,
    FarStandIn,
    Place,
    Wanted,
)
from tests.support.network import Reach

CREDENTIALS = Credentials(CLIENT, SECRET, PROFILE_TOKEN)
BASE: dict[str, Any] = {"org_id": "acme", "base_url": HOST, "auth": {"token_url": TOKEN_URL}}
MOST_ROUNDS = 8

type Outcome = Literal["led", "told", "not led", "sure but wrong"]

# Of each place names with values that nobody can guess.
_WANTED: dict[Place, tuple[tuple[str, str], ...]] = {
    "header": (
        *(("X-Api-Version", "2025-10-01"), ("X-Audience", "partners-eu")),
        *(("Accept-Version", "7.3"), ("X-Source-System", "crm-42")),
    ),
    "query": (("api-version", "2025-07-01-preview"), ("audience", "emea-2"), ("channel", "c-19")),
    "body": (("source", "crm-42"), ("audience", "emea-2"), ("recordType", "RT-7")),
    "token": (("audience", "urn:partner:eu-2"), ("resource", "res-11")),
}


def _wanted(*, is_told: bool, is_any: bool = False) -> Iterator[Far]:
    what = "told" if is_told else "any" if is_any else "unknown"
    for place, names in _WANTED.items():
        for number, voice in enumerate(VOICES):
            name, value = names[number % len(names)]
            values = (value, f"{value}-b") if is_told else () if is_any else (value,)
            wanted = Wanted(place, name, values, is_told)
            yield Far(f"{place} {name}, value {what}, {voice}", wants=(wanted,), voice=voice)


def _signed() -> Iterator[Far]:
    for number, name in enumerate(("X-Signature", "X-Hmac-SHA256", "Content-HMAC", "Digest")):
        voice = VOICES[number]
        wants = (Wanted("header", name, is_signature=True),)
        yield Far(f"signed, {name}, {voice}", wants=wants, voice=voice)
    yield Far("signed by HMAC in Authorization", scheme="HMAC-SHA256")
    yield Far("a signed assertion for a token", grant="assertion", voice="problem")
    yield Far("a signature in the query", wants=(Wanted("query", "sig", is_signature=True),))


def _sessions() -> Iterator[Far]:
    yield Far("a cookie, set", session="cookie")
    yield Far("a cookie of their own, set", session="cookie", cookie="rf_session", voice="problem")
    yield Far("a cookie, in the body", session="cookie_in_body", voice="text")
    yield Far("a cookie sid, in the body", session="cookie_in_body", cookie="rf.sid")


def _grants() -> Iterator[Far]:
    yield Far("password grant", grant="password")
    yield Far("password grant, told", grant="told_password", voice="problem")


def _bodies() -> Iterator[Far]:
    yield Far("multipart", body="multipart")
    yield Far("multipart, problem", body="multipart", voice="problem")


def _paths() -> Iterator[Far]:
    for path in (
        "/orgs/acme/attendees",
        "/api/v3/orgs/acme/attendees",
        "/v2/organizations/acme/events/{event}/attendees",
        "/tenants/acme/attendee/store",
        "/accounts/acme/events/{event}/attendees",
        "/api/orgs/acme/attendee/store",
    ):
        yield Far(f"path {path}", path=path)
    told = "No route. Did you mean POST /crm/{tenant}/summits/{eventCode}/guests ?"
    yield Far("a path that is told", path="/crm/acme/summits/{event}/guests", routes=told)


def _answers() -> Iterator[Far]:
    yield Far("a page, or JSON", answer="page_or_json")
    yield Far("a page, or JSON as output", answer="page_or_json", format=("output", "json"))


def _pages() -> Iterator[Far]:
    yield Far("a page", answer="page")
    yield Far("a page, told by status", answer="page_by_status")


# What no setting can say.
BEYOND = [*_signed(), *_pages()]
SPOKEN = [
    *_wanted(is_told=False),
    *_wanted(is_told=True),
    *_wanted(is_told=False, is_any=True),
    *_sessions(),
    *_grants(),
    *_bodies(),
    *_paths(),
    *_answers(),
]


def _merged(parts: tuple[Far, ...]) -> Far:
    usual, made = Far(""), parts[0]
    for each in parts[1:]:
        changed = {k: v for k, v in vars(each).items() if v != getattr(usual, k) and k != "name"}
        made = replace(made, **{**changed, "wants": made.wants + each.wants})
    return replace(made, name=" + ".join(each.name for each in parts))


def _together() -> list[Far]:
    """Of each three families a member: several deviations at once."""
    families = [
        list(_wanted(is_told=False)),
        list(_wanted(is_told=True)),
        list(_sessions()),
        list(_grants()),
        list(_bodies()),
        list(_paths()),
        list(_answers()),
    ]
    groups = list(itertools.combinations(families, 3)) + list(itertools.combinations(families, 2))
    made = []
    for number, group in enumerate(groups):
        parts = tuple(each[(number * 5 + len(group)) % len(each)] for each in group)
        voices = {each.voice for each in parts}
        voice = VOICES[number % len(VOICES)] if len(voices) > 1 else parts[0].voice
        made.append(replace(_merged(parts), voice=voice))
    return made


TOGETHER = _together()


@dataclass(frozen=True)
class Treated:
    """What came of `doctor --apply --write-test`, and of a person who knows what is asked for."""

    outcome: Outcome
    report: Report
    settings: dict[str, Any]
    was_sure: bool  # of each change


class Server(Protocol):
    """A stand-in for an API."""

    stored: dict[str, dict[str, str]]

    def reply(self, call: fakes.Call) -> fakes.Reply:
        """Answer a call."""


def treated(far: Far) -> Treated:
    """Examine, and take over what helps or is known, until nothing is to be changed."""
    return examined(FarStandIn(far), lambda report, settings: _answered(far, report, settings))


def examined(
    server: Server,
    answered: Callable[[Report, dict[str, Any]], dict[str, Any] | None] = lambda _, __: None,
) -> Treated:
    """Examine, and take over what helps, until nothing is to be changed."""
    http = fakes.Http(server.reply)
    settings, sure = BASE, []
    for _ in range(MOST_ROUNDS):
        event = json.dumps({"event_code": EVENT})
        case = Case("default", json.dumps(settings), CREDENTIALS, "summit", event, EMAIL)
        report = examination.examine(case, http.session(), Reach(), sleep=lambda _: None)
        known = None if report.changes else answered(report, settings)
        if report.failure is None or not (report.changes or known):
            break
        if report.changes:
            sure.append(report.failure.sure)
        settings = json.loads(report.settings) if report.changes else known or settings
    is_led = report.is_delivered and EMAIL in server.stored
    return Treated(_outcome(report, sure, is_led=is_led), report, settings, all(sure))


def _outcome(report: Report, sure: list[bool], *, is_led: bool) -> Outcome:
    if is_led:
        return "led"
    if any(sure) or (report.failure is not None and report.failure.sure):
        return "sure but wrong"
    return "told" if report.failure and getattr(report.failure, "is_beyond", False) else "not led"


def _answered(far: Far, report: Report, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return settings with the value that a person knows who is asked for it."""
    setting = report.failure.setting if report.failure else ""
    for each in far.wants:
        section = {
            "header": f"call.headers.{each.name}",
            "query": f"call.query.{each.name}",
            "body": f"fields.constants.{each.name}",
            "token": f"auth.parameters.{each.name}",
        }[each.place]
        in_body = f"token_call.body.{each.name}" if each.place == "token" else section
        if setting in (section, in_body) and each.values:
            path = tuple(setting.split(".", 2))
            return setting_changes.put(settings, path, each.values[0], remove=False)
    return None


def main() -> None:
    """Print how many dialects of each kind are led to delivery, and which are not."""
    for title, dialects in (("alone", SPOKEN), ("together", TOGETHER), ("beyond", BEYOND)):
        found = {each: treated(each) for each in dialects}
        counts = {
            kind: sum(done.outcome == kind for done in found.values())
            for kind in Outcome.__value__.__args__
        }
        sys.stdout.write(f"{title}: {len(found)}: {counts}\n")
        for far, done in found.items():
            if done.outcome not in ("led", "told"):
                failure = done.report.failure
                words = f"{failure.setting}: {failure.words}" if failure else "no failure"
                sys.stdout.write(f"  {done.outcome}: {far} | {words[:230]}\n")


if __name__ == "__main__":
    main()
