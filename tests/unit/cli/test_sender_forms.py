"""What commands and console show of senders' forms is what docs/senders.md has."""

import re
from pathlib import Path

import pytest

from attendee_sync_cli.settings.sender_forms import FORMS, SenderForm
from tests.support.command_line import CommandLine
from tests.support.stack import PUSH_URL

PAGE = (Path(__file__).parents[3] / "docs" / "senders.md").read_text()
TABLE = PAGE.partition("## Settings of some senders")[2].partition("\n## ")[0]
# By their names, the rows of the table.
ROWS = dict(re.findall(r"^\| \[?([^\]|]+?)(?:\].*?)? \| (.*) \|$", TABLE, re.MULTILINE))


def test_every_sender_of_the_page_is_shown() -> None:
    assert [each.sender for each in FORMS] == list(ROWS)[1:]  # below the header


@pytest.mark.parametrize("form", FORMS[:-1], ids=lambda each: each.sender)
def test_what_is_shown_of_a_sender_stands_on_the_page(form: SenderForm) -> None:
    assert f"[{form.sender}]({form.documentation})" in TABLE
    row = ROWS[form.sender]
    assert [label for label, _ in form.entries if f"*{label}*" not in row] == []
    plain = re.sub(r"[*`]", "", row)
    assert [text for text in form.where.split(", ") if text not in plain] == []


@pytest.mark.parametrize("form", FORMS[:-1], ids=lambda each: each.sender)
def test_no_field_of_the_page_is_left_out(form: SenderForm) -> None:
    said = " ".join((form.where, *(label for label, _ in form.entries), form.remark))
    labels = re.findall(r"\*([^*]+)\*", ROWS[form.sender].partition(" Or ")[0])
    assert [each for each in labels if each not in said] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda each: each.name)
def test_who_makes_a_destination_for_a_sender_is_told_what_to_enter_there(
    line: CommandLine, form: SenderForm
) -> None:
    words = ("destinations", "create", "emea", "--event", "emea2027", "--sender", form.name)
    said = line.succeed(*words, "--yes")
    url = PUSH_URL.replace("/default/", "/emea/")
    assert form.sender in said
    for field, value in form.filled(url):
        assert f"  {field}: {value}" in said
    assert "the push URL" not in "".join(value for _, value in form.filled(url))
    assert set(line.json("destinations", "show", "emea")) == {"event_code", "lane"}


def test_a_program_is_told_what_to_enter_too_and_a_mistyped_sender_is_refused(
    line: CommandLine,
) -> None:
    words = ("destinations", "create", "emea", "--event", "emea2027", "--sender")
    told = line.json(*words, "segment", "--yes")
    assert told["entered"]["URL"] == PUSH_URL.replace("/default/", "/emea/")
    assert "none of segment, " in line.fail(*words, "hubspott", "--yes", code=2)
