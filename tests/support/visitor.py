"""Somebody who looks at the console's pages, and finds a way by what these offer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from tests.support.web_browser import Page, WebBrowser

_VOID = frozenset({"input", "meta", "link", "img", "br", "hr", "path", "rect", "line", "polyline"})


@dataclass
class Node:
    """An element of a page."""

    tag: str
    given: dict[str, str] = field(default_factory=dict)
    inside: list["Node | str"] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What a person reads of it, on one line."""
        return " ".join(self._text().split())

    def _text(self) -> str:
        return " ".join(each if isinstance(each, str) else each._text() for each in self.inside)

    def all(self, *tags: str) -> Iterator["Node"]:
        """Return the elements within it that are of these tags, in order."""
        for each in self.inside:
            if isinstance(each, Node):
                if each.tag in tags:
                    yield each
                yield from each.all(*tags)


class _Parser(HTMLParser):
    """Reads a page whose elements are all closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Node("")
        self._open = [self.root]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


@dataclass
class Filled:
    """A form with what is entered in it."""

    node: Node
    fields: list[tuple[str, str]]

    def enter(self, name: str, value: str) -> None:
        """Enter a value in a field."""
        [at] = [n for n, (each, _) in enumerate(self.fields) if each == name]
        self.fields[at] = (name, value)


def _filled(form: Node) -> Filled:
    fields: list[tuple[str, str]] = []
    for each in form.all("input", "textarea", "select"):
        given, name = each.given, each.given.get("name", "")
        is_left = given.get("type") in {"checkbox", "radio"} and "checked" not in given
        if not name or is_left or given.get("type") == "file":
            continue
        if each.tag == "textarea":
            fields.append((name, "".join(map(str, each.inside)).removeprefix("\n")))
        elif each.tag == "select":
            options = list(each.all("option"))
            chosen = [option for option in options if "selected" in option.given] or options[:1]
            fields += [(name, each.given.get("value", each.words)) for each in chosen]
        else:
            fields.append((name, given.get("value", "")))
    return Filled(form, fields)


class Visitor:
    """Opens the console, and counts the links that are followed and the forms that are sent.

    What a browser does by itself is no click: to get what comes later, to look at a job until it
    is over, and to send a form that is sent as it is filled in.
    """

    def __init__(self, browser: WebBrowser) -> None:
        self.clicks = 0
        self._browser = browser
        self._form: Filled | None = None
        self._open(browser.get("/"))

    @property
    def text(self) -> str:
        """What is to be read, on one line."""
        return self._root.words

    def follow(self, words: str) -> None:
        """Click the first link of these words that is not the navigation's, or else that."""
        links = [each for each in self._root.all("a") if each.words == words]
        assert links, f"no link {words!r} at {self.path}: {self.text}"
        [*_, main] = self._root.all("main")
        [link, *_] = [each for each in main.all("a") if each.words == words] or links
        self.clicks += 1
        self._open(self._browser.get(urljoin(self.path, link.given["href"])))

    def form(self, button: str, near: str = "") -> Filled:
        """Return the form that a button sends, to be filled in; it is near some words."""
        found = [
            each
            for each in self._root.all("form")
            if button in [other.words for other in each.all("button")] and near in each.words
        ]
        assert found, f"no button {button!r} at {self.path}: {self.text}"
        if self._form is None or self._form.node is not found[0]:
            self._form = _filled(found[0])
        return self._form

    def type(self, button: str) -> None:
        """Let a form that is sent as it is filled in be sent; what comes of it is shown."""
        form = self.form(button)
        assert form.node.given.get("hx-trigger", "").startswith("input")
        self._open(self._browser.post(form.node.given["hx-post"], _data(form.fields)))

    def send(self, button: str, near: str = "") -> None:
        """Click a button."""
        form = self.form(button, near)
        [pressed, *_] = [each for each in form.node.all("button") if each.words == button]
        path = pressed.given.get("formaction") or form.node.given["action"]
        fields = list(form.fields)
        if "name" in pressed.given:
            fields.append((pressed.given["name"], pressed.given.get("value", "")))
        self.clicks += 1
        page = self._browser.post(path, _data(fields))
        self._open(self._browser.settled(page) if page.path.startswith("/jobs/") else page)

    def _open(self, page: Page) -> None:
        assert page.status == 200, page.text
        self.path = urlsplit(page.path).path
        self._form = None
        self._root = _Parser(page.html).root
        for each in list(self._root.all("div")):
            if each.given.get("hx-trigger") == "load" and "hx-get" in each.given:
                part = self._browser.get(each.given["hx-get"], **{"HX-Request": "true"})
                each.inside = [_Parser(part.html).root]


def _data(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return data
