"""What a server's words and the members beside them say that it wants."""

import json

import pytest

from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import beyond, wanted, words
from attendee_sync_cli.doctor.answers import Seen, Stage
from attendee_sync_cli.doctor.changes import of
from attendee_sync_cli.doctor.hints import names_in


def said(body: object) -> str:
    return words.said(Reading(400, {}, body, json.dumps(body)))


def refused(text: str, status: int = 400, **headers: str) -> Seen:
    by_name = {name.replace("_", "-"): value for name, value in headers.items()}
    return Seen(Stage.PARAMETER, text, text, read=Reading(status, by_name, None, text))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errors": [{"field": "source", "message": "is required"}]}, "'source' is required"),
        ({"detail": [{"loc": ["header", "x-v"], "msg": "missing"}]}, "header 'x-v' missing"),
        ({"errors": [{"source": {"pointer": "/data/kind"}, "detail": "bad"}]}, "'data.kind' bad"),
        ({"errors": [{"source": {"header": "X-V"}, "detail": "bad"}]}, "header 'X-V' bad"),
        ({"field": "source", "message": "source is required"}, "source is required"),
        ({"path": "/api/x", "message": "No route"}, "No route"),
        ({"source": "api", "message": "Bad"}, "Bad"),
    ],
)
def test_a_message_is_told_with_what_it_is_about(body: object, expected: str) -> None:
    assert said(body) == expected


@pytest.mark.parametrize(
    "seen",
    [
        refused("Header X-Signature is required"),
        refused("Request must be signed"),
        refused("HMAC does not match"),
        refused("Missing parameter: sig"),
        refused("no", 401, www_authenticate='Digest realm="x"'),
        refused("'client_assertion' is missing"),
        refused("a client certificate is required"),
    ],
    ids=lambda seen: seen.said,
)
def test_what_no_setting_can_say_is_known_by_its_words(seen: Seen) -> None:
    assert beyond.wanted([refused("Event not found"), seen])


@pytest.mark.parametrize(
    "seen",
    [
        refused("JWT signature does not match"),
        refused("The token's signature is invalid"),
        refused("no", 401, www_authenticate="Bearer"),
        refused("Designated event missing"),
        refused("Please sign in"),
    ],
    ids=lambda seen: seen.said,
)
def test_other_words_say_nothing_of_it(seen: Seen) -> None:
    assert not beyond.wanted([seen])


@pytest.mark.parametrize(
    ("text", "names", "kept"),
    [
        ("X-Version must be one of v-5, v-6", ["X-Version", "v-5", "v-6"], ["X-Version"]),
        ("Missing: zip, city", ["zip", "city"], ["zip", "city"]),
    ],
)
def test_values_that_are_listed_are_no_names(text: str, names: list[str], kept: list[str]) -> None:
    assert wanted.without_values(text, names) == kept


@pytest.mark.parametrize(
    ("stage", "status", "is_asked"),
    [
        (Stage.TOKEN, 200, True),  # there a success would be a token
        (Stage.CONTENT, 400, True),
        (Stage.CONTENT, 200, False),  # without a code it may be one
    ],
)
def test_a_value_that_is_refused_as_such_is_asked_for(
    stage: Stage, status: int, is_asked: bool
) -> None:
    change = of("auth.parameters.audience", wanted.PROBE)
    text = "audience is unknown"
    made = Seen(stage, text, text, read=Reading(status, {}, None, text))
    assert bool(wanted.asked(refused("audience is missing"), change, made, ())) is is_asked


def test_a_name_in_quotation_marks_may_have_one_letter() -> None:
    assert "v" in names_in("The query 'v' must be given")
