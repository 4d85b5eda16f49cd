"""A destination as Adobe's Destination SDK wants it described, and as its HTTP API form asks.

Shapes and words are those of Adobe's reference and of its API's specification; names and values
are case sensitive. Nothing here was tried with Adobe.
https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-server/server-specs
https://github.com/AdobeDocs/experience-platform-apis/blob/main/static/swagger-specs/destination-authoring.yaml
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from attendee_sync import attendee
from attendee_sync.ingest.api import MAX_PROFILES
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.settings import expression_doubts
from attendee_sync_cli.settings.expression_faults import expressions_of

type Json = dict[str, Any]
type FormValue = tuple[str, str, str]  # screen, field, and what to enter

# Profiles go on as they are. Adobe gives it as the template that transforms nothing; one that
# names fields breaks at quotation marks, and escapes ' and & unless Adobe has switched that off.
# https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/testing-api/streaming-destinations/render-template-api
BODY_TEMPLATE: Final = (
    '{"profiles":[{% for profile in input.profiles %}{{ profile | raw }}'
    "{% if not loop.last %},{% endif %}{% endfor %}]}"
)
# By which Adobe's example has the id of the server that is made first.
SERVER_ID: Final = "{{destinationServerId}}"
_DOCUMENTATION = (
    "https://experienceleague.adobe.com/en/docs/experience-platform/destinations/catalog/"
    "marketing-automation/rainfocus"
)
_NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"
# As many as Adobe's HTTP API destination sends at once. Best effort is for fewer than a hundred:
# https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-configuration/aggregation-policy
_PROFILES_AT_ONCE = 10
_BATCH_SECONDS = 1_800  # the least that all editions of that page allow
_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "address1": "First line of the street address",
    "address2": "Second line of the street address",
    "city": "City",
    "companyname": "Company",
    "countryid": "Country, as ISO 3166-1 alpha-2 code or by name",
    "email": "E-mail address, plain",
    "firstname": "First name",
    "lastname": "Last name",
    "jobtitle": "Job title",
    "phone": "Phone number",
    "state": "State or province, by code or name",
    "zip": "Postal code",
}
# The labels that Adobe's API knows for marketing actions, by the words of destinations' settings.
_MARKETING_ACTIONS: Final[Mapping[str, str]] = {
    "analytics": "ANALYTICS",
    "combine_with_directly_identifiable_data": "COMBINE_WITH_PII",
    "cross_site_targeting": "CROSS_SITE_TARGETING",
    "data_science": "DATA_SCIENCE",
    "email_targeting": "EMAIL_TARGETING",
    "export_to_third_party": "EXPORT_TO_THIRD_PARTY",
    "onsite_advertising": "ONSITE_ADVERTISING",
    "onsite_personalization": "ONSITE_PERSONALIZATION",
    "single_identity_personalization": "SINGLE_IDENTITY_PERSONALIZATION",
}
# What every profile has by itself, and what is no attribute of it.
_NOT_MAPPED: Final = frozenset({"segmentMembership", "identityMap", "_envelope", "consents"})


@dataclass(frozen=True)
class Attributes:
    """What is mapped to a destination beside RainFocus's own fields."""

    names: tuple[str, ...]  # of target attributes
    too_deep: tuple[str, ...]  # paths that an expression reads, which no flat attribute can give


def attributes(settings: Destination) -> Attributes:
    """Return what a destination's expressions and required consents read beside its fields."""
    paths = {
        path
        for text in expressions_of(settings).values()
        for path in expression_doubts.paths(text)
        if path[0] not in _NOT_MAPPED
    }
    flat = {path[0] for path in paths if len(path) == 1} - attendee.FIELDS.keys()
    consents = {f"consents.{each}.val" for each in settings.required_consents}
    deep = {".".join(path) for path in paths if len(path) > 1}
    return Attributes(tuple(sorted(flat | consents)), tuple(sorted(deep)))


def server(push_url: str, name: str) -> Json:
    """Return the destination server: where profiles are pushed to, and as what.

    `push_url` is that of the destination `name`; which one is meant is a field of the connection.
    """
    url = push_url.replace(f"/destinations/{name}/", "/destinations/{{customerData.destination}}/")
    return {
        "name": "attendee-sync",
        "destinationServerType": "URL_BASED",
        "urlBasedDestination": {"url": {"templatingStrategy": "PEBBLE_V1", "value": url}},
        "httpTemplate": {
            "httpMethod": "POST",
            "requestBody": {"templatingStrategy": "PEBBLE_V1", "value": BODY_TEMPLATE},
            "contentType": "application/json",
        },
    }


