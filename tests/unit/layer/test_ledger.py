import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from attendee_sync.attendee import Version
from attendee_sync.delivery.blocks import Blocks
from attendee_sync.delivery.ledger import (
    AttemptNote,
    Known,
    Ledger,
    LedgerEntry,
    LedgerUnavailableError,
    Recorded,
)
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.delivery.suspects import count_deaths
from attendee_sync.outcome import OutcomeKind
from tests.support import fakes
from tests.support.stack import Aws, Clock

KEY = "a" * 64
VERSION = Version(1_790_000_000_000, "18849496460467696128".zfill(40))
ENTRY = LedgerEntry(
    attendee=KEY,
    destination="default",
    version=VERSION,
    outcome=OutcomeKind.DELIVERED,
    settled_at=1_790_000_001,
    fields={"email": "b" * 22, "zip": "c" * 22},
    mapping_version="d" * 12,
    status=200,
    code="0",
    attendee_id="17000000abcd",
    delivered_at=1_790_000_001,
)
FILTERED = LedgerEntry(KEY, "default", VERSION, OutcomeKind.FILTERED, 1_790_000_001)


@pytest.fixture
def ledger(aws: Aws) -> Ledger:
    return Ledger(aws.dynamodb, fakes.TABLE)


NOTED = Recorded(set(), {})  # all of it


def entries(count: int) -> list[LedgerEntry]:
    return [replace(ENTRY, attendee=f"{n:064}") for n in range(count)]


def record(ledger: Ledger, *noted: LedgerEntry) -> Recorded:
    """Note entries on what is known by then."""
    return ledger.record(noted, ledger.read([each.attendee for each in noted]))


def of(accepted_at: int, sequence: int | None = None, lane: str = "") -> LedgerEntry:
    version = Version(accepted_at, f"{sequence:040}" if sequence else "", lane)
    return replace(ENTRY, version=version)


def test_a_delivery_is_noted(aws: Aws, ledger: Ledger) -> None:
    record(ledger, ENTRY)
    assert list(aws.dynamodb.items.values()) == [
        {
            "key": {"S": f"attendee#{KEY}"},
            "destination": {"S": "default"},
            "accepted_at": {"N": "1790000000000"},
            "sequence": {"S": VERSION.sequence},
            "outcome": {"S": "delivered"},
            "settled_at": {"N": "1790000001"},
            "expires_at": {"N": str(1_790_000_001 + 400 * 86_400)},
            "fields": {"S": json.dumps({"email": "b" * 22, "zip": "c" * 22})},
            "mapping_version": {"S": "d" * 12},
            "status": {"N": "200"},
            "code": {"S": "0"},
            "attendee_id": {"S": "17000000abcd"},
            "delivered_at": {"N": "1790000001"},
        }
    ]


@pytest.mark.parametrize("entry", [ENTRY, FILTERED])
def test_what_is_noted_is_read_as_it_was(ledger: Ledger, entry: LedgerEntry) -> None:
    record(ledger, entry)
    assert ledger.read({KEY, "unknown"}).entries == {KEY: entry}
    assert entry.was_delivered == (entry.outcome is OutcomeKind.DELIVERED)


@pytest.mark.parametrize("count", [2, 10])
def test_a_batch_is_noted_in_one_call(aws: Aws, ledger: Ledger, count: int) -> None:
    known = ledger.read([each.attendee for each in entries(count)])
    aws.dynamodb.calls.clear()
    assert ledger.record(entries(count), known) == NOTED
    assert len(aws.dynamodb.items) == count
    assert len(aws.dynamodb.calls) == 1


@pytest.mark.parametrize("count", [1, 10])
def test_what_was_overtaken_is_told_and_the_others_are_noted(
    aws: Aws, ledger: Ledger, count: int
) -> None:
    newer = replace(ENTRY, attendee=f"{0:064}", version=Version(2**41, "9" * 40))
    known = ledger.read([newer.attendee])
    record(ledger, newer)
    assert ledger.record(entries(count), known) == Recorded({newer.attendee}, {})
    assert ledger.read([newer.attendee]).entries == {newer.attendee: newer}
    assert len(aws.dynamodb.items) == count


def test_nobody_is_looked_for_without_a_call(aws: Aws, ledger: Ledger) -> None:
    assert ledger.read([]).entries == {}
    assert aws.dynamodb.calls == []


