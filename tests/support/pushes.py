"""Pushes as senders make them, and whether each gives the attendees that it should.

A folder holds one file a push, and `expected.json`: a list of objects with `file`, `sender`,
`content_type`, `expect` (for each profile the attendee's fields, or "filtered" or "rejected"),
`note`, where more than one answer will do `or` (for each profile a list of the others, such as
"rejected: invalid_email", with the reason), and `settings` of the destination if it has any.

    python -m tests.support.pushes tests/data/pushes
"""

import argparse
import base64
import contextlib
import io
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from attendee_sync.ingest.api import HttpRequest
from attendee_sync.ingest.preview import Preview
from attendee_sync.outcome import Reason
from tests.support.stack import INGEST_TOKEN, Aws

type Expected = dict[str, str] | str

NOTHING = "nothing"  # there is no such profile
# Why somebody is lost, so that whoever reads it knows what to mend.
TELLING_REASONS = frozenset(
    {
        Reason.MALFORMED,
        Reason.TOO_LARGE,
        Reason.INVALID_EMAIL,
        Reason.UNCLEAR_EMAIL,
        Reason.SEVERAL_EMAILS,
        Reason.ONLY_HASH,
    }
)
HASTY_REMARK = "normalised"  # tells of no loss


class Judgement(StrEnum):
    """How what became of a profile compares with what should."""

    RIGHT = "right"
    ACCEPTABLE = "acceptable"  # one of the other answers that will do
    WRONG = "wrong"  # and somebody is told: by a remark, a telling reason, a refusal
    SILENT = "silent"  # a field or a person is lost, and nothing says so


@dataclass(frozen=True)
class Push:
    """One push of a sender, and what should come of it."""

    path: Path
    sender: str
    content_type: str
    expect: list[Expected]
    alternatives: list[list[Expected]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def request(self) -> HttpRequest:
        """The request, with the body byte by byte as the file has it."""
        headers = {"authorization": f"Bearer {INGEST_TOKEN}", "content-type": self.content_type}
        body = base64.b64encode(self.path.read_bytes()).decode()
        return HttpRequest("push", "default", headers, body, is_base64=True)


@dataclass(frozen=True)
class Result:
    """What became of one profile: an attendee's fields, or else the word for why there is none."""

    attendee: Expected
    reason: str = ""
    detail: str = ""
    remarks: frozenset[str] = frozenset()  # fields that something is said of, but "normalised"


@dataclass(frozen=True)
class Verdict:
    """What there is to say of one profile of a push."""

    push: Push
    judgement: Judgement
    differences: list[str] = field(default_factory=list)


def load(folder: Path) -> list[Push]:
    """Return the pushes of a folder."""
    return [
        Push(
            folder / each["file"],
            each["sender"],
            each["content_type"],
            each["expect"],
            each.get("or", []),
            each.get("settings", {}),
        )
        for each in json.loads((folder / "expected.json").read_text())
    ]


def run(push: Push) -> list[Result]:
    """Push with default settings but for its own, and return what becomes of each profile."""
    aws = _stack_of(push)
    foreseen = Preview(aws.settings()).preview(push.request)
    if foreseen.status != 200:
        message = str(foreseen.body["message"])
        return [Result("refused", detail=message) for _ in push.expect]
    entries: list[dict[str, Any]] = json.loads(json.dumps(foreseen.body["profiles"]))
    return [_result(each) for each in entries]


def rejected_at_once(push: Push) -> list[int]:
    """Return the indexes of the profiles that the sender is told of as rejected."""
    answer = _stack_of(push).ingest().push(push.request)
    listed: list[dict[str, Any]] = json.loads(json.dumps(answer.body.get("rejected", [])))
    return [each["index"] for each in listed]


def _stack_of(push: Push) -> Aws:
    aws = Aws()
    aws.set_destination("default", event_code="summit2027", **push.settings)
    return aws


def _result(entry: dict[str, Any]) -> Result:
    outcome = entry["outcome"]
    remarks = frozenset(
        each["field"] for each in entry.get("remarks", []) if each["text"] != HASTY_REMARK
    )
    attendee = entry["attendee"] if outcome.startswith("delivered") else outcome
    return Result(attendee, entry["reason"], entry.get("detail", ""), remarks)


def judge(push: Push) -> Iterator[Verdict]:
    """Yield what there is to say of each profile of a push, pushed or expected."""
    for expected, alternatives, result in itertools.zip_longest(
        push.expect, push.alternatives, run(push)
    ):
        given = result or Result(NOTHING)
        wanted = NOTHING if expected is None else expected
        yield Verdict(push, *_judge(wanted, alternatives or [], given))


def _judge(
    wanted: Expected, alternatives: Sequence[Expected], given: Result
) -> tuple[Judgement, list[str]]:
    if given.attendee == wanted:
        return Judgement.RIGHT, []
    if given.attendee in alternatives or f"{given.attendee}: {given.reason}" in alternatives:
        return Judgement.ACCEPTABLE, []
    differences = list(_differences(wanted, given))
    is_silent = any(told is False for _, told in differences)
    words = [text if told is not False else f"{text} (silent)" for text, told in differences]
    return (Judgement.SILENT if is_silent else Judgement.WRONG), words


def _differences(wanted: Expected, given: Result) -> Iterator[tuple[str, bool | None]]:
    """Yield each difference, and whether somebody is told; None if nothing is lost by it."""
    if isinstance(given.attendee, str):
        is_lost = isinstance(wanted, dict)
        is_told = given.attendee == "refused" or given.reason in TELLING_REASONS
        words = ": ".join(filter(None, (given.attendee, given.reason, given.detail)))
        yield words, is_told if is_lost else None
    elif isinstance(wanted, str):
        yield f"an attendee, where it should be {wanted}", None
    else:
        for name in sorted(wanted.keys() | given.attendee.keys()):
            want, found = wanted.get(name), given.attendee.get(name)
            if want != found:
                told = None if want is None else name in given.remarks
                yield f"{name}: {found!r} for {want!r}", told


def main() -> int:
    """Print what becomes of each push of the folders; the exit code is 1 if something is wrong."""
    parser = argparse.ArgumentParser(description="Judge pushes as senders make them.")
    parser.add_argument("folder", type=Path, nargs="+", help="with expected.json")
    parser.add_argument("--all", action="store_true", help="show what is right, too")
    given = parser.parse_args()
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
    counts: Counter[Judgement] = Counter()
    for push in (push for folder in given.folder for push in load(folder)):
        with contextlib.redirect_stdout(io.StringIO()):  # what is logged
            verdicts = list(judge(push))
        for n, verdict in enumerate(verdicts):
            counts[verdict.judgement] += 1
            if given.all or verdict.differences:
                place = f"{push.path.name} [{n}]"
                words = "; ".join(verdict.differences)
                sys.stdout.write(f"{verdict.judgement:10} {place}  {push.sender}\n")
                sys.stdout.write(f"{'':10} {words}\n" if words else "")
    total = ", ".join(f"{counts[each]} {each}" for each in Judgement)
    sys.stdout.write(f"{counts.total()} profiles: {total}\n")
    return 1 if counts[Judgement.WRONG] or counts[Judgement.SILENT] else 0


if __name__ == "__main__":
    sys.exit(main())
