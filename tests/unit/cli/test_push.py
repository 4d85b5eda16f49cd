import contextlib
import io
import json
import os
import random
import re
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from typer.testing import Result

from attendee_sync import http_client
from attendee_sync.ingest.api import MAX_BODY_BYTES, HttpRequest
from attendee_sync.messaging.messages import MAX_PROFILE_BYTES
from attendee_sync_cli.commands import push as command
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.profiles import profile_files, push_client, push_follower
from attendee_sync_cli.profiles.places import PlaceGroup
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.stack import DELIVERY_LOG, INGEST_TOKEN, PUSH_URL, STACK, Aws, Clock

ADA = {"email": "ada@example.com", "firstname": "Ada", "zip": "02110"}
BEN = {"email": "ben@example.com"}
NOBODY = {"firstname": "Ada"}
# What of the above is a value.
VALUES = ("ada", "ben@", "02110")


def person(number: int) -> dict[str, str]:
    return {"email": f"ada-{number}@example.com"}


def lines(*profiles: object) -> str:
    return "\n".join(map(json.dumps, profiles))


class Api:
    """The stack's API, with ingest behind it."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.http = fakes.Http(self.reply)
        self.clock = Clock()
        self.waits: list[float] = []
        self.troubles: list[fakes.Reply | None] = []  # instead of the next answers
        self.trouble: fakes.Reply | None = None  # instead of all further ones
        self.seconds = 0.0  # that an answer takes
        self._log = io.StringIO()
        self._ingest = aws.ingest()

    def reply(self, call: fakes.Call) -> fakes.Reply:
        self.clock.now += self.seconds
        trouble = self.troubles.pop(0) if self.troubles else self.trouble
        if trouble:
            return trouble
        request = HttpRequest(
            request_id=f"request-{len(self.http.calls)}",
            destination=call.url.split("/")[-2],
            headers={name.lower(): value for name, value in call.headers.items()},
            body=call.body,
        )
        with contextlib.redirect_stdout(self._log):  # it is not the command's output
            answer = self._ingest.push(request)
        return fakes.Reply(answer.status, json.dumps(answer.body).encode(), answer.headers)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.waits.append(seconds)
        self.clock.now += seconds

    @property
    def sizes(self) -> list[int]:
        """How many profiles the requests had."""
        return [len(call.body.split("\n")) for call in self.http.calls]

    @property
    def queued(self) -> list[str]:
        """The texts of the profiles on the queue, in order."""
        return [sent.body for sent in self.aws.sqs.profiles]


class Line(CommandLine):
    """Runs commands that show no value of a profile."""

    def run(self, *arguments: str, given: str | None = None) -> Result:
        result = super().run(*arguments, given=given)
        assert not [value for value in VALUES if value in result.output.lower()]
        return result


@pytest.fixture
def api(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api(aws)

    def session(pool_size: int) -> requests.Session:
        assert pool_size == 1
        return made.http.session()

    monkeypatch.setattr(http_client, "session", session)
    time = SimpleNamespace(monotonic=made.clock, sleep=made.sleep)
    monkeypatch.setattr(push_client, "time", time)
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)
    return made


@pytest.fixture
def line(aws: Aws, monkeypatch: pytest.MonkeyPatch, api: Api) -> CommandLine:
    assert api
    return Line(aws, monkeypatch)


def report(line: CommandLine, *arguments: str, given: str | None = None) -> Any:
    """Push and return the report for programs, whatever the exit code is."""
    return json.loads(line.run("push", "default", *arguments, "--json", given=given).stdout)


def failing(status: int, **headers: str) -> fakes.Reply:
    return fakes.Reply(status, b"<html>ada@example.com</html>", headers)


# --- formats ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.json", '{"n": 1.0,\r\n "big": 12345678901234567890123, "email": "ada@example.com"}', 1),
        ("a.json", '[{"n": 1e2, "email": "ada@example.com"},\n {"email" : "ben@example.com"}]', 2),
        ("a.json", '{"profiles": [{"n": 0.10, "email": "ada@example.com"}]}', 1),
        ("a.json", '{"n": 1.0, "email": "ada@example.com"}\n{"email": "ben@example.com"}', 2),
        ("a", '\ufeff\n{"n": 1.0, "email": "ada@example.com"}\n\n{"email": "b@example.com"}\n', 2),
        (
            "a.ndjson",
            '{"n":1.00,"email":"ada@example.com","profiles":[{"email":"x@example.com"}]}',
            1,
        ),
        ("a.jsonl", '{"email": "ada@example.com", "é": "\\u00e9 \U0001f600"}\r\n', 1),
    ],
)
def test_json_is_pushed_as_it_is_written(  # noqa: PLR0913, PLR0917
    line: CommandLine, api: Api, tmp_path: Path, name: str, text: str, expected: int
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    line.succeed("push", "default", str(path))
    assert len(api.queued) == expected
    flat = text.replace("\n", " ")
    assert all(queued in flat for queued in api.queued)


def test_profiles_are_where_the_settings_say(line: CommandLine, api: Api, aws: Aws) -> None:
    aws.set_destination("default", event_code="summit2027", profiles_at="payload.Leute")
    ada, ben = {"email": "ada@example.com"}, {"email": "ben@example.com"}
    text = json.dumps({"page": 1, "payload": {"Leute": [ada, ben]}})
    line.succeed("push", "default", "-", given=text)
    beside = {"_envelope": {"page": 1}}
    assert [json.loads(queued) for queued in api.queued] == [beside | ada, beside | ben]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("beginning", ["", "\ufeff", "\r\n"])
def test_csv_is_pushed_as_nested_texts(
    line: CommandLine, api: Api, tmp_path: Path, separator: str, beginning: str
) -> None:
    rows = [
        ["email", "phone", "workAddress.city", "workAddress.postalCode", "age"],
        ["ada@example.com", "0049 30,1;2", "", "02110", "1.0"],
        ["", "", " ", "", ""],
        ["ben@example.com", "", '"A ""b""\r\nc"', "7", ""],
    ]
    rows[1][1] = f'"{rows[1][1]}"'
    path = tmp_path / "a.csv"
    path.write_bytes((beginning + "\r\n".join(map(separator.join, rows))).encode())
    line.succeed("push", "default", str(path))
    assert [json.loads(each) for each in api.queued] == [
        {
            "email": "ada@example.com",
            "phone": "0049 30,1;2",
            "workAddress": {"postalCode": "02110"},
            "age": "1.0",
        },
        {
            "email": "ben@example.com",
            "workAddress": {"city": 'A "b"\r\nc', "postalCode": "7"},
        },
    ]


def test_one_column_of_csv_is_enough(line: CommandLine, api: Api) -> None:
    line.succeed("push", "default", "-", given="email\nada@example.com\n")
    assert [json.loads(each) for each in api.queued] == [{"email": "ada@example.com"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("email,city,email\na,b,c\n", "line 1: columns 1 and 3 have the same name"),
        ("email;\na;b\nc\n", "line 2 has a value in column 2, which has no name"),
        ("email\nada@example.com;b\nb@example.com;c\n", "line 2 has a value in column 2"),
        ("email\tcity\nada@example.com\tb\nc\td\te\n", "line 3 has a value in column 3"),
        ('email,city\nada@example.com,"b\nc"\nb@example.com,c,d\n', "line 4 has a value"),
        (" ada@Example.com,Ada\nben@example.com,Ben\n", "line 1 is no header line: in column 1"),
        ("email\n", "no profile: the file is empty, or has but a header line"),
        ("", "the body is empty"),
        ("{}3\n\n{]\n", "not JSON: Extra data (line 1, column 3)"),
        ("[]\n", "no profile in the body: the list is empty"),
        ('[{"email": "ada@example.com"}', "not JSON: Expecting ',' delimiter"),
    ],
)
def test_a_broken_file_is_told_before_anything_is_pushed(
    line: CommandLine, api: Api, text: str, told: str
) -> None:
    said = line.fail("push", "default", "-", given=text)
    assert said.startswith("<stdin>: ")
    assert told in said
    assert not api.http.calls


def test_what_is_no_text_is_told_with_its_line(line: CommandLine, api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"email\nben@example.com\n\xff\n")
    assert "line 3 is not UTF-8 text" in line.fail("push", "default", str(tmp_path / "a.csv"))
    assert not api.http.calls


@pytest.mark.parametrize(
    "text", [json.dumps([ADA, BEN]), f"[\n{json.dumps(ADA)},\n{json.dumps(BEN)}]", lines(ADA, BEN)]
)
def test_what_is_too_long_in_one_piece_is_told(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(profile_files, "_MAX_BYTES", len(json.dumps(ADA)) + 1)
    if text.startswith("{"):
        line.succeed("push", "default", "-", given=text)
    else:
        told = line.fail("push", "default", "-", given=text)
        assert "as newline-delimited JSON, with a line for each profile" in told


def test_a_long_file_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(lines(*map(person, range(3000))))
    with path.open("rb") as file:
        found = iter(profile_files.read(file).found)
        assert [next(found).place for _ in range(3)] == [1, 2, 3]
        assert file.tell() < path.stat().st_size / 2


def test_a_pipe_is_pushed_as_far_as_it_can_be_read(line: CommandLine) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"email\n" + b"ben@example.com\n" * 12 + b"a,b\n")
    os.close(writer)
    result = line.run("push", "default", f"/dev/fd/{reader}", "--json")
    os.close(reader)
    assert result.exit_code == 1
    assert "line 14 has a value in column 2" in result.stderr
    told = json.loads(result.stdout)
    assert (told["profiles"], told["read"], told["accepted"]) == (None, 10, 10)
    assert "line 14 has a value in column 2" in told["ended"]


def test_a_file_that_can_not_be_read_is_told() -> None:
    class Broken(io.BytesIO):
        name = "broken.csv"

        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(FailureError, match=re.escape("broken.csv: Input/output error")):
        profile_files.read(Broken())


# --- a file that can't be meant ---


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Name;Kontakt;Ort\nAda;ada@example.com;Lehi\nBen;ben@example.com;\n",
            "Its columns: Name, Kontakt, Ort. If Kontakt has the e-mail addresses: "
            '--column "Kontakt=email"',
        ),
        ("Name;E-Mial\nAda;\nBen;none\n", 'If E-Mial has the e-mail addresses: --column "E-Mial='),
        ("{}\n{}", "(2). Is it the right file?"),
        (
            "Name,E-mail\nAda,\nBen,none\n",
            "Its columns: Name, E-mail. E-mail is for e-mail addresses, but has none that can be",
        ),
        ("name,city\nX,Lehi\nY,\n", "Its columns: name, city. Is it the right file?"),
        (
            lines(*[{"who": {"contact": "ben@example.com"}, "x@example.com": 1}] * 2),
            "Attributes: who.contact, *. If who.contact has the e-mail addresses: map email to",
        ),
        (
            json.dumps([{"who": {"contact": "ben@example.com"}, "x@example.com": 1}] * 2),
            "Attributes: who.contact, *. If who.contact has the e-mail addresses: map email to",
        ),
    ],
)
def test_a_file_without_an_address_is_told_before_anything_is_pushed(
    line: CommandLine, api: Api, text: str, told: str
) -> None:
    said = line.fail("push", "default", "-", given=text)
    assert said.startswith("<stdin>: nothing was pushed, as every profile would be rejected: ")
    assert "(2). " in said
    assert told in said
    assert not api.http.calls


def test_a_column_can_be_told_to_have_the_addresses(line: CommandLine, api: Api) -> None:
    text = "Name;Kontakt\nAda;ada@example.com\n"
    line.succeed("push", "default", "-", "--column", "Kontakt=email", given=text)
    assert len(api.queued) == 1


def test_a_destination_of_its_own_mind_is_asked_where_addresses_stand(
    line: CommandLine, api: Api
) -> None:
    api.aws.set_destination("default", event_code="e", mapping={"email": "contact.mail"})
    text = "contact_mail;city\n;Lehi\n"
    assert '--column "contact_mail=contact.mail"' in line.fail("push", "default", "-", given=text)
    line.succeed("push", "default", "-", given=json.dumps({"contact": {"mail": BEN["email"]}}))


def test_one_address_is_enough_to_begin(line: CommandLine, api: Api) -> None:
    result = line.run("push", "default", "-", given="city,email\n" + "Lehi,\n" * 50 + "x,b@x.org\n")
    assert "51 profiles read, 1 accepted, 50 not accepted" in result.stdout
    assert len(api.queued) == 1


def test_settings_that_are_not_valid_keep_nobody_from_pushing(line: CommandLine, api: Api) -> None:
    api.aws.set_destination("default", nonsense=True)
    line.succeed("push", "default", "-", given=json.dumps(BEN))


def test_if_none_of_the_first_hundred_is_accepted_it_ends(line: CommandLine, api: Api) -> None:
    given = lines(*[NOBODY] * 150, *map(person, range(5_000)))
    result = line.run("push", "default", "-", "--rate", "0", given=given)
    assert result.exit_code == 1
    assert "none of the first 100 is accepted; rejected: missing_email" in result.stderr
    assert "The first 100 of 5150 profiles of the file are done" in result.stderr
    assert "100 profiles read, 0 accepted, 100 not accepted; 10 requests" in result.stdout
    assert len(api.http.calls) == 10


def test_if_none_of_the_first_hundred_can_be_sent_it_ends(line: CommandLine, api: Api) -> None:
    result = line.run("push", "default", "-", given="{}\n" + "{]\n" * 150 + json.dumps(BEN))
    assert "none of the first 100 is accepted; not sent: malformed: not JSON" in result.stderr
    assert api.sizes == [1]  # the empty object


# --- where to, and with what ---


def test_it_goes_to_the_destination_with_the_token(line: CommandLine, api: Api) -> None:
    api.aws.set_destination("emea", connection="default", event_code="summit2027")
    line.succeed("push", "emea", "-", given=json.dumps(BEN))
    [call] = api.http.calls
    assert call.method == "POST"
    assert call.url == PUSH_URL.replace("default", "emea")
    assert call.headers["Authorization"] == f"Bearer {INGEST_TOKEN}"
    assert call.headers["Content-Type"] == "application/x-ndjson"
    assert "Host" not in call.headers
    assert call.timeout
    assert api.aws.sqs.profiles[0].attributes["destination"] == "emea"


def test_a_proxy_is_used_and_netrc_is_not(
    line: CommandLine, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login made password up")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    line.succeed("push", "default", "-", given=json.dumps(BEN))
    [call] = api.http.calls
    assert call.proxies["https"] == "http://proxy.example.com:3128"
    assert call.headers["Authorization"] == f"Bearer {INGEST_TOKEN}"


def test_a_local_cloud_is_reached_without_a_proxy(
    line: CommandLine, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    line.succeed("push", "default", "-", given=json.dumps(BEN))
    [call] = api.http.calls
    assert call.url == "http://127.0.0.1:4566/prod/v1/destinations/default/profiles"
    assert call.headers["Host"] == "abc123.execute-api.localhost"
    assert not call.proxies


def test_an_unknown_destination_is_told_without_a_push(line: CommandLine, api: Api) -> None:
    told = line.fail("push", "emea", "-", given=json.dumps(BEN))
    assert "There is no destination emea" in told
    assert not api.http.calls


def test_a_stack_without_a_token_is_told(line: CommandLine, api: Api) -> None:
    del api.aws.secrets.versions[f"{STACK}/ingest-token"]
    told = line.fail("push", "default", "-", given=json.dumps(BEN))
    assert "has no secret ingest-token" in told


@pytest.mark.parametrize("separator", ["\n", " ", "é"])
def test_a_token_that_no_header_can_hold_is_not_shown(
    line: CommandLine, api: Api, separator: str
) -> None:
    api.aws.secrets.rotate(f"{STACK}/ingest-token", f"{INGEST_TOKEN}{separator}{INGEST_TOKEN}")
    told = line.fail("push", "default", "-", given=json.dumps(BEN))
    assert "has no secret ingest-token that a header can hold" in told


@pytest.mark.parametrize("url", ["https:///destinations/default/profiles", "https://example.com/"])
def test_an_output_that_is_no_url_is_told(line: CommandLine, api: Api, url: str) -> None:
    api.aws.stacks.outputs[STACK]["PushUrl"] = url
    told = line.fail("push", "default", "-", given=json.dumps(BEN))
    assert "The stack's output PushUrl is no URL to push to." in told


# --- requests, their pace and their order ---


def test_profiles_are_pushed_in_batches_in_the_order_of_the_file(
    line: CommandLine, api: Api
) -> None:
    everyone: list[dict[str, Any]] = [{**person(n % 7), "n": n} for n in range(25)]
    line.succeed("push", "default", "-", given=lines(*everyone))
    assert api.sizes == [10, 10, 5]
    queued = [json.loads(each) for each in api.queued]
    for email in {each["email"] for each in everyone}:
        assert [each for each in queued if each["email"] == email] == [
            each for each in everyone if each["email"] == email
        ]


def test_the_size_of_a_batch_can_be_chosen(line: CommandLine, api: Api) -> None:
    line.succeed("push", "default", "-", "--batch", "3", given=lines(*map(person, range(7))))
    assert api.sizes == [3, 3, 1]


@pytest.mark.parametrize("batch", ["0", "101"])
def test_a_batch_that_is_too_large_or_none_is_a_usage_error(line: CommandLine, batch: str) -> None:
    line.fail("push", "default", "-", "--batch", batch, given="{}", code=2)


def test_no_body_is_larger_than_ingest_takes(line: CommandLine, api: Api) -> None:
    large = [{**person(number), "text": "é" * 450_000} for number in range(8)]
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in large)
    line.succeed("push", "default", "-", given=text)
    assert all(len(call.body.encode()) <= MAX_BODY_BYTES for call in api.http.calls)
    assert api.sizes == [4, 4]


def test_no_more_profiles_a_second_are_pushed_than_asked_for(line: CommandLine, api: Api) -> None:
    started = api.clock.now
    api.seconds = 0.1
    line.succeed("push", "default", "-", "--rate", "20", given=lines(*map(person, range(200))))
    assert 9 <= api.clock.now - started <= 10  # a second's worth may come at once


def test_slow_answers_are_made_up_for(line: CommandLine, api: Api) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        api.seconds = 0.8 if len(api.http.calls) % 2 else 0.0
        return api.reply(call)

    api.http.reply = reply
    started = api.clock.now
    line.succeed("push", "default", "-", "--rate", "20", given=lines(*map(person, range(200))))
    assert 9 <= api.clock.now - started <= 10


def test_without_a_rate_nothing_waits(line: CommandLine, api: Api) -> None:
    line.succeed("push", "default", "-", "--rate", "0", given=lines(*map(person, range(40))))
    assert api.waits == []


# --- again ---


@pytest.mark.parametrize(
    "trouble",
    [
        failing(408),
        failing(429),
        failing(500),
        failing(503),
        failing(504),
        fakes.Reply(error=requests.ConnectionError("ada@example.com")),
    ],
)
def test_what_may_pass_is_tried_again(line: CommandLine, api: Api, trouble: fakes.Reply) -> None:
    api.troubles = [trouble, trouble, trouble]
    told = report(line, "-", "--rate", "0", given=lines(ADA, BEN))
    assert (told["accepted"], told["requests"], told["repeats"]) == (2, 1, 3)
    assert api.waits == [1.0, 2.0, 4.0]
    assert len({call.body for call in api.http.calls}) == 1


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("0", 1.0), ("900", 30.0), ("nonsense", 1.0)]
)
def test_it_waits_as_long_as_it_is_asked_to(
    line: CommandLine, api: Api, asked: str, waited: float
) -> None:
    api.troubles = [failing(503, **{"Retry-After": asked})]
    line.succeed("push", "default", "-", given=json.dumps(BEN))
    assert api.waits == [pytest.approx(waited)]


def test_waits_end_and_grow_no_longer_than_half_a_minute(line: CommandLine, api: Api) -> None:
    api.trouble = failing(503)
    told = report(line, "-", "--rate", "0", "--attempts", "8", given=json.dumps(BEN))
    assert api.waits == [1, 2, 4, 8, 16, 30, 30]
    assert told["not_accepted"] == [
        {
            "result": "failed",
            "status": 503,
            "reason": None,
            "detail": "Service Unavailable",
            "count": 1,
            "indexes": [0],
        }
    ]
    assert told["ended"] is None


def test_a_repeat_keeps_the_pace(line: CommandLine, api: Api) -> None:
    api.troubles = [failing(503)]
    line.succeed("push", "default", "-", "--rate", "2", given=lines(*map(person, range(10))))
    assert api.waits == [1.0, 4.0]


def test_an_outage_ends_it(line: CommandLine, api: Api) -> None:
    api.trouble = fakes.Reply(error=requests.ReadTimeout())
    result = line.run(
        "push", "default", "-", "--attempts", "1", given=lines(*map(person, range(90)))
    )
    assert result.exit_code == 1
    assert api.sizes == [10, 10, 10]
    assert ["failed: no answer (ReadTimeout)", "30"] in [row[:2] for row in cells(result.stdout)]
    assert "3 requests in a row failed. The first 30 of 90 profiles" in result.stderr


def test_a_failure_now_and_then_does_not_end_it(line: CommandLine, api: Api) -> None:
    trouble = failing(502)
    api.troubles = [trouble, trouble, None, trouble, trouble, None]
    told = report(line, "-", "--attempts", "1", given=lines(*map(person, range(60))))
    assert (told["accepted"], told["ended"]) == (20, None)
    assert told["not_accepted"][0]["count"] == 40


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (failing(401), "HTTP 401, Unauthorized: the token did not arrive"),
        (failing(403), "HTTP 403, Forbidden: is this machine's address in the stack's parameter"),
        (failing(404), "HTTP 404, Not Found: a new destination is known within a minute"),
    ],
)
def test_a_refusal_ends_it_at_once(
    line: CommandLine, api: Api, trouble: fakes.Reply, told: str
) -> None:
    api.troubles = [None, trouble]
    result = line.run("push", "default", "-", given=lines(*map(person, range(90))))
    assert result.exit_code == 1
    assert told in result.stderr
    assert "The first 20 of 90 profiles of the file are done" in result.stderr
    assert len(api.http.calls) == 2


def test_a_token_that_is_not_taken_ends_it(
    line: CommandLine, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        api.aws.secrets.rotate(f"{STACK}/ingest-token", "made-up-new-token")
    monkeypatch.setattr("attendee_sync_cli.stack.stack.Stack.secret", lambda *_: INGEST_TOKEN)
    told = line.fail("push", "default", "-", given=json.dumps(BEN))
    assert "HTTP 403, the ingest token is wrong: the token was rotated meanwhile" in told


@pytest.mark.parametrize("status", [400, 413])
def test_a_request_at_fault_itself_does_not_end_it(
    line: CommandLine, api: Api, status: int
) -> None:
    api.troubles = [failing(status)] * 4
    told = report(line, "-", "--rate", "0", given=lines(*map(person, range(50))))
    assert api.waits == []
    assert (told["accepted"], told["ended"]) == (10, None)
    assert [each["status"] for each in told["not_accepted"]] == [status]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"ada@example.com",
        b'{"requestId": "r", "accepted": 1, "rejected": []}',
        b'{"requestId": "r", "accepted": 1, "rejected": [{"index": 2, "reason": "x"}]}',
        b'{"requestId": "r", "accepted": "many", "rejected": [{"index": 0, "reason": "x"}]}',
    ],
)
def test_an_answer_that_is_not_ingest_s_accepts_nothing(
    line: CommandLine, api: Api, body: bytes
) -> None:
    api.trouble = fakes.Reply(202, body)
    told = report(line, "-", given=lines(ADA, BEN))
    assert told["accepted"] == 0
    assert told["not_accepted"][0]["status"] == 202
    assert len(api.http.calls) == 1


def test_a_redirect_is_not_followed(line: CommandLine, api: Api) -> None:
    api.trouble = failing(307, Location="https://elsewhere.example.com/")
    told = report(line, "-", given=json.dumps(BEN))
    assert told["not_accepted"][0]["status"] == 307
    assert len(api.http.calls) == 1


# --- the report ---

MIXED = (
    json.dumps([1]),
    json.dumps(ADA),
    "",
    json.dumps(NOBODY),
    "{",
    json.dumps({**ADA, "text": "x" * MAX_PROFILE_BYTES}),
    json.dumps(BEN),
    json.dumps({}),
)


STATUS_TELLS = "Accepted means queued: `attendee-sync status` tells what comes of it."
FAILURES_TELL = "`attendee-sync failures` tells of each rejected one why, and how to mend it."


def test_it_tells_what_was_not_accepted_and_where(line: CommandLine, api: Api) -> None:
    result = line.run("push", "default", "-", given=json.dumps({}) + "\n" + "\n".join(MIXED))
    assert result.exit_code == 1
    assert result.stderr == ""
    said = result.stdout.splitlines()
    assert said[0].startswith("8 profiles read, 2 accepted, 6 not accepted; 1 request, 0 repeats,")
    assert cells("\n".join(said[1:])) == [
        ["not accepted", "profiles", "lines in the file"],
        [
            "rejected: missing_email: no e-mail address under email, email address or a name like"
            " them, nor in identityMap",
            "3",
            "1, 5, 9",
        ],
        ["not sent: malformed: a profile is a JSON object, not an array", "1", "2"],
        [
            "not sent: malformed: not JSON: Expecting property name enclosed in double quotes "
            "(line 1, column 2)",
            "1",
            "6",
        ],
        ["not sent: too_large: larger than 1000000 bytes", "1", "7"],
        ["Request ids of pushes with rejected ones: request-1"],
        [STATUS_TELLS],
        [FAILURES_TELL],
    ]
    assert len(api.aws.sqs.dead_letters) == 3  # what was not sent is not among them


def test_the_report_for_programs(line: CommandLine) -> None:
    told = report(line, "-", "--batch", "2", given=json.dumps([ADA, NOBODY, BEN, 3]))
    assert told.pop("seconds") >= 0
    assert told == {
        "destination": "default",
        "ended": None,
        "profiles": 4,
        "read": 4,
        "done": 4,
        "accepted": 2,
        "not_accepted": [
            {
                "result": "rejected",
                "status": None,
                "reason": "missing_email",
                "detail": "no e-mail address under email, email address"
                " or a name like them, nor in identityMap",
                "count": 1,
                "indexes": [1],
            },
            {
                "result": "not sent",
                "status": None,
                "reason": "malformed",
                "detail": "a profile is a JSON object, not a number",
                "count": 1,
                "indexes": [3],
            },
        ],
        "requests": 2,
        "repeats": 0,
        "request_ids": ["request-1"],
        "waited": None,
    }


def test_at_most_twenty_places_are_shown_to_people(line: CommandLine) -> None:
    text = "email,firstname\n" + "ben@example.com,\n" + ",Ben\n" * 23
    shown = line.run("push", "default", "-", "--batch", "1", given=text).stdout
    assert f"{', '.join(map(str, range(3, 23)))} and 3 more" in shown
    assert "request-21 and 3 more" in shown
    [cause] = report(line, "-", given=text)["not_accepted"]
    assert cause["lines"] == list(range(3, 26))


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_exit_code_tells_whether_all_were_accepted(
    line: CommandLine, options: list[str]
) -> None:
    line.succeed("push", "default", "-", *options, given=lines(ADA, BEN))
    assert line.run("push", "default", "-", *options, given=lines(ADA, NOBODY)).exit_code == 1


def test_an_interruption_tells_how_far_it_came(line: CommandLine, api: Api, tmp_path: Path) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if len(api.http.calls) == 3:
            raise KeyboardInterrupt
        return api.reply(call)

    api.http.reply = reply
    everyone = lines(NOBODY, *map(person, range(89)))
    kept = tmp_path / "failed.ndjson"
    result = line.run("push", "default", "-", "--json", "--failed", str(kept), given=everyone)
    assert result.exit_code == 130
    assert "Ended early: interrupted. The first 20 of 90 profiles" in result.stderr
    assert "safe to push the file again" in result.stderr
    told = json.loads(result.stdout)
    assert (told["read"], told["done"], told["accepted"]) == (30, 20, 19)
    assert kept.read_text() == f"{json.dumps(NOBODY)}\n"


def test_a_file_that_was_pushed_already_is_taken_again(line: CommandLine, api: Api) -> None:
    for _ in range(2):
        line.succeed("push", "default", "-", given=lines(ADA, BEN))
    assert len(api.queued) == 4


def test_progress_is_shown_on_a_terminal_alone(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert line.run("push", "default", "-", given=lines(ADA, BEN)).stderr == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = line.run("push", "default", "-", "--json", given=lines(ADA, BEN))
    assert "profiles/s" in result.stderr
    assert json.loads(result.stdout)["accepted"] == 2


# --- what was not accepted, to be mended ---


def test_what_was_not_accepted_can_be_mended_and_pushed(
    line: CommandLine, api: Api, tmp_path: Path
) -> None:
    kept = tmp_path / "failed.ndjson"
    api.troubles = [None, failing(400)]
    path = tmp_path / "mixed.ndjson"
    path.write_text("\n".join(MIXED))
    line.fail("push", "default", str(path), "--batch", "4", "--failed", str(kept))
    expected = [MIXED[0], MIXED[3], MIXED[4], MIXED[5], MIXED[6], MIXED[7]]
    assert kept.read_text().splitlines() == expected
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    mended = kept.read_text().splitlines()[4]
    line.succeed("push", "default", "-", given=mended)
    assert api.queued == [MIXED[1], MIXED[6]]


def test_a_profile_over_several_lines_is_written_on_one(line: CommandLine, tmp_path: Path) -> None:
    kept = tmp_path / "failed.ndjson"
    text = json.dumps([{"firstname": "Ada \n", "number": 1.0}, BEN], indent=2)
    line.run("push", "default", "-", "--failed", str(kept), given=text)
    [written] = kept.read_text().splitlines()
    assert json.loads(written) == {"firstname": "Ada \n", "number": 1.0}


def test_a_full_disk_ends_it_with_the_report(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "_kept", lambda _path: contextlib.nullcontext(write))
    result = line.run("push", "default", "-", "--failed", "a.ndjson", given=lines(BEN, NOBODY))
    assert result.exit_code == 1
    assert "Ended early: a.ndjson can't be written: No space left on device." in result.stderr
    assert "2 profiles read, 1 accepted, 1 not accepted" in result.stdout


def test_no_empty_file_is_left(line: CommandLine, tmp_path: Path) -> None:
    kept = tmp_path / "failed.ndjson"
    line.succeed("push", "default", "-", "--failed", str(kept), given=lines(ADA))
    line.fail("push", "default", "-", "--failed", str(kept), given="")
    assert not kept.exists()


def test_no_file_is_written_over(line: CommandLine, api: Api, tmp_path: Path) -> None:
    kept = tmp_path / "failed.ndjson"
    kept.write_text("precious")
    told = line.fail("push", "default", "-", "--failed", str(kept), given=lines(NOBODY), code=2)
    assert "File exists" in told
    assert kept.read_text() == "precious"
    assert not api.http.calls


def test_the_help_teaches(line: CommandLine) -> None:
    shown = " ".join(line.succeed("push", "--help").split())
    for words in ("attendee-sync preview", "Repeats are safe", "attendee-sync push default"):
        assert words in shown


# --- to their ends ---


class DeliveryLog:
    """Delivery's log, which gets lines while the command waits."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self.aws = aws
        self.clock = clock
        self.pauses: list[float] = []
        self.script: list[list[str]] = []  # the lines that come during each pause
        self.late = 0.0  # seconds by which lines are older than their coming
        self.is_interrupted = False

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        if self.is_interrupted:
            raise KeyboardInterrupt
        self.pauses.append(seconds)
        self.clock.now += seconds
        for line in self.script.pop(0) if self.script else []:
            self.aws.logs.write(DELIVERY_LOG, line, self.time() - self.late)

    def time(self) -> float:
        return 1_700_000_000 + self.clock.now


