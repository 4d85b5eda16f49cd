"""Opting out counts in every shape that Adobe documents."""

import hashlib
from typing import Any

import pytest

from attendee_sync.profile import consents, reader

EMAIL = "ada@example.com"
HASH = hashlib.sha256(EMAIL.encode()).hexdigest()
PATH = "marketing.email"
CHANNELS = "https://ns.adobe.com/xdm/channels/"


def marketing(**said: object) -> dict[str, Any]:
    """Return consents to marketing, by channel."""
    return {"consents": {"marketing": said}}


def of_identity(namespace: str, identity: str, said: str, channel: str = "email") -> dict[str, Any]:
    own = {"marketing": {channel: {"val": said}}}
    return {"consents": {"idSpecific": {namespace: {identity: own}}}}


def told(document: dict[str, Any], path: str = PATH) -> str:
    """Return what is told of a person: yes, no, or nothing."""
    read = reader.read({"email": EMAIL, **document})
    agrees, out = (ask(read, path, HASH) for ask in (consents.agrees, consents.opted_out))
    assert not (agrees and out)
    return "yes" if agrees else "no" if out else ""


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ""),
        (marketing(email={"val": "y"}), "yes"),
        (marketing(email={"val": "n", "reason": "left", "time": "2026-01-02"}), "no"),
        (marketing(any={"val": "n"}), "no"),
        (marketing(any={"val": "n"}, email={"val": "y"}), "no"),  # Adobe: the others are ignored
        (marketing(any={"val": "y"}), "yes"),
        (marketing(any={"val": "y"}, email={"val": "n"}), "no"),
        (marketing(any={"val": "y"}, email={"val": "u"}), "yes"),
        (marketing(any={"val": "u"}, email={"val": "y"}), "yes"),
        (marketing(any={"val": "u"}, push={"val": "n"}, preferred="email"), ""),
        (marketing(email={"val": "p"}), ""),
        ({"consents": {"marketing": {"val": "n"}}}, "no"),
        ({"consents": {"marketing": "n"}}, "no"),
        ({"consents": {"marketing": "y"}}, "yes"),
        ({"consents": {"collect": {"val": "n"}, "share": {"val": "n"}}}, ""),
        ({"consents.marketing.email.val": "n"}, "no"),
        ({"xdm:consents": {"xdm:marketing": {"xdm:email": {"xdm:val": "n"}}}}, "no"),
        ({"attributes": marketing(email={"val": "n"})}, "no"),
        ({"Consents": {"Marketing": {"Email": {"Val": "N"}}}}, "no"),
        ({"CONSENTS": {"MARKETING": {"ANY": {"VAL": "N"}}}}, "no"),
        ({"data": {"contact": marketing(email={"val": "n"})}}, "no"),
        ({"payload": {"opt_in_out": {"global_optout": True}}}, "no"),
    ],
)
def test_consents_tell_of_a_channel_or_of_all(document: dict[str, Any], expected: str) -> None:
    assert told(document) == expected


@pytest.mark.parametrize(
    ("name", "no"),
    [
        ("emailOptOut", True),
        ("HasOptedOutOfEmail", "true"),
        ("hs_email_optout", "true"),
        ("unsubscribed", 1),
        ("Unsubscribed", "1"),
        ("opted_out", True),
        ("opt-out", "yes"),
        ("donotbulkemail", True),
        ("Email_Opt_Out__c", "Y"),
        ("emailBlacklisted", True),
        ("email_opt_in", False),
        ("email_opt_in", "no"),
        ("gdpr_consent", "no"),
        ("marketing_consent", False),
        ("subscription_status", "unsubscribed"),
        ("email_subscribe", "unsubscribed"),
        ("accepts_marketing", False),
        ("email_marketing_consent", {"state": "unsubscribed", "opt_in_level": "single_opt_in"}),
        ("marketingemail", "N"),
        ("Newsletter Opt-In", "No"),
    ],
)
def test_opting_out_has_other_names_elsewhere(name: str, no: object) -> None:
    assert told({name: no}) == "no"
    assert told({"contact": {name: no}}) == "no"
    assert told({name: no, **marketing(email={"val": "y"})}) == "no"
    assert told({name: no}, "marketing.any") == "no"
    assert told({name: no}, "share") == ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("email_opt_in", True, "yes"),
        ("subscription_status", "subscribed", "yes"),
        ("gdpr_consent", "Yes", "yes"),
        ("unsubscribed", False, ""),
        ("HasOptedOutOfEmail", "false", ""),
        ("sms_opt_out", True, ""),
        ("status", "unsubscribed", ""),
        ("email_status", "no", ""),
        ("subscription", "premium", ""),
        ("opt_in_source", "no", ""),
        ("consent", None, ""),
        ("opt_out", 7, ""),
    ],
)
def test_what_other_names_say_besides(name: str, value: object, expected: str) -> None:
    assert told({name: value}) == expected


