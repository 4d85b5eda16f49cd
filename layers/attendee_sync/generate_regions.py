"""Makes the layer's tables of countries and states. Not shipped.

Usage: python generate_regions.py FOLDER

There it writes regions.json, and names in other languages into regions_translated.json.

Codes and names come from pycountry, which packages Debian's iso-codes: ISO 3166-1 for countries,
ISO 3166-2 for states. The same pycountry always gives the same file.
"""

import gettext
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pycountry

from attendee_sync.mapping.regions import CODED_STATES, Tables, TranslatedTables, fold

# English names that ISO 3166-1 does not have: earlier ones, short ones, initials, and those of
# Unicode's CLDR, which fill most lists of countries to choose from. The United Kingdom's parts
# are here too, because lists often offer them as countries. A name that may mean several
# countries (Korea, Virgin Islands) is left out; names in other languages are iso-codes' own.
COUNTRY_VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "AE": ("UAE", "Emirates"),
    "AG": ("Antigua",),
    "BA": ("Bosnia", "Bosnia-Herzegovina"),
    "BN": ("Brunei",),
    "BQ": ("Caribbean Netherlands",),
    "CD": ("Democratic Republic of the Congo", "DR Congo", "DRC", "Congo-Kinshasa"),
    "CG": ("Congo-Brazzaville",),
    "CI": ("Ivory Coast",),
    "CN": ("Mainland China", "PRC", "China (PRC)"),
    "CV": ("Cape Verde",),
    "GB": (
        "Britain",
        "England",
        "Great Britain",
        "Northern Ireland",
        "Scotland",
        "UK",
        "Wales",
        # As they say in Germany, France, Spain, Italy, the Netherlands, and Portugal.
        "Großbritannien",
        "Grande-Bretagne",
        "Gran Bretaña",
        "Gran Bretagna",
        "Groot-Brittannië",
        "Grã-Bretanha",
    ),
    "GS": ("South Georgia & South Sandwich Islands",),
    "HK": ("Hong Kong SAR", "Hong Kong SAR China"),
    "HM": ("Heard & McDonald Islands",),
    "IE": ("Republic of Ireland", "Eire"),
    "KR": ("Republic of Korea",),
    "MK": ("Macedonia", "Northern Macedonia"),
    "MM": ("Burma", "Myanmar (Burma)"),
    "MO": ("Macao SAR", "Macao SAR China", "Macau", "Macau SAR", "Macau SAR China"),
    "NL": ("Holland",),
    "PN": ("Pitcairn Islands",),
    "PS": ("Palestinian Territories",),
    "RU": ("Russia", "Россия"),
    "SA": ("KSA",),
    "ST": ("Sao Tome",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "TT": ("Trinidad",),
    "UM": ("U.S. Outlying Islands",),
    "US": ("U.S.", "U.S.A.", "America", "EE. UU.", "EUA"),
    "VA": ("Vatican", "Vatican City"),
    "VC": ("St. Vincent & Grenadines",),
    "VI": ("U.S. Virgin Islands",),
    "ZA": ("RSA",),
}

# User-assigned in ISO 3166, and what the European Union and the World Bank write.
KOSOVO: Final = ("XK", "XKX", "Kosovo")

# Names and codes of states that ISO 3166-2 does not have: former codes, initials, short names.
STATE_VARIANTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "CA": {
        "AB": ("Alta.",),
        "BC": ("B.C.",),
        "MB": ("Man.",),
        "NL": ("NF", "Nfld.", "Newfoundland", "Labrador"),
        "NT": ("NWT",),
        "NU": ("Nvt.",),
        "ON": ("Ont.",),
        "PE": ("PEI", "P.E. Island"),
        "QC": ("PQ", "Que."),
        "SK": ("Sask.",),
        "YT": ("Yukon", "Yukon Territory", "YK"),
    },
    # The short forms of newspapers and of the time before two-letter codes.
    "US": {
        "AL": ("Ala.",),
        "AR": ("Ark.",),
        "AZ": ("Ariz.",),
        "CA": ("Calif.", "Cal."),
        "CO": ("Colo.",),
        "CT": ("Conn.",),
        "DC": ("Washington, D.C.", "Washington DC"),
        "DE": ("Del.",),
        "FL": ("Fla.",),
        "IL": ("Ill.",),
        "IN": ("Ind.",),
        "KS": ("Kan.", "Kans."),
        "MA": ("Mass.",),
        "MI": ("Mich.",),
        "MN": ("Minn.",),
        "MS": ("Miss.",),
        "MT": ("Mont.",),
        "NC": ("N. Carolina",),
        "ND": ("N. Dakota", "N. Dak."),
        "NE": ("Neb.", "Nebr."),
        "NM": ("N. Mex.",),
        "NV": ("Nev.",),
        "OK": ("Okla.",),
        "OR": ("Ore.", "Oreg."),
        "PA": ("Penn.", "Penna."),
        "SC": ("S. Carolina",),
        "SD": ("S. Dakota", "S. Dak."),
        "TN": ("Tenn.",),
        "TX": ("Tex.",),
        "VI": ("U.S. Virgin Islands", "Virgin Islands"),
        "WA": ("Wash.", "Washington State"),
        "WI": ("Wis.", "Wisc."),
        "WV": ("W. Va.", "W. Virginia"),
        "WY": ("Wyo.",),
    },
}

