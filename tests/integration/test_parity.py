"""What `make parity` asks of AWS, asked of the local cloud where it neither waits nor changes."""

import pytest

from local.parity import queues, rights, secret_versions
from local.parity.answers import Check, ask, name_of
from local.parity.known import DIFFERS_LOCALLY
from local.parity.place import place_of
from tests.support.local import Local

CHECKS = (*queues.CHECKS[:3], *secret_versions.CHECKS[:4], *rights.CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_the_local_cloud_answers_as_is_known(local: Local, check: Check) -> None:
    place = place_of(local.stack, lambda _: pytest.fail("nothing is deployed again"))
    answer = ask(check, place)
    assert answer.agrees is (name_of(check) not in DIFFERS_LOCALLY), answer
