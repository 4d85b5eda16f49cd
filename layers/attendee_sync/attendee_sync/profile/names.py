"""Names: what a name that is pushed means, by the table of field_names and by its words.

Imports the standard library alone, since ingest uses it.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from attendee_sync.profile import dialects, field_names, vocabulary

type Own = Mapping[str, Sequence[str]]

_LONGEST = 100  # characters; a longer name is a sentence
_FEWEST_ASKING = 3  # words
_DIGITS = (3, 4)  # how many a number has that means nothing
_MAX_KEPT = 4_096  # names that were looked up
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_NUMBERED = re.compile(r"_x00[2-7][0-9a-f]_", re.IGNORECASE)  # of ASCII
# Dataverse's name of the record that another one refers to:
# https://learn.microsoft.com/en-us/power-apps/developer/data-platform/webapi/query/select-columns
_DISPLAYED: Final = "_value@OData.Community.Display.V1.FormattedValue"
_ALTERNATIVE = re.compile(r"[/(|]")


_AT_WORK: Final = ("companyname", "jobtitle")  # fields
# What an address tells of the person besides, if nothing else does.
_IN_ADDRESSES: Final = ("company", "companyname", "phone", "phonenumber", "telephone", "mobile")
_BESIDE = 500  # added to the rank of these
# Added to the rank of a name that may mean something else: any other counts before it, however
# deep it stands.
_WEAK = 1_000_000
_EVENT_TYPE = "/event-type/"  # in the URIs by which security event tokens name events; RFC 8417


class Kind(Enum):
    """What an object is that stands under a name."""

    VALUE = "value"  # of the field, in some member
    ADDRESS = "address"
    HOLDER = "holder"  # of the person's attributes


class Entry(NamedTuple):
    """What is known of a name in its place."""

    field: str  # of attendees, or field_names.FULL_NAME, that a text there is for; or nothing
    rank: int  # of two names of a field, the lower one is better
    address: int = 0  # which one, in the order of ADDRESSES; 0 is that of flat names
    kind: Kind = Kind.VALUE
    within: "Place | None" = None  # what is known of an object's members
    is_role: bool = False  # a text may be somebody's role in an application

    @property
    def is_weak(self) -> bool:
        """Tell whether the name may mean something else."""
        return self.rank >= _WEAK

    @property
    def is_email(self) -> bool:
        """Tell whether it is an e-mail address for sure."""
        return self.field == "email" and not self.is_weak


# What XML's names begin with, as in `soap:Body`, and Cognito's. A word may be somebody or something
# else, as in `manager:email`, `company:phone` and `og:title`; the reader drops `xdm:`.
_NAMESPACE = re.compile(r"[a-z]\d?|ns\d*|soap(?:-?env)?(?:12)?|env|tns|sf|custom")


class Place(dict[str, Entry | None]):
    """What is known of the names in one sort of object, by names as they were pushed.

    It fills itself, up to a number of names.
    """

    def __init__(
        self, known: dict[str, Entry], guess: Callable[[str], Entry | None] | None = None
    ) -> None:
        super().__init__()
        self.known = known
        self._guess = guess  # what is known by a part of its name alone

    def __missing__(self, name: str) -> Entry | None:
        if len(name) > _LONGEST:
            return None
        found = self.known.get(fold(name))
        if found is None and self._guess:
            found = self._guess(name)
        if len(self) < _MAX_KEPT:
            self[name] = found
        return found


def fold(name: str) -> str:
    """Return what is compared of a name: letters and digits, without case and accents.

    SharePoint and Excel write what is neither as its number: `E_x002d_Mail`.
    """
    if "_x00" in name:
        name = _NUMBERED.sub(" ", name)
    if name.isascii():
        return name.lower() if name.isalnum() else "".join(filter(str.isalnum, name)).lower()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", _in_ascii(name).casefold())))


def _in_ascii(name: str) -> str:
    """Return a name without the letters that are one to us and no letter with an accent.

    The Turkish i without its dot, as in `Adi`, and the German sharp s.
    """
    return name.replace("\N{LATIN SMALL LETTER DOTLESS I}", "i").replace("ß", "ss")


def is_person(name: str) -> bool:
    """Tell whether a name says that an object is a person, such as `guest` or `contactInfo`."""
    found = words(name)
    return (
        not vocabulary.PERSONS.isdisjoint(found)
        and vocabulary.HOLDERS.issuperset(found)
        and "profile" not in found
    )


def is_person_word(word: str) -> bool:
    """Tell whether a folded word is one for a person or for several, such as `guests`."""
    return (
        word in vocabulary.PERSONS
        or word.removesuffix("s") in vocabulary.PERSONS
        or word in vocabulary.PEOPLE
    )


def person_words(name: str) -> frozenset[str]:
    """Return the words of a name that are for a person, such as `buyer` of `buyer_email`."""
    return frozenset(filter(is_person_word, words(name[:_LONGEST])))


def is_attending(name: str) -> bool:
    """Tell whether a name says that somebody attends: `attendee`, `registrant_email`."""
    return not vocabulary.ATTENDING.isdisjoint(words(name[:_LONGEST]))


def is_people(name: str) -> bool:
    """Tell whether a list of that name is one of people: `guests`, `user_profiles`, `person`."""
    found = words(name)
    others = (word for word in found if not is_person_word(word))
    is_more = all(
        word in vocabulary.CONTAINERS or word in vocabulary.BESIDE_PEOPLE for word in others
    )
    return is_more and bool(found) and is_person_word(found[-1])


def are_several(name: str) -> bool:
    """Tell whether a list's name is a word for several people: `contacts`, but not `lead`."""
    found = words(name[:_LONGEST])
    return bool(found) and is_person_word(found[-1]) and found[-1] not in vocabulary.PERSONS


