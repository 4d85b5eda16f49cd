"""Doubts about expressions: they may be meant so, and more likely are not.

Whether a name is right only profiles can tell. Without a sample of them, names are compared with
those of the shared table and of Experience Data Model (XDM):
https://github.com/adobe/xdm/blob/master/components/classes/profile.schema.json
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jmespath

from attendee_sync import attendee
from attendee_sync.mapping import expressions, filters, function_calls
from attendee_sync.mapping.destination import Destination
from attendee_sync.mapping.evaluation import Node
from attendee_sync.mapping.function_calls import allowed, in_words, types_of
from attendee_sync.profile import memberships, names
from attendee_sync.profile.names import Names, fold
from attendee_sync_cli.settings.expression_faults import FILTER, expressions_of

type Json = Mapping[str, Any]
type _Path = tuple[str, ...]

_PHONES = "mobilePhone, workPhone, homePhone, faxPhone"
_EMAILS = "personalEmail, workEmail"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


# By paths of XDM, what can stand there.
_MEMBERS: Final[Mapping[_Path, tuple[str, ...]]] = {
    ("person",): _listed(
        "name, birthDate, birthDayAndMonth, birthYear, gender, maritalStatus, nationality, taxId"
    ),
    ("person", "name"): _listed("firstName, lastName, middleName, fullName, courtesyTitle, suffix"),
    **dict.fromkeys(
        [(each,) for each in _listed(_EMAILS)],
        _listed("address, primary, type, status, statusReason, label"),
    ),
    **dict.fromkeys(
        [(each,) for each in _listed(_PHONES)],
        _listed("number, extension, countryCode, primary, type, status, validity"),
    ),
}
_XDM: Final = (
    *_listed(
        "audiences, b2b, consents, eventType, extendedWorkDetails, id, identities, identityMap,"
        " isDeleted, loyalty, optInOut, organizations, person, personComponents, personID,"
        " preferredLanguage, privacyOptOuts, pushNotificationDetails, segmentMembership, segments,"
        " subscriptions, testProfile, timestamp, timeZone, type, userAccount, userActivityRegions"
    ),
    *_listed(f"{_EMAILS}, {_PHONES}"),
)
# Reading takes these away, and has their members at the top.
_TAKEN_AWAY: Final = ("attributes", "entity", "traits", "xdm")
_PREFIX: Final = "xdm:"
_PLAIN_NAME = re.compile(r"[\w: -]{1,64}")  # no e-mail address looks like it
_LIKENESS = 0.75
_FEW_LETTERS = 4  # any two names of fewer are alike
_MOST_NAMES, _MAX_DEPTH = 1_000, 5
_EMPTY: Final[Mapping[str, str]] = {"array": "`[]`", "string": "''", "object": "`{}`"}
_PLAIN: Final = ("field", "subexpression", "index_expression")
# What is applied to the result of its first part.
_CHAINS: Final = (
    *("subexpression", "index_expression", "pipe"),
    *("flatten", "projection", "filter_projection", "value_projection"),
)
_NULL: Final = frozenset({"null"})


@dataclass(frozen=True)
class SettingDoubt:
    """What is doubtful about a setting. The text holds no value of a profile."""

    setting: str
    doubt: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.doubt}"


def doubts(settings: Destination, sample: Sequence[Json] = ()) -> list[SettingDoubt]:
    """Return the doubts about valid settings; `sample` are profiles as the reader gives them."""
    provider = _Sampled(sample) if sample else _Known(names.table(settings.names))
    found = [SettingDoubt(f"mapping.{each}", _of_field(each)) for each in settings.mapping]
    found = [each for each in found if each.doubt]
    for path, text in expressions_of(settings).items():
        found += [SettingDoubt(path, each) for each in dict.fromkeys(_about(path, text, provider))]
    return found


def paths(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths of names that an expression looks for at the top of a profile."""
    return tuple(dict.fromkeys(_paths(jmespath.compile(text).parsed)))


