import itertools
import json
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendee_sync.profile import names
from attendee_sync_cli.profiles.shape import shapes
from tests.support.shapes import SHAPES

SAMPLES = Path(__file__).parents[2] / "samples"
DOCUMENTS = [
    *SHAPES.items(),
    *((path.stem, json.loads(path.read_text("utf-8"))) for path in SAMPLES.glob("*.json")),
]
# Texts of which nothing is left when they are masked: no a, A or 9, no punctuation that is kept.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="aA9@.+-_:/ *"), min_size=1)


def is_known(key: str) -> bool:
    """Tell whether a key is shown because senders call a field so, such as `C N`."""
    return names.fold(key) in names.standard().person.known


IDS = st.one_of(
    st.emails(),
    st.uuids().map(str),
    st.integers(10**6).map(str),
    st.text("0123456789abcdef", min_size=32, max_size=64).filter(lambda text: "0" in text[1:-1]),
    st.tuples(TEXT, TEXT).map(" ".join).filter(lambda text: not is_known(text)),
)


def values(value: Any) -> list[str]:
    """Return the texts and numbers of a document, and those of its keys that are ids."""
    if isinstance(value, dict):
        ids = [key for key in value if re.search(r"@|\d{4}", key)]
        return ids + [text for each in value.values() for text in values(each)]
    if isinstance(value, list):
        return [text for each in value for text in values(each)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_nothing_that_was_pushed_is_shown(name: str, document: Any) -> None:
    assert name
    found = shapes(json.dumps(document))
    words = set(re.findall(r"\w+", " ".join(found)))
    assert found
    for value in values(document):
        assert value not in found.values()
        assert not any(value in path for path in found if len(value) > 3 and value not in words)
        assert not any(f'"{value}"' == shape for shape in found.values())


@given(st.dictionaries(IDS, st.recursive(TEXT, lambda some: st.lists(some, max_size=3))))
def test_of_texts_and_ids_only_the_shape_is_left(document: dict[str, Any]) -> None:
    for path, shape in shapes(json.dumps({"map": document})).items():
        assert re.fullmatch(r"map(\.\*(\[\*\])*)?", path)
        assert re.fullmatch(r"\"[aA9*]*(\.\.\.)?\"|\[\]|{}", shape)


def test_a_path_is_that_of_a_mapping_and_a_shape_tells_what_stands_there() -> None:
    document = {
        "xdm:person": {"name": {"firstName": "Zoë", "lastName": "O'Hara-Ng"}},
        "workEmail": {"address": "Zoe.Ohara+x@Example.com"},
        "phone": "+1 (555) 0100",
        "visits": 42,
        "score": -0.5,
        "vip": False,
        "fax": None,
        "note": "",
        "tags": [],
        "extra": {},
        "city": "京都",
    }
    assert shapes(json.dumps(document)) == {
        '"xdm:person".name.firstName': '"Aaa"',
        '"xdm:person".name.lastName': '"A*Aaaa-Aa"',
        "workEmail.address": '"Aaa.Aaaaa+a@Aaaaaaa.aaa"',
        "phone": '"+9 *999* 9999"',
        "visits": "99",
        "score": "-9.9",
        "vip": "true or false",
        "fax": "null",
        "note": '""',
        "tags": "[]",
        "extra": "{}",
        "city": '"aa"',
    }


def test_a_name_that_senders_use_is_shown_whatever_its_signs() -> None:
    document = {"First Name *": "Ada", "Ada Lovelace": "x", "Work E-Mail:": "ada@example.com"}
    assert shapes(json.dumps(document)) == {
        '"First Name *"': '"Aaa"',
        "*": '"a"',
        '"Work E-Mail:"': '"aaa@aaaaaaa.aaa"',
    }


def test_ids_among_the_keys_are_stars() -> None:
    state = {"status": "realized"}
    document = {
        "segmentMembership": {
            "ups": {"7841ba61-23c1-4bb3-a495-00d3g5fe1e93": state, "59bd2fkd-3c48-4b18": state},
            "Email": {"ada@example.com": state},
        },
        "people": {"Ada Lovelace": 1, "14575006536349286404619648085736425115": 1},
        "identityMap": {"email_lc_sha256": [{"id": "66baf76e"}, {"id": "655332b5"}]},
    }
    assert shapes(json.dumps(document)) == {
        "segmentMembership.ups.*.status": '"aaaaaaaa"',
        "segmentMembership.Email.*.status": '"aaaaaaaa"',
        "people.*": "9",
        "identityMap.email_lc_sha256[*].id": '"99aaa99a"',
    }
    assert list(shapes('{"BVtzuiKjHfQ": {"entityId": "x", "entity": {}}}')) == [
        "*.entityId",
        "*.entity",
    ]


NAMES = (
    "email address_1 _acme @type xdm:homeAddress companyURL b2b B2B straße first-name "
    "email_lc_sha256 profile.mail ECID"
)


@pytest.mark.parametrize("name", NAMES.split())
def test_names_are_kept(name: str) -> None:
    [path] = shapes(json.dumps({name: 1}))
    assert name in path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", {"@": "not JSON: "}),
        ("{broken: 'ada'", {"@": "not JSON: *aaaaaa: *aaa*"}),
        ("[" * 100_000, {"@": f"not JSON: {'*' * 60}..."}),
        ('"ada@example.com"', {"@": '"aaa@aaaaaaa.aaa"'}),
        ("17", {"@": "99"}),
        ("[]", {"@": "[]"}),
        ('[{"id": 1}, {"id": "x"}]', {"[*].id": "9"}),
    ],
)
def test_what_is_no_profile_has_a_shape_as_well(text: str, shown: dict[str, str]) -> None:
    assert shapes(text) == shown


def test_a_shape_has_an_end() -> None:
    assert len(shapes(json.dumps({f"name_{'x' * n}": n for n in range(30)}))) == 30
    many = dict.fromkeys(map("".join, itertools.product(string.ascii_letters, repeat=2)), 1)
    assert len(shapes(json.dumps(many))) == 200
    assert shapes(json.dumps({"text": "x" * 1_000})) == {"text": f'"{"a" * 60}..."'}
    deep: Any = "x"
    for _ in range(50):
        deep = {"a": deep}
    [(path, shape)] = shapes(json.dumps(deep)).items()
    assert (path, shape) == (".".join("a" * 20), "{...}")
