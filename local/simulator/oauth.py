"""The token endpoint: OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

# Invented: that RainFocus uses this grant, and all of what is asked and answered beyond the RFC.

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_plus

from pydantic import JsonValue

from local.simulator.answers import Answer, oauth_failure, oauth_success
from local.simulator.calls import read_form
from local.simulator.settings import Environment, Organisation, TokenRules
from local.simulator.state import State, Token


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client id and secret, and where they stood."""

    client_id: str
    client_secret: str
    place: Literal["body", "basic"]


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A token request. `form` is None if the body is no form or repeats a parameter."""

    environment: Environment
    form: dict[str, str] | None
    credentials: Credentials | None


def read_token_call(
    environment: Environment, headers: Mapping[str, str], body: bytes, content_type: str
) -> TokenCall:
    """Return a token request as it was received, without judging it."""
    pairs = read_form(body, content_type)
    form = dict(pairs) if pairs is not None and len(dict(pairs)) == len(pairs) else None
    credentials = _basic_credentials(headers.get("Authorization")) or _body_credentials(form or {})
    return TokenCall(environment, form, credentials)


def org_of(call: TokenCall, state: State) -> str | None:
    """Return the org id whose client asks, or None."""
    if call.credentials is None:
        return None
    return state.settings.org_of_client(call.environment, call.credentials.client_id)


def answer_token_call(call: TokenCall, state: State) -> Answer:
    """Issue a token or refuse it, and count which."""
    org = org_of(call, state)
    answer = _answer(call, org, state)
    counted = state.tokens_of(call.environment, org)
    if answer.succeeded:
        counted.issued += 1
    else:
        counted.refused += 1
    return answer


def _answer(call: TokenCall, org: str | None, state: State) -> Answer:
    if call.form is None:
        return oauth_failure(400, "invalid_request", "a form without repeated parameters is needed")
    organisation = state.settings.organisation(call.environment, org) if org else None
    if org is None or organisation is None or not _is_client(call.credentials, organisation):
        return _invalid_client(call.credentials)
    refusal = _refuse_form(call.form, call.credentials, organisation.token)
    if refusal is not None:
        return refusal
    value = secrets.token_urlsafe(32)
    expires_at = time.monotonic() + organisation.token.lifetime_seconds
    state.tokens[value] = Token(call.environment, org, organisation.client_id, expires_at)
    return oauth_success(_token_document(value, organisation.token))


def _is_client(credentials: Credentials | None, organisation: Organisation) -> bool:
    if credentials is None or not organisation.oauth:
        return False
    if organisation.token.client_auth not in ("any", credentials.place):
        return False
    sent = (credentials.client_id, credentials.client_secret)
    return sent == (organisation.client_id, organisation.client_secret)


def _invalid_client(credentials: Credentials | None) -> Answer:
    if credentials is not None and credentials.place == "basic":
        challenge = {"WWW-Authenticate": 'Basic realm="RainFocus"'}
        return oauth_failure(401, "invalid_client", "client authentication failed", challenge)
    return oauth_failure(400, "invalid_client", "client authentication failed")


def _refuse_form(
    form: dict[str, str], credentials: Credentials | None, rules: TokenRules
) -> Answer | None:
    if credentials is not None and credentials.place == "basic" and "client_secret" in form:
        return oauth_failure(400, "invalid_request", "two ways of client authentication")
    if "grant_type" not in form:
        return oauth_failure(400, "invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        return oauth_failure(400, "unsupported_grant_type", "only client_credentials is supported")
    if form.get("scope") != rules.scope:
        return oauth_failure(400, "invalid_scope", "not the scope of this client")
    for name, value in rules.parameters.items():
        if form.get(name) != value:
            return oauth_failure(400, "invalid_request", f"{name} is missing or wrong")
    return None


def _token_document(value: str, rules: TokenRules) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {"access_token": value, "token_type": "Bearer"}
    shapes: dict[str, JsonValue] = {
        "number": rules.lifetime_seconds,
        "text": str(rules.lifetime_seconds),
        "raw": rules.expires_in_raw,
    }
    if rules.expires_in in shapes:
        document["expires_in"] = shapes[rules.expires_in]
    return document


def _basic_credentials(authorization: str | None) -> Credentials | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return Credentials("", "", "basic")
    client_id, _, client_secret = decoded.partition(":")
    return Credentials(unquote_plus(client_id), unquote_plus(client_secret), "basic")


def _body_credentials(form: dict[str, str]) -> Credentials | None:
    if "client_id" not in form or "client_secret" not in form:
        return None
    return Credentials(form["client_id"], form["client_secret"], "body")
