"""Scenarios in which RainFocus refuses: some calls, all calls, or the access token."""

import math
import time
from collections.abc import Sequence

from attendee_sync.delivery.delivery import THREADS
from attendee_sync.observability import LogEvent, Metric
from attendee_sync.rainfocus.circuit_breaker import FAILURES_TO_PAUSE, FIRST_PROBE_SECONDS
from local.campaign.marked_people import known_as, marked_people, usable
from local.campaign.reconciliation import Expected, Refusal, at_most, equal, is_stored
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.simulator.faults import Drip, Effect
from local.traffic.people import Person

_PER_SECOND = 60.0  # profiles, at which the local cloud does not fall behind
_NOT_TAKEN = "refused"
_UNKNOWN_CODE = "4711"
# Of a connection that does not work for a time.
_TOLD = (LogEvent.CONNECTION_PAUSED, Metric.CONNECTION_PAUSED, LogEvent.CONNECTION_RESUMED)


def mixed(everyone: Sequence[Person]) -> list[Person]:
    """Return the people, of whom a few are known as the kinds that fail_mixed() strikes."""
    kinds = {10: "busy", 30: "down", 50: "cut", 70: "strange", 85: "wrong"}
    return [
        known_as(person, kinds[n % 100]) if n % 100 in kinds else person
        for n, person in enumerate(everyone)
    ]


def fail_mixed(stage: Stage) -> None:
    """Have a call fail for each of some kinds of people, and every call for the others."""
    stage.fail(Effect(status=429, retry_after=1), email_regex=r"^busy\.", times=1, per_email=True)
    stage.fail(Effect(status=503), email_regex=r"^down\.", times=1, per_email=True)
    stage.fail(Effect(reset=True), email_regex=r"^cut\.", times=1, per_email=True)
    stage.fail(Effect(code=_UNKNOWN_CODE), email_regex=r"^strange\.")
    stage.fail(Effect(status=400, code="77"), email_regex=r"^wrong\.")


def refused(everyone: Sequence[Person]) -> dict[str, Refusal]:
    """Return why mixed people's profiles become dead letters, by the e-mail of who is refused."""
    why = {
        "strange": Refusal(_NOT_TAKEN, "200", _UNKNOWN_CODE),
        "wrong": Refusal(_NOT_TAKEN, "400", "77"),
    }
    kinds_by_email = {each.attendee["email"]: _kind(each.attendee["email"]) for each in everyone}
    return {email: why[kind] for email, kind in kinds_by_email.items() if kind in why}


def _mix(stage: Stage) -> Expected:
    everyone = mixed(marked_people(stage.name, stage.many(1_000, at_least=100)))
    fail_mixed(stage)
    stage.push(everyone, per_second=_PER_SECOND)
    stage.settle()
    return Expected(refused(everyone))


def _kind(email: str) -> str:
    return email.partition(".")[0]


def _tokens(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(1_000, at_least=60))
    revocations = stage.many(3, at_least=1)
    before = stage.simulator.tokens().requests
    with stage.pushing(everyone, per_second=_PER_SECOND / 3):
        for n in range(revocations):
            stage.until_stored(n * len(everyone) // (revocations + 1) + 1)
            stage.tell("The access token is revoked")
            stage.simulator.revoke_tokens()
    stage.settle()
    fetched = stage.simulator.tokens().requests - before
    limit = revocations + 1
    because = "one for each revocation, and one that is under way"
    return Expected(checks=[at_most("tokens fetched", limit, fetched, because)])


def _configuration(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(500, at_least=60))
    seconds = stage.seconds(60, at_least=3)
    with stage.pushing(everyone, per_second=_PER_SECOND):
        stage.until_stored(len(everyone) // 4)
        stage.tell("RainFocus answers 403 to every call")
        stage.fail(Effect(status=403))
        time.sleep(seconds)
        stage.mend()
        stage.tell("The API profile is mended")
    stage.settle()
    probes = math.ceil(math.log2(1 + seconds / FIRST_PROBE_SECONDS)) + 1
    limit = FAILURES_TO_PAUSE + THREADS + probes
    because = f"{FAILURES_TO_PAUSE} to pause, {THREADS} under way then, {probes} probes"
    failed = sum(not is_stored(each) for each in stage.calls())
    log = "\n".join(stage.stack.function_logs("DeliveryFunction", stage.started))
    told = [each for each in _TOLD if f'"{each}"' in log]
    return Expected(
        checks=[
            at_most("calls that failed", limit, failed, because),
            equal("what the log and the metrics tell", ", ".join(_TOLD), ", ".join(told)),
        ]
    )


def _drip(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(200, at_least=20))
    endless = [known_as(each, "endless") for each in everyone[::10]]
    slow = [each for n, each in enumerate(everyone) if n % 10]
    # Heard in the end: some hundred bytes, in pieces that each come well within a read's time.
    stage.fail(Effect(drip=Drip(chunk_bytes=50, pause_seconds=0.1)), email_regex=r"^(?!endless)")
    # Each piece comes in time, but not the whole: it is stored, and not heard.
    stage.fail(
        Effect(drip=Drip(chunk_bytes=1, pause_seconds=1), apply=True),
        email_regex=r"^endless\.",
        times=1,
        per_email=True,
    )
    stage.push([*slow, *endless])
    stage.settle()
    because = "one that was stored and not heard, of each of whom the answer never ends"
    return Expected(spare_calls=len(endless), spare_because=because)


SCENARIOS = (
    Scenario(
        "mix",
        "of 100 calls one gets 429 with Retry-After, one 503, one a reset; one profile an unknown "
        "code in HTTP 200, one 400",
        _mix,
    ),
    Scenario(
        "drip",
        "RainFocus's answers come in drops, one in ten without an end",
        _drip,
        in_tests=False,
    ),
    Scenario("tokens", "the access token is revoked three times under load", _tokens),
    Scenario(
        "configuration", "every call gets 403 for a minute, then it is mended", _configuration
    ),
)
