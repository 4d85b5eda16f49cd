"""Full names: first and last name in one text."""

import itertools
import re
from collections.abc import Sequence

from attendee_sync.profile.texts import is_salutation

_MAX_LENGTH = 200
_PLAIN = 2  # words
_INITIALS = 2  # capitals may be those of first names
_OTHER = {"firstname": "lastname", "lastname": "firstname"}
_PATRONYMIC = r"(?:ович|евич|ич|овна|евна|ична|івна|ївна)\Z"
# Where family names come first: Han, kana and Hangul. Compiled on first use, since ingest starts
# without it.
_FAMILY_NAME_FIRST = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\s]+"


def parts(text: str, firstname: str = "", lastname: str = "") -> dict[str, str]:
    """Return the first and the last name that a full name holds, as far as that is plain.

    With one of them given, the other is what stands after or before it. With none, the full name
    is plain if it has two words beside a salutation, has the last name alone in capitals, or is
    written `Lovelace, Ada`.
    """
    if len(text) > _MAX_LENGTH or "@" in text:
        return {}
    if firstname or lastname:
        return _other_part(text.split(), firstname.split(), lastname.split())
    last, comma, first = text.partition(",")
    words = _without_salutation((first if comma else text).split())
    if comma:
        is_plain = len(last.split()) == 1 and 0 < len(words) <= _PLAIN and "," not in first
        return _named(words, [last.strip()]) if is_plain else {}
    in_capitals = _by_capitals(words)
    if in_capitals or len(words) != _PLAIN:
        return in_capitals
    first_word, second = words[::-1] if re.fullmatch(_FAMILY_NAME_FIRST, text) else words
    return _named([first_word], [second])


def parts_of_reversed(text: str, firstname: str = "", lastname: str = "") -> dict[str, str]:
    """Return what parts() does of a full name that is known to begin with the last name.

    It is plain with a comma between them, with the last name alone in capitals, or of two words;
    a third one is left out if it is a patronymic of Russian or Ukrainian.
    """
    if len(text) > _MAX_LENGTH or "@" in text:
        return {}
    if firstname or lastname:
        other = _other_part(text.split(), lastname.split(), firstname.split())
        return {_OTHER[name]: words for name, words in other.items()}
    last, comma, first = text.partition(",")
    if comma:
        words = _without_salutation(first.split())
        return _named(words, last.split()) if last.strip() and words and "," not in first else {}
    words = _without_salutation(text.split())
    in_capitals = _by_capitals(words)
    if len(words) > _PLAIN and re.search(_PATRONYMIC, words[-1].lower()):
        words = words[:-1]
    if in_capitals or len(words) != _PLAIN:
        return in_capitals
    return _named(words[1:], words[:1])


def first_word(text: str) -> str:
    """Return the first word of a text, or nothing."""
    return "".join(text.split(maxsplit=1)[:1])


def rest(text: str) -> str:
    """Return what follows the first word of a text."""
    return "".join(text.split(maxsplit=1)[1:]).rstrip()


def _named(first: Sequence[str], last: Sequence[str]) -> dict[str, str]:
    return {"firstname": " ".join(first), "lastname": " ".join(last)}


def _by_capitals(words: Sequence[str]) -> dict[str, str]:
    """Return the parts of a name with the last name alone in capitals: `LOVELACE Ada`."""
    size = len(words)
    capitals = [len(word) > 1 and word.isupper() and "." not in word for word in words]
    if any(capitals) and len("".join(itertools.compress(words, capitals))) > _INITIALS:
        for n in range(1, size):
            is_first, is_last = capitals[:n], capitals[n:]
            if all(is_first) and not any(is_last):
                return _named(words[n:], words[:n])
            if all(is_last) and not any(is_first):
                return _named(words[:n], words[n:])
    return {}


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
