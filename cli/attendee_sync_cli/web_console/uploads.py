"""Profiles that were sent to the console, kept in its memory while they are looked at."""

import io
import secrets
import threading
from dataclasses import dataclass, field

from attendee_sync.ingest.api import maps_email, profiles_at
from attendee_sync_cli.console import FailureError, plain
from attendee_sync_cli.profiles import sample as samples
from attendee_sync_cli.profiles.sample import Sample

MAX_TEXT = 1_000_000  # characters that are pasted; a file may be as large as a form
_MAX_KEPT = 3
_MAX_NAME = 100  # characters that are shown


class _File(io.BytesIO):
    """What was sent, with the name that errors tell."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


@dataclass(frozen=True)
class Upload:
    """A file, or a text that was pasted. It holds personal data."""

    name: str
    content: bytes = field(repr=False)
    id: str = ""  # empty if it is not kept
    _read: dict[tuple[str, bool], Sample] = field(default_factory=dict, repr=False)

    def sample(self, settings: str) -> Sample:
        """Return its first profiles, as a destination of these settings reads them.

        Raises FailureError if it can't be read.
        """
        how = (profiles_at(settings), maps_email(settings))
        if how not in self._read:
            found = samples.read(_File(self.name, self.content), settings)
            if found is None or not found.found:
                raise FailureError(f"{self.name}: no profile")
            self._read.clear()
            self._read[how] = found
        return self._read[how]


class Uploads:
    """The latest files of a run of the console."""

    def __init__(self) -> None:
        self._kept: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def keep(self, name: str, content: bytes) -> Upload:
        """Keep a file, in the place of the oldest if there are others."""
        made = Upload(plain(name)[:_MAX_NAME], content, secrets.token_urlsafe(8))
        with self._lock:
            for id_ in list(self._kept)[: 1 - _MAX_KEPT]:
                del self._kept[id_]
            self._kept[made.id] = made
        return made

    def find(self, id_: str) -> Upload:
        """Return a file. Raises FailureError if it is kept no more."""
        found = self._kept.get(id_)
        if found is None:
            raise FailureError("The file is no longer kept: choose it again.")
        return found

    def forget(self, id_: str) -> None:
        """Keep a file no longer."""
        with self._lock:
            self._kept.pop(id_, None)


def pasted(text: str) -> Upload:
    """Return what was pasted, which is not kept. Raises FailureError if it is too long."""
    if len(text) > MAX_TEXT:
        raise FailureError(f"More than {MAX_TEXT:,} characters: choose a file.")
    return Upload("what was pasted", text.encode("utf-8", "surrogatepass"))