@pytest.fixture
def delivery(api: Api, monkeypatch: pytest.MonkeyPatch) -> DeliveryLog:
    made = DeliveryLog(api.aws, api.clock)
    time = SimpleNamespace(monotonic=made.clock, time=made.time, sleep=made.sleep)
    monkeypatch.setattr(push_follower, "time", time)
    return made


WITHOUT_ANSWER = {"detail": "", "status": None, "code": None, "answer": None, "count": 1}


def ends(index: int, outcome: str = "delivered", *, request: int = 1, **members: object) -> str:
    identity = {"request_id": f"request-{request}", "index": str(index), "outcome": outcome}
    line = {"message": "profile settled", "destination": "default", **identity, **members}
    return json.dumps(line)


def put_back(index: int, reason: str) -> str:
    return ends(index, "retry", message="profile put back", reason=reason)


REFUSED: dict[str, Any] = {
    "reason": "refused",
    "detail": "RainFocus does not take this profile",
    "status": 400,
    "code": "105",
    "answer": "countryid is not known",
}


def test_profiles_are_followed_to_their_ends(line: CommandLine, delivery: DeliveryLog) -> None:
    refused = ends(2, "rejected", **REFUSED)
    delivery.script = [
        [ends(0), ends(0, request=9), put_back(1, "unavailable"), "no JSON"],
        [],
        [ends(1, "unchanged"), refused, ends(0, request=2)],
    ]
    given = "email\n" + "".join(f"ada-{n}@example.com\n" for n in range(4))
    result = line.run("push", "default", "-", "--batch", "3", "--wait", given=given)
    assert result.exit_code == 1
    assert result.stderr == ""
    assert delivery.pauses == [2.0, 2.0, 3.0]
    assert cells(result.stdout)[1:] == [
        ["4 of 4 at their end after 7 s"],
        ["profiles", "outcome", "reason", "lines in the file"],
        ["2", "delivered"],
        ["1", "unchanged"],
        [
            *("1", "rejected"),
            'refused: RainFocus does not take this profile (HTTP 400, code 105, "countryid is not '
            'known")',
            "4",
        ],
        [FAILURES_TELL],
    ]


