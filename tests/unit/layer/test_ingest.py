import base64
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from attendee_sync import attendee
from attendee_sync.ingest.api import HttpRequest, HttpResponse, parse_event
from attendee_sync.ingest.ingest import Ingest
from attendee_sync.mapping import mapper
from attendee_sync.mapping.mapper import Verdict
from attendee_sync.messaging.messages import MAX_PROFILE_BYTES
from attendee_sync.profile import bodies, email_address, pieces
from tests.support import fakes
from tests.support.stack import HASH_KEY, INGEST_TOKEN, STACK, Aws

ADA = '{"email": "ada@example.com"}'
BOB = '{"email": "bob@example.org"}'
NOBODY = '{"firstName": "Nobody"}'
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEADERS = {"authorization": f"Bearer {INGEST_TOKEN}", "content-type": "application/json"}
DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.fixture
def ingest(aws: Aws) -> Ingest:
    return aws.ingest()


def request(body: str = ADA, destination: str = "default", **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest("push", destination, HEADERS | named, body)


def with_token(shown: str | None) -> HttpRequest:
    made = request()
    others = {name: value for name, value in made.headers.items() if name != "authorization"}
    return replace(made, headers=others | ({} if shown is None else {"authorization": shown}))


def group_of(address: str) -> str:
    return attendee.key(HASH_KEY, "default", attendee.sha256_of(address))


def message_of(answer: HttpResponse) -> str:
    return str(answer.body["message"])


def rejected_of(answer: HttpResponse) -> list[dict[str, Any]]:
    found = answer.body["rejected"]
    assert isinstance(found, list)
    return found


def nothing_is_queued(aws: Aws) -> bool:
    return not aws.sqs.profiles and not aws.sqs.dead_letters


# --- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (request(ADA, content_type="application/json"), 1),
        (request(ADA, content_type="application/json; charset=utf-8"), 1),
        (request(ADA, content_type="Application/JSON"), 1),
        (request(ADA, content_type="application/vnd.adobe.xdm+json"), 1),
        (request(ADA, content_type="text/plain"), 1),
        (request(ADA, content_type=""), 1),
        (request(f"\ufeff{ADA}", content_type="application/json"), 1),
        (request(f"[{ADA},{BOB}]", content_type="application/json"), 2),
        (request(f'{{"profiles":[{ADA},{BOB}]}}', content_type="application/json"), 2),
        (request(f"{ADA}\n{BOB}\n", content_type="application/x-ndjson"), 2),
        (request(f"{ADA}\n{BOB}\n", content_type="application/json"), 2),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_push_is_queued_and_accepted(
    aws: Aws, ingest: Ingest, made: HttpRequest, count: int, encoded: bool
) -> None:
    if encoded:
        made = replace(made, body=base64.b64encode(made.body.encode()).decode(), is_base64=True)
    answer = ingest.push(made)
    assert answer == HttpResponse(202, {"requestId": "push", "accepted": count, "rejected": []})
    assert [sent.body for sent in aws.sqs.profiles] == [ADA, BOB][:count]
    assert aws.sqs.dead_letters == []


def test_a_message_says_what_delivery_must_know(aws: Aws, ingest: Ingest) -> None:
    ingest.push(request(f"[{ADA},{BOB}]", traceparent=TRACE))
    first, second = aws.sqs.profiles
    accepted_at = first.attributes.pop("accepted_at")
    assert accepted_at == second.attributes["accepted_at"]
    assert accepted_at.isdecimal()
    assert first == fakes.Sent(
        ADA,
        group_of("ada@example.com"),
        "push-0",
        {"destination": "default", "request_id": "push", "trace_parent": TRACE, "index": "0"},
    )
    assert second.group == group_of("bob@example.org")
    assert second.attributes["index"] == "1"


@pytest.mark.parametrize("header", ["", "nonsense", TRACE.upper(), TRACE + "0"])
def test_a_bad_traceparent_is_replaced(aws: Aws, ingest: Ingest, header: str) -> None:
    assert ingest.push(request(traceparent=header)).status == 202
    made = aws.sqs.profiles[0].attributes["trace_parent"]
    assert made != header
    assert [len(part) for part in made.split("-")] == [2, 32, 16, 2]


@pytest.mark.parametrize(
    "profile",
    [
        '{ "email":"ada@example.com" ,\t"n" : 1.50 }',
        '{"email": "ada@example.com", "id": 123456789012345678901234567890}',
        '{"email": "ada@example.com", "n": 1E400, "m": 0.1000000000000000055511151231257827}',
        '{"email": "ada@example.com", "s": "\\u00e9 é 😀 \\/ \\ud83d\\ude00"}',
        '{"email": "ada@example.com", "s": "\\ud800"}',
        '{"email": "ada@example.com", "s": "\x7f\u2028"}',
    ],
)
def test_a_profile_is_queued_as_it_was_pushed(aws: Aws, ingest: Ingest, profile: str) -> None:
    ingest.push(request(f"[{profile}]"))
    assert [sent.body for sent in aws.sqs.profiles] == [profile]


def test_characters_that_sqs_refuses_are_escaped(aws: Aws, ingest: Ingest) -> None:
    profile = '{"email": "ada@example.com", "s": "\ufffe\uffff"}'
    assert ingest.push(request(profile)).status == 202
    [sent] = aws.sqs.profiles
    assert json.loads(sent.body) == json.loads(profile)


def test_one_persons_updates_share_a_group_and_keep_their_order(aws: Aws, ingest: Ingest) -> None:
    profiles = [f'{{"email": " ADA@example.com", "n": {n}}}' for n in range(25)]
    ingest.push(request(f"[{','.join(profiles)}]"))
    assert [sent.body for sent in aws.sqs.profiles] == profiles
    assert len({sent.group for sent in aws.sqs.profiles}) == 1


def test_the_same_content_pushed_again_is_not_swallowed(aws: Aws, ingest: Ingest) -> None:
    for n, body in enumerate([ADA, BOB, ADA]):
        assert ingest.push(replace(request(body), request_id=f"push-{n}")).status == 202
    assert [sent.body for sent in aws.sqs.profiles] == [ADA, BOB, ADA]


@pytest.mark.parametrize(("count", "calls"), [(10, 1), (11, 2), (100, 10), (1_000, 100)])
def test_ten_distinct_people_cost_one_call(
    aws: Aws, ingest: Ingest, count: int, calls: int
) -> None:
    profiles = [f'{{"email": "p{n}@example.com"}}' for n in range(count)]
    answer = ingest.push(request(f"[{','.join(profiles)}]"))
    assert answer.body["accepted"] == count
    assert aws.sqs.count("SendMessageBatch") == calls
    assert len(aws.sqs.profiles) == count


def test_escapes_count_when_a_profile_is_measured(aws: Aws, ingest: Ingest) -> None:
    profile = f'{{"email": "ada@example.com", "s": "{"\uffff" * 200_000}"}}'
    answer = ingest.push(request(f"[{profile},{BOB}]"))
    assert answer.body["rejected"] == [
        {"index": 0, "reason": "too_large", "detail": "larger than 1000000 bytes"}
    ]
    assert [sent.body for sent in aws.sqs.profiles] == [BOB]


def test_several_calls_run_side_by_side(aws: Aws, ingest: Ingest) -> None:
    aws.sqs.on_send = threading.Barrier(10, timeout=30).wait
    profiles = [f'{{"email": "p{n}@example.com"}}' for n in range(100)]
    assert ingest.push(request(f"[{','.join(profiles)}]")).status == 202


# --- profiles that can't be used ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        (
            NOBODY,
            "missing_email",
            "no e-mail address under email, email address or a name like them, nor in identityMap",
        ),
        ('"ada"', "malformed", "a profile is a JSON object, not a string"),
        ("42", "malformed", "a profile is a JSON object, not a number"),
        (
            '{"a":' * 20_000 + "1" + "}" * 20_000,
            "malformed",
            "nested too deeply to be a profile",
        ),
        (
            '{"email": "ada@example.com", "email": "x"}',
            "malformed",
            "an object has the same key twice",
        ),
        (
            '{"email": "ada@example.com", "n": NaN}',
            "malformed",
            "a number is NaN, Infinity or out of range",
        ),
        (
            '{"email": "ada@example.com", "n": "' + "x" * MAX_PROFILE_BYTES + '"}',
            "too_large",
            "larger than 1000000 bytes",
        ),
        (
            '{"email": "ada@example.com", "n": "' + "é" * 600_000 + '"}',
            "too_large",
            "larger than 1000000 bytes",
        ),
    ],
)
def test_a_profile_that_cannot_be_used_goes_to_the_dead_letters(
    aws: Aws, ingest: Ingest, bad: str, reason: str, detail: str
) -> None:
    answer = ingest.push(request(f"[{ADA}, {bad}, {BOB}]", traceparent=TRACE))
    rejected = [{"index": 1, "reason": reason, "detail": detail}]
    assert answer == HttpResponse(202, {"requestId": "push", "accepted": 2, "rejected": rejected})
    assert [sent.body for sent in aws.sqs.profiles] == [ADA, BOB]
    assert [sent.attributes["index"] for sent in aws.sqs.profiles] == ["0", "2"]
    [dead_letter] = aws.sqs.dead_letters
    assert datetime.fromisoformat(dead_letter.attributes.pop("time")).tzinfo
    origin = json.loads(dead_letter.attributes.pop("origin"))
    assert origin.pop("accepted_at").isdecimal()
    trace_id = TRACE.split("-")[1]
    assert origin == {"request_id": "push", "index": "1", "sequence": "", "trace_id": trace_id}
    assert dead_letter.attributes == {
        "destination": "default",
        "attempts": "0",
        "outcome": "rejected",
        "reason": reason,
        "detail": detail,
    }
    kept = dead_letter.body.encode()
    assert bad.encode().startswith(kept)
    assert len(kept) == len(bad.encode()) or len(kept) > MAX_PROFILE_BYTES - 4


