"""What Adobe's forms and its Destination SDK are given for a destination."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from attendee_sync import attendee
from attendee_sync.ingest.api import HttpRequest
from attendee_sync.mapping import mapper
from attendee_sync.profile import bodies
from local.traffic.people import as_freeform, as_predefined, people
from tests.support import pebble
from tests.support.command_line import CommandLine
from tests.support.stack import INGEST_TOKEN, PUSH_URL, STACK

SAMPLES = Path(__file__).parents[2] / "samples"
# What Destination SDK takes, by its API's specification and the pages of its reference:
# https://github.com/AdobeDocs/experience-platform-apis/blob/main/static/swagger-specs/destination-authoring.yaml
METHODS = {"GET", "PUT", "POST", "DELETE", "PATCH"}
FIELD_MEMBERS = {
    *("name", "title", "description", "type", "isRequired", "pattern", "enum", "default"),
    *("format", "readOnly", "hidden"),
}
MARKETING_ACTIONS = {
    *("ANALYTICS", "COMBINE_WITH_PII", "CROSS_SITE_TARGETING", "DATA_SCIENCE", "EMAIL_TARGETING"),
    *("EXPORT_TO_THIRD_PARTY", "ONSITE_ADVERTISING", "ONSITE_PERSONALIZATION"),
    "SINGLE_IDENTITY_PERSONALIZATION",
}
HOSTILE = {"lastname": 'O\'Brien "&" <b>', "city": "Zürich\n例示\\", "companyname": "R&D {{ x }}"}


def rendered(line: CommandLine, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the destination server and the destination configuration."""
    files = json.loads(line.succeed("aep", "render", "default", *options))
    return files["destination-server.json"], files["destination.json"]


def body_of(server: dict[str, Any], profiles: list[dict[str, Any]]) -> str:
    template = server["httpTemplate"]["requestBody"]["value"]
    return pebble.render(template, input={"profiles": profiles})


def exported() -> list[list[dict[str, Any]]]:
    """Return profiles as Adobe's templates get them, a request each."""
    names = ("mf-profile-structure-freeform", "mf-profile-structure-predefined")
    documented = [[json.loads((SAMPLES / f"{name}.json").read_text())] for name in names]
    everyone = [person for person in people(12) if not person.reason]
    made = [[shape(person) for person in everyone[:10]] for shape in (as_freeform, as_predefined)]
    hostile = as_predefined(everyone[0])
    hostile["attributes"] |= HOSTILE
    return [*documented, *made, [hostile]]


@pytest.mark.parametrize("profiles", exported())
def test_the_body_that_adobe_renders_is_read_as_the_profiles_that_went_in(
    line: CommandLine, profiles: list[dict[str, Any]]
) -> None:
    body = body_of(rendered(line)[0], profiles)
    pushed = bodies.split(body, "application/json", 1_000, "", maps_email=False)
    assert [each.profile for each in pushed] == profiles


@pytest.mark.parametrize("shape", [as_freeform, as_predefined])
def test_what_adobe_renders_is_accepted_and_gives_the_attendees(
    line: CommandLine, shape: Any
) -> None:
    everyone = [person for person in people(12) if not person.reason][:10]
    server, _ = rendered(line)
    body = body_of(server, [shape(person) for person in everyone])
    headers = {
        "authorization": f"Bearer {INGEST_TOKEN}",
        "content-type": server["httpTemplate"]["contentType"],
    }
    answer = line.aws.ingest().push(HttpRequest("push", "default", headers, body))
    assert (answer.status, answer.body["accepted"]) == (202, 10)
    decide = mapper.mapper('{"event_code": "summit2027"}').decide
    found = [decide(json.loads(each.body)).fields for each in line.aws.sqs.profiles]
    by_email = {fields["email"]: fields for fields in found}
    assert by_email == {person.attendee["email"]: person.attendee for person in everyone}


