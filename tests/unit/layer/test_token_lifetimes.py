"""Token renewals over thirty days, with AWS's quotas: the clock jumps from event to event."""

import heapq
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError

from attendee_sync.rainfocus import access_token, token_endpoint
from attendee_sync.rainfocus.access_token import (
    AccessToken,
    Credentials,
    TokenFault,
    TokenNotGrantedError,
)
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.token_refresh import TokenRefresh, TokenResult, TokenState
from tests.support import fakes
from tests.support.stack import CONNECTION, STACK, Aws, Clock

DAYS = 30
DAY = 86_400
INTERVAL = 120.0  # the template's default
FETCH_SECONDS = 2.0
UNUSED_SECONDS = 5.0  # before its end, in which delivery does not use a token any more
START = 1_800_000_000.0
LIFETIMES = [60, 300, 600, 900, 3_600]

type Looks = Iterator[tuple[TokenResult, float]]


@dataclass
class Life:
    """A stack that lives: its schedule, its token endpoint, its clock."""

    aws: Aws
    clock: Clock
    lifetime: int
    outage: int = 0  # seconds for which the endpoint is out of order after an hour
    states: Counter[tuple[TokenState, TokenFault | None]] = field(default_factory=Counter)
    gaps: list[float] = field(default_factory=list)  # the ends of tokens that came too early
    fetches: int = 0
    seconds_in_runs: float = 0.0
    _out_of_order: range = range(0)

    def obtain(
        self, _: object, connection: Connection, credentials: Credentials
    ) -> tuple[AccessToken, str]:
        """Take the place of token_endpoint.obtain()."""
        issued_at = int(self.clock.now)
        self.clock.now += FETCH_SECONDS
        self.fetches += 1
        if self.outage and issued_at > START + 3_600 and not self._out_of_order:
            self._out_of_order = range(issued_at, issued_at + self.outage)
        if issued_at in self._out_of_order:
            raise TokenNotGrantedError(TokenFault.NETWORK, "the token endpoint is out of order")
        made = AccessToken(
            f"granted-{self.fetches}",
            issued_at + self.lifetime,
            issued_at,
            access_token.grant_digest(connection, credentials),
            access_token.audience(connection),
            access_token.shown_digest(credentials),
        )
        return made, ""

    def go_on(self, refresh: TokenRefresh, seconds: float, interval: float = INTERVAL) -> None:
        """Let runs start, each up to a minute after its planned time, and overlap as they will."""
        late = random.Random(self.lifetime)  # noqa: S311 - a schedule, no secret
        numbers = itertools.count()
        starts = (START + planned * interval for planned in range(int(seconds / interval)))
        text = CONNECTION.model_dump_json()
        runs: list[tuple[float, int, Looks]] = []
        for start in starts:
            self._let_runs_end(runs, start + late.random() * 60, numbers)
            self._look(runs, refresh.looks("default", text), numbers)
        self._let_runs_end(runs, float("inf"), numbers)

    def _let_runs_end(
        self, runs: list[tuple[float, int, Looks]], until: float, numbers: Iterator[int]
    ) -> None:
        while runs and runs[0][0] <= until:
            at, _, looks = heapq.heappop(runs)
            self.clock.now = max(self.clock.now, at)
            self._look(runs, looks, numbers)
        if until < float("inf"):
            self.clock.now = max(self.clock.now, until)

    def _look(
        self, runs: list[tuple[float, int, Looks]], looks: Looks, numbers: Iterator[int]
    ) -> None:
        started, end = self.clock.now, self._end_of_token()
        result, wait = next(looks)
        self.states[result.state, result.cause] += 1
        self.seconds_in_runs += self.clock.now - started + wait
        if self.clock.now > end - UNUSED_SECONDS:  # until now, delivery had no other
            self.gaps.append(end)
        if wait:
            heapq.heappush(runs, (self.clock.now + wait, next(numbers), looks))

    def _end_of_token(self) -> float:
        item = self.aws.dynamodb.token_items.get("token#default")
        return float(item["expires_at"]["N"]) if item else float("inf")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(START)
    monkeypatch.setattr(time, "time", made)
    return made


