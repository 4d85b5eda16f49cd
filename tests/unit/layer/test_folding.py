"""What must hold of folding for any profile: it moves values, and never makes one up."""

import json
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from attendee_sync import attendee
from attendee_sync.mapping import mapper, normalisation
from attendee_sync.mapping.mapper import Verdict
from attendee_sync.mapping.normalisation import NotNormalisedError
from attendee_sync.profile import candidates, characters, email_address, field_names, texts
from attendee_sync.profile.email_address import EmailAddressError

ANYBODY = mapper.mapper('{"event_code": "summit2027"}')
EMAIL = "ada@example.com"
any_json = settings(max_examples=200)

HOLDERS = ["attributes", "traits", "data", "contact", "person", "user", "_acme", "event", "fields"]
KNOWN = st.sampled_from(
    sorted({name.rstrip("?") for listed in field_names.NAMES.values() for name in listed})
)
NAMES = (
    KNOWN
    | KNOWN.map(str.upper)
    | KNOWN.map(lambda name: name.replace(" ", "_"))
    | st.sampled_from(
        [*HOLDERS, *attendee.FIELDS, *field_names.ADDRESSES, "name", "value", "type", "id"]
    )
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(0, 99_999)
    | st.floats(0, 99_999, allow_nan=False)
    | st.sampled_from(
        ["US", "Germany", "CA", "Utah", "US-CA", EMAIL, "Dr.", "Ada Lovelace", "King, Ada", "n/a"]
    )
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PROFILES = st.dictionaries(NAMES, VALUES, max_size=8)


def leaves(value: object) -> Iterator[object]:
    """Yield every value of a profile that is no object and no list."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield value


def text_of(leaf: object) -> str:
    """Return a value as it may be sent: a number by its digits, a text tidied."""
    if isinstance(leaf, float):
        return str(int(leaf)) if leaf.is_integer() else format(Decimal(repr(leaf)), "f")
    text = unicodedata.normalize("NFC", characters.remove_invisible(str(leaf)))
    return " ".join(text.split())


def is_made_of(field: str, value: str, document: dict[str, Any]) -> bool:
    """Tell whether a field's value is one of a profile's, or what this becomes."""
    pushed = list(leaves(document))
    texts = [text_of(each) for each in pushed]
    if field == "email":
        return any(is_address(text, value) for text in map(str, pushed))
    if field == "countryid":
        return any(is_country(text, value) for text in texts)
    if field == "state":
        return any(is_state(text, value) for text in texts)
    if field == "zip":
        return any(text.removesuffix(".0").zfill(len(value)) == value for text in texts)
    if field == "address1":  # with a house number from elsewhere
        return any(text and text in value for text in texts) and all(
            any(word in text for text in texts) for word in value.split()
        )
    return any(value in text for text in texts) or f"{value}.0" in texts


def is_address(text: str, value: str) -> bool:
    try:
        return email_address.normalise(text) == value
    except EmailAddressError:
        return False


def is_country(text: str, value: str) -> bool:
    try:
        return normalisation.countryid(text) == value
    except NotNormalisedError:
        return False


def is_state(text: str, value: str) -> bool:
    for country in ("US", "CA", "AU", "BR", "IN", None):
        try:
            if value in vars(normalisation.state(text, country)).values():
                return True
        except NotNormalisedError:
            continue
    return False


@any_json
@given(PROFILES)
def test_no_value_is_made_up(document: dict[str, Any]) -> None:
    decision = ANYBODY.decide({"email": EMAIL, **document})
    for field, value in decision.fields.items():
        assert is_made_of(field, value, {"own": EMAIL, **document}), field


@any_json
@given(PROFILES)
def test_what_is_found_stands_where_it_is_said_to(document: dict[str, Any]) -> None:
    pushed = [json.dumps(each) for each in leaves(document)]
    found = candidates.find({**document, "address": document.get("address")})
    for field in found.best:
        for value, path in found.candidates(field):
            assert json.dumps(value) in pushed
            assert path


WORDS = st.text("abcdefghijklmnopqrstuvwxyzäéß", min_size=3, max_size=12).map(str.title)
FLAT = st.fixed_dictionaries(
    {"email": st.sampled_from([EMAIL, "grace.hopper@example.org"])},
    optional={
        **dict.fromkeys(attendee.FIELDS.keys() - {"email"}, WORDS),
        "phone": st.text("0123456789 +-", min_size=5, max_size=15).map(" ".join).map("1{}2".format),
        "zip": st.text("0123456789", min_size=5, max_size=5),
        "countryid": st.just("US"),
        "state": st.sampled_from(["UT", "CA", "NY"]),
    },
)


@any_json
@given(FLAT.map(lambda flat: flat | {"countryid": "US"} if "state" in flat else flat))
def test_the_flat_fields_come_out_as_they_went_in(flat: dict[str, str]) -> None:
    expected = {
        field: " ".join(value.split())
        for field, value in flat.items()
        if field != "jobtitle" or not texts.is_salutation(value)
        if texts.is_text(value)
    }
    for document in (flat, {"attributes": flat}, {name.upper(): v for name, v in flat.items()}):
        decision = ANYBODY.decide(document)
        assert decision.verdict is Verdict.SEND
        assert decision.fields == expected
