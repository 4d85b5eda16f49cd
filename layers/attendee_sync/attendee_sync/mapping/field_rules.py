"""Field rules: what each attendee field gets from a profile that was read."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from attendee_sync import attendee
from attendee_sync.mapping import expressions, full_names, normalisation
from attendee_sync.mapping.destination import Destination, Rule
from attendee_sync.mapping.expressions import Search
from attendee_sync.mapping.normalisation import NotNormalisedError
from attendee_sync.profile import field_names, names
from attendee_sync.profile.candidates import Found, Json, Path, Scalar
from attendee_sync.profile.field_names import (
    FAMILY_NAME_FIRST,
    FIRST_AND_LAST,
    FULL_NAME,
    HOUSE_NUMBER,
    NAME_PARTICLE,
)

LEFT_OUT = "left out"  # begins the remark on a field that is not sent
USUAL_NAMES = "the usual names"
_NORMALISED = "normalised"
_NOT_SPLIT = "only a full name of two words is split; map it, by first_word and rest for instance"
_ELSEWHERE = "it stands at another place than the address that was taken"
_OVERLOOKED = "a name like it is only where it may be somebody else's; map it if it is not"
_PARTS: Final = frozenset({FAMILY_NAME_FIRST, FULL_NAME, HOUSE_NUMBER, NAME_PARTICLE})
# Words that last names begin with, in the languages where forms ask for them by themselves. What
# else stands there is a title or the like.
_PARTICLES: Final = frozenset(
    {"'s", "'t", "aan", "af", "al", "auf", "aus", "av", "bij", "bin", "da", "dal", "de"}
    | {"del", "della", "den", "der", "des", "di", "do", "dos", "du", "el", "het", "ibn"}
    | {"in", "la", "las", "le", "los", "onder", "op", "over", "te", "ten", "ter", "tot"}
    | {"uit", "und", "van", "vom", "von", "voor", "y", "zu", "zum", "zur"}
)
_MOST_PARTICLES = 4
_CONTRADICTED: Final = {
    "lastname": "the full name does not begin with the first name",
    "firstname": "the full name does not end with the last name",
}
_LINES: Final = frozenset({"address1", "address2"})
_US_ZIP_DIGITS, _MOST_ZEROS = 5, 2
# Whose zips are those of the United States Postal Service: https://pe.usps.com/text/pub28/
_US_ZIPS: Final = frozenset({"US", "PR"})

_LONGEST_ZIP = 100  # characters, with a city
_ZIP_AND_CITY: Final = r"(\d{4} [A-Z]{2}|\d{3} \d{2}|\d{4,6}),? ([^\W\d_]{3}.*)"

# Where the house number stands before the street, by https://github.com/OpenCageData/address-formatting
# (conf/countries/worldwide.yaml); elsewhere, and where no country is known, it stands after it.
_NUMBER_FIRST: Final = frozenset(
    {"AD", "AE", "AG", "AM", "AS", "AU", "AZ", "BB", "BD", "BF", "BH", "BJ", "BL", "BM", "BN"}
    | {"BZ", "CA", "CC", "CD", "CG", "CI", "CK", "CX", "DJ", "DM", "DZ", "EG", "FJ", "FK", "FM"}
    | {"FR", "GA", "GB", "GF", "GG", "GH", "GI", "GM", "GN", "GP", "GS", "GU", "GY", "HK", "HM"}
    | {"IE", "IM", "IN", "IO", "IQ", "JE", "JM", "JP", "KE", "KH", "KN", "KY", "LA", "LB", "LK"}
    | {"LS", "LU", "MA", "MC", "MF", "MG", "MH", "MM", "MP", "MQ", "MR", "MS", "MT", "MU", "MV"}
    | {"MW", "MY", "NA", "NC", "NE", "NF", "NG", "NR", "NU", "NZ", "OM", "PF", "PG", "PH", "PK"}
    | {"PM", "PR", "RE", "RW", "SA", "SC", "SG", "SH", "SL", "SN", "TC", "TF", "TG", "TH", "TK"}
    | {"TM", "TN", "TO", "TT", "TV", "TZ", "UG", "UM", "US", "VG", "VI", "VN", "WF", "XC", "XK"}
    | {"YE", "YT", "ZA", "ZM", "ZW"}
)

# A field, and something worth knowing about it: never its value.
type Remark = tuple[str, str]


# A value that is not empty, and what gave it.
type _Given = tuple[Any, str | Path]


class _Field(NamedTuple):
    """How one field is made, compiled."""

    name: str
    search: Search | None  # None: by the field's usual names
    is_null: Search | None
    normalise: Callable[[str], str] | None  # None: it is a state, which its country tells
    source: str  # an expression, or words


@dataclass(slots=True)
class Mapped:
    """What was made of a profile."""

    fields: dict[str, str]
    remarks: list[Remark] = field(default_factory=list)
    # What gave the fields, where it is not the best that was found under their usual names.
    sources: dict[str, str | Path] = field(default_factory=dict)
    is_number_zip: bool = False  # the zip was pushed as one

    def blank(self, name: str, source: str) -> None:
        """Blank a field."""
        self.fields[name] = ""
        self.sources[name] = source
        self.remarks.append((name, "blanked by an explicit null"))

    def leave_out(self, name: str, why: str) -> None:
        """Remark that a field is not sent."""
        self.remarks.append((name, f"{LEFT_OUT}: {why}"))


class FieldRules:
    """A destination's rules for all fields but the e-mail address, compiled."""

    def __init__(self, destination: Destination) -> None:
        self.names = names.table(destination.names)
        rules: dict[str, Rule | None] = dict.fromkeys(attendee.FIELDS) | destination.mapping
        del rules["email"]
        self._fields = tuple(
            _compiled(name, rule, destination)
            for name, rule in rules.items()
            if rule is None or rule.write != "omit"
        )
        self._joins_numbers = rules["address1"] is None
        self._usual = frozenset(each.name for each in self._fields if each.search is None)
        not_texts = (None, normalisation.countryid)
        self._others = tuple(
            each for each in self._fields if each.search is not None or each.normalise in not_texts
        )
        texts = self._usual - {each.name for each in self._others}
        self._no_texts = tuple(name for name in field_names.NAMES if name not in texts)
        self._splits_streets = self._usual - {*destination.not_normalised} >= _LINES
        self._joins_particles = rules["lastname"] is None
        self._splits_names = rules["firstname"] is None and rules["lastname"] is None

    def map(self, profile: Json, found: Found, foreign_state: str = "") -> Mapped:
        """Return the fields of a profile, in one spelling each, and what gave them.

        `found` is what stands in it under the usual names; `foreign_state` names the field for
        states of countries whose states have no code.
        """
        texts = self._texts(found.best) if found.is_plain else {}
        mapped = Mapped(texts)
        for name, search, is_null, normalise, source in self._others if texts else self._fields:
            given = found.candidates(name) if search is None else _searched(search, profile, source)
            if given and normalise:
                _keep_first(mapped, name, normalise, given)
            elif given:
                _place_state(mapped, given, foreign_state)
            elif is_null and is_null(profile):
                mapped.blank(name, source)
        for name in found.elsewhere:
            if name in self._usual:
                mapped.leave_out(name, _ELSEWHERE)
        if mapped.is_number_zip:
            _pad_zip(mapped)
        self._complete(mapped, found)
        if found.overlooked:
            self._tell_overlooked(mapped, found.overlooked)
        return mapped

    def _tell_overlooked(self, mapped: Mapped, overlooked: frozenset[str]) -> None:
        for name in sorted((overlooked & self._usual) - mapped.fields.keys()):
            mapped.leave_out(name, _OVERLOOKED)

    def _complete(self, mapped: Mapped, found: Found) -> None:
        """Add what stands in two attributes, or two fields in one."""
        if self._splits_streets and not found.is_plain and "address1" in mapped.fields:
            _split_street(mapped, found)
        _split_zip(mapped, found)
        if _PARTS.isdisjoint(found.best):
            return
        if self._joins_numbers and HOUSE_NUMBER in found.best:
            _join_number(mapped, found.candidates(HOUSE_NUMBER))
        if self._joins_particles and NAME_PARTICLE in found.best:
            _join_particle(mapped, found.candidates(NAME_PARTICLE))
        if self._splits_names:
            _split_names(mapped, found)

    def _texts(self, best: Mapping[str, Scalar]) -> dict[str, Any]:
        """Return the fields that plain texts under usual names make as they are."""
        texts: dict[str, Any] = dict(best)
        for name in self._no_texts:
            texts.pop(name, None)
        return texts


