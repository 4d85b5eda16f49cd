"""Mapping: what would become of profiles, with expressions that can be edited, tried and stored."""

from collections.abc import Sequence

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import destinations, mapping_trial
from attendee_sync_cli.operations.mapping_trial import FieldRule, MappingTrial
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.settings.validation import NotValidError, SettingFault
from attendee_sync_cli.web_console import page, uploads
from attendee_sync_cli.web_console.uploads import Upload, Uploads

WRITES = {
    "overwrite": "overwrite: a value replaces, none leaves alone",
    "clear_on_null": "clear on null: an explicit null blanks",
    "constant": "constant: always this text",
    "omit": "omit: never sent",
}
_BLANK_RULES = 2  # to add fields by
_MAX_RULES = 200
_CHANGED = (
    "Somebody else has stored these settings since you opened them. What you entered stands "
    "below, and is compared with what is stored now."
)


def _choose(request: Request) -> Response:
    """Show the destinations, or lead to the one that is asked for."""
    stored = page.stack(request).destinations()
    name = request.query_params.get("destination", "")
    if name in stored:
        return page.go(f"/mapping/{name}")
    return page.render(request, "mapping.html", found=destinations.summaries(page.stack(request)))


def _show(request: Request) -> Response:
    stored = page.stack(request).known_destination(_name(request))
    return _page(request, stored, mapping_trial.rules(stored))


def _try(request: Request, form: FormData) -> Response:
    """Show what the entered mapping makes of the profiles that were sent."""
    stored = page.stack(request).known_destination(_name(request))
    return _tried(request, form, stored, page.field(form, "known"))


def _plan(request: Request, form: FormData) -> Response:
    """Show what storing the entered mapping changes, before it is done."""
    stack, name = page.stack(request), _name(request)
    stored = stack.known_destination(name)
    known = setting_changes.digest(stored)
    if known != page.field(form, "known"):
        return _tried(request, form, stored, known, _CHANGED)
    try:
        upload = _upload(request, form)
        text = mapping_trial.with_rules(stored, _rules(form))
        sample = upload.sample(text) if upload else None
        trial = destinations.tried(stack, name, text, sample=sample)
    except NotValidError:
        return _tried(request, form, stored, known)
    return page.render(request, "mapping_plan.html", trial=trial, known=known)


def _store(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), _name(request)
    stack.known_destination(name)
    trial = destinations.tried(stack, name, page.field(form, "settings"))
    setting_changes.expect_unchanged(trial.before, page.field(form, "known"))
    destinations.store(stack, trial)
    stored = stack.known_destination(name)
    told = setting_changes.STORED if trial.changes else setting_changes.NOTHING
    return _page(request, stored, mapping_trial.rules(stored), told=told)


def _tried(request: Request, form: FormData, stored: str, known: str, told: str = "") -> Response:
    rules, fault = _rules(form), ""
    faults: Sequence[SettingFault] = ()
    upload, tried = None, None
    try:
        upload = _upload(request, form)
        text = mapping_trial.with_rules(stored, rules)
        sample = upload.sample(text) if upload else None
        tried = mapping_trial.look(page.stack(request), _name(request), text, sample)
    except NotValidError as error:
        faults = error.faults
    except FailureError as error:
        fault = str(error)
    return _page(
        request,
        stored,
        rules,
        told=told,
        known=known,
        pasted=page.field(form, "profile")[: uploads.MAX_TEXT],
        upload=upload,
        tried=tried,
        faults=faults,
        fault=fault,
    )


def _page(  # noqa: PLR0913 - all that the page shows
    request: Request,
    stored: str,
    rules: Sequence[FieldRule],
    *,
    told: str = "",
    known: str = "",
    pasted: str = "",
    upload: Upload | None = None,
    tried: MappingTrial | None = None,
    faults: Sequence[SettingFault] = (),
    fault: str = "",
) -> Response:
    amiss = {each.setting: each.expected for each in faults}
    return page.render(
        request,
        "mapping_destination.html",
        name=_name(request),
        rules=[*rules, *(FieldRule("") for _ in range(_BLANK_RULES))],
        writes=WRITES,
        told=told,
        known=known or setting_changes.digest(stored),
        pasted=pasted,
        upload=upload if upload and upload.id else None,
        tried=tried,
        faults=[str(each) for each in faults],
        amiss=amiss,
        fault=fault,
    )


def _rules(form: FormData) -> list[FieldRule]:
    """Return what was entered for each field; a row without a name is none."""
    columns = [_texts(form, each) for each in ("field", "value", "write")]
    rows = list(zip(*columns, strict=False))[:_MAX_RULES]
    return [FieldRule(name, value, write) for name, value, write in rows if name]


def _texts(form: FormData, name: str) -> list[str]:
    return [each.strip() if isinstance(each, str) else "" for each in form.getlist(name)]


def _upload(request: Request, form: FormData) -> Upload | None:
    """Return what was sent: a file now, a file before, or a text; None if it was nothing."""
    kept: Uploads = request.app.state.uploads
    file, id_ = form.get("file"), page.field(form, "upload")
    if isinstance(file, UploadFile) and file.filename:
        return kept.keep(file.filename, file.file.read())
    if id_ and page.field(form, "forget") == "yes":
        kept.forget(id_)
    elif id_:
        return kept.find(id_)
    text = page.field(form, "profile")
    return uploads.pasted(text) if text else None


def _name(request: Request) -> str:
    return str(request.path_params["name"])


ROUTES: list[Route] = [
    page.get("/mapping", _choose),
    page.get("/mapping/{name}", _show),
    page.query("/mapping/{name}", _try),
    page.query("/mapping/{name}/plan", _plan),
    page.change("/mapping/{name}/store", _store),
]
