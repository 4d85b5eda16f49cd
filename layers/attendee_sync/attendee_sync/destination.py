"""Destinations: where profiles go."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

type Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]


class Destination(BaseModel):
    """An event of a RainFocus organisation, and the connection that leads there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    description: str = ""
    connection: Name = "default"
    event_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
