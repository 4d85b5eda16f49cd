import pytest


@pytest.fixture(autouse=True)
def _isolated(no_sockets: None, output: object, circuits: object) -> None:
    """No test of one unit opens a socket, or finds another test's logger or circuits."""
