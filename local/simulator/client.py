"""A client for the simulator's control calls, for the tests and the demo."""

from collections.abc import Mapping
from typing import Any, Self

import requests

from local.simulator.control import (
    ARMED_FAULT,
    ARMED_FAULTS,
    ATTENDEES,
    COUNTS,
    LOG,
    SETTINGS,
    TOKENS,
    Revoked,
)
from local.simulator.faults import ArmedFault, Fault
from local.simulator.settings import Settings
from local.simulator.state import Attendee, Counts, LogEntry, Tokens

_TIMEOUT_SECONDS = (2, 30)


class SimulatorClient:
    """The control calls of a simulator at `url`.

    Every method raises requests.HTTPError where the simulator refuses what it was sent, and
    requests.RequestException where it does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands before the simulator

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def base_url(self, environment: str = "prod") -> str:
        """Return the base URL of an environment."""
        return f"{self.url}/{environment}"

    def token_url(self, environment: str = "prod") -> str:
        """Return the URL of an environment's token endpoint."""
        return f"{self.url}/{environment}/oauth/token"

    def settings(self) -> Settings:
        """Return all settings."""
        return SETTINGS.validate_json(self._call("GET", "settings"))

    def change_settings(self, patch: Mapping[str, Any]) -> Settings:
        """Merge a partial document into the settings (RFC 7396) and return them all."""
        return SETTINGS.validate_json(self._call("PUT", "settings", document=patch))

    def change_organisation(
        self, patch: Mapping[str, Any], *, environment: str = "prod", org: str = "acme"
    ) -> Settings:
        """Merge a partial document into the settings of one organisation."""
        return self.change_settings({"environments": {environment: {org: patch}}})

    def add_fault(self, fault: Fault) -> ArmedFault:
        """Put a fault in force."""
        document = fault.model_dump(mode="json")
        return ARMED_FAULT.validate_json(self._call("POST", "faults", document=document))

    def faults(self) -> list[ArmedFault]:
        """Return the faults in force, and how often each has struck."""
        return ARMED_FAULTS.validate_json(self._call("GET", "faults"))

    def clear_faults(self) -> None:
        """Take all faults out of force."""
        self._call("DELETE", "faults")

    def tokens(self) -> Tokens:
        """Return how many tokens were asked for, issued and refused."""
        return TOKENS.validate_json(self._call("GET", "tokens"))

    def revoke_tokens(self, *, environment: str | None = None, org: str | None = None) -> int:
        """Revoke all tokens, or those of an environment or an org id; return how many."""
        whose = {"environment": environment, "org": org}
        return Revoked.model_validate_json(
            self._call("POST", "tokens/revoke", document=whose)
        ).revoked

    def attendees(
        self, event: str = "summit2026", *, environment: str = "prod", org: str = "acme"
    ) -> list[Attendee]:
        """Return the attendees of an event, in the order they were created."""
        query = {"environment": environment, "org": org, "event": event}
        return ATTENDEES.validate_json(self._call("GET", "attendees", query=query))

    def log(self, since: int = 0) -> list[LogEntry]:
        """Return the log entries with a number above `since`, the oldest first."""
        return LOG.validate_json(self._call("GET", "log", query={"since": str(since)}))

    def counts(self) -> Counts:
        """Return the calls so far, summed up."""
        return COUNTS.validate_json(self._call("GET", "counts"))

    def reset(self) -> None:
        """Empty everything and bring the default settings back."""
        self._call("POST", "reset")

    def _call(
        self,
        method: str,
        path: str,
        *,
        document: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        answer = self._session.request(
            method,
            f"{self.url}/_sim/{path}",
            json=document,
            params=query,
            timeout=_TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return answer.content
