"""CloudFormation."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.fakes.base import Fake, Request, denied


class CloudFormation(Fake):
    """Stacks' outputs by the stacks' names, and the stacks that are made by calls."""

    service = "cloudformation"

    def __init__(self, outputs: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__()
        self.outputs = {name: dict(each) for name, each in (outputs or {}).items()}
        self.resources: list[tuple[str, str]] = []  # types and physical ids, of every stack
        self.parameters: dict[str, str] = {}  # of every stack that was not made by a call
        self.made: dict[str, dict[str, Any]] = {}  # requests, by the stacks' names
        self.fault = ""  # why no stack can be made
        # Get the parameters of a stack that was made or changed, or that goes.
        self.on_made: Callable[[dict[str, str]], object] = lambda _: None
        self.on_deleted: Callable[[dict[str, str]], object] = lambda _: None

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeStacks", request)
        names = [request["StackName"]] if "StackName" in request else [*self.outputs, *self.made]
        found = [self._described(name.removeprefix("id-of-")) for name in names]
        return {"Stacks": found}

    def create_stack(self, **request: Any) -> dict[str, Any]:
        self._called("CreateStack", request)
        if request["StackName"] in {*self.outputs, *self.made}:
            raise denied("AlreadyExistsException", "CreateStack")
        if not self.fault:
            self._make(request)
        return {"StackId": f"id-of-{request['StackName']}"}

    def update_stack(self, **request: Any) -> dict[str, Any]:
        self._called("UpdateStack", request)
        before = {key: self.made[request["StackName"]].get(key) for key in request}
        if before == request:
            raise denied("ValidationError", "UpdateStack", "No updates are to be performed.")
        self._make(request, "UPDATE_COMPLETE")
        return {"StackId": f"id-of-{request['StackName']}"}

    def delete_stack(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteStack", request)
        made = self.made.pop(request["StackName"].removeprefix("id-of-"), None)
        if made:
            self.on_deleted(parameters_of(made))
        return {}

    def describe_stack_events(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeStackEvents", request)
        event = {
            "LogicalResourceId": "Delivery",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": self.fault,
        }
        return {"StackEvents": [event]}

    def list_stack_resources(self, **request: Any) -> dict[str, Any]:
        self._called("ListStackResources", request)
        if request["StackName"] not in self.outputs:
            raise denied("ValidationError", "ListStackResources")
        start = int(request.get("NextToken", "0"))
        page = [
            {"ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": "CREATE_COMPLETE"}
            for kind, name in self.resources[start : start + 3]
        ]
        more = start + 3 < len(self.resources)
        return {"StackResourceSummaries": page} | ({"NextToken": str(start + 3)} if more else {})

    def _make(self, request: Request, status: str = "CREATE_COMPLETE") -> None:
        self.made[request["StackName"]] = {**request, "StackStatus": status}
        self.on_made(parameters_of(request))

    def _described(self, name: str) -> dict[str, Any]:
        if name in self.made:
            made = self.made[name]
            shown = {key: made[key] for key in ("StackName", "Tags", "Parameters", "StackStatus")}
            return {**shown, "StackId": f"id-of-{name}"}
        if name not in self.outputs:
            raise denied("ValidationError", "DescribeStacks")
        outputs = [
            {"OutputKey": key, "OutputValue": value} for key, value in self.outputs[name].items()
        ]
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
        ]
        return {
            "StackName": name,
            "StackId": f"id-of-{name}",
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": outputs,
            "Parameters": parameters,
            "Tags": [{"Key": "team", "Value": "events"}],
        }


def parameters_of(request: Request) -> dict[str, str]:
    """Return the parameters of a request by their names."""
    return {each["ParameterKey"]: each["ParameterValue"] for each in request["Parameters"]}
