"""What would become of the profiles of a file, counted. It tells places, never a value."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attendee_sync.ingest.preview import OUTCOMES
from attendee_sync.mapping.field_rules import LEFT_OUT
from attendee_sync.mapping.mapper import Verdict
from attendee_sync.outcome import OutcomeKind, in_words
from attendee_sync_cli import console
from attendee_sync_cli.profiles import shape
from attendee_sync_cli.profiles.places import PlaceGroup

_SENT = OUTCOMES[Verdict.SEND]
_MOST_NAMES = 1_000
_MOST_SHOWN = 30


@dataclass
class PreviewSummary:
    """Counts of outcomes, with their reasons, of remarks on fields, and of what nothing read."""

    unit: str  # what places are: indexes, lines or rows
    is_table: bool = False  # names of attributes are those of columns: nobody's data
    profiles: int = 0
    _outcomes: dict[tuple[str, str], PlaceGroup] = field(default_factory=dict)
    _remarks: dict[tuple[str, str], PlaceGroup] = field(default_factory=dict)
    _unread: Counter[tuple[str, str]] = field(default_factory=Counter)  # with the field it is like

    @property
    def has_rejected(self) -> bool:
        """Whether a profile would be rejected."""
        return any(outcome == OutcomeKind.REJECTED for outcome, _ in self._outcomes)

    @property
    def has_sent(self) -> bool:
        """Whether a profile would be sent."""
        return any(outcome == _SENT for outcome, _ in self._outcomes)

    def add(self, place: int, row: Mapping[str, Any]) -> None:
        """Count a profile by its row of a preview; see preview_profile()."""
        self.profiles += 1
        outcome = (str(row["outcome"]), str(row["reason"]))
        self._outcomes.setdefault(outcome, PlaceGroup(str(row["detail"]))).add(place)
        for each in row.get("remarks", ()):
            remark = (str(each["field"]), str(each["text"]))
            self._remarks.setdefault(remark, PlaceGroup()).add(place)
        # Of one profile several may have the same name once it is masked.
        for name, like in {self._unread_name(each) for each in row.get("unread", ())}:
            if (name, like) in self._unread or len(self._unread) < _MOST_NAMES:
                self._unread[name, like] += 1

    def _unread_name(self, unread: Mapping[str, str]) -> tuple[str, str]:
        name = unread["name"]
        if not self.is_table:
            name = ".".join(map(shape.name_of, name.split(".")))
        return name, unread["like"]

    def document(self) -> dict[str, Any]:
        """Return the counts for programs, with the first thousand places of each."""
        return {
            "profiles": self.profiles,
            "outcomes": [
                {
                    "outcome": outcome,
                    "reason": reason,
                    "detail": group.detail,
                    "count": group.count,
                    self.unit: group.places,
                }
                for (outcome, reason), group in _ordered(self._outcomes)
            ],
            "remarks": [
                {"field": name, "text": text, "count": group.count, self.unit: group.places}
                for (name, text), group in _ordered(self._remarks)
            ],
            "unread": [
                {"name": name, "like": like, "count": count}
                for (name, like), count in self._most_unread()
            ],
        }

    @property
    def outcome_rows(self) -> list[list[str]]:
        """How many have which outcome and reason, and where those are that are not sent."""
        return [
            [
                str(group.count),
                outcome,
                console.plain(in_words(reason, group.detail)),
                _places(group, outcome != _SENT),
            ]
            for (outcome, reason), group in _ordered(self._outcomes)
        ]

    @property
    def remark_rows(self) -> list[list[str]]:
        """How many have which remark on a field, and where those are that were left out."""
        return [
            [str(group.count), name, text, _places(group, text.startswith(LEFT_OUT))]
            for (name, text), group in _ordered(self._remarks)
        ]

    @property
    def unread_rows(self) -> list[list[str]]:
        """How many have which attribute that nothing read, and the field that it is like."""
        return [
            [str(count), console.plain(name), like] for (name, like), count in self._most_unread()
        ]

    def show(self) -> None:
        """Show the counts to people. Where nothing is remarkable, no places are told."""
        console.table(
            ["profiles", "outcome", "reason", f"{self.unit} in the file"], self.outcome_rows
        )
        if self._remarks:
            console.say()
            console.table(
                ["profiles", "field", "remark", f"{self.unit} in the file"], self.remark_rows
            )
        unread = self.unread_rows
        if unread:
            console.say()
            console.table(["profiles", "not read", "like the field"], unread[:_MOST_SHOWN])
            if len(unread) > _MOST_SHOWN:
                console.say(f"and {len(unread) - _MOST_SHOWN} more; --json shows them")

    def _most_unread(self) -> list[tuple[tuple[str, str], int]]:
        """Return what nothing read, first what is like a field, then what most have."""
        return sorted(self._unread.items(), key=lambda item: (not item[0][1], -item[1], item[0]))


def _ordered(
    groups: Mapping[tuple[str, str], PlaceGroup],
) -> list[tuple[tuple[str, str], PlaceGroup]]:
    return sorted(groups.items(), key=lambda item: (-item[1].count, item[0]))


def _places(group: PlaceGroup, is_told: bool) -> str:
    return group.listed() if is_told else ""
