"""What is taken for granted of DynamoDB's statements, asked of items that are gone afterwards."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

from attendee_sync.attendee import Version
from attendee_sync.delivery.ledger import Known, Ledger, LedgerEntry
from attendee_sync.outcome import OutcomeKind
from local.parity.answers import Answer, equal
from local.parity.place import Place


@contextlib.contextmanager
def _ledger(place: Place) -> Iterator[tuple[Ledger, list[LedgerEntry]]]:
    """Yield the stack's ledger, and entries of two attendees that it does not know."""
    ledger = Ledger(place.client("dynamodb"), place.outputs["LedgerTableName"])
    now = int(time.time())
    version = Version(now * 1000, "1".zfill(40), "own")
    entries = [
        LedgerEntry(f"parity-{secrets.token_hex(8)}", "parity", version, kind, now)
        for kind in (OutcomeKind.FILTERED, OutcomeKind.UNCHANGED)
    ]
    try:
        yield ledger, entries
    finally:
        for each in entries:
            ledger.forget(each.attendee)


def _next(entry: LedgerEntry) -> LedgerEntry:
    """Return what may be noted next: with more attributes, one of them empty, and one less."""
    version = Version(entry.version.accepted_at + 1, "2".zfill(40))
    return replace(entry, version=version, fields={"zip": "1"}, delivered_at=entry.settled_at)


def check_statements_of_one_call_fail_each_by_itself(place: Place) -> Answer:
    """Ask whether of two statements one takes effect though the other's item is there, or is not.

    The words for why are those with which an entry was changed meanwhile.
    """
    with _ledger(place) as (ledger, (one, other)):
        ledger.record([one], Known())
        inserted = ledger.record([_next(one), other], Known())
        known = ledger.read([one.attendee, other.attendee])
        ledger.forget(other.attendee)
        updated = ledger.record([_next(one), _next(other)], known)
        left = ledger.read([one.attendee, other.attendee])
    failed = [*inserted.failed.values(), *updated.failed.values()]
    words = ", ".join(str(each).rpartition(" ")[2] for each in failed)
    wrote = [each == _next(one) for each in left.entries.values()]
    return equal("DuplicateItem, ConditionalCheckFailed, [True]", f"{words}, {wrote}")


def check_a_statement_replaces_what_was_read_and_nothing_else(place: Place) -> Answer:
    """Ask whether a statement sets, empties and removes attributes, but over a changed item."""
    with _ledger(place) as (ledger, (one, _)):
        ledger.record([one], Known())
        known = ledger.read([one.attendee])
        first = ledger.record([_next(one)], known)
        second = ledger.record([_next(_next(one))], known)
        [entry] = ledger.read([one.attendee]).entries.values()
    got = f"{len(first.failed)} and {len(second.failed)} failed, {entry == _next(one)}"
    return equal("0 and 1 failed, True", got)


def check_statements_are_billed_as_single_writes(place: Place) -> Answer:
    """Ask whether two statements of one call take a write unit each, not two as transactions do."""
    client, table = place.client("dynamodb"), place.outputs["LedgerTableName"]
    keys = [{"key": {"S": f"attendee#parity-{secrets.token_hex(8)}"}} for _ in range(2)]
    insert = f"INSERT INTO \"{table}\" VALUE {{'key': ?}}"
    statements = [{"Statement": insert, "Parameters": [*each.values()]} for each in keys]
    try:
        answer = client.batch_execute_statement(
            Statements=statements, ReturnConsumedCapacity="TOTAL"
        )
    finally:
        for each in keys:
            client.delete_item(TableName=table, Key=each)
    return equal(2.0, sum(each["CapacityUnits"] for each in answer["ConsumedCapacity"]))


CHECKS = (
    check_statements_of_one_call_fail_each_by_itself,
    check_a_statement_replaces_what_was_read_and_nothing_else,
    check_statements_are_billed_as_single_writes,
)