@pytest.mark.parametrize("path", ["collect", "share", "personalize.content"])
@pytest.mark.parametrize(
    ("said", "expected"), [("y", "yes"), ("n", "no"), ("VI", "yes"), ("LI", ""), ("CT", "")]
)
def test_other_consents_have_paths(path: str, said: str, expected: str) -> None:
    document: Any = {"val": said}
    for name in reversed(path.split(".")):
        document = {name: document}
    assert told({"consents": document}, path) == expected
    assert told({"consents": document}) == ""


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (of_identity("Email", EMAIL, "n"), "no"),
        (of_identity("email", EMAIL.upper(), "n"), "no"),
        (of_identity("Email_LC_SHA256", HASH, "n"), "no"),
        (of_identity("email", EMAIL, "n", "any"), "no"),
        (of_identity("email", EMAIL, "y"), "yes"),
        (of_identity("email", "ben@example.com", "n"), ""),
        (of_identity("ECID", "37784337855396895622558625508046772577", "n"), ""),
        (of_identity("email", EMAIL, "n", "push"), ""),
    ],
)
def test_what_is_said_of_an_identity_counts_for_this_address_alone(
    document: dict[str, Any], expected: str
) -> None:
    assert told(document) == expected
    agreed = document["consents"] | marketing(email={"val": "y"})["consents"]
    assert told({"consents": agreed}) == (expected or "yes")


@pytest.mark.parametrize("around", ["_channels", "channels", ""])
@pytest.mark.parametrize("channel", [CHANNELS + "email", "email", "Email"])
@pytest.mark.parametrize(
    ("said", "expected"),
    [("out", "no"), ("OUT", "no"), ({"optInOutStatus": "out"}, "no"), ("pending", ""), ("in", "")],
)
def test_opt_out_lists_tell_of_a_channel(
    around: str, channel: str, said: object, expected: str
) -> None:
    listed = {channel: said, CHANNELS + "phone": "out", "xdm:globalOptout": False}
    document = {"optInOut": {around: listed} if around else listed}
    assert told(document) == expected
    assert told(document, "marketing.phone") == "no"
    assert told(document | marketing(email={"val": "y"})) == (expected or "yes")


@pytest.mark.parametrize("name", ["globalOptout", "globalOptOut", "xdm:globalOptout"])
def test_a_global_opt_out_is_one_of_everything(name: str) -> None:
    assert told({"xdm:optInOut": {name: True}}) == "no"
    assert told({"optInOut": {name: True}}, "marketing.sms") == "no"
    assert told({"optInOut": {name: False}}) == ""


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("general_opt_out", "out", "no"),
        ("sales_sharing_opt_out", "out", "no"),
        ("general_opt_out", "in", ""),
        ("general_opt_out", "pending", ""),
        ("general_opt_out", "not_provided", ""),
        ("something_else", "out", ""),
    ],
)
def test_privacy_opt_outs_count(kind: str, value: str, expected: str) -> None:
    listed = [{"optOutType": "other"}, {"optOutType": kind, "optOutValue": value}]
    assert told({"privacyOptOuts": listed}) == expected
    prefixed = {"xdm:optOutType": kind, "xdm:optOutValue": value}
    assert told({"xdm:privacyOptOuts": [prefixed]}) == expected


@pytest.mark.parametrize("value", [None, 5, "n", [], ["n"], {}, {"a": 1}, [[1]], {"email": [1]}])
@pytest.mark.parametrize("name", ["consents", "optInOut", "privacyOptOuts"])
def test_what_is_no_consent_says_nothing(name: str, value: object) -> None:
    assert told({name: value}) == ""
    assert told({name: {"marketing": value, "idSpecific": value, "_channels": value}}) in ("", "no")
