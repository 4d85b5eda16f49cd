"""README and docs: links lead somewhere, and commands that are shown exist."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from attendee_sync.attendee import FIELDS
from attendee_sync.observability import Metric
from attendee_sync.outcome import Reason
from attendee_sync.profile.field_names import NAMES
from attendee_sync_cli.main import app
from attendee_sync_cli.outcome_words import REASONS
from attendee_sync_cli.settings.governance import CORE_POLICIES, NEVER_EXPORTED
from local.campaign import SCENARIOS
from local.parity import CHECKS
from local.parity.answers import name_of
from tests.support import command_line

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md")], key=str
)
# The first line of what is shown, but runs only with an account of AWS.
WITH_ACCOUNT = "# with an AWS account"

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
TARGETS = set(_TARGET.findall((ROOT / "Makefile").read_text()))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    text = _FENCE.sub("", page.read_text())
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in kept}


def page_text(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def links(page: Path) -> Iterator[str]:
    yield from _LINK.findall(_FENCE.sub("", page.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("https://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_of_docs_is_reached_from_the_readme() -> None:
    reached = {link.partition("#")[0] for link in links(ROOT / "README.md")}
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= reached


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command that a page shows to be run."""
    for language, block in _FENCE.findall(page.read_text()):
        if language != "sh" or block.startswith(WITH_ACCOUNT):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                yield words


def check_option(command: Any, word: str) -> None:
    name = word.partition("=")[0]
    known = {option for each in command.params for option in [*each.opts, *each.secondary_opts]}
    assert name in known | {"--help"}, f"{command.name} has no {name}"


def check_command_line(words: list[str]) -> None:
    """Follow the words through the command's groups; each option must be one of its command."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if word.startswith("--"):
            check_option(command, word)
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
    assert not hasattr(command, "commands") or words[-1].startswith("--"), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_shown_exist(page: Path) -> None:
    for words in commands(page):
        match Path(words[0]).name:
            case "make":
                assert set(words[1:]) - {each for each in words if "=" in each} <= TARGETS, words
            case "attendee-sync":
                check_command_line(words[1:])
            case "export" | "git" | "uv" | "pipx" | "pre-commit":
                pass
            case _:
                pytest.fail(f"{words[0]}: say {WITH_ACCOUNT!r}, or check it here")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tests_that_are_named_exist(page: Path) -> None:
    tests = [*ROOT.glob("tests/**/test_*.py")]
    there = {each.name for each in tests}
    for each in tests:
        there |= set(re.findall(r"^def (test_\w+)", each.read_text(), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", page.read_text()))
    assert named <= there, named - there


def test_files_that_are_named_exist() -> None:
    root = ROOT / "layers" / "attendee_sync" / "attendee_sync"
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (ROOT / "docs" / "architecture.md").read_text())
    assert named
    for name in named:
        assert (root / name).exists() or (ROOT / name).exists(), name


def test_the_table_of_fields_is_the_codes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (\w+) \|$", page_text("mapping"), re.MULTILINE)
    shown = {name: (tuple(re.findall(r"`([^`]+)`", listed)), form) for name, listed, form in rows}
    assert shown == {name: (NAMES[name], form) for name, form in FIELDS.items()}


def test_the_table_of_reasons_is_the_codes() -> None:
    table = page_text("delivery").partition("| reason | what it means |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)
    assert {name: words.replace("`", "") for name, words in rows} == REASONS
    assert REASONS.keys() == set(Reason) - {Reason.NONE}


def test_the_table_of_policies_is_the_codes() -> None:
    table = page_text("mapping").partition("| marketing action |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    shown = {action.strip("`"): tuple(re.findall(r"`(\w+)`", labels)) for action, labels in rows}
    assert shown.pop("any, or none") == (NEVER_EXPORTED,)
    assert shown == CORE_POLICIES


def test_the_table_of_metrics_is_the_codes() -> None:
    table = page_text("operations").partition("| metric | own dimensions |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Metric)


def test_the_table_of_commands_is_the_apps() -> None:
    """In a row of the table, what follows a group's command is another of that group."""
    table = page_text("operations").partition("| command | what it does |")[2].partition("\n\n")[0]
    known = command_line.commands()
    groups = {words[0] for words in known if len(words) > 1}
    shown = []
    for cell in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE):
        group: list[str] = []
        for first, *rest in map(str.split, re.findall(r"`([^`]+)`", cell)):
            if first in groups:
                group = [first]
                shown.append([first, rest[0]])
            else:
                shown.append([*group, first])
    assert sorted(shown) == sorted(known)


def test_the_table_of_targets_is_the_makefiles() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    table = page_text("development").partition("| command | what it does |")[2]
    cells = re.findall(r"^\| (`[^|]+`) \|", table.partition("\n\n")[0], re.MULTILINE)
    shown = re.findall(r"`(?:make )?([a-z-]+)`", " ".join(cells))
    assert sorted([*shown, "help"]) == sorted(targets)


def test_what_was_recorded_on_aws_is_what_the_record_has() -> None:
    record = ROOT / "docs" / "parity.json"
    answers = json.loads(record.read_text())["answers"] if record.exists() else []
    recorded = sum(each["agrees"] is not None for each in answers)
    assert f"Recorded on AWS: {recorded} of {len(CHECKS)}" in page_text("guarantees")


def test_each_quota_names_what_has_it() -> None:
    table = page_text("guarantees").partition("## Quotas of AWS")[2].partition("\n\n## ")[0]
    rows = [row.split("|")[1:-1] for row in table.splitlines() if row.startswith("| ")][1:]
    tests = {each.name: each.read_text() for each in ROOT.glob("tests/**/*.py")}
    there = tests.keys() | {each.name for each in SCENARIOS} | {name_of(each) for each in CHECKS}
    there |= {name for text in tests.values() for name in _TEST.findall(text)}
    unknown = {quota: names - there for quota, names in named(rows).items() if names - there}
    assert len(rows) > 15
    assert unknown == {}
    assert [quota for quota, names in named(rows).items() if not names] == []


def named(rows: list[list[str]]) -> dict[str, set[str]]:
    """Return what the last cell of each row names, by the first cell."""
    return {first: set(re.findall(r"`([^`]+)`", last)) for first, *_, last in rows}
