import threading

import pytest

from attendee_sync_cli import console


def shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, cell: str
) -> list[str]:
    """Return the lines of a cell of a table."""
    monkeypatch.setenv("COLUMNS", str(width))
    console.table(["x", "y"], [["1", cell]])
    return [line[3:].rstrip() for line in capsys.readouterr().out.splitlines()[1:]]


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("summit-2027-north-america", ["summit-2027-north-", "america"]),
        ("at summit-2027-north-america", ["at summit-2027-north-", "america"]),
        ("https://events.example/api/v3/", ["https://events.", "example/api/v3/"]),
        ("marketing.email, personalize", ["marketing.email,", "personalize"]),
        ("a-b-c", ["a-b-c"]),
        ("x" * 25, ["x" * 21, "x" * 4]),  # there is nowhere to break it
        ("-" * 25, ["-" * 21, "-" * 4]),
        ("", [""]),
    ],
)
def test_a_name_too_long_for_its_column_is_broken_behind_punctuation(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    cell: str,
    lines: list[str],
) -> None:
    assert shown(capsys, monkeypatch, 24, cell) == lines


def test_what_has_room_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(capsys, monkeypatch, 80, "summit-2027-north-america") == [
        "summit-2027-north-america"
    ]


def test_a_time_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    console.table(["name", "last"], [["summit-2027-north-america", "2026-11-27T08:35:31Z"]])
    first = capsys.readouterr().out.splitlines()[1]
    assert first.split() == ["summit-2027-north-", "2026-11-27T08:35:31Z"]


def test_the_column_that_can_be_broken_is_and_no_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    console.table(["destination", "reason"], [["internationalisation", "no such thing is there"]])
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown[1:] == [["internationalisation", "no", "such", "thing", "is"], ["there"]]


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        ("2026-11-27T08:35:31.250+00:00", "2026-11-27T08:35:31Z"),
        ("2026-11-27T09:35:31+01:00", "2026-11-27T08:35:31Z"),
        ("2026-11-27T08:35:31Z", "2026-11-27T08:35:31Z"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_times_have_one_spelling(given: str, spelt: str) -> None:
    assert console.moment_of(given) == spelt
    assert console.moment(1_795_768_531.25) == "2026-11-27T08:35:31Z"


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_how_far_work_is_is_shown_of_a_command_and_not_of_a_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_main_thread: bool
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes what is captured for a terminal

    def work() -> None:
        with console.progress("Reading the logs", 1) as advance:
            advance(1)

    if in_main_thread:
        work()
    else:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert ("Reading the logs" in capsys.readouterr().err) == in_main_thread
