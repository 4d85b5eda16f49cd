"""Elements of lists: which of several addresses, numbers or the like counts.

Imports the standard library alone, since ingest uses it.
"""

import itertools
from collections.abc import Collection, Sequence
from typing import Any, Final

from attendee_sync.profile import names, pairs
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]

_NO_PHONES: Final = ("fax", "pager")
# Marks of an element of a list, such as isPrimary, default_billing, primary_address; invalid_email.
_FIRST: Final = ("primary", "preferred", "default", "main", "principal", "haupt", "predeterminad")
_BAD: Final = ("invalid", "bounced", "deleted", "inactive", "archived", "obsolete")
_TRUE: Final[frozenset[bool | str]] = frozenset({True})
_YESES: Final[frozenset[bool | str]] = frozenset(
    {True, "true", "True", "TRUE", "1", "Y", "yes", "Yes"}
)
_FIRST_TYPES: Final = frozenset({"primary", "default", "preferred", "main"})
_OLD: Final = "old"  # the use of names and addresses in FHIR that are no more


def by_preference(
    listed: Sequence[Any], kind: Kind, primary: str | int | None
) -> list[tuple[int, Any]]:
    """Return a list's elements with their indexes, the primary one first, numbers last.

    `primary` is its id, if it is known by that. Of addresses the one of work is next. Fax numbers
    are left out.
    """

    def preference(numbered: tuple[int, Any]) -> int:
        if not isinstance(numbered[1], dict):
            return 3 if isinstance(numbered[1], str) else 4
        each = pairs.folded(numbered[1])
        if primary is not None and each.get("id") == primary:
            return -1
        if _is_marked(each, _BAD, _YESES) or each.get("use") == _OLD:
            return 5
        nested = each.get("metadata")
        marked = {**nested, **each} if isinstance(nested, dict) else each
        for rank, yeses in enumerate((_TRUE, _YESES)):
            if _is_marked(marked, _FIRST, yeses):
                return rank
        of_type = type_of(each)
        if of_type in _FIRST_TYPES:
            return 1
        return 2 if kind is Kind.ADDRESS and of_type in ("work", "business") else 3

    usable = [
        (n, each)
        for n, each in enumerate(listed)
        if not isinstance(each, dict) or not type_of(pairs.folded(each)).endswith(_NO_PHONES)
    ]
    return sorted(usable, key=preference)


def _is_marked(folded: Json, marks: tuple[str, ...], yeses: Collection[bool | str]) -> bool:
    return any(
        isinstance(value, bool | str)
        and value in yeses
        and name.removeprefix("is").startswith(marks)
        and not name.endswith("id")
        for name, value in folded.items()
    )


def type_of(folded: Json) -> str:
    """Return of what type an element says that it is, folded, or nothing."""
    named = (folded.get(name) for name in ("type", "kind", "label"))
    own = (value for name, value in folded.items() if name.endswith("type"))  # AddressType
    kind = next((each for each in itertools.chain(named, own) if isinstance(each, str)), "")
    return names.fold(kind)
