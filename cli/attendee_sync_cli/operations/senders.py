"""Senders with tokens or app clients of their own: made, renewed, removed, where each may push."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attendee_sync.ingest import senders
from attendee_sync.ingest.senders import Sender, SenderToken
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack import app_clients, sender_registry
from attendee_sync_cli.stack.app_clients import AppClient
from attendee_sync_cli.stack.sender_registry import Senders
from attendee_sync_cli.stack.stack import Stack

_TOKEN_BYTES = 32


@dataclass(frozen=True)
class SenderSummary:
    """A sender, without its tokens."""

    sender: str
    destinations: Sequence[str]  # to which it may push; empty: all
    token_made_at: str
    old_token_ends_at: str | None  # if an older one is still taken
    client_id: str | None  # of one that authenticates by OAuth 2

    @property
    def destinations_in_words(self) -> str:
        """Where it may push."""
        return ", ".join(self.destinations) or "all destinations"

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        return {**vars(self), "destinations": list(self.destinations)}


@dataclass(frozen=True)
class Change:
    """A change of a sender that is still to be stored, with the token that it gets by it.

    Of one that authenticates by OAuth 2, that is the client secret.
    """

    sender: str
    token: str
    alter: Callable[[Senders], Senders]

    def store(self, stack: Stack) -> SenderSummary:
        """Store it, and return the sender. Raises FailureError if it can't be done any more."""
        return _summary(sender_registry.change(stack, self.alter)[self.sender])


def summaries(stack: Stack) -> list[SenderSummary]:
    """Return the senders in the order of their names."""
    return [_summary(each) for _, each in sorted(sender_registry.read(stack).items())]


def addition(stack: Stack, name: str, destinations: Sequence[str]) -> Change:
    """Return a new sender that may push to destinations, or to all if none is named.

    Raises FailureError if there is no such destination.
    """
    token = secrets.token_hex(_TOKEN_BYTES)
    return Change(name, token, _adding(_new(stack, name, destinations, token)))


@contextlib.contextmanager
def addition_by_oauth2(
    stack: Stack, name: str, destinations: Sequence[str]
) -> Iterator[tuple[Change, AppClient]]:
    """Return a new sender likewise, with an app client, which is deleted if the block fails."""
    made = _new(stack, name, destinations, secrets.token_hex(_TOKEN_BYTES))
    _adding(made)(sender_registry.read(stack))  # before anything is made that costs
    with app_clients.made(stack, name) as client:
        adding = _adding(replace(made, client_id=client.client_id))
        yield Change(name, client.client_secret, adding), client


def rotation(stack: Stack, name: str, overlap_hours: int) -> tuple[Change, int]:
    """Return a new token for a sender, and until when its old ones are taken, in epoch seconds.

    Raises FailureError if there is no such sender.
    """
    if expect(stack, name).client_id:
        raise FailureError(
            f"Sender {name} has an app client, which keeps its secret. Add another sender with "
            f"--oauth2, let the platform use that, then `attendee-sync senders remove {name}`."
        )
    token = secrets.token_hex(_TOKEN_BYTES)
    new = _known_of(token)
    ends_at = new.made_at + 3_600 * overlap_hours

    def with_new(known: Senders) -> Senders:
        return {**known, name: _rotated(_known(stack, known, name), new, ends_at)}

    return Change(name, token, with_new), ends_at


def expect(stack: Stack, name: str) -> Sender:
    """Return a sender. Raises FailureError if there is none of that name."""
    return _known(stack, sender_registry.read(stack), name)


def remove(stack: Stack, name: str) -> None:
    """Remove a sender and its app client: what it pushes is refused within a minute."""
    client_id = expect(stack, name).client_id

    def without_it(known: Senders) -> Senders:
        _known(stack, known, name)
        return {each: sender for each, sender in known.items() if each != name}

    sender_registry.change(stack, without_it)
    if client_id:
        app_clients.delete(stack, client_id)


def _new(stack: Stack, name: str, destinations: Sequence[str], token: str) -> Sender:
    """Return a new sender. Raises FailureError if there is no such destination."""
    for each in destinations:
        stack.known_destination(each)
    return Sender(name, tuple(dict.fromkeys(destinations)), (_known_of(token),))


def _adding(sender: Sender) -> Callable[[Senders], Senders]:
    """Return what adds a sender to those there are. That raises FailureError if it is there."""

    def with_it(known: Senders) -> Senders:
        if sender.name in known:
            raise FailureError(
                f"There is a sender {sender.name} already. "
                f"`attendee-sync senders rotate {sender.name}` gives it a new token."
            )
        return {**known, sender.name: sender}

    return with_it


def _known(stack: Stack, known: Senders, name: str) -> Sender:
    """Return a sender by its name. Raises FailureError if there is none."""
    if name not in known:
        raise stack.no_such("sender", name)
    return known[name]


def _known_of(token: str) -> SenderToken:
    return SenderToken(senders.digest(token.encode()), int(time.time()))


def _rotated(sender: Sender, new: SenderToken, ends_at: int) -> Sender:
    """Return a sender with a new token, and an end of those that it has."""
    kept = (
        replace(each, ends_at=ends_at if each.ends_at is None else min(each.ends_at, ends_at))
        for each in sender.tokens
    )
    good = (each for each in kept if each.is_good(new.made_at))
    return replace(sender, tokens=(*good, new))


def _summary(sender: Sender) -> SenderSummary:
    *old, newest = sender.tokens
    ends = [each.ends_at for each in old if each.ends_at and each.is_good(time.time())]
    return SenderSummary(
        sender.name,
        sender.destinations,
        console.moment(newest.made_at),
        console.moment(max(ends)) if ends else None,
        sender.client_id or None,
    )
