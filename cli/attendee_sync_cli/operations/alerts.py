"""Who is told of trouble: the subscribers of the topics that the stack's alarms tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from attendee_sync_cli import aws_errors
from attendee_sync_cli.stack.stack import Stack

_PENDING = "PendingConfirmation"
_ADDRESSES = frozenset({"email", "email-json", "sms"})  # protocols whose endpoints are people's
_MOST = 100  # subscribers that are listed of a topic


@dataclass(frozen=True)
class Subscriber:
    """Who a topic tells. Of a person's address, only what its owner knows it by."""

    protocol: str
    endpoint: str
    is_confirmed: bool


@dataclass(frozen=True)
class Topic:
    """A topic that alarms tell."""

    arn: str
    is_own: bool  # the stack's, made for AlertEmail
    subscribers: Sequence[Subscriber]
    unknown: str  # why they are not known; empty if they are


def topics(stack: Stack) -> list[Topic]:
    """Return the topics that the stack's alarms tell, as far as its subscribers may be seen."""
    own = stack.find_output("AlertTopicArn")
    other = stack.parameters().get("AlertTopicArn")
    found = [(own, True), (other, False)]
    return [_topic(stack, arn, is_own=is_own) for arn, is_own in found if arn]


def _topic(stack: Stack, arn: str, *, is_own: bool) -> Topic:
    try:
        return Topic(arn, is_own, _subscribers(stack.client("sns"), arn), "")
    except ClientError as error:
        return Topic(arn, is_own, (), f"AWS: {aws_errors.explain(error)}")


def _subscribers(client: Any, arn: str) -> list[Subscriber]:
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    found: list[Subscriber] = []
    for page in pages:
        found += [
            Subscriber(
                each["Protocol"],
                _shown(each["Protocol"], each["Endpoint"]),
                each["SubscriptionArn"] != _PENDING,
            )
            for each in page["Subscriptions"]
        ]
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _shown(protocol: str, endpoint: str) -> str:
    """Return an endpoint; of a person's address the first letter and the domain, or the end."""
    if protocol not in _ADDRESSES:
        return endpoint.partition("?")[0]  # behind it stand keys of integrations
    name, at, domain = endpoint.rpartition("@")
    return f"{name[:1]}…@{domain}" if at else f"…{endpoint[-2:]}"
