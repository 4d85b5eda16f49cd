"""Made-up people, pushed in the shapes that senders use, with the attendees they must become."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Json = dict[str, Any]

_FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Élodie", "Fatima", "Grace", "Hiroko", "Ines")
_LAST_NAMES = ("Lovelace", "O'Brien", "Åkesson", "Núñez", "van der Berg", "Öztürk", "Smith & Sons")
_COMPANIES = ("R&D Partners", 'The "Quoted" Company', "Example AG", "Société Générique", "例示会社")
_TITLES = ("Engineer", "VP, Marketing", "Head of Events <EMEA>", "CEO")
# Street, second line, city, ISO 3166-2 subdivision, country, postal code.
_ADDRESSES = (
    ("1 Main Street", "Suite 500", "Salt Lake City", "US-UT", "US", "84101"),
    ("5 Harbour Road", "", "Boston", "US-MA", "US", "02110"),
    ("10 Queen St", "Floor 3", "Toronto", "CA-ON", "CA", "M5H 2N2"),
)
AUDIENCE = "59bd2fbd-3c48-4b18-bf56-4f5c5e6967ae"
# Of a thousand, how many can't become an attendee.
_UNUSABLE_EVERY = 90
_PROFILES_PER_PUSH = 10


@dataclass(frozen=True)
class Person:
    """One made-up person: the attendee that must come of it, or why none can."""

    attendee: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True)
class Push:
    """One request to a destination: its body, and the people in it, in order."""

    body: str
    people: Sequence[Person]
    destination: str = "default"


def people(count: int, seed: int = 2026) -> list[Person]:
    """Return as many different people; the same ones for the same seed."""
    chosen = random.Random(seed)  # noqa: S311 - made-up data
    return [_person(n, chosen) for n in range(count)]


def pushes(everyone: Sequence[Person]) -> Iterator[Push]:
    """Yield requests that push everyone once, in all shapes by turns.

    AEP's HTTP API destination sends one XDM object or an array of them, a Destination SDK
    destination up to ten profiles with predefined or freeform attributes; then there are answers
    of the Profile API, XDM as its registry writes it, and what other platforms send.
    """
    shapes: Iterator[tuple[Callable[[Person], Json], Callable[[list[Json]], object], int]]
    shapes = itertools.cycle(
        [
            (as_xdm, lambda profiles: profiles[0], 1),
            (as_predefined, lambda profiles: {"profiles": profiles}, _PROFILES_PER_PUSH),
            (as_freeform, lambda profiles: {"profiles": profiles}, _PROFILES_PER_PUSH),
            (as_xdm, list, _PROFILES_PER_PUSH),
            (as_entity, list, _PROFILES_PER_PUSH),
            (as_prefixed_xdm, list, _PROFILES_PER_PUSH),
            (as_traits, lambda profiles: profiles[0], 1),
        ]
    )
    left = list(everyone)
    for shape, wrap, size in shapes:
        if not left:
            return
        some, left = left[:size], left[size:]
        body = json.dumps(wrap([shape(person) for person in some]), ensure_ascii=False)
        yield Push(body, some)


def as_xdm(person: Person) -> Json:
    """Return a person as AEP's HTTP API destination sends it: nested XDM."""
    attendee = person.attendee
    return {
        "person": {
            "name": {"firstName": attendee["firstname"], "lastName": attendee["lastname"]},
        },
        **(
            {"personalEmail": {"address": _untidy(attendee["email"])}} if _has_email(person) else {}
        ),
        "workAddress": {
            "street1": attendee["address1"],
            "street2": attendee.get("address2", ""),
            "city": attendee["city"],
            "stateProvince": f"{attendee['countryid']}-{attendee['state']}",
            "countryCode": attendee["countryid"],
            "postalCode": attendee["zip"],
        },
        "workPhone": {"number": attendee["phone"]},
        "extendedWorkDetails": {"jobTitle": attendee["jobtitle"]},
        "b2b": {"companyName": attendee["companyname"]},
        "segmentMembership": _membership(),
        "identityMap": {"ecid": [{"id": "08130494355355215032117568021714632048"}]},
    }


def as_entity(person: Person) -> Json:
    """Return a person as Adobe's Profile API answers: XDM as an entity."""
    return {"entityId": "AdLk", "mergePolicy": {"id": "3d0a"}, "entity": as_xdm(person)}


def as_prefixed_xdm(person: Person) -> Json:
    """Return a person as XDM with the prefix that the XDM registry gives to names."""
    return {
        f"xdm:{name}" if name != "identityMap" else name: value
        for name, value in as_xdm(person).items()
    }


def as_traits(person: Person) -> Json:
    """Return a person as Segment's and RudderStack's identify calls do."""
    attendee = person.attendee
    renamed = {"firstname": "firstName", "lastname": "lastName", "companyname": "company"}
    traits: Json = {renamed.get(name, name): text for name, text in attendee.items()}
    if not _has_email(person):
        del traits["email"]
    return {"type": "identify", "userId": "97980cfea0067", "traits": traits}


def exit_of(person: Person) -> Json:
    """Return the profile of a person who left the audience."""
    membership = {AUDIENCE: {"lastQualificationTime": "2026-02-02T08:00:00Z", "status": "exited"}}
    return {**as_xdm(person), "segmentMembership": {"ups": membership}}


def opted_out(person: Person) -> Json:
    """Return the profile of a person who wants no e-mail."""
    return {**as_xdm(person), "consents": {"marketing": {"email": {"val": "n"}}}}


def as_predefined(person: Person) -> Json:
    """Return a person as a Destination SDK destination with predefined attributes sends it."""
    named = {name: text for name, text in person.attendee.items() if name != "email"}
    return _sdk(person, named)


def as_freeform(person: Person) -> Json:
    """Return a person as a Destination SDK destination with freeform attributes sends it."""
    named: Json = {
        name: {"value": text} for name, text in person.attendee.items() if name != "email"
    }
    named.setdefault("address2", {})  # an absent attribute
    return _sdk(person, named)


def _sdk(person: Person, attributes: Json) -> Json:
    email = person.attendee["email"]
    identities = (
        {"email": [{"id": _untidy(email)}]} if _has_email(person) else {"ecid": [{"id": "0813"}]}
    )
    return {
        "attributes": attributes,
        "identityMap": identities,
        "segmentMembership": _membership(),
    }


def _person(n: int, chosen: random.Random) -> Person:
    street, second, city, subdivision, country, postal_code = chosen.choice(_ADDRESSES)
    attendee = {
        "address1": street,
        "address2": second,
        "city": city,
        "companyname": chosen.choice(_COMPANIES),
        "countryid": country,
        "email": f"person-{n}@example.com",
        "firstname": chosen.choice(_FIRST_NAMES),
        "lastname": chosen.choice(_LAST_NAMES),
        "jobtitle": chosen.choice(_TITLES),
        "phone": f"+1 555 {n:07d}",
        "state": subdivision.partition("-")[2],
        "zip": postal_code,
    }
    unusable = n % _UNUSABLE_EVERY == _UNUSABLE_EVERY - 1
    filled = {name: text for name, text in attendee.items() if text}
    return Person(filled, "missing_email" if unusable else "")


def _has_email(person: Person) -> bool:
    return not person.reason


def _untidy(email: str) -> str:
    """Return an address as people type it: the same person all the same."""
    return f" {email.title()} "


def _membership() -> Json:
    return {
        "ups": {AUDIENCE: {"lastQualificationTime": "2026-01-02T23:37:33Z", "status": "realized"}}
    }
