"""The token endpoint: how a token is asked for, and what its answer grants or refuses."""

import base64
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote_plus

import requests
from pydantic import JsonValue

from attendee_sync.http_client import (
    UNUSABLE,
    is_success,
    is_transient,
    prepare,
    receive,
)
from attendee_sync.rainfocus import reading, templates
from attendee_sync.rainfocus.access_token import (
    TOKEN_MARGIN,
    AccessToken,
    Credentials,
    TokenFault,
    TokenNotGrantedError,
    made_for,
)
from attendee_sync.rainfocus.connection import Connection, TokenCall
from attendee_sync.rainfocus.reading import Reading
from attendee_sync.rainfocus.templates import Values

_MAX_LIFETIME = 86_400 * 365  # seconds
# One that ends as soon as it is there could not be used: its lifetime must be something else.
_MIN_LIFETIME = 2 * TOKEN_MARGIN
_LEAST_MILLISECONDS = 1e11  # fewer are taken for seconds: the year 5138
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SECONDS = {"milliseconds": 0.001, "seconds": 1.0, "minutes": 60.0, "hours": 3_600.0}
# What a bearer token may hold (RFC 6750, section 2.1, asks for less), and how long it may be:
# web servers take header lines of about 8 KiB by default.
_MAX_TOKEN = 8_192  # characters
_VISIBLE_ASCII = re.compile(r"[!-~]+")
_IN_HEADER = re.compile(r"[ -~]*")
_REFUSED = frozenset({400, 401, 403})
# RFC 6749, section 5.2: errors that are about the client and not about how it asks.
_CLIENT_ERRORS = frozenset({"", "invalid_client", "unauthorized_client", "access_denied"})
_OAUTH_ERRORS = _CLIENT_ERRORS | {
    "insufficient_scope",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_token",
    "server_error",
    "temporarily_unavailable",
    "unsupported_grant_type",
}


def obtain(
    http: requests.Session, connection: Connection, credentials: Credentials
) -> tuple[AccessToken, str]:
    """Return a new token, and a remark on it if there is something to remark.

    With OAuth it is fetched from the token endpoint (client credentials, RFC 6749, section 4.4;
    that RainFocus uses this grant is inferred). Raises TokenNotGrantedError.
    """
    require(connection, credentials)
    now = int(time.time())  # before the call, so that its end is never taken for later than it is
    if connection.auth.kind == "profile_token":
        return made_for(connection, credentials, "", now, None), ""
    return granted(ask(http, connection, credentials), connection, credentials, now)


def granted(
    received: Reading, connection: Connection, credentials: Credentials, asked_at: int
) -> tuple[AccessToken, str]:
    """Return the token in an answer that was asked for at an epoch second, and a remark if any.

    Raises TokenNotGrantedError.
    """
    value = received.find(connection.token_call.token)
    if not is_success(received.status) or not isinstance(value, str) or not value:
        raise _refusal(received)
    _require_usable(value)
    lifetime = _lifetime_in(received, connection.token_call, asked_at)
    assumed = connection.auth.assumed_lifetime
    remark = "" if lifetime else f"no usable lifetime in the answer; {assumed} s are assumed"
    return made_for(connection, credentials, value, asked_at, lifetime or assumed), remark


def _require_usable(value: str) -> None:
    """Refuse a token that no Authorization header can carry."""
    if len(value) > _MAX_TOKEN:
        wrong = f"longer than {_MAX_TOKEN} characters"
    elif not _VISIBLE_ASCII.fullmatch(value):
        wrong = "not of visible ASCII characters alone"
    else:
        return
    raise TokenNotGrantedError(TokenFault.TOKEN_URL, f"the access token in the answer is {wrong}")


