"""The commands about destinations: which profiles become which attendees, and of which event."""

import json
from typing import Annotated, Any, BinaryIO

import typer

from attendee_sync import attendee
from attendee_sync.aws.settings import DEFAULT, INGEST_TOKEN
from attendee_sync.mapping import field_rules, normalisation
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli import console
from attendee_sync_cli.commands import destination_lanes, destination_removal
from attendee_sync_cli.console import AsJson, DestinationName, FailureError, Yes
from attendee_sync_cli.operations import destinations as operations
from attendee_sync_cli.operations.destinations import DestinationSummary, Trial
from attendee_sync_cli.profiles import profile_files, push_client
from attendee_sync_cli.profiles.push_client import Endpoint
from attendee_sync_cli.profiles.sample import SampleFile
from attendee_sync_cli.settings import (
    destination_options,
    sender_forms,
    setting_changes,
    setting_history,
)
from attendee_sync_cli.settings.sender_forms import SenderForm
from attendee_sync_cli.settings.setting_changes import NewSettings
from attendee_sync_cli.settings.setting_history import HistoricVersion
from attendee_sync_cli.settings.validation import NotValidError
from attendee_sync_cli.stack.stack import Stack

RequiredConsents = Annotated[
    list[str],
    typer.Option(
        "--require-consent",
        metavar="PATH",
        help="Send only who agreed to this, such as marketing.email or share; of several, to all.",
    ),
]

_FORMS = {each.name: each for each in sender_forms.FORMS}


def _known_sender(name: str) -> str:
    if name and name not in _FORMS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(_FORMS)}")
    return name


app = typer.Typer(
    no_args_is_help=True, help="Destinations: settings, and the lanes in which their profiles wait."
)


