import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import requests

from attendee_sync.outcome import Answer, AnswerKind, Retry, RetryLaterError
from attendee_sync.rainfocus.circuit_breaker import FAILURES_TO_PAUSE, FIRST_PROBE_SECONDS
from attendee_sync.rainfocus.client import Attendee, RainFocusClient
from attendee_sync.rainfocus.connection import Connection, connection_of
from attendee_sync.rainfocus.connection_state import ConnectionStates
from attendee_sync.rainfocus.guarded_client import GuardedClient
from attendee_sync.rainfocus.guards import Guards
from attendee_sync.rainfocus.token_refresh import (
    TokenRefresh,
    TokenResult,
    TokenState,
)
from attendee_sync.rainfocus.token_requester import TokenRequester
from tests.support import fakes
from tests.support.delivery_harness import prove
from tests.support.stack import CONNECTION, Aws, Clock, changed, token

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PERSON = Attendee("summit2027", {"email": "ada@example.com"})
REFUSED, DENIED = fakes.Reply(401), fakes.envelope("124", "Access to API endpoint denied.")


@dataclass
class Desk:
    """A caller as one function environment has it, with RainFocus and AWS around it."""

    aws: Aws
    rainfocus: fakes.Http
    seconds_left: float = 60.0
    caller: GuardedClient = field(init=False)

    def __post_init__(self) -> None:
        self.caller = GuardedClient(
            self.aws.token_store(),
            RainFocusClient(self.rainfocus.session()),
            Guards(ConnectionStates(self.aws.dynamodb, fakes.TABLE), 1, self.aws.clock),
            TokenRequester(lambda: self.aws.functions, "refresh-function"),
        )

    def call(self, name: str = "default") -> Answer:
        settings = self.aws.settings().connection(name)
        assert settings
        return self.caller.store(
            connection_of(name, settings), PERSON, TRACE, lambda: self.seconds_left
        )

    def meaning(self, name: str = "default") -> str:
        """Call; return what the answer means, or why there was no call."""
        try:
            return self.call(name).kind.value
        except RetryLaterError as error:
            return error.outcome.reason.value

    def meanings(self, count: int, name: str = "default") -> list[str]:
        return [self.meaning(name) for _ in range(count)]


@pytest.fixture
def desk(aws: Aws, wall: Clock) -> Desk:
    assert wall
    return Desk(aws, fakes.Http())


def only_takes(*values: str) -> Callable[[fakes.Call], fakes.Reply]:
    good = [f"Bearer {value}" for value in values]
    return lambda call: fakes.stored() if call.headers.get("Authorization") in good else REFUSED


def in_turn(*replies: fakes.Reply) -> Callable[[fakes.Call], fakes.Reply]:
    left = iter(replies)
    return lambda _: next(left)


def add(aws: Aws, name: str, connection: Connection, **made: Any) -> None:
    """Add a connection beside the default one."""
    aws.set_connection(name, connection)
    aws.set_token(token(**made), name)


def at_once[T](works: list[Callable[[], T]]) -> list[T]:
    """Do all of it at the same moment, each on a thread of its own."""
    ready = threading.Barrier(len(works), timeout=60)
    results: list[T] = []

    def run(work: Callable[[], T]) -> None:
        ready.wait()
        results.append(work())

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- a refused token ----------------------------------------------------------------------------


def test_refused_once_the_call_is_made_again_with_the_newer_token(desk: Desk) -> None:
    desk.call()
    desk.aws.set_token(token("newer"))
    desk.aws.clock.now += 1
    desk.rainfocus.reply = only_takes("newer")
    assert desk.call().kind is AnswerKind.STORED
    assert len(desk.rainfocus.calls) == 3
    assert desk.aws.functions.payloads == []


