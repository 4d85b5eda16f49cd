"""The command that pushes the profiles of a file to the stack, as a sender does."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from attendee_sync.aws.settings import INGEST_TOKEN
from attendee_sync.ingest.api import MAX_BODY_BYTES, maps_email, profiles_at
from attendee_sync.messaging import messages
from attendee_sync.outcome import Fault
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError
from attendee_sync_cli.exit_codes import INTERRUPTED
from attendee_sync_cli.profiles import new_file, profile_files, push_client
from attendee_sync_cli.profiles.email_check import EmailCheck
from attendee_sync_cli.profiles.profile_files import Found, Profiles, Reading
from attendee_sync_cli.profiles.push_client import PushAnswer, PushClient
from attendee_sync_cli.profiles.push_follower import PushFollower
from attendee_sync_cli.profiles.push_report import PushFault, PushReport
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync push default profiles.csv",
    "attendee-sync push default profiles.xlsx --failed failed.ndjson --wait",
    "attendee-sync push default - --json < profiles.json",
)
_TOKEN = re.compile("[!-~]+")
_MOST_FAILURES = 3
_FIRST = 100  # profiles; if not one of them is accepted, all others are likely to have the fault
# What is at fault is the push itself, hence not a sign of trouble with the stack.
_FAULTS_OF_PUSH = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def push(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    destination: DestinationName,
    file: profile_files.File,
    batch: Annotated[int, typer.Option(min=1, max=100, help="Profiles in a request.")] = 10,
    rate: Annotated[
        float,
        typer.Option(min=0, help="Profiles per second at most; 0 is no limit."),
    ] = 50,
    attempts: Annotated[
        int, typer.Option(min=1, max=20, help="How often a request is made at most.")
    ] = 5,
    failed: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the profiles that were not accepted to this new file, as newline-delimited "
            "JSON, to be mended and pushed again. It holds personal data; only you can read it.",
        ),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Follow the profiles to their ends, and tell how they ended."),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long --wait waits after the last request at most.",
        ),
    ] = 600,
    encoding: profile_files.Encoding = "",
    column: profile_files.Columns = [],  # noqa: B006 - typer reads it and changes nothing
    as_json: AsJson = False,
) -> None:
    """Push the profiles of a file through the stack's HTTP interface, as a sender does.

    `attendee-sync preview` shows beforehand what would become of them. Repeats are safe: content
    that was delivered last is `unchanged`, so a push that ended early can be run again. What is
    pushed counts as newer than all that was pushed before it, by whomever.

    There is one request at a time, so that updates of one person take effect in the file's order.
    In the time of one request at most --batch profiles are pushed: for a high --rate, raise
    --batch, too. Where there is no answer, or one that may pass (408, 423, 425, 429, 5xx but 501),
    the request is repeated after a growing wait, or the wait that the answer asks for, of at most
    30 s.

    A file is looked through before anything is pushed, unless it is a pipe: without one e-mail
    address that can be used, nothing is. Should none of the first hundred profiles be accepted,
    it ends. JSON can have up to 50 MB; newline-delimited JSON and CSV are read as they are pushed
    and can be of any length. Values of CSV stay the texts that they are, and empty cells are left
    out.

    Shows how many profiles were accepted, and of the others the places in the file and the
    reasons, never a value. What ingest rejected is on the dead-letter queue, too. Accepted means
    queued: with --wait the log of delivery tells how each profile ended, some seconds late.

    Ends with exit code 0 only if every profile was accepted and, with --wait, none ended as a
    dead letter and all ended in time; with 130 on Ctrl-C.
    """
    stack: Stack = context.obj
    how = profile_files.reading(encoding, column)
    code = 1
    with _kept(failed) as keep:
        settings = stack.known_destination(destination)
        made = _sender(stack, destination, rate, attempts)
        report = PushReport(destination, _looked_through(file, how, settings))
        report.follower = _follower(stack, destination) if wait else None
        started = time.monotonic()
        try:
            with _progress(report.profiles.total) as advance:
                _push_all(made, report, batch, keep, advance)
        except KeyboardInterrupt:
            report.ended, code = "interrupted", INTERRUPTED
        except FailureError as failure:
            report.ended = str(failure)
        except OSError as error:
            report.ended = f"{failed} can't be written: {error.strerror}"
        report.seconds = time.monotonic() - started
    if report.follower and code != INTERRUPTED:
        code = _follow(report.follower, timeout)
    if as_json:
        console.document(report.document())
    else:
        report.show()
    if report.ended:
        console.error(_ending(report))
    if report.follower and report.follower.waiting:
        console.error(_unfollowed(report.follower))
    if not report.is_success:
        raise typer.Exit(code)


def _looked_through(file: BinaryIO, how: Reading, settings: str) -> Profiles:
    """Return the profiles of a file. Raises FailureError if each of them would be rejected."""
    check = EmailCheck(settings)
    how = replace(how, place=profiles_at(settings), maps_email=maps_email(settings))
    with Console(stderr=True).status("Looking the file through"):
        profiles = profile_files.read_twice(file, how, check.look)
    fault = check.fault(profiles)
    if fault:
        raise FailureError(f"{profile_files.name_of(file)}: {fault}")
    return profiles


def _follower(stack: Stack, destination: str) -> PushFollower:
    return PushFollower(stack.client("logs"), stack.output("DeliveryLogGroupName"), destination)


def _follow(follower: PushFollower, timeout: float) -> int:
    """Wait for the profiles' ends, and return the exit code should not all be well."""
    try:
        with console.progress("Waiting for their ends", follower.waiting) as advance:
            follower.wait(timeout, advance)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


