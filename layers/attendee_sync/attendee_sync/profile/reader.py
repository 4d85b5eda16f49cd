"""Reading a profile, whatever its sender's shape.

Imports the standard library alone, since ingest uses it.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from attendee_sync.profile import envelopes, memberships, names, persons
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]
_ADDRESSES = ("workAddress", "mailingAddress", "homeAddress", "billingAddress", "shippingAddress")
WRAPPERS = ("entity", "xdm", "attributes", "traits")
# Lists in which Dynamics has what was changed, and the whole of it as it is since then:
# https://learn.microsoft.com/en-us/power-apps/developer/data-platform/use-webhooks
DYNAMICS = ("InputParameters", "PostEntityImages")
# A row as it is since a change and as it was, as Debezium, Supabase and Hasura tell of changes:
# https://debezium.io/documentation/reference/stable/connectors/postgresql.html
_OLD_IMAGE = "OldImage"  # of DynamoDB, which leaves the new one out
CHANGED_ROWS = {"after": "before", "record": "old_record", "new": "old", "NewImage": _OLD_IMAGE}
_AROUND_CHANGES = ("payload", "event", "data", "dynamodb", "value", "detail")
_DEEPEST_CHANGE = 3
_GONE = "_deleted"
_CHANNEL = "channeldata"  # by which a recipient is reached, beside the context of the message
_PREFIXED_DEPTH = 20
_MOST_MEMBERS = 50  # of an identity that are looked at
_MOST_PAIRS = 1_000  # of a list that are looked at
# Under which an identity of a list has its namespace and itself; the last as Microsoft Graph says:
# https://learn.microsoft.com/en-us/graph/api/resources/objectidentity
_NAMESPACES = ("namespace", "type", "signintype")
_IDS = ("id", "value", "issuerassignedid")


def read(document: Json) -> Json:
    """Return a profile in one shape, whatever its sender's.

    Attributes stand at the top: what Destination SDK bodies keep under `attributes` (plain, or as
    `{"value": ...}`), Segment and RudderStack under `traits` or `context.traits`, Adobe's Profile
    API under `entity`, event forwarding under `xdm`, Dynamics as pairs within pairs. `xdm:` before
    names is dropped. `address` is one of XDM's addresses (work, mailing, home, billing, shipping;
    the first there is).
    `identityMap` has lower-case namespaces with lists of objects, whatever form the identities
    came in, and `segmentMembership` lower-case states.
    """
    return complete(*unwrap(document))


def unwrap(document: Json) -> tuple[Json, list[Json]]:
    """Return a profile with its attributes at the top, and the objects in it that hold some."""
    profile = _unwrapped(document)
    if _has_prefix(profile):
        profile = _without_prefix(profile)
    objects = list(persons.objects_of(profile))
    persons.lift(profile, objects)
    return profile, objects


def complete(unwrapped: Json, objects: Sequence[Json]) -> Json:
    """Return a profile with an address, identities and memberships, in their one shape each."""
    profile = complete_simple(unwrapped)
    profile["segmentMembership"] = memberships.read(unwrapped, objects)
    return profile


def complete_simple(unwrapped: Json) -> Json:
    """Return what complete() does where nothing but `segmentMembership` tells of audiences."""
    profile = dict(unwrapped)
    if profile.get("address") is None:
        profile["address"] = _chosen_address(profile)
    if not _has_usual_identities(profile):
        profile["identityMap"] = _identity_map(profile)
    profile["segmentMembership"] = memberships.by_namespace(profile.get("segmentMembership"))
    return profile


def _has_prefix(profile: Json) -> bool:
    """Tell whether names begin with `xdm:`, in the profile or in the one object that holds it."""
    if len(profile) != 1:
        return "xdm:" in "".join(profile)
    [(name, only)] = profile.items()
    entry = names.standard().person[name] if isinstance(only, dict) else None
    is_holder = entry is not None and entry.kind is Kind.HOLDER
    return "xdm:" in "".join((name, *only) if is_holder else (name,))


def _has_usual_identities(profile: Json) -> bool:
    """Tell whether identities are in the one shape already, as most are."""
    by_namespace = profile.get("identityMap")
    if not isinstance(by_namespace, dict) or "identities" in profile:
        return False
    for namespace, listed in by_namespace.items():
        if type(listed) is not list or not namespace.islower():
            return False
        for each in listed:
            if type(each) is not dict or "id" not in each:
                return False
    return True


def _chosen_address(profile: Json) -> Json:
    """Return one of XDM's addresses, so that a street is never paired with another's city."""
    for name in _ADDRESSES:
        address = profile.get(name)
        if isinstance(address, dict) and address:
            return address
    return {}


def _without_prefix(value: Any, depth: int = 0) -> Any:
    """Return a value without `xdm:` before its names, as the XDM registry writes them."""
    if depth > _PREFIXED_DEPTH:
        return value
    if isinstance(value, dict):
        return {
            name.removeprefix("xdm:"): _without_prefix(each, depth + 1)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_without_prefix(each, depth + 1) for each in value]
    return value


def _unwrapped(document: Json) -> Json:
    if gone := _deleted(document):
        return gone
    profile = _of_dynamics(document) or dict(document)
    if len(profile) == 1:
        [only] = profile.values()
        if isinstance(only, dict) and isinstance(only.get("entity"), dict):
            profile = dict(only)  # the Profile API answers with entities by id
    for wrapper in WRAPPERS:
        if wrapper in profile and isinstance(profile[wrapper], dict):
            profile = _merged(profile, _plain(profile.pop(wrapper)))
    context = profile.get("context")
    if isinstance(context, dict) and isinstance(context.get("traits"), dict):
        profile = _plain(context["traits"]) | profile
    elif isinstance(context, dict) and any(names.fold(name) == _CHANNEL for name in profile):
        profile = _names_in(context) | profile
    identities = profile.get("identities")
    if isinstance(identities, dict):
        profile = _plain(identities) | profile
    return profile


def _names_in(context: Json) -> Json:
    """Return what a message to somebody calls them, as that of Journey Optimizer does.

    https://developer.adobe.com/journey-optimizer-apis/references/messaging/
    """
    known = names.standard().person
    members = itertools.islice(context.items(), _MOST_MEMBERS)
    return {
        name: value
        for name, value in members
        if (entry := known[name]) and entry.field in FIRST_AND_LAST and not entry.is_weak
    }


def _deleted(document: Json, depth: int = 0) -> Json:
    """Return the row that a change of a database has deleted, marked as that; nothing if none."""
    for newer, older in CHANGED_ROWS.items():
        row = document.get(older)
        is_told = newer in document or older == _OLD_IMAGE
        if isinstance(row, dict) and row and is_told and document.get(newer) is None:
            return {**row, _GONE: True}
    for name in _AROUND_CHANGES if depth < _DEEPEST_CHANGE else ():
        inner = document.get(name)
        if isinstance(inner, dict) and (gone := _deleted(inner, depth + 1)):
            return gone
    return {}


def _of_dynamics(document: Json) -> Json:
    """Return an entity of Dynamics by its attributes, with what stood around as `_envelope`."""
    found: Json = {}
    for name in DYNAMICS:
        for _, entity in _pairs(document.get(name)):
            attributes = entity.get("Attributes") if isinstance(entity, dict) else None
            for attribute, value in _pairs(attributes):
                found.setdefault(attribute, value)
    if not found:
        return {}
    around = {name: value for name, value in document.items() if name not in DYNAMICS}
    own = around.pop(envelopes.NAME, None)
    return {**found, envelopes.NAME: {**around, **own} if isinstance(own, dict) else around}


def _pairs(listed: object) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a list of them."""
    for each in listed[:_MOST_PAIRS] if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("key"), str):
            yield each["key"], each.get("value")