def test_the_server_pushes_to_the_destination_that_adobes_form_names(line: CommandLine) -> None:
    server, configuration = rendered(line)
    assert server["destinationServerType"] == "URL_BASED"
    assert server["httpTemplate"]["httpMethod"] in METHODS
    assert server["httpTemplate"]["contentType"] == "application/json"
    url = server["urlBasedDestination"]["url"]
    assert url["templatingStrategy"] == "PEBBLE_V1"
    [field] = configuration["customerDataFields"]
    given = {field["name"]: "default"}
    assert pebble.render(url["value"], customerData=given) == PUSH_URL
    assert re.fullmatch(field["pattern"], "summit-2027")
    assert not re.fullmatch(field["pattern"], "summit/../default")


def test_the_schema_has_the_twelve_fields_and_what_the_settings_read(line: CommandLine) -> None:
    line.aws.set_destination(
        "default",
        event_code="summit2027",
        mapping={"dietary": "diet || meal", "source": {"value": "aep", "write": "constant"}},
        filter="region == 'EU' && is_member(@, 'x')",
        required_consents=["marketing.email"],
    )
    fields = rendered(line)[1]["schemaConfig"]["profileFields"]
    assert [each["name"] for each in fields] == [
        *attendee.FIELDS,
        *("consents.marketing.email.val", "diet", "meal", "region"),
    ]
    assert all(each.keys() <= FIELD_MEMBERS and each["type"] == "string" for each in fields)


def test_a_consent_that_is_mapped_as_the_schema_names_it_counts() -> None:
    text = json.dumps({"event_code": "summit2027", "required_consents": ["marketing.email"]})
    for value in ("y", {"value": "y"}):
        document = {"email": "ada@example.com", "consents.marketing.email.val": value}
        assert mapper.mapper(text).decide({"attributes": document}).fields
        document["consents.marketing.email.val"] = "n"
        assert mapper.mapper(text).decide({"attributes": document}).reason == "no_consent"


def test_what_no_flat_attribute_can_give_is_told(line: CommandLine) -> None:
    line.aws.set_destination(
        "default", event_code="summit2027", mapping={"companyname": "employer.name"}
    )
    result = line.run("aep", "render", "default")
    assert "employer.name can't be mapped" in result.stderr
    names = [
        each["name"]
        for each in json.loads(result.stdout)["destination.json"]["schemaConfig"]["profileFields"]
    ]
    assert names == [*attendee.FIELDS]


def test_the_plain_address_is_the_identity_and_its_hash_only_where_it_is_taken(
    line: CommandLine,
) -> None:
    namespaces = rendered(line)[1]["identityNamespaces"]
    assert [*namespaces] == ["email"]
    assert namespaces["email"]["acceptedGlobalNamespaces"] == {"Email": {}}
    assert "sha256" not in json.dumps(namespaces)  # nothing is hashed on the way
    line.aws.set_destination("default", event_code="summit2027", hashes={"only": "send"})
    assert [*rendered(line)[1]["identityNamespaces"]] == ["email", "email_lc_sha256"]


def test_the_configuration_is_one_that_the_api_takes(line: CommandLine) -> None:
    line.aws.set_destination(
        "default",
        event_code="summit2027",
        marketing_actions=["email_targeting", "segment_match", "export_to_third_party"],
    )
    made = rendered(line)[1]
    assert made["status"] == "TEST"
    assert made["customerAuthenticationConfigurations"] == [{"authType": "BEARER"}]
    assert made["uiAttributes"]["category"] == "marketingAutomation"
    assert made["uiAttributes"]["connectionType"] == "Server-to-server"
    assert made["uiAttributes"]["frequency"] == "Streaming"
    assert set(made["marketingActions"]) <= MARKETING_ACTIONS
    schema = made["schemaConfig"]
    assert schema["identityRequired"] is schema["profileRequired"] is schema["segmentRequired"]
    assert schema["segmentNamespaceDenyList"] == []
    assert sum(made["segmentMappingConfig"].values()) == 1
    [delivery] = made["destinationDelivery"]
    assert delivery["authenticationRule"] == "CUSTOMER_AUTHENTICATION"


