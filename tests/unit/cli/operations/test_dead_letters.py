"""What people do with dead letters, where no command asks for it yet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters
from attendee_sync_cli.operations import failures, redrive
from attendee_sync_cli.operations.redrive import RedriveReport
from attendee_sync_cli.stack import dead_letter_scan, stack
from attendee_sync_cli.stack.dead_letter_scan import Advance, DeadLetterFilter, Follower
from attendee_sync_cli.stack.stack import Stack
from tests.support.stack import STACK, Aws

HERE = Stack(STACK)


class Listener(Follower):
    """Notes what it is told, and cancels after so many seconds of waiting."""

    def __init__(self, cancels_after: float = float("inf")) -> None:
        self.told: list[tuple[str, int, int]] = []  # what is done, of how many, how many are
        self.waited: list[float] = []
        self.notices: list[str] = []
        self._cancels_after = cancels_after

    @contextmanager
    def progress(self, words: str, total: int) -> Iterator[Advance]:
        yield lambda steps: self.told.append((words, total, steps))

    def notice(self, words: str) -> None:
        self.notices.append(words)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def has_cancelled(self) -> bool:
        return sum(self.waited) >= self._cancels_after


@pytest.fixture
def aws(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setattr(stack, "client", aws.client)
    return aws


def bury(aws: Aws, count: int, reason: str = "refused", time: str = "2026-11-27T10:00:00") -> None:
    """Make dead letters of people of their own; their ids are old-0, old-1 …"""
    for n in range(count):
        origin = {"destination": "default", "request_id": f"{reason}", "index": str(n)}
        profile = json.dumps({"email": f"{reason}-{n}@example.com"})
        was = Message(profile, f"{reason}-{n}", f"old-{reason}-{n}", origin)
        why = {"reason": reason, "detail": f"{reason} here", "time": f"{time}.000+00:00"}
        aws.dead_letter_queue().send([dead_letters.dead_letter_of(was, why)])


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (DeadLetterFilter(), 7),
        (DeadLetterFilter(reason="refused"), 5),  # a part of the other's name, too
        (DeadLetterFilter(named="refused"), 3),
        (DeadLetterFilter(since=1_795_777_200.0), 5),  # 11:00
        (DeadLetterFilter(named="refused", since=1_795_777_200.0), 3),
        (DeadLetterFilter(ids=frozenset(["refused-0", "refused-2", "gone-0"])), 2),
        (DeadLetterFilter("summit"), 0),
    ],
)
def test_dead_letters_are_chosen_by_reason_time_and_id(
    aws: Aws, chosen: DeadLetterFilter, found: int
) -> None:
    aws.set_destination("summit", event_code="summit2028")
    bury(aws, 2, "invalid_email", "2026-11-27T10:59:59")
    bury(aws, 3, "refused", "2026-11-27T11:00:00")
    bury(aws, 2, "token_refused", "2026-11-27T11:30:00")
    shown = failures.group(HERE, chosen)
    assert shown.count == found
    assert (shown.look.looked_at, shown.look.unseen) == (7, 0)
    assert not aws.sqs.given_out


def test_of_each_group_ten_are_examples(aws: Aws) -> None:
    bury(aws, 12)
    [group] = failures.group(HERE, DeadLetterFilter()).groups
    assert len({each.id for each in group.examples}) == 10
    assert {each.shape["email"] for each in group.examples} == {'"aaaaaaa-9@aaaaaaa.aaa"'}


def test_a_redrive_keeps_to_its_rate_however_many_scans_it_takes(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(aws, 40)
    bury(aws, 1, "no_address")
    report, follower = RedriveReport(DeadLetterFilter(named="refused"), dry_run=False), Listener()
    clock = iter(range(0, 10_000, 100))
    passed = SimpleNamespace(monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(dead_letter_scan, "time", passed)
    redrive.redrive(HERE, report, follower, per_second=2)
    assert (report.redriven, report.unseen) == (40, 0)
    assert len(aws.sqs.profiles) == 40
    assert sum(follower.waited) == pytest.approx(20)
    assert len({total for words, total, _ in follower.told if words == "Redriving"}) > 1
    assert len(aws.sqs.dead_letters) == 1
    assert not aws.sqs.given_out


def test_a_redrive_that_comes_no_further_ends(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(aws, 15)
    monkeypatch.setattr(dead_letter_scan, "_MAX_SECONDS", -1.0)
    report = RedriveReport(DeadLetterFilter(), dry_run=False)
    redrive.redrive(HERE, report, Listener(), per_second=2)
    assert (report.redriven, report.unseen) == (0, 15)


def test_a_redrive_that_is_cancelled_leaves_the_rest(aws: Aws) -> None:
    bury(aws, 40)
    report = RedriveReport(DeadLetterFilter(), dry_run=False)
    redrive.redrive(HERE, report, Listener(cancels_after=10), per_second=2)
    assert (report.redriven, len(aws.sqs.profiles), len(aws.sqs.dead_letters)) == (20, 20, 20)
    assert report.unseen_words == "20 more were not looked at."
    assert not aws.sqs.given_out


def test_who_cancels_while_settings_become_known_has_nothing_redriven(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(aws, 3)
    monkeypatch.setattr(Stack, "seconds_until_known", lambda *_: 30.0)
    report, follower = RedriveReport(DeadLetterFilter(), dry_run=False), Listener(cancels_after=30)
    redrive.redrive(HERE, report, follower, per_second=2)
    assert follower.notices == [
        "Settings were changed lately; the functions know them in 30 s. Waiting for that."
    ]
    assert (report.redriven, len(aws.sqs.dead_letters)) == (0, 3)


def test_a_redrive_of_known_ids_ends_once_it_came_to_them(aws: Aws) -> None:
    bury(aws, 30)
    ids = frozenset(["refused-1", "refused-3"])
    report = RedriveReport(DeadLetterFilter(ids=ids), dry_run=False)
    redrive.redrive(HERE, report, Listener())
    assert (report.ids, report.redriven) == (ids, 2)
    assert [call for call, _ in aws.sqs.calls].count("ReceiveMessage") == 1
    assert len(aws.sqs.dead_letters) == 28


def test_only_what_was_found_is_discarded(aws: Aws) -> None:
    bury(aws, 3)
    found = failures.find(HERE, DeadLetterFilter(named="refused"), Listener())
    assert found.counts == {"default": 3}
    bury(aws, 2, "came_since")
    assert failures.discard(HERE, found.message_ids, Listener()) == 3
    assert len(aws.sqs.dead_letters) == 2
