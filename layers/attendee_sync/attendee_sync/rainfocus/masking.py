"""Masking: RainFocus's words without what was sent, in whatever spelling they repeat it.

Both sides are brought to words without case, accents and escapes (see spelling). A word of
theirs is masked if it is one of ours, a part of one or has one in it, and so is whatever looks
like an address, a phone number, a digest or an encoded text, even if it is not ours. Rather a
word too much than one too few. No pattern is made of a value, and what is cut is cut first.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from attendee_sync.attendee import FIELDS
from attendee_sync.rainfocus import spelling
from attendee_sync.rainfocus.spelling import Span, Spelling

MASK: Final = "***"
MAX_LENGTH = 500  # of what is kept
_MAX_READ = 2_000  # characters of a message, and of a value, that are looked at
_MIN_WORD = 3  # a two-letter code would tear holes into any text
_MIN_PART = 4  # of a part within a longer word
_MIN_SECRET = 12  # of a part of a secret: shorter ones could be English
_MIN_PHONE = 7  # digits
_NESTED = 2  # encoded texts within encoded texts
_MAX_WORK = 25_000  # characters and comparisons, for a record and for a message each

_DIGITS = re.compile(r"\+?(?:\(\d{1,6}\)|\d)(?:[\s().+/_-]{0,3}\d)*")
_LONG_NUMBER = re.compile(r"\d{12,}")  # whose digits _is_number_of_ours() compares
_DATE = re.compile(r"[12]\d{3}-[01]\d-[0-3]\d")
# What a server masked in part, such as W***r: its letters and its length still tell something.
_STARRED = re.compile(r"(?:[^\W_]|[*•…])+")
_STARS = re.compile(r"[^\W_][*•…]+[^\W_]|[*•]{2}|[xX]{3}")
_TELLING = re.compile(r"[^\W_xX]")
# A digest, a UUID, a part of a JWT or an encoded text: long, of letters and some digits.
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_MIN_BLOB_DIGITS = 2
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^A-Za-z0-9\W_]+")
_SHOWN_SHORT = re.compile(r"(?:[\"'\u2018\u201c\xab]|[=:]\s?)([^\W\d_]{2})(?![^\W_])")
_START_OF_ADDRESS = frozenset(' \t\r\n<>"(),;:[]{}|=`')
_END_OF_ADDRESS = _START_OF_ADDRESS | {"'"}
# English of error messages that may be a part of a value, or have one in it, without being it.
_ENGLISH: Final = (
    "access account address after allowed already also and another api are array attendee "
    "authentication authorized bad been before between body can cannot character characters "
    "check code company conference contact contain contains could country create created "
    "customer data database delete denied different disabled does domain duplicate duplicated "
    "during each email enabled enter error event exceed exist exists expected failed field "
    "fields first for format found from has have http integer internal into invalid isn item "
    "its json key last length limit long malformed match maximum may message minimum missing "
    "more must name names not number object one only operation optional org other parameter "
    "parameters path permission please process processing profile property provided record "
    "region registered registration rejected request required resource response same server "
    "service session should since some status string such supplied support system temporarily "
    "than that the their then there this time title token too type unable unauthorized "
    "unavailable under unexpected unknown update updated used user valid value values was were "
    "when while with without would wrong you your zip"
)
_COMMON: Final = frozenset(_ENGLISH.split())


class _TooMuchWorkError(Exception):
    """A text takes more work than it is worth."""


class _Work:
    """What may still be done for one text."""

    def __init__(self) -> None:
        self._left = _MAX_WORK

    def spend(self, steps: int) -> None:
        """Count so many characters or comparisons. Raises _TooMuchWorkError."""
        self._left -= steps
        if self._left < 0:
            raise _TooMuchWorkError


@dataclass(frozen=True)
class Sent:
    """What was sent and must not come back, as it is compared."""

    words: frozenset[str]
    digits: frozenset[str]
    secrets: frozenset[str]
    names: frozenset[str]  # of fields: masked only if they are a value, too
    values: frozenset[str] = frozenset()  # whole ones
    is_too_much: bool = False  # to compare anything with: every message is masked whole

    @classmethod
    def of(
        cls,
        values: Iterable[str] = (),
        secrets: Iterable[str] = (),
        names: Iterable[str] = (),
    ) -> Self:
        """Return what a record's values and secrets are compared by; names may be shown."""
        known = _shown(tuple(names))
        shown = frozenset(_squeezed(each[:_MAX_READ]) for each in secrets if each)
        try:
            spelt, words = _of_record([_without_english_end(each[:_MAX_READ]) for each in values])
        except _TooMuchWorkError:
            return cls(frozenset(), frozenset(), shown, known, is_too_much=True)
        digits = (each for text in spelt for _, each in _numbers(text) if len(each) >= _MIN_WORD)
        whole = frozenset("".join(spelling.word_texts(text)) for text in spelt)
        return cls(frozenset(filter(_counts, words)), frozenset(digits), shown, known, whole)

    @functools.cached_property
    def text(self) -> str:
        """All words, to look for parts of them."""
        return "\n".join(self.words)

    @functools.cached_property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of the words, the shortest first."""
        return tuple(sorted(set(map(len, self.words))))

    @property
    def parts(self) -> dict[int, frozenset[str]]:
        """What of secrets is looked for, by its length: twelve characters, or a short one whole."""
        return _parts(self.secrets)


def mask(text: str, sent: Sent) -> str:
    """Return a text, at most 500 characters of it, without what was sent.

    Takes a text of any length; what stands behind its first 2,000 characters is not read. A text
    that takes too much work to read is masked whole.
    """
    if sent.is_too_much:
        return MASK
    text = text[:_MAX_READ]
    try:
        spans = [*_echoes(text, sent, _NESTED, _Work()), *_shapes(text)]
    except _TooMuchWorkError:
        return MASK
    return _without(text, spans)[:MAX_LENGTH]


def is_echo(word: str, sent: Sent) -> bool:
    """Tell whether a word that should be a code or an id repeats something that was sent."""
    try:
        echoes = _echoes(word[:_MAX_READ], sent, _NESTED, _Work())
        return sent.is_too_much or any(True for _ in echoes)
    except _TooMuchWorkError:
        return True


def is_value(word: str, sent: Sent) -> bool:
    """Tell whether a short code is a whole value that was sent."""
    return sent.is_too_much or word in sent.values


def _echoes(text: str, sent: Sent, nested: int, work: _Work) -> Iterator[Span]:
    """Yield the places of a text that repeat something that was sent."""
    for plain in _spellings(text, work):
        for folded in _foldings(plain, work):
            yield from _found(folded, sent, work)
        yield from _short(plain, sent)
        yield from _camels(plain, sent)
        for (start, end), said in spelling.encoded(plain.text) if nested else ():
            work.spend(20 + len(said))  # to begin costs, too
            if any(True for _ in _echoes(said, sent, nested - 1, work)):
                yield plain.span(start, end)


def _spellings(text: str, work: _Work) -> Iterator[Spelling]:
    """Yield a text's spellings; one that is still escaped after the last is too much work."""
    spellings = []
    for plain in spelling.unescaped(text):
        work.spend(len(plain.text))
        spellings.append(plain)
    if spelling.is_escaped(spellings[-1]):
        raise _TooMuchWorkError
    yield from spellings


