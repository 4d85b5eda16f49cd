"""What outcomes mean, in words for people."""

from collections.abc import Mapping
from typing import Final

from attendee_sync.outcome import in_words

# docs/delivery.md has the same words.
REASONS: Final[Mapping[str, str]] = {
    "malformed": "not JSON, not an object, the same key twice, nested too deeply, NaN",
    "too_large": "more than 1,000,000 bytes",
    "not_a_person": "tells of a company, a page or the like",
    "missing_email": "no e-mail address, nor a hash of one",
    "invalid_email": "what stands for the address is none",
    "unclear_email": "an address is there, but nothing says that it is the person's: under an "
    "unknown name, somebody else's, or beside another first or last name",
    "several_emails": "several addresses in one text",
    "only_hash": "only a hash of the address, and the destination's hashes does not want that",
    "left_audience": "the person left the audience, or was deleted, has cancelled or has "
    "unsubscribed at the sender",
    "no_consent": "the destination, by required_consents or its filter, asks for a consent that is "
    "not there",
    "filter": "the destination's filter does not hold",
    "filter_failed": "the destination's filter can't be evaluated",
    "erased": "the person was erased, and is blocked until that is lifted",
    "overtaken": "something newer of the attendee was settled",
    "merged": "delivered in one call with a later one",
    "behind": "waits for an earlier one of the attendee",
    "refused": "RainFocus does not take this profile",
    "refused_alone": "RainFocus takes others of the connection, but not this profile",
    "internal_error": "an error of ours that nobody expected",
    "killed_invocation": "invocations died on it",
    "given_up": "SQS itself gave it up",
    "unavailable": "RainFocus is out of order or can't be reached",
    "busy": "RainFocus asks for fewer calls (429, 420, 430)",
    "token_refused": "RainFocus does not take the access token",
    "no_token": "there is no access token",
    "connection_refused": "RainFocus does not take any call of the connection",
    "paused": "the connection is paused",
    "rate_limited": "held to the connection's requests_per_second",
    "no_time": "no time left in the invocation",
    "unfinished": "not ended when the invocation was; the call may have been made",
    "ledger_unavailable": "the ledger could not be read or written",
    "dead_letters_unavailable": "the dead-letter queue could not be reached",
    "settings_unavailable": "settings or secrets could not be read",
    "aws_unavailable": "another service of AWS failed",
    "settings_invalid": "the settings of the destination or its connection are not valid",
    "unknown_destination": "there is no destination of this name",
    "unknown_connection": "there is no connection of this name",
}


def why(reason: str, detail: str, answer: str) -> str:
    """Return why a profile ended so, with RainFocus's answer, as of_answer() has it, if any."""
    told = in_words(reason, detail)
    return f"{told} ({answer})" if answer else told


def of_answer(status: int | str | None, code: str, answer: str) -> str:
    """Return what RainFocus answered; empty if there is nothing to tell."""
    told = [f"HTTP {status}" if status else "", f"code {code}" if code else ""]
    return ", ".join(filter(None, [*told, f'"{answer}"' if answer else ""]))