def is_other_person(name: str) -> bool:
    """Tell whether a name says that people are there in another role: `speakers`, `owner`."""
    found = words(name[:_LONGEST])
    return any(
        not vocabulary.OTHER_PERSONS.isdisjoint((word, word.removesuffix("s"))) for word in found
    )


def is_of_others(name: str) -> bool:
    """Tell whether a name says that it is of somebody or something else: `owner`, `before`."""
    return is_other_person(name) or not vocabulary.OTHERS.isdisjoint(words(name[:_LONGEST]))


def words(name: str) -> list[str]:
    """Return the words of a name, folded: of `firstName`, `first` and `name`."""
    if "_x00" in name:
        name = _NUMBERED.sub(" ", name)
    if not name.isascii():
        letters = unicodedata.normalize("NFKD", _in_ascii(name))
        name = "".join(each for each in letters if not unicodedata.combining(each))
    return [each.casefold() for each in _WORD.findall(name)]


_ADDRESSES: Final = {fold(name): not name.endswith("?") for name in field_names.ADDRESSES}
_PREFIXES: Final = tuple(_ADDRESSES)
_STEMS: Final = [key.removesuffix("address") for key in _PREFIXES]
# Flat names of one address begin with either name of it: `work_address_line_1`, `work_city`, or
# with its kind behind, as in `address_work_city`.
_NUMBERS: Final = {
    **{key: _STEMS.index(stem) + 1 for key, stem in zip(_PREFIXES, _STEMS, strict=True)},
    **{f"address{stem}": _STEMS.index(stem) + 1 for stem in _STEMS if stem},
    "addressmail": _STEMS.index("mailing") + 1,
}
OF_ADDRESS: Final = _NUMBERS["address"]  # of names such as `address_city`


