import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pycountry
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import generate_regions
from attendee_sync import attendee
from attendee_sync.mapping import normalisation, regions
from attendee_sync.mapping.normalisation import NotNormalisedError, State

FOLDER = Path(regions.__file__).parent
# Every reason there is, so that none can have been put together with a value.
REASONS = {
    "longer than 100 characters",
    "longer than 2000 characters",
    "not a country of ISO 3166-1, by code or name",
    "not a state of its country, by code or name",
    "a state of another country than the attendee's",
    "a state without a country, and not a code of ISO 3166-2",
}
COUNTRIES = list(pycountry.countries)
STATES = [each for each in pycountry.subdivisions if each.country_code in regions.CODED_STATES]
AWKWARD = " \t\n.-'&@<>\"\\\u0130\u0131\u00df\u0301\u0331\u00a0\u200b\u200d\u202e\ufeff\ud800\uff0e"
TEXTS = st.one_of(
    st.text(),
    st.text(st.sampled_from("abHJST19" + AWKWARD)),
    st.text(st.characters(codec=None)),  # with surrogates
    st.sampled_from(["US-CA", "CA-QC", "DE-BY", "ON", "new york", "Québec", "U.S.", "the UK"]),
)


def outcome_of[T](normalise: Callable[[], T]) -> T | NotNormalisedError:
    try:
        return normalise()
    except NotNormalisedError as error:
        return error


def reason_of(normalise: Callable[[], object]) -> str:
    with pytest.raises(NotNormalisedError) as raised:
        normalise()
    assert str(raised.value) == raised.value.reason
    return raised.value.reason


# --- texts ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada", "Ada"),
        ("", ""),
        (" \t\r\n\u00a0\u3000", ""),
        ("  Ada   King \t Lovelace\n", "Ada King Lovelace"),
        ("山田\u3000太郎", "山田 太郎"),
        ("line\u2028break\x85here", "line break here"),
        ("12\x00 Main\x07\x1b Street\x7f\x9f", "12 Main Street"),
        ("Jose\u0301", "José"),
        ("\ufeffAda\u200b", "Ada"),
        ("\u202eadA\u202c \u2066King\u2069\u200e\u200f\u061c", "adA King"),
        ("hy\u00adphen\u2060ated", "hyphenated"),
        ("e\u200b\u0301", "é"),  # NFC comes after what stood between
        ("a \u200b b", "a b"),
        ("\ud800Ada\udfff", "Ada"),
        ("\u200d \u200c", ""),
        ("می\u200cنو", "می\u200cنو"),  # Persian names need the non-joiner
        ("McDONALD van der Berg", "McDONALD van der Berg"),
        ("O\u2019Neil-Smith, Jr.", "O\u2019Neil-Smith, Jr."),
        ("Straße № ½ ﬁ Ⅳ", "Straße № ½ ﬁ Ⅳ"),  # NFC, not NFKC
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("+1 (415) 555-0100 ext. 7", "+1 (415) 555-0100 ext. 7"),
        ("02134", "02134"),
        ("SW1A  1AA", "SW1A 1AA"),
    ],
)
def test_texts_are_tidied_without_loss(text: str, expected: str) -> None:
    assert normalisation.clean_text(text) == expected


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_a_visible_ascii_text_stays_as_it_is(text: str) -> None:
    assert normalisation.clean_text(text) == text


# --- countries ---


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.alpha_2)
def test_every_country_is_known_by_codes_and_names(country: pycountry.db.Country) -> None:
    for text in (country.alpha_2, country.alpha_3, *generate_regions.names(country)):
        for form in (text, text.lower(), text.upper(), f" {text}\n"):
            assert normalisation.countryid(form) == country.alpha_2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("USA", "US"),
        ("U.S.", "US"),
        ("U.S.A.", "US"),
        ("u s a", "US"),
        ("The United States of America", "US"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("Great Britain", "GB"),
        ("england", "GB"),
        ("Holland", "NL"),
        ("the Netherlands", "NL"),
        ("South Korea", "KR"),
        ("Republic of Korea", "KR"),
        ("North Korea", "KP"),
        ("Russia", "RU"),
        ("Czech Republic", "CZ"),
        ("Czechia", "CZ"),
        ("Ivory Coast", "CI"),
        ("COTE D\u2019IVOIRE", "CI"),
        ("Vietnam", "VN"),
        ("Viet Nam", "VN"),
        ("Turkey", "TR"),
        ("TÜRKİYE", "TR"),
        ("Turkiye", "TR"),
        ("Taiwan", "TW"),
        ("Hong Kong", "HK"),
        ("Macau", "MO"),
        ("Macao", "MO"),
        ("Iran", "IR"),
        ("Bosnia & Herzegovina", "BA"),
        ("St. Kitts and Nevis", "KN"),
        ("St Barthelemy", "BL"),
        ("Falkland Islands", "FK"),
        ("Congo", "CG"),
        ("DR Congo", "CD"),
        ("NA", "NA"),
        ("XK", "XK"),
        ("Kosovo", "XK"),
        ("840", "US"),
        ("004", "AF"),
        ("United States of America (the)", "US"),
        ("United States (US)", "US"),
        ("US - United States", "US"),
        ("Netherlands (Kingdom of the)", "NL"),
        ("Congo (the Democratic Republic of the)", "CD"),
        ("Korea (the Republic of)", "KR"),
        ("Falkland Islands (the) [Malvinas]", "FK"),
        ("Virgin Islands (British)", "VG"),
        ("Bosnia-Herzegovina", "BA"),
        ("America", "US"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("Großbritannien", "GB"),
        ("Österreich (AT)", "AT"),
        ("Россия", "RU"),
        ("日本", "JP"),
        ("مصر", "EG"),
        ("", ""),
        (" \u200b", ""),
    ],
)
def test_countries_are_known_by_common_variants(text: str, expected: str) -> None:
    assert normalisation.countryid(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "XX",
        "ZZZ",
        "Atlantis",
        "Korea",
        "Kongo",  # in German, one and the other
        "Virgin Islands",
        "N/A",
        "n.a.",
        "Germany, France",
        "DE - France",
        "Atlantis (US)",
        "44",  # a dialling code as well
    ],
)
def test_what_is_no_country_has_a_reason(text: str) -> None:
    reason = reason_of(lambda: normalisation.countryid(text))
    assert reason == "not a country of ISO 3166-1, by code or name"


