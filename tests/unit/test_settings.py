from collections.abc import Callable

import pytest

from attendee_sync import settings
from attendee_sync.settings import Settings, SettingsUnavailableError
from tests import fakes
from tests.stack import INGEST_TOKEN, STACK, Aws

type Read = Callable[[Settings], str | None]

FAILURES = {
    "ThrottlingException": fakes.denied("ThrottlingException"),
    "InternalServerError": fakes.denied("InternalServerError"),
    "EndpointConnectionError": fakes.unreachable(),
    "ReadTimeoutError": fakes.timed_out(),
}
READS: list[Read] = [
    lambda each: each.destination("default"),
    lambda each: each.connection("default"),
    lambda each: each.secret("ingest-token"),
]


@pytest.fixture(params=READS, ids=["destination", "connection", "secret"])
def read(request: pytest.FixtureRequest) -> Read:
    reader: Read = request.param
    return reader


def break_down(aws: Aws, failure: Exception | None) -> None:
    aws.ssm.always = aws.secrets.always = failure


def reads_of(aws: Aws) -> int:
    return len(aws.ssm.calls) + len(aws.secrets.calls)


def test_names_carry_the_stack(aws: Aws) -> None:
    values = aws.settings()
    assert values.destination("default") == aws.ssm.parameters[f"/{STACK}/destinations/default"]
    assert values.connection("default") == aws.ssm.parameters[f"/{STACK}/connections/default"]
    assert values.secret("ingest-token") == INGEST_TOKEN


def test_a_value_is_read_once_a_minute(aws: Aws, read: Read) -> None:
    values = aws.settings()
    first = read(values)
    aws.clock.now += settings.CACHE_SECONDS - 1
    assert read(values) == first
    assert reads_of(aws) == 1
    aws.clock.now += 1
    read(values)
    assert reads_of(aws) == 2


def test_a_changed_value_is_seen_after_a_minute(aws: Aws) -> None:
    values = aws.settings()
    values.secret("ingest-token")
    aws.secrets.rotate(f"{STACK}/ingest-token", "another")
    assert values.secret("ingest-token") == INGEST_TOKEN
    aws.clock.now += settings.CACHE_SECONDS
    assert values.secret("ingest-token") == "another"


def test_a_fresh_value_can_be_asked_for(aws: Aws) -> None:
    values = aws.settings()
    values.secret("ingest-token")
    aws.secrets.rotate(f"{STACK}/ingest-token", "another")
    aws.clock.now += 5
    assert values.secret("ingest-token", max_age=5) == INGEST_TOKEN
    aws.clock.now += 0.1
    assert values.secret("ingest-token", max_age=5) == "another"
    assert values.secret("ingest-token") == "another"


def test_versions_of_a_secret_are_kept_apart(aws: Aws) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "another")
    values = aws.settings()
    assert values.secret("ingest-token") == "another"
    assert values.secret("ingest-token", stage="AWSPREVIOUS") == INGEST_TOKEN


def test_what_is_missing_is_none_and_soon_looked_for_again(aws: Aws) -> None:
    values = aws.settings()
    assert values.destination("new") is None
    assert values.destination("new") is None
    assert len(aws.ssm.calls) == 1
    aws.set_destination("new", event_code="summit2027")
    aws.clock.now += 5
    assert values.destination("new") == '{"event_code": "summit2027"}'


def test_a_missing_stage_of_a_secret_is_none(aws: Aws) -> None:
    assert aws.settings().secret("ingest-token", stage="AWSPREVIOUS") is None


@pytest.mark.parametrize("failure", list(FAILURES.values()), ids=FAILURES)
def test_a_failure_for_a_moment_is_not_noticed(aws: Aws, read: Read, failure: Exception) -> None:
    aws.ssm.failures = [failure]
    aws.secrets.failures = [failure]
    assert read(aws.settings()) is not None


@pytest.mark.parametrize("failure", list(FAILURES.values()), ids=FAILURES)
def test_the_last_value_serves_while_a_new_one_cannot_be_read(
    aws: Aws, read: Read, failure: Exception
) -> None:
    values = aws.settings()
    first = read(values)
    break_down(aws, failure)
    aws.clock.now += 10 * settings.CACHE_SECONDS
    assert read(values) == first
    break_down(aws, None)
    read(values)
    before = reads_of(aws)
    read(values)
    assert reads_of(aws) == before


@pytest.mark.parametrize("cause", list(FAILURES))
def test_without_any_value_the_cause_is_told(aws: Aws, read: Read, cause: str) -> None:
    break_down(aws, FAILURES[cause])
    with pytest.raises(SettingsUnavailableError, match=f"can't be read now: {cause}"):
        read(aws.settings())


def test_access_denied_is_not_taken_for_missing(aws: Aws, read: Read) -> None:
    break_down(aws, fakes.denied("AccessDeniedException"))
    with pytest.raises(SettingsUnavailableError, match="AccessDeniedException"):
        read(aws.settings())


def test_trying_out_names_does_not_fill_the_memory(aws: Aws) -> None:
    values = aws.settings()
    for n in range(2_500):
        assert values.destination(f"guess-{n}") is None
    assert len(values._entries) <= settings._MAX_ENTRIES


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_all_connections_are_listed_whatever_their_number(aws: Aws, count: int) -> None:
    aws.ssm.parameters = {f"/{STACK}/connections/c{n}": str(n) for n in range(count)}
    aws.ssm.parameters[f"/{STACK}/destinations/default"] = "not a connection"
    assert aws.settings().connections() == {f"c{n}": str(n) for n in range(count)}


def test_listing_connections_is_never_cached(aws: Aws) -> None:
    values = aws.settings()
    values.connections()
    values.connections()
    assert aws.ssm.count("GetParametersByPath") == 2


def test_connections_that_cannot_be_listed_are_an_error(aws: Aws) -> None:
    aws.ssm.always = fakes.denied("ThrottlingException")
    with pytest.raises(SettingsUnavailableError, match="ThrottlingException"):
        aws.settings().connections()


def test_a_secret_is_written_as_a_new_version(aws: Aws) -> None:
    aws.settings().put_secret("ingest-token", "another")
    assert aws.secrets.versions[f"{STACK}/ingest-token"] == [INGEST_TOKEN, "another"]


def test_a_secret_that_is_missing_is_made(aws: Aws) -> None:
    aws.settings().put_secret("api-profile/new", "text")
    assert aws.secrets.versions[f"{STACK}/api-profile/new"] == ["text"]


@pytest.mark.parametrize(
    "failure", [fakes.unreachable(), fakes.denied("LimitExceededException", "PutSecretValue")]
)
def test_a_secret_that_cannot_be_written_is_an_error(aws: Aws, failure: Exception) -> None:
    aws.secrets.always = failure
    with pytest.raises(SettingsUnavailableError, match=r"LimitExceeded|EndpointConnection"):
        aws.settings().put_secret("ingest-token", "another")
