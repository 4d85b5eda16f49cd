"""A scenario in which AWS's services fail for a moment, as the functions see them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from local.campaign.marked_people import known_as, usable
from local.campaign.reconciliation import Check, Expected, Refusal, at_least, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.machine.aws_faults import AwsFaults, aws_faults
from local.simulator.faults import Effect
from local.traffic.people import Person

_SETTINGS = ("ssm", "secretsmanager")
_BATCH = 10  # profiles that one delivery has in flight
_PER_SECOND = 40.0


@dataclass(frozen=True)
class _Aws:
    """AWS as ingest and as delivery see it."""

    ingest: AwsFaults
    delivery: AwsFaults


_PATIENCE_SECONDS = 60.0
_MOMENT_SECONDS = 2.0  # shorter than a sender goes on for
# After a failure ingest looks at nothing for five seconds. A sender's 15 s and 30 s outlast that.
_SENDER_WAITS = (3.0, 6.0)


def _hiccups(stage: Stage) -> Expected:
    wrong = [known_as(person, "wrong") for person in usable(f"{stage.name}-wrong", _BATCH)]
    everyone = usable(stage.name, stage.many(1_000, at_least=150))
    fifth = len(everyone) // 5
    acts = (_noting, _remembering, _starting_delivery, _starting_ingest, _receiving)
    # A profile that could neither be kept as a dead letter nor put back comes again after the
    # queue's visibility timeout. Of its six minutes the campaign waits for one.
    stage.push(usable(f"{stage.name}-first", 1))  # or no refusal is a profile's fault
    stage.settle()
    with stage.visibility(int(stage.seconds(65, at_least=6))), _proxied(stage) as aws:
        _burying(stage, aws, wrong)
        checks = [
            check
            for n, act in enumerate(acts)
            for check in act(stage, aws, everyone[n * fifth : (n + 1) * fifth])
        ]
        stage.settle()
    failed = aws.ingest.failed + aws.delivery.failed
    told = ", ".join(f"{count} {service}" for service, count in sorted(failed.items()))
    return Expected(
        refused={person.attendee["email"]: Refusal("refused", "400", "77") for person in wrong},
        spare_calls=2 * _BATCH,
        spare_because=f"{_BATCH} rejected as SQS failed, {_BATCH} delivered as the ledger did",
        checks=[*checks, Check("calls to AWS that failed", "told", told, holds=True)],
    )


def _burying(stage: Stage, aws: _Aws, some: Sequence[Person]) -> None:
    stage.tell("SQS fails as dead letters are to be written")
    effect = Effect(status=400, code="77", latency_seconds=1)
    stage.fail(effect, email_regex=r"^wrong\.")
    stage.push_together(some)
    aws.delivery.fail("sqs")
    _mend_later(aws.delivery)


def _noting(stage: Stage, aws: _Aws, some: Sequence[Person]) -> list[Check]:
    stage.tell("DynamoDB fails as profiles are delivered")
    with stage.pushing(some, per_second=_PER_SECOND):
        stage.until_more(lambda: len(stage.stored()), "some are stored")
        aws.delivery.fail("dynamodb")
        _mend_later(aws.delivery)
    return []


def _remembering(stage: Stage, aws: _Aws, some: Sequence[Person]) -> list[Check]:
    """Let the settings be out of reach for longer than they are cached, in the full campaign."""
    stage.tell("SSM and Secrets Manager fail")
    aws.ingest.fail(*_SETTINGS)
    aws.delivery.fail(*_SETTINGS)
    pushed, stored = len(stage.pushed), len(stage.stored())
    pushes = [some[start : start + _BATCH] for start in range(0, len(some), _BATCH)]
    for each in pushes:
        stage.push_together(each)
        time.sleep(stage.seconds(70, at_least=2) / len(pushes))
    stage.until_stored(stored + len(some))
    aws.ingest.mend()
    aws.delivery.mend()
    stage.settle()  # what is stored but not yet noted would be sent again once delivery starts anew
    again = sum(each.attempts > 1 for each in stage.pushed[pushed:])
    return [equal("pushes sent again as settings that had been read were out of reach", 0, again)]


def _starting_delivery(stage: Stage, aws: _Aws, some: Sequence[Person]) -> list[Check]:
    stage.tell("SSM and Secrets Manager fail as delivery starts")
    aws.delivery.fail(*_SETTINGS)
    stage.stack.set_variables("DeliveryFunction")
    stage.push(some)
    _mend_later(aws.delivery)
    return []


def _starting_ingest(stage: Stage, aws: _Aws, some: Sequence[Person]) -> list[Check]:
    stage.tell("SSM and Secrets Manager fail as ingest starts")
    aws.ingest.fail(*_SETTINGS)
    stage.stack.set_variables("IngestFunction")
    return [_again(stage, aws.ingest, some, "pushes sent again as ingest had no settings")]


def _receiving(stage: Stage, aws: _Aws, some: Sequence[Person]) -> list[Check]:
    stage.tell("SQS fails as profiles are pushed")
    aws.ingest.fail("sqs")
    return [_again(stage, aws.ingest, some, "pushes sent again as SQS failed")]


def _again(stage: Stage, aws: AwsFaults, some: Sequence[Person], what: str) -> Check:
    """Push while something fails, and tell how many pushes were sent again for it."""
    before = len(stage.pushed)
    with stage.pushing(some, waits=_SENDER_WAITS):
        _mend_later(aws)
    return at_least(what, 1, sum(each.attempts > 1 for each in stage.pushed[before:]))


def _mend_later(aws: AwsFaults) -> None:
    """Have all work again a moment after the first call failed."""
    aws.struck.wait(_PATIENCE_SECONDS)
    time.sleep(_MOMENT_SECONDS)
    aws.mend()


@contextmanager
def _proxied(stage: Stage) -> Iterator[_Aws]:
    """Have the functions reach AWS by way of proxies while the block runs."""
    url = stage.stack.endpoint_url
    with aws_faults(url) as ingest, aws_faults(url) as delivery:
        stage.stack.set_variables("IngestFunction", AWS_ENDPOINT_URL=ingest.url)
        stage.stack.set_variables("DeliveryFunction", AWS_ENDPOINT_URL=delivery.url)
        try:
            yield _Aws(ingest, delivery)
        finally:
            stage.stack.set_variables("IngestFunction", AWS_ENDPOINT_URL=url)
            stage.stack.set_variables("DeliveryFunction", AWS_ENDPOINT_URL=url)


SCENARIOS = (
    Scenario("aws", "SQS, DynamoDB, SSM and Secrets Manager fail for a moment each", _hiccups),
)
