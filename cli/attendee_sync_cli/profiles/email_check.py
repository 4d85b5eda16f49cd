"""Looking for e-mail addresses in a file before it is pushed: without any, all is rejected."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Mapper, Verdict
from attendee_sync.outcome import Reason, in_words
from attendee_sync.profile import field_names, names
from attendee_sync_cli import console
from attendee_sync_cli.profiles import profile_tables, shape
from attendee_sync_cli.profiles.dead_letter_export import WHY
from attendee_sync_cli.profiles.profile_files import Found, Profiles

_LOOKED_AT = 1_000  # profiles whose names of attributes are collected
_MOST_NAMES = 30
_MOST_REASONS = 3
_OF_ADDRESSES = frozenset(
    {Reason.MISSING_EMAIL, Reason.UNCLEAR_EMAIL, Reason.INVALID_EMAIL, Reason.SEVERAL_EMAILS}
)
_MAX_DEPTH = 5
_USUAL = "email"
_LIKENESS = 0.75
_MOST_LETTERS = 60  # of a name that are compared
_PLAIN = re.compile(r"[\w.]+")

type _Path = tuple[str, ...]


class EmailCheck:
    """Looks at profiles one by one, and tells in the end what is wrong if none can be used."""

    def __init__(self, destination: str) -> None:
        """`destination` is the JSON text of its settings; of invalid ones `doctor` tells."""
        try:
            self._rules: Mapper | None = mapper.mapper(destination)
        except ValidationError:
            self._rules = None
        self._is_passed = self._rules is None
        self._reasons: Counter[tuple[str, str]] = Counter()  # with their details
        self._addresses: Counter[_Path] = Counter()  # how many stand where, if none as well

    def look(self, found: Found) -> None:
        """Look at a profile, unless one was met that can be used."""
        profile = found.pushed.profile
        if self._is_passed or self._rules is None or profile is None:
            return
        decision = self._rules.decide(profile)
        if decision.verdict is not Verdict.REJECT:
            self._is_passed = True
            return
        self._reasons[decision.reason, decision.detail] += 1
        if self._reasons.total() <= _LOOKED_AT and len(self._addresses) <= _LOOKED_AT:
            for path, value in _leaves(profile, ()):
                if path[0] != WHY:
                    self._addresses[path] += _is_address(value)

    def fault(self, profiles: Profiles) -> str:
        """Return why none can be used and what may help, or nothing."""
        if self._is_passed or not self._reasons:
            return ""
        most = self._reasons.most_common(_MOST_REASONS)
        reasons = ", ".join(f"{in_words(*each)} ({n})" for each, n in most)
        names = list(map(console.plain, _columns(profiles) or map(_name, self._addresses)))
        kind = "Its columns" if profiles.columns else "Attributes"
        told = f"{kind}: {', '.join(names[:_MOST_NAMES])}. " if names else ""
        return (
            f"nothing was pushed, as every profile would be rejected: {reasons}. "
            f"{told}{self._advice(profiles)}"
        ).rstrip()

    def _advice(self, profiles: Profiles) -> str:
        """Say what may have the addresses: where most stand, or else what is called most alike."""
        if not any(reason in _OF_ADDRESSES for reason, _ in self._reasons):
            return ""
        wanted = self._wanted()
        is_table = bool(profiles.columns)
        if wanted in profiles.columns:  # no other column can be read under that name
            return f"{wanted} is for e-mail addresses, but has none that can be used."
        with_most = [path for path, count in self._addresses.most_common(1) if count]
        if with_most:
            name = ".".join(with_most[0]) if is_table else _name(with_most[0])
        else:
            name = _most_alike(wanted, _columns(profiles) or list(map(_name, self._addresses)))
        if not name:
            return "Is it the right file?"
        if wanted == _USUAL and profile_tables.is_email_name(name):
            return console.plain(f"{name} is for e-mail addresses, but has none that can be used.")
        told = console.plain(f"If {name} has the e-mail addresses: ")
        if is_table:
            return console.plain(f'{told}--column "{name}={wanted}"')
        return f"{told}map email to it, by `attendee-sync destinations set`"

    def _wanted(self) -> str:
        """Return the name that the destination takes the address from."""
        rule = self._rules.destination.mapping.get("email") if self._rules else None
        return rule.value if rule and _PLAIN.fullmatch(rule.value) else _USUAL


def _columns(profiles: Profiles) -> list[str]:
    """Return the columns of a table that people know: not those that an export added."""
    return [name for name in profiles.columns if not name.startswith(f"{WHY}.")]


def _leaves(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    if isinstance(value, dict) and len(path) < _MAX_DEPTH:
        for name, each in value.items():
            yield from _leaves(each, (*path, name))
    elif path:
        yield path, value


def _is_address(value: object) -> bool:
    return isinstance(value, str) and profile_tables.is_address(value)


def _name(path: _Path) -> str:
    """Return a path without what may tell who it is about."""
    return ".".join(map(shape.name_of, path))


def _most_alike(wanted: str, headers: Sequence[str]) -> str:
    """Return the name that is most like one that a column of addresses has; empty if none is."""
    known = [*map(names.fold, field_names.NAMES["email"]), names.fold(wanted)]

    def likeness(header: str) -> float:
        folded = names.fold(header[:_MOST_LETTERS])
        return max(difflib.SequenceMatcher(None, folded, each).ratio() for each in known)

    best = max(headers, key=likeness, default="")
    return best if best and likeness(best) >= _LIKENESS else ""