@pytest.fixture
def life(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Life:
    aws = Aws(clock=clock)
    aws.remove_token()
    made = Life(aws, clock, lifetime=3_600)
    monkeypatch.setattr(token_endpoint, "obtain", made.obtain)
    # The check of requests against AWS's models, which other tests do, would take minutes here.
    monkeypatch.setattr(fakes.Fake, "_called", lambda *_: None)
    return made


def token_refresh(aws: Aws, interval: float = INTERVAL) -> TokenRefresh:
    settings = aws.settings()
    return TokenRefresh(settings, aws.token_store(settings), fakes.Http().session(), interval)


@pytest.mark.parametrize("lifetime", LIFETIMES)
def test_for_thirty_days_there_is_a_living_token_and_no_quota_is_met(
    life: Life, lifetime: int
) -> None:
    life.lifetime = lifetime
    life.go_on(token_refresh(life.aws), DAYS * DAY)
    assert life.clock.now >= START + DAYS * DAY - INTERVAL
    assert set(life.states) == {(TokenState.REFRESHED, None), (TokenState.GOOD, None)}
    assert life.gaps == []
    most = DAYS * DAY / min(lifetime / 2.1, INTERVAL)
    assert life.fetches == life.states[TokenState.REFRESHED, None] <= most
    assert len(life.aws.secrets.versions[f"{STACK}/api-profile/default"]) == 1


@pytest.mark.parametrize("lifetime", LIFETIMES)
@pytest.mark.parametrize("interval", [60.0, 600.0])
def test_the_shortest_and_the_longest_interval_leave_no_gap_either(
    life: Life, lifetime: int, interval: float
) -> None:
    life.lifetime = lifetime
    life.go_on(token_refresh(life.aws, interval), DAY, interval)
    assert life.gaps == []


@pytest.mark.parametrize(
    ("lifetime", "outage"), [(60, 15), (300, 20), (600, 100), (900, 250), (3_600, 1_600)]
)
def test_an_endpoint_that_is_out_of_order_for_a_while_leaves_no_gap(
    life: Life, lifetime: int, outage: int
) -> None:
    life.lifetime, life.outage = lifetime, outage
    life.go_on(token_refresh(life.aws), DAY)
    assert life.states[TokenState.FAILED, TokenFault.NETWORK] > 0
    assert life.gaps == []


@pytest.mark.parametrize("lifetime", [300, 600, 900, 3_600])
def test_only_the_shortest_lives_make_a_run_wait(life: Life, lifetime: int) -> None:
    life.lifetime = lifetime
    life.go_on(token_refresh(life.aws), DAY)
    assert life.seconds_in_runs == life.fetches * FETCH_SECONDS


def test_a_life_of_a_minute_keeps_fewer_than_two_runs_at_work_at_once(life: Life) -> None:
    life.lifetime = 60
    life.go_on(token_refresh(life.aws), DAY)
    assert 1.0 <= life.seconds_in_runs / DAY <= 1.5


def test_refused_credentials_are_not_tried_again_within_a_run(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TokenNotGrantedError(TokenFault.CREDENTIALS, "the credentials are refused")

    life.lifetime = 60
    refresh = token_refresh(life.aws)
    refresh.run()
    life.clock.now += 40
    monkeypatch.setattr(token_endpoint, "obtain", refuse)
    looks = list(refresh.looks("default", CONNECTION.model_dump_json()))
    assert [(result.cause, wait) for result, wait in looks] == [(TokenFault.CREDENTIALS, 0.0)]


# --- a run that waits ---------------------------------------------------------------------------


def watched(
    life: Life, monkeypatch: pytest.MonkeyPatch, seconds_left: float
) -> tuple[list[TokenResult], float]:
    """Return the results of a scheduled run and how long it took."""

    def sleep(seconds: float) -> None:
        life.clock.now += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    started = life.clock.now
    told: list[TokenResult] = []
    results = token_refresh(life.aws).watch(
        lambda: started + seconds_left - life.clock.now, told.append
    )
    assert told == results
    return results, life.clock.now - started


def test_a_scheduled_run_stays_with_a_short_lived_token_until_the_next_has_come(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.lifetime = 60
    results, took = watched(life, monkeypatch, seconds_left=780)
    assert {result.state for result in results} == {TokenState.REFRESHED}
    assert INTERVAL + 60 <= took <= INTERVAL + 90
    assert life.aws.dynamodb.token_items["token#default"]["expires_at"]["N"] >= str(
        int(START + INTERVAL + 90)
    )


def test_a_scheduled_run_ends_before_its_functions_time_does(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.lifetime = 60
    _, took = watched(life, monkeypatch, seconds_left=100)
    assert took <= 40


def test_a_scheduled_run_does_not_wait_for_long_lived_tokens(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, took = watched(life, monkeypatch, seconds_left=780)
    assert (results, took) == ([TokenResult("default", TokenState.REFRESHED)], FETCH_SECONDS)


def test_a_run_that_was_asked_for_never_waits(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    life.lifetime = 60
    assert token_refresh(life.aws).run("default") == [TokenResult("default", TokenState.REFRESHED)]
    assert token_refresh(life.aws).run() == [TokenResult("default", TokenState.GOOD)]


# --- quotas -------------------------------------------------------------------------------------


def test_a_secret_takes_a_hundred_versions_a_day_as_on_aws(clock: Clock) -> None:
    """Why tokens are in a table: each look of five minutes would write a version."""
    secrets = fakes.Secrets({"token": "{}"})

    def put() -> None:
        secrets.put_secret_value(SecretId="token", SecretString="{}")

    for _ in range(100):
        put()
        clock.now += 300
    assert (clock.now - START) / 3_600 == pytest.approx(8.3, abs=0.1)
    with pytest.raises(ClientError, match="LimitExceededException"):
        put()
    clock.now = START + DAY
    put()


def test_an_item_takes_400_kb_as_on_aws() -> None:
    def put(size: int) -> None:
        item = {"key": {"S": "k"}, "token": {"S": "x" * size}}
        fakes.DynamoDb().put_item(TableName=fakes.TOKEN_TABLE, Item=item)

    put(409_000)
    with pytest.raises(ClientError, match="ValidationException"):
        put(410_000)


def test_the_longest_token_fits_into_an_item(aws: Aws) -> None:
    grant = json.dumps({"access_token": "x" * 8_192, "expires_in": 3_600}).encode()
    settings = aws.settings()
    endpoint = fakes.Http(fakes.Reply(200, grant)).session()
    aws.remove_token()
    refresh = TokenRefresh(settings, aws.token_store(settings), endpoint, INTERVAL)
    assert refresh.run() == [TokenResult("default", TokenState.REFRESHED)]
