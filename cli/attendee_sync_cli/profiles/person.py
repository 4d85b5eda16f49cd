"""A person as commands are told of one: by e-mail address, or by its SHA-256."""

import re
import sys
from typing import Annotated

import typer

from attendee_sync import attendee
from attendee_sync.aws.settings import HASH_KEY
from attendee_sync.profile import email_address
from attendee_sync.profile.email_address import EmailAddressError
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack

STDIN = "-"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_INPUT = 1_000  # characters

Email = Annotated[
    str,
    typer.Argument(
        metavar="EMAIL",
        help="The person's e-mail address, or the SHA-256 of it in lower case (64 hex digits); "
        "- reads it from standard input, which keeps it out of the shell's history.",
    ),
]


class NoAddressError(FailureError):
    """What was given is neither an e-mail address nor a hash of one; it is not repeated."""


def hash_of(given: str) -> str:
    """Return the SHA-256 of the address that is meant. Raises NoAddressError if there is none."""
    text = given[:_MAX_INPUT].strip().lower()
    if _SHA256.fullmatch(text):
        return text
    try:
        return attendee.sha256_of(email_address.normalise(text))
    except EmailAddressError as error:
        raise NoAddressError(
            "expected an e-mail address, or 64 hex digits of its SHA-256; in what was given: "
            + error.fault.detail
        ) from None


def email_hash(given: str) -> str:
    """Return the hash of an argument's address. Raises BadParameter if there is none."""
    try:
        return hash_of(sys.stdin.read(_MAX_INPUT) if given == STDIN else given)
    except NoAddressError as error:
        raise typer.BadParameter(str(error)) from None


def hash_key(stack: Stack) -> str:
    """Return the key of a stack's hashes, to be shown to nobody."""
    found = stack.secret(HASH_KEY)
    if found is None:
        raise FailureError(f"Stack {stack.name} has no secret {stack.name}/{HASH_KEY}.")
    return found