def _foldings(plain: Spelling, work: _Work) -> Iterator[Spelling]:
    """Yield a spelling folded in both ways, if they differ."""
    for way in spelling.ways(plain.text):
        folded = spelling.folded(plain, way)
        work.spend(len(folded.text))
        yield folded


def _found(text: Spelling, sent: Sent, work: _Work) -> Iterator[Span]:
    places = list(spelling.words(text.text))
    for start, end in places:
        if _is_ours(text.text[start:end], sent, work):
            yield text.span(start, end)
    for (start, end), digits in _numbers(text.text):
        work.spend(len(sent.digits))
        if _is_number_of_ours(digits, sent):
            yield text.span(start, end)
    yield from _apart(text, places, sent, work)
    yield from _secrets(text, places, sent)


def _is_ours(word: str, sent: Sent, work: _Work) -> bool:
    """Tell whether a folded word is one of ours, a part of one, or has one in it."""
    if word in sent.words:
        return True
    if word in sent.names or not _counts(word) or word.isdecimal():
        return False
    work.spend(len(sent.text) // 100)
    if len(word) >= _MIN_PART or not word.isascii():
        if word in sent.text:
            return True
    elif f"\n{word}" in f"\n{sent.text}" or f"{word}\n" in f"{sent.text}\n":
        return True
    return any(_is_long(each) for each in _parts_in(word, sent, work))


def _parts_in(word: str, sent: Sent, work: _Work) -> Iterator[str]:
    """Yield the words of ours that a word has in it.

    A few digits within a long number are none: some stand in any by chance, such as a year.
    """
    numbers = [each.span() for each in _LONG_NUMBER.finditer(word)]
    for length in sent.lengths:
        if length > len(word):
            return
        work.spend((len(word) - length) // 4 + 1)
        for at in range(len(word) - length + 1):
            part = word[at : at + length]
            if part in sent.words and not any(
                start <= at and at + length <= end for start, end in numbers
            ):
                yield part


def _is_long(word: str) -> bool:
    """Tell whether a word is looked for in longer ones."""
    return len(word) >= _MIN_PART or not word.isascii()


def _is_number_of_ours(digits: str, sent: Sent) -> bool:
    if len(digits) < _MIN_WORD:
        return False
    bare = digits.lstrip("0")
    return any(
        digits == ours
        or (len(bare) >= _MIN_WORD and bare == ours.lstrip("0"))
        or (len(digits) >= _MIN_PART and digits in ours)
        or (len(ours) >= _MIN_PHONE and ours in digits)
        for ours in sent.digits
    )


def _apart(text: Spelling, places: list[Span], sent: Sent, work: _Work) -> Iterator[Span]:
    """Yield words of ours that blanks or signs were put into, such as A.d.a."""
    squeezed = "".join(text.text[start:end] for start, end in places)
    origin = [at for start, end in places for at in range(start, end)]
    ends = set(itertools.accumulate(end - start for start, end in places))
    for start in sorted({0, *ends}):
        work.spend(len(sent.lengths) // 4)
        for length in sent.lengths:
            end = start + length
            if end in ends and squeezed[start:end] in sent.words:
                yield text.span(origin[start], origin[end - 1] + 1)


def _secrets(text: Spelling, places: list[Span], sent: Sent) -> Iterator[Span]:
    """Yield what has a secret, or twelve characters of one, in it."""
    squeezed = "".join(text.text[start:end] for start, end in places)
    origin = [at for start, end in places for at in range(start, end)]
    for size, parts in sent.parts.items():
        for at in range(len(squeezed) - size + 1):
            if squeezed[at : at + size] in parts:
                yield text.span(origin[at], origin[at + size - 1] + 1)


def _short(text: Spelling, sent: Sent) -> Iterator[Span]:
    """Yield values of two letters, such as Ng, where a message shows them as values."""
    for found in _SHOWN_SHORT.finditer(text.text):
        if any(_squeezed(found[1], way) in sent.values for way in (0, 1)):
            yield text.span(*found.span(1))


def _camels(text: Spelling, sent: Sent) -> Iterator[Span]:
    """Yield words with one of ours between their capitals, such as userAda or Ada1815."""
    for start, end in spelling.words(text.text):
        word = text.text[start:end]
        if _squeezed(word) in sent.names:
            continue
        for part in _CAMEL.findall(word):
            if part != word and any(
                _squeezed(part, way) in sent.words for way in spelling.ways(part)
            ):
                yield text.span(start, end)
                break


def _shapes(text: str) -> Iterator[Span]:
    """Yield what looks like an address, a phone number, a digest or an encoded text."""
    for plain in spelling.unescaped(text):
        folded = spelling.folded(plain, 0)
        for start, end in _addresses(folded.text):
            yield folded.span(start, end)
        for (start, end), digits in _numbers(folded.text):
            if len(digits) >= _MIN_PHONE and not _DATE.fullmatch(folded.text[start:end]):
                yield folded.span(start, end)
        for found in _STARRED.finditer(plain.text):
            if _STARS.search(found[0]) and _TELLING.search(found[0]):
                yield plain.span(*found.span())
        for found in _BLOB.finditer(plain.text):
            if sum(each.isdecimal() for each in found[0]) >= _MIN_BLOB_DIGITS:
                yield plain.span(*found.span())


def _addresses(text: str) -> Iterator[Span]:
    """Yield what stands around each @, up to what can't be in an address."""
    last = 0
    at = text.find("@")
    while at >= 0:
        start, end = at, at + 1
        while start > last and text[start - 1] not in _START_OF_ADDRESS:
            start -= 1
        while end < len(text) and text[end] not in _END_OF_ADDRESS:
            end += 1
        if end > at + 1:
            yield start, end
        last = end
        at = text.find("@", end)


@functools.lru_cache
def _parts(secrets: frozenset[str]) -> dict[int, frozenset[str]]:
    """Return Sent.parts: a connection's secrets are the same for everybody."""
    sizes: dict[int, set[str]] = {}
    for secret in secrets:
        size = min(len(secret), _MIN_SECRET)
        found = {secret[at : at + size] for at in range(len(secret) - size + 1)}
        sizes.setdefault(size, set()).update(found)
    return {size: frozenset(found) for size, found in sizes.items() if size}


@functools.lru_cache
def _shown(names: tuple[str, ...]) -> frozenset[str]:
    """Return what may be shown unless it is a value: field names are the same for everybody."""
    return _COMMON | {_squeezed(each) for each in itertools.chain(FIELDS, names)}


def _without_english_end(value: str) -> str:
    """Return a value; an address without a top-level domain that is a word of error messages."""
    start, _, end = value.rpartition(".")
    return start if "@" in start and end.lower() in _COMMON else value


def _of_record(values: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the spellings of values, and their words. Raises _TooMuchWorkError."""
    work = _Work()
    spelt: list[str] = []
    found: list[str] = []
    for value in values:
        for way in spelling.ways(value):
            text = spelling.plain(value, way)
            parts = spelling.word_texts(text)
            # In Chinese each character may be a word.
            work.spend(len(text) + 4 * len(parts))
            spelt.append(text)
            found += [*parts, "".join(parts)]
        for part in _CAMEL.findall(value):
            work.spend(10)
            if part.isascii():
                found.append(part.lower())
            else:
                found += [_squeezed(part, way) for way in spelling.ways(part)]
    return spelt, found


def _counts(word: str) -> bool:
    """Tell whether a word is long enough to tell something: in Chinese, one character is.

    Three digits of a longer number are not; as a number of its own they are compared as such.
    """
    least = _MIN_PART if word.isdecimal() else _MIN_WORD
    return len(word) >= least or not word.isascii()


def _squeezed(text: str, way: int = 0) -> str:
    return "".join(spelling.word_texts(spelling.plain(text, way)))


def _numbers(text: str) -> Iterator[tuple[Span, str]]:
    """Yield the runs of digits of a text, with the signs of phone numbers between them."""
    for found in _DIGITS.finditer(text):
        yield found.span(), "".join(filter(str.isdecimal, found[0]))


def _without(text: str, spans: Iterable[Span]) -> str:
    """Return a text with one mask for each run of places."""
    runs: list[list[int]] = []
    for start, end in sorted(spans):
        if runs and start <= runs[-1][1]:
            runs[-1][1] = max(end, runs[-1][1])
        else:
            runs.append([start, end])
    pieces: list[str] = []
    at = 0
    for start, end in runs:
        pieces += [text[at:start], f"{MASK}@{MASK}" if "@" in text[start:end] else MASK]
        at = end
    return "".join([*pieces, text[at:]])
