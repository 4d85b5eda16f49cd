"""What the functions write at LogLevel=DEBUG, with Lambda's own logging and real clients."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import botocore.session
import pytest
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_log_utils import LogFormat
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from attendee_sync import library_logs
from attendee_sync.aws import clients as aws_clients
from attendee_sync.rainfocus import access_token
from tests.support.fakes import denied
from tests.support.functions import HANDLERS, VARIABLES, Context, event_of, forget
from tests.support.stack import CREDENTIALS, HASH_KEY, INGEST_TOKEN, STACK, Aws, changed, token

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("at_the_time_of_the_events", "output"),
]

FUNCTIONS = ("ingest-array", "preview-object", "delivery-batch", "token-refresh-schedule")
PROFILE_TOKEN = "not-a-real-profile-token"
GRANTED = "not-a-real-granted-token"
_INGEST_TOKEN_OF_EVENTS = re.compile(r"Bearer ([^\"\s]+)")


class Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


class RainFocus(BaseHTTPRequestHandler):
    """Takes everything, in headers that urllib3 can't parse, which it logs with the address."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = {"responseCode": "0", "access_token": GRANTED, "expires_in": 3600}
        text = json.dumps(body).encode()
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nno header\r\n\r\n%s" % (len(text), text)
        )

    def log_message(self, *_: Any) -> None:
        """It says nothing either."""


class Parrot(RainFocus):
    """Refuses everything, and repeats what it was sent."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        words = f"{self.path} {self.headers} {sent}"
        text = json.dumps(
            {"responseCode": "105", "responseMessage": words, "error": words}
        ).encode()
        self.wfile.write(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        )


class HangsUp(RainFocus):
    """Answers nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True


@pytest.fixture
def manners() -> type[RainFocus]:
    """How RainFocus answers."""
    return RainFocus


@pytest.fixture
def rainfocus(manners: type[RainFocus]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), manners) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _lambda_runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log as Lambda's runtime sets it up at DEBUG, before it imports the function."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    root, converter = logging.getLogger(), logging.Formatter.converter
    before = {name: logging.getLogger(name).level for name in ("", *library_logs.SILENCED)}
    handlers = list(root.handlers)
    for name in library_logs.SILENCED:
        logging.getLogger(name).setLevel(logging.NOTSET)
    bootstrap._setup_logging(LogFormat.JSON, "DEBUG", bootstrap.StandardLogSink())
    yield
    root.handlers = handlers
    logging.Formatter.converter = converter
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def play(
    aws: Aws, rainfocus: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Any]]:
    """Play an event in its function, down to the bytes on the wire."""
    connection = changed(
        base_url=rainfocus,
        auth={"token_url": f"{rainfocus}/token"},
        api_profile={"place": "query", "value": "profile_token"},
    )
    credentials = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    aws.set_connection("default", connection)
    aws.set_token(token(profile_token=PROFILE_TOKEN, audience=access_token.audience(connection)))
    aws.secrets.rotate(
        f"{STACK}/credentials/default", json.dumps(credentials | {"profile_token": PROFILE_TOKEN})
    )
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "not-a-real-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(aws_clients, "_session", lambda: session_of(aws))
    aws_clients.client.cache_clear()
    forget()

    def played(name: str) -> Any:
        event = event_of(name)
        [app] = [app for prefix, app in HANDLERS.items() if name.startswith(prefix)]
        return app.lambda_handler(event, Context())

    yield played
    aws_clients.client.cache_clear()
    forget()


def session_of(aws: Aws) -> botocore.session.Session:
    """Return a real session whose requests the fakes answer, in place of the network."""
    session = botocore.session.Session()

    def answer(**sent: Any) -> Any:
        return _answer(aws, sent["request"])

    session.register("before-send", answer)
    return session


