"""Answers: what AWS was asked, what this project takes for granted, and what came."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from local.machine.stack import StackError
from local.parity.place import Place

# An account's id, an ARN, an address of the internet, a host, somebody's mail.
_OF_AN_ACCOUNT = re.compile(r"\d{12}|arn:|\d+\.\d+\.\d+\.\d+|amazonaws|@|https?:")


@dataclass(frozen=True)
class Answer:
    """What was expected and what came, in words of ours: nothing of an account is in them."""

    expected: str
    got: str
    agrees: bool | None
    """None where it could not be asked, and `got` says why."""


type Check = Callable[[Place], Answer]


class PrivacyError(Exception):
    """An answer would tell of the account in which it was asked."""


def name_of(check: Check) -> str:
    """Return the name under which a check is told and recorded."""
    return check.__name__.removeprefix("check_").replace("_", " ")


def question_of(check: Check) -> str:
    """Return what a check asks, that may be so or not."""
    asked = (check.__doc__ or "").partition("\n\n")[0].removeprefix("Ask whether ")
    return " ".join(asked.split())


def equal(expected: object, got: object) -> Answer:
    """Return the answer that agrees if both are the same."""
    return Answer(str(expected), str(got), expected == got)


def at_most(limit: float, got: float, unit: str) -> Answer:
    """Return the answer that agrees if a number is small enough."""
    return Answer(f"at most {limit:g} {unit}", f"{got:.2f} {unit}", got <= limit)


def not_asked(why: str) -> Answer:
    """Return the answer of a check that can't be made in this place."""
    return Answer("", why, None)


def ask(check: Check, place: Place) -> Answer:
    """Make a check; one that fails differs, with the kind of the failure as the answer."""
    try:
        return check(place)
    except ClientError as error:
        return Answer("an answer", f"refused: {error.response['Error']['Code']}", agrees=False)
    except (BotoCoreError, OSError, StackError) as error:
        return Answer("an answer", f"none: {type(error).__name__}", agrees=False)


def document(
    answers: Mapping[str, Answer], checks: Sequence[Check], when: str
) -> dict[str, object]:
    """Return the record of a run. Raises PrivacyError if it would tell of the account."""
    told = [
        {
            "name": name_of(check),
            "question": question_of(check),
            "expected": answers[name_of(check)].expected,
            "got": answers[name_of(check)].got,
            "agrees": answers[name_of(check)].agrees,
        }
        for check in checks
    ]
    if found := [each["name"] for each in told if _OF_AN_ACCOUNT.search(str(each["got"]))]:
        raise PrivacyError(f"What came tells of the account, so nothing is written: {found}")
    return {"recorded": when, "answers": told}
