"""How far a call came, by the answer to it, and the answer in words.

No error codes are known but the few that are seen in public, so that an answer is read as a
person would: by its status, its words and its form. Trials find out more.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from urllib.parse import urljoin, urlsplit

from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import masking
from attendee_sync.rainfocus.access_token import AccessToken, TokenFault
from attendee_sync.rainfocus.masking import Sent
from attendee_sync.rainfocus.reading import Reading
from attendee_sync_cli import console
from attendee_sync_cli.doctor import signs, words

UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
TOO_MANY_REQUESTS = 429
UNSUPPORTED_MEDIA_TYPE = 415
_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501
PARAMETER_MISSING = "103"  # seen: "Required parameter missing: apiProfile"
_ACCESS_DENIED = "124"  # seen: "Access to API endpoint session denied."
_MOST_OF_PAGE = 600  # characters that are looked at
_REDIRECTS = range(300, 400)
_ACCESS = re.compile(
    r"api.?profile|api.?key|\btoken\b|access.?token|auth.?token|unauthori[sz]|authenticat"
    r"|authori[sz]ation|credential|forbidden|bearer|\boauth|not logged in|signature|x-[a-z-]*key",
    re.IGNORECASE,
)
_NO_ACCESS = re.compile(r"unexpected token|user.?token", re.IGNORECASE)
_FIELDS_MISSING = re.compile(
    r"\b(?:fields?|attributes?|columns?|propert(?:y|ies)|members?|arguments?)\b.{0,30}"
    r"\b(?:mandatory|missing|required|blank|empty|not (?:set|given|provided))",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"no (?:such )?(?:route|path|handler|endpoint|resource|mapping)|not found|unknown (?:path|"
    r"endpoint|api|version|route)|cannot (?:get|post|put|patch)|method.{0,20}not (?:allowed|"
    r"supported)|unsupported (?:version|method)|no longer|has moved",
    re.IGNORECASE,
)
_CONTENT = re.compile(  # of a call: the person and its fields
    r"attendee|person|people|e-?mail|contact|profile|record|event|field|parameter|property",
    re.IGNORECASE,
)
MISSING = re.compile(
    r"missing|required|requires|needs|specify|blank|unspecified|absent|expected|no value|mandatory"
    r"|(?:must|may|should) (?:be|provide|have|contain|not be (?:empty|blank|null))"
    r"|(?:insert|insert the value|is|are|was) null\b|null value|not allow nulls?|not-null"
    r"|please (?:enter|provide|supply|fill)"
    r"|(?:did ?n[o']t|didn't|failed to|forgot to) (?:pass|send|provide|give|supply|set|include)"
    r"|not (?:provided|given|present|sent|supplied|specified|complete)"
    r"|(?:can ?not|may not|can't) be (?:empty|blank|null|missing)"
    r"|\bno [\w-]+ (?:\w+ )?(?:was |is |were )?(?:given|provided|sent|specified)",
    re.IGNORECASE,
)
# A path as words name it, such as /orgs/{orgId}/attendees.
_PATH_TOLD: Final = re.compile(
    r"(?<![\w.:/<])(?:\b(POST|PUT|PATCH|GET) (?:to )?)?(/(?:[\w.:{}<>$-]+/)*[\w.:{}<>$-]*[\w}>])"
)
# What servers say of a limit that ends, or of their own trouble, whatever the status.
_PASSING = re.compile(
    r"(?:requests?|rate|calls?|api|usage|daily|hourly|monthly|concurren\w+) limit"
    r"|quota (?:\w+ ){0,3}(?:exceeded|exhausted|reached|replenish\w*|resets?|used)"
    r"|(?:exceed\w*|exhausted|out of|over|used up) (?:\w+ ){0,4}quota"
    r"|throttl|too many (?:requests|calls)|maintenance|(?:temporarily|currently) (?:un\w+|down"
    r"|offline|closed|disabled|out of)|(?:try|retry) (?:again|later|in|after)|down for|overloaded"
    r"|(?:back|online) (?:again )?(?:soon|shortly|online|later|in a)|be right back"
    r"|service (?:is )?unavailable|server (?:is )?(?:too )?busy|out of service|undergoing",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"limit (?:has been |is |was )?(?:exceeded|reached)|exceed\w* .{0,30}limit", re.I
)
_NOT_PASSING = re.compile(
    r"\block|password|secret|credential|size|length|characters", re.IGNORECASE
)
# Warnings that a success may be another than was meant.
_NOT_AS_MEANT = re.compile(
    r"ignor|default|instead|unknown|\bno[t]?\b|without|missing|drop|skip|truncat|fallback|assum"
    r"|generic|global|discard|omit",
    re.IGNORECASE,
)


class Stage(IntEnum):
    """How far a call came."""

    NOWHERE = 0  # no answer, or one that may be another one later
    TOKEN = 1  # no token was granted
    PATH = 2  # an answer, but not RainFocus's
    ACCESS = 3  # token or API profile refused
    ENDPOINT = 4  # the API profile is known, but this call is not enabled in it
    PARAMETER = 5  # something is missing in the call
    CONTENT = 6  # RainFocus looked at what the call is about
    UNREAD = 7  # a success for a person, but not by the settings
    STORED = 8


@dataclass(frozen=True)
class Seen:
    """What came of an attempt. The words hold nothing that was sent; the target may."""

    stage: Stage
    words: str  # status, the server's own words, and where a redirect leads, for people
    said: str = ""  # the server's words alone
    answer: Answer | None = None  # as delivery reads it, of an API call
    read: Reading | None = None
    target: str = ""  # of a redirect
    token: AccessToken | None = None  # that the call showed
    fault: TokenFault | None = None  # why no token was granted
    is_shown: bool = False  # a read shows that it was stored, whatever the answer says
    of_new: Reading | None = None  # then: the answer for somebody who was not there before
    warning: str = ""  # of a success that may be another than was meant
    is_silent: bool = False  # it has no words, and each refusal with the same token has some

    @property
    def status(self) -> int | None:
        """The status of the answer, if there is one."""
        return self.read.status if self.read else None

    @property
    def code(self) -> str:
        """RainFocus's code, as the settings find it."""
        return self.answer.code if self.answer else ""

    @property
    def is_later(self) -> bool:
        """Tell whether there is nothing to change: the same call may succeed later."""
        return self.stage is Stage.NOWHERE

    def gist(self, event: str) -> tuple[object, ...]:
        """Return what tells a refusal from another: not event codes, numbers and ids in it."""
        text = re.sub(re.escape(event), "", self.said, flags=re.IGNORECASE) if event else self.said
        plain = " ".join(re.sub(r"\d+", "#", text.lower()).split())
        return self.stage, self.status, self.code, plain, bool(self.warning)


