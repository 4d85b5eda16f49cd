"""Dead letters: why profiles failed, what cures that, and putting them back or away."""

import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby, zip_longest
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations import cures, failures, redrive
from attendee_sync_cli.operations.cures import Cure, Place
from attendee_sync_cli.operations.failures import Example, Failures, Group
from attendee_sync_cli.operations.redrive import RedrivePlan, RedriveReport
from attendee_sync_cli.profiles import dead_letter_export
from attendee_sync_cli.settings import validation
from attendee_sync_cli.stack.dead_letter_scan import Advance, DeadLetterFilter, Follower
from attendee_sync_cli.web_console import jobs, page
from attendee_sync_cli.web_console.followers import JobFollower
from attendee_sync_cli.web_console.jobs import Job

HOURS = {"1": "1 hour", "24": "24 hours", "168": "7 days", "": "14 days, as long as SQS keeps them"}
_SECONDS_AN_HOUR = 3600
# A page is not waited for as long as a command is.
_LOOK_SECONDS = 60.0
_KEPT_SECONDS = 30.0
_PATIENCE_SECONDS = 10.0
_STEP_SECONDS = 0.25
_MAX_PLANS = 50


# --- one look at a time ---


@dataclass(frozen=True)
class _Discarding:
    """Dead letters that somebody may discard."""

    counts: Mapping[str, int]  # by destination
    message_ids: frozenset[str]


@dataclass(frozen=True)
class _Seen:
    """What a look has seen, and when."""

    found: Failures
    at: float  # epoch seconds


class Desk:
    """What the pages of one console know of dead letters.

    A look hides dead letters from any other, so that there is one at a time.
    """

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str, str], _Seen] = {}
        self.plans: dict[str, RedrivePlan | _Discarding] = {}  # by the id of the job that made it
        self._lock = threading.Lock()
        self._busy_with = ""

    @contextmanager
    def one_at_a_time(self, words: str, follower: Follower | None = None) -> Iterator[None]:
        """Wait for other work on dead letters to end. Raises FailureError if it goes on."""
        if not self._acquire(follower):
            raise FailureError(
                f"{self._busy_with} is going on, and hides dead letters from others. Look again "
                "once it is over."
            )
        self._busy_with = words
        try:
            yield
        finally:
            self._lock.release()

    def _acquire(self, follower: Follower | None) -> bool:
        if follower is None:
            return self._lock.acquire(timeout=_PATIENCE_SECONDS)
        if not self._lock.acquire(blocking=False):
            follower.notice(f"Waiting for the end of other work: {self._busy_with}.")
            while not self._lock.acquire(timeout=_STEP_SECONDS):
                if follower.has_cancelled():
                    return False
        return True

    def keep(self, job: Job, plan: RedrivePlan | _Discarding) -> None:
        """Keep a plan until it is carried out, or many others were made."""
        self.plans[job.id] = plan
        for id_ in list(self.plans)[:-_MAX_PLANS]:
            self.plans.pop(id_, None)

    def taken(self, id_: str) -> RedrivePlan | _Discarding | None:
        """Return a plan to one who carries it out; nobody else, such as a second click, gets it."""
        return self.plans.pop(id_, None)

    def look(
        self, chosen: tuple[str, str, str], look: Callable[[], Failures], *, anew: bool
    ) -> _Seen:
        """Return what a look sees, or one of just now has seen."""
        with self.one_at_a_time("A look at dead letters"):
            seen = self.seen.get(chosen)
            if seen and not anew and time.time() - seen.at < _KEPT_SECONDS:
                return seen
            self.seen = {
                each: kept
                for each, kept in self.seen.items()
                if time.time() - kept.at < _KEPT_SECONDS
            }
            self.seen[chosen] = _Seen(look(), time.time())
            return self.seen[chosen]


def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.dead_letters
    return found


