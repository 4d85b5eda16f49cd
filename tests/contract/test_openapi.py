"""What the handlers answer is what docs/openapi.json describes."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from attendee_sync.ingest import api
from attendee_sync.ingest.preview import OUTCOMES
from attendee_sync.mapping.mapper import Verdict
from docs import openapi
from functions.ingest import app as ingest
from functions.preview import app as preview
from tests.support import fakes
from tests.support.functions import EVENTS, Context, Handle, event_of
from tests.support.stack import STACK, Aws
from tests.support.template import TEMPLATE, resolved

pytestmark = pytest.mark.usefixtures("no_sockets", "output")

type Answer = Callable[[dict[str, Any]], dict[str, Any]]

ROOT = Path(__file__).parents[2]
DESCRIPTION = openapi.description()
PUSH = "/v1/destinations/{destination}/profiles"
PREVIEW = "/v1/destinations/{destination}/preview"
OBJECT = "ingest-object"
HTTP_EVENTS = sorted(
    path.stem for path in EVENTS.glob("*.json") if "httpMethod" in event_of(path.stem)
)


def of_preview(name: str) -> dict[str, Any]:
    """Return the event of a push as it would be had its preview been asked for."""
    event = event_of(name)
    return event if event["resource"] != PUSH else {**event, "resource": PREVIEW}


EXAMPLES = [event_of(name) for name in HTTP_EVENTS] + [of_preview(name) for name in HTTP_EVENTS]


@pytest.fixture
def answer(handle: Handle) -> Iterator[Answer]:
    """Answer an event, in the function that the template gives its path to."""
    assert callable(handle)  # it puts fakes around the functions

    def answered(event: dict[str, Any]) -> dict[str, Any]:
        app = preview if event["resource"] == PREVIEW else ingest
        given: dict[str, Any] = app.lambda_handler(copy.deepcopy(event), Context())
        return given

    forget()
    yield answered
    forget()


def forget() -> None:
    for each in vars(preview).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def validate(value: object, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": DESCRIPTION["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def described(event: dict[str, Any], answered: dict[str, Any]) -> None:
    """See that an answer is one that is described."""
    operation = DESCRIPTION["paths"][event["resource"]][event["httpMethod"].lower()]
    response = operation["responses"][str(answered["statusCode"])]
    headers = dict(answered["headers"])
    schema = response["content"][headers.pop("Content-Type")]["schema"]
    validate(json.loads(answered["body"]), schema)
    assert headers.keys() == response.get("headers", {}).keys()
    for name, header in response.get("headers", {}).items():
        validate(headers[name], header["schema"])


def changed(event: dict[str, Any], **members: object) -> dict[str, Any]:
    return {**event, **members}


# --- the document ---


def test_the_committed_description_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "openapi.json").read_text() == openapi.text()


def test_paths_and_methods_are_the_template_s() -> None:
    functions = [
        each["Properties"]
        for each in TEMPLATE["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    deployed = {
        (event["Properties"]["Path"], event["Properties"]["Method"].lower())
        for function in functions
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api"
    } | {  # what API Gateway answers by itself
        (path, method)
        for path, operations in resolved(
            TEMPLATE["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
        ).items()
        for method in operations
    }
    found = {
        (path, method)
        for path, operations in DESCRIPTION["paths"].items()
        for method in operations.keys() - {"parameters"}
    }
    assert found == deployed


def test_the_address_is_the_template_s() -> None:
    stage = TEMPLATE["Resources"]["Api"]["Properties"]["StageName"]
    [server] = DESCRIPTION["servers"]
    assert server["url"].endswith(f"/{resolved(stage)}")
    assert "PushUrl" in TEMPLATE["Outputs"]


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (each for name, each in value.items() if name == "$ref")
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def test_every_schema_is_one_and_used() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert set(references(DESCRIPTION)) == {f"#/components/schemas/{name}" for name in schemas}


def test_only_health_needs_no_token() -> None:
    open_ = [
        path
        for path, operations in DESCRIPTION["paths"].items()
        for method in operations.keys() - {"parameters"}
        if operations[method].get("security", DESCRIPTION["security"]) == []
    ]
    assert open_ == ["/v1/health"]


# --- requests ---


def media_types() -> list[str]:
    content = DESCRIPTION["paths"][PUSH]["post"]["requestBody"]["content"]
    assert content == DESCRIPTION["paths"][PREVIEW]["post"]["requestBody"]["content"]
    return list(content)


@pytest.mark.parametrize("media_type", media_types())
@pytest.mark.parametrize("path", [PUSH, PREVIEW])
def test_every_media_type_is_taken(answer: Answer, path: str, media_type: str) -> None:
    body = '{"email": "a@example.com"}\n{"email": 3}'
    headers = {"Authorization": "Bearer not-a-real-ingest-token", "Content-Type": media_type}
    event = changed(event_of(OBJECT), resource=path, headers=headers, body=body)
    answered = answer(event)
    assert answered["statusCode"] == (202 if path == PUSH else 200)
    described(event, answered)


@pytest.mark.parametrize(
    "body",
    [
        {"email": "a@example.com"},
        [{"email": "a@example.com"}],
        {"profiles": [{"email": "a@example.com"}]},
        '{"email": "a@example.com"}\n{"email": "b@example.com"}',
    ],
)
def test_every_kind_of_body_is_taken_as_described(answer: Answer, body: object) -> None:
    validate(body, {"$ref": "#/components/schemas/Push"})
    text = body if isinstance(body, str) else json.dumps(body)
    assert answer(changed(event_of(OBJECT), body=text))["statusCode"] == 202


def test_no_more_profiles_are_described_than_are_taken(answer: Answer) -> None:
    profiles = [{"email": "a@example.com"}] * (api.MAX_PROFILES + 1)
    event = changed(event_of(OBJECT), body=json.dumps(profiles))
    answered = answer(event)
    assert answered["statusCode"] == 413
    described(event, answered)
    with pytest.raises(jsonschema.ValidationError):
        validate(profiles, {"$ref": "#/components/schemas/Push"})


# --- answers ---


@pytest.mark.parametrize(
    "event", EXAMPLES, ids=lambda event: f"{event['resource']}-{event['path']}"
)
def test_what_is_answered_is_described(answer: Answer, event: dict[str, Any]) -> None:
    described(event, answer(event))


@pytest.mark.parametrize("path", [PUSH, PREVIEW])
def test_a_moment_without_aws_is_described(aws: Aws, answer: Answer, path: str) -> None:
    aws.ssm.always = fakes.unreachable()
    event = changed(event_of(OBJECT), resource=path)
    answered = answer(event)
    assert answered["statusCode"] == 503
    described(event, answered)


@pytest.mark.parametrize("setting", ["destinations", "connections"])
def test_settings_that_are_not_valid_are_described(aws: Aws, answer: Answer, setting: str) -> None:
    aws.ssm.parameters[f"/{STACK}/{setting}/default"] = "{}"
    event = of_preview(OBJECT)
    answered = answer(event)
    assert answered["statusCode"] == 409
    described(event, answered)


@pytest.mark.parametrize("kind", ["json", "form", "array", "wrapped"])
def test_every_outcome_of_a_preview_is_described(aws: Aws, answer: Answer, kind: str) -> None:
    connection = json.loads(aws.ssm.parameters[f"/{STACK}/connections/default"])
    connection["body"] = {"kind": kind} | ({"wrapped_under": "a"} if kind == "wrapped" else {})
    aws.ssm.parameters[f"/{STACK}/connections/default"] = json.dumps(connection)
    aws.ssm.parameters[f"/{STACK}/destinations/default"] = json.dumps(
        {
            "event_code": "summit2027",
            "filter": "vip",
            "exits": {"action": "set", "fields": {"left": "yes"}},
        }
    )
    left = {"ups": {"a": {"status": "exited"}}}
    profiles = [
        {"email": "a@example.com", "vip": True, "countryid": "nowhere", "state": "CA"},
        {"email": "a@example.com", "segmentMembership": left},
        {"email": "a@example.com"},
        {"vip": True},
        "no object",
    ]
    event = changed(of_preview(OBJECT), body=json.dumps(profiles))
    answered = answer(event)
    described(event, answered)
    found = [each["outcome"] for each in json.loads(answered["body"])["profiles"]]
    assert found == [
        OUTCOMES[each]
        for each in (Verdict.SEND, Verdict.EXIT, Verdict.FILTER, Verdict.REJECT, Verdict.REJECT)
    ]


def test_each_described_answer_of_a_function_is_given_by_one_of_the_examples(
    answer: Answer,
) -> None:
    given = {(event["resource"], str(answer(event)["statusCode"])) for event in EXAMPLES}
    shown_above = {"403", "409", "413", "429", "503", "5XX"}
    for path, operations in DESCRIPTION["paths"].items():
        for method in operations.keys() - {"parameters"}:
            for status in operations[method]["responses"].keys() - shown_above:
                assert (path, status) in given
