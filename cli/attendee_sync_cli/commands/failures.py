"""The command that shows dead letters: why profiles could not be delivered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError, Yes
from attendee_sync_cli.operations import cures
from attendee_sync_cli.operations import failures as operation
from attendee_sync_cli.operations.failures import Found, Group, Look
from attendee_sync_cli.profiles import dead_letter_export, new_file
from attendee_sync_cli.stack.dead_letter_scan import (
    DeadLetterFilter,
    OfDestination,
    OfHours,
    OfReason,
)
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync failures",
    "attendee-sync failures --list --destination summit",
    "attendee-sync failures --reason missing_email --export mend.csv --discard",
    "attendee-sync failures --show 9a3f5c1e-7b2d-4c58-a1f0-3d6e8b9c0d12-0",
)
_PATHS_SHOWN = 20


def failures(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: OfDestination = None,
    reason: OfReason = None,
    hours: OfHours = None,
    show: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Show one dead letter whole, with the profile as it was pushed: personal data.",
        ),
    ] = None,
    each: Annotated[
        bool, typer.Option("--list", help="Show a line for each, without personal data.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write them to this new file, to be mended and pushed again: .csv, .json or "
            ".ndjson. It holds personal data; only you can read it.",
        ),
    ] = None,
    discard: Annotated[
        bool,
        typer.Option("--discard", help="Delete them for good, after a question; see --export."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show the dead letters: what could not be delivered, grouped by destination and reason.

    Of each group an example tells which paths the profile has and the shape of what stands there
    (a letter is a, a digit is 9), but no value; ids among the keys are shown as *. An ID is the
    request id that the sender got, and the profile's place in the push.

    What can't be mended by settings can be mended in a file: --export writes the profiles with
    the reason of each, and `push` takes that file. With --discard they are deleted, too, once
    they are in the file; alone, it deletes what nobody needs. What settings mend is put back by
    `redrive`. They choose by --destination, --reason and --hours, as `redrive` does.

    Looking changes nothing: they are hidden from others for the time of the look and then put
    back; should that fail, they come back by themselves within five minutes. Of one attendee
    only the oldest are seen, ten at most: SQS shows the later ones only once these are gone.
    """
    stack: Stack = context.obj
    chosen = DeadLetterFilter.of_options(destination, reason, hours)
    _check_options(show, export, each=each, discard=discard)
    if discard:
        console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    if show:
        _show(operation.find_one(stack, show), as_json=as_json)
    elif each:
        _list(stack, chosen, as_json=as_json)
    elif export or discard:
        _take_out(stack, chosen, _Removal(export, discard, yes), as_json=as_json)
    else:
        _group(stack, chosen, as_json=as_json)


def _check_options(show: str | None, export: Path | None, *, each: bool, discard: bool) -> None:
    if sum([bool(show), each, bool(export) or discard]) > 1:
        raise typer.BadParameter("one of --show, --list and --export or --discard at a time")
    if export and export.suffix.lower() not in dead_letter_export.ENDINGS:
        raise typer.BadParameter(
            f"the file's name must end in one of {', '.join(dead_letter_export.ENDINGS)}",
            param_hint="--export",
        )


def _group(stack: Stack, chosen: DeadLetterFilter, *, as_json: bool) -> None:
    found = operation.group(stack, chosen)
    if as_json:
        console.document(found.document())
        return
    if found.groups:
        _tell(found.groups)
    else:
        console.say(chosen.none_found)
    _tell_unseen(found.look)


def _tell_unseen(look: Look) -> None:
    if look.unseen:
        console.say(look.unseen_words)


def _list(stack: Stack, chosen: DeadLetterFilter, *, as_json: bool) -> None:
    listing = operation.list_each(stack, chosen)
    found = listing.dead_letters
    if as_json:
        console.document(listing.document())
        return
    if not found:
        console.say(chosen.none_found)
    width = max((len(each["destination"]) for each in found), default=0)
    for each in found:
        # One line each, however wide the terminal is, so that other programs can pick some.
        words = [each["id"], each["destination"].ljust(width), each["time"]]
        console.say_as_it_is(console.plain("  ".join([*words, each["reason"] or each["detail"]])))
    if listing.look.unseen:
        console.notice(listing.look.unseen_words)


