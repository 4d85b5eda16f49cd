"""Audience memberships: who is in an audience and who has left it, in every shape of Adobe's.

Imports the standard library alone, since ingest uses it.
"""

import itertools
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from attendee_sync.profile import departures, envelopes, names, persons

type Json = dict[str, Any]
type _Told = Iterator[tuple[str, str]]  # audiences, each with the state in it

# XDM: "existing" is written by older editions; anything else is no membership any more.
# https://github.com/adobe/xdm/blob/master/components/datatypes/segmentmembership.schema.json
_MEMBER, _LEFT = "realized", "exited"
_XDM_MEMBER_STATES = frozenset({_MEMBER, "existing"})
_LISTED = "listed"  # in a list of audiences that tells no states, such as `segments: ["a1"]`
MEMBER_STATES = _XDM_MEMBER_STATES | {_LISTED}
_USUAL_STATES = (_MEMBER, _LEFT, "existing")
_PLAIN = frozenset({_MEMBER, _LEFT, "exiting"})  # words that nobody says of anything else

# Words in states, actions and names of lists: https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-server/message-format
_IN = frozenset(
    {"realized", "existing", "add", "added", "adds", "enter", "entered"}
    | {"enters", "join", "joins", "joined"}
)
_OUT = frozenset(
    {"exit", "exited", "exiting", "remove", "removed", "removes", "delete", "deleted", "left"}
    | {"exits", "leave", "leaves", "leaving"}
)
_CHANGES = _IN | _OUT
_AUDIENCES = ("segment", "audience", "cohort")
_ID_ENDS = ("id", "ids", "key", "alias", "name")
_STATE_ENDS = ("status", "state", "action", "operation")
_STATES = frozenset(
    {"status", "state", "action", "operation", "op", "change", "changetype", "membership"}
    | {"membershipstatus", "membershipstate", "memberstatus", "qualificationstatus"}
)
# Flags, as Amplitude's `in_cohort`: https://amplitude.com/docs/data/destination-catalog/cohort-webhooks
_IN_ONE = frozenset(begin + each for begin in ("in", "isin") for each in _AUDIENCES)
_FLAGS = _IN_ONE | {"ismember"}
_FLAG_STATES = {True: _MEMBER, False: _LEFT, "true": _MEMBER, "false": _LEFT}
_IDS = ("id", "segmentid", "audienceid", "externalaudienceid", "segment", "audience", "key")
_ID_NAMES = (*_IDS, "alias", "name", "segmentname", "audiencename")
_NO_AUDIENCES = frozenset(
    {"tags", "labels", "roles", "permissions", "products", "items", "cart", "wishlist", "interests"}
    | {"topics", "preferences", "sessions", "tickets", "favorites", "favourites"}
    | {"identitymap", "identities", "consents", "optinout", "privacyoptouts"}
)
_LONGEST = 100  # characters of a name or a state
_LARGEST_ID = 10**40
_MAX_DEPTH = 3


class _Role(Enum):
    """What a member with a certain name tells of audiences."""

    MAP = "XDM's map, under another name"
    AUDIENCES = "audiences, in a list or an object"
    AUDIENCE = "the same, or the id of one"
    ADDED = "a list of those that were entered"
    REMOVED = "a list of those that were left"
    AUDIENCE_STATE = "the state in an audience"
    STATE = "a state, maybe of something else"
    ACTION = "what is to be done, maybe about something else"
    EVENT = "what has happened, mostly something else"
    MARK = "whether the person is deleted"


_CHANGED = (_Role.ADDED, _Role.REMOVED)
_STATE_ROLES = (_Role.AUDIENCE_STATE, _Role.STATE, _Role.ACTION, _Role.EVENT)
_ROLES = {
    fold: role
    for role, known in {
        _Role.MAP: ["segmentmembership", "segmentmemberships", "audiencemembership"],
        _Role.AUDIENCE: [each + end for each in _AUDIENCES for end in ("", "s")],
        _Role.AUDIENCE_STATE: _IN_ONE,
        _Role.STATE: ["status", "membershipstatus"],
        _Role.ACTION: ["ismember", "action", "operation", "op", "change", "changetype"],
        _Role.EVENT: departures.EVENTS,
        _Role.MARK: departures.MARKS,
    }.items()
    for fold in known
}


