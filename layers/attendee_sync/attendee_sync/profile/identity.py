"""Who a profile is: its e-mail address, or the hash of one.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from attendee_sync import attendee
from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import email_address, memberships, names, others, persons, reader, shapes
from attendee_sync.profile.candidates import Found, Path
from attendee_sync.profile.email_address import EmailAddressError
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Names
from attendee_sync.profile.reader import Json

type EmailExpression = Callable[[Json], object]
_NAMESPACES = frozenset({"email", "emails", "emailaddress", "personalemail", "workemail"})
# Names and namespaces of hashes, folded, such as email_lc_sha256, hashedEmail, "Emails (SHA256)".
_HASH_NAME = re.compile(
    r"(?=.*email)(?=.*(?:hash|sha256))"
    r"(?:hashed|hash|sha256|lc|lowercased|emails(?!ha256)|email|address)++"
)
_LONGEST_NAME = 60
_NOT_A_PERSON = Fault(Reason.NOT_A_PERSON, "a group, a page or another thing that is no person")
_GONE = Fault(
    Reason.LEFT_AUDIENCE, "somebody has left, and no e-mail address tells who: an id alone does not"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNCLEAR = Fault(
    Reason.UNCLEAR_EMAIL,
    "no e-mail address under a name that says it is the person's own, though one is there",
)
_ANOTHERS = Fault(
    Reason.UNCLEAR_EMAIL,
    "the only e-mail address stands beside another first or last name than the person's",
)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MAPPED = "what the destination maps"
_IDENTITY = "identityMap.Email"
_OTHERS = "what stands beside another address is somebody else's, and was not read"
_SHOWN = 2  # of the names of e-mail addresses that were looked at
_TEXTS_OF = ("address", "value", "email")  # members of an object that may hold an address
_MAX_DEPTH = 3
_DEEPEST = 12  # values within each other in which any address is looked for
_OF_PERSONS = frozenset({"email", *FIRST_AND_LAST})
_MAX_TEXTS = 10  # that are looked at in a profile: with one that is not ASCII it can take a while
_ABSENT = frozenset({"", "null", "none", "undefined", "nil", "n/a", "na", "-"})

# Where a text stands, in words that hold nothing of the profile, and the text.
type _Placed = tuple[str | Path, str]


@dataclass(frozen=True)
class EmailRule:
    """What a destination says of e-mail addresses."""

    mapped: EmailExpression | None = None
    falls_back: bool = True  # on the usual places, where what is mapped gives no address
    takes_hashes: bool = False  # where only a hash is known
    table: Names | None = None  # of the usual names, if it has its own


@dataclass(slots=True)
class Identity:
    """Who a profile is, with the profile in one shape."""

    profile: Json
    email: str  # in its one spelling, or empty if no address is known
    email_hash: str  # SHA-256 of the address, 64 hex digits, or empty
    fault: Fault | None  # why no attendee can be made of it
    remarks: tuple[str, ...]  # on the address; they tell no value
    found: Found  # what stands under the usual names of fields


_USUAL_RULE = EmailRule()


def identify(document: Json, rule: EmailRule = _USUAL_RULE) -> Identity:
    """Say who a profile is, whatever its sender's shape; see reader.read().

    The e-mail address is the first valid one: of what the destination maps to it; then of the
    attributes under its usual names (see field_names.NAMES); then of the identities, those marked
    primary first. Lists and objects give what they hold. What was passed over is remarked. A hash
    is never an address.

    The hash is the address's, or else the first that was pushed: in place of the address, as an
    identity in a namespace of hashes such as `email_lc_sha256`, or as an attribute of such a name.
    """
    table = rule.table or names.standard()
    known = shapes.recall(document, table) or _learn(document, table)
    if known is None:
        return Identity(reader.read(document), "", "", _NOT_A_PERSON, (), Found.of({}, {}))
    profile, found = known
    first = found.best.get("email")
    is_usual = not rule.mapped and (not found.more or _OF_PERSONS.isdisjoint(found.more))
    if is_usual and isinstance(first, str):  # as in most
        email = email_address.plain(first)
        if email:
            return Identity(profile, email, attendee.sha256_of(email), None, (), found)
    return _with_first_valid(profile, found, rule)


def _with_first_valid(profile: Json, found: Found, rule: EmailRule) -> Identity:
    """Say who somebody is by the first text that is an address, or by a hash."""
    passed_over: list[Fault] = []
    for place, text in itertools.islice(_texts(profile, found, rule), _MAX_TEXTS):
        try:
            email = email_address.normalise(text)
        except EmailAddressError as error:
            if not _is_absent(text):
                detail = f"{_words_for(place)}: {error.fault.detail}"
                passed_over.append(Fault(error.fault.reason, detail))
            continue
        if not isinstance(place, str) and others.is_anothers(found, place):
            passed_over.append(_ANOTHERS)
            continue
        remarks = [f"passed over {fault.detail}" for fault in passed_over]
        if rule.mapped and place != _MAPPED:
            remarks.insert(0, f"from {_words_for(place)}, since {_MAPPED} gives no address")
        if email != text.strip().lower():
            remarks.append("brought to its one spelling")
        if not isinstance(place, str):
            found, are_others = others.without(found, email, place)
            remarks += [_OTHERS] * are_others
        if found.paths.get("address1") == place:
            found = found.without("address1")
        return Identity(profile, email, attendee.sha256_of(email), None, tuple(remarks), found)
    email_hash = next(_hashes(profile, found, rule), "")
    is_wanted = email_hash and rule.takes_hashes
    fault = None if is_wanted else _fault(profile, email_hash, passed_over, rule)
    return Identity(profile, "", email_hash, fault, (), found)


def _learn(document: Json, table: Names) -> tuple[Json, Found] | None:
    """Return what shapes.learn() does of what is a person's in a document, or nothing."""
    persons_own = persons.without_things(document)
    return None if persons_own is None else shapes.learn(persons_own, table)


