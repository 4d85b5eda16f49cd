import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendee_sync import profile
from attendee_sync.profile import UnreadableBodyError

GOOD = '{"email": "ada@example.com"}'
DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
LONG_NUMBER = "9" * 5_000


@pytest.mark.parametrize(
    ("body", "content_type", "texts"),
    [
        (GOOD, "application/json", [GOOD]),
        (f" \r\n\t{GOOD}\n ", "", [GOOD]),
        (f"[{GOOD}]", "", [GOOD]),
        (f"[ {GOOD} ,\n{GOOD}\n]", "", [GOOD, GOOD]),
        (f'{{"profiles": [{GOOD}, {GOOD}]}}', "", [GOOD, GOOD]),
        (f' {{ "profiles" : [ {GOOD} ] }} ', "", [GOOD]),
        (f"{GOOD}\n{GOOD}", "", [GOOD, GOOD]),
        (f"{GOOD}\r\n\r\n{GOOD}\r\n", "", [GOOD, GOOD]),
        (GOOD, "application/x-ndjson", [GOOD]),
        (f"{GOOD}\n{GOOD}\n", "Application/X-NDJSON; charset=utf-8", [GOOD, GOOD]),
        (f"{GOOD}\n{GOOD}\n", "application/jsonl", [GOOD, GOOD]),
        ('{\n  "email":\n "ada@example.com"\n}', "", ['{\n  "email":\n "ada@example.com"\n}']),
    ],
)
def test_each_form_of_a_body_is_split(body: str, content_type: str, texts: list[str]) -> None:
    pushed = profile.split(body, content_type)
    assert [piece.text for piece in pushed] == texts
    assert [piece.profile for piece in pushed] == [json.loads(text) for text in texts]
    assert not any(piece.fault for piece in pushed)


@pytest.mark.parametrize(
    "text",
    [
        '{  "email" :"ada@example.com" , "n": 1.0e0}',
        '{"id": 123456789012345678901234567890, "f": 0.10000000000000000000001}',
        '{"name": "\\u00e9\\ud83d\\ude00 é 😀"}',
        '{"name": "\uffff\ufffe\x7f"}',
        '{"a": {"b": [1,2 , 3]}\n}',
    ],
)
@pytest.mark.parametrize("around", ["{}", "[{}]", '{{"profiles":[ {} ]}}'])
def test_a_profiles_text_is_kept_as_it_was_pushed(text: str, around: str) -> None:
    assert [piece.text for piece in profile.split(around.format(text))] == [text]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is empty"),
        (" \n\t ", "the body is empty"),
        ("[]", "the list is empty"),
        ('{"profiles": []}', "the list is empty"),
        ("42", "at index 0: a profile is a JSON object, not a number"),
        ("4.2", "not a number"),
        ('"ada"', "not a string"),
        ("null", "not null"),
        ("true", "not a boolean"),
        ("[[]]", "not an array"),
        ("[1, 2]", "at index 0"),
        ("hello", "not JSON: Expecting value (line 1, column 1)"),
        ('{"email": }', "not JSON: Expecting value (line 1, column 11)"),
        ('{"a": 1', "not JSON: Expecting ',' delimiter (line 1, column 8)"),
        (f"[{GOOD}", "not JSON: Expecting ',' delimiter (line 1, column 30)"),
        (f"[\n{GOOD}\n{GOOD}]", "(line 3, column 1)"),
        (f"[{GOOD},]", "not JSON: Expecting value (line 1, column 31)"),
        (f"[{GOOD}] x", "not JSON: Extra data (line 1, column 32)"),
        ("{'a': 1}", "line 1, column 2"),
        (DEEP, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1, "a": 2}', "at index 0: an object has the same key twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        (f'{{"a": {LONG_NUMBER}}}', "number"),
    ],
)
def test_a_body_in_which_nothing_can_be_read_says_why_and_where(body: str, message: str) -> None:
    with pytest.raises(UnreadableBodyError) as caught:
        profile.split(body)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ('"ada"', "a profile is a JSON object, not a string"),
        ("7", "a profile is a JSON object, not a number"),
        ("null", "a profile is a JSON object, not null"),
        ("[1]", "a profile is a JSON object, not an array"),
        ('{"a": 1, "a": 2}', "an object has the same key twice"),
        ('{"a": {"b": 1, "b": 1}}', "an object has the same key twice"),
        ('{"a": [{"b": 1, "b": 1}]}', "an object has the same key twice"),
        ('{"a": NaN}', "a number is NaN, Infinity or out of range"),
        ('{"a": [-Infinity]}', "a number is NaN, Infinity or out of range"),
        (f'{{"a": {LONG_NUMBER}}}', "a number is NaN, Infinity or out of range"),
    ],
)
@pytest.mark.parametrize("around", ["[{good}, {bad}, {good}]", "{good}\n{bad}\n{good}"])
def test_a_bad_profile_does_not_spoil_good_ones(bad: str, fault: str, around: str) -> None:
    pushed = profile.split(around.format(good=GOOD, bad=bad))
    assert [piece.text for piece in pushed] == [GOOD, bad, GOOD]
    assert [piece.fault for piece in pushed] == ["", fault, ""]
    assert pushed[1].profile is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"email": ', "not JSON: Expecting value (line 1, column 10)"),
        ("hello", "not JSON: Expecting value (line 1, column 1)"),
        (f"{GOOD} {GOOD}", "more than one JSON value on a line"),
        (DEEP, "nested too deeply to be a profile"),
    ],
)
def test_a_bad_line_does_not_spoil_good_ones(line: str, fault: str) -> None:
    pushed = profile.split(f"{GOOD}\n{line}\n{GOOD}")
    assert [piece.fault for piece in pushed] == ["", fault, ""]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ('{"profiles": [{}, {}]}', 2),
        ('{"sender": {"a": [1]}, "profiles": [{}, {}], "more": 1}', 2),
        ('{"profiles": {}}', 1),
        ('{"attributes": {"profiles": [{}, {}]}}', 1),
    ],
)
def test_a_list_named_profiles_holds_the_profiles(body: str, count: int) -> None:
    assert len(profile.split(body)) == count


