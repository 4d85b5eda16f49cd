"""What attendee fields may be called: by clients, by other APIs, and in a server's own words."""

import re
from collections.abc import Iterator
from typing import Final

from attendee_sync.attendee import FIELDS
from attendee_sync.profile.field_names import NAMES
from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.connection import Connection

_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_OTHERS: Final[dict[str, tuple[str, ...]]] = {  # the first of countryid and state: seen in clients
    "countryid": ("countryId", "country", "countryCode", "country_id", "country_code"),
    "state": ("stateId", "foreignstate", "stateCode", "region", "state_id", "province"),
    "firstname": ("firstName", "first_name", "givenName", "fname", "FirstName", "given_name"),
    "lastname": ("lastName", "last_name", "familyName", "surname", "LastName", "sn"),
    "companyname": ("companyName", "company_name", "company", "organization", "CompanyName"),
    "jobtitle": ("jobTitle", "job_title", "title", "position", "JobTitle"),
    "address1": ("addressLine1", "address_1", "street1", "street", "address"),
    "address2": ("addressLine2", "address_2", "street2"),
    "zip": ("zipCode", "postal_code", "postalCode", "zip_code", "postcode"),
    "phone": ("phoneNumber", "phone_number", "telephone", "mobile"),
    "city": ("cityName", "town", "City"),
    "email": ("emailAddress", "email_address", "mail", "Email"),
}
# Without those that may mean something else, which end with a question mark.
_KNOWN: Final = {
    fold(name): field for field in FIELDS for name in NAMES[field] if not name.endswith("?")
}
_WHOSE = re.compile(
    r"^(?:attendee|registrant|contact|person|user|participant|member|guest|delegate|customer)[_.-]?"
    r"(?=[A-Z]|[a-z]{3})",
    re.IGNORECASE,
)
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SHORT: Final = {
    **{"nm": "name", "addr": "address", "lst": "last", "frst": "first", "fst": "first"},
    **{"ph": "phone", "cntry": "country", "cty": "city", "comp": "company"},
}
_MOST_BEFORE: Final = 2  # words of a prefix
_SPLIT: Final = ("firstname", "lastname", "companyname", "jobtitle")  # names of two words


def others(field: str) -> tuple[str, ...]:
    """Return what an attendee field may be called."""
    return _OTHERS[field]


def styles() -> Iterator[dict[str, str]]:
    """Yield names of many fields at once, as APIs spell names of two words."""
    for ids in ({}, {"countryid": "countryId", "state": "stateId"}, {"countryid": "country"}):
        yield {field: _OTHERS[field][0] for field in _SPLIT} | ids
    snake = {field: _OTHERS[field][1] for field in _SPLIT}
    yield snake
    yield snake | {"countryid": "country_code", "zip": "postal_code"}


def field_of(name: str) -> str:
    """Return the attendee field that a name is known for, or nothing.

    Whose it is may stand before it, as in attendeeEmail, or that it is somebody's own (email__c).
    """
    plain = name.removesuffix("__c")
    known = next((field for field, names in _OTHERS.items() if plain in names), "")
    found = known or _KNOWN.get(fold(plain), "")
    bare = _WHOSE.sub("", plain)
    found = found or (_KNOWN.get(fold(bare), "") if bare != plain else "")
    return found or _ending(plain)


def _ending(name: str) -> str:
    """Return the field by the last words of a name, behind a prefix or abbreviated (u_last_nm)."""
    words = [_SHORT.get(each.lower(), each.lower()) for each in _PART.findall(name)]
    if any("event" in each for each in words):
        return ""
    endings = ("".join(words[start:]) for start in range(min(len(words), _MOST_BEFORE + 1)))
    return next((_KNOWN[each] for each in endings if each in _KNOWN), "")


def named(connection: Connection, message: str) -> list[str]:
    """Return the attendee fields whose names, as they are sent, stand in a message."""
    words = {each.strip(".") for each in _WORD.findall(message)}
    names = connection.fields.names
    return [field for field in FIELDS if names.get(field, field) in words]
