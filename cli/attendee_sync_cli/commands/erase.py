"""The command that removes what a stack holds of one person, and blocks what comes of it."""

from typing import Annotated

import typer

from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, Yes
from attendee_sync_cli.operations import erasure
from attendee_sync_cli.operations.erasure import ErasureRecord, Person
from attendee_sync_cli.profiles import person
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync erase - --yes < address.txt",
    "attendee-sync erase - --yes --json < address.txt > record.json",
    "attendee-sync erase - --lift --yes < address.txt",
)


def erase(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    email: person.Email,
    destination: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="A removed destination, which may be known to the ledger yet. Those that there "
            "are need not be named.",
        ),
    ] = [],  # noqa: B006 - typer reads it and changes nothing
    lift: Annotated[
        bool, typer.Option("--lift", help="Let the person be delivered again, and do nothing else.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what the stack holds of a person, and block it until that is lifted.

    Of every destination the ledger's entry and the dead letters go. What waits in a lane, and
    what is pushed later, ends as `filtered` with the reason `erased`, whether it has the address
    or only its hash. RainFocus and the sender know nothing of it: what is left to do there is
    told, in a record without personal data.

    It waits for a minute until no delivery is at work that began before. It can be interrupted
    and run again. Dead letters without an e-mail address are not known to be anybody's.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    if email == person.STDIN and not yes:
        raise typer.BadParameter("where standard input is read nobody can be asked: add --yes")
    stack: Stack = context.obj
    email_hash = person.email_hash(email)
    who = erasure.person_of(stack, email_hash)
    if lift:
        _lift(stack, who, yes=yes, as_json=as_json)
        return
    console.ask("Remove what is held of this person, and block it?", yes=yes, as_json=as_json)
    record = erasure.block(stack, who)
    try:
        erasure.await_deliveries(record)
        erasure.remove(stack, who, destination, record)
    finally:
        _tell(record, as_json=as_json)


def _lift(stack: Stack, who: Person, *, yes: bool, as_json: bool) -> None:
    console.ask("Let this person be delivered again?", yes=yes, as_json=as_json)
    was_blocked = erasure.lift(stack, who)
    if as_json:
        console.document({"person": who.key, "lifted": was_blocked})
    else:
        console.say("Lifted." if was_blocked else "This person is not blocked.")


def _tell(record: ErasureRecord, *, as_json: bool) -> None:
    if as_json:
        console.document(record.document())
        return
    console.say(f"Blocked since {console.moment(record.blocked_since)}.")
    console.table(
        ["destination", "ledger entries removed", "dead letters removed"],
        [
            [console.plain(each.destination), str(each.ledger_entries), str(each.dead_letters)]
            for each in record.places.values()
        ],
    )
    console.say()
    console.say("Left to do:")
    for each in record.to_do:
        console.say(f"- {each}")
