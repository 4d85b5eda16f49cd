"""Each payload that Adobe documents gives the attendee, or the reason, that it should."""

import json
from pathlib import Path

import pytest

from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Verdict
from attendee_sync.profile import bodies, memberships, reader

SAMPLES = Path(__file__).parents[2] / "samples"
JOHN = {"email": "john.doe@acme.com", "firstname": "John", "lastname": "Doe"}
# By file: the profile's attendee, or why there is none; and the states of its audiences.
EXPECTED: dict[str, tuple[dict[str, str] | str, dict[str, str]]] = {
    "enterprise-eventhub-array-payload": (
        "missing_email",
        {
            "ca114007-4122-4ef6-a730-4d98e56dce45": "realized",
            "be2df7e3-a6e3-4eb4-ab12-943a4be90837": "realized",
            "39f0feef-a8f2-48c6-8ebe-3293bc49aaef": "realized",
        },
    ),
    "http-api-exported-data": (
        JOHN,
        {
            "7841ba61-23c1-4bb3-a495-00d3g5fe1e93": "exited",
            "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae": "realized",
            "947c1c46-008d-40b0-92ec-3af86eaf41c1": "realized",
            "5114d758-ce71-43ba-b53e-e2a91d67b67f": "realized",
        },
    ),
    "http-api-segment-timestamps": (
        "missing_email",
        {"5b998cb9-9488-4ec3-8d95-fa8338ced490": "realized"},
    ),
    "mf-profile-structure-freeform": (
        "missing_email",
        {"11111111-1111-1111-1111-111111111111": "realized"},
    ),
    "mf-profile-structure-predefined": (
        "missing_email",
        {"11111111-1111-1111-1111-111111111111": "realized"},
    ),
    "xdm-segmentmembership-map-aam": (
        "missing_email",
        {
            "04a81716-43d6-4e7a-a49c-f1d8b3129ba9": "realized",
            "53cba6b2-a23b-454a-8069-fc41308f1c0f": "realized",
            "abcd@adobe.com": "exited",
        },
    ),
}
ADDRESS = "ada@example.com"
# What the samples that have no e-mail address give as soon as they get one.
WITH_AN_ADDRESS = {
    "mf-profile-structure-freeform": {"lastname": "lastName"},
    "mf-profile-structure-predefined": {"lastname": "lastName"},
}


def profile_in(name: str) -> reader.Json:
    [pushed] = bodies.split((SAMPLES / f"{name}.json").read_text())
    assert pushed.profile
    return pushed.profile


def test_every_sample_has_an_expectation() -> None:
    assert {path.stem for path in SAMPLES.iterdir()} == {"README", *EXPECTED}


def test_every_sample_has_a_source() -> None:
    sources = (SAMPLES / "README.md").read_text()
    assert all(f"`{name}.json`" in sources for name in EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_gives_its_attendee_or_its_reason(name: str) -> None:
    expected, states = EXPECTED[name]
    decision = mapper.mapper('{"event_code": "summit2027"}').decide(profile_in(name))
    assert (decision.fields or decision.reason) == expected
    read = reader.read(profile_in(name))
    assert memberships.by_audience(read) == {
        audience: {state} for audience, state in states.items()
    }


@pytest.mark.parametrize("name", [name for name, (found, _) in EXPECTED.items() if found != JOHN])
def test_a_sample_without_an_address_is_fine_with_one(name: str) -> None:
    document = profile_in(name)
    document["identityMap"] = {**document.get("identityMap", {}), "Email": [{"id": ADDRESS}]}
    decision = mapper.mapper('{"event_code": "summit2027"}').decide(document)
    assert decision.verdict is Verdict.SEND
    assert decision.fields == {"email": ADDRESS, **WITH_AN_ADDRESS.get(name, {})}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_hashes_of_the_samples_are_none(name: str) -> None:
    """In Adobe's docs they have 34 digits instead of 64."""
    text = json.dumps({"event_code": "summit2027", "hashes": {"only": "send"}})
    assert "email_lc_sha256" not in mapper.mapper(text).decide(profile_in(name)).fields
