"""What a server wants by a name, with a value that is neither the attendee's nor the caller's.

A version, an audience, where a profile comes from: the name stands in the refusal, and the value
stands there as well, can be guessed, or must be asked for. A value that is surely none finds out
where it has to stand: there, it is refused in other words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from attendee_sync.http_client import is_success
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import field_names
from attendee_sync_cli.doctor.answers import MISSING, Seen, Stage
from attendee_sync_cli.doctor.changes import Change, Path, Value, value_at

EACH_CALL: Final = "{call_id}"
# Says who is calling, where any value will do; a word that no message uses, and so no mask hides.
PROBE: Final = "aepsync"
_CONSENT: Final = "accepted|consent|terms|agree"
_IS_VALUE = re.compile(
    r"version|audience|resource|source|origin|region|channel|local|lang|type|kind|mode|action"
    r"|operation|format|stage|environment|system|category|campaign|list|site|brand|market|partner"
    r"|correlation|request|trace|grant|idempoten|transaction|tier|unit|group|-client$|edition"
    rf"|project|workspace|{_CONSENT}",
    re.IGNORECASE,
)
_IS_OTHERS = re.compile(  # what a credential or an address is shown as
    r"secret|passw|signature|hmac|digest|assertion|token|mail|cookie|authorization|^sig$",
    re.IGNORECASE,
)
# Where values stand, in this order: "(100 or 200)", "must be x", "the current version is 3".
_TOLD: Final = (
    re.compile(r"\(([^()]*(?:\bor\b|,)[^()]*)\)"),
    re.compile(
        r"(?:one of|must be|should be|expect(?:s|ed)|(?<!un)supported|allowed|permitted|accepts?"
        r"|either|use|only|valid values|values|choices|are|such as|for example|e\.g\.)\b[:\s]+(.+)",
        re.IGNORECASE,
    ),
    re.compile(r"(?:current|latest|default|only|supported)(?: [\w-]+){0,3} is (.+)", re.IGNORECASE),
)
# A value behind a name, where words tell to send it, such as header X-Mode: live.
_SENT: Final = re.compile(
    r"\b(?:send|set|add|use|with|include|provide|specify|pass|give)\b[^.;]{0,40}$", re.IGNORECASE
)
_TOLD_AFTER: Final = re.compile(r"[\"'`]?\s?(?:[:=]|to\b|as\b)\s?[\"'`]?([A-Za-z0-9][\w.-]*)")
_QUOTED = re.compile(r"[\"'`]([^\"'`]{1,60})[\"'`]")
_SENTENCE_END = re.compile(r"[;\n]|\. |\.$")
# Headers whose values follow from what is sent, or are set elsewhere.
_STANDARD = re.compile(
    r"content-type|content-length|content-encoding|accept|accept-encoding|authorization|host"
    r"|user-agent|connection|transfer-encoding|content|date",
    re.IGNORECASE,
)
# What differs from call to call.
_OF_EACH_CALL = re.compile(
    r"idempoten|request[_-]?id|correlation|trace|transaction[_-]?id|message[_-]?id|call[_-]?id",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[A-Za-z0-9][\w.:/+-]*[A-Za-z0-9]|[A-Za-z0-9]")
_NOT_VALUES: Final = (
    "a an and are be by either expected header in is it must not of one only or parameter query"
    " should supported the to use values with string number integer boolean object array"
)
_NO_VALUES: Final = frozenset(_NOT_VALUES.split())
_MOST_TOLD = 5
# What words tell as the value of a consent: it is true.
_AGREED: Final = frozenset({"accepted", "agreed", "true"})
_GUESSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("version", ("{version}", "3", "2", "1", "3.0", "2.0", "1.0", "v1")),
    ("audience|resource", ("{base}", "{base}/", "{org_id}")),
    ("type|kind|entity|object", ("attendee", "Attendee", "attendees", "person")),
    ("action|operation|mode|method", ("upsert", "store", "create", "update", "save")),
    ("format|output", ("json",)),
    ("local|lang", ("en", "en-US", "en_US")),
    ("environment|stage", ("{environment}",)),
    ("source|channel|origin", ("api", "integration")),
    ("org|tenant|account|client", ("{org_id}",)),
    ("grant", ("password",)),
    (_CONSENT, ("true", "yes", "1")),
)
_WORD = re.compile(r"[A-Z]?[a-z]{4,}")


@dataclass(frozen=True)
class Asked:
    """A value that only RainFocus knows: where it is set, and the changes that lead to it."""

    path: Path
    changes: tuple[Change, ...]
    seen: Seen  # what is answered where there is another value

    @property
    def rank(self) -> tuple[int, int]:
        """How far it leads: the farther, and with the fewer changes, the better."""
        return min(self.seen.stage, Stage.PARAMETER), -len(self.changes)

    @property
    def name(self) -> str:
        """What RainFocus calls it."""
        return self.path[-1]

    @property
    def setting(self) -> str:
        """Path of the setting, such as call.headers.X-Version."""
        return ".".join(self.path)


def is_value(name: str) -> bool:
    """Tell whether a name is likelier one of a value than one of who is calling or of a field."""
    return bool(_IS_VALUE.search(name)) and not _IS_OTHERS.search(name)


def is_standard(name: str) -> bool:
    """Tell whether a name is that of a header whose value follows from what is sent."""
    return bool(_STANDARD.fullmatch(name))


def without_values(said: str, names: list[str]) -> list[str]:
    """Return names without those that a refusal lists as values of another."""
    listed = {value for name in filter(is_value, names) for value in told(said, name)}
    return [name for name in names if name not in listed]


def changes_for(connection: Connection, seen: Seen, name: str) -> Iterator[Change]:
    """Yield what may give a name that a server wants its value."""
    is_wanted = is_value(name) or MISSING.search(seen.said) or _told_after(seen.said, name)
    if not name or _IS_OTHERS.search(name) or not is_wanted:
        return
    if is_standard(name):
        return
    paths = _paths(connection, seen, name)
    known = connection.model_dump(mode="json")
    here = [path for path in paths if value_at(known, path)]
    values = told(seen.said, name)
    if re.search(_CONSENT, name, re.IGNORECASE) and _AGREED.issuperset(values[:1]):
        values = ["true"]
    if here:
        for value in [*values, *_guesses(connection, name)]:
            yield _put(here[0], value)
        return
    is_of_calls = bool(_OF_EACH_CALL.search(name)) and not values and seen.stage is not Stage.TOKEN
    for path in paths:
        yield _put(path, values[0] if values else EACH_CALL if is_of_calls else PROBE)
    for value in values[1:]:
        yield _put(paths[0], value)


def asked(parent: Seen, change: Change, made: Seen, on_the_way: tuple[Change, ...]) -> Asked | None:
    """Return what a change shows that RainFocus wants to know: its value is refused as such."""
    path, value = change.values[0]
    if not _is_place(path) or not isinstance(value, str) or path[-1] not in parent.said:
        return None
    if "{" in value or _IS_OTHERS.search(path[-1]) or _has_setting(path[-1]):
        return None  # who is calling, or what
    if not (is_value(path[-1]) or MISSING.search(parent.said)):
        return None
    is_refused = made.stage is Stage.TOKEN or not is_success(made.status or 0)
    is_other = made.said != parent.said and (
        _speaks_of(path[-1], made.said) or (value == PROBE and PROBE in made.said)
    )
    if not (is_other and (is_refused or made.code)):
        return None
    return Asked(path, on_the_way, made)


def is_answered(
    asked: Asked, change: Change, made: Seen, on_the_way: tuple[Change, ...] = ()
) -> bool:
    """Tell whether a change gives what was asked for a value that is taken."""
    path, value = change.values[0]
    if any(asked.name in str(each.values) for each in on_the_way if each not in asked.changes):
        return False  # something else stands under that name
    is_own = len(change.values) == 1 and "{" not in str(value)
    return path == asked.path and is_own and not _speaks_of(asked.name, made.said)


def _has_setting(name: str) -> bool:
    return bool(field_names.field_of(name)) or bool(_EVENT.fullmatch(name))


_EVENT = re.compile(r"events?(?:[_-]?(?:code|id))?", re.IGNORECASE)


def made_up(changes: tuple[Change, ...]) -> list[str]:
    """Return the names that have a value of which only is known that it is taken."""
    return [
        path[-1]
        for change in changes
        for path, value in change.values
        if value == PROBE and _is_place(path)
    ]


def consents(changes: tuple[Change, ...]) -> list[str]:
    """Return the names by which a call says that somebody agreed to something."""
    return [
        path[-1]
        for change in changes
        for path, value in change.values
        if value and path[:2] == ("fields", "constants") and re.search(_CONSENT, path[-1], re.I)
    ]


def told_plainly(connection: Connection, seen: Seen) -> Path | None:
    """Return where something is to be set that a refusal names with its place, or nothing.

    Its answer to any value may be the same, so that trials can't tell.
    """
    for pattern, section in _PLAINLY:
        for name in pattern.findall(seen.said):
            is_known = _IS_OTHERS.search(name) or is_standard(name) or _has_setting(name)
            is_known = is_known or name == connection.api_profile.name or "key" in name.lower()
            path = ("call", section, name)
            if not is_known and not value_at(connection.model_dump(mode="json"), path):
                return path
    return None


def _is_place(path: Path) -> bool:
    return path[:2] in _PLACES


_PLAINLY: Final = tuple(
    (re.compile(rf"\b{place} [\"'`]?([A-Za-z]\w*[-_.][\w.-]*\w)", re.IGNORECASE), section)
    for place, section in (
        (r"(?:set|send|add|include|provide|missing|required|request) (?:the )?header", "headers"),
        (r"(?:query|url) param(?:eter)?", "query"),
    )
)
_PLACES: Final = (
    ("call", "headers"),
    ("call", "query"),
    ("call", "body"),
    ("fields", "constants"),
    ("auth", "parameters"),
    ("token_call", "body"),
    ("token_call", "headers"),
    ("token_call", "query"),
)


def _paths(connection: Connection, seen: Seen, name: str) -> list[Path]:
    """Return where it may stand, the likeliest first."""
    if seen.stage is Stage.TOKEN:
        has_body = isinstance(connection.token_call.body, dict)
        inside = ("token_call", "body") if has_body else ("auth", "parameters")
        starts = [inside, ("token_call", "headers"), ("token_call", "query")]
    else:
        starts = [("call", "headers"), ("call", "query"), ("fields", "constants")]
        if not re.search(r"^x-|-|^accept", name, re.IGNORECASE):
            starts.reverse()
    said = seen.said.lower()
    words = {"headers": "header", "query": "query", "constants": "body"}
    if seen.stage is not Stage.TOKEN and isinstance(connection.call.body, dict):
        starts.insert(0, ("call", "body"))  # beside the record
    starts.sort(key=lambda start: words.get(start[1], "-") not in said)
    return [(*start, name) for start in starts]


def _put(path: Path, value: str) -> Change:
    given: Value = value
    return Change(((path, given),))


def told(said: str, name: str) -> list[str]:
    """Return the values that a refusal lists."""
    after = _told_after(said, name)
    if after:
        return [after]
    start = said.find(name) + len(name) if name in said else 0
    rest = next((found[1] for each in _TOLD if (found := each.search(said, start))), "")
    rest = _SENTENCE_END.split(rest)[0]
    values = _QUOTED.findall(rest) or _VALUE.findall(rest)
    kept = dict.fromkeys(each for each in values if each.lower() not in _NO_VALUES | {name.lower()})
    return [each for each in kept if "***" not in each][:_MOST_TOLD]


def _told_after(said: str, name: str) -> str:
    """Return the value that words tell to send with a name, or nothing."""
    for at in re.finditer(re.escape(name), said) if name else ():
        found = _TOLD_AFTER.match(said, at.end())
        if found and _SENT.search(said[: at.start()]) and found[1].lower() not in _NO_VALUES:
            return found[1]
    return ""


def _guesses(connection: Connection, name: str) -> list[str]:
    places = {**connection.places(), "environment": connection.environment}
    return [
        each.format_map(places)
        for pattern, values in _GUESSES
        if re.search(pattern, name, re.IGNORECASE)
        for each in values
    ]


def _speaks_of(name: str, said: str) -> bool:
    if name in said:
        return True
    lower = said.lower()
    return any(word.lower() in lower for word in _WORD.findall(name))
