"""Preview: shows what would become of a push, without doing any of it."""

import functools
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync.preview import Preview
from attendee_sync.reception import request_of, response_of
from attendee_sync.settings import Settings


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway's REST proxy integration."""
    return response_of(_preview().preview(request_of(event, context.aws_request_id)))


@functools.cache
def _preview() -> Preview:
    return Preview(Settings.of_stack(os.environ["STACK_NAME"]))