def require(connection: Connection, credentials: Credentials) -> None:
    """Raise TokenNotGrantedError for what can be told without asking: something is missing."""
    shows_token = connection.auth.kind == "profile_token" or (
        connection.api_profile.place != "off" and connection.api_profile.value == "profile_token"
    )
    if shows_token and not credentials.profile_token:
        raise TokenNotGrantedError(TokenFault.CREDENTIALS, "profile_token is not stored yet")
    for name in ("client_id", "profile_token"):
        if not _IN_HEADER.fullmatch(getattr(credentials, name)):
            raise TokenNotGrantedError(
                TokenFault.CREDENTIALS, f"{name} holds characters that no header can carry"
            )
    if connection.auth.kind == "profile_token":
        return
    if not _is_utf8(credentials.client_secret):
        raise TokenNotGrantedError(
            TokenFault.CREDENTIALS, "client_secret holds characters that no form can carry"
        )
    if not (credentials.client_id and credentials.client_secret):
        raise TokenNotGrantedError(
            TokenFault.CREDENTIALS, "client_id and client_secret are not stored yet"
        )
    if not connection.auth.token_url:
        raise TokenNotGrantedError(
            TokenFault.TOKEN_URL,
            "auth.token_url is empty; RainFocus does not publish it, ask for it",
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can hold half a character
        return False
    return True


def ask(http: requests.Session, connection: Connection, credentials: Credentials) -> Reading:
    """Return the token endpoint's answer. Raises TokenNotGrantedError if there is none."""
    limits = connection.limits
    try:
        with http.send(
            prepare(http, token_request(connection, credentials)),
            timeout=(limits.connect_timeout, limits.read_timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            return reading.read(receive(response))
    except UNUSABLE as error:
        raise TokenNotGrantedError(
            TokenFault.TOKEN_URL, f"auth.token_url is no usable address: {type(error).__name__}"
        ) from None
    except requests.RequestException as error:
        raise TokenNotGrantedError(
            TokenFault.NETWORK, f"the token endpoint can't be reached: {type(error).__name__}"
        ) from None


def token_request(connection: Connection, credentials: Credentials) -> requests.Request:
    """Return the request for a token: client credentials (RFC 6749, section 4.4), or a template."""
    auth, template = connection.auth, connection.token_call
    pair = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
    content: dict[str, JsonValue] = {"grant_type": "client_credentials", **auth.parameters}
    if auth.scope:
        content["scope"] = auth.scope
    request = requests.Request(template.method, auth.token_url)
    request.headers = {"Accept": "application/json"}
    if auth.client_auth.startswith("basic"):
        is_plain = auth.client_auth == "basic_plain"
        request.headers["Authorization"] = f"Basic {_basic(credentials, is_plain=is_plain)}"
    elif auth.client_auth == "query":
        request.params = pair
    else:
        content |= pair
    values = {
        **connection.places(),
        **vars(credentials),
        "basic": _basic(credentials),
        "basic_plain": _basic(credentials, is_plain=True),
    }
    templates.add_headers(request.headers, template.headers, values)
    templates.add_query(request.params, template.query, values)
    _put_body(request, content, connection, values)
    return request


def _put_body(
    request: requests.Request, content: JsonValue, connection: Connection, values: Values
) -> None:
    """Put what is asked with into the body, as a form or as JSON; in the query with GET."""
    template = connection.token_call.body
    if isinstance(template, str):
        request.data = templates.fill_body(template, values, request.headers)
        return
    if template is not None:
        content = templates.fill(template, values)
    if request.method == "GET":
        request.params = {**content, **request.params} if isinstance(content, dict) else {}
    elif connection.auth.client_auth == "json" or not isinstance(content, dict):
        request.json = content
    else:
        request.data = content


def _basic(credentials: Credentials, *, is_plain: bool = False) -> str:
    """Return id and secret for a Basic header: form-encoded first, as RFC 6749, section 2.3.1 has.

    RFC 7617, which others have, takes them as they are.
    """
    parts = (credentials.client_id, credentials.client_secret)
    pair = ":".join(parts if is_plain else map(quote_plus, parts))
    return base64.b64encode(pair.encode(errors="replace")).decode()


def _refusal(received: Reading) -> TokenNotGrantedError:
    status, error = received.status, _oauth_error(received.find("body.error"))
    text = f"HTTP {status} {error}".rstrip()
    if is_transient(status):
        return TokenNotGrantedError(
            TokenFault.NETWORK, f"the token endpoint is out of order: {text}"
        )
    if status in _REFUSED and error in _CLIENT_ERRORS:
        return TokenNotGrantedError(TokenFault.CREDENTIALS, f"the credentials are refused: {text}")
    if status in _REFUSED:
        return TokenNotGrantedError(TokenFault.SETTINGS, f"the way of asking is refused: {text}")
    return TokenNotGrantedError(
        TokenFault.TOKEN_URL, f"no access token in the answer; is auth.token_url right? {text}"
    )


def _oauth_error(error: object) -> str:
    """Return the `error` code, if it is one of RFC 6749, section 5.2, or RFC 6750, section 3.1.

    Any other text could be one of those that were sent.
    """
    if not isinstance(error, str) or not error.isidentifier():
        return ""
    return error if error in _OAUTH_ERRORS else "with an unknown error code"


def _lifetime_in(received: Reading, template: TokenCall, now: int) -> float | None:
    if template.expires_at is None:
        return _lifetime(received.find(template.lifetime), _SECONDS[template.lifetime_unit])
    moment = _moment(received.find(template.expires_at))
    return None if moment is None else _lifetime(moment - now)


def _moment(given: object) -> float | None:
    """Return a moment in epoch seconds, from those, milliseconds, ISO 8601, or an HTTP date."""
    text = str(given).strip()
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            return number / 1000 if number > _LEAST_MILLISECONDS else number
        is_iso = text[:1].isdecimal()
        until = datetime.fromisoformat(text) if is_iso else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp()


def _lifetime(expires_in: object, unit: float = 1.0) -> float | None:
    """Return a lifetime in seconds if it is a number, as such or as text, of a usable size.

    A text may end with the s of seconds, as durations of Protocol Buffers do. `unit` is what one
    of its units has of seconds.
    """
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return None
    text = str(expires_in).strip().removesuffix("s")
    if not _NUMBER.fullmatch(text):
        return None
    seconds = float(text) * unit
    return seconds if _MIN_LIFETIME <= seconds <= _MAX_LIFETIME else None