HASH = '{"email_lc_sha256": "' + "6" * 64 + '"}'


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"email": "ada"}', "invalid_email"),
        ('{"email": "ada@mail.invalid"}', "invalid_email"),
        ('{"email": "ada@exämple.local"}', "invalid_email"),
        ('{"email": "ada@example.com; bob@example.org"}', "several_emails"),
        (HASH, "only_hash"),
    ],
)
def test_what_cannot_be_delivered_for_its_address_is_told_at_once(
    aws: Aws, ingest: Ingest, bad: str, reason: str
) -> None:
    [rejected] = rejected_of(ingest.push(request(f"[{ADA}, {bad}]")))
    assert (rejected["index"], rejected["reason"]) == (1, reason)
    assert rejected["detail"]
    assert "@" not in rejected["detail"].replace("no @ in it", "")
    assert len(aws.sqs.profiles) == len(aws.sqs.dead_letters) == 1


def test_all_spellings_of_an_address_share_a_group(aws: Aws, ingest: Ingest) -> None:
    spellings = (
        "ada@münchen.example",
        "Ada <ADA@XN--MNCHEN-3YA.EXAMPLE>",
        "mailto:ada@\uff4dünchen.example.",
    )
    ingest.push(request(json.dumps([{"email": each} for each in spellings])))
    assert {sent.group for sent in aws.sqs.profiles} == {group_of("ada@münchen.example")}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"hashes": {"only": "send"}},
        {"mapping": {"email": "contact"}},
        {"mapping": {"email": {"value": "contact"}, "zip": "code"}},
        {"mapping": {"email": "contact"}, "email_falls_back": False},
        {"mapping": {"zip": "code"}, "email_falls_back": False, "hashes": {"field": "hash"}},
    ],
)
def test_ingest_rejects_for_its_address_what_delivery_would(
    aws: Aws, ingest: Ingest, settings: dict[str, Any]
) -> None:
    text = json.dumps({"event_code": "summit2027", **settings})
    aws.ssm.parameters[f"/{STACK}/destinations/default"] = text
    profiles = [*map(json.loads, (ADA, BOB, NOBODY, HASH)), {"email": "x", "contact": "c@b.co"}]
    rejected = rejected_of(ingest.push(request(json.dumps(profiles))))
    decided = enumerate(mapper.mapper(text).decide(each) for each in profiles)
    assert rejected == [
        {"index": index, "reason": decision.reason, "detail": decision.detail}
        for index, decision in decided
        if decision.verdict is Verdict.REJECT
    ]


