"""Departures: events and marks by which senders tell that somebody is theirs no more.

Who was deleted, has cancelled or has unsubscribed, as in `user.deleted`, `{"event": "unsubscribe"}`
or `{"is_deleted": true}`, is told of as one who left. From the documentation of the webhooks of
Auth0, Clerk, WorkOS, Okta, HubSpot, Intercom, Stripe, Shopify, Mailchimp, SendGrid, Brevo,
Customer.io, Zoom and Calendly, and from the columns of Fivetran, Debezium and Salesforce.

Imports the standard library alone, since ingest uses it.
"""

from typing import Final

from attendee_sync.profile import names

_LONGEST = 100  # characters of an event
_DELETED: Final = frozenset({"delete", "deleted", "deletes", "deletion"})
_DELETED_SHORT: Final = _DELETED | {"d"}  # the last in changes of databases, by Debezium
_GONE: Final = _DELETED | frozenset(
    {"remove", "removed", "removal", "cancel", "canceled", "cancelled", "cancelation"}
    | {"cancellation", "declined", "deactivate", "deactivated", "deprovisioned", "erased"}
    | {"unregister", "unregistered"}
)
_UNSUBSCRIBED: Final = frozenset(
    {"unsubscribe", "unsubscribed", "unsubscribes", "unsub", "optout", "optedout", "spamreport"}
    | {"markedspam", "asspam", "spamcomplaint"}
)
_GONE_ALONE: Final = _DELETED | {"deactivate", "deactivated"}
_REGISTRATIONS: Final = frozenset({"registration", "registrations", "rsvp", "booking", "signup"})
# Between a person's word and what became of it, or after both.
_FILLERS: Final = frozenset(
    {"account", "record", "lifecycle", "privacy", "was", "has", "been", "is", "initiated"}
    | {"completed", "event", "all"}
)
_NOT: Final = frozenset({"not", "non", "never", "no"})
_ORDER: Final = 2  # words: delete user
MARKS: Final = ("deleted", "isdeleted", "fivetrandeleted", "softdeleted")
EVENTS: Final = (
    *("event", "eventtype", "eventname", "type", "topic", "metric", "trigger", "triggerevent"),
    *("subscriptiontype", "notificationtype", "webhookevent"),
)
_AROUND: Final = ("value", "BOOL")  # a mark, in HubSpot's properties and DynamoDB's images
_TRUE: Final = ("true", "1", "yes", "y", "t")


def is_event(text: str) -> bool:
    """Tell whether an event is that a person was deleted, has cancelled or unsubscribed.

    What is gone must be the person, a registration or nothing: `contact.deleted`, `deleteUser`,
    `registration_cancelled`, `unsubscribe`, but not `Product Removed` or `contact.tag.deleted`.
    """
    found = [word for word in names.words(text[:_LONGEST]) if word not in _FILLERS]
    if not found or len(text) > _LONGEST:
        return False
    before, last = "".join(found[-2:-1]), found[-1]
    if last in _UNSUBSCRIBED or before + last in _UNSUBSCRIBED:
        return True
    if not before:
        return last in _GONE_ALONE
    is_done_to_somebody = last in _GONE and _is_somebody(before)
    is_order = len(found) == _ORDER and before in _GONE and _is_somebody(last)
    return is_done_to_somebody or is_order


def is_of_gone(name: str) -> bool:
    """Tell whether a list of people has those who are gone: `cancelledBookings`, `lead_deleted`."""
    found = set(names.words(name[:_LONGEST]))
    return not found.isdisjoint(_GONE | _UNSUBSCRIBED) and found.isdisjoint(_NOT)


def is_deletion(text: str) -> bool:
    """Tell whether what is to be done with somebody is a deletion."""
    return text.strip().lower() in _DELETED_SHORT


def is_so(value: object) -> bool:
    """Tell whether the value of a mark says that it is so, by itself or in an object around it."""
    if isinstance(value, dict):
        value = next((value[name] for name in _AROUND if name in value), None)
    return value is True or (isinstance(value, str) and value.lower() in _TRUE)


def _is_somebody(word: str) -> bool:
    return word in _REGISTRATIONS or names.is_person_word(word)
