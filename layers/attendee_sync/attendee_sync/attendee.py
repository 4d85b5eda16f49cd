"""Attendees: the fields RainFocus stores, and the key that stands for a person."""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Mapping

# Target fields of RainFocus's own destination in Adobe Experience Platform:
# https://experienceleague.adobe.com/docs/experience-platform/destinations/catalog/marketing-automation/rainfocus.html
FIELDS = (
    "address1",
    "address2",
    "city",
    "companyname",
    "countryid",
    "email",
    "firstname",
    "lastname",
    "jobtitle",
    "phone",
    "state",
    "zip",
)

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\.[^\s@\x00-\x1f\x7f.]+")
_MAX_EMAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3


def normalise_email(text: str) -> str:
    """Return an e-mail address as it is compared: Unicode NFC, trimmed, lower case."""
    if text.isascii():
        return text.strip().lower()
    lower = unicodedata.normalize("NFC", text).strip().lower()
    # Some letters have a composed form in lower case alone, such as h with a line below.
    return unicodedata.normalize("NFC", lower)


def is_email(text: str) -> bool:
    """Tell whether a normalised text has the shape of an e-mail address."""
    return len(text) <= _MAX_EMAIL_LENGTH and _EMAIL.fullmatch(text) is not None


def email_sha256(email: str) -> str:
    """Return the SHA-256 of an e-mail address, as `email_lc_sha256` has it: 64 hex digits."""
    text = normalise_email(email)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key(hash_key: str, destination: str, email_hash: str) -> str:
    """Return the key of an attendee: 64 hex digits of HMAC-SHA256.

    It is over the destination and the SHA-256 of the e-mail address, so that a person is the same
    whether the address or its hash was pushed, in whatever case. It groups the person's messages
    on the queue and names the ledger entry, without telling who it is.
    """
    return _hmac(hash_key, f"{destination}\n{email_hash}")


def content_digest(hash_key: str, fields: Mapping[str, str]) -> str:
    """Return what tells one content of an attendee from another: 64 hex digits of HMAC-SHA256.

    Keyed as well, since what stands in a plain hash of a name and an address can be guessed.
    """
    return _hmac(hash_key, json.dumps(fields, sort_keys=True))


def _hmac(hash_key: str, text: str) -> str:
    message = text.encode("utf-8", "surrogatepass")
    return hmac.new(hash_key.encode(), message, hashlib.sha256).hexdigest()