def read(profile: Json, objects: Sequence[Json]) -> dict[str, dict[str, Json]]:
    """Return memberships by lower-case namespace and audience, each with its state in lower case.

    `objects` are the profile and those within that hold the person, see persons.objects_of.
    Beside XDM's `segmentMembership` these are read: lists of audiences that were added and
    removed, whatever the object around them is called; lists and objects of audiences, with states
    or without; a state beside an audience's id, in the profile or in its envelope. These have no
    namespace.
    """
    found = by_namespace(profile.get("segmentMembership"))
    told = [*_all_told(profile, objects)]
    if not told:
        return found
    own: dict[str, Json] = dict(found.get("", {}))
    for audience, state in told:
        if state != _LISTED:
            own[audience] = {"status": state}
        elif not any(audience in audiences for audiences in found.values()):
            own.setdefault(audience, {"status": state})
    return found | {"": own}


def by_audience(profile: Json) -> dict[str, set[str]]:
    """Return the states of a read profile's memberships by audience id, in any namespace."""
    found: dict[str, set[str]] = {}
    for audiences in profile["segmentMembership"].values():
        for audience, membership in audiences.items():
            found.setdefault(audience, set()).add(membership["status"])
    return found


def is_read(name: str, value: object) -> bool:
    """Tell whether a member of a profile is read for what it tells of audiences."""
    role = _ROLE[name]
    if role in (*_CHANGED, _Role.AUDIENCES):
        return isinstance(value, list | dict) or (role in _CHANGED and _names_audiences(name))
    is_of_audiences = role in (_Role.MAP, _Role.AUDIENCE, _Role.AUDIENCE_STATE)
    return is_of_audiences or name == "segmentMembership" or _is_change(name, value)


def has_left(profile: Json) -> bool:
    """Tell whether a profile that was read has left audiences and is in none, as far as is told."""
    states = _states(profile)
    return bool(states) and not states & MEMBER_STATES


def tells_departure(profile: Json) -> bool:
    """Tell whether a profile that was read is that of one who was deleted or the like, by itself.

    Not by the name of an audience that was left.
    """
    told = profile["segmentMembership"].get("", {}).get("")
    return told is not None and told["status"] == _LEFT


def has_left_one(profile: Json) -> bool:
    """Tell whether a profile that was read has left an audience."""
    return bool(_states(profile) - MEMBER_STATES)


def may_tell(name: str, value: object) -> bool:
    """Tell whether a member beside XDM's map may tell of audiences, by its name and those in it."""
    if _ROLE[name] is not None:
        return True
    return isinstance(value, dict) and {*map(str.lower, value)} <= _CHANGES and bool(value)


def _states(profile: Json) -> set[str]:
    return {
        membership["status"]
        for audiences in profile["segmentMembership"].values()
        for membership in audiences.values()
        if membership["status"] != _LISTED
    }


def _is_usual(by_namespace: Json) -> bool:
    """Tell whether memberships are in the one shape already, as most are."""
    for namespace, audiences in by_namespace.items():
        if not namespace.islower() or not isinstance(audiences, dict):
            return False
        for each in audiences.values():
            if type(each) is not dict or each.get("status") not in _USUAL_STATES:
                return False
    return True


