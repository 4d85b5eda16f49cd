"""Made-up people, the states that senders push of them, and what RainFocus must hold of a state."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

# What the operator maps to the company, by version of the mapping; the first is the usual one.
MAPPINGS: tuple[Mapping[str, str], ...] = (
    {},
    {"companyname": "crm.first"},
    {"companyname": "crm.second"},
)
# Nobody's e-mail address, name or phone is without one of these, no token or secret without the
# last, and nothing else has one.
MARKS = ("zqxqz", "1555090900", "of-the-simulation")


@dataclass(frozen=True)
class State:
    """One state of a person. States that are pushed twice are equal."""

    email: str
    tag: str  # which state it is, as its job title
    profile: Mapping[str, Any]  # as it is pushed

    def fields(self, version: int) -> dict[str, str]:
        """Return what RainFocus gets by a version of the mapping."""
        pushed = self.profile
        company = (pushed["company"], pushed["crm"]["first"], pushed["crm"]["second"])[version]
        fields = {
            "email": pushed["email"],
            "firstname": pushed["firstName"],
            "lastname": pushed["lastName"],
            "phone": pushed["phone"],
            "jobtitle": pushed["jobTitle"],
            "companyname": company,
        }
        return fields | ({"city": pushed["city"]} if "city" in pushed else {})


def people(count: int, random: Random) -> list[Sequence[State]]:
    """Return the states of so many people; some states tell of less than others."""
    return [_states(n, random) for n in range(count)]


def _states(person: int, random: Random) -> list[State]:
    mark = "zqxqz" + "".join(random.choices(string.ascii_lowercase, k=6))
    states = []
    for n in range(random.choice((1, 2, 3, 6))):
        tag = f"t{person}x{n}"
        email = f"{mark}@example.com"
        profile: dict[str, Any] = {
            "email": email,
            "firstName": f"{mark.title()} Ann",
            "lastName": f"{mark.title()} Lee",
            "phone": f"1555090900{person:04}",
            "jobTitle": tag,
            "company": f"Company {n}",
            "crm": {"first": f"First {n % 2}", "second": f"Second {n}"},
        }
        if random.random() < 0.7:
            profile["city"] = f"City {random.randrange(3)}"
        states.append(State(email, tag, profile))
    return states
