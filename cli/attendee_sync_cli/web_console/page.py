"""How pages are asked for, and made: routes, forms, and templates."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from attendee_sync_cli import console
from attendee_sync_cli.stack.stack import Stack
from attendee_sync_cli.web_console.session import Session

_MAX_FIELDS = 1_000
_MAX_FILES = 1
# Of a field: a profile is pasted into one.
_MAX_FIELD_BYTES = 5_000_000
_WHOLE_NUMBER = re.compile(r"[0-9]{1,10}")
_READ_ONLY = (
    "The console only reads. To change something, start it with "
    "`attendee-sync console --allow-changes`."
)
_OTHER_RUN = (
    "This form is of an earlier run of the console. Open the page again, and send it from there."
)

type Shown = Callable[[Request], Response]
type Answered = Callable[[Request, FormData], Response]


@dataclass(frozen=True)
class Entry:
    """An entry of the navigation."""

    path: str
    title: str
    beside: str = ""  # the path of pages that belong to it


# In the order in which they are shown.
NAVIGATION = (
    Entry("/", "Overview"),
    Entry("/destinations", "Destinations", beside="/connections"),
    Entry("/mapping", "Mapping"),
    Entry("/failures", "Failures"),
    Entry("/person", "Person"),
    Entry("/doctor", "Doctor"),
    Entry("/api-log", "API log"),
)

# In words; other backticks may be those of a JMESPath literal.
_COMMAND = re.compile(r"`((?:attendee-sync|aws|make|sam) [^`]+|doctor)`")


def _commands(words: object) -> Markup:
    """Return words with the commands in them marked up as such."""
    parts = _COMMAND.split(str(words))  # between two of them, a command
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if n % 2 else part for n, part in enumerate(parts))


_templates = Environment(
    loader=PackageLoader(__package__),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "commands": _commands,
    "counted": console.counted,
    "duration": console.duration,
    "moment": console.moment,
    "moment_of": console.moment_of,
    "when": console.when,
    "number": "{:,}".format,
}


# --- what a page is asked by ---


def get(path: str, show: Shown) -> Route:
    """Return the route of a page. What it shows is read, and nothing is changed."""
    return Route(path, show, methods=["GET"])


def query(path: str, answer: Answered) -> Route:
    """Return the route of a form that changes nothing, with what may be in no address."""
    return Route(path, _form_reader(answer, changes=False), methods=["POST"])


def change(path: str, answer: Answered) -> Route:
    """Return the route of a form that changes something: refused unless changes are allowed."""
    return Route(path, _form_reader(answer, changes=True), methods=["POST"])


def _form_reader(answer: Answered, *, changes: bool) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        if changes and not session(request).may_change:
            raise HTTPException(HTTPStatus.FORBIDDEN, _READ_ONLY)
        limits = {"max_files": _MAX_FILES, "max_fields": _MAX_FIELDS}
        async with request.form(**limits, max_part_size=_MAX_FIELD_BYTES) as form:
            if not session(request).is_own_form(field(form, "csrf")):
                raise HTTPException(HTTPStatus.FORBIDDEN, _OTHER_RUN)
            return await run_in_threadpool(answer, request, form)

    return read


def field(form: FormData, name: str) -> str:
    """Return a field of a form without blanks around it; empty if it is not there."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def whole_number(form: FormData, name: str) -> int | None:
    """Return a number that a field has in plain digits; None if it has none, or too many."""
    text = field(form, name)
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def name(request: Request) -> str:
    """Return the name of a connection or destination that is part of a page's path.

    Raises BadParameter if none can have it: to SSM, `NAME:1` would be the first version of NAME.
    """
    return console.name(request.path_params["name"]) or ""


def stack(request: Request) -> Stack:
    """Return the stack that the console shows."""
    found: Stack = request.app.state.stack
    return found


def session(request: Request) -> Session:
    """Return the run of the console."""
    found: Session = request.app.state.session
    return found


def is_part(request: Request) -> bool:
    """Tell whether a page's script asks for a part of it, as htmx says."""
    return "hx-request" in request.headers


# --- what it is answered with ---


def render(
    request: Request, template: str, *, status: int = HTTPStatus.OK, **values: Any
) -> Response:
    """Return a page made of a template, which extends base.html."""
    return _html(text(template, **{**_common(request), **values}), status)


def fragment(request: Request, template: str, **values: Any) -> Response:
    """Return a part of a page, of a template that extends nothing."""
    return _html(text(template, **_common(request), **values), HTTPStatus.OK)


def _html(content: str, status: int) -> Response:
    # JSON may have halves of characters, which have no UTF-8.
    return HTMLResponse(content.encode("utf-8", "backslashreplace"), status)


def text(template: str, **values: Any) -> str:
    """Return what a template makes of values."""
    return _templates.get_template(template).render(values)


def go(path: str) -> Response:
    """Return the answer to a form that leads to a page."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def section(path: str) -> str:
    """Return the path of the navigation's entry that a page belongs to; empty if to none."""
    here = [each for each in NAVIGATION if _is_of(path, each.path) or _is_of(path, each.beside)]
    return here[0].path if here else ""


def _is_of(path: str, above: str) -> bool:
    return bool(above) and (path == above or path.startswith(f"{above}/"))


def _common(request: Request) -> Mapping[str, Any]:
    path = request.url.path
    return {
        "csrf": session(request).csrf,
        "here": section(path),
        "may_change": session(request).may_change,
        "navigation": NAVIGATION,
        "path": path,
        "stack_name": stack(request).name,
    }