@pytest.mark.parametrize(
    "settings", ["[]", "nonsense", '{"hashes": 5}', '{"mapping": {"email": "["}}']
)
def test_settings_that_cannot_be_read_are_for_delivery_to_report(
    aws: Aws, ingest: Ingest, settings: str
) -> None:
    aws.ssm.parameters[f"/{STACK}/destinations/default"] = settings
    assert ingest.push(request(f"[{ADA}, {HASH}]")).body["accepted"] == 2


def test_a_push_with_no_usable_profile_is_accepted_and_loses_none(aws: Aws, ingest: Ingest) -> None:
    answer = ingest.push(request(f"[{NOBODY},{NOBODY}]"))
    assert answer.status == 202
    assert answer.body["accepted"] == 0
    assert [sent.body for sent in aws.sqs.dead_letters] == [NOBODY, NOBODY]


def test_a_bad_line_with_characters_that_sqs_refuses_is_kept(aws: Aws, ingest: Ingest) -> None:
    answer = ingest.push(request(f"{ADA}\nhello \x00\uffff\n{BOB}"))
    assert answer.body["accepted"] == 2
    assert [sent.body for sent in aws.sqs.dead_letters] == ["hello \\u0000\\uffff"]


# --- bodies in which nothing can be read --------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is empty"),
        ("  ", "the body is empty"),
        ("[]", "the list is empty"),
        ('{"profiles": []}', "the list is empty"),
        ("42", "a profile is a JSON object, not a number"),
        ('"ada@example.com"', "a profile is a JSON object, not a string"),
        ('["ada@example.com"]', "at index 0: a profile is a JSON object, not a string"),
        ("email=ada@example.com", "not JSON: Expecting value (line 1, column 1)"),
        (f"[\n{ADA},\n{ADA[:-1]}]", "line 3, column 28"),
        (DEEP, "nested too deeply"),
        (f'{{"profiles": [{ADA}], "profiles": [{BOB}]}}', '"profiles" stands twice in the body'),
        ('{"email": "ada@example.com", "email": "b@example.com"}', "the same key twice"),
        ("\ud800", "not UTF-8 at byte 0"),
    ],
)
def test_an_unreadable_body_is_refused_with_400(
    aws: Aws, ingest: Ingest, body: str, message: str
) -> None:
    answer = ingest.push(request(body))
    assert answer.status == 400
    assert answer.body["requestId"] == "push"
    assert message in message_of(answer)
    assert "example" not in message_of(answer)
    assert nothing_is_queued(aws)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (base64.b64encode(b'{"email": "\xff"}').decode(), "not UTF-8 at byte 11"),
        (base64.b64encode(ADA.encode("utf-16")).decode(), "not UTF-8 at byte 0"),
        ("not base64!", "the body is not valid base64"),
        ("YQ", "the body is not valid base64"),
        ("é", "the body is not valid base64"),
    ],
)
def test_a_body_in_a_wrong_encoding_is_refused_with_400(
    aws: Aws, ingest: Ingest, body: str, message: str
) -> None:
    answer = ingest.push(replace(request(body), is_base64=True))
    assert (answer.status, message_of(answer)) == (400, message)
    assert nothing_is_queued(aws)


