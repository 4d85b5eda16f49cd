"""What a server says in its answer, in whatever form: the words that a person would look for."""

import html
import re
from collections.abc import Iterator
from typing import Any

from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.reading import Reading

_MAX_WORDS = 16  # of a page or a text
_MAX_DEPTH = 4
# Members that hold a message, the likeliest first.
_MESSAGES = (
    *("responsemessage", "errordescription", "message", "errormessage", "detail", "details"),
    *("description", "reason", "faultstring", "msg", "error", "errors", "title", "text"),
)
_HEADERS = ("x-error-message", "x-error", "x-message", "x-result-message", "warning")
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
    for name in _MESSAGES:
        each = members.get(name)
        if isinstance(each, str) and each.strip():
            yield each
        elif each is not None:
            yield from _messages(each, depth + 1)
    for name, each in members.items():
        if name not in _MESSAGES:
            yield from _messages(each, depth + 1)
