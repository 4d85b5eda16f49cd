"""Normalisation: one spelling for what an attendee's field may be sent in.

Each is a pure function, takes any text, and leaves what it returned as it is. An empty text stays
empty. What can't be normalised raises NotNormalisedError with a reason that never tells the value.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from attendee_sync import attendee
from attendee_sync.mapping import regions
from attendee_sync.profile import characters

# Countries and states recur; their results are kept. No name of one has so many characters.
_KEPT = 1_024
_MAX_REGION = 100
# No field of a person is longer; and to compose a run of marks takes the square of its length.
MAX_LENGTH = 2_000  # characters
_TOO_MANY_DIGITS = 10**MAX_LENGTH
_JOINERS = " \u200c\u200d"

# https://www.iso.org/standard/72483.html: a country's alpha-2 code, a hyphen, up to three more.
_ISO_3166_2 = re.compile(r"([A-Z]{2})-([A-Z0-9]{1,3})")

_PHONE_WORDS = re.compile(r"(?:(?:tel|telephone|phone|mobile|p|callto|sms|whatsapp)\.?: ?)+", re.I)


class NotNormalisedError(Exception):
    """A value is not what its field holds. The reason never tells the value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class State:
    """A state by its code, or one that RainFocus has no code for; of an empty text, neither."""

    code: str | None = None
    """The state's code, for the field `state`."""
    foreign: str | None = None
    """The tidied text, for the field that the connection names, or for none."""


def check_length(text: str, longest: int = MAX_LENGTH) -> None:
    """Raise NotNormalisedError if a text has more characters than a field may have."""
    if len(text) > longest:
        raise NotNormalisedError(f"longer than {longest} characters")


def check_digits(number: int) -> None:
    """Raise NotNormalisedError if a whole number has more digits than a field has characters."""
    if abs(number) >= _TOO_MANY_DIGITS:
        raise NotNormalisedError(f"longer than {MAX_LENGTH} characters")


def clean_text(text: str) -> str:
    """Return a text in Unicode NFC without control characters, its blanks folded and trimmed.

    Its case stays, and so does anything else that can be seen. Raises NotNormalisedError for more
    than 2,000 characters.
    """
    check_length(text)
    trimmed = text.strip()
    if trimmed.isascii() and trimmed.isprintable() and "  " not in trimmed:
        return trimmed  # as nearly all texts are
    composed = unicodedata.normalize("NFC", characters.remove_invisible(trimmed))
    found = " ".join(composed.split())
    return found if found.strip(_JOINERS) else ""


def number(text: str) -> str:
    """Return clean_text() of a phone number or zip, without what tables and links add to it.

    That is a fraction of nothing, and a word such as `tel:` or Facebook's `p:` before the number.
    """
    tidy = clean_text(text)
    word = _PHONE_WORDS.match(tidy)
    tidy = tidy[word.end() :] if word else tidy
    return tidy[:-2] if tidy.endswith(".0") and tidy[:-2].isdecimal() else tidy


def countryid(text: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country's code or English name.

    Raises NotNormalisedError.
    """
    check_length(text, _MAX_REGION)
    return _countryid(text)


@functools.lru_cache(maxsize=_KEPT)
def _countryid(text: str) -> str:
    name = clean_text(text)
    if not name:
        return ""
    code = regions.country(name)
    if code is None:
        raise NotNormalisedError("not a country of ISO 3166-1, by code or name")
    return code


def state(text: str, country: str | None) -> State:
    """Return a state, from its ISO 3166-2 code, its bare code or its English name.

    The country is the attendee's, in any form that countryid takes. Without one only an ISO
    3166-2 code tells which state is meant. Raises NotNormalisedError.
    """
    check_length(text, _MAX_REGION)
    return _state(text, country if country and len(country) <= _MAX_REGION else None)


@functools.lru_cache(maxsize=_KEPT)
def _state(text: str, country: str | None) -> State:
    name = clean_text(text)
    if not name:
        return State()
    home = regions.country(country) if country else None
    prefix, bare = _iso_3166_2(name)
    if prefix and home and prefix != home:
        raise NotNormalisedError("a state of another country than the attendee's")
    home = home or prefix
    if home is None:
        raise NotNormalisedError("a state without a country, and not a code of ISO 3166-2")
    if home not in regions.CODED_STATES:
        return State(foreign=name)
    code = regions.state(home, bare)
    if code is None:
        raise NotNormalisedError("not a state of its country, by code or name")
    return State(code)


def _iso_3166_2(name: str) -> tuple[str | None, str]:
    """Return the country and the bare code of an ISO 3166-2 code; of another text, itself."""
    match = _ISO_3166_2.fullmatch(name.upper()) if name[2:3] == "-" else None
    if match and regions.is_country_code(match[1]):
        return match[1], match[2]
    return None, name


# A state's needs the country too, and the e-mail address says who somebody is: see
# profile.email_address. Hence they are none of these.
_BY_FORM: Final[Mapping[attendee.Form, Callable[[str], str]]] = {
    "text": clean_text,
    "number": number,
    "country": countryid,
}
BY_FIELD: Final[Mapping[str, Callable[[str], str]]] = {
    name: _BY_FORM[form] for name, form in attendee.FIELDS.items() if form in _BY_FORM
}
