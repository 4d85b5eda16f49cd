"""How long the console's pages take on the local stack, with many profiles behind it.

Some are pushed and delivered; the log lines of these are then written again, spread over a day,
until they are those of all: what the pages read grows with the logs alone.
"""

import itertools
import json
import statistics
import time
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import requests

from local.machine.environment import local_environment
from local.machine.stack import LocalStack
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
_PUSHED = 1_000
_DAY_SECONDS = 86_400
_LINES_A_CALL = 1_000
_GROUPS = ("IngestLogGroupName", "DeliveryLogGroupName")
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
        _deliver(environment.stack)
        for group in _GROUPS:
            _write_again(environment.stack, environment.stack.outputs[group])
        received = environment.stack.operate("report", "--hours", "26")["total"]["received"]
        if received < PROFILES:
            raise RuntimeError(f"the logs tell of {received} profiles only")
        with requests.Session() as browser:
            browser.trust_env = False
            browser.get(address, timeout=_TIMEOUT_SECONDS).raise_for_status()
            origin = f"http://{urlsplit(address).netloc}"
            first = [_seconds(browser, origin + FIRST) for _ in range(_TIMES)]
            others = {path: _seconds(browser, origin + path) for path in _OTHERS}
    return {FIRST: statistics.median(first), **others}


def _deliver(stack: LocalStack) -> None:
    for pushed in push_all(stack, list(pushes(people(_PUSHED)))):
        if not pushed.is_accepted:
            raise RuntimeError(f"a push was answered with {pushed.status}")
    for _ in remaining(stack, _PATIENCE_SECONDS):
        pass


def _write_again(stack: LocalStack, group: str) -> None:
    """Write the lines of a log group again as those of earlier pushes."""
    client, stream = stack.client("logs"), "earlier"
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    lines = list(_lines(stack, group))
    copies = PROFILES // _PUSHED - 1
    for n in range(copies):
        at = int((time.time() - _DAY_SECONDS * (copies - n) / (copies + 1)) * 1000)
        for some in itertools.batched(lines, _LINES_A_CALL, strict=False):
            events = [
                {
                    "timestamp": at,
                    "message": json.dumps(line | {"request_id": f"{line['request_id']}-{n}"}),
                }
                for line in some
            ]
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _lines(stack: LocalStack, group: str) -> Iterator[dict[str, str]]:
    """Yield the lines about pushes and profiles."""
    for text in stack.logs(group):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and "request_id" in line and "destination" in line:
            yield line


def _seconds(browser: requests.Session, url: str) -> float:
    started = time.perf_counter()
    browser.get(url, timeout=_TIMEOUT_SECONDS).raise_for_status()
    return time.perf_counter() - started