def test_profiles_come_by_ten_or_in_batches_that_one_push_may_have(line: CommandLine) -> None:
    assert rendered(line)[1]["aggregation"] == {
        "aggregationType": "BEST_EFFORT",
        "bestEffortAggregation": {"maxUsersPerRequest": 10, "splitUserById": False},
    }
    made = rendered(line, "--in-batches")[1]["aggregation"]
    assert made["aggregationType"] == "CONFIGURABLE_AGGREGATION"
    batch = made["configurableAggregation"]
    assert 1_800 <= batch["maxBatchAgeInSecs"] <= 3_600
    assert batch["maxNumEventsInBatch"] == 1_000


def test_files_are_written_with_the_servers_id_and_the_next_step_is_told(
    line: CommandLine, tmp_path: Path
) -> None:
    folder = str(tmp_path / "adobe")
    shown = line.succeed("aep", "render", "default", "--output", folder)
    assert "/destination-servers" in shown
    assert f"attendee-sync aep render default --output {folder} --server ID" in shown
    shown = line.succeed("aep", "render", "default", "--output", folder, "--in-batches")
    assert f"--output {folder} --in-batches --server ID" in shown
    shown = line.succeed("aep", "render", "default", "--output", folder, "--server", "2307ec2b")
    assert "/destination-servers" not in shown
    made = json.loads((tmp_path / "adobe" / "destination.json").read_text())
    assert made["destinationDelivery"][0]["destinationServerId"] == "2307ec2b"
    assert (tmp_path / "adobe" / "destination-server.json").exists()


def test_a_folder_that_can_t_be_written_to_is_told(line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "adobe").write_text("a file")
    said = line.fail("aep", "render", "default", "--output", str(tmp_path / "adobe"))
    assert "can't be written to" in said


def test_settings_that_are_not_valid_give_no_files(line: CommandLine) -> None:
    line.aws.set_destination("default", event_code="")
    assert "event_code" in line.fail("aep", "render", "default")


def test_the_form_of_the_http_api_destination_is_told_field_by_field(line: CommandLine) -> None:
    rows = json.loads(line.succeed("aep", "values", "default", "--json"))
    values = {each["field"]: each["value"] for each in rows}
    assert [*values] == [
        *("Authentication type", "Bearer token", "Name", "Description", "Headers"),
        *("HTTP Endpoint", "Query parameters", "Include Segment Names"),
        *("Include Segment Timestamps", "Source fields"),
    ]
    assert values["HTTP Endpoint"] == PUSH_URL
    assert f"{STACK}/ingest-token" in values["Bearer token"]
    assert "Description: leave empty" in line.succeed("aep", "values", "default")


def test_what_is_copied_into_the_form_is_never_broken(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = line.succeed("aep", "values", "default")
    assert f"  HTTP Endpoint: {PUSH_URL}" in shown.splitlines()


def test_a_sender_with_an_app_client_is_entered_as_oauth_2(line: CommandLine) -> None:
    line.aws.set_destination("summit", connection="default", event_code="summit2027")
    url = "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/token"
    line.aws.stacks.outputs[STACK] |= {"SenderPoolId": "pool", "OAuthTokenUrl": url}
    line.run("senders", "add", "aep", "--oauth2", "--destination", "default")
    line.run("senders", "add", "crm")
    rows = line.json("aep", "values", "default", "--sender", "aep")
    entered = {row["field"]: row["value"] for row in rows}
    assert entered["Authentication type"] == "OAuth 2 Client Credentials"
    assert (entered["Access Token URL"], entered["Client ID"]) == (url, "client-1")
    assert "Bearer token" not in entered
    assert entered["HTTP Endpoint"].endswith("/prod/v1/oauth2/destinations/default/profiles")
    by_token = line.succeed("aep", "values", "default", "--sender", "crm")
    assert "Bearer token: that of sender crm" in by_token
    assert "There is no sender other" in line.fail("aep", "values", "default", "--sender", "other")
    told = line.fail("aep", "values", "summit", "--sender", "aep")
    assert "may not push to summit" in told
