import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import bodies, pieces
from attendee_sync.profile.bodies import UnreadableBodyError

GOOD = '{"email": "ada@example.com"}'
TOO_DEEP = "nested too deeply to be a profile"
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
    pushed = bodies.split(body, content_type)
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
    assert [piece.text for piece in bodies.split(around.format(text))] == [text]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is empty"),
        (" \n\t ", "the body is empty"),
        ("[]", "the list is empty"),
        ('{"profiles": []}', "the list is empty"),
        ('{"value": [], "count": 0, "tags": ["a"]}', "the list is empty"),
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
        bodies.split(body)
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
    pushed = bodies.split(around.format(good=GOOD, bad=bad))
    assert [piece.text for piece in pushed] == [GOOD, bad, GOOD]
    assert [piece.fault for piece in pushed] == [None, Fault(Reason.MALFORMED, fault), None]
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
    pushed = bodies.split(f"{GOOD}\n{line}\n{GOOD}")
    assert [piece.fault for piece in pushed] == [None, Fault(Reason.MALFORMED, fault), None]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ('{"profiles": [{}, {}]}', 2),
        ('{"sender": {"a": [1]}, "profiles": [{}, {}], "more": 1}', 2),
        ('{"profiles": {}}', 1),
        ('{"attributes": {"profiles": [{}, {}]}}', 2),
    ],
)
def test_a_list_named_profiles_holds_the_profiles(body: str, count: int) -> None:
    assert len(bodies.split(body)) == count


@pytest.mark.parametrize("body", ['{"profiles" 1', '{"profiles": [{}] 1}', '{"profiles": [{}],'])
def test_a_broken_list_of_profiles_is_not_json(body: str) -> None:
    with pytest.raises(bodies.UnreadableBodyError, match=r"line 1, column \d+"):
        bodies.split(body)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("[" + "1," * 2_000_000 + "1]", ""),
        ("[" + "{}," * 1_000_000 + "{}]", ""),
        ('{"profiles": [' + "{}," * 1_000_000 + "{}]}", ""),
        ("{\n" * 2_000_000, "application/x-ndjson"),
        ("{}\n" * 1_000_000, ""),
        ("[" + f"{GOOD}," * 1_001 + "not JSON", ""),
    ],
)
def test_nothing_past_the_limit_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, body: str, content_type: str
) -> None:
    looks: list[int] = []
    look = pieces.PieceReader.piece

    def piece(self: pieces.PieceReader, text: str, start: int) -> tuple[int, pieces.Pushed]:
        looks.append(start)
        return look(self, text, start)

    monkeypatch.setattr(pieces.PieceReader, "piece", piece)
    with pytest.raises(pieces.TooManyProfilesError, match="more than 1000 profiles"):
        bodies.split(body, content_type, 1_000)
    assert len(looks) == 1_001


@pytest.mark.parametrize("around", ["[{}]", '{{"profiles": [{}]}}'])
def test_as_many_as_the_limit_are_taken(around: str) -> None:
    assert len(bodies.split(around.format(",".join([GOOD] * 1_000)), "", 1_000)) == 1_000


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (f"[{','.join([GOOD] * 500)}]", ""),
        (f"[{','.join(['7', GOOD] * 250)}]", ""),
        ("\n".join([GOOD, "{"] * 250), "application/x-ndjson"),
    ],
)
def test_one_decoder_reads_all_profiles_of_a_body(
    monkeypatch: pytest.MonkeyPatch, body: str, content_type: str
) -> None:
    made: list[json.JSONDecoder] = []
    make = json.JSONDecoder.__init__

    def init(self: json.JSONDecoder, **options: Any) -> None:
        made.append(self)
        make(self, **options)

    monkeypatch.setattr(json.JSONDecoder, "__init__", init)
    assert len(bodies.split(body, content_type)) == 500
    assert len(made) == 1


@pytest.mark.parametrize("blank", [" ", "\n", "\r\n", "\t \n"])
@pytest.mark.parametrize(
    "around", ["{blank}{good}{blank}\n{good}{blank}", "[{blank}{good}{blank}]"]
)
def test_blanks_are_passed_over_whatever_their_number(blank: str, around: str) -> None:
    body = around.format(blank=blank * 200_000, good=GOOD)
    texts = [piece.text for piece in bodies.split(body, "application/x-ndjson" * ("[" not in body))]
    assert texts == [GOOD] * len(texts)


