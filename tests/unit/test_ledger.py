import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from attendee_sync.ledger import Entry, Ledger, LedgerUnavailableError, LockedError
from tests import fakes
from tests.stack import Aws, Clock

ENTRY = Entry("a" * 64, "default", "b" * 64, "18849496460467696128", 200, "0", "17000000abcd")
LOCK = "lock#access-token#default"


@pytest.fixture
def ledger(aws: Aws) -> Ledger:
    return Ledger(aws.dynamodb, fakes.TABLE)


def entries(count: int) -> list[Entry]:
    return [replace(ENTRY, attendee=f"{n:064}") for n in range(count)]


def test_a_delivery_is_noted(aws: Aws, ledger: Ledger) -> None:
    before = int(time.time())
    ledger.record([ENTRY], [])
    [item] = aws.dynamodb.items.values()
    delivered_at = int(item.pop("delivered_at")["N"])
    assert before <= delivered_at <= time.time()
    assert int(item.pop("expires_at")["N"]) == delivered_at + 400 * 86_400
    assert item == {
        "key": {"S": f"attendee#{ENTRY.attendee}"},
        "destination": {"S": "default"},
        "content_digest": {"S": ENTRY.content_digest},
        "sequence": {"S": ENTRY.sequence},
        "status": {"N": "200"},
        "code": {"S": "0"},
        "attendee_id": {"S": "17000000abcd"},
    }


def test_only_the_ledgers_own_table_is_touched(aws: Aws, ledger: Ledger) -> None:
    ledger.record([ENTRY], [])
    with ledger.lock("access-token#default", 30):
        pass
    [(_, record), (_, put), (_, delete)] = aws.dynamodb.calls
    assert list(record["RequestItems"]) == [fakes.TABLE]
    assert put["TableName"] == delete["TableName"] == fakes.TABLE


def test_a_batch_is_noted_in_one_call(aws: Aws, ledger: Ledger) -> None:
    ledger.record(entries(10), [])
    assert len(aws.dynamodb.items) == 10
    assert len(aws.dynamodb.calls) == 1


def test_an_attendee_has_one_entry(aws: Aws, ledger: Ledger) -> None:
    ledger.record([ENTRY], [])
    ledger.record([replace(ENTRY, sequence="9")], [])
    [item] = aws.dynamodb.items.values()
    assert item["sequence"] == {"S": "9"}


@pytest.mark.parametrize(("unprocessed", "calls"), [(1, 2), (5, 2), (6, 3), (10, 3)])
def test_what_a_busy_table_leaves_is_written_again(
    aws: Aws, ledger: Ledger, unprocessed: int, calls: int
) -> None:
    aws.dynamodb.unprocessed = unprocessed
    ledger.record(entries(5), [])
    assert len(aws.dynamodb.items) == 5
    assert len(aws.dynamodb.calls) == calls


def test_a_table_that_stays_busy_is_told(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.unprocessed = 1_000
    with pytest.raises(LedgerUnavailableError):
        ledger.record(entries(5), [])


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (fakes.denied("ProvisionedThroughputExceededException"), "ProvisionedThroughputExceeded"),
        (fakes.timed_out(), "ReadTimeoutError"),
    ],
)
def test_a_failure_to_note_is_told(
    aws: Aws, ledger: Ledger, failure: Exception, cause: str
) -> None:
    aws.dynamodb.always = failure
    with pytest.raises(LedgerUnavailableError, match=cause):
        ledger.record([ENTRY], [])


def test_a_connection_that_took_something_is_noted(aws: Aws, ledger: Ledger, wall: Clock) -> None:
    ledger.record([ENTRY], ["default", "other"])
    assert len(aws.dynamodb.calls) == 1
    for name in ("default", "other"):
        at = {"N": str(int(wall.now * 1_000))}
        assert aws.dynamodb.items[f"stored#{name}"] == {"key": {"S": f"stored#{name}"}, "at": at}


# --- a message that is alone in its trouble -----------------------------------------------------


def alone(ledger: Ledger, wall: Clock, message: str = "m", connection: str = "default") -> int:
    wall.now += 1
    return ledger.times_alone(message, connection)


def took(ledger: Ledger, wall: Clock, connection: str = "default") -> None:
    wall.now += 1
    ledger.record([ENTRY], [connection])


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
        ledger.times_alone("m", "default")


# --- locks --------------------------------------------------------------------------------------


def test_a_lock_is_held_and_let_go(aws: Aws, ledger: Ledger) -> None:
    before = int(time.time())
    with ledger.lock("access-token#default", 30):
        expires_at = int(aws.dynamodb.items[LOCK]["expires_at"]["N"])
        assert before + 30 <= expires_at <= time.time() + 30
    assert aws.dynamodb.items == {}


def test_a_lock_is_let_go_after_an_error(aws: Aws, ledger: Ledger) -> None:
    with pytest.raises(KeyError), ledger.lock("access-token#default", 30):
        raise KeyError
    assert aws.dynamodb.items == {}


def test_a_held_lock_is_not_given_twice(aws: Aws, ledger: Ledger) -> None:
    with ledger.lock("access-token#default", 30):
        with pytest.raises(LockedError), ledger.lock("access-token#default", 30):
            pass
        assert LOCK in aws.dynamodb.items


def test_different_locks_are_held_at_once(aws: Aws, ledger: Ledger) -> None:
    with ledger.lock("access-token#a", 30), ledger.lock("access-token#b", 30):
        assert len(aws.dynamodb.items) == 2


def test_of_many_at_once_one_gets_the_lock(ledger: Ledger) -> None:
    ready = threading.Barrier(8, timeout=30)
    results: list[str] = []

    def work() -> None:
        ready.wait()
        try:
            with ExitStack() as held:
                held.enter_context(ledger.lock("access-token#default", 30))
                results.append("held")
                ready.wait()
        except LockedError:
            results.append("locked")
            ready.wait()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["held"] + ["locked"] * 7


def old_lock(owner: str, age: int) -> dict[str, Any]:
    return {
        "key": {"S": LOCK},
        "owner": {"S": owner},
        "expires_at": {"N": str(int(time.time()) - age)},
    }


def test_a_lock_that_ran_out_is_taken_over(aws: Aws, ledger: Ledger) -> None:
    aws.dynamodb.items[LOCK] = old_lock("crashed", age=1)
    with ledger.lock("access-token#default", 30):
        assert aws.dynamodb.items[LOCK]["owner"] != {"S": "crashed"}


def test_a_lock_taken_over_by_another_stays(aws: Aws, ledger: Ledger) -> None:
    with ledger.lock("access-token#default", 30):
        aws.dynamodb.items[LOCK] = old_lock("another", age=-30)
    assert aws.dynamodb.items[LOCK]["owner"] == {"S": "another"}


@pytest.mark.parametrize("failures", [[fakes.denied("Throttling")], [None, fakes.denied("X")]])
def test_other_failures_of_the_table_are_told(
    aws: Aws, ledger: Ledger, failures: list[Exception | None]
) -> None:
    aws.dynamodb.failures = failures
    with pytest.raises(ClientError), ledger.lock("access-token#default", 30):
        pass
