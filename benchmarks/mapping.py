"""What it costs to make an attendee of a profile."""

import functools
import json
import subprocess
import timeit
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from attendee_sync import attendee
from attendee_sync.mapping import mapper
from attendee_sync.profile.identity import identify
from local.traffic.people import as_xdm, people

_PEER_PYTHON = Path(__file__).parent.parent / "build" / "peer" / "bin" / "python"
_PEER = Path(__file__).with_name("peer.py")
_SECONDS = 60.0
_ROUNDS, _REPEATS, _TIMES = 15, 3, 500


def mapping_ratio() -> float:
    """Return the time to map and normalise the twelve fields by that to parse the profile."""
    rules = mapper.mapper('{"event_code": "bench"}')
    document = json.loads(_text())

    def work() -> None:
        identity = identify(document)
        mapped = rules.fields.map(identity.profile, identity.found)
        fields = {"email": identity.email, **mapped.fields}
        if len(fields) != len(attendee.FIELDS):
            raise RuntimeError("not all fields are there")

    # Side by side, since a machine's speed changes from one moment to the next.
    return median(_microseconds(work) / _parsing() for _ in range(_ROUNDS))


def peer_mapping_ratio() -> float:
    """Return the same for singer-sdk's stream maps, which normalise less."""
    done = subprocess.run(
        [str(_PEER_PYTHON), str(_PEER)],
        input=_text(),
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    expected = mapper.mapper('{"event_code": "bench"}').decide(json.loads(_text())).fields
    if answer["attendee"] != expected:
        raise RuntimeError("the peer made another attendee")
    return float(answer["ratio"])


def _parsing() -> float:
    text = _text()
    return _microseconds(lambda: json.loads(text))


def _microseconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=_TIMES, repeat=_REPEATS)) / _TIMES * 1e6


@functools.cache
def _text() -> str:
    """Return a profile as AEP's HTTP API pushes it, with a few audiences and identities."""
    person = next(each for each in people(10) if len(each.attendee) == len(attendee.FIELDS))
    pushed = as_xdm(person)
    pushed["segmentMembership"] = {
        "ups": {
            f"{n}841ba61-23c1-4bb3-a495-00d3a5fe1e93": {
                "lastQualificationTime": "2026-01-11T21:24:39Z",
                "status": "realized",
            }
            for n in range(4)
        }
    }
    pushed["identityMap"] = {
        "ecid": [{"id": f"1457500653634928540461964808573642511{n}"} for n in range(2)],
        "email_lc_sha256": [{"id": "6" * 64}],
    }
    return json.dumps(pushed)