def test_a_form_of_too_many_fields_is_refused_with_413(aws: Aws, ingest: Ingest) -> None:
    body = "&".join(f"f{n}=1" for n in range(1_001))
    answer = ingest.push(request(body, content_type="application/x-www-form-urlencoded"))
    assert (answer.status, message_of(answer)) == (413, "a form has at most 1,000 fields")
    assert nothing_is_queued(aws)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencodedx",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/html",
        "application/jsonx",
        "json",
    ],
)
def test_a_wrong_content_type_is_refused_with_415(
    aws: Aws, ingest: Ingest, content_type: str
) -> None:
    answer = ingest.push(request(content_type=content_type))
    assert answer.status == 415
    assert "application/json" in message_of(answer)
    assert nothing_is_queued(aws)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f'{{"email": "ada@example.com", "s": "{"x" * 6_000_000}"}}', "at most 4500000 bytes"),
        (f'{{"email": "ada@example.com", "s": "{"é" * 2_300_000}"}}', "at most 4500000 bytes"),
        (f'{{"email": "ada@example.com", "s": "{"x" * 1_000_000}"}}', "at most 1000000 bytes"),
        (f'{{"email": "ada@example.com", "s": "{"é" * 600_000}"}}', "at most 1000000 bytes"),
        (f"[{','.join([ADA] * 1_001)}]", "more than 1000 profiles in one push; at most 1000"),
        (f"[{','.join([ADA] * 10_000)}]", "more than 1000 profiles in one push; at most 1000"),
        ("\n".join([ADA] * 10_000), "more than 1000 profiles in one push; at most 1000"),
    ],
)
def test_what_is_too_large_is_refused_with_413(
    aws: Aws, ingest: Ingest, body: str, message: str
) -> None:
    answer = ingest.push(request(body))
    assert answer.status == 413
    assert message in message_of(answer)
    assert nothing_is_queued(aws)


# --- who may push, and where to -----------------------------------------------------------------


@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        INGEST_TOKEN,
        f"Basic {INGEST_TOKEN}",
        f"Bearer:{INGEST_TOKEN}",
        f"Token {INGEST_TOKEN}",
    ],
)
def test_no_token_is_refused_with_401(aws: Aws, ingest: Ingest, shown: str | None) -> None:
    answer = ingest.push(with_token(shown))
    assert answer.status == 401
    assert answer.headers == {"WWW-Authenticate": "Bearer"}
    assert nothing_is_queued(aws)
    assert aws.secrets.calls == []


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer wrong",
        f"Bearer {INGEST_TOKEN}x",
        f"Bearer {INGEST_TOKEN[:-1]}",
        f"Bearer {INGEST_TOKEN.upper()}",
        f"Bearer {INGEST_TOKEN}, Bearer {INGEST_TOKEN}",
        "Bearer tökén",
        "Bearer \x00",
    ],
)
def test_a_wrong_token_is_refused_with_403(aws: Aws, ingest: Ingest, shown: str) -> None:
    answer = ingest.push(with_token(shown))
    assert (answer.status, message_of(answer)) == (403, "the ingest token is wrong")
    assert nothing_is_queued(aws)


