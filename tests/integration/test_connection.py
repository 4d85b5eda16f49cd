from local.machine.environment import CLIENT_ID, CLIENT_SECRET
from tests.support.local import Local, until


def _emails(name: str, count: int) -> list[str]:
    return [f"{name}-{n}@example.com" for n in range(count)]


def _push(local: Local, emails: list[str]) -> None:
    answer = local.push([{"email": email} for email in emails])
    assert answer.json()["accepted"] == len(emails)


def _wait_until_stored(local: Local, emails: list[str]) -> None:
    until(lambda: set(emails) <= local.attendees().keys(), "all attendees are stored")


def _tokens_issued(local: Local) -> int:
    return sum(each.issued for each in local.simulator.tokens().organisations)


def test_a_token_revoked_under_load_is_fetched_once(local: Local) -> None:
    local.wait_until_idle()
    dead_before, issued_before = local.stack.dead_letter_queue().total, _tokens_issued(local)
    emails = _emails("revoked", 100)

    local.simulator.revoke_tokens()
    _push(local, emails)
    _wait_until_stored(local, emails)

    assert _tokens_issued(local) == issued_before + 1
    assert local.stack.dead_letter_queue().total == dead_before


def test_a_changed_client_secret_is_picked_up_without_a_deploy(local: Local) -> None:
    local.wait_until_idle()
    local.simulator.change_organisation({"client_secret": "another-secret"})
    local.simulator.revoke_tokens()
    try:
        local.stack.store_credentials("default", CLIENT_ID, "another-secret")
        emails = _emails("new-secret", 20)
        _push(local, emails)
        _wait_until_stored(local, emails)
    finally:
        local.simulator.change_organisation({"client_secret": CLIENT_SECRET})
        local.stack.store_credentials("default", CLIENT_ID, CLIENT_SECRET)
    local.stack.refresh_token()
