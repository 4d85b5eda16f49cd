"""Conditions: JMESPath predicates over a profile, with functions for audiences and consent."""

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath import functions as jmespath_functions

from attendee_sync.mapping import evaluation, function_calls
from attendee_sync.outcome import Reason
from attendee_sync.profile import consents, memberships


class FilterFunctions(evaluation.Functions):
    """Beside JMESPath's own: is_member(@, id), consents(@, path) and has_opted_out(@, path)."""

    def __init__(self, email_hash: str = "", *, as_if_agreed: bool = False) -> None:
        super().__init__()
        self._email_hash = email_hash
        self._as_if_agreed = as_if_agreed

    @jmespath_functions.signature({"types": ["object"]}, {"types": ["string"]})
    def _func_is_member(self, document: Any, audience: str) -> bool:
        return bool(
            memberships.by_audience(document).get(audience, set()) & memberships.MEMBER_STATES
        )

    @jmespath_functions.signature({"types": ["object"]}, {"types": ["string"]})
    def _func_consents(self, document: Any, path: str) -> bool:
        return self._as_if_agreed or consents.agrees(document, path, self._email_hash)

    @jmespath_functions.signature({"types": ["object"]}, {"types": ["string"]})
    def _func_has_opted_out(self, document: Any, path: str) -> bool:
        return not self._as_if_agreed and consents.opted_out(document, path, self._email_hash)


def checked(text: str) -> str:
    """Return a predicate whose functions can be called so. Raises ValueError for any other."""
    function_calls.check(text, FilterFunctions)
    return text


def unmet(text: str, document: Mapping[str, Any], email_hash: str = "") -> Reason:
    """Return why a predicate does not hold for a profile that was read; Reason.NONE if it does.

    It is for want of consent if the predicate would hold for somebody who agreed to everything.
    Raises one of expressions.UNANSWERED where it can't be evaluated on this profile.
    """
    node = jmespath.compile(text).parsed
    if evaluation.evaluate(node, document, FilterFunctions(email_hash)):
        return Reason.NONE
    agreed = FilterFunctions(as_if_agreed=True)
    return Reason.NO_CONSENT if evaluation.evaluate(node, document, agreed) else Reason.FILTER
