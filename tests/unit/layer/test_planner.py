import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from attendee_sync.attendee import Version, sha256_of
from attendee_sync.aws.settings import SettingsUnavailableError
from attendee_sync.delivery import planner
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan, Planner, mapping_version
from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Decision, Mapper
from attendee_sync.outcome import OutcomeKind, Reason
from attendee_sync.rainfocus.connection import Connection
from tests.support import fakes
from tests.support.delivery_harness import message
from tests.support.stack import CONNECTION, STACK, Aws

DESTINATION = {
    "event_code": "summit2027",
    "mapping": {"zip": "postcode", "origin": {"value": "AEP", "write": "constant"}},
    "not_normalised": ["zip", "city", "phone", "state", "countryid"],
}
CONNECTION_TEXT = CONNECTION.model_dump_json(exclude_defaults=True)
IN_A_PROCESS = """
import sys
from attendee_sync.delivery.planner import mapping_version
print(mapping_version(sys.argv[1], sys.argv[2]))
"""


def version_with_seed(seed: int) -> str:
    """Return the mapping version as another process has it, which orders its sets differently."""
    command = [sys.executable, "-c", IN_A_PROCESS, json.dumps(DESTINATION), CONNECTION_TEXT]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    return subprocess.check_output(command, text=True, env=environment, timeout=60).strip()  # noqa: S603


def test_all_functions_agree_on_a_mappings_version() -> None:
    assert len({version_with_seed(seed) for seed in (1, 2, 3)}) == 1


def test_a_mapping_that_says_the_same_in_other_words_has_the_same_version() -> None:
    other_order = dict(reversed(DESTINATION.items()))
    spelt_out = DESTINATION | {"connection": "default", "filter": None}
    versions = {
        mapping_version(json.dumps(each), CONNECTION_TEXT)
        for each in (DESTINATION, other_order, spelt_out)
    }
    assert len(versions) == 1


def test_mapping_versions_that_ledgers_hold_stay_as_they_are() -> None:
    """Another version has everybody delivered again: that is for a change of settings to cause."""
    destination = {"connection": "default", "event_code": "summit26"}
    ruled = destination | {
        "mapping": {"zip": {"value": "code", "write": "clear_on_null"}},
        "not_normalised": ["state", "city"],
    }
    everything = {"org_id": "acme"} | {name: other for name, (_, other) in OTHER.items()}
    del everything["call"]  # which there was not
    everything |= {"org_id": "acme", "base_url": "https://rf.example"}
    versions = [
        mapping_version(json.dumps(destination), '{"org_id": "acme"}'),
        mapping_version(json.dumps(ruled), json.dumps(everything)),
    ]
    assert versions == ["432380eaf3b4", "3a32feb319b6"]


def test_what_is_to_be_done_without_a_mapped_address_decides_what_is_stored() -> None:
    versions = {
        mapping_version(json.dumps(DESTINATION | {"email_falls_back": falls_back}), CONNECTION_TEXT)
        for falls_back in (True, False)
    }
    assert len(versions) == 2


@pytest.mark.parametrize(
    ("setting", "decides"),
    [
        ({"required_consents": ["share"]}, True),
        ({"marketing_actions": ["analytics"]}, False),
        ({"labels": {"zip": ["C8"]}}, False),
        ({"policies": {"analytics": ["C1"]}}, False),
    ],
    ids=str,
)
def test_consents_decide_who_is_sent_and_labels_nothing(
    setting: dict[str, object], decides: bool
) -> None:
    before = mapping_version(json.dumps(DESTINATION), CONNECTION_TEXT)
    assert (
        mapping_version(json.dumps(DESTINATION | setting), CONNECTION_TEXT) != before
    ) is decides


# For every setting of a connection: does it decide what is stored; and another value than its own.
OTHER: dict[str, tuple[bool, object]] = {
    "environment": (True, "stg"),
    "org_id": (True, "other"),
    "base_url": (True, "https://rf.example"),
    "version": (True, "v2"),
    "path": (True, "/x/{call}"),
    "auth": (False, {"scope": "a"}),
    "api_profile": (False, {"place": "off"}),
    "event": (True, {"key": "eventId", "place": "query"}),
    "body": (True, {"kind": "wrapped"}),
    "fields": (True, {"names": {"zip": "zipCode"}, "constants": {"source": "cdp"}}),
    "answers": (False, {"success_codes": ["0", "1"]}),
    "limits": (False, {"concurrency": 2}),
    "preset": (False, "adobe-form"),
    "token_call": (False, {"method": "GET"}),
    "call": (True, {"query": {"event": "{event}"}}),
}


def test_every_setting_of_a_connection_is_known_to_decide_or_not() -> None:
    assert set(OTHER) == set(Connection.model_fields)


@pytest.mark.parametrize("setting", Connection.model_fields)
def test_a_changed_setting_has_everybody_delivered_again_if_it_decides_what_is_stored(
    setting: str,
) -> None:
    decides, other = OTHER[setting]
    destination = json.dumps(DESTINATION)
    before = mapping_version(destination, '{"org_id": "acme"}')
    after = mapping_version(destination, json.dumps({"org_id": "acme", setting: other}))
    assert (after != before) is decides


def test_a_setting_that_is_added_decides_unless_it_is_marked() -> None:
    class Later(Connection):
        added: str = ""

    assert "added" in Later(org_id="acme").deciding_settings()


def plan(aws: Aws, body: str) -> Plan:
    return Planner(aws.settings()).plan(message(5, "ada", body))


def entry(of: Plan, version: Version, outcome: OutcomeKind = OutcomeKind.DELIVERED) -> LedgerEntry:
    return LedgerEntry(of.attendee, "default", version, outcome, 1, delivered_at=1)