def test_refused_without_a_newer_one_a_token_is_asked_for(desk: Desk) -> None:
    desk.rainfocus.reply = REFUSED
    answer = desk.call()
    assert (answer.kind, answer.status) == (AnswerKind.TOKEN, 401)
    assert desk.aws.functions.payloads == [{"connection": "default", "refused": token().digest}]


@pytest.mark.parametrize(
    ("age", "replaces", "meaning"),
    [
        (0, "refused", AnswerKind.CONFIGURATION),
        (59, "refused", AnswerKind.CONFIGURATION),
        (61, "refused", AnswerKind.TOKEN),
        (0, "", AnswerKind.TOKEN),  # fetched on schedule, so it is the first to be refused
    ],
)
def test_refused_twice_it_is_not_the_tokens_fault(
    desk: Desk, age: int, replaces: str, meaning: AnswerKind
) -> None:
    desk.aws.set_token(token(issued_at=int(time.time()) - age, replaces=replaces))
    desk.rainfocus.reply = REFUSED
    assert desk.call().kind is meaning
    assert len(desk.aws.functions.payloads) == (meaning is AnswerKind.TOKEN)


def test_a_refused_token_that_is_not_renewed_in_a_minute_pauses(desk: Desk, wall: Clock) -> None:
    desk.rainfocus.reply = REFUSED
    assert desk.meaning() == "token"
    wall.now += 61
    assert desk.meanings(FAILURES_TO_PAUSE) == ["configuration"] * FAILURES_TO_PAUSE
    assert desk.meaning() == "paused"


def test_a_newer_token_that_is_refused_at_once_is_not_the_tokens_fault(
    desk: Desk, wall: Clock
) -> None:
    desk.call()
    desk.aws.set_token(token("newer", issued_at=int(wall.now), replaces=token().digest))
    desk.aws.clock.now += 1
    desk.rainfocus.reply = REFUSED
    assert desk.call().kind is AnswerKind.CONFIGURATION
    assert desk.aws.functions.payloads == []


def test_a_newer_token_that_worked_and_is_revoked_as_well_is_renewed_at_once(
    desk: Desk, wall: Clock
) -> None:
    newer = token("newer", issued_at=int(wall.now), replaces="refused")
    desk.aws.set_token(newer)
    assert desk.meaning() == "stored"
    wall.now += 13
    desk.rainfocus.reply = REFUSED
    assert desk.meaning() == "token"
    assert desk.aws.functions.payloads == [{"connection": "default", "refused": newer.digest}]


def test_a_newer_token_that_never_worked_is_renewed_by_a_later_probe(
    desk: Desk, wall: Clock
) -> None:
    """Else a token that is revoked twice within a minute would stay refused until it ends."""
    desk.aws.set_token(token("newer", issued_at=int(wall.now), replaces="refused"))
    desk.rainfocus.reply = REFUSED
    desk.meanings(FAILURES_TO_PAUSE)
    assert desk.aws.functions.payloads == []
    wall.now += 61
    assert desk.meaning() == "configuration"
    assert len(desk.aws.functions.payloads) == 1


def test_a_profile_token_alone_cannot_be_renewed(desk: Desk) -> None:
    alone = changed(
        auth={"kind": "profile_token"}, api_profile={"place": "query", "value": "profile_token"}
    )
    desk.aws.set_connection("default", alone)
    desk.aws.set_token(token("", expires_at=None, profile_token="profile"))
    assert desk.call().kind is AnswerKind.STORED
    [call] = desk.rainfocus.calls
    assert call.url.endswith("?apiProfile=profile")
    assert "Authorization" not in call.headers
    desk.rainfocus.reply = REFUSED
    assert desk.call().kind is AnswerKind.CONFIGURATION
    assert desk.aws.functions.payloads == []


