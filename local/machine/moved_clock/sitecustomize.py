"""Python imports this as it starts where this folder is on PYTHONPATH, and has its clock moved.

The file that LOCAL_CLOCK names says by how many seconds; all processes see at once when that
changes. It moves `time.time()` and `time.time_ns()`: all that AWS's stand-in and the functions go
by, but for the date of a signature and of a Retry-After.
"""

import mmap
import os
import struct
import time
from pathlib import Path

SECONDS = struct.Struct("d")


def _move(file: Path) -> None:
    with file.open("rb") as open_file:
        moved = mmap.mmap(open_file.fileno(), SECONDS.size, access=mmap.ACCESS_READ)
    seconds, nanoseconds = time.time, time.time_ns

    def moved_seconds() -> float:
        return seconds() + float(SECONDS.unpack_from(moved)[0])

    def moved_nanoseconds() -> int:
        return nanoseconds() + int(SECONDS.unpack_from(moved)[0] * 1e9)

    time.time, time.time_ns = moved_seconds, moved_nanoseconds


_move(Path(os.environ["LOCAL_CLOCK"]))
