"""Answers in dialects that no settings of their own code know: read by settings alone.

The dialects are made by rules, from what an API of this kind may call things, nest, and write in.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest

from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from tests.support import fakes
from tests.support.stack import changed, token

STORED, TRANSIENT, TOKEN = AnswerKind.STORED, AnswerKind.TRANSIENT, AnswerKind.TOKEN
CONFIGURATION, PROFILE = AnswerKind.CONFIGURATION, AnswerKind.PROFILE
ID = "1700000000000001abcd"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

type Members = dict[str, Any]
type Writer = Callable[[Any], tuple[bytes, str]]


@dataclass(frozen=True)
class Dialect:
    """How answers are written, and the settings that read them."""

    name: str
    answers: Members
    stored: fakes.Reply
    refused: fakes.Reply
    code: str = "77"  # of what is refused
    message: str = "Company is unknown"
    attendee_id: str = ID

    def __str__(self) -> str:
        return self.name


def as_json(value: Any) -> tuple[bytes, str]:
    return json.dumps(value).encode(), "application/json"


def as_text(value: Any) -> tuple[bytes, str]:
    return str(value).encode(), "text/plain; charset=utf-8"


def as_form(value: Any) -> tuple[bytes, str]:
    return urlencode(value).encode(), "application/x-www-form-urlencoded"


def as_xml(value: Any) -> tuple[bytes, str]:
    text = f'<?xml version="1.0"?><r:reply xmlns:r="urn:x">{_elements(value)}</r:reply>'
    return text.encode(), "application/xml"


def as_attributes(value: Any) -> tuple[bytes, str]:
    given = " ".join(f'{name}="{escape(str(each))}"' for name, each in value.items())
    return f"<reply {given}/>".encode(), "text/xml"


def as_lines(value: Any) -> tuple[bytes, str]:
    return "\n".join(map(json.dumps, value)).encode(), "application/x-ndjson"


def _elements(value: Any) -> str:
    if not isinstance(value, dict):
        return escape(str(value))
    return "".join(
        f"<{name}>{_elements(each)}</{name}>"
        for name, some in value.items()
        for each in (some if isinstance(some, list) else [some])
    )


def reply(value: Any, status: int = 200, write: Writer = as_json) -> fakes.Reply:
    body, kind = write(value)
    return fakes.Reply(status, body, {"Content-Type": kind, "X-Attendee": ID})


def _names() -> Iterator[Dialect]:
    """Members of other names, with codes that are texts or numbers, written in each way."""
    names = [("code", "message", "id"), ("errorCode", "errorMessage", "rfId"), ("rc", "txt", "key")]
    for (code, message, key), write, good in itertools.product(
        names, (as_json, as_xml, as_attributes, as_form), ("OK", 1)
    ):
        yield Dialect(
            f"{code} {good!r}, {write.__name__}",
            {"code": code, "message": message, "attendee_id": key, "success_codes": [str(good)]},
            reply({code: good, message: "Done", key: ID}, write=write),
            reply({code: "77", message: "Company is unknown"}, write=write),
        )


def _nests() -> Iterator[Dialect]:
    """Envelopes within others, be it in JSON or in XML."""
    for path, write, status in itertools.product(
        ("status", "meta.result", "Envelope.Body.storeResponse"), (as_json, as_xml), (400, 422, 200)
    ):
        yield Dialect(
            f"{path}, refused by {status}, {write.__name__}",
            {
                "code": f"body.{path}.code",
                "message": f"body.{path}.text",
                "attendee_id": f"body.{path}.who.id",
            },
            reply(_nested(path, {"code": "0", "who": {"id": ID}}), write=write),
            reply(_nested(path, {"code": "77", "text": "Company is unknown"}), status, write),
        )


def _nested(path: str, value: Any) -> Any:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def _predicates() -> Iterator[Dialect]:
    """Success by another rule than a code."""
    refused = {"error": {"code": 77, "message": "Company is unknown"}}
    where = {"code": "body.error.code", "message": "body.error.message", "attendee_id": "id"}
    for success, stored in (
        ("body.success", {"success": True, "id": ID}),
        ("body.ok == 'yes'", {"ok": "yes", "id": ID}),
        ("body.error == null && body.id != null", {"id": ID}),
        ("not_null(body.id) != null", {"id": ID}),
        ("length(body.errors) == `0`", {"errors": [], "id": ID}),
        ("status == `201`", {"id": ID}),
        ('headers."x-attendee" == body.id', {"id": ID}),
    ):
        status = 201 if "201" in success else 200
        yield Dialect(
            success,
            {**where, "success": success},
            reply(stored, status),
            reply({**refused, "success": False, "errors": [1]}, 400),
        )
    for name, good, bad in (
        (
            "errors",
            {"errors": None, "id": ID},
            {"errors": [{"id": "77", "text": "Company is unknown"}]},
        ),
        (
            "data.errors",
            {"id": ID},
            {"data": {"errors": [{"id": "77", "text": "Company is unknown"}]}},
        ),
    ):
        yield Dialect(
            f"{name} without naming the body",
            {
                "code": f"{name}[0].id",
                "message": f"{name}[0].text",
                "attendee_id": "id || data.id",
                "success": f"!({name})",
            },
            reply(good),
            reply(bad),
        )
    for status in (200, 201, 202, 204):
        yield Dialect(
            f"success by {status} alone",
            {**where, "success": f"status == `{status}`"},
            fakes.Reply(status),
            reply(refused, 422),
            attendee_id="",
        )
    yield Dialect(
        "a text",
        {"success": "starts_with(body, 'OK')", "code": "body", "message": "body"},
        reply("OK, stored", write=as_text),
        reply("77", write=as_text),
        message="77",
        attendee_id="",
    )
    yield Dialect(
        "the id in a header, the status as code",
        {
            "code": "status",
            "success_codes": ["200", "201"],
            "message": "body.detail",
            "attendee_id": 'headers."x-attendee"',
        },
        reply({}, 201),
        reply({"detail": "Company is unknown"}, 422),
        code="422",
    )


def _inner() -> Iterator[Dialect]:
    """Results within the answer: one that is refused refuses the whole."""
    good, bad = {"code": "0", "id": ID}, {"code": "77", "text": "Company is unknown"}
    rules = {"message": "body.text", "attendee_id": "body.id"}
    for write, status in itertools.product((as_json, as_xml), (200, 207)):
        yield Dialect(
            f"results after a code, {status}, {write.__name__}",
            {**rules, "code": "body.responseCode || body.code", "inner": "body.results"},
            reply({"responseCode": "0", "results": [good]}, status, write),
            reply({"responseCode": "0", "results": [good, bad]}, status, write),
        )
        yield Dialect(
            f"results alone, {status}, {write.__name__}",
            {**rules, "code": "body.code", "inner": "body.data.results"},
            reply({"data": {"results": [good, good]}}, status, write),
            reply({"data": {"results": [bad, good]}}, status, write),
        )
    yield Dialect(
        "an array",
        {**rules, "code": "body.code", "inner": "body"},
        reply([good]),
        reply([bad]),
    )
    yield Dialect(
        "lines of JSON",
        {**rules, "code": "body.code", "inner": "body"},
        reply([good, good], write=as_lines),
        reply([good, bad], write=as_lines),
    )
    yield Dialect(
        "an array, success by a member",
        {"code": "error.code", "message": "error.text", "inner": "body", "success": "body.ok"}
        | {"attendee_id": "body.id"},
        reply([{"ok": True, "id": ID}]),
        reply([{"ok": False, "error": bad}]),
    )


ALL = [*_names(), *_nests(), *_predicates(), *_inner()]


def store(answer: fakes.Reply, **settings: Any) -> Answer:
    client = RainFocusClient(fakes.Http(answer).session())
    attendee = Attendee("summit2027", {"email": "ada@example.com", "lastname": "Byron"})
    return client.store(changed(**settings), token(), attendee, TRACE)


def test_there_are_many_dialects_and_each_has_its_name() -> None:
    assert len({each.name for each in ALL}) == len(ALL) >= 60


@pytest.mark.parametrize("dialect", ALL, ids=str)
def test_what_is_stored_is_known_by_settings_alone(dialect: Dialect) -> None:
    answer = store(dialect.stored, answers=dialect.answers)
    assert (answer.kind, answer.attendee_id) == (STORED, dialect.attendee_id)


@pytest.mark.parametrize("dialect", ALL, ids=str)
def test_what_is_refused_is_known_by_settings_alone(dialect: Dialect) -> None:
    answer = store(dialect.refused, answers=dialect.answers)
    assert answer.kind is PROFILE
    assert (answer.code, answer.message) == (dialect.code, dialect.message)


@pytest.mark.parametrize("dialect", ALL, ids=str)
@pytest.mark.parametrize(
    "answer",
    [
        fakes.Reply(200, b"<!DOCTYPE html><html>Log in</html>", {"Content-Type": "text/html"}),
        fakes.Reply(200, b" <html><body>Back soon</body></html>", {"Content-Type": "text/plain"}),
        fakes.Reply(500),
        fakes.Reply(302, b"", {"Location": "https://example.com"}),
    ],
)
def test_a_page_is_no_success_in_any_dialect(dialect: Dialect, answer: fakes.Reply) -> None:
    assert store(answer, answers=dialect.answers).kind is not STORED


@pytest.mark.parametrize(
    "results", [None, [], "0", [None], [[]], ["0"], {"code": "1"}, [{"code": "0"}, {}]]
)
def test_results_that_are_not_there_are_no_success(results: Any) -> None:
    settings = {"code": "body.responseCode || body.code", "inner": "body.results"}
    assert store(reply({"responseCode": "0", "results": results}), answers=settings).kind is PROFILE


@pytest.mark.parametrize(
    "beside",
    [
        {"errors": [{"code": "77"}]},
        {"error": {"message": "Company is unknown"}},
        {"Error": "Company is unknown"},
        {"failed": 1},
        {"rejected": ["ada"]},
        {"validationErrors": [{"text": "Company is unknown"}]},
        {"success": False},
        {"ok": False},
        {"success": "False"},
        {"errors": [None, {"email": ["is unknown"]}]},
        {"errors": {"count": 0, "code": 77}},
        {"error": [[[[[[]]]]]]},  # nothing reads so deep
        {"results": [{"responseCode": "0"}, {"responseCode": "77"}]},
        {"attendees": [{"responseCode": 77}]},
        {"results": [{"index": 0, "status": "failed", "reason": "event unknown"}]},
        {"records": [{"status": "REJECTED", "message": "Company is unknown"}]},
        {"data": {"items": [{"success": False}]}},
        {"data": {"firstName": "Ada", "last_name": "Okoye", "results": [{"status": "failed"}]}},
        {"results": [{"firstname": "Ada", "lastname": "Okoye", "status": "failed"}]},
        {"result": {"outcome": "error"}},
        {"status": "failed"},
    ],
)
def test_a_code_of_success_beside_a_failure_is_none_by_default(beside: Members) -> None:
    assert store(reply({"responseCode": "0", **beside})).kind is PROFILE
    settings = {"success": "body.responseCode == '0'"}
    assert store(reply({"responseCode": "0", **beside}), answers=settings).kind is STORED


@pytest.mark.parametrize(
    "beside",
    [
        {"errors": [], "error": None, "failed": 0, "rejected": {}, "success": True, "ok": "yes"},
        {"fieldErrors": [], "numberOfFailures": 0},
        {"errors": {}, "error": {"code": 0, "message": "", "details": [None]}, "failures": [[]]},
        {"error": {"code": "0", "message": "Success"}, "errors": [""], "validationErrors": None},
        {"error": "No error", "errors": "None", "failed": "N", "rejected": "no", "success": ""},
        {"fieldErrors": {"email": [], "city": None}, "failures": {"count": 0.0, "any": False}},
        {"data": {"firstname": "Ada", "lastname": "Okoye", "orders": [{"status": "failed"}]}},
        {"fieldWarnings": [{"field": "zip", "status": "skipped", "message": "is too long"}]},
        {"data": {"Warnings": [{"field": "fax", "status": "invalid", "reason": "unknown"}]}},
        {"firstName": "Ada", "last_name": "Okoye", "sessions": [{"status": "error"}]},
        {"data": {"status": "Denied", "message": "Success", "reason": None, "errors": {"n": 0}}},
        {"error": "", "failures": "0", "warnings": ["zip"], "attendee": {"error": "old"}},
        {"results": [{"responseCode": "0"}, {"responseCode": 0}, {}, None, "77"]},
        {"results": [{"status": "stored", "reason": "new"}], "data": {"errors": []}},
        {
            "attendee": {"status": "Rejected", "orders": [{"status": "failed"}]},
            "status": "rejected",
        },
    ],
)
def test_what_stands_beside_a_code_of_success_may_tell_of_none(beside: Members) -> None:
    assert store(reply({"responseCode": "0", **beside})).kind is STORED


QUOTA = {"status": 403, "words": "Quota"}


@pytest.mark.parametrize(
    ("settings", "answer", "meaning"),
    [
        ({"transient": [403]}, reply({}, 403), TRANSIENT),
        ({"transient": [QUOTA]}, fakes.envelope("1", "a quota", 403), TRANSIENT),
        ({"transient": [QUOTA]}, fakes.envelope("1", "no", 403), CONFIGURATION),
        ({"transient": [{"words": "back soon"}]}, reply("Back Soon", write=as_text), TRANSIENT),
        ({"transient": [{"code": "9", "status": 200}]}, fakes.envelope("9"), TRANSIENT),
        ({"transient": [{"code": "9", "status": 200}]}, fakes.envelope("9", status=400), PROFILE),
        ({"token": [440]}, reply({}, 440), TOKEN),
        ({"token": ["35"]}, fakes.envelope("35"), TOKEN),
        ({"token": ["35"]}, fakes.envelope("35", status=500), TOKEN),
        ({"token": [{"words": "signature"}]}, fakes.envelope("1", "bad signature", 403), TOKEN),
        ({"configuration": [402, "7"]}, reply({}, 402), CONFIGURATION),
        ({"configuration": [402, "7"]}, fakes.envelope("7"), CONFIGURATION),
        ({"profile": [409]}, reply({}, 409), PROFILE),
        ({"profile": ["7"]}, fakes.envelope("7", status=409), PROFILE),
        ({"profile": [500]}, fakes.envelope("7", status=500), PROFILE),
        ({"profile": [{"status": 503, "code": "7"}]}, fakes.envelope("8", status=503), TRANSIENT),
        ({}, reply({}, 409), TRANSIENT),
        ({}, reply({}, 420), TRANSIENT),
        ({}, reply({}, 430), TRANSIENT),
    ],
)  # fmt: skip
def test_signs_say_what_an_answer_means(
    settings: Members, answer: fakes.Reply, meaning: AnswerKind
) -> None:
    assert store(answer, answers=settings).kind is meaning


@pytest.mark.parametrize(
    ("answer", "may_be"),
    [
        (fakes.envelope("9", "Access token expired", 400), True),
        (fakes.envelope("TOKEN_INVALID", "no", 400), True),
        (fakes.envelope("9", "Not authenticated"), True),
        (fakes.envelope("9", "no", 403), True),
        (fakes.envelope("124", "Access denied"), True),
        (fakes.envelope("9", "Company is unknown", 400), False),
        (fakes.envelope("9", "token", 503), False),
        (fakes.Reply(302), False),
        (fakes.envelope(), False),
    ],
)
def test_a_refusal_that_another_token_could_cure_is_told(answer: fakes.Reply, may_be: bool) -> None:
    assert store(answer).may_be_token is may_be


XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "0"><!ENTITY c "&b;&b;">]>'
    b"<a><responseCode>&b;</responseCode></a>"
)


@pytest.mark.parametrize(
    "body",
    [
        XML_BOMB,
        b"<a><responseCode>0</responseCode>",
        b"<a>" * 60 + b"<responseCode>0</responseCode>" + b"</a>" * 60,
        b'<?xml version="1.0" encoding="nowhere"?><a><responseCode>0</responseCode></a>',
        b"\xff\xfe<",
    ],
)
def test_xml_that_is_cut_deep_or_has_a_document_type_is_no_answer(body: bytes) -> None:
    assert store(fakes.Reply(200, body, {"Content-Type": "application/xml"})).kind is PROFILE


def test_an_answer_in_xml_is_read_as_one_in_json_by_default() -> None:
    answer = store(reply({"responseCode": "0", "attendeeId": ID}, write=as_xml))
    assert (answer.kind, answer.attendee_id) == (STORED, ID)