@app.command("list", epilog=console.examples("attendee-sync destinations list --json"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the destinations of the stack."""
    stack: Stack = context.obj
    found = operations.summaries(stack)
    if as_json:
        console.document([each.document() for each in found])
        return
    if not found:
        raise FailureError(f"Stack {stack.name} has no destinations. Is that its name?")
    console.table(
        ["destination", "event", "connection", "lane", "delivery", "filter", "exits", "settings"],
        [_row(each) for each in found],
    )
    for each in found:
        if each.delivery.is_off:
            console.say(f"Delivery to {each.stored.name} is {each.delivery.words}.")
    for each in found:
        if each.stored.faults:
            name = each.stored.name
            console.say(f"`attendee-sync destinations show {name}` tells what is not valid.")


def _row(summary: DestinationSummary) -> list[str]:
    settings = summary.stored.settings
    return [
        summary.stored.name,
        settings.event_code if settings else "",
        settings.connection if settings else "",
        settings.lane if settings else "",
        summary.delivery.words.partition(" ")[0],  # since when, below
        "yes" if summary.is_filtered else "",
        settings.exits.action if settings else "",
        "not valid" if summary.stored.faults else "valid",
    ]


@app.command(
    "show",
    epilog=console.examples(
        "attendee-sync destinations show default",
        "attendee-sync destinations show default --json > default.json",
    ),
)
def show(context: typer.Context, destination: DestinationName, as_json: AsJson = False) -> None:
    """Show the settings of a destination, and where each attendee field comes from.

    In JSON just the settings as they are stored, to be edited and set.
    """
    stack: Stack = context.obj
    found = operations.stored(stack, destination)
    if as_json:
        console.document(setting_changes.parsed(found.text))
    elif found.settings:
        _show(found.settings, setting_changes.parsed(found.text))
        console.say()
        _show_push(stack, push_client.endpoint(stack, destination))
    if found.faults:
        raise NotValidError(f"The settings of destination {destination}", found.faults)


@app.command(
    "create",
    epilog=console.examples(
        "attendee-sync destinations create summit --event summit2027",
        "attendee-sync destinations create summit --event summit2027 --audience "
        "59bd2fbd-3c48-4b18-bf56-4f5c5e6967ae --filter \"country == 'US'\" "
        "--field companyname=employer.name --sample people.csv",
        "attendee-sync destinations create summit --event summit2027 --sender hubspot",
    ),
)
def create(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: DestinationName,
    event: Annotated[
        str, typer.Option("--event", metavar="CODE", help="Event code; AEP calls it Event ID.")
    ],
    connection: Annotated[
        str,
        typer.Option(
            help="Connection that leads there; AEP calls it the account.", callback=console.name
        ),
    ] = Destination.model_fields["connection"].default,
    audience: Annotated[
        list[str],
        typer.Option(
            metavar="ID",
            help="Send only members of this audience; of several, who is in one of them.",
        ),
    ] = [],  # noqa: B006 - typer reads it and changes nothing
    condition: Annotated[
        str,
        typer.Option(
            "--filter", metavar="EXPR", help="Send only who meets this JMESPath condition, too."
        ),
    ] = "",
    field: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=EXPR",
            help="Take an attendee field from this JMESPath expression and not from its usual "
            "names, such as companyname=employer.name; source='web' is a constant.",
        ),
    ] = [],  # noqa: B006
    require_consent: RequiredConsents = [],  # noqa: B006
    sender: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            callback=_known_sender,
            help=f"Tell at the end what to enter at this sender ({', '.join(_FORMS)}); nothing "
            "is set for it. For AEP: `aep values`.",
        ),
    ] = "",
    sample: SampleFile = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Create a destination with a lane of its own, without a file of settings.

    Shows what is stored, doubts about it, and what a sample would come to; then asks. Which other
    settings there are: docs/mapping.md; `destinations show NAME --json` gives the file to edit.
    The lane, a small CloudFormation stack, takes about a minute.
    """
    stack: Stack = context.obj
    operations.expect_new(stack, destination)
    members = destination_options.settings(event, connection, audience, condition, field)
    text = destination_options.with_required_consents(json.dumps(members), require_consent)
    trial = _tried(stack, destination, text, sample)
    _store(stack, trial, _FORMS.get(sender), yes=yes, as_json=as_json)


@app.command(
    "set",
    epilog=console.examples(
        "attendee-sync destinations set summit summit.json --sample people.csv",
        "attendee-sync destinations set summit - --yes < summit.json",
        "attendee-sync destinations set summit event_code=summit2028 filter=null",
        "attendee-sync destinations set summit mapping.companyname=employer.name",
        "attendee-sync destinations set summit --require-consent marketing.email",
    ),
)
def set_(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: DestinationName,
    settings: NewSettings = [],  # noqa: B006 - typer reads it and changes nothing
    require_consent: RequiredConsents = [],  # noqa: B006
    sample: SampleFile = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Store the settings of a destination, after a look at what changes.

    Each KEY=VALUE changes one setting and leaves the others alone; null brings its default back.
    --require-consent takes the place of the consents that were required before.
    A setting that FILE leaves out has its default. Expressions that can't be what was meant are
    refused, doubts about others are told. A new destination gets a lane of its own; the lane of
    one that is there stays as it is, whatever FILE says.
    """
    stack: Stack = context.obj
    before = stack.destination(destination)
    if not settings and not require_consent:
        raise typer.BadParameter("expected FILE, KEY=VALUE or --require-consent")
    given = setting_changes.new_settings(settings, before, Destination, yes=yes)
    text = destination_options.with_required_consents(given, require_consent)
    trial = _tried(stack, destination, text, sample)
    _store(stack, trial, yes=yes, as_json=as_json)


@app.command("history", epilog=console.examples("attendee-sync destinations history summit"))
def history(context: typer.Context, destination: DestinationName, as_json: AsJson = False) -> None:
    """Show who changed the settings of a destination, when, and which; the last hundred times."""
    stack: Stack = context.obj
    setting_history.show(operations.history(stack, destination), as_json=as_json)


@app.command(
    "rollback",
    epilog=console.examples(
        "attendee-sync destinations rollback summit 3 --sample people.csv",
        "attendee-sync destinations rollback default template",
    ),
)
def rollback(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    destination: DestinationName,
    version: HistoricVersion,
    sample: SampleFile = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Store the settings that a destination had in a version, after a look at what changes.

    They are tried as those of `set` are, and become a new version. The lane stays as it is.
    """
    stack: Stack = context.obj
    text = operations.earlier(stack, destination, version)
    _store(stack, _tried(stack, destination, text, sample), yes=yes, as_json=as_json)


app.command("move", epilog=destination_lanes.MOVE_EXAMPLES)(destination_lanes.move)
app.command("pause", epilog=destination_lanes.PAUSE_EXAMPLES)(destination_lanes.pause)
app.command("resume", epilog=destination_lanes.RESUME_EXAMPLES)(destination_lanes.resume)
app.command("upgrade", epilog=destination_lanes.UPGRADE_EXAMPLES)(destination_lanes.upgrade)
app.command("remove", epilog=destination_removal.EXAMPLES)(destination_removal.remove)


def _tried(stack: Stack, name: str, text: str, file: BinaryIO | None) -> Trial:
    """Try settings on a sample, if there is one. Raises FailureError if they have a fault."""
    if file and profile_files.name_of(file) == setting_changes.STDIN:
        raise typer.BadParameter("a file is expected", param_hint="--sample")
    trial = operations.tried(stack, name, text, file)
    for note in trial.notes:
        console.notice(note)
    return trial


def _store(
    stack: Stack, trial: Trial, form: SenderForm | None = None, *, yes: bool, as_json: bool
) -> None:
    """Show what was found, ask, and store the settings if something changes.

    Then tell what is entered at a sender, if its form is given.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    name, changes = trial.destination, trial.changes
    if not as_json:
        _show_trial(trial)
        if changes:
            setting_changes.ask(
                f"Destination {name}", changes, is_new=trial.before is None, yes=yes
            )
    with console.progress(f"Making the lane of {name}" if trial.makes_lane else "Storing"):
        operations.store(stack, trial)
    if as_json:
        entered = {"entered": dict(form.filled(trial.endpoint.url))} if form else {}
        console.document(trial.document() | entered)
        return
    console.say(setting_changes.STORED if changes else setting_changes.NOTHING)
    if changes and name == DEFAULT:
        console.say(operations.KEPT)
    if trial.before is None:
        _show_push(stack, trial.endpoint)
        if form:
            _show_form(form, trial.endpoint.url)
        console.say(f"Next: attendee-sync preview {name} FILE")


def _show_trial(trial: Trial) -> None:
    if trial.summary:
        profiles = console.counted(trial.summary.profiles, "profile")
        console.say(f"What would become of the sample, {profiles}:")
        trial.summary.show()
        console.say()
    if trial.doubts:
        console.say("Doubtful:")
        for each in trial.doubts:
            console.say(f"  {each}")
        console.say()


def _show_push(stack: Stack, endpoint: Endpoint) -> None:
    """Show where senders push to, and what is entered there."""
    console.say("Senders push to")
    console.say(f"  {endpoint.url}")
    for name, value in endpoint.headers.items():
        console.say(f"with the header {name}: {value}")
    console.say(f"with a bearer token, which is in the secret {stack.name}/{INGEST_TOKEN},")
    console.say("or with one of its own: `attendee-sync senders add NAME` makes it.")
    console.say("`attendee-sync aep values NAME` tells what to enter in Adobe Experience Platform.")
    console.say("For others: POST, Content-Type application/json; docs/senders.md has their forms.")


def _show_form(form: SenderForm, push_url: str) -> None:
    console.say(f"What to enter at {form.sender}, by its own documentation; nobody has tried it:")
    if form.where:
        console.say(f"  {form.where}")
    for field, value in form.filled(push_url):  # whole, to be copied
        console.say_as_it_is(f"  {field}: {value}")
    for words in (form.remark, form.documentation):
        if words:
            console.say_as_it_is(f"  {words}")


def _show(settings: Destination, given: dict[str, Any]) -> None:
    rows = setting_changes.rows(settings, given)
    console.table(
        ["setting", "value", "origin"],
        [row for row in rows if row[0].partition(".")[0] != "mapping"],
    )
    console.say()
    console.table(
        ["attendee field", "comes from", "write", "normalised", "origin"],
        [
            _mapping_row(name, settings)
            for name in sorted(attendee.FIELDS.keys() | settings.mapping.keys())
        ],
    )


def _mapping_row(name: str, settings: Destination) -> tuple[str, ...]:
    # The state is normalised with its country, hence not by a function of its own.
    has_form = name in normalisation.BY_FIELD or name in ("email", "state")
    is_normalised = "yes" if has_form and name not in settings.not_normalised else "no"
    rule = settings.mapping.get(name)
    if rule is None:
        source = "the e-mail rule" if name == "email" else field_rules.USUAL_NAMES
        return name, source, "overwrite", is_normalised, "default"
    value = f'"{rule.value}"' if rule.write == "constant" else rule.value
    return name, value, rule.write, is_normalised, "set"
