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

_DIGITS = re.compile(r"\+?\(?\d(?:[\s().+/_-]{0,3}\d)*")
# A digest, a UUID, a part of a JWT or an encoded text: long, of letters and some digits.
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_MIN_BLOB_DIGITS = 2
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^A-Za-z0-9\W_]+")
_START_OF_ADDRESS = frozenset(' \t\r\n<>"(),;:[]{}|=`')
_END_OF_ADDRESS = _START_OF_ADDRESS | {"'"}
# English of error messages that may be a part of a value, or have one in it, without being it.
_ENGLISH: Final = (
    "access address already and api are attendee bad been body can cannot character characters "
    "code company conference contain contains could country data denied does domain duplicate "
    "each email error event exceed exist exists expected failed field fields first for format "
    "found from has have http internal invalid isn its item json key last length limit long "
    "malformed match maximum may message minimum missing more must name names not number one only "
    "org parameter parameters path permission please profile property provided record region "
    "registered registration request required service server session since string supplied than "
    "that the their then there this time title token too type unable unexpected unknown used user "
    "valid value values was were when wrong with without you your zip"
)
_COMMON: Final = frozenset(_ENGLISH.split())


@dataclass(frozen=True)
class Sent:
    """What was sent and must not come back, as it is compared."""

    words: frozenset[str]
    digits: frozenset[str]
    secrets: frozenset[str]
    names: frozenset[str]  # of fields: masked only if they are a value, too

    @classmethod
    def of(
        cls,
        values: Iterable[str] = (),
        secrets: Iterable[str] = (),
        names: Iterable[str] = (),
    ) -> Self:
        """Return what a record's values and secrets are compared by; names may be shown."""
        cut = [_without_english_end(each[:_MAX_READ]) for each in values]
        spelt = [spelling.plain(each, way) for each in cut for way in (0, 1)]
        return cls(
            words=frozenset(filter(_counts, _words(cut, spelt))),
            digits=frozenset(
                each for text in spelt for _, each in _numbers(text) if len(each) >= _MIN_WORD
            ),
            secrets=frozenset(_squeezed(each[:_MAX_READ]) for each in secrets if each),
            names=_COMMON | {_squeezed(each) for each in itertools.chain(FIELDS, names)},
        )

    @functools.cached_property
    def text(self) -> str:
        """All words, to look for parts of them."""
        return "\n".join(self.words)

    @functools.cached_property
    def long(self) -> tuple[str, ...]:
        """The words that are looked for in longer ones."""
        return tuple(each for each in self.words if len(each) >= _MIN_PART or not each.isascii())


def mask(text: str, sent: Sent) -> str:
    """Return a text, at most 500 characters of it, without what was sent.

    Takes a text of any length; what stands behind its first 2,000 characters is not read.
    """
    text = text[:_MAX_READ]
    return _without(text, [*_echoes(text, sent, _NESTED), *_shapes(text)])[:MAX_LENGTH]


def is_echo(word: str, sent: Sent) -> bool:
    """Tell whether a word that should be a code or an id repeats something that was sent."""
    return any(True for _ in _echoes(word[:_MAX_READ], sent, _NESTED))


def _echoes(text: str, sent: Sent, nested: int) -> Iterator[Span]:
    """Yield the places of a text that repeat something that was sent."""
    for plain in spelling.unescaped(text):
        for way in (0, 1):
            folded = spelling.folded(plain, way)
            yield from _found(folded, sent)
        yield from _camels(plain, sent)
        for (start, end), said in spelling.encoded(plain.text) if nested else ():
            if any(True for _ in _echoes(said, sent, nested - 1)):
                yield plain.span(start, end)


def _found(text: Spelling, sent: Sent) -> Iterator[Span]:
    places = list(spelling.words(text.text))
    for start, end in places:
        if _is_ours(text.text[start:end], sent):
            yield text.span(start, end)
    for (start, end), digits in _numbers(text.text):
        if _is_number_of_ours(digits, sent):
            yield text.span(start, end)
    yield from _apart(text, places, sent)
    yield from _secrets(text, places, sent)