def _compiled(name: str, rule: Rule | None, destination: Destination) -> _Field:
    normalise: Callable[[str], str] | None = _checked
    if name not in destination.not_normalised:
        normalise = None if name == "state" else normalisation.BY_FIELD.get(name, _checked)
    if rule is None:
        return _Field(name, None, None, normalise, USUAL_NAMES)
    if rule.write == "constant":
        return _Field(name, lambda _read: rule.value, None, normalise, "a constant")
    is_null = expressions.explicit_null(rule.value) if rule.write == "clear_on_null" else None
    return _Field(name, expressions.lenient(rule.value), is_null, normalise, rule.value)


def _searched(search: Search, profile: Json, source: str) -> Sequence[_Given]:
    """Return what an expression gives, if it is a single value."""
    value = search(profile)
    if isinstance(value, str):
        is_given = bool(value) and not value.isspace()
    else:
        is_given = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return [(value, source)] if is_given else ()


def _keep_first(
    mapped: Mapped,
    name: str,
    normalise: Callable[[str], str],
    given: Sequence[_Given],
) -> None:
    """Keep the first value that the field can hold."""
    fault = ""
    for value, source in given:
        try:
            text = value if type(value) is str else _text(value)
            tidy = normalise(text)
        except NotNormalisedError as error:
            fault = fault or error.reason
            continue
        if tidy:
            mapped.fields[name] = tidy
            mapped.sources[name] = source
        if tidy != text:
            mapped.remarks.append((name, _NORMALISED))
        if text is not value:
            mapped.is_number_zip |= name == "zip"
            if isinstance(value, float) and text != str(value):
                mapped.remarks.append((name, "a number, written with its digits alone"))
        if fault:
            mapped.remarks.append((name, f"passed over a value: {fault}"))
        return
    mapped.leave_out(name, fault)


