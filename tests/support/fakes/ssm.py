"""Systems Manager's parameters."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.support.fakes.base import Fake, denied

_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Ssm(Fake):
    """Parameters by name."""

    service = "ssm"

    def __init__(self, parameters: Mapping[str, str] | None = None, page_size: int = 10) -> None:
        super().__init__()
        self.parameters = dict(parameters or {})
        self.modified: dict[str, datetime] = {}  # when, of those that were written lately
        self.history: dict[str, list[dict[str, Any]]] = {}  # of those that were written
        self._page_size = page_size

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self._called("GetParameter", request)
        if request["Name"] not in self.parameters:
            raise denied("ParameterNotFound", "GetParameter")
        name = request["Name"]
        modified = self.modified.get(name, _LONG_AGO)
        value = self.parameters[name]
        return {"Parameter": {"Name": name, "Value": value, "LastModifiedDate": modified}}

    def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        self._called("GetParametersByPath", request)
        path = f"{request['Path'].rstrip('/')}/"
        under = [name for name in self.parameters if name.startswith(path)]
        is_deep = request.get("Recursive", False)
        names = sorted(name for name in under if is_deep or "/" not in name.removeprefix(path))
        start = int(request.get("NextToken", "0"))
        end = start + self._page_size
        page = [{"Name": name, "Value": self.parameters[name]} for name in names[start:end]]
        return {"Parameters": page} | ({"NextToken": str(end)} if end < len(names) else {})

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        self._called("PutParameter", request)
        self._use(request["Type"] == "String" and request["Overwrite"], "unlike the template's")
        self.parameters[request["Name"]] = request["Value"]
        self.modified[request["Name"]] = datetime.fromtimestamp(time.time(), UTC)
        versions = self.history.setdefault(request["Name"], [])
        versions.append(
            {
                "Name": request["Name"],
                "Version": len(versions) + 1,
                "Value": request["Value"],
                "LastModifiedDate": self.modified[request["Name"]],
                "LastModifiedUser": "arn:aws:sts::123456789012:assumed-role/Managers/grace",
            }
        )
        return {}

    def get_parameter_history(self, **request: Any) -> dict[str, Any]:
        self._called("GetParameterHistory", request)
        if request["Name"] not in self.parameters:
            raise denied("ParameterNotFound", "GetParameterHistory")
        versions = self.history.get(request["Name"], [])
        start = int(request.get("NextToken", "0"))
        end = start + self._page_size
        more = {"NextToken": str(end)} if end < len(versions) else {}
        return {"Parameters": versions[start:end], **more}

    def delete_parameter(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteParameter", request)
        self.history.pop(request["Name"], None)
        if self.parameters.pop(request["Name"], None) is None:
            raise denied("ParameterNotFound", "DeleteParameter")
        return {}

    def delete_parameters(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteParameters", request)
        found = [name for name in request["Names"] if self.parameters.pop(name, None) is not None]
        missing = [name for name in request["Names"] if name not in found]
        return {"DeletedParameters": found, "InvalidParameters": missing}
