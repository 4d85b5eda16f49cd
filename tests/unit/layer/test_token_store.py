import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.token_store import TokenStore
from tests.support import fakes
from tests.support.stack import CONNECTION, CREDENTIALS, STACK, Aws, changed, token

SHOWN = f"{STACK}/api-profile/default"
OTHER = Credentials("other-client", "other-secret", "other-profile-token")


@pytest.fixture
def store(aws: Aws) -> TokenStore:
    return aws.token_store()


def test_a_token_is_read_with_what_calls_show(store: TokenStore) -> None:
    assert store.usable(CONNECTION) == token()


def test_what_is_stored_of_a_token_shows_nothing_that_people_entered(
    aws: Aws, store: TokenStore
) -> None:
    made = token(client_id=OTHER.client_id, profile_token=OTHER.profile_token)
    store.store("default", made, OTHER)
    item = json.dumps(aws.dynamodb.token_items["token#default"])
    assert not any(text in item for text in vars(OTHER).values())
    [_, shown] = aws.secrets.versions[SHOWN]
    assert access_token.parse_credentials(shown) == replace(OTHER, client_secret="")
    assert "secret" not in shown
    aws.clock.now += 2
    assert store.usable(CONNECTION) == made


def test_a_token_says_to_dynamodb_when_it_ends(aws: Aws, store: TokenStore) -> None:
    store.store("default", token(expires_at=1_900_000_000), CREDENTIALS)
    assert aws.dynamodb.token_items["token#default"]["expires_at"] == {"N": "1900000000"}
    store.store("default", token("", expires_at=None), CREDENTIALS)
    assert "expires_at" not in aws.dynamodb.token_items["token#default"]


def test_what_calls_show_is_written_only_if_it_changed(aws: Aws, store: TokenStore) -> None:
    for value in ("one", "two", "three"):
        store.store("default", token(value), CREDENTIALS)
        aws.clock.now += 1
    assert aws.secrets.count("PutSecretValue") == 0


@pytest.mark.parametrize("text", ["{}", "", "broken", '{"client_id": "other"}'])
def test_what_calls_show_is_put_right(aws: Aws, store: TokenStore, text: str) -> None:
    aws.secrets.versions[SHOWN] = [text]
    store.keep_shown("default", CREDENTIALS)
    assert json.loads(aws.secrets.versions[SHOWN][-1])["client_id"] == CREDENTIALS.client_id


def test_a_missing_secret_for_what_calls_show_is_made(aws: Aws, store: TokenStore) -> None:
    del aws.secrets.versions[SHOWN]
    store.keep_shown("default", CREDENTIALS)
    assert aws.secrets.versions[SHOWN] == [access_token.dump_shown(CREDENTIALS)]


def test_a_token_is_read_once_a_minute(aws: Aws, store: TokenStore) -> None:
    for _ in range(60):
        store.usable(CONNECTION)
        aws.clock.now += 1
    assert aws.dynamodb.count("GetItem") == 1
    aws.clock.now += 1
    store.usable(CONNECTION)
    assert aws.dynamodb.count("GetItem") == 2


def test_a_younger_look_is_taken_when_asked_for(aws: Aws, store: TokenStore) -> None:
    store.usable(CONNECTION)
    aws.set_token(token("newer"))
    aws.clock.now += 1
    assert store.usable(CONNECTION) == token()
    assert store.usable(CONNECTION, max_age=0) == token("newer")


def test_a_new_token_is_never_shown_with_an_old_client_id(aws: Aws, store: TokenStore) -> None:
    assert store.usable(CONNECTION) == token()
    made = token("newer", client_id=OTHER.client_id, profile_token=OTHER.profile_token)
    aws.set_token(made)
    aws.clock.now += 2  # the secret is kept for a minute yet
    assert store.usable(CONNECTION, max_age=0) == made


def test_an_old_token_is_never_shown_with_a_new_client_id(aws: Aws, store: TokenStore) -> None:
    aws.secrets.versions[SHOWN] = [access_token.dump_shown(OTHER)]
    assert store.usable(CONNECTION) is None


def test_a_token_that_does_not_fit_costs_a_read_a_second_at_most(
    aws: Aws, store: TokenStore
) -> None:
    aws.secrets.versions[SHOWN] = [access_token.dump_shown(OTHER)]
    for _ in range(50):
        store.usable(CONNECTION)
    assert aws.secrets.count("GetSecretValue") == 1
    aws.clock.now += 1.5
    store.usable(CONNECTION)
    assert aws.secrets.count("GetSecretValue") == 2


def test_the_last_token_serves_while_the_table_cannot_be_read(aws: Aws, store: TokenStore) -> None:
    store.usable(CONNECTION)
    aws.clock.now += 3_600
    aws.dynamodb.always = fakes.denied("ThrottlingException")
    assert store.usable(CONNECTION, max_age=0) == token()


def test_a_table_that_was_never_read_is_an_error(aws: Aws, store: TokenStore) -> None:
    aws.dynamodb.always = fakes.denied("ThrottlingException")
    with pytest.raises(ClientError):
        store.usable(CONNECTION)


def test_a_token_of_another_api_is_none(store: TokenStore) -> None:
    assert store.usable(changed(environment="stg")) is None
    assert store.stored(changed(environment="stg")) is None