def by_namespace(pushed: Any) -> dict[str, dict[str, Json]]:
    """Return what XDM's map holds. Its default state is realized, and a text is a state."""
    if isinstance(pushed, dict) and _is_usual(pushed):
        return pushed
    found: dict[str, dict[str, Json]] = {}
    if _is_change("", pushed):  # what was added and removed, under the map's name
        changed = {audience: {"status": state} for audience, state in _of_audiences(pushed)}
        return {"": changed} if changed else {}
    if isinstance(pushed, list) or (isinstance(pushed, dict) and _has_state(pushed)):
        pushed = {"": pushed}
    for namespace, audiences in pushed.items() if isinstance(pushed, dict) else ():
        known = found.setdefault(namespace.lower(), {})
        if isinstance(audiences, dict) and not _has_state(audiences):
            known.update(_by_audience(audiences))
        elif audiences:  # not by namespace
            one = audiences if isinstance(audiences, dict) else {"status": audiences}
            listed = audiences if isinstance(audiences, list) else [{"id": namespace, **one}]
            known.update((each, {"status": state}) for each, state in _of_list(listed, _MEMBER))
    return {namespace: audiences for namespace, audiences in found.items() if audiences}


def _by_audience(audiences: Json) -> Iterator[tuple[str, Json]]:
    for audience, each in audiences.items():
        membership = {"status": each} if isinstance(each, str) else each
        if isinstance(membership, dict):
            status = _status(membership) or _MEMBER
            word = status.lower() if isinstance(status, str) else ""
            yield audience, {**membership, "status": word}


def _has_state(membership: Json) -> bool:
    return isinstance(_status(membership), str)


def _status(membership: Json) -> Any:
    if "status" in membership:
        return membership["status"]
    return next((each for name, each in membership.items() if _ROLE[name] is _Role.STATE), None)


def _all_told(profile: Json, objects: Sequence[Json]) -> _Told:
    """Yield what is told in other shapes than XDM's, in the profile and in its envelope."""
    beside = profile.get(envelopes.NAME)
    is_of_audience = False  # then each element may say what became of it there
    if isinstance(beside, dict):
        yield from _told(beside, is_envelope=True)
        is_of_audience = any(_ROLE[name] is _Role.AUDIENCE for name in beside)
    for members in objects:
        yield from _told(members, is_envelope=is_of_audience)
        header = members.get("ChangeEventHeader")  # of Salesforce's change events
        yield from _told(header) if isinstance(header, dict) else ()
    yield from _of_computation(profile, objects)
    # Of Lytics and Pipedrive: {"object": "user", "event": "exit"}
    meta = profile.get("meta")
    of = meta.get("object") if isinstance(meta, dict) else None
    if isinstance(meta, dict) and isinstance(of, str) and names.is_person_word(of.lower()):
        yield from _told(meta, is_envelope=True)


def _of_computation(profile: Json, objects: Sequence[Json]) -> _Told:
    """Yield what Segment tells in a trait that has the audience's key for its name.

    https://www.twilio.com/docs/segment/engage/using-engage-data
    """
    context = profile.get("context")
    computation = context.get("personas") if isinstance(context, dict) else None
    if not isinstance(computation, dict) or computation.get("computation_class") != "audience":
        return
    key = computation.get("computation_key")
    values = (members.get(key) for members in objects if isinstance(key, str))
    is_in = next((each for each in values if isinstance(each, bool)), None)
    if is_in is not None:
        yield str(key), _FLAG_STATES[is_in]


def _told(members: Json, *, is_envelope: bool = False) -> _Told:
    """Yield what the members of an object tell of audiences."""
    states: dict[_Role, list[str]] = {}
    audiences: list[str] = []
    for name, value in itertools.islice(members.items(), persons.MOST_MEMBERS):
        role = _ROLE[name]
        if role is None and (type(value) is not dict or not _is_change(name, value)):
            continue
        is_listed = role is _Role.AUDIENCE_STATE and isinstance(value, list | dict)
        if role in _STATE_ROLES and not is_listed:
            states.setdefault(role, []).append(_state_text(name, value))
        elif role is _Role.MARK:
            yield from [("", _LEFT)] * departures.is_so(value)
        elif role is _Role.AUDIENCE and _is_bare(value):
            is_vague = isinstance(value, str) and names.fold(name) == "segment"
            audiences += _ids(value) if is_envelope or not is_vague else []
        elif role not in _CHANGED or isinstance(value, list | dict) or _names_audiences(name):
            yield from _of_member(role, value)
    if _has_gone(states, is_envelope=is_envelope):
        yield "", _LEFT
    if states or audiences:
        yield from _beside(states, audiences)


