"""What settings were before, who changed them, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Change:
    """A version of settings, and the paths of those that it changed."""

    version: SettingVersion
    paths: Sequence[str]

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        return {
            "version": self.version.number,
            "stored_at": console.moment(self.version.stored_at.timestamp()),
            "stored_by": self.version.stored_by,
            "changed": list(self.paths),
            "settings": secret_texts.without(setting_changes.parsed(self.version.text)),
        }


def changes(versions: Sequence[SettingVersion], model: type[BaseModel]) -> list[Change]:
    """Return versions of settings, the oldest first, with what each changed."""
    return [
        Change(after, _changed(before, after, model))
        for before, after in pairwise([None, *versions])
        if after
    ]


def show(history: Sequence[Change], *, as_json: bool) -> None:
    """Show versions of settings, the oldest first, with what each changed."""
    if as_json:
        console.document([each.document() for each in history])
        return
    if not history:
        console.say(_UNCHANGED)
        return
    console.table(
        ["version", "stored", "by", "changed"],
        [
            [
                str(each.version.number),
                console.moment(each.version.stored_at.timestamp()),
                console.plain(each.version.stored_by),
                ", ".join(each.paths),
            ]
            for each in history
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
