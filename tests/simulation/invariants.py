"""What must hold after each step.

It knows what was pushed, what the queues took, what RainFocus stored and what was heard of it, and
compares the log, the metrics and the dead letters with that. Of the code under test it knows
nothing but the names in them.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.pauses import Pauses
from tests.simulation.people import State
from tests.simulation.rainfocus import RainFocus
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.stories import End, ProfileId, Stories

_MAX_DEATHS = 3
_MOST_ALONE = 3
_MOST_LOOK_SECONDS = 60.0  # at a token


class Judge(Stories):
    """Sees everything, and notes what must not be."""

    def __init__(self, scheduler: Scheduler, rainfocus: RainFocus, max_age: float) -> None:
        super().__init__(scheduler)
        self.max_age = max_age
        self.calls = 0
        self.pauses = Pauses(scheduler, self.fail)
        self.was_stored: set[tuple[str, str]] = set()  # person, and tag
        self.successes: Counter[str] = Counter()  # by person
        self.lines: Counter[str] = Counter()  # ends and put-backs by outcome
        self.metrics: Counter[str] = Counter()
        self.rainfocus = rainfocus
        self._refusals: Counter[tuple[str, str]] = Counter()  # by status class and state's tag
        self._heard: set[tuple[str, str]] = set()  # person, and tag of a success that was heard
        self._replayed: set[str] = set()  # people of whom the last call was not for the first time
        self._sent: dict[str, dict[str, str]] = {}  # by person: with the last such success
        self._noted: dict[str, dict[str, str]] = {}  # likewise: what the ledger surely knows
        self._forced_until = 0.0
        self._token_is_excused = False
        self._is_paused = False
        self._resumed_at = 0.0

    def invocation_ended(
        self, profiles: Sequence[ProfileId], *, is_clean: bool, is_dead: bool
    ) -> None:
        """See a delivery of some profiles end, as it should or not."""
        for each in profiles:
            story = self.stories[each]
            story.deaths += is_dead
            story.excuses += not is_clean

    def fault(self, process: Process, service: str) -> None:
        """See a call to AWS fail."""
        self.see(process.name, "meets a fault of", service)
        for each in process.messages:
            self.forget(self.stories[each.profile].state)
        if service == "ssm":  # then a delivery goes by what it knows, however old that is
            self.settings_failed = True
        if process.name == "token-refresh":
            self.excuse_token()
        if service == "dynamodb":
            self.pauses.see_fault_of_table()
            for each in process.messages:
                self.stories[each.profile].is_unsure = True

    def delivery_began(self) -> None:
        """See a delivery begin."""
        if self._is_paused:
            self.fail("a delivery begins though deliveries are paused")

    def paused(self, *, is_paused: bool) -> None:
        """See deliveries paused, or about to go on."""
        self._is_paused, self._resumed_at = is_paused, self._scheduler.now
        self.see("paused" if is_paused else "resumed")

    def erasing(self, email: str) -> None:
        """See somebody begin to erase a person."""
        self.see("erasing", self.groups[email][:8])
        self.being_erased.add(email)

    def erased(self, email: str) -> None:
        """See a person erased: from now on nothing is sent of it, and nothing kept."""
        self.see("erased", self.groups[email][:8])
        self.are_erased[email] = self.groups[email]

    def forget(self, state: State | None) -> None:
        """What the ledger knows of a person is not sure any more."""
        if state:
            self._noted.pop(state.email, None)

    # --- RainFocus ----------------------------------------------------------------------------

    def called(self, email: str, fields: Mapping[str, str]) -> None:
        """See a call begin."""
        self.calls += 1
        if email in self.are_erased:
            self.fail(f"{fields['jobtitle']} is sent, and the person is erased")
        self.see("call", fields["jobtitle"], fields["companyname"])
        known = self._noted.pop(email, None)
        # Something else of the person may have been sent before, and not been heard of.
        came_again = self._came_again(email)
        (self._replayed.add if came_again else self._replayed.discard)(email)
        is_known = known is not None and known.items() >= _without_event(fields).items()
        if is_known and not came_again:
            self.fail(f"{fields['jobtitle']} is sent though RainFocus has it")
        self.pauses.see_call(self._scheduler.task.process)

    def _came_again(self, email: str) -> bool:
        """Tell whether the delivery that calls has something of a person not for the first time."""
        of_person = {*self.order[email]}
        working = self._scheduler.task.process.messages
        return any(each.receives > 1 for each in working if each.profile in of_person)

    def stored(self, email: str, fields: Mapping[str, str]) -> None:
        """See RainFocus store something: nothing older than what took effect before."""
        self.see("stored", fields["jobtitle"], fields["companyname"])
        self.was_stored.add((email, fields["jobtitle"]))
        order, newest = self.order[email], max(self.took[email], default=-1)
        same = [n for n, each in enumerate(order) if self.tag(each) == fields["jobtitle"]]
        # What comes again is replayed in its order where sequences and clocks disagree; then it
        # ends as it did before, which is looked at in the end.
        if not same or (same[-1] < newest and email not in self._replayed):
            self.fail(f"{fields['jobtitle']} is stored after {self.tag(order[newest])}")

    def heard(self, fields: Mapping[str, str], status: int, code: str, retry_after: float) -> None:
        """See an answer heard."""
        if retry_after:
            self.pauses.see_busy(self._scheduler.task.process, retry_after)
        email, tag = fields["email"], fields["jobtitle"]
        self.see("heard", tag, status, code)
        if status == 200 and code == "0":
            self._heard.add((email, tag))
            self._sent[email] = _without_event(fields)
            self.successes[email] += 1
        else:
            if status in (401, 403):  # another token might be taken
                self.excuse_token()
            kind = "refused" if code == "105" else "failed"
            self._refusals[kind, tag] += 1

    def ran_out_of_time(self, process: Process) -> None:
        """See an invocation reach its time limit."""
        if not process.faults:
            self.fail(f"{process.name} ran until its time limit")

    def remapped(self, version: int) -> None:
        """See the mapping changed."""
        self.mappings.append((self._scheduler.now, version))
        self._noted.clear()

    def written(self, key: str, item: Mapping[str, Any]) -> None:
        """See an item written."""
        if not key.startswith("token#"):  # where access tokens are kept
            texts = (str(value) for each in item.values() for value in each.values())
            self.look_for_people(f"{key} {' '.join(texts)}")
        if key.startswith("circuit#"):
            self.pauses.see_state(item)
        if key.startswith("attempt#") and "begun" in item:
            self._begun_alone(self.profiles[key.removeprefix("attempt#")])

    def left_out(self, key: str) -> None:
        """See an item not written with others of its batch: what it notes is not known."""
        if key.startswith("attempt#"):
            self.stories[self.profiles[key.removeprefix("attempt#")]].excuses += 1

    def _begun_alone(self, profile: ProfileId) -> None:
        state = self.stories[profile].state
        of_person = self.order[state.email] if state else []
        if not any(map(self._may_be_noted, of_person)):
            self.fail(f"{profile} is delivered alone, though no delivery of it died")

    def _may_be_noted(self, profile: ProfileId) -> bool:
        """Tell whether more may be in the table of a profile than what was seen to be written."""
        story = self.stories[profile]
        return bool(story.excuses) or story.is_unsure

    def excuse_token(self) -> None:
        """See something for which a token may be renewed though it is young."""
        self._token_is_excused = True

    def force_token(self) -> None:
        """See an operator have a token renewed; others may have read old credentials before."""
        self._forced_until = self._scheduler.now + _MOST_LOOK_SECONDS

    def granting(self, at_once: int) -> None:
        """See a token asked for."""
        self.see("token")
        rainfocus = self.rainfocus
        age = self._scheduler.now - rainfocus.granted_at
        is_wanted = self._token_is_excused or self._scheduler.now < self._forced_until
        if age < 0.3 * rainfocus.lifetime and not is_wanted:
            self.fail(f"a token is asked for {age:.0f} s after the last")
        if at_once > 1:
            self.fail("two tokens are asked for at once")

    def granted(self) -> None:
        """See a token granted: another is not needed soon."""
        self._token_is_excused = False

    # --- what the functions write -------------------------------------------------------------

    def line(self, text: str, process: Process) -> None:
        """See a line of the log, or of metrics."""
        self.look_for_people(text)
        try:
            told = json.loads(text)
        except ValueError:
            self.fail(f"no JSON in the log: {text[:200]}")
            return
        if "_aws" in told:
            if "Profiles" in told:
                self.metrics[told["outcome"]] += round(sum(_list(told["Profiles"])))
        elif told.get("message") in ("access token", "connection paused", "connection resumed"):
            self.see(*(told.get(name, "") for name in ("message", "state", "cause", "reason")))
        elif told.get("message") in ("profile settled", "profile put back"):
            self.lines[told["outcome"]] += 1
            self.see(
                "line", told["request_id"], told["index"], told["outcome"], told.get("reason", "")
            )
            if told.get("reason", "") == "internal_error":
                self.fail(f"an internal error: {told['detail']}")
            if told["message"] == "profile settled":
                self._ended((told["request_id"], told["index"]), told, process)

    def _ended(self, profile: ProfileId, told: Mapping[str, Any], process: Process) -> None:
        story, outcome = self.stories[profile], told["outcome"]
        story.ends.append(outcome)
        if not story.state:
            if (outcome, told["attempt"]) != ("rejected", 0):
                self.fail(f"{profile} can't be used, and is {outcome}")
            return
        if len(story.ends) > story.copies + story.excuses:
            self.fail(f"{profile} has {len(story.ends)} ends: {story.ends}")
        copy = next(each for each in process.messages if each.profile == profile)
        process.messages.remove(copy)
        end = End(profile, story, story.state, self.positions[copy.id], told.get("reason", ""))
        match outcome:
            case "delivered":
                self._delivered(end)
            case "unchanged":
                self._unchanged(end)
            case "stale":
                self._stale(end)
            case "rejected":
                self._rejected(end)
            case "expired":
                self._expired(end)
            case "filtered" if end.state.email in self.being_erased:
                pass
            case _:
                self.fail(f"{end} is {outcome}")

    def _delivered(self, end: End) -> None:
        email, order = end.state.email, self.order[end.state.email]
        tags = {end.state.tag}
        if end.reason == "merged":
            tags = {self.tag(each) for each in order[end.position :]}
        if not any((email, tag) in self._heard for tag in tags):
            self.fail(f"{end} is delivered, and no success was heard")
        self.took[email].add(end.position)
        if not self.mapping_changed_lately():
            self._noted[email] = self._sent[email]

    def _unchanged(self, end: End) -> None:
        email, state = end.state.email, end.state
        held = self.rainfocus.attendees.get(email, {})
        # One that was merged with later ones may have never been in RainFocus by itself.
        later = {self.tag(each) for each in self.order[email][end.position + 1 :]}
        is_held = any(state.fields(n).items() <= held.items() for n in self.versions(end.story))
        if not is_held and held.get("jobtitle") not in later:
            self.fail(f"{end} is unchanged, and RainFocus holds something else")
        self.took[email].add(end.position)

    def _stale(self, end: End) -> None:
        email = end.state.email
        newer = self.order[email][end.position + 1 :]
        # Something newer may be in the ledger whose delivery died, or did not hear that it is.
        is_excused = any(map(self._may_be_noted, newer))
        if max(self.took[email], default=-1) <= end.position and not is_excused:
            self.fail(f"{end} is stale, and nothing newer took effect")

    def _rejected(self, end: End) -> None:
        self._noted.pop(end.state.email, None)
        refused, failed = (self._refusals[kind, end.state.tag] for kind in ("refused", "failed"))
        is_right = {
            "refused": refused > 0,
            # A refusal by the probe, say, counts as the connection's.
            "refused_alone": refused + failed >= _MOST_ALONE,
            "killed_invocation": end.story.deaths >= _MAX_DEATHS,
        }
        if not is_right.get(end.reason):
            self.fail(f"{end} is rejected for {end.reason}, without cause")
        self.look_for_dead_letter(end.profile, end.story)

    def _expired(self, end: End) -> None:
        self._noted.pop(end.state.email, None)
        # Whose delete was lost is there still, beside what a redrive queued.
        queued_at = end.story.came_at if end.story.excuses else end.story.queued_at
        if self._scheduler.now - max(queued_at, self._resumed_at) < self.max_age - 1:
            self.fail(f"{end} expired before its time")
        self.look_for_dead_letter(end.profile, end.story)


def _without_event(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if name != "event"}


def _list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]
