"""What settings were before, who changed them, and the way back."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import secret_texts, setting_changes, validation
from attendee_sync_cli.stack.stack import TEMPLATE, SettingVersion

HistoricVersion = Annotated[
    str, typer.Argument(metavar="VERSION", help="What `history` shows: a number, or `template`.")
]
_UNCHANGED = "Nobody changed it since it was deployed."


def show(versions: Sequence[SettingVersion], model: type[BaseModel], *, as_json: bool) -> None:
    """Show versions of settings, the oldest first, with what each changed."""
    changed = [
        _changed(before, after, model) for before, after in pairwise([None, *versions]) if after
    ]
    if as_json:
        pairs = zip(versions, changed, strict=True)
        console.document([_document(version, paths) for version, paths in pairs])
        return
    if not versions:
        console.say(_UNCHANGED)
        return
    console.table(
        ["version", "stored", "by", "changed"],
        [
            [
                str(version.number),
                console.moment(version.stored_at.timestamp()),
                console.plain(version.stored_by),
                ", ".join(paths),
            ]
            for version, paths in zip(versions, changed, strict=True)
        ],
    )


def text_of(versions: Sequence[SettingVersion], wanted: str) -> str:
    """Return the settings of a version. Raises FailureError if there is none of that number."""
    if not versions:
        raise FailureError(_UNCHANGED)
    found = [each.text for each in versions if str(each.number) == wanted]
    if not found:
        known = ", ".join(str(each.number) for each in versions)
        raise FailureError(f"There is no version {wanted}; there are: {known}.")
    return found[0]


def _changed(
    before: SettingVersion | None, after: SettingVersion, model: type[BaseModel]
) -> list[str]:
    """Return the paths of the settings that a version changed, as far as what was before is known.

    After the template's comes version 1, unless SSM has dropped that one.
    """
    if before is None or (before.number == TEMPLATE and after.number != 1):
        return []
    read = validation.read(model, after.text)
    if isinstance(read, list):
        return ["not valid"]
    return [path for path, *_ in setting_changes.changes(before.text, read)]


def _document(version: SettingVersion, changed: Sequence[str]) -> dict[str, Any]:
    return {
        "version": version.number,
        "stored_at": console.moment(version.stored_at.timestamp()),
        "stored_by": version.stored_by,
        "changed": changed,
        "settings": secret_texts.without(setting_changes.parsed(version.text)),
    }
