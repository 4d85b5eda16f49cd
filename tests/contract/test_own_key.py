"""A key of the customer's own: what it encrypts, and who may use it."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from local.checks.transformed import EVERY_OPTION
from tests.support.functions import FUNCTIONS
from tests.support.stack import STACK
from tests.support.template import PSEUDO, ROOT, made, refused

KEY = EVERY_OPTION["KmsKeyArn"]
MAIL = "ops@example.com"
PLACES = f"{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
# Where a type of resource names its key, with nothing there by default.
KEY_OF = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
}


@pytest.fixture(scope="module")
def with_key() -> dict[str, dict[str, Any]]:
    return made(KmsKeyArn=KEY, AlertEmail=MAIL)


@pytest.fixture(scope="module")
def without() -> dict[str, dict[str, Any]]:
    return made(AlertEmail=MAIL)


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [each["Properties"] for each in resources.values() if each["Type"] == kind]
    assert found
    return found


def on_kms(policies: list[dict[str, Any]]) -> set[str]:
    """Return the services by way of which policies allow to use the key, each with how."""
    found = set()
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            if "kms:" not in json.dumps(statement):
                continue
            assert (statement["Effect"], statement["Resource"]) == ("Allow", KEY)
            actions = statement["Action"]
            [services] = statement["Condition"]["StringEquals"].values()
            found |= {
                f"{action} by {service}"
                for action in ([actions] if isinstance(actions, str) else actions)
                for service in services
            }
    return found


def by(action: str, *services: str) -> set[str]:
    return {f"kms:{action} by {service}.us-east-1.amazonaws.com" for service in services}


OPENS = by("Decrypt", "dynamodb", "secretsmanager", "sqs") | by(
    "DescribeKey", "dynamodb", "secretsmanager", "sqs"
)
SEALS = by("GenerateDataKey", "secretsmanager", "sqs")


@pytest.mark.parametrize(("kind", "member"), KEY_OF.items())
def test_the_key_encrypts_each(
    with_key: dict[str, dict[str, Any]],
    without: dict[str, dict[str, Any]],
    kind: str,
    member: str,
) -> None:
    assert {each.get(member) for each in of_type(without, kind)} == {None}
    assert {each.get(member) for each in of_type(with_key, kind)} == {KEY}


def test_a_queue_has_one_kind_of_encryption(
    with_key: dict[str, dict[str, Any]], without: dict[str, dict[str, Any]]
) -> None:
    """SQS refuses both, and has none where neither is asked for."""
    assert {each["SqsManagedSseEnabled"] for each in of_type(without, "AWS::SQS::Queue")} == {True}
    assert {each["SqsManagedSseEnabled"] for each in of_type(with_key, "AWS::SQS::Queue")} == {
        False
    }


def test_the_key_encrypts_the_tables(
    with_key: dict[str, dict[str, Any]], without: dict[str, dict[str, Any]]
) -> None:
    for table in of_type(without, "AWS::DynamoDB::Table"):
        assert table["SSESpecification"] == {"SSEEnabled": True}
    for table in of_type(with_key, "AWS::DynamoDB::Table"):
        assert table["SSESpecification"] == {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": KEY,
        }


def test_alarms_on_their_way_need_no_key_of_the_stack_s_then(
    with_key: dict[str, dict[str, Any]], without: dict[str, dict[str, Any]]
) -> None:
    assert "AlertKey" in without
    assert "AlertKey" not in with_key
    [topic] = of_type(with_key, "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"] == KEY


def test_roles_use_the_key_by_its_arn_and_only_through_the_services(
    with_key: dict[str, dict[str, Any]], without: dict[str, dict[str, Any]]
) -> None:
    uses = dict.fromkeys(FUNCTIONS, OPENS | SEALS) | {
        "PreviewFunction": OPENS,
        "AccountingFunction": set(),
    }
    for function, wanted in uses.items():
        role = function.replace("Function", "Role")
        assert on_kms(without[role]["Properties"]["Policies"]) == set()
        assert on_kms(with_key[role]["Properties"]["Policies"]) == wanted


def test_people_use_the_key_where_their_commands_do(
    with_key: dict[str, dict[str, Any]], without: dict[str, dict[str, Any]]
) -> None:
    """The others need Viewer, and a Manager Operator, too."""
    uses = {"ViewerPolicy": OPENS, "OperatorPolicy": SEALS, "ManagerPolicy": set()}
    for policy, wanted in uses.items():
        assert on_kms([without[policy]["Properties"]]) == set()
        assert on_kms([with_key[policy]["Properties"]]) == wanted


def test_token_refresh_knows_the_key_of_secrets_that_it_makes(
    with_key: dict[str, dict[str, Any]],
) -> None:
    variables = with_key["TokenRefreshFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["KMS_KEY_ARN"] == KEY


def test_what_is_no_key_s_arn_is_refused() -> None:
    assert refused(KmsKeyArn=KEY) == []
    assert refused(KmsKeyArn="alias/mine")
    assert refused(KmsKeyArn=KEY.replace(":key/", ":alias/"))


# --- the policy that docs/account.md prints -----------------------------------------------------


@pytest.fixture(scope="module")
def policy() -> list[dict[str, Any]]:
    [text] = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "account.md").read_text(), re.DOTALL)
    for name, value in (
        ("REGION", PSEUDO["AWS::Region"]),
        ("ACCOUNT", PSEUDO["AWS::AccountId"]),
        ("STACK", STACK),
    ):
        text = text.replace(name, value)
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def test_the_printed_policy_lets_the_roles_policies_decide(policy: list[dict[str, Any]]) -> None:
    [account, *_] = policy
    assert account["Principal"] == {"AWS": f"arn:aws:iam::{PSEUDO['AWS::AccountId']}:root"}
    assert account["Action"] == "kms:*"


def test_the_printed_policy_lets_the_logs_use_it_for_each_group_of_the_stack(
    policy: list[dict[str, Any]], with_key: dict[str, dict[str, Any]]
) -> None:
    [logs] = [
        each
        for each in policy
        if each["Principal"] == {"Service": f"logs.{PSEUDO['AWS::Region']}.amazonaws.com"}
    ]
    assert {"kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*"} <= set(logs["Action"])
    patterns = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    for name, each in with_key.items():
        if each["Type"] != "AWS::Logs::LogGroup":
            continue
        # CloudFormation's own names begin with the stack's and the logical id.
        group = each["Properties"].get("LogGroupName", f"{STACK}-{name}-a1B2c3")
        arn = f"arn:aws:logs:{PLACES}:log-group:{group}"
        assert any(fnmatchcase(arn, pattern) for pattern in patterns), arn


def test_the_printed_policy_lets_alarms_use_it(policy: list[dict[str, Any]]) -> None:
    [alarms] = [
        each for each in policy if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]
    assert alarms["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    account = {"aws:SourceAccount": PSEUDO["AWS::AccountId"]}
    assert alarms["Condition"] == {"StringEquals": account}
