"""Work that takes longer than a page may: it goes on in a thread, and a page tells how far it is.

A job ends with the console. What it has done by then stays done, as with the commands.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync_cli import aws_errors, console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.web_console import page

_MAX_JOBS = 20  # that are kept to be looked at
_MAX_WORDS = 200
_logger = logging.getLogger(__name__)
UNCHANGED = "Nothing was changed."


@dataclass
class Job:
    """Something that is being done, or was."""

    title: str
    back: str  # the path of the page that it belongs to
    id: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    words: list[str] = field(default_factory=list)
    done: int = 0
    total: int | None = None  # None if it is not known
    error: str = ""
    remark: str = ""  # what is told with its end
    template: str = ""  # of what came of it
    values: Mapping[str, Any] = field(default_factory=dict)
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def tell(self, words: str) -> None:
        """Tell what is being done."""
        if len(self.words) < _MAX_WORDS:
            self.words.append(console.plain(words))

    def progress(self, done: int, total: int | None = None) -> None:
        """Tell how far it is."""
        self.done, self.total = done, total

    def finish(self, template: str, **values: Any) -> None:
        """Say what is shown at the end: a template that extends nothing."""
        self.template, self.values = template, values

    def cancel(self) -> None:
        """Ask for an end. The work ends at its next step, and what is done stays done."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether its end was asked for."""
        return self._cancelled.is_set()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done."""
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it came."""
        return self._over.wait(seconds)

    def end(self) -> None:
        """Say that nothing more is done."""
        self._over.set()


class Jobs:
    """The jobs of a run of the console, the latest of them."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, job: Job, work: Callable[[Job], None]) -> None:
        """Have work done in a thread of its own. Raises FailureError if too much is going on."""
        with self._lock:
            over = [each.id for each in self._jobs.values() if each.is_over]
            if len(self._jobs) - len(over) >= _MAX_JOBS:
                raise FailureError(f"{_MAX_JOBS} jobs are at work: wait for one, or cancel it.")
            for id_ in over[: max(0, len(self._jobs) + 1 - _MAX_JOBS)]:
                del self._jobs[id_]
            self._jobs[job.id] = job
        threading.Thread(target=_run, args=(job, work), daemon=True).start()

    def find(self, id_: str) -> Job:
        """Return a job. Raises HTTPException if there is none."""
        job = self._jobs.get(id_)
        if job is None:
            raise HTTPException(404, "There is no such job, or it is long over.")
        return job

    def all(self) -> list[Job]:
        """Return the jobs, the oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def cancel_all(self) -> None:
        """Ask all for an end."""
        for job in self.all():
            job.cancel()

    def end_all(self, seconds: float) -> None:
        """Ask all for an end, and give them time for it: they hand back what they hide."""
        until = time.monotonic() + seconds
        self.cancel_all()
        for job in self.all():
            job.wait(max(0.0, until - time.monotonic()))


def _run(job: Job, work: Callable[[Job], None]) -> None:
    try:
        work(job)
    except FailureError as failure:
        job.error = str(failure)
    except (BotoCoreError, ClientError) as failure:
        job.error = f"AWS: {aws_errors.explain(failure)}"
    except Exception as failure:
        job.error = f"Internal error: {type(failure).__name__}"
        _logger.exception("A job failed")
    finally:
        job.end()


def start(
    request: Request, title: str, back: str, work: Callable[[Job], None], *, remark: str = ""
) -> Response:
    """Start work, and lead to the page that tells of it."""
    job = Job(title, back, remark=remark)
    request.app.state.jobs.start(job, work)
    return page.go(f"/jobs/{job.id}")


def _found(request: Request) -> Job:
    found: Job = request.app.state.jobs.find(request.path_params["id"])
    return found


def _show(request: Request) -> Response:
    job = _found(request)
    return page.render(request, "job.html", job=job, here=page.section(job.back))


def _cancel(request: Request, _: object) -> Response:
    job = _found(request)
    job.cancel()
    return page.go(f"/jobs/{job.id}")


ROUTES: list[Route] = [
    page.get("/jobs/{id}", _show),
    # What only reads may be ended by who only reads.
    page.query("/jobs/{id}/cancel", _cancel),
]
