"""Made-up people who can be told from anything else that is ever written down."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from local.traffic.people import Person, people

_DIGITS = "0123456789abcdef"
# No vowels, so no words; no hexadecimal digits but in its letters, so no part of a hash.
_LETTERS = str.maketrans(_DIGITS, "ghjklmnpqrstvwxz")
_MARK_LENGTH = 12
_WORD = re.compile(r"[^\W_]+")


def marked_people(scenario: str, count: int) -> list[Person]:
    """Return as many people with a mark each in their address and names, and a phone of their own.

    About one in ninety can't become an attendee.
    """
    return [_marked(person, scenario, n) for n, person in enumerate(people(count))]


def usable(scenario: str, count: int) -> list[Person]:
    """Return such people who all can become attendees."""
    return [replace(person, reason="") for person in marked_people(scenario, count)]


def known_as(person: Person, kind: str) -> Person:
    """Return a person whose address begins with a word, so that a fault can be meant for it."""
    return replace(
        person, attendee={**person.attendee, "email": f"{kind}.{person.attendee['email']}"}
    )


def moved_to(person: Person, city: str) -> Person:
    """Return the person with other contents."""
    return replace(person, attendee={**person.attendee, "city": city})


def words_of(everyone: Iterable[Person]) -> frozenset[str]:
    """Return the words, in lower case, that can come from nobody but these people."""
    return frozenset(word for person in everyone for word in _words(person))


def words_in(text: str) -> set[str]:
    """Return the words of a text, in lower case; a line feed in JSON is no part of one."""
    return set(_WORD.findall(text.lower().replace("\\n", " ")))


def _words(person: Person) -> Iterator[str]:
    email, phone = person.attendee["email"], person.attendee["phone"]
    yield hashlib.sha256(email.encode()).hexdigest()
    yield email.partition("@")[0].rpartition(".")[2]
    digits = "".join(filter(str.isdecimal, phone))
    yield digits
    yield phone.rpartition(" ")[2]


def _marked(person: Person, scenario: str, n: int) -> Person:
    digest = hashlib.sha256(f"{scenario} {n}".encode()).hexdigest()
    mark = digest[:_MARK_LENGTH].translate(_LETTERS)
    number = int(digest, 16) % 10**9
    attendee = {
        **person.attendee,
        "email": f"{mark}@{scenario}.example.com",
        "firstname": f"{person.attendee['firstname']} {mark.title()}",
        "lastname": f"{mark.title()} {person.attendee['lastname']}",
        "phone": f"+1 555 {number:09d}",
    }
    return replace(person, attendee=attendee)
