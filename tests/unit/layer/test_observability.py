import json
import logging
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aws_lambda_powertools.metrics import MetricUnit

from attendee_sync import library_logs, observability
from attendee_sync.version import VERSION
from tests.support.stack import STACK

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("header", [TRACE, f" {TRACE} "])
def test_a_senders_trace_goes_on(header: str) -> None:
    assert observability.trace_parent(header) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        TRACE.upper(),
        TRACE[:-1],
        TRACE + "0",
        TRACE.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        f"{TRACE}\nada@example.com",
    ],
)
def test_anything_else_starts_a_new_one(header: str | None) -> None:
    made = observability.trace_parent(header)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
    assert made != observability.trace_parent(header)


@pytest.mark.parametrize(
    ("parent", "trace_id"), [(TRACE, "4bf92f3577b34da6a3ce929d0e0e4736"), ("", ""), ("a-b", "")]
)
def test_all_hops_share_a_trace_id(parent: str, trace_id: str) -> None:
    assert observability.trace_id(parent) == trace_id


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_switching_often", "output")
def test_several_threads_may_be_the_first_to_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of the first delivery in an environment are."""
    threads = 8
    for n in range(50):
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"tests-of-threads-{n}")
        observability.logger.cache_clear()
        together = threading.Barrier(threads)

        def log(together: threading.Barrier = together) -> None:
            together.wait()
            observability.logger().info("logged")

        with ThreadPoolExecutor(threads) as pool:
            for each in [pool.submit(log) for _ in range(threads)]:
                each.result()


def test_the_log_is_json_under_the_functions_name(
    monkeypatch: pytest.MonkeyPatch, output: Callable[[], str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tests-of-the-log")
    observability.logger().info("push accepted", accepted=3)
    line = json.loads(output())
    assert line["service"] == "tests-of-the-log"
    assert (line["message"], line["accepted"]) == ("push accepted", 3)
    assert line["version"] == VERSION


def test_there_is_one_logger() -> None:
    assert observability.logger() is observability.logger()


def test_each_pair_is_counted_in_the_embedded_format(output: Callable[[], str]) -> None:
    counts = Counter({("default", "delivered"): 3, ("", "rejected"): 1})
    observability.count("Profiles", counts, ("destination", "outcome"))
    first, second = map(json.loads, output().splitlines())
    assert (first["destination"], first["outcome"], first["Profiles"]) == (
        "default",
        "delivered",
        [3.0],
    )
    assert (second["destination"], second["outcome"], second["Profiles"]) == (
        "-",
        "rejected",
        [1.0],
    )
    [directive] = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "AttendeeSync"
    assert {"destination", "outcome", "stack"} <= set(directive["Dimensions"][0])
    assert directive["Dimensions"][1:] == [["stack"]]
    assert first["stack"] == STACK
    assert directive["Metrics"] == [{"Name": "Profiles", "Unit": "Count"}]


def test_rates_are_percents_of_single_profiles(output: Callable[[], str]) -> None:
    observability.count_ends("default", [(True, False), (False, True), (False, False)])
    line = json.loads(output())
    assert line["FailedPercent"] == [100.0, 0.0, 0.0]
    assert line["SkippedPercent"] == [0.0, 100.0, 0.0]
    assert {each["Unit"] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {"Percent"}


def test_more_values_than_a_line_holds_make_more_lines(output: Callable[[], str]) -> None:
    observability.measure({}, [("Age", MetricUnit.Seconds, float(n)) for n in range(200)])
    lines = [json.loads(line)["Age"] for line in output().splitlines()]
    assert [value for line in lines for value in line] == [float(n) for n in range(200)]
    assert max(map(len, lines)) <= 100


def test_nothing_is_counted_for_nothing(output: Callable[[], str]) -> None:
    observability.count("Profiles", Counter(), ("destination", "outcome"))
    assert output() == ""


@pytest.mark.parametrize("word", ["DEBUG", "INFO", "WARN", "ERROR"])
def test_diagnosis_has_the_level_that_lambda_calls_so(
    monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", word)
    assert observability.diagnosis().level == logging.getLevelNamesMapping()[word]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"])
@pytest.mark.parametrize("variable", ["POWERTOOLS_LOG_LEVEL", "LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"])
@pytest.mark.filterwarnings("ignore:Current log level")
def test_records_pass_at_every_level(
    monkeypatch: pytest.MonkeyPatch, output: Callable[[], str], variable: str, level: str
) -> None:
    monkeypatch.setenv(variable, level)
    observability.logger().info("profile settled")
    assert json.loads(output())["message"] == "profile settled"


def test_what_libraries_log_is_silenced_and_warnings_of_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        library_logs.silence()
        logging.getLogger("urllib3.connectionpool").warning("https://example.com/?token=secret")
        logging.getLogger("botocore.endpoint").debug("a body")
        logging.getLogger("some.library").debug("a body")
        logging.getLogger("some.library").warning("on its last legs")
    assert caplog.messages == ["on its last legs"]


def test_what_operators_look_for_is_said_in_these_words() -> None:
    assert [each.value for each in observability.LogEvent] == [
        "push accepted",
        "request refused",
        "request put off",
        "profile settled",
        "profile put back",
        "RainFocus answered",
        "access token",
        "access token refused; a new one is asked for",
        "connection paused",
        "connection resumed",
        "profiles accounted for",
    ]
