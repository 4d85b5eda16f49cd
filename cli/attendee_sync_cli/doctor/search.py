"""The search for changes of the settings that lead to delivery.

Settings and the answer to them are a node. From each node changes are tried; what an answer says
that was not said before is progress, and is gone on from, so that several changes are found that
each help only with the others. A node costs more the longer it leads nowhere, so that no wrong
turn is followed for long.
"""

import heapq
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from attendee_sync.http_client import is_success
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import changes, experiments, hints, wanted
from attendee_sync_cli.doctor.answers import TOO_MANY_REQUESTS, UNSUPPORTED_MEDIA_TYPE, Seen, Stage
from attendee_sync_cli.doctor.calls import Calls
from attendee_sync_cli.doctor.changes import Change, Document
from attendee_sync_cli.doctor.wanted import Asked

MAX_CALLS = 300  # of one search, those for tokens included
_CALLS_WITHOUT_TOKEN = 100  # where none is granted: a wrong secret is likelier than another API
MAX_SECONDS = 300.0
# What a node is worth, in changes tried from it.
_KIND = ("auth", "kind")
_A_STAGE, _NEWS, _A_CHANGE = 70, 90, 30
_ANOTHER_PATH = 100  # that leads no more than the first: that one's others come first
_A_TOKEN_CALL = 8  # there are few of them


@dataclass(frozen=True)
class Found:
    """Changes that lead to delivery, or to an answered read, and what they make of the settings."""

    changes: tuple[Change, ...]
    document: Document
    connection: Connection
    seen: Seen
    heard: str  # all that was said in refusals on the way

    @property
    def is_guess(self) -> bool:
        """Tell whether the success may be none, for all that is known."""
        return any(change.is_guess for change in self.changes)


@dataclass
class _Node:
    document: Document
    connection: Connection
    changes: tuple[Change, ...]
    seen: Seen
    number: int
    heard: str = ""
    is_news: bool = True
    tried: int = 0
    answers: int = 0  # changes that were what a refusal asked for, by its next one
    least: Stage = Stage.NOWHERE  # of an earlier answer to something in the call's form
    untried: Iterator[Change] = field(default_factory=lambda: iter(()))

    @property
    def cost(self) -> tuple[int, int]:
        """Where to go on: the least first. No two nodes cost the same."""
        # Without OAuth no token is asked for, which is no progress by itself.
        is_other_kind = any(path == _KIND for each in self.changes for path, _ in each.values)
        # What is missing and what is wrong may be looked at in either order.
        is_capped = is_other_kind and len(self.changes) == 1 and self.seen.stage <= Stage.ACCESS
        most = Stage.PATH if is_capped else Stage.PARAMETER
        stage = self.seen.stage if self.seen.stage is Stage.UNREAD else min(self.seen.stage, most)
        worth = _A_STAGE * max(stage, self.least) + _NEWS * self.is_news
        if self.seen.stage is Stage.PATH and not self.is_news:
            worth -= _ANOTHER_PATH
        tried = self.tried * (_A_TOKEN_CALL if self.seen.stage is Stage.TOKEN else 1)
        guesses = len(self.changes) - self.answers
        return tried + _A_CHANGE * guesses - worth, self.number