class Names:
    """The table, compiled, with a destination's own names before the others."""

    def __init__(self, own: Own = MappingProxyType({})) -> None:
        self.shapes: dict[tuple[str | None, ...], Any] = {}  # of profiles; see shapes
        self.fields = {
            field: (*own.get(field, ()), *listed) for field, listed in field_names.NAMES.items()
        }
        texts = _texts(self.fields) | _texts(own)
        self.words = frozenset(texts)
        self._parts = {
            key: entry for key, entry in texts.items() if entry.field in field_names.PLACE
        }
        self.address, self.person = Place({}), Place({}, self._guessed)
        addresses = self._addresses(texts)
        lines = dict.fromkeys(("line", "lines"), texts["address1"])
        self.address.known = lines | self._parts | addresses
        objects = _objects(texts)
        self.person.known = texts | objects | self._more(addresses, objects, texts)
        self._holder = Entry("", 0, kind=Kind.HOLDER, within=self.person)
        self._work = Entry("", 0, within=self._of_work(texts))
        self.person.known |= dict.fromkeys(vocabulary.OF_JOB, self._of_job(texts))
        self._dialects = [(each.signs, self._place_in(each)) for each in dialects.ALL]
        persons = Place(dict.fromkeys(vocabulary.WITHIN_PASSED, self._holder), self._persons_own)
        passed = self._holder._replace(within=persons)
        persons.known |= dict.fromkeys(vocabulary.PASSED_WITHIN, passed)
        self.person.known |= dict.fromkeys(vocabulary.PASSED_THROUGH, passed)

    def _of_work(self, texts: Mapping[str, Entry]) -> Place:
        """Return what is known of the members of an object about somebody's work."""
        known = {key: each for key, each in texts.items() if each.field in _AT_WORK}
        known |= {"name": texts["companyname"], "title": texts["jobtitle"]}
        return Place(known | dict.fromkeys(("position", "role"), texts["jobtitle"]))

    def _of_job(self, texts: Mapping[str, Entry]) -> Entry:
        """Return likewise what an object about a job is, whose name may be that of either."""
        known = self._of_work(texts).known
        place = Place({key: known[key] for key in known if key != "name"})
        return self._holder._replace(within=place)  # the person's, if an e-mail address is there

    def place_of(self, members: Collection[str]) -> Place:
        """Return what is known of a person's attributes that have these names."""
        own = (place for signs, place in self._dialects if not signs.isdisjoint(members))
        return next(own, self.person)

    def _place_in(self, dialect: dialects.Dialect) -> Place:
        """Return what is known of a person's attributes in one system."""
        place = Place(self.person.known, self._guessed)
        place |= {
            name: self.person.known[fold(same)] if same else None
            for name, same in dialect.names.items()
        }
        return place

    def _addresses(self, texts: Mapping[str, Entry]) -> dict[str, Entry]:
        """Return what may be an address as an object; a text there is its first line."""
        found = {}
        for rank, (key, is_text) in enumerate(_ADDRESSES.items(), 1):
            entry = texts.get(key) or Entry("address1" * is_text, _WEAK, rank)
            found[key] = entry._replace(kind=Kind.ADDRESS, within=self.address)
        return found

    def _more(
        self,
        addresses: Mapping[str, Entry],
        objects: Mapping[str, Entry],
        texts: Mapping[str, Entry],
    ) -> dict[str, Entry]:
        """Return addresses with what they tell of the person besides, such as `billing.phone`."""
        found = dict(addresses)
        beside = {
            name: texts[name]._replace(rank=texts[name].rank + _BESIDE) for name in _IN_ADDRESSES
        }
        for key in addresses:
            within = objects[key].within if key in objects else None
            members = beside | (within.known if within is not None else {})
            found[key] = found[key]._replace(within=Place({**members, **self.address.known}))
        return found

    def _guessed(self, name: str) -> Entry | None:
        """Return what is known of a name among a person's by a part of it, or nothing."""
        if name in vocabulary.NOBODYS:
            return None
        if name.startswith("urn:"):
            return self._holder  # an extension of SCIM
        if name.endswith(_DISPLAYED):
            entry = self.person.known.get(fold(name.removesuffix(_DISPLAYED)))
            return entry.within.known.get("name") if entry and entry.within is not None else None
        if "://" in name:
            name = name.rstrip("/").rpartition("/")[2]  # a claim, named by a URI
        found = self._by_words(name)
        if found is None and ":" in name:
            namespace, _, own = name.rpartition(":")
            found = self.person[own] if _NAMESPACE.fullmatch(namespace.lower()) else None
        if found is None and name.startswith("_"):
            return self._holder  # a tenant's namespace, if it is an object
        return found

    def _persons_own(self, name: str) -> Entry | None:
        """Return what is known of an object in a passed one by its words: `userAttributes`."""
        if is_person(name):
            return self._holder
        found = words(name)
        is_passed = bool(found) and vocabulary.PASSED_WITHIN.issuperset(found)
        is_passed |= "://" in name and _EVENT_TYPE in name
        return self.person.known["form"] if is_passed else None

    def _by_words(self, name: str) -> Entry | None:
        """Return what is known of a name by its words, or by one of two that it offers."""
        found = [word for word in words(name) if word != "s"]  # of `company's`
        if not found or not vocabulary.OTHERS.isdisjoint(found):
            return None
        entry = self._object(name, found) or self._text(found) or self._contained(found)
        alternatives = () if entry else _alternatives(name, found)
        offered = map(self._by_words, alternatives)
        return entry or next((each for each in offered if each and each.field), None)

    def _object(self, name: str, found: Sequence[str]) -> Entry | None:
        """Return what is known of an object by the words of its name."""
        if _are_of_holder(found) or fold(name) in vocabulary.HOLDER_NAMES:
            return self._holder
        if found[-1] == "id":  # where an API puts what it refers to: `work_address_id`
            entry = self.person.known.get("".join(found[:-1]))
            is_whole = entry and entry.within is not None and entry.kind is not Kind.HOLDER
            return entry._replace(field="") if entry and is_whole else None
        return self.person.known["form"] if _are_of_passed(found) else None

    def _contained(self, found: Sequence[str]) -> Entry | None:
        """Return what is known of an object that is called a container of something: `workInfo`."""
        held = [*found]
        while held and held[-1] in vocabulary.CONTAINERS:
            held.pop()
        if not held or len(held) == len(found):
            return None
        if vocabulary.WORK.issuperset(held):
            return self._work
        entry = self.person.known.get("".join(held))
        if entry is None or entry.within is None or entry.kind is Kind.HOLDER:
            return None
        return entry._replace(field="")

    def _text(self, found: Sequence[str]) -> Entry | None:
        """Return what is known of a name by some of its words."""
        for key in _shorter(found):
            entry = self.person.known.get(key) or self._part(key)
            is_weak = entry and (entry.field == field_names.FULL_NAME or entry.is_weak)
            if entry and not (is_weak and not vocabulary.THINGS.isdisjoint(found)):
                # A form's name and a record's title are nobody's.
                is_own = vocabulary.PRIVATE.isdisjoint(found) or key == "".join(found)
                return entry if is_own else entry._replace(rank=entry.rank + _BESIDE)
        one = self.person.known.get("".join(found).removesuffix("s"))
        if one and not one.is_weak:  # workPhones
            return one
        asked = map(self.person.known.get, _asked_for(found))
        return next((entry for entry in asked if entry and entry.field), None)

    def _part(self, key: str) -> Entry | None:
        """Return the part of an address that a flat name tells, such as `billingcity`."""
        if not key.startswith(_PREFIXES):
            return None
        for prefix, number in _NUMBERS.items():
            part = self._parts.get(key[len(prefix) :]) if key.startswith(prefix) else None
            if part:
                return part._replace(address=number)
        return None


