"""What the functions write: Powertools' logger and metrics, as plainly as the judge reads them.

How lines and metrics are formed for AWS is what the tests of `contract` look at.
"""

import json
from collections.abc import Callable
from typing import Any


class Output:
    """Gets each line, with what the functions say of themselves on standard output."""

    def __init__(self, on_line: Callable[[str], object] = lambda _: None) -> None:
        self.on_line = on_line

    def write(self, text: str) -> None:
        """Take what is printed. Nothing is, so it is told as it is."""
        if text.strip():
            self.on_line(text)

    def flush(self) -> None:
        """Lines are seen at once."""

    def metrics(self) -> "Metrics":
        """Return what collects some metrics and writes them here."""
        return Metrics(self)


class Lines:
    """A logger: what it is given is one line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def info(self, message: str, extra: dict[str, Any] | None = None, **named: Any) -> None:
        """Write a line; likewise the other levels that are used."""
        self._output.on_line(json.dumps({"message": message, **(extra or {}), **named}))

    warning = error = info

    def debug(self, message: str, **_: Any) -> None:
        """Write nothing, as at the usual level."""


class Metrics:
    """What of Powertools' metrics is used."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._told: dict[str, Any] = {"_aws": {}}

    def add_metric(self, name: str, _unit: object, value: float) -> None:
        """Add a value."""
        self._told.setdefault(name, []).append(value)

    def add_dimension(self, name: str, value: str) -> None:
        """Say of what these are."""
        self._told[name] = value

    def add_dimensions(self, **_: str) -> None:
        """Have them for the whole stack as well, which is the same once more."""

    def flush_metrics(self) -> None:
        """Write them."""
        self._output.on_line(json.dumps(self._told))
