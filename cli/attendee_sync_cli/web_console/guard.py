"""Who gets in: one browser of this machine, by its own pages, with no more than fits."""

import re
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attendee_sync_cli.web_console import page
from attendee_sync_cli.web_console.session import Session

MAX_BODY_BYTES = 25_000_000  # a spreadsheet of some hundred thousand rows
_OPEN = "/static/"
_LENGTH = re.compile(r"[0-9]{1,12}")
_READS = frozenset({"GET", "HEAD"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With no-referrer, browsers would send forms without their origin:
    # https://fetch.spec.whatwg.org/#append-a-request-origin-header
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# To SameSite, pages of other ports of this machine are the same site; to this header they are not.
_OWN_SITES = frozenset({"same-origin", "none"})
_OTHER_SITE = "Another site led here. Open this address from a page of the console, or by hand."
_SIGN_IN = "Start the console again, and open the address that it shows; each is good once."


class _TooLargeError(Exception):
    """More came than the console reads."""


class Guard:
    """Middleware that refuses whatever is not the browser that the console was opened in."""

    def __init__(self, app: ASGIApp, session: Session) -> None:
        self._app = app
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app answer it."""
        if scope["type"] != "http":
            return
        guarded = _with_headers(send)
        answer = self._refusal(scope) or self._signed_in(scope)
        if answer:
            await answer(scope, receive, guarded)
            return
        try:
            await self._app(scope, _limited(receive), guarded)
        except _TooLargeError:
            await _too_large()(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to what no page of this run of the console asks, else None."""
        headers = Headers(scope=scope)
        if headers.get("host") != self._session.host:
            return _page(HTTPStatus.BAD_REQUEST, "This is not the console's address.")
        if scope["method"] not in _READS and headers.get("origin") != self._session.origin:
            return _page(HTTPStatus.FORBIDDEN, "Another site sent this form.")
        if _length(headers) > MAX_BODY_BYTES:
            return _too_large()
        return None

    def _signed_in(self, scope: Scope) -> Response | None:
        """Return the answer to who is not signed in yet, else None."""
        token = QueryParams(scope["query_string"]).get("token")
        cookie = self._session.sign_in(token) if token and scope["path"] == "/" else None
        if cookie:
            return self._welcome(cookie)
        cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
        is_known = self._session.is_signed_in(cookies.get(self._session.cookie_name, ""))
        if is_known and Headers(scope=scope).get("sec-fetch-site", "none") not in _OWN_SITES:
            return _page(HTTPStatus.FORBIDDEN, _OTHER_SITE)
        if is_known or (scope["path"].startswith(_OPEN) and scope["method"] in _READS):
            return None
        return _page(HTTPStatus.FORBIDDEN, _SIGN_IN)

    def _welcome(self, cookie: str) -> Response:
        """Set the cookie, on a page that leads on.

        After a redirect browsers would not send the cookie, if another program opened the address:
        that counts as another site. What a page of ours leads to is asked by us.
        """
        answer = HTMLResponse(page.text("welcome.html"))
        answer.set_cookie(self._session.cookie_name, cookie, httponly=True, samesite="strict")
        return answer


def _length(headers: Headers) -> int:
    """Return how many bytes a request says to have."""
    length = headers.get("content-length", "0")
    return int(length) if _LENGTH.fullmatch(length) else MAX_BODY_BYTES + 1


def _limited(receive: Receive) -> Receive:
    """Return what reads a body as far as it may go, whatever length it says to have."""
    left = MAX_BODY_BYTES

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLargeError
        return message

    return limited


def _with_headers(send: Send) -> Send:
    """Return what sends the headers for browsers with each answer."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return guarded


def _too_large() -> Response:
    words = f"That is more than {MAX_BODY_BYTES // 1_000_000} MB."
    return _page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{words} `attendee-sync push` takes more.")


def _page(status: HTTPStatus, words: str) -> Response:
    return HTMLResponse(page.text("refused.html", words=words), status)