def _are_of_holder(found: Sequence[str]) -> bool:
    """Tell whether words are the name of an object that holds the person."""
    own = [word for word in found if word not in vocabulary.BESIDE_PERSONS]
    is_whole = len(own) == len(found) or not vocabulary.PERSONS.isdisjoint(own)
    is_persons = is_whole and vocabulary.HOLDERS.issuperset(own)
    return is_persons or _are_of_container(found) or _are_of_command(found)


def _are_of_command(found: Sequence[str]) -> bool:
    """Tell whether words are what is to be done with a person: `CreateContactRequest`."""
    if vocabulary.COMMANDS.isdisjoint(found):
        return False
    person = {*found} - vocabulary.COMMANDS - vocabulary.PASSED_WORDS
    if not person or not person <= vocabulary.PERSONS:
        return False
    is_call = not vocabulary.PASSED_WORDS.isdisjoint(found)
    return is_call or person.isdisjoint(vocabulary.OPERATORS)  # a `createUser` is the creator


def _are_of_container(found: Sequence[str]) -> bool:
    """Tell whether words are for a container and say what was done with what is in it."""
    held = [word for word in found if word not in vocabulary.BESIDE_CONTAINERS]
    return bool(held) and (vocabulary.CONTAINERS | {"profile"}).issuperset(held)


