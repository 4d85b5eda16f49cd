"""What is taken for granted of Lambda's processes: how fast one starts, and from which code."""

import time

from local.parity.answers import Answer, at_most, equal
from local.parity.deliveries import profiles
from local.parity.place import Place, within

_SENDER_SECONDS = 2.0  # for which AEP waits
_LOG_SECONDS = 90.0
# https://docs.python.org/3/using/cmdline.html#envvar-PYTHONVERBOSE
_VERBOSE = "PYTHONVERBOSE"
_LOADED = "code object from"
_OURS = "/python/attendee_sync/"  # in a layer, wherever it is


def check_a_push_that_starts_a_process_is_answered_in_time(place: Place) -> Answer:
    """Ask whether a push is answered within AEP's two seconds where a process must start."""
    place.push(profiles(1, "goes"))  # so that the connection's and the token's way is known
    _set_variable(place, "IngestFunction", "PARITY", str(time.time()))
    started = time.monotonic()
    place.push(profiles(1, "goes"))
    return at_most(_SENDER_SECONDS, time.monotonic() - started, "s")


def check_the_layer_is_loaded_from_its_bytecode(place: Place) -> Answer:
    """Ask whether a process that starts loads the layer's modules from their bytecode."""
    started = time.time()
    _set_variable(place, "PreviewFunction", _VERBOSE, "1")
    try:
        place.client("lambda").invoke(
            FunctionName=place.resources["PreviewFunction"], Payload=b"{}"
        )
        within(_LOG_SECONDS if not place.is_local else 5.0, lambda: bool(_loaded(place, started)))
        loaded = _loaded(place, started)
    finally:
        _set_variable(place, "PreviewFunction", _VERBOSE, "")
    compiled = sum(".pyc'" in each for each in loaded)
    return Answer(
        "some, all of them from bytecode",
        f"{len(loaded)}, {compiled} of them from bytecode",
        0 < len(loaded) == compiled,
    )


def check_functions_run_on_the_processor_that_was_chosen(place: Place) -> Answer:
    """Ask whether the functions run on arm64, which the template asks for."""
    found = {
        tuple(place.configuration(name)["Architectures"])
        for name in ("IngestFunction", "DeliveryFunction", "PreviewFunction")
    }
    return equal("arm64", ", ".join(sorted(each for some in found for each in some)))


def _loaded(place: Place, since: float) -> list[str]:
    lines = place.lines("PreviewLogGroup", since, _LOADED)
    return [each for each in lines if _OURS in each]


def _set_variable(place: Place, function: str, name: str, value: str) -> None:
    """Change a variable of a function, whose processes end by that; none is taken away."""
    before = place.configuration(function)["Environment"]["Variables"]
    place.configure(function, Environment={"Variables": {**before, name: value}})


CHECKS = (
    check_a_push_that_starts_a_process_is_answered_in_time,
    check_the_layer_is_loaded_from_its_bytecode,
    check_functions_run_on_the_processor_that_was_chosen,
)