@pytest.mark.parametrize("body", ['{"profiles" 1', '{"profiles": [{}] 1}', '{"profiles": [{}],'])
def test_a_broken_list_of_profiles_is_not_json(body: str) -> None:
    with pytest.raises(profile.UnreadableBodyError, match=r"line 1, column \d+"):
        profile.split(body)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(
    st.lists(st.dictionaries(st.text(), json_values), min_size=1, max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_any_profiles_come_back_as_they_were(
    documents: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    texts = [json.dumps(each, indent=indent, ensure_ascii=ascii_only) for each in documents]
    pushed = profile.split(f"[{','.join(texts)}]")
    assert [piece.text for piece in pushed] == texts
    assert [piece.profile for piece in pushed] == [json.loads(text) for text in texts]


@pytest.mark.parametrize(
    ("document", "read"),
    [
        ({"a": 1}, {"a": 1}),
        ({"attributes": {"firstName": "Ada"}}, {"firstName": "Ada"}),
        ({"attributes": {"firstName": {"value": "Ada"}}}, {"firstName": "Ada"}),
        ({"attributes": {"firstName": {}, "lastName": {"value": "B"}}}, {"lastName": "B"}),
        ({"attributes": {"person": {"value": 1, "x": 2}}}, {"person": {"value": 1, "x": 2}}),
        ({"traits": {"email": "ada@example.com"}}, {"email": "ada@example.com"}),
        ({"email": "outer", "attributes": {"email": "inner"}}, {"email": "inner"}),
        ({"attributes": "text", "traits": None}, {"attributes": "text", "traits": None}),
    ],
)
def test_attributes_are_read_from_every_shape(
    document: dict[str, Any], read: dict[str, Any]
) -> None:
    before = json.dumps(document)
    assert profile.read(document) == read
    assert json.dumps(document) == before


@pytest.mark.parametrize(
    "document",
    [
        {"email": "Ada@Example.com "},
        {"emailAddress": "ada@example.com"},
        {"personalEmail": {"address": "ada@example.com"}},
        {"workEmail": {"address": "ada@example.com"}},
        {"email": "not an address", "workEmail": {"address": "ada@example.com"}},
        {"email": {"address": "ada@example.com"}},
        {"email": None, "identityMap": {"Email": [{"id": "ada@example.com"}]}},
        {"identityMap": {"email": [{"id": "b@example.org"}, {"id": "ada@example.com"}]}}
        | {"personalEmail": {"address": "ada@example.com"}},
        {
            "identityMap": {
                "email": [{"id": "b@example.org"}, {"id": "ada@example.com", "primary": True}]
            }
        },
        {"identityMap": {"email": ["junk", {"id": 5}, {"id": "ada@example.com"}]}},
        {"identities": [{"type": "ECID", "id": "1"}, {"type": "Email", "id": "ada@example.com"}]},
    ],
)
def test_the_email_address_is_found(document: dict[str, Any]) -> None:
    assert profile.email_of(document) == "ada@example.com"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"email": 5},
        {"email": ["ada@example.com"]},
        {"email": "ada"},
        {"email": f"{'a' * 250}@example.com"},
        {"personalEmail": "not an object"},
        {"identityMap": {"email_lc_sha256": [{"id": "655332b5fa2aea4498bf7a290cff017cb4"}]}},
        {"identityMap": {"ecid": [{"id": "14575006536349286404619648085736425115"}]}},
        {"identityMap": {"email": {"id": "ada@example.com"}}},
        {"identityMap": [], "identities": {}},
        {"identities": ["junk", {"id": "ada@example.com"}]},
    ],
)
def test_nothing_else_is_taken_for_an_email_address(document: dict[str, Any]) -> None:
    assert profile.email_of(document) is None