@dataclass
class Search:
    """One search. `is_goal` tells whether there is nothing more to change."""

    calls: Calls
    is_goal: Callable[[Seen], bool]
    most_calls: int = MAX_CALLS
    experiments: int = 0
    is_over: bool = False  # RainFocus is busy or away: no call is to be made any more
    furthest: _Node | None = None
    warned: Seen | None = None  # a success that may be another than was meant
    refused_new: Seen | None = None  # somebody who was not there before, with what was found
    asked: Asked | None = None  # a value that only RainFocus knows
    heard: list[Seen] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _said: set[tuple[object, ...]] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _ends_at: float = 0.0

    def run(self, document: Document, connection: Connection, seen: Seen) -> Found | None:
        """Return the fewest changes that lead to the goal, from settings that don't."""
        self._ends_at = time.monotonic() + MAX_SECONDS
        self._known.add(_spelt(connection))
        self._said.add(seen.gist(self.calls.event_code))
        first = self._node(document, connection, (), seen)
        first.heard = seen.said
        nodes = [(first.cost, first)]  # a heap
        first_call = self.calls.made
        while nodes and not self.is_over and self.calls.made - first_call < self._most_calls(seen):
            _, node = heapq.heappop(nodes)
            change = next(node.untried, None)
            if change is None or time.monotonic() > self._ends_at:
                continue
            node.tried += 1
            heapq.heappush(nodes, (node.cost, node))
            made = self._try(node, change.needed(node.connection))
            if made is None:
                continue
            if self.is_goal(made.seen) and self._is_true(made):
                return self._without_idle(document, made)
            # A sign that is none leads nowhere.
            if not self.is_goal(made.seen) and not node.seen.is_shown:
                heapq.heappush(nodes, (made.cost, made))
        return None

    def _most_calls(self, seen: Seen) -> int:
        is_open = self.furthest is not None and self.furthest.seen.stage >= Stage.ACCESS
        has_no_token = seen.stage is Stage.TOKEN and not (self.calls.has_token or is_open)
        return min(self.most_calls, _CALLS_WITHOUT_TOKEN) if has_no_token else self.most_calls

    def _node(
        self,
        document: Document,
        connection: Connection,
        made: tuple[Change, ...],
        seen: Seen,
        said_before: str = "",
    ) -> _Node:
        untried = experiments.after(connection, self.calls.case.credentials, seen, said_before)
        if not self.calls.case.write_test:
            untried = experiments.for_read(untried)
        number = next(self._numbers)
        return _Node(document, connection, made, seen, number, untried=untried)

    def _try(self, node: _Node, change: Change) -> _Node | None:
        """Return what a change leads to, or None if it was known or leads nowhere."""
        if self.calls.findings.repeats(json.dumps(change.values)):
            return None  # a hint from an answer that repeats what it was sent
        change = self._narrowed(node, change)
        document = change.applied(node.document)
        connection = changes.connection_of(document, node.connection.name)
        if connection is None or _spelt(connection) in self._known:
            return None
        if node.seen.stage is Stage.TOKEN and not self.calls.may_ask(connection):
            return None
        self._known.add(_spelt(connection))
        self.calls.findings.progress(f"trying {change.words}")
        self.experiments += 1
        seen = self.calls.attempt(connection)
        if seen.is_later:
            self.is_over = self._is_away(node, seen)
            return None
        self.heard.append(seen)
        if seen.stage is Stage.STORED and seen.warning:
            self.warned = self.warned or seen
        if self.asked and wanted.is_answered(self.asked, change, seen, node.changes):
            self.asked = None
        asked = wanted.asked(node.seen, change, seen, node.changes)
        if asked and (self.asked is None or asked.rank > self.asked.rank):
            self.asked = asked
        made = self._node(document, connection, (*node.changes, change), seen, node.seen.said)
        made.heard = f"{node.heard} {seen.said}"
        if node.seen.status == UNSUPPORTED_MEDIA_TYPE != seen.status:
            made.least = node.seen.stage  # now it is looked at
        gist = seen.gist(self.calls.event_code)
        made.is_news = gist not in self._said
        made.answers = node.answers + (made.is_news and _is_answer(node.seen, change, seen))
        self._said.add(gist)
        if self.furthest is None or seen.stage > self.furthest.seen.stage:
            self.furthest = made
        return made

    def _narrowed(self, node: _Node, change: Change) -> Change:
        """Return of a change with which a token is granted the part that does it."""
        if not change.parts or not self._is_granted(node, change):
            return change
        parts = list(change.parts)
        while len(parts) > 1:
            half = parts[: len(parts) // 2]
            is_here = self._is_granted(node, changes.both(*half))
            parts = half if is_here else parts[len(half) :]
        return parts[0] if self._is_granted(node, parts[0]) else change

    def _is_granted(self, node: _Node, change: Change) -> bool:
        connection = changes.connection_of(change.applied(node.document), node.connection.name)
        if connection is None or not self.calls.may_ask(connection):
            return False
        return not isinstance(self.calls.token(connection), Seen)

    def _is_away(self, node: _Node, seen: Seen) -> bool:
        """Tell whether it is not the change that is answered so, but any call."""
        if seen.status == TOO_MANY_REQUESTS:
            return True
        return self.calls.attempt(node.connection).is_later

    def _is_true(self, made: _Node) -> bool:
        """Tell whether a sign of success, if one was changed, is there and absent as it must be."""
        if not any(change.touches("answers") for change in made.changes):
            return True
        if not self.calls.can_refuse(made.connection):
            return False
        of_new = self.calls.written_new(made.connection)
        if of_new.stage is not Stage.STORED and is_success(of_new.status or 0):
            return False  # it is answered otherwise, and the sign misses it
        self.refused_new = of_new if of_new.stage is not Stage.STORED else None
        return True

    def _without_idle(self, start: Document, made: _Node) -> Found:
        """Return what was found without the changes that it does not need."""
        kept, best = list(made.changes), made
        for change in made.changes if len(made.changes) > 1 else ():
            fewer = tuple(each for each in kept if each is not change)
            document = start
            for each in fewer:
                document = each.applied(document)
            connection = changes.connection_of(document, made.connection.name)
            if connection is None or not fewer:
                continue
            tried = self._node(document, connection, fewer, self.calls.attempt(connection))
            # Without the change, the sign that was found may be one of refusals, too.
            if self.is_goal(tried.seen) and self._is_true(tried):
                kept, best = list(fewer), tried
        return Found(tuple(kept), best.document, best.connection, best.seen, made.heard)


def _is_answer(parent: Seen, change: Change, made: Seen) -> bool:
    """Tell whether a change gives what a refusal names, so that the next one names it no more."""
    if made.stage < parent.stage:
        return False
    named = hints.names_in(parent.said)
    given = json.dumps(change.values)
    return any(name in given and name not in made.said for name in named)


def _spelt(connection: Connection) -> str:
    settings = connection.model_dump(mode="json", exclude={"preset", "limits"})
    return json.dumps(settings, sort_keys=True)
