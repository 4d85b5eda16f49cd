import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import requests
from botocore.exceptions import ClientError

from attendee_sync import http_client
from attendee_sync.aws.lock import LockedError
from attendee_sync.aws.settings import SettingsUnavailableError
from attendee_sync.rainfocus.access_token import TokenFault
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.token_refresh import (
    TokenRefresh,
    TokenResult,
    TokenState,
)
from attendee_sync.rainfocus.token_requester import TokenRequester
from attendee_sync.rainfocus.token_store import TokenStore
from tests.support import fakes
from tests.support.stack import CONNECTION, STACK, Aws, Clock, changed, token

INTERVAL = 300.0
GRANT = fakes.Reply(200, b'{"access_token": "granted", "expires_in": 3600}')
REFRESHED = TokenResult("default", TokenState.REFRESHED)
GOOD = TokenResult("default", TokenState.GOOD)


@pytest.fixture
def endpoint() -> fakes.Http:
    return fakes.Http(GRANT)


@pytest.fixture
def refresh(aws: Aws, endpoint: fakes.Http) -> TokenRefresh:
    settings = aws.settings()
    return TokenRefresh(settings, aws.token_store(settings), endpoint.session(), INTERVAL)


def failed(cause: TokenFault, message: str, connection: str = "default") -> TokenResult:
    return TokenResult(connection, TokenState.FAILED, cause, message)


def test_a_good_token_is_left_alone(aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http) -> None:
    assert refresh.run() == [GOOD]
    assert endpoint.calls == []
    assert aws.secrets.count("PutSecretValue") == 0


@pytest.mark.parametrize(
    ("lifetime", "left", "result"),
    [
        (3_600, -3_600, REFRESHED),
        (3_600, 0, REFRESHED),
        (3_600, 1_800, REFRESHED),
        (3_600, 1_801, GOOD),
        (86_400, 43_200, REFRESHED),
        (86_400, 43_201, GOOD),
        # The next run may renew it 390 s from now.
        (600, 390, REFRESHED),
        (600, 391, GOOD),
        # No new one would outlive that, so that half of its life is the best there is.
        (390, 195, REFRESHED),
        (390, 196, GOOD),
        (60, 30, REFRESHED),
        (60, 31, GOOD),
    ],
)
def test_a_token_is_renewed_after_half_of_its_life_or_if_it_would_not_outlive_the_next_run(
    aws: Aws, wall: Clock, lifetime: int, left: int, result: TokenResult
) -> None:
    end = int(wall.now) + left
    aws.set_token(token(issued_at=end - lifetime, expires_at=end))
    settings, endpoint = aws.settings(), fakes.Http(GRANT)
    refresh = TokenRefresh(settings, aws.token_store(settings), endpoint.session(), INTERVAL)
    assert refresh.run() == [result]


def test_a_new_token_is_stored_for_delivery(aws: Aws, refresh: TokenRefresh) -> None:
    aws.remove_token()
    assert refresh.run() == [REFRESHED]
    stored = aws.stored_token()
    times = {"issued_at": stored.issued_at, "expires_at": stored.expires_at}
    assert stored == token("granted", **times)
    aws.clock.now += 1
    assert refresh.run() == [GOOD]


@pytest.mark.parametrize("text", ["{}", "", "broken", '{"value": "x"}'])
def test_an_item_that_holds_no_token_gets_one(aws: Aws, refresh: TokenRefresh, text: str) -> None:
    aws.set_token_text(text)
    assert refresh.run() == [REFRESHED]
    assert aws.stored_token().value == "granted"


def test_a_token_of_other_credentials_is_renewed(aws: Aws, refresh: TokenRefresh) -> None:
    aws.secrets.rotate(
        f"{STACK}/credentials/default", '{"client_id": "new", "client_secret": "new"}'
    )
    assert refresh.run() == [REFRESHED]
    assert aws.stored_token().client_id == "new"


def test_a_token_of_another_environment_is_renewed(aws: Aws, refresh: TokenRefresh) -> None:
    aws.set_connection("default", CONNECTION.model_copy(update={"environment": "stg"}))
    assert refresh.run() == [REFRESHED]
    assert aws.stored_token().audience == "https://events-stg.rainfocus.com/acme"


