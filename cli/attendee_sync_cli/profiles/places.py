"""Places of profiles in a file, as people read them."""

from collections.abc import Sequence

_MOST_SHOWN = 20


def listed(all_: Sequence[object], count: int | None = None) -> str:
    """Return the first of some places or ids, and how many more there are of `count` in all."""
    shown = ", ".join(map(str, all_[:_MOST_SHOWN]))
    more = (len(all_) if count is None else count) - len(all_[:_MOST_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
