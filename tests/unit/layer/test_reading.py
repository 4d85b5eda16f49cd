"""How an answer's body is read, whatever it is written in."""

from typing import Any

import pytest

from attendee_sync.http_client import HttpAnswer
from attendee_sync.rainfocus import reading

BOM = "\ufeff"


def read(body: str, kind: str = "", complete: bool = True) -> Any:
    headers = {"Content-Type": kind} if kind else {}
    return reading.read(HttpAnswer(200, body.encode(), headers, complete)).body


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("", '{"a": 1}', {"a": 1}),
        ("text/html", '{"a": 1}', {"a": 1}),
        ("", '{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("application/json", "stored", None),
        ("application/problem+json", "stored", None),
        ("Application/JSON ; charset=utf-8", "stored", None),
        ("text/plain", '{"a": ', None),
        ("text/plain", "[1, ", None),
        ("", f'{BOM} \t\r\n{{"a": ', None),
        ("", '{"a": 1}\n{"a": 1, "a": 2}', None),
        ("", '{"a": 1, "a": 2}', None),
    ],
)
def test_json_is_its_value_and_what_should_be_json_and_is_not_is_null(
    kind: str, body: str, value: object
) -> None:
    assert read(body, kind) == value


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("", " stored ", "stored"),
        ("", " ", None),
        ("", "X<b>", "X<b>"),
        ("", "X{", "X{"),
        ("text/plain", "Service unavailable", "Service unavailable"),
        ("text/html", "Service unavailable", None),
        ("TEXT/HTML; charset=utf-8", "Service unavailable", None),
        ("application/x-www-form-urlencoded", "code=0&id=a%20b", {"code": "0", "id": "a b"}),
    ],
)
def test_a_text_is_itself_unless_it_is_a_page_or_a_form(
    kind: str, body: str, value: object
) -> None:
    assert read(body, kind) == value


@pytest.mark.parametrize("page", ["<!doctype html><p>Oops", "  <HTML><body>", '<html lang="en">'])
def test_a_page_is_null_whatever_it_says_it_is(page: str) -> None:
    answer = reading.read(HttpAnswer(502, page.encode(), {"Content-Type": "application/json"}))
    assert (answer.status, answer.body, answer.text, answer.is_page) == (502, None, page, True)
    assert answer.find("body") is None
    assert answer.find("status") == 502


def test_a_body_that_was_cut_is_null_and_keeps_its_words() -> None:
    answer = reading.read(HttpAnswer(200, b"[1]", {"X-Id": "7"}, complete=False))
    assert (answer.body, answer.text, answer.is_page) == (None, "[1]", False)
    assert answer.find('headers."x-id"') == "7"
    assert answer.find(None) is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("<a/>", {"tag": "a"}),
        ("<a> stored </a>", {"tag": "a", "text": "stored"}),
        (f'{BOM}\n<a x="1">hi</a>', {"tag": "a", "x": "1", "text": "hi"}),
        ('<a><b x="1">hi</b></a>', {"tag": "a", "b": {"x": "1", "text": "hi"}}),
        ('<a><b text="own">hi</b></a>', {"tag": "a", "b": {"text": "own"}}),
        ("<a>\n<b>1</b>\n<b>2</b><b>3</b></a>", {"tag": "a", "b": ["1", "2", "3"]}),
        ("<a><b>A&amp;B\nC</b></a>", {"tag": "a", "b": "A&B\nC"}),
        ('<s:a xmlns:s="urn:x" s:x="1"><s:b>2</s:b></s:a>', {"tag": "a", "x": "1", "b": "2"}),
    ],
)
def test_xml_is_an_object_by_local_names(body: str, value: object) -> None:
    assert read(body) == value


@pytest.mark.parametrize("body", ["<a><b>", "<", "<a></b>", "<!DOCTYPE a><a/>", "<a/><b/>"])
def test_xml_that_is_cut_or_broken_or_has_a_document_type_is_null(body: str) -> None:
    assert read(body) is None


def test_elements_may_stand_in_elements_fifty_deep() -> None:
    assert read("<a>" * 50 + "</a>" * 50)
    assert read("<a>" * 51 + "</a>" * 51) is None


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert reading.read(HttpAnswer(200, b"caf\xe9", {})).body == "caf\ufffd"


def test_a_result_is_an_answer_of_its_own_with_the_same_status() -> None:
    answer = reading.read(HttpAnswer(207, b'{"results": [{"code": "0"}]}', {"X-Id": "7"}))
    result = answer.result({"code": "0"})
    assert (result.find("body.code"), result.find("status")) == ("0", 207)
    assert result.find('headers."x-id"') == "7"
