"""The policy of trying again, by itself; what delivery makes of it is in test_delivery.py."""

import random
from dataclasses import replace

import pytest

from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.outcome import Outcome, OutcomeKind, Reason, Retry

POLICY = RetryPolicy(max_age=100.0)
BUSY = Outcome(OutcomeKind.RETRY, Reason.BUSY)


@pytest.fixture(autouse=True)
def _longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)


def test_the_longest_wait_is_the_policys_own() -> None:
    assert POLICY.wait(1, BUSY, 0) == 4
    assert POLICY.wait(50, BUSY, 86_400) == 900
    assert replace(POLICY, max_wait=1_800.0).wait(50, BUSY, 86_400) == 1_800


def test_waits_double_up_to_half_a_minute_and_then_grow_with_what_was_waited() -> None:
    assert [POLICY.wait(attempt, BUSY, 0) for attempt in range(1, 7)] == [4, 8, 16, 30, 30, 30]
    assert POLICY.wait(50, BUSY, 100) == 34
    assert POLICY.wait(50, BUSY, 10_000) == 430


def test_what_is_to_wait_shortly_waits_a_little_longer_each_time() -> None:
    short = replace(BUSY, retry=Retry(after=7, longest_wait=5.0))
    assert POLICY.wait(10, short, 0) == 12
    assert POLICY.wait(10, short, 100) == 16


def test_no_count_of_receives_ends_a_message_before_its_age_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SQS gives up a message after 1,000 receives; see the queue's RedrivePolicy."""
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest / 2)
    for retry in (Retry(), Retry(longest_wait=4.0)):
        waited, attempt = 0.0, 0
        while waited < POLICY.max_age_for_settings:
            attempt += 1
            waited += POLICY.wait(attempt, replace(BUSY, retry=retry), waited)
        assert attempt < 900


def test_age_ends_what_waits_and_nothing_else() -> None:
    assert POLICY.settle(BUSY, 101.0).kind is OutcomeKind.EXPIRED
    assert POLICY.settle(BUSY, 99.0) == BUSY
    unmended = replace(BUSY, retry=Retry(is_fault_of_settings=True))
    assert POLICY.settle(unmended, 101.0).kind is OutcomeKind.RETRY
    ended = Outcome(OutcomeKind.DELIVERED)
    assert POLICY.settle(ended, 1e9) == ended


def test_kinds_tell_what_follows_from_them() -> None:
    def those(name: str) -> set[str]:
        return {kind.value for kind in OutcomeKind if getattr(kind, name)}

    assert those("is_final") == {kind.value for kind in OutcomeKind} - {"retry"}
    assert those("goes_to_dead_letters") == {"rejected", "expired"}
    assert those("advances_version") == {"delivered", "unchanged", "filtered"}
    assert len(those("label")) == len(OutcomeKind)


def test_what_has_waited_as_long_as_it_may_is_tried_once_more() -> None:
    assert POLICY.settle(BUSY, 100.0) == BUSY


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 1), (0.5, 1), (1.7, 1), (2.4, 2)])
def test_a_wait_is_drawn_from_nothing_up_and_lasts_a_second_at_least(
    monkeypatch: pytest.MonkeyPatch, drawn: float, wait: int
) -> None:
    def draw(shortest: float, longest: float) -> float:
        assert shortest <= 0 <= drawn <= longest
        return drawn

    monkeypatch.setattr(random, "uniform", draw)
    assert POLICY.wait(1, BUSY, 0) == wait


def test_no_wait_is_longer_than_the_policys_longest_whatever_rainfocus_asks_for() -> None:
    asked = replace(BUSY, retry=Retry(after=86_400, longest_wait=2_000.0))
    assert POLICY.wait(50, asked, 0) == 900


def test_what_waited_for_days_is_spread_over_the_longest_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: (shortest + longest) / 2)
    assert POLICY.wait(50, BUSY, 86_400) == 450
