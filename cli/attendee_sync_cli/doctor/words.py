"""What a server says in its answer, in whatever form: the words that a person would look for."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from attendee_sync.profile.names import fold
from attendee_sync.rainfocus.reading import Reading

_MAX_WORDS = 16  # of a page or a text
_MAX_DEPTH = 6
_MOST = 12  # items of a list
_LONGEST = 800  # characters of all messages together
# Members that hold a message, the likeliest first.
_MESSAGES = (
    *("responsemessage", "errordescription", "message", "errormessage", "defaultmessage", "detail"),
    *("details", "description", "reason", "faultstring", "msg", "error", "errors", "title", "text"),
    *("hint", "help", "cause", "explanation", "diagnostics", "note", "why", "warning", "warnings"),
)
_MESSAGE = re.compile(r".*(?:message|text|description|reason|detail|details)")
# Members that hold messages of no one field, whatever is in them.
_OF_ALL = re.compile(
    r".*(?:errors|warnings|messages|violations|notices|hints|failures|issues|problems|info)"
    r"|base|general|global|all"
)
# Members beside a message that say what it is about, and where that is to stand.
_SUBJECTS = (
    *("field", "parameter", "param", "header", "pointer", "loc", "property", "argument"),
    *("fieldname", "propertyname", "parametername", "paramname", "attribute", "propertypath"),
    *("propertyref", "target", "path", "location"),
)
_SUBJECT = re.compile(  # as others end
    r".{0,3}(?:error|json|field|property|attribute|data|instance)(?:path|pointer)"
    r"|missingproperty"
    r"|.*(?:field|property|attribute|parameter|argument|column)name|apiname"
)
# "source": https://jsonapi.org/format/#error-objects
_WITH_SUBJECTS = ("source", "details", "detail", "context", "meta", "extensions", "data", "params")
_PLACES = ("header", "query", "body", "path", "cookie")
_HEADERS = ("x-error-message", "x-error", "x-message", "x-result-message", "warning")
_KINDS = ("requirement", "rule", "constraint", "violation", "code", "errorcode", "type", "kind")
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2})?|value|default")
_ARGUMENT = re.compile(r"\w+\.arg\d+\.")  # of a method, before what Java checks in it
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,63}")
_TITLE = re.compile(r"<(?:title|h1)[^>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]{0,500}>", re.I | re.S)
_LOCATED = re.compile(r"(?:(?:header|query|body|path|cookie) )?'[^']+' ")
_PHRASES: Final = frozenset(fold(each.phrase) for each in HTTPStatus)


def said(read: Reading) -> str:
    """Return a server's messages: of its answer's members, or the title or first words of a page.

    What says which field a message is about stands before it.
    """
    if isinstance(read.body, dict | list):
        found = _together(_messages(read.body)) or next(_sentences(read.body), "")
        if found:
            return found
    header = next((read.headers[name] for name in _HEADERS if name in read.headers), "")
    if header or isinstance(read.body, dict | list):
        return header
    title = _TITLE.search(read.text)
    text = title[1] if title else page_text(read)
    return " ".join(html.unescape(text).split()[:_MAX_WORDS])


def page_text(read: Reading) -> str:
    """Return what a page or a text says to people, without markup."""
    return html.unescape(_MARKUP.sub(" ", read.text[:5_000]))


def warnings_in(read: Reading) -> str:
    """Return what an answer warns of, though it may be a success."""
    if not isinstance(read.body, dict):
        return ""
    members = {fold(name): each for name, each in read.body.items()}
    found = (
        members[name] for name in ("warning", "warnings", "notice", "notices") if name in members
    )
    return _together(text for each in found for text in _messages(each))


def _together(messages: Iterable[str]) -> str:
    """Return messages as one text, those of a field first, without codes and repetitions."""
    texts = list(dict.fromkeys(" ".join(each.split()) for each in messages))
    texts.sort(key=lambda each: not _LOCATED.match(each))
    clear = [each for each in texts if " " in each and fold(each) not in _PHRASES] or texts
    kept = [each for each in clear if not any(each in text for text in clear if text != each)]
    return "; ".join(kept)[:_LONGEST]


def _sentences(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield texts of several words, whatever they are called."""
    if isinstance(value, str) and " " in value.strip():
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner if depth <= _MAX_DEPTH else ():
        yield from _sentences(each, depth + 1)