def test_a_batch_is_read_in_one_consistent_call(aws: Aws, ledger: Ledger) -> None:
    record(ledger, *entries(10))
    aws.dynamodb.calls.clear()
    assert len(ledger.read([entry.attendee for entry in entries(10)]).entries) == 10
    [(_, request)] = aws.dynamodb.calls
    assert request["RequestItems"][fakes.TABLE]["ConsistentRead"] is True


@pytest.mark.parametrize(("unprocessed", "calls"), [(1, 2), (5, 2), (6, 3)])
def test_what_a_busy_table_leaves_is_read_again(
    aws: Aws, ledger: Ledger, unprocessed: int, calls: int
) -> None:
    record(ledger, *entries(5))
    aws.dynamodb.calls.clear()
    aws.dynamodb.unprocessed = unprocessed
    assert len(ledger.read([entry.attendee for entry in entries(5)]).entries) == 5
    assert len(aws.dynamodb.calls) == calls


def test_a_table_that_stays_busy_is_told(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.unprocessed = 1_000
    with pytest.raises(LedgerUnavailableError) as error:
        ledger.read([KEY])
    assert str(error.value) == "the ledger can't be read: DynamoDB is too busy"


def test_who_is_blocked_is_read_beside_what_is_known(aws: Aws, ledger: Ledger) -> None:
    record(ledger, ENTRY)
    Blocks(aws.dynamodb, fakes.TABLE).put("erased")
    assert ledger.read([KEY], ["erased", "other"]) == Known({KEY: ENTRY}, {"erased"})


def test_what_is_known_of_somebody_can_be_forgotten(aws: Aws, ledger: Ledger) -> None:
    record(ledger, ENTRY, replace(ENTRY, attendee="other"))
    assert ledger.forget(KEY)
    assert list(aws.dynamodb.items) == ["attendee#other"]
    assert not ledger.forget(KEY)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"fields": {"S": json.dumps({"zip": 5})}}, "TypeError"),
        ({"fields": {"S": json.dumps(["zip"])}}, "TypeError"),
        ({"fields": {"S": "no JSON"}}, "JSONDecodeError"),
        ({"outcome": {"S": "of a later version"}}, "ValueError"),
        ({"status": {"S": "200"}}, "KeyError"),
    ],
)
def test_an_entry_that_cannot_be_read_is_none_and_is_told(
    aws: Aws, ledger: Ledger, output: Callable[[], str], broken: dict[str, object], error: str
) -> None:
    record(ledger, ENTRY)
    aws.dynamodb.items[f"attendee#{KEY}"] |= broken
    assert ledger.read([KEY]).entries == {}
    [line] = map(json.loads, output().splitlines())
    told = {name: line[name] for name in ("level", "message", "attendee", "error")}
    assert told == {
        "level": "WARNING",
        "message": "ledger entry not readable",
        "attendee": KEY,
        "error": error,
    }


def test_only_the_ledgers_own_table_is_touched(aws: Aws, ledger: Ledger) -> None:
    ledger.note_success("default")
    ledger.invalidate(KEY)
    assert {request["TableName"] for _, request in aws.dynamodb.calls} == {fakes.TABLE}


def test_an_attendee_has_one_entry(aws: Aws, ledger: Ledger) -> None:
    record(ledger, ENTRY)
    record(ledger, replace(ENTRY, mapping_version="e" * 12))
    assert len(aws.dynamodb.items) == 1
    assert ledger.read([KEY]).entries[KEY].mapping_version == "e" * 12


@pytest.mark.parametrize(
    ("noted", "late"),
    [
        (of(2_000, 20), of(1_000, 10)),
        (of(2_000), of(1_000)),  # neither was ever queued
        (of(2_000, 20), of(1_000)),
        (of(61_001, 1), of(1_000, 20)),  # a redriven one, of a queue that was removed
        (of(2_000, 10, "own"), of(1_999, 20)),  # another queue's numbers tell nothing
        (of(2_000, 10), of(1_999, 20, "own")),
        (of(2_000, 10, "own"), of(1_999, 20, "other")),
        (of(1_000, 20), of(1_000, 10)),  # of one push, where the first's write was late
        (of(1_000, 20, "own"), of(1_000, 10, "own")),
    ],
)
def test_nothing_older_is_noted_over_something_newer(
    ledger: Ledger, noted: LedgerEntry, late: LedgerEntry
) -> None:
    record(ledger, noted)
    for known in Known(), ledger.read([KEY]):
        assert ledger.record([late], known) == Recorded({KEY}, {})
    assert ledger.read([KEY]).entries[KEY] == noted


