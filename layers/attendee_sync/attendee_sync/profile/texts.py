"""Texts: which of them stand for a value, and which for none, a salutation or a role.

Imports the standard library alone, since ingest uses it.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any, Final

from attendee_sync.profile import names
from attendee_sync.profile.names import Entry

_LONGEST_NAME = 100

_NOTHING: Final = (
    *("", "null", "undefined", "n/a", "none", "nil", "(null)", "(none)", "(not set)", "not set"),
    *("(empty)", "<null>", "#n/a", "not provided", "not available", "[object object]", "n.a."),
    *("n.a", "n. a.", "k.a.", "keine angabe", "not applicable", "unknown", "(unknown)"),
    *("[not provided]", "[not specified]", "[unknown]", "[none]", "[empty]", "[null]", "[blank]"),
    *("not specified", "(not specified)", "(not provided)", "no value", "(no value)", "(blank)"),
    # What spreadsheets show for a formula that failed.
    *("keine", "kein", "entfällt", "nicht angegeben", "nicht zutreffend", "aucun", "aucune"),
    *("néant", "non renseigné", "non renseignée", "non communiqué", "sans objet", "ninguno"),
    *("ninguna", "sin datos", "no aplica", "no disponible", "nessuno", "nessuna", "não informado"),
    *(
        "não se aplica",
        "nenhum",
        "nenhuma",
        "geen",
        "n.v.t.",
        "nvt",
        "niet van toepassing",
        "ingen",
    ),
    *("inget", "ikke oppgitt", "brak", "nie dotyczy", "není", "nincs", "yok", "belirtilmemiş"),
    *(
        "нет",
        "не указано",
        "не указана",
        "нет данных",
        "なし",
        "無し",
        "未記入",
        "該当なし",
        "无",
        "無",
    ),
    *("暂无", "없음", "해당 없음", "tbd", "tba", "n/d", "s/o", "s/n"),
    *("#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!", "#error!"),
)
# Texts that stand for no value. "Nan" and "Na" are names, and NA is Namibia.
_NO_VALUES: Final = frozenset(
    {
        "nan",
        "NaN",
        "\\N",
        "keine Angabe",
        "k. A.",
        "k.A.",
        "k. a.",
        "o. A.",
        "N.v.t.",
    }  # the last as MySQL and PostgreSQL export it
    | {spell(text) for text in _NOTHING for spell in (str, str.upper, str.capitalize, str.title)}
    | {text[0] + text[1:].capitalize() for text in _NOTHING if text.startswith(("(", "["))}
)
_LONGEST_NO_VALUE = 20
_LONGEST_ROLE = 30
# Dashes alone, or the unfilled field of a template.
_UNFILLED = re.compile(
    r"[-\u2013\u2014._?/ ]+|\{\{[^{}]*\}\}|%%[^%]*%%|%[A-Za-z][\w .-]*%|\*\|[^|]*\|\*"
    r"|[$@#]\{[^{}]*\}|\[\[[^\[\]]*\]\]|<<[^<>]*>>"
)
_UNFILLED_BEGINS: Final = frozenset("-\u2013\u2014._?/*{%$@#[< \t\r\n\v\f\u00a0")
# Words of printable ASCII with one blank between, of which the first is no such dash or field.
_PLAIN_LINES = re.compile(r"(?:[!\"&-)+,0-;=>A-Z\\\]^`a-z|-~][!-~]*+(?: [!-~]++)*+\n)*+")
_MOST_PLAIN = 2_000  # characters in all
_SALUTATIONS: Final = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "madam", "herr", "frau"}
    | {"hr", "fr", "drmed", "dring", "profdr", "mme", "mlle", "m", "mm", "monsieur", "madame"}
    | {"mademoiselle", "sr", "sra", "srta", "senor", "senora", "senorita", "don", "dona", "sig"}
    | {"sigra", "signor", "signora", "dott", "dottssa", "dhr", "mevr", "mevrouw", "deheer"}
    | {"herrn", "fru", "froken", "pan", "pani", "phd", "divers", "mrms", "messrs", "rev", "hon"}
)

# What is somebody's role in an application or at an event, and no job title.
_ROLES: Final = frozenset(
    {"attendee", "customer", "guest", "member", "participant", "registrant", "subscriber", "user"}
    | {"users", "viewer"}
)
# Likewise under a name of roles, beside those and with what may stand around one.
_SURE_ROLES: Final = _ROLES | {
    *("admin", "administrator", "agent", "anonymous", "applicant", "authenticated", "author"),
    *("billing", "collaborator", "contact", "contributor", "delegate", "editor", "exhibitor"),
    *("host", "learner", "moderator", "organiser", "organizer", "owner", "panelist"),
    *("player", "press", "public", "readonly", "root", "shopmanager", "speaker", "sponsor"),
    *("staff", "student", "superadmin", "superuser", "vip", "visitor", "volunteer"),
}
_AROUND_ROLES: Final = frozenset(
    {"account", "app", "basic", "default", "end", "event", "external", "global", "internal", "org"}
    | {"only", "organization", "primary", "project", "read", "registered", "role", "roles", "shop"}
    | {"site", "standard", "super", "system", "team", "tenant", "workspace"}
)


def is_text(text: str) -> bool:
    """Tell whether a text stands for a value."""
    if text in _NO_VALUES:
        return False
    if text[0] not in _UNFILLED_BEGINS and not text[-1].isspace():
        return True
    bare = text.strip()
    if bare in _NO_VALUES:
        return False
    return bare[0] not in _UNFILLED_BEGINS or not (_UNFILLED.fullmatch(bare) or _is_field(bare))


def _is_field(text: str) -> bool:
    """Tell whether a text is the name of a field in square brackets, such as `[First Name]`."""
    is_in_brackets = text[0] == "[" and text[-1] == "]" and len(text) <= _LONGEST_NAME
    return is_in_brackets and names.fold(text) in names.standard().words


def _has_address(text: str) -> bool:
    """Tell whether a word of a text is like an e-mail address, as in a label of Campaign's."""
    return "@" in text and any("." in word.partition("@")[2] for word in text.split())


def _is_role(text: str, entry: Entry) -> bool:
    if len(text) > _LONGEST_ROLE:
        return False
    found = {*names.words(text)}
    known = _SURE_ROLES if entry.is_role else _ROLES
    return not found.isdisjoint(known) and found <= known | _AROUND_ROLES


@functools.lru_cache(maxsize=1_024)
def is_salutation(text: str) -> bool:
    """Tell whether a text is how somebody is addressed, such as `Dr.`, and no job title."""
    return len(text) <= _LONGEST_NO_VALUE and names.fold(text) in _SALUTATIONS


def is_title(text: str, entry: Entry) -> bool:
    """Tell whether a text under a name of job titles is one."""
    if is_salutation(text):
        return False
    is_sure = not (entry.is_weak or entry.is_role)
    return is_sure or not (_is_role(text, entry) or _has_address(text))


def are_plain(values: Sequence[Any]) -> bool:
    """Tell of most texts that they stand for values and need no tidying, in little time."""
    try:
        lines = "\n".join(values) + "\n"
    except TypeError:  # one is no text
        return False
    return (
        len(lines) <= _MOST_PLAIN
        and _PLAIN_LINES.fullmatch(lines) is not None
        and lines.count("\n") == len(values)
        and ".0\n" not in lines
        and ":" not in lines  # of phone numbers it may follow a word for one
        and _NO_VALUES.isdisjoint(values)
    )
