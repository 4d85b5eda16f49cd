"""Signs of success in answers of an unknown dialect, and the settings that read them.

A sign is a guess until a write that must be refused is answered without it; see the search. Where
it is known that the attendee was stored, since a read shows it or RainFocus says so, anything by
which the answer may differ from a refusal can be one, such as a code that others use for failures.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from attendee_sync.http_client import is_success
from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.answers import stores_nothing
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli.doctor import words
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
# Of those the words that say so whatever they stand under.
_PLAIN_WORDS: Final = frozenset(
    word for family in _POSITIVE for word in family if len(word) > 1 and word.isalpha()
) - {"true", "yes", "complete", "accepted"}
_FIRST_WORD = re.compile(r"[A-Za-z]+(?![A-Za-z'-])")
_ID = re.compile(
    r"(?:sys|internal|attendee|person|profile|contact|record|registrant|user|member)?(?:id|uuid|guid|key)"
)
# Of what a 201 created, whatever it is called.
_NEW_ID = re.compile(r".*(?:id|uuid|guid|ref|reference|number)")
_OTHERS_ID = re.compile(
    r".*(?:request|trace|correlation|event|org|message|session|client|phone)\w*"
)
_NEGATIVE = re.compile(r"err|fail|reject|invalid|denied|refus|forbidden|unauthori|\bn?ko\b|\bnok\b")
_SAYS = re.compile(
    r"\b(?:success\w*|stored|saved|created|updated|upserted|accepted|processed|registered|added"
    r"|completed?|done)\b",
    re.IGNORECASE,
)
_SAYS_NOT = re.compile(
    r"\b(?:no|not|never|cannot|nothing|could|without|must|should|unless|only|un\w+|in?valid|fail\w*"
    r"|err\w*|miss\w*|requir\w*|denied|refus\w*|reject\w*|expect\w*|expired)\b|n't",
    re.IGNORECASE,
)
_RESULT_LIKE = re.compile(r".*(?:code|status|state|result|outcome|severity|level|errno)|rc|ret|ack")
_ECHOED = re.compile(r"event|country|zip|post|area|statecode|org|client|profile|token|version")
_STATE = re.compile(r"[A-Z]{2}")  # of an address
_COUNTS: Final = frozenset(
    {
        *("accepted", "stored", "saved", "processed", "upserted", "affected", "imported"),
        *("acceptedcount", "successcount", "processedcount", "affectedrows", "rowsaffected"),
    }
)
_NO_ERROR: Final[tuple[object, ...]] = (
    None,
    "",
    False,
    0,
    "0",
    "00",
    "000",
    "none",
    "None",
    [],
    {},
)
_FAILURES: Final = _ERRORS | {
    "skipped",
    "skippedcount",
    "failed",
    "rejected",
    "rejectedcount",
    "failedcount",
    "errorcount",
}
_OF_NEW, _OF_KNOWN = "created", "updated"  # what is said of a person who is new, or was there
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_SUCCESSES = "contains(`[200, 201, 202, 204]`, status)"
_MAX_DEPTH = 4
_RULES: Final = ("code", "success_codes", "success", "inner")

type _Values = dict[Path, Value]


@dataclass(frozen=True)
class _Member:
    """A member of an answer: its expression, name and value."""

    expression: str
    name: str
    value: Any

    @property
    def is_scalar(self) -> bool:
        """Tell whether it is neither object nor array."""
        return not isinstance(self.value, dict | list)


def looks_stored(read: Reading) -> bool:
    """Tell whether a person would take an answer for a success, whatever the settings say."""
    return any(True for _ in of(read, None))


def is_refusal(read: Reading) -> bool:
    """Tell whether an answer, whatever its status, says by its members that it is a refusal."""
    return any(map(_is_refusal, _members(read.body, "body")))


def says_stored(text: str) -> bool:
    """Tell whether a message says that something was stored."""
    return bool(_SAYS.search(text)) and not _SAYS_NOT.search(text)


def of(
    read: Reading,
    connection: Connection | None,
    *,
    is_stored: bool = False,
    of_new: Reading | None = None,
) -> Iterator[Change]:
    """Yield changes of `answers` by which an answer is a success, the most telling first.

    `is_stored` tells that it is one, whatever it looks like. `of_new` is the answer for somebody
    who was not there before, if there is one.
    """
    if not is_success(read.status) or read.is_page:
        return
    if not is_stored and stores_nothing(read.body, words.said(read)):
        return
    place, one = _result(read)
    members = list(_members(one.body, "body"))
    if not place:
        members += [_Member(f'headers."{name}"', name, text) for name, text in read.headers.items()]
    signs: list[_Values] = []
    is_said = says_stored(words.said(read)) and not any(map(_is_error, members))
    new = _result(of_new)[1] if of_new else one
    if is_stored or is_said or not any(map(_is_refusal, members)):
        signs += _in_one(one, members, connection, new)
        signs += _of_no_failures(members) if signs else []
    if is_stored or is_said:
        signs += _of_stored(members, one, new)
    if is_stored:
        signs.append({("answers", "success"): _SUCCESSES})
    defaults: _Values = {("answers", name): None for name in _RULES}
    for each in signs:
        values = {**each, ("answers", "inner"): place} if place else each
        yield Change((*values.items(), *(one for one in defaults.items() if one[0] not in values)))


def _result(read: Reading) -> tuple[str, Reading]:
    """Return where an answer has a list of results, and the first; or nothing and the answer."""
    found = _results(read.body, "body")
    return (found[0], read.result(found[1][0])) if found else ("", read)


def _results(body: Any, path: str, depth: int = 0) -> tuple[str, list[Any]] | None:
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return path if depth else f"{path}[]", body
    if not isinstance(body, dict) or depth > _MAX_DEPTH:
        return None
    inside = (
        _results(value, f"{path}.{_quoted(name)}", depth + 1)
        for name, value in body.items()
        if fold(name) not in _ERRORS
    )
    return next(filter(None, inside), None)


def _in_one(
    read: Reading, members: list[_Member], connection: Connection | None, new: Reading
) -> Iterator[_Values]:
    names = (each for each in members if _ID.fullmatch(fold(each.name)) and each.is_scalar)
    new_ids = filter(_is_new_id, members if read.status == HTTPStatus.CREATED else ())
    place = next(
        (each.expression for each in (*names, *new_ids) if each.expression.startswith("body")), ""
    )
    identity: _Values = {("answers", "attendee_id"): place} if place else {}
    for each in members:
        is_word = str(each.value).strip().lower() in _PLAIN_WORDS
        if each.is_scalar and (is_word or fold(each.name) in _RESULTS | _COUNTS):
            found = _of_result(each, connection, new.find(each.expression))
            yield from ({**values, **identity} for values in found)
    if place:
        yield {("answers", "success"): f"{_SUCCESSES} && {place} != `null`", **identity}
    elif isinstance(read.body, str) and read.body.strip().lower().rstrip(".!") in _words():
        yield {("answers", "success"): f"body == {_literal(read.body)}"}
    elif read.body is True:
        yield {("answers", "success"): "body == `true`"}
    elif isinstance(read.body, str) and (first := _FIRST_WORD.match(read.body)):
        if first[0].lower() in _PLAIN_WORDS:
            yield {("answers", "success"): f"starts_with(body, {_literal(first[0])})"}
    elif not read.text.strip():
        yield {("answers", "success"): _SUCCESSES}


def _of_no_failures(members: list[_Member]) -> Iterator[_Values]:
    """Yield the counts of failures that are none, where answers of failures say success, too."""
    for each in members:
        if fold(each.name) in _FAILURES and each.value == 0 and each.value is not False:
            yield {("answers", "success"): f"{_SUCCESSES} && {each.expression} == `0`"}


def _of_stored(members: list[_Member], one: Reading, new: Reading) -> Iterator[_Values]:
    """Yield what may tell the answer from a refusal, since it is known to be none."""
    inside = [each for each in members if each.expression.startswith("body")]
    if isinstance(one.body, str):
        inside = [_Member("body", "", one.body)]
    for each in filter(_is_result_like, members):
        codes = {str(value).strip() for value in (each.value, new.find(each.expression))}
        listed: list[Value] = [*sorted(filter(_CODE.fullmatch, codes))]
        yield {("answers", "code"): each.expression, ("answers", "success_codes"): listed}
    for each in inside:
        name = fold(each.name)
        is_of_failures = name in _FAILURES or name.endswith(("errors", "failures"))
        if is_of_failures and each.value in ([], {}, "", 0, None):
            yield {("answers", "success"): f"{each.expression} == {_literal(each.value)}"}
    for each in inside:
        if isinstance(each.value, dict) and each.value:
            yield {("answers", "success"): f"{each.expression} != `null`"}
    for each in inside:
        if isinstance(each.value, str) and says_stored(each.value):
            for expression in _sayings(each, new.find(each.expression)):
                yield {("answers", "success"): expression}


def _is_result_like(member: _Member) -> bool:
    name, text = fold(member.name), str(member.value).strip()
    if isinstance(member.value, bool) or not member.is_scalar or not _CODE.fullmatch(text):
        return False
    if _ECHOED.search(name) or (name == "state" and _STATE.fullmatch(text)):
        return False
    if member.expression.startswith("headers"):
        return name.startswith("x") and bool(_RESULT_LIKE.fullmatch(name))
    return bool(_RESULT_LIKE.fullmatch(name)) or name in _RESULTS


def _sayings(member: _Member, of_new: Any) -> Iterator[str]:
    """Yield expressions for a message, as it is for a new person and for one who was there."""
    text = str(member.value)
    said = {text, text.replace(_OF_NEW, _OF_KNOWN), text.replace(_OF_KNOWN, _OF_NEW)}
    said |= {of_new} if isinstance(of_new, str) and says_stored(of_new) else set()
    yield f"contains({_literal(sorted(said))}, {member.expression})"
    if word := _SAYS.search(text):  # behind it may stand whose
        yield f"starts_with({member.expression}, {_literal(text[: word.end()])})"


def _of_result(member: _Member, connection: Connection | None, of_new: Any) -> Iterator[_Values]:
    """Yield the settings by which a member with a positive value is a success.

    `of_new` is its value for somebody who was not there before.
    """
    if member.value is True:
        yield {("answers", "success"): f"{member.expression} == `true`"}
        return
    text = str(member.value).strip()
    family = next((each for each in _POSITIVE if text.lower() in each), None)
    if fold(member.name) in _TRUTHS | _COUNTS and text == "1":
        family = ("1",)
    if family is None:
        return
    if not _CODE.fullmatch(text):
        yield {("answers", "success"): f"{member.expression} == {_literal(member.value)}"}
        return
    codes = {text, *(_spelt_like(text, word) for word in family)}
    codes |= {str(of_new)} if str(of_new).lower() in _words() else set()
    if connection and connection.answers.code == member.expression:
        codes |= connection.answers.success_codes
    listed: list[Value] = [*sorted(codes)]
    yield {("answers", "code"): member.expression, ("answers", "success_codes"): listed}


def _is_refusal(member: _Member) -> bool:
    name, value = fold(member.name), member.value
    if member.expression.startswith("headers"):
        return False
    if name in _ERRORS:
        return _is_error(member)
    if name not in _RESULTS | _COUNTS or not member.is_scalar:
        return False
    if isinstance(value, bool):
        return not value
    text = str(value).strip().lower()
    if name in _TRUTHS | _COUNTS and text in ("0", ""):
        return True
    return bool(_NEGATIVE.search(text)) or (
        text.lstrip("-").isdecimal() and text not in _words() and name not in _TRUTHS | _COUNTS
    )


def _is_new_id(member: _Member) -> bool:
    name = fold(member.name)
    is_id = bool(_NEW_ID.fullmatch(name)) and not _OTHERS_ID.fullmatch(name)
    return is_id and member.is_scalar and bool(member.value)


def _is_error(member: _Member) -> bool:
    return fold(member.name) in _ERRORS and member.value not in _NO_ERROR


def _members(value: Any, expression: str, depth: int = 0) -> Iterator[_Member]:
    if depth > _MAX_DEPTH or not isinstance(value, dict):
        return
    for name, each in value.items():
        path = f"{expression}.{_quoted(name)}"
        yield _Member(path, name, each)
        yield from _members(each, path, depth + 1)


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
