"""The proxy before the local cloud: it fails the service that is asked for, and no other."""

from collections.abc import Iterator

import pytest
import requests

from local.machine.aws_faults import AwsFaults, aws_faults
from tests.support.http_server import Server, serving

pytestmark = pytest.mark.enable_socket

TIMEOUT = 0.5


@pytest.fixture
def cloud() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def proxy(cloud: Server) -> Iterator[AwsFaults]:
    with aws_faults(cloud.url) as faults:
        yield faults


def _call(proxy: AwsFaults, service: str) -> requests.Response:
    scope = f"AKIA/20270101/us-east-1/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    headers = {"Authorization": authorization, "X-Amz-Target": "AmazonSQS.SendMessage"}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{proxy.url}/x?y=1", b"body", headers=headers, timeout=TIMEOUT)


def _end(proxy: AwsFaults, service: str) -> str:
    try:
        return str(_call(proxy, service).status_code)
    except requests.RequestException as error:
        return type(error).__name__


def test_a_call_is_passed_on_as_it_is_and_so_is_its_answer(cloud: Server, proxy: AwsFaults) -> None:
    cloud.answers.append((400, b'{"__type": "InvalidAddress"}'))

    answer = _call(proxy, "sqs")

    assert (answer.status_code, answer.content) == (400, b'{"__type": "InvalidAddress"}')
    assert answer.headers["X-Kind"] == "answer"
    (call,) = cloud.received
    assert (call.method, call.path, call.body) == ("POST", "/x?y=1", b"body")
    assert call.headers["X-Amz-Target"] == "AmazonSQS.SendMessage"
    # The name under which the proxy was called: the signature covers it.
    assert f"http://{call.headers['Host']}" == proxy.url


def test_the_service_that_is_asked_for_fails_in_all_ways(cloud: Server, proxy: AwsFaults) -> None:
    proxy.fail("sqs", "ssm")

    ends = [_end(proxy, service) for service in ("sqs", "ssm", "sqs", "dynamodb")]

    assert ends == ["503", "ConnectionError", "ReadTimeout", "200"]
    assert proxy.failed == {"sqs": 2, "ssm": 1}
    assert len(cloud.received) == 1


def test_it_tells_when_a_fault_first_struck(proxy: AwsFaults) -> None:
    proxy.fail("sqs")
    assert not proxy.struck.is_set()
    _end(proxy, "sqs")
    assert proxy.struck.is_set()
    proxy.fail("ssm")
    assert not proxy.struck.is_set()


def test_once_mended_all_services_work(proxy: AwsFaults) -> None:
    proxy.fail("sqs")
    _end(proxy, "sqs")
    proxy.mend()
    assert _end(proxy, "sqs") == "200"
    assert proxy.failed == {"sqs": 1}


def test_a_call_without_a_signature_is_passed_on(cloud: Server, proxy: AwsFaults) -> None:
    proxy.fail("sqs")
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(proxy.url, timeout=TIMEOUT).status_code == 200
    assert len(cloud.received) == 1
