# ruff: noqa: RUF001 - letters of other scripts
"""Spellings: what a text says under its escapes, accents, scripts and encodings.

Each function keeps for every character where it stands in the text it came from, so that what
is found under an escape can be masked in the text itself. Imports the standard library alone.
"""

import base64
import binascii
import functools
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

type Span = tuple[int, int]

_ROUNDS = 4  # of escapes within escapes
_ESCAPE = re.compile(
    r"""
    (?P<percent>(?:%[0-9a-f]{2})+)
  | (?P<quoted>(?:=[0-9a-f]{2})+)                       # RFC 2045, section 6.7
  | (?P<soft>=\r?\n)
  | (?P<byte>(?:\\x[0-9a-f]{2})+)
  | (?P<octal>(?:\\[0-3][0-7]{2})+)
  | (?P<unit>(?:(?:\\u|%u)[0-9a-f]{4})+)
  | (?P<point>\\u\{[0-9a-f]{1,6}\}|\\U[0-9a-f]{8}|(?<![a-z])U\+[0-9a-f]{4,6})
  | (?P<entity>&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});?)
  | (?P<blank>\\[nrtfbv])
  | (?P<slash>\\["'/\\&])
  | (?P<punycode>(?<![a-z0-9])xn--[a-z0-9-]{1,59})       # RFC 3492
  | (?P<style>\x1b\[[0-9;]*[a-z])                          # ECMA-48, section 8.3.117
  | (?P<tag></?[a-z][^<>]{0,100}>)
  | (?P<mojibake>[\u00c2-\u00f4][\u0080-\u00ff\u0152-\u0192\u02c6\u02dc\u2013-\u2122]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z0-9]*")  # has no escape, as most ids; quicker than to look for one
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_HEX = re.compile(r"(?:(?:0x)?[0-9A-Fa-f]{2}(?:, |[ :,;-])?){3,}")
# Characters by their numbers: [87, 101], CHR(87)||CHR(101), #87;#101;
_NUMBERED = re.compile(r"(?<!\d)\d{2,3}(?:[^\w]{1,4}(?:[A-Za-z]{1,8}[^\w]{0,2})?\d{2,3}(?!\d))+")
_WORD = re.compile(r"[^\W_]+")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Letters that Unicode does not take apart, as they are written without them: in one letter, and
# in the other usual way. For Cyrillic and Greek these are two usual transliterations each.
_OTHERS: Final = {
    "ø": ("o", "oe"), "ł": ("l", "l"), "đ": ("d", "dj"), "ð": ("d", "dh"), "þ": ("th", "th"),
    "ı": ("i", "i"), "ħ": ("h", "h"), "ŧ": ("t", "t"), "æ": ("ae", "a"), "œ": ("oe", "o"),
    "ŋ": ("n", "ng"), "ə": ("e", "a"), "ß": ("ss", "sz"),
    "ä": ("a", "ae"), "ö": ("o", "oe"), "ü": ("u", "ue"), "å": ("a", "aa"), "ñ": ("n", "ny"),
    "а": ("a", "a"), "б": ("b", "b"), "в": ("v", "w"), "г": ("g", "h"), "ґ": ("g", "g"),
    "д": ("d", "d"), "е": ("e", "e"), "ё": ("e", "yo"), "є": ("ye", "ie"), "ж": ("zh", "j"),
    "з": ("z", "s"), "и": ("i", "i"), "і": ("i", "i"), "ї": ("yi", "i"), "й": ("y", "j"),
    "к": ("k", "k"), "л": ("l", "l"), "м": ("m", "m"), "н": ("n", "n"), "о": ("o", "o"),
    "п": ("p", "p"), "р": ("r", "r"), "с": ("s", "s"), "т": ("t", "t"), "у": ("u", "ou"),
    "ф": ("f", "ph"), "х": ("kh", "h"), "ц": ("ts", "c"), "ч": ("ch", "tsch"), "ш": ("sh", "sch"),
    "щ": ("shch", "sch"), "ъ": ("", ""), "ы": ("y", "i"), "ь": ("", ""), "э": ("e", "e"),
    "ю": ("yu", "iu"), "я": ("ya", "ia"),
    "α": ("a", "a"), "β": ("v", "b"), "γ": ("g", "gh"), "δ": ("d", "d"), "ε": ("e", "e"),
    "ζ": ("z", "z"), "η": ("i", "e"), "θ": ("th", "th"), "ι": ("i", "i"), "κ": ("k", "c"),
    "λ": ("l", "l"), "μ": ("m", "m"), "ν": ("n", "n"), "ξ": ("x", "ks"), "ο": ("o", "o"),
    "π": ("p", "p"), "ρ": ("r", "rh"), "σ": ("s", "s"), "ς": ("s", "s"), "τ": ("t", "t"),
    "υ": ("y", "u"), "φ": ("f", "ph"), "χ": ("ch", "h"), "ψ": ("ps", "ps"), "ω": ("o", "o"),
}  # fmt: skip


@dataclass(frozen=True)
class Spelling:
    """A text, and for each of its characters the span of the first text that it comes from."""

    text: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a text as it is spelt."""
        return cls(text, tuple((at, at + 1) for at in range(len(text))))

    def span(self, start: int, end: int) -> Span:
        """Return what a piece that is not empty comes from."""
        return self.spans[start][0], self.spans[end - 1][1]


def unescaped(text: str) -> Iterator[Spelling]:
    """Yield a text as it is spelt, then with its escapes undone, and those within them."""
    spelling = Spelling.of(text)
    for _ in range(_ROUNDS):
        yield spelling
        undone = _undone(spelling)
        if undone.text == spelling.text:
            return
        spelling = undone
    yield spelling


def is_escaped(spelling: Spelling) -> bool:
    """Tell whether there is an escape in a spelling."""
    return _undone(spelling).text != spelling.text


def folded(spelling: Spelling, way: int) -> Spelling:
    """Return a spelling without case, accents and marks, in Latin letters where it can be.

    The two ways, 0 and 1, are those in which a letter is usually written without its accent.
    """
    if spelling.text.isascii() and "\0" not in spelling.text:
        return Spelling(spelling.text.lower(), spelling.spans)  # the same, and far quicker
    letters: list[str] = []
    spans: list[Span] = []
    for each, span in zip(spelling.text, spelling.spans, strict=True):
        letter = _DOTS if each == "\u0308" and way and letters and letters[-1] in "aou" else each
        said = _folded(letter, way)
        letters += said
        spans += [span] * len(said)
    return Spelling("".join(letters), tuple(spans))


def plain(text: str, way: int) -> str:
    """Return what folded() makes of a text that is spelt as it is."""
    if text.isascii():
        return text.replace("\0", "").lower()
    return "".join([_folded(each, way) for each in unicodedata.normalize("NFC", text)])


def ways(text: str) -> tuple[int, ...]:
    """Return in which ways a text is folded: in ASCII they don't differ."""
    return (0,) if text.isascii() else (0, 1)


def words(text: str) -> Iterator[Span]:
    """Yield where the runs of letters and digits of a text are."""
    for found in _WORD.finditer(text):
        yield found.span()


def word_texts(text: str) -> list[str]:
    """Return the runs of letters and digits of a text."""
    return _WORD.findall(text)


def encoded(text: str) -> Iterator[tuple[Span, str]]:
    """Yield what stands in a text as base64 or in hex digits, where that is itself a text."""
    for found in _ENCODED.finditer(text):
        for start, piece in _pieces(found):
            for offset in range(min(4, len(piece) - 3)):
                said = _said(_base64(piece[offset:]))
                if said:
                    yield (start, start + len(piece)), said
    for found in _HEX.finditer(text):
        said = _said(_bytes_of_hex(found[0]))
        if said:
            yield found.span(), said
    for found in _NUMBERED.finditer(text):
        numbers = [int(each) for each in re.findall(r"\d+", found[0])]
        said = _said(bytes(numbers)) if max(numbers) < 256 else ""  # noqa: PLR2004 - a byte
        if said:
            yield found.span(), said


_FILLERS: Final = frozenset("\0\u115f\u1160\u2800")  # letters and signs that show nothing
# Small capitals, letters in circles and squares, flags: Unicode knows them by name alone.
_LATIN_NAME = re.compile(
    r"(?:.*LATIN .*|REGIONAL INDICATOR SYMBOL )LETTER (?:SMALL CAPITAL )?([A-Z])"
)
_DOTS = "e"  # a diaeresis by itself, written out


def _undone(spelling: Spelling) -> Spelling:
    if _PLAIN.fullmatch(spelling.text) or not _ESCAPE.search(spelling.text):
        return spelling
    text: list[str] = []
    spans: list[Span] = []
    at = 0
    for found in _ESCAPE.finditer(spelling.text):
        meant = _meant(found.lastgroup or "", found[0])
        start, end = found.span()
        text += [spelling.text[at:start], meant]
        spans += [*spelling.spans[at:start], *[spelling.span(start, end)] * len(meant)]
        at = end
    return Spelling("".join([*text, spelling.text[at:]]), (*spans, *spelling.spans[at:]))


def _meant(kind: str, escape: str) -> str:  # noqa: PLR0911 - one line a kind
    match kind:
        case "percent" | "quoted" | "byte":
            return _text(bytes.fromhex(re.sub(r"[^0-9a-fA-F]", "", escape)))
        case "octal":
            return _text(bytes(int(each, 8) for each in escape.split("\\")[1:]))
        case "unit":
            units = re.findall(r"[0-9a-fA-F]{4}", escape)
            return bytes.fromhex("".join(units)).decode("utf-16-be", "replace")
        case "point":
            point = int(re.sub(r"^[^uU]?[uU][{+]?|\}$", "", escape), 16)
            return chr(point) if point <= 0x10FFFF else escape  # noqa: PLR2004
        case "entity":
            return html.unescape(escape)
        case "blank":
            return " "
        case "slash":
            return escape[1:]
        case "punycode":
            return _of_punycode(escape)
        case "mojibake":
            return _of_mojibake(escape)
    return ""  # a soft line break, a style or a tag


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _of_punycode(label: str) -> str:
    try:
        return label[4:].encode().decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def _of_mojibake(text: str) -> str:
    """Return UTF-8 that was taken for Latin-1 or Windows-1252, or the text if it was not."""
    for codec in ("latin-1", "cp1252"):
        try:
            return text.encode(codec).decode()
        except UnicodeError:
            continue
    return text


@functools.lru_cache(maxsize=4_096)
def _folded(letter: str, way: int) -> str:
    known = _OTHERS.get(letter.lower())
    if known:
        return known[way]
    bare = unicodedata.normalize("NFKD", letter).casefold()
    if bare in _FILLERS:
        return ""
    if not bare.isascii() and (named := _LATIN_NAME.fullmatch(unicodedata.name(letter, ""))):
        return named[1].lower()
    kept = (each for each in bare if unicodedata.category(each) not in ("Mn", "Mc", "Me", "Cf"))
    return "".join(_OTHERS.get(each, (each, each))[way] for each in map(_ascii_digit, kept))


def _ascii_digit(letter: str) -> str:
    return str(unicodedata.digit(letter)) if letter.isdigit() else letter


def _pieces(found: re.Match[str]) -> Iterator[tuple[int, str]]:
    """Yield a run of base64's characters whole, and in parts: some of them join other words."""
    yield found.start(), found[0]
    parts = list(_WORD.finditer(found[0]))
    for part in parts if len(parts) > 1 else ():
        if len(part[0]) > 3:  # noqa: PLR2004 - base64 of one letter says nothing
            yield found.start() + part.start(), part[0]


def _base64(piece: str) -> bytes:
    standard = piece.rstrip("=").translate(str.maketrans("-_", "+/"))
    if len(standard) % 4 == 1:
        standard = standard[:-1]
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4))
    except binascii.Error:
        return b""


def _bytes_of_hex(text: str) -> bytes:
    return bytes.fromhex(re.sub(r"0x|[ :,;-]", "", text))


def _said(raw: bytes) -> str:
    """Return bytes as a text, if they are one; what was cut in a letter loses that letter.

    Of other codecs than UTF-8, UTF-16 and Latin-1 are known by what their ASCII letters leave.
    """
    raw = raw.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").replace(b"\0", b"")
    if _CONTROL.search(raw, 0, max(0, len(raw) - 3)):
        return ""  # the same as below, and quicker: most of what is no text has one
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        if error.start < len(raw) - 3:
            return _said_in_latin(raw)
        text = raw[: error.start].decode()
    return text if _is_readable(text) else ""


def _said_in_latin(raw: bytes) -> str:
    text = raw.decode("latin-1")
    if not _is_readable(text):
        return ""
    ascii_letters = sum(each.isascii() and each.isalnum() for each in text)
    return text if ascii_letters * 4 >= len(text) * 3 else ""


def _is_readable(text: str) -> bool:
    return text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable()
