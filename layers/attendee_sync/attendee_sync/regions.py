"""Regions: ISO 3166's codes of countries and states, by their codes and English names.

The tables are in regions.json, which generate_regions.py makes when the layer is built. They are
read on first use, so that a function which asks for no region does not wait for them. Imports
the standard library alone, since the generator runs without the layer's packages.
"""

import functools
import json
import re
import unicodedata
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
_WORD = re.compile(r"[^\W_]+")


class Tables(TypedDict):
    """What regions.json holds."""

    country_codes: Mapping[str, str]
    """ISO 3166-1 alpha-2 codes by alpha-2 and alpha-3 codes in lower case."""
    country_names: Mapping[str, str]
    """ISO 3166-1 alpha-2 codes by folded names."""
    states: Mapping[str, Mapping[str, str]]
    """By alpha-2 code of their country, states' codes by folded codes and names."""


def folded(name: str) -> str:
    """Return what is compared of a name: no case, accents, blanks, punctuation or leading "the".

    An ampersand counts as "and".
    """
    letters = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    words = _WORD.findall(plain)
    return "".join(words[1:] if words[:1] == ["the"] else words)


def country(text: str) -> str | None:
    """Return the alpha-2 code of the country that a code or an English name stands for.

    Codes count in any case, but not with anything between their letters: N/A is not Namibia.
    """
    tables = _tables()
    return tables["country_codes"].get(text.lower()) or tables["country_names"].get(folded(text))


def is_country_code(text: str) -> bool:
    """Tell whether a text is an alpha-2 code as ISO 3166-1 writes it."""
    return _tables()["country_codes"].get(text.lower()) == text


def state(country_code: str, text: str) -> str | None:
    """Return the code of the state that a code or an English name stands for.

    It is the part behind the hyphen of ISO 3166-2. The country is one of CODED_STATES.
    """
    states = _tables()["states"][country_code]
    return states.get(text.lower()) or states.get(folded(text))


@functools.cache
def _tables() -> Tables:
    tables: Tables = json.loads(_FILE.read_bytes())
    return tables