class _Subject(NamedTuple):
    """What a message is about, and where that stands, as far as a member beside it says."""

    place: str = ""
    name: str = ""

    def told(self, text: str) -> str:
        """Return a message with it, unless it says it itself."""
        return text if self.name in text else f"{self.place} '{self.name}' {text}".strip()

    def within(self, name: str) -> "_Subject":
        """Return the subject of a member's messages."""
        return _Subject(self.place, f"{self.name}.{name}" if self.name else name)


_NOBODY: Final = _Subject()


def _messages(value: Any, about: _Subject = _NOBODY, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield about.told(value)
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value[:_MOST]:
            yield from _messages(each, about, depth + 1)
    if isinstance(value, dict):
        yield from _members_messages(value, about, depth + 1)


def _members_messages(value: Mapping[str, Any], about: _Subject, depth: int) -> Iterator[str]:
    members = {fold(name): each for name, each in value.items()}
    own = _subject(members)
    subject = own or about
    if own and not any(map(_is_message, members)) and (kinds := _kinds(value)):
        yield own.told(kinds)
        return
    for name in _in_order(members):
        yield from _texts_within(members[name], subject)
        yield from _messages(members[name], subject, depth)
    for name, each in value.items():
        if _is_message(fold(name)) or not isinstance(each, dict | list):
            continue
        if _is_of_fields(each) and not _OF_ALL.fullmatch(fold(name)):
            yield from _messages(each, subject.within(name), depth)
        elif not _is_texts(each) or _OF_ALL.fullmatch(fold(name)):
            yield from _messages(each, subject, depth)


def _kinds(value: Any) -> str:
    """Return the words that say what is wrong with a subject where no message does."""
    names = [
        each
        for name, text in value.items()
        for each in (text.values() if isinstance(text, dict) else (text,))
        if fold(name) in _KINDS and isinstance(each, str) and _NAME.fullmatch(each)
    ]
    return " ".join(_CAPITAL.sub(" ", each).lower() for each in names)


def _texts_within(value: Any, subject: _Subject) -> Iterator[str]:
    """Yield the texts of a message that is an object of other things, such as of its language."""
    if not isinstance(value, dict) or any(_is_message(fold(name)) for name in value):
        return
    if value and all(isinstance(each, str) and " " in each.strip() for each in value.values()):
        for name, text in value.items():
            yield (subject if _LANGUAGE.fullmatch(name) else subject.within(name)).told(text)
    elif not any(map(_is_of_fields, value.values())):
        yield from map(subject.told, _sentences(value))


def _in_order(members: Mapping[str, Any]) -> list[str]:
    """Return the names of members that hold messages, the likeliest first."""
    known = [name for name in _MESSAGES if name in members]
    return known + [name for name in members if name not in known and _is_message(name)]


def _is_message(name: str) -> bool:
    return name in _MESSAGES or bool(_MESSAGE.fullmatch(name))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_of_fields(value: Any) -> bool:
    """Tell whether a member holds what is wrong with what it is called after."""
    if isinstance(value, dict):
        return bool(value) and all(map(_is_of_fields, value.values()))
    return bool(value) and _is_texts(value) and all(" " in each.strip() for each in value)


def _subject(members: Mapping[str, Any]) -> _Subject | None:
    for place in _WITH_SUBJECTS:
        within = members.get(place)
        inner = (
            {fold(name): each for name, each in within.items()} if isinstance(within, dict) else {}
        )
        found = _subject(inner) if inner and not any(map(_is_message, inner)) else None
        if found:  # beside where it is missing, as AJV tells it
            base = _subject({"instancepath": members.get("instancepath")})
            return base.within(found.name) if base else found
    others = [name for name in members if name not in _SUBJECTS and _SUBJECT.fullmatch(name)]
    for name in (*_SUBJECTS, *others):
        each = members.get(name)
        texts = [text for text in each if isinstance(text, str)] if isinstance(each, list) else []
        if isinstance(each, str):
            each = _ARGUMENT.sub("", each.removeprefix("$."))  # JSONPath's root
        if isinstance(each, str) and (name != "path" or "/" not in each):
            texts = [text for text in each.strip("#/").split("/") if text]
        place = name if name == "header" else texts[0] if texts[:1] and texts[0] in _PLACES else ""
        path = ".".join(texts[1:] if place and place != name else texts)
        if path and _NAME.fullmatch(path):
            return _Subject(place, path)
    return None