def test_those_who_are_refused_otherwise_are_told_apart_and_who_is_taken_is_not(
    line: CommandLine, delivery: DeliveryLog
) -> None:
    other = REFUSED | {"code": "106", "answer": "zip is missing"}
    taken = [ends(n, status=200, code=code) for n, code in ((2, "0"), (3, "OK"))]
    delivery.script = [[ends(0, "rejected", **REFUSED), ends(1, "rejected", **other), *taken]]
    given = lines(ADA, BEN, person(1), person(2))
    result = line.run("push", "default", "-", "--wait", "--json", given=given)
    outcomes = json.loads(result.stdout)["waited"]["outcomes"]
    assert [(each["count"], each["code"], each["answer"]) for each in outcomes] == [
        (1, "105", "countryid is not known"),
        (1, "106", "zip is missing"),
        (2, None, None),
    ]


def test_where_all_end_well_the_exit_code_says_so(line: CommandLine, delivery: DeliveryLog) -> None:
    delivery.script = [[ends(0, "filtered", reason="filter"), ends(1)]]
    told = report(line, "-", "--wait", given=lines(ADA, BEN))
    assert told["waited"] == {
        "seconds": 2.0,
        "fault": None,
        "outcomes": [
            {"outcome": "filtered", "reason": "filter", **WITHOUT_ANSWER, "lines": [1]},
            {"outcome": "delivered", "reason": None, **WITHOUT_ANSWER, "lines": [2]},
        ],
        "waiting": [],
    }
    delivery.script = [[ends(0, request=2), ends(1, request=2)]]
    line.succeed("push", "default", "-", "--wait", given=lines(ADA, BEN))