@pytest.mark.parametrize(
    "shown", [f"bearer {INGEST_TOKEN}", f"BEARER  {INGEST_TOKEN} ", f" Bearer {INGEST_TOKEN}"]
)
def test_the_scheme_is_read_leniently(ingest: Ingest, shown: str) -> None:
    assert ingest.push(with_token(shown)).status == 202


def test_who_has_no_token_learns_nothing_of_destinations(ingest: Ingest) -> None:
    wrong = replace(with_token("Bearer wrong"), destination="nowhere")
    assert ingest.push(wrong).status == 403


def test_the_token_before_the_last_rotation_still_works(aws: Aws, ingest: Ingest) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    assert ingest.push(with_token(f"Bearer {INGEST_TOKEN}")).status == 202
    assert ingest.push(with_token("Bearer newer")).status == 202


def test_the_token_before_that_does_not(aws: Aws, ingest: Ingest) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    aws.secrets.rotate(f"{STACK}/ingest-token", "newest")
    assert ingest.push(with_token(f"Bearer {INGEST_TOKEN}")).status == 403


def test_a_brand_new_token_works_while_the_old_one_is_cached(aws: Aws, ingest: Ingest) -> None:
    assert ingest.push(request()).status == 202
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    aws.clock.now += 6
    assert ingest.push(with_token("Bearer newer")).status == 202


def test_tokens_are_compared_in_constant_time(
    aws: Aws, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare_digest(shown: bytes, known: bytes) -> bool:
        compared.append((shown, known))
        return shown == known

    monkeypatch.setattr("attendee_sync.ingest.api.hmac.compare_digest", compare_digest)
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    assert ingest.push(with_token("Bearer wrong")).status == 403
    assert compared[:2] == [(b"wrong", b"newer"), (b"wrong", INGEST_TOKEN.encode())]


def test_the_token_before_is_read_only_for_who_does_not_show_the_current_one(
    aws: Aws, ingest: Ingest
) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    assert ingest.push(with_token("Bearer newer")).status == 202
    stages = [request["VersionStage"] for _, request in aws.secrets.calls]
    assert "AWSPREVIOUS" not in stages
    assert ingest.push(request()).status == 202


def test_wrong_guesses_do_not_make_a_call_each(aws: Aws, ingest: Ingest) -> None:
    ingest.push(with_token("Bearer wrong"))
    before = len(aws.secrets.calls)
    for n in range(100):
        assert ingest.push(with_token(f"Bearer wrong-{n}")).status == 403
    assert len(aws.secrets.calls) == before


@pytest.mark.parametrize(
    ("failure", "calls"),
    [(None, 3), (fakes.denied("ThrottlingException"), 1), (fakes.timed_out(), 1)],
)
@pytest.mark.parametrize("seconds", [6, 61, 3_600])
def test_wrong_guesses_cost_one_look_in_five_seconds_whatever_happens(
    aws: Aws, ingest: Ingest, failure: Exception | None, calls: int, seconds: int
) -> None:
    aws.secrets.rotate(f"{STACK}/ingest-token", "newer")
    assert ingest.push(request()).status == 202
    assert ingest.push(with_token("Bearer wrong")).status == 403
    aws.secrets.always = failure
    aws.clock.now += seconds
    before = len(aws.secrets.calls)
    for n in range(100):
        aws.clock.now += 0.049
        assert ingest.push(with_token(f"Bearer wrong-{n}")).status == 403
    assert len(aws.secrets.calls) <= before + calls


@pytest.mark.parametrize("failure", [fakes.denied("ThrottlingException"), fakes.timed_out()])
def test_guesses_cost_one_look_where_no_token_was_ever_read(
    aws: Aws, ingest: Ingest, failure: Exception
) -> None:
    aws.secrets.always = failure
    for n in range(100):
        assert put_off(ingest.push(with_token(f"Bearer wrong-{n}")))
    assert len(aws.secrets.calls) == 2
    aws.secrets.always = None
    aws.clock.now += 5
    assert ingest.push(request()).status == 202


def test_names_of_destinations_that_are_tried_out_cost_few_calls(aws: Aws, ingest: Ingest) -> None:
    ingest.push(request())
    answers = [ingest.push(request(destination=f"guess-{n}")) for n in range(100)]
    assert [answer.status for answer in answers] == [404] * 10 + [503] * 90
    assert len(aws.ssm.calls) == 11
    assert ingest.push(replace(request(), request_id="later")).status == 202


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nowhere",
        "Default",
        "default ",
        "default\n",
        "-default",
        "default-",
        "a" * 65,
        "../connections/default",
        "default/../default",
        "%64efault",
        "défault",
        "*",
        "a\x00b",
    ],
)
def test_an_unknown_destination_is_answered_with_404(aws: Aws, ingest: Ingest, name: str) -> None:
    answer = ingest.push(request(destination=name))
    assert answer.status == 404
    assert "unknown destination" in message_of(answer)
    assert nothing_is_queued(aws)


