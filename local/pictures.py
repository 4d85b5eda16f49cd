"""Pictures of the console's pages for docs/console.md. Run it with `make pictures`.

A local stack gets made-up people, some of them amiss, and each page is taken at the widths of a
desk and of a phone. Pictures differ a little from run to run, in times and ids.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, expect
from rich.console import Console

from local.machine.browser import NARROW, WIDE, BrowserError, chromium
from local.machine.cloud import ROOT, CloudError
from local.machine.environment import LocalEnvironment, local_environment
from local.machine.stack import StackError
from local.machine.web_console import web_console
from local.traffic import endless
from local.traffic.people import people, pushes
from local.traffic.traffic import push_all, remaining

FOLDER = ROOT / "docs" / "pictures"
_PEOPLE = 400
_PATIENCE_SECONDS = 60.0
_SLOW_MILLISECONDS = 60_000.0
_PROFILE = ROOT / "local" / "profile.json"


def _nothing(page: Page) -> None:
    """Do nothing before a page is taken."""


def _preview(page: Page) -> None:
    page.get_by_label("A profile as it is pushed").fill(_PROFILE.read_text(encoding="utf-8"))
    page.get_by_role("button", name="Preview").click()


def _look_up(page: Page) -> None:
    page.get_by_label("E-mail address").fill("person-77@example.com")
    page.get_by_role("button", name="Look up").click()
    _wait_for_end(page)


def _examine(page: Page) -> None:
    page.get_by_role("button", name="Examine").click()
    _wait_for_end(page)


def _wait_for_end(page: Page) -> None:
    expect(page.get_by_text("Done.", exact=True)).to_be_visible(timeout=_SLOW_MILLISECONDS)


@dataclass(frozen=True)
class Picture:
    """A page, and what is done on it before it is taken."""

    name: str
    path: str
    prepare: Callable[[Page], None] = _nothing


PICTURES = (
    Picture("overview", "/"),
    Picture("destinations", "/destinations"),
    Picture("destination", "/destinations/default"),
    Picture("mapping", "/mapping/default", _preview),
    Picture("failures", "/failures"),
    Picture("person", "/person", _look_up),
    Picture("doctor", "/doctor/default", _examine),
    Picture("api-log", "/api-log"),
)


def main() -> int:
    """Make the pictures anew."""
    console = Console(highlight=False)
    try:
        with (
            chromium() as browser,
            local_environment(lambda step: console.print(f"· {step}")) as environment,
        ):
            console.print(f"· Pushing {_PEOPLE} made-up people")
            _fill(environment)
            with web_console(environment.stack, environment.simulator.url) as address:
                _take_all(browser, address, console)
    except (BrowserError, CloudError, StackError) as error:
        console.print(f"[red]No pictures could be taken:[/red] {error}")
        return 1
    return 0


def _fill(environment: LocalEnvironment) -> None:
    environment.simulator.add_fault(endless.REFUSED)
    for _ in push_all(environment.stack, list(pushes(people(_PEOPLE)))):
        pass
    for _ in remaining(environment.stack, _PATIENCE_SECONDS):
        pass


def _take_all(browser: Browser, address: str, console: Console) -> None:
    FOLDER.mkdir(exist_ok=True)
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(_SLOW_MILLISECONDS)
        page.goto(address)
        start = address.partition("/?")[0]
        for picture in PICTURES:
            for size, (width, height) in (("wide", WIDE), ("narrow", NARROW)):
                page.set_viewport_size({"width": width, "height": height})
                page.goto(start + picture.path)
                picture.prepare(page)
                page.wait_for_load_state("networkidle")
                file = FOLDER / f"{picture.name}-{size}.png"
                page.screenshot(path=file)
                console.print(f"· {file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
