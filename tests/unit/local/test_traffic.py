"""Pushing as a sender does, and waiting until the queue is empty."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from local.machine.stack import LocalStack
from local.traffic.people import Person, Push
from local.traffic.traffic import Pushed, push_all, remaining, settled
from tests.support.http_server import Server, serving

ACCEPTED = json.dumps({"requestId": "r", "accepted": 1, "rejected": []}).encode()


@dataclass(frozen=True)
class StackAt(LocalStack):
    """A stack behind the address of a server, with a queue of prepared lengths."""

    lengths: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def push_url(self, destination: str = "default") -> tuple[str, dict[str, str]]:
        return f"{self.endpoint_url}/{destination}", {"Host": "api"}

    def ingest_token(self) -> str:
        return "not-a-real-token"

    def waiting(self) -> int:
        return self.lengths.pop(0) if len(self.lengths) > 1 else self.lengths[0]

    def function_logs(self, function: str, since: float = 0.0) -> list[str]:
        assert (function, since) == ("DeliveryFunction", 7.0)
        return self.lines


def _stack(url: str = "", **parts: list[int] | list[str]) -> StackAt:
    nothing: Mapping[str, str] = {}
    return StackAt("try", url, nothing, nothing, **parts)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def _push(server: Server, waits: tuple[float, ...] = (0.0, 0.0)) -> Pushed:
    push = Push('{"email": "ada@example.com"}', [Person({"email": "ada@example.com"})], "summit")
    (pushed,) = push_all(_stack(server.url), [push], waits=waits)
    return pushed


@pytest.mark.enable_socket
@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
def test_a_push_is_sent_again_where_a_sender_does(server: Server, status: int) -> None:
    server.answers += [(status, b""), (202, ACCEPTED)]

    pushed = _push(server)

    assert pushed.is_accepted
    assert pushed.attempts == 2
    assert pushed.document["accepted"] == 1
    first, second = server.received
    assert first == second
    assert first.path == "/summit"
    assert first.headers["Authorization"] == "Bearer not-a-real-token"


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("answers", "status", "attempts"),
    [([400], 400, 1), ([503, 503, 503, 202], 503, 3), ([401], 401, 1)],
)
def test_a_push_that_is_not_taken(
    server: Server, answers: list[int], status: int, attempts: int
) -> None:
    server.answers += [(each, b"{}") for each in answers]

    pushed = _push(server)

    assert (pushed.status, pushed.attempts, pushed.is_accepted) == (status, attempts, False)
    assert pushed.document == {}


@pytest.mark.enable_socket
def test_a_push_that_nobody_answers() -> None:
    with serving() as server:
        pass
    pushed = _push(server)
    assert (pushed.status, pushed.attempts, pushed.document) == (0, 3, {})


def test_the_queue_is_watched_until_it_is_empty() -> None:
    assert list(remaining(_stack(lengths=[3, 3, 1, 2, 0]), patience=10)) == [3, 1, 0]


def test_the_queue_is_not_watched_for_ever() -> None:
    assert list(remaining(_stack(lengths=[5]), patience=0.0)) == [5]


def test_ends_are_read_from_the_log() -> None:
    lines = [
        "START RequestId: 1",
        '{"message": "profile settled", "outcome": "delivered"}',
        '{"message": "profile put back", "outcome": "retry"}',
    ]
    ends = settled(_stack(lines=lines), since=7.0)
    assert [end["outcome"] for end in ends] == ["delivered"]
