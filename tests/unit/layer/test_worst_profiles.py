"""What the worst profile of a megabyte costs: no more than some readings of such a one."""

import json
import tracemalloc
from typing import Any

import pytest

from attendee_sync import attendee
from attendee_sync.ingest import ingest
from attendee_sync.mapping import mapper, normalisation
from attendee_sync.mapping.normalisation import NotNormalisedError
from attendee_sync.profile.identity import EmailRule
from attendee_sync.profile.pieces import Pushed
from tests.support.processor import seconds

BYTES = 900_000
RULES = mapper.mapper('{"connection": "default", "event_code": "summit2027"}')
FILTERED = mapper.mapper(
    json.dumps(
        {
            "connection": "default",
            "event_code": "summit2027",
            "filter": "is_member(@, 'a') || consents(@, 'marketing.email') || is_member(@, 'b')",
        }
    )
)
MARKS = "\u0300\u0316"  # of two classes, so that they must be put in order
ADA = {"email": "ada@example.com"}


def filled(unit: str) -> str:
    return unit * (BYTES // len(unit.encode()))


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"xdm:a": found, "b": [[[]]]}
    return found


MEMBERSHIPS = {str(n): {"status": "Realized"} for n in range(30_000)}
WORST: dict[str, dict[str, Any]] = {
    "marks in a name": {**ADA, "firstname": f"a{filled(MARKS)}"},
    "marks in the address": {"email": f"a{filled(MARKS)}@example.com"},
    "marks in a country": {**ADA, "countryid": f"a{filled(MARKS)}"},
    "marks in a state": {**ADA, "countryid": "US", "state": f"a{filled(MARKS)}"},
    "marks in a field of no rule": {**ADA, "zip": f"a{filled(MARKS)}"},
    "marks in many identities": {"identityMap": {"Email": [{"id": MARKS * 5_000}] * 45}},
    "marks in each field": dict.fromkeys(attendee.FIELDS, f"a{MARKS * 900}") | ADA,
    "a long address": {"email": filled("a") + "@example.com"},
    "many at signs": {"email": filled("a@")},
    "many dots": {"email": "a@" + filled(".")},
    "letters that grow": {"email": filled("ß")},
    "blanks": {**ADA, "firstname": f"a{filled(' \u00a0')}b"},
    "many identities": {"identityMap": {"Email": [{"id": "x" * 12}] * 35_000}},
    "many namespaces": {**ADA, "identityMap": {f"N{n}": [{"id": "x"}] for n in range(35_000)}},
    "a list of identities": {**ADA, "identities": [{"namespace": "Email", "id": "x"}] * 22_000},
    "many xdm: names": {**ADA, **{f"xdm:{n}": {"xdm:a": []} for n in range(30_000)}},
    "many memberships": {**ADA, "segmentMembership": {"Ups": MEMBERSHIPS}},
    "many states": {
        **ADA,
        "segmentMembership": {"ups": {str(n): {"status": f"s{n}"} for n in range(28_000)}},
    },
    "many traits": {**ADA, "context": {"traits": {f"k{n}": {"value": n} for n in range(35_000)}}},
    "deep": {**ADA, "xdm:x": nested(300)},
    "many audiences": {**ADA, "segments": [{"segment_id": "x", "Status": "exited"}] * 20_000},
    "many changes": {
        **ADA,
        "audiences": {"added": ["x" * 30] * 15_000, "removed": [["x"]] * 9_000},
    },
    "audiences by name": {**ADA, "cohorts": {f"K{n}": {"state": "left"} for n in range(28_000)}},
    "many said of identities": {
        **ADA,
        "consents": {
            "idSpecific": {
                f"Email{n}": {f"a{m}@ü.de": {"marketing": {}} for m in range(300)}
                for n in range(60)
            }
        },
    },
    "many titles": {
        **ADA,
        "fields": {f"k{n}": {"title": f"t{n}", "value": n} for n in range(22_000)},
    },
    "many lists beside primary ids": {
        **ADA,
        **{f"primary{n}id": n for n in range(500)},
        "data": {f"phone {n}": [{"id": 1}, {"id": 2}] for n in range(20_000)},
    },
    "many holders": {
        **ADA,
        "data": {f"data {'field ' * (n % 9)}": {"a": n} for n in range(20_000)},
    },
    "nobody, of many names that begin alike": {f"reg{n % 7}_{n}_email": n for n in range(40_000)},
    "nobody, of many objects": {f"k{n}": {"a": {"email": 1}} for n in range(30_000)},
    "many lists of guests": {**ADA, **{f"guests{n}": [{"a": "b@c"}] * 5 for n in range(9_000)}},
    "many consents": {**ADA, "preferences": {f"k{n}": {"email": {}} for n in range(30_000)}},
    "many marks": {**ADA, "emails": [{"value": "x", "primary": "no"}] * 20_000},
    "tables": {f"k{n}": [[1, 2], [3, 4]] for n in range(30_000)},
    "texts of JSON": {f"data{n}": '[{"a": "b@c"}]' for n in range(25_000)},
}


@pytest.fixture(scope="module")
def reading() -> float:
    """How long it takes here to parse a megabyte of profile."""
    text = json.dumps(WORST["many memberships"])
    return seconds(lambda: json.loads(text), runs=3)


@pytest.mark.parametrize("name", WORST)
def test_the_worst_profile_costs_no_more_than_some_readings(name: str, reading: float) -> None:
    document = WORST[name]
    text = json.dumps(document, ensure_ascii=False)
    pushed = Pushed(text, document)
    # The worst takes 33 on a quiet machine, and half as much again beside others; what grows with
    # the square of a profile's size takes thousands.
    most = 100 * reading
    assert seconds(lambda: RULES.decide(document)) < most
    assert seconds(lambda: FILTERED.decide(document)) < most
    assert seconds(lambda: ingest._email_hash(pushed, text, EmailRule())) < most


@pytest.mark.parametrize("name", sorted({*attendee.FIELDS} - {"email"}))
def test_a_field_that_is_too_long_is_left_out_with_a_remark(name: str) -> None:
    document = {**ADA, name: "x" * 2_001}
    decision = RULES.decide(document)
    longest = 100 if name in ("countryid", "state") else 2_000
    assert decision.remarks == ((name, f"left out: longer than {longest} characters"),)
    assert decision.fields == ADA


def test_what_is_just_short_enough_is_sent() -> None:
    assert RULES.decide({**ADA, "firstname": "x" * 2_000}).fields["firstname"] == "x" * 2_000


@pytest.mark.parametrize("name", ["countryid", "state"])
def test_no_country_or_state_has_more_than_100_characters(name: str) -> None:
    decision = RULES.decide({**ADA, name: "x" * 101})
    assert decision.remarks == ((name, "left out: longer than 100 characters"),)


def test_a_field_without_normalisation_is_bounded_too() -> None:
    rules = mapper.mapper(
        json.dumps(
            {"connection": "default", "event_code": "e", "mapping": {"note": {"value": "note"}}}
        )
    )
    decision = rules.decide({**ADA, "note": "x" * 2_001})
    assert decision.remarks == (("note", "left out: longer than 2000 characters"),)


def test_no_cache_keeps_a_long_text() -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for n in range(40):
        for text in (f"{n}" + "x" * 900_000, f"é{n}" + "x" * 900_000):
            for work in (
                normalisation.countryid,
                lambda each: normalisation.state(each, "US"),
                lambda each: normalisation.state("UT", each),
            ):
                try:
                    work(text)
                except NotNormalisedError:
                    continue
            RULES.decide({**ADA, "countryid": text, "state": text, "firstname": text})
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 5_000_000
