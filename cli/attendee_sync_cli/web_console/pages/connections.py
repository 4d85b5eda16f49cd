"""Connections, which Adobe calls accounts: their settings and credentials."""

import json
from collections.abc import Sequence

import typer
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import connections, credentials, tokens
from attendee_sync_cli.operations.connections import Trial
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.settings.validation import NotValidError, SettingFault
from attendee_sync_cli.web_console import connection_form, jobs, page
from attendee_sync_cli.web_console.jobs import Job
from attendee_sync_cli.web_console.settings_form import FormField

_CREDENTIALS = ("client_id", "client_secret", "profile_token")
_TOLD = {"stored": setting_changes.STORED, "nothing": setting_changes.NOTHING}


def _new(request: Request) -> Response:
    return _form(request, "", connection_form.fields(None), (), "")


def _form(
    request: Request,
    name: str,
    fields: Sequence[FormField],
    faults: Sequence[SettingFault],
    fault: str,
) -> Response:
    """Show the form of a connection that is to be made."""
    return page.render(
        request,
        "connection_new.html",
        status=422 if faults or fault else 200,
        name=name,
        name_fault=fault,
        fields=fields,
        faults=[*([f"name: {fault}"] if fault else []), *map(str, faults)],
    )


def _show(request: Request) -> Response:
    return _one(request)


def _one(
    request: Request, text: str | None = None, faults: Sequence[SettingFault] | None = None
) -> Response:
    """Show a connection; with what was entered and its faults, where that can't be stored."""
    stack, name = page.stack(request), page.name(request)
    found = connections.stored(stack, name)
    amiss = found.faults if faults is None else faults
    return page.render(
        request,
        "connection.html",
        status=200 if faults is None else 422,
        found=found,
        fields=connection_form.fields(text or found.text, amiss),
        faults=[str(each) for each in amiss],
        known=setting_changes.digest(found.text),
        history=list(reversed(connections.history(stack, name))),
        told=_TOLD.get(request.query_params.get("told", ""), ""),
    )


def _plan_new(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.field(form, "name")
    text = json.dumps(connection_form.settings_in(form, None))
    fault = _fault_of_name(request, name)
    if fault:
        return _form(request, name, connection_form.fields(text), (), fault)
    try:
        trial = connections.tried(stack, name, text)
    except NotValidError as error:
        return _form(request, name, connection_form.fields(text, error.faults), error.faults, "")
    return _plan(request, trial)


def _fault_of_name(request: Request, name: str) -> str:
    try:
        console.name(name)
    except typer.BadParameter as error:
        return error.message
    is_there = page.stack(request).connection(name) is not None
    return "there is a connection of that name already" if is_there else ""


def _plan_settings(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    before = stack.known_connection(name)
    setting_changes.expect_unchanged(before, page.field(form, "known"))
    text = json.dumps(connection_form.settings_in(form, before))
    try:
        trial = connections.tried(stack, name, text)
    except NotValidError as error:
        return _one(request, text, error.faults)
    return _plan(request, trial)


def _plan_rollback(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    text = connections.earlier(stack, name, page.field(form, "version"))
    return _plan(request, connections.tried(stack, name, text))


def _plan(request: Request, trial: Trial) -> Response:
    """Show what storing settings changes and brings about, before it is done."""
    return page.render(
        request,
        "connection_plan.html",
        trial=trial,
        effects=connections.effects(page.stack(request), trial),
        known=setting_changes.digest(trial.before),
        back=f"/connections/{trial.connection}" if trial.before else "/connections/new",
    )


def _store(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    trial = connections.tried(stack, name, page.field(form, "settings"))
    setting_changes.expect_unchanged(trial.before, page.field(form, "known"))
    connections.store(stack, trial)
    return page.go(f"/connections/{name}?told={'stored' if trial.changes else 'nothing'}")


def _store_credentials(request: Request, form: FormData) -> Response:
    """Store credentials, which go into the secret and nowhere else, and fetch a token."""
    stack, name = page.stack(request), page.name(request)
    try:
        given = {each: credentials.cleaned(page.field(form, each)) for each in _CREDENTIALS}
    except ValueError as error:
        raise FailureError(f"Nothing was stored: {error}.") from None
    if not any(given.values()):
        raise FailureError("Nothing was entered; the stored credentials stay as they are.")
    stored = credentials.store(stack, name, given)

    def work(job: Job) -> None:
        job.tell(
            f"Stored in the secret {stored.secret}: {stored.words}."
            if stored.is_changed
            else "Nothing new was given; the stored credentials stay as they are."
        )
        job.tell("Asking for a token with them")
        result = stack.refresh_token(name)
        job.tell(tokens.refreshed_words(result))
        job.finish("connection_token.html", name=name, failed=result.state is TokenState.FAILED)

    return jobs.start(request, f"Credentials of connection {name}", f"/connections/{name}", work)


ROUTES: list[Route] = [
    page.get("/connections/new", _new),
    page.query("/connections/new", _plan_new),
    page.get("/connections/{name}", _show),
    page.get("/connections/{name}/settings", _show),
    page.query("/connections/{name}/settings", _plan_settings),
    page.query("/connections/{name}/rollback", _plan_rollback),
    page.change("/connections/{name}/store", _store),
    page.change("/connections/{name}/credentials", _store_credentials),
]
