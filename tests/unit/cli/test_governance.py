"""Consents that are required, and labels that a destination's marketing actions forbid."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from attendee_sync.mapping.destination import Destination, MarketingAction
from attendee_sync_cli.settings import governance
from tests.support.command_line import CommandLine, cells
from tests.support.stack import STACK

EMEA = f"/{STACK}/destinations/emea"
CONFLICT: dict[str, Any] = {
    "event_code": "emea2027",
    "marketing_actions": ["export_to_third_party", "analytics"],
    "labels": {"companyname": ["C2", "I1"]},
}


def faults(**settings: Any) -> list[str]:
    """Return what is told of settings that are valid else."""
    read = Destination.model_validate_json(json.dumps({"event_code": "e1", **settings}))
    return [str(each) for each in governance.faults(read)]


def test_every_marketing_action_has_a_core_policy() -> None:
    assert governance.CORE_POLICIES.keys() == set(get_args(MarketingAction.__value__))


def test_a_field_with_a_label_that_an_action_forbids_is_told_with_policy_and_action() -> None:
    assert faults(**CONFLICT) == [
        "labels.companyname: given C2; expected a field that is not sent, or no "
        "export_to_third_party among marketing_actions: Adobe's core policy for it forbids this "
        "label"
    ]


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({"marketing_actions": ["analytics"]}, []),  # another action
        ({"marketing_actions": []}, []),
        ({"mapping": {"companyname": {"write": "omit"}}}, []),
        ({"policies": {"export_to_third_party": []}}, []),
        ({"policies": {"export_to_third_party": ["I1"]}}, ["I1"]),
        ({"labels": {"tier": ["C2"]}}, []),  # not sent
        ({"labels": {"tier": ["C2"]}, "mapping": {"tier": "loyalty.tier"}}, ["C2"]),
        ({"labels": {"email": ["C1"]}}, ["C1"]),
        ({"labels": {"sha": ["C2"]}, "hashes": {"only": "send", "field": "sha"}}, ["C2"]),
        (
            {"labels": {"why": ["C2"]}, "exits": {"action": "set", "fields": {"why": "left"}}},
            ["C2"],
        ),
        ({"marketing_actions": [], "labels": {"zip": ["C12"]}}, ["C12"]),
        ({"policies": {"analytics": ["I1"]}}, ["C2", "I1"]),
    ],
)
def test_policies_look_at_what_is_sent_and_what_it_is_used_for(
    settings: dict[str, Any], labels: list[str]
) -> None:
    told = faults(**(CONFLICT | settings))
    assert [each.partition("given ")[2].partition(";")[0] for each in told] == labels


def test_a_file_of_settings_that_conflict_is_not_stored(line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "emea.json").write_text(json.dumps(CONFLICT))
    line.aws.set_destination("emea", event_code="e1")
    before = line.aws.ssm.parameters[EMEA]
    told = line.fail("destinations", "set", "emea", str(tmp_path / "emea.json"), "--yes")
    assert "The settings are not valid:" in told
    assert "labels.companyname: given C2" in told
    assert line.aws.ssm.parameters[EMEA] == before


def test_a_version_that_conflicts_is_not_rolled_back_to(line: CommandLine) -> None:
    line.aws.set_destination("emea", event_code="e1")
    line.succeed("destinations", "set", "emea", 'labels.companyname=["C9"]', "--yes")
    line.succeed("destinations", "set", "emea", "labels=null", "--yes")
    line.aws.ssm.history[EMEA][0]["Value"] = json.dumps(CONFLICT)
    before = line.aws.ssm.parameters[EMEA]
    told = line.fail("destinations", "rollback", "emea", "1", "--yes")
    assert "labels.companyname: given C2" in told
    assert line.aws.ssm.parameters[EMEA] == before


def test_what_is_stored_is_shown(line: CommandLine) -> None:
    settings = CONFLICT | {"marketing_actions": ["analytics"], "required_consents": ["share"]}
    line.aws.ssm.parameters[EMEA] = json.dumps(settings)
    shown = cells(line.succeed("destinations", "show", "emea"))
    assert ["marketing_actions", "analytics", "set"] in shown
    assert ["labels.companyname", "C2, I1", "set"] in shown
    assert ["required_consents", "share", "set"] in shown
    assert ["policies", "(empty)", "default"] in shown


def test_labels_of_fields_that_are_not_there_and_unknown_consents_are_doubted(
    line: CommandLine,
) -> None:
    options = ['labels.companynam=["C2"]', "--require-consent", "newsletter", "--yes"]
    said = line.succeed("destinations", "set", "default", *options)
    assert "labels.companynam: no such field is sent" in said
    assert "required_consents: newsletter: XDM's consents begin with adID, collect" in said


def test_consents_are_required_by_an_option(line: CommandLine) -> None:
    consents = ["--require-consent", "marketing.email", "--require-consent", "share"]
    line.succeed("destinations", "create", "emea", "--event", "e1", *consents, "--yes")
    assert json.loads(line.aws.ssm.parameters[EMEA]) == {
        "event_code": "e1",
        "required_consents": ["marketing.email", "share"],
        "lane": "own",
    }
    shown = line.succeed("destinations", "set", "emea", "--require-consent", "share", "--yes")
    assert ["required_consents", "marketing.email, share", "share"] in cells(shown)
    line.succeed("destinations", "set", "emea", "name=EMEA", *consents, "--yes")
    stored = json.loads(line.aws.ssm.parameters[EMEA])
    assert (stored["name"], stored["required_consents"]) == ("EMEA", ["marketing.email", "share"])


def test_a_section_that_was_empty_is_told_by_its_members_alone(line: CommandLine) -> None:
    line.aws.set_destination("emea", event_code="e1")
    new = ['labels.companyname=["C9"]', "mapping.tier=loyalty.tier"]
    shown = cells(line.succeed("destinations", "set", "emea", *new, "--yes"))
    assert ["labels.companyname", "(none)", "C9"] in shown
    assert ["mapping.tier.value", "(none)", "loyalty.tier"] in shown
    told = [row[0] for row in shown]
    assert "labels" not in told
    assert "mapping" not in told
    back = cells(line.succeed("destinations", "set", "emea", "labels=null", "--yes"))
    assert ["labels.companyname", "C9", "(none)"] in back
    assert "labels" not in [row[0] for row in back]


def test_what_is_expected_of_lists_labels_and_consents_is_told(line: CommandLine) -> None:
    new = ["marketing_actions=analytics", 'labels.zip=["X2"]', 'required_consents=["consents.a"]']
    told = line.fail("destinations", "set", "default", *new, "--yes")
    assert 'marketing_actions: given a text of 9 characters; expected an array, such as ["' in told
    assert "labels.zip.0: given \"X2\"; expected 'C1'" in told
    assert "; expected a path within consents, without val, such as marketing.email" in told


def test_nothing_to_set_is_a_usage_error(line: CommandLine) -> None:
    told = line.fail("destinations", "set", "default", "--yes", code=2)
    assert "expected FILE, KEY=VALUE or --require-consent" in told
