"""Addresses: of several in one profile, the one that counts, whole.

Imports the standard library alone, since ingest uses it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from attendee_sync.profile import field_names, names

type Scalar = str | int | float
type Path = tuple[str, ...]

PLAIN: Final = 0  # number of the address that names without a kind are of

# Of an address, no town.
_LINES: Final = frozenset({"address1", field_names.HOUSE_NUMBER, "address2"})

TOWNS: Final = frozenset({"city", "zip", "countryid"})


class Ordered(NamedTuple):
    """A candidate before all are known."""

    order: int  # of two, the lower one is better
    value: Scalar
    path: Path


type Parts = dict[str, list[Ordered]]


class Address(NamedTuple):
    """What belongs to one address, by field."""

    order: tuple[int, int]
    is_flat: bool
    parts: Parts


def chosen_of(addresses: Sequence[Address]) -> tuple[Parts, dict[str, list[Path]]]:
    """Return what is known of the one address that counts, and where only others have a field."""
    known = sorted(addresses, key=lambda each: each.order)
    if not known:
        return {}, {}
    somewhere = [*filter(_is_somewhere, known)] or known
    chosen = next((each for each in somewhere if each.is_flat or TOWNS & each.parts.keys()), None)
    chosen = chosen or somewhere[0]  # of lines alone
    if chosen.is_flat and "address1" not in chosen.parts:
        chosen = next((each for each in known if "address1" in each.parts), chosen)
    for each in known:  # what stands by itself belongs to no other address
        if each.is_flat and each.order[1] == 0 and not _is_somewhere(each):
            is_more = chosen.is_flat or each.parts.keys() == {"countryid"}
            chosen = chosen._replace(parts=each.parts | chosen.parts) if is_more else chosen
    chosen = _with_town(chosen, known)
    elsewhere = {
        field: [each.path for each in listed]
        for address in reversed(known)
        for field, listed in address.parts.items()
        if field not in chosen.parts
    }
    return chosen.parts, elsewhere


def _with_town(chosen: Address, known: Sequence[Address]) -> Address:
    """Return a street with the town beside it: `work_address_line_1` with a plain `city`.

    Or `address` with `address_city`. Only where no other address has a street that the town may
    belong to.
    """
    is_street = chosen.is_flat and _LINES.issuperset(chosen.parts.keys() - {"countryid"})
    if not is_street or any("address1" in each.parts for each in known if _is_other(each, chosen)):
        return chosen
    towns = PLAIN if chosen.order[1] != PLAIN else names.OF_ADDRESS
    beside = (each.parts for each in known if each.is_flat and each.order[1] == towns)
    return chosen._replace(parts=next(beside, {}) | chosen.parts)


def _is_other(address: Address, chosen: Address) -> bool:
    return address.order != chosen.order or address.is_flat != chosen.is_flat


def _is_somewhere(address: Address) -> bool:
    return "address1" in address.parts or "city" in address.parts


def are_ordered(listed: Sequence[Ordered] | Sequence[Address]) -> bool:
    """Tell whether no two of a list are as good, so that their order in the profile counts."""
    return len({each.order for each in listed}) == len(listed)
