"""What a server says in its answer, in whatever form: the words that a person would look for."""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.reading import Reading

_MAX_WORDS = 16  # of a page or a text
_MAX_DEPTH = 4
# Members that hold a message, the likeliest first.
_MESSAGES = (
    *("responsemessage", "errordescription", "message", "errormessage", "detail", "details"),
    *("description", "reason", "faultstring", "msg", "error", "errors", "title", "text"),
)
# Members beside a message that say what it is about, and where that is to stand.
_SUBJECTS = (
    *("field", "parameter", "param", "header", "pointer", "loc", "property", "argument"),
    *("fieldname", "propertyname", "parametername", "paramname", "attribute"),
)
_PLACES = ("header", "query", "body", "path", "cookie")
_HEADERS = ("x-error-message", "x-error", "x-message", "x-result-message", "warning")
_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}")
_TITLE = re.compile(r"<(?:title|h1)[^>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]{0,500}>", re.I | re.S)


def said(read: Reading) -> str:
    """Return a server's message: a member of its answer, or the title or first words of a page."""
    if isinstance(read.body, dict | list):
        found = next(_messages(read.body), "") or next(_sentences(read.body), "")
        if found:
            return found
    header = next((read.headers[name] for name in _HEADERS if name in read.headers), "")
    if header or isinstance(read.body, dict | list):
        return header
    title = _TITLE.search(read.text)
    text = title[1] if title else _MARKUP.sub(" ", read.text[:5_000])
    return " ".join(html.unescape(text).split()[:_MAX_WORDS])


def _sentences(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield texts of several words, whatever they are called."""
    if isinstance(value, str) and " " in value.strip():
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner if depth <= _MAX_DEPTH else ():
        yield from _sentences(each, depth + 1)


def _messages(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        texts = [each for each in value if isinstance(each, str)]
        yield from ["; ".join(texts)] if texts else []
        for each in value[:3]:
            yield from _messages(each, depth + 1)
    if not isinstance(value, dict):
        return
    members = {fold(name): each for name, each in value.items()}
    subject = _subject(members)
    for name in _MESSAGES:
        each = members.get(name)
        if isinstance(each, str) and each.strip():
            yield (
                each if subject.name in each else f"{subject.place} '{subject.name}' {each}".strip()
            )
        elif each is not None:
            yield from _messages(each, depth + 1)
    for name, each in members.items():
        if name not in _MESSAGES:
            yield from _messages(each, depth + 1)


class _Subject(NamedTuple):
    """What a message is about, and where that stands, as far as a member beside it says."""

    place: str = ""
    name: str = ""


def _subject(members: Mapping[str, Any]) -> _Subject:
    source = members.get("source")
    if isinstance(source, dict):  # https://jsonapi.org/format/#error-objects
        members = {fold(name): each for name, each in source.items()}
    for name in _SUBJECTS:
        each = members.get(name)
        texts = [text for text in each if isinstance(text, str)] if isinstance(each, list) else []
        if isinstance(each, str):
            texts = [text for text in each.strip("#/").split("/") if text]
        if texts and _NAME.fullmatch(texts[-1]):
            place = name if name == "header" else texts[0] if texts[0] in _PLACES else ""
            return _Subject(place, texts[-1])
    return _Subject()
