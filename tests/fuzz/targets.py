"""What is fuzzed: from which inputs, changed how, and what must hold of each."""

import copy
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import ValidationError

from attendee_sync.http_client import HttpAnswer
from attendee_sync.ingest import ingest
from attendee_sync.mapping import expressions, mapper, normalisation
from attendee_sync.mapping.mapper import Decision, Verdict
from attendee_sync.mapping.normalisation import NotNormalisedError
from attendee_sync.messaging import messages
from attendee_sync.outcome import AnswerKind
from attendee_sync.profile import bodies, names
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync.profile.pieces import Pushed, TooManyProfilesError
from attendee_sync.rainfocus import answers
from attendee_sync.rainfocus.masking import MAX_LENGTH, Sent
from tests.fuzz.mutations import MARK, Mutator
from tests.support.processor import seconds
from tests.support.stack import changed

type Json = Any

PUSHES = Path(__file__).parents[1] / "data" / "pushes"
MOST_PROFILES = 1_000
# How long a check may take: so much at least, and for each character. No work grows faster.
FREE_SECONDS, SECONDS_A_CHARACTER = 0.3, 20e-6
_LINES = "application/x-ndjson"
_ADDRESS = re.compile(r"\w@\w")
_CHARACTERS = "aZé\u0300\u200d\u00a0 ß\u0130ﬁ٣\uff10-.,+()/'0179\n\ud800\U0001f600\u202e"


@dataclass(frozen=True)
class Target:
    """A part of the code, and what comes to it from outside."""

    name: str
    seeds: Callable[[], Sequence[str]]
    mutate: Callable[[str, Random], str]
    check: Callable[[str], None]  # raises whatever is wrong

    def run(self, text: str) -> None:
        """Check an input, and that it takes no longer than its size explains."""
        took = seconds(lambda: self.check(text))
        limit = FREE_SECONDS + SECONDS_A_CHARACTER * len(text)
        if took > limit:
            took = min(took, seconds(lambda: self.check(text), runs=2))
        assert took <= limit, f"{took:.2f} s for {len(text)} characters"


# --- bodies -------------------------------------------------------------------------------------


@cache
def _pushed() -> Sequence[str]:
    paths = sorted(path for path in PUSHES.iterdir() if path.name != "expected.json")
    return [path.read_bytes().decode(errors="replace") for path in paths]


@cache
def _profiles() -> Sequence[Json]:
    """What stands in all pushes: the profiles one by one, and each body that is JSON."""
    found: list[Json] = []
    for text in _pushed():
        found += [each.profile for each in _split(text, "", "") if each.profile is not None]
    return found


@cache
def _bodies() -> Sequence[Json]:
    return [value for value in map(_parsed, _pushed()) if value is not None]


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mutated_body(text: str, random: Random) -> str:
    mutator = Mutator(random, _bodies())
    value = _parsed(text)
    if value is None or random.random() < 0.1:
        return mutator.text(text)
    value = mutator.value(value)
    if isinstance(value, list) and random.random() < 0.1:
        return "\n".join(map(_dumped, value))
    return _dumped(value, indent=random.choice((None, None, 1)))


