"""Persons: what tells that an object is somebody's profile, and what is never a person.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attendee_sync.profile import names, pairs
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]

_LONGEST = 100  # characters of a name
_MAX_DEPTH = 4
_LOOKED_AT = 100  # parts of a value, until it is taken for one without people
_FIELDS = frozenset({"email", "firstname", "lastname"})
# Pages of results have these, too: https://docs.spring.io/spring-data/commons/docs/current/api/org/springframework/data/domain/Page.html
_OF_PAGES = frozenset({"first", "last"})
_MARKS = frozenset(
    {"identitymap", "identities", "traits", "segmentmembership", "emaillcsha256", "emailsha256"}
    | {"emailhash", "hashedemail"}
)
_LIFTED = {
    names.fold(name): name
    for name in (
        *("identityMap", "identities", "segmentMembership"),
        *("consents", "optInOut", "privacyOptOuts"),
    )
}
AT_TOP = frozenset(_LIFTED.values())
MOST_MEMBERS = 10_000  # of one object that are looked at
_MOST_OBJECTS = 100
_MOST_NAMES = 4_096  # that are kept
_FEWEST_PARTS, _MOST_OF_PART = 2, 2  # of one person: how many, and how many members of each
# Calls of Segment and RudderStack that are about no person, though one may have caused them:
# https://segment.com/docs/connections/spec/
_CALLS = frozenset({"group", "page", "screen", "alias"})
# With one of these an object is somebody near to a person.
_OF_RELATIVES = frozenset({"relationship", "relation", "kinship"})
_RELATIVES = frozenset(
    {"mother", "father", "parent", "guardian", "spouse", "wife", "husband", "son", "daughter"}
    | {"child", "sibling", "brother", "sister", "friend", "kin", "emergency", "relative"}
)
_OF_CALLS = frozenset(
    {"traits", "properties", "context", "userid", "anonymousid", "groupid", "previousid"}
    | {"messageid", "integrations"}
)
# What JSON:API and CRMs have beside people.
_THINGS = frozenset(
    {"company", "companies", "organization", "organizations", "organisation", "organisations"}
    | {"account", "accounts"}
)
_OF_THINGS = frozenset({"attributes", "properties"})
# By these an object declares its type in OData, JSON-LD, ActivityStreams and HubSpot:
# https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html
_DECLARING = frozenset(
    {"@odata.type", "@type", "objecttype", "object_type", "_module", "module", "modulename"}
    | {"entityname", "entity_name", "entitytype", "entity_type", "logicalname", "sobjecttype"}
    | {"recordtype", "record_type", "resourcetype", "resource_type", "primaryentityname"}
    | {"object", "objecttypeid", "partytype", "party_type"}
)
# By these it says what has happened, and to what: `company.created`.
_TELLING = frozenset({"type", "event", "eventtype", "event_type", "subscriptiontype", "topic"})
_HAPPENED = frozenset(
    {"add", "added", "change", "changed", "create", "created", "creation", "delete", "deleted"}
    | {"deletion", "merge", "merged", "property", "save", "saved", "update", "updated"}
)
_FLAGS = frozenset({"iscompany", "is_company", "isorganization", "is_organization"})
_IDENTIFIERS = "identifiers"  # of Customer.io
# Members with which another is a thing.
DECLARING = _DECLARING.union(_TELLING, _FLAGS, {"kind", "meta", "changeeventheader", _IDENTIFIERS})
_DECLARED_THINGS = _THINGS | {"group", "groups", "team", "corporation", "localbusiness", "device"}
# Companies, deals and tickets of HubSpot's, folded:
# https://developers.hubspot.com/docs/guides/crm/understanding-the-crm#object-type-ids
_NUMBERED_THINGS = frozenset({"02", "03", "05"})
# SCIM, Pipedrive and Salesforce tell the type in an object beside the attributes.
_TYPED_BESIDE = {"meta": ("resourceType", "entity"), "ChangeEventHeader": ("entityName",)}
_TYPE_ENDS = re.compile(r"[#./:]")


class ByName[T](dict[str, T | None]):
    """What is known of names, as they were pushed. It fills itself, up to a number of names."""

    def __init__(self, find: Callable[[str], T | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, name: str) -> T | None:
        found = self._find(name) if len(name) <= _LONGEST else None
        if len(self) < _MOST_NAMES:
            self[name] = found
        return found


def is_mark(name: str, value: object) -> bool:
    """Tell whether a member makes the object that has it somebody's profile."""
    return bool(value) and bool(_IS_MARK[name])


