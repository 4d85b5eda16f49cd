"""Placeholder."""


def lambda_handler(event: dict[str, object], context: object) -> dict[str, object]:
    """Do nothing yet."""
    return {}
