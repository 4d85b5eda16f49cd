"""What `make parity` asks: each answer could be another, and none tells of an account."""

import argparse
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.parity import CHECKS, rights, secret_versions
from local.parity.__main__ import is_account_meant, main, surprises
from local.parity.answers import (
    Answer,
    PrivacyError,
    ask,
    at_most,
    document,
    equal,
    name_of,
    not_asked,
    question_of,
)
from local.parity.known import DIFFERS_LOCALLY
from local.parity.place import Place

WHEN = "2026-11-27"


def _place(**clients: object) -> Place:
    return Place(
        "parity",
        True,
        clients.__getitem__,
        outputs={each: f"arn:aws:iam::aws:policy/{each}" for each in _POLICIES},
        resources={"IngestRole": "ingest", "DeliveryRole": "delivery"},
        url="",
        headers={},
        update=lambda _: None,
    )


_POLICIES = ("ViewerPolicy", "OperatorPolicy", "PrivacyPolicy", "ManagerPolicy")


def test_every_check_asks_something_under_a_name_of_its_own() -> None:
    names = [name_of(each) for each in CHECKS]
    assert len(set(names)) == len(names) > 20
    assert all(len(question_of(each)) > 20 for each in CHECKS)
    assert set(names) >= DIFFERS_LOCALLY.keys()


@pytest.mark.parametrize(
    ("profile", "environment", "meant"),
    [
        (None, {}, False),
        ("sandbox", {}, True),
        (None, {"AWS_PROFILE": "sandbox"}, True),
        (None, {"AWS_ACCESS_KEY_ID": "a"}, True),
        (None, {"AWS_REGION": "eu-west-1"}, False),
        (None, {"AWS_ACCESS_KEY_ID": "test", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, False),
    ],
)
def test_an_account_is_asked_only_where_one_is_meant(
    profile: str | None, environment: Mapping[str, str], *, meant: bool
) -> None:
    arguments = argparse.Namespace(profile=profile, region=None)
    assert is_account_meant(arguments, environment) is meant


def test_an_account_is_not_asked_where_nobody_says_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["parity", "--region", "eu-west-1"])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main() == 2
    assert "--yes" in capsys.readouterr().out


def test_what_differs_is_a_surprise_where_it_is_not_known() -> None:
    known = next(iter(DIFFERS_LOCALLY))
    answers = {known: equal(1, 2), "new": equal(1, 2), "open": not_asked("no"), "same": equal(1, 1)}
    assert surprises(answers, is_local=True) == ["new"]
    assert surprises(answers, is_local=False) == [known, "new"]


def test_a_record_has_every_answer() -> None:
    checks = CHECKS[:2]
    told = document({name_of(each): at_most(2, 1.5, "s") for each in checks}, checks, WHEN)
    assert json.loads(json.dumps(told))["answers"][1] == {
        "name": name_of(checks[1]),
        "question": question_of(checks[1]),
        "expected": "at most 2 s",
        "got": "1.50 s",
        "agrees": True,
    }


@pytest.mark.parametrize(
    "told",
    [
        "of 123456789012",
        "arn:aws:sqs:x",
        "from 192.0.2.1",
        "ada@example.com",
        "https://a",
        "x.amazonaws.com",
    ],
)
def test_an_answer_that_tells_of_the_account_is_not_recorded(told: str) -> None:
    with pytest.raises(PrivacyError) as raised:
        document({name_of(CHECKS[0]): equal("nothing", told)}, CHECKS[:1], WHEN)
    assert told not in str(raised.value)


def test_a_check_that_fails_differs_and_tells_the_code_alone() -> None:
    def check_refused(_: Place) -> Answer:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "arn:aws:x"}}, "Get")

    assert ask(check_refused, _place()) == Answer("an answer", "refused: AccessDenied", False)


class _Secret:
    """A secret of which each version can be read by its stage."""

    def __init__(self, *, moves_at_once: bool = False, moves_stale: bool = False) -> None:
        self.stages: dict[str, str] = {}
        self._moves_at_once, self._moves_stale = moves_at_once, moves_stale

    def create_secret(self, **arguments: Any) -> dict[str, str]:
        return self.put_secret_value(**arguments)

    def put_secret_value(self, **arguments: Any) -> dict[str, str]:
        stages = arguments.get("VersionStages", ["AWSCURRENT"])
        if self._moves_at_once:
            stages = ["AWSCURRENT", *stages]
        if "AWSCURRENT" in stages and "AWSCURRENT" in self.stages:
            self.stages["AWSPREVIOUS"] = self.stages["AWSCURRENT"]
        self.stages |= dict.fromkeys(stages, arguments["SecretString"])
        return {"VersionId": arguments["SecretString"]}

    def get_secret_value(self, **arguments: str) -> dict[str, str]:
        return {"SecretString": self.stages[arguments["VersionStage"]]}

    def update_secret_version_stage(self, **arguments: str) -> None:
        stage = arguments["VersionStage"]
        if arguments["RemoveFromVersionId"] != self.stages[stage] and not self._moves_stale:
            raise ClientError({"Error": {"Code": "InvalidParameterException"}}, "Update")
        self.stages[stage] = arguments["MoveToVersionId"]

    def delete_secret(self, **_: object) -> None:
        self.stages.clear()


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (secret_versions.check_a_version_can_wait_under_a_stage_of_its_own, "moves_at_once"),
        (secret_versions.check_a_stage_is_not_moved_from_a_version_that_lost_it, "moves_stale"),
    ],
)
def test_a_secret_that_behaves_otherwise_is_told(
    check: Callable[[Place], Answer], broken: str
) -> None:
    assert ask(check, _place(secretsmanager=_Secret())).agrees
    assert not ask(check, _place(secretsmanager=_Secret(**{broken: True}))).agrees


class _Iam:
    """IAM that lets everybody do everything."""

    def get_role(self, **_: str) -> dict[str, Any]:
        return {"Role": {"Arn": "arn:aws:iam::123456789012:role/any"}}

    def get_policy(self, **_: str) -> dict[str, Any]:
        return {"Policy": {"DefaultVersionId": "v1"}}

    def get_policy_version(self, **_: str) -> dict[str, Any]:
        return {"PolicyVersion": {"Document": {}}}

    def simulate_custom_policy(self, **_: object) -> dict[str, Any]:
        return {"EvaluationResults": [{"EvalDecision": "allowed"}]}


class _Sqs:
    class meta:  # noqa: N801 - botocore's name
        region_name = "us-east-1"


def test_a_right_that_is_too_wide_is_named_without_the_account() -> None:
    check = rights.check_people_may_do_what_their_policy_says_and_no_more
    answer = ask(check, _place(iam=_Iam(), sqs=_Sqs()))
    assert answer.agrees is False
    assert "ViewerPolicy sqs:ReceiveMessage DeadLetterQueue" in answer.got
    assert "OperatorPolicy sqs:ReceiveMessage DeadLetterQueue" not in answer.got
    assert "123456789012" not in answer.got
