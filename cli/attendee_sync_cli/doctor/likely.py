"""Which setting a refusal is most likely about, where no change that was tried helps."""

from attendee_sync.rainfocus.access_token import TokenFault
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import known_words
from attendee_sync_cli.doctor import answers, field_names, hints
from attendee_sync_cli.doctor.answers import Seen, Stage
from attendee_sync_cli.doctor.report import Case, Check

CREDENTIALS = "credentials"
ATTENDEE_STORE = "Attendee Store"  # no setting of ours: a switch of RainFocus's API profile
EVENT_CODE = "destination.event_code"
TOKEN_URL = "auth.token_url"  # noqa: S105
_API_SECTIONS = frozenset({"version", "path", "org_id", "base_url", "environment", "call"})
_CHECKS = {
    Stage.TOKEN: Check.TOKEN,
    Stage.PATH: Check.API,
    Stage.ACCESS: Check.API_PROFILE,
    Stage.ENDPOINT: Check.ATTENDEE_STORE,
}


def base_setting(connection: Connection) -> str:
    """Return the setting that says where the API is."""
    return "base_url" if connection.base_url else "environment"


def check_of(seen: Seen, setting: str) -> Check:
    """Return the step that fails by a refusal which a setting is about."""
    if seen.fault is TokenFault.TOKEN_URL and setting == TOKEN_URL:
        return Check.TOKEN_ENDPOINT
    if seen.stage in _CHECKS:
        return _CHECKS[seen.stage]
    section = setting.partition(".")[0]
    if section in _API_SECTIONS:
        return Check.API
    if section in ("auth", "api_profile"):
        return Check.API_PROFILE
    return Check.EVENT_CODE if setting in ("event.key", EVENT_CODE) else Check.TEST_ATTENDEE


def setting(case: Case, connection: Connection, seen: Seen) -> tuple[str, str]:
    """Return the setting, and why it, as far as there is more to say."""
    match seen.stage:
        case Stage.TOKEN:
            return _of_token(seen), ""
        case Stage.PATH:
            base = base_setting(connection)
            likely = "org_id" if seen.status == answers.NOT_FOUND else base
            return likely, f"not RainFocus's API. org_id, {base} or path may be wrong"
        case Stage.ACCESS:
            return _of_access(case, connection, seen)
        case Stage.ENDPOINT:
            return ATTENDEE_STORE, "Enable Attendee Store in the API profile, in RainFocus"
        case Stage.UNREAD:
            return "answers.success", _of_unread(seen)
    return _of_content(connection, seen.said), ""


def _of_unread(seen: Seen) -> str:
    if seen.is_shown:
        return "it was stored, as a read shows, but no answer tells that from a refusal"
    return "it looks like a success, but calls that must fail do, too"


def _of_token(seen: Seen) -> str:
    if seen.fault is TokenFault.CREDENTIALS:
        return CREDENTIALS
    if seen.fault is TokenFault.TOKEN_URL:
        return TOKEN_URL
    return "auth.scope" if "scope" in f"{seen.words} {seen.said}" else "auth.parameters"


def _of_access(case: Case, connection: Connection, seen: Seen) -> tuple[str, str]:
    if seen.status == answers.FORBIDDEN:
        return base_setting(connection), "RainFocus may not let this machine's address in"
    if seen.status == answers.UNAUTHORIZED and connection.auth.kind == "oauth":
        return TOKEN_URL, "the token may be one of another environment"
    if seen.status == answers.UNAUTHORIZED:
        return "auth.kind", "an OAuth token may be wanted"
    if seen.code == answers.PARAMETER_MISSING:
        return "api_profile.name", "no place or name that was tried is accepted"
    has_token = bool(case.credentials.profile_token)
    if connection.api_profile.value == "client_id" and not has_token:
        return "api_profile.value", "a profile token may be wanted, but none is stored"
    return CREDENTIALS, "they may be those of another API profile"


def _of_content(connection: Connection, message: str) -> str:
    """Return the setting that a refusal of a call's content seems to be about, or nothing."""
    fields = field_names.named(connection, message)
    lower = message.lower()
    if fields:
        return f"fields.names.{fields[0]}"
    if "event" in lower:
        return EVENT_CODE
    if "body" in lower or "json" in lower or "format" in lower:
        return "body.wrapped_under" if connection.body.kind == "wrapped" else "body.kind"
    if lower == "success":
        return "answers.success_codes"
    if hints.missing_parameter(message):
        return "fields.match_key"
    return known_words.setting_in(message)