# Where mail of the armed forces goes, as if to a state:
# https://pe.usps.com/text/pub28/28c2_001.htm
ARMED_FORCES: Final[Mapping[str, str]] = {
    "AA": "Armed Forces Americas",
    "AE": "Armed Forces Europe",
    "AP": "Armed Forces Pacific",
}

_PARENTHESIS = re.compile(r" \([^)]*\)")


def tables() -> Tables:
    """Return what regions.json holds."""
    return {
        "country_codes": _country_codes(),
        "country_names": _country_names(),
        "states": {country: _states(country) for country in sorted(CODED_STATES)},
    }


def translated_tables() -> TranslatedTables:
    """Return what regions_translated.json holds."""
    countries = (
        (country.alpha_2, [translate(name) for name in names(country)])
        for translate in _translations("iso3166-1")
        for country in pycountry.countries
    )
    return {
        "country_names": _shortened(countries),
        "states": {country: _translated_states(country) for country in sorted(CODED_STATES)},
    }


def names(country: pycountry.db.Country) -> list[str]:
    """Return the names that pycountry has for a country."""
    attributes = ("name", "common_name", "official_name")
    return [name for each in attributes if (name := getattr(country, each, None))]


def _country_codes() -> dict[str, str]:
    alpha_2, alpha_3, _ = KOSOVO
    codes = {
        code.lower(): country.alpha_2
        for country in pycountry.countries
        for code in (country.alpha_2, country.alpha_3, country.numeric)
    }
    return codes | {alpha_2.lower(): alpha_2, alpha_3.lower(): alpha_2}


def _country_names() -> dict[str, str]:
    code, _, kosovo = KOSOVO
    own = {fold(kosovo): code}
    for country in pycountry.countries:
        _add(own, country.alpha_2, names(country))
        _add(own, country.alpha_2, COUNTRY_VARIANTS.get(country.alpha_2, ()))
    english = ((country.alpha_2, names(country)) for country in pycountry.countries)
    return _shortened(english) | own


def _shortened(of_countries: Iterable[tuple[str, Sequence[str]]]) -> dict[str, str]:
    """Return names and short forms of them, without those that several countries would share."""
    found: dict[str, set[str]] = {}
    for code, its_names in of_countries:
        for short in itertools.chain.from_iterable(map(_short_forms, its_names)):
            found.setdefault(fold(short), set()).add(code)
    return {
        name: codes.pop()
        for name, codes in found.items()
        if len(codes) == 1 and not _looks_like_a_code(name)
    }


def _looks_like_a_code(name: str) -> bool:
    return len(name) < 4 and name.isascii()  # noqa: PLR2004


def _translations(domain: str) -> Iterator[Callable[[str], str]]:
    """Yield what translates iso-codes' English names, language by language."""
    for folder in sorted(Path(pycountry.LOCALES_DIR).iterdir()):
        if gettext.find(domain, pycountry.LOCALES_DIR, [folder.name]):
            yield gettext.translation(domain, pycountry.LOCALES_DIR, [folder.name]).gettext


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
    for code, name in ARMED_FORCES.items() if country == "US" else ():
        _add(found, code, [code, name])
    return found


def _translated_states(country: str) -> dict[str, str]:
    states = [each for each in pycountry.subdivisions if each.country_code == country]
    return _shortened(
        (state.code.removeprefix(f"{country}-"), [translate(state.name)])
        for translate in _translations("iso3166-2")
        for state in states
    )


def _add(table: dict[str, str], code: str, texts: Sequence[str]) -> None:
    for name in texts:
        if table.setdefault(fold(name), code) != code:
            raise ValueError(f"{name} is both {table[fold(name)]} and {code}")


def main() -> None:
    """Write the tables into the folder that the command line names."""
    [folder] = sys.argv[1:]
    made = {"regions.json": tables(), "regions_translated.json": translated_tables()}
    for name, table in made.items():
        text = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        Path(folder, name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
