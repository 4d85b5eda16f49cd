"""What of a stored attendee RainFocus shows: a write can succeed and lose fields all the same.

Two attendees are stored one after the other that differ in all but their address. A field that
RainFocus keeps is shown, and shown otherwise, whatever it makes of the value.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

from attendee_sync.attendee import FIELDS
from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.access_token import AccessToken
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import changes, field_names
from attendee_sync_cli.doctor.calls import Calls, is_stored, made_up_attendee
from attendee_sync_cli.doctor.changes import Document

_READS: Final = 3  # until what was written just now is shown
_SECONDS: Final = 1.0  # between two of them

type Shown = Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """What became of the fields. Empty words: all that can be told is told by the fields."""

    kept: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()  # shown, but not as they were sent
    renamed: Mapping[str, str] = field(default_factory=dict)  # kept under another name alone
    words: str = ""  # why nothing can be told

    @property
    def unseen(self) -> list[str]:
        """The fields that are not shown at all."""
        told = self.kept | self.lost | self.renamed.keys()
        return [name for name in FIELDS if name not in told and name != "email"]


@dataclass
class ReadBack:
    """Compares what was sent with what is shown, and tries other names for what is not kept."""

    calls: Calls
    token: AccessToken
    _number: int = 0
    _shown: Shown = field(default_factory=dict)

    def compare(self, document: Document, connection: Connection) -> Result:
        """Return what became of the fields of an attendee that was stored just now."""
        self.calls.findings.progress("reading the attendee back")
        seen, attendee = self._read(connection)
        if not attendee:
            return Result(words=f"can't be read back: {seen.words}")
        self._shown = shown(attendee)
        first = frozenset(FIELDS) - {"email"}
        kept = self._followers(connection, first)
        if kept is None:
            return Result(words="can't be read back: the second write was refused")
        missing = first - kept
        renamed = self._renamed(document, connection, missing)
        lost = {name for name in missing - renamed.keys() if _value(self._shown, connection, name)}
        return Result(kept, frozenset(lost), renamed)

    def _renamed(
        self, document: Document, connection: Connection, missing: frozenset[str]
    ) -> dict[str, str]:
        """Return the other names under which missing fields are kept."""
        found: dict[str, str] = {}
        for number in range(max((len(field_names.others(each)) for each in missing), default=0)):
            names = {
                each: field_names.others(each)[number]
                for each in missing - found.keys()
                if number < len(field_names.others(each))
            }
            change = changes.as_names(names)
            changed = changes.connection_of(change.applied(document), connection.name)
            if changed and names:
                self.calls.findings.progress(f"trying {change.words}")
                # Twice: what was stored before may be what is sent first.
                for _ in range(2):
                    kept = self._followers(changed, names.keys() - found.keys())
                    found |= {each: names[each] for each in kept or ()}
        return found

    def _followers(self, connection: Connection, names: Set[str]) -> frozenset[str] | None:
        """Return the fields that are shown otherwise after another write; None if it fails."""
        self._number += 1
        fields = made_up_attendee(self.calls.case.write_test, self._number)
        if not is_stored(self.calls.write(connection, self.token, fields)):
            return None
        before = self._shown
        for number in range(_READS):
            if number:
                self.calls.sleep(_SECONDS)
            self._shown = shown(self._read(connection)[1]) or before
            kept = {
                each
                for each in names
                if (value := _value(self._shown, connection, each))
                and value != _value(before, connection, each)
            }
            if self._shown != before:
                break
        return frozenset(kept)

    def _read(self, connection: Connection) -> tuple[Any, dict[str, Any]]:
        return self.calls.read(connection, self.token, address=self.calls.case.write_test)


def shown(attendee: Mapping[str, Any]) -> Shown:
    """Return the texts that are shown of an attendee, by folded names, custom attributes too."""
    found = {
        fold(name): str(value)
        for name, value in attendee.items()
        if isinstance(value, str | int) and str(value)
    }
    listed = attendee.get("attributes")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("value"):
            found |= {
                fold(str(each[key])): str(each["value"])
                for key in ("name", "code")
                if each.get(key)
            }
    return found


def _value(shown: Shown, connection: Connection, name: str) -> str:
    wire = connection.fields.names.get(name, name)
    names = (wire, name, *field_names.others(name))
    return next((shown[fold(each)] for each in names if fold(each) in shown), "")
