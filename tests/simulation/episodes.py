"""What goes wrong for a while, and what operators do."""

from random import Random

from attendee_sync.aws.settings import secret_id
from tests.simulation.operator import FAILURES, Operator
from tests.simulation.outside import Outside
from tests.simulation.people import MAPPINGS
from tests.support.stack import STACK

# Seconds at most, of an episode; the longest, in which little happens, now and then only.
_LAST = (5.0, 5.0, 60.0, 60.0, 600.0, 600.0, 600.0, 3_600.0)


class Episodes:
    """Plays the episodes of a run. Each kind has random numbers of its own."""

    def __init__(self, seed: int, outside: Outside, operator: Operator) -> None:
        self.spared = ""  # who is not erased
        self._seed = seed
        self._outside = outside
        self._operator = operator

    def play(self, kind: str) -> None:
        """Have some episodes of a kind."""
        random = Random(f"{self._seed} {kind} episodes")
        for _ in range(random.choice((1, 1, 2, 4))):
            self._outside.scheduler.sleep(random.choice((10, 60, 600)) * random.random())
            try:
                self._episode(kind, random)
            except FAILURES:
                continue  # an operator sees it, and tries again later

    def _episode(self, kind: str, random: Random) -> None:
        lasts = random.choice(_LAST) * random.random()
        match kind:
            case "outage" | "hang" | "lock-out" | "slow":
                self._have_mode(kind, lasts)
            case "revoked":
                self._outside.rainfocus.tokens.clear()
                self._outside.judge.excuse_token()
            case "table-away":
                self._have_away("table-refused", "", min(lasts, 600.0))
            case "queue-away":
                operation = random.choice(("", "send_message_batch"))
                self._have_away("queue-refused", operation, min(lasts, 600.0))
            case "idle":
                self._outside.mapping.is_idle = True
                self._outside.scheduler.sleep(lasts)
                self._outside.mapping.is_idle = False
                self._outside.mapping.look()
            case _:
                self._operate(kind, lasts, random)

    def _operate(self, kind: str, lasts: float, random: Random) -> None:
        """Do what an operator does."""
        match kind:
            case "redrive":
                self._operator.redrive()
            case "pause":
                self._pause(random.choice((1.0, 3.0)) * lasts)
            case "erase":
                self._erase(random)
            case "remap":
                self._outside.remap(random.randrange(len(MAPPINGS)))
            case "new-credentials":
                self._rotate_credentials(f"secret-of-the-simulation-{random.random()}")
            case "new-ingest-token":
                self._rotate_ingest_token(f"secret-of-the-simulation-{random.random()}")
            case "forced-token":
                self._force_token()

    def _have_mode(self, mode: str, seconds: float) -> None:
        if not self._outside.rainfocus.mode:
            self._outside.set_mode(mode)
            self._outside.scheduler.sleep(seconds)
            self._outside.set_mode("")

    def _have_away(self, kind: str, operation: str, seconds: float) -> None:
        self._outside.judge.pauses.see_table_away()
        self._outside.faults.away.add((kind, operation))
        self._outside.scheduler.sleep(seconds)
        self._outside.faults.away.discard((kind, operation))

    def _pause(self, seconds: float) -> None:
        self._operator.pause()
        self._outside.judge.paused(is_paused=True)
        self._outside.scheduler.sleep(seconds)
        self._outside.judge.paused(is_paused=False)
        self._operator.resume()

    def _erase(self, random: Random) -> None:
        """Erase somebody whom a sender has pushed, if there is anybody."""
        emails = self._outside.judge.emails
        if self.spared in emails:
            emails.remove(self.spared)
        if emails:
            email = random.choice(emails)
            self._outside.judge.erasing(email)
            self._operator.erase(email)
            self._outside.judge.erased(email)

    def _rotate_credentials(self, secret: str) -> None:
        """Enter new credentials; RainFocus takes the old ones no more, nor their tokens."""
        self._outside.rainfocus.secrets = {secret}
        self._outside.rainfocus.tokens.clear()
        self._outside.set_credentials(secret)
        self._force_token()

    def _force_token(self) -> None:
        """Have a token renewed that may be young, whoever else renews it meanwhile."""
        self._outside.judge.force_token()
        self._outside.functions.run("token-refresh", {"connection": "default", "force": True})
        self._outside.judge.force_token()

    def _rotate_ingest_token(self, token: str) -> None:
        """Make a new token for senders, who show it a minute later."""
        self._outside.secrets.put(secret_id(STACK, "ingest-token"), token)
        self._outside.scheduler.sleep(60.0)
        self._outside.ingest_token = token
