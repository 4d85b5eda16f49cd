import json

import pytest

from tests.support import fakes
from tests.support.command_line import CommandLine
from tests.support.stack import CONNECTION, STACK, Aws

OWN = (
    f"/{STACK}/connections/default",
    f"/{STACK}/destinations/default",
    f"{STACK}/credentials/default",
    f"{STACK}/api-profile/default",
    f"{STACK}/ingest-token",
    f"{STACK}/senders",
    f"{STACK}/hash-key",
)
ADDED = (
    f"/{STACK}/connections/emea",
    f"/{STACK}/destinations/summit",
    f"{STACK}/credentials/emea",
    f"{STACK}/api-profile/emea",
)
OTHERS = (
    f"/{STACK}-2/connections/default",
    f"/{STACK}2/connections/default",
    f"/other/{STACK}/connections/default",
    f"{STACK}-2/credentials/default",
    f"{STACK}2/credentials/default",
    f"other/{STACK}/credentials/default",
)
REGION = "arn:aws:secretsmanager:eu-west-1:111122223333:secret"


def there(aws: Aws) -> set[str]:
    """Return the names of all parameters, and of the secrets that are not to be deleted."""
    return {*aws.ssm.parameters, *aws.secrets.versions.keys() - aws.secrets.deleted.keys()}


@pytest.fixture
def line(line: CommandLine) -> CommandLine:
    """A stack with what it made, what was added, and other stacks beside it."""
    aws = line.aws
    for name in (*ADDED, *OTHERS):
        if name.startswith("/"):
            aws.ssm.parameters[name] = "{}"
        else:
            aws.secrets.versions[name] = ["{}"]
    aws.stacks.resources = [
        ("AWS::SQS::Queue", "profiles.fifo"),
        *(("AWS::SSM::Parameter", name) for name in OWN[:2]),
        ("AWS::SecretsManager::Secret", OWN[2]),  # as the local cloud has it
        *(("AWS::SecretsManager::Secret", f"{REGION}:{name}-a1B2c3") for name in OWN[3:]),
        ("AWS::Lambda::Function", "attendee-sync-ingest"),
    ]
    assert there(aws) == {*OWN, *ADDED, *OTHERS}
    return line


def delete_stack(aws: Aws) -> None:
    """Delete the stack as CloudFormation does."""
    del aws.stacks.outputs[STACK]
    for name in OWN:
        aws.ssm.parameters.pop(name, None)
        aws.secrets.versions.pop(name, None)


def test_what_a_deleted_stack_leaves_is_removed(line: CommandLine) -> None:
    delete_stack(line.aws)
    said = line.succeed("uninstall", "--yes")
    assert there(line.aws) == set(OTHERS)
    assert all(name in said for name in ADDED)
    assert "Removed 2 settings and 2 secrets." in said
    assert "can be restored until 2027-01-31" in said


def test_before_the_stack_is_deleted_its_own_stay(line: CommandLine) -> None:
    said = line.succeed("uninstall", "--yes")
    assert there(line.aws) == {*OWN, *OTHERS}
    assert "Stack attendee-sync is still there. It holds 7 settings and secrets" in said
    assert "`sam delete` removes them" in said
    delete_stack(line.aws)
    assert "Nothing to remove" in line.succeed("uninstall")
    assert there(line.aws) == set(OTHERS)


def test_it_tells_how_many_and_asks(line: CommandLine) -> None:
    before = there(line.aws)
    result = line.run("uninstall", given="n\n")
    assert result.exit_code == 1
    assert "Remove 2 settings and 2 secrets?" in result.stdout
    assert there(line.aws) == before
    line.succeed("uninstall", given="y\n")
    assert there(line.aws) == {*OWN, *OTHERS}


def test_programs_are_told_what_went(line: CommandLine) -> None:
    delete_stack(line.aws)
    shown = line.json("uninstall", "--yes")
    assert shown == {
        "stack": STACK,
        "stack_exists": False,
        "held_by_stack": [],
        "removed": {"settings": list(ADDED[:2]), "secrets": sorted(ADDED[2:]), "lanes": []},
        "left": {"settings": [], "secrets": [], "lanes": []},
        "restorable_until": "2027-01-31T00:00:00Z",
    }
    again = line.json("uninstall", "--yes")
    assert again["removed"] == {"settings": [], "secrets": [], "lanes": []}
    assert "add --yes" in line.fail("uninstall", "--json", code=2)


def test_a_stack_of_the_same_name_gets_its_secrets_back(line: CommandLine) -> None:
    outputs = dict(line.aws.stacks.outputs)
    delete_stack(line.aws)
    line.succeed("uninstall", "--yes")
    line.aws.stacks.outputs = outputs
    settings = CONNECTION.model_dump_json(exclude_defaults=True)
    said = line.succeed("connections", "set", "emea", "-", "--yes", given=settings)
    assert "is restored with what it held" in said
    assert f"{STACK}/credentials/emea" in there(line.aws)


def test_by_force_nothing_can_be_restored(line: CommandLine) -> None:
    delete_stack(line.aws)
    line.succeed("uninstall", "--yes")
    assert line.aws.secrets.deleted
    shown = line.json("uninstall", "--yes", "--force")
    assert shown["removed"]["secrets"] == sorted(ADDED[2:])
    assert shown["restorable_until"] is None
    assert {*line.aws.ssm.parameters, *line.aws.secrets.versions} == set(OTHERS)


def test_more_than_a_page_is_removed(line: CommandLine) -> None:
    delete_stack(line.aws)
    line.aws.ssm.parameters |= {f"/{STACK}/destinations/d{n}": "{}" for n in range(37)}
    line.aws.secrets.versions |= {f"{STACK}/credentials/c{n}": ["{}"] for n in range(23)}
    shown = line.json("uninstall", "--yes")
    assert (len(shown["removed"]["settings"]), len(shown["removed"]["secrets"])) == (39, 25)
    assert there(line.aws) == set(OTHERS)


@pytest.mark.parametrize("how", ["interrupted", "denied"])
@pytest.mark.parametrize("call", range(4))
def test_wherever_it_ends_another_run_completes_it(line: CommandLine, call: int, how: str) -> None:
    delete_stack(line.aws)
    if how == "interrupted":
        line.aws.secrets.calls_to_interruption = call
    else:
        failure = fakes.denied("AccessDeniedException", "DeleteSecret")
        line.aws.secrets.failures = [*[None] * call, failure]
    first = line.run("uninstall", "--yes", "--json")
    assert first.exit_code == (0 if call == 3 else 130 if how == "interrupted" else 1)
    if 0 < call < 3:
        shown = json.loads(first.stdout)
        assert len(shown["left"]["secrets"]) == 3 - call
    line.aws.secrets.failures, line.aws.secrets.calls_to_interruption = [], -1
    line.succeed("uninstall", "--yes")
    assert there(line.aws) == set(OTHERS)
