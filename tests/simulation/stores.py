"""DynamoDB, Parameter Store and Secrets Manager: what was written, and when all see it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.scheduler import Scheduler
from tests.support import fakes

_SETTLES = 3.0  # seconds after a write in which a former value may be read


class Tables(fakes.DynamoDb):
    """DynamoDB's conditions and batches are those of the tests' stand-in; what goes wrong is here.

    A batch may be done in part, and a read that does not ask for consistency may get what was.
    """

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._faults = faults
        self._former: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self.on_put: Callable[[str, Mapping[str, Any]], object] = lambda _key, _item: None
        self.on_left_out: Callable[[str], object] = lambda _key: None

    def _called(self, operation: str, request: Mapping[str, Any]) -> None:
        """Let the call through. How requests are formed is what unit tests look at."""

    def get_item(self, **request: Any) -> dict[str, Any]:
        if not request.get("ConsistentRead") and self._faults.strikes("table-stale"):
            name = request["TableName"], request["Key"]["key"]["S"]
            at, item = self._former.get(name, (0.0, {}))
            if self._scheduler.now - at < _SETTLES:
                return {"Item": item} if item else {}
        return super().get_item(**request)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        [(table, wanted)] = request["RequestItems"].items()
        keys = sorted(wanted["Keys"], key=lambda each: str(each["key"]["S"]))
        self.unprocessed = len(self._faults.some("table-partial", len(keys)))
        answer = super().batch_get_item(RequestItems={table: {**wanted, "Keys": keys}})
        if not wanted.get("ConsistentRead") and self._faults.strikes("table-stale"):
            found = answer["Responses"][table]
            answer["Responses"][table] = [self._was(table, each) for each in found]
        return answer

    def _was(self, table: str, item: dict[str, Any]) -> dict[str, Any]:
        at, former = self._former.get((table, item["key"]["S"]), (0.0, {}))
        return former if former and self._scheduler.now - at < _SETTLES else item

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        [(table, writes)] = request["RequestItems"].items()
        for each in writes:
            self._keep_former(table, each["PutRequest"]["Item"])
        self.unwritten = len(self._faults.some("table-partial", len(writes)))
        answer = super().batch_write_item(**request)
        for each in answer.get("UnprocessedItems", {}).get(table, []):
            self.on_left_out(each["PutRequest"]["Item"]["key"]["S"])
        return answer

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        self.unwritten = len(self._faults.some("table-partial", len(request["Statements"])))
        return super().batch_execute_statement(**request)

    def _put(self, request: Mapping[str, Any]) -> None:
        self._keep_former(request["TableName"], request["Item"])
        super()._put(request)

    def _keep_former(self, table: str, item: Mapping[str, Any]) -> None:
        key = item["key"]["S"]
        self._former[table, key] = (self._scheduler.now, self.tables[table].get(key, {}))
        self.on_put(key, item)


class Stacks:
    """CloudFormation: the stack's outputs."""

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """Describe the one there is."""
        outputs = {
            "ProfileQueueName": "profiles.fifo",
            "DeadLetterQueueName": "dead-letter.fifo",
            "LedgerTableName": fakes.TABLE,
            "DeliveryFunctionArn": fakes.DELIVERY,
        }
        told = [{"OutputKey": key, "OutputValue": text} for key, text in outputs.items()]
        return {"Stacks": [{"Outputs": told}]}


class Parameters:
    """Parameter Store. A moment after a write the former value may be read."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self._values = _Values(scheduler, faults)

    def put(self, name: str, text: str) -> None:
        """Write a parameter."""
        self._values.put(name, text)

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        text = self._values.get(request["Name"])
        if text is None:
            raise fakes.denied("ParameterNotFound", "GetParameter")
        changed = datetime.fromtimestamp(self._values.changed_at(request["Name"]), UTC)
        described = {"Name": request["Name"], "Value": text, "LastModifiedDate": changed}
        return {"Parameter": described}

    def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        names = [name for name in self._values.names if name.startswith(f"{request['Path']}/")]
        found = [{"Name": name, "Value": self._values.get(name)} for name in names]
        return {"Parameters": found}


class Secrets:
    """Secrets Manager, likewise. A version stays readable as the previous one."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self._current = _Values(scheduler, faults)
        self._previous = _Values(scheduler, faults)

    def put(self, name: str, text: str) -> None:
        """Make a text the current version of a secret."""
        before = self._current.newest(name)
        if before is not None:
            self._previous.put(name, before)
        self._current.put(name, text)

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        values = self._current if request["VersionStage"] == "AWSCURRENT" else self._previous
        text = values.get(request["SecretId"])
        if text is None:
            raise fakes.denied("ResourceNotFoundException", "GetSecretValue")
        return {"SecretString": text}

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        if self._current.newest(request["SecretId"]) is None:
            raise fakes.denied("ResourceNotFoundException", "PutSecretValue")
        self.put(request["SecretId"], request["SecretString"])
        return {}

    def create_secret(self, **request: Any) -> dict[str, Any]:
        self.put(request["Name"], request["SecretString"])
        return {}


class _Values:
    """Texts by name, of which the former may be read a moment after a write."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self._scheduler = scheduler
        self._faults = faults
        self._held: dict[str, tuple[str, str | None, float]] = {}  # with the former, and when

    @property
    def names(self) -> list[str]:
        return sorted(self._held)

    def put(self, name: str, text: str) -> None:
        self._held[name] = (text, self.newest(name), self._scheduler.now)

    def changed_at(self, name: str) -> float:
        return self._held[name][2]

    def newest(self, name: str) -> str | None:
        return self._held[name][0] if name in self._held else None

    def get(self, name: str) -> str | None:
        if name not in self._held:
            return None
        text, former, at = self._held[name]
        is_fresh = former is not None and self._scheduler.now - at < _SETTLES
        return former if is_fresh and self._faults.strikes("settings-stale") else text
