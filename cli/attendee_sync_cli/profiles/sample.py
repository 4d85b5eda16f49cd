"""A sample of profiles, on which settings are tried before they are stored."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

import typer

from attendee_sync.ingest.api import maps_email, profiles_at
from attendee_sync.ingest.preview import PreviewTarget, preview_profile
from attendee_sync.profile import reader
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.profiles.preview_summary import PreviewSummary
from attendee_sync_cli.profiles.profile_files import UNITS, Found, Reading

MOST = 1_000  # profiles of a file that are looked at
SampleFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--sample",
        metavar="FILE",
        help="Try the settings on profiles, in any form that preview reads: shows how many would "
        "be sent, filtered or rejected, and what the expressions miss. Of a longer file the first "
        f"{MOST:,} are taken. Nothing is sent.",
    ),
]


@dataclass(frozen=True)
class Sample:
    """The first profiles of a file."""

    found: Sequence[Found]
    places: str  # what their places are: indexes, lines or rows

    @property
    def unit(self) -> str:
        """What one place is the place of."""
        return UNITS[self.places]

    def documents(self) -> list[dict[str, Any]]:
        """Return the profiles as expressions see them."""
        return [reader.read(each.pushed.profile) for each in self.found if each.pushed.profile]

    def summary(self, target: PreviewTarget) -> PreviewSummary:
        """Return what would become of them at a destination, counted."""
        made = PreviewSummary(self.places)
        for each in self.found:
            made.add(each.place, preview_profile(target, each.pushed))
        return made


def read(file: BinaryIO | None, settings: str) -> Sample | None:
    """Return the sample of a file, or None if there is none.

    Gets the destination's JSON text, which may say where in a body the profiles are. Raises
    FailureError if there are none.
    """
    if file is None:
        return None
    how = Reading(place=profiles_at(settings), maps_email=maps_email(settings))
    profiles = profile_files.read(file, how)
    return Sample(list(itertools.islice(profiles.found, MOST)), profiles.places)
