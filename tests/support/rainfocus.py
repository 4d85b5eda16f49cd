"""A RainFocus for the doctor, which answers without a socket."""

from urllib.parse import parse_qsl, quote_plus

from attendee_sync_cli.doctor import status_page
from tests.support import fakes
from tests.support.stack import TOKEN_URL


class RainFocus:
    """Grants tokens, and knows the events it is told."""

    def __init__(self) -> None:
        self.events = {"summit2027"}
        self.denies_store = False
        self.wants = "body"  # the kind of body
        self.page = fakes.Reply(200, b'{"status": {"description": "All fine"}}')
        self.attendee: dict[str, str] = {}
        self.http = fakes.Http(self.reply)

    def reply(self, call: fakes.Call) -> fakes.Reply:  # noqa: PLR0911 - one a call
        if call.url == TOKEN_URL:
            return fakes.Reply(200, b'{"access_token": "new-client-secret", "expires_in": 3600}')
        if call.url.startswith(status_page.URL):
            return self.page
        if "attendee/store" in call.url:
            if self.denies_store:
                return fakes.envelope("124", "Access to API endpoint attendee/store denied.")
            if self.wants == "form" and call.body.startswith("{"):
                return fakes.envelope("9", "A form is expected")
            self.attendee = dict(parse_qsl(call.body)) if self.wants == "form" else call.json
            return fakes.stored()
        if self.attendee and quote_plus(self.attendee["email"]) in call.url:
            return fakes.envelope(attendee=self.attendee)
        if any(f"event={event}&" in call.url for event in self.events):
            return fakes.envelope("8", "No such attendee")
        return fakes.envelope("9", "No such event")
