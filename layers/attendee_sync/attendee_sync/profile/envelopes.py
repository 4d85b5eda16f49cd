"""Envelopes: what senders put around profiles, and how it is told from a profile.

Imports the standard library alone, since ingest uses it.
"""

import functools
import json
from typing import Any, Final

from attendee_sync.profile import names
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]

# The member of a profile that holds what stood beside the list it came in.
NAME: Final = "_envelope"
MAX_BYTES = 8_192  # of it as JSON: it travels with each profile
MAX_OBJECTS = 4  # within each other, that are opened
MAX_LISTS = 2  # within a list, likewise: each is read once more
MAX_TEXTS = 4  # of JSON, within lists and other texts


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Members under which senders have a list of profiles, or an object around one; without case, `_`
# and the like. Microsoft Graph and OData say `value`, SCIM `Resources`, Marketo `result`, HubSpot
# `results`, Segment and RudderStack `batch`, Braze `attributes`, Cvent `message`, Elasticsearch
# `hits`, HAL `_embedded`, GraphQL `edges`.
_PLACES = _words(
    "profiles batch data result results records rows items contacts attendees messages attributes"
    " users value resources leads guests registrants members subscribers customers entities hits"
    " people persons participants registrations visitors delegates invitees recipients individuals"
    " response payload embedded list elements content entry entries objects documents edges nodes"
    " body message event object params parameters page events operations changes delta audience"
    " segment cohort"
)
# Members in which some senders have one profile that is not read where it stands, since what is
# beside it says other things of the same names: EventBridge's `region`, for one.
_LONE = _words("detail xdmentity")
# What a list of people is called by the word for one, beside the words of names.is_people().
_SINGULAR = _words("row item")
_LISTS = _PLACES | _SINGULAR
# Lists of who came, changed and went, such as `add` and `remove`, `usersAdded`, `deletes`.
_CHANGES = {
    word: change
    for change, words in {
        "add": "add adds added adding additions enter entered entries join joined upsert upserts"
        " upserted insert inserts inserted create creates created",
        "update": "update updates updated modified",
        "remove": "remove removes removed removing removals delete deletes deleted deletions exit"
        " exits exited left",
    }.items()
    for word in words.split()
}
_LONGEST_NAME = 100


def is_opened(name: str) -> bool:
    """Tell whether profiles may stand under a name, in a list or in an object around them."""
    return len(name) <= _LONGEST_NAME and _is_opened(name)


def is_list(name: str) -> bool:
    """Tell whether senders have lists of profiles under a name."""
    return len(name) <= _LONGEST_NAME and _is_list(name)


def change_of(name: str) -> str:
    """Return what has happened to the people in a list: add, update, remove, or nothing.

    Its name says so, alone or with a word for people: `removed`, `usersToRemove`.
    """
    found = names.words(name) if len(name) <= _LONGEST_NAME else []
    changes = {_CHANGES.get(word, "") for word in found if not _is_beside_change(word)}
    return changes.pop() if len(changes) == 1 else ""


def is_lone(name: str) -> bool:
    """Tell whether one profile under that name is to be taken out of what is around it."""
    return len(name) <= _LONGEST_NAME and names.fold(name) in _LONE


def is_entity(document: Json | None) -> bool:
    """Tell whether an object is one of those that Adobe's Profile API answers with."""
    return any(
        name.lower() == "entity" and isinstance(value, dict)
        for name, value in (document or {}).items()
    )


def is_id(name: str) -> bool:
    """Tell whether a name is what somebody is known by, such as `101`, and none of a table."""
    return len(name) <= _LONGEST_NAME and any(map(str.isdigit, name))


@functools.lru_cache(maxsize=4_096)
def _is_opened(name: str) -> bool:
    entry = names.standard().person[name]
    is_holder = entry is not None and entry.kind is Kind.HOLDER
    return is_holder or names.fold(name) in _LONE or _is_list(name)


@functools.lru_cache(maxsize=4_096)
def _is_list(name: str) -> bool:
    return names.fold(name) in _LISTS or names.is_people(name) or bool(change_of(name))


def _is_beside_change(word: str) -> bool:
    return word == "to" or names.is_person_word(word)


def text_with(envelope: str, text: str) -> str:
    """Return the text of an object that begins with its envelope, as encode() gives it."""
    rest = text[1:].lstrip()
    return f'{{"{NAME}":{envelope}{"" if rest.startswith("}") else ","}{rest}'


def encode(envelope: Json) -> str:
    """Return what stands beside the profiles as JSON. Raises ValueError for what is none."""
    return json.dumps(envelope, separators=(",", ":"), allow_nan=False)
