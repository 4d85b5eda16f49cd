"""A stack whose profiles are accounted for, by what its functions really log."""

from collections.abc import Callable

from attendee_sync import balance
from attendee_sync.balance import Balance
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, Clock


class AccountedStack:
    """A stack whose clock is moved, and whose functions' lines are in its log groups."""

    def __init__(self, harness: DeliveryHarness, wall: Clock, output: Callable[[], str]) -> None:
        self.harness, self.wall, self.output = harness, wall, output
        self.sqs, self.logs = harness.aws.sqs, harness.aws.logs
        self.late: list[str] = []  # lines that are to come with the next minute

    def push(self, *people: str) -> str:
        profiles = [{"email": f"{each}@example.com"} if each else {} for each in people]
        request_id = self.harness.push(*profiles)
        self.logs.write(INGEST_LOG, self.output(), self.wall.now)
        return request_id

    def work(self) -> None:
        self.harness.work()
        self.logs.write(DELIVERY_LOG, self.output(), self.wall.now)

    def work_and_log_late(self) -> None:
        self.harness.work()
        self.late.append(self.output())

    def sleep(self, seconds: float) -> None:
        while self.late:
            self.logs.write(DELIVERY_LOG, self.late.pop(), self.wall.now)
        self.wall.now += seconds

    def vanish(self, count: int = 1) -> None:
        """Delete the first of the shared lane."""
        found = self.sqs.receive_message(
            QueueUrl=fakes.PROFILES_URL, MaxNumberOfMessages=count, WaitTimeSeconds=0
        )["Messages"]
        entries = [
            {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(found)
        ]
        self.sqs.delete_message_batch(QueueUrl=fakes.PROFILES_URL, Entries=entries)

    def look(self) -> Balance:
        return balance.strike(self.harness.aws.lanes(), self.logs, [INGEST_LOG, DELIVERY_LOG])
