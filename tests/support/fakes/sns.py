"""SNS."""

from typing import Any

from tests.support.fakes.base import Fake


class Sns(Fake):
    """Lists the subscriptions that it is given, by their topic."""

    service = "sns"

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: dict[str, list[dict[str, str]]] = {}

    def subscribe(self, topic: str, protocol: str, endpoint: str, arn: str) -> None:
        """Have a topic tell somebody; AWS says PendingConfirmation in place of an ARN at first."""
        self.subscriptions.setdefault(topic, []).append(
            {"Protocol": protocol, "Endpoint": endpoint, "SubscriptionArn": arn}
        )

    def list_subscriptions_by_topic(self, **request: Any) -> dict[str, Any]:
        self._called("ListSubscriptionsByTopic", request)
        return {"Subscriptions": self.subscriptions.get(request["TopicArn"], [])}
