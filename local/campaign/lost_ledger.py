"""A scenario in which the ledger is lost and restored, lost for good, and then the hash key."""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from local.campaign.marked_people import moved_to, usable
from local.campaign.reconciliation import Check, Expected, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import SceneError, Stage
from local.machine.cloud import ROOT, aws_environment
from local.traffic.people import Person, Push, exit_of

_RESTORED = "restored"  # the table, as docs/account.md calls it
_SCRIPT_SECONDS = 60.0
_HASH_KEY_BYTES = 32


@dataclass(frozen=True)
class _People:
    """Who is pushed, in the order in which the groups come to RainFocus."""

    back: Sequence[Person]  # change after the moment that is restored, and change back
    same: Sequence[Person]
    later: Sequence[Person]  # come after that moment
    gone: Person  # leaves the audience
    erased: Person  # before that moment


def _lost_ledger(stage: Stage) -> Expected:
    size = stage.many(100, at_least=20)
    some = _People(
        usable(f"{stage.name}-back", size),
        usable(f"{stage.name}-same", size),
        usable(f"{stage.name}-later", size),
        *usable(f"{stage.name}-single", 2),
    )
    # Who leaves gets what it has, so that RainFocus holds what was pushed.
    exits = {"action": "set", "fields": {"jobtitle": some.gone.attendee["jobtitle"]}}
    stage.set_destination({"exits": exits})
    stage.stack.move_to_own_lane(stage.name)  # so that it can be paused
    checks = _restored(stage, some)
    everyone = [*some.back, *some.same, *some.later]
    stage.tell("The ledger is lost for good")
    _lose(stage)
    checks += [
        equal("what becomes of who leaves then", "filtered", _leave(stage, some.gone)),
        equal("what becomes of who is erased then", "delivered", stage.outcome_apart(some.erased)),
        *_all_anew(stage, everyone, "without a ledger"),
    ]
    stage.tell("The hash key is lost")
    _lose_hash_key(stage)
    checks += _all_anew(stage, everyone, "with another hash key")
    return Expected(
        spare_calls=8 * size + 1,
        spare_because="each once more, after the restore and twice without its entry",
        checks=checks,
    )


def _restored(stage: Stage, some: _People) -> list[Check]:
    """Lose the ledger, and restore it as it was before others were delivered."""
    _deliver(stage, [*some.back, *some.same, some.gone])
    stage.stack.operate("erase", "-", "--yes", given=some.erased.attendee["email"])
    _restore(stage)
    stage.tell("Others are delivered, and the ledger is lost")
    _deliver(stage, [*[moved_to(person, "Elsewhere") for person in some.back], *some.later])
    stage.stack.run_command("pause", stage.name)
    _lose(stage)
    stage.push(some.back)
    _copy(stage)
    before = len(stage.calls())
    stage.stack.run_command("resume", stage.name)
    stage.settle()
    back = len(stage.calls()) - before
    rest = [*some.same, *some.later]
    return [
        equal("calls for who had changed since, and changed back", len(some.back), back),
        equal("calls for the others, restored", len(rest), _deliver(stage, rest)),
        equal("calls for all once more", 0, _deliver(stage, [*some.back, *rest])),
        equal(
            "what becomes of who is erased, restored", "filtered", stage.outcome_apart(some.erased)
        ),
        equal("what becomes of who leaves, restored", "delivered", _leave(stage, some.gone)),
    ]


def _all_anew(stage: Stage, everyone: Sequence[Person], how: str) -> list[Check]:
    return [
        equal(f"calls for all, {how}", len(everyone), _deliver(stage, everyone)),
        equal(f"calls for all once more, {how}", 0, _deliver(stage, everyone)),
    ]


def _deliver(stage: Stage, some: Sequence[Person]) -> int:
    """Push people, wait, and return how many calls were made."""
    before = len(stage.calls())
    stage.push(some)
    stage.settle()
    return len(stage.calls()) - before


def _leave(stage: Stage, person: Person) -> str:
    """Have a person leave the audience, and return what became of it."""
    stage.push_each([Push(json.dumps(exit_of(person)), [person])])
    stage.settle()
    return str(stage.ends()[-1]["outcome"])


def _restore(stage: Stage) -> None:
    """Restore the ledger as it is now: the local cloud knows no other moment."""
    stage.tell("The ledger of now is restored, as another table")
    stage.stack.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=stage.stack.outputs["LedgerTableName"],
        TargetTableName=_RESTORED,
        UseLatestRestorableTime=True,
    )


def _lose(stage: Stage) -> None:
    for item in stage.stack.ledger():
        stage.stack.client("dynamodb").delete_item(
            TableName=stage.stack.outputs["LedgerTableName"], Key={"key": item["key"]}
        )


def _copy(stage: Stage) -> None:
    """Run the script of docs/account.md."""
    text = (ROOT / "docs" / "account.md").read_text(encoding="utf-8")
    [script] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ledger = stage.stack.outputs["LedgerTableName"]
    result = subprocess.run(
        [sys.executable, "-c", script, _RESTORED, ledger],
        env=aws_environment(stage.stack.endpoint_url),
        stderr=subprocess.PIPE,
        timeout=_SCRIPT_SECONDS,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SceneError(f"the script failed: {result.stderr.strip()}")


def _lose_hash_key(stage: Stage) -> None:
    stage.stack.client("secretsmanager").put_secret_value(
        SecretId=f"{stage.stack.name}/hash-key", SecretString=secrets.token_hex(_HASH_KEY_BYTES)
    )
    for function in ("IngestFunction", "DeliveryFunction"):  # in place of waiting until they know
        stage.stack.set_variables(function)


SCENARIOS = (
    Scenario(
        "lost-ledger",
        "the ledger is lost and restored, lost for good, and then the hash key",
        _lost_ledger,
        in_tests=False,
        is_apart=True,
    ),
)