def test_odd_names_are_never_looked_up(aws: Aws, ingest: Ingest) -> None:
    ingest.push(request(destination="../connections/default"))
    assert aws.ssm.calls == []


@pytest.mark.parametrize("name", ["a", "0", "partners-2027", "a" * 64])
def test_other_destinations_can_be_added(aws: Aws, ingest: Ingest, name: str) -> None:
    aws.set_destination(name, event_code="summit2027")
    assert ingest.push(request(destination=name)).status == 202
    assert aws.sqs.profiles[0].attributes["destination"] == name


def test_a_person_has_a_group_in_each_destination(aws: Aws, ingest: Ingest) -> None:
    aws.set_destination("partners", event_code="summit2027")
    ingest.push(request())
    ingest.push(request(destination="partners"))
    assert len({sent.group for sent in aws.sqs.profiles}) == 2


# --- when AWS fails -----------------------------------------------------------------------------


def put_off(answer: HttpResponse, **members: object) -> bool:
    body = {"requestId": "push", "message": "not now; please push again", **members}
    return answer == HttpResponse(503, body, {"Retry-After": "5"})


def people(count: int) -> str:
    return ",".join(f'{{"email": "p{n}@example.com"}}' for n in range(count))


def states(count: int) -> str:
    return ",".join(f'{{"email": "ada@example.com", "n": {n}}}' for n in range(count))


# A sender waits for two seconds; what the network and API Gateway take of them is not ours.
PATIENCE = 1.95
SERVICES = ("secretsmanager", "ssm", "sqs")


@pytest.mark.parametrize("failure", [fakes.denied("ThrottlingException"), fakes.timed_out()])
@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_a_failure_for_a_moment_turns_no_push_away(
    aws: Aws, ingest: Ingest, service: str, failure: Exception
) -> None:
    aws.client(service).failures = [failure]
    assert ingest.push(request()).status == 202


@pytest.mark.parametrize("failure", [fakes.denied("ThrottlingException"), fakes.timed_out()])
@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_settings_that_cannot_be_read_put_a_push_off(
    aws: Aws, ingest: Ingest, service: str, failure: Exception
) -> None:
    aws.client(service).always = failure
    assert put_off(ingest.push(request()))
    assert nothing_is_queued(aws)


def test_settings_that_were_read_before_serve_on(aws: Aws, ingest: Ingest) -> None:
    ingest.push(request())
    aws.ssm.always = aws.secrets.always = fakes.unreachable()
    aws.clock.now += 3_600
    assert ingest.push(replace(request(), request_id="later")).status == 202


@pytest.mark.parametrize("name", ["ingest-token", "hash-key"])
def test_a_missing_secret_puts_a_push_off(aws: Aws, ingest: Ingest, name: str) -> None:
    del aws.secrets.versions[f"{STACK}/{name}"]
    assert put_off(ingest.push(request()))
    assert nothing_is_queued(aws)


@pytest.mark.parametrize(
    ("url", "queued"), [(fakes.PROFILES_URL, []), (fakes.DEAD_LETTERS_URL, [0])]
)
def test_a_queue_that_is_down_puts_a_push_off(
    aws: Aws, ingest: Ingest, url: str, queued: list[int]
) -> None:
    aws.sqs.down = {url}
    assert put_off(ingest.push(request(f"[{ADA},{NOBODY}]")), queued=queued)
    assert len(aws.sqs.profiles) == len(queued)
    assert aws.sqs.dead_letters == []


@pytest.mark.parametrize(
    ("url", "received"), [(fakes.PROFILES_URL, []), (fakes.DEAD_LETTERS_URL, [1.0])]
)
def test_what_is_queued_of_a_push_that_is_put_off_was_received(
    aws: Aws, ingest: Ingest, output: Callable[[], str], url: str, received: list[float]
) -> None:
    """Or delivery would tell of more ends than there were profiles."""
    aws.sqs.down = {url}
    ingest.push(request(f"[{ADA},{NOBODY}]"))
    lines = [json.loads(line) for line in output().splitlines()]
    assert [value for line in lines for value in line.get("Received", [])] == received


