"""The mapping of benchmarks.mapping by a peer: the stream maps of Meltano's singer-sdk.

Run in the environment build/peer with a profile on standard input; prints, as JSON, its time by
that of json.loads.
It maps the same twelve fields from the same sources, and normalises less.
"""

import json
import logging
import sys
import timeit
from collections.abc import Callable

from singer_sdk.mapper import PluginMapper

_MAP = {
    "address1": "_['workAddress']['street1']",
    "address2": "_['workAddress']['street2']",
    "city": "_['workAddress']['city']",
    "companyname": "_['b2b']['companyName']",
    "countryid": "_['workAddress']['countryCode'].upper()",
    "email": "_['personalEmail']['address'].strip().lower()",
    "firstname": "_['person']['name']['firstName']",
    "lastname": "_['person']['name']['lastName']",
    "jobtitle": "_['extendedWorkDetails']['jobTitle']",
    "phone": "_['workPhone']['number']",
    "state": "_['workAddress']['stateProvince'][3:]",
    "zip": "_['workAddress']['postalCode']",
    "__else__": None,
}
_ROUNDS, _TIMES = 15, 200


def main() -> None:
    """Measure the mapping and the parsing of one profile."""
    text = sys.stdin.read()
    profile = json.loads(text)
    logging.disable()
    mapper = PluginMapper({"stream_maps": {"people": _MAP}}, logging.getLogger())
    schema = {"properties": {name: {"type": "object"} for name in profile}}
    mapper.register_raw_stream_schema("people", schema, [])
    [stream_map] = mapper.stream_maps["people"]
    answer = {
        "ratio": _seconds(lambda: stream_map.transform(profile))
        / _seconds(lambda: json.loads(text)),
        "attendee": stream_map.transform(profile),
    }
    sys.stdout.write(json.dumps(answer))


def _seconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=_TIMES, repeat=_ROUNDS))


if __name__ == "__main__":
    main()
