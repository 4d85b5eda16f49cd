"""A browser without a window, of the one who started the console."""

import re
from html import unescape
from typing import Any

from starlette.testclient import TestClient

from attendee_sync_cli.stack.stack import Stack
from attendee_sync_cli.web_console import site
from attendee_sync_cli.web_console.session import Session
from tests.support.command_line import SECRETS
from tests.support.stack import STACK

HOST = "127.0.0.1:8700"
_TAG = re.compile(r"<[^>]*>")
_TEXTLESS = re.compile(r"<(head|script|style|svg)\b.*?</\1>", re.DOTALL)


class Page:
    """What was answered."""

    def __init__(self, status: int, html: str, headers: Any, path: str) -> None:
        self.status = status
        self.html = html
        self.headers = headers
        self.path = path

    @property
    def text(self) -> str:
        """What a person reads of it, on one line."""
        return " ".join(unescape(_TAG.sub(" ", _TEXTLESS.sub(" ", self.html))).split())

    def hidden(self) -> dict[str, str]:
        """Return the hidden fields of its forms."""
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', self.html)
        return {name: unescape(value) for name, value in found}

    def links(self) -> list[str]:
        """Return where its links lead, in order."""
        return [unescape(each) for each in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', self.html)]


class WebBrowser:
    """Opens pages of the console on a stack, and sees to it that no secret is ever shown."""

    def __init__(self, *, may_change: bool = True) -> None:
        self.session = Session(HOST, may_change)
        self.site = site.make(Stack(STACK), self.session)
        self.client = TestClient(self.site, base_url=self.session.origin)
        self.hidden: tuple[str, ...] = ()  # more that is never shown

    def sign_in(self) -> None:
        assert self.client.get(self.session.new_address()).status_code == 200

    def get(self, path: str, **headers: str) -> Page:
        return self._page(self.client.get(path, headers=headers))

    def post(self, path: str, fields: Any = None, *, files: Any = None, **headers: str) -> Page:
        """Send a form of this run; it leads to the page that answers it."""
        sent = {"Origin": self.session.origin, **headers}
        data = {"csrf": self.session.csrf, **(fields or {})}
        return self._page(self.client.post(path, data=data, files=files, headers=sent))

    def settled(self, page: Page) -> Page:
        """Return the page of a job once the job is over."""
        [job] = [each for each in self.site.state.jobs.all() if f"/jobs/{each.id}" == page.path]
        job.wait(60)
        return self.get(page.path)

    def _page(self, answer: Any) -> Page:
        assert not [each for each in SECRETS + self.hidden if each in answer.text]
        return Page(answer.status_code, answer.text, answer.headers, answer.url.path)