@pytest.mark.parametrize(
    ("noted", "later"),
    [
        (of(1_000, 10), of(2_000, 20)),
        (of(1_000, 10), of(1_000, 10)),  # the same once more
        (of(1_000, 10), of(999, 11)),  # the clocks of two machines
        (of(61_000, 10), of(1_000, 11)),
        (of(1_000, 10), of(2_000, 1)),  # the queue was replaced
        (of(1_000, 10), of(1_500)),
        (of(1_000, 10, "own"), of(999, 11, "own")),
        (of(1_000), of(1_500, 10)),
        (of(1_000), of(1_000)),
        (of(1_000), of(1_000, 10)),
        (of(1_000, 20, "own"), of(1_000, 10)),  # neither queue's numbers tell
        (of(1_000, 20), of(1_000, 10, "own")),
    ],
)
def test_something_newer_is_noted(ledger: Ledger, noted: LedgerEntry, later: LedgerEntry) -> None:
    record(ledger, noted)
    assert record(ledger, later) == NOTED
    assert ledger.read([KEY]).entries[KEY] == later


@pytest.mark.parametrize("before", [None, of(1_000, 10)])
def test_what_was_noted_by_a_call_whose_answer_was_lost_is_noted(
    ledger: Ledger, before: LedgerEntry | None
) -> None:
    record(ledger, *filter(None, [before]))
    known = ledger.read([KEY])
    assert ledger.record([ENTRY], known) == NOTED
    assert ledger.record([ENTRY], known) == NOTED


@pytest.mark.parametrize(
    ("before", "cause"), [(None, "DuplicateItem"), (of(1_000, 10), "ConditionalCheckFailed")]
)
def test_nothing_is_noted_over_what_came_in_between_even_if_that_is_older(
    ledger: Ledger, before: LedgerEntry | None, cause: str
) -> None:
    record(ledger, *filter(None, [before]))
    known, between = ledger.read([KEY]), of(1_500, 15)
    record(ledger, between)
    recorded = ledger.record([of(2_000, 20)], known)
    assert not recorded.overtaken
    assert str(recorded.failed[KEY]) == f"the ledger can't be written: {cause}"
    assert ledger.read([KEY]).entries == {KEY: between}


def test_an_entry_that_was_deleted_in_between_does_not_come_back(aws: Aws, ledger: Ledger) -> None:
    record(ledger, of(1_000, 10))
    known = ledger.read([KEY])
    ledger.forget(KEY)
    assert set(ledger.record([of(2_000, 20)], known).failed) == {KEY}
    assert not aws.dynamodb.items


