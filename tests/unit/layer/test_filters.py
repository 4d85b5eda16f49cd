import json
from typing import Any

import pytest

from attendee_sync.mapping import filters, mapper
from attendee_sync.mapping.mapper import Decision, Verdict
from attendee_sync.outcome import Reason
from attendee_sync.profile import reader

MEMBER = "is_member(@, 'audience-1')"
CONSENTS = "consents(@, 'marketing.email')"
OPTED_OUT = "has_opted_out(@, 'marketing.email')"
EMAIL_CHANNEL = "https://ns.adobe.com/xdm/channels/email"
EMAIL = {"email": "ada@example.com"}
SET = {"action": "set", "fields": {"status": "left"}}


def holds(predicate: str, document: dict[str, Any]) -> bool:
    return not filters.unmet(filters.checked(predicate), reader.read(document))


def member(**states: str) -> dict[str, Any]:
    """Return a profile with a state in each of some audiences."""
    audiences = {f"audience-{name[1:]}": {"status": state} for name, state in states.items()}
    return {**EMAIL, "segmentMembership": {"ups": audiences}}


def decide(document: dict[str, Any], **destination: object) -> Decision:
    text = json.dumps({"event_code": "summit2027", **destination})
    return mapper.mapper(text).decide(document)


# --- audiences ----------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["ups", "aam", "AAM", "custom upload"])
@pytest.mark.parametrize(
    ("membership", "is_member"),
    [
        ({"status": "realized"}, True),
        ({"status": "existing"}, True),
        ({"status": "REALIZED"}, True),
        ({}, True),
        ({"status": "exited"}, False),
        ({"status": "exiting"}, False),
        ({"status": "Exited"}, False),
        ({"status": "unheard-of"}, False),
    ],
)
def test_membership_is_told_by_its_state(
    namespace: str, membership: dict[str, str], is_member: bool
) -> None:
    document = {"segmentMembership": {namespace: {"audience-1": membership}}}
    assert holds(MEMBER, document) is is_member
    assert not holds("is_member(@, 'audience-2')", document)


def test_who_is_in_no_audience_is_no_member() -> None:
    assert not holds(MEMBER, {})


# --- consent ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "consents", "opted_out"),
    [
        ("y", True, False),
        ("dy", True, False),
        ("Y", True, False),
        ("n", False, True),
        ("dn", False, True),
        (" N ", False, True),
        ("p", False, False),
        ("u", False, False),
        ("", False, False),
        (None, False, False),
        (True, True, False),
        (False, False, True),
        (5, False, False),
    ],
)
def test_consent_is_told_by_its_value(value: object, consents: bool, opted_out: bool) -> None:
    for marketing in ({"email": {"val": value}}, {"email": value}):
        document = {"consents": {"marketing": marketing}}
        assert holds(CONSENTS, document) is consents
        assert holds(OPTED_OUT, document) is opted_out


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"consents": None},
        {"consents": {"marketing": {"sms": {"val": "n"}}}},
        {"consents": {"marketing": {"email": ["n"]}}},
        {"optInOut": None},
        {"optInOut": {"_channels": ["out"], "globalOptout": "no"}},
    ],
)
def test_where_nothing_is_said_nobody_consents_or_has_opted_out(document: dict[str, Any]) -> None:
    assert not holds(CONSENTS, document)
    assert not holds(OPTED_OUT, document)


@pytest.mark.parametrize(
    ("opt_in_out", "opted_out"),
    [
        ({"_channels": {EMAIL_CHANNEL: "out"}}, True),
        ({"_channels": {EMAIL_CHANNEL: "OUT"}}, True),
        ({"_channels": {EMAIL_CHANNEL: "in"}}, False),
        ({"_channels": {EMAIL_CHANNEL: "pending"}}, False),
        ({"_channels": {EMAIL_CHANNEL: "not_provided"}}, False),
        ({"_channels": {"https://ns.adobe.com/xdm/channels/phone": "out"}}, False),
        ({"globalOptout": True}, True),
        ({"globalOptout": True, "_channels": {EMAIL_CHANNEL: "in"}}, True),
        ({"globalOptout": False}, False),
    ],
)
def test_opt_out_lists_count(opt_in_out: dict[str, Any], opted_out: bool) -> None:
    consents = {"marketing": {"email": {"val": "y"}}}
    assert holds(OPTED_OUT, {"optInOut": opt_in_out}) is opted_out
    assert holds(OPTED_OUT, {"optInOut": opt_in_out, "consents": consents}) is opted_out


