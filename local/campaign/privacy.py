"""A scan of all that the stack writes down for what could tell who somebody is."""

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from local.campaign.marked_people import words_in
from local.machine.stack import LocalStack

_ADDRESS = re.compile(r"[^\s@\"'<>]@[^\s@\"'<>]+\.\w")


@dataclass(frozen=True)
class Leak:
    """A place where something stands that should not, and how many such things; not what."""

    place: str
    words: int
    addresses: int

    def __str__(self) -> str:
        return f"{self.place}: {self.words} words, {self.addresses} addresses"


def written(
    stack: LocalStack, since: float, dead_letters: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return all that was written down since an epoch time, by place.

    These are the log lines of all functions, with the metrics among them, and of the API; the
    ledger's items; and dead letters without their bodies, which hold the profile.
    """
    texts = {group: "\n".join(stack.logs(group, since)) for group in stack.log_groups()}
    texts["ledger"] = json.dumps(stack.ledger(), ensure_ascii=False)
    texts["dead letters"] = json.dumps(
        [{name: part for name, part in each.items() if name != "Body"} for each in dead_letters],
        ensure_ascii=False,
    )
    return texts


def leaks(texts: dict[str, str], words: Set[str]) -> list[Leak]:
    """Return where a word of somebody, or an e-mail address of anybody, stands."""
    found = [
        Leak(place, len(words_in(text) & words), len(_ADDRESS.findall(text)))
        for place, text in texts.items()
    ]
    return [leak for leak in found if leak.words or leak.addresses]