def test_what_a_busy_table_does_not_take_of_a_batch_is_told(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.unwritten = 5 + 2  # all of the batch, and two of what is written once more
    recorded = ledger.record(entries(5), Known())
    assert not recorded.overtaken
    assert {key: str(error) for key, error in recorded.failed.items()} == {
        f"{n:064}": "the ledger can't be written: ThrottlingError" for n in range(2)
    }
    assert len(aws.dynamodb.items) == 3


def test_what_a_busy_table_does_not_take_of_a_batch_is_written_once_more(
    aws: Aws, ledger: Ledger
) -> None:
    record(ledger, entries(1)[0])
    aws.dynamodb.calls.clear()
    aws.dynamodb.unwritten = 3  # of the batch; then the first, which is there, still is not
    recorded = ledger.record(entries(5), Known())
    assert recorded == NOTED
    written = [
        len(request["Statements"])
        for name, request in aws.dynamodb.calls
        if name == "BatchExecuteStatement"
    ]
    assert written == [5, 3]
    assert len(aws.dynamodb.items) == 5


def test_what_something_else_keeps_from_effect_is_not_written_again(
    aws: Aws, ledger: Ledger
) -> None:
    record(ledger, of(1_500, 15))
    aws.dynamodb.calls.clear()
    assert set(ledger.record([of(2_000, 20)], Known()).failed) == {KEY}
    called = [name for name, _ in aws.dynamodb.calls]
    assert called == ["BatchExecuteStatement", "BatchGetItem"]


def test_what_was_taken_of_a_batch_stays_noted_if_the_rest_can_not_be_told(
    aws: Aws, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.dynamodb.unwritten = 2
    batch = aws.dynamodb.batch_execute_statement

    def only_once(**request: Any) -> Any:
        monkeypatch.setattr(aws.dynamodb, "batch_execute_statement", out_of_order)
        return batch(**request)

    def out_of_order(**_: Any) -> Any:
        raise fakes.timed_out()

    monkeypatch.setattr(aws.dynamodb, "batch_execute_statement", only_once)
    assert ledger.record(entries(5), Known()).failed.keys() == {f"{n:064}" for n in range(2)}


@pytest.mark.parametrize(
    "broken",
    [
        {"outcome": {"S": "of a later version"}, "of_a_later_version": {"N": "1"}},
        {"accepted_at": {"S": "soon"}},
        {"accepted_at": None},
        {"sequence": None, "lane": {"S": "own"}},
        {"sequence": None, "accepted_at": None},
    ],
)
def test_an_item_that_cannot_be_read_is_written_anew(
    aws: Aws, ledger: Ledger, broken: dict[str, dict[str, str] | None]
) -> None:
    record(ledger, ENTRY)
    item = aws.dynamodb.items[f"attendee#{KEY}"]
    held = {name: value for name, value in (item | broken).items() if value}
    aws.dynamodb.items[f"attendee#{KEY}"] = held
    assert record(ledger, ENTRY) == NOTED
    assert aws.dynamodb.items[f"attendee#{KEY}"] == item


def test_nothing_older_is_noted_over_something_newer_that_cannot_be_read(
    aws: Aws, ledger: Ledger
) -> None:
    record(ledger, of(2_000, 20))
    held = aws.dynamodb.items[f"attendee#{KEY}"]
    held["outcome"] = {"S": "of a later version"}
    assert record(ledger, of(1_000, 10)) == Recorded({KEY}, {})
    assert aws.dynamodb.items[f"attendee#{KEY}"] == held


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (fakes.denied("ProvisionedThroughputExceededException"), "ProvisionedThroughputExceeded"),
        (fakes.timed_out(), "ReadTimeoutError"),
    ],
)
def test_a_failure_is_told(aws: Aws, ledger: Ledger, failure: Exception, cause: str) -> None:
    aws.dynamodb.always = failure
    for call in (
        lambda: ledger.record([ENTRY], Known()),
        lambda: ledger.record(entries(2), Known()),
        lambda: ledger.note_begun("a", 1, 1),
        lambda: ledger.read([KEY]),
        lambda: ledger.invalidate(KEY),
    ):
        with pytest.raises(LedgerUnavailableError, match=cause):
            call()


@pytest.mark.parametrize("count", [1, 10])
def test_a_failure_for_a_moment_is_not_noticed(aws: Aws, ledger: Ledger, count: int) -> None:
    aws.dynamodb.failures = [fakes.timed_out()]
    assert ledger.record(entries(count), Known()) == NOTED
    assert len(aws.dynamodb.items) == count


def test_what_is_made_due_is_known_but_as_of_no_mapping(ledger: Ledger) -> None:
    record(ledger, ENTRY)
    assert ENTRY.fields_of("d" * 12) == ENTRY.fields
    ledger.invalidate(KEY)
    entry = ledger.read([KEY]).entries[KEY]
    assert entry == replace(ENTRY, mapping_version="")
    assert entry.fields_of("d" * 12) == {}


def test_who_is_not_known_is_not_made_due(aws: Aws, ledger: Ledger) -> None:
    ledger.invalidate(KEY)
    assert aws.dynamodb.items == {}


def test_a_connection_that_took_something_is_noted(aws: Aws, ledger: Ledger, wall: Clock) -> None:
    for name in ("default", "other"):
        ledger.note_success(name)
        at = {"N": str(int(wall.now * 1_000))}
        assert aws.dynamodb.items[f"stored#{name}"] == {"key": {"S": f"stored#{name}"}, "at": at}


def test_a_connections_success_is_noted_once_a_second(
    aws: Aws, ledger: Ledger, wall: Clock
) -> None:
    for _ in range(5):
        ledger.note_success("default")
    assert len(aws.dynamodb.calls) == 1
    wall.now += 1
    ledger.note_success("default")
    assert len(aws.dynamodb.calls) == 2


