"""The campaign's people, and the scan for them."""

import hashlib
import json
import re

import pytest

from local.campaign.marked_people import known_as, marked_people, moved_to, usable, words_of
from local.campaign.privacy import leaks
from local.traffic.people import Person

SOMEBODY = known_as(usable("mix", 3)[2], "busy")
EMAIL = SOMEBODY.attendee["email"]
PHONE = SOMEBODY.attendee["phone"]
MARK = EMAIL.partition("@")[0].removeprefix("busy.")


def _found(text: str, person: Person = SOMEBODY) -> bool:
    return bool(leaks({"a log": text}, words_of([person])))


@pytest.mark.parametrize(
    "text",
    [
        EMAIL,
        EMAIL.title(),
        EMAIL.replace("@", "%40"),
        f'{{"message": "{EMAIL} was refused"}}',
        MARK,
        f"user={MARK.upper()};",
        SOMEBODY.attendee["firstname"],
        SOMEBODY.attendee["lastname"].lower(),
        json.dumps(json.dumps({"body": f"first line\n{SOMEBODY.attendee['lastname']}"})),
        PHONE,
        "tel:+" + "".join(re.findall(r"\d", PHONE)),
        hashlib.sha256(EMAIL.encode()).hexdigest(),
        "anybody.else@example.com",
        '"nobody@example.org"',
    ],
)
def test_a_person_is_found(text: str) -> None:
    assert _found(f"before {text} after")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bad value for ***@*** in zip",
        hashlib.sha256(b"another").hexdigest(),
        "2027-01-15T08:00:00.555123+00:00",
        "1-67891233-abcdef012345678912345678",
        "busy down example com Ada Lovelace",
        usable("mix", 2)[1].attendee["phone"],
    ],
)
def test_what_tells_nobody_is_not_found(text: str) -> None:
    assert not _found(text)


def test_a_leak_is_told_without_what_leaked() -> None:
    (leak,) = leaks({"a log": f"{EMAIL} {PHONE}", "another": ""}, words_of([SOMEBODY]))
    assert str(leak) == "a log: 2 words, 1 addresses"


def test_people_are_told_apart_by_every_word() -> None:
    everyone = [*marked_people("mix", 500), *marked_people("storm", 500)]
    assert len(words_of(everyone)) == 4 * len(everyone)
    assert all(
        re.fullmatch("[g-z]{12}|[0-9a-f]{64}|[0-9]{9,13}", word) for word in words_of(everyone)
    )


def test_the_same_people_come_again_and_stay_who_they_are() -> None:
    assert marked_people("mix", 100) == marked_people("mix", 100)
    person = usable("mix", 1)[0]
    assert moved_to(person, "Rome").attendee == {**person.attendee, "city": "Rome"}


def test_of_a_crowd_some_cannot_become_attendees() -> None:
    assert {person.reason for person in marked_people("mix", 100)} == {"", "missing_email"}
    assert {person.reason for person in usable("mix", 100)} == {""}
