"""Others: whose an e-mail address is where a profile has several persons, such as a buyer.

Imports the standard library alone, since ingest uses it.
"""

from collections.abc import Sequence

from attendee_sync.profile import email_address, names
from attendee_sync.profile.candidates import Candidate, Found, Path
from attendee_sync.profile.email_address import EmailAddressError
from attendee_sync.profile.field_names import FIRST_AND_LAST

_MOST_TEXTS = 10  # that are looked at


def attending_first(addresses: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return addresses with those of people who attend first, whoever bought or is the customer."""
    if len(addresses) == 1:
        return addresses
    return sorted(addresses, key=lambda each: not any(map(names.is_attending, each[1])))


def is_anothers(found: Found, place: Path) -> bool:
    """Tell whether an address is in an object of somebody with another name than the profile's.

    Such as that of a contact, in the profile of somebody who has a name and no address. Who
    attends is nobody's contact, whoever bought.
    """
    holder = _holder_of(place)
    is_contact = bool(holder) and not _attending(place)
    return is_contact and any(_differ(found, field, holder) for field in FIRST_AND_LAST)


def without(found: Found, email: str, place: Path) -> tuple[Found, bool]:
    """Leave out what is of somebody with another address than that at a place.

    It stands in an object, under flat names with a word for that person, such as `buyer_phone`, or
    around who attends: of an order, or of a meeting. Returns also whether there was any.
    """
    attending = _attending(place)
    if not attending and "email" not in found.more:
        return found, False
    holders: set[Path] = set()
    roles: set[str] = set()
    around = _with_other_names(found, attending)
    own_roles = names.person_words(place[-1])
    for value, path in found.candidates("email")[:_MOST_TEXTS]:
        if isinstance(value, str) and _is_other(value, email):
            holder = _holder_of(path)
            if holder and holder != place[: len(holder)]:
                holders.add(holder)
            roles |= names.person_words(path[-1]) - own_roles
            if _is_around(path, attending):
                around.add(path[:-1])
    if not holders and not roles and not around:
        return found, False

    def is_own(path: Path) -> bool:
        is_in_other = any(path[: len(holder)] == holder for holder in holders)
        is_others = is_in_other or path[:-1] in around
        return not is_others and roles.isdisjoint(names.person_words(path[-1]))

    kept = {
        field: [each for each in found.candidates(field) if is_own(each[1])] for field in found.best
    }
    elsewhere = {
        field: paths for field, paths in found.elsewhere.items() if any(map(is_own, paths))
    }
    return Found.of(kept, elsewhere, found.overlooked), True


def _attending(path: Path) -> Path:
    """Return where the object of who attends stands that a path is in; () if it is in none."""
    return path[: next((n for n, name in enumerate(path[:-1], 1) if names.is_attending(name)), 0)]


def _is_around(path: Path, attending: Path) -> bool:
    """Tell whether a path is of a member of an object around that of who attends."""
    return len(path) <= len(attending) and path[:-1] == attending[: len(path) - 1]


def _with_other_names(found: Found, attending: Path) -> set[Path]:
    """Return objects around who attends in which somebody has another name."""
    if not attending or not any(_differ(found, field, attending) for field in FIRST_AND_LAST):
        return set()
    named = [path for field in FIRST_AND_LAST for _, path in found.candidates(field)]
    return {path[:-1] for path in named if _is_around(path, attending)}


def _differ(found: Found, field: str, holder: Path) -> bool:
    """Tell whether a person's object has another value than all that stand around it."""
    inner, outer = set(), set()
    for value, path in found.candidates(field):
        own = _holder_of(path)
        text = str(value).strip().casefold()
        if path[: len(holder)] == holder:
            inner.add(text)
        elif own == holder[: len(own)]:
            outer.add(text)
    return bool(inner and outer) and inner.isdisjoint(outer)


def _holder_of(path: Path) -> Path:
    """Return where the innermost object stands that a name says to be a person; () if none does."""
    return path[: next((n for n in range(len(path) - 1, 0, -1) if names.is_person(path[n - 1])), 0)]


def _is_other(text: str, email: str) -> bool:
    """Tell whether a text is an address, and another one."""
    try:
        return email_address.normalise(text) != email
    except EmailAddressError:
        return False
