"""Who a profile is: its e-mail address, or the hash of one.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from attendee_sync import attendee
from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import reader
from attendee_sync.profile.reader import Json

type EmailExpression = Callable[[Json], object]
_EMAIL_ATTRIBUTES = ("email", "emailAddress", "personalEmail", "workEmail")
_HASH_NAMESPACES = ("email_lc_sha256", "email_sha256", "emailsha256", "email_hash")
_NOBODY = Fault(Reason.MISSING_EMAIL, "no e-mail address")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Identity(NamedTuple):
    """Who a profile is, with the profile in one shape."""

    profile: Json
    email: str  # normalised, or empty if no address is known
    email_hash: str  # SHA-256 of the address, 64 hex digits, or empty
    fault: Fault | None  # why it is nobody


def identify(document: Json, mapped: EmailExpression | None = None) -> Identity:
    """Say who a profile is, whatever its sender's shape; see reader.read().

    The e-mail address is the first that has the shape of one: what the destination maps to it, or
    else the attributes `email`, `emailAddress`, `personalEmail`, `workEmail`; then the identity
    marked primary, then the first identity. A hash never has that shape.

    The hash is the address's, or else the first that was pushed: in place of the address, as an
    identity in a namespace of hashes such as `email_lc_sha256`, or as an attribute of its name.
    """
    profile = reader.read(document)
    email = _email(profile, mapped)
    email_hash = attendee.sha256_of(email) if email else _pushed_hash(profile, mapped)
    return Identity(profile, email, email_hash, None if email_hash else _NOBODY)


def _email(profile: Json, mapped: EmailExpression | None) -> str:
    for candidate in _candidates(profile, mapped, "email"):
        email = attendee.normalise_email(candidate)
        if attendee.is_email(email):
            return email
    return ""


def _pushed_hash(profile: Json, mapped: EmailExpression | None) -> str:
    attributes = (each for each in map(profile.get, _HASH_NAMESPACES) if isinstance(each, str))
    candidates = _candidates(profile, mapped, "email", *_HASH_NAMESPACES)
    for candidate in itertools.chain(candidates, attributes):
        text = candidate.strip().lower()
        if _SHA256.fullmatch(text):
            return text
    return ""


def _candidates(profile: Json, mapped: EmailExpression | None, *namespaces: str) -> Iterator[str]:
    attributes = [mapped(profile)] if mapped else map(profile.get, _EMAIL_ATTRIBUTES)
    for value in attributes:
        if value is None:
            continue
        candidate = value.get("address") if isinstance(value, dict) else value
        if isinstance(candidate, str):
            yield candidate
    by_namespace = profile["identityMap"]
    identities = [each for namespace in namespaces for each in by_namespace.get(namespace, ())]
    identities.sort(key=lambda identity: identity.get("primary") is not True)  # keeps their order
    for each in identities:
        if isinstance(each.get("id"), str):
            yield each["id"]
