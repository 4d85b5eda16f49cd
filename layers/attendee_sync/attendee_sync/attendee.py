"""Attendees: the fields RainFocus stores, the key that stands for a person, and versions."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

type Form = Literal["text", "country", "email", "number", "state"]


# By name, the target fields of RainFocus's own destination in Adobe Experience Platform, and which
# normalisation each gets (see mapping.normalisation); profile.names says what senders call them:
# https://experienceleague.adobe.com/docs/experience-platform/destinations/catalog/marketing-automation/rainfocus.html
FIELDS: Final[Mapping[str, Form]] = {
    "address1": "text",
    "address2": "text",
    "city": "text",
    "companyname": "text",
    "countryid": "country",
    "email": "email",
    "firstname": "text",
    "lastname": "text",
    "jobtitle": "text",
    "phone": "number",
    "state": "state",
    "zip": "number",
}


def sha256_of(normalised: str) -> str:
    """Return the SHA-256 of a normalised e-mail address, as `email_lc_sha256`: 64 hex digits."""
    return hashlib.sha256(normalised.encode("utf-8", "surrogatepass")).hexdigest()


def key(hash_key: str, destination: str, email_hash: str) -> str:
    """Return the key of an attendee: 64 hex digits of HMAC-SHA256.

    It is over the destination and the SHA-256 of the e-mail address, so that a person is the same
    whether the address or its hash was pushed, in whatever case. It groups the person's messages
    on the queue and names the ledger entry, without telling who it is.
    """
    return _hmac(hash_key, f"{destination}\n{email_hash}").hex()


def person_key(hash_key: str, email_hash: str) -> str:
    """Return the key of a person whatever the destination: 64 hex digits of HMAC-SHA256."""
    return key(hash_key, "", email_hash)  # no destination has an empty name


def digests(hash_key: str, attendee: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return by field what tells one value of an attendee's field from another.

    They are 22 characters of HMAC-SHA256 over the attendee's key, the field and the value: keyed,
    since what stands in a plain hash of a name can be guessed, and never the same for two people.
    """
    return {
        name: base64.urlsafe_b64encode(_hmac(hash_key, f"{attendee}\n{name}\n{text}")[:16])
        .decode()
        .rstrip("=")
        for name, text in fields.items()
    }


# Milliseconds by which, at most, what came later on a queue may seem accepted earlier: a push takes
# two seconds, Lambda's clocks are synchronised, and no queue is replaced in a minute.
CLOCKS_DIFFER: Final = 60_000


@dataclass(frozen=True)
class Version:
    """When a profile was accepted: tells which of two states of an attendee is the newer one."""

    accepted_at: int  # epoch milliseconds
    sequence: str = ""  # of its message, growing within a group; empty if it was never queued
    lane: str = ""  # of the queue that gave the sequence: see messaging.lanes

    def is_before(self, other: "Version") -> bool:
        """Tell whether this version is older than another one of the same attendee.

        The queue's sequence decides, unless the clock says the opposite: a queue that was
        replaced counts anew. What a queue of before counted is told by a time that no two machines'
        clocks explain. Where there is no sequence, or two queues gave them, the clock decides
        alone.
        """
        if not (self.sequence and other.sequence) or self.lane != other.lane:
            return self.accepted_at < other.accepted_at
        if self.sequence < other.sequence:
            return self.accepted_at <= other.accepted_at
        return self.accepted_at + CLOCKS_DIFFER < other.accepted_at


def _hmac(hash_key: str, text: str) -> bytes:
    message = text.encode("utf-8", "surrogatepass")
    # Not hmac.digest(), which lets other threads go first: a batch asks a hundred times at once.
    return hmac.new(hash_key.encode(), message, hashlib.sha256).digest()
