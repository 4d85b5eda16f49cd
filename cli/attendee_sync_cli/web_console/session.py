"""Who uses the console: the one person who started it, in the browser that it was opened in."""

import hmac
import secrets
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Session:
    """A run of the console, at an address of this machine."""

    host: str  # such as 127.0.0.1:8700, as browsers name it in Host
    may_change: bool  # by --allow-changes; what the person's rights allow is AWS's to say
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _tokens: list[str] = field(default_factory=list, repr=False)  # that may be used yet
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def origin(self) -> str:
        """What browsers name as the origin of its own forms."""
        return f"http://{self.host}"

    @property
    def cookie_name(self) -> str:
        """The cookie's name; browsers tell no ports apart, so that it has the port."""
        return f"attendee-sync-{self.host.rpartition(':')[2]}"

    def new_address(self) -> str:
        """Return an address that signs a browser in, once."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens.append(token)
        return f"{self.origin}/?token={token}"

    def sign_in(self, token: str) -> str | None:
        """Return the cookie's value for a token that was not used before, else None."""
        with self._lock:
            found = [each for each in self._tokens if _is_same(each, token)]
            for each in found:
                self._tokens.remove(each)
        return self._cookie if found else None

    def is_signed_in(self, cookie: str) -> bool:
        """Tell whether the cookie is the one that signing in gave."""
        return _is_same(cookie, self._cookie)

    def is_own_form(self, csrf: str) -> bool:
        """Tell whether a form came from a page of this run."""
        return _is_same(csrf, self.csrf)


def _is_same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
