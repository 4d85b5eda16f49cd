"""The API log: the calls to RainFocus, the newest first. No line of the log tells who is meant."""

import re
import time
from collections.abc import Container, Iterable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import api_calls, simulator
from attendee_sync_cli.operations.api_calls import (
    MAX_PAGES,
    PAGE_SIZE,
    ApiCall,
    CallFilter,
    Status,
)
from attendee_sync_cli.operations.simulator import Simulated
from attendee_sync_cli.stack.stack import Stack
from attendee_sync_cli.web_console import page

_HOURS = {"1": "1 hour", "6": "6 hours", "24": "24 hours", "72": "3 days", "168": "7 days"}
_STATUSES = {
    "": "any",
    Status.SUCCESS: "2xx, taken",
    Status.REDIRECTION: "3xx",
    Status.CLIENT_ERROR: "4xx, refused",
    Status.SERVER_ERROR: "5xx, out of order",
    Status.NO_ANSWER: "no answer",
}
_NAME = re.compile(r"[a-z0-9-]{1,64}")
_BADGES = {OutcomeKind.DELIVERED: "good", OutcomeKind.RETRY: "wait"}


def _api_log(request: Request) -> Response:
    stack = page.stack(request)
    asked = _asked(request)
    names = sorted(stack.destinations())
    values: dict[str, Any] = {
        "asked": asked,
        "hours": _HOURS,
        "statuses": _STATUSES,
        "outcomes": _choices(OutcomeKind),
        # Calls of what was removed are in the log yet.
        "destinations": _choices(sorted({*names, asked["destination"]} - {""})),
        "connections": _choices(sorted({*stack.connections(), asked["connection"]} - {""})),
        "simulated": _simulated(stack, asked["destination"], names),
    }
    wanted = CallFilter(
        asked["connection"],
        asked["destination"],
        asked["outcome"],
        Status(asked["status"]) if asked["status"] else None,
    )
    number = int(asked["page"])
    found = api_calls.look(
        stack, wanted, hours=int(asked["hours"]), until=float(asked["until"]), page=number
    )
    return page.render(
        request,
        "api_log.html",
        **values,
        rows=[_row(each) for each in found.calls],
        read_since=found.read_since,
        number=number,
        most=PAGE_SIZE * MAX_PAGES,
        older=_address(asked, number + 1) if found.has_more else "",
        newer=_address(asked, number - 1) if number > 1 else "",
        is_last=number == MAX_PAGES,
    )


def _asked(request: Request) -> dict[str, str]:
    """Return what is looked for; what is none of the choices is any."""
    given = request.query_params
    number, until = given.get("page", ""), given.get("until", "")
    return {
        "connection": _name(given.get("connection", "")),
        "destination": _name(given.get("destination", "")),
        "outcome": _choice(given.get("outcome", ""), {kind.value for kind in OutcomeKind}),
        "status": _choice(given.get("status", ""), set(Status)),
        "hours": _choice(given.get("hours", ""), _HOURS) or "24",
        # The same for all pages, so that none moves while calls go on.
        "until": until if re.fullmatch(r"\d{1,10}", until) else str(int(time.time()) + 60),
        "page": _choice(number, {str(n) for n in range(1, MAX_PAGES + 1)}) or "1",
    }


def _choices(among: Iterable[str]) -> list[tuple[str, str]]:
    return [("", "any"), *((each, each) for each in among)]


def _name(given: str) -> str:
    return given if _NAME.fullmatch(given) else ""


def _choice(given: str, among: Container[str]) -> str:
    return given if given in among else ""


def _address(asked: dict[str, str], number: int) -> str:
    return "/api-log?" + urlencode({**asked, "page": number})


def _row(call: ApiCall) -> dict[str, Any]:
    line = call.line
    answered = outcome_words.of_answer(None, "", line.answer)  # the others have columns
    return {
        "at": console.moment(call.at),
        "connection": call.connection,
        "destination": console.plain(line.destination),
        "event": call.event,
        "operation": api_calls.OPERATION,
        "status": line.status or "none",
        "code": console.plain(line.code),
        "duration": "" if line.latency_ms is None else f"{line.latency_ms:,.0f} ms",
        "attempt": line.attempt,
        "outcome": line.outcome,
        "badge": _BADGES.get(OutcomeKind(line.outcome), "bad"),
        "words": console.plain(outcome_words.why(line.reason, line.detail, answered)),
        "text": call.text,
    }


def _simulated(stack: Stack, destination: str, names: list[str]) -> Simulated | str | None:
    """Return what a local stack's simulator saw, why that is not known, or None elsewhere."""
    url = simulator.address()
    if url is None or not names:
        return None
    try:
        return simulator.look(stack, url, destination or names[0])
    except FailureError as failure:
        return str(failure)


ROUTES = [page.get("/api-log", _api_log)]
