"""A real browser, the one that the Makefile found."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from local.machine.cloud import ROOT

_FOUND = ROOT / "build" / "browser.path"  # by local/find_browser.sh
WIDE, NARROW = (1280, 960), (390, 844)  # pixels


class BrowserError(Exception):
    """There is no browser."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run it without a window. Raises BrowserError if there is none."""
    path = _FOUND.read_text(encoding="utf-8").partition("\n")[0] if _FOUND.exists() else ""
    if not path:
        raise BrowserError("there is no browser: `make build/browser.path` looks for one")
    with sync_playwright() as playwright:
        # As root, which containers run as, Chromium starts without its sandbox alone.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