def _are_of_passed(found: Sequence[str]) -> bool:
    """Tell whether words are the name of an object that is passed through: `messageBody`."""
    passed = vocabulary.PASSED_WORDS
    return not passed.isdisjoint(found) and (passed | vocabulary.CONTAINERS).issuperset(found)


def _texts(fields: Own) -> dict[str, Entry]:
    """Return what is known of names by which a text may stand, folded."""
    found: dict[str, Entry] = {}
    for field, listed in fields.items():
        values = _values(field)
        for n, name in enumerate(listed):
            rank = n + _WEAK * name.endswith("?")
            found.setdefault(fold(name), Entry(field, rank, within=values))
    roles = _values("jobtitle", is_role=True)
    for name in vocabulary.ROLES & found.keys():
        if found[name].field == "jobtitle":
            found[name] = found[name]._replace(within=roles, is_role=True)
    return found


def _values(field: str, *, is_role: bool = False) -> Place:
    """Return what is known of the members of an object in place of a text, and of those within."""
    names = dict.fromkeys(
        (*field_names.VALUES.get(field, field_names.VALUES[""]), *field_names.ALSO_VALUES)
    )
    place = Place({})
    place.known |= {
        fold(name): Entry(field, rank, within=place, is_role=is_role)
        for rank, name in enumerate(names)
    }
    return place


def _objects(texts: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return what is known of objects whose members have a meaning, such as `b2b.company name`."""
    found: dict[str, Entry] = {}
    for name in itertools.chain.from_iterable(field_names.NAMES.values()):
        outer, dot, inner = name.rstrip("?").partition(".")
        if dot:
            key = fold(outer)
            entry = found.get(key) or texts.get(key) or Entry("", 0)
            known = {} if entry.within is None else entry.within.known
            member = texts[fold(name)]._replace(within=None)
            found[key] = entry._replace(within=Place({**known, fold(inner): member}))
    return found


def _shorter(found: Sequence[str]) -> Iterator[str]:
    """Yield a name, and what is left of it without words that mean nothing more.

    As behind one for who attends: `WooCommerceEventsAttendeeEmail`.
    """
    end = len(found)
    yield "".join(found)
    behind = next((n for n in range(end - 1, 0, -1) if found[n - 1] in vocabulary.ATTENDING), end)
    if behind < end:
        yield "".join(found[behind:])
    yield "".join(each for each in found if each != "1")
    while end > 1 and (found[end - 1] in vocabulary.TRAILING or _is_serial(found[end - 1])):
        end -= 1
        yield "".join(found[:end])
    for start in range(1, len(found)):
        if found[start - 1] not in vocabulary.LEADING and not found[start - 1].isdigit():
            return
        yield "".join(found[start:])
        if start < end < len(found):
            yield "".join(found[start:end])


def _is_serial(word: str) -> bool:
    """Tell whether a word is the number that a form gives its fields, as in `tel-123`."""
    return word.isdecimal() and len(word) in _DIGITS


def _alternatives(name: str, found: Sequence[str]) -> Iterator[str]:
    """Yield what a name offers instead of itself: of `Company / Firm` or `CompanyOrFirm` the first.

    The second one counts where the first is one word, as in `account_or_company`.
    """
    first = _ALTERNATIVE.split(name, maxsplit=1)[0]
    if first != name:
        yield first
        return
    at = next((n for n, word in enumerate(found) if word in vocabulary.OR), 0)
    if at:
        yield " ".join(found[:at])
        if at == 1:
            yield " ".join(found[at + 1 :])


def _asked_for(found: Sequence[str]) -> Iterator[str]:
    """Yield what a question may ask for, the longest first, if the words are one to the person."""
    if len(found) < _FEWEST_ASKING or vocabulary.ASKED.isdisjoint(found):
        return
    for start in range(len(found)):
        end = len(found)
        yield "".join(found[start:end])
        while end - start > 1 and found[end - 1] in vocabulary.BEHIND_ASKED:
            end -= 1
            yield "".join(found[start:end])
        if found[start] not in vocabulary.BEFORE_ASKED:
            return


def table(own: Own | None) -> Names:
    """Return the table with a destination's own names, or the standard one if it has none."""
    return Names(own) if own else standard()


@functools.cache
def standard() -> Names:
    """Return the table without names of a destination's own."""
    return Names()
