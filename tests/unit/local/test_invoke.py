"""What `make invoke-…` gives a function, and what it says when it can't, or the function fails."""

import json
import re
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local import invoke
from local.machine import docker, events

EVENTS = Path(__file__).parents[3] / "events"
NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
TOKEN = "the-stacks-own"
NO_STACK = ClientError({"Error": {"Code": "ValidationError", "Message": ""}}, "DescribeStacks")


def event_of(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


class Client:
    """Answers as AWS does for a stack with the ingest function."""

    def __init__(self, variables: dict[str, str], failure: Exception | None) -> None:
        self._variables = variables
        self._failure = failure

    def describe_stacks(self, **_asked: str) -> dict[str, Any]:
        if self._failure:
            raise self._failure
        output = {"OutputKey": "IngestTokenSecret", "OutputValue": "try/ingest-token"}
        return {"Stacks": [{"Outputs": [output]}]}

    def describe_stack_resources(self, **_asked: str) -> dict[str, Any]:
        kinds = {"IngestFunction": "AWS::Lambda::Function", "ProfileQueue": "AWS::SQS::Queue"}
        return {
            "StackResources": [
                {
                    "LogicalResourceId": each,
                    "PhysicalResourceId": f"try-{each}",
                    "ResourceType": kind,
                }
                for each, kind in kinds.items()
            ]
        }

    def get_function_configuration(self, **asked: str) -> dict[str, Any]:
        assert asked == {"FunctionName": "try-IngestFunction"}
        return {"Environment": {"Variables": self._variables}}

    def get_secret_value(self, **asked: str) -> dict[str, str]:
        assert asked == {"SecretId": "try/ingest-token"}
        return {"SecretString": f"{TOKEN}\n"}


class Session:
    """A session of boto3's as the shell sets it up."""

    def __init__(self) -> None:
        self.region_name: str | None = "eu-west-1"
        self.credentials: object | None = object()
        self.variables = {"QUEUE_URL": "https://queue", "AWS_ENDPOINT_URL": ""}
        self.failure: Exception | None = None

    def get_credentials(self) -> object | None:
        return self.credentials

    def client(self, service: str) -> Client:
        assert service in {"cloudformation", "lambda", "secretsmanager"}
        return Client(self.variables, self.failure)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Session:
    made = Session()
    monkeypatch.setattr(boto3, "Session", lambda **_: made)
    monkeypatch.setattr(docker, "check", lambda: None)
    monkeypatch.setattr(invoke, "_EVENT", tmp_path / "build" / "event.json")
    monkeypatch.setattr(invoke, "_VARIABLES", tmp_path / "build" / "env.json")
    return made


def prepare(event: str = "ingest-object", function: str = "IngestFunction") -> int:
    return invoke.main(["prepare", function, str(EVENTS / f"{event}.json"), "try"])


def test_a_push_has_the_stacks_own_token_a_new_id_and_the_time_of_now() -> None:
    before = event_of("ingest-object")
    made = events.fresh(before, TOKEN, NOW)
    assert made["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert made["multiValueHeaders"]["Authorization"] == [f"Bearer {TOKEN}"]
    context = made["requestContext"]
    assert context["requestTimeEpoch"] == 1_935_817_689_000
    assert context["requestTime"] == "06/May/2031:07:08:09 +0000"
    assert re.fullmatch(r"[0-9a-f-]{36}", context["requestId"])
    assert context["requestId"] != events.fresh(before, TOKEN, NOW)["requestContext"]["requestId"]
    assert before == event_of("ingest-object")
    assert made["body"] == before["body"]


@pytest.mark.parametrize("name", ["ingest-wrong-token", "preview-wrong-token"])
def test_a_wrong_token_stays_wrong(name: str) -> None:
    assert not events.shows_token(event_of(name))
    assert TOKEN not in json.dumps(events.fresh(event_of(name), TOKEN, NOW))


@pytest.mark.parametrize("name", ["delivery-batch", "delivery-unusable", "delivery-undecodable"])
def test_the_records_of_a_batch_were_accepted_just_now_by_one_push(name: str) -> None:
    records = events.fresh(event_of(name), "", NOW)["Records"]
    request_ids = {each["messageAttributes"]["request_id"]["stringValue"] for each in records}
    assert len(request_ids) == 1
    assert request_ids.isdisjoint({"c6af9ac6-7b61-11e6-9a41-93e8deadb0ff"})
    assert len({each["messageId"] for each in records}) == len(records)
    for record in records:
        assert record["attributes"]["SentTimestamp"] == "1935817689000"
        assert record["messageAttributes"]["accepted_at"]["stringValue"] == "1935817689000"
        assert record["attributes"]["ApproximateFirstReceiveTimestamp"] == "1935817689000"


def test_the_schedule_is_of_now() -> None:
    made = events.fresh(event_of("token-refresh-schedule"), "", NOW)
    assert made["time"] == "2031-05-06T07:08:09+00:00"
    assert made["id"] != event_of("token-refresh-schedule")["id"]


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.iterdir()))
def test_of_every_event_nothing_is_left_that_is_old(name: str) -> None:
    made = json.dumps(events.fresh(event_of(name), TOKEN, NOW) | {"body": ""})
    assert not re.search(r"\b17954\d{8}\b|23/Nov/2026|2026-11-23", made)


