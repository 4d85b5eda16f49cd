"""EventBridge Scheduler."""

from typing import Any

from tests.support.fakes.base import Fake, Request, denied


class Scheduler(Fake):
    """Keeps schedules by the names of their groups and their own; runs none."""

    service = "scheduler"

    def __init__(self) -> None:
        super().__init__()
        self.schedules: dict[tuple[str, str], Request] = {}

    def create_schedule(self, **request: Any) -> dict[str, Any]:
        self._called("CreateSchedule", request)
        if (request["GroupName"], request["Name"]) in self.schedules:
            raise denied("ConflictException", "CreateSchedule")
        return self._put(request)

    def update_schedule(self, **request: Any) -> dict[str, Any]:
        self._called("UpdateSchedule", request)
        return self._put(request)

    def delete_schedule(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteSchedule", request)
        if self.schedules.pop((request["GroupName"], request["Name"]), None) is None:
            raise denied("ResourceNotFoundException", "DeleteSchedule")
        return {}

    def _put(self, request: Request) -> dict[str, Any]:
        self.schedules[request["GroupName"], request["Name"]] = request
        return {"ScheduleArn": f"arn:aws:scheduler:::schedule/{request['Name']}"}