def seen(answer: Answer, read: Reading | None, sent: Sent, url: str, token: AccessToken) -> Seen:
    """Return what is seen in the answer to a call of an address."""
    told = masking.mask(words.said(read), sent) if read else answer.message
    said = console.plain(told)
    target = _target(read, url)
    stage, warning = _stage(answer, read, said), _warning(read, sent)
    text = _described(answer, said)
    if stage in (Stage.STORED, Stage.UNREAD) and warning:
        text += f', but warns "{warning}"'
    if target:
        text += f", which leads to {_shown(target, sent)}"
    return Seen(stage, text, said, answer, read, target, token, warning=warning)


def refused_token(told: str, fault: TokenFault, read: Reading | None, sent: Sent, url: str) -> Seen:
    """Return what is seen where no token was granted; `told` is why, without secrets."""
    said = console.plain(masking.mask(words.said(read), sent)) if read else ""
    target = _target(read, url)
    text = f'{told}; it says "{said}"' if said and said not in told else told
    if target:
        text += f"; it leads to {_shown(target, sent)}"
    is_passing = read is not None and _is_passing(read, said)
    is_away = fault is TokenFault.NETWORK or is_passing
    stage = Stage.NOWHERE if is_away else Stage.TOKEN
    return Seen(stage, text, said, read=read, target=target, fault=fault)


def told_paths(text: str) -> list[tuple[str, str]]:
    """Return the paths that words name, of one segment only after a method; with the methods."""
    found: list[tuple[str, str]] = _PATH_TOLD.findall(text)
    return [(method, path) for method, path in found if method or "/" in path[1:]]


