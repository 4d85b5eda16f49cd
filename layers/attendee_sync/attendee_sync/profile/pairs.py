"""Pairs: attributes that stand as a list of names and values, such as the answers of a form.

Imports the standard library alone, since ingest uses it.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attendee_sync.profile import names
from attendee_sync.profile.names import Place

type Json = dict[str, Any]
type Questions = Mapping[str, str]  # titles of a form's questions, by what answers call them

_MAX_MEMBERS = 50  # of an element that are looked at
_MAX_DEPTH = 16  # objects and lists within each other in which a form's questions are looked for
_MAX_ELEMENTS = 200  # that are looked at for them, in each list or object

# By which a list's element tells its name, and its value, where it is an attribute.
_NAMES: Final = (
    *("name", "key", "field", "fieldname", "columnname", "columnid", "property", "attribute"),
    *(
        "identitytype",
        "question",
        "column",
        "heading",
        "label",
        "title",
        "displayname",
        "ref",
        "code",
        "id",
    ),
    *("questionidentifier", "questionid", "identifier", "claimtype", "uri", "typ"),
    *("type", "system", "k", "prompt", "caption"),
)
# Likewise of two words, one for an attribute and one for its name or value: `attrName`, `refVal`.
_ATTRIBUTES: Final = frozenset(
    {"attr", "attribute", "col", "column", "customfield", "element", "entry", "field", "header"}
    | {"input", "item", "key", "param", "parameter", "prop", "property", "question", "ref"}
    | {"trait", "variable", "var"}
)
_NAME_ENDS: Final = ("name", "key", "title", "label", "code", "id", "ref", "slug", "alias")
_VALUE_ENDS: Final = ("value", "val", "answer", "text", "content", "response", "data")
_QUESTION: Final = ("title", "ref", "name", "id")  # members of one that tell its name
_VALUES: Final = (
    *("value", "values", "answer", "answers", "text", "stringvalue", "identity", "val"),
    *("vals", "attrvalue", "fieldvalue", "response", "content", "rawvalue", "answerdetails", "v"),
)
_OF_JSON: Final = ("{", "[", '"')  # begin a value of JSON that stands in a text
# Parts of an address that stand beside its whole as a text, and what is not among them.
_PARTS: Final = frozenset({"city", "zip", "postal", "postalcode", "postcode"})
_OF_PAIRS: Final = frozenset({*_NAMES, *_VALUES})
_NAMED_BY: Final = ("id", "ref", "key", "questionid")  # by which an answer tells its question
_TOLD: Final = (
    *("title", "label", "question", "heading", "displayname", "friendlyname"),
    *("prompt", "caption"),
)
_TITLES: Final = ("title", "label", "question", "heading", "name", "text")  # of a question
# Whose attribute it is, in HubSpot's forms; those of no object are the contact's:
# https://developers.hubspot.com/docs/guides/crm/using-object-apis
_OBJECT_TYPE: Final = "objecttypeid"
_CONTACT: Final = "0-1"
_COMPANY: Final = "0-2"
# Types of what somebody is reached by.
_REACHING: Final = frozenset({"email", "emailaddress", "mobile", "phone", "phonenumber", "sms"})
_LONGEST_KIND = 20  # characters
_OLD = "old"  # the use of what is no more, in FHIR
_PAIR = 2  # elements of a list that is one


def of(listed: Sequence[Any], place: Place, find_questions: Callable[[], Questions]) -> Json:
    """Return as one object what a list holds as names and values; the first of a name counts.

    A title that is a field's name says more than the name or id that the pair has in the system.
    The title of an answer's question, which may stand elsewhere in the profile, says what the
    answer's own names don't.
    """
    found: Json = {}
    unsure: Json = {}
    for each in sorted(listed, key=_is_behind):
        if isinstance(each, dict) and each.get("use") == _OLD:
            continue
        given, value = _pair(each)
        if not given or value is None:
            continue
        name = next((name for name in given if place[name]), "")
        asked = _asked(given, find_questions()) if not name or len(given) > 1 else ""
        title = _title_of(each) or asked
        if names.is_other_person(title):
            continue
        if _says_otherwise(title, name, place):
            name = title
        # An answer's type alone says less than another's question: whose address is it?
        is_unsure = bool(name and asked) and place[asked] is None
        (unsure if is_unsure else found).setdefault(name or asked or given[0], value)
    return unsure | found


def _asked(given: Sequence[str], questions: Questions) -> str:
    """Return the title of the question that an answer names, or nothing."""
    return next((questions[name] for name in given if name in questions), "")


def are_by_number(members: Json) -> bool:
    """Tell whether an object holds pairs by their numbers in place of a list: `{"3": {...}}`."""
    first = [*itertools.islice(members.items(), _MAX_ELEMENTS)]
    return bool(first) and all(name.isdecimal() and isinstance(each, dict) for name, each in first)


def by_title(members: Json, place: Place, find_questions: Callable[[], Questions]) -> Json | None:
    """Return an object with its pairs by their titles, if these say more than their keys.

    Such as `{"abc12": {"title": "E-mail", "value": "ada@example.com"}}`. Returns nothing if it
    holds none, whatever their values.
    """
    found = {
        key: each
        for key, each in itertools.islice(members.items(), _MAX_ELEMENTS)
        if isinstance(each, dict) and not names.is_other_person(key) and _is_like_pair(each)
        if place[key] is None or _is_retitled(_title_of(each), key, place)
    }
    if not found:
        return None
    titled = of([*found.values()], place, find_questions)
    return titled | {name: each for name, each in members.items() if name not in found}


def names_of(element: Json) -> list[str]:
    """Return by which names an object may be known where it is a pair."""
    members = folded(element)
    return _names_of_its_object(members) if has_value(members) else []


def _title_of(element: object) -> str:
    """Return what a pair is called by those who fill it in, or nothing."""
    members = folded(element) if isinstance(element, dict) else {}
    for name in _TOLD:
        if isinstance(told := members.get(name), str):
            return told
    return members["text"] if _is_answered(members) else ""


def _is_answered(members: Json) -> bool:
    """Tell whether what an element says in a text is its question, as in Jotform's answers."""
    return "answer" in members and isinstance(members.get("text"), str)


