"""Full names: first and last name in one text."""

import re
from collections.abc import Sequence

from attendee_sync.profile.candidates import is_salutation

_MAX_LENGTH = 200
_PLAIN = 2  # words
# Where family names come first: Han, kana and Hangul. Compiled on first use, since ingest starts
# without it.
_FAMILY_NAME_FIRST = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\s]+"


def parts(text: str, firstname: str = "", lastname: str = "") -> dict[str, str]:
    """Return the first and the last name that a full name holds, as far as that is plain.

    With one of them given, the other is what stands after or before it. With none, the full name
    is plain if it has two words beside a salutation, or is written `Lovelace, Ada`.
    """
    if len(text) > _MAX_LENGTH or "@" in text:
        return {}
    if firstname or lastname:
        return _other_part(text.split(), firstname.split(), lastname.split())
    last, comma, first = text.partition(",")
    words = _without_salutation((first if comma else text).split())
    if comma:
        is_plain = len(last.split()) == 1 and 0 < len(words) <= _PLAIN and "," not in first
        return {"firstname": " ".join(words), "lastname": last.strip()} if is_plain else {}
    if len(words) != _PLAIN:
        return {}
    names = words[::-1] if re.fullmatch(_FAMILY_NAME_FIRST, text) else words
    return dict(zip(("firstname", "lastname"), names, strict=True))


def first_word(text: str) -> str:
    """Return the first word of a text, or nothing."""
    return "".join(text.split(maxsplit=1)[:1])


def rest(text: str) -> str:
    """Return what follows the first word of a text."""
    return "".join(text.split(maxsplit=1)[1:]).rstrip()


def _other_part(words: list[str], first: list[str], last: list[str]) -> dict[str, str]:
    folded = [word.casefold() for word in words]
    if first and folded[: len(first)] == [word.casefold() for word in first]:
        return {"lastname": " ".join(words[len(first) :])}
    if last and folded[-len(last) :] == [word.casefold() for word in last]:
        return {"firstname": " ".join(words[: -len(last)])}
    return {}


def _without_salutation(words: Sequence[str]) -> Sequence[str]:
    while words and is_salutation(words[0]):
        words = words[1:]
    return words