def configuration(settings: Destination, server_id: str, *, in_batches: bool) -> Json:
    """Return the destination configuration: Adobe's form, the target schema and identities.

    The bearer token is asked for by Adobe's own form; name and description, too.
    https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-configuration/customer-authentication
    """
    actions = [_MARKETING_ACTIONS.get(each) for each in settings.marketing_actions]
    return {
        "name": "RainFocus Attendee Profiles (own account)",
        "description": "Streams profiles into RainFocus attendees by attendee-sync, which runs in "
        "an AWS account of your own.",
        "status": "TEST",
        "customerAuthenticationConfigurations": [{"authType": "BEARER"}],
        "customerDataFields": [_destination_field()],
        "uiAttributes": {
            "documentationLink": _DOCUMENTATION,
            "category": "marketingAutomation",
            "connectionType": "Server-to-server",
            "frequency": "Streaming",
        },
        "identityNamespaces": dict(_namespaces(settings)),
        "schemaConfig": _schema(settings),
        "segmentMappingConfig": {
            "mapExperiencePlatformSegmentName": False,
            "mapExperiencePlatformSegmentId": True,
            "mapUserInput": False,
        },
        "aggregation": _in_batches() if in_batches else _best_effort(),
        "marketingActions": [each for each in actions if each],
        "destinationDelivery": [
            {
                "authenticationRule": "CUSTOMER_AUTHENTICATION",
                "destinationServerId": server_id,
            }
        ],
    }


def by_token(secret: str, sender: str) -> list[FormValue]:
    """Return how a sender authenticates with a bearer token; without a name, with whose it likes.

    `secret` is the name of that with the stack's own token.
    """
    token = f"one by `attendee-sync senders add aep`, or what the secret {secret} holds"
    if sender:
        token = f"that of sender {sender}, which was shown when it was made"
    return [
        ("Authentication", "Authentication type", "Bearer token"),
        ("Authentication", "Bearer token", token),
    ]


def by_oauth2(token_url: str, client_id: str) -> list[FormValue]:
    """Return how a sender authenticates with its app client. Adobe's form asks for no scope."""
    shown = "what `attendee-sync senders add` has shown; Cognito's console shows it, too"
    return [
        ("Authentication", "Authentication type", "OAuth 2 Client Credentials"),
        ("Authentication", "Access Token URL", token_url),
        ("Authentication", "Client ID", client_id),
        ("Authentication", "Client Secret", shown),
        ("Authentication", "Client Credentials Type", "Basic Authorization"),
    ]


def form_values(push_url: str, settings: Destination) -> list[FormValue]:
    """Return the values of Adobe's HTTP API destination, but for how it authenticates.

    https://experienceleague.adobe.com/en/docs/experience-platform/destinations/catalog/streaming/http-destination
    """
    found = attributes(settings)
    mapped = ", ".join(("the attributes of docs/adobe.md", *found.names, *found.too_deep))
    return [
        ("Destination details", "Name", settings.name or "RainFocus attendees"),
        ("Destination details", "Description", settings.description),
        ("Destination details", "Headers", ""),
        ("Destination details", "HTTP Endpoint", push_url),
        ("Destination details", "Query parameters", ""),
        ("Destination details", "Include Segment Names", "off"),
        ("Destination details", "Include Segment Timestamps", "off"),
        ("Mapping", "Source fields", mapped),
    ]


def _namespaces(settings: Destination) -> Iterator[tuple[str, Json]]:
    """Yield the target identities: the plain address, and its hash where that alone is taken.

    https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-configuration/identity-namespace-configuration
    """
    accepts = {"acceptsAttributes": True, "acceptsCustomNamespaces": True}
    yield "email", {**accepts, "acceptedGlobalNamespaces": {"Email": {}}}
    if settings.hashes.only == "send":
        yield (
            "email_lc_sha256",
            {**accepts, "acceptedGlobalNamespaces": {"Email_LC_SHA256": {}}},
        )


def _schema(settings: Destination) -> Json:
    """Return the target schema; an empty list of denied namespaces lets every audience in.

    https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-configuration/schema-configuration
    """
    return {
        "profileFields": list(_fields(settings)),
        "profileRequired": True,
        "segmentRequired": True,
        "identityRequired": True,
        "segmentNamespaceDenyList": [],
    }


def _fields(settings: Destination) -> Iterator[Json]:
    extra = dict.fromkeys(attributes(settings).names, "Read by this destination's settings")
    for name, description in {**_DESCRIPTIONS, **extra}.items():
        yield _field(name, description)


def _field(name: str, description: str) -> Json:
    return {
        "name": name,
        "title": name,
        "description": description,
        "type": "string",
        "isRequired": False,
        "readOnly": False,
        "hidden": False,
    }


def _destination_field() -> Json:
    """Return the field of Adobe's form that says for which destination a connection is."""
    told = "Name of the destination in attendee-sync: it decides RainFocus's event"
    return {**_field("destination", told), "isRequired": True, "pattern": _NAME_PATTERN}


def _best_effort() -> Json:
    return {
        "aggregationType": "BEST_EFFORT",
        "bestEffortAggregation": {
            "maxUsersPerRequest": _PROFILES_AT_ONCE,
            "splitUserById": False,
        },
    }


def _in_batches() -> Json:
    return {
        "aggregationType": "CONFIGURABLE_AGGREGATION",
        "configurableAggregation": {
            "splitUserById": False,
            "maxBatchAgeInSecs": _BATCH_SECONDS,
            "maxNumEventsInBatch": MAX_PROFILES,  # Adobe's least, and the most that a push may have
            "aggregationKey": {
                "includeSegmentId": False,
                "includeSegmentStatus": False,
                "includeIdentity": False,
                "oneIdentityPerGroup": False,
                "groups": [],
            },
        },
    }
