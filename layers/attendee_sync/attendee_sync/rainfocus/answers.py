"""Answers of RainFocus: what each means for the profile that was sent."""

import email.utils
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from attendee_sync.http_client import UNUSABLE, HttpAnswer, is_busy, is_success, is_transient
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import masking, reading
from attendee_sync.rainfocus.connection import Answers, Connection, Sign
from attendee_sync.rainfocus.masking import Sent
from attendee_sync.rainfocus.reading import Reading

_MAX_RETRY_AFTER = 86_400  # seconds; what is waited for in the end, the retry policy says
_MAX_WORDS = 2_000  # characters of a message in which is looked for words
_ABOUT_TOKEN = re.compile(
    r"token|expired|oauth|authenticat|unauthori[sz]ed|credential", re.IGNORECASE
)
# What servers say of their own trouble, and never of a profile.
_ABOUT_SERVER = re.compile(
    r"maintenance|temporar|unavailable|try(?:ing)? again|time[sd]?[ -]?out|overload|busy|too many"
    r"|(?:rate|request) limit|quota|throttl|(?:internal|system|server|unexpected) error"
    r"|exception|deadlock|out of memory|database|service is down",
    re.IGNORECASE,
)
# Members beside a code that may tell of a failure, and what they hold where there was none.
_SUCCESS_MEMBERS = ("success", "succeeded", "ok", "stored", "saved", "persisted", "committed")
_FAILURE_MEMBERS = ("error", "errors", "failed", "failures", "rejected")
_FAILURE_ENDINGS = ("errors", "failures")  # such as validationErrors
_RESULT_MEMBERS = ("status", "result", "outcome", "state")
_FAILED_WORDS = frozenset({"failed", "failure", "fail", "error", "errored"})
# An attendee may be so, too; with a reason beside it, it is the result.
_REFUSED_WORDS = frozenset({"rejected", "refused", "invalid", "denied", "not_found", "skipped"})
# What servers say that only looked at a call.
_DRY_MEMBERS = ("dryrun", "validateonly", "validationonly", "simulated", "preview", "testmode")
_DRY_WORDS = frozenset({"dryrun", "simulated", "simulation", "notstored"})
_STORES_NOTHING = re.compile(
    r"\bdry[ -]?run\b|\b(?:validat(?:ed|ion)|simulat(?:ed|ion)|preview) only\b|\bonly (?:validated"
    r"|simulated)|\b(?:preview|test|simulation) mode\b"
    r"|\b(?:nothing|(?:attendee|record|row|person|profile|data) (?:is|was|has|were|will) not)"
    r"(?: (?:is|was|has|be|been|will))* (?:stored|saved|written|persisted|committed|created)\b"
    r"|\b(?:attendee|record|row|person|profile|request|call) (?:(?:is|was|were|has|been) )*"
    r"(?:skipped|ignored|discarded)\b",
    re.IGNORECASE,
)
_REASON_MEMBERS = ("reason", "message", "detail", "details", "description", "cause")
_CONTAINERS = frozenset({"result", "results", "response", "data", "body", "outcome", "output"})
_MAX_DEPTH = 5  # of them within an answer
_PERSONS_NAMES = frozenset({"firstname", "lastname"})
_NO_FAILURE = frozenset(
    {"", "0", "false", "none", "null", "no", "n", "n/a", "ok", "success", "no error", "no errors"}
)
_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_HTTP_STATUS = re.compile(r"[45][0-9]{2}")
# Three digits are in many a phone number: such a code repeats a whole value, or nothing.
_SHORT_CODE = re.compile(r"[0-9]{0,3}")
# With these, and on success, the API itself refuses an attendee: by a code in its envelope.
_REFUSALS = frozenset({400, 422})
_NOTHING = Sent.of()
_PARAMETER_MISSING_CODE = "103"  # seen: "Required parameter missing: apiProfile"


def judge(
    received: HttpAnswer | Exception, connection: Connection, sent: Sent = _NOTHING
) -> Answer:
    """Say what an answer, or none, means. Nothing else decides that.

    Its words are masked by what was sent.
    """
    if isinstance(received, Exception):
        is_ours = isinstance(received, UNUSABLE)
        name = type(received).__name__
        return Answer(AnswerKind.CONFIGURATION if is_ours else AnswerKind.TRANSIENT, message=name)
    results = list(_results(reading.read(received), connection.answers))
    kinds = [_kind_and_words(result, connection, sent) for result in results]
    found, result = next(
        (each for each in zip(kinds, results, strict=True) if each[0] is not AnswerKind.STORED),
        (AnswerKind.STORED, results[-1]),
    )
    answer = Answer(found, received.status, _code(result, connection.answers))
    if found is AnswerKind.STORED:
        ids = (each.find(connection.answers.attendee_id) for each in reversed(results))
        return replace(answer, attendee_id=_id(next(filter(None, ids), None), sent))
    message = _message(result, connection.answers)
    if found is AnswerKind.TRANSIENT:
        answer = replace(
            answer,
            retry_after=retry_after(received.headers.get("Retry-After")),
            is_busy=is_busy(received.status),
        )
    if found is AnswerKind.PROFILE:
        is_own = _is_apis_own(result, answer.code, message, connection.answers)
        answer = replace(answer, is_apis_own=is_own)
    answer = replace(answer, may_be_token=_may_be_token(found, answer, message))
    return _masked(answer, message, sent)