def _text(value: Any) -> str:
    """Return a value that is no text as one, a number without exponent or needless fraction.

    Raises NotNormalisedError for a number of more digits than a field has characters.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not value.is_integer():
        return format(Decimal(repr(value)), "f")
    normalisation.check_digits(int(value))  # Python writes no number of more than 4,300 digits
    return str(int(value))


def _checked(text: str) -> str:
    normalisation.check_length(text)
    return text


def _place_state(mapped: Mapped, given: Sequence[_Given], foreign_state: str) -> None:
    """Bring the first state that is one to its code, or to the field for those that have none."""
    fault = ""
    for value, source in given:
        try:
            text = value if type(value) is str else _text(value)
            state = normalisation.state(text, mapped.fields.get("countryid"))
        except NotNormalisedError as error:
            fault = fault or error.reason
            continue
        if state.code:
            mapped.fields["state"], mapped.sources["state"] = state.code, source
            if state.code != text:
                mapped.remarks.append(("state", _NORMALISED))
        elif state.foreign and foreign_state:
            mapped.fields[foreign_state] = state.foreign
            mapped.sources[foreign_state] = source
            mapped.remarks.append(("state", f"sent as {foreign_state}"))
        elif state.foreign:
            mapped.leave_out("state", "RainFocus has no codes for this country")
        return
    mapped.leave_out("state", fault)


def _pad_zip(mapped: Mapped) -> None:
    """Give a zip of the United States its zeros, which a number has lost."""
    digits = mapped.fields["zip"]
    is_short = _US_ZIP_DIGITS - _MOST_ZEROS <= len(digits) < _US_ZIP_DIGITS
    if is_short and mapped.fields.get("countryid") in _US_ZIPS:
        mapped.fields["zip"] = digits.zfill(_US_ZIP_DIGITS)
        mapped.remarks.append(("zip", "a number that had lost its first zeros"))


def _split_street(mapped: Mapped, found: Found) -> None:
    """Take the second line of an address from a street of several lines: those of all but the town.

    A street without a town beside it may be a whole address, and stays together.
    """
    text = str(found.best.get("address1"))
    if "\n" not in text or mapped.fields.keys().isdisjoint(("city", "zip")):
        return
    if mapped.fields["address1"] != normalisation.clean_text(text):
        return
    street, *lines = [line for line in map(normalisation.clean_text, text.splitlines()) if line]
    second = ", ".join(filter(None, [*lines, mapped.fields.get("address2")]))
    if lines and len(second) <= normalisation.MAX_LENGTH:
        mapped.fields |= {"address1": street, "address2": second}
        mapped.sources["address2"] = mapped.sources["address1"]
        mapped.remarks.append(("address2", "with the further lines of the street"))


def _join_number(mapped: Mapped, given: Sequence[_Given]) -> None:
    """Write a house number beside its street, on the side where the attendee's country has it."""
    numbers = Mapped({})
    _keep_first(numbers, HOUSE_NUMBER, normalisation.number, given)
    number, street = numbers.fields.get(HOUSE_NUMBER), mapped.fields.get("address1")
    if not street:
        mapped.leave_out("address1", "a house number without a street")
    elif number and number not in street.split():
        is_first = mapped.fields.get("countryid") in _NUMBER_FIRST
        mapped.fields["address1"] = f"{number} {street}" if is_first else f"{street} {number}"
        mapped.remarks.append(("address1", "with the house number from another attribute"))