def _unfollowed(follower: PushFollower) -> str:
    why = f" as they can't be followed: {follower.fault}" if follower.fault else ""
    return (
        f"Of {follower.waiting} profiles the end is not known{why}. They are on their way: "
        "`attendee-sync status` tells what waits and why, `attendee-sync failures` what failed."
    )


def _sender(stack: Stack, destination: str, rate: float, attempts: int) -> PushClient:
    token = (stack.secret(INGEST_TOKEN) or "").strip()
    if not _TOKEN.fullmatch(token):
        raise FailureError(
            f"Stack {stack.name} has no secret {INGEST_TOKEN} that a header can hold."
        )
    endpoint = push_client.endpoint(stack, destination)
    session = push_client.session(endpoint, token)
    return PushClient(session, endpoint, rate=rate, attempts=attempts)


def _kept(path: Path | None) -> AbstractContextManager[Callable[[bytes], object]]:
    """Open a new file for the profiles that are not accepted."""
    return new_file.opened(path, "--failed") if path else nullcontext(lambda _line: None)


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show on a terminal's standard error how far it is."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("Pushing", total=total)
        yield lambda count: progress.advance(task, count)


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.0f} profiles/s")


def _push_all(
    made: PushClient,
    report: PushReport,
    batch: int,
    keep: Callable[[bytes], object],
    advance: Callable[[int], None],
) -> None:
    """Push batch by batch. Raises FailureError where it makes no sense to go on."""
    failures = 0
    for some in _batches(report.profiles.found, batch):
        report.read += len(some)
        answer = _push_batch(made, some, report, keep)
        advance(len(some))
        if answer:
            failures = _failures(answer, failures)
        if not report.accepted and report.done >= _FIRST:
            raise FailureError(f"none of the first {report.done} is accepted; {report.main_cause}")


def _failures(answer: PushAnswer, before: int) -> int:
    """Return how many requests in a row failed. Raises FailureError if the next one would, too."""
    refusal = _refusal(answer)
    if refusal:
        raise FailureError(refusal)
    is_trouble = bool(answer.detail) and answer.status not in _FAULTS_OF_PUSH
    failures = before + 1 if is_trouble else 0
    if failures == _MOST_FAILURES:
        raise FailureError(f"{failures} requests in a row failed")
    return failures


def _push_batch(
    made: PushClient, some: Sequence[Found], report: PushReport, keep: Callable[[bytes], object]
) -> PushAnswer | None:
    """Push what can be pushed of a batch; without any of that there is no answer."""
    causes = {
        index: PushFault("not sent", fault.detail, reason=fault.reason)
        for index, fault in enumerate(map(_fault, some))
        if fault
    }
    indexes = [index for index in range(len(some)) if index not in causes]
    answer = made.push([_line(some[index]) for index in indexes]) if indexes else None
    if answer:
        report.answered(answer)
        if report.follower and not answer.detail:
            taken = {
                n: some[indexes[n]].place for n in range(len(indexes)) if n not in answer.rejected
            }
            report.follower.add(answer.request_id, taken)
        causes |= {indexes[n]: cause for n, cause in _causes(answer, len(indexes)).items()}
    report.settled(some, causes)
    for index in sorted(causes):
        keep(f"{_line(some[index])}\n".encode())
    return answer


def _causes(answer: PushAnswer, count: int) -> dict[int, PushFault]:
    if answer.detail:
        return dict.fromkeys(range(count), PushFault("failed", answer.detail, answer.status))
    return {
        index: PushFault("rejected", console.plain(each.detail), reason=console.plain(each.reason))
        for index, each in answer.rejected.items()
    }


def _batches(found: Iterable[Found], most: int) -> Iterator[list[Found]]:
    some: list[Found] = []
    size = 0
    for each in found:
        length = len(_line(each).encode()) + 1
        if len(some) == most or (some and size + length > MAX_BODY_BYTES):
            yield some
            some, size = [], 0
        some.append(each)
        size += length
    if some:
        yield some


def _fault(found: Found) -> Fault | None:
    return found.pushed.fault or messages.size_fault(_line(found))


def _line(found: Found) -> str:
    """Return a profile as a line. Within JSON, line ends stand only where blanks may stand."""
    return found.pushed.text.replace("\n", " ")


def _refusal(answer: PushAnswer) -> str:
    """Return what to do about an answer that every other request would get, too; or nothing."""
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            words = "the token did not arrive; does a proxy take the header away?"
        case HTTPStatus.FORBIDDEN if answer.request_id:
            words = "the token was rotated meanwhile; pushing again reads the new one"
        case HTTPStatus.FORBIDDEN:
            words = "is this machine's address in the stack's parameter AllowedCidrs?"
        case HTTPStatus.NOT_FOUND:
            words = "a new destination is known within a minute"
        case _:
            return ""
    return f"HTTP {answer.status}, {answer.detail}: {words}"


def _ending(report: PushReport) -> str:
    of_total = "" if report.profiles.total is None else f" of {report.profiles.total}"
    return (
        f"Ended early: {report.ended}. The first {report.done}{of_total} profiles of the file are "
        "done, and of the next request some may be. It is safe to push the file again."
    )
