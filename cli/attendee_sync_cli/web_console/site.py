"""The console's site: its pages, and what is shown where one of them fails."""

from http import HTTPStatus
from pathlib import Path

import typer
from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from attendee_sync_cli import aws_errors
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack
from attendee_sync_cli.web_console import jobs, page
from attendee_sync_cli.web_console.guard import Guard
from attendee_sync_cli.web_console.jobs import Jobs
from attendee_sync_cli.web_console.pages import (
    api_log,
    connections,
    destinations,
    doctor,
    failures,
    mapping,
    overview,
    person,
)
from attendee_sync_cli.web_console.session import Session
from attendee_sync_cli.web_console.uploads import Uploads

STATIC = Path(__file__).parent / "static"


def make(stack: Stack, session: Session) -> Starlette:
    """Return the site of a stack for one run of the console."""
    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(Guard, session=session)],
        exception_handlers={
            HTTPException: _refused,
            FailureError: _failed,
            typer.BadParameter: _failed,
            ClientError: _aws_failed,
            BotoCoreError: _aws_failed,
            HTTPStatus.INTERNAL_SERVER_ERROR: _broken,
        },
    )
    app.state.stack = stack
    app.state.session = session
    app.state.jobs = Jobs()
    app.state.uploads = Uploads()
    app.state.dead_letters = failures.Desk()
    return app


def _routes() -> list[BaseRoute]:
    return [
        *jobs.ROUTES,
        *api_log.ROUTES,
        *connections.ROUTES,
        *destinations.ROUTES,
        *doctor.ROUTES,
        *failures.ROUTES,
        *mapping.ROUTES,
        *overview.ROUTES,
        *person.ROUTES,
        Mount("/static", StaticFiles(directory=STATIC), name="static"),
    ]


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    words = "There is no such page." if error.status_code == HTTPStatus.NOT_FOUND else ""
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return _error(request, error.status_code, detail or words or error.detail)


def _failed(request: Request, error: Exception) -> Response:
    words = error.message if isinstance(error, typer.BadParameter) else str(error)
    return _error(request, HTTPStatus.BAD_REQUEST, words)


def _aws_failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, ClientError | BotoCoreError):
        raise error
    is_denied = isinstance(error, ClientError) and aws_errors.is_denied(error)
    status = HTTPStatus.FORBIDDEN if is_denied else HTTPStatus.BAD_GATEWAY
    return _error(request, status, f"AWS: {aws_errors.explain(error)}")


def _broken(request: Request, error: Exception) -> Response:
    """Tell of a fault of ours by its kind alone: its text may hold what was sent."""
    words = f"Internal error: {type(error).__name__}. Please report it."
    return _error(request, HTTPStatus.INTERNAL_SERVER_ERROR, words)


def _error(request: Request, status: int, words: str) -> Response:
    template = "error_fragment.html" if page.is_part(request) else "error.html"
    return page.render(request, template, status=status, words=words)
