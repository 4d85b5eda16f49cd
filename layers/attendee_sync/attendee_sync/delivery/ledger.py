"""The ledger: what became of whom, and what was last delivered. It holds no personal data."""

import functools
import json
import time
from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import observability
from attendee_sync.attendee import Version
from attendee_sync.aws import clients
from attendee_sync.delivery import blocks
from attendee_sync.outcome import OutcomeKind

type _Item = Mapping[str, Mapping[str, Any]]

_PREFIX = "attendee#"
_BASE = ("accepted_at", "sequence")  # no two profiles of an attendee have both the same
_CONDITIONS = ("DuplicateItem", "ConditionalCheckFailed")  # for which a statement has no effect
_ATTEMPT = "attempt#"
_READS = 3  # while a busy table leaves something out
_WRITES = 2  # likewise
_TROUBLE_SECONDS = 14 * 86_400  # as long as a message can live
_KEPT_SECONDS = 400 * 86_400  # longer than the year between two editions of an event
_STORED_SECONDS = 1.0  # at most so often a connection's success is noted


@dataclass(frozen=True)
class LedgerEntry:
    """What is known of one attendee."""

    attendee: str  # attendee.key
    destination: str
    # Of the profile that was settled last, as `outcome` says, and when: epoch seconds.
    version: Version
    outcome: OutcomeKind
    settled_at: int
    # Of the last delivery; nothing of it is there if there was none.
    fields: Mapping[str, str] = field(default_factory=dict)  # attendee.digests
    mapping_version: str = ""
    status: int = 0
    code: str = ""
    attendee_id: str = ""  # as RainFocus knows it
    delivered_at: int = 0  # epoch seconds

    @property
    def was_delivered(self) -> bool:
        """Tell whether the attendee is in RainFocus."""
        return self.delivered_at > 0

    def fields_of(self, mapping_version: str) -> Mapping[str, str]:
        """Return the digests of what was delivered, if it was by that version of the mapping."""
        return self.fields if self.mapping_version == mapping_version else {}


@dataclass(frozen=True)
class AttemptNote:
    """What is noted of a message between its attempts."""

    put_back: int = 0  # the attempt after which it was put back; 0 if it was not
    begun: int = 0  # the attempt with which it was begun alone, likewise
    begun_at: int = 0  # epoch seconds
    deaths: int = 0  # of invocations, on it alone
    told: str = ""  # why it waits, as its last log line says
    told_at: int = 0  # epoch seconds


@dataclass(frozen=True)
class Known:
    """What is known of some attendees and persons."""

    entries: Mapping[str, LedgerEntry] = field(default_factory=dict)  # by attendee.key
    erased: Set[str] = frozenset()  # attendee.person_key of those who are blocked
    # As the table has them, also what can't be read as an entry; by attendee.key.
    items: Mapping[str, _Item] = field(default_factory=dict, compare=False)


class LedgerUnavailableError(Exception):
    """The ledger can't be read or written now. The text says which, and why."""


@dataclass(frozen=True)
class Recorded:
    """Which attendees' entries are not noted, by attendee.key; all others are."""

    overtaken: Set[str]  # something newer is noted
    failed: Mapping[str, LedgerUnavailableError]  # or something else came in between


