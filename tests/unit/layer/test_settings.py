from collections.abc import Callable

import pytest

from attendee_sync.aws import settings
from attendee_sync.aws.clients import HASTY, Deadline
from attendee_sync.aws.settings import Settings, SettingsUnavailableError
from tests.support import fakes
from tests.support.stack import INGEST_TOKEN, STACK, Aws

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


def test_a_stage_that_was_missing_before_the_current_one_changed_is_looked_for(aws: Aws) -> None:
    values = aws.settings()
    assert values.secret("ingest-token", stage="AWSPREVIOUS") is None
    aws.secrets.rotate(f"{STACK}/ingest-token", "another")
    aws.clock.now += 0.1
    assert values.secret("ingest-token") == "another"
    assert values.secret("ingest-token", stage="AWSPREVIOUS") == INGEST_TOKEN


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
        aws.clock.now += 1
        assert values.destination(f"guess-{n}") is None
    assert len(values._cache._entries) == settings._MAX_ENTRIES


def test_what_is_kept_is_bounded_in_bytes_and_the_newest_of_it(aws: Aws) -> None:
    values = aws.settings()
    for n in range(200):
        aws.secrets.versions[f"{STACK}/s{n}"] = ["é" * 30_000]
        values.secret(f"s{n}")
    kept = values._cache._entries
    assert sum(entry.size for entry in kept.values()) == values._cache._bytes
    assert settings._MAX_BYTES - 60_000 < values._cache._bytes <= settings._MAX_BYTES
    before = reads_of(aws)
    values.secret("s199")
    assert reads_of(aws) == before
    values.secret("s0")
    assert reads_of(aws) == before + 1


def test_names_that_do_not_exist_cost_a_bounded_number_of_calls(aws: Aws) -> None:
    values = aws.settings()
    assert values.destination("default")
    for n in range(10):
        assert values.destination(f"guess-{n}") is None
    for n in range(10, 100):
        with pytest.raises(SettingsUnavailableError, match="too many names that do not exist"):
            values.destination(f"guess-{n}")
    assert len(aws.ssm.calls) == 11
    assert values.destination("default")
    aws.set_destination("new", event_code="summit2027")
    aws.clock.now += 5
    assert values.destination("new")


def test_among_many_names_that_do_not_exist_one_look_a_second_is_for_one_that_may(
    aws: Aws,
) -> None:
    values = aws.settings()
    for n in range(10):
        assert values.destination(f"guess-{n}") is None
    aws.set_destination("new", event_code="summit2027")
    aws.clock.now += 1
    assert values.destination("new")


def test_stages_of_secrets_that_are_missing_are_no_guesses(aws: Aws) -> None:
    values = aws.settings()
    for n in range(20):
        assert values.secret(f"missing-{n}") is None
    assert values.destination("default")


def test_an_error_does_not_tell_a_name_that_is_not_known(aws: Aws) -> None:
    aws.ssm.always = fakes.timed_out()
    with pytest.raises(SettingsUnavailableError) as told:
        aws.settings().destination("ada-lovelace")
    assert "ada" not in str(told.value)
    assert "destinations can't be read now" in str(told.value)


def test_names_that_were_missing_before_are_among_them(aws: Aws) -> None:
    values = aws.settings()
    for n in range(100):
        aws.clock.now += 1
        assert values.destination(f"guess-{n}") is None
    before = len(aws.ssm.calls)
    aws.clock.now += 60
    for n in range(100):
        assert values.destination(f"guess-{n}") is None
    assert len(aws.ssm.calls) == before + 10


def test_a_destination_that_is_known_is_read_however_many_are_not(aws: Aws) -> None:
    values = aws.settings()
    values.destination("default")
    aws.clock.now += settings.CACHE_SECONDS
    for n in range(10):
        values.destination(f"guess-{n}")
    aws.set_destination("default", event_code="summit2027")
    assert values.destination("default") == '{"event_code": "summit2027"}'


@pytest.mark.parametrize("failure", list(FAILURES.values()), ids=FAILURES)
def test_what_failed_is_not_tried_again_for_five_seconds(
    aws: Aws, read: Read, failure: Exception
) -> None:
    values = aws.settings()
    break_down(aws, failure)
    for _ in range(10):
        with pytest.raises(SettingsUnavailableError):
            read(values)
    assert reads_of(aws) == 2
    break_down(aws, None)
    aws.clock.now += 5
    assert read(values) is not None


def test_a_fresh_value_that_cannot_be_had_is_asked_for_once_in_the_time(aws: Aws) -> None:
    values = aws.settings()
    values.secret("ingest-token")
    aws.secrets.always = fakes.denied("ThrottlingException")
    aws.clock.now += 6
    for _ in range(10):
        assert values.secret("ingest-token", max_age=5) == INGEST_TOKEN
    assert aws.secrets.count("GetSecretValue") == 2


def test_where_an_earlier_value_is_held_one_attempt_is_made(aws: Aws, read: Read) -> None:
    values = aws.settings()
    read(values)
    aws.clock.now += settings.CACHE_SECONDS
    break_down(aws, fakes.timed_out())
    assert read(values)
    assert reads_of(aws) == 2


