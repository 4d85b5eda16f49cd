"""What it costs to make an attendee of a profile."""

import functools
import json
import subprocess
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attendee_sync import mapping
from local.people import as_xdm, people

_PEER_PYTHON = Path(__file__).parent.parent / "build" / "peer" / "bin" / "python"
_PEER = Path(__file__).with_name("peer.py")
_SECONDS = 60.0
_ROUNDS, _TIMES = 9, 1_000


def mapping_ratio() -> float:
    """Return the time to map and normalise the twelve fields by that to parse the profile."""
    rules = mapping.mapper('{"event_code": "bench"}')
    profile = json.loads(_text())
    return _microseconds(lambda: rules.decide(profile)) / _parsing()


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
    expected = mapping.mapper('{"event_code": "bench"}').decide(json.loads(_text())).fields
    if answer["attendee"] != expected:
        raise RuntimeError("the peer made another attendee")
    return float(answer["microseconds"]) / _parsing()


def _parsing() -> float:
    text = _text()
    return _microseconds(lambda: json.loads(text))


def _microseconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=_TIMES, repeat=_ROUNDS)) / _TIMES * 1e6


@functools.cache
def _text() -> str:
    """Return a profile as AEP's HTTP API pushes it, with a few audiences and identities."""
    person = next(each for each in people(10) if len(each.attendee) == len(mapping.DEFAULT) + 1)
    profile = as_xdm(person)
    profile["segmentMembership"] = {
        "ups": {
            f"{n}841ba61-23c1-4bb3-a495-00d3a5fe1e93": {
                "lastQualificationTime": "2026-01-11T21:24:39Z",
                "status": "realized",
            }
            for n in range(4)
        }
    }
    profile["identityMap"] = {
        "ecid": [{"id": f"1457500653634928540461964808573642511{n}"} for n in range(2)],
        "email_lc_sha256": [{"id": "6" * 64}],
    }
    return json.dumps(profile)
