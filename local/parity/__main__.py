"""Ask AWS what this project takes for granted of it, and say where it answers otherwise.

Where no account is meant, a local cloud is asked, which takes about two minutes and shows where
it differs from what is expected of AWS. An account is meant by --profile, --region, or the usual
variables (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...); then it first says what it is going to do, and
asks.

In an account a stack of its own is deployed, attendee-sync-parity-XXXXXX, asked for some minutes,
and removed with all that was made, however it ends. By estimate it takes ten minutes and costs a
few cents: made-up profiles wait in it, RainFocus is never called, and no other stack is touched.
Who runs it must be allowed to deploy the stack, and iam:SimulatePrincipalPolicy and
iam:SimulateCustomPolicy. What stays is the SAM CLI's own bucket, and metrics, which AWS lets
nobody delete. What came is written to docs/parity.json, without anything of the account in it.

It exits with 0 if all that was asked agrees, or locally differs only where that is known; with 1
if anything else differs; with 2 if it could not run.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from local.machine.cloud import ROOT, CloudError, ended_by_signals
from local.machine.stack import StackError
from local.parity import CHECKS, LAST, TRACKS
from local.parity.answers import (
    Answer,
    Check,
    PrivacyError,
    ask,
    document,
    name_of,
    question_of,
)
from local.parity.known import DIFFERS_LOCALLY
from local.parity.place import Place, aws_place, local_place

_RECORD = ROOT / "docs" / "parity.json"
# Each names an account's credentials, or where they are.
_NAMES_AN_ACCOUNT = (
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


def main() -> int:
    """Ask everything; return the exit code."""
    arguments = _arguments()
    console = Console(stderr=arguments.json, highlight=False)
    try:
        with ended_by_signals(), _place(arguments, console) as place:
            answers = _asked(place, console)
    except KeyboardInterrupt:
        console.print("Interrupted; what was made is removed.")
        return 2
    except (CloudError, StackError, BotoCoreError, ClientError) as error:
        console.print(f"[red]It could not be asked:[/red] {error}")
        return 2
    return _told(place, answers, arguments, console)


def is_account_meant(arguments: argparse.Namespace, environment: Mapping[str, str]) -> bool:
    """Tell whether an AWS account is meant, not a local cloud."""
    if arguments.profile or arguments.region:
        return True
    named = any(environment.get(name) for name in _NAMES_AN_ACCOUNT)
    return named and not environment.get("AWS_ENDPOINT_URL")


def surprises(answers: Mapping[str, Answer], *, is_local: bool) -> list[str]:
    """Return the names of the checks that differ where that is not known."""
    known = DIFFERS_LOCALLY if is_local else {}
    return [name for name, each in answers.items() if each.agrees is False and name not in known]


def _place(arguments: argparse.Namespace, console: Console) -> AbstractContextManager[Place]:
    def report(step: str) -> None:
        console.print(f"[bold]·[/bold] {step}")

    if not is_account_meant(arguments, os.environ):
        return local_place(report)
    session = boto3.Session(profile_name=arguments.profile, region_name=arguments.region)
    if not session.region_name:
        raise StackError("Which region? --region says it.")
    if not arguments.yes:
        _ask_first(session, console)
    return aws_place(session, report)


def _ask_first(session: boto3.Session, console: Console) -> None:
    try:
        answer = console.input(
            f"Deploy a stack to the account of profile {session.profile_name} in "
            f"{session.region_name}, ask, and remove it? Ten minutes, some cents, we think. [y/N] "
        )
    except EOFError:
        raise StackError("nobody is there to say yes; --yes says it.") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise StackError("Nothing was done.")


def _asked(place: Place, console: Console) -> dict[str, Answer]:
    def run(track: Sequence[Check]) -> dict[str, Answer]:
        answers = {}
        for check in track:
            started = time.monotonic()
            answers[name_of(check)] = ask(check, place)
            console.print(f"  · {time.monotonic() - started:3.0f} s  {name_of(check)}")
        return answers

    with ThreadPoolExecutor(len(TRACKS)) as threads:
        found = list(threads.map(run, TRACKS))
    together = {name: answer for each in found for name, answer in each.items()} | run(LAST)
    return {name_of(check): together[name_of(check)] for check in CHECKS}


def _told(
    place: Place, answers: Mapping[str, Answer], arguments: argparse.Namespace, console: Console
) -> int:
    """Tell what came, record what AWS answered, and return the exit code."""
    when = f"{datetime.now(UTC):%Y-%m-%d}"
    try:
        told = document(answers, CHECKS, when)
    except PrivacyError as error:
        console.print(f"[red]{error}[/red]")
        return 2
    if not place.is_local:
        _RECORD.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.json:
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    console.print(_table(answers, is_local=place.is_local))
    agree = sum(each.agrees is True for each in answers.values())
    differ = sum(each.agrees is False for each in answers.values())
    where = "the local cloud" if place.is_local else f"AWS ({_RECORD.relative_to(ROOT)})"
    unknown = surprises(answers, is_local=place.is_local)
    known = differ - len(unknown)
    console.print(
        f"parity: on {where} {agree} of {len(answers)} agree"
        + (f", {known} differ as is known" if known else "")
        + (f"; unexpected: {', '.join(unknown)}" if unknown else "")
    )
    return 1 if unknown else 0


def _table(answers: Mapping[str, Answer], *, is_local: bool) -> Table:
    table = Table("is it so that", "expected", "got", "", show_lines=True)
    questions = {name_of(check): question_of(check) for check in CHECKS}
    for name, each in answers.items():
        words: Any = {True: "agrees", False: "[red]differs[/red]", None: "not asked"}[each.agrees]
        if is_local and each.agrees is False and name in DIFFERS_LOCALLY:
            words = f"differs, as is known: {DIFFERS_LOCALLY[name]}"
        table.add_row(questions[name], each.expected, each.got, words)
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  make parity\n"
        "  make parity PARITY='--profile sandbox --region eu-west-1'",
    )
    parser.add_argument(
        "--profile", help="the profile of AWS's configuration whose account is meant"
    )
    parser.add_argument("--region", help="the region, if the profile's is not meant")
    parser.add_argument(
        "--yes", action="store_true", help="don't ask before deploying to an account"
    )
    parser.add_argument("--json", action="store_true", help="print what came as JSON, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