@pytest.mark.parametrize(("body", "queued"), [(ADA, [1]), (NOBODY, [0, 1])])
def test_an_entry_that_no_queue_takes_puts_a_push_off(
    aws: Aws, ingest: Ingest, body: str, queued: list[int]
) -> None:
    aws.sqs.refuse = lambda sent: sent.body == body
    assert put_off(ingest.push(request(f"[{ADA},{BOB},{NOBODY}]")), queued=queued)
    assert aws.sqs.dead_letters == []


def test_what_overtook_an_earlier_state_is_not_called_queued(aws: Aws, ingest: Ingest) -> None:
    aws.sqs.refuse = lambda sent: '"n": 1}' in sent.body
    answer = ingest.push(request(f"[{states(4)},{BOB}]"))
    assert put_off(answer, queued=[0, 4])


@pytest.mark.parametrize("held", ["nothing", "fresh", "expired"])
@pytest.mark.parametrize(
    "silent",
    [each for n in (1, 2, 3) for each in itertools.combinations(SERVICES, n)],
    ids="+".join,
)
@pytest.mark.parametrize(
    "body", [ADA, f"[{people(1_000)}]", f"[{states(1_000)}]", f"[{','.join([NOBODY] * 1_000)}]"]
)
def test_an_answer_comes_in_two_seconds_whatever_is_silent(
    aws: Aws, ingest: Ingest, held: str, silent: tuple[str, ...], body: str
) -> None:
    if held != "nothing":
        assert ingest.push(request()).status == 202
    if held == "expired":
        aws.clock.now += 3_600
    aws.fall_silent(*silent)
    began = aws.clock.now
    answer = ingest.push(replace(request(body), request_id="slow"))
    assert aws.clock.now - began <= PATIENCE
    is_met = held != "nothing" and "sqs" not in silent
    assert answer.status == (202 if is_met else 503)
    assert ("Retry-After" in answer.headers) is not is_met


def test_all_silent_one_setting_is_asked_for_where_all_are_held(aws: Aws, ingest: Ingest) -> None:
    ingest.push(request())
    aws.clock.now += 3_600
    aws.fall_silent("secretsmanager", "ssm")
    before = len(aws.secrets.calls) + len(aws.ssm.calls)
    for n in range(5):
        assert ingest.push(replace(request(), request_id=f"later-{n}")).status == 202
    assert len(aws.secrets.calls) + len(aws.ssm.calls) == before + 1


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.69])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("body", [ADA, f"[{people(1_000)}]", f"[{states(1_000)}]"])
def test_an_answer_comes_in_two_seconds_however_slow_aws_is(
    aws: Aws, ingest: Ingest, seconds: float, warm: bool, body: str
) -> None:
    if warm:
        ingest.push(request())
        aws.clock.now += 3_600
    for service in SERVICES:
        aws.client(service).on_call = lambda: aws.clock.wait(seconds)
    began = aws.clock.now
    answer = ingest.push(replace(request(body), request_id="slow"))
    assert aws.clock.now - began <= PATIENCE
    assert answer.status in (202, 503)
    if warm and body == ADA:
        assert answer.status == 202


def test_the_answer_says_what_is_queued_of_one_person_on_a_slow_day(
    aws: Aws, ingest: Ingest
) -> None:
    ingest.push(request())
    aws.sqs.queues[fakes.PROFILES_URL].clear()
    aws.sqs.on_call = lambda: aws.clock.wait(0.1)
    answer = ingest.push(replace(request(f"[{states(999)},{NOBODY}]"), request_id="slow"))
    queued = answer.body["queued"]
    assert answer.status == 503
    assert queued == list(range(len(aws.sqs.profiles)))
    assert 100 <= len(aws.sqs.profiles) < 200
    assert aws.sqs.dead_letters == []


def test_where_no_time_is_left_nothing_is_sent(aws: Aws, ingest: Ingest) -> None:
    aws.ssm.on_call = lambda: aws.clock.wait(1.5)
    assert put_off(ingest.push(request()))
    aws.ssm.on_call = lambda: None
    assert nothing_is_queued(aws)
    assert ingest.push(request()).status == 202


def test_entries_refused_for_a_moment_are_accepted(aws: Aws, ingest: Ingest) -> None:
    aws.sqs.refuse = lambda _: aws.sqs.count("SendMessageBatch") == 1
    answer = ingest.push(request(f"[{ADA},{BOB}]"))
    assert (answer.status, answer.body["accepted"]) == (202, 2)
    assert [sent.body for sent in aws.sqs.profiles] == [ADA, BOB]


# --- what is written down -----------------------------------------------------------------------


