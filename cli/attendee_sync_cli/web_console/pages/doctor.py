"""Connections: whether RainFocus takes their calls, and the setting to change if not."""

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync import http_client
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.doctor import examination, status_page
from attendee_sync_cli.doctor.report import TITLES, Case, Report, StepState
from attendee_sync_cli.operations import doctor as operation
from attendee_sync_cli.operations import status, tokens
from attendee_sync_cli.settings import validation
from attendee_sync_cli.web_console import jobs, page
from attendee_sync_cli.web_console.jobs import Job

_KINDS = {StepState.PASSED: "good", StepState.FAILED: "bad", StepState.UNKNOWN: "wait"}


class _CancelledError(Exception):
    """Nobody waits for the examination any more."""


def _list(request: Request) -> Response:
    stack = page.stack(request)
    users = operation.users(stack)
    found = [
        (status.look_at_connection(stack, name, text), users.get(name, []))
        for name, text in sorted(stack.connections().items())
    ]
    return page.render(request, "doctor.html", found=found)


def _show(request: Request) -> Response:
    return _connection(request)


def _connection(request: Request, told: str = "") -> Response:
    stack, name = page.stack(request), page.name(request)
    found = status.look_at_connection(stack, name, stack.known_connection(name))
    destinations = operation.users(stack).get(name, [])
    return page.render(
        request, "doctor_connection.html", found=found, destinations=destinations, told=told
    )


def _examine(request: Request, form: FormData) -> Response:
    return _run(request, _case(request, form, ""))


def _plan_write_test(request: Request, form: FormData) -> Response:
    address = operation.nobodys(page.field(form, "email"))
    case = _case(request, form, address)
    settings = validation.read(Destination, case.destination_settings)
    event = "" if isinstance(settings, list) else settings.event_code
    return page.render(request, "doctor_write_test.html", case=case, event=event)


def _write_test(request: Request, form: FormData) -> Response:
    return _run(request, _case(request, form, operation.nobodys(page.field(form, "email"))))


def _store(request: Request, form: FormData) -> Response:
    """Store what helps, as it was shown, and look again."""
    report = _shown_report(request, page.field(form, "job"))
    told = " ".join(operation.store(page.stack(request), report))
    case = _cases(request, report.case.destination, report.case.write_test)
    return _run(request, replace(case, settings=report.settings), told)


def _shown_report(request: Request, job_id: str) -> Report:
    """Return the report of an examination with changes that help."""
    job: Job = request.app.state.jobs.find(job_id)
    report = job.values.get("report")
    if (
        not isinstance(report, Report)
        or report.case.connection != page.name(request)
        or not operation.changed(report)
    ):
        raise HTTPException(404, "Nothing was found that could be stored.")
    return report


def _refresh_token(request: Request, form: FormData) -> Response:
    stack, name = page.stack(request), page.name(request)
    stack.known_connection(name)
    result = stack.refresh_token(name, force=page.field(form, "force") == "yes")
    return _connection(request, tokens.refreshed_words(result))


def _case(request: Request, form: FormData, address: str) -> Case:
    return _cases(request, page.field(form, "destination"), address)


def _cases(request: Request, destination: str, address: str) -> Case:
    [case] = operation.cases(page.stack(request), page.name(request), destination or None, address)
    return case


def _run(request: Request, case: Case, told: str = "") -> Response:
    """Examine a connection, and lead to the page that tells its steps."""

    def work(job: Job) -> None:
        def tell(words: str) -> None:
            if job.is_cancelled:
                raise _CancelledError
            job.tell(words)

        try:
            with http_client.session(pool_size=1) as session:
                report = examination.examine(case, session, progress=tell)
                said = operation.status_said(session, status_page.URL, [case])
        except _CancelledError:
            return
        job.finish(
            "doctor_report.html",
            report=operation.without_secrets(report),
            steps=[(TITLES[each.check], _KINDS[each.state], each) for each in report.steps],
            conclusion=operation.conclusion(report),
            changes=operation.change_rows(report) if operation.changed(report) else [],
            said=said,
        )

    name = case.connection
    return jobs.start(request, f"Examining connection {name}", f"/doctor/{name}", work, remark=told)


ROUTES: list[Route] = [
    page.get("/doctor", _list),
    page.get("/doctor/{name}", _show),
    page.query("/doctor/{name}/examine", _examine),
    page.query("/doctor/{name}/write-test/plan", _plan_write_test),
    page.change("/doctor/{name}/write-test", _write_test),
    page.change("/doctor/{name}/store", _store),
    page.change("/doctor/{name}/refresh-token", _refresh_token),
]