@dataclass(frozen=True)
class _Removal:
    """What becomes of dead letters that are taken out: a file gets them, or they are deleted."""

    export: Path | None
    discards: bool
    is_confirmed: bool


def _take_out(stack: Stack, chosen: DeadLetterFilter, removal: _Removal, *, as_json: bool) -> None:
    """Export or discard. Only what was counted, and is in the file if there is one, is deleted."""
    found = operation.find(stack, chosen)
    count = len(found.dead_letters)
    if removal.export and count:
        _export(removal.export, found, as_json=as_json)
    discarded = 0
    if removal.discards and count:
        if not removal.is_confirmed:
            _ask(found)
        discarded = operation.discard(stack, found.message_ids)
    if as_json:
        exported = count if removal.export else 0
        told = {"exported": exported, "discarded": discarded, "unseen": found.look.unseen}
        console.document({"dead_letters": count, **told})
        return
    if not count:
        console.say(chosen.none_found)
    elif removal.discards:
        console.say(f"{discarded} of {console.counted(count, 'dead letter')} deleted.")
    _tell_unseen(found.look)


def _export(path: Path, found: Found, *, as_json: bool) -> None:
    with new_file.opened(path, "--export") as write:
        try:
            write(dead_letter_export.content(found.dead_letters, path.suffix.lower()))
        except OSError as error:
            raise FailureError(f"{path} can't be written: {error.strerror}.") from None
    if as_json:
        return
    letters = console.counted(len(found.dead_letters), "dead letter")
    console.say(f"{path} has {letters}. It holds personal data; only you can read it.")
    for name, count in found.counts.items():
        console.say(f"To push the {count} of {name}, mended: attendee-sync push {name} {path}")


def _ask(found: Found) -> None:
    counts = ", ".join(f"{count} of {name}" for name, count in found.counts.items())
    letters = console.counted(len(found.dead_letters), "dead letter")
    typer.confirm(f"Delete {letters} ({counts}) for good?", abort=True)


def _tell(groups: Sequence[Group]) -> None:
    console.table(["dead letters", "destination", "outcome", "reason", "last"], _counted(groups))
    for group in groups:
        example = group.examples[0]
        console.say()
        since = f"{group.count} since {group.first}{_from(group.senders)}"
        console.say(console.plain(f"{group.cause.destination}, {group.words}"))
        console.say(f"Next: {cures.of(group.cause.outcome, group.cause.reason).words}")
        console.say(console.plain(f"{since}, such as {example.id}:"))
        shown = list(example.shape.items())[:_PATHS_SHOWN]
        console.table(["", ""], [[f"  {path}", shape] for path, shape in shown])
        if len(example.shape) > _PATHS_SHOWN:
            console.say(f"  and {len(example.shape) - _PATHS_SHOWN} more; --json shows them")
    console.say()
    console.say("`attendee-sync redrive --dry-run` tells what would come of them now.")


def _from(senders: Counter[str]) -> str:
    names = (f"{count} from {name}" for name, count in senders.most_common())
    return "".join(f", {each}" for each in names)


def _counted(groups: Sequence[Group]) -> list[list[str]]:
    """Return the rows of a table: those that differ in what is told below it alone are one."""
    counts: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], str] = {}
    for group in groups:
        cause = group.cause
        key = (cause.destination, cause.outcome or "given up", cause.reason or cause.detail)
        counts[key] += group.count
        last[key] = max(last.get(key, ""), group.last)
    return [[str(count), *map(console.plain, (*key, last[key]))] for key, count in counts.items()]


def _show(dead_letter: DeadLetter, *, as_json: bool) -> None:
    known = operation.known_of(dead_letter)
    profile = dead_letter.message.body
    if as_json:
        console.document({**known, "profile": profile}, ascii_only=True)
        return
    console.table(
        ["dead letter", ""], [[name, console.plain(text)] for name, text in known.items() if text]
    )
    console.say()
    for line in profile.splitlines():
        console.say_as_it_is(console.plain(line))