def _is_mark(name: str) -> bool:
    entry = names.standard().person[name]
    if entry and entry.field in _FIELDS and not entry.is_weak:
        return names.fold(name) not in _OF_PAGES
    return names.fold(name) in _MARKS


def objects_of(profile: Json) -> Iterator[Json]:
    """Yield a profile, and the objects within that hold attributes of the same person."""
    pending = [(profile, names.standard().person, 0)]
    for n in range(_MOST_OBJECTS):
        if n == len(pending):
            return
        members, place, depth = pending[n]
        yield members
        looked_at = MOST_MEMBERS if depth < _MAX_DEPTH else 0
        for name, value in itertools.islice(members.items(), looked_at):
            entry = place[name] if isinstance(value, dict) else None
            if entry and entry.kind is Kind.HOLDER:
                within = place if entry.within is None else entry.within
                pending.append((value, within, depth + 1))


def lift(profile: Json, objects: Sequence[Json]) -> None:
    """Bring identities, memberships and consents to the top of a profile, under XDM's names.

    They count wherever they stand in the objects that hold the person's attributes. What is at
    the top already stays.
    """
    for members in objects:
        for name in list(itertools.islice(members, MOST_MEMBERS)):
            known = _NAME_AT_TOP[name]
            if known and profile.get(known) is None:
                profile[known] = members[name]


def is_lifted(name: str) -> bool:
    """Tell whether lift() brings to the top what has this name."""
    return _NAME_AT_TOP[name] is not None


def is_relative(document: Json) -> bool:
    """Tell whether an object is somebody near to a person, such as a next of kin.

    A text says so by a word for one; FHIR has codes in objects.
    """
    for name, value in itertools.islice(document.items(), _LOOKED_AT):
        if name.lower() in _OF_RELATIVES:
            found = names.words(value[:_LONGEST]) if isinstance(value, str) else ()
            return isinstance(value, list | dict) or not _RELATIVES.isdisjoint(found)
    return False


def is_somebody(document: Json | None) -> bool:
    """Tell whether an object's own members say who somebody is, and no relative of another."""
    if document and is_relative(document):
        return False
    return any(is_mark(name, value) for name, value in (document or {}).items())


def tells_somebody(value: object, depth: int = _MAX_DEPTH) -> bool:
    """Tell whether a value holds what says who somebody is, in it or in what is within."""
    if isinstance(value, dict):
        if is_somebody(value):
            return True
        value = [] if is_relative(value) else list(value.values())
    if not isinstance(value, list) or not depth:
        return False
    return any(tells_somebody(each, depth - 1) for each in value[:_LOOKED_AT])


def are_attributes(elements: Sequence[Json]) -> bool:
    """Tell whether objects are one person's attributes, such as `{"name": "city", "value": ""}`."""
    return all(_is_attribute(each) for each in elements)


def are_one_persons(elements: Sequence[Json]) -> bool:
    """Tell whether small objects are one person's attributes: `[{"email": …}, {"city": …}]`.

    Each has an attendee's field, no name is in two of them, and one has an e-mail address.
    """
    if len(elements) < _FEWEST_PARTS or max(map(len, elements)) > _MOST_OF_PART:
        return False
    person = names.standard().person
    if not all(
        any(entry and entry.field for entry in map(person.__getitem__, each)) for each in elements
    ):
        return False
    found = [names.fold(name[:_LONGEST]) for each in elements for name in each]
    addresses = [
        name for each in elements for name, value in each.items() if _is_email(name, value)
    ]
    return len(set(found)) == len(found) and len(addresses) == 1


def without_things(document: Json, depth: int = _MAX_DEPTH) -> Json | None:
    """Return what in a pushed document is about a person; nothing if it is all about a thing.

    A group, a page or a company says itself that it is one, at the top or in an object that holds
    attributes, such as `data`. Of a call about a group the person who caused it is left.
    """
    if _is_thing(document):
        return _caused_by(document)
    person = names.standard().person
    found: dict[str, Json | None] = {}
    for name, value in itertools.islice(document.items(), MOST_MEMBERS if depth else 0):
        if isinstance(value, dict) and (entry := person[name]) and entry.kind is Kind.HOLDER:
            part = without_things(value, depth - 1)
            if part is not value:
                found[name] = part
    if not found:
        return document
    left = {name: found.get(name, value) for name, value in document.items()}
    return left if tells_somebody(left) else None