def _is_retitled(title: str, key: str, place: Place) -> bool:
    """Tell whether a pair is for something or somebody else than its key is the name of."""
    return names.is_other_person(title) or _says_otherwise(title, key, place)


def _says_otherwise(title: str, name: str, place: Place) -> bool:
    """Tell whether a title is surely another field's name than the other name is."""
    told, known = place[title], place[name]
    if told is None or not told.field or told.is_weak:
        return False
    return known is None or known.field != told.field


def _is_like_pair(element: Json) -> bool:
    """Tell whether an object's names are those of a pair."""
    members = folded(element)
    is_named = any(key in _NAMES or _is_of_two(key, _NAME_ENDS) for key in members)
    return is_named and has_value(members)


def has_value(keys: Iterable[str]) -> bool:
    """Tell whether one of an object's folded names is by which a pair tells its value."""
    return any(name in _VALUES or _is_of_two(name, _VALUE_ENDS) for name in keys)


def questions(value: object, depth: int = 0) -> dict[str, str]:
    """Return the titles of all questions in a profile, such as those of a form's definition."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        value = list(itertools.islice(value.values(), _MAX_ELEMENTS))
    for each in value[:_MAX_ELEMENTS] if isinstance(value, list) and depth < _MAX_DEPTH else ():
        if isinstance(each, dict):
            members = folded(each)
            is_answer = "questionid" in members  # whose text is no title
            told = map(members.get, _TOLD if is_answer else _TITLES)
            title = next((t for t in told if isinstance(t, str)), "")
            ids = (members.get(name) for name in _NAMED_BY)
            found |= {str(known): title for known in ids if isinstance(known, str | int) and title}
        found |= questions(each, depth + 1)
    return found


def folded(members: Json) -> Json:
    """Return the first members of an object by their folded names."""
    return {
        names.fold(name): value for name, value in itertools.islice(members.items(), _MAX_MEMBERS)
    }


def _is_behind(element: object) -> bool:
    """Tell whether an element does not say that it is preferred to others."""
    members = element if isinstance(element, dict) else {}
    return members.get("rank") != 1 and members.get("primary") is not True


def _pair(element: object) -> tuple[Sequence[str], Any]:
    """Return by which names an element may be known, and its value; nothing if it is no pair."""
    if isinstance(element, list) and len(element) == _PAIR and isinstance(element[0], str):
        return element[:1], element[1]
    members = folded(element) if isinstance(element, dict) else {}
    value = _chosen(next(_values(members), None), members.get("options"))
    if value is None:
        value = _reached_at(members)
    if isinstance(value, str) and value.startswith(_OF_JSON) and members.get("text"):
        value = members["text"]  # what monday.com shows of it
    if isinstance(value, str) and not _PARTS.isdisjoint(members):
        value = {name: each for name, each in members.items() if name not in _OF_PAIRS}
    return _names_of_its_object(members), value


def _reached_at(members: Json) -> Any:
    """Return the address or number that is its own id: `{"type": "email", "id": "a@b.example"}`."""
    kind, known = members.get("type"), members.get("id")
    is_one = isinstance(kind, str) and names.fold(kind[:_LONGEST_KIND]) in _REACHING
    return known if is_one and isinstance(known, str) and _is_reached(known) else None


def _is_reached(text: str) -> bool:
    """Tell whether a text is an address or a number, and not what is known by an id."""
    return "@" in text or text.startswith("+")


def _chosen(value: Any, options: object) -> Any:
    """Return the text of the option that a value names by its id, or else the value."""
    wanted = value[0] if isinstance(value, list) and len(value) == 1 else value
    for each in options[:_MAX_ELEMENTS] if isinstance(options, list) else ():
        members = folded(each) if isinstance(each, dict) else {}
        if isinstance(wanted, str) and members.get("id") == wanted:
            return next((t for t in map(members.get, _TITLES) if isinstance(t, str)), value)
    return value


def _names_of_its_object(members: Json) -> list[str]:
    """Return the names of an attribute, as `company name` where it is one of a company."""
    found = list(_names(members))
    kind = members.get(_OBJECT_TYPE)
    if not isinstance(kind, str) or kind == _CONTACT:
        return found
    thing = "company" if kind == _COMPANY else "hubspot"  # such as a deal, which is nobody's
    return [f"{thing} {name}" for name in found]


def _names(members: Json) -> Iterator[str]:
    stems = [key.removesuffix("value") for key in members if key.endswith("value")]
    of_two = [key for key in members if _is_of_two(key, _NAME_ENDS)]
    of_two += ["text"] * _is_answered(members)
    for key in (*_NAMES, *(stem + "name" for stem in stems if stem), *of_two):
        name = members.get(key)
        if isinstance(name, str | int):
            yield str(name)
        elif isinstance(name, dict):
            yield from (each for each in map(folded(name).get, _QUESTION) if isinstance(each, str))


def _is_of_two(key: str, ends: Sequence[str]) -> bool:
    return any(key.endswith(end) and key.removesuffix(end) in _ATTRIBUTES for end in ends)


def _values(members: Json) -> Iterator[Any]:
    kind = members.get("type")
    keys = (*_VALUES, names.fold(kind)) if isinstance(kind, str) else _VALUES
    own = [key for key in members if key.endswith("value") or _is_of_two(key, _VALUE_ENDS)]
    yield from (value for value in map(members.get, (*keys, *own)) if value is not None)
