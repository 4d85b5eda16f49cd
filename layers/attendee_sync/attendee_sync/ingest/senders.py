"""Senders with ingest tokens or app clients of their own: who pushes, and where it may.

The secret `senders` holds them as JSON, by name. Of a token it has only the SHA-256, which tells
nothing of 256 random bits. An app client is Cognito's, for OAuth 2; its secret is there alone.
"""

import functools
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SenderToken:
    """What is known of a sender's ingest token."""

    sha256: str  # of the token, in hex digits
    made_at: int  # epoch seconds
    ends_at: int | None = None  # epoch seconds; the newest has no end

    def is_good(self, now: float) -> bool:
        """Tell whether it is taken at a time in epoch seconds."""
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True)
class Sender:
    """Who pushes."""

    name: str
    destinations: tuple[str, ...] = ()  # where alone it may push; none named is everywhere
    tokens: tuple[SenderToken, ...] = ()
    client_id: str = ""  # of its app client; such a sender's token is one that nobody has

    def may_push_to(self, destination: str) -> bool:
        """Tell whether it may push to a destination, and preview there."""
        return not self.destinations or destination in self.destinations


NOBODY = Sender("")  # who shows the stack's own ingest token


@functools.lru_cache(maxsize=2)
def parse(text: str) -> tuple[Sender, ...]:
    """Return the senders of the secret's text. Raises ValueError if it has another shape."""
    try:
        return tuple(_sender(name, members) for name, members in json.loads(text).items())
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ValueError("not the senders that `attendee-sync senders` writes") from None


def dump(senders: Iterable[Sender]) -> str:
    """Return senders as the secret's text."""
    members = {each.name: asdict(each) for each in senders}
    for each in members.values():
        del each["name"]
        if not each["client_id"]:
            del each["client_id"]
    return json.dumps(members, separators=(",", ":"))


def digest(token: bytes) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token).hexdigest()


def holder(token: bytes, senders: Iterable[Sender], now: float) -> Sender | None:
    """Return whose token it is, if it is one that is good at a time in epoch seconds.

    It is compared with every token, each in constant time: how long that takes tells nothing.
    """
    shown, found = digest(token).encode(), None
    for sender in senders:
        for each in sender.tokens:
            if hmac.compare_digest(shown, each.sha256.encode()) and each.is_good(now):
                found = sender
    return found


def of_client(client_id: str, senders: Iterable[Sender]) -> Sender | None:
    """Return whose app client it is, if it is known."""
    return next((each for each in senders if each.client_id == client_id), None)


def _sender(name: str, members: Mapping[str, Any]) -> Sender:
    destinations, tokens = members["destinations"], members["tokens"]
    if not isinstance(destinations, list) or not tokens:  # a text would pass for its letters
        raise TypeError
    return Sender(
        name,
        tuple(map(str, destinations)),
        tuple(
            SenderToken(
                str(each["sha256"]),
                int(each["made_at"]),
                None if each["ends_at"] is None else int(each["ends_at"]),
            )
            for each in tokens
        ),
        str(members.get("client_id", "")),
    )