class Ledger:
    """The ledger table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._stored_at: dict[str, float] = {}

    def read(self, attendees: Collection[str], persons: Collection[str] = ()) -> Known:
        """Return what is known of attendees and which persons are erased, at most 100 together.

        An item that can't be read, such as a later version's, counts as no knowledge of its
        attendee. Raises LedgerUnavailableError.
        """
        keys = {each: f"{_PREFIX}{each}" for each in attendees}
        found = self._get([*keys.values(), *map(blocks.key_of, persons)])
        erased = frozenset(each for each in persons if blocks.key_of(each) in found)
        items = {each: found[key] for each, key in keys.items() if key in found}
        entries = {each: _readable(item) for each, item in items.items()}
        return Known({each: entry for each, entry in entries.items() if entry}, erased, items)

    def _get(self, keys: Sequence[str]) -> dict[str, _Item]:
        """Return those of some items that there are, by their keys."""
        found: dict[str, _Item] = {}
        request = {"Keys": [{"key": {"S": key}} for key in keys], "ConsistentRead": True}
        pending = {self._table: request} if keys else {}
        for _ in range(_READS):
            if not pending:
                return found
            try:
                answer = self._client.batch_get_item(RequestItems=pending)
            except (BotoCoreError, ClientError) as error:
                raise _unreadable(clients.cause(error)) from error
            items = answer["Responses"].get(self._table, [])
            found |= {item["key"]["S"]: item for item in items}
            pending = answer.get("UnprocessedKeys", {})
        if pending:
            raise _unreadable("DynamoDB is too busy")
        return found

    def record(self, entries: Collection[LedgerEntry], known: Known) -> Recorded:
        """Note what is known of different attendees now, at most 25, in one call.

        `known` is what the ledger knew of them before: each is noted only if that still stands, so
        that nothing is noted over something newer. Raises LedgerUnavailableError, and then nothing
        is noted, or some of it.
        """
        overtaken = {
            each.attendee for each in entries if _is_newer(known.items.get(each.attendee), each)
        }
        due = [each for each in entries if each.attendee not in overtaken]
        causes = self._write_twice(due, known)
        now = self._get([f"{_PREFIX}{key}" for key in causes])
        failed: dict[str, LedgerUnavailableError] = {}
        for each in due:
            held = now.get(f"{_PREFIX}{each.attendee}")
            if each.attendee not in causes or held == _item(each):
                continue  # it is noted, maybe by a call whose answer was lost
            if _is_newer(held, each):
                overtaken.add(each.attendee)
            else:
                failed[each.attendee] = _unwritable(causes[each.attendee])
        return Recorded(overtaken, failed)

    def _write_twice(self, entries: Sequence[LedgerEntry], known: Known) -> dict[str, str]:
        """Write entries as _write() does, and once more what was not, or it is delivered again."""
        try:
            causes = self._write(entries, known)
        except LedgerUnavailableError:
            return self._write(entries, known)
        left = {key for key, cause in causes.items() if cause not in _CONDITIONS}
        with suppress(LedgerUnavailableError):
            again = self._write([each for each in entries if each.attendee in left], known)
            causes = {key: causes[key] for key in causes.keys() - left} | again
        return causes

    def _write(self, entries: Sequence[LedgerEntry], known: Known) -> dict[str, str]:
        """Write entries; return AWS's words for why some are not written, by attendee."""
        if not entries:
            return {}
        statements = [self._statement(each, known.items.get(each.attendee)) for each in entries]
        try:
            answer = self._client.batch_execute_statement(Statements=statements)
        except (BotoCoreError, ClientError) as error:
            raise _unwritable(clients.cause(error)) from error
        return {
            entry.attendee: str(each["Error"].get("Code", ""))
            for entry, each in zip(entries, answer["Responses"], strict=True)
            if "Error" in each
        }

    def _statement(self, entry: LedgerEntry, held: _Item | None) -> dict[str, Any]:
        """Return the statement that puts an entry in the place of what the table held of it."""
        item = _item(entry)
        if held is None:
            return {"Statement": _insert(self._table, *item), "Parameters": list(item.values())}
        key = item.pop("key")
        superfluous = sorted(held.keys() - item.keys() - {"key"})
        base = [name for name in _BASE if name in held]
        return {
            "Statement": _update(self._table, tuple(item), tuple(superfluous), tuple(base)),
            "Parameters": [*item.values(), key, *(held[name] for name in base)],
        }

    def invalidate(self, attendee: str) -> None:
        """Have an attendee sent with its next push, even if that is the same as the last.

        Raises LedgerUnavailableError.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"key": {"S": f"{_PREFIX}{attendee}"}},
                UpdateExpression="SET #version = :none",
                ConditionExpression="attribute_exists(#key)",
                ExpressionAttributeNames={"#key": "key", "#version": "mapping_version"},
                ExpressionAttributeValues={":none": {"S": ""}},
            )
        except (BotoCoreError, ClientError) as error:
            if not _is_condition(error):
                raise _unwritable(clients.cause(error)) from error

    def forget(self, attendee: str) -> bool:
        """Delete what is known of an attendee; tell whether there was anything.

        Raises botocore's errors.
        """
        key = {"key": {"S": f"{_PREFIX}{attendee}"}}
        answer = self._client.delete_item(TableName=self._table, Key=key, ReturnValues="ALL_OLD")
        return bool(answer.get("Attributes"))

    def note_success(self, connection: str) -> None:
        """Note that a connection took something just now: count_isolated_failures() asks for it.

        It is written now and then only, and what can't be written is let go.
        """
        now = time.time()
        if now - self._stored_at.get(connection, 0.0) < _STORED_SECONDS:
            return
        self._stored_at[connection] = now
        item = {"key": {"S": f"stored#{connection}"}, "at": {"N": str(int(now * 1000))}}
        with suppress(BotoCoreError, ClientError):
            self._client.put_item(TableName=self._table, Item=item)

    def count_isolated_failures(self, message_id: str, connection: str) -> int:
        """Note that a message met a fault of its connection; return how often it was alone in it.

        It was alone if the connection took others since the message's last time. Raises
        botocore's errors.
        """
        trouble, stored = f"trouble#{message_id}", f"stored#{connection}"
        keys = [{"key": {"S": key}} for key in (trouble, stored)]
        answer = self._client.batch_get_item(
            RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
        )
        found = {item["key"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        now = int(time.time() * 1000)
        last = _number(found.get(trouble), "at") or now
        alone = _number(found.get(trouble), "alone")
        if _number(found.get(stored), "at") > last:
            alone += 1
        item = {
            "key": {"S": trouble},
            "at": {"N": str(now)},
            "alone": {"N": str(alone)},
            "expires_at": {"N": str(now // 1000 + _TROUBLE_SECONDS)},
        }
        self._client.put_item(TableName=self._table, Item=item)
        return alone

    def attempt_notes(self, message_ids: Collection[str]) -> dict[str, AttemptNote]:
        """Return what is noted of messages, at most 100, by their ids.

        Raises LedgerUnavailableError.
        """
        found = self._get([f"{_ATTEMPT}{each}" for each in message_ids])
        return {key.removeprefix(_ATTEMPT): _attempt_note(item) for key, item in found.items()}

    def note_begun(self, message_id: str, attempt: int, deaths: int) -> None:
        """Note that a message is worked on alone, and how often an invocation died on it if now.

        Raises LedgerUnavailableError.
        """
        note = AttemptNote(deaths=deaths, begun=attempt, begun_at=int(time.time()))
        try:
            self._client.put_item(TableName=self._table, Item=_attempt_item(message_id, note))
        except (BotoCoreError, ClientError) as error:
            raise _unwritable(clients.cause(error)) from error

    def note_put_back(self, notes: Mapping[str, AttemptNote], alone: str = "") -> bool:
        """Note that messages, at most 25, are put back, by their ids.

        What can't be noted is let go: it is a suspect when it comes again. The one that was worked
        on alone is noted by itself, since a busy table may leave it out of a batch for ever.
        Returns whether that one is noted.
        """
        items = {name: _attempt_item(name, note) for name, note in notes.items()}
        is_noted = not alone or self._is_noted(items[alone])
        pending = {
            self._table: [
                {"PutRequest": {"Item": item}}
                for name, item in items.items()
                if name != alone or not is_noted
            ]
        }
        for _ in range(_WRITES - bool(alone)):
            if not any(pending.values()):
                break
            with suppress(BotoCoreError, ClientError):
                answer = self._client.batch_write_item(RequestItems=pending)
                pending = answer.get("UnprocessedItems", {})
        left = [each["PutRequest"]["Item"]["key"]["S"] for each in pending.get(self._table, [])]
        return f"{_ATTEMPT}{alone}" not in left

    def _is_noted(self, item: Mapping[str, Any]) -> bool:
        try:
            self._client.put_item(TableName=self._table, Item=item)
        except (BotoCoreError, ClientError):
            return False
        return True


def _item(entry: LedgerEntry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "key": {"S": f"{_PREFIX}{entry.attendee}"},
        "destination": {"S": entry.destination},
        "accepted_at": {"N": str(entry.version.accepted_at)},
        "sequence": {"S": entry.version.sequence},
        "outcome": {"S": entry.outcome},
        "settled_at": {"N": str(entry.settled_at)},
        "expires_at": {"N": str(entry.settled_at + _KEPT_SECONDS)},
    }
    if entry.version.lane:
        item["lane"] = {"S": entry.version.lane}
    if entry.was_delivered:
        item |= {
            # As one text, which botocore packs and unpacks faster than a map.
            "fields": {"S": json.dumps(entry.fields)},
            "mapping_version": {"S": entry.mapping_version},
            "status": {"N": str(entry.status)},
            "code": {"S": entry.code},
            "attendee_id": {"S": entry.attendee_id},
            "delivered_at": {"N": str(entry.delivered_at)},
        }
    return item


def _unreadable(cause: str) -> LedgerUnavailableError:
    return LedgerUnavailableError(f"the ledger can't be read: {cause}")


def _unwritable(cause: str) -> LedgerUnavailableError:
    return LedgerUnavailableError(f"the ledger can't be written: {cause}")


# An INSERT is refused where there is an item, and an UPDATE where there is none or its condition
# does not hold: with DuplicateItem and ConditionalCheckFailed.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
@functools.cache
def _insert(table: str, *names: str) -> str:
    item = ", ".join(f"'{name}': ?" for name in names)
    return f'INSERT INTO "{table}" VALUE {{{item}}}'


@functools.cache
def _update(
    table: str, names: Sequence[str], superfluous: Sequence[str], base: Sequence[str]
) -> str:
    changes = [f'SET "{name}" = ?' for name in names]
    changes += [f'REMOVE "{name}"' for name in superfluous]
    conditions = ['"key" = ?', *(f'"{name}" = ?' for name in base)]
    conditions += [f'"{name}" IS MISSING' for name in _BASE if name not in base]
    return f'UPDATE "{table}" {" ".join(changes)} WHERE {" AND ".join(conditions)}'


def _is_newer(item: _Item | None, entry: LedgerEntry) -> bool:
    """Tell whether an item, which may be none that can be read, is newer than an entry."""
    return item is not None and entry.version.is_before(_version(item))


def _version(item: _Item) -> Version:
    """Return an item's version; without a time that can be read, it is older than any other."""
    sequence, lane = (str(item.get(name, {}).get("S", "")) for name in ("sequence", "lane"))
    return Version(_number(item, "accepted_at"), sequence, lane)


