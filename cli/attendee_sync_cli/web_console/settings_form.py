"""What forms for settings are made of, whatever they are the settings of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from attendee_sync_cli.settings.validation import SettingFault

type Kind = Literal["text", "area", "lines", "select", "tick", "ticks"]


@dataclass(frozen=True)
class FormField:
    """A field of a form: a setting, by its path, as a person enters it."""

    path: str
    label: str
    kind: Kind
    value: str | bool | Sequence[str]
    help: str
    fault: str
    options: Sequence[str] = ()


def fault_at(path: str, faults: Sequence[SettingFault], *, first: bool = False) -> str:
    """Return what is amiss with a setting or within it; of a section, beside its first field."""
    section = path.rpartition(".")[0]
    return "; ".join(
        told(fault)
        for fault in faults
        if fault.setting == path
        or fault.setting.startswith(f"{path}.")
        or (first and fault.setting == section)
    )


def told(fault: SettingFault) -> str:
    """Return a fault as it is told beside its field."""
    return f"Given {fault.given}; expected {fault.expected}." if fault.given else fault.expected


def value_at(members: Mapping[str, Any], path: str) -> Any:
    """Return what settings have at a path, or None if there is nothing."""
    name, _, rest = path.partition(".")
    value = members.get(name)
    if not rest:
        return value
    return value_at(value, rest) if isinstance(value, dict) else None
