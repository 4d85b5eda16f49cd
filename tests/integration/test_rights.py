"""People of each of the template's policies run commands, with IAM enforced."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.machine.cloud import aws_environment
from tests.support.local import Local

POLICIES = ("ViewerPolicy", "OperatorPolicy", "ManagerPolicy")  # each needs the ones before it
RIGHTS = ("ViewerPolicy", "PrivacyPolicy")
# Not `destinations pause`: the local cloud takes each call about a mapping for a list of them.
COMMANDS = {
    "ViewerPolicy": (
        "connections show default",
        "preview default {profile}",
        "status",
    ),
    "OperatorPolicy": (
        "failures",
        "lookup ada@example.com",
        "push default {profile}",
        "redrive --dry-run",
    ),
    "ManagerPolicy": (
        "connections set rights {connection} --yes",
        "senders add rights",
        "senders rotate rights --yes",
        "senders remove rights --yes",
        "token refresh default",
    ),
}
_SECONDS = 600.0  # `erase` waits for one of these minutes


@dataclass(frozen=True)
class Person:
    """Somebody with an access key."""

    stack: str
    environment: dict[str, str]

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of the operator's command line."""
        command = [str(Path(sys.executable).parent / "attendee-sync"), "--stack", self.stack]
        return subprocess.run(
            [*command, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            text=True,
            check=False,
        )


@pytest.fixture
def files(local: Local, tmp_path: Path) -> Iterator[dict[str, str]]:
    contents = {"profile": {"email": "ada@example.com"}, "connection": {"org_id": "acme"}}
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    yield {name: str(tmp_path / name) for name in contents}
    with contextlib.suppress(ClientError):  # only managers made it
        local.stack.delete_connection("rights")


@contextlib.contextmanager
def person(local: Local, policies: Sequence[str]) -> Iterator[Person]:
    """Have a user with some of the template's policies while the block runs."""
    iam: Any = local.stack.client("iam")
    name = f"{local.stack.name}-somebody"
    iam.create_user(UserName=name)
    for each in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=local.stack.outputs[each])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    environment = aws_environment(local.stack.endpoint_url) | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "PATH": os.defpath,
    }
    try:
        yield Person(local.stack.name, environment)
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for each in policies:
            iam.detach_user_policy(UserName=name, PolicyArn=local.stack.outputs[each])
        iam.delete_user(UserName=name)


@pytest.mark.parametrize("policy", COMMANDS)
def test_a_person_may_do_what_a_policy_is_for_and_not_what_the_next_one_is(
    local: Local, files: dict[str, str], policy: str
) -> None:
    own = POLICIES.index(policy) + 1
    with person(local, POLICIES[:own]) as somebody:
        for words in COMMANDS[policy]:
            result = somebody.run(words.format(**files).split())
            assert result.returncode == 0, f"{words}: {result.stderr}"
        denied = [words for each in POLICIES[own : own + 1] for words in COMMANDS[each]]
        for words in denied:
            result = somebody.run(words.format(**files).split())
            assert result.returncode == 1, f"{words}: {result.stdout}"
            assert "is not authorized to perform" in result.stderr
            assert "OperatorPolicy, PrivacyPolicy or ManagerPolicy" in result.stderr


def test_who_looks_after_people_s_rights_shows_and_erases_and_repairs_nothing(
    local: Local, files: dict[str, str]
) -> None:
    email, after = "erased-by-right@example.com", "after-the-erased@example.com"
    local.push([{"email": email, "zip": "1"}])
    local.wait_for_attendee(email)
    with person(local, RIGHTS) as somebody:
        assert somebody.run(["failures"]).returncode == 0
        erased = somebody.run(["erase", email, "--yes", "--json"])
        assert erased.returncode == 0, erased.stderr
        [place] = [
            each
            for each in json.loads(erased.stdout)["destinations"]
            if each["destination"] == "default"
        ]
        assert (place["ledger_entries"], bool(place["attendee_id"])) == (1, True)
        assert email not in erased.stdout

        local.push([{"email": email, "zip": "2"}, {"email": after}])
        local.wait_for_attendee(after)
        local.wait_until_idle()
        assert local.attendees()[email].fields["zip"] == "1"
        looked_up = json.loads(somebody.run(["lookup", email, "--json"]).stdout)
        assert looked_up["blocked_since"]
        assert not any(each["known"] for each in looked_up["destinations"])

        for words in (f"push default {files['profile']}", "token refresh default"):
            assert somebody.run(words.split()).returncode == 1, words
        assert somebody.run(["erase", email, "--lift", "--yes"]).stdout == "Lifted.\n"


def test_a_viewer_s_status_tells_what_another_policy_would_show(local: Local) -> None:
    with person(local, POLICIES[:1]) as somebody:
        result = somebody.run(["status"])
    assert "may be seen with ManagerPolicy" in result.stdout
    assert "may be seen with OperatorPolicy" in result.stdout