def alike(one: Seen, event: str, other: Seen, other_event: str) -> bool:
    """Tell whether two answers are the same but for the event codes that they may repeat."""
    return one.gist(event) == other.gist(other_event)


def _stage(answer: Answer, read: Reading | None, said: str) -> Stage:  # noqa: PLR0911 - in order
    if answer.kind is AnswerKind.STORED:
        return Stage.STORED
    if read is None or (answer.kind is AnswerKind.TRANSIENT and not _is_fault(read, said)):
        return Stage.PATH if answer.kind is AnswerKind.CONFIGURATION else Stage.NOWHERE
    if answer.code == _ACCESS_DENIED:
        return Stage.ENDPOINT
    if signs.looks_stored(read):
        return Stage.UNREAD
    if _is_passing(read, said):
        return Stage.NOWHERE
    if read.status in _REDIRECTS:
        return Stage.PATH
    if _is_access(answer, read, said):
        return Stage.ACCESS
    if read.is_page or _is_elsewhere(answer, read, said):
        return Stage.PATH
    if answer.code == PARAMETER_MISSING or MISSING.search(said):
        return Stage.PARAMETER
    return Stage.CONTENT if answer.code or said else Stage.PATH


def _is_fault(read: Reading, said: str) -> bool:
    """Tell whether an error of the server is a refusal, as SOAP has it, by its words.

    https://www.w3.org/TR/2000/NOTE-SOAP-20000508/#_Toc478383529
    """
    has_members = read.status == _SERVER_ERROR and isinstance(read.body, dict)
    return has_members and bool(MISSING.search(said)) and not _is_passing(read, said)


def _is_access(answer: Answer, read: Reading, said: str) -> bool:
    if read.status == FORBIDDEN and _FIELDS_MISSING.search(said) and not _ACCESS.search(said):
        return False
    if read.status in (UNAUTHORIZED, FORBIDDEN):
        return True
    if read.is_page:
        return False
    if answer.code and answer.kind is AnswerKind.CONFIGURATION:
        return True
    return bool(_ACCESS.search(said)) and not _NO_ACCESS.search(said)


def _is_elsewhere(answer: Answer, read: Reading, said: str) -> bool:
    """Tell whether what answered is not the call that was meant."""
    if read.status in (METHOD_NOT_ALLOWED, _NOT_IMPLEMENTED):
        return True
    if read.status == NOT_FOUND:
        return bool(told_paths(said)) or not _CONTENT.search(said)
    if answer.code:
        return False
    return bool(_PLACE.search(said)) and not _CONTENT.search(said)


def _is_passing(read: Reading, said: str) -> bool:
    """Tell whether a server says that the same call may succeed later."""
    text = f"{said} {words.page_text(read)[:_MOST_OF_PAGE]}" if read.is_page else said
    is_limit = read.status == FORBIDDEN and bool(_LIMIT.search(text))
    return (is_limit or bool(_PASSING.search(text))) and not _NOT_PASSING.search(text)


def _warning(read: Reading | None, sent: Sent) -> str:
    """Return a warning that a success may be another than was meant."""
    told = words.warnings_in(read) if read else ""
    return console.plain(masking.mask(told, sent)) if _NOT_AS_MEANT.search(told) else ""


def _described(answer: Answer, said: str) -> str:
    if answer.status is None:
        return f"no answer ({answer.message})"
    if answer.kind is AnswerKind.STORED:
        return "RainFocus answers with success"
    code = f", code {answer.code}" if answer.code else ""
    if not said:
        return f"HTTP {answer.status}{code} without a word"
    return f'RainFocus says "{said}" (HTTP {answer.status}{code})'


def _target(read: Reading | None, url: str) -> str:
    place = read.headers.get("location", "") if read and read.status in _REDIRECTS else ""
    try:
        return urljoin(url, place) if place else ""
    except ValueError:
        return ""


def _shown(url: str, sent: Sent) -> str:
    """Return an address without its query, which may hold what was sent."""
    parts = urlsplit(url)
    path = masking.mask(parts.path, sent)
    return console.plain(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}")