@pytest.mark.parametrize("text", ["-", "...", "\u00df", "the", "&", "\ufb01"])
def test_a_text_that_folds_to_little_is_no_country(text: str) -> None:
    assert regions.country(text) is None


# --- states ---


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.code)
def test_every_coded_state_is_known_by_codes_and_name(state: pycountry.db.Subdivision) -> None:
    country, code = state.code.split("-")
    for text in (state.code, code, state.name):
        for form in (text, text.lower(), text.upper(), f" {text}\n"):
            assert normalisation.state(form, country) == State(code)
    assert normalisation.state(state.code, None) == State(code)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("us-ca", "US", State("CA")),
        ("US-CA", None, State("CA")),
        ("US-CA", "", State("CA")),
        ("US-CA", "Atlantis", State("CA")),
        ("california", "usa", State("CA")),
        ("N.Y.", "US", State("NY")),
        ("Washington", "US", State("WA")),
        ("Washington, D.C.", "US", State("DC")),
        ("Québec", "CA", State("QC")),
        ("PQ", "CA", State("QC")),
        ("Newfoundland & Labrador", "CA", State("NL")),
        ("Yukon", "CA", State("YT")),
        ("AE", "US", State("AE")),
        ("Armed Forces Pacific", "US", State("AP")),
        ("Calif.", "US", State("CA")),
        ("NY - New York", "US", State("NY")),
        ("New York (NY)", "US", State("NY")),
        ("W. Va.", "US", State("WV")),
        ("Kalifornien", "US", State("CA")),
        ("Ont.", "CA", State("ON")),
        ("Colombie-Britannique", "CA", State("BC")),
        ("DE-BY", "DE", State(foreign="DE-BY")),
        ("DE-BY", None, State(foreign="DE-BY")),
        ("  Bayern ", "Germany", State(foreign="Bayern")),
        ("NSW", "AU", State(foreign="NSW")),
        ("CA", "IT", State(foreign="CA")),
        ("XX-1", "FR", State(foreign="XX-1")),  # no country has that code
        ("", "US", State()),
        ("\u200b", None, State()),
    ],
)
def test_states_become_codes_where_they_are_known(
    text: str, country: str | None, expected: State
) -> None:
    assert normalisation.state(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("Ontario", "US", "not a state of its country, by code or name"),
        ("US-ZZ", "US", "not a state of its country, by code or name"),
        ("NY / NJ", "US", "not a state of its country, by code or name"),
        ("Texas - Ohio", "US", "not a state of its country, by code or name"),
        ("-", "CA", "not a state of its country, by code or name"),
        ("US-CA", "CA", "a state of another country than the attendee's"),
        ("US-DE", "DE", "a state of another country than the attendee's"),
        ("DE-BY", "US", "a state of another country than the attendee's"),
        ("CA", None, "a state without a country, and not a code of ISO 3166-2"),
        ("California", "", "a state without a country, and not a code of ISO 3166-2"),
        ("XX-1", None, "a state without a country, and not a code of ISO 3166-2"),
    ],
)
def test_what_is_no_state_has_a_reason(text: str, country: str | None, reason: str) -> None:
    assert reason_of(lambda: normalisation.state(text, country)) == reason


# --- all fields ---


def test_every_field_has_a_normalisation() -> None:
    assert {*normalisation.BY_FIELD, "email", "state"} == set(attendee.FIELDS)


