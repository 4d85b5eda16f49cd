"""Shapes: how profiles with certain names are read, learnt of the first, so that others take less.

Imports the standard library alone, since ingest uses it.
"""

from typing import Final, NamedTuple

from attendee_sync.profile import candidates, envelopes, memberships, persons, reader
from attendee_sync.profile.candidates import Found, Path, Search
from attendee_sync.profile.names import Names
from attendee_sync.profile.reader import Json

_MAX_SHAPES = 256  # that are kept
_MAX_NAMES, _MAX_LENGTH = 200, 4_000  # in all objects of one, and their characters
# Beside these, or with one name alone, a profile is brought to another shape.
_READ_FIRST: Final = frozenset({*reader.WRAPPERS, "context", "type", envelopes.NAME})

# Which object it is, of a shape's, and a name in it.
type _Member = tuple[int, str]


class Shape(NamedTuple):
    """Where to look in profiles that have the same names, if they hold the same kinds of things."""

    # Of each object within the profile: which one it is in (0 is the profile itself, 1 the first
    # here), its name there, and the names in it.
    objects: tuple[tuple[int, str, tuple[str, ...]], ...]
    # Of each value that was found: the object it is in and its name there; its field and path.
    values: tuple[_Member, ...]
    places: tuple[tuple[str, Path], ...]
    # What tells nothing, as long as it is no object.
    others: tuple[_Member, ...]


def recall(document: Json, table: Names) -> tuple[Json, Found] | None:
    """Return what learn() does, or nothing if no profile of this shape was learnt from."""
    shape = table.shapes.get(tuple(document))
    return _by_shape(document, shape) if shape else None


def learn(document: Json, table: Names) -> tuple[Json, Found]:
    """Return a profile as reader.read does, and what candidates.find finds in it.

    Its shape is kept if another profile of the same is read like it, whatever it holds.
    """
    profile, search = reader.read(document), Search(table)
    found = search.find(profile)
    if search.is_plain and found and _is_simple(document, profile):
        shape = _shape(profile, search, found)
        if shape:
            _keep(table, document, shape)
    return profile, found


def _by_shape(document: Json, shape: Shape) -> tuple[Json, Found] | None:
    """Return what learn() does, or nothing if the profile is of another shape after all."""
    profile = reader.read_simple(document)
    objects = [profile]
    for outer, name, inner in shape.objects:
        each = objects[outer][name]
        if type(each) is not dict or tuple(each) != inner:
            return None
        objects.append(each)
    for outer, name in shape.others:
        if type(objects[outer][name]) is dict:
            return None
    values = [objects[outer][name] for outer, name in shape.values]
    if not candidates.are_texts(values):
        return None
    found: Found = {}
    for value, (field, path) in zip(values, shape.places, strict=True):
        found[field] = [*found[field], (value, path)] if field in found else [(value, path)]
    for title, _ in found.get("jobtitle", ()):
        if candidates.is_salutation(str(title)):
            return None
    return profile, found


def _is_simple(document: Json, profile: Json) -> bool:
    """Tell whether reading has left everything in its place, and will with other values."""
    if len(document) == 1 or not _READ_FIRST.isdisjoint(map(str.lower, document)):
        return False
    if "xdm:" in "".join(document):
        return False
    for members in persons.objects_of(profile):
        if any(name.lower() == "type" for name in members):  # with another it may be a thing
            return False
        for name, value in members.items():
            is_as_xdm = members is profile and name in persons.AT_TOP
            if not is_as_xdm and (persons.is_lifted(name) or memberships.may_tell(name, value)):
                return False
    return True


def _shape(profile: Json, search: Search, found: Found) -> Shape | None:
    """Return the shape of a profile; nothing if it is too large, or holds a person elsewhere."""
    objects: dict[Path, Json] = dict(search.objects)
    seen = set(map(id, objects.values()))
    if not all(id(each) in seen for each in persons.objects_of(profile)):
        return None
    of_values = {path for listed in found.values() for _, path in listed}
    others = []
    for path, members in search.objects.items():
        for name, value in members.items():
            if not path and name in persons.AT_TOP:
                continue
            if isinstance(value, dict):
                objects.setdefault((*path, name), value)
            elif (*path, name) not in of_values:
                others.append((path, name))
    all_names = [name for members in objects.values() for name in members]
    if len(all_names) > _MAX_NAMES or sum(map(len, all_names)) > _MAX_LENGTH:
        return None
    numbers = {path: n for n, path in enumerate(objects)}
    places = [(field, path) for field, listed in found.items() for _, path in listed]
    return Shape(
        tuple(
            (numbers[path[:-1]], path[-1], tuple(each)) for path, each in objects.items() if path
        ),
        tuple((numbers[path[:-1]], path[-1]) for _, path in places),
        tuple(places),
        tuple((numbers[path], name) for path, name in others),
    )


def _keep(table: Names, document: Json, shape: Shape) -> None:
    if len(table.shapes) >= _MAX_SHAPES:
        table.shapes.clear()
    table.shapes[tuple(document)] = shape