class _Reader(Follower):
    """Who waits for a page."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _LOOK_SECONDS

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Advance]:  # noqa: ARG002 - none is shown
        """Show nothing."""
        yield lambda _: None

    def has_cancelled(self) -> bool:
        """Tell whether that takes too long for a page."""
        return time.monotonic() > self._until


# --- what there is ---


@dataclass(frozen=True)
class _Chosen:
    """What the page is asked for."""

    destination: str
    reason: str
    hours: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.destination, self.reason, self.hours

    @property
    def query(self) -> str:
        asked = {"destination": self.destination, "reason": self.reason, "hours": self.hours}
        return urlencode({name: text for name, text in asked.items() if text})

    @property
    def filter(self) -> DeadLetterFilter:
        return DeadLetterFilter(
            console.name(self.destination) if self.destination else None,
            self.reason or None,
            since=time.time() - int(self.hours) * _SECONDS_AN_HOUR if self.hours else None,
        )

    @property
    def options(self) -> str:
        """What says the same to a command."""
        told = f" --destination {shlex.quote(self.destination)}" if self.destination else ""
        told += f" --hours {self.hours}" if self.hours else ""
        return f"{told} --reason {shlex.quote(self.reason)}" if self.reason else told


@dataclass(frozen=True)
class _Link:
    """Where something is cured."""

    path: str
    words: str


@dataclass(frozen=True)
class _Card:
    """The dead letters of one destination and reason."""

    destination: str
    reason: str
    groups: Sequence[Group]
    connection: str
    is_there: bool  # the destination

    @property
    def count(self) -> int:
        return sum(each.count for each in self.groups)

    @property
    def meaning(self) -> str:
        """What the reason means."""
        return outcome_words.REASONS.get(self.reason, "")

    @property
    def ended(self) -> str:
        """How they ended."""
        return ", ".join(sorted({each.cause.outcome or "given up by SQS" for each in self.groups}))

    @property
    def cure(self) -> Cure:
        return cures.of(self.groups[0].cause.outcome, self.reason)

    @property
    def links(self) -> list[_Link]:
        """The pages on which they are cured."""
        name, connection = quote(self.destination), quote(self.connection)
        if not self.is_there:
            return [_Link("/destinations/new", f"Make destination {self.destination}")]
        links = {
            Place.DESTINATION: _Link(f"/destinations/{name}", f"Destination {self.destination}"),
            Place.MAPPING: _Link(f"/mapping/{name}", "Mapping, with a preview"),
            Place.CONNECTION: _Link(f"/doctor/{connection}", f"Doctor: {self.connection}"),
        }
        return [links[place] for place in self.cure.places if place in links]

    @property
    def commands(self) -> list[str]:
        """What does in a terminal what the page does."""
        which = f"--destination {shlex.quote(self.destination)}"
        which += f" --reason {shlex.quote(self.reason)}" if self.reason else ""
        found = {
            Place.CONNECTION: f"attendee-sync doctor {self.connection}",
            Place.PROFILES: f"attendee-sync failures {which} --export mend.csv --discard",
        }
        told = [found[place] for place in self.cure.places if place in found]
        return [*told, f"attendee-sync redrive {which}"]

    @property
    def examples(self) -> list[Example]:
        """Up to ten of them, some of each cause."""
        by_rank = zip_longest(*(each.examples for each in self.groups))
        found = [each for each in chain.from_iterable(by_rank) if each]
        return found[: failures.MAX_EXAMPLES]


def _chosen(request: Request) -> _Chosen:
    asked = request.query_params
    hours = asked.get("hours", "")
    return _Chosen(
        asked.get("destination", "").strip(),
        asked.get("reason", "").strip(),
        hours if hours in HOURS else "",
    )


def _show(request: Request) -> Response:
    chosen = _chosen(request)
    names = sorted(page.stack(request).destinations())
    return page.render(request, "failures.html", chosen=chosen, names=names, hours=HOURS)


def _found(request: Request) -> Response:
    chosen, stack = _chosen(request), page.stack(request)
    wanted = chosen.filter
    seen = _desk(request).look(
        chosen.key,
        lambda: failures.group(stack, wanted, _Reader()),
        anew="anew" in request.query_params,
    )
    destinations = stack.destinations() if seen.found.groups else {}
    values: dict[str, Any] = {
        "chosen": chosen,
        "found": seen.found,
        "at": console.moment(seen.at),
        "none_found": wanted.none_found,
        "cards": _cards(seen.found.groups, destinations),
        "since": wanted.since or "",
    }
    if page.is_part(request):
        return page.fragment(request, "failures_found.html", **values)
    names = sorted(destinations or stack.destinations())
    return page.render(request, "failures_whole.html", names=names, hours=HOURS, **values)


def _cards(groups: Sequence[Group], destinations: Mapping[str, str]) -> list[_Card]:
    by_reason = {
        key: list(some)
        for key, some in groupby(
            sorted(groups, key=lambda each: (each.cause.destination, each.cause.reason)),
            key=lambda each: (each.cause.destination, each.cause.reason),
        )
    }
    cards = [
        _Card(name, reason, some, _connection(destinations.get(name)), name in destinations)
        for (name, reason), some in by_reason.items()
    ]
    return sorted(cards, key=lambda each: (each.destination, -each.count))


def _connection(text: str | None) -> str:
    """Return the name of a destination's connection; that of most, where it is not known."""
    settings = validation.read(Destination, text) if text else []
    return "default" if isinstance(settings, list) else settings.connection


