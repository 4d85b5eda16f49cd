"""What cures a failure, by its reason: what to do next, and where that is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from attendee_sync.outcome import OutcomeKind, Reason


class Place(Enum):
    """Where something is cured."""

    DESTINATION = auto()  # its settings
    MAPPING = auto()  # a preview of its mapping
    CONNECTION = auto()  # the doctor
    PROFILES = auto()  # a file of them
    LOGS = auto()


@dataclass(frozen=True)
class Cure:
    """What to do next about a failure."""

    words: str
    places: tuple[Place, ...]  # the likeliest first


_MEND_PROFILES = "export them, mend them in the file, push that, and discard these"
_SETTINGS = Cure("Mend the destination's settings, then redrive.", (Place.DESTINATION,))
_REFUSED = Cure(
    "RainFocus's words say which field it does not take. If that comes from the mapping or the "
    f"event code, mend these and redrive; if it is in the profiles, {_MEND_PROFILES}.",
    (Place.MAPPING, Place.DESTINATION, Place.PROFILES),
)
_ADDRESS = Cure(
    "If the address stands under a name of your own, have the mapping read it there, then "
    f"redrive; otherwise {_MEND_PROFILES}.",
    (Place.MAPPING, Place.PROFILES),
)
_PROFILES = Cure(f"{_MEND_PROFILES.capitalize()}.", (Place.PROFILES,))
_CONNECTION = Cure(
    "See what RainFocus answers the connection, mend that, then redrive.", (Place.CONNECTION,)
)
_STACK = Cure(
    "AWS or a function was out of order. Redrive; if they come back, the functions' logs say why.",
    (Place.LOGS,),
)
_UNKNOWN = Cure(
    "Look at the examples and at what RainFocus answered; then redrive, or discard.",
    (Place.PROFILES,),
)
_CURES: Final[Mapping[str, Cure]] = {
    Reason.MALFORMED: _PROFILES,
    Reason.TOO_LARGE: _PROFILES,
    Reason.NOT_A_PERSON: Cure(
        "They are no people: have the sender leave them out, and discard them.", (Place.PROFILES,)
    ),
    Reason.MISSING_EMAIL: _ADDRESS,
    Reason.UNCLEAR_EMAIL: _ADDRESS,
    Reason.INVALID_EMAIL: _ADDRESS,
    Reason.SEVERAL_EMAILS: _ADDRESS,
    Reason.ONLY_HASH: Cure(
        "Have the sender send the address; or let the destination take hashes, by its setting of "
        "this name, then redrive.",
        (Place.DESTINATION, Place.PROFILES),
    ),
    Reason.REFUSED: _REFUSED,
    Reason.REFUSED_ALONE: _REFUSED,
    Reason.FILTER_FAILED: Cure(
        "Mend the destination's filter, then redrive.", (Place.DESTINATION, Place.MAPPING)
    ),
    Reason.SETTINGS_INVALID: _SETTINGS,
    Reason.UNKNOWN_CONNECTION: _SETTINGS,
    Reason.UNKNOWN_DESTINATION: Cure(
        "Make the destination again, or discard them; the sender pushes to another URL from now "
        "on.",
        (Place.DESTINATION,),
    ),
    Reason.UNAVAILABLE: _CONNECTION,
    Reason.BUSY: _CONNECTION,
    Reason.TOKEN_REFUSED: _CONNECTION,
    Reason.NO_TOKEN: _CONNECTION,
    Reason.CONNECTION_REFUSED: _CONNECTION,
    Reason.PAUSED: _CONNECTION,
    Reason.RATE_LIMITED: _CONNECTION,
    Reason.INTERNAL_ERROR: Cure(
        "Redrive; if they come back, report the error's type, which delivery's log has.",
        (Place.LOGS,),
    ),
}


def of(outcome: str, reason: str) -> Cure:
    """Return what cures dead letters of an outcome (empty if SQS gave them up) and a reason."""
    found = _CURES.get(reason)
    if found:
        return found
    return _STACK if outcome == OutcomeKind.EXPIRED or reason in Reason else _UNKNOWN
