"""Stand-ins for the AWS clients and for RainFocus, one file a service."""

from tests.support.fakes.base import Fake, denied, timed_out, unreachable
from tests.support.fakes.cloudformation import CloudFormation
from tests.support.fakes.cloudwatch import CloudWatch
from tests.support.fakes.cognito import Cognito
from tests.support.fakes.dynamodb import TABLE, TOKEN_TABLE, DynamoDb
from tests.support.fakes.http import Call, Http, Reply, envelope, stored
from tests.support.fakes.lambda_ import DELIVERY, Lambda
from tests.support.fakes.logs import Logs
from tests.support.fakes.scheduler import Scheduler
from tests.support.fakes.secrets_manager import Secrets
from tests.support.fakes.sns import Sns
from tests.support.fakes.sqs import DEAD_LETTERS_URL, PROFILES_URL, Sent, Sqs, queue_url
from tests.support.fakes.ssm import Ssm

__all__ = [
    "DEAD_LETTERS_URL",
    "DELIVERY",
    "PROFILES_URL",
    "TABLE",
    "TOKEN_TABLE",
    "Call",
    "CloudFormation",
    "CloudWatch",
    "Cognito",
    "DynamoDb",
    "Fake",
    "Http",
    "Lambda",
    "Logs",
    "Reply",
    "Scheduler",
    "Secrets",
    "Sent",
    "Sns",
    "Sqs",
    "Ssm",
    "denied",
    "envelope",
    "queue_url",
    "stored",
    "timed_out",
    "unreachable",
]
