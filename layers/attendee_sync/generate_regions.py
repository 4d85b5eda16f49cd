"""Makes regions.json, the layer's tables of countries and states. Not shipped.

Usage: python generate_regions.py FILE

Codes and names come from pycountry, which packages Debian's iso-codes: ISO 3166-1 for countries,
ISO 3166-2 for states. The same pycountry always gives the same file.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pycountry

from attendee_sync.regions import CODED_STATES, Tables, folded

# English names that ISO 3166-1 does not have: earlier ones, short ones, initials, and those of
# Unicode's CLDR, which fill most lists of countries to choose from. The United Kingdom's parts
# are here too, because lists often offer them as countries. A name that may mean several
# countries (Korea, Virgin Islands) is left out, and so are names in other languages.
COUNTRY_VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "AE": ("UAE",),
    "BA": ("Bosnia",),
    "BN": ("Brunei",),
    "BQ": ("Caribbean Netherlands",),
    "CD": ("Democratic Republic of the Congo", "DR Congo", "DRC", "Congo-Kinshasa"),
    "CG": ("Congo-Brazzaville",),
    "CI": ("Ivory Coast",),
    "CN": ("Mainland China", "PRC"),
    "CV": ("Cape Verde",),
    "GB": (
        "Britain",
        "England",
        "Great Britain",
        "Northern Ireland",
        "Scotland",
        "UK",
        "Wales",
    ),
    "GS": ("South Georgia & South Sandwich Islands",),
    "HK": ("Hong Kong SAR", "Hong Kong SAR China"),
    "HM": ("Heard & McDonald Islands",),
    "IE": ("Republic of Ireland",),
    "KR": ("Republic of Korea",),
    "MK": ("Macedonia",),
    "MM": ("Burma", "Myanmar (Burma)"),
    "MO": ("Macao SAR", "Macao SAR China", "Macau", "Macau SAR", "Macau SAR China"),
    "NL": ("Holland",),
    "PN": ("Pitcairn Islands",),
    "PS": ("Palestinian Territories",),
    "RU": ("Russia",),
    "SA": ("KSA",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "UM": ("U.S. Outlying Islands",),
    "US": ("U.S.", "U.S.A."),
    "VA": ("Vatican", "Vatican City"),
    "VC": ("St. Vincent & Grenadines",),
    "VI": ("U.S. Virgin Islands",),
}

# Names and codes of states that ISO 3166-2 does not have: former codes, initials, short names.
STATE_VARIANTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "CA": {
        "NL": ("NF", "Newfoundland"),
        "NT": ("NWT",),
        "PE": ("PEI",),
        "QC": ("PQ",),
        "YT": ("Yukon", "Yukon Territory"),
    },
    "US": {
        "DC": ("Washington, D.C.",),
        "VI": ("U.S. Virgin Islands", "Virgin Islands"),
    },
}

_PARENTHESIS = re.compile(r" \([^)]*\)")


def tables() -> Tables:
    """Return what regions.json holds."""
    return {
        "country_codes": _country_codes(),
        "country_names": _country_names(),
        "states": {country: _states(country) for country in sorted(CODED_STATES)},
    }


def names(country: pycountry.db.Country) -> list[str]:
    """Return the names that pycountry has for a country."""
    attributes = ("name", "common_name", "official_name")
    return [name for each in attributes if (name := getattr(country, each, None))]


def _country_codes() -> dict[str, str]:
    return {
        code.lower(): country.alpha_2
        for country in pycountry.countries
        for code in (country.alpha_2, country.alpha_3)
    }


def _country_names() -> dict[str, str]:
    own: dict[str, str] = {}
    for country in pycountry.countries:
        _add(own, country.alpha_2, names(country))
        _add(own, country.alpha_2, COUNTRY_VARIANTS.get(country.alpha_2, ()))
    return _shortened() | own


def _shortened() -> dict[str, str]:
    """Return shortened names, without those that several countries would share."""
    found: dict[str, set[str]] = {}
    for country in pycountry.countries:
        for name in names(country):
            for short in _short_forms(name):
                found.setdefault(folded(short), set()).add(country.alpha_2)
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1}


def _short_forms(name: str) -> Iterator[str]:
    """Give `Iran` for `Iran, Islamic Republic of`, and St for Saint; drop any parentheses."""
    for each in (name, name.partition(",")[0], _PARENTHESIS.sub("", name)):
        yield each
        yield re.sub(r"^Saint ", "St ", each)


def _states(country: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for subdivision in pycountry.subdivisions:
        if subdivision.country_code == country:
            code = subdivision.code.removeprefix(f"{country}-")
            _add(found, code, [code, subdivision.name])
            _add(found, code, STATE_VARIANTS[country].get(code, ()))
    return found


def _add(table: dict[str, str], code: str, texts: Sequence[str]) -> None:
    for name in texts:
        if table.setdefault(folded(name), code) != code:
            raise ValueError(f"{name} is both {table[folded(name)]} and {code}")


def main() -> None:
    """Write the tables to the file that the command line names."""
    [target] = sys.argv[1:]
    text = json.dumps(tables(), sort_keys=True, separators=(",", ":"))
    Path(target).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
