"""Places of profiles in a file, as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

_MOST_KEPT = 1_000
_MOST_SHOWN = 20


@dataclass
class PlaceGroup:
    """Profiles that have something in common."""

    detail: str = ""  # what there is to say of the first
    answer: str = ""  # RainFocus's own words to it
    count: int = 0
    places: list[int] = field(default_factory=list)  # the first thousand

    def add(self, place: int) -> None:
        """Count a profile."""
        self.count += 1
        if len(self.places) < _MOST_KEPT:
            self.places.append(place)

    def listed(self) -> str:
        """Return the first places in order, and how many more there are."""
        return listed(sorted(self.places), self.count)


def listed(all_: Sequence[object], count: int | None = None) -> str:
    """Return the first of some places or ids, and how many more there are of `count` in all."""
    shown = ", ".join(map(str, all_[:_MOST_SHOWN]))
    more = (len(all_) if count is None else count) - len(all_[:_MOST_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
