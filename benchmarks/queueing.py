"""How many SQS calls profiles cost."""

import json
import os

from attendee_sync.ingest.api import HttpRequest
from attendee_sync.ingest.ingest import Ingest
from attendee_sync.observability import NAMESPACE
from local.traffic.people import as_xdm, people
from tests.support.stack import INGEST_TOKEN, Aws

_PROFILES = 100


def sqs_calls_per_profile() -> float:
    """Return the SQS calls by the profiles of one push of a hundred people."""
    os.environ["POWERTOOLS_METRICS_NAMESPACE"] = NAMESPACE
    services = Aws()
    ingest = Ingest(services.settings(), services.lanes(), services.dead_letter_queue())
    everyone = [person for person in people(2 * _PROFILES) if not person.reason][:_PROFILES]
    answer = ingest.push(
        HttpRequest(
            request_id="bench",
            destination="default",
            headers={"authorization": f"Bearer {INGEST_TOKEN}"},
            body=json.dumps([as_xdm(person) for person in everyone]),
        )
    )
    if answer.body.get("accepted") != _PROFILES:
        raise RuntimeError("the push was not accepted whole")
    return services.sqs.count("SendMessageBatch") / _PROFILES
