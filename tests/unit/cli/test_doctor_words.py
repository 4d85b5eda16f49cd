"""What a server's words and the members beside them say that it wants."""

import json

import pytest

from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import beyond, wanted, words
from attendee_sync_cli.doctor.answers import Seen, Stage
from attendee_sync_cli.doctor.changes import of
from attendee_sync_cli.doctor.hints import names_in
from tests.support.stack import CONNECTION


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


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Set header 'x-bill-to' to the account you were given", ("call", "headers", "x-bill-to")),
        ("Required query parameter cost_centre", ("call", "query", "cost_centre")),
        ("Set header Content-Type to application/json", None),
        ("Send the header X-Api-Key", None),  # no secret is to stand in a setting
        ("Missing header apiProfile", None),
        ("Set x-bill-to", None),
    ],
)
def test_what_a_refusal_names_with_its_place_is_asked_for(
    text: str, path: tuple[str, ...] | None
) -> None:
    assert wanted.told_plainly(CONNECTION, refused(text, 403)) == path


def test_what_is_set_already_is_not_asked_for_again() -> None:
    call = {"headers": {"x-bill-to": "9"}}
    connection = CONNECTION.model_validate({**CONNECTION.model_dump(), "call": call})
    assert wanted.told_plainly(connection, refused("Set header x-bill-to")) is None


@pytest.mark.parametrize(
    ("text", "is_wanted"),
    [
        ("countryid must be the name of a country", True),
        ("phone is not in E.164", True),
        ("planet must be the name of a planet", False),
        ("countryid is missing", False),
    ],
)
def test_a_value_that_is_wanted_in_other_words_is_beyond_settings(
    text: str, is_wanted: bool
) -> None:
    assert bool(beyond.wanted_of_values(CONNECTION, refused(text))) is is_wanted


def test_a_name_in_quotation_marks_may_have_one_letter() -> None:
    assert "v" in names_in("The query 'v' must be given")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mail address can't be blank", ["mail_address", "mailAddress"]),
        ("The selected show id is invalid.", ["show_id", "showId"]),
        ("Missing parameter mail, surname.", ["mail", "surname"]),
        ('missing required properties (["mail","surname"])', ["mail", "surname"]),
        ("One of '{mail, surname}' is expected.", ["mail", "surname"]),
        ("#/data/person: required key [mail] not found", ["data.person.mail"]),
        ("/guest must have required property 'mail'", ["guest.mail"]),
        ("Missing required param: guest[mail].", ["guest[mail]"]),
        ("Failed to resolve variable request.queryparam.appkey", ["appkey"]),
    ],
)
def test_names_are_read_from_sentences(text: str, names: list[str]) -> None:
    assert names_in(text)[: len(names)] == names


@pytest.mark.parametrize("name", ["Content-Type", "Accept", "Authorization"])
def test_headers_of_every_call_are_no_names_that_are_wanted(name: str) -> None:
    assert name not in names_in(f"Header '{name}' must be application/vnd.example+json")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("X-Market is missing: specify one (10 or 20)", ["10", "20"]),
        ("X-Market is missing. The current market is 20.", ["20"]),
        ("X-Market should be 'a b' or 'c'", ["a b", "c"]),
        ("X-Market is invalid. Valid choices are: web, app. Ask us.", ["web", "app"]),
        ("Nothing is kept. Send header X-Market: web to keep it.", ["web"]),
    ],
)
def test_values_are_read_from_sentences(text: str, values: list[str]) -> None:
    made = wanted.changes_for(Connection(org_id="acme"), refused(text), "X-Market")
    told = [value for change in made for _, value in change.values]
    assert list(dict.fromkeys(told)) == values


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"message": "Bad request", "detail": "mail is wrong"}, "mail is wrong"),
        ({"guest": {"mail": ["Is required."]}}, "'guest.mail' Is required."),
        ({"message": {"lang": "en", "value": "No such show"}}, "No such show"),
        ({"code": "0", "results": [{"reason": "no such show"}]}, "no such show"),
        (
            {"title": "It is wrong", "errors": [{"field": "mail", "defaultMessage": "is blank"}]},
            "'mail' is blank; It is wrong",
        ),
    ],
)
def test_all_messages_are_told_those_of_a_field_first(body: object, expected: str) -> None:
    assert said(body) == expected
