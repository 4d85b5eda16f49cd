"""Pure parts of the code under test that are asked the same again and again in a run.

A run delivers the same states many times, and what is made of each takes most of its time. So
their answers are kept, by all that they are asked: whatever they answer, they answer it as before.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any
from unittest import mock

from attendee_sync import attendee
from attendee_sync.delivery import planner
from attendee_sync.mapping.mapper import Mapper
from attendee_sync.rainfocus import masking


def remembered() -> Iterator[Any]:
    """Return patches by which some functions keep their answers while they last."""
    yield mock.patch.object(planner, "_document", _keeping(planner._document, _by_value))
    yield mock.patch.object(Mapper, "decide", _keeping(Mapper.decide, _by_identity))
    for name in ("key", "digests", "sha256_of"):
        yield mock.patch.object(attendee, name, _keeping(getattr(attendee, name), _by_value))
    of = _keeping(masking.Sent.of, _by_value)
    yield mock.patch.object(masking.Sent, "of", lambda *asked: of(*map(tuple, asked)))
    for name in ("mask", "is_echo"):
        yield mock.patch.object(masking, name, _keeping(getattr(masking, name), _by_sent))


def _keeping(
    function: Callable[..., Any], key_of: Callable[[tuple[Any, ...]], Hashable]
) -> Callable[..., Any]:
    kept: dict[Hashable, tuple[Any, Any]] = {}

    def answer(*asked: Any) -> Any:
        key = key_of(asked)
        found = kept.get(key)
        if found is None:
            found = kept[key] = (function(*asked), asked)  # what is asked stays, and so its id
        return found[0]

    return answer


def _by_value(asked: tuple[Any, ...]) -> Hashable:
    return tuple([_hashable(each) for each in asked])


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(value.items())
    return value


def _by_identity(asked: tuple[Any, ...]) -> Hashable:
    return tuple([id(each) for each in asked])


def _by_sent(asked: tuple[Any, ...]) -> Hashable:
    text, sent = asked
    return text, id(sent)