# --- what is done about them ---


def _selected(form: FormData) -> DeadLetterFilter:
    """Return which dead letters a form is about."""
    name, reason, since = (page.field(form, each) for each in ("destination", "reason", "since"))
    ids = frozenset(each for each in form.getlist("id") if isinstance(each, str))
    try:
        seconds = float(since) if since else None
    except ValueError:
        raise FailureError("That is no time.") from None
    return DeadLetterFilter(
        console.name(name) if name else None,
        reason or None,
        named=page.field(form, "named") if "named" in form else None,
        since=seconds,
        ids=ids or None,
    )


def _plan(request: Request, form: FormData) -> Response:
    chosen, stack, desk = _selected(form), page.stack(request), _desk(request)

    def work(job: Job) -> None:
        follower = JobFollower(job)
        with desk.one_at_a_time("A plan of a redrive", follower):
            made = redrive.plan(stack, chosen, follower)
        if job.is_cancelled:
            return
        desk.keep(job, made)
        job.finish(
            "failures_plan.html",
            plan=job.id,
            forecast=made.forecast,
            figures=_figures(made.forecast),
            details=[(each.destination, each.words, n) for each, n in made.forecast.ordered],
        )

    return jobs.start(
        request, "What would come of a redrive", "/failures", work, remark=jobs.UNCHANGED
    )


def _figures(forecast: RedriveReport) -> list[tuple[str, int]]:
    """Return in numbers what would come of dead letters."""
    delivered = forecast.count(OutcomeKind.DELIVERED) - forecast.refused_before
    return [
        ("delivered, if RainFocus takes them", delivered),
        ("refused again, unless RainFocus changed", forecast.refused_before),
        ("unchanged: RainFocus has them", forecast.count(OutcomeKind.UNCHANGED)),
        ("filtered", forecast.count(OutcomeKind.FILTERED)),
        ("stale", forecast.count(OutcomeKind.STALE)),
        ("rejected again: they stay", forecast.count(OutcomeKind.REJECTED)),
        ("not to be told: they stay", forecast.count(OutcomeKind.RETRY)),
    ]


def _redrive(request: Request, form: FormData) -> Response:
    stack, desk = page.stack(request), _desk(request)
    per_second = _rate(page.whole_number(form, "per_second"))
    planned = desk.taken(page.field(form, "plan"))
    if not isinstance(planned, RedrivePlan):
        raise FailureError("This plan was carried out, or is long ago: make it again.")
    report = redrive.of_plan(stack, planned)
    desk.seen.clear()

    def work(job: Job) -> None:
        follower = _Redriver(job, report, planned.forecast.to_redrive)
        try:
            with desk.one_at_a_time("A redrive", follower):
                redrive.redrive(stack, report, follower, per_second)
        finally:
            desk.seen.clear()
            job.finish("failures_redriven.html", report=report, planned=planned.forecast)

    return jobs.start(request, "Redrive", "/failures", work)


