"""What the console shows of senders' forms is what docs/senders.md has."""

import re
from pathlib import Path

import pytest

from attendee_sync_cli.settings.sender_forms import FORMS, SenderForm

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
