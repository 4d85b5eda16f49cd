import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from attendee_sync.aws.fifo_queue import QueueCount
from local.machine import cloud as cloud_module
from local.machine.cloud import CloudError, LocalCloud, local_cloud
from local.machine.stack import LocalStack, StackError, deploy


class Answers:
    """A client that gives one prepared answer to each operation."""

    def __init__(self, **answers: object) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        return lambda **_parameters: self._answers[operation]


class StackWithClients(LocalStack):
    clients: Mapping[str, object]

    def client(self, service: str) -> Any:
        return self.clients[service]


def stack_with(**clients: object) -> StackWithClients:
    resources = {"Api": "abc123", "TokenRefreshFunction": "f", "ProfileQueue": "http://queue"}
    stack = StackWithClients("try", "http://127.0.0.1:4566", {}, resources)
    object.__setattr__(stack, "clients", {name.rstrip("_"): it for name, it in clients.items()})
    return stack


class Payload:
    def __init__(self, text: bytes) -> None:
        self._text = text

    def read(self) -> bytes:
        return self._text


class NowhereToBind:
    """A socket that gets no address of this machine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def bind(self, _address: object) -> None:
        raise OSError(99, "Cannot assign requested address")


def test_a_child_process_gets_no_aws_setting_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.example")
    monkeypatch.setenv("KEPT", "yes")

    environment = LocalCloud(4566, tmp_path).environment()

    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["KEPT"] == "yes"
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SQS"}.isdisjoint(environment)


def test_a_local_cloud_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cloud_module, "_PYTHON", tmp_path / "missing")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(CloudError, match="make"), local_cloud():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_profiles_are_pushed_to_this_machine_under_the_name_of_the_api() -> None:
    url, headers = stack_with().push_url("summit")
    assert url == "http://127.0.0.1:4566/prod/v1/destinations/summit/profiles"
    assert headers == {"Host": "abc123.execute-api.localhost"}


def test_messages_of_a_queue_are_counted_by_state() -> None:
    attributes = {
        "ApproximateNumberOfMessages": "3",
        "ApproximateNumberOfMessagesNotVisible": "2",
        "ApproximateNumberOfMessagesDelayed": "1",
    }
    stack = stack_with(sqs=Answers(get_queue_attributes={"Attributes": attributes}))
    assert stack.profile_queue() == QueueCount(visible=3, in_flight=2, delayed=1)
    assert stack.profile_queue().total == 6


def test_a_token_that_was_not_granted_is_an_error_with_its_reason() -> None:
    payload = Payload(
        b'{"results": [{"connection": "default", "state": "failed", "reason": "no token_url"}]}'
    )
    stack = stack_with(lambda_=Answers(invoke={"Payload": payload}))
    with pytest.raises(StackError, match="default: no token_url"):
        stack.refresh_token()


def test_an_exception_in_a_function_is_named_without_its_text() -> None:
    payload = Payload(b'{"errorType": "KeyError", "errorMessage": "jane@example.com"}')
    stack = stack_with(lambda_=Answers(invoke={"Payload": payload, "FunctionError": "Unhandled"}))
    with pytest.raises(StackError, match="KeyError") as raised:
        stack.invoke("TokenRefreshFunction", {})
    assert "jane" not in str(raised.value)


def test_parameters_reach_the_sam_cli_with_blanks_commas_and_quotes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        "local.machine.stack.sam", lambda arguments, *_, **__: seen.extend(arguments)
    )
    monkeypatch.setattr("local.machine.stack.find", lambda _cloud, _name: stack_with())

    deploy(
        LocalCloud(4566, tmp_path),
        "try",
        {"AllowedCidrs": "10.0.0.0/8,::1/128", "DestinationName": 'the "big" one'},
        template=tmp_path / "template.yaml",
    )

    assert seen[seen.index("--parameter-overrides") + 1 :] == [
        'AllowedCidrs="10.0.0.0/8,::1/128"',
        'DestinationName="the \\"big\\" one"',
        'AwsEndpointUrl="http://127.0.0.1:4566"',
    ]


def test_the_address_of_the_cloud_is_that_of_its_url_and_of_what_goes_past_a_proxy(
    tmp_path: Path,
) -> None:
    environment = LocalCloud(4566, tmp_path, "172.17.0.1").environment()
    assert environment["AWS_ENDPOINT_URL"] == "http://172.17.0.1:4566"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "172.17.0.1,127.0.0.1,localhost"


def test_an_address_that_is_not_this_machines_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cloud_module, "_PYTHON", tmp_path)
    monkeypatch.setattr(socket, "socket", NowhereToBind)
    with pytest.raises(CloudError, match=r"192\.0\.2\.1 .*Cannot assign"), local_cloud("192.0.2.1"):
        pass
