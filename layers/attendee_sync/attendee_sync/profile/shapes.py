"""Shapes: how profiles with certain names are read, learnt of the first, so that others take less.

Imports the standard library alone, since ingest uses it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from attendee_sync.profile import candidates, envelopes, memberships, persons, reader, texts
from attendee_sync.profile.candidates import Found, Path, Search
from attendee_sync.profile.names import Entry, Names
from attendee_sync.profile.reader import Json

_MAX_SHAPES = 256  # that are kept
_MAX_READINGS = 32  # of one shape
_MAX_NAMES, _MAX_LENGTH = 200, 4_000  # in all objects of one, and their characters
# Beside these, or with one name alone, a profile is brought to another shape.
_READ_FIRST: Final = frozenset(
    {*reader.WRAPPERS, "context", "identities", "meta", "type", envelopes.NAME}
).union(map(str.lower, (*reader.DYNAMICS, *reader.CHANGED_ROWS)))

# An object of a shape by its number, and a name in it. 0 is the profile itself.
type _Member = tuple[int, str]
# The names in a document that is simple to read, or else in an unwrapped one, after a None.
type _Key = tuple[str | None, ...]
# What candidates.usability says of each value of a shape; empty if all are usable texts.
type _Usable = tuple[bool | None, ...]


@dataclass(frozen=True)
class _Reading:
    """Which of a shape's values were found, by their numbers."""

    best: tuple[tuple[str, int], ...]  # by field
    paths: Mapping[str, Path]
    more: Mapping[str, Sequence[tuple[int, Path]]]
    elsewhere: Mapping[str, Sequence[Path]]


@dataclass(frozen=True)
class Shape:
    """Where to look in profiles that have the same names."""

    objects: tuple[tuple[int, str, int], ...]  # 1 and on, with the number of names in them
    values: tuple[_Member, ...]  # e-mail addresses first
    entries: tuple[Entry, ...]  # what is known of their names
    emails: int  # how many values are addresses
    titles: tuple[int, ...]  # the numbers of those that are job titles
    others: tuple[_Member, ...]  # what tells nothing, as long as it is no object
    readings: dict[_Usable, _Reading] = field(default_factory=dict, compare=False)


def recall(document: Json, table: Names) -> tuple[Json, Found] | None:
    """Return what learn() does, or nothing if no profile of this shape was learnt from."""
    shape: Shape | None = table.shapes.get(tuple(document))
    found = _found(document, shape) if shape else None
    return None if found is None else (reader.complete_simple(document), found)


def learn(document: Json, table: Names) -> tuple[Json, Found]:
    """Return a profile as reader.read does, and what stands in it under the names of fields.

    Its shape is kept if another profile of the same is read like it, whatever it holds.
    """
    unwrapped, objects = reader.unwrap(document)
    key = (None, *unwrapped)
    shape: Shape | None = table.shapes.get(key)
    found = _found(unwrapped, shape) if shape else None
    if found is None:
        search = Search(table)
        found = search.find(unwrapped)
        if search.is_plain and found.best:
            is_simple = _is_simple(document, objects, search)
            _keep(tuple(document) if is_simple else key, search, found, table)
    return reader.complete(unwrapped, objects), found


def _found(profile: Json, shape: Shape) -> Found | None:
    """Return what is found in a profile; nothing if no other was read like it."""
    try:
        values = _values(profile, shape)
    except LookupError:
        return None
    is_plain = texts.are_plain(values[shape.emails :]) and _are_fitting(values, shape)
    reading = shape.readings.get(() if is_plain else _usable(values, shape.entries))
    if reading is None:
        return None
    best = {name: values[n] for name, n in reading.best}
    more = {name: [(values[n], path) for n, path in reading.more[name]] for name in reading.more}
    return Found(best, reading.paths, more, reading.elsewhere, is_plain)


def _values(profile: Json, shape: Shape) -> list[Any]:
    """Return the values of a shape.

    Raises LookupError if a profile has other names (of as many, one is missing then) or objects.
    """
    objects = [profile]
    for outer, name, size in shape.objects:
        each = objects[outer][name]
        if type(each) is not dict or len(each) != size:
            raise LookupError
        objects.append(each)
    for n, name in shape.others:
        if type(objects[n][name]) is dict:
            raise LookupError
    return [objects[n][name] for n, name in shape.values]


