"""A mapping that is tried on profiles before it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from attendee_sync.ingest.preview import preview_profile
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.operations import destinations
from attendee_sync_cli.operations.destinations import Trial
from attendee_sync_cli.operations.preview import PreviewedField, PreviewedProfile, target_of
from attendee_sync_cli.profiles.sample import Sample
from attendee_sync_cli.settings import validation
from attendee_sync_cli.stack.stack import Stack

MOST_SHOWN = 20  # profiles that are shown one by one


@dataclass(frozen=True)
class TriedField:
    """A field with the mapping that is tried, and what it gets now if that is something else."""

    now: PreviewedField
    before: str | None


@dataclass(frozen=True)
class TriedProfile:
    """What would become of a profile, and what becomes of it as settings are stored."""

    now: PreviewedProfile
    before: PreviewedProfile | None  # None if the stored settings are not valid, or the same

    @property
    def fields(self) -> list[TriedField]:
        """The fields of both, those that are no more given at the end."""
        if self.before is None:
            return [TriedField(each, None) for each in self.now.fields]
        before = {each.name: each for each in self.before.fields}
        found = [
            TriedField(each, _other(before.pop(each.name, None), each)) for each in self.now.fields
        ]
        gone = [
            TriedField(PreviewedField(each.name, "", "", ()), each.value)
            for each in before.values()
            if each.value
        ]
        return found + gone

    @property
    def outcome_before(self) -> str | None:
        """The outcome as settings are stored, if it is another."""
        if self.before is None or self.before.words == self.now.words:
            return None
        return self.before.words


@dataclass(frozen=True)
class MappingTrial:
    """Settings that can be stored, and what they make of profiles."""

    trial: Trial
    unit: str  # what one place in the file is the place of
    shown: Sequence[TriedProfile]


def look(stack: Stack, name: str, text: str, sample: Sample | None) -> MappingTrial:
    """Try settings of a destination on profiles, the first of them one by one.

    Raises NotValidError if they have a fault, FailureError if there is no such destination.
    """
    stored = stack.known_destination(name)
    trial = destinations.tried(stack, name, text, sample=sample)
    if sample is None:
        return MappingTrial(trial, "", ())
    now = _previewed(stack, name, trial.text, sample)
    before: Sequence[PreviewedProfile | None] = [None] * len(now)
    if trial.changes and not isinstance(validation.read(Destination, stored), list):
        before = _previewed(stack, name, stored, sample)
    shown = [TriedProfile(*each) for each in zip(now, before, strict=True)]
    return MappingTrial(trial, sample.unit, shown)


def _previewed(stack: Stack, name: str, text: str, sample: Sample) -> list[PreviewedProfile]:
    target = target_of(stack, name, text)
    return [
        PreviewedProfile(each.place, preview_profile(target, each.pushed))
        for each in sample.found[:MOST_SHOWN]
    ]


def _other(before: PreviewedField | None, now: PreviewedField) -> str | None:
    """Return the value before, if it was another."""
    value = before.value if before else ""
    return None if value == now.value else value