# --- who is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predicate", "document", "verdict"),
    [
        (MEMBER, member(_1="realized"), Verdict.SEND),
        (MEMBER, member(_1="realized", _2="exited"), Verdict.SEND),
        (MEMBER, member(_2="realized"), Verdict.FILTER),
        (MEMBER, EMAIL, Verdict.FILTER),
        ("country == 'US'", EMAIL | {"country": "US"}, Verdict.SEND),
        ("contains(tags || `[]`, 'vip')", EMAIL | {"tags": ["vip"]}, Verdict.SEND),
        ("contains(tags || `[]`, 'vip')", EMAIL, Verdict.FILTER),
        (f"{MEMBER} && {CONSENTS}", member(_1="realized"), Verdict.FILTER),
        (f"{MEMBER} && !{OPTED_OUT}", member(_1="realized"), Verdict.SEND),
    ],
)
def test_a_filter_says_who_is_sent(
    predicate: str, document: dict[str, Any], verdict: Verdict
) -> None:
    decision = decide(document, filter=predicate)
    assert decision.verdict is verdict
    assert bool(decision.reason) is (verdict is not Verdict.SEND)


@pytest.mark.parametrize(
    ("predicate", "error"),
    [
        ("length(age) > `1`", "JMESPathTypeError"),
        ("is_member(name, 'audience-1')", "JMESPathTypeError"),
        ("contains(name, `1`)", "TypeError"),
        ("tags[::0]", "ValueError"),
        ("ceil(huge) > `1`", "OverflowError"),
    ],
)
def test_a_filter_that_cannot_be_evaluated_waits_to_be_mended(predicate: str, error: str) -> None:
    document = EMAIL | {"age": 5, "name": "Ada", "tags": ["a"], "huge": float("inf")}
    decision = decide(document, filter=predicate)
    assert (decision.verdict, decision.reason) == (Verdict.WAIT, Reason.FILTER_FAILED)
    assert decision.detail == f"the filter can't be evaluated: {error}"


@pytest.mark.parametrize(
    ("predicate", "document", "reason"),
    [
        (f"!{OPTED_OUT}", {"consents": {"marketing": {"email": {"val": "n"}}}}, "no_consent"),
        (f"!{OPTED_OUT}", {"optInOut": {"globalOptout": True}}, "no_consent"),
        (CONSENTS, {}, "no_consent"),
        (f"vip && {CONSENTS}", {"vip": True}, "no_consent"),
        (f"vip && {CONSENTS}", {"vip": False}, "filter"),
        (f"vip || {CONSENTS}", {"vip": False}, "no_consent"),
        ("vip", {}, "filter"),
        (OPTED_OUT, {}, "filter"),
        (f"!{OPTED_OUT} && {MEMBER}", {"consents": {"marketing": {"any": "n"}}}, "filter"),
        (MEMBER, member(_1="exited"), "left_audience"),
        (f"length(vip) && {MEMBER}", member(_1="exited"), "left_audience"),
        (f"!{OPTED_OUT}", member(_1="exited"), "left_audience"),
    ],
)
def test_a_reason_tells_what_is_not_met(
    predicate: str, document: dict[str, Any], reason: str
) -> None:
    decision = decide(EMAIL | document, filter=predicate)
    assert (decision.verdict, decision.reason) == (Verdict.FILTER, reason)


