"""What senders really push gives the attendees that a sensible user expects."""

from pathlib import Path

import pytest

from tests.support import pushes
from tests.support.pushes import Judgement, Push

FOLDER = Path(__file__).parents[2] / "data" / "pushes"
PUSHES = pushes.load(FOLDER)


def names(found: list[Push]) -> list[str]:
    return [each.path.name for each in found]


def push_of(tmp_path: Path, body: str, *expect: pushes.Expected) -> Push:
    path = tmp_path / "push.json"
    path.write_text(body)
    return Push(path, "somebody", "application/json", list(expect))


def judgements(push: Push) -> list[Judgement]:
    return [each.judgement for each in pushes.judge(push)]


def test_every_push_has_an_expectation() -> None:
    found = {each.name for each in FOLDER.iterdir()} - {"expected.json"}
    assert sorted(found) == sorted(names(PUSHES))


@pytest.mark.parametrize("push", PUSHES, ids=names(PUSHES))
def test_a_push_gives_the_attendees_that_it_should(push: Push) -> None:
    differences = [
        f"{verdict.judgement}: {'; '.join(verdict.differences)}"
        for verdict in pushes.judge(push)
        if verdict.judgement in (Judgement.WRONG, Judgement.SILENT)
    ]
    assert differences == []


@pytest.mark.parametrize("push", PUSHES, ids=names(PUSHES))
def test_its_sender_is_told_at_once_who_is_rejected(push: Push) -> None:
    rejected = [n for n, each in enumerate(pushes.run(push)) if each.attendee == "rejected"]
    assert pushes.rejected_at_once(push) == rejected


# --- the judge ----------------------------------------------------------------------------------


def test_a_profile_that_gives_what_it_should_is_right(tmp_path: Path) -> None:
    body = '{"email": "ada@example.com", "country": "Norway"}'
    push = push_of(tmp_path, body, {"email": "ada@example.com", "countryid": "NO"})
    assert judgements(push) == [Judgement.RIGHT]


def test_a_field_that_is_lost_without_a_word_is_silent(tmp_path: Path) -> None:
    push = push_of(
        tmp_path, '{"email": "ada@example.com"}', {"email": "ada@example.com", "city": "Lehi"}
    )
    assert judgements(push) == [Judgement.SILENT]


def test_a_field_that_is_left_out_with_a_remark_is_wrong(tmp_path: Path) -> None:
    body = '{"email": "ada@example.com", "country": "Ruritania"}'
    push = push_of(tmp_path, body, {"email": "ada@example.com", "countryid": "XX"})
    assert judgements(push) == [Judgement.WRONG]


def test_somebody_who_is_lost_for_another_reason_than_the_true_one_is_silent(
    tmp_path: Path,
) -> None:
    push = push_of(tmp_path, '{"nobody": 1}', {"email": "ada@example.com"})
    assert judgements(push) == [Judgement.SILENT]


def test_somebody_who_is_not_there_at_all_is_silent(tmp_path: Path) -> None:
    email = {"email": "ada@example.com"}
    push = push_of(tmp_path, '{"email": "ada@example.com"}', email, email)
    assert judgements(push) == [Judgement.RIGHT, Judgement.SILENT]


def test_an_attendee_where_there_should_be_none_is_wrong(tmp_path: Path) -> None:
    push = push_of(tmp_path, '{"email": "ada@example.com"}', "filtered")
    assert judgements(push) == [Judgement.WRONG]


def test_a_push_that_is_refused_is_wrong_and_its_sender_knows(tmp_path: Path) -> None:
    push = push_of(tmp_path, "no JSON", {"email": "ada@example.com"})
    assert judgements(push) == [Judgement.WRONG]
