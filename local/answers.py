"""Asks for what a first deploy needs: `python -m local.answers ENV` saves it in samconfig.toml.

`sam deploy --guided` would ask for every parameter of the template; all others have a default that
does. What is saved is what the SAM CLI itself would have saved of these.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit
import typer
from samtranslator.yaml_helper import yaml_parse

from local.machine.cloud import ROOT

# What Adobe's own form asks for of RainFocus, and the one address that RainFocus does not publish.
ASKED: Final = (
    "Environment",
    "OrgId",
    "EventCode",
    "DestinationName",
    "DestinationDescription",
    "TokenUrl",
)
_SAVED = "parameter_overrides"


def main(environment: str, folder: Path = ROOT) -> None:
    """Ask, and save the answers for one environment of a folder's samconfig.toml.

    Raises typer.Abort where nobody answers, with nothing saved.
    """
    parameters = yaml_parse((folder / "template.yaml").read_text())["Parameters"]
    file = folder / "samconfig.toml"
    config: Any = tomlkit.parse(file.read_text())
    deploy = config[environment]["deploy"]["parameters"]
    known = dict(re.findall(r'(\w+)="([^"]*)"', deploy.get(_SAVED, "")))
    typer.echo("Six answers; Enter takes what stands in brackets. Nothing is a secret here.")
    answers = {name: _ask(name, parameters[name], known.get(name)) for name in ASKED}
    # No answer has a quotation mark or a backslash: the template's patterns let none in.
    # No answer has a quotation mark or a backslash: the template's patterns let none in.
    deploy[_SAVED] = " ".join(f'{name}="{value}"' for name, value in (known | answers).items())
    file.write_text(tomlkit.dumps(config))
    typer.echo(f"Saved in {file.name}; `make deploy ASK=all` asks for every parameter.")


def _ask(name: str, parameter: Mapping[str, Any], known: str | None) -> str:
    """Return the answer for one parameter, asked for until the template takes it."""
    default = parameter.get("Default") if known is None else known
    allowed = parameter.get("AllowedValues")
    typer.echo(f"\n{parameter['Description']}{f' One of {", ".join(allowed)}.' if allowed else ''}")
    while True:
        answer = str(typer.prompt(name, default=default, show_default=default != "")).strip()
        if _is_taken(answer, parameter):
            return answer
        typer.echo(parameter.get("ConstraintDescription") or "that is none of them", err=True)


def _is_taken(answer: str, parameter: Mapping[str, Any]) -> bool:
    """Tell whether CloudFormation takes an answer."""
    pattern, most = parameter.get("AllowedPattern", ".*"), parameter.get("MaxLength", len(answer))
    is_form = re.fullmatch(pattern, answer) is not None and len(answer) <= int(most)
    return is_form and answer in parameter.get("AllowedValues", [answer])


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except typer.Abort:
        sys.exit("Nobody answered; nothing was saved.")
