"""Regions: ISO 3166's codes of countries and states, by their codes and names.

The tables are in JSON files that generate_regions.py makes when the layer is built. They are read
on first use, so that a function which asks for no region does not wait for them; names in other
languages than English, which are many, only for a text that nothing else explains. Imports
the standard library alone, since the generator runs without the layer's packages.
"""

import functools
import json
import re
import unicodedata
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypedDict

# Countries whose states RainFocus knows by code. Its destination in Adobe Experience Platform
# (attendee.FIELDS says where that is described) wants a "FIPS state alpha code", which only the
# United States have, and a customer's public client (bwEvents/rainfocus-service on GitHub) sends
# codes for the United States and Canada, but `foreignstate` for all others. A country is added
# when RainFocus is known to have codes for it: a guess would store a wrong state.
CODED_STATES: Final = frozenset({"CA", "US"})

_FILE = Path(__file__).with_name("regions.json")
_TRANSLATED_FILE = Path(__file__).with_name("regions_translated.json")
_WORD = re.compile(r"[^\W_]+")
# What stands between a code and a name: `NY - New York`, `United States (US)`.
_BETWEEN_PARTS = re.compile(r"[()\[\]/|]|\s[-\u2013\u2014]\s|,\s")


class Tables(TypedDict):
    """What regions.json holds."""

    country_codes: dict[str, str]
    """ISO 3166-1 alpha-2 codes by alpha-2 and alpha-3 codes in lower case, and numeric codes."""
    country_names: dict[str, str]
    """ISO 3166-1 alpha-2 codes by folded names."""
    states: dict[str, dict[str, str]]
    """By alpha-2 code of their country, states' codes by folded codes and names."""


class TranslatedTables(TypedDict):
    """What regions_translated.json holds, for names in other languages than English."""

    country_names: dict[str, str]
    """ISO 3166-1 alpha-2 codes by folded names."""
    states: dict[str, dict[str, str]]
    """By alpha-2 code of their country, states' codes by folded names."""


def fold(name: str) -> str:
    """Return what is compared of a name: no case, accents, blanks, punctuation or article "the".

    An ampersand counts as "and".
    """
    letters = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    return "".join(word for word in _WORD.findall(plain) if word != "the")


def country(text: str) -> str | None:
    """Return the alpha-2 code of the country that a code or a name stands for.

    Codes count in any case, but not with anything between their letters: N/A is not Namibia.
    Names are those of iso-codes, in English and all languages into which it is translated; a name
    that two countries share stands for none. A name and a code may stand side by side.
    """
    tables = _tables()
    codes, names = tables["country_codes"], tables["country_names"]
    return _found(text, codes, names) or _found(
        text, codes, ChainMap(names, _translated()["country_names"])
    )


def is_country_code(text: str) -> bool:
    """Tell whether a text is an alpha-2 code as ISO 3166-1 writes it."""
    return _tables()["country_codes"].get(text.lower()) == text


def state(country_code: str, text: str) -> str | None:
    """Return the code of the state that a code or a name stands for, or both side by side.

    It is the part behind the hyphen of ISO 3166-2. The country is one of CODED_STATES.
    """
    states = _tables()["states"][country_code]
    return _found(text, states, states) or _found(
        text, states, ChainMap(states, _translated()["states"][country_code])
    )


def _found(text: str, codes: Mapping[str, str], names: Mapping[str, str]) -> str | None:
    """Return what a text stands for: as a whole, turned round, or with all of its parts alike."""

    def of(part: str) -> str | None:
        return codes.get(part.lower()) or names.get(fold(part))

    parts = [part.strip() for part in _BETWEEN_PARTS.split(text) if fold(part)]
    turned_round = " ".join(reversed(parts))  # Netherlands (Kingdom of the)
    found = {of(part) for part in parts}
    return of(text) or of(turned_round) or (found.pop() if len(found) == 1 else None)


@functools.cache
def _tables() -> Tables:
    tables: Tables = json.loads(_FILE.read_bytes())
    return tables


@functools.cache
def _translated() -> TranslatedTables:
    tables: TranslatedTables = json.loads(_TRANSLATED_FILE.read_bytes())
    return tables
