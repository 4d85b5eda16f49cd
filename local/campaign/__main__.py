"""A campaign of faults: each scenario on the deployed stack, with what was expected and what came.

It takes about a quarter of an hour. Run it with `make campaign`.
"""

import argparse
import json
import sys
from collections.abc import Sequence

import requests
from rich.console import Console

from local.campaign import SCENARIOS, report
from local.campaign.scenario import Result, Scenario, play
from local.machine.cloud import ROOT, CloudError
from local.machine.environment import local_environment
from local.machine.stack import StackError

_RESULT = ROOT / "build" / "campaign.json"


def main() -> int:
    """Run the campaign; return 0 only if all is as expected."""
    arguments = _arguments()
    chosen = [each for each in SCENARIOS if each.name in arguments.only]
    console = Console(highlight=False)
    try:
        results = _play(chosen, arguments.scale, console)
    except KeyboardInterrupt:
        console.print("Interrupted; everything was stopped and removed.")
        return 130
    except (CloudError, StackError, requests.RequestException) as error:
        console.print(f"[red]The campaign could not run:[/red] {error}", markup=True)
        return 1
    document = report.document(results, arguments.scale)
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(report.summary_table(results))
    if arguments.markdown:
        console.print(report.markdown(results), soft_wrap=True, markup=False)
    agreeing = sum(result.holds for result in results)
    console.print(
        f"campaign: scenarios={len(results)} as_expected={agreeing} "
        f"seconds={document['seconds']:.0f} ({_RESULT.relative_to(ROOT)} has all numbers)"
    )
    return 0 if agreeing == len(results) else 1


def _play(chosen: Sequence[Scenario], scale: float, console: Console) -> list[Result]:
    results = []
    with local_environment(lambda step: console.print(f"[bold]·[/bold] {step}")) as environment:
        for scenario in chosen:
            console.print(f"[bold]·[/bold] {scenario.name}: {scenario.what}")
            result = play(scenario, environment, scale, console)
            console.print(report.checks_table(result))
            results.append(result)
    return results


def _arguments() -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m local.campaign", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="NAME",
        help=f"the scenarios to play: {', '.join(names)} (all by default)",
    )
    parser.add_argument(
        "--scale",
        type=_scale,
        default=1.0,
        help="a part of the full numbers and times, such as 0.05; below 1 nothing is timed",
    )
    parser.add_argument("--markdown", action="store_true", help="print the summary in Markdown too")
    return parser.parse_args()


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale <= 1:
        raise argparse.ArgumentTypeError("a number above 0 and up to 1 is expected")
    return scale


if __name__ == "__main__":
    sys.exit(main())