def _is_ours(word: str, sent: Sent) -> bool:
    """Tell whether a folded word is one of ours, a part of one, or has one in it."""
    if word in sent.words:
        return True
    if word in sent.names or not _counts(word) or word.isdecimal():
        return False
    if len(word) >= _MIN_PART or not word.isascii():
        if word in sent.text:
            return True
    elif f"\n{word}" in f"\n{sent.text}" or f"{word}\n" in f"{sent.text}\n":
        return True
    return any(each in word for each in sent.long)


def _is_number_of_ours(digits: str, sent: Sent) -> bool:
    if len(digits) < _MIN_WORD:
        return False
    return any(
        digits == ours
        or ours.startswith(digits)
        or ours.endswith(digits)
        or (len(digits) >= _MIN_PART and digits in ours)
        or (len(ours) >= _MIN_PHONE and ours in digits)
        for ours in sent.digits
    )


def _apart(text: Spelling, places: list[Span], sent: Sent) -> Iterator[Span]:
    """Yield words of ours that blanks or signs were put into, such as A.d.a."""
    squeezed = "".join(text.text[start:end] for start, end in places)
    origin = [at for start, end in places for at in range(start, end)]
    lengths = [end - start for start, end in places]
    ends = set(itertools.accumulate(lengths))
    starts = {0, *ends}
    for ours in sent.words:
        at = squeezed.find(ours)
        while at >= 0:
            if at in starts and at + len(ours) in ends:
                yield text.span(origin[at], origin[at + len(ours) - 1] + 1)
            at = squeezed.find(ours, at + 1)


def _secrets(text: Spelling, places: list[Span], sent: Sent) -> Iterator[Span]:
    """Yield what has a secret, or twelve characters of one, in it."""
    squeezed = "".join(text.text[start:end] for start, end in places)
    origin = [at for start, end in places for at in range(start, end)]
    for secret in sent.secrets:
        size = min(len(secret), _MIN_SECRET)
        parts = {secret[at : at + size] for at in range(len(secret) - size + 1)}
        for at in range(len(squeezed) - size + 1) if size else ():
            if squeezed[at : at + size] in parts:
                yield text.span(origin[at], origin[at + size - 1] + 1)


def _camels(text: Spelling, sent: Sent) -> Iterator[Span]:
    """Yield words with one of ours between their capitals, such as userAda or Ada1815."""
    for start, end in spelling.words(text.text):
        word = text.text[start:end]
        if _squeezed(word) in sent.names:
            continue
        for part in _CAMEL.findall(word):
            if part != word and any(_squeezed(part, way) in sent.words for way in (0, 1)):
                yield text.span(start, end)
                break


def _shapes(text: str) -> Iterator[Span]:
    """Yield what looks like an address, a phone number, a digest or an encoded text."""
    for plain in spelling.unescaped(text):
        folded = spelling.folded(plain, 0)
        for start, end in _addresses(folded.text):
            yield folded.span(start, end)
        for (start, end), digits in _numbers(folded.text):
            if len(digits) >= _MIN_PHONE:
                yield folded.span(start, end)
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


def _without_english_end(value: str) -> str:
    """Return a value; an address without a top-level domain that is a word of error messages."""
    start, _, end = value.rpartition(".")
    return start if "@" in start and end.lower() in _COMMON else value


def _words(values: Iterable[str], spelt: Iterable[str]) -> Iterator[str]:
    """Yield the words of values, those between capitals, and each value as one word."""
    for text in spelt:
        found = [text[start:end] for start, end in spelling.words(text)]
        yield from found
        yield "".join(found)
    for value in values:
        for part in _CAMEL.findall(value):
            yield from (_squeezed(part, way) for way in (0, 1))


def _counts(word: str) -> bool:
    """Tell whether a word is long enough to tell something: in Chinese, one character is."""
    return len(word) >= _MIN_WORD or not word.isascii()


def _squeezed(text: str, way: int = 0) -> str:
    folded = spelling.plain(text, way)
    return "".join(folded[start:end] for start, end in spelling.words(folded))


def _numbers(text: str) -> Iterator[tuple[Span, str]]:
    """Yield the runs of digits of a text, with the signs of phone numbers between them."""
    for found in _DIGITS.finditer(text):
        yield found.span(), "".join(each for each in found[0] if each.isdecimal())


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
