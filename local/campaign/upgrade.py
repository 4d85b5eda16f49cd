"""A scenario in which a stack that is in use gets another version, and goes back."""

import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path

import requests

from local.campaign.marked_people import known_as, moved_to, usable
from local.campaign.reconciliation import Check, Expected, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.machine import stack as stacks
from local.machine.earlier import earlier_version
from local.machine.environment import ORG_ID
from local.simulator.faults import Effect
from local.traffic.people import Person, Push, as_xdm
from local.traffic.traffic import Pushed

_REJECTED = 10
_IN_LANE = 20  # people
_LANE_SECONDS = 300.0
_PUSH_SECONDS = 30.0
_PER_PUSH = 10  # profiles


@dataclass(frozen=True)
class _Held:
    """What a stack holds as it gets another version."""

    delivered: Sequence[Person]
    waiting: Sequence[Person]  # as pushed last
    lane: str  # a destination whose own lane is paused
    in_lane: int  # messages
    token: str  # of a sender of its own
    stored: dict[str, str]  # settings, secrets and what the ledger knows of attendees, by name


def _upgrade(stage: Stage) -> Expected:
    earlier = earlier_version()
    stage.running = replace(
        stage.running, stack=replace(stage.stack, command_line=earlier.command_line)
    )
    code = _code(stage)
    [erased] = usable(f"{stage.name}-erased", 1)
    with ThreadPoolExecutor(1) as background:  # an erasure waits until no call is under way
        erasing = background.submit(
            stage.stack.operate, "erase", "-", "--yes", given=erased.attendee["email"]
        )
        held = _fill(stage, "before")
        erasing.result()
    stage.tell(f"{earlier.name} is upgraded")
    _deploy(stage, stage.running.build / "template.yaml", ())
    checks = [equal("it runs the earlier code, upgraded", False, _code(stage) == code)]
    checks += _go_on(stage, held, "upgraded")
    checks.append(_still_erased(stage, erased, "upgraded"))
    held = _fill(stage, "after")
    stage.tell(f"It goes back to {earlier.name}")
    _deploy(stage, earlier.template, earlier.command_line)
    checks.append(equal("it runs the earlier code, back", True, _code(stage) == code))
    checks += _go_on(stage, held, "back")
    checks.append(_still_erased(stage, erased, "back"))
    return Expected(redriven=True, spare_ends=2 * _REJECTED, checks=checks)


def _fill(stage: Stage, when: str) -> _Held:
    """Edit settings, deliver some, have some rejected, and let others wait in two lanes."""
    stage.tell("It is filled")
    _edit_settings(stage, when)
    size = stage.many(200, at_least=20)
    delivered = usable(f"{stage.name}-{when}-delivered", size)
    stage.push(delivered)
    stage.settle()
    stage.fail(Effect(status=400, code="77"), email_regex=r"^wrong\.")
    rejected = usable(f"{stage.name}-{when}-rejected", _REJECTED)
    stage.push([known_as(person, "wrong") for person in rejected])
    stage.settle()
    stage.mend()
    lane = f"{stage.name}-{when}"
    stage.add_destination(lane, "default")
    stage.stack.move_to_own_lane(lane)
    stage.stack.run_command("pause", lane)
    token = _sender_token(stage, when)
    stage.tell("RainFocus is away, and a lane paused")
    stage.fail(Effect(status=503))
    waiting = usable(f"{stage.name}-{when}-waiting", size)
    in_lane = usable(f"{stage.name}-{when}-lane", _IN_LANE)
    for city in ("Older", "Newest"):
        stage.push([moved_to(person, city) for person in waiting])
        some = [moved_to(person, city) for person in in_lane]
        stage.push_each([Push(json.dumps([as_xdm(each) for each in some]), some, lane)])
    newest = [moved_to(person, "Newest") for person in waiting]
    return _Held(delivered, newest, lane, 2 * _IN_LANE, token, _stored(stage))


def _edit_settings(stage: Stage, when: str) -> None:
    stage.set_destination({"description": f"edited {when}"})
    connection = {
        "org_id": ORG_ID,
        "base_url": stage.simulator.base_url(),
        "auth": {"token_url": stage.simulator.token_url()},
        "limits": {"read_timeout": 7},
    }
    stage.stack.put_connection("default", connection)


