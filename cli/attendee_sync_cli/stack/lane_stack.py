"""The small stacks that hold destinations' own lanes, made from lane.yaml beside this file."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from attendee_sync.messaging import lanes
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.stack.lane import Lane
from attendee_sync_cli.stack.stack import Stack, describe_stack

_TEMPLATE = Path(__file__).with_name("lane.yaml")
# Two stacks' lanes can have the same name (of a-lane-b's c, and of a's b-lane-c), so that these
# tags tell whose one is.
_STACK_TAG = "attendee-sync:stack"
_DESTINATION_TAG = "attendee-sync:destination"
# Another template that is deployed under a lane's name must not take away what waits there:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
_KEEPS_QUEUE = {
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Replace", "Update:Delete"],
            "Resource": "LogicalResourceId/ProfileQueue",
        },
    ]
}
_LOOK_SECONDS = 2.0
_GONE = "DELETE_COMPLETE"
_FROM_STACK = ("MaximumConcurrency", "KmsKeyArn", "AwsEndpointUrl")  # parameters


def exists(stack: Stack, destination: str) -> bool:
    """Tell whether a destination's own lane is there. Raises FailureError if its name is taken."""
    return _find(stack, destination) is not None


def is_going(stack: Stack, destination: str) -> bool:
    """Tell whether the removal of a destination's own lane was begun."""
    found = _find(stack, destination)
    return found is not None and str(found["StackStatus"]).startswith("DELETE_")


def make(stack: Stack, destination: str, *, delivers: bool) -> None:
    """Make a destination's own lane, or bring it up to this version and the stack's parameters.

    `delivers` tells whether what waits there is delivered from now on. Raises FailureError, and
    then what was made is taken back.
    """
    found = _find(stack, destination)
    # Made by a command that was interrupted, or to be upgraded; or it is just going.
    if found and _wait(found["StackId"]) != _GONE:
        _update(stack, destination, delivers=delivers)
    else:
        answer = stack.client("cloudformation").create_stack(
            **_request(stack, destination, delivers=delivers), OnFailure="DELETE"
        )
        _finish(stack, answer["StackId"], "CREATE_COMPLETE")
    # CloudFormation changes nothing where only somebody else did.
    Lane(stack, lanes.own_lane(stack.name, destination)).switch(on=delivers)


def remove(stack: Stack, destination: str) -> None:
    """Remove a destination's own lane with all that is in it."""
    found = _find(stack, destination)
    if found is None:
        return
    with console.progress(f"Removing the lane of {destination}"):
        stack.client("cloudformation").delete_stack(StackName=found["StackId"])
        _finish(stack, found["StackId"], _GONE)


def destinations(stack: Stack) -> list[str]:
    """Return the destinations that have a lane of their own there, also if the stack is gone."""
    pages = stack.client("cloudformation").get_paginator("describe_stacks").paginate()
    return sorted(
        tags[_DESTINATION_TAG]
        for page in pages
        for tags in (_tags(each) for each in page["Stacks"])
        if tags.get(_STACK_TAG) == stack.name and _DESTINATION_TAG in tags
    )


def _find(stack: Stack, destination: str) -> dict[str, Any] | None:
    name = _name(stack, destination)
    found = describe_stack(name)
    if found is None:
        return None
    tags = _tags(found)
    if (tags.get(_STACK_TAG), tags.get(_DESTINATION_TAG)) != (stack.name, destination):
        raise FailureError(
            f"The lane of {destination} would be the CloudFormation stack {name}, which is "
            "another's. Choose another name for the destination."
        )
    return found


def _update(stack: Stack, destination: str, *, delivers: bool) -> None:
    try:
        answer = stack.client("cloudformation").update_stack(
            **_request(stack, destination, delivers=delivers)
        )
    except ClientError as error:
        if "No updates" not in error.response["Error"].get("Message", ""):
            raise
        return
    _finish(stack, answer["StackId"], "UPDATE_COMPLETE")


def _request(stack: Stack, destination: str, *, delivers: bool) -> dict[str, Any]:
    given = stack.parameters()
    topics = [stack.find_output("AlertTopicArn"), given.get("AlertTopicArn")]
    parameters = {key: given[key] for key in _FROM_STACK if key in given} | {
        "QueueName": Lane(stack, lanes.own_lane(stack.name, destination)).queue_name,
        "DeliveryFunctionArn": stack.output("DeliveryFunctionArn"),
        "DeadLetterQueueArn": stack.output("DeadLetterQueueArn"),
        "Delivers": str(delivers).lower(),
        "AlertTopics": ",".join(filter(None, topics)),
    }
    tags = _tags(stack.described()) | {_STACK_TAG: stack.name, _DESTINATION_TAG: destination}
    return {
        "StackName": _name(stack, destination),
        "TemplateBody": _TEMPLATE.read_text(),
        "StackPolicyBody": json.dumps(_KEEPS_QUEUE),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def _name(stack: Stack, destination: str) -> str:
    return f"{stack.name}-lane-{destination}"


def _tags(described: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in described.get("Tags", [])}


def _wait(stack_id: str) -> str:
    """Return the status of a lane's stack once nothing is done to it any more."""
    while True:
        found = describe_stack(stack_id)
        status = str(found["StackStatus"]) if found else _GONE
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(_LOOK_SECONDS)


def _finish(stack: Stack, stack_id: str, wanted: str) -> None:
    """Wait for a lane's stack. Raises FailureError, with CloudFormation's words, if it failed."""
    status = _wait(stack_id)
    if status == wanted:
        return
    events = stack.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    causes = [
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}"
        # The latest first, and what the first brought about behind it; then what was done before.
        for each in itertools.takewhile(lambda each: not _is_asked_for(each), events)
        if each["ResourceStatus"].endswith("_FAILED")
    ]
    raise FailureError(f"CloudFormation could not do it ({status}). {''.join(causes[-1:])}")


def _is_asked_for(event: dict[str, Any]) -> bool:
    """Tell whether an event is that CloudFormation was called, and not what came of it."""
    return bool(event.get("ResourceStatusReason") == "User Initiated")
