"""Audience memberships: who is in an audience and who has left it.

Imports the standard library alone, since ingest uses it.
"""

from typing import Any

type Json = dict[str, Any]

# XDM: "existing" is written by older editions; anything else is no membership any more.
MEMBER_STATES = frozenset({"realized", "existing"})
_STATES = (*MEMBER_STATES, "exited")


def read(profile: Json) -> dict[str, dict[str, Json]]:
    """Return memberships by lower-case namespace and audience, each with its state in lower case.

    XDM's default state is realized. A text in place of a membership is taken for its state.
    """
    pushed = profile.get("segmentMembership")
    if not isinstance(pushed, dict):
        return {}
    if _is_usual(pushed):
        return pushed
    found: dict[str, dict[str, Json]] = {}
    for namespace, audiences in pushed.items():
        if not isinstance(audiences, dict):
            continue
        known = found.setdefault(namespace.lower(), {})
        for audience, pushed_one in audiences.items():
            membership = {"status": pushed_one} if isinstance(pushed_one, str) else pushed_one
            if isinstance(membership, dict):
                status = _word(membership.get("status") or "realized")
                known[audience] = {**membership, "status": status}
    return found


def by_audience(profile: Json) -> dict[str, set[str]]:
    """Return the states of a read profile's memberships by audience id, in any namespace."""
    found: dict[str, set[str]] = {}
    for audiences in profile["segmentMembership"].values():
        for audience, membership in audiences.items():
            found.setdefault(audience, set()).add(membership["status"])
    return found


def states(profile: Json) -> set[str]:
    """Return the states of all audience memberships of a profile that was read."""
    return {
        membership["status"]
        for audiences in profile["segmentMembership"].values()
        for membership in audiences.values()
    }


def _is_usual(by_namespace: Json) -> bool:
    """Tell whether memberships are in the one shape already, as most are."""
    for namespace, audiences in by_namespace.items():
        if not namespace.islower() or not isinstance(audiences, dict):
            return False
        for each in audiences.values():
            if not isinstance(each, dict) or each.get("status") not in _STATES:
                return False
    return True


def _word(value: object) -> str:
    """Return a text in lower case; what is none, a number of any size included, is no word."""
    return value.lower() if isinstance(value, str) else ""
