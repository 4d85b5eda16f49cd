"""RainFocus's public status page, where it can be reached.

That there is one is seen (https://status.rainfocus.com, with components Admin, Events, Leads and
Workflow); that it answers as pages of Atlassian Statuspage do is unverified:
https://developer.statuspage.io (`/api/v2/status.json`).
"""

import json
from typing import Final

import requests

from attendee_sync.http_client import UNUSABLE, is_success, receive
from attendee_sync_cli import console

URL: Final = "https://status.rainfocus.com"
_PATH: Final = "/api/v2/status.json"
_TIMEOUTS: Final = (2.0, 2.0)  # seconds to connect, and to read
_LONGEST: Final = 100  # characters of what it says


def said(http: requests.Session, url: str) -> str:
    """Return what the page says in a few words, or that it can't be read. Raises nothing."""
    try:
        with http.get(
            url.rstrip("/") + _PATH, timeout=_TIMEOUTS, allow_redirects=False, stream=True
        ) as response:
            answer = receive(response)
    except (requests.RequestException, *UNUSABLE):
        return "can't be reached"
    try:
        words = json.loads(answer.body)["status"]["description"]
    except (ValueError, KeyError, TypeError, RecursionError):
        words = None
    if not is_success(answer.status) or not isinstance(words, str) or not words.strip():
        return "can't be read"
    return f'says "{console.plain(words)[:_LONGEST]}"'
