"""Connections: how one RainFocus API profile is reached.

RainFocus publishes no API reference. Each default names its source or is called unverified.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

type Environment = Literal["prod", "stg", "dev"]

# prod and stg are seen in several public clients; dev in one allow-list only (unverified).
_HOSTS: dict[Environment, str] = {
    "prod": "https://events.rainfocus.com",
    "stg": "https://events-stg.rainfocus.com",
    "dev": "https://events-dev.rainfocus.com",
}
_URL = r"https?://[^\s/?#]+(/[^\s?#]*)?"


class Connection(BaseModel):
    """One RainFocus API profile. Its credentials stand in a secret of the same name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: Environment = "prod"
    org_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    # RainFocus does not publish it, so there is no default.
    token_url: Annotated[str, StringConstraints(pattern=rf"^({_URL}(\?\S*)?)?$")] = ""
    # Instead of the environment's host.
    base_url: Annotated[str, StringConstraints(pattern=rf"^({_URL})?$")] = ""
    # Unverified: v3 in the only public code that calls attendee/store, v2 in older clients.
    version: Literal["v3", "v2"] = "v3"
    # Unverified: the API asks for `apiProfile` (code 103 without it); that the client id is its
    # value is inferred from Adobe's form, which collects nothing else.
    api_profile: Literal["header", "off"] = "header"
    # Unverified: how long a token is used when the token endpoint does not say, in seconds.
    token_lifetime: Annotated[int, Field(ge=60, le=86_400)] = 600
    connect_timeout: Annotated[float, Field(gt=0, le=10)] = 3.0  # seconds
    read_timeout: Annotated[float, Field(gt=0, le=20)] = 10.0  # seconds

    @field_validator("base_url")
    @classmethod
    def _without_last_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def base(self) -> str:
        """Address of the API, without a slash at its end."""
        return self.base_url or _HOSTS[self.environment]

    def url(self, call: str) -> str:
        """Return the address of an API call such as `attendee/store`."""
        return f"{self.base}/api/{self.org_id}/{self.version}/{call}"

    @property
    def longest_call(self) -> float:
        """Seconds that a call can take: to connect, to the first byte, and to the last."""
        return self.connect_timeout + 2 * self.read_timeout
