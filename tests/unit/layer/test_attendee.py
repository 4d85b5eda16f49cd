import re

import pytest

from attendee_sync import attendee
from attendee_sync.attendee import Version


def key_of(address: str, hash_key: str = "hash key", destination: str = "default") -> str:
    return attendee.key(hash_key, destination, attendee.sha256_of(address))


def test_a_key_is_64_hex_digits() -> None:
    key = key_of("ada@example.com")
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
        (Version(1, "02"), Version(60_001, "01"), False),
        (Version(1, "02"), Version(60_002, "01"), True),  # a queue of before had counted further
        (Version(60_002, "01"), Version(1, "02"), False),
        (Version(1, "02", "summit"), Version(2, "01"), True),  # two queues: the clock alone
        (Version(1, "01"), Version(2, "02", "summit"), True),
        (Version(2, "01", "summit"), Version(1, "02"), False),
        (Version(1, "01", "summit"), Version(1, "02"), False),
        (Version(1, "01", "summit"), Version(1, "02", "summit"), True),
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