def _of_field(field: str) -> str:
    """Return what is doubtful about a field's name, or nothing."""
    fields = {fold(each): each for each in attendee.FIELDS}
    meant = difflib.get_close_matches(fold(field), fields, 1, _LIKENESS)
    if field in attendee.FIELDS or not meant:
        return ""
    return f"is a custom attribute; RainFocus's own field is {fields[meant[0]]}"


def _about(path: str, text: str, provider: "_Sampled | _Known") -> Iterator[str]:
    if isinstance(provider, _Sampled) and path != FILTER:
        if provider.gives(text):
            return
        size = provider.size
        profiles = "profile" if size == 1 else f"{size} profiles"
        yield f"gives nothing for the {profiles} of the sample"
    for each in paths(text):
        yield from _about_path(each, provider, text)
    if path != FILTER:
        return
    yield from _about_absence(text)
    if isinstance(provider, _Sampled):
        for audience in provider.strange_audiences(text):
            yield f"no profile of the sample has an audience with the id {audience}"


def _about_path(path: _Path, provider: "_Sampled | _Known", text: str) -> Iterator[str]:
    written = ".".join(path)
    first, *rest = path
    if first in _TAKEN_AWAY and rest and not provider.has(path):
        yield f"{written} is read as {'.'.join(rest)}: what {first} holds is at the top"
    elif any(name.startswith(_PREFIX) for name in path):
        plain = ".".join(name.removeprefix(_PREFIX) for name in path)
        yield f"{written} is read as {plain}: {_PREFIX} before names is dropped"
    elif first == "identityMap" and rest and not rest[0].islower():
        yield f"namespaces are read in lower case: identityMap.{rest[0].lower()}"
    elif not provider.has(path):
        alike = provider.alike(path)
        meant = f"; did you mean {alike}?" if alike else ""
        if not meant and _may_be_text(written, text):
            meant = f"; if it is a text, write '{written}'"
        yield f"{provider.words} {written}{meant}"


def _may_be_text(name: str, text: str) -> bool:
    """Tell whether a name is all of an expression, or stands where texts mostly do."""
    compared = [
        node["children"][1] for node, _ in function_calls.walk(text) if node["type"] == "comparator"
    ]
    return text == name or any(each.get("value") == name for each in compared)


def _about_absence(text: str) -> Iterator[str]:
    """Yield what fails for profiles without an attribute, unless it is asked for first."""
    nodes = list(function_calls.walk(text))
    guards = {
        in_words(part)
        for node, _ in nodes
        if node["type"] == "and_expression"
        for part in node["children"]
    }
    for node, current in nodes:
        if node["type"] == "comparator" and node["value"] not in ("eq", "ne"):
            yield from _about_order(*node["children"])
        if node["type"] != "function_expression":
            continue
        signature = function_calls.takes(node["value"], filters.FilterFunctions)
        for given, argument in zip(node["children"], signature, strict=False):
            kinds = allowed(argument)
            is_plain = given["type"] in _PLAIN
            lacks = _NULL & types_of(given, current) - kinds
            if is_plain and lacks and in_words(given) not in guards:
                empty = next(each for kind, each in _EMPTY.items() if kind in kinds)
                name = in_words(given)
                yield (
                    f"{node['value']} can't be evaluated for profiles without {name}, which then "
                    f"wait: not_null({name}, {empty}) in its place gives them an empty one"
                )


def _about_order(left: Node, right: Node) -> Iterator[str]:
    """Yield the comparison with a number that fails where an attribute is a text."""
    for side, other in ((left, right), (right, left)):
        is_number = other["type"] == "literal" and isinstance(other["value"], int | float)
        if side["type"] in _PLAIN and is_number:
            name = in_words(side)
            yield (
                f"{name} can't be compared so for profiles that have it as a text, as those of CSV "
                f"do, which then wait: to_number({name}) in its place takes both"
            )


