"""The doctor at APIs that tell in words, each in its own wording, what they want."""

import pytest

from attendee_sync_cli.doctor.changes import value_at
from tests.support.far_dialects import examined
from tests.support.worded_dialects import ENDS, LED, Worded, WordedStandIn


@pytest.mark.parametrize("worded", LED, ids=str)
def test_the_doctor_leads_to_delivery(worded: Worded) -> None:
    done = examined(WordedStandIn(worded))
    assert done.outcome == "led", done.report.failure


@pytest.mark.parametrize("worded", ENDS, ids=str)
def test_what_no_setting_mends_is_told_as_such(worded: Worded) -> None:
    failure = examined(WordedStandIn(worded)).report.failure
    assert failure is not None
    ends = (failure.is_later, failure.is_beyond, failure.sure)
    assert ends == (worded.wants_change == "later", worded.wants_change == "beyond", False)


def test_fields_that_are_left_out_are_named_and_not_for_sure() -> None:
    done = examined(WordedStandIn(Worded("", unknown=("address2", "jobtitle"))))
    assert not done.was_sure
    body = value_at(done.settings, ("call", "body"))
    assert {"address2", "jobtitle"} & body.keys() == set()
    assert body["phone"] == "{record.phone}"


def test_a_success_with_a_warning_of_another_event_is_no_success() -> None:
    stand_in = WordedStandIn(Worded("", event="no such name", silent="elsewhere"))
    done = examined(stand_in)
    failure = done.report.failure
    assert failure is not None
    assert (done.outcome, failure.sure) == ("not led", False)
    assert "the default event was taken" in failure.words


def test_a_key_that_must_differ_from_call_to_call_does() -> None:
    words = "An Idempotency-Key header is required"
    done = examined(WordedStandIn(Worded("", header=("Idempotency-Key", "", words))))
    assert value_at(done.settings, ("call", "headers", "Idempotency-Key")) == "{call_id}"