def test_until_a_deadline_one_read_may_fail_and_all_that_is_held_serves(aws: Aws) -> None:
    values = aws.settings()
    for read_one in READS:
        read_one(values)
    aws.clock.now += settings.CACHE_SECONDS
    break_down(aws, fakes.timed_out())
    bounded = values.until(Deadline.after(60, aws.clock))
    assert all(read_one(bounded) for read_one in READS)
    assert reads_of(aws) == len(READS) + 1
    assert all(read_one(values) for read_one in READS)
    assert reads_of(aws) == len(READS) + 1


def test_no_read_begins_that_may_end_after_the_deadline(aws: Aws, read: Read) -> None:
    values = aws.settings()
    late = values.until(Deadline.after(HASTY.total - 0.01, aws.clock))
    with pytest.raises(SettingsUnavailableError, match="out of time"):
        read(late)
    assert reads_of(aws) == 0
    assert read(values)
    aws.clock.now += settings.CACHE_SECONDS
    assert read(values.until(Deadline.after(0, aws.clock)))
    assert reads_of(aws) == 1


def test_a_second_attempt_is_made_only_in_time(aws: Aws, read: Read) -> None:
    aws.fall_silent("ssm", "secretsmanager")
    with pytest.raises(SettingsUnavailableError, match="ReadTimeoutError"):
        read(aws.settings().until(Deadline.after(HASTY.total * 1.5, aws.clock)))
    assert reads_of(aws) == 1


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_all_connections_are_listed_whatever_their_number(aws: Aws, count: int) -> None:
    aws.ssm.parameters = {f"/{STACK}/connections/c{n}": str(n) for n in range(count)}
    aws.ssm.parameters[f"/{STACK}/destinations/default"] = "not a connection"
    assert aws.settings().connections() == {f"c{n}": str(n) for n in range(count)}


def test_listing_connections_is_never_cached(aws: Aws) -> None:
    values = aws.settings()
    values.connections()
    values.connections()
    assert aws.ssm.count("GetParametersByPath") == 4  # the template's and the edited ones


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


@pytest.mark.parametrize("key", ["", "arn:aws:kms:us-east-1:123456789012:key/1"])
def test_a_secret_that_is_made_is_encrypted_with_the_stack_s_key(aws: Aws, key: str) -> None:
    settings = Settings(STACK, ssm=aws.ssm, secrets=aws.secrets, kms_key=key)
    settings.put_secret("api-profile/new", "text")
    [request] = [request for operation, request in aws.secrets.calls if operation == "CreateSecret"]
    assert request.get("KmsKeyId", "") == key


@pytest.mark.parametrize(
    "failure", [fakes.unreachable(), fakes.denied("LimitExceededException", "PutSecretValue")]
)
def test_a_secret_that_cannot_be_written_is_an_error(aws: Aws, failure: Exception) -> None:
    aws.secrets.always = failure
    with pytest.raises(SettingsUnavailableError, match=r"LimitExceeded|EndpointConnection"):
        aws.settings().put_secret("ingest-token", "another")


TEMPLATE_S = {
    "destinations": f"/{STACK}/template/destinations/default",
    "connections": f"/{STACK}/template/connections/default",
}


def as_deployed(aws: Aws) -> None:
    """Leave only what the template makes: nobody edited anything."""
    for kind, name in TEMPLATE_S.items():
        del aws.ssm.parameters[f"/{STACK}/{kind}/default"]
        aws.ssm.parameters[name] = f"{kind} of the template"


def test_until_somebody_edits_them_the_settings_are_the_template_s(aws: Aws) -> None:
    as_deployed(aws)
    values = aws.settings()
    assert values.destination("default") == "destinations of the template"
    assert values.connection("default") == "connections of the template"
    assert values.connections() == {"default": "connections of the template"}


def test_what_people_edited_outlives_a_deploy_with_other_parameters(aws: Aws) -> None:
    as_deployed(aws)
    for kind in TEMPLATE_S:
        aws.ssm.parameters[f"/{STACK}/{kind}/default"] = f"edited {kind}"
    for kind, name in TEMPLATE_S.items():
        aws.ssm.parameters[name] = f"another deploy's {kind}"
    values = aws.settings()
    assert values.destination("default") == "edited destinations"
    assert values.connection("default") == "edited connections"
    assert values.connections() == {"default": "edited connections"}


def test_the_template_s_settings_are_cached_as_long_as_edited_ones(aws: Aws, read: Read) -> None:
    as_deployed(aws)
    values = aws.settings()
    read(values)
    before = reads_of(aws)
    aws.clock.now += settings.CACHE_SECONDS - 1
    read(values)
    assert reads_of(aws) == before


def test_the_template_has_no_settings_of_another_name(aws: Aws) -> None:
    aws.ssm.parameters[f"/{STACK}/template/destinations/summit"] = "{}"
    assert aws.settings().destination("summit") is None
    assert len(aws.ssm.calls) == 1