def _answer(aws: Aws, request: AWSPreparedRequest) -> AWSResponse:
    no_headers = HTTPHeaders()
    target: Any = request.headers.get("X-Amz-Target")
    if target is None:
        return AWSResponse(request.url, 202, no_headers, Body())  # Lambda's Invoke
    service, operation = (target.decode() if isinstance(target, bytes) else target).split(".")
    body: Any = request.body
    [client] = [
        aws.client(name)
        for name in ("sqs", "ssm", "secretsmanager", "dynamodb")
        if name in service.lower()
    ]
    try:
        status, answer = 200, getattr(client, xform_name(operation))(**json.loads(body))
    except ClientError as error:
        status, answer = 400, {"__type": error.response["Error"]["Code"]}
    return AWSResponse(
        request.url, status, no_headers, Body(json.dumps(answer, default=str).encode())
    )


def secrets_of(event: dict[str, Any]) -> set[str]:
    """Return what must not be logged: tokens, secrets, and the addresses in an event."""
    tokens = _INGEST_TOKEN_OF_EVENTS.findall(json.dumps(event))
    bodies = [event.get("body") or "", *(each["body"] for each in event.get("Records", []))]
    known = (INGEST_TOKEN, HASH_KEY, CREDENTIALS.client_secret, PROFILE_TOKEN, GRANTED)
    return {token().value, *known, *tokens, *re.findall(r"[\w.+-]+@[\w.-]+", " ".join(bodies))}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_debug_no_function_writes_a_secret_or_a_profile(
    play: Callable[[str], Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = play(name)
    assert answer.get("statusCode", 200) < 300
    assert answer.get("batchItemFailures", []) == []
    assert [each["state"] for each in answer.get("results", [])] in ([], ["good"], ["refreshed"])
    written = "".join(capsys.readouterr())
    assert [each for each in secrets_of(event_of(name)) if each in written] == []
    loggers = {json.loads(line).get("logger", "") for line in written.splitlines()}
    assert loggers <= {""}


@pytest.mark.parametrize("manners", [Parrot, HangsUp])
@pytest.mark.parametrize("name", ["delivery-batch", "token-refresh-schedule"])
def test_at_debug_a_refusal_writes_none_either(
    play: Callable[[str], Any],
    aws: Aws,
    name: str,
    manners: type[RainFocus],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert manners
    if name == "token-refresh-schedule":
        aws.set_token(token(expires_at=0))
    play(name)
    written = "".join(capsys.readouterr())
    assert "profile put back" in written or '"state":"failed"' in written
    assert [each for each in secrets_of(event_of(name)) if each in written] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_debug_a_fault_of_aws_writes_none_either(
    play: Callable[[str], Any], aws: Aws, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for client in (aws.sqs, aws.dynamodb):
        client.always = denied("InternalError")
    play(name)
    written = "".join(capsys.readouterr())
    assert [each for each in secrets_of(event_of(name)) if each in written] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_silence_they_would_be_written(
    play: Callable[[str], Any],
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library_logs, "silence", lambda: None)
    play(name)
    written = "".join(capsys.readouterr())
    assert any(each in written for each in secrets_of(event_of(name)))


def test_debug_tells_of_each_call(
    play: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    play("delivery-batch")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    calls = [line for line in lines if line.get("message") == "RainFocus answered"]
    assert {(line["level"], line["connection"], line["status"]) for line in calls} == {
        ("DEBUG", "default", 200)
    }


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARN", "ERROR", "nonsense", ""])
@pytest.mark.parametrize("lambda_level", ["DEBUG", "INFO"])
def test_what_is_accounted_with_passes_at_every_level(
    play: Callable[[str], Any],
    level: str,
    lambda_level: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", level)
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", lambda_level)
    for name in FUNCTIONS:
        play(name)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = {line["message"] for line in lines if "message" in line}
    assert {"push accepted", "profile settled", "access token"} <= said
    assert ("RainFocus answered" in said) is (level == "DEBUG")
    metrics = {name for line in lines for name in ("Profiles", "AccessTokens") if name in line}
    assert metrics == {"Profiles", "AccessTokens"}