def _paths(node: Node) -> Iterator[_Path]:
    """Yield the paths of names that an expression looks for at the top of a profile."""
    if node["type"] in ("expref", "slice"):
        return
    names, _ = _leading(node)
    if names:
        yield names
        return
    is_chain = node["type"] in _CHAINS
    for child in node["children"][:1] if is_chain else node["children"]:
        yield from _paths(child)


def _leading(node: Node) -> tuple[_Path, bool]:
    """Return the names that a node begins with, and whether it is nothing else."""
    if node["type"] == "field":
        return (node["value"],), True
    is_path = node["type"] == "subexpression"
    found: _Path = ()
    if node["type"] in _CHAINS:
        for child in node["children"] if is_path else node["children"][:1]:
            more, is_all = _leading(child)
            found += more
            if not is_all:
                return found, False
    return found, is_path or node["type"] == "current"


class _Known:
    """What is known of the names that senders use."""

    words = "nothing that is known sends"

    def __init__(self, table: Names) -> None:
        self._person = table.person
        paths = [f"{'.'.join(path)}.{each}" for path, listed in _MEMBERS.items() for each in listed]
        words = [each for listed in table.fields.values() for each in listed if each.isalpha()]
        self._listed = {fold(each): each for each in (*words, *_XDM, *paths)}

    def has(self, path: _Path) -> bool:
        """Tell whether a path is one that is known, as far as that can be told."""
        first = path[0]
        if first in _TAKEN_AWAY and len(path) > 1:
            return False
        for n, name in enumerate(path[1:], 1):
            if path[:n] in _MEMBERS and name not in _MEMBERS[path[:n]]:
                return False
        return first in _XDM or first.startswith("_") or self._person[first] is not None

    def alike(self, path: _Path) -> str:
        """Return the known name that is most alike, or nothing."""
        return _most_alike(path, self._listed)


class _Sampled:
    """What profiles of a sample have."""

    words = "no profile of the sample has"

    def __init__(self, sample: Sequence[Json]) -> None:
        self._sample = sample
        self._listed: dict[str, str] = {}
        for profile in sample:
            self._list(profile, ())

    @property
    def size(self) -> int:
        """How many profiles there are."""
        return len(self._sample)

    def gives(self, expression: str) -> bool:
        """Tell whether an expression gives something for one of them."""
        search = expressions.lenient(expression)
        return any(search(profile) not in (None, "", [], {}) for profile in self._sample)

    def has(self, path: _Path) -> bool:
        """Tell whether one of them has a value or a null there."""
        return any(_is_there(profile, path) for profile in self._sample)

    def strange_audiences(self, text: str) -> list[str]:
        """Return the audiences that an expression asks for, and that none of them names."""
        asked = [
            node["children"][1]["value"]
            for node, _ in function_calls.walk(text)
            if node["type"] == "function_expression" and node["value"] == "is_member"
        ]
        named = {
            each for profile in self._sample for each in memberships.by_audience(dict(profile))
        }
        return [each for each in asked if each not in named]

    def alike(self, path: _Path) -> str:
        """Return the name that is most alike, or nothing."""
        return _most_alike(path, self._listed)

    def _list(self, value: object, path: _Path) -> None:
        if not isinstance(value, dict) or len(path) > _MAX_DEPTH:
            return
        for name, each in value.items():
            if len(self._listed) < _MOST_NAMES and _PLAIN_NAME.fullmatch(name):
                written = ".".join((*path, name))
                self._listed.setdefault(fold(written), written)
                self._list(each, (*path, name))


def _most_alike(path: _Path, listed: Mapping[str, str]) -> str:
    """Return the name that is most like a path, or like its beginning; or nothing."""
    for end in (len(path), 1):
        key = fold(".".join(path[:end]))
        close = difflib.get_close_matches(key, listed, 1, _LIKENESS)
        if close and len(key) >= _FEW_LETTERS and listed[close[0]] != ".".join(path[:end]):
            return listed[close[0]]
    return ""


def _is_there(value: object, path: _Path) -> bool:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