def _state_text(name: str, value: object) -> str:
    """Return the text of a state; of a flag such as `in_cohort`, the state that it stands for."""
    if isinstance(value, bool | str) and names.fold(name) in _FLAGS:
        return _FLAG_STATES.get(value.lower() if isinstance(value, str) else value, "")
    return value if isinstance(value, str) else ""


def _has_gone(states: dict[_Role, list[str]], *, is_envelope: bool) -> bool:
    """Tell whether what has happened or is to be done makes somebody leave without an audience."""
    actions, events = states.get(_Role.ACTION, ()), states.get(_Role.EVENT, ())
    if is_envelope and any(_state(each) == _LEFT for each in actions):
        return True
    if is_envelope and any(each.strip().lower() in _OUT for each in events):
        return True
    has_event = any(map(departures.is_event, events))
    return has_event or any(map(departures.is_deletion, actions))


def _of_member(role: _Role | None, value: object) -> _Told:
    """Yield what one member tells of audiences by itself."""
    if role is _Role.MAP:
        for known in by_namespace(value).values():
            yield from ((audience, each["status"]) for audience, each in known.items())
    elif role in _CHANGED:
        state = _MEMBER if role is _Role.ADDED else _LEFT
        yield from ((each, state) for each in _ids(value))
    else:
        yield from _of_audiences(value)


def _beside(states: dict[_Role, list[str]], audiences: list[str]) -> _Told:
    """Yield what states and ids tell that stand beside each other.

    Adobe's own words need no id, nor does what says itself that it is of an audience.
    """
    own, plain, action = (
        states.get(role, [""])[0] for role in (_Role.AUDIENCE_STATE, _Role.STATE, _Role.ACTION)
    )
    events = (each[:_LONGEST] for each in states.get(_Role.EVENT, ()))
    told = list(filter(_is_of_audience, events))
    event = next(filter(_names_one, told), "")
    state = _state(own)
    if not state and (audiences or plain.strip().lower() in _PLAIN):
        state = _state(plain)
    if not state and audiences:
        state = _state(action) or _state(next(iter(told), ""))
    elif not state and event:  # such as audience.exited
        state = _state(names.words(event)[-1])
    for audience in audiences or ([""] if state else []):
        yield audience, state or _LISTED


def _is_of_audience(event: str) -> bool:
    """Tell whether an event beside an audience is of it: it says so, or is one word of a change."""
    return _names_one(event) or event.strip().lower() in _CHANGES


def _names_one(event: str) -> bool:
    return any(each in event.lower() for each in _AUDIENCES)


def _of_audiences(value: object, depth: int = 0) -> _Told:
    """Yield what a list or an object of audiences tells."""
    if isinstance(value, list):
        yield from _of_list(value, _LISTED)
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    if _state_in(value) is not None:
        yield from _of_list([value], _LISTED)
        return
    for name, each in value.items():
        word = names.fold(name) if len(name) <= _LONGEST else ""
        if word in _IN or word in _OUT:
            state = _MEMBER if word in _IN else _LEFT
            yield from ((audience, state) for audience in _ids(each))
        elif isinstance(each, bool):
            yield name, _MEMBER if each else _LEFT
        elif isinstance(each, str) and _state(each):
            yield name, _state(each)
        elif isinstance(each, dict) and isinstance(_state_in(each), str):
            yield from _of_list([{"id": name, **each}], _LISTED)
        else:
            yield from _of_audiences(each, depth + 1)


def _of_list(listed: list[Any], default: str) -> _Told:
    """Yield the audiences of a list, each with its state or else the default one."""
    for each in listed:
        if not isinstance(each, dict):
            yield from ((audience, default) for audience in _ids(each))
            continue
        if _is_map(each):
            yield from _of_audiences(each)
            continue
        told = _state_in(each)
        state = default if told is None else _state(told)
        if state:
            yield from ((audience, state) for audience in _ids(each) or [""])


