"""What servers want that no setting can say, by their own words."""

import re
from collections.abc import Iterable
from typing import Final

from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import field_names
from attendee_sync_cli.doctor.answers import Seen
from attendee_sync_cli.doctor.hints import names_in

_SIGNED: Final = "wants each call to be signed"
_ASSERTION: Final = "wants the call for a token to be signed (an assertion)"
_CERTIFICATE: Final = "wants a client's certificate"
_OF_ANOTHER_CALL: Final = "wants with each call what another call gives for it (CSRF, a nonce)"
_ENCRYPTED: Final = "wants what is sent to be encrypted"
_PERSON: Final = "wants a person to sign in"
_VALUE: Final = "wants a value to be written otherwise"
_OF_VALUES = re.compile(
    r"not a code|must be (?:in )?(?:an? |the |its )?(?:\w+ ){0,3}(?:name|format|notation|code)\b"
    r"|(?:two|three|2|3)[ -](?:letter|character|digit)|\bISO[ -]?\d|\bE\.164",
    re.IGNORECASE,
)
_IN_NAME: Final = (
    (re.compile(r"assertion", re.IGNORECASE), _ASSERTION),
    (re.compile(r"signature|hmac|^digest$|content-digest|^sig$|^sign$", re.IGNORECASE), _SIGNED),
)
_IN_WORDS: Final = (
    (re.compile(r"client.assertion|jwt.bearer|private.key.jwt", re.IGNORECASE), _ASSERTION),
    (
        re.compile(r"(?:client|ssl|tls).certificate|mutual.tls|\bmtls\b", re.IGNORECASE),
        _CERTIFICATE,
    ),
    (
        re.compile(r"\b[cx]srf|forgery|\bnonce\b|one.time (?:token|key|code)", re.IGNORECASE),
        _OF_ANOTHER_CALL,
    ),
    (
        re.compile(
            r"(?:body|payload|request|message|data) (?:must be|is not|not|should be) encrypted"
            r"|\bjwe\b|\bpgp\b",
            re.IGNORECASE,
        ),
        _ENCRYPTED,
    ),
    (
        re.compile(
            r"captcha|(?:two|multi).factor|\bmfa\b|\b2fa\b|interactive (?:login|sign)",
            re.IGNORECASE,
        ),
        _PERSON,
    ),
    (
        re.compile(
            r"\bhmac\b|\bdpop\b|\bwsse\b|ws-security|(?:be|not|un-?)\s?signed"
            r"|signed (?:request|call)|request.signature"
            r"|sign(?:ing)? (?:the|your|each) (?:request|call)",
            re.IGNORECASE,
        ),
        _SIGNED,
    ),
)
# Schemes of Authorization with a value of each call's own.
_SCHEME = re.compile(
    r"\s*(?:digest|hmac\S*|aws4\S*|dpop|hawk|signature|ntlm|negotiate)\b", re.IGNORECASE
)

_OF_TOKEN = re.compile(
    r"(?:token|jwt)[\w' ]{0,20} signature|signature (?:of|in) (?:the )?(?:\w+ )?(?:token|jwt)",
    re.IGNORECASE,
)


def wanted_of_values(connection: Connection, seen: Seen) -> str:
    """Return whether a field's value is wanted in other words or digits, or nothing."""
    is_of_field = bool(field_names.named(connection, seen.said))
    return _VALUE if is_of_field and _OF_VALUES.search(seen.said) else ""


def wanted(heard: Iterable[Seen]) -> str:
    """Return what is wanted in answers that no setting can say, or nothing."""
    return next(filter(None, map(_wanted, heard)), "")


def _wanted(seen: Seen) -> str:
    headers = seen.read.headers if seen.read else {}
    challenge = headers.get("www-authenticate", "")
    if any(re.search(r"[cx]srf", name) for name in headers):
        return _OF_ANOTHER_CALL
    if _SCHEME.match(challenge):
        return _SIGNED
    if _OF_TOKEN.search(seen.said):
        return ""  # a token's own signature
    found = (words for pattern, words in _IN_WORDS if pattern.search(seen.said))
    named = (
        words for pattern, words in _IN_NAME for name in names_in(seen.said) if pattern.search(name)
    )
    return next(found, "") or next(named, "")
