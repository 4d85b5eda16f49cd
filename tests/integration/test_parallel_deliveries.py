"""The event source mapping that is played, with the local cloud's queue and functions."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.machine import workers
from local.machine.event_source_mapping import event_source_mapping
from local.machine.stack import LocalStack
from tests.support.local import Local, until

VISIBILITY = 5  # seconds
# Too short for delivery to call RainFocus, so that it puts back what it gets.
TIME_LIMIT = 3


@contextmanager
def _time_limit(stack: LocalStack) -> Iterator[None]:
    """Give delivery a short time limit while the block runs; each change ends its processes."""
    client, name = stack.client("lambda"), stack.resources["DeliveryFunction"]
    before = client.get_function_configuration(FunctionName=name)["Timeout"]
    client.update_function_configuration(FunctionName=name, Timeout=TIME_LIMIT)
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Timeout=before)


@pytest.mark.skipif(not workers.CAN_BE_FOUND, reason="processes are found in /proc")
def test_a_delivery_past_its_time_limit_is_killed_and_its_batch_comes_again(local: Local) -> None:
    stack, email, before = local.stack, "stopped@example.com", local.stack.visibility_timeout()
    local.wait_until_idle()
    stack.set_visibility_timeout(VISIBILITY)
    try:
        with event_source_mapping(stack) as invocations:
            with _time_limit(stack):
                assert local.push({"email": email}).json()["accepted"] == 1
                until(lambda: bool(invocations), "delivery has a process")
                stopped = workers.workers(stack, "DeliveryFunction")
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)
                until(lambda: invocations[-1].failed, "the time limit is past")

            local.wait_for_attendee(email)
            assert not stopped & workers.workers(stack, "DeliveryFunction")
    finally:
        stack.set_visibility_timeout(before)
