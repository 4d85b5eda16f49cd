"""Opt-outs: attributes of other systems than Adobe's that tell what a person agreed to.

The names and values of Salesforce (`HasOptedOutOfEmail`), HubSpot (`hs_email_optout`), Marketo
(`unsubscribed`), Account Engagement (`opted_out`), Dynamics (`donotbulkemail`), Braze
(`email_subscribe`), Brevo (`emailBlacklisted`), Shopify (`email_marketing_consent`), Mailchimp and
forms (`email_opt_in`, `gdpr_consent`), whatever their case and separators, and what they are called
in other languages. They count among the person's attributes, beside the person's address where that
is an object (`marketingState`, `opt_out`), and in objects of consents and subscriptions.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from attendee_sync.profile import names, persons

type Json = Mapping[str, Any]

_LONGEST = 100  # characters
_MOST = (
    50  # members of an object of consents that are looked at, and objects in a list of addresses
)
_CHANNELS: Final = ("email", "sms", "phone", "mail")
_BEFORE: Final = re.compile(
    r"^(?:hs|has|is|usr|user|contact|customer|cus|attendee|marketing|newsletter|global|general|gdpr|accepts)+"
)
_AFTER: Final = re.compile(r"(?:of|from|to|status|state|flag|marketing|c)+$")
_DATED: Final = re.compile(r"(?:at|on|date|time|timestamp)$")
# What is left of a name without these: who says yes has opted out, or has agreed.
_OUT: Final = frozenset(
    {"optout", "optedout", "unsubscribed", "unsubscribe", "donot", "donotcontact", "donotbulk"}
    | {"blacklisted", "blacklist", "denylist", "denylisted", "dnc", "abgemeldet", "abbestellt"}
    | {"desabonne", "desabonnee", "desinscrit", "desinscrite", "baja", "desuscrito", "disiscritto"}
    | {"disiscritta", "uitgeschreven", "afgemeld", "descadastrado", "wypisany", "wypisana"}
    | {"avregistrerad", "afmeldt", "avmeldt", "отписан", "退订", "수신거부"}
    | {names.fold("配信停止"), "newsletterabgemeldet"}
)
_IN: Final = frozenset(
    {"optin", "optedin", "consent", "consented", "subscribed", "subscribe", "subscription"}
    | {"permission", "einwilligung", "zustimmung", "werbeeinwilligung", "marketingeinwilligung"}
    | {"consentement", "consentimiento", "consenso", "toestemming", "consentimento", "zgoda"}
    | {"zgodamarketingowa", "samtycke", "samtykke", "suostumus", "souhlas", "suhlas", "согласие"}
    | {"同意", "aceptapublicidad", "tilladt", "nyhedsbrevtilladt", "nyhedsbrev"}
    | {"nyhetsbrev", "nieuwsbrief", "infolettre", "boletin", "рассылка"}
    | {names.fold(each) for each in ("メール配信", "メールマガジン", "メルマガ", "メルマガ希望")}
)
_WHOLE: Final = frozenset(
    {"acceptsmarketing", "acceptsemailmarketing", "marketingemail", "emailmarketing", "newsletter"}
    | {"marketingstate", "emailmarketingstate", "aceitaemails"}
)
# Objects of these hold what somebody agreed to; whatever else is in a name there is the purpose.
_GIVEN: Final = frozenset(
    {"consent", "consents", "consentstate", "consentstatus", "subscriptions", "subscription"}
    | {"preferences", "communicationpreferences", "emailpreferences", "marketingpreferences"}
    | {"permissions", "optins", "optouts", "marketing", "marketingconsent", "privacy"}
)
_OF_MARKETING: Final = ("email", "marketing", "newsletter")  # words for the purpose, or a channel
_MAX_DEPTH = 4
_NOES: Final = frozenset(
    {"n", "no", "false", "0", "optout", "optedout", "out", "unsubscribed", "denied", "declined"}
    | {"withdrawn", "revoked", "notsubscribed", "nein", "non", "nao", "nie", "ne", "nem", "nu"}
    | {"nee", "nej", "nei", "ei", "hayir", "нет", "ні", "いいえ", "否", "아니오", "希望しない"}
)
_YESES: Final = frozenset(
    {"y", "yes", "true", "1", "optin", "optedin", "in", "subscribed", "granted", "given", "ja"}
    | {"oui", "si", "sim", "tak", "ano", "igen", "da", "evet", "да", "так", "kylla", "예", "是"}
    | {names.fold(each) for each in ("はい", "希望する")}
)
# Members of an object in place of a word.
_STATES: Final = ("state", "status", "value", "consent", "BOOL", "boolean", "S", "string")


class _Meaning(NamedTuple):
    """What a name tells."""

    channel: str  # or nothing: it is of all
    is_out: bool  # a yes is an opt-out
    is_dated: bool = False  # any value is a yes: the time of it


def said(profile: Json, path: str, is_own: Callable[[str], bool]) -> Iterator[bool]:
    """Yield what attributes say of marketing by a channel: whether the person agreed.

    The path is such as marketing.email; of another purpose than marketing they say nothing. Not to
    have opted out (`"unsubscribed": false`) is no agreement. `is_own` tells of a text whether it is
    the person's address.
    """
    purpose, _, channel = path.partition(".")
    if names.fold(purpose) != "marketing":
        return
    asked = names.fold(channel[-_LONGEST:])
    for name, value in _told(profile, is_own):
        meaning = _MEANINGS[name]
        if meaning and (meaning.channel in asked or asked in ("", "any")):
            answer = (bool(value) or None) if meaning.is_dated else _answer(value)
            if answer is not None and not (meaning.is_out and answer is False):
                yield answer is not meaning.is_out


def _told(profile: Json, is_own: Callable[[str], bool]) -> Iterator[tuple[str, Any]]:
    """Yield names that may tell of a consent, with their values."""
    person = names.standard().person
    for members in persons.objects_of(dict(profile)):
        for name, value in itertools.islice(members.items(), persons.MOST_MEMBERS):
            yield name, value
            if isinstance(value, dict | list) and (entry := person[name]) and entry.is_email:
                yield from _beside_address(value, is_own)
            elif isinstance(value, dict) and name != "consents" and _IS_GIVEN[name]:
                yield from _within(value, name)


def _beside_address(value: Any, is_own: Callable[[str], bool]) -> Iterator[tuple[str, Any]]:
    """Yield what stands beside the person's address, in an object or a list of some."""
    for each in value[:_MOST] if isinstance(value, list) else [value]:
        members = dict(itertools.islice(each.items(), _MOST)) if isinstance(each, dict) else {}
        if any(isinstance(text, str) and "@" in text and is_own(text) for text in members.values()):
            yield from ((f"email {name}", said) for name, said in members.items())


def _within(value: Json, outer: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield what an object of consents holds of marketing, with the names around it."""
    for name, each in itertools.islice(value.items(), _MOST):
        words = f"{outer[-_LONGEST:]} {name[:_LONGEST]}"
        if isinstance(each, dict) and depth < _MAX_DEPTH:
            yield from _within(each, words, depth + 1)
        elif any(word in names.fold(words) for word in _OF_MARKETING):
            is_out = bool((meaning := _MEANINGS[name]) and meaning.is_out)
            channel = next((one for one in _CHANNELS if one in names.fold(words)), "")
            yield f"{channel} {'opt out' if is_out else 'consent'}", each


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
    whole = _BEFORE.sub("", fold.replace(channel, "", 1))
    core = _AFTER.sub("", whole)
    undated = _DATED.sub("", core)
    if not {whole, core}.isdisjoint(_OUT | _IN):
        return _Meaning(channel, is_out=not {whole, core}.isdisjoint(_OUT))
    return _Meaning(channel, is_out=True, is_dated=True) if undated in _OUT else None


_MEANINGS = persons.ByName(_meaning)
_IS_GIVEN = persons.ByName(lambda name: names.fold(name) in _GIVEN or None)