def test_it_waits_no_longer_than_it_may(line: CommandLine, delivery: DeliveryLog) -> None:
    delivery.script = [[ends(0)], [put_back(1, "busy"), put_back(1, "paused")]]
    options = ("push", "default", "-", "--wait", "--timeout", "60", "--json")
    result = line.run(*options, given=lines(ADA, BEN, person(1)))
    assert result.exit_code == 1
    assert sum(delivery.pauses) == 60
    assert max(delivery.pauses) <= 20
    assert "Of 2 profiles the end is not known. They are on their way" in result.stderr
    assert json.loads(result.stdout)["waited"]["waiting"] == [
        {"reason": "paused", "count": 1, "lines": [2]},
        {"reason": "not_tried", "count": 1, "lines": [3]},
    ]


def test_a_line_that_comes_very_late_is_found(line: CommandLine, delivery: DeliveryLog) -> None:
    delivery.script = [*[[]] * 20, [ends(0)]]
    delivery.late = 300.0  # seconds, by which it is before what was read last
    line.succeed("push", "default", "-", "--wait", given=json.dumps(BEN))


def test_a_busy_log_is_asked_again(line: CommandLine, delivery: DeliveryLog) -> None:
    delivery.script = [[ends(0)]]
    line.aws.logs.failures = [fakes.denied("ThrottlingException", "FilterLogEvents")] * 2
    line.succeed("push", "default", "-", "--wait", given=json.dumps(BEN))
    assert len(delivery.pauses) == 2


