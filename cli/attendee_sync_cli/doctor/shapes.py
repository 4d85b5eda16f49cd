"""Shapes of a call that refusals tell: by paths such as attendee.email, elements, documents."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from attendee_sync.attendee import FIELDS
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import field_names
from attendee_sync_cli.doctor.answers import MISSING, Seen
from attendee_sync_cli.doctor.changes import Change, Path, Value, as_header, as_names, both, of

_TELLING: Final = ("id", "code", "key", "ref", "slug", "externalid", "name", "number")
_SEGMENT = re.compile(r"[^.\[\]/]+")
_UNWANTED = re.compile(
    r"not (?:permitted|allowed|recogni[sz]ed|defined)|\bextra|unrecogni[sz]ed|could not be mapped"
    r"|(?:unknown|unexpected|no such|additional|undefined|cannot find|unsupported) (?:\w+ )?"
    r"(?:field|propert|name|key|parameter|column|attribute|member|argument|element|input)",
    re.IGNORECASE,
)
_PLACEABLE = re.compile(r"[A-Za-z0-9_.-]{1,50}")
# https://spec.graphql.org/October2021/#sec-Language.Operations
_GRAPHQL = re.compile(r"\b(?:mutation|query)(?: \w+)?\s*\(\s*\$(\w+)[^{}]{0,300}\{.{1,400}\}", re.S)
_RPC_METHOD = re.compile(r"method(?: is| must be)?[\s:=]*[\"'`]([A-Za-z][\w./-]{1,60})")
_ELEMENT = re.compile(
    r"(?:element|operation|action|root|message|request)s?(?: (?:is|must be|named|called))?\W{1,3}"
    r"(?:\{[^}]*\})?([A-Za-z]\w{2,60})"
    r"|must be ([A-Z][a-z]+[A-Z]\w{1,50})"
)
_XML_TYPE = re.compile(r"(?:text|application)/(?:[\w.-]+\+)?xml")
_SOAP: Final = (  # namespaces of 1.1 and 1.2, which W3C gives
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
)
_NO_ELEMENTS = re.compile(
    r"the|and|for|with|content|envelope|body|header|missing|invalid|xml|soap|must|named|is", re.I
)
_ROOTS: Final = ("attendee", "request")


def leaf(name: str) -> str:
    """Return the last part of a name such as attendee.email or attendee[email]."""
    parts = _SEGMENT.findall(name)
    return parts[-1] if parts else name


def of_names(connection: Connection, names: Sequence[str]) -> Iterator[Change]:
    """Yield the shape that all names of a refusal make together."""
    flat = {field: name for name in names if "[" in name and (field := _field(name))}
    if flat:
        yield as_names(flat)
    paths = [tuple(_SEGMENT.findall(each)) for each in names]
    inner = [path for path in paths if len(path) > 1]
    if not inner:
        yield from _flat(connection, names)
        return
    events = [path for path in inner if _is_event(path)]
    if events and (template := _with_event(connection, events[0], inner)):
        yield template
    wrapper = Counter(path[:-1] for path in inner).most_common(1)[0][0]
    within = [path[-1] for path in inner if path[:-1] == wrapper]
    beside = [path[0] for path in paths if len(path) == 1 and path[0] not in wrapper]
    if _at(connection.call.body, wrapper) == "{record}":  # already, maybe with more beside it
        yield from [both(*named)] if (named := _named(within)) else []
        return
    likely = [name for name in beside if _field(name) or "event" in name.lower()]
    body = {name: _beside(name) for name in likely or beside[:1]}
    body[wrapper[0]] = _nested(wrapper[1:])
    plain = [of("body.kind", "json")] * (connection.body.kind == "wrapped")
    yield both(of("call.body", body), *_named(within), *plain)
    for path in inner:  # the last of it may hold the record, too
        if not _is_event(path) and not _field(path[-1]):
            yield both(of("call.body", _nested(path)), *plain)


def of_flat_names(connection: Connection, names: Sequence[str], said: str) -> Iterator[Change]:
    """Yield what is likeliest of names without a path: other names of the event and of fields."""
    plain = [name for name in names if len(_SEGMENT.findall(name)) == 1]
    known = {connection.fields.names.get(each, each) for each in FIELDS} | {connection.event.key}
    made = _named([name for name in plain if name not in known and MISSING.search(said)])
    if len(made) > 1:
        yield both(*made)
    yield from made


def _is_event(path: Sequence[str]) -> bool:
    """Tell whether a path ends with an event, or with what tells one, such as event.id."""
    is_event = "event" in path[-1].lower() and not _field(path[-1])
    is_in_event = "event" in "".join(path[-2:-1]).lower() and path[-1].lower() in _TELLING
    return is_event or is_in_event


def _with_event(
    connection: Connection, event: Sequence[str], inner: Sequence[Sequence[str]]
) -> Change | None:
    """Return the body with the event at a path, and the record where others have it."""
    others = [path[:-1] for path in inner if not _is_event(path)]
    body = connection.call.body
    where = Counter(map(tuple, others)).most_common(1)[0][0] if others else _place_of_record(body)
    if where == tuple(event[:-1]):
        return None  # it is one of the record's
    template = _nested(where) if where else dict(flat(connection))
    if not isinstance(template, dict):
        return None
    if not where:
        template.pop(connection.event.key, None)
    made = [of("call.body", _merged(template, _nested(event, "{event}")))]
    made += _named([path[-1] for path in inner if not _is_event(path)])
    return both(*made, *[of("body.kind", "json")] * (connection.body.kind == "wrapped"))


def _place_of_record(body: Value) -> tuple[str, ...]:
    for name, each in body.items() if isinstance(body, dict) else ():
        if each == "{record}":
            return (name,)
        if within := _place_of_record(each):
            return (name, *within)
    return ()


def _merged(one: Value, other: Value) -> Value:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {**one, **{name: _merged(one.get(name), each) for name, each in other.items()}}


def _at(body: Value, path: Sequence[str]) -> Value:
    for each in path:
        body = body.get(each) if isinstance(body, dict) else None
    return body


def _flat(connection: Connection, names: Sequence[str]) -> Iterator[Change]:
    """Yield what several names are at once: fields, and the event."""
    made = _named([name for name in names if name not in FIELDS])
    is_new = any(name != connection.event.key for name in names if "event" in name.lower())
    if len(made) > 1 and is_new:
        yield both(*made)


def _named(names: Sequence[str]) -> list[Change]:
    fields: dict[str, str] = {}
    for name in names:
        if field := _field(name):
            fields.setdefault(field, name)
    event = next((name for name in names if "event" in name.lower() and not _field(name)), "")
    made = [as_names(fields)] if fields else []
    return made + [of("event.key", event)] * bool(event)


def _field(name: str) -> str:
    return field_names.field_of(leaf(name))


def _beside(name: str) -> Value:
    field = field_names.field_of(name)
    return f"{{record.{field}}}" if field and field != "email" else f"{{{field or 'event'}}}"


def _nested(path: Sequence[str], inside: Value = "{record}") -> Value:
    return {path[0]: _nested(path[1:], inside)} if path else inside


# --- what is left out ---


def without_unwanted(connection: Connection, said: str) -> Iterator[Change]:
    """Yield the call without the fields that a refusal calls unknown."""
    unwanted = field_names.named(connection, said)
    if not unwanted or "email" in unwanted or not _UNWANTED.search(said):
        return
    body, names = connection.call.body, _names(connection)
    kept = {k: v for k, v in flat(connection).items() if names.get(k) not in unwanted}
    if isinstance(body, dict) and "{record}" not in str(body):  # some are left out already
        yield of("call.body", {k: v for k, v in body.items() if names.get(k) not in unwanted})
    elif isinstance(body, dict):
        yield of("call.body", {k: _in_place(v, kept) for k, v in body.items()})
    elif body is None:
        yield of("call.body", kept)


def flat(connection: Connection) -> dict[str, Value]:
    """Return the template of a body with all that a record has."""
    settings = connection.fields
    identity = [] if settings.match_key == "email" else [settings.match_key]
    event = [connection.event.key] if connection.event.place != "query" else []
    names = (*_names(connection), *identity, *event, *settings.constants)
    return {name: f"{{record.{name}}}" for name in names if _PLACEABLE.fullmatch(name)}


def _names(connection: Connection) -> dict[str, str]:
    return {connection.fields.names.get(field, field): field for field in FIELDS}


def _in_place(value: Value, record: dict[str, Value]) -> Value:
    if isinstance(value, dict):
        return {name: _in_place(each, record) for name, each in value.items()}
    return dict(record) if value == "{record}" else value


def left_out(change: Change) -> list[str]:
    """Return the attendee fields that a change of the body leaves out."""
    bodies = [value for path, value in change.values if path == ("call", "body")]
    text = " ".join(map(str, bodies))
    if "{record." not in text or "{record}" in text:
        return []
    return [field for field in FIELDS if f"{{record.{field}}}" not in text]


def with_constants(connection: Connection, change: Change) -> Iterator[Change]:
    """Yield a change that puts the record into something with what was beside it there, too."""
    constants = dict(connection.fields.constants)
    values = dict(change.values)
    body, wrapper = values.get(("call", "body")), values.get(("body", "wrapped_under"))
    if isinstance(wrapper, str) and ("call", "body") not in values:
        body = {wrapper: "{record}"}
    if constants and isinstance(body, dict) and "{record}" in str(body):
        kept = [each for each in change.values if each[0][:2] != ("call", "body")]
        kept = [each for each in kept if each[0][0] != "body"]
        put: list[tuple[Path, Value]] = [(("call", "body"), {**constants, **body})]
        yield Change((*put, *kept, (("fields", "constants"), None)))


# --- GET, GraphQL, JSON-RPC and XML ---


def in_query(connection: Connection) -> Change:
    """Return the call with all that is sent in its query."""
    names = [connection.fields.names.get(field, field) for field in FIELDS]
    query: dict[str, Value] = {
        name: f"{{record.{name}}}" for name in names if _PLACEABLE.fullmatch(name)
    }
    in_query = Change(tuple((("call", "query", name), text) for name, text in query.items()))
    return both(of("call.method", "GET"), of("event.place", "query"), in_query)


def of_document(said: str) -> Iterator[Change]:
    """Yield the body with a GraphQL document that a refusal has as its example."""
    inside: tuple[Value, ...] = ("{record}", {"attendee": "{record}"})
    for found in _GRAPHQL.finditer(said):
        document = re.split(r"[\"'`]", found[0])[0].strip()
        for inner in inside:
            variables: dict[str, Value] = {found[1]: inner}
            yield of("call.body", {"query": document, "variables": variables})


def of_json_rpc(seen: Seen) -> Iterator[Change]:
    """Yield JSON-RPC's form (https://www.jsonrpc.org/specification#request_object)."""
    body = seen.read.body if seen.read else None
    if "jsonrpc" in re.sub(r"[\W_]", "", seen.said.lower()) or (
        isinstance(body, dict) and "jsonrpc" in body
    ):
        told = [each for each in _RPC_METHOD.findall(seen.said) if not _NO_ELEMENTS.fullmatch(each)]
        for method in dict.fromkeys((*told, "call")):
            call: Value = {"jsonrpc": "2.0", "id": 1, "method": method, "params": "{record}"}
            yield of("call.body", call)


