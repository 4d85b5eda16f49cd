"""CloudFormation."""

from collections.abc import Mapping
from typing import Any

from tests.support.fakes.base import Fake, denied


class CloudFormation(Fake):
    """Stacks' outputs by the stacks' names."""

    service = "cloudformation"

    def __init__(self, outputs: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__()
        self.outputs = {name: dict(each) for name, each in (outputs or {}).items()}
        self.resources: list[tuple[str, str]] = []  # types and physical ids, of every stack

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeStacks", request)
        if request["StackName"] not in self.outputs:
            raise denied("ValidationError", "DescribeStacks")
        outputs = self.outputs[request["StackName"]].items()
        shown = [{"OutputKey": key, "OutputValue": value} for key, value in outputs]
        return {"Stacks": [{"StackName": request["StackName"], "Outputs": shown}]}

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
