"""Secrets Manager."""

import time
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.fakes.base import Fake, denied

# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_SECRET_BYTES = 65_536
_SECRET_VERSIONS = 100
_DAY = 86_400  # seconds for which no version is removed


class Secrets(Fake):
    """Secrets with a current and a previous version, and a limit to how often one is written.

    A version that is put with another stage than AWSCURRENT waits until that is moved to it.
    Versions above 100 are removed, but none that is younger than a day: then writes fail.
    """

    service = "secretsmanager"

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.versions: dict[str, list[str]] = {name: [text] for name, text in (texts or {}).items()}
        self.deleted: dict[str, datetime] = {}  # scheduled for deletion
        self._written: dict[str, deque[float]] = {}  # when, within the last day
        self._waiting: dict[str, dict[str, str]] = {}  # texts by version id
        self._ids: dict[tuple[str, int], str] = {}  # of versions that waited

        self.page_size = 10

    def rotate(self, name: str, text: str) -> None:
        self.versions[name].append(text)

    def create_secret(self, **request: Any) -> dict[str, Any]:
        self._called("CreateSecret", request)
        if request["Name"] in self.versions:
            raise denied("ResourceExistsException", "CreateSecret")
        self._keep_quotas("CreateSecret", request["Name"], request["SecretString"])
        self.versions[request["Name"]] = [request["SecretString"]]
        return {}

    def describe_secret(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeSecret", request)
        name = request["SecretId"]
        if name not in self.versions:
            raise denied("ResourceNotFoundException", "DescribeSecret")
        return {"Name": name} | (
            {"DeletedDate": self.deleted[name]} if name in self.deleted else {}
        )

    def delete_secret(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteSecret", request)
        name = request["SecretId"]
        if name not in self.versions:
            raise denied("ResourceNotFoundException", "DeleteSecret")
        if name in self.deleted:
            raise denied("InvalidRequestException", "DeleteSecret")
        if request.get("ForceDeleteWithoutRecovery"):
            del self.versions[name]
            return {"DeletionDate": datetime(2027, 1, 1, tzinfo=UTC)}
        when = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=request["RecoveryWindowInDays"])
        self.deleted[name] = when
        return {"DeletionDate": when}

    def list_secrets(self, **request: Any) -> dict[str, Any]:
        self._called("ListSecrets", request)
        [condition] = request["Filters"]
        self._use(condition["Key"] == "name", "other filters are not known")
        [prefix] = condition["Values"]
        names = sorted(name for name in self.versions if name.startswith(prefix))
        if not request.get("IncludePlannedDeletion"):
            names = [name for name in names if name not in self.deleted]
        start = int(request.get("NextToken", "0"))
        page: list[dict[str, Any]] = [
            {"Name": name} | ({"DeletedDate": self.deleted[name]} if name in self.deleted else {})
            for name in names[start : start + self.page_size]
        ]
        end = start + self.page_size
        return {"SecretList": page} | ({"NextToken": str(end)} if end < len(names) else {})

    def restore_secret(self, **request: Any) -> dict[str, Any]:
        self._called("RestoreSecret", request)
        del self.deleted[request["SecretId"]]
        return {}

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        self._called("GetSecretValue", request)
        if request["SecretId"] in self.deleted:
            raise denied("InvalidRequestException", "GetSecretValue")
        back = {"AWSCURRENT": 1, "AWSPREVIOUS": 2}[request["VersionStage"]]
        versions = self.versions.get(request["SecretId"], [])
        if len(versions) < back:
            raise denied("ResourceNotFoundException", "GetSecretValue")
        return {
            "SecretString": versions[-back],
            "VersionId": self._id_of(request["SecretId"], len(versions) - back),
        }

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        self._called("PutSecretValue", request)
        if request["SecretId"] not in self.versions:
            raise denied("ResourceNotFoundException", "PutSecretValue")
        self._keep_quotas("PutSecretValue", request["SecretId"], request["SecretString"])
        if "AWSCURRENT" in request.get("VersionStages", ["AWSCURRENT"]):
            self.rotate(request["SecretId"], request["SecretString"])
            return {}
        version_id = str(uuid.uuid4())
        waiting = self._waiting.setdefault(request["SecretId"], {})
        waiting[version_id] = request["SecretString"]
        return {"VersionId": version_id}

    def update_secret_version_stage(self, **request: Any) -> dict[str, Any]:
        self._called("UpdateSecretVersionStage", request)
        name, moved_to = request["SecretId"], request["MoveToVersionId"]
        self._use(request["VersionStage"] == "AWSCURRENT", "other stages are not known")
        if request["RemoveFromVersionId"] != self._id_of(name, len(self.versions[name]) - 1):
            raise denied("InvalidParameterException", "UpdateSecretVersionStage")
        self._ids[name, len(self.versions[name])] = moved_to
        self.rotate(name, self._waiting[name].pop(moved_to))
        return {}

    def _id_of(self, name: str, index: int) -> str:
        return self._ids.get((name, index), str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}#{index}")))

    def _keep_quotas(self, operation: str, name: str, text: str) -> None:
        now = time.time()
        written = self._written.setdefault(name, deque())
        while written and now - written[0] >= _DAY:
            written.popleft()
        if len(text.encode()) > _SECRET_BYTES or len(written) >= _SECRET_VERSIONS:
            raise denied("LimitExceededException", operation)
        written.append(now)
