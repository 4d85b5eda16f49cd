"""The command that puts dead letters back on the profile queue."""

from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError, Yes
from attendee_sync_cli.exit_codes import INTERRUPTED
from attendee_sync_cli.operations import redrive as operation
from attendee_sync_cli.operations.redrive import RedriveReport
from attendee_sync_cli.stack.dead_letter_scan import (
    DeadLetterFilter,
    OfDestination,
    OfHours,
    OfReason,
)
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync redrive --dry-run",
    "attendee-sync redrive --destination summit --reason missing_email",
    "attendee-sync redrive --yes --json",
)


def redrive(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: OfDestination = None,
    reason: OfReason = None,
    hours: OfHours = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=operation.LEAST_PER_SECOND,
            max=operation.MOST_PER_SECOND,
            help="Put back no more than so many profiles a second, as long as that takes.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would come of them; change nothing.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back on the profile queue, once what stood in their way is mended.

    First it says what would come of each by today's settings and by what the ledger knows, and
    asks. Those that would be rejected again stay where they are, with the reason. Where RainFocus
    refused just the same before, and no setting changed since, it says so; they are put back all
    the same, as RainFocus may have changed. Functions read settings once a minute: where one was
    changed just now, it waits until they know it.

    It can be interrupted and run again at any time: a dead letter is removed only once it is on the
    profile queue, and one that is queued twice is delivered once, or found unchanged. Nothing
    older ever replaces something newer, since a dead letter keeps the version that it had. Those
    of one attendee keep their order; SQS shows the later ones only once the earlier ones are
    gone, so that a redrive can come to more than its dry run.
    """
    if as_json and not (dry_run or yes):
        raise typer.BadParameter("with --json there is nobody to ask: add --yes or --dry-run")
    stack: Stack = context.obj
    chosen = DeadLetterFilter.of_options(destination, reason, hours)
    if dry_run or not yes:
        forecast = _run(stack, chosen, dry_run=True, as_json=as_json)
        if dry_run or not forecast.to_redrive:
            return
        typer.confirm(f"Put {forecast.to_redrive} back on the profile queue?", abort=True)
    _run(stack, chosen, dry_run=False, as_json=as_json, per_second=rate)


def _run(
    stack: Stack,
    chosen: DeadLetterFilter,
    *,
    dry_run: bool,
    as_json: bool,
    per_second: float | None = None,
) -> RedriveReport:
    """Foresee or redrive, and tell how far that came, also if it is interrupted or fails."""
    report = RedriveReport(chosen, dry_run)
    try:
        operation.redrive(stack, report, per_second=per_second)
    except (KeyboardInterrupt, FailureError, BotoCoreError, ClientError) as error:
        report.is_cut = True
        if report.dead_letters and not dry_run:
            _tell(report, as_json=as_json)
        if isinstance(error, KeyboardInterrupt):
            console.error("Interrupted. The rest is as it was; run it again to go on.")
            raise typer.Exit(INTERRUPTED) from None
        raise
    _tell(report, as_json=as_json)
    return report


def _tell(report: RedriveReport, *, as_json: bool) -> None:
    if as_json:
        console.document(report.document())
        return
    if not report.dead_letters and not report.is_cut:
        console.say(report.chosen.none_found)
    else:
        _show(report)
    if report.unseen and not report.is_cut:
        console.say(report.unseen_words)


def _show(report: RedriveReport) -> None:
    console.table(
        ["dead letters", "destination", "would be" if report.dry_run else "will be"],
        [
            [str(count), console.plain(group.destination), group.words]
            for group, count in report.ordered
        ],
    )
    if report.advice:
        console.say(report.advice)
    if report.dry_run:
        console.say(f"{report.to_redrive} of {report.dead_letters} can be redriven.")
        return
    if report.is_cut:
        console.say(
            f"{report.redriven} of the {report.dead_letters} looked at are on the profile queue "
            f"again; {report.on_queue} dead letters are left."
        )
        return
    console.say(
        f"{report.redriven} of {report.dead_letters} are on the profile queue again; "
        f"{report.left} stay dead letters."
    )