def _readable(item: _Item) -> LedgerEntry | None:
    """Return an item's entry, or None with a log line if it is none that this version can read."""
    try:
        return _entry(item)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        attendee = item["key"]["S"].removeprefix(_PREFIX)
        observability.logger().warning(
            "ledger entry not readable", attendee=attendee, error=type(error).__name__
        )
        return None


def _number(item: _Item | None, name: str) -> int:
    """Return a number of an item; what is missing or none counts as 0."""
    try:
        return int(item[name]["N"]) if item else 0
    except (ValueError, TypeError, LookupError):
        return 0


def _entry(item: _Item) -> LedgerEntry:
    """Read an item. What is missing is empty; raises for what is of another type."""

    def text(name: str) -> str:
        return str(item[name]["S"]) if name in item else ""

    def number(name: str) -> int:
        return int(item[name]["N"]) if name in item else 0

    fields = json.loads(text("fields") or "{}")
    if not isinstance(fields, dict) or not all(isinstance(each, str) for each in fields.values()):
        raise TypeError("fields")
    return LedgerEntry(
        attendee=text("key").removeprefix(_PREFIX),
        destination=text("destination"),
        version=Version(number("accepted_at"), text("sequence"), text("lane")),
        outcome=OutcomeKind(text("outcome")),
        settled_at=number("settled_at"),
        fields=fields,
        mapping_version=text("mapping_version"),
        status=number("status"),
        code=text("code"),
        attendee_id=text("attendee_id"),
        delivered_at=number("delivered_at"),
    )


def _attempt_item(message_id: str, note: AttemptNote) -> dict[str, Any]:
    numbers = {
        "put_back": note.put_back,
        "begun": note.begun,
        "begun_at": note.begun_at,
        "deaths": note.deaths,
        "told_at": note.told_at,
        "expires_at": int(time.time()) + _TROUBLE_SECONDS,
    }
    return {
        "key": {"S": f"{_ATTEMPT}{message_id}"},
        "told": {"S": note.told},
        **{name: {"N": str(number)} for name, number in numbers.items() if number},
    }


def _attempt_note(item: Mapping[str, Any]) -> AttemptNote:
    return AttemptNote(
        put_back=_number(item, "put_back"),
        begun=_number(item, "begun"),
        begun_at=_number(item, "begun_at"),
        deaths=_number(item, "deaths"),
        told=str(item.get("told", {}).get("S", "")),
        told_at=_number(item, "told_at"),
    )


def _is_condition(error: BotoCoreError | ClientError) -> bool:
    return clients.cause(error) == clients.CONDITION_FAILED