def test_a_plan_tells_what_is_sent_and_to_whom(aws: Aws) -> None:
    made = plan(aws, '{"email": "Ada@Example.com", "zip": "1"}')
    assert made.outcome is None
    assert made.fields == {"email": "ada@example.com", "zip": "1"}
    assert made.target
    assert (made.target.connection.name, made.target.event_code) == ("default", "summit2027")
    assert made.unsent(None) is None


@pytest.mark.parametrize("pushed", ["ada@example.com", sha256_of("ada@example.com")])
def test_what_is_older_than_what_was_settled_is_not_sent_whatever_it_holds(
    aws: Aws, pushed: str
) -> None:
    made = plan(aws, json.dumps({"email": pushed}))
    newer = replace(made.message.version, sequence="9" * 40)
    outcome = made.unsent(entry(made, newer, OutcomeKind.FILTERED))
    assert outcome
    assert outcome.kind is OutcomeKind.STALE


def test_a_failure_is_in_the_plan_and_stops_no_other(aws: Aws) -> None:
    aws.ssm.always = fakes.unreachable()
    made = plan(aws, '{"email": "ada@example.com"}')
    assert made.outcome
    assert made.outcome.kind is OutcomeKind.RETRY
    del aws.ssm.parameters[f"/{STACK}/destinations/default"]
    aws.ssm.always = None
    gone = plan(aws, '{"email": "ada@example.com"}')
    assert gone.outcome
    assert gone.outcome.reason is Reason.UNKNOWN_DESTINATION


def broken(_mapper: Mapper, _document: object, _foreign_state: str = "") -> Decision:
    raise ZeroDivisionError("Ada Lovelace")


@pytest.mark.parametrize(
    ("attempt", "kind"), [(1, "retry"), (4, "retry"), (5, "rejected"), (90, "rejected")]
)
def test_an_error_that_nobody_expected_rejects_a_message_after_some_attempts(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, attempt: int, kind: str
) -> None:
    monkeypatch.setattr(Mapper, "decide", broken)
    made = Planner(aws.settings()).plan(message(5, "ada", attempt=attempt))
    assert made.outcome
    assert made.outcome.kind.value == kind
    assert made.outcome.detail == "internal error: ZeroDivisionError"


@pytest.mark.parametrize(
    "failure", [fakes.unreachable(), fakes.denied("ThrottlingException")], ids=["network", "aws"]
)
def test_what_is_no_fault_of_the_message_never_rejects_it(aws: Aws, failure: Exception) -> None:
    aws.ssm.always = failure
    made = Planner(aws.settings()).plan(message(5, "ada", attempt=500))
    assert made.outcome
    assert made.outcome.kind is OutcomeKind.RETRY


def test_settings_that_break_their_reader_are_a_fault_of_the_settings(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: str) -> Mapper:
        raise RecursionError

    monkeypatch.setattr(mapper, "mapper", unreadable)
    made = Planner(aws.settings()).plan(message(5, "ada", attempt=500))
    assert made.outcome
    assert made.outcome.kind is OutcomeKind.RETRY
    assert made.outcome.retry.is_fault_of_settings


def test_an_attendee_that_only_left_gets_an_exit_after_a_delivery_alone(aws: Aws) -> None:
    exits = {"action": "set", "fields": {"status": "left"}}
    aws.set_destination("default", event_code="summit2027", exits=exits)
    left = {"segmentMembership": {"ups": {"audience-1": {"status": "exited"}}}}
    made = plan(aws, json.dumps({"email": "ada@example.com"} | left))
    never = made.unsent(None)
    assert never
    assert (never.kind, never.reason) == (OutcomeKind.FILTERED, Reason.LEFT_AUDIENCE)
    assert made.unsent(None, follows=True) is None
    assert made.unsent(entry(made, Version(1))) is None


def test_a_profile_without_an_address_is_nobodys(aws: Aws) -> None:
    assert plan(aws, '{"zip": "1"}').attendee == ""


def test_what_an_error_of_ours_rejects_makes_its_attendee_due(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mapper, "decide", broken)
    made = Planner(aws.settings()).plan(message(5, "ada", attempt=5))
    assert made.attendee == made.message.group == "group-of-ada"


@pytest.mark.parametrize(
    ("body", "filtered_by", "kind", "words"),
    [
        ({"zip": "1"}, None, "rejected", "no e-mail address under"),
        ({"email": "ada@example.com"}, "vip", "filtered", "the filter does not hold"),
        ({"email": "a@example.com", "age": 5}, "length(age) > `1`", "retry", "can't be evaluated"),
    ],
)
def test_why_a_profile_is_not_sent_is_said_in_words(
    aws: Aws, body: dict[str, object], filtered_by: str | None, kind: str, words: str
) -> None:
    aws.set_destination("default", event_code="summit2027", filter=filtered_by)
    outcome = plan(aws, json.dumps(body)).outcome
    assert outcome
    assert outcome.kind.value == kind
    assert words in outcome.detail


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (LedgerUnavailableError("no ledger"), Reason.LEDGER_UNAVAILABLE, "no ledger"),
        (
            SettingsUnavailableError("no settings", "AccessDenied"),
            Reason.SETTINGS_UNAVAILABLE,
            "no settings",
        ),
        (fakes.denied("Throttling"), Reason.AWS_UNAVAILABLE, "AWS: Throttling"),
        (KeyError("ada@example.com"), Reason.INTERNAL_ERROR, "internal error: KeyError"),
    ],
)
def test_what_keeps_a_message_from_its_end_is_said_and_tried_again(
    error: Exception, reason: Reason, words: str
) -> None:
    outcome = planner.retry(error)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, reason)
    assert outcome.detail.startswith(words)
    assert "ada@example.com" not in outcome.detail
