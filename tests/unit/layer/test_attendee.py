import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendee_sync import attendee
from attendee_sync.attendee import Version


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("ada.lovelace+a@example.com", "ada.lovelace+a@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("H\u0331@example.com", "\u1e96@example.com"),
    ],
)
def test_an_address_is_normalised(text: str, normalised: str) -> None:
    assert attendee.normalise_email(text) == normalised


@given(st.text(st.characters() | st.sampled_from("HJTW\u0130\u0331\u030c\u0308\u030a\u0316")))
def test_a_normalised_address_stays_as_it_is(text: str) -> None:
    normalised = attendee.normalise_email(text)
    assert attendee.normalise_email(normalised) == normalised


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "a@b.co",
        "jos\u00e9@example.com",
        "o'neil@example.org",
        "a" * 242 + "@example.com",
    ],
)
def test_addresses_are_recognised(text: str) -> None:
    assert attendee.is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@example.",
        "ada@@example.com",
        "ada lovelace@example.com",
        "ada@exa mple.com",
        "ada@example.com, b@example.com",
        "ada\x00@example.com",
        "a" * 243 + "@example.com",
    ],
)
def test_other_texts_are_no_addresses(text: str) -> None:
    assert not attendee.is_email(text)


def key_of(address: str, hash_key: str = "hash key", destination: str = "default") -> str:
    return attendee.key(hash_key, destination, attendee.email_sha256(address))


def test_the_key_does_not_depend_on_how_the_address_is_written() -> None:
    key = key_of("ada@example.com")
    assert key == key_of(" Ada@EXAMPLE.com ")
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("hash_key", "destination", "email"),
    [
        ("another key", "default", "ada@example.com"),
        ("hash key", "partners", "ada@example.com"),
        ("hash key", "default", "bob@example.com"),
    ],
)
def test_the_key_depends_on_all_else(hash_key: str, destination: str, email: str) -> None:
    assert key_of(email, hash_key, destination) != key_of("ada@example.com")


def test_a_lone_surrogate_has_a_key() -> None:
    assert key_of("a\ud800@example.com")


def test_digests_tell_fields_values_people_and_keys_apart() -> None:
    fields = {"city": "1", "zip": "1"}
    digests = attendee.digests("hash key", "ada", fields)
    assert digests == attendee.digests("hash key", "ada", fields)
    others = [
        attendee.digests("hash key", "ada", {"city": "2", "zip": ""}),
        attendee.digests("hash key", "bob", fields),
        attendee.digests("other key", "ada", fields),
    ]
    everything = [digest for each in (digests, *others) for digest in each.values()]
    assert len(set(everything)) == 8
    assert all(re.fullmatch("[A-Za-z0-9_-]{22}", digest) for digest in everything)


@pytest.mark.parametrize(
    ("version", "other", "is_before"),
    [
        (Version(1, "01"), Version(2, "02"), True),
        (Version(2, "02"), Version(1, "01"), False),
        (Version(1, "01"), Version(1, "01"), False),
        (Version(1, "01"), Version(1, "02"), True),
        (Version(2, "01"), Version(1, "02"), False),  # the queue was replaced
        (Version(1, "02"), Version(2, "01"), False),  # the clocks of two machines
        (Version(1), Version(2, "01"), True),
        (Version(2), Version(1, "01"), False),
        (Version(1, "01"), Version(2), True),
        (Version(1), Version(1), False),
    ],
)
def test_versions_tell_which_state_is_the_newer_one(
    version: Version, other: Version, is_before: bool
) -> None:
    assert version.is_before(other) is is_before