def test_a_log_that_may_not_be_read_is_told_with_the_report(
    line: CommandLine, delivery: DeliveryLog
) -> None:
    line.aws.logs.failures = [fakes.denied("AccessDeniedException", "FilterLogEvents")]
    result = line.run("push", "default", "-", "--wait", given=json.dumps(BEN))
    assert result.exit_code == 1
    assert "as they can't be followed: AWS: FilterLogEvents failed with" in result.stderr
    assert "1 profile read, 1 accepted" in result.stdout
    assert not delivery.pauses


def test_an_interruption_of_waiting_tells_what_is_known(
    line: CommandLine, delivery: DeliveryLog
) -> None:
    delivery.is_interrupted = True
    result = line.run("push", "default", "-", "--wait", given=lines(ADA, BEN))
    assert result.exit_code == 130
    assert "0 of 2 at their end" in result.stdout


def test_only_accepted_profiles_are_followed_and_only_where_asked(
    line: CommandLine, api: Api, delivery: DeliveryLog
) -> None:
    delivery.script = [[ends(1)]]
    told = report(line, "-", "--wait", given=lines(NOBODY, BEN, 3))
    assert [each["lines"] for each in told["waited"]["outcomes"]] == [[2]]
    api.aws.logs.calls.clear()
    line.succeed("push", "default", "-", given=json.dumps(BEN))
    assert not api.aws.logs.calls


def test_places_are_listed_in_order_however_their_ends_came() -> None:
    group = PlaceGroup()
    for place in (7, 2, 5):
        group.add(place)
    assert group.listed() == "2, 5, 7"
