"""The command that tells what became of one person's profiles."""

from typing import Annotated

import typer

from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson
from attendee_sync_cli.operations import lookup as operation
from attendee_sync_cli.operations.lookup import Lookup, PersonAtDestination
from attendee_sync_cli.profiles import person

EXAMPLES = console.examples(
    "attendee-sync lookup ada@example.com",
    "attendee-sync lookup - --destination summit < address.txt",
    "attendee-sync lookup ada@example.com --trace --hours 72",
)


def lookup(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    email: person.Email,
    destination: Annotated[
        str | None,
        typer.Option(
            help="The destination to look at; all of the stack by default.", callback=console.name
        ),
    ] = None,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Tell what the logs know of each of the person's profiles."),
    ] = False,
    hours: Annotated[
        int,
        typer.Option(min=1, max=operation.MAX_HOURS, help="Hours of the logs that --trace reads."),
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Tell what became of a person's profiles at each destination, and when.

    The ledger knows nobody: the person is found by a keyed hash of the address, which stands as
    `attendee` in the lines of the delivery log as well. Of what was delivered it has the names of
    the fields, and no value.

    Dead letters of the person are looked for, too; but what was rejected before it was queued,
    for want of an e-mail address for instance, is not known to be anybody's.

    With --trace, what the functions' logs tell of each profile: when it was accepted, each try
    that told something new, with RainFocus's answer, until when it waits, and how it ended.
    """
    email_hash = person.email_hash(email)
    found = operation.look(context.obj, email_hash, destination, hours if trace else None)
    if as_json:
        console.document(found.document())
    else:
        _show(found)


def _show(found: Lookup) -> None:
    is_traced = found.is_trace_complete is not None
    if found.blocked_since:
        console.say(f"Erased and blocked since {console.when(found.blocked_since)}.")
    for each in found.destinations:
        if each.is_known:
            console.table(["destination", each.destination], _rows(each))
            console.say()
            if is_traced:
                _tell_trace(each)
    unknown = [each.destination for each in found.destinations if not each.is_known]
    if unknown:
        also = ", nor in the logs of these hours" if is_traced else ""
        console.say(f"Nothing is known of this person at {', '.join(unknown)}{also}.")
        if not is_traced:
            console.say("What waits and was never tried is found with --trace.")
    if found.is_trace_complete is False:
        console.say("The logs are long: a part of them was not read. Fewer --hours take less.")
    if found.unseen:
        console.say(f"Of the dead letters {found.unseen_words}")


def _tell_trace(found: PersonAtDestination) -> None:
    if not found.trace:
        console.say(f"The logs tell of no profile for {found.destination} in these hours.")
        console.say()
    for profile in found.trace:
        rows = []
        for event in profile.events:
            rows.append([console.moment(event.at), console.plain(event.words)])
            rows += [["", console.plain(remark)] for remark in event.line.remarks]
        if profile.waits:
            rows.append(["", profile.waits])
        console.table(["profile", profile.id], rows)
        console.say()


def _rows(found: PersonAtDestination) -> list[list[str]]:
    rows = [[name, words] for name, words in found.facts]
    for dead_letter in found.dead_letters:
        reason = dead_letter["reason"] or dead_letter["detail"]
        words = f"{dead_letter['id']}: {dead_letter['outcome']}, {reason}, {dead_letter['time']}"
        rows.append(["dead letter", console.plain(words)])
    return rows