def test_each_connection_shows_its_own_token(desk: Desk) -> None:
    stg = changed(environment="stg")
    add(desk.aws, "stg", stg, value="of-stg", audience="https://events-stg.rainfocus.com/acme")
    desk.call()
    desk.call("stg")
    shown = [call.headers["Authorization"] for call in desk.rainfocus.calls]
    assert shown == [f"Bearer {token().value}", "Bearer of-stg"]
    add(desk.aws, "wrong", stg, value="of-prod")
    assert desk.meaning("wrong") == "no_token"
    assert len(desk.rainfocus.calls) == 2


# --- pausing ------------------------------------------------------------------------------------

PAUSED = "paused"
FAULTS = [DENIED] * (FAILURES_TO_PAUSE - 1)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (fakes.Reply(403, b"<html>"), ""),
        (fakes.Reply(302), ""),
        (DENIED, "Access to API endpoint denied."),
        (fakes.envelope("103", "no apiProfile", status=400), "no apiProfile"),
        (fakes.envelope("101", "Invalid", status=400), "Invalid"),
        (fakes.Reply(error=requests.exceptions.InvalidURL("x")), "InvalidURL"),
    ],
)
def test_configuration_answers_in_a_row_pause(desk: Desk, fault: fakes.Reply, message: str) -> None:
    desk.rainfocus.reply = fault
    answers = [desk.call() for _ in range(FAILURES_TO_PAUSE)]
    assert {(each.kind, each.message) for each in answers} == {(AnswerKind.CONFIGURATION, message)}
    desk.rainfocus.reply = fakes.stored()
    assert desk.meanings(10) == [PAUSED] * 10
    assert len(desk.rainfocus.calls) == FAILURES_TO_PAUSE


@pytest.mark.parametrize(
    ("between", "is_paused"),
    [
        (fakes.stored(), False),
        (fakes.envelope("5", "this profile"), False),
        (fakes.Reply(404, b"Error"), True),
        (REFUSED, True),
        (DENIED, True),
    ],
)
def test_only_what_shows_that_calls_succeed_counts_between(
    desk: Desk, between: fakes.Reply, is_paused: bool
) -> None:
    prove(desk.aws, CONNECTION)
    desk.rainfocus.reply = in_turn(*FAULTS, between, DENIED, fakes.stored())
    desk.meanings(FAILURES_TO_PAUSE + 1)
    assert desk.meaning() == (PAUSED if is_paused else "stored")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (fakes.Reply(503), "RainFocus is out of order or can't be reached"),
        (fakes.Reply(408), "RainFocus is out of order or can't be reached"),
        (
            fakes.Reply(error=requests.ConnectionError()),
            "RainFocus is out of order or can't be reached",
        ),
        (DENIED, "RainFocus refuses its calls"),
    ],
)
def test_a_pause_says_why(desk: Desk, reply: fakes.Reply, words: str) -> None:
    desk.rainfocus.reply = reply
    assert desk.meanings(50).count("paused") == 50 - FAILURES_TO_PAUSE
    assert len(desk.rainfocus.calls) == FAILURES_TO_PAUSE
    with pytest.raises(RetryLaterError, match=words) as caught:
        desk.call()
    assert caught.value.outcome.retry.is_fault_of_settings is (reply is DENIED)


def test_where_even_one_call_a_second_is_too_many_the_connection_is_paused(
    desk: Desk, wall: Clock
) -> None:
    desk.rainfocus.reply = fakes.Reply(429)
    for _ in range(9):
        desk.meaning()
        wall.now += 1
        desk.aws.clock.now += 1
    assert len(desk.rainfocus.calls) == FAILURES_TO_PAUSE + 1  # and a probe
    with pytest.raises(RetryLaterError, match="RainFocus asks for fewer calls"):
        desk.call()


def read_timeout(call: fakes.Call) -> float:
    assert isinstance(call.timeout, tuple)
    return float(call.timeout[1])


