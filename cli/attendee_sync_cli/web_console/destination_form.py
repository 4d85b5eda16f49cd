"""A destination's settings as a form, in the order and words of Adobe's own, and back."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData

from attendee_sync import attendee
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import audience_filter, descriptions, setting_changes
from attendee_sync_cli.settings.validation import SettingFault
from attendee_sync_cli.web_console import page
from attendee_sync_cli.web_console.settings_form import FormField, Kind, fault_at, value_at

MAPPING: Final = "mapping"  # a table of its own
MAPPING_HELP: Final = descriptions.description(Destination, MAPPING)
_BLANK_ROWS = 3
# By what a row of the mapping says: as people read it. Nothing: no row of the settings.
WAYS: Final[Mapping[str, str]] = {
    "": "its usual names",
    "overwrite": "an expression",
    "clear_on_null": "an expression; null blanks",
    "constant": "a constant text",
    "omit": "nothing: never sent",
}


@dataclass(frozen=True)
class MappingRow:
    """Where an attendee field comes from."""

    field: str
    is_known: bool  # one of RainFocus's, or of the destination's own
    write: str  # of WAYS
    value: str
    fault: str


@dataclass(frozen=True)
class Section:
    """A part of the form."""

    title: str
    fields: Sequence[FormField]
    rows: Sequence[MappingRow] = ()


@dataclass(frozen=True)
class _Spec:
    path: str
    label: str
    kind: Kind
    help: str = ""  # behind the setting's own


_A_LINE = "One on each line."
_AUDIENCES = "audiences"  # a part of the filter
_AUDIENCES_HELP = (
    "Send only members of these audiences: the id of one on each line, as AEP shows it. Empty: "
    "the filter alone decides."
)
_SECTIONS: Final[Mapping[str, Sequence[_Spec]]] = {
    "Authenticate": (_Spec("connection", "Account (connection)", "select"),),
    "Destination details": (
        _Spec("name", "Name", "text"),
        _Spec("description", "Description", "text"),
        _Spec("event_code", "Event ID (event code)", "text"),
    ),
    "Mapping and identity": (
        _Spec("names", "More names", "lines", "On each line FIELD: NAME, such as zip: Postfach."),
        _Spec("not_normalised", "Not normalised", "ticks"),
        _Spec("email_falls_back", "E-mail address from the usual places", "tick"),
        _Spec("hashes.only", "Who has a hash alone", "select"),
        _Spec("hashes.field", "Field for a hash", "text"),
        _Spec("profiles_at", "Where the profiles are", "text"),
    ),
    "Audiences": (
        _Spec(_AUDIENCES, "Audiences", "lines"),
        _Spec("filter", "Filter", "area"),
        _Spec("exits.action", "Who leaves the audiences", "select"),
        _Spec("exits.fields", "Fields that are set then", "lines", "On each line FIELD: VALUE."),
    ),
    "Governance and consent": (
        _Spec("required_consents", "Required consents", "lines", _A_LINE),
        _Spec("marketing_actions", "Marketing actions", "ticks"),
        _Spec("labels", "Data usage labels", "lines", "On each line FIELD: LABEL, LABEL."),
        _Spec("policies", "Policies", "lines", "On each line ACTION: LABEL, LABEL."),
    ),
}
# Of settings.
_SPECS = [each for specs in _SECTIONS.values() for each in specs if each.path != _AUDIENCES]
_LISTED = frozenset({"labels", "policies"})  # several on a line
_DEFAULTS: Final[Mapping[str, Any]] = {
    **Destination(event_code="-").model_dump(mode="json"),
    "event_code": "",  # it has none
}


def sections(
    members: Mapping[str, Any], faults: Sequence[SettingFault], connections: Sequence[str]
) -> list[Section]:
    """Return the form for settings as they are stored, valid or not, with their faults."""
    return [
        Section(
            title,
            [_field(spec, members, faults, connections) for spec in specs],
            rows(members, faults) if title == "Mapping and identity" else (),
        )
        for title, specs in _SECTIONS.items()
    ]


def settings_in(form: FormData) -> dict[str, Any]:
    """Return the settings that a form says, without those that are their defaults.

    Raises FailureError if a field is mapped twice, or an audience's id can't be one.
    """
    found: dict[str, Any] = {}
    for spec in _SPECS:
        value = _filter(form) if spec.path == "filter" else _read(spec, form)
        if value != value_at(_DEFAULTS, spec.path):
            found = setting_changes.put(found, spec.path.split("."), value)
    found.setdefault("event_code", "")
    mapping = mapping_in(form)
    return found | ({MAPPING: mapping} if mapping else {})


# --- settings as fields ---


def _field(
    spec: _Spec,
    members: Mapping[str, Any],
    faults: Sequence[SettingFault],
    connections: Sequence[str],
) -> FormField:
    stored = value_at(_as_entered(members), spec.path)
    if spec.path == _AUDIENCES:
        return FormField(_AUDIENCES, spec.label, "lines", stored, _AUDIENCES_HELP, "")
    value = value_at(_DEFAULTS, spec.path) if stored is None else stored
    told = descriptions.description(Destination, spec.path)
    return FormField(
        spec.path,
        spec.label,
        spec.kind,
        _shown(spec, value),
        f"{told} {spec.help}".strip(),
        fault_at(spec.path, faults, first=spec.path in ("hashes.only", "exits.action")),
        _options(spec, value, connections),
    )


def _as_entered(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings with the filter taken apart, as far as it can be."""
    text = members.get("filter")
    audiences, condition = audience_filter.taken_apart(text if isinstance(text, str) else "")
    shown = condition if isinstance(text, str) else text
    return {**members, _AUDIENCES: "\n".join(audiences), "filter": shown}