def _sender_token(stage: Stage, name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "token"
        stage.stack.run_command("senders", "add", name, "--out", str(file))
        return file.read_text(encoding="utf-8").strip()


def _deploy(stage: Stage, template: Path, command_line: tuple[Path, ...]) -> None:
    """Deploy another version over the stack, as `make deploy` does."""
    running = stage.running
    stack = stacks.deploy(running.cloud, running.stack.name, running.parameters, template=template)
    stage.running = replace(running, stack=replace(stack, command_line=command_line))
    stage.stack.run_command("destinations", "upgrade", "--yes")


def _go_on(stage: Stage, held: _Held, when: str) -> list[Check]:
    """Drive the stack on, and return what must hold of what it held."""
    stage.tell("It goes on")
    kept = _stored(stage)
    changed = sum(kept.get(name) != text for name, text in held.stored.items())
    stage.mend()
    profile_queue = stage.stack.profile_queue
    stage.until(lambda: not profile_queue().total, _LANE_SECONDS, "the shared lane is empty")
    in_lane = stage.stack.waiting()
    stage.stack.run_command("resume", held.lane)
    stage.settle()
    checks = [
        equal(f"settings, secrets and ledger entries that changed, {when}", 0, changed),
        equal(f"messages that still wait in the paused lane, {when}", held.in_lane, in_lane),
    ]
    return [*checks, *_repeat(stage, held, when), *_redrive(stage, when), *_move(stage, held, when)]


def _still_erased(stage: Stage, person: Person, when: str) -> Check:
    outcome = stage.outcome_apart(person)
    return equal(f"what becomes of who was erased, {when}", "filtered", outcome)


def _repeat(stage: Stage, held: _Held, when: str) -> list[Check]:
    """Push once more what was delivered by either version."""
    calls, ends = len(stage.calls()), len(stage.ends())
    some = [*held.delivered, *held.waiting]
    stage.push(some)
    stage.settle()
    outcomes = [end["outcome"] for end in stage.ends()[ends:]]
    return [
        equal(f"unchanged when pushed again, {when}", len(some), outcomes.count("unchanged")),
        equal(f"calls for those, {when}", 0, len(stage.calls()) - calls),
    ]


def _redrive(stage: Stage, when: str) -> list[Check]:
    done = stage.stack.operate("redrive", "--destination", stage.name, "--yes")
    stage.settle()
    return [
        equal(f"dead letters redriven, {when}", _REJECTED, done["redriven"]),
        equal(f"dead letters left, {when}", 0, len(stage.dead_letters())),
    ]


def _move(stage: Stage, held: _Held, when: str) -> list[Check]:
    """Push news of the same people, as a sender with a token of its own."""
    people = [moved_to(person, f"Moved {when}") for person in (*held.delivered, *held.waiting)]
    before = len(stage.stored())
    for some in batched(people, _PER_PUSH, strict=False):
        stage.pushed.append(_pushed_with(stage, held.token, some))
    stage.settle()
    stored = len(stage.stored()) - before
    return [equal(f"delivered of a sender's own, {when}", len(people), stored)]


def _pushed_with(stage: Stage, token: str, some: Sequence[Person]) -> Pushed:
    body = json.dumps([as_xdm(person) for person in some])
    url, headers = stage.stack.push_url(stage.name)
    headers |= {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    sent_at = time.time()
    answer = requests.post(url, data=body, headers=headers, timeout=_PUSH_SECONDS)
    return Pushed(Push(body, some), sent_at, answer, attempts=1)


def _code(stage: Stage) -> str:
    """Return the digest of what delivery has of the layer."""
    client = stage.stack.client("lambda")
    name = stage.stack.resources["DeliveryFunction"]
    [layer] = client.get_function_configuration(FunctionName=name)["Layers"]
    found = client.get_layer_version_by_arn(Arn=layer["Arn"])
    return str(found["Content"]["CodeSha256"])


def _stored(stage: Stage) -> dict[str, str]:
    """Return by name what people edited, and what the ledger knows of attendees."""
    stack = stage.stack
    edited = f"/{stack.name}/"
    found = stack.client("ssm").get_paginator("get_parameters_by_path")
    pages = found.paginate(Path=edited, Recursive=True)
    settings = {each["Name"]: each["Value"] for page in pages for each in page["Parameters"]}
    secrets = stack.client("secretsmanager")
    listed = secrets.get_paginator("list_secrets").paginate()
    names = [each["Name"] for page in listed for each in page["SecretList"]]
    return (
        {name: text for name, text in settings.items() if "/template/" not in name}
        | {name: secrets.get_secret_value(SecretId=name)["SecretString"] for name in names}
        | {
            item["key"]["S"]: json.dumps(item, sort_keys=True)
            for item in stack.ledger()
            if item["key"]["S"].startswith("attendee#")
        }
    )


SCENARIOS = (
    Scenario(
        "upgrade",
        "an earlier version with profiles waiting is upgraded, and goes back",
        _upgrade,
        in_tests=False,
        is_apart=True,
        begins_earlier=True,
    ),
)
