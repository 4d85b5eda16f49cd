"""The command that removes what the command line stored for a stack and `sam delete` leaves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, Yes
from attendee_sync_cli.stack import lane_stack
from attendee_sync_cli.stack.stack import RECOVERY_DAYS, Stack

EXAMPLES = console.examples(
    "attendee-sync uninstall", "attendee-sync --stack old-stack uninstall --yes --json"
)
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
_PARAMETERS_PER_CALL = 10


@dataclass(frozen=True)
class _Stored:
    """Names of settings and secrets, and the destinations with a lane of their own."""

    parameters: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    lanes: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.parameters) + len(self.secrets) + len(self.lanes)

    @property
    def words(self) -> str:
        lanes = f"{console.counted(len(self.lanes), 'lane')}, " if self.lanes else ""
        settings = console.counted(len(self.parameters), "setting")
        return f"{lanes}{settings} and {console.counted(len(self.secrets), 'secret')}"

    def without(self, names: frozenset[str]) -> "_Stored":
        return _Stored(
            [each for each in self.parameters if each not in names],
            [each for each in self.secrets if each not in names],
            [each for each in self.lanes if each not in names],
        )


@dataclass
class _Report:
    """What there was to remove, and how far it came."""

    stack: str
    held: frozenset[str] | None  # what the stack itself holds; None if it is gone
    left: _Stored
    forced: bool
    removed: _Stored = field(default_factory=_Stored)
    restorable_until: datetime | None = None


def uninstall(
    context: typer.Context,
    force: Annotated[
        bool,
        typer.Option("--force", help="Delete secrets for good, not after 30 days."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove the settings, secrets and lanes of a stack that `sam delete` leaves.

    These are those under /STACK/ in SSM and STACK/ in Secrets Manager that the command line made:
    more connections and destinations, and their secrets; and destinations' own lanes, with all
    profiles that wait there. It shows them and asks.

    The right order is `sam delete` first, then this. Before `sam delete` it leaves alone what the
    stack itself holds. It can be interrupted and run again at any time; where nothing is left it
    says so. Secrets can be restored for 30 days, and a stack of the same name can be made in
    that time: `connections set` then restores them. With --force they are gone at once.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    stack: Stack = context.obj
    held = _held(stack)
    lanes = lane_stack.destinations(stack)
    left = _Stored(_parameters(stack), list(_secrets(stack, force=force)), lanes)
    report = _Report(stack.name, held, left.without(held or frozenset()), force)
    if not as_json:
        _show(report)
    if report.left.count and not yes:
        typer.confirm(f"Remove {report.left.words}?", abort=True)
    try:
        _remove(stack, report)
    except (KeyboardInterrupt, BotoCoreError, ClientError):
        _tell(report, as_json=as_json)
        raise
    _tell(report, as_json=as_json)


def _held(stack: Stack) -> frozenset[str] | None:
    """Return the names of what the stack made and will delete, or None if there is no stack."""
    if not stack.exists():
        return None
    pages = stack.client("cloudformation").get_paginator("list_stack_resources")
    names = {
        _name_of(resource)
        for page in pages.paginate(StackName=stack.name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] in ("AWS::SSM::Parameter", "AWS::SecretsManager::Secret")
        and resource["ResourceStatus"] != "DELETE_COMPLETE"
    }
    return frozenset(names)


def _name_of(resource: dict[str, str]) -> str:
    """Return the name of a parameter or secret; of a secret CloudFormation has the ARN.

    It ends with - and six characters that are not of the name.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
    """
    name = resource.get("PhysicalResourceId", "")
    if not name.startswith("arn:"):
        return name
    return name.partition(":secret:")[2].rpartition("-")[0]


def _parameters(stack: Stack) -> list[str]:
    path = f"/{stack.name}/"
    pages = stack.client("ssm").get_paginator("get_parameters_by_path")
    return [
        parameter["Name"]
        for page in pages.paginate(Path=path, Recursive=True)
        for parameter in page["Parameters"]
        if parameter["Name"].startswith(path)
    ]


def _secrets(stack: Stack, *, force: bool) -> Iterator[str]:
    """Return the names of the stack's secrets; with `force` also of those that go later."""
    path = f"{stack.name}/"
    pages = stack.client("secretsmanager").get_paginator("list_secrets")
    filters = [{"Key": "name", "Values": [path]}]  # it looks at the beginning of a name
    for page in pages.paginate(Filters=filters, IncludePlannedDeletion=force):
        for secret in page["SecretList"]:
            if secret["Name"].startswith(path) and (force or not secret.get("DeletedDate")):
                yield secret["Name"]


