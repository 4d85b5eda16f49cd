"""Dead letters as a file that can be mended and pushed again: JSON, newline-delimited JSON, CSV.

Beside its attributes each profile has `dead_letter`, an object that says why it is one. No mapping
reads it. Of what is no JSON object, that is all, with the text as it was pushed.
"""

import csv
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync.profile.bodies import UnreadableBodyError
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.profiles import profile_tables, shape

ENDINGS = (".csv", ".json", ".ndjson", ".jsonl")
WHY = "dead_letter"
_EMAIL = "email"
_AS_LINES = "no table holds that; export to a file whose name ends in .ndjson"


def why(dead_letter: DeadLetter) -> dict[str, str]:
    """Return whose a dead letter is, by ids, and why it is one: no personal data."""
    return {
        "id": dead_letter.id,
        "destination": dead_letter.message.destination,
        "sender": dead_letter.message.sender,
        "outcome": dead_letter.outcome,
        "reason": dead_letter.reason,
        "detail": dead_letter.detail,
        "status": dead_letter.status,
        "code": dead_letter.code,
        "answer": dead_letter.answer,
        "time": console.moment_of(dead_letter.failed_at),
    }


def content(dead_letters: Sequence[DeadLetter], ending: str) -> bytes:
    """Return the content of a file with dead letters, in the order in which they were accepted.

    Raises FailureError if a table can't hold one of them.
    """
    ordered = sorted(dead_letters, key=_order)
    profiles = [_profile(each) for each in ordered]
    if ending == ".csv":
        return _csv(profiles)
    if ending == ".json":
        return f"{json.dumps(profiles, indent=2)}\n".encode()
    return "".join(f"{json.dumps(each)}\n" for each in profiles).encode()


def _order(dead_letter: DeadLetter) -> tuple[int, str, int]:
    version, index = dead_letter.message.version, dead_letter.message.index
    return version.accepted_at, version.sequence, int(index) if index.isdecimal() else 0


def _profile(dead_letter: DeadLetter) -> dict[str, Any]:
    told = {name: text for name, text in why(dead_letter).items() if text}
    body = dead_letter.message.body
    try:
        profile = json.loads(body)
    except (ValueError, RecursionError):
        profile = None
    if not isinstance(profile, dict):
        return {WHY: {**told, "text": body}}
    return {WHY: told, **{name: each for name, each in profile.items() if name != WHY}}


def _csv(profiles: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a table of profiles, with the mark by which Excel knows UTF-8."""
    rows = [dict(_cells(profile, (), profile[WHY]["id"])) for profile in profiles]
    names = sorted(dict.fromkeys(name for row in rows for name in row), key=_is_attribute)
    if not any(map(_is_for_email, names)):
        names.append(_EMAIL)  # what is missing is filled in there
    _check(names)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, names)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode("utf-8-sig", "backslashreplace")


def _check(names: Sequence[str]) -> None:
    """Raise FailureError, with two names that differ, if a table can't have columns so called."""
    if _makes_table(names):
        return
    pairs = itertools.combinations(names, 2)
    two = next((each for each in pairs if not _makes_table(each)), ())
    such = f", such as {' and '.join(map(shape.name_of, two))}" if two else ""
    raise FailureError(
        f"They spell or nest their attributes in different ways{such}: {_AS_LINES}, or fewer of "
        "them: --destination and --reason choose."
    )


def _makes_table(names: Sequence[str]) -> bool:
    try:
        profile_tables.paths_of("the header", names)
    except UnreadableBodyError:
        return False
    return True


def _is_for_email(name: str) -> bool:
    return any(map(profile_tables.is_email_name, (name, name.partition(".")[0])))


def _is_attribute(name: str) -> bool:
    return not name.startswith(f"{WHY}.")


def _cells(value: Any, path: profile_tables.Path, dead_letter_id: str) -> list[tuple[str, str]]:
    """Return the cells of a profile by their columns: what reading the table makes it of again."""
    name = ".".join(path)
    if isinstance(value, Mapping):
        return [
            cell
            for step, each in value.items()
            for cell in _cells(each, (*path, step), dead_letter_id)
        ]
    if value is None or value == "":
        return []
    if isinstance(value, list) or profile_tables.path_of(name) != path:
        raise FailureError(f"Dead letter {dead_letter_id} has a list or an odd name: {_AS_LINES}.")
    return [(name, value if isinstance(value, str) else json.dumps(value))]
