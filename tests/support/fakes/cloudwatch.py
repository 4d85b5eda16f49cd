"""CloudWatch's metrics."""

from datetime import timedelta
from typing import Any

from tests.support.fakes.base import Fake


class CloudWatch(Fake):
    """The age of the oldest message of queues, as it was a minute ago."""

    service = "cloudwatch"

    def __init__(self) -> None:
        super().__init__()
        self.ages: dict[str, float] = {}  # seconds, by the names of queues

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        self._called("GetMetricStatistics", request)
        [dimension] = request["Dimensions"]
        if dimension["Value"] not in self.ages:
            return {"Datapoints": []}
        at = request["EndTime"] - timedelta(minutes=1)
        return {"Datapoints": [{"Timestamp": at, "Maximum": self.ages[dimension["Value"]]}]}