def test_a_call_that_hangs_pauses_at_once(desk: Desk, wall: Clock) -> None:
    def hang(call: fakes.Call) -> fakes.Reply:
        wall.now += read_timeout(call)
        return fakes.Reply(error=requests.ReadTimeout())

    desk.rainfocus.reply = hang
    assert desk.meanings(3) == ["passing", "paused", "paused"]
    wall.now += FIRST_PROBE_SECONDS
    assert desk.meanings(3) == ["passing", "paused", "paused"]
    assert [read_timeout(call) for call in desk.rainfocus.calls] == [2, 4]
    with pytest.raises(RetryLaterError, match="RainFocus does not answer in time"):
        desk.call()


def test_a_refused_token_never_pauses(desk: Desk) -> None:
    desk.rainfocus.reply = REFUSED
    assert "paused" not in desk.meanings(50)
    assert len(desk.rainfocus.calls) == 50


def test_after_an_error_of_ours_another_is_the_probe(desk: Desk, wall: Clock) -> None:
    desk.rainfocus.reply = DENIED
    desk.meanings(FAILURES_TO_PAUSE)
    wall.now += FIRST_PROBE_SECONDS
    desk.rainfocus.reply = fakes.Reply(error=RuntimeError())
    with pytest.raises(RuntimeError):
        desk.call()
    assert desk.meaning() == "paused"
    wall.now += FIRST_PROBE_SECONDS
    desk.rainfocus.reply = fakes.stored()
    assert desk.meaning() == "stored"


def test_what_is_held_back_never_pauses(desk: Desk) -> None:
    desk.seconds_left = 0
    assert PAUSED not in desk.meanings(50)


def test_what_meets_a_pause_is_back_when_it_may_be_over(desk: Desk, wall: Clock) -> None:
    desk.rainfocus.reply = DENIED
    desk.meanings(FAILURES_TO_PAUSE)
    wall.now += FIRST_PROBE_SECONDS / 2
    with pytest.raises(RetryLaterError, match="the connection is paused") as caught:
        desk.call()
    assert caught.value.outcome.retry == Retry(after=1, longest_wait=2, is_fault_of_settings=True)


def test_a_probe_that_succeeds_resumes(desk: Desk, wall: Clock) -> None:
    desk.rainfocus.reply = DENIED
    desk.meanings(FAILURES_TO_PAUSE)
    for wait in (2, 4, 8):
        wall.now += wait
        assert desk.meanings(3) == ["configuration", PAUSED, PAUSED]
    desk.rainfocus.reply = fakes.stored()
    assert desk.meaning() == PAUSED
    wall.now += 16
    assert desk.meanings(3) == ["stored"] * 3


def test_after_a_pause_a_few_calls_are_made_at_once(desk: Desk, wall: Clock) -> None:
    desk.rainfocus.reply = fakes.Reply(503)
    desk.meanings(FAILURES_TO_PAUSE)
    wall.now += FIRST_PROBE_SECONDS
    at_once_now, most, lock = 0, [0], threading.Lock()

    def reply(_: fakes.Call) -> fakes.Reply:
        nonlocal at_once_now
        with lock:
            at_once_now += 1
            most.append(at_once_now)
        time.sleep(0.02)
        with lock:
            at_once_now -= 1
        return fakes.stored()

    desk.rainfocus.reply = reply
    assert desk.meaning() == "stored"
    assert at_once([desk.meaning] * 10) == ["stored"] * 10
    assert max(most) <= 6


def test_other_connections_go_on(desk: Desk) -> None:
    other = changed(base_url="https://other.example.com")
    add(desk.aws, "other", other, audience="https://other.example.com/acme")
    desk.rainfocus.reply = lambda call: fakes.stored() if "other" in call.url else DENIED
    desk.meanings(FAILURES_TO_PAUSE)
    assert desk.meaning() == PAUSED
    assert desk.meanings(5, "other") == ["stored"] * 5


def test_environments_share_a_pause(desk: Desk) -> None:
    desk.rainfocus.reply = DENIED
    desk.meanings(FAILURES_TO_PAUSE)
    assert Desk(desk.aws, desk.rainfocus).meaning() == PAUSED
    assert len(desk.rainfocus.calls) == FAILURES_TO_PAUSE


