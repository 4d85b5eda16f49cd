"""The commands that give senders tokens of their own."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from attendee_sync.ingest import senders
from attendee_sync.ingest.api import HttpRequest
from attendee_sync.ingest.senders import Sender, SenderToken
from tests.support import fakes
from tests.support.command_line import CommandLine, cells
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import DELIVERY_LOG, STACK, Aws, Clock

SECRET = f"{STACK}/senders"
TOKEN = re.compile(r"[0-9a-f]{64}")
NOW = 1_700_000_000


@pytest.fixture(autouse=True)
def _stack(aws: Aws, wall: Clock) -> None:
    wall.now = NOW
    aws.set_destination("summit", connection="default", event_code="summit2027")


def stored(aws: Aws) -> dict[str, Sender]:
    return {each.name: each for each in senders.parse(aws.secrets.versions[SECRET][-1])}


def made(line: CommandLine, *words: str) -> str:
    """Run a command that makes a token, and return the token."""
    result = line.run("senders", *words)
    assert result.exit_code == 0, result.output
    token = result.stdout.strip()
    assert TOKEN.fullmatch(token)
    return token


def status(aws: Aws, token: str, destination: str = "summit") -> int:
    """Return what a push is answered by functions that read all anew."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    body = '{"email": "ada@example.com"}'
    return aws.ingest().push(HttpRequest("push", destination, headers, body)).status


# --- add ----------------------------------------------------------------------------------------


def test_a_new_sender_s_token_is_all_that_standard_output_has(line: CommandLine) -> None:
    result = line.run("senders", "add", "aep", "--destination", "summit")
    assert result.exit_code == 0
    assert TOKEN.fullmatch(result.stdout.strip())
    assert "The token of sender aep, which nobody can show again:" in result.stderr
    assert "It may push to summit, and is taken within seconds." in result.stderr
    assert result.stdout.strip() not in result.stderr
    assert line.aws.secrets.versions[SECRET][-1].count(result.stdout.strip()) == 0


def test_a_new_sender_pushes_where_it_may(line: CommandLine) -> None:
    limited, free = made(line, "add", "aep", "--destination", "summit"), made(line, "add", "crm")
    assert (status(line.aws, limited), status(line.aws, limited, "default")) == (202, 403)
    assert (status(line.aws, free), status(line.aws, free, "default")) == (202, 202)