@pytest.mark.parametrize("failure", [fakes.timed_out(), fakes.denied("Throttling")])
def test_a_success_that_cannot_be_noted_stops_nothing(
    aws: Aws, ledger: Ledger, failure: Exception
) -> None:
    aws.dynamodb.always = failure
    ledger.note_success("default")
    assert aws.dynamodb.items == {}


# --- a message that is alone in its trouble -----------------------------------------------------


def alone(ledger: Ledger, wall: Clock, message: str = "m", connection: str = "default") -> int:
    wall.now += 1
    return ledger.count_isolated_failures(message, connection)


def took(ledger: Ledger, wall: Clock, connection: str = "default") -> None:
    wall.now += 1
    ledger.note_success(connection)


def test_a_message_is_alone_while_others_are_taken(ledger: Ledger, wall: Clock) -> None:
    took(ledger, wall)  # before its first trouble: says nothing
    counted = [alone(ledger, wall)]
    for _ in range(3):
        took(ledger, wall)
        counted.append(alone(ledger, wall))
    assert counted == [0, 1, 2, 3]


def test_it_is_not_alone_while_no_other_is_taken(ledger: Ledger, wall: Clock) -> None:
    took(ledger, wall)
    assert [alone(ledger, wall) for _ in range(10)] == [0] * 10
    took(ledger, wall)
    assert [alone(ledger, wall) for _ in range(10)] == [1] * 10


def test_it_is_not_alone_by_what_was_taken_no_later_than_its_last_trouble(
    aws: Aws, ledger: Ledger, wall: Clock
) -> None:
    alone(ledger, wall)
    ledger.note_success("default")  # at the same moment
    assert alone(ledger, wall) == 0
    assert aws.dynamodb.calls[0][1]["RequestItems"][fakes.TABLE]["ConsistentRead"] is True


def test_what_a_busy_table_does_not_tell_of_trouble_counts_for_none(
    aws: Aws, ledger: Ledger, wall: Clock
) -> None:
    alone(ledger, wall)
    took(ledger, wall)
    aws.dynamodb.unprocessed = 2
    assert alone(ledger, wall) == 0


def test_messages_and_connections_are_counted_apart(ledger: Ledger, wall: Clock) -> None:
    for name in ("m", "n"):
        alone(ledger, wall, name)
    alone(ledger, wall, "of-another", "other")
    took(ledger, wall, "other")
    assert alone(ledger, wall, "m") == 0
    assert alone(ledger, wall, "of-another", "other") == 1
    took(ledger, wall)
    assert [alone(ledger, wall, name) for name in ("m", "n", "new")] == [1, 1, 0]


def test_trouble_is_kept_as_long_as_a_message_lives(aws: Aws, ledger: Ledger, wall: Clock) -> None:
    alone(ledger, wall)
    item = aws.dynamodb.items["trouble#m"]
    assert int(item["expires_at"]["N"]) == wall.now + 14 * 86_400


