"""What each role and policy of the stack must be let do, and must not: IAM's simulator is asked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local.parity.answers import Answer
from local.parity.place import Place

_LEADING_KEYS = "dynamodb:LeadingKeys"
_FUNCTION = "lambda:FunctionArn"


@dataclass(frozen=True)
class _Case:
    """Something that somebody may do or not; `key` is that of an item, or a function's name."""

    who: str  # a role or policy of template.yaml
    action: str
    resource: str  # of template.yaml, or a path of the stack's secrets or parameters
    may: bool
    key: str = ""

    def __str__(self) -> str:
        return " ".join(each for each in (self.who, self.action, self.resource, self.key) if each)


_FUNCTIONS = (
    _Case("IngestRole", "sqs:SendMessage", "ProfileQueue", True),
    _Case("IngestRole", "sqs:ReceiveMessage", "ProfileQueue", False),
    _Case("IngestRole", "dynamodb:GetItem", "LedgerTable", False),
    _Case("IngestRole", "secretsmanager:GetSecretValue", "secret:ingest-token", True),
    _Case("IngestRole", "secretsmanager:GetSecretValue", "secret:credentials/default", False),
    _Case("IngestRole", "secretsmanager:PutSecretValue", "secret:ingest-token", False),
    _Case("PreviewRole", "ssm:GetParameter", "parameter:destinations/any", True),
    _Case("PreviewRole", "ssm:PutParameter", "parameter:destinations/any", False),
    _Case("PreviewRole", "sqs:SendMessage", "ProfileQueue", False),
    _Case("PreviewRole", "secretsmanager:GetSecretValue", "secret:api-profile/default", False),
    _Case("DeliveryRole", "sqs:DeleteMessage", "ProfileQueue", True),
    _Case("DeliveryRole", "sqs:ReceiveMessage", "DeadLetterQueue", False),
    _Case("DeliveryRole", "secretsmanager:GetSecretValue", "secret:api-profile/default", True),
    _Case("DeliveryRole", "secretsmanager:GetSecretValue", "secret:credentials/default", False),
    _Case("DeliveryRole", "lambda:InvokeFunction", "TokenRefreshFunction", True),
    _Case("DeliveryRole", "lambda:InvokeFunction", "IngestFunction", False),
    _Case("TokenRefreshRole", "secretsmanager:GetSecretValue", "secret:credentials/any", True),
    _Case("TokenRefreshRole", "secretsmanager:GetSecretValue", "secret:hash-key", False),
    _Case("TokenRefreshRole", "dynamodb:PutItem", "LedgerTable", False, "token#any"),
    _Case("TokenRefreshScheduleRole", "lambda:InvokeFunction", "TokenRefreshFunction", True),
    _Case("TokenRefreshScheduleRole", "lambda:InvokeFunction", "DeliveryFunction", False),
)
_MAPPING = "lambda:UpdateEventSourceMapping"
_KEYS = (
    _Case("DeliveryRole", "dynamodb:PartiQLInsert", "LedgerTable", True, "attendee#any"),
    _Case("DeliveryRole", "dynamodb:PartiQLUpdate", "LedgerTable", True, "attendee#any"),
    _Case("DeliveryRole", "dynamodb:PartiQLUpdate", "LedgerTable", False, "pause#any"),
    _Case("DeliveryRole", "dynamodb:PutItem", "LedgerTable", True, "attempt#any"),
    _Case("DeliveryRole", "dynamodb:PutItem", "LedgerTable", False, "pause#any"),
    _Case("DeliveryRole", "dynamodb:BatchWriteItem", "LedgerTable", False, "erased#any"),
    _Case("DeliveryRole", "dynamodb:BatchGetItem", "LedgerTable", True, "erased#any"),
    _Case("DeliveryRole", "dynamodb:GetItem", "TokenTable", True, "token#any"),
    _Case("DeliveryRole", "dynamodb:GetItem", "TokenTable", False, "lock#any"),
    _Case("TokenRefreshRole", "dynamodb:DeleteItem", "TokenTable", True, "lock#any"),
    _Case("TokenRefreshRole", "dynamodb:DeleteItem", "TokenTable", False, "token#any"),
    _Case("ViewerPolicy", "dynamodb:GetItem", "LedgerTable", True, "circuit#any"),
    _Case("ViewerPolicy", "dynamodb:GetItem", "LedgerTable", False, "attendee#any"),
    _Case("OperatorPolicy", "dynamodb:PutItem", "LedgerTable", True, "pause#any"),
    _Case("OperatorPolicy", "dynamodb:PutItem", "LedgerTable", False, "erased#any"),
    _Case("PrivacyPolicy", "dynamodb:DeleteItem", "LedgerTable", True, "attendee#any"),
    _Case("PrivacyPolicy", "dynamodb:DeleteItem", "LedgerTable", False, "pause#any"),
    _Case("ManagerPolicy", "dynamodb:GetItem", "TokenTable", False, "lock#any"),
    _Case("ResumeScheduleRole", _MAPPING, "mapping", True, "DeliveryFunction"),
    _Case("ResumeScheduleRole", _MAPPING, "mapping", False, "IngestFunction"),
)
_PEOPLE = (
    _Case("ViewerPolicy", "sqs:GetQueueAttributes", "DeadLetterQueue", True),
    _Case("ViewerPolicy", "sqs:ReceiveMessage", "DeadLetterQueue", False),
    _Case("ViewerPolicy", "secretsmanager:GetSecretValue", "secret:hash-key", False),
    _Case("OperatorPolicy", "sqs:ReceiveMessage", "DeadLetterQueue", True),
    _Case("OperatorPolicy", "sqs:ReceiveMessage", "ProfileQueue", False),
    _Case("OperatorPolicy", "secretsmanager:GetSecretValue", "secret:credentials/any", False),
    _Case("PrivacyPolicy", "secretsmanager:GetSecretValue", "secret:hash-key", True),
    _Case("PrivacyPolicy", "ssm:PutParameter", "parameter:destinations/any", False),
    _Case("ManagerPolicy", "ssm:PutParameter", "parameter:destinations/any", True),
    _Case("ManagerPolicy", "ssm:PutParameter", "parameter:template/destinations/default", False),
    _Case("ManagerPolicy", "secretsmanager:UpdateSecretVersionStage", "secret:senders", True),
    _Case("ManagerPolicy", "secretsmanager:PutSecretValue", "secret:hash-key", False),
)


