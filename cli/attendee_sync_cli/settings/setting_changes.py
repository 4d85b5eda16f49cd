"""Settings as they are stored: read from a file, compared with what is there, and shown."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import secret_texts, validation
from attendee_sync_cli.stack.stack import MAX_PARAMETER_BYTES

STORED = "Stored. The functions take it up within a minute."
NOTHING = "Nothing changes."
KEPT_CONNECTION = (
    "Deploys keep this: Environment, OrgId, BaseUrl and TokenUrl of the template no longer count."
)
STDIN = "<stdin>"  # the name of standard input
NewSettings = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE | KEY=VALUE...",
        help="JSON with all settings (- is standard input), or settings to change.",
    ),
]


def new_settings(
    given: Sequence[str], stored: str | None, model: type[BaseModel], *, yes: bool
) -> str:
    """Return the settings that a file holds, or those that are stored with some changed, or none.

    Raises typer.BadParameter or FailureError for what is neither a file nor such changes.
    """
    if len(given) == 1 and "=" not in given[0]:
        return _from_path(given[0], yes=yes)
    return _with_values(stored, given, model)


def _from_path(path: str, *, yes: bool) -> str:
    """Return the text of a file with settings by its path, `-` for standard input."""
    if path == "-" and not yes:
        raise typer.BadParameter("with - there is nobody to ask: add --yes")
    try:
        return (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
    except UnicodeDecodeError:
        raise FailureError("The settings are not UTF-8 text.") from None
    except OSError:
        raise typer.BadParameter("no such file, and no KEY=VALUE") from None


def _with_values(stored: str | None, assignments: Sequence[str], model: type[BaseModel]) -> str:
    """Return settings as JSON in which each `path=value` is set.

    A value is JSON, or else a text; `null` brings the default back where null is no value.
    Raises typer.BadParameter for what is no assignment.
    """
    document = parsed(stored or "{}")
    for each in assignments:
        path, is_one, value = each.partition("=")
        if not is_one or not path.strip("."):
            raise typer.BadParameter("expected FILE alone, or KEY=VALUE")
        document = _with_value(document, path.strip().split("."), value, model)
    return json.dumps(document)


def _with_value(
    document: Mapping[str, Any], path: Sequence[str], value: str, model: type[BaseModel]
) -> dict[str, Any]:
    """Return settings with one that is set: as the JSON that its value is if that is valid."""
    try:
        changed = put(document, path, json.loads(value))
    except (ValueError, RecursionError):
        return put(document, path, value)
    read = validation.read(model, json.dumps(changed))
    name = ".".join(path)
    if not isinstance(read, list) or not any(each.setting.startswith(name) for each in read):
        return changed
    if value == "null":
        return put(document, path, None, remove=True)
    return changed if value[:1] in ("[", "{") else put(document, path, value)


def put(
    document: Mapping[str, Any], path: Sequence[str], value: object, *, remove: bool = False
) -> dict[str, Any]:
    """Return settings in which the one at a path has another value, or none any more."""
    name, *rest = path
    if not rest:
        others = {key: each for key, each in document.items() if key != name}
        return others if remove else others | {name: value}
    section = document.get(name)
    inner = section if isinstance(section, dict) else {}
    return {**document, name: put(inner, rest, value, remove=remove)}


def reset(before: str | None, after: BaseModel) -> list[str]:
    """Return the settings that were set and are not any more, so that the default counts."""
    given = _flat(after.model_dump(mode="json", exclude_unset=True))
    return [path for path in _flat(parsed(before or "{}")) if path not in given]


def compact(text: str) -> str:
    """Return settings as they are stored. Raises FailureError if they are too long for that."""
    text = json.dumps(json.loads(text), ensure_ascii=False)
    if len(text.encode()) > MAX_PARAMETER_BYTES:
        raise FailureError(f"The settings take more than {MAX_PARAMETER_BYTES} bytes.")
    return text


def ask(what: str, changes: Sequence[Sequence[str]], *, is_new: bool, yes: bool) -> None:
    """Show what changes, and go on only if that is wanted."""
    console.say(f"{what} is new:" if is_new else f"{what} changes:")
    console.table(["setting", "from", "to"], changes)
    if not yes:
        typer.confirm("Store this?", abort=True)


def digest(text: str | None) -> str:
    """Return by what it is told whether stored settings are still the same; empty for none."""
    return hashlib.sha256(text.encode()).hexdigest() if text is not None else ""


def expect_unchanged(text: str | None, known: str) -> None:
    """Raise FailureError if stored settings are not those of a digest any more."""
    if digest(text) != known:
        raise FailureError(
            "Somebody else has stored these settings meanwhile, so that nothing was stored. Open "
            "them again."
        )


def parsed(text: str) -> dict[str, Any]:
    """Return the members of a JSON object, or none if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def rows(settings: BaseModel, given: Mapping[str, Any]) -> list[list[str]]:
    """Return path, value and origin of every setting; `given` are those that are stored."""
    paths = _flat(given)
    return [
        [path, _value(value), "set" if path in paths else "default"]
        for path, value in _flat(settings.model_dump(mode="json")).items()
    ]


def changes(before: str | None, after: BaseModel) -> list[list[str]]:
    """Return path, old and new value of every setting that changes, defaults included."""
    if before is None:
        given = _flat(after.model_dump(mode="json", exclude_unset=True))
        return [[path, "", _value(value)] for path, value in given.items()]
    read = validation.read(type(after), before)
    old = _flat(parsed(before) if isinstance(read, list) else read.model_dump(mode="json"))
    new = _flat(after.model_dump(mode="json"))
    return [
        [path, _value(old.get(path)), _value(new.get(path))]
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path) and not _is_section(path, old, new)
    ]


def _is_section(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether it is empty in the one and told by its members in the other."""
    is_empty = {} in (old.get(path), new.get(path))
    return is_empty and any(each.startswith(f"{path}.") for each in (*old, *new))


def shown_changes(before: str | None, after: BaseModel) -> list[list[str]]:
    """Return what changes, as people may see it: nothing old that looks like a secret."""
    hidden = secret_texts.paths_of(parsed(before or "{}"))
    return [
        [path, secret_texts.SHOWN if path in hidden else old, new]
        for path, old, new in changes(before, after)
    ]


def document(changes: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Return what changes for programs."""
    return [{"setting": path, "from": before, "to": after} for path, before, after in changes]


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by their paths, such as auth.client_auth."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        if isinstance(each, dict) and each:
            found |= _flat(each, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = sorted(each, key=str) if isinstance(each, list) else each
    return found


def _value(value: object) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "(none)"
    if value in ("", {}):
        return "(empty)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
