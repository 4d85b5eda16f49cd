"""Destinations: where profiles go, who is sent and as what, and what is entered at senders."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import typer
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync.aws.settings import INGEST_TOKEN
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import adobe, alerts, connections, destinations, pauses, report
from attendee_sync_cli.operations import senders as sender_operations
from attendee_sync_cli.operations.destinations import Trial
from attendee_sync_cli.profiles import push_client
from attendee_sync_cli.profiles.sample import Sample
from attendee_sync_cli.settings import sender_forms, setting_changes
from attendee_sync_cli.settings.validation import NotValidError, SettingFault
from attendee_sync_cli.stack import lane_state
from attendee_sync_cli.web_console import destination_form, jobs, page
from attendee_sync_cli.web_console.jobs import Job
from attendee_sync_cli.web_console.uploads import Upload

_HOURS = 24
_NEW = "new"
_TOLD = {
    "stored": setting_changes.STORED,
    "nothing": setting_changes.NOTHING,
}


def address(name: str) -> str:
    """Return the path of a destination's page; `new` is that of one to be made."""
    return f"/destinations/{name}/settings" if name == _NEW else f"/destinations/{name}"


# --- looking ---


def _list(request: Request) -> Response:
    stack = page.stack(request)
    with_figures = "figures" in request.query_params
    if with_figures and page.is_part(request):
        return page.fragment(request, "destination_figures.html", figures=_figures(request))
    return page.render(
        request,
        "destinations.html",
        found=destinations.summaries(stack),
        accounts=connections.listed(stack),
        address=address,
        figures=_figures(request) if with_figures else None,
    )


def _figures(request: Request) -> list[list[str]]:
    """Return per destination what was received in a day, and what came of it last."""
    found = report.look(page.stack(request), _HOURS)
    last: dict[str, tuple[int, int, str]] = {}
    for (place, outcome), count in found.figures.ends.items():
        if count:
            known = last.get(place.destination, (0, 0, ""))
            last[place.destination] = max(known, (place.start, count, outcome))
    return [
        [
            name,
            f"{row.received:,}",
            f"{row.received / _HOURS:,.1f}",
            f"{row.activated / row.ended:.1%}" if row.ended else "",
            f"{last[name][2]}, in the hour from {console.moment(last[name][0])}"
            if name in last
            else "none in these hours",
        ]
        for name, row in found.by_destination().items()
    ]


def _new(request: Request) -> Response:
    return _form(request, None, {}, ())


def _show(request: Request) -> Response:
    return _one(request)


def _one(
    request: Request,
    members: Mapping[str, Any] | None = None,
    faults: Sequence[SettingFault] | None = None,
    known: str | None = None,
) -> Response:
    """Show a destination; with what was entered and its faults, where that can't be stored."""
    stack, name = page.stack(request), page.name(request)
    with ThreadPoolExecutor() as pool:  # one after the other they take a second on AWS
        accounts = pool.submit(stack.connections)
        history = pool.submit(destinations.history, stack, name)
        push = pool.submit(push_client.endpoint, stack, name)
        found = destinations.stored(stack, name)
        delivery = lane_state.deliveries(stack, {name: found.text})[name]
    endpoint = push.result()
    given = setting_changes.parsed(found.text) if members is None else members
    amiss = found.faults if faults is None else faults
    return page.render(
        request,
        "destination.html",
        status=200 if faults is None else 422,
        name=name,
        found=found,
        delivery=delivery,
        lane=setting_changes.parsed(found.text).get("lane", "shared"),
        sections=destination_form.sections(given, amiss, sorted(accounts.result())),
        ways=destination_form.WAYS,
        mapping_help=destination_form.MAPPING_HELP,
        faults=[str(each) for each in amiss],
        known=setting_changes.digest(found.text) if known is None else known,
        endpoint=endpoint,
        secret=f"{stack.name}/{INGEST_TOKEN}",
        adobe=adobe.form_values_of(stack.name, endpoint, found.settings) if found.settings else (),
        senders=sender_forms.FORMS,
        history=list(reversed(history.result())),
        told=_TOLD.get(request.query_params.get("told", ""), ""),
    )


def _form(
    request: Request,
    name: str | None,
    members: Mapping[str, Any],
    faults: Sequence[SettingFault],
    fault: str = "",
) -> Response:
    """Show the form of a destination that is to be made."""
    stack = page.stack(request)
    return page.render(
        request,
        "destination_new.html",
        status=422 if faults or fault else 200,
        name=name or "",
        name_fault=fault,
        sections=destination_form.sections(members, faults, sorted(stack.connections())),
        ways=destination_form.WAYS,
        mapping_help=destination_form.MAPPING_HELP,
        faults=[*([f"Name in the push URL: {fault}"] if fault else []), *map(str, faults)],
    )


def _alerts(request: Request) -> Response:
    return _part(request, "destination_alerts.html", topics=alerts.topics(page.stack(request)))


def _senders(request: Request) -> Response:
    name = page.name(request)
    found = [
        each
        for each in sender_operations.summaries(page.stack(request))
        if not each.destinations or name in each.destinations
    ]
    return _part(request, "destination_senders.html", found=found)


def _part(request: Request, template: str, **values: Any) -> Response:
    """Show a part of a page, within a page of its own for who has no JavaScript."""
    if page.is_part(request):
        return page.fragment(request, template, **values)
    return page.render(
        request, "destination_part.html", part=template, back=address(page.name(request)), **values
    )


# --- settings ---


