"""How long the console's pages take on the local stack, with many profiles behind it."""

import statistics
import time
from functools import cache
from urllib.parse import urlsplit

import requests

from local.machine.environment import local_environment
from local.machine.web_console import web_console
from local.traffic.people import people, pushes
from local.traffic.traffic import push_all, remaining

PROFILES = 20_000
FIRST = "/"
# What comes after the first page, and what a person goes to.
_OTHERS = (
    "/?part=outcomes&span=1h",
    "/?part=outcomes&span=24h",
    "/?part=outcomes&span=7d",
    "/?part=waiting",
    "/api-log",
    "/api-log?status=4xx",
)
_TIMES = 5
_PATIENCE_SECONDS = 60.0
_TIMEOUT_SECONDS = 120.0


def console_first_page_seconds() -> float:
    """Return the seconds of the overview, without what comes later: the median of some looks."""
    return pages()[FIRST]


@cache
def pages() -> dict[str, float]:
    """Return the seconds that each page takes: the first one's median, the others' first look."""
    with (
        local_environment(lambda _step: None) as environment,
        web_console(environment.stack, environment.simulator.url) as address,
    ):
        for pushed in push_all(environment.stack, list(pushes(people(PROFILES)))):
            if not pushed.is_accepted:
                raise RuntimeError(f"a push was answered with {pushed.status}")
        for _ in remaining(environment.stack, _PATIENCE_SECONDS):
            pass
        with requests.Session() as browser:
            browser.trust_env = False
            browser.get(address, timeout=_TIMEOUT_SECONDS).raise_for_status()
            origin = f"http://{urlsplit(address).netloc}"
            first = [_seconds(browser, origin + FIRST) for _ in range(_TIMES)]
            others = {path: _seconds(browser, origin + path) for path in _OTHERS}
    return {FIRST: statistics.median(first), **others}


def _seconds(browser: requests.Session, url: str) -> float:
    started = time.perf_counter()
    browser.get(url, timeout=_TIMEOUT_SECONDS).raise_for_status()
    return time.perf_counter() - started
