"""The event that SSM sends of a changed parameter, as AWS documents it.

https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
"""

from typing import Any

from tests.support.stack import STACK

NAME = f"/{STACK}/destinations/summit"


def settings_event(name: str = NAME, operation: str = "Update") -> dict[str, Any]:
    """Return the documented example, of another parameter."""
    return {
        "version": "0",
        "id": "9547ef2d-3b7e-4057-b6cb-5fdf09ee7c8f",
        "detail-type": "Parameter Store Change",
        "source": "aws.ssm",
        "account": "123456789012",
        "time": "2017-05-22T16:44:48Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:ssm:us-east-1:123456789012:parameter{name}"],
        "detail": {
            "operation": operation,
            "name": name,
            "type": "String",
            "description": "Sample Parameter",
        },
    }