def test_a_token_that_is_refused_twice_pauses(desk: Desk, wall: Clock) -> None:
    desk.aws.set_token(token(issued_at=int(wall.now), replaces="refused"))
    desk.rainfocus.reply = REFUSED
    assert desk.meanings(FAILURES_TO_PAUSE + 1)[-1] == PAUSED


# --- whose fault a refusal is -------------------------------------------------------------------

BAD = fakes.envelope("5", "no such country", status=400)


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (BAD, "profile"),
        (fakes.envelope("5"), "profile"),
        (fakes.envelope("7", status=409), "profile"),
        (fakes.envelope("5", status=413), "profile"),  # as configured
        (fakes.envelope("5", status=422), "profile"),
        (fakes.envelope("7", status=410), "profile"),  # as configured
        (fakes.envelope("5", status=404), "configuration"),
        (fakes.Reply(400), "configuration"),
        (fakes.Reply(200), "configuration"),
        (fakes.Reply(200, b"<html>"), "configuration"),
        (fakes.Reply(200, b'{"responseCode": "5"'), "configuration"),
        (fakes.Reply(200, b'{"status": "ok"}'), "configuration"),
        (fakes.Reply(402), "configuration"),
        (fakes.Reply(404, b"<html>"), "configuration"),
        (fakes.Reply(405), "configuration"),
        (fakes.Reply(501), "configuration"),
    ],
)
def test_a_profile_is_refused_only_by_the_api_itself(
    desk: Desk, reply: fakes.Reply, meaning: str
) -> None:
    desk.aws.set_connection("default", changed(answers={"profile": ["7", 413]}))
    desk.rainfocus.reply = in_turn(fakes.stored(), reply)
    assert desk.meanings(2) == ["stored", meaning]


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (fakes.Reply(400, b"<h1>No such COUNTRY</h1>"), "profile"),
        (fakes.Reply(404, b'{"error": "no such country"}'), "profile"),
        (fakes.Reply(404, b"<h1>Not found</h1>"), "configuration"),
        (fakes.Reply(400), "configuration"),
    ],
)
def test_words_that_tell_of_a_profile_tell_so_only_where_they_stand(
    desk: Desk, reply: fakes.Reply, meaning: str
) -> None:
    desk.aws.set_connection("default", changed(answers={"profile": [{"words": "such country"}]}))
    desk.rainfocus.reply = in_turn(fakes.stored(), reply)
    assert desk.meanings(2) == ["stored", meaning]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("99", "The system is under MAINTENANCE, please try again later"),
        ("1", "Service temporarily unavailable"),
        ("12", "Could not open connection to database"),
        ("13", "Read timed out"),
        ("31", "Quota exceeded for this API profile"),
        ("77", "java.lang.NullPointerException"),
        ("429", ""),
        ("503", "error"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 422])
def test_an_envelope_that_tells_of_the_server_s_trouble_refuses_nobody(
    desk: Desk, status: int, code: str, words: str
) -> None:
    trouble = fakes.envelope(code, words, status=status)
    desk.rainfocus.reply = in_turn(fakes.stored(), trouble, fakes.stored(), trouble)
    assert desk.meanings(2) == ["stored", "configuration"]
    desk.aws.set_connection("default", changed(answers={"profile": [code]}))
    assert desk.meanings(2) == ["stored", "profile"]  # as configured


@pytest.mark.parametrize(
    ("code", "words"),
    [("5", "no such country"), ("404", "Company not found"), ("400", "zip"), ("503x", "no")],
)
def test_an_envelope_that_tells_of_the_profile_refuses_it(
    desk: Desk, code: str, words: str
) -> None:
    desk.rainfocus.reply = in_turn(fakes.stored(), fakes.envelope(code, words, status=400))
    assert desk.meanings(2) == ["stored", "profile"]


