import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.machine.clock import Clock

DAY = 86_400.0
TELLS = "import time\nwhile input():\n    print(time.time(), time.time_ns(), flush=True)"


def machines_time(folder: Path) -> float:
    """Return the time that this machine has, also where the tests run as on another day."""
    file = folder / "now"
    file.touch()
    return file.stat().st_mtime


def test_a_process_goes_by_the_clock_also_when_it_is_moved(tmp_path: Path) -> None:
    clock = Clock.new(tmp_path / "clock", ahead=DAY)
    with subprocess.Popen(  # noqa: S603 - this Python, and a text of ours
        [sys.executable, "-c", TELLS],
        env=clock.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for ahead in (DAY, 3 * DAY, -600.0):
            clock.move(ahead - clock.ahead)
            process.stdin.write("tell\n")
            process.stdin.flush()
            seconds, nanoseconds = process.stdout.readline().split()
            there = pytest.approx(machines_time(tmp_path) + ahead, abs=60)
            assert float(seconds) == there
            assert int(nanoseconds) / 1e9 == there
            assert clock.ahead == ahead
        process.stdin.write("\n")
        process.stdin.flush()


def test_a_clock_that_is_not_moved_shows_what_this_machines_does(tmp_path: Path) -> None:
    assert Clock.new(tmp_path / "clock").now() == pytest.approx(time.time(), abs=60)
