"""What is wrong with settings, all at once: where, what was given, and what was expected.

What was given is repeated only where it can't be a secret: whoever hands in the wrong file may
have handed in credentials.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

import jmespath
from jmespath.exceptions import LexerError, ParseError
from pydantic import BaseModel, ValidationError

from attendee_sync.mapping.destination import Destination
from attendee_sync.rainfocus.connection import KEY_PATTERN, Connection
from attendee_sync_cli import known_words
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.known_words import Owner

_WORD = re.compile(r"[A-Za-z_]{1,20}|[A-Za-z]\d{1,2}")  # "production", "v2": no secret is so short
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NUMBERS = re.compile(r"limits\.\w+|auth\.assumed_lifetime")
_EXPRESSIONS = re.compile(r"mapping\.[^.]+|filter")  # no secret stands there
_OWNERS: Mapping[type[BaseModel], Owner] = {Connection: "connection", Destination: "destination"}
_PATTERNS = {
    "org_id": "letters, digits, _ and -, 1 to 64 of them",
    "event_code": "letters, digits, _ and -, 1 to 64 of them",
    "base_url": "an https URL without a query, or an empty text",
    "auth.token_url": "an https URL, or an empty text",
    "path": "a path such as /api/{org_id}/{version}/{call}",
    "api_profile.name": "letters, digits, _, . and -, 1 to 64 of them",
    "connection": "the name of a connection",
}
# Slips in expressions that are none, and what is right.
_SLIPS = {
    re.compile(r"(?<![=!<>])=(?!=)"): "== compares",
    re.compile(r"<>"): "!= is unequal",
    re.compile(r"(?i)\s(and|or)\s|(?<!\w)not\s"): "&& is and, || is or, ! is not",
    re.compile(r"(?i)\sin\s"): 'one of several: contains(`["CA", "NY"]`, state)',
    re.compile(r"[=<>]\s{0,9}-?\d"): "a number stands in backticks: `18`",
    re.compile(r"^\s{0,9}\$"): "names begin without $",
    re.compile(
        r"^\w{1,50}([ -]\w{1,50}){1,9}$"
    ): 'such a name stands in double quotes: "first name"',
    re.compile(r"[\u2018\u2019\u201c\u201d]"): "a text stands in straight single quotes: 'text'",
}
_ANY_PATTERN = "letters, digits, _, . and -, 1 to 64 of them"
_A_KEY = "a name of 1 to 64 letters, digits, blanks and any of _.:@$()[]/-"


@dataclass(frozen=True)
class SettingFault:
    """One fault: the path of the setting, what was given, and what was expected.

    Where there is no such setting, nothing is told of what was given.
    """

    setting: str
    given: str
    expected: str

    def __str__(self) -> str:
        given = f"given {self.given}; expected " if self.given else ""
        return f"{self.setting}: {given}{self.expected}"


class NotValidError(FailureError):
    """Settings can't be stored. The text tells all their faults."""

    def __init__(self, what: str, faults: Sequence[SettingFault]) -> None:
        super().__init__(f"{what} are not valid:" + "".join(f"\n  {fault}" for fault in faults))
        self.faults = faults


def read[Model: BaseModel](model: type[Model], text: str) -> Model | list[SettingFault]:
    """Return settings read from JSON, or all their faults."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        details = error.errors(include_url=False)
        return [_fault(model, detail) for detail in details]


def _fault(model: type[BaseModel], detail: Mapping[str, Any]) -> SettingFault:
    location: Sequence[str | int] = detail["loc"]
    kind = str(detail["type"])
    path = ".".join(map(_part, location)) or "as a whole"
    if kind == "json_invalid":
        return SettingFault(
            path, "what is no JSON", f"a JSON object ({detail['msg'].removeprefix('Invalid ')})"
        )
    expression = _expression(path, kind, detail["input"])
    if expression:
        return SettingFault(path, f'"{expression}"', _expected_of(expression, detail))
    if kind == "extra_forbidden":
        return SettingFault(path, "", _instead(model, location))
    given = "nothing" if kind == "missing" else _given(path, kind, detail["input"])
    return SettingFault(path, given, _expected(path, detail))


def _part(part: str | int) -> str:
    text = str(part)
    if text == "[key]":
        return "(its key)"
    return text if _KEY.fullmatch(text) else known_words.spelling(text) or "(not a key)"


def _given(path: str, kind: str, value: object) -> str:
    if isinstance(value, str):
        if kind == "literal_error" and _WORD.fullmatch(value):
            return f'"{value}"'
        return f"a text of {len(value)} characters"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if _NUMBERS.fullmatch(path) else "a number"
    if value is None:
        return "null"
    return "an array" if isinstance(value, list) else "an object"


def _expected(path: str, detail: Mapping[str, Any]) -> str:
    kind, told = detail["type"], str(detail["msg"])
    if kind == "literal_error":
        return str(detail["ctx"]["expected"])
    is_key = detail.get("ctx", {}).get("pattern") == KEY_PATTERN
    words = {
        "missing": _PATTERNS.get(path, "a value"),
        "string_pattern_mismatch": _PATTERNS.get(path, _A_KEY if is_key else _ANY_PATTERN),
        "model_type": "a JSON object",
        "dict_type": "a JSON object",
        "tuple_type": 'an array, such as ["a", "b"]',
        "frozen_set_type": 'an array, such as ["a", "b"]',
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "float_parsing": "a number",
        "bool_parsing": "true or false",
    }
    for beginning in ("Value error, ", "Input should be ", "String should have "):
        told = told.removeprefix(beginning)
    return words.get(kind, told.replace(" is expected", "", 1))


def _expression(path: str, kind: str, value: object) -> str:
    """Return the expression that a fault is about, or nothing."""
    if kind != "value_error" or not _EXPRESSIONS.fullmatch(path):
        return ""
    text = value.get("value") if isinstance(value, dict) else value
    return text if isinstance(text, str) and text.isprintable() else ""


def _expected_of(expression: str, detail: Mapping[str, Any]) -> str:
    try:
        jmespath.compile(expression)
    except (LexerError, ParseError) as error:
        hints = [told for wrong, told in _SLIPS.items() if wrong.search(expression)]
        place = f"a JMESPath expression; it is none from position {error.lex_position} on"
        return "; ".join([place, *hints])
    told = str(detail["msg"]).removeprefix("Value error, ").removesuffix(f": {expression}")
    return told.replace(" is expected", "", 1)


def _instead(model: type[BaseModel], location: Sequence[str | int]) -> str:
    """Say what could have been meant by a setting that does not exist."""
    key = str(location[-1])
    names = _settings_at(model, location[:-1])
    close = difflib.get_close_matches(key, names, n=1)
    is_looked_up = len(location) == 1 or known_words.is_credential(key)
    meant = known_words.hint(key, _OWNERS.get(model)) if is_looked_up else ""
    if not meant:
        meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    return f"there is no such setting; {meant}"


def _settings_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    for part in location:
        field = model.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else None
        model = inner or model
    return list(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the settings that a setting holds, be it once or by names."""
    if get_origin(annotation) is dict:
        annotation = get_args(annotation)[1]
    if get_args(annotation):  # Annotated
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None