def stores_nothing(body: object, message: str) -> bool:
    """Tell whether an answer, though a success, says that it stored nothing, as a dry run does."""
    if _STORES_NOTHING.search(message[:_MAX_WORDS]):
        return True
    inside = [body, *_objects_within(body)] if isinstance(body, dict) else []
    return any(_is_dry(each) for each in inside if isinstance(each, dict))


def _is_dry(body: dict[str, Any]) -> bool:
    members = {re.sub(r"[_-]", "", str(name)).lower(): value for name, value in body.items()}
    if any(str(members.get(name)).lower() in ("true", "1") for name in _DRY_MEMBERS):
        return True
    skipped = members.get("skipped")
    if isinstance(skipped, int) and skipped > 0:
        return True
    words = (re.sub(r"[ _-]", "", str(members.get(n))).lower() for n in (*_RESULT_MEMBERS, "mode"))
    return not _DRY_WORDS.isdisjoint(words)


def _results(read: Reading, rule: Answers) -> Iterator[Reading]:
    """Yield what must be a success: the answer itself, and the results that it should hold.

    Where it holds some, it counts itself if it has a code, or its status is no success.
    """
    found = read.find(rule.inner)
    inner = found if isinstance(found, list) else [found] if isinstance(found, dict) else []
    if rule.inner is None or not inner or not is_success(read.status) or _code(read, rule):
        yield read
    if rule.inner is not None:
        # Where none is, nothing says that it is stored.
        yield from (read.result(each) for each in inner or [None])


def _masked(answer: Answer, message: str, sent: Sent) -> Answer:
    """Return an answer with its words, without what was sent."""
    repeats = masking.is_value if _SHORT_CODE.fullmatch(answer.code) else masking.is_echo
    if answer.code and repeats(answer.code, sent):
        answer = replace(answer, code=masking.MASK)
    if message:
        return replace(answer, message=masking.mask(message, sent))
    silence = f"HTTP {answer.status} without RainFocus's envelope"
    return replace(answer, message=silence) if answer.kind is AnswerKind.PROFILE else answer


def _kind_and_words(result: Reading, connection: Connection, sent: Sent) -> AnswerKind:
    """Say what a result means, as its words have it, too: a success may say it stored nothing."""
    kind, rule = _kind(result, connection), connection.answers
    if kind is not AnswerKind.STORED or rule.success is not None:
        return kind
    words = _message(result, rule)
    # What was sent, such as a company's name, may stand in them.
    if stores_nothing(result.body, words) and stores_nothing(
        result.body, masking.mask(words, sent)
    ):
        return AnswerKind.PROFILE
    return kind


def _kind(result: Reading, connection: Connection) -> AnswerKind:
    """Say what a result means: by the signs that are set, by its status, then by its code."""
    rule, status = connection.answers, result.status
    code, message = _code(result, rule), _message(result, rule)
    if listed := _listed(result, rule):
        return listed
    if _is_transient(status, code, rule):
        return AnswerKind.TRANSIENT
    if status == HTTPStatus.UNAUTHORIZED:
        return AnswerKind.TOKEN
    if code not in rule.profile and _is_configuration(status, code, message, connection):
        return AnswerKind.CONFIGURATION
    if is_success(status) and _succeeds(result, rule):
        return AnswerKind.STORED
    return AnswerKind.PROFILE


def _is_transient(status: int, code: str, rule: Answers) -> bool:
    if status == HTTPStatus.CONFLICT:  # with another call that is made now
        return code not in rule.profile
    return is_transient(status) or code in rule.transient


def _listed(result: Reading, rule: Answers) -> AnswerKind | None:
    """Return what the signs say that count before what a status means by itself."""
    lists = {
        AnswerKind.TOKEN: rule.token,
        AnswerKind.TRANSIENT: rule.transient,
        AnswerKind.CONFIGURATION: rule.configuration,
        AnswerKind.PROFILE: rule.profile,
    }
    for kind, signs in lists.items():
        plain_codes = kind is AnswerKind.TOKEN
        for sign in signs:
            if (plain_codes or not isinstance(sign, str)) and _has(result, sign, rule):
                return kind
    return None


def _has(result: Reading, sign: str | int | Sign, rule: Answers) -> bool:
    """Tell whether a result has a sign."""
    if isinstance(sign, str):
        return _code(result, rule) == sign
    if isinstance(sign, int):
        return result.status == sign
    words = _message(result, rule) or result.text
    return (
        sign.status in (None, result.status)
        and sign.code in (None, _code(result, rule))
        and (sign.words is None or sign.words.lower() in words.lower())
    )


