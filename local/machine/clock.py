"""The clock of a local cloud and of its functions, moved while they run."""

import struct
import time
from dataclasses import dataclass
from pathlib import Path

_HOOK = Path(__file__).with_name("moved_clock")
_SECONDS = struct.Struct("d")  # as sitecustomize.py reads it


@dataclass(frozen=True)
class Clock:
    """How far the clock of some processes is ahead, in a file that all of them look at."""

    file: Path

    @classmethod
    def new(cls, file: Path, ahead: float = 0.0) -> "Clock":
        """Return a clock that is so many seconds ahead."""
        file.write_bytes(_SECONDS.pack(ahead))
        return cls(file)

    @property
    def ahead(self) -> float:
        """The seconds by which it is ahead."""
        [seconds] = _SECONDS.unpack(self.file.read_bytes())
        return float(seconds)

    def now(self) -> float:
        """Return what it shows, in epoch seconds."""
        return time.time() + self.ahead

    def move(self, seconds: float) -> None:
        """Move it on, or back."""
        moved = _SECONDS.pack(self.ahead + seconds)
        with self.file.open("r+b") as file:  # in place, for it is mapped into memory
            file.write(moved)

    def environment(self) -> dict[str, str]:
        """Return the variables with which a Python process goes by it."""
        return {"PYTHONPATH": str(_HOOK), "LOCAL_CLOCK": str(self.file)}