def _options(spec: _Spec, value: object, connections: Sequence[str]) -> Sequence[str]:
    match spec.path:
        case "connection":
            known = list(connections)
        case "not_normalised":
            return [name for name in sorted(attendee.FIELDS) if name != "email"]
        case _:
            known = list(descriptions.choices(Destination, spec.path))
    # What is stored and not known is there too: another may not be chosen by itself.
    is_other = spec.kind == "select" and isinstance(value, str) and value not in known
    return [*known, value] if is_other and isinstance(value, str) else known


def _shown(spec: _Spec, value: Any) -> str | bool | Sequence[str]:
    if spec.kind == "tick":
        return bool(value)
    if spec.kind == "ticks":
        return [str(each) for each in value] if isinstance(value, list) else []
    if spec.kind == "lines":
        return "\n".join(_lines(value, several=spec.path in _LISTED))
    return "" if value is None else str(value)


def _lines(value: Any, *, several: bool) -> Iterator[str]:
    if isinstance(value, list):
        yield from map(str, value)
    elif isinstance(value, dict):
        for name, each in value.items():
            texts = [str(one) for one in each] if isinstance(each, list) else [str(each)]
            yield from (f"{name}: {one}" for one in ([", ".join(texts)] if several else texts))


def rows(members: Mapping[str, Any], faults: Sequence[SettingFault]) -> list[MappingRow]:
    """Return where each attendee field comes from, and rows for further ones."""
    mapped = members.get(MAPPING)
    rules = mapped if isinstance(mapped, dict) else {}
    own = [name for name in rules if name not in attendee.FIELDS]
    known = [_row(name, rules.get(name), faults) for name in [*sorted(attendee.FIELDS), *own]]
    return known + [MappingRow("", is_known=False, write="", value="", fault="")] * _BLANK_ROWS


def _row(name: str, rule: Any, faults: Sequence[SettingFault]) -> MappingRow:
    given = {"value": rule} if isinstance(rule, str) else rule
    members = given if isinstance(given, dict) else {}
    write = str(members.get("write", "overwrite")) if given is not None else ""
    fault = fault_at(f"{MAPPING}.{name}", faults)
    return MappingRow(name, name in attendee.FIELDS, write, str(members.get("value", "")), fault)


# --- and back ---


def _read(spec: _Spec, form: FormData) -> Any:
    if spec.kind == "tick":
        return spec.path in form
    if spec.kind == "ticks":
        return [each for each in form.getlist(spec.path) if isinstance(each, str)]
    if spec.kind != "lines":
        text = _text(form, spec.path).strip()
        return text or (None if value_at(_DEFAULTS, spec.path) is None else "")
    lines = [line for line in _text(form, spec.path).split("\n") if line.strip()]
    if isinstance(value_at(_DEFAULTS, spec.path), list):
        return [line.strip() for line in lines]
    pairs = [(name.strip(), value) for name, _, value in (line.partition(":") for line in lines)]
    if spec.path == "exits.fields":
        return {name: value.removeprefix(" ") for name, value in pairs}
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        several = value.split(",") if spec.path in _LISTED else [value]
        grouped.setdefault(name, []).extend(each.strip() for each in several if each.strip())
    return grouped


def _filter(form: FormData) -> str | None:
    condition = _text(form, "filter").strip()
    try:
        return audience_filter.combined(_text(form, _AUDIENCES).split(), condition) or None
    except ValueError as error:
        raise FailureError(f"Audiences: {error}.") from None


def mapping_in(form: FormData) -> dict[str, Any]:
    """Return the mapping that a form says. Raises FailureError if a field is mapped twice."""
    found: dict[str, Any] = {}
    for n in itertools.takewhile(lambda n: f"mapping.{n}.field" in form, itertools.count()):
        name = page.field(form, f"mapping.{n}.field")
        write, value = page.field(form, f"mapping.{n}.write"), _text(form, f"mapping.{n}.value")
        rule = _rule(write, value)
        if rule is None:
            continue
        if name in found:
            raise FailureError(f"The field {name} is mapped twice.")
        found[name] = rule
    return found


def _rule(write: str, value: str) -> object:
    """Return a rule as settings have it; None where the usual names count."""
    if not write and not value.strip():
        return None
    if write in ("", "overwrite"):
        return value.strip()
    if write == "omit" and not value.strip():
        return {"write": write}
    return {"value": value, "write": write}


def _text(form: FormData, name: str) -> str:
    """Return a field's text with the line breaks that settings have."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