def _is_apis_own(result: Reading, code: str, message: str, rule: Answers) -> bool:
    """Tell whether a refusal is listed as a profile's, or has the API's code where it puts one.

    A code and words that tell of the server's own trouble are no word on a profile.
    """
    if any(_has(result, sign, rule) for sign in rule.profile):
        return True
    is_by_api = is_success(result.status) or result.status in _REFUSALS
    # In an envelope a text may be the code that has not the shape of one.
    text = result.find(rule.code) if isinstance(result.body, dict) else None
    has_code = bool(code) or (isinstance(text, str) and bool(text.strip()))
    return is_by_api and has_code and not _is_about_server(code, message)


def _is_about_server(code: str, message: str) -> bool:
    is_passing = bool(_HTTP_STATUS.fullmatch(code)) and is_transient(int(code))
    return is_passing or bool(_ABOUT_SERVER.search(message[:_MAX_WORDS]))


def _succeeds(result: Reading, rule: Answers) -> bool:
    if result.is_page:
        return False
    if rule.success is not None:
        return result.find(rule.success) is True
    if _code(result, rule) not in rule.success_codes:
        return False
    return rule.inner is not None or not _has_failed_within(result, rule)


def _has_failed_within(result: Reading, rule: Answers) -> bool:
    """Tell whether an answer with the code of a success tells of a failure beside or within it."""
    if not isinstance(result.body, dict):
        return False
    if _has_failed(result.body) or any(map(_has_failed, _objects_within(result.body))):
        return True
    listed = (each for value in result.body.values() if isinstance(value, list) for each in value)
    codes = (_code(result.result(each), rule) for each in listed)
    return any(code and code not in rule.success_codes for code in codes)


def _has_failed(body: dict[str, Any]) -> bool:
    members = {str(name).lower(): value for name, value in body.items()}
    if any(_is_false(members.get(name)) for name in _SUCCESS_MEMBERS):
        return True
    told = {name for name, value in members.items() if not _tells_nothing(value)}
    if any(name in _FAILURE_MEMBERS or name.endswith(_FAILURE_ENDINGS) for name in told):
        return True
    words = {str(members.get(name)).strip().lower() for name in _RESULT_MEMBERS}
    has_reason = not told.isdisjoint(_REASON_MEMBERS)
    return bool(words & _FAILED_WORDS) or (has_reason and bool(words & _REFUSED_WORDS))


def _is_false(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


def _tells_nothing(value: object, depth: int = 0) -> bool:
    """Tell whether a value tells of no failure, nor does what is in it: {"code": 0, "text": ""}."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth < _MAX_DEPTH and all(_tells_nothing(each, depth + 1) for each in inner)
    return not value or str(value).strip().lower() in _NO_FAILURE


def _objects_within(value: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the objects within an answer that may be results, not what is known of the attendee.

    Lists in a person's record are such as orders and sessions; who is warned of something skipped
    is stored all the same.
    """
    is_person = {str(name).lower().replace("_", "") for name in value} >= _PERSONS_NAMES
    for name, each in value.items():
        if str(name).lower().endswith("warnings"):
            continue
        is_container = str(name).lower() in _CONTAINERS
        listed = each if isinstance(each, list) and (is_container or not is_person) else []
        yield from (one for one in listed if isinstance(one, dict))
        if isinstance(each, dict) and is_container and depth < _MAX_DEPTH:
            yield each
            yield from _objects_within(each, depth + 1)


def _is_redirect(status: int) -> bool:
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def _may_be_token(found: AnswerKind, answer: Answer, message: str) -> bool:
    """Tell whether another access token could cure a refusal: a status can't be relied on."""
    if found is AnswerKind.CONFIGURATION:
        return not _is_redirect(answer.status or 0)
    words = f"{answer.code} {message[:_MAX_WORDS]}"
    return found is AnswerKind.PROFILE and bool(_ABOUT_TOKEN.search(words))


def retry_after(header: str | None) -> int | None:
    """Return a `Retry-After` header in seconds, a day at most, from a number or an HTTP date."""
    if not header:
        return None
    try:
        if header.strip().isdecimal():
            return min(int(header), _MAX_RETRY_AFTER)
        until = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    seconds = (until - datetime.now(UTC)).total_seconds()
    return int(min(max(seconds, 0), _MAX_RETRY_AFTER))


def _code(result: Reading, rule: Answers) -> str:
    return _word(result.find(rule.code))


def _message(result: Reading, rule: Answers) -> str:
    return str(result.find(rule.message) or "")


def _word(value: object) -> str:
    """Return a code or an id, a string in all that was seen; a number is taken as one.

    What has not the shape of one could hold anything, and gives nothing.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _WORD.fullmatch(text) else ""


def _id(value: object, sent: Sent) -> str:
    """Return an attendee's id, unless it repeats something of the attendee."""
    text = _word(value)
    return "" if text and masking.is_echo(text, sent) else text


def _is_configuration(status: int, code: str, message: str, connection: Connection) -> bool:
    if status == HTTPStatus.FORBIDDEN:
        return True
    if _is_redirect(status):
        return True  # the API has moved: no profile's fault
    if code == _PARAMETER_MISSING_CODE:
        return any(name.lower() in message.lower() for name in _profile_names(connection))
    return code in connection.answers.configuration


def _profile_names(connection: Connection) -> tuple[str, str]:
    return ("apiProfile", connection.api_profile.name)
