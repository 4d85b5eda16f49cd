"""Every request that is not taken leaves one line and one count, and no value."""

import json
from collections.abc import Callable

import pytest

from attendee_sync.ingest.api import HttpRequest, HttpResponse
from attendee_sync.ingest.ingest import Ingest
from attendee_sync.ingest.preview import Preview
from tests.support import fakes
from tests.support.stack import INGEST_TOKEN, Aws

SECRET = "ada-at-example"
GOOD = {"authorization": f"Bearer {INGEST_TOKEN}", "content-type": "application/json"}
REFUSED: dict[str, tuple[int, str, HttpRequest]] = {
    "no token": (401, "", HttpRequest("push", SECRET, {}, SECRET)),
    "another scheme": (401, "", HttpRequest("push", SECRET, {"authorization": SECRET}, SECRET)),
    "wrong token": (
        403,
        "",
        HttpRequest("push", SECRET, {"authorization": f"Bearer {SECRET}"}, "{}"),
    ),
    "unknown destination": (404, "", HttpRequest("push", SECRET, GOOD, "{}")),
    "no destination": (404, "", HttpRequest("push", f"{SECRET}@example.com", GOOD, "{}")),
    "no JSON": (400, "default", HttpRequest("push", "default", GOOD, f'{{"{SECRET}')),
    "no profile": (400, "default", HttpRequest("push", "default", GOOD, f'["{SECRET}"]')),
    "no base64": (
        400,
        "default",
        HttpRequest("push", "default", GOOD, SECRET + "\n", is_base64=True),
    ),
    "no UTF-8": (400, "default", HttpRequest("push", "default", GOOD, "/////w==", is_base64=True)),
    "too large": (413, "default", HttpRequest("push", "default", GOOD, f'"{SECRET * 400_000}"')),
    "another type": (
        415,
        "default",
        HttpRequest("push", "default", {**GOOD, "content-type": f"text/{SECRET}"}, "{}"),
    ),
}


@pytest.fixture(params=["ingest", "preview"])
def answer(request: pytest.FixtureRequest, aws: Aws) -> Callable[[HttpRequest], HttpResponse]:
    if request.param == "preview":
        return Preview(aws.settings()).preview
    return Ingest(aws.settings(), aws.lanes(), aws.dead_letter_queue()).push


def lines_of(output: Callable[[], str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in output().splitlines()]


@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_is_logged_and_counted_once_without_a_value(
    answer: Callable[[HttpRequest], HttpResponse], output: Callable[[], str], why: str
) -> None:
    status, destination, request = REFUSED[why]
    assert answer(request).status == status
    line, metric = lines_of(output)
    assert (line["message"], line["status"], line["destination"], line["request_id"]) == (
        "request refused",
        status,
        destination,
        "push",
    )
    assert line["detail"]
    assert (metric["Refusals"], metric["status"]) == ([1.0], str(status))
    assert SECRET not in json.dumps([line, metric])


def test_settings_that_are_not_valid_are_no_value_of_the_log(
    aws: Aws, output: Callable[[], str]
) -> None:
    aws.set_destination("default", connection=SECRET, event_code="summit2027")
    answer = Preview(aws.settings()).preview(HttpRequest("push", "default", GOOD, "{}"))
    assert answer.status == 409
    assert SECRET in str(answer.body["message"])
    assert SECRET not in output()


def test_what_is_put_off_is_counted_too(
    aws: Aws, answer: Callable[[HttpRequest], HttpResponse], output: Callable[[], str]
) -> None:
    aws.secrets.always = fakes.denied("InternalServiceError")
    assert answer(HttpRequest("push", "default", GOOD, "{}")).status == 503
    line, metric = lines_of(output)
    assert (line["message"], metric["Refusals"]) == ("request put off", [1.0])