def test_in_an_envelope_any_text_may_be_the_code(desk: Desk) -> None:
    desk.rainfocus.reply = in_turn(
        fakes.stored(),
        fakes.envelope("No such company", status=422),
        fakes.envelope("", status=422),
    )
    assert desk.meanings(3) == ["stored", "profile", "configuration"]


def test_until_somebody_is_stored_with_these_settings_no_profile_is_at_fault(desk: Desk) -> None:
    desk.rainfocus.reply = in_turn(BAD, fakes.stored(), BAD, BAD, fakes.stored(), BAD)
    assert desk.meanings(3) == ["configuration", "stored", "profile"]
    desk.aws.set_connection("default", changed(fields={"constants": {"source": "aep"}}))
    assert desk.meanings(3) == ["configuration", "stored", "profile"]


def test_that_a_connection_works_is_known_to_all_and_for_long(desk: Desk, wall: Clock) -> None:
    desk.meaning()
    written = desk.aws.dynamodb.count("PutItem")
    desk.meanings(20)
    assert desk.aws.dynamodb.count("PutItem") == written == 1
    wall.now += 300 * 86_400
    desk.rainfocus.reply = BAD
    assert Desk(desk.aws, desk.rainfocus).meaning() == "profile"


def test_other_limits_do_not_make_a_connection_unknown(desk: Desk) -> None:
    desk.meaning()
    desk.aws.set_connection("default", changed(limits={"requests_per_second": 100}))
    desk.rainfocus.reply = BAD
    assert desk.meaning() == "profile"


def test_a_crowd_that_is_refused_alike_pauses(desk: Desk) -> None:
    desk.meaning()
    desk.rainfocus.reply = BAD
    meanings = desk.meanings(100)
    assert meanings[:20] == ["profile"] * 20
    assert meanings[20:] == ["configuration"] * 5 + ["paused"] * 75


def test_a_crowd_is_none_for_being_a_part_of_all_deliveries(desk: Desk) -> None:
    desk.meaning()
    guards = Guards(ConnectionStates(desk.aws.dynamodb, fakes.TABLE), 5, desk.aws.clock)
    desk.caller = replace(desk.caller, guards=guards)
    desk.rainfocus.reply = BAD
    assert desk.meanings(20) == ["profile"] * 20


def test_a_probe_that_is_refused_ends_no_pause(desk: Desk, wall: Clock) -> None:
    desk.meaning()
    desk.rainfocus.reply = DENIED
    desk.meanings(FAILURES_TO_PAUSE)
    wall.now += FIRST_PROBE_SECONDS
    desk.rainfocus.reply = BAD
    assert desk.meanings(2) == ["configuration", "paused"]
    wall.now += 2 * FIRST_PROBE_SECONDS
    desk.rainfocus.reply = in_turn(fakes.stored(), BAD)
    assert desk.meanings(2) == ["stored", "profile"]


@pytest.mark.parametrize("other", [fakes.stored(), fakes.envelope("6", status=400)])
def test_refusals_with_others_between_are_no_crowd(desk: Desk, other: fakes.Reply) -> None:
    desk.rainfocus.reply = in_turn(fakes.stored(), *[*[BAD] * 19, other] * 3)
    assert "configuration" not in desk.meanings(61)


# --- pace, slots and time -----------------------------------------------------------------------

PACED = changed(limits={"requests_per_second": 4})


def test_what_is_too_fast_waits_for_its_turn(desk: Desk) -> None:
    desk.aws.set_connection("default", PACED)
    assert desk.meanings(4) == ["stored"] * 4
    with pytest.raises(RetryLaterError, match="requests per second") as caught:
        desk.call()
    assert caught.value.outcome.retry == Retry(after=1, longest_wait=2)
    assert len(desk.rainfocus.calls) == 4
    desk.aws.clock.now += 0.25
    assert desk.meaning() == "stored"


