"""What people call settings: the words of Adobe's forms and of other platforms, and ours for them.

The words of Adobe Experience Platform's own RainFocus destination:
https://experienceleague.adobe.com/docs/experience-platform/destinations/catalog/marketing-automation/rainfocus.html
"""

from collections.abc import Mapping
from typing import Final, Literal

from attendee_sync.profile.names import fold

type Owner = Literal["connection", "credentials", "destination"]

_SET: Final[Mapping[Owner, str]] = {
    "connection": "attendee-sync connections set",
    "credentials": "attendee-sync credentials set",
    "destination": "attendee-sync destinations set",
}
# By owner and setting, what it is called elsewhere, spelt as people know it. What two words share
# but for case, blanks and punctuation is one word.
_WORDS: Final[Mapping[tuple[Owner, str], tuple[str, ...]]] = {
    ("connection", "org_id"): ("Org ID", "Organization ID", "Organisation ID", "Org", "Instance"),
    ("connection", "environment"): ("Environment", "Env", "Stage"),
    ("connection", "base_url"): ("Base URL", "API URL", "API host", "Host", "Hostname"),
    ("connection", "auth.token_url"): ("Token URL", "OAuth URL", "Token endpoint", "Auth URL"),
    ("connection", "api_profile.name"): ("API profile", "API profile name"),
    ("connection", "limits"): ("Rate limit", "Throttle", "Requests per second"),
    ("credentials", "client_id"): ("Client ID", "API key", "Consumer key", "App ID"),
    ("credentials", "client_secret"): ("Client secret", "API secret", "Consumer secret", "Secret"),
    ("credentials", "profile_token"): ("Profile token", "API profile token", "API token"),
    ("destination", "connection"): ("Connection", "Account", "Account name", "Connection name"),
    ("destination", "event_code"): ("Event code", "Event ID", "Event", "Event name"),
    ("destination", "name"): ("Destination name", "Label"),
    ("destination", "description"): ("Destination description",),
    ("destination", "mapping"): (
        *("Mapping", "Mappings", "Field mapping", "Field mappings", "Fields", "Attributes"),
        *("Source field", "Target field", "Attribute mapping", "Schema mapping"),
    ),
    ("destination", "mapping.email"): (
        *("Identity namespace", "Target identity", "Source identity", "Identity", "Identities"),
        *("Identity mapping", "Email", "Deduplication key", "Mandatory attribute"),
    ),
    ("destination", "filter"): (
        *("Filter", "Audience", "Audiences", "Audience ID", "Segment", "Segments", "Segment ID"),
        *("Segment IDs", "Audience IDs", "Condition", "Where"),
    ),
    ("destination", "required_consents"): (
        *("Required consents", "Consent policy", "Consent policies", "Consents", "Consent"),
    ),
    ("destination", "marketing_actions"): (
        *("Marketing actions", "Marketing action", "Marketing use case", "Marketing use cases"),
    ),
    ("destination", "labels"): ("Labels", "Data usage labels", "Governance labels", "DULE labels"),
    ("destination", "policies"): ("Policies", "Data usage policies", "Governance policies"),
    ("destination", "exits"): ("Exits", "Exit", "On exit", "Audience exit", "Segment exit"),
    ("destination", "hashes"): ("Hashes", "Hashed email", "Apply transformation", "Hashing"),
}
# What no setting is.
_OTHERS: Final[Mapping[str, str]] = {
    "Destination details": "the settings of a destination, as `attendee-sync destinations create` "
    "takes them",
    "HTTP endpoint": "the push URL, which `attendee-sync destinations show` tells",
    "Bearer token": "the ingest token, whose secret `attendee-sync destinations show` names",
    "Access token": "it is fetched with the credentials: `attendee-sync token show`",
    "IMS Org ID": "Adobe's own, which is not needed here",
}
_KNOWN: Final = {
    fold(word): (owner, setting, word)
    for (owner, setting), listed in _WORDS.items()
    for word in (setting, *listed)
}
_KNOWN_OTHERS: Final = {fold(word): word for word in _OTHERS}
_LONGEST = 40  # characters of a word


def spelling(word: str) -> str:
    """Return a word as the table spells it, or nothing if it does not know it."""
    key = fold(word) if len(word) <= _LONGEST else ""
    if key in _KNOWN_OTHERS:
        return _KNOWN_OTHERS[key]
    return _KNOWN[key][2] if key in _KNOWN else ""


def is_credential(word: str) -> bool:
    """Tell whether a word is known as that of a credential."""
    key = fold(word) if len(word) <= _LONGEST else ""
    return key in _KNOWN and _KNOWN[key][0] == "credentials"


def setting_in(text: str) -> str:
    """Return the setting that a text speaks of in one of the words of two or more, or nothing."""
    folded = fold(text)
    for (owner, setting), listed in _WORDS.items():
        if any(" " in word and fold(word) in folded for word in listed):
            return _path(owner, setting)
    return ""


def word_of(path: str) -> str:
    """Return what people call a setting of a connection or a destination, or nothing."""
    for (owner, setting), listed in _WORDS.items():
        if _path(owner, setting) == path and owner != "credentials":
            return listed[0]
    return ""


def _path(owner: Owner, setting: str) -> str:
    """Return what a setting is called where it may be of a connection or of another."""
    if owner == "credentials":
        return owner
    return f"{owner}.{setting}" if owner == "destination" else setting


def hint(word: str, owner: Owner | None = None) -> str:
    """Say what a word is here, or return nothing; `owner` is whose settings are spoken of.

    The word is told as the table spells it, so that nothing that was given is repeated.
    """
    known, key = spelling(word), fold(word[:_LONGEST])
    if not known or key in _KNOWN_OTHERS:
        return f"{known}: {_OTHERS[known]}" if known else ""
    of, setting, _ = _KNOWN[key]
    if of == owner:
        return f"{known} is called {setting} here"
    if of == "credentials":
        return f"{known} is a credential: `{_SET[of]}` stores it"
    is_setting = fold(known) == fold(setting)
    told = f"{setting} is a setting" if is_setting else f"{known} is {setting}"
    return f"{told} of a {of}: `{_SET[of]}`"