NESTED = [
    '{"a":' * 20_000 + "1" + "}" * 20_000,
    "[" * 20_000 + "]" * 20_000,
    '[{"a":' * 15_000 + '"}]\\\\\\"[{"' + "}]" * 15_000,
    '{"email": "ada@example.com", "a": ' + '[ {"b" : ' * 10_000 + "1" + "} ] " * 10_000 + "}",
]


@pytest.mark.parametrize("deep", NESTED)
@pytest.mark.parametrize(
    "around",
    [
        "[{good}, {deep}, {good}]",
        "{good}\n{deep}\n{good}",
        '{{"profiles": [{good}, {deep} , {good}]}}',
    ],
)
def test_a_profile_that_is_nested_too_deeply_is_rejected_alone(deep: str, around: str) -> None:
    pushed = bodies.split(around.format(good=GOOD, deep=deep))
    assert [piece.text for piece in pushed] == [GOOD, deep, GOOD]
    assert [piece.fault for piece in pushed] == [None, Fault(Reason.MALFORMED, TOO_DEEP), None]


@pytest.mark.parametrize("first", [DEEP, f'{{"a": {LONG_NUMBER}}}', '{"a": 1, "a": 2}'])
def test_a_bad_first_line_does_not_spoil_good_ones(first: str) -> None:
    pushed = bodies.split(f"\n{first}\n{GOOD}")
    assert [piece.text for piece in pushed] == [first, GOOD]
    assert [bool(piece.fault) for piece in pushed] == [True, False]


@pytest.mark.parametrize("around", ['{{"x": {deep}, {list}}}', '{{{list}, "x": {deep}}}'])
@pytest.mark.parametrize("deep", [*NESTED, "NaN", LONG_NUMBER, '{"b": 1, "b": 2}', "1e999"])
def test_what_stands_beside_the_profiles_and_cannot_travel_with_them_is_refused(
    around: str, deep: str
) -> None:
    body = around.format(deep=deep, list=f'"profiles": [{GOOD}]')
    with pytest.raises(UnreadableBodyError, match="what stands beside the profiles"):
        bodies.split(body)


@pytest.mark.parametrize("second", [f"[{GOOD}]", "[]", "null", GOOD, "[" * 5])
@pytest.mark.parametrize(
    "around",
    [
        '{{"profiles": [{good}], "profiles": {second}}}',
        '{{"profiles": [{good}], "x": [1], "\\u0070rofiles": {second}}}',
        '{{"profiles": {good}, "profiles": [{good}], "x": {second}}}',
    ],
)
def test_a_second_list_of_profiles_does_not_replace_the_first(around: str, second: str) -> None:
    with pytest.raises(UnreadableBodyError, match='"profiles" stands twice in the body'):
        bodies.split(around.format(good=GOOD, second=second))


@pytest.mark.parametrize(
    "body",
    [
        '{"profiles": [{}], "a"}',
        '{"profiles": [{}], "a" 1}',
        '{"profiles": [{}], a: 1}',
        '{"profiles": [{}],}',
        '{"profiles": [{}], "a": }',
        '{"profiles": [{}], "a": 1',
        '{"profiles": [{}]',
        '{"profiles": [{}}',
        '{"profiles": [{}]]',
        '{"profiles": [{}]} 1',
    ],
)
def test_what_is_broken_after_the_list_of_profiles_is_not_json(body: str) -> None:
    with pytest.raises(bodies.UnreadableBodyError, match=r"not JSON: .*line 1, column \d+"):
        bodies.split(body)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50)
@given(
    st.lists(st.dictionaries(st.text(), json_values), min_size=1, max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_any_profiles_come_back_as_they_were(
    documents: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    texts = [json.dumps(each, indent=indent, ensure_ascii=ascii_only) for each in documents]
    pushed = bodies.split(f"[{','.join(texts)}]")
    assert [piece.text for piece in pushed] == texts
    assert [piece.profile for piece in pushed] == [json.loads(text) for text in texts]
