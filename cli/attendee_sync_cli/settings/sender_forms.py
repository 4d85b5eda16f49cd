"""What is entered in the forms of some senders, as docs/senders.md has it.

The words are those of each sender's own documentation; none was tried with the service.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class SenderForm:
    """A sender's form: fields and what is entered there. `the header` is that with the token."""

    sender: str
    documentation: str  # its address
    where: str
    entries: Sequence[tuple[str, str]]
    remark: str = ""

    @property
    def name(self) -> str:
        """By which name commands know it."""
        return self.sender.lower() if self.documentation else "generic"

    def filled(self, push_url: str) -> list[tuple[str, str]]:
        """Return fields and what is entered there for a push URL."""
        return [(field, value.replace(_URL, push_url)) for field, value in self.entries]


_URL, _HEADER, _POST = "the push URL", "the header", "POST"

FORMS: Final = (
    SenderForm(
        "Segment",
        "https://www.twilio.com/docs/segment/connections/destinations/catalog/actions-webhook",
        "Connections > Catalog > Webhooks (Actions), a mapping with the trigger "
        "Event type is identify",
        (
            ("URL", _URL),
            ("Method", _POST),
            ("Headers", _HEADER),
            ("Data", "the whole event"),
            ("Enable batching", "on"),
            ("Batch size", "1000 at most"),
        ),
    ),
    SenderForm(
        "RudderStack",
        "https://www.rudderstack.com/docs/destinations/http-webhook/setup-guide/",
        "HTTP Webhook",
        (
            ("Base URL", _URL),
            ("Authentication", "Bearer Token, the token alone"),
            ("Method", _POST),
        ),
        "Format JSON.",
    ),
    SenderForm(
        "Hightouch",
        "https://hightouch.com/docs/destinations/http-request",
        "HTTP Request",
        (
            ("Rows added", "POST, JSON, the columns as they are, in batches"),
            ("Rows changed", "the same"),
            ("Rows removed", 'POST {"remove": [rows]}, by which they leave the audience'),
        ),
        "The push URL and the header, as a secret, stand in the destination.",
    ),
    SenderForm(
        "Census",
        "https://fivetran.com/docs/activations/destinations/available-destinations/http-request",
        "HTTP Request",
        (("Base URL", "the push URL up to its host"),),
        "The header is marked as a secret; in the sync: the path of the push URL, POST, a JSON "
        "object of the columns.",
    ),
    SenderForm(
        "HubSpot",
        "https://knowledge.hubspot.com/workflows/how-do-i-use-webhooks-with-hubspot-workflows",
        "Automation > Workflows, action Send a webhook",
        (
            ("Method", _POST),
            ("Webhook URL", _URL),
            ("Authentication type", "API key"),
            ("API key name", "Authorization"),
            ("API key location", "Request header"),
        ),
        "The key's value is Bearer and the token; all contact properties, or those that are "
        "wanted.",
    ),
    SenderForm(
        "Braze",
        "https://www.braze.com/docs/user_guide/message_building_by_channel/webhooks/"
        "creating_a_webhook",
        "Messaging > Campaigns > Webhook, or a step of a Canvas",
        (
            ("Webhook URL", _URL),
            ("HTTP Method", _POST),
            ("Request headers", "the header, and Content-Type application/json"),
            ("Request body", "JSON key/value pairs such as email with {{${email_address}}}"),
        ),
    ),
    SenderForm(
        "Salesforce",
        "https://help.salesforce.com/s/articleView?"
        "id=platform.flow_http_callout_guidelines_authenticating.htm",
        "Setup > Named Credentials, then Flow Builder > HTTP Callout",
        (("Generate Authorization Header", "off"),),
        "An external credential with the protocol Custom and the header; a named credential with "
        "the host of the push URL; a permission set for it; the callout: POST, the path of the "
        "push URL, a JSON body with the contact's fields.",
    ),
    SenderForm(
        "any other webhook",
        "",
        "",
        (
            ("URL", _URL),
            ("Method", _POST),
            ("Content-Type", "application/json"),
            ("Authorization", "Bearer and the token"),
        ),
        "Up to 1,000 objects at once, or one. It should try again after 429, 503 and no answer.",
    ),
)
