"""Signs of success in answers of an unknown dialect, and the settings that read them.

A sign is a guess until a write that must be refused is answered without it; see the search.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from attendee_sync.http_client import is_success
from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor.changes import Change, Path, Value

_RESULTS: Final = frozenset(
    {
        *("status", "result", "resultcode", "code", "responsecode", "response", "returncode"),
        *("statuscode", "errorcode", "outcome", "state", "success", "ok", "succeeded", "stored"),
        *("issuccess", "isok", "xresult", "xstatus", "xresultcode", "xresponsecode", "xrfcode"),
        *("xrfresult", "xrfstatus", "xapistatus", "xoutcome", "rc", "ack"),
    }
)
_TRUTHS: Final = frozenset({"ok", "success", "succeeded", "stored", "issuccess", "isok"})
_ERRORS: Final = frozenset(
    {"error", "errors", "fault", "faults", "exception", "failures", "errorcode", "errormessage"}
)
# Each with what else is said of a person who was there already, or was not.
_POSITIVE: Final = (
    *(("created", "updated"), ("inserted", "updated"), ("created", "updated", "upserted")),
    *((word,) for word in ("ok", "okay", "success", "successful", "succeeded", "done", "stored")),
    *((word,) for word in ("accepted", "saved", "completed", "complete", "processed", "upserted")),
    *(
        (word,)
        for word in ("0", "00", "000", "0000", "200", "201", "202", "204", "true", "yes", "s")
    ),
)
_ID = re.compile(
    r"(?:attendee|person|profile|contact|record|registrant|user|member)?(?:id|uuid|guid|key)"
)
_NEGATIVE = re.compile(r"err|fail|reject|invalid|denied|refus|forbidden|unauthori|\bn?ko\b|\bnok\b")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_SUCCESSES = "contains(`[200, 201, 202, 204]`, status)"
_MAX_DEPTH = 4
_RULES: Final = ("code", "success_codes", "success", "inner")

type _Values = dict[Path, Value]


@dataclass(frozen=True)
class _Member:
    """A member of an answer that is neither object nor array: its expression, name and value."""

    expression: str
    name: str
    value: Any


def looks_stored(read: Reading) -> bool:
    """Tell whether a person would take an answer for a success, whatever the settings say."""
    return any(True for _ in of(read, None))


def of(read: Reading, connection: Connection | None) -> Iterator[Change]:
    """Yield changes of `answers` by which an answer is a success, the most telling first."""
    if not is_success(read.status) or read.is_page:
        return
    results = _results(read.body)
    if results is None:
        signs = _in_one(read, connection, has_headers=True)
    else:
        signs = _in_one(read.result(results[1][0]), connection, has_headers=False)
    defaults: _Values = {("answers", name): None for name in _RULES}
    for each in signs:
        values = {**each, ("answers", "inner"): results[0]} if results else each
        yield Change((*values.items(), *(one for one in defaults.items() if one[0] not in values)))


def _results(body: Any) -> tuple[str, list[Any]] | None:
    """Return where an answer has a list of results, and the list."""
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return "body[]", body
    if not isinstance(body, dict):
        return None
    for name, value in body.items():
        if fold(name) in _ERRORS:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return f"body.{_quoted(name)}", value
    return None


def _in_one(
    read: Reading, connection: Connection | None, *, has_headers: bool
) -> Iterator[_Values]:
    members = [*_members(read.body, "body")]
    if has_headers:
        members += [_Member(f'headers."{name}"', name, text) for name, text in read.headers.items()]
    if any(map(_is_refusal, members)):
        return
    names = (each for each in members if _ID.fullmatch(fold(each.name)))
    place = next((each.expression for each in names if each.expression.startswith("body")), "")
    identity: _Values = {("answers", "attendee_id"): place} if place else {}
    for each in members:
        if fold(each.name) in _RESULTS:
            yield from ({**found, **identity} for found in _of_result(each, connection))
    if place:
        yield {("answers", "success"): f"{_SUCCESSES} && {place} != `null`", **identity}
    elif isinstance(read.body, str) and read.body.strip().lower().rstrip(".!") in _words():
        yield {("answers", "success"): f"body == {_literal(read.body)}"}
    elif not read.text.strip():
        yield {("answers", "success"): _SUCCESSES}


def _of_result(member: _Member, connection: Connection | None) -> Iterator[_Values]:
    """Yield the settings by which a member with a positive value is a success."""
    if member.value is True:
        yield {("answers", "success"): f"{member.expression} == `true`"}
        return
    text = str(member.value).strip()
    family = next((each for each in _POSITIVE if text.lower() in each), None)
    if fold(member.name) in _TRUTHS and text == "1":
        family = ("1",)
    if family is None:
        return
    if not _CODE.fullmatch(text):
        yield {("answers", "success"): f"{member.expression} == {_literal(member.value)}"}
        return
    codes = {text, *(_spelt_like(text, word) for word in family)}
    if connection and connection.answers.code == member.expression:
        codes |= connection.answers.success_codes
    listed: list[Value] = [*sorted(codes)]
    yield {("answers", "code"): member.expression, ("answers", "success_codes"): listed}


def _is_refusal(member: _Member) -> bool:
    name, value = fold(member.name), member.value
    if member.expression.startswith("headers"):
        return False
    if name in _ERRORS:
        return value not in (None, "", False, 0, "0", "00", "000", "none", "None")
    if name not in _RESULTS:
        return False
    if isinstance(value, bool):
        return not value
    text = str(value).strip().lower()
    if name in _TRUTHS and text in ("0", ""):
        return True
    return bool(_NEGATIVE.search(text)) or (
        text.lstrip("-").isdecimal() and text not in _words() and name not in _TRUTHS
    )


def _members(value: Any, expression: str, depth: int = 0) -> Iterator[_Member]:
    if depth > _MAX_DEPTH or not isinstance(value, dict):
        return
    for name, each in value.items():
        path = f"{expression}.{_quoted(name)}"
        if isinstance(each, dict):
            yield from _members(each, path, depth + 1)
        if isinstance(each, list) and fold(name) in _ERRORS and each:
            yield _Member(path, name, "some")
        elif not isinstance(each, dict | list):
            yield _Member(path, name, each)


def _words() -> frozenset[str]:
    return frozenset(word for family in _POSITIVE for word in family)


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


def _literal(value: Any) -> str:
    return f"`{json.dumps(value)}`".replace("\\`", "`")


def _spelt_like(pattern: str, word: str) -> str:
    if pattern.isupper():
        return word.upper()
    return word.capitalize() if pattern[:1].isupper() else word
