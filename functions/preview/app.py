"""Preview: shows what would become of a push, without doing any of it."""

import functools
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync.aws.settings import Settings
from attendee_sync.ingest.api import parse_event, to_lambda
from attendee_sync.ingest.preview import Preview


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway's REST proxy integration."""
    return to_lambda(_preview().preview(parse_event(event, context.aws_request_id)))


@functools.cache
def _preview() -> Preview:
    return Preview(Settings.of_stack(os.environ["STACK_NAME"]))