def _holds_address(value: object, depth: int = 0) -> bool:
    """Tell whether a text within a value is like an e-mail address."""
    if isinstance(value, str):
        return "@" in value and _ADDRESS.fullmatch(value.strip()) is not None
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < _DEEPEST and any(_holds_address(each, depth + 1) for each in within)


def _is_absent(text: str) -> bool:
    """Tell whether a text stands for no value, or for the hash of one."""
    word = text.strip().lower()
    return word in _ABSENT or _SHA256.fullmatch(word) is not None


def _fault(profile: Json, email_hash: str, passed_over: Sequence[Fault], rule: EmailRule) -> Fault:
    """Return why no attendee can be made of somebody without a valid address."""
    if email_hash:
        return Fault(Reason.ONLY_HASH, "only a hash of the e-mail address is known")
    for fault in passed_over:
        if fault.reason is Reason.SEVERAL_EMAILS:
            return fault
    if passed_over:
        return passed_over[0]
    if memberships.tells_departure(profile):
        return _GONE
    if _is_usual(rule) and _holds_address(profile):
        return _UNCLEAR
    places = [f"in {_MAPPED}"] * bool(rule.mapped) + [_usual_places(rule)] * _is_usual(rule)
    return Fault(Reason.MISSING_EMAIL, f"no e-mail address {', '.join(places)}")


def _usual_places(rule: EmailRule) -> str:
    """Return where else was looked, in words: the destination's own names are the first."""
    shown = (rule.table or names.standard()).fields["email"][:_SHOWN]
    return f"under {', '.join(shown)} or a name like them, nor in identityMap"


def _is_usual(rule: EmailRule) -> bool:
    """Tell whether the usual places are looked at."""
    return rule.falls_back or not rule.mapped


def _hashes(profile: Json, found: Found, rule: EmailRule) -> Iterator[str]:
    texts = [text for _, text in _texts(profile, found, rule)]
    if _is_usual(rule):
        texts += [text for _, text in _identities(profile, _is_hash_name)]
        for name, value in profile.items():
            texts += _texts_of(value) if _is_hash_name(name) else ()
    for text in texts:
        word = text.strip().lower()
        if _SHA256.fullmatch(word):
            yield word


def _texts(profile: Json, found: Found, rule: EmailRule) -> Iterator[_Placed]:
    """Yield the texts that may be the address, the likeliest first."""
    if rule.mapped:
        for text in _texts_of(rule.mapped(profile)):
            yield _MAPPED, text
        if not rule.falls_back:
            return
    for value, path in others.attending_first(found.candidates("email")):
        if isinstance(value, str):
            yield path, value
    yield from _identities(profile, lambda namespace: names.fold(namespace) in _NAMESPACES)
    for value, path in found.candidates("address1"):  # as Mailgun calls it
        if isinstance(value, str) and _ADDRESS.fullmatch(value.strip()):
            yield path, value


def _identities(profile: Json, is_wanted: Callable[[str], bool]) -> Iterator[_Placed]:
    """Yield the identities of some namespaces, those marked primary first."""
    by_namespace = profile["identityMap"].items()
    identities = [each for name, listed in by_namespace if is_wanted(name) for each in listed]
    for each in sorted(identities, key=_rank):
        if isinstance(each.get("id"), str):
            yield _IDENTITY, each["id"]


def _is_hash_name(name: str) -> bool:
    """Tell whether an attribute or a namespace is one of hashes of addresses."""
    return len(name) <= _LONGEST_NAME and _HASH_NAME.fullmatch(names.fold(name)) is not None


def _words_for(path: str | Path) -> str:
    """Return where an address stands, if that is in words of our own table alone."""
    if isinstance(path, str):
        return path
    is_known = names.fold("".join(path)) in names.standard().words
    return ".".join(path) if is_known else "an attribute"


def _texts_of(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts of a value: of a list, those of its elements, the primary one's first."""
    if isinstance(value, str):
        if value and not value.isspace():
            yield value
    elif depth == _MAX_DEPTH:
        return
    elif isinstance(value, dict):
        for name in _TEXTS_OF:
            yield from _texts_of(value.get(name), depth + 1)
    elif isinstance(value, list):
        for each in sorted(value, key=_rank):
            yield from _texts_of(each, depth + 1)


def _rank(value: object) -> bool:
    """Return what sorts the one that is marked primary first, and keeps the order of others."""
    return not (isinstance(value, dict) and value.get("primary") is True)
