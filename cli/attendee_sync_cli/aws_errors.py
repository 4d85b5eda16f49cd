"""What AWS's errors mean for an operator: what happened, and what to do about it."""

import os

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, of all that did not get through
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

# Calls whose request holds a secret: nothing of the answer's text is shown.
_SECRET_CALLS = frozenset({"CreateSecret", "PutSecretValue"})
_LOG_IN = (
    "Log in (`aws sso login`, `aws configure`), name a profile in AWS_PROFILE, or set "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
_EXPIRED = "The credentials have run out: log in again, and run the command again."
_UNKNOWN = (
    "AWS does not know these credentials: `aws sts get-caller-identity` shows whose they are."
)
_DENIED = (
    "docs/operations.md tells which of the stack's policies a command needs: ViewerPolicy, "
    "OperatorPolicy, PrivacyPolicy or ManagerPolicy, whose ARNs are outputs of the stack."
)
_REMEDIES: dict[str, str] = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "InvalidClientTokenId": _UNKNOWN,
    "UnrecognizedClientException": _UNKNOWN,
    "InvalidAccessKeyId": _UNKNOWN,
    "SignatureDoesNotMatch": _UNKNOWN,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
}


_REMEDIES_BY_KIND: tuple[tuple[type[BotoCoreError], str], ...] = (
    (NoRegionError, "Set AWS_REGION, or `region` in your AWS profile (`aws configure`)."),
    (NoCredentialsError, _LOG_IN),
    (PartialCredentialsError, _LOG_IN),
    (ProfileNotFound, "`aws configure list-profiles` shows those there are."),
    (SSOError, "Run `aws sso login`."),
    (TokenRetrievalError, "Run `aws sso login`."),
)


def explain(failure: BotoCoreError | ClientError) -> str:
    """Say what went wrong and what helps, without anything secret that was sent."""
    if isinstance(failure, ClientError):
        call, told = failure.operation_name, failure.response["Error"]
        words = "" if call in _SECRET_CALLS else f": {told.get('Message', '')}"
        return _joined(f"{call} failed with {told['Code']}{words}", remedy(told["Code"]))
    if isinstance(failure, ParamValidationError):  # its text quotes what was sent
        return "the request is not one that AWS takes"
    return _joined(str(failure), _remedy_of(failure))


def remedy(code: str) -> str:
    """Return what helps against an error code of AWS; empty if that is not known."""
    return _REMEDIES.get(code, "")


def is_denied(failure: ClientError) -> bool:
    """Tell whether AWS refused a call because the caller has no right to it."""
    return remedy(failure.response["Error"]["Code"]) == _DENIED


def _remedy_of(failure: BotoCoreError) -> str:
    if isinstance(failure, ConnectionError | HTTPClientError):
        if os.environ.get("AWS_ENDPOINT_URL"):
            return "AWS_ENDPOINT_URL says to call there: is that stack running?"
        return "Is the region's name right, and can this machine reach AWS?"
    return next((words for kind, words in _REMEDIES_BY_KIND if isinstance(failure, kind)), "")


def _joined(words: str, helps: str) -> str:
    return f"{words.rstrip('.')}. {helps}" if helps else words
