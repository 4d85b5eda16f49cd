"""Mapping: what would become of profiles, with expressions that can be edited, tried and stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync_cli import aws_errors
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import destinations, mapping_trial
from attendee_sync_cli.operations.mapping_trial import MappingTrial
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.settings.validation import NotValidError, SettingFault
from attendee_sync_cli.web_console import destination_form, page, uploads
from attendee_sync_cli.web_console.destination_form import MAPPING
from attendee_sync_cli.web_console.pages.destinations import plan
from attendee_sync_cli.web_console.uploads import Upload, Uploads

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
    stored = page.stack(request).known_destination(page.name(request))
    members, known = setting_changes.parsed(stored), setting_changes.digest(stored)
    return _page(request, _Shown(members, known))


def _try(request: Request, form: FormData) -> Response:
    """Show what the entered mapping makes of the profiles that were sent."""
    stored = page.stack(request).known_destination(page.name(request))
    return _tried(request, form, stored, page.field(form, "known"))


def _plan(request: Request, form: FormData) -> Response:
    """Show what storing the entered mapping changes, before it is done."""
    stack, name = page.stack(request), page.name(request)
    stored = stack.known_destination(name)
    known = setting_changes.digest(stored)
    if known != page.field(form, "known"):
        return _tried(request, form, stored, known, _CHANGED)
    upload, text = _upload(request, form), json.dumps(_entered(form, stored))
    sample = upload.sample(text) if upload else None
    try:
        trial = destinations.tried(stack, name, text, sample=sample)
    except NotValidError:
        return _tried(request, form, stored, known)
    return plan(request, trial, f"/mapping/{name}")


def _tried(request: Request, form: FormData, stored: str, known: str, told: str = "") -> Response:
    pasted = page.field(form, "profile")[: uploads.MAX_TEXT]
    shown = _Shown(setting_changes.parsed(stored), told=told, known=known, pasted=pasted)
    try:
        shown.members = _entered(form, stored)
        shown.upload = _upload(request, form)
        text = json.dumps(shown.members)
        sample = shown.upload.sample(text) if shown.upload else None
        shown.tried = mapping_trial.look(page.stack(request), page.name(request), text, sample)
    except NotValidError as error:
        shown.faults = error.faults
    except FailureError as error:
        shown.fault = str(error)
    except (BotoCoreError, ClientError) as error:  # whose page htmx would not show
        shown.fault = f"AWS: {aws_errors.explain(error)}"
    return _page(request, shown)


@dataclass
class _Shown:
    """What the page shows, as far as trying it came."""

    members: Mapping[str, Any]  # of the settings
    known: str  # the digest of what is stored
    told: str = ""
    pasted: str = ""
    upload: Upload | None = None
    tried: MappingTrial | None = None
    faults: Sequence[SettingFault] = ()
    fault: str = ""


def _page(request: Request, shown: _Shown) -> Response:
    return page.render(
        request,
        "mapping_destination.html",
        name=page.name(request),
        rows=destination_form.rows(shown.members, shown.faults),
        ways=destination_form.WAYS,
        told=shown.told,
        known=shown.known,
        pasted=shown.pasted,
        upload=shown.upload if shown.upload and shown.upload.id else None,
        tried=shown.tried,
        faults=[str(each) for each in shown.faults],
        fault=shown.fault,
    )


def _entered(form: FormData, stored: str) -> dict[str, Any]:
    """Return the stored settings with the mapping that was entered."""
    others = {key: each for key, each in setting_changes.parsed(stored).items() if key != MAPPING}
    mapping = destination_form.mapping_in(form)
    return others | ({MAPPING: mapping} if mapping else {})


def _upload(request: Request, form: FormData) -> Upload | None:
    """Return what was sent: a file now, a file before, or a text; None if it was nothing."""
    kept: Uploads = request.app.state.uploads
    file, id_ = form.get("file"), page.field(form, "upload")
    if isinstance(file, UploadFile) and file.filename:
        file.file.seek(0)  # it may have been read to plan what turned out not to be valid
        return kept.keep(file.filename, file.file.read())
    if id_ and page.field(form, "forget") == "yes":
        kept.forget(id_)
    elif id_:
        return kept.find(id_)
    text = page.field(form, "profile")
    return uploads.pasted(text) if text else None


ROUTES: list[Route] = [
    page.get("/mapping", _choose),
    page.get("/mapping/{name}", _show),
    page.query("/mapping/{name}", _try),
    page.query("/mapping/{name}/plan", _plan),
]