def _merged(outer: Json, inner: Json) -> Json:
    """Return the attributes of both; those within count, but a null beside a value never does."""
    given = {name: value for name, value in inner.items() if value is not None}
    return inner | outer | given


def _plain(attributes: Json) -> Json:
    """Return attributes without the objects around freeform ones; empty ones are absent."""
    found: Json = {}
    for name, value in attributes.items():
        if not isinstance(value, dict) or value.keys() - {"value"}:
            found[name] = value
        elif value:
            found[name] = value["value"]
    return found


def _identity_map(profile: Json) -> dict[str, list[Json]]:
    identities: dict[str, list[Json]] = {}
    for by_namespace in (profile.get("identityMap"), profile.get("identities")):
        for namespace, listed in by_namespace.items() if isinstance(by_namespace, dict) else ():
            found = [_identity(each) for each in (listed if isinstance(listed, list) else [listed])]
            identities.setdefault(namespace.lower(), []).extend(found)
    listed = profile.get("identities")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            members = _folded(each)
            namespace = _first(members, _NAMESPACES)
            code = _folded(namespace).get("code") if isinstance(namespace, dict) else namespace
            identities.setdefault(_word(code), []).append(_identity(each))
    return identities


def _identity(value: object) -> Json:
    if not isinstance(value, dict):
        return {"id": value}
    if "id" in value:
        return value
    members = _folded(value)
    found = {"id": _first(members, _IDS)}
    return {**value, **found, **({"primary": True} if members.get("primary") is True else {})}


def _folded(members: Json) -> Json:
    """Return the members of an identity by their names in lower case."""
    return {name.lower(): value for name, value in itertools.islice(members.items(), _MOST_MEMBERS)}


def _first(members: Json, listed: Sequence[str]) -> Any:
    return next((members[name] for name in listed if name in members), None)


def _word(value: object) -> str:
    """Return a text in lower case; what is none, a number of any size included, is no word."""
    return value.lower() if isinstance(value, str) else ""
