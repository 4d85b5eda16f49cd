"""Mapping: from a profile to an attendee, by one JMESPath expression a field."""

import re
from collections.abc import Mapping
from typing import Any, Final

from attendee_sync import attendee, profile
from attendee_sync.expression import compiled

# One address serves all address fields, so that a street is never paired with another's city.
_ADDRESS = "(workAddress || mailingAddress || homeAddress || billingAddress || shippingAddress)"

# Flat names first, as a Destination SDK body or another platform sends them; then XDM, see
# https://github.com/adobe/xdm. The e-mail address has a rule of its own: profile.email_of.
DEFAULT: Final[Mapping[str, str]] = {
    "address1": f"address1 || {_ADDRESS}.street1",
    "address2": f"address2 || {_ADDRESS}.street2",
    "city": f"city || {_ADDRESS}.city",
    "companyname": "companyname || companyName || company || b2b.companyName",
    "countryid": f"countryid || countryId || {_ADDRESS}.countryCode",
    "firstname": "firstname || firstName || person.name.firstName",
    "lastname": "lastname || lastName || person.name.lastName",
    "jobtitle": "jobtitle || jobTitle || extendedWorkDetails.jobTitle",
    "phone": "phone || mobilePhone.number || workPhone.number || homePhone.number",
    "state": f"state || {_ADDRESS}.stateProvince || {_ADDRESS}.state",
    "zip": f"zip || postalCode || {_ADDRESS}.postalCode",
}

_SUBDIVISION = re.compile(r"[A-Z]{2}-([A-Z0-9]{1,3})")


class NoEmailError(Exception):
    """A profile has no e-mail address, so no attendee can be made of it."""


def attendee_of(document: profile.Json) -> dict[str, str]:
    """Return the attendee of a profile: the fields that it has a value for.

    Raises NoEmailError.
    """
    read = profile.read(document)
    email = profile.email_of(read)
    if email is None:
        raise NoEmailError("no e-mail address")
    found = {name: _text(compiled(each)(read)) for name, each in DEFAULT.items()}
    found["email"] = email
    return {name: _normalise(name, found[name]) for name in attendee.FIELDS if found[name]}


def _normalise(name: str, text: str) -> str:
    if name == "countryid":
        return text.upper()
    if name == "state" and (match := _SUBDIVISION.fullmatch(text.upper())):
        return match[1]  # XDM's stateProvince is ISO 3166-2, RainFocus wants the part after US-
    return text


def _text(value: Any) -> str:
    """Return a value as a field's text; what is no single value gives nothing."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""