@pytest.mark.parametrize("state", ["exited", "exiting", "EXITED", "unheard-of"])
@pytest.mark.parametrize("predicate", [None, MEMBER, "email"])
def test_who_has_only_left_is_never_sent(state: str, predicate: str | None) -> None:
    document = member(_1=state, _2="exited") | {"firstName": "Ada"}
    decision = decide(document, filter=predicate)
    assert (decision.verdict, decision.detail) == (Verdict.FILTER, "left the audience")
    assert decision.fields == {}
    leaving = decide(document, filter=predicate, exits=SET)
    assert (leaving.verdict, leaving.detail) == (Verdict.EXIT, "left the audience")
    assert leaving.fields == EMAIL | {"status": "left"}


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (member(_1="exited", _2="realized"), Verdict.EXIT),  # left the one that is asked for
        (member(_1="realized", _2="exited"), Verdict.SEND),
        (member(_2="realized"), Verdict.FILTER),  # left nothing
        (EMAIL, Verdict.FILTER),
        ({"segmentMembership": member(_1="exited")["segmentMembership"]}, Verdict.REJECT),
    ],
)
def test_exits_are_for_who_has_left(document: dict[str, Any], verdict: Verdict) -> None:
    assert decide(document, filter=MEMBER, exits=SET).verdict is verdict


# --- required consents --------------------------------------------------------------------------

REQUIRED = ["marketing.email", "share"]
AGREED = {"marketing": {"email": {"val": "y"}}, "share": {"val": "VI"}}


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"consents": AGREED}, ""),
        ({"consents": AGREED | {"marketing": {"any": {"val": "y"}}}}, ""),
        ({"consents": AGREED | {"share": True}}, ""),
        ({}, "no consent to marketing.email, share"),
        ({"consents": AGREED | {"share": {"val": "p"}}}, "no consent to share"),
        ({"consents": AGREED | {"share": {"val": "u"}}}, "no consent to share"),
        ({"consents": AGREED | {"share": {"val": "LI"}}}, "no consent to share"),
        (
            {"consents": AGREED | {"marketing": {"any": {"val": "n"}, "email": {"val": "y"}}}},
            "no consent to marketing.email",
        ),
        (
            {"consents": AGREED | {"idSpecific": {"Email": {"ada@example.com": {"share": "n"}}}}},
            "no consent to share",
        ),
        (
            {"consents": AGREED, "optInOut": {"_channels": {EMAIL_CHANNEL: "out"}}},
            "no consent to marketing.email",
        ),
        (
            {
                "consents": AGREED,
                "privacyOptOuts": [{"optOutType": "general_opt_out", "optOutValue": "out"}],
            },
            "no consent to marketing.email, share",
        ),
    ],
)
def test_who_has_not_agreed_to_all_that_is_required_is_not_sent(
    said: dict[str, Any], detail: str
) -> None:
    decision = decide(EMAIL | said, required_consents=REQUIRED)
    found = (decision.verdict, decision.reason, decision.detail)
    assert found == (
        (Verdict.FILTER, Reason.NO_CONSENT, detail) if detail else (Verdict.SEND, Reason.NONE, "")
    )


def test_who_agreed_to_all_that_is_required_must_still_meet_the_filter() -> None:
    agreed = decide(EMAIL | {"consents": AGREED}, required_consents=REQUIRED, filter="vip")
    assert (agreed.verdict, agreed.reason) == (Verdict.FILTER, Reason.FILTER)


@pytest.mark.parametrize(
    ("document", "exits", "verdict", "reason"),
    [
        (member(_1="exited"), SET, Verdict.EXIT, "left_audience"),
        (member(_1="exited"), {}, Verdict.FILTER, "left_audience"),
        (member(_1="exited", _2="realized"), SET, Verdict.EXIT, "left_audience"),
        (member(_1="exited", _2="realized"), {}, Verdict.FILTER, "no_consent"),
        (member(_2="realized"), SET, Verdict.FILTER, "no_consent"),  # withdrawing is no exit
    ],
)
def test_a_departure_is_told_of_who_has_not_agreed_as_well(
    document: dict[str, Any], exits: dict[str, Any], verdict: Verdict, reason: str
) -> None:
    decision = decide(document, required_consents=REQUIRED, exits=exits)
    assert (decision.verdict, decision.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("address", "verdict"),
    [("ada@example.com", Verdict.FILTER), ("grace@example.com", Verdict.SEND)],
)
def test_an_opt_out_of_one_address_counts_for_that_address(address: str, verdict: Verdict) -> None:
    own = {"marketing": {"email": {"val": "n"}}}
    document = EMAIL | {"consents": {"idSpecific": {"Email": {address: own}}}}
    assert decide(document, filter=f"!{OPTED_OUT}").verdict is verdict
