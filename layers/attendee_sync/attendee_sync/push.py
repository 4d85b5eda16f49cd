"""A push: from an HTTP request to profiles on the queue, and the answer to the sender."""

import functools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attendee_sync import attendee, expression, messages, observability, profile
from attendee_sync.messages import Message, Queue
from attendee_sync.outcome import Kind
from attendee_sync.profile import Mapped, Pushed
from attendee_sync.reception import Answer, Reception, Request, answer, answering
from attendee_sync.settings import Settings


@dataclass(frozen=True)
class _Rejected:
    index: int
    text: str
    reason: str


class Ingest:
    """Takes pushes for one stack."""

    def __init__(self, settings: Settings, profiles: Queue, dead_letters: Queue) -> None:
        self._settings = settings
        self._reception = Reception(settings)
        self._profiles = profiles
        self._dead_letters = dead_letters

    def push(self, request: Request) -> Answer:
        """Authenticate a request, queue its profiles and return the answer.

        The answer is 202 only when each profile is on the profile queue or, where it can't be
        used, on the dead-letter queue.
        """
        return answering(request, lambda: self._push(request))

    def _push(self, request: Request) -> Answer:
        destination, pushed = self._reception.receive(request)
        trace_parent = observability.trace_parent(request.headers.get("traceparent"))
        envelope = messages.envelope(request.destination, request.request_id, trace_parent)
        accepted, rejected = self._sort(pushed, envelope, _mapped_email(destination))
        if accepted:
            self._profiles.send(accepted)
        if rejected:
            self._dead_letters.send([_dead_letter(each, envelope) for each in rejected])
        observability.logger().info(
            "push accepted",
            destination=request.destination,
            request_id=request.request_id,
            accepted=len(accepted),
            rejected=len(rejected),
            trace_id=observability.trace_id(trace_parent),
        )
        for each in rejected:
            observability.logger().info(
                "profile settled",
                destination=request.destination,
                request_id=request.request_id,
                index=str(each.index),
                outcome=Kind.REJECTED,
                reason=each.reason,
                attempt=0,
                trace_id=observability.trace_id(trace_parent),
            )
        counts = Counter(
            {(request.destination, Kind.REJECTED.value): len(rejected)} if rejected else {}
        )
        observability.count("Profiles", counts, ("destination", "outcome"))
        return answer(
            request,
            202,
            accepted=len(accepted),
            rejected=[{"index": each.index, "reason": each.reason} for each in rejected],
        )

    def _sort(
        self, pushed: Sequence[Pushed], envelope: Mapping[str, str], mapped: Mapped | None
    ) -> tuple[list[Message], list[_Rejected]]:
        """Return the messages of the profiles that can be used, and the others with why not."""
        hash_key = self._settings.hash_key()
        accepted: list[Message] = []
        rejected: list[_Rejected] = []
        for index, piece in enumerate(pushed):
            text = messages.legal(piece.text)
            email_hash, fault = _email_hash(piece, text, mapped)
            if fault:
                rejected.append(_Rejected(index, piece.text, fault))
                continue
            group = attendee.key(hash_key, envelope["destination"], email_hash)
            identity = f"{envelope['request_id']}-{index}"
            attributes = {**envelope, "index": str(index)}
            accepted.append(Message(text, group, identity, attributes))
        return accepted, rejected


@functools.lru_cache(maxsize=64)
def _mapped_email(destination: str) -> Mapped | None:
    """Return what a destination maps to the e-mail address, if it says so.

    Of its settings that is all that ingest reads, and it does not validate them: that was done
    when they were written. What can't be read here is delivery's to report.
    """
    try:
        rule = json.loads(destination)["mapping"]["email"]
        return expression.lenient(rule if isinstance(rule, str) else rule["value"])
    except (ValueError, KeyError, TypeError, RecursionError):  # JMESPathError is a ValueError
        return None


def _email_hash(piece: Pushed, text: str, mapped: Mapped | None) -> tuple[str, str]:
    """Return the hash of a profile's e-mail address, or else why its text can't be queued."""
    if piece.profile is None:
        return "", piece.fault
    fault = messages.fault(text)
    if fault:
        return "", fault
    read = profile.read(piece.profile)
    email_hash = profile.email_hash_of(read, profile.email_of(read, mapped), mapped)
    return (email_hash, "") if email_hash else ("", "no e-mail address")


def _dead_letter(rejected: _Rejected, envelope: Mapping[str, str]) -> Message:
    text = messages.legal(rejected.text)
    if len(text.encode()) > messages.MAX_PROFILE_BYTES:  # only its beginning can be kept
        text = text.encode()[: messages.MAX_PROFILE_BYTES].decode(errors="ignore")
    identity = f"{envelope['request_id']}-{rejected.index}"
    message = Message(text, identity, identity, {**envelope, "index": str(rejected.index)})
    return messages.dead_letter(message, {"outcome": Kind.REJECTED, "reason": rejected.reason})
