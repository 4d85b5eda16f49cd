"""What must hold at the end, when faults have stopped and nothing has to wait."""

import json
from collections.abc import Collection, Sequence

from tests.simulation.invariants import Judge
from tests.simulation.queues import Stored


def check_ends(judge: Judge, waiting: int) -> None:
    """Look at everything once nothing fails any more and nothing has to wait."""
    if waiting:
        judge.fail(f"{waiting} wait though nothing keeps them from an end")
        return
    if judge.lines != judge.metrics:
        judge.fail(f"the log tells of {judge.lines}, and metrics of {judge.metrics}")
    for profile, story in judge.stories.items():
        if (story.is_accepted or story.copies) and not story.ends:
            judge.fail(f"{profile} was accepted, and has no end")
        is_bad = story.ends[-1:] in (["rejected"], ["expired"])
        if is_bad and story.state:
            judge.look_for_dead_letter(profile, story)
    for email in sorted(judge.order):
        _look_at_attendee(judge, email)


def check_erased(judge: Judge, keys: Collection[str], letters: Sequence[Stored]) -> None:
    """Look whether nothing is kept of the people who are erased: items and dead letters."""
    for group in judge.are_erased.values():
        if f"attendee#{group}" in keys:
            judge.fail(f"an erased person is in the ledger: {group[:8]}")
    for each in letters:
        origin = json.loads(each.attributes["origin"])
        state = judge.stories[origin["request_id"], origin["index"]].state
        if state and state.email in judge.are_erased:
            judge.fail(f"a dead letter of an erased person: {state.tag}")


def check_all_took_effect(judge: Judge) -> None:
    """Once all dead letters were redriven, each attendee is as it was pushed last."""
    for email, order in judge.order.items():
        if email not in judge.being_erased and len(order) - 1 not in judge.took[email]:
            judge.fail(f"{order[-1]} ({judge.tag(order[-1])}) did not take effect, the newest")


def _look_at_attendee(judge: Judge, email: str) -> None:
    order = judge.order[email]
    took = sorted(judge.took[email])
    held = judge.rainfocus.attendees.get(email, {})
    if not took:
        return
    for name, text in held.items():
        with_field = [n for n in took if judge.values(order[n], name)]
        newest = max(with_field, default=0)
        allowed = judge.values(order[newest], name)
        if newest < took[-1]:  # what was stored later without an end may have it, too
            allowed = {each for n in order[newest:] for each in judge.values(n, name)}
        for n in _unheard(judge, email):
            allowed |= judge.values(order[n], name)
        if text not in allowed:
            judge.fail(f"{judge.tag(order[took[-1]])}: {name} is not what was pushed last")
    missing = judge.fields_of(order[took[-1]]) - held.keys()
    if missing:
        judge.fail(f"{judge.tag(order[took[-1]])}: {missing} are missing")
    allowed_calls = sum(judge.stories[each].copies for each in set(order))
    allowed_calls += sum(judge.stories[each].excuses for each in set(order))
    if judge.successes[email] > allowed_calls:
        judge.fail(f"{judge.tag(order[0])}: {judge.successes[email]} of {allowed_calls} calls")


def _unheard(judge: Judge, email: str) -> list[int]:
    """Return the positions of what RainFocus stored, and which has no such end.

    Its answer was not heard, or it was refused when it came again. Those before one may have been
    sent in the same call, though they were refused by themselves.
    """
    order = judge.order[email]
    unheard: set[int] = set()
    for last, each in enumerate(order):
        if last in judge.took[email] or (email, judge.tag(each)) not in judge.was_stored:
            continue
        unheard.add(last)
        for n in range(last - 1, -1, -1):
            if n in judge.took[email]:
                break
            unheard.add(n)
    return sorted(unheard)