def _plan_new(request: Request, form: FormData) -> Response:
    name, members = page.field(form, "destination"), destination_form.settings_in(form)
    try:
        console.name(name)
        destinations.expect_new(page.stack(request), name)
    except typer.BadParameter as error:
        return _form(request, name, members, (), error.message)
    except FailureError as error:
        return _form(request, name, members, (), str(error))
    text = json.dumps(members)
    try:
        sample = _sample(form, text)
        trial = destinations.tried(page.stack(request), name, text, sample=sample)
    except FailureError as error:
        return _form(request, name, members, _amiss(error))
    return plan(request, trial, address(name))


def _plan_settings(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    members = destination_form.settings_in(form)
    before = stack.known_destination(name)
    if setting_changes.digest(before) != page.field(form, "known"):
        fault = SettingFault(
            "as a whole",
            "",
            "somebody else has stored these settings since you opened them; what you entered "
            "stands below, and goes in their place if you send it again",
        )
        return _one(request, members, [fault], setting_changes.digest(before))
    text = json.dumps(members)
    try:
        trial = destinations.tried(stack, name, text, sample=_sample(form, text))
    except FailureError as error:
        return _one(request, members, _amiss(error))
    return plan(request, trial, address(name))


def _plan_rollback(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    text = destinations.earlier(stack, name, page.field(form, "version"))
    return plan(request, destinations.tried(stack, name, text), address(name))


def plan(request: Request, trial: Trial, back: str) -> Response:
    """Show what storing settings changes and brings about, before it is done."""
    return page.render(
        request,
        "destination_plan.html",
        trial=trial,
        effects=destinations.effects(page.stack(request), trial),
        known=setting_changes.digest(trial.before),
        sample=trial.summary.document() if trial.summary else None,
        back=back,
    )


def _store(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    trial = destinations.tried(stack, name, page.field(form, "settings"))
    setting_changes.expect_unchanged(trial.before, page.field(form, "known"))
    if not trial.makes_lane:
        destinations.store(stack, trial)
        return page.go(f"{address(name)}?told={'stored' if trial.changes else 'nothing'}")

    def work(job: Job) -> None:
        job.tell(f"Making the lane of {name}")
        destinations.store(stack, trial)
        job.finish(
            "destination_made.html", name=name, endpoint=trial.endpoint, address=address(name)
        )

    return jobs.start(request, f"Creating destination {name}", "/destinations", work)


def _sample(form: FormData, settings: str) -> Sample | None:
    """Return the profiles that were sent, as a destination of these settings reads them."""
    given = form.get("sample")
    if not isinstance(given, UploadFile) or not given.filename:
        return None
    return Upload(console.plain(given.filename), given.file.read()).sample(settings)


def _amiss(error: FailureError) -> Sequence[SettingFault]:
    """Return why settings can't be stored: their faults, or what they were tried on."""
    if isinstance(error, NotValidError):
        return error.faults
    return [SettingFault("as a whole", "", str(error))]


# --- pausing and resuming ---


def _plan_pause(request: Request, form: FormData) -> Response:
    until = page.field(form, "until")
    try:
        resumes_at = pauses.resumption(until) if until else None
    except ValueError as error:
        raise FailureError(f"Until: {error}.") from None
    return _plan_switch(request, on=False, resumes_at=resumes_at)


def _plan_resume(request: Request, _: FormData) -> Response:
    return _plan_switch(request, on=True, resumes_at=None)


def _plan_switch(request: Request, *, on: bool, resumes_at: int | None) -> Response:
    name = page.name(request)
    return page.render(
        request,
        "destination_switch.html",
        name=name,
        on=on,
        now=pauses.look(page.stack(request), name, on=on),
        resumes_at=resumes_at,
        back=address(name),
    )


def _pause(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    resumes_at = page.whole_number(form, "resumes_at")
    if page.field(form, "resumes_at") and resumes_at is None:
        raise FailureError("This form is not as it was shown.")
    _expect_as_shown(request, form, on=False)

    def work(job: Job) -> None:
        job.tell("Switching delivery off")
        paused = pauses.pause(stack, name, resumes_at)
        until = f" Deliveries go on at {console.when(resumes_at)}." if resumes_at else ""
        kept = console.moment(paused.kept_until)
        job.tell(f"Paused.{until} What waits is kept until {kept}: resume well before.")

    return jobs.start(request, f"Pausing destination {name}", address(name), work)


def _resume(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    _expect_as_shown(request, form, on=True)

    def work(job: Job) -> None:
        job.tell("Switching delivery on")
        pauses.resume(stack, name)
        job.tell("Resumed.")

    return jobs.start(request, f"Resuming destination {name}", address(name), work)


def _expect_as_shown(request: Request, form: FormData, *, on: bool) -> None:
    """Raise FailureError if somebody else has switched deliveries since it was shown."""
    now = pauses.look(page.stack(request), page.name(request), on=on)
    if now.are_on != (page.field(form, "were_on") == "yes"):
        raise FailureError(
            f"Somebody else has switched deliveries {'on' if now.are_on else 'off'} meanwhile, so "
            "that nothing was done."
        )


ROUTES: list[Route] = [
    page.get("/destinations", _list),
    page.get("/destinations/new", _new),
    page.query("/destinations/new", _plan_new),
    page.get("/destinations/{name}", _show),
    page.get("/destinations/{name}/settings", _show),
    page.query("/destinations/{name}/settings", _plan_settings),
    page.get("/destinations/{name}/alerts", _alerts),
    page.get("/destinations/{name}/senders", _senders),
    page.query("/destinations/{name}/rollback", _plan_rollback),
    page.change("/destinations/{name}/store", _store),
    page.query("/destinations/{name}/pause/plan", _plan_pause),
    page.change("/destinations/{name}/pause", _pause),
    page.query("/destinations/{name}/resume/plan", _plan_resume),
    page.change("/destinations/{name}/resume", _resume),
]