def _is_map(element: Json) -> bool:
    """Tell whether an element of a list is a map of audiences by their ids, each with its state."""
    return bool(element) and all(
        isinstance(each, dict) and isinstance(_state_in(each), str) for each in element.values()
    )


def _state_in(audience: Json) -> str | None:
    """Return what an audience's object has in place of a state; None if it has nothing."""
    for name, value in audience.items():
        if len(name) > _LONGEST or not isinstance(value, str | bool):
            continue
        role, folded = _ROLE[name], names.fold(name)
        is_state = role is _Role.AUDIENCE_STATE or folded in _STATES
        text = _state_text(name, value)
        is_event = role is _Role.EVENT and _is_of_audience(text) and bool(_state(text))
        if folded in _FLAGS or (isinstance(value, str) and (is_state or is_event)):
            return text
    return None


def _ids(value: object, depth: int = 0) -> list[str]:
    """Return the ids of one audience or of several, by whatever names they stand."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return [_text(value)] if value else []
    if depth > _MAX_DEPTH:
        return []
    if isinstance(value, list):
        return [each for element in value for each in _ids(element, depth + 1)[:1]]
    if not isinstance(value, dict):
        return []
    by_name = {names.fold(name): each for name, each in value.items() if len(name) <= _LONGEST}
    for name in _ID_NAMES:
        found = by_name.get(name)
        if isinstance(found, str | int | dict):
            return _ids(found, depth + 1)
    return [name for name, each in value.items() if isinstance(each, dict)]


def _text(value: str | int) -> str:
    """Return an id as a text. Python writes no number of more than 4,300 digits."""
    return value if isinstance(value, str) else str(value) if abs(value) < _LARGEST_ID else ""


def _names_audiences(name: str) -> bool:
    """Tell whether a name ends in what a text there would be, unlike `segmentRemovedDate`."""
    last = names.words(name)[-1]
    return last in _CHANGES or last.endswith(_ID_ENDS) or any(each in last for each in _AUDIENCES)


def _is_bare(value: object) -> bool:
    """Tell whether audiences are told without their states."""
    if isinstance(value, list):
        return all(isinstance(each, str | int) for each in value)
    if isinstance(value, str | int):
        return True
    if not isinstance(value, dict) or _state_in(value) is not None:
        return False
    return any(names.fold(name) in _IDS for name in value if len(name) <= _LONGEST)


def _is_change(name: str, value: object) -> bool:
    """Tell whether an object holds what was added and removed, and nothing else."""
    if not isinstance(value, dict) or not 1 <= len(value) <= len(_IN):
        return False
    for inner, each in value.items():
        if not isinstance(each, list) or inner.lower() not in _CHANGES:
            return False
    return names.fold(name[:_LONGEST]) not in _NO_AUDIENCES


def _state(text: str) -> str:
    """Return what the words of a text make of a membership: realized, exited or nothing."""
    found = set(names.words(text[:_LONGEST]))
    if not _OUT.isdisjoint(found):
        return _LEFT
    return "" if _IN.isdisjoint(found) else _MEMBER


def _role_of(name: str) -> _Role | None:
    fold = names.fold(name)
    if fold in _ROLES:
        return _ROLES[fold] if name != "segmentMembership" else None
    if not any(each in fold for each in _AUDIENCES):
        return None
    if fold.endswith(_STATE_ENDS):
        return _Role.AUDIENCE_STATE
    words = set(names.words(name)) | {
        fold.removesuffix("s").removesuffix(each) for each in _AUDIENCES
    }
    if not _OUT.isdisjoint(words):
        return _Role.REMOVED
    if not _IN.isdisjoint(words):
        return _Role.ADDED
    return _Role.AUDIENCE if fold.endswith(_ID_ENDS) else _Role.AUDIENCES


_ROLE = persons.ByName(_role_of)