def test_a_refused_token_is_renewed_once(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    refused = token().digest
    assert refresh.run("default", refused) == [REFRESHED]
    aws.clock.now += 1
    assert refresh.run("default", refused) == [GOOD]
    assert len(endpoint.calls) == 1


def test_while_another_renews_nothing_is_fetched(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    with aws.token_store().lock("default"):
        [result] = refresh.run("default", token().digest)
    assert result == TokenResult("default", TokenState.GOOD, reason="it is being renewed just now")
    assert endpoint.calls == []


def test_what_another_renewed_before_the_lock_was_ours_is_not_renewed_again(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = TokenStore.lock

    def renewed_first(self: TokenStore, name: str) -> AbstractContextManager[None]:
        aws.set_token(token())
        return lock(self, name)

    aws.remove_token()
    monkeypatch.setattr(TokenStore, "lock", renewed_first)
    assert refresh.run() == [
        TokenResult("default", TokenState.GOOD, reason="it was renewed just now")
    ]
    assert endpoint.calls == []


@pytest.mark.parametrize("reply", [GRANT, fakes.Reply(503)])
def test_the_lock_is_let_go(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http, reply: fakes.Reply
) -> None:
    endpoint.reply = reply
    refresh.run("default", token().digest)
    assert list(aws.dynamodb.token_items) == ["token#default"]


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (
            fakes.Reply(401, b'{"error": "invalid_client"}'),
            failed(TokenFault.CREDENTIALS, "the credentials are refused: HTTP 401 invalid_client"),
        ),
        (
            fakes.Reply(503),
            failed(TokenFault.NETWORK, "the token endpoint is out of order: HTTP 503"),
        ),
        (
            fakes.Reply(error=requests.ConnectionError()),
            failed(TokenFault.NETWORK, "the token endpoint can't be reached: ConnectionError"),
        ),
    ],
)
def test_a_token_that_is_not_granted_changes_nothing(
    aws: Aws,
    refresh: TokenRefresh,
    endpoint: fakes.Http,
    reply: fakes.Reply,
    result: TokenResult,
) -> None:
    endpoint.reply = reply
    assert refresh.run("default", token().digest) == [result]
    assert aws.stored_token() == token()


def test_one_connection_does_not_stop_the_others(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    for name in ("a", "b", "c"):
        aws.set_connection(name, CONNECTION)
    aws.ssm.parameters[f"/{STACK}/connections/a"] = '{"orgid": "acme"}'
    aws.ssm.parameters[f"/{STACK}/connections/b"] = "broken"
    aws.secrets.versions[f"{STACK}/credentials/c"] = ['{"client_id": "", "client_secret": ""}']
    results = refresh.run()
    assert [each.connection for each in results] == ["a", "b", "c", "default"]
    assert [each.state for each in results] == [TokenState.FAILED] * 3 + [TokenState.GOOD]
    causes = [TokenFault.SETTINGS, TokenFault.SETTINGS, TokenFault.CREDENTIALS, None]
    assert [each.cause for each in results] == causes
    assert "org_id" in results[0].reason
    assert endpoint.calls == []


def add(aws: Aws, name: str, connection: Connection = CONNECTION) -> None:
    """Add a connection beside the default one, with credentials and no token yet."""
    aws.set_connection(name, connection)
    credentials = aws.secrets.versions[f"{STACK}/credentials/default"]
    aws.secrets.versions[f"{STACK}/credentials/{name}"] = list(credentials)


@pytest.mark.parametrize("is_scheduled", [True, False])
def test_connections_are_looked_after_side_by_side(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http, *, is_scheduled: bool
) -> None:
    ready = threading.Barrier(40, timeout=30)

    def reply(_: fakes.Call) -> fakes.Reply:
        ready.wait()
        return GRANT

    for n in range(40):
        add(aws, f"c{n}")
    endpoint.reply = reply
    told: list[TokenResult] = []
    results = refresh.watch(lambda: 60.0, told.append) if is_scheduled else refresh.run()
    assert {each.connection: each.state for each in results} == {"default": TokenState.GOOD} | {
        f"c{n}": TokenState.REFRESHED for n in range(40)
    }
    assert len(told) == (41 if is_scheduled else 0)


def spoil_path(aws: Aws) -> None:
    text = '{"org_id": "acme", "path": "/{org_id.x}/{call}"}'
    aws.ssm.parameters[f"/{STACK}/connections/bad"] = text


def spoil_token_url(aws: Aws) -> None:
    aws.set_connection("bad", changed(auth={"token_url": "https://a..b"}))


def spoil_credentials(aws: Aws) -> None:
    text = '{"client_id": "\\ud800", "client_secret": "x"}'
    aws.secrets.rotate(f"{STACK}/credentials/bad", text)
    basic = {"token_url": CONNECTION.auth.token_url, "client_auth": "basic"}
    aws.set_connection("bad", changed(auth=basic))


def forget_credentials(aws: Aws) -> None:
    del aws.secrets.versions[f"{STACK}/credentials/bad"]


@pytest.mark.parametrize(
    ("spoil", "cause", "said"),
    [
        (spoil_path, TokenFault.SETTINGS, "the connection is not valid: path"),
        (spoil_token_url, TokenFault.TOKEN_URL, "auth.token_url is no usable address"),
        (
            spoil_credentials,
            TokenFault.CREDENTIALS,
            "client_id holds characters that no header can",
        ),
        (
            forget_credentials,
            TokenFault.CREDENTIALS,
            "client_id and client_secret are not stored yet",
        ),
    ],
)
def test_a_bad_connection_spoils_no_other(
    aws: Aws, refresh: TokenRefresh, spoil: Callable[[Aws], None], cause: TokenFault, said: str
) -> None:
    real = http_client.session(1)  # which has errors that the fake end has not
    add(aws, "bad")
    add(aws, "good")
    spoil(aws)
    refresh.http.mount("https://a..b", real.get_adapter("https://a..b"))
    results = {each.connection: each for each in refresh.run()}
    assert results["good"].state is TokenState.REFRESHED
    assert results["bad"].state is TokenState.FAILED
    assert results["bad"].cause is cause
    assert said in results["bad"].reason


def test_a_token_endpoint_out_of_order_spoils_no_other(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if "other" in call.url:
            return fakes.Reply(error=ZeroDivisionError("not-a-real-client-secret"))
        return GRANT

    add(aws, "bad", changed(auth={"token_url": "https://other.example.com"}))
    add(aws, "good")
    endpoint.reply = reply
    reason = "internal error: ZeroDivisionError"
    assert refresh.run() == [
        failed(TokenFault.SETTINGS, reason, "bad"),
        GOOD,
        TokenResult("good", TokenState.REFRESHED),
    ]


@pytest.mark.parametrize(
    ("settings", "result"),
    [
        ({"auth": {"token_url": "https://new.example.com"}}, REFRESHED),
        ({"auth": {"token_url": CONNECTION.auth.token_url, "scope": "new"}}, REFRESHED),
        ({"org_id": "other"}, REFRESHED),
        ({"base_url": "https://rf.example.com"}, REFRESHED),
        ({"limits": {"concurrency": 2}}, GOOD),
        ({"api_profile": {"place": "query"}}, GOOD),
    ],
)
def test_a_token_is_fetched_anew_when_what_it_depends_on_changes(
    aws: Aws, refresh: TokenRefresh, settings: dict[str, object], result: TokenResult
) -> None:
    aws.set_connection("default", changed(**settings))
    assert refresh.run() == [result]
    aws.clock.now += 1
    assert refresh.run() == [GOOD]


def test_a_profile_token_alone_needs_no_call(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    aws.set_connection("default", changed(auth={"kind": "profile_token"}))
    aws.secrets.rotate(f"{STACK}/credentials/default", '{"profile_token": "one"}')
    assert refresh.run() == [REFRESHED]
    assert (aws.stored_token().value, aws.stored_token().profile_token) == ("", "one")
    aws.clock.now += 1
    assert refresh.run() == [GOOD]
    aws.secrets.rotate(f"{STACK}/credentials/default", '{"profile_token": "two"}')
    aws.clock.now += 1
    assert refresh.run() == [REFRESHED]
    assert aws.stored_token().profile_token == "two"
    assert endpoint.calls == []


@pytest.mark.parametrize("expires_in", ["", ', "expires_in": "soon"', ', "expires_in": -1'])
def test_a_lifetime_that_is_assumed_is_remarked(
    refresh: TokenRefresh, endpoint: fakes.Http, expires_in: str
) -> None:
    endpoint.reply = fakes.Reply(200, f'{{"access_token": "x"{expires_in}}}'.encode())
    reason = "no usable lifetime in the answer; 600 s are assumed"
    assert refresh.run("default", token().digest) == [
        TokenResult("default", TokenState.REFRESHED, reason=reason)
    ]


def test_a_token_knows_which_refused_one_it_replaces(aws: Aws, refresh: TokenRefresh) -> None:
    refresh.run("default", token().digest)
    assert aws.stored_token().replaces == token().digest
    aws.set_token(token(expires_at=0))
    refresh.run()
    assert aws.stored_token().replaces == ""


def test_only_the_named_connection_is_looked_after(aws: Aws, refresh: TokenRefresh) -> None:
    aws.set_connection("other", CONNECTION)
    assert refresh.run("default") == [GOOD]


@pytest.mark.parametrize("name", ["nowhere", "../x", ""])
def test_an_unknown_connection_is_told(aws: Aws, refresh: TokenRefresh, name: str) -> None:
    del aws.ssm.parameters[f"/{STACK}/connections/default"]
    wanted = [failed(TokenFault.SETTINGS, "there is no such connection", name)] if name else []
    assert refresh.run(name) == wanted


def test_a_connection_without_a_token_url_is_told(aws: Aws, refresh: TokenRefresh) -> None:
    aws.set_connection("default", Connection(org_id="acme"))
    [result] = refresh.run("default", token().digest)
    assert (result.state, result.cause) == (TokenState.FAILED, TokenFault.TOKEN_URL)


@pytest.mark.parametrize("service", ["secretsmanager", "dynamodb"])
@pytest.mark.parametrize(
    "word", ["LimitExceededException", "ThrottlingException", "AccessDeniedException"]
)
def test_a_failure_of_aws_is_told_as_such_with_its_word(
    aws: Aws, refresh: TokenRefresh, service: str, word: str
) -> None:
    aws.client(service).always = fakes.denied(word)
    [result] = refresh.run()
    assert (result.state, result.cause) == (TokenState.FAILED, TokenFault.AWS)
    assert word in result.reason


def test_connections_that_cannot_be_listed_are_an_error(aws: Aws, refresh: TokenRefresh) -> None:
    aws.ssm.always = fakes.unreachable()
    with pytest.raises(SettingsUnavailableError):
        refresh.run()


def test_results_hold_no_secret(aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http) -> None:
    told = str(refresh.run("default", token().digest))
    endpoint.reply = fakes.Reply(401, b'{"error": "not-a-real-client-secret is wrong"}')
    told += str(refresh.run("default", aws.stored_token().digest))
    assert "real" not in told
    assert "granted" not in told


# --- asking for it ------------------------------------------------------------------------------


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [1_000.0]
    monkeypatch.setattr("attendee_sync.rainfocus.token_refresh.time.monotonic", lambda: times[0])
    return times


@pytest.mark.usefixtures("now")
def test_the_function_is_asked_in_the_background(aws: Aws) -> None:
    TokenRequester(lambda: aws.functions, "refresh-function")("default", "digest")
    [(operation, request)] = aws.functions.calls
    assert (operation, request["FunctionName"]) == ("Invoke", "refresh-function")
    assert json.loads(request["Payload"]) == {"connection": "default", "refused": "digest"}


@pytest.mark.parametrize(("later", "asked"), [(0.0, 1), (9.9, 1), (10.0, 2)])
def test_the_same_is_asked_once_in_ten_seconds(
    aws: Aws, now: list[float], later: float, asked: int
) -> None:
    ask = TokenRequester(lambda: aws.functions, "refresh-function")
    ask("default", "digest")
    now[0] += later
    ask("default", "digest")
    assert len(aws.functions.payloads) == asked


@pytest.mark.usefixtures("now")
def test_connections_that_take_turns_are_asked_for_once_each(aws: Aws) -> None:
    ask = TokenRequester(lambda: aws.functions, "refresh-function")
    for _ in range(5):
        ask("default", "digest")
        ask("other", "digest")
    assert aws.functions.payloads == [
        {"connection": "default", "refused": "digest"},
        {"connection": "other", "refused": "digest"},
    ]


@pytest.mark.usefixtures("now")
def test_another_refused_token_is_asked_for_at_once(aws: Aws) -> None:
    ask = TokenRequester(lambda: aws.functions, "refresh-function")
    ask("default", "digest")
    ask("default", "another")
    assert len(aws.functions.payloads) == 2


def test_what_was_asked_long_ago_is_forgotten(aws: Aws, now: list[float]) -> None:
    ask = TokenRequester(lambda: aws.functions, "refresh-function")
    for n in range(100):
        ask("default", str(n))
        now[0] += 11
    assert len(ask._asked) == 1


@pytest.mark.usefixtures("now")
def test_a_failure_to_ask_is_told(aws: Aws) -> None:
    aws.functions.always = fakes.denied("TooManyRequestsException")
    with pytest.raises(ClientError):
        TokenRequester(lambda: aws.functions, "refresh-function")("default", "digest")


# --- credentials that were refused ---

UNAUTHORIZED = fakes.Reply(401, b'{"error": "invalid_client"}')


def test_a_wrong_secret_is_tried_once_in_a_quarter_of_an_hour(
    aws: Aws, wall: Clock, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    aws.remove_token()
    endpoint.reply = UNAUTHORIZED
    results = []
    for _ in range(29):
        results += refresh.run("default")
        wall.now += 10
    assert set(results) == {
        failed(TokenFault.CREDENTIALS, "the credentials are refused: HTTP 401 invalid_client")
    }
    assert len(endpoint.calls) == 1
    wall.now += 900
    endpoint.reply = GRANT
    assert refresh.run("default") == [REFRESHED]


def test_other_credentials_or_settings_are_tried_at_once(
    aws: Aws, wall: Clock, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    assert wall
    aws.remove_token()
    endpoint.reply = UNAUTHORIZED
    refresh.run()
    aws.set_connection("default", changed(auth={**CONNECTION.auth.model_dump(), "scope": "x"}))
    refresh.run()
    assert len(endpoint.calls) == 2


def test_by_force_a_good_token_is_renewed_and_refused_credentials_are_tried(
    aws: Aws, wall: Clock, refresh: TokenRefresh, endpoint: fakes.Http
) -> None:
    assert wall
    assert refresh.run("default", is_forced=True) == [REFRESHED]
    aws.remove_token()
    endpoint.reply = UNAUTHORIZED
    refresh.run("default")
    refresh.run("default", is_forced=True)
    assert len(endpoint.calls) == 3


@pytest.mark.parametrize(
    "reply", [fakes.Reply(503), fakes.Reply(400, b'{"error": "invalid_scope"}')]
)
def test_what_is_not_the_credentials_fault_is_tried_again(
    aws: Aws, refresh: TokenRefresh, endpoint: fakes.Http, reply: fakes.Reply
) -> None:
    aws.remove_token()
    endpoint.reply = reply
    refresh.run()
    refresh.run()
    assert len(endpoint.calls) == 2


@pytest.mark.parametrize(
    ("lived", "lifetime", "ends_soon"),
    [
        (0, 3600, False),  # one that lives for an hour always ends within an hour
        (2690, 3600, False),
        (2710, 3600, True),
        (86400 - 3610, 86400, False),
        (86400 - 3590, 86400, True),
        (90000, 86400, True),
    ],
)
def test_a_token_ends_soon_when_it_should_have_been_renewed_long_ago(
    aws: Aws, wall: Clock, lived: int, lifetime: int, ends_soon: object
) -> None:
    issued_at = int(wall.now) - lived
    aws.set_token(token(issued_at=issued_at, expires_at=issued_at + lifetime))
    settings, endpoint = aws.settings(), fakes.Http(fakes.Reply(503))  # so that none is renewed
    refresh = TokenRefresh(settings, aws.token_store(settings), endpoint.session(), INTERVAL)
    [result] = refresh.run()
    assert result.ends_soon is ends_soon
    assert result.seconds_left == max(lifetime - lived, 0)


# --- a scheduled run, which stays with short lives until the next one has come, 390 s later ---

TEXT = CONNECTION.model_dump_json()
HALF_MINUTES = [30.0] * 12 + [0.0]


def grant(lifetime: int) -> fakes.Reply:
    return fakes.Reply(200, json.dumps({"access_token": "a", "expires_in": lifetime}).encode())


@pytest.fixture
def no_token(aws: Aws) -> None:
    aws.remove_token()


@pytest.fixture
def sleep_moves_the_clock(wall: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        wall.now += seconds

    monkeypatch.setattr(time, "sleep", sleep)


def looked(refresh: TokenRefresh, wall: Clock) -> list[tuple[TokenState, float]]:
    """Return what each look of a run found, and how long it waits after it."""
    seen: list[tuple[TokenState, float]] = []
    for result, wait in refresh.looks("default", TEXT):
        seen.append((result.state, wait))
        wall.now += wait
    return seen


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize(
    ("lifetime", "waits"),
    [(60, HALF_MINUTES), (390, [195.0, 0.0]), (391, [0.0]), (3_600, [0.0])],
)
def test_a_token_is_looked_after_at_the_half_of_its_life_until_it_outlives_the_next_run(
    wall: Clock, refresh: TokenRefresh, endpoint: fakes.Http, lifetime: int, waits: list[float]
) -> None:
    endpoint.reply = grant(lifetime)
    assert looked(refresh, wall) == [(TokenState.REFRESHED, wait) for wait in waits]


def test_a_token_that_is_almost_due_is_looked_at_again_after_five_seconds(
    aws: Aws, wall: Clock, refresh: TokenRefresh
) -> None:
    aws.set_token(token(issued_at=int(wall.now) - 29, expires_at=int(wall.now) + 31))
    assert next(refresh.looks("default", TEXT))[1] == 5.0


def test_a_token_without_an_end_is_looked_at_once(
    aws: Aws, wall: Clock, refresh: TokenRefresh
) -> None:
    aws.set_token(token(expires_at=None))
    assert looked(refresh, wall) == [(TokenState.GOOD, 0.0)]


def test_while_another_renews_a_token_is_looked_at_every_ten_seconds(
    aws: Aws, wall: Clock, refresh: TokenRefresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise LockedError

    aws.remove_token()
    monkeypatch.setattr(TokenStore, "lock", locked)
    assert looked(refresh, wall) == [(TokenState.GOOD, wait) for wait in [10.0] * 38 + [0.0]]


@pytest.mark.usefixtures("wall")
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (fakes.Reply(503), (TokenFault.NETWORK, 10.0)),
        (UNAUTHORIZED, (TokenFault.CREDENTIALS, 0.0)),
    ],
)
def test_what_may_pass_is_tried_again_in_a_run_while_there_is_a_token_to_keep_alive(
    aws: Aws,
    refresh: TokenRefresh,
    endpoint: fakes.Http,
    reply: fakes.Reply,
    told: tuple[TokenFault, float],
) -> None:
    endpoint.reply = reply
    now = int(time.time())
    aws.set_token(token(issued_at=now - 40, expires_at=now + 20))
    result, wait = next(refresh.looks("default", TEXT))
    assert (result.cause, wait) == told
    assert result.seconds_left == 20.0
    aws.remove_token()
    assert [waits for _, waits in refresh.looks("default", TEXT)] == [0.0]


@pytest.mark.usefixtures("no_token", "sleep_moves_the_clock")
@pytest.mark.parametrize(("seconds_left", "looks"), [(1_000.0, 13), (120.0, 3), (0.0, 1)])
def test_a_scheduled_run_tells_each_look_and_ends_a_minute_before_its_function(
    wall: Clock, refresh: TokenRefresh, endpoint: fakes.Http, seconds_left: float, looks: int
) -> None:
    endpoint.reply = grant(60)
    end = wall.now + seconds_left
    told: list[TokenResult] = []
    assert refresh.watch(lambda: end - wall.now, told.append) == told
    assert [each.state for each in told] == [TokenState.REFRESHED] * looks