def test_a_failure_to_count_is_told(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.always = fakes.denied("Throttling")
    with pytest.raises(ClientError):
        ledger.count_isolated_failures("m", "default")


def deaths_of(ledger: Ledger, attempts: dict[str, int]) -> dict[str, int]:
    again = {name: attempt for name, attempt in attempts.items() if attempt > 1}
    return count_deaths(again, ledger.attempt_notes(again), RetryPolicy.died_seconds)


# --- attempts -----------------------------------------------------------------------------------


def test_a_note_is_read_as_it_was(aws: Aws, ledger: Ledger, wall: Clock) -> None:
    put_back = AttemptNote(3, told="paused", told_at=1_790_000_000)
    ledger.note_put_back({"a": put_back})
    ledger.note_begun("b", 2, 1)
    begun = AttemptNote(begun=2, begun_at=int(wall.now), deaths=1)
    assert ledger.attempt_notes(["a", "b", "new"]) == {"a": put_back, "b": begun}
    del aws.dynamodb.items["attempt#b"]["told"]  # as earlier versions noted it
    assert ledger.attempt_notes(["b"]) == {"b": begun}


def test_what_was_noted_as_put_back_is_no_suspect(ledger: Ledger) -> None:
    ledger.note_put_back({"a": AttemptNote(1), "b": AttemptNote(4)})
    assert deaths_of(ledger, {"a": 2, "b": 5, "new": 1}) == {}


@pytest.mark.parametrize("attempt", [3, 4, 9])
def test_what_came_between_without_being_put_back_is_one(ledger: Ledger, attempt: int) -> None:
    ledger.note_put_back({"a": AttemptNote(1)})
    assert deaths_of(ledger, {"a": attempt}) == {"a": 0}


def test_what_was_begun_alone_and_not_put_back_died_there(ledger: Ledger, wall: Clock) -> None:
    ledger.note_begun("a", 2, 2)
    wall.now += 300
    assert deaths_of(ledger, {"a": 3}) == {"a": 2}
    ledger.note_put_back({"a": AttemptNote(3)})
    assert deaths_of(ledger, {"a": 4}) == {}
    assert deaths_of(ledger, {"a": 5}) == {"a": 0}


@pytest.mark.parametrize(
    ("seconds", "attempt", "deaths"),
    [(0, 3, 1), (60, 3, 1), (239, 3, 1), (240, 3, 2), (900, 3, 2), (479, 4, 1), (480, 4, 2)],
)
def test_what_came_again_sooner_than_after_a_death_did_not_die(
    ledger: Ledger, wall: Clock, seconds: int, attempt: int, deaths: int
) -> None:
    ledger.note_begun("a", 2, 2)
    wall.now += seconds
    assert deaths_of(ledger, {"a": attempt}) == {"a": deaths}


def test_a_note_of_an_earlier_version_counts(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.items["attempt#a"] = {"key": {"S": "attempt#a"}, "deaths": {"N": "2"}}
    assert deaths_of(ledger, {"a": 7}) == {"a": 2}


def test_what_was_worked_on_alone_is_noted_by_itself(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.unwritten = 99
    assert ledger.note_put_back({"a": AttemptNote(2), "b": AttemptNote(1)}, alone="a")
    assert deaths_of(ledger, {"a": 3, "b": 2}) == {"b": 0}
    assert ledger.note_put_back({"a": AttemptNote(2)}, alone="a")  # with no other


@pytest.mark.parametrize("failure", [fakes.timed_out(), fakes.denied("InternalServerError")])
@pytest.mark.parametrize("alone", ["", "a"])
def test_two_calls_at_most_are_made_to_note_what_is_put_back(
    aws: Aws, ledger: Ledger, failure: Exception, alone: str
) -> None:
    aws.dynamodb.always = failure
    ledger.note_put_back({"a": AttemptNote(2), "b": AttemptNote(1)}, alone=alone)
    assert len(aws.dynamodb.calls) == 2


def test_what_could_not_be_noted_by_itself_is_noted_in_a_batch_or_told(
    aws: Aws, ledger: Ledger
) -> None:
    aws.dynamodb.failures = [fakes.denied("InternalServerError")]
    assert ledger.note_put_back({"a": AttemptNote(2), "b": AttemptNote(1)}, alone="a")
    assert deaths_of(ledger, {"a": 3, "b": 2}) == {}
    aws.dynamodb.always = fakes.denied("InternalServerError")
    assert not ledger.note_put_back({"a": AttemptNote(3), "b": AttemptNote(2)}, alone="a")


def test_first_attempts_cost_no_call(aws: Aws, ledger: Ledger) -> None:
    assert deaths_of(ledger, {str(n): 1 for n in range(10)}) == {}
    assert aws.dynamodb.calls == []


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_note_of_what_is_put_back_is_tried_twice(aws: Aws, ledger: Ledger, failures: int) -> None:
    aws.dynamodb.failures = [fakes.denied("InternalServerError")] * failures
    ledger.note_put_back({"a": AttemptNote(1)})
    assert ("attempt#a" in aws.dynamodb.items) is (failures < 2)


def test_what_a_busy_table_left_unwritten_is_written_again(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.unwritten = 4
    ledger.note_put_back({str(n): AttemptNote(1) for n in range(10)})
    assert deaths_of(ledger, {str(n): 2 for n in range(10)}) == {}
    (_, first), (_, again), _ = aws.dynamodb.calls
    assert [len(each["RequestItems"][fakes.TABLE]) for each in (first, again)] == [10, 4]


def test_attempts_are_forgotten_when_no_message_can_live_any_more(aws: Aws, ledger: Ledger) -> None:
    ledger.note_begun("a", 2, 1)
    ledger.note_put_back({"b": AttemptNote(1)})
    for item in aws.dynamodb.items.values():
        days = (int(item["expires_at"]["N"]) - time.time()) / 86_400
        assert 13.9 < days < 14.1