def _are_fitting(values: Sequence[Any], shape: Shape) -> bool:
    """Tell whether plain job titles are some, and e-mail addresses are usable."""
    for n in shape.titles:
        if not texts.is_title(values[n], shape.entries[n]):
            return False
    for n in range(shape.emails):  # noqa: SIM110 - a generator takes twice the time
        if not candidates.usability(values[n], shape.entries[n]):
            return False
    return True


def _usable(values: Iterable[Any], entries: Iterable[Entry]) -> _Usable:
    found = tuple(map(candidates.usability, values, entries))
    return () if all(found) else found


def _is_simple(document: Json, objects: Sequence[Json], search: Search) -> bool:
    """Tell whether unwrapping leaves everything in its place, and will with other values."""
    if len(document) == 1 or not _READ_FIRST.isdisjoint(map(str.lower, document)):
        return False
    if "xdm:" in "".join(document):
        return False
    looked_at = set(map(id, search.objects.values()))
    for members in objects:
        if id(members) not in looked_at:
            return False
        if not persons.DECLARING.isdisjoint(map(str.lower, members)):
            return False  # with another type it may be a thing
        for name, value in members.items():
            is_as_xdm = members is objects[0] and name in persons.AT_TOP
            if not is_as_xdm and (persons.is_lifted(name) or memberships.may_tell(name, value)):
                return False
    return True


def _objects(profile: Json) -> dict[Path, Json]:
    """Return a profile and all objects within it that are looked at, or might be."""
    objects: list[tuple[Path, Json]] = [((), profile)]
    for path, members in objects:
        for name, value in members.items():
            if isinstance(value, dict) and (path or name not in persons.AT_TOP):
                objects.append(((*path, name), value))
        if len(objects) > _MAX_NAMES + 1:
            break
    return dict(objects)


def _keep(key: _Key, search: Search, found: Found, table: Names) -> None:
    """Keep the shape of a profile, and how one of it with such values is read."""
    objects = _objects(search.objects[()])
    all_names = [name for members in objects.values() for name in members]
    if len(all_names) > _MAX_NAMES or sum(map(len, all_names)) > _MAX_LENGTH:
        return
    entries = dict(sorted(search.entries.items(), key=lambda each: each[1].field != "email"))
    shape = _shape(objects, entries)
    known = table.shapes.get(key)
    if known is None or known != shape:
        known = _put(table.shapes, key, shape, _MAX_SHAPES)
    values = [objects[path[:-1]][path[-1]] for path in entries]
    reading = _reading([*entries], found)
    _put(known.readings, _usable(values, known.entries), reading, _MAX_READINGS)


def _shape(objects: Mapping[Path, Json], entries: Mapping[Path, Entry]) -> Shape:
    numbers = {path: n for n, path in enumerate(objects)}

    def member(path: Path) -> _Member:
        return numbers[path[:-1]], path[-1]

    return Shape(
        tuple((*member(path), len(each)) for path, each in objects.items() if path),
        tuple(map(member, entries)),
        tuple(entries.values()),
        sum(each.field == "email" for each in entries.values()),
        tuple(n for n, each in enumerate(entries.values()) if each.field == "jobtitle"),
        tuple(
            (numbers[path], name)
            for path, members in objects.items()
            for name, value in members.items()
            if not isinstance(value, dict) and (path or name not in persons.AT_TOP)
            if (*path, name) not in entries
        ),
    )


def _reading(paths: Sequence[Path], found: Found) -> _Reading:
    numbers = {path: n for n, path in enumerate(paths)}
    return _Reading(
        tuple((name, numbers[path]) for name, path in found.paths.items()),
        found.paths,
        {
            field: [(numbers[path], path) for _, path in others]
            for field, others in found.more.items()
        },
        found.elsewhere,
    )


def _put[Key, Value](kept: dict[Key, Value], key: Key, value: Value, most: int) -> Value:
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
    return value
