"""A network for the doctor."""

from dataclasses import dataclass, field

from attendee_sync_cli.doctor.network import Network


@dataclass
class Reach(Network):
    """A network in which all hosts are reached, except those that fail."""

    fails: dict[str, OSError] = field(default_factory=dict)
    asked: list[tuple[str, object]] = field(default_factory=list)

    def resolve(self, host: str, seconds: float) -> None:
        self._ask("resolve", host, seconds)

    def connect(self, host: str, port: int, seconds: float) -> None:
        self._ask("connect", f"{host}:{port}", seconds)

    def handshake(self, host: str, port: int, seconds: float) -> None:
        self._ask("handshake", f"{host}:{port}", seconds)

    def _ask(self, how: str, what: str, seconds: float) -> None:
        assert seconds > 0
        self.asked.append((how, what))
        if what in self.fails:
            raise self.fails[what]
