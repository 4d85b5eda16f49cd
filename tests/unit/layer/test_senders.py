"""Senders with tokens of their own: whose push it is, where it may go, and where that is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attendee_sync.ingest import senders
from attendee_sync.ingest.api import HttpRequest, HttpResponse
from attendee_sync.ingest.preview import Preview
from attendee_sync.ingest.senders import Sender, SenderToken
from attendee_sync.messaging import dead_letters, messages
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness
from tests.support.stack import INGEST_TOKEN, STACK, Aws, Clock

SECRET = f"{STACK}/senders"
TOKEN, OLD_TOKEN, OTHER_TOKEN = "aep-token", "aep-old-token", "crm-token"
ADA = '{"email": "ada@example.com"}'
NOW = 1_700_000_000


def token(text: str, ends_at: int | None = None) -> SenderToken:
    return SenderToken(senders.digest(text.encode()), NOW, ends_at)


AEP = Sender("aep", ("summit",), (token(OLD_TOKEN, NOW + 3_600), token(TOKEN)))
CRM = Sender("crm", (), (token(OTHER_TOKEN),))


@pytest.fixture(autouse=True)
def _stack(aws: Aws, wall: Clock) -> None:
    wall.now = NOW
    aws.secrets.versions[SECRET] = [senders.dump([AEP, CRM])]
    aws.set_destination("summit", connection="default", event_code="summit2027")


def request(shown: str, destination: str = "default", body: str = ADA) -> HttpRequest:
    headers = {"authorization": f"Bearer {shown}", "content-type": "application/json"}
    return HttpRequest("push", destination, headers, body)


def statuses(aws: Aws, made: HttpRequest) -> set[int]:
    """Return what a push is answered, and its preview."""
    pushed, previewed = aws.ingest().push(made), Preview(aws.settings()).preview(made)
    return {202 if each.status == 200 else each.status for each in (pushed, previewed)}


def lines(output: Callable[[], str], message: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in output().splitlines()]
    return [line for line in found if line.get("message") == message]


# --- who may push where -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "destination", "status"),
    [
        (TOKEN, "summit", 202),
        (OLD_TOKEN, "summit", 202),
        (TOKEN, "default", 403),
        (OTHER_TOKEN, "summit", 202),
        (OTHER_TOKEN, "default", 202),
        (INGEST_TOKEN, "summit", 202),
        (INGEST_TOKEN, "default", 202),
        ("wrong", "summit", 403),
        ("aep", "summit", 403),
        (AEP.tokens[1].sha256, "summit", 403),
    ],
)
def test_a_sender_pushes_and_previews_where_it_may(
    aws: Aws, shown: str, destination: str, status: int
) -> None:
    assert statuses(aws, request(shown, destination)) == {status}


def test_an_old_token_is_refused_from_its_end_on(aws: Aws, wall: Clock) -> None:
    ingest = aws.ingest()
    wall.now = NOW + 3_599
    assert ingest.push(request(OLD_TOKEN, "summit")).status == 202
    wall.now = NOW + 3_600
    assert ingest.push(request(OLD_TOKEN, "summit")).status == 403
    assert ingest.push(request(TOKEN, "summit")).status == 202


@pytest.mark.parametrize("destination", ["default", "is-not-there", "Not a name"])
def test_a_sender_is_told_where_it_may_push_and_not_what_else_there_is(
    aws: Aws, destination: str
) -> None:
    answer = aws.ingest().push(request(TOKEN, destination))
    words = "this sender may not push to this destination, but to: summit"
    assert (answer.status, answer.body["message"]) == (403, words)
    assert not aws.sqs.profiles


@pytest.mark.parametrize("texts", [[], ["{}"], [senders.dump([AEP, CRM])]])
def test_a_wrong_token_is_told_nothing_of_the_senders(aws: Aws, texts: list[str]) -> None:
    del aws.secrets.versions[SECRET]
    if texts:
        aws.secrets.versions[SECRET] = texts
    answer = aws.ingest().push(request("wrong"))
    refused = {"requestId": "push", "message": "the ingest token is wrong"}
    assert answer == HttpResponse(403, refused)


def test_a_new_sender_is_known_within_seconds_and_a_removed_one_for_a_minute(aws: Aws) -> None:
    ingest = aws.ingest()
    assert ingest.push(request("new-token")).status == 403
    new = Sender("new", (), (token("new-token"),))
    aws.secrets.rotate(SECRET, senders.dump([new]))
    aws.clock.now += 6
    assert ingest.push(request("new-token")).status == 202
    aws.secrets.rotate(SECRET, "{}")
    aws.clock.now += 61
    assert ingest.push(request("new-token")).status == 403


def test_each_digest_is_compared_whoever_pushes(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare_digest(shown: bytes, known: bytes) -> bool:
        compared.append(known)
        return shown == known

    monkeypatch.setattr("attendee_sync.ingest.senders.hmac.compare_digest", compare_digest)
    known = (each for sender in (AEP, CRM) for each in sender.tokens)
    digests = [each.sha256.encode() for each in known]
    for shown in (OLD_TOKEN, TOKEN, OTHER_TOKEN):
        compared.clear()
        assert aws.ingest().push(request(shown, "summit")).status == 202
        assert [each for each in compared if each in digests] == digests


# --- where the secret can't be read -------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"aep": {}}',
        '{"aep": {"destinations": "summit", "tokens": [{"sha256": "", "made_at": 0}]}}',
        '{"aep": {"destinations": [], "tokens": []}}',
        '{"aep": {"destinations": [], "tokens": [{"sha256": "", "made_at": "", "ends_at": null}]}}',
        '{"aep": {"destinations": [], "tokens": [{"sha256": 0, "made_at": 0, "ends_at": "no"}]}}',
        '{"aep": {"destinations": [], "tokens": [{"sha256": "", "made_at": 1e999}]}}',
    ],
)
def test_what_nobody_can_read_puts_off_all_but_who_shows_the_stacks_own_token(
    aws: Aws, text: str, output: Callable[[], str]
) -> None:
    aws.secrets.versions[SECRET] = [text]
    assert aws.ingest().push(request(INGEST_TOKEN)).status == 202
    expected = 503 if text else 403  # an empty secret has no senders
    assert aws.ingest().push(request(TOKEN, "summit")).status == expected
    assert text in ("", "[]") or text not in output()


@pytest.mark.parametrize("failure", [fakes.denied("AccessDeniedException"), fakes.timed_out()])
def test_a_secret_that_aws_does_not_give_hinders_nobody_with_the_stacks_own_token(
    aws: Aws, failure: Exception
) -> None:
    ingest = aws.ingest()
    assert ingest.push(request(INGEST_TOKEN)).status == 202
    aws.secrets.always = failure
    assert ingest.push(request(TOKEN, "summit")).status == 503
    assert ingest.push(request(INGEST_TOKEN)).status == 202


def test_senders_that_were_read_before_push_on_while_aws_fails(aws: Aws) -> None:
    ingest = aws.ingest()
    assert ingest.push(request(TOKEN, "summit")).status == 202
    aws.secrets.always = fakes.timed_out()
    aws.clock.now += 3_600
    assert ingest.push(request(TOKEN, "summit")).status == 202


def test_a_sender_of_its_own_costs_no_call_in_the_minute_after_a_first_push(aws: Aws) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")  # with one before it, which is kept too
    ingest = aws.ingest()
    assert ingest.push(request(TOKEN, "summit")).status == 202
    before = len(aws.secrets.calls)
    for _ in range(50):
        aws.clock.now += 1
        assert ingest.push(request(TOKEN, "summit")).status == 202
    assert len(aws.secrets.calls) == before


# --- where a sender is told ---------------------------------------------------------------------


@pytest.mark.parametrize(("shown", "name"), [(OTHER_TOKEN, "crm"), (INGEST_TOKEN, "")])
def test_the_log_names_the_sender_of_a_push_and_of_what_it_rejected(
    aws: Aws, shown: str, name: str, output: Callable[[], str]
) -> None:
    aws.ingest().push(request(shown, body=f'[{ADA}, {{"zip": "1"}}]'))
    written = output()
    assert [line["sender"] for line in lines(lambda: written, "push accepted")] == [name]
    assert [line["sender"] for line in lines(lambda: written, "profile settled")] == [name]


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (request("wrong"), ""),
        (request(TOKEN, "default"), "aep"),
        (request(OTHER_TOKEN, "is-not-there"), "crm"),
        (request(OTHER_TOKEN, body="no JSON"), "crm"),
    ],
)
def test_the_log_names_the_sender_of_what_was_refused(
    aws: Aws, made: HttpRequest, name: str, output: Callable[[], str]
) -> None:
    aws.ingest().push(made)
    [line] = lines(output, "request refused")
    assert line["sender"] == name


def test_profiles_are_counted_by_sender_where_it_has_a_token_of_its_own(
    aws: Aws, output: Callable[[], str]
) -> None:
    aws.ingest().push(request(OTHER_TOKEN, body=f"[{ADA}, 1]"))
    aws.ingest().push(request(INGEST_TOKEN))
    counted = [json.loads(line) for line in output().splitlines() if "ReceivedFromSender" in line]
    assert [(each["sender"], each["ReceivedFromSender"]) for each in counted] == [("crm", [2.0])]


def test_a_message_names_its_sender_until_its_end_and_through_a_redrive(
    aws: Aws, harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = fakes.envelope("105", "zip is not known", status=400)
    assert aws.ingest().push(request(OTHER_TOKEN)).status == 202
    assert [sent.attributes["sender"] for sent in aws.sqs.profiles] == ["crm"]
    harness.work()
    assert [line["sender"] for line in lines(output, "profile settled")] == ["crm"]
    [found] = aws.sqs.receive_message(
        QueueUrl=fakes.DEAD_LETTERS_URL,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
        MaxNumberOfMessages=10,
        WaitTimeSeconds=0,
    )["Messages"]
    dead_letter = dead_letters.from_sqs(found)
    assert dead_letter.message.sender == "crm"
    again = messages.requeue_message(dead_letter.message, "group", "redrive")
    assert again.attributes["sender"] == "crm"
    assert len([text for text in again.attributes.values() if text]) <= 10  # SQS takes no more


# --- what is stored -----------------------------------------------------------------------------


def test_what_is_written_is_read_and_holds_no_token() -> None:
    text = senders.dump([AEP, CRM])
    assert senders.parse(text) == (AEP, CRM)
    assert not [each for each in (TOKEN, OLD_TOKEN, OTHER_TOKEN) if each in text]


def test_two_senders_never_share_what_one_of_them_may() -> None:
    both = [replace(CRM, name="other", tokens=(token("another"),)), AEP]
    assert senders.holder(TOKEN.encode(), both, NOW) == AEP
    assert senders.holder(b"another", both, NOW) == both[0]
