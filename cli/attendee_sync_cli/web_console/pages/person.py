"""A person: what became of their profiles, and removing what is held of them.

Who it is stands in forms alone, as an address or the hash of it, and in no page's address.
"""

import json

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import erasure, lookup
from attendee_sync_cli.operations.erasure import Person
from attendee_sync_cli.profiles import person
from attendee_sync_cli.web_console import jobs, page
from attendee_sync_cli.web_console.followers import JobFollower
from attendee_sync_cli.web_console.jobs import Job
from attendee_sync_cli.web_console.pages.failures import Desk

_BACK = "/person"
_SPANS = {24: "24 hours", 72: "3 days", 168: "7 days", lookup.MAX_HOURS: "14 days"}


def _show(request: Request) -> Response:
    return _page(request)


def _page(request: Request, told: str = "") -> Response:
    names = sorted(page.stack(request).destinations())
    return page.render(request, "person.html", names=names, spans=_SPANS, told=told)


def _look(request: Request, form: FormData) -> Response:
    stack = page.stack(request)
    email_hash = person.hash_of(page.field(form, "email"))
    destination = console.name(page.field(form, "destination") or None)
    hours = page.field(form, "hours") or str(min(_SPANS))
    if hours not in map(str, _SPANS):
        raise FailureError("The logs are read for one of the spans that the page offers.")

    desk = _desk(request)

    def work(job: Job) -> None:
        follower = JobFollower(job)
        with desk.one_at_a_time("A look at a person", follower):
            found = lookup.look(stack, email_hash, destination, int(hours), follower)
        job.finish("person_found.html", found=found, person=email_hash, span=_SPANS[int(hours)])

    return jobs.start(request, "A person's profiles", _BACK, work, remark=jobs.UNCHANGED)


def _plan_erasure(request: Request, form: FormData) -> Response:
    stack, who, removed = page.stack(request), _who(request, form), _removed(form)

    desk = _desk(request)

    def work(job: Job) -> None:
        follower = JobFollower(job)
        with desk.one_at_a_time("A look at a person", follower):
            plan = erasure.foresee(stack, who, removed, follower)
        values = {"person": who.email_hash, "removed": ", ".join(removed)}
        job.finish("person_plan.html", plan=plan, **values)

    return jobs.start(
        request, "What would be removed of a person", _BACK, work, remark=jobs.UNCHANGED
    )


def _erase(request: Request, form: FormData) -> Response:
    """Remove what there is by now, be it more than was planned: nothing of a person may stay."""
    stack, who, removed = page.stack(request), _who(request, form), _removed(form)

    desk = _desk(request)

    def work(job: Job) -> None:
        follower, record = JobFollower(job), erasure.block(stack, who)
        try:
            erasure.await_deliveries(record, follower)
            with desk.one_at_a_time("Removing what is held of a person", follower):
                erasure.remove(stack, who, removed, record, follower)
        finally:
            text = json.dumps(record.document(), indent=2)
            job.finish("person_erased.html", record=record, text=text)

    return jobs.start(request, "Removing what is held of a person", _BACK, work)


def _plan_lift(request: Request, form: FormData) -> Response:
    who = _who(request, form)
    since = page.stack(request).blocks().since(who.key)
    return page.render(request, "person_lift.html", person=who.email_hash, since=since)


def _lift(request: Request, form: FormData) -> Response:
    was_blocked = erasure.lift(page.stack(request), _who(request, form))
    told = "Lifted: what is pushed of this person from now on is delivered."
    return _page(request, told if was_blocked else "This person is not blocked.")


def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.dead_letters
    return found


def _who(request: Request, form: FormData) -> Person:
    return erasure.person_of(page.stack(request), person.hash_of(page.field(form, "person")))


def _removed(form: FormData) -> list[str]:
    """Return the names of destinations that are gone, which may be known to the ledger yet."""
    given = page.field(form, "removed").replace(",", " ").split()
    return [each for each in map(console.name, given) if each]


ROUTES: list[Route] = [
    page.get("/person", _show),
    page.query("/person", _look),
    page.query("/person/erase/plan", _plan_erasure),
    page.change("/person/erase", _erase),
    page.query("/person/lift/plan", _plan_lift),
    page.change("/person/lift", _lift),
]
