"""An upgrade keeps what a stack holds: CloudFormation replaces none of it.

A resource is replaced, and what it holds lost, if its logical id goes or a property changes that it
has only from the beginning; CloudFormation's own schemas say which these are.
"""

from typing import Any, Final

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local.checks.transformed import EVERY_OPTION
from tests.support.template import made

_REGION: Final = "us-east-1"
_HOLDING: Final = frozenset(
    {
        "AWS::ApiGateway::RestApi",  # the push URL that senders have
        "AWS::ApiGateway::Stage",
        "AWS::DynamoDB::Table",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Logs::LogGroup",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
        "AWS::Scheduler::ScheduleGroup",  # pauses that end by themselves
        "AWS::SecretsManager::Secret",
    }
)
# By another key the items of a table can't be found; the schema does not say so.
_KEYS: Final = {"AWS::DynamoDB::Table": ("KeySchema",)}
_ANSWERS: Final = {"OrgId": "acme", "EventCode": "summit2026"}
_KEYED: Final = {"KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}]}
# As the first stacks have them. More may come, none of these may change.
_DEPLOYED: Final[dict[str, dict[str, Any]]] = {
    "Api": {},
    "ApiprodStage": {"RestApiId": "Api", "StageName": "prod"},
    "ApiLogGroup": {},
    "DeliveryFunctionProfiles": {"EventSourceArn": "arn:ProfileQueue"},
    "DeliveryLogGroup": {},
    "IngestLogGroup": {},
    "PreviewLogGroup": {},
    "TokenRefreshLogGroup": {},
    "SettingsLogGroup": {"LogGroupName": "/aws/events/attendee-sync-settings"},
    "LedgerTable": _KEYED,
    "TokenTable": _KEYED,
    "ProfileQueue": {"FifoQueue": True},
    "DeadLetterQueue": {"FifoQueue": True},
    "DefaultConnection": {"Name": "/attendee-sync/template/connections/default"},
    "DefaultDestination": {"Name": "/attendee-sync/template/destinations/default"},
    "DefaultApiProfile": {"Name": "attendee-sync/api-profile/default"},
    "DefaultCredentials": {"Name": "attendee-sync/credentials/default"},
    "HashKey": {"Name": "attendee-sync/hash-key"},
    "IngestToken": {"Name": "attendee-sync/ingest-token"},
    "Senders": {"Name": "attendee-sync/senders"},
    "ResumeScheduleGroup": {},
}


@pytest.mark.parametrize("options", [{}, EVERY_OPTION], ids=["none", "every"])
def test_nothing_that_a_stack_holds_is_replaced(options: dict[str, str]) -> None:
    found = {
        name: _fixed(each)
        for name, each in made(**_ANSWERS, **options).items()
        if each["Type"] in _HOLDING
    }
    assert {name: found.get(name) for name in _DEPLOYED} == _DEPLOYED


def test_what_decides_is_what_cloudformation_says() -> None:
    assert _from_the_beginning("AWS::SQS::Queue") == {"FifoQueue", "QueueName"}


def _fixed(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a resource that it has only from the beginning."""
    names = _from_the_beginning(resource["Type"])
    return {name: each for name, each in resource.get("Properties", {}).items() if name in names}


def _from_the_beginning(kind: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, kind).schema
    paths = schema.get("createOnlyProperties") or []
    return {path.removeprefix("/properties/") for path in paths} | {*_KEYS.get(kind, ())}
