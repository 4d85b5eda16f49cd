import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import BotoCoreError, ClientError, DataNotFoundError
from botocore.loaders import Loader

from attendee_sync.aws import clients
from tests.support import fakes


@pytest.fixture
def _made_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "not-a-real-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-key")
    for cached in (clients.client, clients._session):
        cached.cache_clear()
    yield
    for cached in (clients.client, clients._session):
        cached.cache_clear()


@pytest.mark.usefixtures("_made_anew")
def test_a_client_is_made_once_and_waits_shortly() -> None:
    client = clients.client("sqs")
    assert client is clients.client("sqs")
    config = client.meta.config
    assert config.connect_timeout + config.read_timeout <= 2
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.usefixtures("_made_anew")
@pytest.mark.parametrize("service", ["dynamodb", "lambda", "secretsmanager", "sqs", "ssm"])
def test_a_client_is_that_of_its_service(service: str) -> None:
    assert clients.client(service).meta.service_model.service_name == service


@pytest.mark.parametrize("model", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_a_model_is_read_as_botocore_reads_it(model: str) -> None:
    read = clients._Loader().load_service_model("ssm", model)
    assert read == Loader().load_service_model("ssm", model)
    assert json.dumps(read) == json.dumps(Loader().load_service_model("ssm", model))  # in order


def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(DataNotFoundError):
        clients._Loader().load_service_model("ssm", "no-such-model")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (fakes.denied("ThrottlingException"), "ThrottlingException"),
        (fakes.unreachable(), "EndpointConnectionError"),
    ],
)
def test_the_cause_of_an_error_is_one_word(error: BotoCoreError | ClientError, cause: str) -> None:
    assert clients.cause(error) == cause