def _remove(stack: Stack, report: _Report) -> None:
    """Remove everything, settings first: without them no function asks for the secrets."""
    left = report.left
    with console.progress("Removing", left.count) as advance:
        for names in batched(left.parameters, _PARAMETERS_PER_CALL, strict=False):
            stack.client("ssm").delete_parameters(Names=list(names))
            report.removed.parameters.extend(names)
            advance(len(names))
        for name in left.lanes:
            lane_stack.remove(stack, name)
            report.removed.lanes.append(name)
            advance(1)
        for name in left.secrets:
            when = _delete(stack.client("secretsmanager"), name, force=report.forced)
            report.removed.secrets.append(name)
            report.restorable_until = report.restorable_until or when
            advance(1)


def _delete(client: Any, name: str, *, force: bool) -> datetime | None:
    """Delete a secret, and return until when it can be restored. What is gone is gone."""
    how = {"ForceDeleteWithoutRecovery": True} if force else {"RecoveryWindowInDays": RECOVERY_DAYS}
    try:
        answer = client.delete_secret(SecretId=name, **how)
    except ClientError as error:
        match error.response["Error"]["Code"]:
            case "ResourceNotFoundException":
                return None
            case "InvalidRequestException":  # it is scheduled for deletion
                if not force:
                    return None
                client.restore_secret(SecretId=name)
                answer = client.delete_secret(SecretId=name, **how)
            case _:
                raise
    when: datetime = answer["DeletionDate"]
    return None if force else when


def _show(report: _Report) -> None:
    """Say what there is, before anything is removed."""
    if report.held is not None:
        console.say(
            f"Stack {report.stack} is still there. It holds {len(report.held)} settings and "
            "secrets of its own; `sam delete` removes them, with all that is queued. Best run "
            "that first, and then this again."
        )
        if report.left.count:
            console.say("Who pushes to a destination that is removed gets 404.")
    if not report.left.count:
        console.say(
            f"Nothing to remove: no other setting or secret of stack {report.stack} is left."
        )
        return
    rows = [["setting", name] for name in report.left.parameters]
    rows += [["lane", f"of {name}, with what waits there"] for name in report.left.lanes]
    rows += [["secret", name] for name in report.left.secrets]
    console.table(["", "to be removed"], rows)


def _tell(report: _Report, *, as_json: bool) -> None:
    removed, until = report.removed, report.restorable_until
    if as_json:
        rest = report.left.without(
            frozenset([*removed.parameters, *removed.secrets, *removed.lanes])
        )
        console.document(
            {
                "stack": report.stack,
                "stack_exists": report.held is not None,
                "held_by_stack": sorted(report.held or ()),
                "removed": _names(removed),
                "left": _names(rest),
                "restorable_until": until and console.moment(until.timestamp()),
            }
        )
        return
    if not report.left.count:
        return
    missing = report.left.count - removed.count
    more = f" {missing} are left; run it again." if missing else ""
    console.say(f"Removed {removed.words}.{more}")
    if until:
        console.say(
            f"The secrets can be restored until {until:%Y-%m-%d}. To a new stack of this name "
            "`connections set` gives them back; --force deletes them for good."
        )


def _names(stored: _Stored) -> dict[str, list[str]]:
    return {"settings": stored.parameters, "secrets": stored.secrets, "lanes": stored.lanes}