def test_the_log_names_the_push_and_nobody(ingest: Ingest, output: Callable[[], str]) -> None:
    person = '{"email": "ada@example.com", "person": {"name": {"firstName": "Augusta"}}}'
    ingest.push(request(f'[{person}, {{"lastName": "Lovelace"}}]', traceparent=TRACE))
    written = output()
    line, settled, received, rate, metric, by_reason = map(json.loads, written.splitlines())
    for each in (line, settled):
        assert each["destination"] == "default"
        assert each["request_id"] == "push"
        assert each["trace_id"] == TRACE.split("-")[1]
    assert line["message"] == "push accepted"
    assert (line["accepted"], line["rejected"]) == (1, 1)
    assert line["attendees"] == {"0": group_of("ada@example.com")}
    assert (received["destination"], received["Received"]) == ("default", [2.0])
    assert settled["message"] == "profile settled"
    assert (settled["outcome"], settled["reason"]) == ("rejected", "missing_email")
    assert settled["index"] == "1"
    assert (rate["destination"], rate["FailedPercent"], rate["SkippedPercent"]) == (
        "default",
        [100.0],
        [0.0],
    )
    assert (metric["destination"], metric["outcome"]) == ("default", "rejected")
    assert metric["Profiles"] == [1.0]
    assert (by_reason["reason"], by_reason["Undelivered"]) == ("missing_email", [1.0])
    for private in ("ada", "example.com", "augusta", "lovelace", INGEST_TOKEN, HASH_KEY):
        assert private not in written.lower()


def test_a_push_of_which_everything_is_rejected_counts_each_once(
    ingest: Ingest, output: Callable[[], str]
) -> None:
    ingest.push(request(json.dumps([{"lastName": "Lovelace"}] * 250)))
    metrics = [line for line in map(json.loads, output().splitlines()) if "_aws" in line]
    rates = [value for line in metrics for value in line.get("FailedPercent", [])]
    assert rates == [100.0] * 250
    assert max(len(line.get("FailedPercent", [])) for line in metrics) <= 100


@pytest.mark.parametrize("service", ["sqs", "ssm", "secretsmanager"])
def test_the_log_says_why_a_push_was_put_off(
    aws: Aws, ingest: Ingest, output: Callable[[], str], service: str
) -> None:
    aws.client(service).always = fakes.denied("KmsThrottlingException")
    ingest.push(request())
    line = json.loads(output().splitlines()[0])
    assert (line["level"], line["message"]) == ("ERROR", "request put off")
    assert "KmsThrottlingException" in line["detail"]
    assert "ada" not in json.dumps(line)


def test_a_push_that_takes_too_long_to_read_is_too_large(
    aws: Aws, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = bodies.split

    def slowly(*arguments: Any, **others: Any) -> list[pieces.Pushed]:
        aws.clock.now += 1.8
        return read(*arguments, **others)

    monkeypatch.setattr(bodies, "split", slowly)
    answer = ingest.push(request())
    assert answer.status == 413
    assert nothing_is_queued(aws)


def test_profiles_are_no_longer_read_when_it_takes_too_long(
    aws: Aws, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def slowly(text: str) -> str:
        aws.clock.now += 0.5
        read.append(text)
        return text

    monkeypatch.setattr(email_address, "plain", slowly)
    assert ingest.push(request(f"[{','.join([ADA] * 100)}]")).status == 413
    assert len(read) < 5
    assert nothing_is_queued(aws)


def test_a_header_without_a_value_is_not_there() -> None:
    event = {"pathParameters": None, "headers": {"Content-Type": None, "A": "b"}, "body": ADA}
    assert parse_event(event, "push").headers == {"a": "b"}


@pytest.mark.parametrize(
    "settings", [{"mapping": {"email": "alumni[0].email"}}, {"names": {"email": ["schirmherr"]}}]
)
def test_where_a_destination_maps_the_address_no_list_of_people_is_looked_for(
    aws: Aws, ingest: Ingest, settings: dict[str, Any]
) -> None:
    aws.set_destination("partners", event_code="summit2027", **settings)
    body = f'{{"schirmherr": "joan@example.com", "alumni": [{ADA}, {BOB}]}}'
    assert ingest.push(request(body, destination="partners")).body["accepted"] == 1
    assert [sent.body for sent in aws.sqs.profiles] == [body]
    assert ingest.push(request(body)).body["accepted"] == 2


def test_a_destination_says_where_the_profiles_are(aws: Aws, ingest: Ingest) -> None:
    aws.set_destination("partners", event_code="summit2027", profiles_at="payload.Leute")
    body = f'{{"email": "owner@example.com", "payload": {{"page": 1, "Leute": [{ADA},{BOB}]}}}}'
    assert ingest.push(request(body, destination="partners")).body["accepted"] == 2
    beside = {"_envelope": {"email": "owner@example.com", "page": 1}}
    queued = [json.loads(sent.body) for sent in aws.sqs.profiles]
    assert queued == [{**beside, **json.loads(text)} for text in (ADA, BOB)]
