"""A filter by audiences: those who are in one of them, and meet a condition if there is one."""

import re
from collections.abc import Sequence

import jmespath
from jmespath.exceptions import JMESPathError

_ID = r"[^\s'\\]{1,200}"
_IS_MEMBER = rf"is_member\(@, '({_ID})'\)"
_FILTER = re.compile(
    rf"\(?({_IS_MEMBER}( \|\| {_IS_MEMBER})*)\)?( && \((?P<condition>.*)\))?", re.S
)


def combined(audiences: Sequence[str], condition: str) -> str:
    """Return the filter; empty if everybody is sent. Raises ValueError if an id can't be one."""
    if not all(re.fullmatch(_ID, each) for each in audiences):
        raise ValueError("the id of an audience is expected, without blanks and quotation marks")
    is_member = " || ".join(f"is_member(@, '{each}')" for each in dict.fromkeys(audiences))
    if not is_member or not condition:
        return is_member or condition
    left = f"({is_member})" if len(audiences) > 1 else is_member
    return f"{left} && ({condition})"


def taken_apart(text: str) -> tuple[list[str], str]:
    """Return the audiences and the condition of a filter that `combined` made; else all of it."""
    found = _FILTER.fullmatch(text)
    if not found:
        return [], text
    audiences, condition = re.findall(_IS_MEMBER, found[1]), found["condition"] or ""
    is_whole = combined(audiences, condition) == text and (not condition or _is_one(condition))
    return (audiences, condition) if is_whole else ([], text)


def _is_one(condition: str) -> bool:
    """Tell whether a text is an expression, and not what stands between others' brackets."""
    try:
        jmespath.compile(condition)
    except JMESPathError:
        return False
    return True
