"""Opt-outs: attributes of other systems than Adobe's that tell what a person agreed to.

The names and values of Salesforce (`HasOptedOutOfEmail`), HubSpot (`hs_email_optout`), Marketo
(`unsubscribed`), Account Engagement (`opted_out`), Dynamics (`donotbulkemail`), Braze
(`email_subscribe`), Brevo (`emailBlacklisted`), Shopify (`email_marketing_consent`), Mailchimp and
forms (`email_opt_in`, `gdpr_consent`), whatever their case and separators.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from attendee_sync.profile import names, persons

type Json = Mapping[str, Any]

_LONGEST = 100  # characters
_CHANNELS: Final = ("email", "sms", "phone", "mail")
_BEFORE: Final = re.compile(r"^(?:hs|has|is|marketing|newsletter|global|general|gdpr|accepts)+")
_AFTER: Final = re.compile(r"(?:of|from|to|status|state|flag|c)+$")
# What is left of a name without these: who says yes has opted out, or has agreed.
_OUT: Final = frozenset(
    {"optout", "optedout", "unsubscribed", "unsubscribe", "donot", "donotcontact", "donotbulk"}
    | {"blacklisted", "dnc"}
)
_IN: Final = frozenset(
    {"optin", "optedin", "consent", "consented", "subscribed", "subscribe", "subscription"}
    | {"permission"}
)
_WHOLE: Final = frozenset({"acceptsmarketing", "acceptsemailmarketing", "marketingemail"})
_NOES: Final = frozenset(
    {"n", "no", "false", "0", "optout", "optedout", "out", "unsubscribed", "denied", "declined"}
    | {"withdrawn", "revoked", "notsubscribed"}
)
_YESES: Final = frozenset(
    {"y", "yes", "true", "1", "optin", "optedin", "in", "subscribed", "granted", "given"}
)
_STATES: Final = ("state", "status", "value", "consent")  # members of an object in place of a word


class _Meaning(NamedTuple):
    """What a name tells."""

    channel: str  # or nothing: it is of all
    is_out: bool  # a yes is an opt-out


def said(profile: Json, path: str) -> Iterator[bool]:
    """Yield what attributes say of marketing by a channel: whether the person agreed.

    The path is such as marketing.email; of another purpose than marketing they say nothing. Not to
    have opted out (`"unsubscribed": false`) is no agreement.
    """
    purpose, _, channel = path.partition(".")
    if names.fold(purpose) != "marketing":
        return
    asked = names.fold(channel[-_LONGEST:])
    for members in persons.objects_of(dict(profile)):
        for name, value in members.items():
            meaning = _MEANINGS[name]
            if meaning and (meaning.channel in asked or asked in ("", "any")):
                answer = _answer(value)
                if answer is not None and not (meaning.is_out and answer is False):
                    yield answer is not meaning.is_out


def _answer(value: object) -> bool | None:
    """Return whether a value says yes or no; None if it says neither."""
    if isinstance(value, dict):
        value = next((value[name] for name in _STATES if name in value), None)
    if isinstance(value, int):  # true and false are numbers, too
        return {0: False, 1: True}.get(value)
    word = names.fold(value[:_LONGEST]) if isinstance(value, str) else ""
    return True if word in _YESES else False if word in _NOES else None


def _meaning(name: str) -> _Meaning | None:
    fold = names.fold(name)
    channel = next((each for each in _CHANNELS if each in fold), "")
    if fold in _WHOLE:
        return _Meaning(channel, is_out=False)
    core = _AFTER.sub("", _BEFORE.sub("", fold.replace(channel, "", 1)))
    if core in _OUT or core in _IN:
        return _Meaning(channel, is_out=core in _OUT)
    return None


_MEANINGS = persons.ByName(_meaning)
