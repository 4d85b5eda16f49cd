import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from attendee_sync.aws.lock import LockedError, lock
from tests.support import fakes
from tests.support.stack import Aws

type Take = Callable[[str], AbstractContextManager[None]]

LOCK = "lock#default"


@pytest.fixture
def take(aws: Aws) -> Take:
    return lambda name: lock(aws.dynamodb, fakes.TOKEN_TABLE, name, 30)


def test_a_lock_is_held_and_let_go(aws: Aws, take: Take) -> None:
    before = int(time.time())
    with take("default"):
        expires_at = int(aws.dynamodb.token_items[LOCK]["expires_at"]["N"])
        assert before + 30 <= expires_at <= time.time() + 30
    assert LOCK not in aws.dynamodb.token_items


def test_a_lock_is_let_go_after_an_error(aws: Aws, take: Take) -> None:
    with pytest.raises(KeyError), take("default"):
        raise KeyError
    assert LOCK not in aws.dynamodb.token_items


def test_a_held_lock_is_not_given_twice(aws: Aws, take: Take) -> None:
    with take("default"):
        with pytest.raises(LockedError), take("default"):
            pass
        assert LOCK in aws.dynamodb.token_items


def test_different_locks_are_held_at_once(aws: Aws, take: Take) -> None:
    with take("a"), take("b"):
        assert {"lock#a", "lock#b"} <= aws.dynamodb.token_items.keys()


def test_of_many_at_once_one_gets_the_lock(take: Take) -> None:
    ready = threading.Barrier(8, timeout=30)
    results: list[str] = []

    def work() -> None:
        ready.wait()
        try:
            with ExitStack() as held:
                held.enter_context(take("default"))
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


def test_a_lock_that_ran_out_is_taken_over(aws: Aws, take: Take) -> None:
    aws.dynamodb.token_items[LOCK] = old_lock("crashed", age=1)
    with take("default"):
        assert aws.dynamodb.token_items[LOCK]["owner"] != {"S": "crashed"}


def test_a_lock_taken_over_by_another_stays(aws: Aws, take: Take) -> None:
    with take("default"):
        aws.dynamodb.token_items[LOCK] = old_lock("another", age=-30)
    assert aws.dynamodb.token_items[LOCK]["owner"] == {"S": "another"}


def test_other_failures_of_the_table_are_told(aws: Aws, take: Take) -> None:
    aws.dynamodb.failures = [fakes.denied("Throttling")]
    with pytest.raises(ClientError), take("default"):
        pass


@pytest.mark.parametrize("failure", [fakes.denied("ThrottlingException"), fakes.timed_out()])
def test_what_was_done_under_a_lock_is_done_if_it_cannot_be_let_go(
    aws: Aws, take: Take, failure: Exception
) -> None:
    aws.dynamodb.failures = [None, failure]
    with take("default"):
        pass
    assert LOCK in aws.dynamodb.token_items