def of_xml(seen: Seen) -> Iterator[Change]:
    """Yield bodies in XML with the elements that a refusal names, in SOAP's envelope if need be."""
    text = f"{seen.said} {seen.read.text[:2_000] if seen.read else ''}"
    if "xml" not in text.lower() and "soap" not in text.lower():
        return
    told = _XML_TYPE.search(seen.said)
    kind = as_header("Content-Type", f"{told[0]}; charset=utf-8") if told else None
    found = [each for pair in _ELEMENT.findall(seen.said) for each in pair if each]
    elements = [each for each in dict.fromkeys(found) if not _NO_ELEMENTS.fullmatch(each)]
    namespace = next((each for each in _SOAP if each in text), _SOAP[0])
    for element in [*elements[:3], *_ROOTS]:
        body = f"<{element}>{{record}}</{element}>"
        if "soap" in text.lower():
            body = (
                f'<soap:Envelope xmlns:soap="{namespace}"><soap:Body>{body}</soap:Body>'
                "</soap:Envelope>"
            )
            soap = kind or as_header("Content-Type", "text/xml; charset=utf-8")
            yield both(of("call.body", body), soap, as_header("SOAPAction", element))
            yield both(of("call.body", body), soap)
        else:
            yield both(*filter(None, (of("call.body", body), kind)))
