"""Jobs as those who follow an operation, and may end it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from attendee_sync_cli.stack.dead_letter_scan import Advance, Follower
from attendee_sync_cli.web_console.jobs import Job

_STEP_SECONDS = 0.25


class JobFollower(Follower):
    """A job: its page tells how far it is, and it can be cancelled there."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Advance]:
        """Tell what is done and how far."""
        self.notice(words)
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            self._job.progress(done, max(done, total) if total else None)

        yield advance

    def notice(self, words: str) -> None:
        """Tell what is done, once."""
        if self._job.words[-1:] != [words]:
            self._job.tell(words)

    def wait(self, seconds: float) -> None:
        """Let time pass in steps, each of which may be the last."""
        while seconds > 0 and not self.has_cancelled():
            step = min(seconds, _STEP_SECONDS)
            time.sleep(step)
            seconds -= step

    def has_cancelled(self) -> bool:
        """Tell whether the job was cancelled."""
        return self._job.is_cancelled
