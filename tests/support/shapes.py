"""One made-up person as every sender describes her."""

from typing import Any, Final

ADA: Final = {
    "address1": "1 Main Street",
    "address2": "Floor 2",
    "city": "Lehi",
    "companyname": "Analytical Engines",
    "countryid": "US",
    "email": "ada@example.com",
    "firstname": "Ada",
    "lastname": "Lovelace",
    "jobtitle": "Analyst",
    "phone": "+1 555 0100",
    "state": "UT",
    "zip": "84043",
}
XDM: Final[dict[str, Any]] = {
    "person": {"name": {"firstName": "Ada", "lastName": "Lovelace"}},
    "personalEmail": {"address": "Ada@Example.com"},
    "workAddress": {
        "street1": "1 Main Street",
        "street2": "Floor 2",
        "city": "Lehi",
        "stateProvince": "US-UT",
        "countryCode": "US",
        "postalCode": "84043",
    },
    "mobilePhone": {"number": "+1 555 0100"},
    "extendedWorkDetails": {"jobTitle": "Analyst"},
    "b2b": {"companyName": "Analytical Engines"},
}
MEMBERSHIP: Final = {"ups": {"audience-1": {"status": "realized"}}}
IDENTITIES: Final = {"ECID": [{"id": "14575006536349286404619648085736425115"}]}
TRAITS: Final[dict[str, Any]] = {
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "title": "Analyst",
    "phone": "+1 555 0100",
    "company": {"name": "Analytical Engines", "employee_count": 12},
    "address": {
        "street": "1 Main Street",
        "street2": "Floor 2",
        "city": "Lehi",
        "state": "Utah",
        "postalCode": "84043",
        "country": "United States",
    },
}


def prefixed(value: Any) -> Any:
    """Return a value with `xdm:` before its names, as the XDM registry writes them."""
    if isinstance(value, dict):
        return {f"xdm:{name}": prefixed(each) for name, each in value.items()}
    return value


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


NESTED: Final = {"segmentMembership": MEMBERSHIP, "identityMap": IDENTITIES}
# https://developer.adobe.com/experience-platform-apis/references/profile/
ENTITY: Final = {"entityId": "A2-1", "mergePolicy": {"id": "m"}, "entity": {**XDM, **NESTED}}
SHAPES: Final[dict[str, dict[str, Any]]] = {
    "flat": ADA,
    "flat with XDM's names": {
        **without(ADA, "firstname", "lastname", "companyname", "jobtitle", "countryid", "zip"),
        "firstName": "Ada",
        "lastName": "Lovelace",
        "companyName": "Analytical Engines",
        "jobTitle": "Analyst",
        "countryId": "usa",
        "postalCode": "84043",
    },
    "HTTP API": {**XDM, **NESTED},
    "HTTP API with prefixes": {**prefixed(XDM), "xdm:segmentMembership": MEMBERSHIP},
    "Destination SDK, predefined": {"attributes": ADA, **NESTED},
    "Destination SDK, freeform": {
        "attributes": {"salutation": {}} | {name: {"value": text} for name, text in ADA.items()},
        **NESTED,
    },
    "Destination SDK, XDM": {"attributes": XDM, **NESTED},
    "Destination SDK, e-mail as an identity": {
        "attributes": without(ADA, "email"),
        "identityMap": {"Email": [{"id": "ADA@example.com "}]},
    },
    "identity list by type": {
        "attributes": without(ADA, "email"),
        "identities": [{"type": "ECID", "id": "1"}, {"type": "email", "id": "ada@example.com"}],
        "AdobeExperiencePlatformSegments": {"add": ["audience-1"], "remove": []},
    },
    "identity list by namespace": {
        **without(ADA, "email"),
        "identities": [{"namespace": "Email", "value": "ada@example.com"}],
    },
    "identity list by namespace code": {
        **without(ADA, "email"),
        "identities": [{"namespace": {"code": "Email", "id": 6}, "id": "ada@example.com"}],
    },
    "Profile API": ENTITY,
    "Profile API, by id": {"A2-1": ENTITY},
    "Journey Optimizer": {**without(ADA, "state"), "state": "US-UT", "journey": "Invitation"},
    "Segment": {
        "type": "identify",
        "userId": "97980cfea0067",
        "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
        "timestamp": "2026-11-20T23:37:33.000Z",
        "context": {"library": {"name": "analytics.js"}},
        "traits": TRAITS,
    },
    "Segment, traits in the context": {"type": "track", "context": {"traits": TRAITS}},
    "RudderStack": {
        "type": "identify",
        "channel": "web",
        "context": {"traits": TRAITS, "ip": "203.0.113.17"},
        "originalTimestamp": "2026-11-20T23:37:33.000Z",
    },
    "event forwarding": {"xdm": {**XDM, "identityMap": IDENTITIES, "eventType": "web.form"}},
    "event forwarding with prefixes": {"xdm": prefixed(XDM)},
}