def _dumped(value: Json, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _split(text: str, kind: str, place: str, *, maps_email: bool = False) -> Sequence[Pushed]:
    try:
        return bodies.split(text, kind, MOST_PROFILES, place, maps_email=maps_email)
    except (UnreadableBodyError, TooManyProfilesError) as error:
        _tells_nobody(str(error))
        return []


def _check_body(text: str) -> None:
    for kind, place, maps in (("", "", False), (_LINES, "", False), ("", "data.people", True)):
        pieces = _split(text, kind, place, maps_email=maps)
        assert pieces == _split(text, kind, place, maps_email=maps), "read twice, it differs"
        assert len(pieces) <= MOST_PROFILES
        for piece in pieces:
            assert (piece.profile is None) != (piece.fault is None)
            if piece.fault:
                _tells_nobody(piece.fault.detail)
            else:
                assert json.loads(piece.text) == piece.profile, "its text is another profile"
                queued = messages.escape_for_sqs(piece.text)
                assert json.loads(queued) == piece.profile, "what is queued is another profile"


# --- the reader ---------------------------------------------------------------------------------

_OWN = {
    "event_code": "summit2027",
    "mapping": {"email": "contact || email", "phone": {"value": "phone", "write": "clear_on_null"}},
    "hashes": {"only": "send"},
    "filter": "!has_opted_out(@, 'marketing.email') || is_member(@, 'a')",
    "exits": {"action": "set", "fields": {"status": "left"}},
    "required_consents": ["marketing.email"],
}
_DESTINATIONS = [json.dumps(each) for each in ({"event_code": "summit2027"}, _OWN)]
# Fields that are sent as they were pushed, but for blanks and spelling.
_AS_PUSHED = ("firstname", "lastname", "companyname", "jobtitle", "city", "address1", "phone")


def _mutated_profile(text: str, random: Random) -> str:
    value = Mutator(random, _profiles()).value(_parsed(text) or {})
    return _dumped(value)


def _check_profile(text: str) -> None:
    document = _parsed(text)
    if not isinstance(document, dict):
        return
    before = copy.deepcopy(document)
    for settings in _DESTINATIONS:
        names.standard().shapes.clear()
        decision, again = _decided(settings, document), _decided(settings, document)
        assert document == before, "reading changes what was pushed"
        assert _told(settings, decision) == _told(settings, again), "read twice, it differs"
        assert (decision.verdict in (Verdict.SEND, Verdict.EXIT)) == bool(decision.fields)
        _tells_nobody(" ".join([decision.detail, *(each for _, each in decision.remarks)]))
        queued = messages.escape_for_sqs(text)
        rule = ingest._email_rule(settings)
        known, fault = ingest._email_hash(Pushed(text, document), queued, rule)
        assert fault or known == decision.email_hash, "ingest and delivery know another person"
    _stands_in_the_push(_decided(_DESTINATIONS[0], document), document)


def _decided(settings: str, document: dict[str, Json]) -> Decision:
    return mapper.mapper(settings).decide(document, "foreignstate")


def _told(settings: str, decision: Decision) -> tuple[Decision, Mapping[str, str]]:
    """Return what is decided, and what is said to have given each field."""
    source_of = mapper.mapper(settings).source_of
    sources = {name: source_of(name, decision) for name in decision.fields}
    return replace(decision, sources={}, paths={}), sources


def _stands_in_the_push(decision: Decision, document: Json) -> None:
    """See that what is sent was pushed, word by word."""
    pushed = _letters(" ".join(_texts(document)))
    for name, text in decision.fields.items():
        assert len(text) <= normalisation.MAX_LENGTH
        if name in _AS_PUSHED or (name == "email" and "xn" not in pushed):
            missing = [each for each in text.split() if _letters(each) not in pushed]
            assert not missing, f"{name} has what was not pushed"


def _letters(text: str) -> str:
    """Return the letters and digits of a text, without case."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(filter(str.isalnum, plain))


def _texts(value: Json) -> Iterator[str]:
    """Yield the texts and numbers in a value, and the names of members."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    elif isinstance(value, str | int | float):
        yield str(value)


def _tells_nobody(words: str) -> None:
    """See that an error or a remark has nobody's address or name."""
    assert MARK not in words.lower(), "an error tells somebody's name"
    assert not _ADDRESS.search(words), "an error tells an address"


# --- answers ------------------------------------------------------------------------------------

_SENT = Sent.of(
    [f"{MARK}@example.com", f"{MARK.title()} Ann", "+1 555 0909000", "Company 7"],
    ["not-a-real-access-token"],
    ["email", "firstname", "phone", "companyname"],
)
_STORED = {"responseCode": "0", "responseMessage": "Success", "attendeeId": "1700000000000001abcd"}
_REFUSED = {"responseCode": "105", "responseMessage": f"{MARK}@example.com: countryid not known"}
_SEEN: Sequence[Mapping[str, Json]] = (
    {"status": 200, "type": "application/json", "body": _STORED},
    {"status": 200, "type": "application/json", "body": _REFUSED},
    {"status": 200, "type": "application/json", "body": {**_STORED, "errors": [_REFUSED]}},
    {"status": 200, "type": "application/json", "body": {"results": [_STORED, _REFUSED]}},
    {"status": 400, "type": "application/json", "body": {"error": _REFUSED, "success": False}},
    {"status": 401, "type": "application/json", "body": {"error": "invalid_token"}},
    {"status": 403, "type": "text/html", "body": "<html><body>Forbidden</body></html>"},
    {"status": 429, "type": "text/plain", "body": "slow down", "after": "7"},
    {"status": 503, "type": "", "body": "", "after": "Fri, 31 Dec 2027 23:59:59 GMT"},
    {"status": 200, "type": "text/xml", "body": "<r><responseCode>0</responseCode></r>"},
    {"status": 200, "type": "application/x-ndjson", "body": '{"responseCode":"0"}\n{"a":1}'},
    {"status": 200, "type": "application/x-www-form-urlencoded", "body": "responseCode=0&a=b"},
    {"status": 302, "type": "text/plain", "body": f"moved {MARK.title()} Ann +15550909000"},
)
_CONNECTIONS = (
    changed(),
    changed(answers={"inner": "body.results"}),
    changed(answers={"success": "body.success", "code": "body.error.responseCode"}),
    changed(answers={"token": ["7"], "transient": [418, {"words": "slow"}], "profile": ["105"]}),
)


def _mutated_answer(text: str, random: Random) -> str:
    given = _parsed(text)
    mutator = Mutator(random, _SEEN)
    if not isinstance(given, dict):
        return _dumped(_SEEN[0])
    if random.random() < 0.3:
        given["status"] = random.choice((100, 200, 201, 204, 226, 299, 301, 400, 409, 422, 500))
    if random.random() < 0.1:
        after = str(given.get("after", "7"))
        given["after"] = random.choice(("-1", "1e9", "٣", "9" * 5_000, mutator.text(after)))
    body = given.get("body")
    if not isinstance(body, str):
        return _dumped({**given, "body": mutator.value(body)})
    return _dumped({**given, "body": mutator.text(body)})


def _check_answer(text: str) -> None:
    given = _parsed(text)
    if not isinstance(given, dict) or not isinstance(given.get("status"), int):
        return
    body = given.get("body")
    written = body if isinstance(body, str) else _dumped(body)
    headers = {"Content-Type": str(given.get("type", "")), "Retry-After": str(given.get("after"))}
    encoded = written.encode(errors="surrogatepass")[:65_536]
    received = HttpAnswer(given["status"], encoded, headers)
    for connection in _CONNECTIONS:
        answer = answers.judge(received, connection, _SENT)
        assert answer == answers.judge(received, connection, _SENT), "judged twice"
        told = f"{answer.code} {answer.message} {answer.attendee_id}".lower()
        assert not any(each in told for each in (MARK, "0909000", "real-access-token"))
        assert len(answer.message) <= MAX_LENGTH
        assert answer.retry_after is None or 0 <= answer.retry_after <= 86_400
        if answer.kind is AnswerKind.STORED:
            assert 200 <= given["status"] < 300, "no success by its status"
            assert connection.answers.success or "0" in written, "no success by its code"


# --- normalisation ------------------------------------------------------------------------------

_NORMALISATIONS: Sequence[Callable[[str], str]] = (
    normalisation.clean_text,
    normalisation.number,
    normalisation.countryid,
)
_REGIONS = ("Germany", "de", "United States of America", "US-CA", "Utah", "Île-de-France", "東京都")


def _texts_of_pushes() -> Sequence[str]:
    return [*_REGIONS, *{text for each in _profiles() for text in _texts(each)}]


def _mutated_text(text: str, random: Random) -> str:
    at = random.randint(0, len(text))
    if random.random() < 0.3:
        return Mutator(random, [text]).text(text)
    put_in = "".join(random.choices(_CHARACTERS, k=random.choice((1, 1, 2, 5, 300))))
    return text[:at] + put_in + text[at:]


def _check_text(text: str) -> None:
    for work in _NORMALISATIONS:
        found = _normalised(lambda work=work: work(text), text)  # type: ignore[misc]
        if found is not None:
            assert len(found) <= normalisation.MAX_LENGTH
            assert work(found) == found, f"{work.__name__} twice changes it again"
    for country in ("US", "DE", "XX"):
        state = _normalised(lambda country=country: normalisation.state(text, country), text)  # type: ignore[misc]
        if state is not None and "-" not in text:  # of ISO 3166-2, it tells its country
            again = normalisation.state(state.code or state.foreign or "", country)
            assert again == state, "a state twice changes it again"


def _normalised[T](work: Callable[[], T], text: str) -> T | None:
    reason = ""
    try:
        return work()
    except NotNormalisedError as error:
        reason = error.reason
    assert MARK not in reason.lower()
    assert len(text) < 12 or text not in reason
    return None


# --- expressions --------------------------------------------------------------------------------

_EXPRESSIONS = (
    "email",
    "contact.email || email || 'x'",
    "identities[?type=='email'].id | [0]",
    "identityMap.Email[0].id",
    "join('-', sort(keys(@)))",
    "max_by(identities, &id).id || to_string(@)",
    "length(segments) > `2` && contains(email, '@')",
    "[email, phone] | [0]",
    "{a: email, b: *.c[]}.a",
    "map(&name, people)[1:3]",
    "first_word(name) || rest(name)",
    'not_null(a, b, `null`, `{"a": 1}`)',
    "a.b.c || d[0] || e[-1]",
)
_PARTS = (
    "@",
    ".",
    "||",
    "&&",
    "|",
    "[*]",
    "[]",
    "[0]",
    "[-1]",
    "[?a]",
    "*",
    "&",
    "!",
    "`1`",
    "'a'",
)
_CALLS = ("length(@)", "keys(@)", "to_number(a)", "reverse(@)", "type(@)", "sum(@)", "merge(@,@)")


def _mutated_expression(text: str, random: Random) -> str:
    at, end = sorted(random.choices(range(len(text) + 1), k=2))
    other = random.choice(_EXPRESSIONS)
    put_in = random.choice(
        (random.choice(_PARTS), random.choice(_CALLS), other, f"({other})", text[at:end] * 2)
    )
    return random.choice(
        (text[:at] + put_in + text[at:], text[:at] + put_in + text[end:], text[:at] + text[end:])
    )


def _check_expression(text: str) -> None:
    """See that what may be stored gives what the library gives, within its bounds."""
    destination = json.dumps({"event_code": "x", "mapping": {"zip": text}, "filter": "`true`"})
    try:
        rules = mapper.mapper(destination)
    except ValidationError:
        return
    try:
        plain = jmespath.compile(text)
    except JMESPathError:
        raise AssertionError("stored, and no JMESPath") from None
    search, lenient = expressions.compiled(text), expressions.lenient(text)
    for document in [{"email": "a@b.de"}, {"a": {"b": [1, {"c": None}]}}, *_profiles()[:40:8]]:
        assert rules.decide(document).verdict in Verdict
        found = _answer(lambda: search(document))  # noqa: B023 - called at once
        if "&" in text.replace("&&", ""):
            continue  # it may give an expression, which is like no other
        assert lenient(document) == (None if isinstance(found, type) else found)
        if "first_word" not in text and "rest" not in text:
            assert found == _answer(lambda: plain.search(document))  # noqa: B023


def _answer(work: Callable[[], Json]) -> Json:
    """Return what an expression gives, or the type of the error for which it gives nothing."""
    try:
        return work()
    except expressions.UNANSWERED as error:
        return type(error)


TARGETS: Mapping[str, Target] = {
    each.name: each
    for each in (
        Target("bodies", _pushed, _mutated_body, _check_body),
        Target("reader", lambda: list(map(_dumped, _profiles())), _mutated_profile, _check_profile),
        Target("answers", lambda: list(map(_dumped, _SEEN)), _mutated_answer, _check_answer),
        Target("normalisation", _texts_of_pushes, _mutated_text, _check_text),
        Target("expressions", lambda: _EXPRESSIONS, _mutated_expression, _check_expression),
    )
}