def test_another_connection_has_a_pace_of_its_own(desk: Desk) -> None:
    desk.aws.set_connection("default", PACED)
    add(desk.aws, "other", PACED)
    add(desk.aws, "unlimited", changed())
    assert desk.meanings(5)[3:] == ["stored", "rate_limited"]
    assert desk.meanings(4, "other") == ["stored"] * 4
    assert desk.meanings(50, "unlimited") == ["stored"] * 50


def test_those_who_wait_for_a_turn_are_told_of_different_ones(desk: Desk) -> None:
    desk.aws.set_connection("default", PACED)
    desk.meanings(4)
    waits = []
    for _ in range(200):
        with pytest.raises(RetryLaterError) as caught:
            desk.call()
        waits.append(caught.value.outcome.retry.after)
    assert waits[:12] == [1] * 4 + [2] * 4 + [3] * 4
    assert waits[-1] == 30


def test_a_429_slows_a_connection_without_a_limit_down(desk: Desk) -> None:
    answers = [*[fakes.stored()] * 9, fakes.Reply(429)]
    desk.rainfocus.reply = in_turn(*answers, *[fakes.stored()] * 50)
    meanings = desk.meanings(60)
    assert meanings[:10] == ["stored"] * 9 + ["passing"]
    # A quarter of 8.1: of 10 calls a second 0.9 passed, and 0.9 of that is allowed.
    assert meanings.count("stored") == 9 + 2
    assert meanings.count("rate_limited") == 60 - 10 - 2


def test_a_limit_that_was_never_lowered_lets_a_seconds_worth_go_at_once(desk: Desk) -> None:
    desk.aws.set_connection("default", changed(limits={"requests_per_second": 8}))
    assert desk.meanings(60).count("stored") == 8


def test_a_call_that_finds_its_connection_paused_by_itself_waits_as_those_do_who_find_it_so(
    desk: Desk,
) -> None:
    desk.rainfocus.reply = fakes.Reply(503)
    waits = [desk.call().retry_after for _ in range(5)]
    assert waits == [None] * 4 + [2]


def test_a_connections_calls_at_once_are_a_setting(desk: Desk) -> None:
    desk.aws.set_connection("default", changed(limits={"concurrency": 2}))
    both = threading.Barrier(2, timeout=30)

    def reply(_: fakes.Call) -> fakes.Reply:
        both.wait()
        return fakes.stored()

    desk.rainfocus.reply = reply
    assert at_once([desk.meaning] * 4) == ["stored"] * 4


def test_a_slot_that_never_gets_free_is_not_waited_for_too_long(desk: Desk) -> None:
    connection = changed(limits={"concurrency": 1})
    desk.aws.set_connection("default", connection)
    inner: list[str] = []

    def reply(_: fakes.Call) -> fakes.Reply:
        desk.seconds_left = connection.limits.longest_call + 9.05
        inner.append(desk.meaning())
        return fakes.stored()

    desk.rainfocus.reply = reply
    assert desk.meaning() == "stored"
    assert inner == ["no_time"]
    assert len(desk.rainfocus.calls) == 1


@pytest.mark.parametrize(
    ("limits", "enough"),
    [({}, 22), ({"connect_timeout": 1, "read_timeout": 2}, 12), ({"read_timeout": 20}, 32)],
)
def test_no_call_starts_that_could_outlast_the_invocation(
    desk: Desk, limits: dict[str, float], enough: float
) -> None:
    desk.aws.set_connection("default", changed(limits=limits))
    desk.seconds_left = enough - 1
    assert desk.meaning() == "no_time"
    desk.seconds_left = enough
    assert desk.meaning() == "stored"


# --- a hundred deliveries and a revoked token ---------------------------------------------------