def _caused_by(call: Json) -> Json | None:
    """Return a call about a group as one of the person in it, with the group as the company.

    A group's traits are a company's: https://segment.com/docs/connections/spec/group/
    """
    members = _in_lower_case(call)
    traits = _in_lower_case(members.get("context")).get("traits")
    if str(members.get("type")).lower() != "group" or not tells_somebody(traits):
        return None
    person = {name: value for name, value in call.items() if name.lower() != "traits"}
    company = _in_lower_case(members.get("traits")).get("name")
    return {**person, "company": company} if company else person


def _in_lower_case(value: object) -> Json:
    members = value.items() if isinstance(value, dict) else ()
    return {name.lower(): each for name, each in itertools.islice(members, _LOOKED_AT)}


def _is_thing(document: Json) -> bool:
    """Tell whether an object is about no person: a group, a page, a company."""
    told = (each for name, each in document.items() if name.lower() == "type")
    kind = next((each.lower() for each in told if isinstance(each, str)), "")
    if kind not in _CALLS | _THINGS:
        return _is_declared_thing(document)
    marks = _OF_CALLS if kind in _CALLS else _OF_THINGS
    is_like_one = any(len(name) <= _LONGEST and names.fold(name) in marks for name in document)
    return is_like_one and not any(_is_email(name, each) for name, each in document.items())


def _is_declared_thing(document: Json) -> bool:
    """Tell whether an object declares a type that is no person's, and nobody's name is in it.

    Such as `"@odata.type": "#microsoft.graph.group"`. It may have an address of its own.
    """
    declared = {names.fold(each) for each in _declared(document)}
    if declared.isdisjoint(_DECLARED_THINGS | _NUMBERED_THINGS) and not _is_of_thing(document):
        return False
    person = names.standard().person
    return not any(
        value and (entry := person[name]) and entry.field in FIRST_AND_LAST and not entry.is_weak
        for members in objects_of(document)
        for name, value in itertools.islice(members.items(), _LOOKED_AT)
    )


def _is_of_thing(document: Json) -> bool:
    """Tell whether a flag, the name of an event or identifiers say that it is about a thing."""
    for name, value in document.items():
        lower = name.lower()
        if lower in _FLAGS and value is True:
            return True
        if lower in _TELLING and isinstance(value, str):
            found = set(names.words(value[:_LONGEST]))
            if found & _DECLARED_THINGS and found <= _DECLARED_THINGS | _HAPPENED:
                return True
        if lower == _IDENTIFIERS and isinstance(value, dict) and value:
            return all(each.lower().startswith("object_") for each in value)
    return False


def _declared(document: Json) -> Iterator[str]:
    """Yield the names of the types that an object declares, without what a type is a part of."""
    for name, value in document.items():
        lower = name.lower()
        told = value if lower in _DECLARING else None
        if lower == "kind" and isinstance(value, str) and "#" in value:
            told = value  # of Google's: admin#directory#group
        if name in _TYPED_BESIDE and isinstance(value, dict):
            told = next(filter(None, map(value.get, _TYPED_BESIDE[name])), None)
        if lower == "attributes" and isinstance(value, dict) and "url" in value:
            told = value.get("type")  # a record of Salesforce's
        if isinstance(told, str):
            yield _TYPE_ENDS.split(told[-_LONGEST:])[-1]


def _is_email(name: str, value: object) -> bool:
    entry = names.standard().person[name]
    return bool(value) and entry is not None and entry.is_email


def _is_attribute(element: Json) -> bool:
    found = {
        names.fold(name)
        for name, value in element.items()
        if len(name) <= _LONGEST and not isinstance(value, dict)
    }
    has_value = pairs.has_value(found) or any(  # as in paramName and paramValue
        name.removesuffix("name") + "value" in found for name in found if name.endswith("name")
    )
    return has_value and not any(is_mark(name, value) for name, value in element.items())


_IS_MARK = ByName(_is_mark)
_NAME_AT_TOP = ByName(lambda name: _LIFTED.get(names.fold(name)))