def _join_particle(mapped: Mapped, given: Sequence[_Given]) -> None:
    """Write before a last name what it begins with, as Dutch forms ask for it by itself."""
    last, particle = mapped.fields.get("lastname"), normalisation.clean_text(str(given[0][0]))
    words = particle.lower().split()
    if not last or not 0 < len(words) <= _MOST_PARTICLES or not _PARTICLES.issuperset(words):
        return
    if not last.lower().startswith(f"{particle.lower()} "):
        mapped.fields["lastname"] = f"{particle} {last}"
        mapped.remarks.append(("lastname", "with the particle from another attribute"))


def _split_zip(mapped: Mapped, found: Found) -> None:
    """Take the city from a zip that has it behind it, as under `PLZ / Ort`."""
    text = mapped.fields.get("zip", "")
    if not text[-1:].isalpha() or len(text) > _LONGEST_ZIP:  # as hardly any
        return
    match = re.fullmatch(_ZIP_AND_CITY, text)
    if match:
        mapped.fields["zip"] = match[1]
        mapped.remarks.append(("zip", "without the city behind it"))
        source = mapped.sources.get("zip") or found.paths["zip"]
        if "city" not in mapped.fields:
            mapped.fields["city"], mapped.sources["city"] = match[2], source
            mapped.remarks.append(("city", "taken from behind the zip"))


def _split_names(mapped: Mapped, found: Found) -> None:
    """Take what is missing of the first and the last name from a full name in either order."""
    if FAMILY_NAME_FIRST in found.best:
        _split_name(mapped, found.candidates(FAMILY_NAME_FIRST), full_names.parts_of_reversed)
    elif FULL_NAME in found.best:
        _split_name(mapped, found.candidates(FULL_NAME), full_names.parts)


def _other_name(value: str, source: str | Path, known: Mapping[str, str]) -> dict[str, str]:
    """Return a name of one word as what is missing beside the other one.

    In German forms the last name is called `Name`, beside `Vorname`; in others the first name is,
    beside `last name`.
    """
    *before, last = names.words(source[-1]) or [""]
    is_name = last == "name" and all(map(names.is_person_word, before[-1:]))
    missing = "lastname" if "firstname" in known else "firstname"
    return {missing: value} if is_name and len(value.split()) == 1 else {}


def _split_name(
    mapped: Mapped, given: Sequence[_Given], split: Callable[..., dict[str, str]]
) -> None:
    known = {name: mapped.fields[name] for name in FIRST_AND_LAST if mapped.fields.get(name)}
    if len(known) == len(FIRST_AND_LAST):
        return
    value, source = given[0]
    parts = split(value, **known) if isinstance(value, str) else {}
    if not parts and known and isinstance(value, str):
        parts = _other_name(value, source, known)
    for name in FIRST_AND_LAST:
        if parts.get(name) and name not in known:
            mapped.fields[name] = normalisation.clean_text(parts[name])
            mapped.sources[name] = source
            mapped.remarks.append((name, "taken from a full name"))
        elif not known:
            mapped.leave_out(name, _NOT_SPLIT)
        elif name not in known and not parts and isinstance(value, str) and "@" not in value:
            mapped.leave_out(name, _CONTRADICTED[name])
