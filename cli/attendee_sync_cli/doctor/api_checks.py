"""The doctor's steps at the token endpoint and at RainFocus's API.

Where a call is refused, changes of the settings are tried, and those are named that RainFocus
accepts.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import AccessToken, TokenFault
from attendee_sync.rainfocus.connection import Connection, Event
from attendee_sync_cli.doctor import answers, beyond, changes, field_names, likely, shapes, wanted
from attendee_sync_cli.doctor.answers import Seen, Stage
from attendee_sync_cli.doctor.calls import Calls, is_stored, made_up, made_up_attendee
from attendee_sync_cli.doctor.changes import Change
from attendee_sync_cli.doctor.likely import ATTENDEE_STORE, CREDENTIALS, EVENT_CODE, TOKEN_URL
from attendee_sync_cli.doctor.read_back import ReadBack, Result
from attendee_sync_cli.doctor.report import (
    AskError,
    AwayError,
    BeyondError,
    Check,
    FailedError,
    Findings,
)
from attendee_sync_cli.doctor.search import MAX_CALLS, Found, Search
from attendee_sync_cli.doctor.wanted import Asked

TOKEN = "token"  # noqa: S105 - no setting: the stored one is renewed
_BY_WRITE: Final = "only --write-test EMAIL finds out"
# In the names of what people are known by.
_IDENTITY: Final = re.compile(
    r"mail|login|user|(?:^|[a-z_-])(?:i|I)d$|ID$|key|hash|sha|guid|uuid|ref"
)
_BY_SILENCE: Final = (
    "No read shows the attendee: only refusals have words, and this answer has none. Look in"
    " RainFocus whether the test attendee is there"
)
_IS_NO_SUCCESS: Final = (
    "is never read as a success. Ask RainFocus how its API answers in JSON: no setting reads pages"
)
_CANT_BE_SAID: Final = (
    "no setting can say that. Ask RainFocus for an API profile that needs OAuth or a token alone"
)
_REFUSED_READS: Final = (Stage.TOKEN, Stage.PATH, Stage.ACCESS, Stage.PARAMETER)
# Where it is known what a refusal is about, the search is for its name and place alone.
_FEW_CALLS: Final = 40
_FEW_SETTINGS: Final = 2  # are told in a sentence


@dataclass(frozen=True)
class ApiChecks:
    """The steps of one examination. Writes only if the case allows it."""

    calls: Calls
    connection: Connection

    @property
    def findings(self) -> Findings:
        """What is found out."""
        return self.calls.findings

    def check(self) -> None:
        """Do the steps from the token on. Raises FailedError."""
        # First, since some servers let a token end when another one is granted.
        stored = self._with_stored_token()
        self.findings.progress("asking for a token, and calling RainFocus")
        seen = self.calls.attempt(self.connection)
        self._note_passed(seen)
        if seen.is_later:
            check = Check.TOKEN_ENDPOINT if seen.fault else Check.API
            raise AwayError(check, seen.words)
        if not self._is_goal(seen):
            self._mend(seen)
        elif self.findings.case.write_test:
            self._check_write(seen)
        else:
            self._check_read(seen)
        self._judge_stored_token(stored, seen)

    def _is_goal(self, seen: Seen) -> bool:
        if self.findings.case.write_test:
            return seen.stage is Stage.STORED and not seen.warning
        return not seen.is_later and seen.stage not in _REFUSED_READS

    def _note_passed(self, seen: Seen) -> None:
        """Note the steps that are behind an answer."""
        auth = self.connection.auth
        if seen.token and auth.kind == "profile_token":
            self.findings.passed(Check.TOKEN_ENDPOINT, "not needed with a profile token")
            self.findings.passed(Check.TOKEN, "a profile token is stored")
        elif seen.token:
            life = f"good for {round(seen.token.seconds_left() / 60)} minutes"
            remark = self.calls.remark(self.connection)
            self.findings.passed(Check.TOKEN_ENDPOINT, auth.token_url)
            self.findings.passed(Check.TOKEN, f"{life}; {remark}" if remark else life)
        elif seen.read and seen.fault is not TokenFault.TOKEN_URL:
            self.findings.passed(Check.TOKEN_ENDPOINT, auth.token_url)
        if seen.stage > Stage.PATH:
            self.findings.passed(Check.API, self.connection.base)
        if seen.stage > Stage.ACCESS and self.findings.case.write_test:
            self.findings.passed(Check.API_PROFILE, seen.words)

    # --- the stored token ---

    def _with_stored_token(self) -> Seen | str:
        """Return what RainFocus answers to the stored token, or why it is not shown."""
        case = self.findings.case
        if self.connection.auth.kind == "profile_token":
            return "without OAuth there is none"
        if case.stored_token is None:
            return "the stored one could not be read"
        token = access_token.parse(case.stored_token, self.connection)
        if token is None:
            return f"none is stored for {self.connection.base}"
        if token.seconds_left() <= 0:
            return "the stored one has run out"
        complete = access_token.complete(token, case.credentials)
        if complete is None or token.granted_to != access_token.grant_digest(
            self.connection, case.credentials
        ):
            return "the stored one was asked for with other settings or credentials"
        self.findings.tokens.add(token.value)
        return self._shown(complete)

    def _shown(self, token: AccessToken) -> Seen:
        if self.findings.case.write_test:
            fields = made_up_attendee(self.findings.case.write_test)
            return self.calls.write(self.connection, token, fields)
        return self.calls.read(self.connection, token)[0]

    def _judge_stored_token(self, stored: Seen | str, seen: Seen) -> None:
        """Compare the answer to the stored token with that to a fresh one."""
        if isinstance(stored, str):
            self.findings.unknown(Check.STORED_TOKEN, stored)
        elif stored.is_later:
            self.findings.unknown(Check.STORED_TOKEN, stored.words)
        elif stored.stage >= seen.stage or stored.stage > Stage.ACCESS:
            self.findings.passed(Check.STORED_TOKEN, "as a fresh one is")
        else:
            words = f"{stored.words}; a fresh one is accepted"
            self.findings.failed(FailedError(Check.STORED_TOKEN, words, TOKEN, sure=True))

    # --- a refusal ---

    def _mend(self, seen: Seen) -> None:
        """Look for changes that help. Raises FailedError, but for a read that fails alone."""
        self._require_credentials(seen)
        if self.findings.case.write_test and seen.stage is Stage.ENDPOINT:
            self._compare_with_read(seen)
        suspect = self._suspect(seen) if seen.stage is not Stage.STORED else None
        search = Search(self.calls, self._is_goal, _FEW_CALLS if suspect else MAX_CALLS)
        document: dict[str, Any] = json.loads(self.findings.case.settings)
        found = search.run(document, self.connection, seen)
        if not found and suspect and search.asked:
            suspect = None  # what is wanted is told
        self.findings.experiments += search.experiments
        if search.is_over:
            words = f"{seen.words}. Then RainFocus was away or busy, and the search ended"
            raise AwayError(likely.check_of(seen, ""), words)
        if found:
            self._accepted(seen, found, search.refused_new)
        if suspect:
            raise suspect
        self._not_accepted(seen, search)

    def _suspect(self, seen: Seen) -> FailedError | None:
        """Return what a refusal is about, if a few calls tell; its name or place may be wrong."""
        if seen.stage < Stage.PARAMETER:
            return None
        event = self._suspect_event(self._as_read(seen))
        if event:
            return FailedError(Check.EVENT_CODE, event, EVENT_CODE)
        field = self._suspect_field(seen) if self.findings.case.write_test else ""
        words = f"{seen.words}. Without {field} RainFocus stores the attendee"
        return FailedError(Check.TEST_ATTENDEE, words, f"fields.names.{field}") if field else None

    def _as_read(self, seen: Seen) -> Seen:
        """Return the answer to a read of what an answer is about."""
        if seen.token is None or not self.findings.case.write_test:
            return seen
        return self.calls.read(self.connection, seen.token)[0]

    def _require_credentials(self, seen: Seen) -> None:
        """Raise FailedError for what is missing, which no search finds."""
        case, auth = self.findings.case, self.connection.auth
        is_asked = seen.read is not None or seen.stage is not Stage.TOKEN
        if is_asked or case.credentials.profile_token:
            return
        if seen.fault is TokenFault.CREDENTIALS:
            raise FailedError(Check.TOKEN, seen.words, CREDENTIALS, sure=True)
        if not auth.token_url and not case.credentials.client_id:
            raise FailedError(Check.TOKEN_ENDPOINT, seen.words, TOKEN_URL)

    def _accepted(self, seen: Seen, found: Found, refused_new: Seen | None) -> NoReturn:
        made = list(found.changes)
        document, result = found.document, Result()
        if self.findings.case.write_test and found.seen.token:
            result = ReadBack(self.calls, found.seen.token).compare(document, found.connection)
            self._note_fields(result)
            if result.renamed:
                made.append(changes.as_names(result.renamed))
                document = made[-1].applied(document)
        self.findings.changes, self.findings.settings = tuple(made), json.dumps(document)
        words = f"{seen.words}. RainFocus accepts the call {self._told(made)}"
        setting = made[0].setting
        unproven = self._unproven(found, result)
        is_write = bool(self.findings.case.write_test)
        is_sure = not (unproven or found.is_guess) if is_write else _asks_otherwise(seen, made)
        taken, consents = wanted.made_up(found.changes), wanted.consents(found.changes)
        if taken:
            words += f". Any value is taken for {', '.join(taken)}: ask RainFocus which is right"
        elif consents:
            words += f". {', '.join(consents)} says that attendees agreed: keep it only if they did"
        elif found.is_guess:
            words += f". {_BY_SILENCE}"
        elif unproven:
            words += f". Whether it reads {', '.join(unproven)} is not known: it takes others, too"
        elif not is_sure:
            words += f". That was a read: whether a write is accepted, {_BY_WRITE}"
        left_out = [name for change in made for name in shapes.left_out(change)]
        if left_out:
            setting = f"fields.names.{left_out[0]}"
            words += f". {', '.join(left_out)} is left out: ask RainFocus what it is called there"
        if refused_new:
            words += f". Somebody new is refused: {refused_new.words}"
        is_sure = is_sure and not (taken or consents or refused_new or left_out)
        raise FailedError(likely.check_of(seen, setting), words, setting, sure=is_sure)

    def _unproven(self, found: Found, result: Result) -> list[str]:
        """Return names that RainFocus may only have passed over, and stored without what they hold.

        A name is proven if RainFocus said it, the field is kept, or a made-up one is refused.
        """
        token, event = found.seen.token, found.connection.event.key
        names = {
            path[2]: str(value)
            for change in found.changes
            for path, value in change.values
            if path[:2] == ("fields", "names")
        }
        if token is None or not self.findings.case.write_test:
            return []
        doubted = [
            name
            for field, name in names.items()
            if field not in result.kept
            and name not in found.heard
            and self._takes(changes.as_name(field, "no-such-name"), found, token)
        ]
        is_said = event in found.heard and event != Event().key  # that is an English word
        # What is wanted there may be anything: it takes an e-mail address for it, too.
        match_key = found.connection.fields.match_key
        is_new = match_key != self.connection.fields.match_key
        if is_new and not _IDENTITY.search(match_key):
            doubted.append(match_key)
        if any(change.touches("event") for change in found.changes) and not is_said:
            fields = made_up_attendee(self.findings.case.write_test)
            if is_stored(self.calls.write(found.connection, token, fields, made_up("event"))):
                doubted.append(event)
        return doubted

    def _takes(self, change: Change, found: Found, token: AccessToken) -> bool:
        changed = changes.connection_of(change.applied(found.document), self.connection.name)
        fields = made_up_attendee(self.findings.case.write_test)
        return changed is not None and is_stored(self.calls.write(changed, token, fields))

    def _told(self, made: list[Change]) -> str:
        """Return what changes, and from what; of many changes only that they are many."""
        paths = [path for change in made for path, value in change.values if value is not None]
        if len(paths) > _FEW_SETTINGS:
            return f"with {len(paths)} settings changed"
        to = " and ".join(change.words for change in made)
        now = (f"{'.'.join(path)} is {changes.now(self.connection, path)} now" for path in paths)
        return f"with {to}; {', '.join(now)}"

    def _require_speakable(self, seen: Seen, search: Search) -> None:
        """Raise BeyondError for what no setting can say, as far as words or an answer tell it."""
        if seen.is_shown and seen.read and seen.read.is_page:
            words = "The attendee is stored, as a read shows, but the answer is a web page, which"
            raise BeyondError(likely.check_of(seen, ""), f"{seen.words}. {words} {_IS_NO_SUCCESS}")
        if wants := beyond.wanted_of_values(self.connection, seen):
            words = (
                f"{seen.words}. RainFocus {wants}, and no setting of a connection changes values"
            )
            raise BeyondError(likely.check_of(seen, ""), words)
        wants = beyond.wanted([seen, *search.heard])
        if wants:
            words = f"{seen.words}. RainFocus {wants}, as its words have it, and {_CANT_BE_SAID}"
            raise BeyondError(likely.check_of(seen, ""), words)

    def _require_told(self, seen: Seen) -> None:
        """Raise AskError for what a refusal names plainly, or another address that was granted."""
        path = wanted.told_plainly(self.connection, seen)
        if path:
            self._ask(seen, Asked(path, (), seen))
        other = self.calls.addresses[0] if self.calls.addresses else ""
        if other and seen.stage in (Stage.PATH, Stage.ACCESS):
            words = f"{seen.words}. With the token another address is given, {other}: if that is"
            words += " RainFocus's API, set base_url to it"
            raise AskError(likely.check_of(seen, "base_url"), words, "base_url")

    def _ask(self, seen: Seen, asked: Asked) -> NoReturn:
        """Raise AskError; the changes that lead to the question are kept."""
        document: dict[str, Any] = json.loads(self.findings.case.settings)
        for change in asked.changes:
            document = change.applied(document)
        if asked.changes:
            self.findings.changes, self.findings.settings = asked.changes, json.dumps(document)
        words = f"{seen.words}. RainFocus asks for {asked.name}: ask RainFocus for its value"
        if asked.seen.said != seen.said:
            words += f"; to one that is none it answers: {asked.seen.words}"
        raise AskError(likely.check_of(seen, asked.setting), words, asked.setting)

    def _not_accepted(self, seen: Seen, search: Search) -> None:
        if search.asked and not beyond.wanted([seen]):
            self._ask(seen, search.asked)
        warned = seen if seen.stage is Stage.STORED else search.warned
        if warned:
            words = f"{warned.words}. It may be stored otherwise than meant"
            raise FailedError(Check.TEST_ATTENDEE, words, "event.key")
        self._require_speakable(seen, search)
        self._require_told(seen)
        case = self.findings.case
        setting, why = likely.setting(case, self.connection, seen)
        words = f"{seen.words}; {why}" if why else seen.words
        if search.furthest and search.furthest.seen.stage > seen.stage:
            told = " and ".join(change.words for change in search.furthest.changes)
            words += f". With {told} the answer differs: {search.furthest.seen.words}"
        if case.write_test:
            self._compare_with_read(seen)
            words += "; no change that was tried helps"
            raise FailedError(likely.check_of(seen, setting), words, setting)
        if seen.stage in (Stage.TOKEN, Stage.ACCESS):
            raise FailedError(likely.check_of(seen, setting), words, setting)
        # A read that fails alone: it may be one that this API does not have.
        for check in (Check.API_PROFILE, Check.ATTENDEE_STORE, Check.EVENT_CODE):
            self.findings.unknown(check, _BY_WRITE)
        self.findings.unknown(
            likely.check_of(seen, setting), f"{words}. That was a read; {_BY_WRITE}", setting
        )

    def _suspect_field(self, seen: Seen) -> str:
        """Return the field without which the attendee is stored, of those that a refusal names."""
        for name in field_names.named(self.connection, seen.said):
            if seen.token is None or name == "email":
                continue
            self.findings.progress(f"trying without {name}")
            fields = made_up_attendee(self.findings.case.write_test)
            del fields[name]
            if is_stored(self.calls.write(self.connection, seen.token, fields)):
                return name
        return ""

    def _compare_with_read(self, seen: Seen) -> None:
        """Raise FailedError if only the write is refused, as where Attendee Store is off."""
        if seen.token is None or seen.stage not in (Stage.ACCESS, Stage.ENDPOINT):
            return
        read = self._as_read(seen)
        self._suspect_event(read)
        if read.stage > Stage.ACCESS or seen.stage is Stage.ENDPOINT:
            self.findings.passed(Check.API_PROFILE, f"for a read: {read.words}")
            words = f"{seen.words}. Enable Attendee Store in the API profile, in RainFocus"
            if read.stage > Stage.ACCESS:
                words += "; a read is let through"
            raise FailedError(Check.ATTENDEE_STORE, words, ATTENDEE_STORE)

    # --- an answer to a read ---

    def _check_read(self, seen: Seen) -> None:
        self.findings.passed(Check.API_PROFILE, seen.words)
        self.findings.unknown(Check.ATTENDEE_STORE, f"a read can't tell; {_BY_WRITE}")
        self.findings.unknown(Check.TEST_ATTENDEE, _BY_WRITE)
        self.findings.unknown(Check.READ_BACK, _BY_WRITE)
        if self.calls.destination is None:
            self.findings.unknown(Check.EVENT_CODE, "no destination uses this connection")
            return
        if seen.stage is Stage.STORED:
            self.findings.passed(Check.EVENT_CODE, seen.words)
            return
        suspect = self._suspect_event(seen)
        if suspect:
            raise FailedError(Check.EVENT_CODE, suspect, EVENT_CODE)

    def _suspect_event(self, own: Seen) -> str:
        """Return how RainFocus answers an event code that it does not seem to know, or nothing.

        The answer to a read is compared with that for an event that surely does not exist.
        """
        if self.calls.destination is None or own.token is None:
            return ""
        code, none = self.calls.event_code, made_up("event")
        other = self.calls.read(self.connection, own.token, none)[0]
        if own.stage is Stage.STORED or (
            own.stage is Stage.CONTENT
            and not other.is_later
            and not answers.alike(own, code, other, none)
        ):
            words = f"{code}: {own.words}; for an event that does not exist: {other.words}"
            self.findings.passed(Check.EVENT_CODE, words)
            return ""
        self.findings.unknown(Check.EVENT_CODE, f"{own.words}: a read can't tell")
        if own.stage is not Stage.CONTENT or other.is_later or "event" not in own.said.lower():
            return ""
        return f"{code}, in destination {self.findings.case.destination}: {own.words}"

    # --- a write that succeeded ---

    def _check_write(self, seen: Seen) -> None:
        for check in (Check.API_PROFILE, Check.ATTENDEE_STORE, Check.EVENT_CODE):
            self.findings.passed(check, "the test attendee was stored")
        known = seen.answer.attendee_id if seen.answer else ""
        words = f"a made-up one, to be removed in RainFocus: {known or 'id unknown'}"
        self.findings.passed(Check.TEST_ATTENDEE, words)
        if seen.token is None:
            return
        document: dict[str, Any] = json.loads(self.findings.case.settings)
        result = ReadBack(self.calls, seen.token).compare(document, self.connection)
        self._note_fields(result)
        if result.renamed:
            change = changes.as_names(result.renamed)
            self.findings.changes = (change,)
            self.findings.settings = json.dumps(change.applied(document))
            words = f"{', '.join(result.renamed)} are lost, and kept with {change.words}"
            raise FailedError(Check.READ_BACK, words, change.setting, sure=True)

    def _note_fields(self, result: Result) -> None:
        if result.words:
            self.findings.unknown(Check.READ_BACK, result.words)
        elif result.lost:
            words = f"lost on the way, though the write succeeds: {', '.join(sorted(result.lost))}"
            setting = f"fields.names.{sorted(result.lost)[0]}"
            self.findings.failed(FailedError(Check.READ_BACK, words, setting))
        elif result.unseen:
            words = f"{len(result.kept)} fields are kept; not shown by the read, so unknown: "
            self.findings.unknown(Check.READ_BACK, words + ", ".join(result.unseen))
        else:
            self.findings.passed(Check.READ_BACK, "all fields are kept")


def _asks_otherwise(seen: Seen, made: list[Change]) -> bool:
    """Tell whether all that changed is how a token is asked for, and one is granted now."""
    paths = [path for change in made for path, _ in change.values]
    return seen.stage is Stage.TOKEN and all(
        path[0] == "token_call" or (path[0] == "auth" and path[1:2] != ("kind",)) for path in paths
    )