@pytest.mark.parametrize("field", normalisation.BY_FIELD)
@given(text=TEXTS | st.emails() | st.from_regex(r".{1,4}@.{1,4}\.com", fullmatch=True))
@example(text="H\u0331@example.com")
def test_any_text_is_normalised_once_for_all_or_has_a_reason(field: str, text: str) -> None:
    normalise = normalisation.BY_FIELD[field]
    once = outcome_of(lambda: normalise(text))
    if isinstance(once, NotNormalisedError):
        assert once.reason in REASONS
        return
    assert normalise(once) == once
    once.encode()


@given(TEXTS, st.none() | st.sampled_from(["US", "CA", "DE", "usa", "Atlantis"]) | TEXTS)
def test_any_state_is_normalised_once_for_all_or_has_a_reason(
    text: str, country: str | None
) -> None:
    once = outcome_of(lambda: normalisation.state(text, country))
    if isinstance(once, NotNormalisedError):
        assert once.reason in REASONS
        return
    assert once.code is None or once.foreign is None
    # A bare code needs its country, which an ISO 3166-2 code had brought along.
    known = regions.country(country) if country else None
    again = once.code or once.foreign or ""
    home = known or normalisation.clean_text(text).upper()[:2]
    assert normalisation.state(again, home) == once


# --- the tables ---


def test_the_files_are_what_the_generator_makes_and_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["generate_regions.py", str(tmp_path)])
    generate_regions.main()
    sizes = {made.name: made.stat().st_size for made in tmp_path.iterdir()}
    for name in sizes:
        made = (tmp_path / name).read_bytes()
        assert made == (FOLDER / name).read_bytes(), "make test makes it anew"
    assert json.loads((tmp_path / "regions.json").read_bytes()) == generate_regions.tables()
    assert sizes.keys() == {"regions.json", "regions_translated.json"}
    assert sizes["regions.json"] < 32_000
    assert sizes["regions_translated.json"] < 1_200_000


def test_translations_are_read_only_for_what_nothing_else_explains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(regions, "_TRANSLATED_FILE", FOLDER / "there-is-none.json")
    regions._translated.cache_clear()
    assert regions.country("United States (US)") == "US"
    assert regions.state("US", "Calif.") == "CA"
    with pytest.raises(FileNotFoundError):
        regions.country("Deutschland")


def test_a_name_for_two_countries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_regions, "COUNTRY_VARIANTS", {"DE": ("France",)})
    with pytest.raises(ValueError, match="France is both"):
        generate_regions.tables()


def test_a_variant_belongs_to_a_country_or_state_that_exists() -> None:
    assert {each.alpha_2 for each in COUNTRIES} >= set(generate_regions.COUNTRY_VARIANTS)
    assert set(generate_regions.STATE_VARIANTS) == set(regions.CODED_STATES)
    codes = {each.code for each in STATES}
    for country, states in generate_regions.STATE_VARIANTS.items():
        assert codes >= {f"{country}-{code}" for code in states}


def test_nothing_slow_is_imported_when_a_function_starts() -> None:
    program = (
        "import sys; from attendee_sync.mapping import normalisation, regions;"
        "normalisation.countryid('US');"
        "print({'email_validator', 'idna', 'dns', 'pycountry'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tel:+1 555 0100", "+1 555 0100"),
        ("Phone: tel. 5550100", "tel. 5550100"),
        ("p:+15550100", "+15550100"),
        ("84101.0", "84101"),
        ("5.0", "5"),
        ("84101.5", "84101.5"),
        ("1.0.0", "1.0.0"),
        ("x84101.0", "x84101.0"),
        ("84101", "84101"),
    ],
)
def test_a_number_loses_what_tables_and_links_add_to_it_and_nothing_else(
    text: str, expected: str
) -> None:
    assert normalisation.number(text) == expected


def test_a_text_or_a_number_may_have_two_thousand_characters() -> None:
    assert normalisation.clean_text("é" * 2_000) == "é" * 2_000
    assert reason_of(lambda: normalisation.clean_text("é" * 2_001)) == "longer than 2000 characters"
    for sign in (1, -1):
        normalisation.check_digits(sign * (10**2_000 - 1))
        too_long = reason_of(lambda: normalisation.check_digits(sign * 10**2_000))  # noqa: B023
        assert too_long == "longer than 2000 characters"


def test_countries_and_states_are_looked_up_by_a_hundred_characters_at_most() -> None:
    assert reason_of(lambda: normalisation.countryid("x" * 101)) == "longer than 100 characters"
    assert reason_of(lambda: normalisation.state("x" * 101, "US")) == "longer than 100 characters"
    assert normalisation.state("UT", "US".ljust(100)) == State("UT")
    without = reason_of(lambda: normalisation.state("UT", "US".ljust(101)))
    assert without == "a state without a country, and not a code of ISO 3166-2"


@pytest.mark.parametrize("text", ["ﬁ-18", "US-", "XX-UT", "USA-UT"])
def test_what_only_resembles_a_code_names_no_country(text: str) -> None:
    without = reason_of(lambda: normalisation.state(text, None))
    assert without == "a state without a country, and not a code of ISO 3166-2"
