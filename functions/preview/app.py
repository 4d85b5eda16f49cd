"""Preview: shows what would become of a push, without doing any of it."""

import functools
import os
from typing import Any

from attendee_sync.preview import Preview
from attendee_sync.reception import request_of, response_of
from attendee_sync.settings import Settings


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request of API Gateway's REST proxy integration."""
    return response_of(_preview().preview(request_of(event)))


@functools.cache
def _preview() -> Preview:
    return Preview(Settings.of_stack(os.environ["STACK_NAME"]))