def test_a_token_can_go_to_a_file_that_only_its_owner_reads(
    line: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "aep.token"
    assert line.run("senders", "add", "aep", "--out", str(file)).stdout == ""
    assert file.stat().st_mode & 0o777 == 0o600
    assert status(line.aws, file.read_text().strip()) == 202
    told = line.json("senders", "rotate", "aep", "--yes", "--out", f"{file}.new")
    assert (told["token"], told["out"]) == (None, f"{file}.new")


def test_a_file_that_is_there_is_left_alone_and_nothing_is_stored(
    line: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "aep.token"
    file.write_text("other")
    assert "--out" in line.fail("senders", "add", "aep", "--out", str(file), code=2)
    assert file.read_text() == "other"
    assert stored(line.aws) == {}


def test_a_sender_that_could_not_be_stored_leaves_no_file(
    line: CommandLine, tmp_path: Path
) -> None:
    line.aws.secrets.failures = [None, fakes.denied("LimitExceededException", "PutSecretValue")]
    line.fail("senders", "add", "aep", "--out", str(tmp_path / "aep.token"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["add", "crm"], 1, "There is a sender crm already. `attendee-sync senders rotate crm`"),
        (["add", "Not a name"], 2, "a name has lower-case letters"),
        (["add", "aep", "--destination", "other"], 1, "There is no destination other"),
        (["add", "aep", "--destination", "not/one"], 2, "a name has lower-case letters"),
        (["rotate", "aep", "--yes"], 1, "There is no sender aep in stack attendee-sync"),
        (["remove", "aep", "--yes"], 1, "`attendee-sync senders list` shows those there are"),
        (["rotate", "crm", "--overlap-hours", "-1"], 2, "overlap-hours"),
        (["rotate", "crm", "--json"], 2, "add --yes"),
        (["remove", "crm", "--json"], 2, "add --yes"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_changes(
    line: CommandLine, words: list[str], code: int, told: str
) -> None:
    made(line, "add", "crm")
    before = list(line.aws.secrets.versions[SECRET])
    assert told in line.fail("senders", *words, code=code)
    assert line.aws.secrets.versions[SECRET] == before


def test_a_stack_of_before_is_told_to_be_upgraded(line: CommandLine) -> None:
    del line.aws.secrets.versions[SECRET]
    assert "`make deploy` upgrades" in line.fail("senders", "add", "aep")


def test_a_secret_that_somebody_broke_is_told_and_left_alone(line: CommandLine) -> None:
    line.aws.secrets.versions[SECRET] = ["{broken"]
    assert f"The secret {SECRET} is not valid" in line.fail("senders", "add", "aep")
    assert line.aws.secrets.versions[SECRET] == ["{broken"]


def test_more_senders_than_the_secret_holds_are_refused(line: CommandLine) -> None:
    destinations = tuple(f"destination-{n}" for n in range(3_000))
    token = SenderToken(senders.digest(b"token"), NOW)
    line.aws.secrets.versions[SECRET] = [senders.dump([Sender("big", destinations, (token,))])]
    told = "Secrets Manager takes 65536 bytes, and the senders of stack attendee-sync"
    for n in range(300):
        result = line.run("senders", "add", f"sender-{n}")
        if result.exit_code:
            break
    assert told in result.stderr
    assert len(stored(line.aws)) > 20


# --- rotate -------------------------------------------------------------------------------------


def test_the_old_token_is_taken_for_a_day_unless_something_else_is_said(
    line: CommandLine, wall: Clock
) -> None:
    old = made(line, "add", "aep")
    new = made(line, "rotate", "aep", "--yes")
    wall.now = NOW + 86_399
    assert (status(line.aws, old), status(line.aws, new)) == (202, 202)
    wall.now = NOW + 86_400
    assert (status(line.aws, old), status(line.aws, new)) == (403, 202)


def test_without_overlap_every_older_token_ends_at_once(line: CommandLine) -> None:
    tokens = [made(line, "add", "aep"), made(line, "rotate", "aep", "--yes")]
    tokens.append(made(line, "rotate", "aep", "--yes"))
    assert [status(line.aws, each) for each in tokens] == [202, 202, 202]
    tokens.append(made(line, "rotate", "aep", "--overlap-hours", "0", "--yes"))
    assert [status(line.aws, each) for each in tokens] == [403, 403, 403, 202]


def test_a_rotation_never_lets_an_old_token_live_longer(line: CommandLine, wall: Clock) -> None:
    old = made(line, "add", "aep")
    made(line, "rotate", "aep", "--overlap-hours", "1", "--yes")
    made(line, "rotate", "aep", "--overlap-hours", "48", "--yes")
    wall.now = NOW + 3_600
    assert status(line.aws, old) == 403
    made(line, "rotate", "aep", "--yes")
    assert len(stored(line.aws)["aep"].tokens) == 3  # what has ended is not kept


def test_a_rotation_keeps_where_a_sender_may_push(line: CommandLine) -> None:
    made(line, "add", "aep", "--destination", "summit")
    new = made(line, "rotate", "aep", "--yes")
    assert (status(line.aws, new), status(line.aws, new, "default")) == (202, 403)


def test_a_question_says_when_the_old_token_ends_and_a_no_changes_nothing(
    line: CommandLine,
) -> None:
    made(line, "add", "aep")
    before = stored(line.aws)
    result = line.run("senders", "rotate", "aep", given="n\n")
    assert result.exit_code == 1
    assert not TOKEN.search(result.stdout)
    assert "refuse the old one 2023-11-15T22:13:20Z (in 24 h 0 min)?" in result.stderr
    assert line.run("senders", "remove", "aep", given="n\n").exit_code == 1
    assert stored(line.aws) == before
    assert TOKEN.search(line.run("senders", "rotate", "aep", given="y\n").stdout)


# --- list, remove -------------------------------------------------------------------------------


def test_senders_are_listed_without_tokens(line: CommandLine) -> None:
    assert "No sender has a token of its own" in line.succeed("senders", "list")
    assert line.json("senders", "list") == []
    tokens = [made(line, "add", "crm"), made(line, "add", "aep", "--destination", "summit")]
    tokens.append(made(line, "rotate", "crm", "--yes"))
    line.hidden = (*tokens, *(senders.digest(each.encode()) for each in tokens))
    assert cells(line.succeed("senders", "list")) == [
        ["sender", "may push to", "since", "old token until", "client id"],
        ["aep", "summit", "2023-11-14T22:13:20Z"],
        ["crm", "all destinations", "2023-11-14T22:13:20Z", "2023-11-15T22:13:20Z"],
    ]
    assert line.json("senders", "list")[0] == {
        "sender": "aep",
        "destinations": ["summit"],
        "token_made_at": "2023-11-14T22:13:20Z",
        "old_token_ends_at": None,
        "client_id": None,
    }


def test_a_removed_sender_is_refused_and_its_name_can_be_given_again(line: CommandLine) -> None:
    token, other = made(line, "add", "aep"), made(line, "add", "crm")
    assert line.json("senders", "remove", "aep", "--yes") == {"sender": "aep", "removed": True}
    assert (status(line.aws, token), status(line.aws, other)) == (403, 202)
    assert status(line.aws, made(line, "add", "aep")) == 202


# --- where a sender is told ---------------------------------------------------------------------


def test_failures_and_traces_name_the_sender(
    line: CommandLine, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = fakes.envelope("105", "zip is not known", status=400)
    ada, ben = {"email": "ada@example.com"}, {"email": "ben@example.com"}
    harness.push(ada, token=made(line, "add", "aep"))
    harness.push(ben)
    harness.work()
    for text in output().splitlines():
        line.aws.logs.write(DELIVERY_LOG, text)

    [failed] = line.json("failures")["failures"]
    assert (failed["count"], failed["senders"]) == (2, {"aep": 1})
    assert ", 1 from aep, such as " in line.succeed("failures")
    listed = line.json("failures", "--list")["dead_letters"]
    assert sorted(each["sender"] for each in listed) == ["", "aep"]
    [first] = [each["id"] for each in listed if each["sender"]]
    assert ["sender", "aep"] in cells(line.succeed("failures", "--show", first))
    [found] = line.json("lookup", "ada@example.com", "--trace", "--destination", "default")[
        "destinations"
    ]
    assert [each["sender"] for each in found["trace"][0]["events"]] == ["aep", "aep"]
    shown = line.succeed("lookup", "ada@example.com", "--trace", "--destination", "default")
    assert "accepted from aep" in shown
    shown = line.succeed("lookup", "ben@example.com", "--trace", "--destination", "default")
    assert "accepted" in shown
    assert "from" not in shown


# --- changes at the same time -------------------------------------------------------------------


def test_no_change_is_lost_that_somebody_makes_at_the_same_time(line: CommandLine) -> None:
    token = SenderToken(senders.digest(b"other"), NOW)
    others = iter([Sender("one", (), (token,)), Sender("two", (), (token,))])
    reads = line.aws.secrets.get_secret_value

    def outrun(**request: object) -> dict[str, object]:
        answer = reads(**request)
        if other := next(others, None):  # between our look and our change
            known = stored(line.aws)
            line.aws.secrets.rotate(SECRET, senders.dump([*known.values(), other]))
        return answer

    line.aws.secrets.get_secret_value = outrun  # type: ignore[method-assign]
    made(line, "add", "aep")
    assert stored(line.aws).keys() == {"aep", "one", "two"}


def test_a_name_that_somebody_else_gives_at_the_same_time_is_refused(line: CommandLine) -> None:
    reads, times = line.aws.secrets.get_secret_value, iter([True])
    token = SenderToken(senders.digest(b"other"), NOW)

    def outrun(**request: object) -> dict[str, object]:
        answer = reads(**request)
        if next(times, False):
            line.aws.secrets.rotate(SECRET, senders.dump([Sender("aep", (), (token,))]))
        return answer

    line.aws.secrets.get_secret_value = outrun  # type: ignore[method-assign]
    assert "There is a sender aep already" in line.fail("senders", "add", "aep")
    assert stored(line.aws)["aep"].tokens == (token,)


def test_a_lost_answer_does_not_store_a_change_twice(line: CommandLine) -> None:
    moves = line.aws.secrets.update_secret_version_stage

    def lost(**request: object) -> dict[str, object]:
        moves(**request)
        return moves(**request)  # as botocore does when no answer comes

    line.aws.secrets.update_secret_version_stage = lost  # type: ignore[method-assign]
    token = made(line, "add", "aep")
    assert status(line.aws, token) == 202
    assert len(line.aws.secrets.versions[SECRET]) == 2


def test_who_is_outrun_again_and_again_is_told(line: CommandLine) -> None:
    line.aws.secrets.update_secret_version_stage = _always_outrun  # type: ignore[method-assign]
    assert "nothing was changed" in line.fail("senders", "add", "aep")
    assert json.loads(line.aws.secrets.versions[SECRET][-1]) == {}


def _always_outrun(**_request: object) -> dict[str, object]:
    raise fakes.denied("InvalidParameterException", "UpdateSecretVersionStage")


# --- OAuth 2 ------------------------------------------------------------------------------------

TOKEN_PAGE = "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/token"


def give_access_tokens(aws: Aws) -> None:
    """Let the stack be one that was deployed with OAuthDomain."""
    aws.stacks.outputs[STACK] |= {"SenderPoolId": "eu-west-1_pool", "OAuthTokenUrl": TOKEN_PAGE}


def give_client(line: CommandLine) -> None:
    """Add the sender aep with an app client."""
    assert line.run("senders", "add", "aep", "--oauth2").exit_code == 0


def pushed_by(aws: Aws, client_id: str, destination: str = "summit") -> int:
    """Return what a push is answered whose access token API Gateway has checked."""
    headers = {"content-type": "application/json"}
    body = '{"email": "ada@example.com"}'
    request = HttpRequest("push", destination, headers, body, client_id=client_id)
    return aws.ingest().push(request).status


def test_a_sender_of_oauth_2_gets_an_app_client_and_pushes_where_it_may(line: CommandLine) -> None:
    give_access_tokens(line.aws)
    result = line.run("senders", "add", "aep", "--oauth2", "--destination", "summit")
    assert (result.exit_code, result.stdout) == (0, "client-1-secret\n")
    assert "client-1-secret" not in result.stderr
    for told in ("Client id: client-1", f"Access token URL: {TOKEN_PAGE}"):
        assert told in result.stderr
    assert "/v1/oauth2/destinations/summit/profiles" in result.stderr.replace("\n", "")
    [made_client] = line.aws.cognito.clients.values()
    assert made_client["AllowedOAuthFlows"] == ["client_credentials"]
    assert made_client["AllowedOAuthScopes"] == ["attendee-sync/push"]
    assert (pushed_by(line.aws, "client-1"), pushed_by(line.aws, "client-1", "default")) == (
        202,
        403,
    )
    assert "client-1-secret" not in line.aws.secrets.versions[SECRET][-1]


def test_an_app_client_s_id_and_secret_are_no_bearer_tokens(line: CommandLine) -> None:
    give_access_tokens(line.aws)
    give_client(line)
    assert [status(line.aws, each) for each in ("client-1", "client-1-secret")] == [403, 403]
    assert pushed_by(line.aws, "client-2") == 403


def test_an_app_client_is_told_in_json_and_its_secret_goes_to_a_file(
    line: CommandLine, tmp_path: Path
) -> None:
    give_access_tokens(line.aws)
    file = tmp_path / "aep.secret"
    told = line.json("senders", "add", "aep", "--oauth2", "--out", str(file))
    assert file.read_text() == "client-1-secret\n"
    assert (told["client_id"], told["client_secret"]) == ("client-1", None)
    assert told["token_url"] == TOKEN_PAGE
    [listed] = line.json("senders", "list")
    assert (listed["client_id"], listed["destinations"]) == ("client-1", [])
    assert "client-1" in line.succeed("senders", "list")


def test_an_app_client_goes_with_its_sender_and_with_what_could_not_be_stored(
    line: CommandLine, tmp_path: Path
) -> None:
    give_access_tokens(line.aws)
    line.aws.secrets.failures = [None, None, fakes.denied("LimitExceededException")]
    line.fail("senders", "add", "aep", "--oauth2", "--out", str(tmp_path / "aep.secret"))
    assert line.aws.cognito.clients == {}
    assert list(tmp_path.iterdir()) == []
    give_client(line)
    line.succeed("senders", "remove", "aep", "--yes")
    assert line.aws.cognito.clients == {}
    assert pushed_by(line.aws, "client-2") == 403


def test_a_sender_goes_though_its_app_client_or_pool_is_gone_already(line: CommandLine) -> None:
    give_access_tokens(line.aws)
    give_client(line)
    line.aws.cognito.clients.clear()
    line.succeed("senders", "remove", "aep", "--yes")
    give_client(line)
    del line.aws.stacks.outputs[STACK]["SenderPoolId"]
    line.succeed("senders", "remove", "aep", "--yes")
    assert stored(line.aws) == {}


def test_what_an_app_client_is_not_made_for_is_told(line: CommandLine) -> None:
    assert "the parameter OAuthDomain" in line.fail("senders", "add", "aep", "--oauth2")
    give_access_tokens(line.aws)
    made(line, "add", "crm")
    assert "There is a sender crm already" in line.fail("senders", "add", "crm", "--oauth2")
    give_client(line)
    assert "Add another sender with --oauth2" in line.fail("senders", "rotate", "aep", "--yes")
    assert len(line.aws.cognito.clients) == 1


def test_a_version_without_oauth_2_reads_the_senders_and_takes_nothing_of_theirs(
    line: CommandLine,
) -> None:
    give_access_tokens(line.aws)
    give_client(line)
    members = json.loads(line.aws.secrets.versions[SECRET][-1])
    del members["aep"]["client_id"]
    [before] = senders.parse(json.dumps(members))
    assert len(before.tokens) == 1
    assert not senders.holder(b"client-1", [before], NOW)