def check_functions_may_do_what_they_must_and_no_more(place: Place) -> Answer:
    """Ask whether roles of functions and schedules allow what they need, not what is others'."""
    return _judged(place, _FUNCTIONS)


def check_rights_end_at_the_keys_that_are_named(place: Place) -> Answer:
    """Ask whether rights on items, or on one function's lanes, end at those that are named."""
    return _judged(place, _KEYS)


def check_people_may_do_what_their_policy_says_and_no_more(place: Place) -> Answer:
    """Ask whether policies for people allow what they are for, not what another one is for."""
    return _judged(place, _PEOPLE)


def _judged(place: Place, cases: Iterable[_Case]) -> Answer:
    all_cases = list(cases)
    names = _Names(place)
    wrong = [str(each) for each in all_cases if names.allows(each) != each.may]
    count = len(all_cases)
    wrongly = f", but not: {'; '.join(wrong)}" if wrong else ""
    return Answer(f"{count} of {count}", f"{count - len(wrong)} of {count}{wrongly}", not wrong)


class _Names:
    """The ARNs of a stack's resources, and what IAM says of them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._iam = place.client("iam")
        role = self._iam.get_role(RoleName=place.resources["IngestRole"])["Role"]["Arn"]
        self._partition, self._account = role.split(":")[1], role.split(":")[4]
        self._region = place.client("sqs").meta.region_name

    def allows(self, case: _Case) -> bool:
        """Ask whether somebody may."""
        asked: dict[str, Any] = {
            "ActionNames": [case.action],
            "ResourceArns": [self._arn(case.resource)],
            "ContextEntries": self._context(case),
        }
        if case.who.endswith("Role"):
            role = f"arn:{self._partition}:iam::{self._account}:role/"
            name = self._place.resources[case.who]
            answer = self._iam.simulate_principal_policy(PolicySourceArn=role + name, **asked)
        else:
            answer = self._iam.simulate_custom_policy(
                PolicyInputList=[self._document(case.who)], **asked
            )
        return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")

    def _context(self, case: _Case) -> list[dict[str, Any]]:
        if not case.key:
            return []
        name, kind, value = _LEADING_KEYS, "stringList", case.key
        if case.resource == "mapping":
            name, kind, value = _FUNCTION, "string", self._arn(case.key)
        return [{"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": [value]}]

    def _document(self, policy: str) -> str:
        arn = self._place.outputs[policy]
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return json.dumps(answer["PolicyVersion"]["Document"])

    def _arn(self, resource: str) -> str:
        kind, _, path = resource.partition(":")
        physical = self._place.resources.get(kind, "")
        service, rest = {
            "secret": ("secretsmanager", f"secret:{self._place.stack}/{path}-AbCdEf"),
            "parameter": ("ssm", f"parameter/{self._place.stack}/{path}"),
            "mapping": ("lambda", "event-source-mapping:any"),
            "LedgerTable": ("dynamodb", f"table/{physical}"),
            "TokenTable": ("dynamodb", f"table/{physical}"),
            "ProfileQueue": ("sqs", physical.rpartition("/")[2]),
            "DeadLetterQueue": ("sqs", physical.rpartition("/")[2]),
        }.get(kind, ("lambda", f"function:{physical}"))
        return f"arn:{self._partition}:{service}:{self._region}:{self._account}:{rest}"


CHECKS = (
    check_functions_may_do_what_they_must_and_no_more,
    check_rights_end_at_the_keys_that_are_named,
    check_people_may_do_what_their_policy_says_and_no_more,
)
