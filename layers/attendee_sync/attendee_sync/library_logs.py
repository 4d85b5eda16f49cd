"""Keeping the libraries' own log lines out of the log.

Lambda's runtime sets the root logger to the function's log level, and at DEBUG botocore logs
bodies and answers (profiles, secrets), urllib3 addresses with their queries; urllib3 logs an
address even as a warning, when an answer's headers can't be parsed.
"""

import logging
from typing import Final

# These say nothing. What they have to tell comes back as an exception, whose type we log.
SILENCED: Final = (
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "charset_normalizer",
    "email_validator",
    "jmespath",
    "requests",
    "s3transfer",
    "urllib3",
)


def silence() -> None:
    """Silence the libraries that can log what was sent, and all others below warnings.

    Called where clients of AWS and HTTP sessions are made, so that no call comes before it.
    """
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
