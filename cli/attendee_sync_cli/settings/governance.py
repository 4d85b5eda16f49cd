"""Governance: settings that send what its labels forbid, as Adobe Experience Platform would say.

A policy says which labels forbid a marketing action. Adobe enforces those that somebody enabled
when data is activated; here it is the settings that can't be stored:
https://experienceleague.adobe.com/en/docs/experience-platform/data-governance/enforcement/auto-enforcement
"""

from collections.abc import Iterator, Mapping
from typing import Final

from attendee_sync import attendee
from attendee_sync.mapping.destination import Destination, Label, MarketingAction
from attendee_sync_cli.settings.expression_doubts import SettingDoubt
from attendee_sync_cli.settings.validation import SettingFault

# Adobe documents that each core label has a core policy, but shows two of them: C2 and C11. The
# others are inferred from what the label means, so a destination's `policies` can say otherwise:
# https://experienceleague.adobe.com/en/docs/experience-platform/data-governance/e2e
# https://experienceleague.adobe.com/en/docs/experience-platform/data-governance/labels/reference
CORE_POLICIES: Final[Mapping[MarketingAction, tuple[Label, ...]]] = {
    "analytics": ("C8",),
    "combine_with_directly_identifiable_data": ("C3",),
    "cross_site_targeting": ("C4", "C5"),
    "data_science": ("C9",),
    "email_targeting": ("C4",),
    "export_to_third_party": ("C1", "C2"),
    "onsite_advertising": ("C4", "C6"),
    "onsite_personalization": ("C4", "C7"),
    "segment_match": ("C11",),
    "single_identity_personalization": ("C10",),
}
NEVER_EXPORTED: Final[Label] = "C12"  # whatever the marketing actions are
_CONSENTS: Final = ("adID", "collect", "marketing", "personalize", "share")  # XDM's


def faults(settings: Destination) -> list[SettingFault]:
    """Return which labels of fields that are sent a policy forbids."""
    sent = _sent(settings)
    return [
        SettingFault(f"labels.{field}", label, expected)
        for field, labels in settings.labels.items()
        if field in sent
        for label in labels
        for expected in _expected(settings, label)
    ]


def doubts(settings: Destination) -> list[SettingDoubt]:
    """Return labels of fields that there are not, and required consents that XDM does not have."""
    known = _sent(settings) | attendee.FIELDS.keys() | settings.mapping.keys()
    found = [
        SettingDoubt(f"labels.{field}", "no such field is sent")
        for field in settings.labels
        if field not in known
    ]
    unknown = [
        path for path in settings.required_consents if path.partition(".")[0] not in _CONSENTS
    ]
    told = f"XDM's consents begin with {', '.join(_CONSENTS)}; who lacks this one is not sent"
    return found + [SettingDoubt("required_consents", f"{path}: {told}") for path in unknown]


def _expected(settings: Destination, label: Label) -> Iterator[str]:
    """Yield what is expected in place of a label of a field that is sent."""
    if label == NEVER_EXPORTED:
        yield "a field that is not sent: Adobe's core policy forbids to export such data in any way"
    for action in dict.fromkeys(settings.marketing_actions):
        policy = (
            "this destination's policy" if action in settings.policies else "Adobe's core policy"
        )
        if label in settings.policies.get(action, CORE_POLICIES[action]):
            yield (
                f"a field that is not sent, or no {action} among marketing_actions: "
                f"{policy} for it forbids this label"
            )


def _sent(settings: Destination) -> set[str]:
    """Return the fields that the destination sends, as far as there is something to send."""
    omitted = {name for name, rule in settings.mapping.items() if rule.write == "omit"}
    sent = (attendee.FIELDS.keys() | settings.mapping.keys()) - omitted
    if settings.hashes.only == "send":
        sent.add(settings.hashes.field)
    return sent | settings.exits.fields.keys()
