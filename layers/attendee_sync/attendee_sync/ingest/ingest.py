"""A push: from an HTTP request to profiles on the queue, and the answer to the sender."""

import functools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from attendee_sync import attendee, observability
from attendee_sync.aws.clients import Deadline
from attendee_sync.aws.fifo_queue import FifoQueue, Message, QueueUnavailableError
from attendee_sync.aws.settings import Settings
from attendee_sync.ingest.api import (
    HttpError,
    HttpRequest,
    HttpResponse,
    destination_settings,
    put_off,
    respond,
    response,
    split,
)
from attendee_sync.mapping import expressions
from attendee_sync.messaging import dead_letters, messages
from attendee_sync.messaging.lanes import Lanes
from attendee_sync.observability import LogEvent, Metric
from attendee_sync.outcome import Fault, OutcomeKind
from attendee_sync.profile import names
from attendee_sync.profile.identity import EmailRule, identify
from attendee_sync.profile.pieces import Pushed

# Of the two that AEP waits for an answer; the rest is the network's and API Gateway's.
PUSH_SECONDS = 1.9


@dataclass(frozen=True)
class _Rejected:
    index: int
    text: str
    fault: Fault


class Ingest:
    """Takes pushes for one stack."""

    def __init__(
        self,
        settings: Settings,
        lanes: Lanes,
        dead_letters: FifoQueue,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._lanes = lanes
        self._dead_letters = dead_letters
        self._clock = clock

    def push(self, request: HttpRequest) -> HttpResponse:
        """Authenticate a request, queue its profiles and return the answer.

        The answer is 202 only when each profile is on the profile queue or, where it can't be
        used, on the dead-letter queue. No call to AWS is begun that could end too late: then, and
        when AWS fails, it is 503, with the indexes of the profiles that are queued nevertheless.
        """
        deadline = Deadline.after(PUSH_SECONDS, self._clock)
        settings = self._settings.until(deadline)
        return respond(request, settings, lambda known: self._push(known, settings, deadline))

    def _push(self, request: HttpRequest, settings: Settings, deadline: Deadline) -> HttpResponse:
        destination, hash_key = destination_settings(request, settings), settings.hash_key()
        began = self._clock()
        pushed = split(request, destination)
        trace_parent = observability.trace_parent(request.headers.get("traceparent"))
        envelope = messages.push_attributes(
            request.destination, request.request_id, trace_parent, request.sender.name
        )
        in_time = self._in_time(pushed, began, deadline)
        accepted, rejected = _sort(in_time, envelope, hash_key, _email_rule(destination))
        lane = self._lanes.of_destination(request.destination, destination)
        dead = [_dead_letter(each, envelope) for each in rejected]
        try:
            self._queue(lane, accepted, dead, deadline)
        except QueueUnavailableError as error:
            queued = sorted(int(each.attributes["index"]) for each in error.queued)
            _count_received(request, len(queued))
            return put_off(request, error, queued=queued)
        _tell(request, accepted, rejected, trace_parent)
        return response(
            request,
            202,
            accepted=len(accepted),
            rejected=[{"index": each.index, **vars(each.fault)} for each in rejected],
        )

    def _in_time(
        self, pushed: Iterable[Pushed], began: float, deadline: Deadline
    ) -> Iterator[Pushed]:
        """Yield what was pushed. Raises HttpError as soon as reading it has taken too long."""
        for piece in pushed:
            yield piece
            if not deadline.allows() and self._clock() - began > PUSH_SECONDS / 2:
                raise HttpError(413, "to read it takes too long; push fewer profiles at once")

    def _queue(
        self,
        lane: FifoQueue,
        accepted: Sequence[Message],
        dead_letters: Sequence[Message],
        deadline: Deadline,
    ) -> None:
        """Put profiles on their lane, and only then the dead letters of the others on their queue.

        A push that is made again has a dead letter twice only where these could not all be sent.
        Raises QueueUnavailableError, with what of `accepted` is queued.
        """
        if accepted:
            lane.send(accepted, deadline)
        if dead_letters:
            try:
                self._dead_letters.send(dead_letters, deadline)
            except QueueUnavailableError as error:
                raise QueueUnavailableError(str(error), accepted) from error


def _count_received(request: HttpRequest, profiles: int) -> None:
    """Count profiles that come to an end of their own, also where the push as a whole did not."""
    if profiles:
        observability.count(
            Metric.RECEIVED, Counter({(request.destination,): profiles}), ("destination",)
        )
    if profiles and request.sender.name:
        counts = Counter({(request.sender.name,): profiles})
        observability.count(Metric.RECEIVED_FROM_SENDER, counts, ("sender",))


def _tell(
    request: HttpRequest,
    accepted: Sequence[Message],
    rejected: Sequence[_Rejected],
    trace_parent: str,
) -> None:
    """Log and count what became of a push."""
    observability.logger().info(
        LogEvent.PUSH_ACCEPTED,
        destination=request.destination,
        request_id=request.request_id,
        sender=request.sender.name,
        accepted=len(accepted),
        rejected=len(rejected),
        trace_id=observability.trace_id(trace_parent),
        # By index: so who waits is found before delivery has a line about the profile.
        attendees={each.attributes["index"]: each.group for each in accepted},
    )
    for each in rejected:
        observability.logger().info(
            LogEvent.PROFILE_SETTLED,
            destination=request.destination,
            request_id=request.request_id,
            sender=request.sender.name,
            index=str(each.index),
            outcome=OutcomeKind.REJECTED,
            reason=each.fault.reason,
            detail=each.fault.detail,
            attempt=0,
            trace_id=observability.trace_id(trace_parent),
        )
    _count_received(request, len(accepted) + len(rejected))
    observability.count_ends(request.destination, [(True, False) for _ in rejected])
    ends = [(request.destination, OutcomeKind.REJECTED.value) for _ in rejected]
    observability.count(Metric.PROFILES, Counter(ends), ("destination", "outcome"))
    reasons = [(*end, each.fault.reason.value) for end, each in zip(ends, rejected, strict=True)]
    observability.count_undelivered(Counter(reasons))


def _sort(
    pushed: Iterable[Pushed],
    envelope: Mapping[str, str],
    hash_key: str,
    rule: EmailRule,
) -> tuple[list[Message], list[_Rejected]]:
    """Return the messages of the profiles that can be used, and the others with why not."""
    accepted: list[Message] = []
    rejected: list[_Rejected] = []
    for index, piece in enumerate(pushed):
        text = messages.escape_for_sqs(piece.text)
        email_hash, fault = _email_hash(piece, text, rule)
        if fault:
            rejected.append(_Rejected(index, piece.text, fault))
            continue
        group = attendee.key(hash_key, envelope["destination"], email_hash)
        identity = f"{envelope['request_id']}-{index}"
        attributes = {**envelope, "index": str(index)}
        accepted.append(Message(text, group, identity, attributes))
    return accepted, rejected


@functools.lru_cache(maxsize=64)
def _email_rule(destination: str) -> EmailRule:
    """Return what a destination says of e-mail addresses.

    Ingest reads little of its settings, and does not validate them: that was done
    when they were written. What can't be read here is delivery's to report.
    """
    try:
        settings = json.loads(destination)
        email = settings.get("mapping", {}).get("email")
        expression = email["value"] if isinstance(email, dict) else email
        return EmailRule(
            expressions.lenient(expression) if expression else None,
            falls_back=settings.get("email_falls_back", True) is not False,
            takes_hashes=settings.get("hashes", {}).get("only") == "send",
            table=names.table(settings.get("names")),
        )
    # JMESPathError is a ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return EmailRule(takes_hashes=True)


def _email_hash(piece: Pushed, text: str, rule: EmailRule) -> tuple[str, Fault | None]:
    """Return the hash of a profile's e-mail address, or else why its text can't be queued."""
    if piece.profile is None:
        return "", piece.fault
    fault = messages.size_fault(text)
    if fault:
        return "", fault
    identity = identify(piece.profile, rule)
    return identity.email_hash, identity.fault


def _dead_letter(rejected: _Rejected, envelope: Mapping[str, str]) -> Message:
    text = messages.escape_for_sqs(rejected.text)
    if len(text.encode()) > messages.MAX_PROFILE_BYTES:  # only its beginning can be kept
        text = text.encode()[: messages.MAX_PROFILE_BYTES].decode(errors="ignore")
    identity = f"{envelope['request_id']}-{rejected.index}"
    message = Message(text, identity, identity, {**envelope, "index": str(rejected.index)})
    return dead_letters.dead_letter_of(
        message, {"outcome": OutcomeKind.REJECTED, **vars(rejected.fault)}
    )
