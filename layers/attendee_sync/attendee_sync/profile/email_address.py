"""E-mail addresses: the one spelling of each, however it was written, or why a text is none.

Imports the standard library alone, since ingest uses it; email-validator only when an address
is not plain ASCII, which takes a tenth of a second once.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import characters

# What is longer is not looked at: there may be a name beside the address.
_MAX_TEXT = 1_000
# RFC 5321, section 4.5.3.1.3. It is looked at before all else that is not ASCII: to bring a run of
# marks to NFC takes the square of its length.
_MAX_BYTES = 254

# Nearly all addresses look like this. Of ASCII without Punycode it takes what email-validator
# takes, but for a first quote, which spreadsheets put before a text.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"(?!..--)(?![^.]{64})[a-z0-9]++(?:-++[a-z0-9]++)*+"
# Under these nobody receives mail. RFC 6761 sets "test" and "example" apart too, for tests.
_NO_MAIL = re.compile(r"(?<=[@.])(?:arpa|invalid|local|localhost|onion)\Z")
_PLAIN = re.compile(
    rf"(?!['`])(?=.{{,{_MAX_BYTES}}}\Z){_ATOM}(?:\.{_ATOM})*+@"
    rf"(?:{_LABEL}\.)+(?!{_NO_MAIL.pattern}){_LABEL}(?<=[a-z])"
)
_PUNYCODE = "xn--"

# How Chinese and Japanese input methods write ASCII, their full stops, and the small @.
_WIDTHS: Final = {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)} | {
    0x3002: ".",
    0xFF61: ".",
    0xFE6B: "@",
}
# Joiners that join nothing: beside ASCII or at an end.
_JOINERS = re.compile("[\u200c\u200d]++(?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u200c\u200d]++")
_PREFIX = re.compile(r"\b(?:mailto|smtp|acct|e-?mail(?: ?address)?|mail) ?: ?")
_QUERY = re.compile(r"(@[^\s@?]++)\?.*")  # of a mailto link
_COMMENT = re.compile(r"\([^()@]*+\)")
_BRACKETED = re.compile(r"[<(]([^<>()@]*+@[^<>()]*+)[>)]")
_SEPARATORS = re.compile(r"[\s,;|<>()\[\]\"]+")
_SHAPE = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_QUOTES = "'\"`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a"
_BEFORE = _QUOTES + " .,;:<([\u200c\u200d"
_AFTER = _QUOTES + " .,;:>)]!?\u2026\u200c\u200d"


class EmailAddressError(Exception):
    """A text is not one e-mail address. The fault never tells the text."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(reason, detail)


def normalise(text: str) -> str:
    """Return the e-mail address that a text holds, as it is compared and sent.

    It is in lower case and Unicode NFC, its domain in Unicode in place of Punycode, as
    email-validator has it, which says what is valid, without DNS. What stands around an address
    goes: blanks, invisible characters, quotes, brackets, last and first `.` `,` `;`, `mailto:`,
    the name in `Name <address>`; full-width forms become ASCII.

    Raises EmailAddressError with invalid_email, or several_emails where a text has more than one.
    """
    address = plain(text)
    if address:
        return address
    if len(text) > _MAX_TEXT:
        raise EmailAddressError(Reason.INVALID_EMAIL, "too long")
    return _unwrapped(_cleaned(text))


def plain(text: str) -> str:
    """Return what normalise() does of nearly all addresses; nothing if it takes a closer look."""
    address = text.strip().lower()
    return address if _PLAIN.fullmatch(address) and _PUNYCODE not in address else ""


def is_address(text: str) -> bool:
    """Tell whether a text holds one e-mail address; see normalise()."""
    try:
        normalise(text)
    except EmailAddressError:
        return False
    return True


def _cleaned(text: str) -> str:
    """Return a text in lower case, without what can't be seen or stands for another character."""
    if "@" not in text and "%40" in text:
        text = unquote(text)
    text = characters.remove_invisible(text).translate(_WIDTHS).lower()
    text = _JOINERS.sub("", " ".join(text.split()))
    text = text.replace(" @", "@").replace("@ ", "@")
    return _QUERY.sub(r"\1", _PREFIX.sub(" ", text))


def _unwrapped(text: str) -> str:
    """Return the one address of a cleaned text. Raises EmailAddressError."""
    tokens = {_bare(each) for each in _SEPARATORS.split(text)} - {""}
    shaped = {each for each in tokens if _SHAPE.fullmatch(each)}
    if len(shaped) > 1:
        raise EmailAddressError(Reason.SEVERAL_EMAILS, "more than one address in a text")
    bracketed = _BRACKETED.search(text)
    inner = _bare(bracketed[1] if bracketed else _COMMENT.sub("", text))
    only = next(iter(shaped)) if shaped == tokens and shaped else inner  # such as `a; a`
    address = _valid(inner) or (_valid(only) if only != inner else "")
    if not address:
        raise EmailAddressError(Reason.INVALID_EMAIL, _fault(tokens, shaped))
    return address


def _bare(text: str) -> str:
    return text.lstrip(_BEFORE).rstrip(_AFTER)


def _valid(address: str) -> str:
    """Return an address in its one spelling, or nothing if it is none."""
    if address.isascii() and _PUNYCODE not in address:
        return address if _PLAIN.fullmatch(address) else ""
    if len(address.encode()) > _MAX_BYTES or not _SHAPE.fullmatch(address):
        return ""
    from email_validator import validate_email  # noqa: PLC0415 - takes long, and is seldom needed

    # Some letters have a composed form in lower case alone, such as h with a line below.
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower())
    try:
        # A test environment is one in which the domain "test" is accepted.
        found = validate_email(composed, check_deliverability=False, test_environment=True)
    except ValueError:  # EmailNotValidError, and what a codec may say of odd characters
        return ""
    return found.normalized


def _fault(tokens: set[str], shaped: set[str]) -> str:
    """Say what keeps a text from being an address, of its words and those that look like one."""
    if not any("@" in each for each in tokens):
        return "no @ in it"
    if any(_NO_MAIL.search(each) for each in tokens):
        return "nobody receives mail under its domain"
    return "other words beside the address" if tokens > shaped > set() else "not an e-mail address"
