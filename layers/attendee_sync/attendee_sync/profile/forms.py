"""Forms: bodies as browsers and older webhooks send them, `name=value&…`.

Imports the standard library alone, since ingest uses it.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 1_000
_DEEPEST: Final = 8  # names within each other
_INNER = re.compile(r"\[([^\[\]]*)\]")

type _Json = dict[str, Any]


def read(body: str) -> _Json:
    """Return the fields of a form as one object; what has a name twice is a list.

    Names in brackets are within others, as PHP has it: of `data[merges][FNAME]=Ada` the object
    `{"data": {"merges": {"FNAME": "Ada"}}}`. Raises ValueError for more fields than are taken.
    """
    found: _Json = {}
    fields = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    for name, value in fields:
        outer, bracket, _ = name.partition("[")
        path = [outer, *_INNER.findall(name)] if outer and bracket else [name]
        _put(found, [each for each in path if each][:_DEEPEST] or [name], value)
    return found


def _put(members: _Json, path: list[str], value: str) -> None:
    for name in path[:-1]:
        inner = members.setdefault(name, {})
        if not isinstance(inner, dict):  # the name is a field's, too
            return _put(members, [".".join(path)], value)
        members = inner
    known = members.get(path[-1])
    if known is None:
        members[path[-1]] = value
    elif isinstance(known, list):
        known.append(value)
    else:
        members[path[-1]] = [known, value]
    return None
