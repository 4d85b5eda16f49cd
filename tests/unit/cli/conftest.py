import functools
import time

import pytest
import requests

from attendee_sync import http_client
from attendee_sync_cli.doctor import examination
from tests.support.network import Reach
from tests.support.rainfocus import RainFocus


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no command sleep. Gives the seconds that were slept."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def rainfocus(monkeypatch: pytest.MonkeyPatch) -> RainFocus:
    """Let the doctor call a RainFocus of its own."""
    made = RainFocus()

    def session(pool_size: int) -> requests.Session:
        assert pool_size == 1
        return made.http.session()

    monkeypatch.setattr(http_client, "session", session)
    monkeypatch.setattr(examination, "Network", Reach)
    quick = functools.partial(examination.examine, sleep=lambda _: None)
    monkeypatch.setattr(examination, "examine", quick)
    return made
