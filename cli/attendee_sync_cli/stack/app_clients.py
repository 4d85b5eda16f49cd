"""App clients of Cognito, by which senders authenticate with OAuth 2 (client credentials)."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from attendee_sync.aws import clients
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.stack import Stack

SCOPE = "attendee-sync/push"  # the template's one; who asks for none gets it
_TOKEN_MINUTES = 60


@dataclass(frozen=True)
class AppClient:
    """What a sender shows to get access tokens, and where."""

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str


@contextlib.contextmanager
def made(stack: Stack, sender: str) -> Iterator[AppClient]:
    """Make an app client for a sender, and delete it if the block fails.

    Raises FailureError if the stack gives no access tokens.
    """
    pool, token_url = _pool(stack), stack.output("OAuthTokenUrl")
    answer = stack.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool,
        ClientName=sender,
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[SCOPE],
        AccessTokenValidity=_TOKEN_MINUTES,
        TokenValidityUnits={"AccessToken": "minutes"},
    )["UserPoolClient"]
    try:
        yield AppClient(answer["ClientId"], answer["ClientSecret"], token_url)
    except BaseException:
        delete(stack, answer["ClientId"])
        raise


def delete(stack: Stack, client_id: str) -> None:
    """Delete an app client, if it and its pool are still there."""
    pool = stack.find_output("SenderPoolId")
    if pool is None:
        return
    try:
        stack.client("cognito-idp").delete_user_pool_client(UserPoolId=pool, ClientId=client_id)
    except ClientError as error:
        if clients.cause(error) != "ResourceNotFoundException":
            raise


def push_url(url: str) -> str:
    """Return where an app client's access token is taken; gets where bearer tokens are."""
    return url.replace("/v1/destinations/", "/v1/oauth2/destinations/")


def _pool(stack: Stack) -> str:
    pool = stack.find_output("SenderPoolId")
    if pool is None:
        raise FailureError(
            f"Stack {stack.name} gives no access tokens. "
            "`make deploy` with the parameter OAuthDomain lets it: docs/senders.md."
        )
    return pool
