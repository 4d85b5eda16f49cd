"""Conditions: JMESPath predicates over a profile, with functions for audiences and consent."""

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath import functions as jmespath_functions

from attendee_sync.mapping import evaluation, expressions
from attendee_sync.profile import memberships

# XDM consent values: y, n, and p or u where nobody was asked; dy and dn are defaults.
_NO = frozenset({"n", "dn", "no", "false", "out"})
_YES = frozenset({"y", "dy", "yes", "true", "in"})
_EMAIL_CHANNEL = "https://ns.adobe.com/xdm/channels/email"


class _Functions(evaluation.Functions):
    """Beside JMESPath's own: is_member(@, id), consents(@, path) and has_opted_out(@, path)."""

    @jmespath_functions.signature({"types": ["object"]}, {"types": ["string"]})
    def _func_is_member(self, document: Any, audience: str) -> bool:
        return bool(
            memberships.by_audience(document).get(audience, set()) & memberships.MEMBER_STATES
        )

    @jmespath_functions.signature({"types": ["object"]}, {"types": ["string"]})
    def _func_consents(self, document: Any, path: str) -> bool:
        return _choice(document, path) in _YES

    @jmespath_functions.signature({"types": ["object"]}, {"types": ["string"]})
    def _func_has_opted_out(self, document: Any, path: str) -> bool:
        return _choice(document, path) in _NO or _is_on_opt_out_list(document)


_FUNCTIONS = _Functions()


def checked(text: str) -> str:
    """Return a predicate whose functions all exist. Raises ValueError for any other."""
    expressions.check_functions(text, _Functions)
    return text


def holds(text: str, document: Mapping[str, Any]) -> bool:
    """Tell whether a predicate holds for a profile that was read.

    Raises one of expression.UNANSWERED where it can't be evaluated on this profile.
    """
    return bool(evaluation.evaluate(jmespath.compile(text).parsed, document, _FUNCTIONS))


def _choice(document: Mapping[str, Any], path: str) -> str:
    """Return a consent's value; path is such as marketing.email."""
    value: Any = document.get("consents")
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("val")
    return str(value).strip().lower()


def _is_on_opt_out_list(document: Mapping[str, Any]) -> bool:
    """Tell whether XDM's older opt-out list names e-mail or everything."""
    listed = document.get("optInOut")
    if not isinstance(listed, dict):
        return False
    channels = listed.get("_channels")
    email = channels.get(_EMAIL_CHANNEL) if isinstance(channels, dict) else None
    return listed.get("globalOptout") is True or str(email).lower() in _NO
