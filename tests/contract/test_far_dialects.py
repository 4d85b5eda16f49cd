"""The doctor at APIs that are far from RainFocus's: versions, cookies, tenants' paths, signatures.

It leads to delivery, asks for a value that nobody can guess, or says that no setting speaks such
an API; and it is never sure of what is wrong.
"""

import pytest

from attendee_sync_cli.doctor import wanted
from tests.support.far_dialects import BEYOND, SPOKEN, TOGETHER, treated
from tests.support.far_stand_in import Far, Wanted


def test_there_are_many_dialects() -> None:
    names = [each.name for each in (*SPOKEN, *TOGETHER, *BEYOND)]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("far", SPOKEN, ids=str)
def test_the_doctor_leads_to_delivery_or_asks_for_a_value(far: Far) -> None:
    done = treated(far)
    assert done.outcome == "led", done.report.failure


# All of them: `python -m tests.support.far_dialects`.
@pytest.mark.parametrize("far", TOGETHER[::3], ids=str)
def test_several_deviations_at_once_are_found(far: Far) -> None:
    done = treated(far)
    assert done.outcome == "led", done.report.failure


@pytest.mark.parametrize("far", BEYOND, ids=str)
def test_what_no_setting_can_say_is_told_as_such(far: Far) -> None:
    done = treated(far)
    assert done.outcome == "told", done.report.failure
    failure = done.report.failure
    assert failure is not None
    assert (failure.setting, failure.sure) == ("", False)


def test_a_value_of_which_any_is_taken_is_offered_but_not_for_sure() -> None:
    done = treated(Far("any", wants=(Wanted("header", "X-Source-System"),)))
    assert done.outcome == "led"
    assert not done.was_sure
    assert done.settings["call"] == {"headers": {"X-Source-System": wanted.PROBE}}


def test_a_value_that_is_told_is_sure() -> None:
    wanted = Wanted("query", "api-version", ("2024-07", "2025-01"), is_told=True)
    done = treated(Far("told", wants=(wanted,), voice="problem"))
    assert (done.outcome, done.was_sure) == ("led", True)
    assert done.settings["call"] == {"query": {"api-version": "2024-07"}}
