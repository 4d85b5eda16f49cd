"""Consents: whether a person agreed to something or opted out of it, in every shape of Adobe's.

What other systems call it is read by opt_outs.

https://experienceleague.adobe.com/en/docs/experience-platform/xdm/data-types/consents
Delivery and preview ask it with the same code.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attendee_sync import attendee
from attendee_sync.profile import email_address, names, opt_outs
from attendee_sync.profile.email_address import EmailAddressError

type Json = Mapping[str, Any]

_NO, _YES = "n", "y"
# XDM consent values: y, n, and p or u where nobody was asked; dy and dn are defaults. VI is the
# vital interest of the person; the other bases (LI, CT, CP, PI) are no agreement.
_NOES = frozenset({"n", "dn", "no", "false", "out", "optout", "optedout"})
_YESES = frozenset({"y", "dy", "vi", "yes", "true", "in", "optin", "optedin"})
_VALUES = ("val", "value", "optInOutStatus", "status")
_OPT_OUTS = frozenset({"generaloptout", "salessharingoptout"})
_CHANNEL_PREFIX = re.compile(r".*[/:]", re.DOTALL)  # of a URI, or xdm:
_LONGEST = 100  # characters
_MOST = 100  # identities or channels that are looked at


def agrees(profile: Json, path: str, email_hash: str = "") -> bool:
    """Tell whether somebody agreed to what stands at a path, and opted out of it nowhere.

    The path is such as marketing.email; the SHA-256 of the e-mail address tells which of the
    consents that are given for single identities count.
    """
    return _said(profile, path, email_hash) == _YES and not opted_out(profile, path, email_hash)


def opted_out(profile: Json, path: str, email_hash: str = "") -> bool:
    """Tell whether somebody opted out of what stands at a path, or of everything."""
    if _said(profile, path, email_hash) == _NO:
        return True
    channel = path.rpartition(".")[2]
    return _is_out(profile.get("optInOut"), channel) or _is_private(profile.get("privacyOptOuts"))


def _said(profile: Json, path: str, email_hash: str) -> str:
    """Return what is said of a path: y, n, or nothing.

    A no to any marketing is one to all of it, and a yes one to what no more is said of.
    """
    given = profile.get("consents")
    found = {_choice(profile.get(f"consents.{path}.val"))}
    for each in (given, *_of_identity(given, email_hash)):
        found |= set(_choices(each, path))
    said = opt_outs.said(profile, path, lambda text: _is_of(text, email_hash))
    found |= {_YES if has_agreed else _NO for has_agreed in said}
    return _NO if _NO in found else _YES if _YES in found else ""


def _choices(given: object, path: str) -> Iterator[str]:
    """Yield what is said of a path, and of all that is beside it."""
    *outer, last = path.split(".")
    value: Any = given
    for name in outer:
        value = _member(value, name)
    if isinstance(value, dict):
        yield from (_choice(_member(value, name)) for name in (last, "any", "val"))
    elif outer:
        yield _choice(value)


def _choice(value: Any) -> str:
    """Return y, n, or nothing."""
    if isinstance(value, dict):
        found = (_member(value, name) for name in _VALUES)
        value = next((each for each in found if each is not None), None)
    word = names.fold(str(value)[:_LONGEST]) if isinstance(value, str | bool) else ""
    return _NO if word in _NOES else _YES if word in _YESES else ""


def _member(value: object, name: str) -> Any:
    """Return a member of an object, however its name is spelled; None if there is none."""
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    fold = names.fold(name)
    for each in itertools.islice(value, _MOST):
        if len(each) <= _LONGEST and names.fold(each) == fold:
            return value[each]
    return None


def _of_identity(given: object, email_hash: str) -> Iterator[object]:
    """Yield the consents that were given for this very address, or for its hash."""
    by_namespace = _member(given, "idSpecific")
    listed = by_namespace.values() if isinstance(by_namespace, dict) else ()
    identities = (pair for ids in listed if isinstance(ids, dict) for pair in ids.items())
    for identity, own in itertools.islice(identities, _MOST):
        if _is_of(identity, email_hash):
            yield own


def _is_of(identity: str, email_hash: str) -> bool:
    try:
        email = email_address.normalise(identity)
    except EmailAddressError:
        return identity.lower() == email_hash
    return attendee.sha256_of(email) == email_hash


def _is_out(listed: object, channel: str) -> bool:
    """Tell whether XDM's older opt-out list names a channel, or everything.

    https://github.com/adobe/xdm/blob/master/docs/reference/datatypes/consent/optinout.schema.md
    """
    if not isinstance(listed, dict):
        return False
    channels = [listed, _member(listed, "channels")]
    told = {
        names.fold(_CHANNEL_PREFIX.sub("", name[-_LONGEST:])): _choice(value)
        for each in channels
        if isinstance(each, dict)
        for name, value in itertools.islice(each.items(), _MOST)
    }
    asked = names.fold(channel)
    return (
        told.get("globaloptout") == _YES
        or told.get(asked) == _NO
        or ("email" in asked and told.get("email") == _NO)
    )


def _is_private(listed: object) -> bool:
    """Tell whether somebody opted out of the use or of the sale and sharing of all their data.

    Adobe: who has opted out of sharing should not be used for any marketing activity either.
    https://experienceleague.adobe.com/en/docs/experience-platform/segmentation/consents
    """
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, dict):
            kind = names.fold(str(_member(each, "optOutType"))[:_LONGEST])
            if kind in _OPT_OUTS and _choice(_member(each, "optOutValue")) == _NO:
                return True
    return False