class _Redriver(JobFollower):
    """A job that redrives; it is as far as profiles are on their queues."""

    def __init__(self, job: Job, report: RedriveReport, to_redrive: int) -> None:
        super().__init__(job)
        self._report, self._to_redrive = report, to_redrive

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Advance]:  # noqa: ARG002 - of the queue
        """Tell how many are redriven."""
        self.notice(words)
        yield lambda _: self._job.progress(self._report.redriven, self._to_redrive)

    def wait(self, seconds: float) -> None:
        """Tell how many are redriven, and let time pass."""
        self._job.progress(self._report.redriven, self._to_redrive)
        super().wait(seconds)


def _rate(number: int | None) -> float:
    least, most = redrive.LEAST_PER_SECOND, redrive.MOST_PER_SECOND
    if number is not None and least <= number <= most:
        return float(number)
    raise FailureError(f"Profiles a second are {least} to {most:,}, as a whole number.")


def _plan_discard(request: Request, form: FormData) -> Response:
    chosen, stack, desk = _selected(form), page.stack(request), _desk(request)

    def work(job: Job) -> None:
        follower = JobFollower(job)
        with desk.one_at_a_time("A look at dead letters", follower):
            found = failures.find(stack, chosen, follower)
        if job.is_cancelled:
            return
        desk.keep(job, _Discarding(found.counts, found.message_ids))
        job.finish(
            "failures_discard.html",
            plan=job.id,
            counts=found.counts,
            total=len(found.message_ids),
            look=found.look,
        )

    return jobs.start(request, "What would be discarded", "/failures", work, remark=jobs.UNCHANGED)


def _discard(request: Request, form: FormData) -> Response:
    stack, desk = page.stack(request), _desk(request)
    planned = desk.plans.get(page.field(form, "plan"))
    if not isinstance(planned, _Discarding):
        raise FailureError("These were discarded, or it is long ago: look at them again.")
    total = len(planned.message_ids)
    if page.field(form, "count") != str(total):
        raise FailureError(f"Nothing is discarded: enter {total}, the number of dead letters.")
    if desk.taken(page.field(form, "plan")) is None:
        raise FailureError("These are being discarded: they were asked for twice.")

    def work(job: Job) -> None:
        follower = JobFollower(job)
        try:
            with desk.one_at_a_time("Discarding dead letters", follower):
                gone = failures.discard(stack, planned.message_ids, follower)
        finally:
            desk.seen.clear()
        job.tell(f"{gone} of {console.counted(total, 'dead letter')} deleted.")

    return jobs.start(request, "Discard", "/failures", work)


def _export(request: Request, form: FormData) -> Response:
    """Answer with a file of dead letters: personal data, which goes to who asked alone."""
    chosen = _selected(form)
    with _desk(request).one_at_a_time("An export"):
        found = failures.find(page.stack(request), chosen, _Reader())
    if not found.dead_letters:
        raise FailureError(f"{chosen.none_found} {found.look.unseen_words}".rstrip())
    if found.look.is_cut:
        raise FailureError(
            f"There is no file: {found.look.unseen_words} `attendee-sync failures --export` takes "
            "longer than a page may."
        )
    content = dead_letter_export.content(found.dead_letters, ".ndjson")
    name = f"dead-letters-{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}.ndjson"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/x-ndjson", headers=headers)


ROUTES: list[Route] = [
    page.get("/failures", _show),
    page.get("/failures/found", _found),
    page.query("/failures/plan", _plan),
    page.change("/failures/redrive", _redrive),
    page.query("/failures/discard/plan", _plan_discard),
    page.change("/failures/discard", _discard),
    page.query("/failures/export", _export),
]