@pytest.mark.usefixtures("session")
def test_what_is_written_is_its_owners_alone() -> None:
    invoke._EVENT.parent.mkdir()
    invoke._EVENT.write_text("of an earlier time, and readable by all")
    assert prepare() == 0
    written = json.loads(invoke._EVENT.read_text())
    assert written["headers"]["Authorization"] == f"Bearer {TOKEN}"
    variables = {"QUEUE_URL": "https://queue", "AWS_ENDPOINT_URL": ""}
    assert json.loads(invoke._VARIABLES.read_text()) == {"IngestFunction": variables}
    for path in (invoke._EVENT, invoke._VARIABLES):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def no_docker() -> None:
    raise docker.DockerError("Docker is missing: no `docker` is on the PATH.")


def change(session: Session, **members: object) -> None:
    for name, value in members.items():
        setattr(session, name, value)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (lambda its: change(its, credentials=None), "No AWS credentials are set: name a profile"),
        (lambda its: change(its, region_name=None), "No AWS region is set: name one"),
        (lambda its: change(its, failure=NO_STACK), "There is no stack try in this account and"),
        (
            lambda its: change(its, failure=EndpointConnectionError(endpoint_url="http://there")),
            'AWS: Could not connect to the endpoint URL: "http://there"',
        ),
        (
            lambda its: change(its, variables={"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}),
            "No container reaches the local stack at http://127.0.0.1:4566: start it with `make "
            "local ADDRESS=docker`.",
        ),
    ],
)
def test_what_is_missing_is_told_in_one_sentence_and_nothing_is_written(
    session: Session,
    capsys: pytest.CaptureFixture[str],
    missing: Callable[[Session], None],
    sentence: str,
) -> None:
    missing(session)
    assert prepare() == 1
    told = capsys.readouterr().err
    assert told.startswith(sentence)
    assert told.count("\n") == 1
    assert not invoke._EVENT.exists()


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("event", "function", "sentence"),
    [
        ("nothing-of-that-name", "IngestFunction", "can't be read: No such file or directory."),
        ("ingest-object", "NoFunction", "Stack try has no function NoFunction."),
    ],
)
def test_a_wrong_name_is_told(
    capsys: pytest.CaptureFixture[str], event: str, function: str, sentence: str
) -> None:
    assert prepare(event, function) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("session")
def test_docker_is_looked_for_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docker, "check", no_docker)
    assert prepare() == 1
    assert capsys.readouterr().err == "Docker is missing: no `docker` is on the PATH.\n"


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ('{"statusCode": 403, "body": "{}"}\n', ""),
        ('{"batchItemFailures": []}', ""),
        ('a line that was printed\n{"results": []}\n', ""),
        (
            '{"errorMessage": "x", "errorType": "KeyError"}',
            "failed with KeyError",
        ),
        ('{"errorMessage": "Task timed out after 3.00 seconds"}', "failed with an error"),
        ("", "gave no answer: it ended, or its time was over"),
        ("\n\n", "gave no answer: it ended, or its time was over"),
    ],
)
def test_a_function_that_failed_is_told_from_one_that_answered(shown: str, reason: str) -> None:
    assert invoke.failure(shown) == reason


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("shown", "code", "ends"),
    [('{"statusCode": 202}', 0, 0), ('{"errorMessage": "x"}', 0, 1), ("", 0, 1), ("", 2, 1)],
)
def test_an_invocation_that_failed_ends_with_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, shown: str, code: int, ends: int
) -> None:
    commands: list[list[str]] = []

    def sam(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, code, shown)

    monkeypatch.setattr(subprocess, "run", sam)
    assert invoke.main(["run", "IngestFunction", "--", "--skip-pull-image"]) == ends
    [command] = commands
    assert command[1:4] == ["local", "invoke", "IngestFunction"]
    assert command[-3:] == ["--region", "eu-west-1", "--skip-pull-image"]


@pytest.mark.parametrize(
    ("configured", "address"),
    [
        ([{"Subnet": "172.17.0.0/16"}], "172.17.0.1"),
        ([{"Subnet": "fd00::/64"}, {"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.9"}], "10.9.0.9"),
    ],
)
def test_dockers_bridge_is_found(
    monkeypatch: pytest.MonkeyPatch, configured: list[dict[str, str]], address: str
) -> None:
    shown = json.dumps([{"IPAM": {"Config": configured}}])
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, shown)
    )
    assert docker.bridge_address() == address


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (FileNotFoundError(), "Docker is missing: no `docker` is on the PATH."),
        (subprocess.TimeoutExpired("docker", 15), "Docker does not answer within 15 s."),
        (
            subprocess.CalledProcessError(1, "docker", stderr="Cannot connect to the daemon\n"),
            "Docker can't be used: Cannot connect to the daemon",
        ),
    ],
)
def test_why_docker_can_not_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(docker.DockerError) as raised:
        docker.check()
    assert str(raised.value) == sentence