def test_a_hundred_deliveries_that_meet_a_revoked_token_cause_one_fetch(
    aws: Aws, wall: Clock
) -> None:
    met = threading.Barrier(100, timeout=60)

    def refuse(_: fakes.Call) -> fakes.Reply:
        met.wait()
        return REFUSED

    grant = fakes.Reply(200, b'{"access_token": "granted", "expires_in": 3600}')
    endpoint, rainfocus = fakes.Http(grant), fakes.Http(refuse)
    environments = [Desk(aws, rainfocus) for _ in range(100)]

    assert at_once([desk.meaning for desk in environments]) == ["token"] * 100
    asked = aws.functions.payloads
    assert asked == [{"connection": "default", "refused": token().digest}] * 100

    def refresh(event: dict[str, str]) -> Callable[[], list[TokenResult]]:
        settings = aws.settings()
        work = TokenRefresh(settings, aws.token_store(settings), endpoint.session(), interval=300)
        return lambda: work.run(event["connection"], event["refused"])

    results = at_once([refresh(event) for event in asked])
    states = [result.state for [result] in results]
    assert sorted(state.value for state in states) == ["good"] * 99 + ["refreshed"]
    assert TokenState.FAILED not in states
    assert len(endpoint.calls) == 1
    assert aws.stored_token().replaces == token().digest

    wall.now += 5
    aws.clock.now += 5
    rainfocus.reply = only_takes("granted")
    assert at_once([desk.meaning for desk in environments]) == ["stored"] * 100
    assert len(aws.functions.payloads) == 100


# --- a refusal that a new token may cure ---------------------------------------------------------

EXPIRED = [
    fakes.envelope("31", "Token expired", status=400),
    fakes.envelope("31", "Not authenticated"),
    fakes.envelope("31", "no", status=403),
    DENIED,
]


def asked_for(desk: Desk) -> int:
    return len(desk.aws.functions.payloads)


@pytest.mark.parametrize("refusal", EXPIRED)
def test_a_refusal_by_any_status_is_cured_by_a_new_token(desk: Desk, refusal: fakes.Reply) -> None:
    def answer(call: fakes.Call) -> fakes.Reply:
        return fakes.stored() if call.headers["Authorization"] == "Bearer newer" else refusal

    desk.rainfocus.reply = answer
    assert desk.meaning() in ("token", "configuration")
    assert asked_for(desk) == 1
    desk.aws.set_token(token("newer"))
    desk.aws.clock.now += 1
    assert desk.meaning() == "stored"


def test_a_profile_is_refused_if_a_new_token_does_not_cure_it(desk: Desk, wall: Clock) -> None:
    assert desk.meaning() == "stored"
    desk.rainfocus.reply = EXPIRED[0]
    assert desk.meanings(2) == ["token", "token"]
    desk.aws.set_token(token("newer"))
    wall.now += 61
    desk.aws.clock.now += 61
    assert desk.meanings(3) == ["profile"] * 3
    assert asked_for(desk) == 1


def test_a_profile_is_refused_if_no_new_token_comes(desk: Desk, wall: Clock) -> None:
    assert desk.meaning() == "stored"
    desk.rainfocus.reply = EXPIRED[0]
    assert desk.meaning() == "token"
    wall.now += 61
    assert desk.meaning() == "profile"


def test_such_a_refusal_is_doubted_again_after_ten_minutes(desk: Desk, wall: Clock) -> None:
    assert desk.meaning() == "stored"
    desk.rainfocus.reply = EXPIRED[0]
    assert desk.meaning() == "token"
    wall.now += 599
    assert desk.meaning() == "profile"
    wall.now += 2
    assert desk.meaning() == "token"


def test_a_refusal_that_tells_of_the_profile_asks_for_no_token(desk: Desk) -> None:
    assert desk.meaning() == "stored"
    desk.rainfocus.reply = fakes.envelope("9", "Company is unknown", status=400)
    assert desk.meaning() == "profile"
    assert asked_for(desk) == 0
