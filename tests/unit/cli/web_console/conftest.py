import pytest

from attendee_sync_cli.stack import stack
from tests.support.stack import Aws
from tests.support.web_browser import WebBrowser


@pytest.fixture
def browser(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> WebBrowser:
    """The console of who may change things, opened in a browser."""
    monkeypatch.setattr(stack, "client", aws.client)
    made = WebBrowser()
    made.sign_in()
    return made


@pytest.fixture
def reader(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> WebBrowser:
    """The console as it starts without --allow-changes."""
    monkeypatch.setattr(stack, "client", aws.client)
    made = WebBrowser(may_change=False)
    made.sign_in()
    return made
