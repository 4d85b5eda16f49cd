import itertools
import time
from calendar import isleap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
import pytest_socket
import time_machine
from xdist.remote import Producer

from attendee_sync import observability
from tests.support import processes
from tests.support.stack import STACK, Aws, Clock

_numbers = itertools.count()  # Powertools keeps one logger for each name

# The same examples in every run; `pytest --hypothesis-profile=search` looks for others.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--day",
        help="run the tests as on another day: an ISO date, +N for N days from now, or leap for "
        "the next leap day that is over a year away; what passes today alone is found so",
    )


def pytest_configure(config: pytest.Config) -> None:
    day = config.getoption("--day")
    if not day:
        return
    traveller = time_machine.travel(_moment(day), tick=True)
    traveller.start()
    config.add_cleanup(traveller.stop)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for a stack, so that others are computed beside them."""
    items.sort(key=lambda item: not processes.is_on_stack(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> processes.Scheduler:
    """Have tests go to several processes, if there are any, in groups of ours."""
    return processes.Scheduler(config, log)


def _moment(day: str) -> datetime:
    """Return the moment that an argument of --day means, at this time of day."""
    now = datetime.now(UTC)
    if day.startswith("+"):
        return now + timedelta(days=int(day))
    if day == "leap":
        soonest = now + timedelta(days=400)
        years = itertools.count(soonest.year)
        leap_days = (now.replace(year=year, month=2, day=29) for year in years if isleap(year))
        return next(each for each in leap_days if each >= soonest)
    date = datetime.fromisoformat(day)
    return now.replace(year=date.year, month=date.month, day=date.day)


@pytest.fixture
def aws() -> Iterator[Aws]:
    made = Aws()
    yield made
    assert made.misuses == []


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of day, moved only when told to."""
    clock = Clock(1_800_000_000.0)
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture
def no_sockets(request: pytest.FixtureRequest) -> None:
    if not request.node.get_closest_marker("enable_socket"):
        # An event loop wakes itself up by a pair of them.
        pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], str]]:
    """All that was written to the log, metrics included, since it was last asked for."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"tests-{next(_numbers)}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "AttendeeSync")
    monkeypatch.setenv("STACK_NAME", STACK)
    _forget_loggers()
    yield lambda: capsys.readouterr().out
    _forget_loggers()


def _forget_loggers() -> None:
    observability.logger.cache_clear()
    observability.diagnosis.cache_clear()
